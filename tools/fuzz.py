#!/usr/bin/env python3
"""Runs the fuzz targets of a build: fuzz.py --build DIR [--seconds N] [--target NAME] [--list]

A target NAME starts from the seeds in tests/corpus/NAME and from what earlier runs found interesting,
which is kept in build/corpus/NAME. An input that breaks it is left in build/crashes/NAME.
"""
import argparse
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# No parser of ours may take longer, or more memory, on one bounded input.
INPUT_TIMEOUT_SECONDS = 10
MEMORY_LIMIT_MIB = 1024


def targets(build):
    return sorted(path.name for path in (build / "fuzz").glob("*_fuzz") if os.access(path, os.X_OK))


def run(build, name, seconds):
    found = ROOT / "build" / "corpus" / name
    crashes = ROOT / "build" / "crashes" / name
    seeds = ROOT / "tests" / "corpus" / name
    for directory in (found, crashes):
        directory.mkdir(parents=True, exist_ok=True)
    command = [build / "fuzz" / name, f"-max_total_time={seconds}",
               f"-timeout={INPUT_TIMEOUT_SECONDS}", f"-rss_limit_mb={MEMORY_LIMIT_MIB}",
               "-print_final_stats=1", f"-artifact_prefix={crashes}/", found]
    if seeds.is_dir():
        command.append(seeds)
    environment = dict(os.environ, UBSAN_OPTIONS="print_stacktrace=1")
    status = subprocess.run(command, cwd=ROOT, env=environment).returncode
    if status != 0:
        print(f"{name} failed (status {status}); the input is in {crashes}", flush=True)
    return status == 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--target")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    build = options.build.resolve()
    known = targets(build)
    if options.list:
        print("\n".join(known))
        return 0
    chosen = [options.target] if options.target else known
    if not chosen or set(chosen) - set(known):
        print(f"no such fuzz target; {build} has: {' '.join(known) or 'none'}", file=sys.stderr)
        return 2
    failed = [name for name in chosen if not run(build, name, options.seconds)]
    print(f"{len(chosen) - len(failed)} fuzz targets held, {len(failed)} failed: "
          f"{' '.join(failed) or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
