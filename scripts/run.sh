#!/bin/sh
# Builds and starts Hearth: in a window where there is a display, else as a server for browsers.
# Arguments go to the program.
set -eu
cd "$(dirname "$0")/.."
if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    scripts/setup.sh desktop
    program="-p hearth-desktop --bin hearth-desktop"
else
    scripts/setup.sh hub
    program="-p hub --bin hearth"
    set -- serve "$@"
    echo "There is no display, so Hearth runs as a server."
fi
# The development profile: the first build is many times quicker, and what must be quick is optimised in it.
[ -e target/debug ] || echo "Building Hearth. The first time takes some minutes (about 6 on two cores); later, seconds."
# shellcheck disable=SC2086 # several arguments
cargo build $program
# shellcheck disable=SC2086
exec cargo run --quiet $program -- "$@"
