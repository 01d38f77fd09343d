#!/usr/bin/env bash
# Runs all shipped scenarios in WebAssembly, in node, and compares their digests with the native ones (tests/golden/digests.txt).
# Needs node and rustup. Without them, or without the target, it says so and does nothing.
set -euo pipefail
cd "$(dirname "$0")"
target=wasm32-unknown-unknown
command -v node > /dev/null || { echo "skipped: no node"; exit 0; }
rustup target add "$target" 2> /dev/null || { echo "skipped: rustup cannot add $target"; exit 0; }
# The dependencies of the project, in its versions.
cp ../../Cargo.lock .
cargo build --quiet --release --target "$target"
node run.mjs "target/$target/release/evenkeel_wasm_digests.wasm" ../golden/digests.txt
