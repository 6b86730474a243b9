#!/usr/bin/env bash
# The main job, live: tails this machine's own logs and a busy web access log that is written and rotated
# while you watch, kills the agent with `kill -9` half way, starts it again, and proves that the store
# holds every line once. Installs and builds what is missing first. Needs nobody at the keyboard.
#
#   scripts/demo.sh [DIRECTORY]     where to put it all; default: a new one in $TMPDIR or /tmp
#
# NO_SETUP=1 installs nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
[[ ${1:-} != -h && ${1:-} != --help ]] || { sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0; }

half_seconds=7       # of traffic before the kill, and again after it
lines_per_second=20000
backlog_lines=500000

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
else
  bold='' dim='' green='' red='' plain=''
fi
say() { printf '%s\n' "${bold}==> $*${plain}"; }
fail() {
  printf '%s\n' "${red}demo: $*${plain}" >&2
  [[ ! -s ${agent_log:-} ]] || { echo "the agent's last words ($agent_log):" >&2; tail -n 20 "$agent_log" >&2; }
  exit 1
}

# 1. Build ------------------------------------------------------------------------------------------
[[ -n ${NO_SETUP:-} ]] || scripts/setup.sh
say "Building (release)"
build_log=$(mktemp)
if ! { cmake --preset release && cmake --build --preset release -j "$(nproc)" --target tailrace; } >"$build_log" 2>&1; then
  tail -n 40 "$build_log" >&2
  fail "the build failed; all of it: $build_log"
fi
rm -f "$build_log"
tailrace=$PWD/build/release/tailrace
started=$SECONDS

# 2. What to tail -----------------------------------------------------------------------------------
if (($# > 0)); then
  mkdir -p "$1"
  demo=$(cd "$1" && pwd)
  [[ ! -e $demo/data ]] || fail "$demo/data is there already; the demonstration wants to begin from nothing"
else
  demo=$(mktemp -d "${TMPDIR:-/tmp}/tailrace-demo.XXXXXX")
fi
agent_log=$demo/agent.log
web=$demo/web
mkdir -p "$web"

system_logs=()
for log in /var/log/dpkg.log /var/log/apt/*.log /var/log/syslog /var/log/messages; do
  [[ -f $log && -r $log ]] && system_logs+=("$log")
done
if command -v journalctl >/dev/null && journalctl --quiet --no-pager --lines 20000 >"$demo/journal.log" 2>/dev/null &&
  [[ -s $demo/journal.log ]]; then
  system_logs+=("$demo/journal.log")
else
  rm -f "$demo/journal.log"
fi
((${#system_logs[@]})) || echo "demo: no system log is readable here; the web log alone then"

{
  cat <<YAML
data_dir: $demo/data
streams:
  web: { shards: 4 }
  system: { shards: 1 }
flows:
  web:
    from: { files: "$web/access.log*", start: beginning }
    to: { stream: web, flush: { age: 200ms } }
YAML
  if ((${#system_logs[@]})); then
    printf '  system:\n    from:\n      start: beginning\n      files:\n'
    printf '        - "%s"\n' "${system_logs[@]}"
    printf '    partition_key: { constant: %s }\n    to: { stream: system, flush: { age: 200ms } }\n' "$(uname -n)"
  fi
} >"$demo/tailrace.yaml"

agent=''
writer=''
clean_up() {
  [[ -z $writer ]] || kill "$writer" 2>/dev/null || true
  [[ -z $agent ]] || kill "$agent" 2>/dev/null || true
}
trap clean_up EXIT

# 3. Watch ------------------------------------------------------------------------------------------
start_agent() {
  "$tailrace" run -c "$demo/tailrace.yaml" --report 1 >>"$agent_log" 2>&1 &
  agent=$!
}

# Value of key $1 in the agent's latest progress line.
progress() { awk -v key="$1=" '/ progress /{for (i = 1; i <= NF; i++) if (index($i, key) == 1) v = substr($i, length(key) + 1)} END {print v == "" ? "-" : v}' "$agent_log"; }

count_shards() {  # "web: 12 13 12 12"
  "$tailrace" stream describe web --data-dir "$demo/data" --json |
    python3 -c 'import json, sys
print(*[shard["next_sequence"] for shard in json.load(sys.stdin)["shards"]])' 2>/dev/null || true
}

watch_for() {  # seconds
  local until=$((SECONDS + $1)) files
  while ((SECONDS < until)); do
    sleep 1
    kill -0 "$agent" 2>/dev/null || fail "the agent ended by itself"
    files=("$web"/access.log*)
    printf '%4d s  %9s lines/s read  %10s bytes behind  %d files (rotated %d times)  records per shard: %s\n' \
      $((SECONDS - started)) "$(progress lines_per_second)" "$(progress lag_bytes)" \
      "${#files[@]}" $((${#files[@]} - 1)) "$(count_shards)"
  done
}

say "Tailing ${system_logs[*]:-} and a web access log"
echo "${dim}everything is in $demo${plain}"
examples/write_access_log.sh "$web" $((2 * half_seconds + 2)) "$lines_per_second" "$backlog_lines" &
writer=$!
start_agent
watch_for "$half_seconds"

say "kill -9 $agent, and the web server goes on writing"
kill -9 "$agent"
wait "$agent" 2>/dev/null || true
sleep 1

say "The agent again"
start_agent
watch_for "$half_seconds"
wait "$writer" || fail "the writer of the web log failed"
writer=''

say "Stopping it as systemd would (SIGTERM), then reading to the end of what is there (run --once)"
kill -TERM "$agent"
wait "$agent" || fail "the agent did not stop cleanly"
agent=''
"$tailrace" run --once -c "$demo/tailrace.yaml" >>"$agent_log" 2>&1 || fail "run --once failed"

# 4. Proof ------------------------------------------------------------------------------------------
# Sorted, the files and the store must be the same text. A CR before a newline is no part of a line.
export LC_ALL=C
prove() {  # stream files…
  local stream=$1 written stored
  shift
  cat "$@" | sed 's/\r$//' | sort >"$demo/$stream.written"
  "$tailrace" stream get "$stream" --data-dir "$demo/data" --raw | sort >"$demo/$stream.stored"
  written=$(wc -l <"$demo/$stream.written")
  stored=$(wc -l <"$demo/$stream.stored")
  printf '%-8s %10d lines written  %10d records stored  %d missing  %d too many\n' "$stream" "$written" "$stored" \
    "$(comm -23 "$demo/$stream.written" "$demo/$stream.stored" | wc -l)" \
    "$(comm -13 "$demo/$stream.written" "$demo/$stream.stored" | wc -l)"
  cmp -s "$demo/$stream.written" "$demo/$stream.stored" || fail "stream $stream is not what was written; see $demo/$stream.*"
  rm "$demo/$stream.written" "$demo/$stream.stored"
}
say "Every line once? Sorted files against sorted store:"
prove web "$web"/access.log*
((${#system_logs[@]} == 0)) || prove system "${system_logs[@]}"
doubles=$("$tailrace" stream get web --data-dir "$demo/data" --raw | sort | uniq -d | wc -l)
((doubles == 0)) || fail "$doubles lines of the web log are stored more than once"
printf '%s\n' "${green}Every line is in the store exactly once, in spite of kill -9.${plain}"

say "The data is in $demo/data ($(du -sh "$demo/data" | cut -f1)). Try:"
cat <<COMMANDS
  $tailrace stream list --data-dir $demo/data
  $tailrace stream get web --data-dir $demo/data --from latest --follow   ${dim}# while: $tailrace run -c $demo/tailrace.yaml${plain}
  $tailrace store verify --data-dir $demo/data
COMMANDS
