#!/bin/sh
# Runs tests under cargo-nextest where it is installed, else under cargo test.
#   scripts/cargo-test.sh --workspace
set -eu
cd "$(dirname "$0")/.."
# Property tests try the same cases each time, so that a change is judged by itself. New cases are looked for where
# there is time: PROPTEST_RNG_SEED=$RANDOM, or `make fuzz`.
export PROPTEST_RNG_SEED="${PROPTEST_RNG_SEED:-20261123}"
if cargo nextest --version >/dev/null 2>&1; then
    exec cargo nextest run "$@"
fi
exec cargo test --no-fail-fast --all-targets "$@"
