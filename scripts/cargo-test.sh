#!/bin/sh
# Runs tests under cargo-nextest where it is installed, else under cargo test.
#   scripts/cargo-test.sh --workspace
set -eu
cd "$(dirname "$0")/.."
if cargo nextest --version >/dev/null 2>&1; then
    exec cargo nextest run "$@"
fi
exec cargo test --no-fail-fast --all-targets "$@"
