#!/usr/bin/env bash
# Builds release and runs the benchmarks, one at a time, on an otherwise idle machine.
#
#   scripts/bench.sh                  all of them; agent_bench alone takes about ten minutes
#   scripts/bench.sh framer block     those whose name contains one of the words
#   scripts/bench.sh --save …         also keep each program's --json output in bench/baseline/
set -euo pipefail
cd "$(dirname "$0")/.."

save=0
words=()
for argument in "$@"; do
  case "$argument" in
    --save) save=1 ;;
    -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) words+=("$argument") ;;
  esac
done

wanted() {
  ((${#words[@]} == 0)) && return 0
  local word
  for word in "${words[@]}"; do [[ $1 == *"$word"* ]] && return 0; done
  return 1
}

cmake --preset release >/dev/null
mapfile -t names < <(sed -n 's/^room_bench(\([a-z0-9_]*\).*/\1_bench/p' bench/*.cmake | sort)
cmake --build --preset release -j "$(nproc)" --target tailrace "${names[@]}"
for name in "${names[@]}"; do
  wanted "$name" || continue
  program=build/release/$name
  echo "== $name"
  if ((save)); then
    "$program" --json | tee "bench/baseline/$name.json"
  else
    "$program"
  fi
done
