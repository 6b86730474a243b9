#!/usr/bin/env bash
# Installs the Debian packages that building, testing and the demonstration need. Installs only what is
# missing and says what that is; a second run changes nothing.
#
#   scripts/setup.sh            what build, tests and demo need
#   scripts/setup.sh --lint     the same and clang-tidy-19, clang-format-19
#   scripts/setup.sh --list     print the packages, install nothing
set -euo pipefail

packages=(
  # build
  g++ cmake ninja-build ccache pkg-config
  libcli11-dev libconcurrentqueue-dev libfmt-dev liblz4-dev libre2-dev libsimdjson-dev libsqlite3-dev libssl-dev liburing-dev
  libxxhash-dev libyaml-cpp-dev libzstd-dev zlib1g-dev
  # tests, demonstration, benchmarks
  catch2 e2fsprogs faketime git logrotate lz4 procps python3 strace zstd
)
lint_packages=(clang-format-19 clang-tidy-19)

case "${1:-}" in
  "") ;;
  --lint) packages+=("${lint_packages[@]}") ;;
  --list) printf '%s\n' "${packages[@]}"; exit 0 ;;
  -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) echo "setup: unknown option '$1'; see $0 --help" >&2; exit 64 ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "setup: this machine has no apt-get. On Debian 12 these packages are needed; install what" >&2
  echo "setup: corresponds to them: ${packages[*]}" >&2
  exit 69
fi

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ $state == installed ]] || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
  echo "setup: all ${#packages[@]} packages are installed"
  exit 0
fi

as_root=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "setup: missing packages: ${missing[*]}" >&2
    echo "setup: installing needs root, and there is no sudo. As root, run: $0" >&2
    exit 77
  fi
  as_root=(sudo)
fi

# env after sudo, because sudo drops the environment.
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 -o Acquire::Retries=3)
echo "setup: installing ${missing[*]}"
# One source among several may fail without harm as long as the packages can be had.
"${apt[@]}" update || echo "setup: apt-get update complained; trying with what is known" >&2
if ! "${apt[@]}" install --yes --no-install-recommends "${missing[@]}"; then
  echo "setup: apt-get could not install: ${missing[*]}" >&2
  echo "setup: tested on Debian 12 (bookworm) with its main archive" >&2
  exit 69
fi
echo "setup: installed ${#missing[@]} packages"
