#!/usr/bin/env python3
"""clang-tidy with .clang-tidy's checks, all of them errors: tidy.py [--all] [--jobs N] [FILE...]

Without --all: the sources that changed, and those beside a header that changed. Uses build/tidy, where
nothing is compiled; only the headers that the schema compiler writes are made.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys

import tree

BUILD = tree.ROOT / "build" / "tidy"


def make_generated_headers():
    """Ninja targets named *.capnp.h: sources cannot be read without them."""
    listed = subprocess.run(["ninja", "-C", BUILD, "-t", "targets", "all"], capture_output=True,
                            text=True, check=True).stdout
    targets = [line.split(":")[0] for line in listed.splitlines()
               if line.split(":")[0].endswith(".capnp.h")]
    relative = [target for target in targets if not os.path.isabs(target)] or targets
    subprocess.run(["ninja", "-C", BUILD, *relative], check=True, stdout=subprocess.DEVNULL)


def compiled_sources():
    """The tree's sources that the build knows, relative to the root."""
    entries = json.loads((BUILD / "compile_commands.json").read_text())
    found = set()
    for entry in entries:
        path = pathlib.Path(os.path.realpath(os.path.join(entry["directory"], entry["file"])))
        if path.is_relative_to(tree.ROOT) and not path.is_relative_to(tree.ROOT / "build"):
            found.add(path.relative_to(tree.ROOT))
    return found


def select(everything, changed):
    if changed is None:
        return everything
    wanted = set(changed)
    for path in changed:
        if path.suffix == ".h":
            wanted |= {path.with_suffix(".cc"), path.with_name(path.stem + "_test.cc")}
    return everything & wanted


def run_one(path):
    done = subprocess.run(["clang-tidy", "--quiet", "-p", BUILD, path], cwd=tree.ROOT,
                          capture_output=True, text=True, errors="replace")
    # stderr holds only the count of suppressed warnings, except when clang-tidy itself failed.
    return path, done.returncode, done.stdout + (done.stderr if done.returncode else "")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    options = parser.parse_args()
    make_generated_headers()
    if options.files:
        sources = {pathlib.Path(os.path.realpath(path)).relative_to(tree.ROOT)
                   for path in options.files}
    else:
        sources = select(compiled_sources(), None if options.all else tree.changed_files())
    failed = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for path, status, output in pool.map(run_one, sorted(sources)):
            if status != 0:
                failed.append(path)
                print(output, flush=True)
    print(f"clang-tidy: {len(sources)} files, {len(failed)} with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
