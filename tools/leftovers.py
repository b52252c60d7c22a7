#!/usr/bin/env python3
"""Processes that come from a build directory: leftovers.py [BUILD_DIR]

An independent look through /proc, sharing no code with what it judges: a process belongs to the build
if its executable lies there or its command line names a file there (QEMU, whose kernel does).
"""
import os
import pathlib
import sys


def ancestors():
    found = set()
    pid = os.getpid()
    while pid > 0:
        found.add(pid)
        try:
            stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            break
        # The name may hold anything, parentheses too: the fields begin after the last one.
        pid = int(stat.rpartition(")")[2].split()[1])
    return found


def find(build_dir):
    """[(pid, what it is)] of every process of this build, the caller and its ancestors left out."""
    prefix = os.path.realpath(build_dir) + "/"
    own = ancestors()
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) in own:
            continue
        try:
            executable = os.readlink(f"/proc/{entry}/exe")
            arguments = pathlib.Path(f"/proc/{entry}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        named = any(prefix.encode() in argument for argument in arguments[1:])
        qemu = os.path.basename(executable).startswith("qemu-system")
        if executable.startswith(prefix) or (qemu and named):
            found.append((int(entry), b" ".join(arguments).decode(errors="replace")[:200]))
    return found


if __name__ == "__main__":
    processes = find(sys.argv[1] if len(sys.argv) > 1 else "build")
    for process in processes:
        print(*process)
    sys.exit(1 if processes else 0)
