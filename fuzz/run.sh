#!/usr/bin/env bash
# fuzz/run.sh TARGET SECONDS [libFuzzer's options]: coverage-guided fuzzing on stable Rust; needs a C++ compiler.
#
# Targets: scenario, expression, properties, sweep, result, rules (fuzz/entry.rs). The corpus in git is read and not written to: new
# inputs go to fuzz/found/TARGET/corpus, inputs that break something or take more than 5 s to fuzz/found/TARGET.
# fuzz/run.sh TARGET minimise writes the smallest corpus of the same coverage to fuzz/corpus/TARGET.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
target=$1 seconds=$2
shift 2

# What cargo-fuzz passes on nightly: counters in each basic block, and their places, and comparisons as hints.
flags="--cfg fuzzing -Cpasses=sancov-module -Ccodegen-units=1 -Cllvm-args=-sanitizer-coverage-level=4"
flags="$flags -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
flags="$flags -Cllvm-args=-sanitizer-coverage-trace-compares"
triple="$(rustc -vV | sed -n 's/^host: //p')"
build=(cargo build --quiet --manifest-path "$here/Cargo.toml" --target-dir "${EVENKEEL_FUZZ_BUILD:-$here/target}" --target "$triple")
RUSTFLAGS="$flags" "${build[@]}"
program="${EVENKEEL_FUZZ_BUILD:-$here/target}/$triple/debug/target"

export EVENKEEL_FUZZ_TARGET=$target
found="$here/found/$target"
mkdir -p "$found/corpus"
if [ "$seconds" = minimise ]; then
    small="$(mktemp -d)"
    "$program" -merge=1 -max_len=65536 "$small" "$here/corpus/$target" "$found/corpus"
    rm -r "$here/corpus/$target"
    mv "$small" "$here/corpus/$target"
    chmod 755 "$here/corpus/$target"
    exit
fi
"$program" "$found/corpus" "$here/corpus/$target" -artifact_prefix="$found/" -max_total_time="$seconds" -max_len=65536 \
    -timeout=10 -report_slow_units=5 -rss_limit_mb=2048 -malloc_limit_mb=512 -print_final_stats=1 "$@"
