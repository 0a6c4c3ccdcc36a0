# Hearth's verbs. Each works alone in a fresh clone on Debian 12 or Ubuntu 24.04 that has git, Rust and Node:
# it installs what is missing, after saying what and why. (No make? scripts/setup.sh make.)
.DEFAULT_GOAL := help
SETUP := scripts/setup.sh

help: ## lists the verbs
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

run: ui ## starts Hearth: in a window where there is a display, else as a server (ARGS="--data-dir DIR")
	@scripts/run.sh $(ARGS)

demo: ui ## runs a server with a living demo home (ARGS="--data-dir DIR")
	@$(SETUP) hub
	cargo run -p hub -- demo $(ARGS)

test: test-rust test-ui test-e2e ## everything that must hold before a change lands

test-rust: ui ## rules, wire dialogues and capabilities, of every crate
	@$(SETUP) test
	@$(SETUP) nextest
	cargo fmt --all --check
	@# One build with one set of features for programs and tests, so that nothing is compiled twice.
	cargo build --workspace --all-targets
	@scripts/cargo-test.sh --workspace

test-ui: ui ## types, lints and tests of the UI
	cd ui && npm run --silent check && npm run --silent lint && npm run --silent test

test-e2e: ui ## one story over real processes: in a browser, and in the real window
	@$(SETUP) test
	@$(SETUP) e2e
	cargo build --workspace --all-targets
	cd e2e && npm test --silent

lint: ui ## formatting, clippy without a warning, the UI's checks, licences and advisories
	@$(SETUP) desktop
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cd ui && npm run --silent check && npm run --silent lint
	@scripts/licences.sh

bench: ## how many messages it carries, and how soon they arrive, against mosquitto in turns
	@$(SETUP) bench
	cargo build --release -p hub -p testkit --bins
	target/release/bench $(ARGS)

chaos: ## a hub killed again and again among clients of every kind; what must arrive arrives (ARGS="--minutes 60")
	@$(SETUP) hub
	cargo build --release -p hub -p testkit --bins
	target/release/chaos $(ARGS)

test-load: ## the load generator counts rightly: against mosquitto
	@$(SETUP) bench
	cargo test -p testkit --features mosquitto --test load

test-paho: ## Eclipse Paho's interoperability suites against the broker (PAHO=DIR, a clone of eclipse-paho/paho.mqtt.testing)
	@$(SETUP) test
	@scripts/test-paho.sh "$(PAHO)"

fuzz: ## fuzzes the broker's packets and conversations, announcements, templates and profiles, a minute each (ARGS="conversation 1800" for one and longer)
	@$(SETUP) fuzz
	@scripts/fuzz.sh $(ARGS)

api: ## writes the API's documents, its TypeScript types and the schema of the profiles anew
	HEARTH_WRITE_API=1 cargo test -p hub documents
	HEARTH_WRITE_API=1 cargo test -p devices schema

screenshots: ui ## pictures of every place, light and dark, for the README
	@$(SETUP) test
	@$(SETUP) e2e
	cargo build -p hub --bin hearth
	cd e2e && node screenshots.mjs

package: ui ## a .deb and an .rpm
	@$(SETUP) desktop
	@$(SETUP) e2e
	e2e/node_modules/.bin/tauri build --ci
	@ls -1 $${CARGO_TARGET_DIR:-target}/release/bundle/*/*.deb $${CARGO_TARGET_DIR:-target}/release/bundle/*/*.rpm

clean: ## removes everything that was built
	cargo clean
	rm -rf ui/dist ui/node_modules e2e/node_modules

# The UI: built when one of its sources is newer than the last build.
ui: target/ui.built

target/ui.built: $(shell find ui/src ui/public ui/*.* -type f 2>/dev/null) $(if $(wildcard ui/dist/assets),,unbuilt)
	@$(SETUP) ui
	cd ui && npm run --silent build
	@mkdir -p target && touch $@

unbuilt:

.NOTPARALLEL:
.PHONY: help run demo test test-rust test-ui test-e2e test-load test-paho lint fuzz bench chaos api screenshots package clean ui unbuilt
