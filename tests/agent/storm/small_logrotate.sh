#!/usr/bin/env bash
# The logrotate storm small enough for every test run, in a directory that goes away when it passed.
#   small_logrotate.sh LOGROTATE_STORM TAILRACE BACKEND
set -euo pipefail
directory=$(mktemp -d "${TMPDIR:-/var/tmp}/tailrace-logrotate.XXXXXX")
status=0
"$1" --tailrace "$2" --io "$3" --data-dir "$directory" --rotations 5 || status=$?
if ((status == 0 || status == 77)); then
  rm -rf "$directory"
else
  tail -n 20 "$directory"/*/{agent,logrotate}.log >&2 || true
  echo "small_logrotate: everything is in $directory" >&2
fi
exit "$status"
