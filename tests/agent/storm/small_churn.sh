#!/usr/bin/env bash
# The storm of files that live for a moment, small enough for every test run, in a directory that
# goes away when it passed. How long a commit takes is no question of every run.
#   small_churn.sh CHURN_STORM TAILRACE
set -euo pipefail
directory=$(mktemp -d "${TMPDIR:-/var/tmp}/tailrace-churn.XXXXXX")
status=0
"$1" --tailrace "$2" --data-dir "$directory" --files 10000 --commit-ms 0 || status=$?
if ((status == 0)); then
  rm -rf "$directory"
else
  tail -n 40 "$directory/agent.log" >&2 || true
  echo "small_churn: everything is in $directory" >&2
fi
exit "$status"
