#!/usr/bin/env bash
# A sweep as a Slurm array, and a job that merges it when all tasks are done:
#
#   docs/sweeps/slurm.sh OUT SHARDS SCENARIO --vary PATH=VALUES...
#
# OUT must be on a file system that all nodes share. Tasks are numbered from 0, as --shard auto/N wants it. Some task failed: run the
# same command again (finished cells are kept), or only that task: sbatch --array=7 with the line that this prints. Without all of the
# tasks the merge is given up. Arguments of sbatch (a partition, --wait): SBATCH_... variables, see its manual.
set -euo pipefail
out="$1" shards="$2"
shift 2
evenkeel="${EVENKEEL:-evenkeel}"
mkdir -p "$out"
work="$evenkeel sweep $(printf '%q ' "$@") --threads 1 --quiet --shard auto/$shards --out $(printf '%q' "$out/all")"
echo "sbatch --array=N --wrap '$work'"
array="$(sbatch --parsable --array="0-$((shards - 1))" --output="$out/%A_%a.log" --wrap "$work")"
# All shards write into one folder: a cell is a file of its own.
sbatch --dependency="afterok:$array" --kill-on-invalid-dep=yes --output="$out/merge.log" --wrap \
    "$evenkeel merge $(printf '%q' "$out/all") --out $(printf '%q' "$out/merged")"
