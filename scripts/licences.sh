#!/bin/sh
# Holds what Hearth is built from against deny.toml: licences, banned crates, sources, known vulnerabilities.
set -eu
cd "$(dirname "$0")/.."
if ! cargo deny --version >/dev/null 2>&1; then
    echo "cargo-deny is not installed, so licences and advisories were not checked: cargo install --locked cargo-deny"
    exit 0
fi
cargo deny check licenses bans sources
if cargo deny fetch db 2>/dev/null; then
    cargo deny check advisories
else
    echo "The advisory database cannot be reached, so advisories were not checked."
fi
