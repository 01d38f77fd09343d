#!/usr/bin/env bash
# What a real Prometheus makes of metrics.om and of examples/observability: its own answers beside summary.json, the alerts' unit tests, and the
# table of docs/observability.md. Takes Prometheus from the path, or else Debian's package, which it unpacks and does not install.
# Without either it says so and does nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."

out="$(mktemp -d)"
trap 'rm -rf "$out"' EXIT
if command -v prometheus > /dev/null && command -v promtool > /dev/null; then
    EVENKEEL_PROMETHEUS="$(dirname "$(command -v prometheus)")"
else
    command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null || { echo "skipped: no prometheus, and no apt-get"; exit 0; }
    apt-get update -qq > /dev/null 2>&1 || true
    # The user that apt-get downloads as must be able to write there.
    chmod 777 "$out"
    (cd "$out" && timeout 120 apt-get download -qq prometheus > /dev/null 2>&1 && dpkg-deb -x prometheus_*.deb .) || {
        echo "skipped: no prometheus, and apt-get cannot download it"
        exit 0
    }
    EVENKEEL_PROMETHEUS="$out/usr/bin"
fi
export EVENKEEL_PROMETHEUS
cargo test --quiet --locked --test prometheus -- --ignored
