#!/usr/bin/env python3
"""Runs the case table (table.py) with podman and with boxlite and compares: parity.py [--filter REGEX] ...

Ends with 0 if every difference is explained and every explanation holds, with 77 if podman cannot run on
this host (CTest: skipped), else with 1.
"""
import argparse
import concurrent.futures
import difflib
import pathlib
import re
import sys
import tempfile
import threading
import time

import compare
import sides
import steps
import table

SKIPPED = 77
# As many boots at once as the smallest supported host has processors.
JOBS = 2


class Run:
    def __init__(self, options, directory):
        self.options = options
        self.directory = directory
        self.lock = threading.Lock()
        self.failed, self.passed = [], 0
        self.seconds = {"podman": 0.0, "boxlite": 0.0}
        self.tar = None
        self.sides = []

    def make_sides(self, directory):
        made = []
        if self.options.only != "boxlite":
            made.append(sides.Podman(directory / "podman", self.tar))
        if self.options.only != "podman":
            made.append(sides.BoxLite(directory / "boxlite", self.options.boxlite))
        return made

    def prepare(self, cases):
        if self.options.only != "boxlite":
            sides.separate_mounts()
            self.tar = sides.make_rootfs_tar(self.directory)
        self.sides = self.make_sides(self.directory)
        if {case.on for case in cases} & {steps.LIVE, steps.ENDED}:
            with concurrent.futures.ThreadPoolExecutor() as pool:
                list(pool.map(lambda side: side.make_boxes(), self.sides))

    def one(self, case):
        """Runs the case on each side and reports."""
        chosen = self.sides
        directory = self.directory / "cases" / case.token
        number = table.CASES.index(case)
        if case.on == steps.ALONE:
            chosen = self.make_sides(self.directory / str(number))  # podman takes 50 characters
        observations = {}
        try:
            for side in chosen:
                begin = time.monotonic()
                observations[side.name] = steps.run_case(case, side, directory / side.name, case.on)
                with self.lock:
                    self.seconds[side.name] += time.monotonic() - begin
            if not self.options.only and compare.complaints(case, observations["podman"], observations["boxlite"]):
                self.ask_podman_again(case, chosen, directory, observations)
        finally:
            if case.on == steps.ALONE:
                for side in chosen:
                    side.close()
        with self.lock:
            if self.options.only or self.options.verbose:
                show(case, observations)
            if self.options.only:
                self.passed += 1
                return
            wrong = compare.complaints(case, observations["podman"], observations["boxlite"])
            if wrong:
                self.failed.append(case.name)
                complain(case, observations, wrong)
            else:
                self.passed += 1

    def ask_podman_again(self, case, chosen, directory, observations):
        """On a loaded machine it loses a signal now and then. What boxlite did stands as it was."""
        podman = next(side for side in chosen if side.name == "podman")
        seen = steps.run_case(case, podman, directory / "podman-again", case.on)
        if not compare.complaints(case, seen, observations["boxlite"]):
            print(f"{case.name}: podman did as boxlite when it was asked again")
            observations["podman"] = seen

    def close(self):
        for side in self.sides:
            side.close()


def show(case, observations):
    for side, seen in observations.items():
        for step, observation in zip(case.steps, seen):
            print(f"{case.name} | {side} | {step} | {observation.exit} {observation.stdout!r} {observation.said!r}")


def complain(case, observations, wrong):
    print(f"FAILED {case.name}")
    for what, key, theirs, ours in wrong:
        step = int(key.split()[0])
        line = case.steps[step - 1] if step <= len(case.steps) else "(no such step)"
        print(f"  step {step}: {line}\n    {what}: {key.split()[1]}")
        if isinstance(theirs, str) and isinstance(ours, str) and "\n" in theirs + ours:
            for text in difflib.unified_diff(theirs.splitlines(), ours.splitlines(), "podman", "boxlite", lineterm=""):
                print("      " + text)
        else:
            print(f"      podman  {theirs!r}\n      boxlite {ours!r}")
        for side, seen in observations.items():
            if step <= len(seen) and seen[step - 1].said:
                print(f"    {side} said: {seen[step - 1].said.strip()[:600]}")
    sys.stdout.flush()


def run_all(run, cases):
    """What looks at the ended box first, since podman forgets an exit code after five minutes; then what boots."""
    order = (steps.ENDED, steps.ALONE, steps.OWN, steps.LIVE)
    cases = sorted(cases, key=lambda case: order.index(case.on))
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for future in [pool.submit(run.one, case) for case in cases]:
            future.result()


def report(run, begin):
    for name in run.failed:
        print(f"FAILED {name}")
    times = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in run.seconds.items() if seconds)
    print(f"parity: {run.passed} passed, {len(run.failed)} failed "
          f"({time.monotonic() - begin:.0f} s; {times}, two at a time)")
    return 1 if run.failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boxlite", default=str(sides.ROOT / "build/dev/bin/boxlite"), help="the program to compare")
    parser.add_argument("--filter", default="", help="only cases whose names have this pattern")
    parser.add_argument("--list", action="store_true", help="show the cases, and the reasons of differences")
    parser.add_argument("--only", choices=["podman", "boxlite"], help="show what one side does; compares nothing")
    parser.add_argument("--verbose", action="store_true", help="show what both sides do")
    options = parser.parse_args()
    cases = [case for case in table.CASES if re.search(options.filter, case.name)]
    if options.list:
        for case in cases:
            print(case.name)
            for key, (theirs, ours, reason) in case.differs.items():
                print(f"    step {key}: podman {theirs!r}, boxlite {ours!r}: {reason}")
        return 0
    begin = time.monotonic()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="parity-"))
    run = Run(options, directory)
    try:
        try:
            run.prepare(cases)
        except sides.CannotRun as why:
            # The form in which gtest says it, which the test plan reads. Later than here it is a failure.
            print(f"Skipped\npodman cannot run containers on this host: {why}\n")
            return SKIPPED
        run_all(run, cases)
    finally:
        run.close()
        sides.remove(directory)
    return report(run, begin)


if __name__ == "__main__":
    sys.exit(main())
