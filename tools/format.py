#!/usr/bin/env python3
"""clang-format over every C++ file of the tree: format.py [--check]"""
import subprocess
import sys

import tree


def main():
    check = "--check" in sys.argv[1:]
    files = [path for path in tree.files() if path.suffix in (".cc", ".h")]
    if not check:
        return subprocess.run(["clang-format", "-i", *files], cwd=tree.ROOT).returncode
    differing = []
    for path in files:
        current = (tree.ROOT / path).read_bytes()
        wanted = subprocess.run(["clang-format", path], cwd=tree.ROOT, capture_output=True,
                                check=True).stdout
        if wanted != current:
            differing.append(path)
    for path in differing:
        print(f"{path}: not formatted")
    if differing:
        print(f"{len(differing)} of {len(files)} files differ: run ./tools/dev format")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
