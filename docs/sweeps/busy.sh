#!/usr/bin/env bash
# Does a sweep keep all cores busy? CELLS cells (600) of about 0.1 s each; fails if the cores were idle for a tenth of the time or more.
# What else runs on the machine counts as busy, too: measure alone. Linux. Needs evenkeel, or its path in EVENKEEL.
set -euo pipefail
real="$(realpath "$(command -v "${EVENKEEL:-evenkeel}")")"
cells="${1:-600}"
desk="$(mktemp -d)"
trap 'rm -rf "$desk"' EXIT
cd "$desk"
cat > scenario.yaml << SCENARIO
name: cells
duration: 2m
servers: [{ name: s, replicas: 10, grpc: { max_connection_age: 1m } }]
clients: [{ name: c, replicas: 40, load: { open: { rate: 5000 } } }]
SCENARIO
# Jiffies of all cores since the start of the machine, and those of them in which they were idle or waited for a disk.
jiffies() { awk '$1 == "cpu" { for (i = 2; i <= 9; i++) all += $i; print all, $5 + $6 }' /proc/stat; }
read -r all idle <<< "$(jiffies)"
TIMEFORMAT='%R %U %S'
{ time "$real" sweep scenario.yaml --quiet --no-png --runs 1 --out sweep \
    --vary servers.0.grpc.max_connection_age=10s..1m:20 --vary "clients.0.replicas=21..$((20 + cells / 20)):$((cells / 20))"; } 2> time
read -r all_after idle_after <<< "$(jiffies)"
tail -1 time | awk -v cells="$(ls sweep/cells | grep -c '^0')" -v cores="$(nproc)" -v idle="$((idle_after - idle))" -v all="$((all_after - all))" '{
    printf "%d cells: %.1f s of CPU time in %.1f s on %d cores; the sweep used %.1f %% of them, %.1f %% were idle\n",
        cells, $2 + $3, $1, cores, 100 * ($2 + $3) / ($1 * cores), 100 * idle / all
    exit idle >= all / 10
}'
