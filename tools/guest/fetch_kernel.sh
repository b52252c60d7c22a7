#!/usr/bin/env bash
# Fetches Debian's cloud kernel package and unpacks vmlinuz and the modules: fetch_kernel.sh OUT_DIR
# Several builds may run at once: the download is published by a rename.
set -euo pipefail
out=$1
cache=${BOXLITE_GUEST_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/boxlite/guest}
mkdir -p "$cache" "$out"
package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null |
  sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1 || true)
# Without apt's lists (a machine without network) any cached kernel will do.
deb=$(find "$cache" -maxdepth 1 -name "${package:-linux-image-[0-9]*-cloud-amd64}_*.deb" |
  sort -V | tail -n 1)
if [ -z "$deb" ] && [ -z "$package" ]; then
  echo "apt knows no linux-image-cloud-amd64: run 'apt-get update' first" >&2
  exit 1
fi
if [ -z "$deb" ]; then
  work=$(mktemp -d "$cache/.new-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  (cd "$work" && apt-get download "$package")
  deb=$(find "$work" -name '*.deb')
  mv "$deb" "$cache/"
  deb=$cache/$(basename "$deb")
fi
# For the copyright file of our packages: which source this kernel was made from.
dpkg-deb -f "$deb" Package Version Source >"$out/package"
rm -rf "$out/unpacked"
mkdir -p "$out/unpacked"
dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$out/unpacked" ./boot ./lib/modules
