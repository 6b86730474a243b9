#!/usr/bin/env bash
# The storm small enough for every test run, in a directory that goes away when it passed.
#   small_storm.sh KILL_STORM TAILRACE BACKEND
set -euo pipefail
directory=$(mktemp -d "${TMPDIR:-/var/tmp}/tailrace-storm.XXXXXX")
status=0
"$1" --tailrace "$2" --backend "$3" --data-dir "$directory" --writers 4 --lines 20000 --kills 10 \
  --life-ms 400 --rotate-ms 200 --raw || status=$?
if ((status == 0 || status == 77)); then
  rm -rf "$directory"
else
  tail -n 40 "$directory/agent.log" >&2 || true
  echo "small_storm: everything is in $directory" >&2
fi
exit "$status"
