#!/usr/bin/env bash
set -euo pipefail

HOST="${HOST:-orders:50051}"

# Warm up.
ghz --insecure --call shop.Orders/Get -c 4 -n 200 "$HOST" >/dev/null

ghz --insecure \
  --call shop.Orders/Get \
  --connections 10 \
  --concurrency 100 \
  --rps 2000 --async \
  --duration 90s \
  -O json -o out.json \
  orders:50051
