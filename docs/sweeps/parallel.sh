#!/usr/bin/env bash
# A sweep in shards under GNU parallel, on this machine. On several, with a shared folder: PARALLEL='--sshlogin a,b --workdir .'
#
#   docs/sweeps/parallel.sh OUT SHARDS SCENARIO --vary PATH=VALUES...
#
# Some shard failed: run the same command again. Only shards that failed or have not run are run, and those keep their finished cells.
set -euo pipefail
export PARALLEL_SHELL=/bin/bash
out="$1" shards="$2"
shift 2
mkdir -p "$out"
# One thread each: the shards share the cores. `@@` is the number of the shard, since values may have braces.
shard="$(printf '%q ' "${EVENKEEL:-evenkeel}" sweep "$@" --threads 1 --quiet) --shard @@/$shards --out $(printf '%q' "$out")/shard-@@"
seq "$shards" | parallel -I @@ --joblog "$out/joblog" --resume-failed "$shard"
"${EVENKEEL:-evenkeel}" merge "$out"/shard-* --out "$out/merged"
