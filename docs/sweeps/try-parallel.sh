#!/usr/bin/env bash
# parallel.sh for real: a sweep in seven shards, of which one is killed in its midst; run again, it has the bytes of one machine.
# Needs GNU parallel (Debian: parallel) and evenkeel, or its path in EVENKEEL.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
real="$(command -v "${EVENKEEL:-evenkeel}")"
desk="$(mktemp -d)"
trap 'rm -rf "$desk"' EXIT
cd "$desk"
cat > scenario.yaml << SCENARIO
name: small
duration: 60s
servers: [{ name: s, replicas: 3 }]
clients: [{ name: c, replicas: 4, load: { open: { rate: 100 } } }]
SCENARIO
sweep=(scenario.yaml --vary servers.0.replicas=2..11:10 --vary clients.0.replicas=2,4,8 --runs 40)

# Shard 3 kills itself with SIGKILL when it has finished two cells; once.
cat > flaky << SCRIPT
#!/usr/bin/env bash
case "\$*" in
*"--shard 3/7"*)
    if [ ! -e killed ]; then
        touch killed
        "$real" "\$@" & pid=\$!
        while [ "\$(ls parts/shard-3/cells 2> /dev/null | grep -c '^0')" -lt 2 ] && kill -0 \$pid; do sleep 0.001; done
        kill -KILL \$pid; wait \$pid; exit
    fi ;;
esac
exec "$real" "\$@"
SCRIPT
chmod +x flaky

"$real" sweep "${sweep[@]}" --quiet --out whole
if EVENKEEL="$PWD/flaky" "$here/parallel.sh" parts 7 "${sweep[@]}"; then
    echo "shard 3 was to fail" >&2
    exit 1
fi
kept="$(ls parts/shard-3/cells | grep -c '^0')"
echo "shard 3 was killed with $kept cells; once more:"
EVENKEEL="$PWD/flaky" "$here/parallel.sh" parts 7 "${sweep[@]}" > /dev/null
rm -r whole/cells
diff -r whole parts/merged
echo "the same bytes: $(cd whole && sha256sum sweep_runs.csv)"
