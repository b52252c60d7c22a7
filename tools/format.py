#!/usr/bin/env python3
"""clang-format over every C++ file of the tree: format.py [--check]"""
import re
import subprocess
import sys

import tree


def main():
    check = "--check" in sys.argv[1:]
    files = [path for path in tree.files() if path.suffix in (".cc", ".h")]
    if not check:
        return subprocess.run(["clang-format", "-i", *files], cwd=tree.ROOT).returncode
    done = subprocess.run(["clang-format", "--dry-run", "--Werror", *files], cwd=tree.ROOT,
                          capture_output=True, text=True, errors="replace")
    # One finding a place; the files are what one wants to know.
    differing = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error:", done.stderr, re.MULTILINE)))
    if done.returncode != 0 and not differing:
        print(done.stderr)
        return 1
    for path in differing:
        print(f"{path}: not formatted")
    if differing:
        print(f"{len(differing)} of {len(files)} files differ: run ./tools/dev format")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
