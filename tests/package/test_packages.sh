#!/usr/bin/env bash
# Installs the Debian packages on a bare Debian 12 and uses them there: test_packages.sh DIRECTORY_OF_DEBS
# Needs root and Debian's mirror. Everything happens below one new directory, which is removed at the end;
# BOXLITE_TEST_KEEP=1 keeps it.
set -euo pipefail
debs=$(realpath "$1")
examples=/usr/share/doc/libboxlite-dev/examples
root=$(mktemp -d "${TMPDIR:-/tmp}/boxlite-package-XXXXXX")
log=$root.log

say() { printf '== %s\n' "$*"; }

clean_up() {
  local status=$?
  set +e
  # A detached box of an example that failed would go on in the root.
  for id in $(inside boxlite ls -a -q 2>/dev/null); do inside boxlite rm -f "$id" >/dev/null; done
  # In the reverse order of mounting; a mount that is left must keep rm from looking behind it.
  for place in dev/pts dev proc; do
    if mountpoint -q "$root/$place"; then umount "$root/$place"; fi
  done
  if [ $status -ne 0 ]; then tail -n 40 "$log" >&2 || true; fi
  if [ -z "${BOXLITE_TEST_KEEP:-}" ]; then rm -rf --one-file-system "$root" "$log"; fi
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

inside() {
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive \
    chroot "$root" "$@"
}
# The files of a package in the root, which has no shell to expand a name.
deb() { printf '/debs/%s\n' "$(basename "$debs"/"$1"_*.deb)"; }
apt_install() { inside apt-get install -y --no-install-recommends -q "$@" >>"$log" 2>&1; }

# expect WORDS COMMAND...: it succeeds and prints them.
expect() {
  local words=$1 output
  shift
  output=$(inside "$@" 2>&1) || { printf '%s\nfailed: %s\n' "$output" "$*"; return 1; }
  if ! grep -qF -- "$words" <<<"$output"; then
    printf '%s\nmissing "%s" in the output of: %s\n' "$output" "$words" "$*"
    return 1
  fi
  printf '   %s: ok\n' "$*"
}

say "a bare bookworm in $root"
mirror=$(sed -n 's/^URIs: \(http[^ ]*\/debian\)$/\1/p' /etc/apt/sources.list.d/debian.sources 2>/dev/null | head -n 1)
mmdebstrap --variant=minbase bookworm "$root" \
  "deb ${mirror:-http://deb.debian.org/debian} bookworm main" \
  "deb ${mirror:-http://deb.debian.org/debian} bookworm-updates main" >"$log" 2>&1
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
mkdir "$root/debs"
cp "$debs"/*.deb "$root/debs/"

say "the command line alone"
inside apt-get update -q >>"$log" 2>&1
apt_install "$(deb boxlite)"
expect "version" boxlite version
expect "qemu" boxlite doctor
expect "hello from a box" boxlite run --rm boxlite/base echo hello from a box
expect "Source package: linux (version" cat /usr/share/doc/boxlite/copyright

say "the library and what is built against it"
apt_install "$(deb libboxlite0)" "$(deb libboxlite-dev)" g++ cmake make pkg-config
# Both ways: find_package and pkg-config.
build_example() {
  inside cmake -S "$examples/$1" -B "/root/$1"
  inside cmake --build "/root/$1"
  # shellcheck disable=SC2016 # for the shell in the root
  inside sh -c 'g++ -std=c++20 -Wall -Wextra -Werror "$1/$2/$2.cc" -o "/root/$2-pc" $(pkg-config --cflags --libs boxlite) -pthread' \
    sh "$examples" "$1"
}
for example in run_code worker_pool reattach; do build_example "$example" >>"$log" 2>&1; done
for kind in "run_code/run_code" run_code-pc; do
  expect "exit code 5" "/root/$kind" 'echo out; exit 5'
done
expect "6 jobs, 0 failed" /root/worker_pool/worker_pool 2 6
if inside /root/reattach/reattach start /root/state >"$root/first" 2>>"$log"; then
  echo "reattach was not killed"
  exit 1
fi
expect "it ended with 0" /root/reattach/reattach resume /root/state >"$root/resumed-check"
cat "$root/resumed-check"

say "removal"
inside apt-get purge -y -q boxlite libboxlite0 libboxlite-dev >>"$log" 2>&1
if inside sh -c 'ls -d /usr/libexec/boxlite /usr/include/boxlite /usr/bin/boxlite /usr/lib/*/libboxlite*' 2>/dev/null; then
  echo "files were left"
  exit 1
fi
say "all of it works"
