#!/usr/bin/env python3
"""Breaks the code in one line at a time and expects the named test to notice.

mutants.py [--jobs N] [FILTER]   run the mutants whose file name matches FILTER (a regular expression)
mutants.py --check               only see that every patch still applies to the tree

A mutant is tests/mutants/NAME.patch: lines `Test: Suite.Test` (one or more; each must turn red) and
`Why: ...`, then a diff against the tree. All of it happens in a copy of the tree under build/mutants.
"""
import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import leftovers
import test_names
import tree

PATCHES = tree.ROOT / "tests" / "mutants"
COPY = tree.ROOT / "build" / "mutants"
BUILD = COPY / "build" / "dev"
# A test that hangs has noticed too; this bounds how long that is waited for.
TEST_TIMEOUT_SECONDS = 180


class Mutant:
    def __init__(self, path):
        self.path = path.relative_to(tree.ROOT)
        self.name = path.stem
        text = path.read_text(errors="replace")
        header = text.split("\n--- ", 1)[0]
        self.tests = re.findall(r"^Test: (\S+)$", header, re.MULTILINE)
        self.why = " ".join(re.findall(r"^Why: (.+)$", header, re.MULTILINE))
        self.files = [pathlib.Path(name)
                      for name in re.findall(r"^\+\+\+ b/(\S+)", text, re.MULTILINE)]
        self.problems = []
        if not self.tests:
            self.problems.append(f"{self.path}: has no line `Test: Suite.Test`")
        if not self.files:
            self.problems.append(f"{self.path}: changes no file")

    def apply(self, directory, *options):
        """Whether git could apply the patch (or, with --check, could)."""
        # In the copy, git must not take the surrounding checkout for its own.
        environment = dict(os.environ, GIT_CEILING_DIRECTORIES=str(directory.parent))
        return subprocess.run(["git", "apply", *options, tree.ROOT / self.path], cwd=directory,
                              env=environment).returncode == 0


def read_all():
    return [Mutant(path) for path in sorted(PATCHES.glob("*.patch"))]


def check_all():
    problems = []
    for mutant in read_all():
        problems += mutant.problems
        if not mutant.apply(tree.ROOT, "--check"):
            problems.append(f"{mutant.path}: does not apply to the tree any more")
    print("\n".join(problems) or f"{len(read_all())} mutants apply")
    return 1 if problems else 0


def copy_file(path):
    """Copies one file of the tree if it differs, so that an incremental build stays incremental."""
    source, target = tree.ROOT / path, COPY / path
    if target.exists() and target.read_bytes() == source.read_bytes():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    shutil.copymode(source, target)


def copy_tree():
    wanted = set(tree.files())
    for path in wanted:
        copy_file(path)
    for path in COPY.rglob("*"):
        relative = path.relative_to(COPY)
        if path.is_file() and relative.parts[0] != "build" and relative not in wanted:
            path.unlink()


def build(jobs, targets=()):
    """Everything, or what these targets need."""
    if not (BUILD / "build.ninja").exists():
        subprocess.run(["cmake", "--preset", "dev"], cwd=COPY, check=True,
                       stdout=subprocess.DEVNULL)
    command = ["cmake", "--build", BUILD, "-j", str(jobs)]
    if targets:
        command += ["--target", *targets]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def run_tests(tests):
    """Whether all of these tests pass."""
    expression = "^(" + "|".join(re.escape(test.name) for test in tests) + ")$"
    done = subprocess.run(["ctest", "--test-dir", BUILD, "--no-tests=error", "--timeout",
                           str(TEST_TIMEOUT_SECONDS), "-R", expression], capture_output=True)
    return done.returncode == 0


def end_leftovers():
    """A mutant may lose processes of its own; they are told by their executable's path, nothing else."""
    for pid, what in leftovers.find(COPY):
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            # Looked at again through the number that the pidfd now pins.
            if (pid, what) in leftovers.find(COPY):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        except ProcessLookupError:
            pass
        finally:
            os.close(pidfd)


def try_mutant(mutant, known, jobs):
    """None if every named test noticed, else what went wrong."""
    if mutant.problems:
        return mutant.problems[0]
    unknown = [name for name in mutant.tests if name not in known]
    if unknown:
        return f"there is no test {unknown[0]}"
    if not mutant.apply(COPY):
        return "does not apply"
    try:
        programs = {test.program for name in mutant.tests for test in known[name]}
        built = build(jobs, sorted(os.path.basename(program) for program in programs))
        if built.returncode != 0:
            return "does not compile:\n" + "\n".join(built.stdout.splitlines()[-15:])
        survived = [name for name in mutant.tests if run_tests(known[name])]
        end_leftovers()
        return "SURVIVED: still green: " + ", ".join(survived) if survived else None
    finally:
        for path in mutant.files:
            copy_file(path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--check", action="store_true")
    parser.add_argument("filter", nargs="?", default="")
    options = parser.parse_args()
    if options.check:
        return check_all()
    chosen = [mutant for mutant in read_all() if re.search(options.filter, mutant.name)]
    if not chosen:
        print("no mutant matches")
        return 2
    copy_tree()
    print("building the copy ...", flush=True)
    built = build(options.jobs)
    if built.returncode != 0:
        print(built.stdout)
        return 1
    known = test_names.known(BUILD)
    named = sorted({test for mutant in chosen for name in mutant.tests
                    for test in known.get(name, [])})
    if named and not run_tests(named):
        print("the named tests are not green without any mutant: nothing can be told")
        return 1
    failed = []
    for mutant in chosen:
        begin = time.monotonic()
        problem = try_mutant(mutant, known, options.jobs)
        print(f"{'killed' if problem is None else 'NOT KILLED'}  {mutant.name} "
              f"({time.monotonic() - begin:.0f} s)  {mutant.why}", flush=True)
        if problem is not None:
            failed.append(mutant.name)
            print(f"    {problem}", flush=True)
    print(f"{len(chosen) - len(failed)} mutants killed, {len(failed)} not")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
