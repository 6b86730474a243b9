#!/usr/bin/env bash
# Builds and runs the tests under the sanitizers, one after the other.
#
#   scripts/sanitize.sh                  asan, ubsan, tsan
#   scripts/sanitize.sh asan -R store    one of them; what follows goes to ctest
set -euo pipefail
cd "$(dirname "$0")/.."

presets=(asan ubsan tsan)
case "${1:-}" in
  -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
  asan | ubsan | tsan) presets=("$1"); shift ;;
esac

status=0
for preset in "${presets[@]}"; do
  echo "sanitize: $preset"
  cmake --preset "$preset" >/dev/null
  cmake --build --preset "$preset" -j "$(nproc)"
  ctest --preset "$preset" --no-tests=error -j "$(nproc)" "$@" || status=1
done
exit "$status"
