#!/bin/sh
for c in 1 10 50; do
  ghz --insecure -c $c -n "${TOTAL:-1000}" "$TARGET"
done
