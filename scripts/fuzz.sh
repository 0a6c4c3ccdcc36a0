#!/bin/sh
# Runs the fuzz targets: each for a minute, or one for so many seconds.
#   scripts/fuzz.sh [packet_guard|conversation|announcement|template|profile [SECONDS]]
# What it finds is written to fuzz/artifacts/TARGET/, what it learns to fuzz/corpus/TARGET/; a find becomes a seed
# in fuzz/seeds/TARGET/, where `make test` replays it.
set -eu
cd "$(dirname "$0")/../fuzz"

main() {
    case "${1:-}" in
    "") for target in packet_guard conversation announcement template profile; do run "$target" 60; done ;;
    packet_guard | conversation | announcement | template | profile) run "$1" "${2:-60}" ;;
    *) sed -n '3s/^# *//p' "../scripts/fuzz.sh" >&2; exit 2 ;;
    esac
}

# The bytes are looked at with the address and leak sanitizers. The others, where nothing is unsafe and the target
# itself looks for what is left over, run three times as often without.
run() {
    case "$1" in
    packet_guard) sanitizer=address; options="-dict=mqtt.dict -max_len=4096 -detect_leaks=1" ;;
    conversation) sanitizer=none; options="-max_len=600" ;;
    announcement) sanitizer=none; options="-dict=announcement.dict -max_len=4096" ;;
    template) sanitizer=none; options="-dict=template.dict -max_len=1024" ;;
    profile) sanitizer=none; options="-dict=profile.dict -max_len=4096" ;;
    esac
    mkdir -p "corpus/$1"
    echo "Fuzzing $1 for $2 s."
    # shellcheck disable=SC2086 # a list of options
    cargo +nightly fuzz run --sanitizer "$sanitizer" "$1" "corpus/$1" "seeds/$1" -- \
        -max_total_time="$2" -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 $options
}

main "$@"
