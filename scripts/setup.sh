#!/bin/sh
# Makes sure a Debian or Ubuntu machine has what a verb of the Makefile needs; says what is missing and why
# before it installs it. Running it again does nothing.
#
#   scripts/setup.sh make      make itself, for systems that come without it
#   scripts/setup.sh hub       compiler for the hub and the `hearth` command
#   scripts/setup.sh desktop   the hub's, and the headers of the window
#   scripts/setup.sh test      the desktop's, and what the end-to-end tests drive
#   scripts/setup.sh bench     the hub's, and the broker to compare with
#   scripts/setup.sh nextest   the test runner, built from the registry
#   scripts/setup.sh fuzz      a nightly Rust and cargo-fuzz, built from the registry
#   scripts/setup.sh ui        Node's packages for the UI
#   scripts/setup.sh e2e       Node's packages for the end-to-end tests
set -eu
cd "$(dirname "$0")/.."

main() {
    case "${1:-}" in
    make) command -v make >/dev/null || needs "make:runs_the_verbs_of_the_Makefile" ;;
    hub) needs_rust; needs $HUB ;;
    desktop) needs_rust; needs $HUB $DESKTOP ;;
    test) needs_rust; needs_rustfmt; needs_node; needs $HUB $DESKTOP $TEST $(browser) ;;
    nextest) nextest ;;
    fuzz) needs_rust; needs $HUB; fuzz ;;
    bench) needs_rust; needs $HUB "mosquitto:the_broker_to_compare_with;_its_package_also_starts_it_on_port_1883" ;;
    ui) needs_node; node_packages ui ;;
    e2e) needs_node; node_packages e2e ;;
    *) sed -n '5,14s/^# *//p' "$0" >&2; exit 2 ;;
    esac
}

# package:why
HUB="build-essential:compiles_SQLite_and_links"
DESKTOP="pkg-config:finds_the_libraries_below
libwebkit2gtk-4.1-dev:the_window
libayatana-appindicator3-dev:the_icon_in_the_tray
librsvg2-dev:pictures_in_the_window"
TEST="webkit2gtk-driver:drives_the_real_window
xvfb:a_display_for_it
dbus-daemon:a_session_bus_for_it
fonts-dejavu-core:letters_for_it
mosquitto-clients:an_MQTT_client_that_is_not_ours
python3-paho-mqtt:another
iproute2:networks_of_their_own_for_some_tests
nftables:a_firewall_in_one_of_them
python3-zeroconf:looks_for_the_broker_as_a_board_would"

# Ubuntu's `chromium` package only installs a snap, which cannot be driven from a temporary folder. There the
# browser tests use any Chrome or Chromium they find, and say so when there is none.
browser() {
    for program in chromium google-chrome google-chrome-stable; do
        if command -v "$program" >/dev/null; then return; fi
    done
    if [ "$(. /etc/os-release 2>/dev/null; echo "${ID:-}")" = debian ]; then echo "chromium:the_browser_of_the_tests"; fi
}

needs() {
    missing=""
    for package in "$@"; do
        installed "${package%%:*}" || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    names="" explained=""
    for package in $missing; do
        names="$names ${package%%:*}"
        explained="$explained
  $(printf '%-30s' "${package%%:*}") $(echo "${package#*:}" | tr _ ' ')"
    done
    echo "Hearth needs some packages of your system:$explained"
    install="apt-get install -y --no-install-recommends$names"
    if ! command -v apt-get >/dev/null; then
        echo "This is neither Debian nor Ubuntu. Install what these packages hold, then try again. There it is:"
        echo "  $install"
        exit 1
    fi
    sudo=""
    if [ "$(id -u)" != 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "You are not root and there is no sudo. As root, run:"
            echo "  apt-get update && $install"
            exit 1
        fi
        sudo=sudo
    fi
    echo "Installing them: $install"
    $sudo apt-get update -qq
    # shellcheck disable=SC2086 # a list of names
    DEBIAN_FRONTEND=noninteractive $sudo $install >/dev/null
}

installed() {
    if command -v dpkg-query >/dev/null; then
        dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q "ok installed"
        return
    fi
    # Another system: whatever its packages are called, these show that the thing is there.
    case "$1" in
    build-essential) command -v cc >/dev/null ;;
    pkg-config) command -v pkg-config >/dev/null ;;
    libwebkit2gtk-4.1-dev) pkg-config --exists webkit2gtk-4.1 ;;
    libayatana-appindicator3-dev) pkg-config --exists ayatana-appindicator3-0.1 ;;
    librsvg2-dev) pkg-config --exists librsvg-2.0 ;;
    webkit2gtk-driver) command -v WebKitWebDriver >/dev/null ;;
    xvfb) command -v Xvfb >/dev/null ;;
    dbus-daemon) command -v dbus-run-session >/dev/null ;;
    mosquitto-clients) command -v mosquitto_pub >/dev/null ;;
    python3-paho-mqtt) /usr/bin/python3 -c "import paho.mqtt.client" 2>/dev/null ;;
    iproute2) command -v ip >/dev/null ;;
    nftables) PATH="$PATH:/usr/sbin:/sbin" command -v nft >/dev/null ;;
    python3-zeroconf) /usr/bin/python3 -c "import zeroconf" 2>/dev/null ;;
    *) return 0 ;;
    esac
}

needs_rust() {
    if ! command -v cargo >/dev/null; then
        echo "Hearth is built with Rust, and there is no cargo. Install it from https://rustup.rs, then try again."
        exit 1
    fi
}

# A minimal Rust, as in many images, comes without it.
needs_rustfmt() {
    if cargo fmt --version >/dev/null 2>&1; then return; fi
    echo "Adding rustfmt to your Rust: make test checks the formatting."
    if ! rustup component add rustfmt; then
        echo "It could not be added. Install rustfmt, then try again."
        exit 1
    fi
}

# Vite 8 wants ^20.19 or >=22.12; Debian 12's own Node is 18.
needs_node() {
    if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
        echo "Hearth's UI is built with Node, and there is no npm. Install Node 20.19 or newer, then try again."
        exit 1
    fi
    version=$(node -p process.versions.node)
    minor=${version#*.}
    case "${version%%.*}" in
    20) new_enough=$((${minor%%.*} >= 19)) ;;
    22) new_enough=$((${minor%%.*} >= 12)) ;;
    *) new_enough=$((${version%%.*} > 22)) ;;
    esac
    if [ "$new_enough" = 0 ]; then
        echo "Hearth's UI is built with Node, and this one is $version. Install Node 20.19, 22.12 or newer from"
        echo "https://nodejs.org, then try again."
        exit 1
    fi
}

# Without it the tests run under `cargo test`: slower, and with plainer output.
nextest() {
    if cargo nextest --version >/dev/null 2>&1; then return; fi
    echo "Building cargo-nextest, which runs the tests; this once, for some minutes."
    # Without the optimiser and its own updater it is built much sooner, and runs the tests as quickly.
    CARGO_PROFILE_DEV_DEBUG=0 cargo install --locked --quiet --debug --no-default-features \
        --features default-no-update cargo-nextest ||
        echo "It could not be built; cargo test runs them instead."
}

# libFuzzer's instrumentation is still behind nightly's flags.
fuzz() {
    if ! cargo +nightly --version >/dev/null 2>&1; then
        echo "Adding a nightly Rust: libFuzzer wants its flags. What is built for use stays on stable."
        if ! rustup toolchain install nightly --profile minimal; then
            echo "It could not be added. Run: rustup toolchain install nightly"
            exit 1
        fi
    fi
    if cargo fuzz --version >/dev/null 2>&1; then return; fi
    echo "Building cargo-fuzz, which runs the fuzz targets; this once, for a minute."
    cargo install --locked --quiet cargo-fuzz
}

node_packages() {
    if [ "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ]; then return; fi
    echo "Installing Node's packages for $1/"
    (cd "$1" && npm ci --no-audit --no-fund --loglevel=error)
    touch "$1/node_modules/.package-lock.json"
}

main "$@"
