#!/usr/bin/env bash
# Proves that a bare Debian 12 is enough: makes one with debootstrap in a temporary directory, puts a
# clean clone of the current commit into it and runs the two commands of the README there.
#
#   scripts/debootstrap_check.sh                        ./scripts/test.sh, then ./scripts/demo.sh
#   scripts/debootstrap_check.sh ./scripts/setup.sh     these commands instead
#   scripts/debootstrap_check.sh --keep …               leaves the tree there and says where
#
# Needs root, debootstrap and about 3 GB in $TMPDIR (default /var/tmp). Archive, proxy and certificates are the ones
# this machine's apt uses. Mounts live in a mount namespace of their own and vanish with it.
set -euo pipefail
cd "$(dirname "$0")/.."

keep=0
commands=()
for argument in "$@"; do
  case "$argument" in
    --keep) keep=1 ;;
    -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "debootstrap_check: unknown option '$argument'; see $0 --help" >&2; exit 64 ;;
    *) commands+=("$argument") ;;
  esac
done
((${#commands[@]})) || commands=(./scripts/test.sh ./scripts/demo.sh)

if ((EUID != 0)); then
  echo "debootstrap_check: needs root, for debootstrap and chroot" >&2
  exit 77
fi
if ! command -v debootstrap >/dev/null; then
  apt-get -q install --yes --no-install-recommends debootstrap
fi

release=bookworm
mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(ORIGIN)' 'Created-By: Packages' |
  awk -v release="$release" '$2 == release && $3 == "Debian" { print $1; exit }')
mirror=${mirror:-http://deb.debian.org/debian/}
proxy=$(apt-config dump --format '%v' Acquire::http::Proxy)
[[ -z $proxy ]] || export http_proxy=$proxy

tree=$(mktemp -d "${TMPDIR:-/var/tmp}/tailrace-debian.XXXXXX")
chmod 755 "$tree"  # apt works as its own user
clean_up() {
  ((keep)) && { echo "debootstrap_check: the tree is $tree"; return; }
  # Nothing should be mounted below it any more; if something is, leave it alone.
  if grep -q " $tree/" /proc/self/mounts; then
    echo "debootstrap_check: something is still mounted below $tree, not removing it" >&2
  else
    rm -rf --one-file-system "$tree"
  fi
}
trap clean_up EXIT

echo "debootstrap_check: $release from $mirror into $tree"
debootstrap --variant=minbase "$release" "$tree" "$mirror" >"$tree.log" 2>&1 ||
  { tail -n 20 "$tree.log" >&2; exit 69; }
rm -f "$tree.log"

apt-config dump | grep -iE '^Acquire::(http|https)::' >"$tree/etc/apt/apt.conf.d/99this-machine" || true
if [[ $mirror == https:* ]]; then
  mkdir -p "$tree/etc/ssl/certs"
  cp -L /etc/ssl/certs/ca-certificates.crt "$tree/etc/ssl/certs/"
fi
git clone -q --no-local . "$tree/root/tailrace"

status=0
for command in "${commands[@]}"; do
  echo "debootstrap_check: $command"
  started=$SECONDS
  # Arguments of the inner shell: the tree, the command.
  unshare --mount --propagation private bash -euc '
    mount -t proc proc "$1/proc"
    mount -t sysfs sysfs "$1/sys"
    mount --rbind /dev "$1/dev"
    exec chroot "$1" /usr/bin/env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
      bash -c "cd /root/tailrace && $2"' inner "$tree" "$command" </dev/null || status=1
  echo "debootstrap_check: $command took $((SECONDS - started)) s"
  ((status == 0)) || break
done
if ((status == 0)); then
  echo "debootstrap_check: passed"
else
  echo "debootstrap_check: FAILED: $command" >&2
fi
exit "$status"
