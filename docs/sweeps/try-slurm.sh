#!/usr/bin/env bash
# slurm.sh for real: a Slurm of one node in a temporary folder, a sweep as an array of seven tasks, of which one is killed in its
# midst, and the same command again; the merged result has the bytes of one machine. Needs root, Slurm and munge (Debian: slurmctld,
# slurmd, slurm-client, munge) and evenkeel, or its path in EVENKEEL.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
real="$(realpath "$(command -v "${EVENKEEL:-evenkeel}")")"
desk="$(mktemp -d)"
trap 'kill $(cat "$desk"/*.pid 2> /dev/null) 2> /dev/null; sleep 1; rm -rf "$desk"' EXIT
cd "$desk"

# Slurm: what a cluster has already.
mkdir -m 700 munge state spool
head -c 1024 /dev/urandom > munge.key
chmod 400 munge.key
munged --key-file="$desk/munge.key" --socket="$desk/munge/socket" --pid-file="$desk/munged.pid" --log-file="$desk/munge/log" \
    --seed-file="$desk/munge/seed" --force
node="$(hostname -s)"
cat > slurm.conf << CONF
ClusterName=desk
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
AuthInfo=socket=$desk/munge/socket
StateSaveLocation=$desk/state
SlurmdSpoolDir=$desk/spool
SlurmctldPidFile=$desk/slurmctld.pid
SlurmdPidFile=$desk/slurmd.pid
SlurmctldLogFile=$desk/slurmctld.log
SlurmdLogFile=$desk/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,bf_interval=1
NodeName=$node NodeAddr=127.0.0.1 CPUs=$(nproc)
PartitionName=all Nodes=$node Default=YES
CONF
export SLURM_CONF="$desk/slurm.conf"
slurmctld
slurmd
until sinfo --noheader --states=idle 2> /dev/null | grep -q idle; do sleep 0.2; done

cat > scenario.yaml << SCENARIO
name: small
duration: 60s
servers: [{ name: s, replicas: 3 }]
clients: [{ name: c, replicas: 4, load: { open: { rate: 100 } } }]
SCENARIO
sweep=(scenario.yaml --vary servers.0.replicas=2..11:10 --vary clients.0.replicas=2,4,8 --runs 40)

# The third task, which has every seventh cell from 2 on, kills itself with SIGKILL when it has finished two cells; once.
cat > flaky << SCRIPT
#!/usr/bin/env bash
if [ "\$1" = sweep ] && [ "\${SLURM_ARRAY_TASK_ID:-}" = 2 ] && [ ! -e killed ]; then
    touch killed
    "$real" "\$@" & pid=\$!
    while [ ! -e parts/all/cells/000009.json ] && kill -0 \$pid; do sleep 0.001; done
    kill -KILL \$pid
    wait \$pid
    exit
fi
exec "$real" "\$@"
SCRIPT
chmod +x flaky
"$real" sweep "${sweep[@]}" --quiet --out whole

until_done() { while [ -n "$(squeue --noheader)" ]; do sleep 0.5; done; }
EVENKEEL="$desk/flaky" "$here/slurm.sh" "$desk/parts" 7 "${sweep[@]}"
until_done
if [ -e parts/merged ]; then
    echo "a task was to fail, and the merge with it" >&2
    exit 1
fi
echo "one task was killed: $(ls parts/all/cells | grep -c '^0') cells are done; once more:"
EVENKEEL="$desk/flaky" "$here/slurm.sh" "$desk/parts" 7 "${sweep[@]}"
until_done
rm -r whole/cells
diff -r whole parts/merged
echo "the same bytes: $(cd whole && sha256sum sweep_runs.csv)"
