#!/bin/sh
# Lints, prints findings as GitHub shows them beside lines, and leaves SARIF. Set: EVENKEEL_PATHS and EVENKEEL_ARGS (words), SARIF (a file to write),
# GITHUB_OUTPUT. The exit status is that of `evenkeel lint`.
set -eu

status=0
# The words of both are arguments.
# shellcheck disable=SC2086
evenkeel lint $EVENKEEL_PATHS --format github --format "sarif=$SARIF" $EVENKEEL_ARGS || status=$?
# There is none if the input is wrong.
if [ -f "$SARIF" ]; then
  echo "sarif=$SARIF" >> "$GITHUB_OUTPUT"
fi
exit "$status"
