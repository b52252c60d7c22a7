#!/bin/sh
# The symbols that a libboxlite.so exports must be those of a list: check_abi.sh LIBRARY LIST
# A change that is meant: run it with --write in front. A name that went needs a new SOVERSION.
set -eu
exported() {
  nm -D --defined-only "$1" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | c++filt | LC_ALL=C sort -u
}
if [ "$1" = --write ]; then
  exported "$2" >"$3"
  exit 0
fi
new=$(mktemp)
trap 'rm -f "$new"' EXIT
exported "$1" >"$new"
test -s "$new"
diff -u "$2" "$new"
