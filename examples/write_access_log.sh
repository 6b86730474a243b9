#!/usr/bin/env bash
# A busy web server's access log: appends to DIRECTORY/access.log and rotates it by rename every two
# seconds, as logrotate would every night. Every line has a request number of its own.
#
#   write_access_log.sh DIRECTORY [SECONDS] [LINES_PER_SECOND] [BACKLOG_LINES]
#
# BACKLOG_LINES are there before the first second begins. Rotated files stay: access.log.1 is the
# youngest. Prints nothing.
set -euo pipefail

directory=${1:?usage: write_access_log.sh DIRECTORY [SECONDS] [LINES_PER_SECOND] [BACKLOG_LINES]}
seconds=${2:-20}
rate=${3:-10000}
backlog=${4:-0}
ticks_per_second=10  # of 0.1 s
rotate_ticks=20

mkdir -p "$directory"
cd "$directory"
request=0

# write_lines COUNT: appends the next COUNT requests in one go.
write_lines() {
  LC_ALL=C awk -v first="$request" -v count="$1" -v now="$(date '+%d/%b/%Y:%H:%M:%S %z')" '
    BEGIN {
      split("/ /login /api/v1/items /api/v1/orders /static/app.js /static/site.css /search?q=tail", page, " ")
      split("200 200 200 200 304 404 500", status, " ")
      for (i = 0; i < count; i++) {
        n = first + i
        printf "10.%d.%d.%d - - [%s] \"GET %s HTTP/1.1\" %s %d \"-\" \"Mozilla/5.0\" request=%d\n",
          n % 7, n % 251, n % 199, now, page[n % 7 + 1], status[n % 7 + 1], 200 + n * 37 % 9000, n
      }
    }' >>access.log
  request=$((request + $1))
}

rotate() {
  local age=1
  while [[ -e access.log.$age ]]; do age=$((age + 1)); done
  for (( ; age > 1; age--)); do mv "access.log.$((age - 1))" "access.log.$age"; done
  mv access.log access.log.1
}

((backlog == 0)) || write_lines "$backlog"
for ((tick = 1; tick <= seconds * ticks_per_second; tick++)); do
  write_lines $((rate / ticks_per_second))
  ((tick % rotate_ticks)) || rotate
  sleep 0.1
done
