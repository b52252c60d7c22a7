#!/usr/bin/env bash
# A walk through boxes for `./tools/dev demo`: demo.sh BOXLITE. Works in a home of its own, removed at the end.
# shellcheck disable=SC2016 # what stands in single quotes is for the shell inside the box
set -euo pipefail

boxlite=$(realpath "$1")
BOXLITE_HOME=$(mktemp -d "${TMPDIR:-/tmp}/boxlite-demo-XXXXXX")
export BOXLITE_HOME

clean_up() {
  # By id, from this home only: whatever the walk left when it was interrupted.
  local id
  for id in $("$boxlite" ls -a -q 2>/dev/null || true); do
    "$boxlite" rm -f "$id" >/dev/null || true
  done
  rm -rf "$BOXLITE_HOME"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

bold='' plain=''
if [ -t 1 ]; then bold=$'\033[1m' plain=$'\033[0m'; fi
tell() { printf '\n%s# %s%s\n' "$bold" "$*" "$plain"; }

# Shows a command as one would type it, then runs it; each is a process of its own.
run() {
  local word
  printf '$ boxlite'
  for word in "$@"; do
    if [[ $word =~ ^[A-Za-z0-9_./=-]+$ ]]; then
      printf ' %s' "$word"
    else
      printf " '%s'" "${word//\'/\'\\\'\'}"
    fi
  done
  printf '\n'
  "$boxlite" "$@"
}

tell "This host runs Linux $(uname -r). A box runs a kernel of its own:"
run run --rm boxlite/base uname -r
run run --rm boxlite/base sh -c 'echo "inside: pid $$, user $(id -un), host $(hostname), $(grep PRETTY /etc/os-release)"'

tell "A detached box: the process that starts it ends at once, the box goes on."
run run -d --name demo boxlite/base \
  sh -c 'trap "echo bye; exit 0" TERM; n=0; while true; do echo "tick $((n+=1))"; sleep 1 & wait $!; done'

tell "Other processes find it, by asking the evidence it left, not a stored status:"
run ls
run inspect -f '{{.State.Status}}' demo

tell "They run commands in it and read what its main command wrote:"
run exec demo sh -c 'echo "written before the stop" > /root/note; ls -l /root/note'
run logs demo

tell "Stop asks its main command to end, flushes the disk, and proves that nothing of it lives:"
run stop demo
run ls -a
run logs -n 1 demo

tell "Start boots the same disk again; the file is there:"
run start demo
run exec demo cat /root/note

tell "Removed, with everything that belonged to it:"
run rm -f demo
run ls -a

tell "That is all. Nothing of it is left on this machine."
