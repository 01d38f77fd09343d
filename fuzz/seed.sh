#!/usr/bin/env bash
# fuzz/seed.sh: adds to fuzz/corpus what the repository and a built evenkeel give: shipped scenarios, files of properties, and
# the folders of small runs and sweeps. Files that are written by hand are in fuzz/corpus/*/hand-*. Run it when a format changes, then
# `fuzz/run.sh TARGET minimise`. EVENKEEL is the program (default: target/debug/evenkeel).
set -euo pipefail
cd "$(dirname "$0")/.."
evenkeel="$(realpath "${EVENKEEL:-target/debug/evenkeel}")"
corpus="$PWD/fuzz/corpus"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
mkdir -p "$corpus"/{scenario,expression,properties,sweep,result,rules}

# Comments are not read: without them inputs are small, and changes hit what is.
plain() { sed -e '/^ *#/d' -e 's/  *# .*$//' "$1"; }
for file in scenarios/*/*.yaml tests/reader/*.yaml tests/golden/much.yaml src/scenario/starter.yaml; do
    plain "$file" > "$corpus/scenario/$(basename "$(dirname "$file")")-$(basename "$file")"
done
for file in properties/*.yaml; do
    plain "$file" > "$corpus/properties/$(basename "$file")"
done
plain examples/observability/alerts.yaml > "$corpus/rules/alerts.yaml"

cat > "$work/small.yaml" <<'SCENARIO'
name: small
duration: 6s
warmup: 1s
window: 500ms
service: { type: Headless }
servers: [{ name: s, replicas: 2, startup: 1s }]
clients:
  - { name: c, replicas: 2, policy: round_robin, load: { open: { rate: 60 } } }
  - { name: g, via: { gateway: gw }, load: { open: { rate: 20 }, methods: [{ name: a, share: 50% }, { name: b, share: 50%, deadline: 9ms }] } }
gateways: [{ name: gw, proxy: nginx }]
timeline: [{ at: 2s, rollout: s }, { at: 4s, kill: { server: s, pods: 1 } }, { at: 5s, scale: { server: s, replicas: 3 } }]
expect: [max_over_mean <= 3]
SCENARIO
printf 'name: none\nservers: [{ name: s, replicas: 0 }]\nduration: 2s\nclients: [{ name: c, load: { open: { rate: 9 } } }]\n' > "$work/none.yaml"
pack() { # FOLDER FILE NAMES...
    local folder=$1 file=$2 name
    shift 2
    for name in "$@"; do
        printf '=== %s\n' "$name"
        cat "$folder/$name"
    done > "$file"
}
for name in small none; do
    for sets in "" "--set window=1s"; do
        # shellcheck disable=SC2086
        (cd "$work" && "$evenkeel" run $name.yaml $sets --quiet --no-png --out "run-$name${sets:+-short}") || test $? = 1
        folder="$work/run-$name${sets:+-short}"
        pack "$folder" "$corpus/result/${folder##*/run-}" summary.json pods.csv events.csv
    done
done
sweep() { # NAME ARGUMENTS...
    local name=$1
    shift
    (cd "$work" && "$evenkeel" sweep small.yaml "$@" --set timeline=[] --quiet --no-png --out "sweep-$name")
    # Without checksums; every cell has the plan's digest.
    sed -i -E 's/^.{38}(.*).$/\1/; s/"plan":"[0-9a-f]{16}"/"plan":"@plan@"/' "$work/sweep-$name/cells"/{plan,0*}.json
    (cd "$work/sweep-$name/cells" && pack . "$corpus/sweep/$name" plan.json 0*.json)
}
sweep one --vary servers.s.replicas=2,3 --runs 2
sweep two --vary servers.s.replicas=1,2 --vary clients.c.load.open.rate=10..90:log3 --runs 1
sweep words --vary 'clients.c.policy=pick_first,round_robin,{ least_request: { choice_count: 3 } }' --runs 2
