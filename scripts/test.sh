#!/usr/bin/env bash
# Installs what is missing, builds, runs every test. Ends with ctest's summary line and one line
# "N passed, N failed, N skipped" that counts test cases. Exit 0 only if nothing failed.
#
#   scripts/test.sh                 the dev build
#   scripts/test.sh --sanitizers    the same, then again under asan, ubsan and tsan
#   scripts/test.sh --no-setup      installs nothing
#
# Each sanitizer is a whole build of its own; on two cores all three take longer than half an hour, so
# nobody gets them without asking.
set -euo pipefail
cd "$(dirname "$0")/.."

sanitizers=0
setup=1
for argument in "$@"; do
  case "$argument" in
    --sanitizers) sanitizers=1 ;;
    --no-setup) setup=0 ;;
    -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "test: unknown option '$argument'; see $0 --help" >&2; exit 64 ;;
  esac
done

((setup)) && scripts/setup.sh

jobs=$(nproc)
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
status=0

# run_preset <preset> [ctest arguments…]
run_preset() {
  local preset=$1
  shift
  echo "test: preset $preset"
  cmake --preset "$preset" >"$results/configure" || { cat "$results/configure"; return 1; }
  cmake --build --preset "$preset" -j "$jobs"
  ctest --preset "$preset" --no-tests=error -j "$jobs" --no-label-summary \
    --output-junit "$results/$preset.xml" --test-output-truncation head "$@" || status=1
}

run_preset dev
if ((sanitizers)); then
  for preset in asan ubsan tsan; do run_preset "$preset"; done
fi

python3 scripts/count_tests.py "$results"/*.xml
exit "$status"
