#!/bin/sh
# Runs Eclipse Paho's interoperability suites, unmodified, against a fresh gate each, prints every test and fails
# below the bar. The suites are not part of this repository:
#   git clone https://github.com/eclipse-paho/paho.mqtt.testing
#   make test-paho PAHO=paho.mqtt.testing
set -eu

if [ $# -ne 1 ] || [ ! -f "$1/interoperability/client_test5.py" ]; then
    echo "Name the folder of the suites: make test-paho PAHO=DIR, with DIR a clone of" >&2
    echo "https://github.com/eclipse-paho/paho.mqtt.testing" >&2
    exit 2
fi
suites=$(cd "$1/interoperability" && pwd)
gate="${CARGO_TARGET_DIR:-target}/debug/examples/gate"
cargo build --quiet -p broker --example gate

work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT INT TERM

# The 3.1.1 suite hands its own option -p on to unittest, which does not know it: run as they are, both suites only
# find a broker on port 1883. So unittest is told to look at nothing behind the name.
run='
import runpy, sys, unittest
main = unittest.main
unittest.main = lambda: main(argv=sys.argv[:1], verbosity=2)
runpy.run_path(sys.argv[0], run_name="__main__")
'

# suite FILE LEAST: the suite passes when at least LEAST of its tests do.
suite() {
    : > "$work/gate"
    "$gate" 127.0.0.1:0 --config crates/broker/tests/paho/gate.toml > "$work/gate" &
    pid=$!
    tries=0
    until port=$(sed -n 's/^ready mqtt=.*://p' "$work/gate") && [ -n "$port" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || { echo "The gate did not start." >&2; exit 1; }
        sleep 0.1
    done
    (cd "$suites" && PYTHONPATH=. timeout 600 python3 -c "import sys; sys.argv = sys.argv[1:]; $run" "$1" -p "$port") > "$work/out" 2>&1 || true
    kill "$pid"
    pid=
    all=0 passed=0
    echo "$1"
    for test in $(sed -n 's/^ *def \(test[A-Za-z0-9_]*\)(self.*/\1/p' "$suites/$1"); do
        all=$((all + 1))
        if ! grep -q '^Ran ' "$work/out" || grep -qE "^(FAIL|ERROR): $test " "$work/out"; then
            echo "  FAILED  $test"
        else
            passed=$((passed + 1))
            echo "  passed  $test"
        fi
    done
    echo "  $passed of $all passed; $2 are the bar"
    if [ "$passed" -lt "$2" ]; then
        cat "$work/out"
        failed=1
    fi
}

failed=0
suite client_test.py 10
suite client_test5.py 26
exit "$failed"
