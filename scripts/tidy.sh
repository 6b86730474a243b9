#!/usr/bin/env bash
# Formatting and static analysis: clang-format-19 and clang-tidy-19 (14, Debian 12's default, cannot
# parse GCC 12's <expected>). Changes nothing unless told to.
#
#   scripts/tidy.sh              check all files
#   scripts/tidy.sh --fix        format in place, then check
#   scripts/tidy.sh --format     formatting only
#   scripts/tidy.sh store io     only these folders
set -euo pipefail
cd "$(dirname "$0")/.."

fix=0
analyse=1
folders=()
for argument in "$@"; do
  case "$argument" in
    --fix) fix=1 ;;
    --format) analyse=0 ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "tidy: unknown option '$argument'; see $0 --help" >&2; exit 64 ;;
    *) folders+=("$argument") ;;
  esac
done
((${#folders[@]})) || folders=(agent base bench config io pipeline sinks sources store tests)

command -v clang-tidy-19 >/dev/null && command -v clang-format-19 >/dev/null || scripts/setup.sh --lint

mapfile -d '' files < <(find "${folders[@]}" \( -name '*.cc' -o -name '*.h' \) -print0 | sort -z)
status=0
if ((fix)); then
  clang-format-19 -i "${files[@]}"
else
  clang-format-19 --dry-run --Werror "${files[@]}" || status=1
fi

if ((analyse)); then
  cmake --preset dev >/dev/null
  mapfile -d '' units < <(find "${folders[@]}" -name '*.cc' -print0 | sort -z)
  printf '%s\0' "${units[@]}" |
    xargs -0 -P "$(nproc)" -n 1 clang-tidy-19 --quiet -p build/dev --warnings-as-errors='*' || status=1
fi
((status == 0)) && echo "tidy: ${#files[@]} files are clean"
exit "$status"
