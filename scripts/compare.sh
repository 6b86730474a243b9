#!/usr/bin/env bash
# tailrace beside other programs that follow files, on this machine: rsyslog and syslog-ng from Debian's
# packages, coreutils' tail -F, and the Go library nxadm/tail if there is a Go toolchain. Prints a
# Markdown table; docs/COMPARISON.md is made of one and says what the cases and columns mean.
#
#   scripts/compare.sh                                       everything, about 12 minutes
#   scripts/compare.sh --cases copytruncate,kill_storm --agents tailrace,rsyslog
#   scripts/compare.sh --repeat 3 --directory /srv/tmp --keep
#
# Packages are unpacked below build/compare, not installed: rsyslog and syslog-ng exclude each other,
# and installing one starts a service. No file outside the build directory and a temporary one is
# written. TAILRACE=program compares that one instead of building. Exit code 1: tailrace was not exact.
set -euo pipefail
cd "$(dirname "$0")/.."
[[ ${1:-} != -h && ${1:-} != --help ]] || { sed -n '2,14s/^# \{0,1\}//p' "$0"; exit 0; }

bound_seconds=14400  # for all of it: nothing here may hang a machine for longer
export COMPARE_PACKAGES=${COMPARE_PACKAGES:-$PWD/build/compare}
mkdir -p "$COMPARE_PACKAGES"

# unpack <package>: it and what it needs that is not installed, below $COMPARE_PACKAGES/<package>.
unpack() {
  local target=$COMPARE_PACKAGES/$1 archive packages
  [[ ! -e $target/complete ]] || return 0
  echo "compare: fetching $1" >&2
  rm -rf "$target"
  mkdir -p "$target/archives"
  mapfile -t packages < <(apt-get --simulate install --no-install-recommends "$1" 2>/dev/null | awk '/^Inst /{print $2}')
  ((${#packages[@]})) || packages=("$1")  # installed already: a copy of it alone will do
  # Called where errors do not end the script.
  (cd "$target/archives" && apt-get -qq -o Acquire::Retries=3 -o APT::Sandbox::User= download "${packages[@]}" >&2) || return
  for archive in "$target"/archives/*.deb; do dpkg-deb --extract "$archive" "$target" || return; done
  touch "$target/complete"
}

if ! command -v apt-get >/dev/null; then
  echo "compare: no apt-get here; only what is installed takes part" >&2
else
  command -v logrotate >/dev/null || [[ -x /usr/sbin/logrotate ]] || scripts/setup.sh >&2
  for package in rsyslog syslog-ng-core; do
    unpack "$package" || echo "compare: $package cannot be had and is left out" >&2
  done
fi

if command -v go >/dev/null && [[ ! -x $COMPARE_PACKAGES/gotail/bin/gotail ]]; then
  # Its caches too, or they would land in the home directory.
  GOPATH=$COMPARE_PACKAGES/gotail GOCACHE=$COMPARE_PACKAGES/gotail/cache GOFLAGS=-modcacherw \
    go install github.com/nxadm/tail/cmd/gotail@v1.4.11 >&2 ||
    echo "compare: gotail cannot be had and is left out" >&2
fi

if [[ -z ${TAILRACE:-} ]]; then
  { cmake --preset release && cmake --build --preset release -j "$(nproc)" --target tailrace; } >&2
  export TAILRACE=$PWD/build/release/tailrace
fi

export PYTHONDONTWRITEBYTECODE=1
exec timeout --foreground --kill-after=10 "$bound_seconds" python3 tests/compare "$@"
