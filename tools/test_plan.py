#!/usr/bin/env python3
"""Runs everything that must hold before a merge, part by part, and adds it up.

`./tools/dev test` is the way to call it. The last line is `N passed, N failed[, N skipped]`; the exit
status is 0 only if nothing failed. Every CTest test counts as one, and so does each check and build.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import time
import xml.etree.ElementTree

import leftovers

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "logs"
# How long each fuzz target runs here: enough to replay its seeds and to try some thousand inputs.
FUZZ_SMOKE_SECONDS = 5


def read_allowed_skips(path):
    """{(test, where)}: where is a part's build (dev, asan, tsan) or `any`."""
    allowed = set()
    for line in path.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            test, where, reason = (field.strip() for field in line.split("|", 2))
            if not reason:
                raise SystemExit(f"{path}: {test} has no reason")
            allowed.add((test, where))
    return allowed


def reason_of_skip(output):
    """What the test said to GTEST_SKIP(): the lines between gtest's `Skipped` and its next mark."""
    lines = output.splitlines()
    for at, line in enumerate(lines):
        if line.rstrip().endswith("Skipped"):
            words = []
            for follower in lines[at + 1:]:
                if follower.startswith("[") or not follower.strip():
                    break
                words.append(follower.strip())
            return " ".join(words) or "no reason given"
    return "no reason given"


class Plan:
    def __init__(self, jobs):
        self.jobs = jobs
        self.passed = 0
        self.failures = []
        self.skips = []
        self.allowed_skips = read_allowed_skips(ROOT / "tests" / "skips.txt")
        self.environment = dict(
            os.environ, ASAN_OPTIONS="detect_stack_use_after_return=1",
            UBSAN_OPTIONS="print_stacktrace=1",
            # Programs here fork and exec; the fork of a process with threads is then harmless.
            TSAN_OPTIONS=f"die_after_fork=0:suppressions={ROOT}/tests/tsan.supp")
        LOGS.mkdir(parents=True, exist_ok=True)

    def part(self, title, run):
        print(f"== {title}", flush=True)
        begin = time.monotonic()
        before = (self.passed, len(self.failures), len(self.skips))
        run()
        counts = (self.passed - before[0], len(self.failures) - before[1],
                  len(self.skips) - before[2])
        seconds = time.monotonic() - begin
        print(f"   {title}: {counts[0]} passed, {counts[1]} failed"
              + (f", {counts[2]} skipped" if counts[2] else "") + f" ({seconds:.1f} s)\n",
              flush=True)

    def check(self, name, command):
        """A program whose exit status is the verdict; what it says is shown if it fails."""
        log = LOGS / (name.replace(" ", "-") + ".log")
        with open(log, "wb") as out:
            status = subprocess.run(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT,
                                    env=self.environment).returncode
        self.count(status == 0, name)
        if status != 0:
            tail = log.read_bytes().decode(errors="replace").splitlines()[-120:]
            print("\n".join(tail) + f"\n   (all of it: {log})", flush=True)
        return status == 0

    def count(self, ok, name):
        if ok:
            self.passed += 1
        else:
            self.failures.append(name)

    def build(self, preset, *targets):
        return self.check(f"build {preset}", [ROOT / "tools" / "dev", "build", preset, *targets])

    def ctest(self, build, title, *selection, jobs=None):
        """Runs the selected tests of build/BUILD and counts each of them."""
        report = LOGS / f"{build}-{title}.xml"
        report.unlink(missing_ok=True)
        subprocess.run(
            ["ctest", "--test-dir", ROOT / "build" / build, "--output-on-failure",
             "--no-tests=error", "-j", str(jobs or self.jobs), "--output-junit", report,
             *selection], cwd=ROOT, env=self.environment)
        if not report.exists():
            self.count(False, f"{build} {title}: ctest left no report")
            return
        cases = xml.etree.ElementTree.parse(report).getroot().findall("testcase")
        if not cases:
            self.count(False, f"{build} {title}: no test matches {' '.join(selection)}")
        for case in cases:
            self.count_case(build, case)

    def count_case(self, build, case):
        name = case.get("name")
        if case.get("status") == "run":
            self.count(True, name)
        elif case.find("skipped") is not None and case.get("status") == "notrun":
            reason = reason_of_skip(case.findtext("system-out") or "")
            if {(name, build), (name, "any")} & self.allowed_skips:
                self.skips.append(f"{name} ({build}): {reason}")
            else:
                self.count(False, f"{name} ({build}) was skipped and is not on tests/skips.txt: "
                                  f"{reason}")
        else:
            self.count(False, f"{name} ({build})")

    def no_leftovers(self):
        found = leftovers.find(ROOT / "build")
        for process in found:
            print(f"   left running: {process}", flush=True)
        self.count(not found, "nothing of the tests is left running")

    def summary(self):
        for skip in self.skips:
            print(f"SKIPPED {skip}")
        for failure in self.failures:
            print(f"FAILED {failure}")
        line = f"{self.passed} passed, {len(self.failures)} failed"
        if self.skips:
            line += f", {len(self.skips)} skipped"
        print(line, flush=True)
        return 1 if self.failures else 0


def static_checks(plan):
    python = sys.executable
    scripts = sorted(str(path) for path in ROOT.glob("tools/**/*.sh"))
    plan.check("format", [python, "tools/format.py", "--check"])
    plan.check("shell scripts", ["shellcheck", "tools/dev", ".ci/run", *scripts])
    plan.check("documents", [python, "tools/check_docs.py"])


def dev_tests(plan):
    if not plan.build("dev"):
        return
    plan.check("named tests exist", [sys.executable, "tools/check_recovery_table.py"])
    plan.check("mutants apply", [sys.executable, "tools/mutants.py", "--check"])
    plan.part("unit tests", lambda: plan.ctest("dev", "unit", "-L", "^unit$"))
    plan.part("lifecycle tests (fake engine)",
              lambda: plan.ctest("dev", "lifecycle", "-L", "^lifecycle$"))
    plan.part("integration tests (real VMs)",
              lambda: plan.ctest("dev", "integration", "-LE", "^(unit|lifecycle)$", jobs=1))


def asan_tests(plan, *selection):
    if plan.build("asan"):
        plan.ctest("asan", "tests", *(selection or ("-L", "^(unit|lifecycle)$")))


def fuzz_smoke(plan):
    listed = subprocess.run([sys.executable, "tools/fuzz.py", "--build", "build/asan", "--list"],
                            cwd=ROOT, capture_output=True, text=True).stdout.split()
    if not listed:
        plan.count(False, "there are no fuzz targets in build/asan")
    for target in listed:
        plan.check(f"fuzz {target}", [sys.executable, "tools/fuzz.py", "--build", "build/asan",
                                      "--seconds", str(FUZZ_SMOKE_SECONDS), "--target", target])


def tsan_tests(plan, *selection):
    if plan.build("tsan", "boxlite_concurrent_tests"):
        plan.ctest("tsan", "tests", *(selection or ("-L", "^concurrent$")))


def whole(plan):
    plan.part("static checks", lambda: static_checks(plan))
    plan.part("dev build and its tests", lambda: dev_tests(plan))
    plan.part("ASan and UBSan: unit and lifecycle tests", lambda: asan_tests(plan))
    plan.part("fuzz targets, briefly", lambda: fuzz_smoke(plan))
    plan.part("TSan: concurrent tests", lambda: tsan_tests(plan))
    plan.part("clang-tidy of what changed", lambda: plan.check("tidy", ["tools/dev", "tidy"]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--filter", help="a regular expression on test names")
    parser.add_argument("--only", choices=["asan", "tsan"])
    options = parser.parse_args()
    plan = Plan(options.jobs)
    selection = ("-R", options.filter) if options.filter else ()
    if options.only == "asan":
        plan.part("ASan and UBSan", lambda: asan_tests(plan, *selection))
    elif options.only == "tsan":
        plan.part("TSan", lambda: tsan_tests(plan, *selection))
    elif options.filter:
        plan.part("build", lambda: plan.build("dev"))
        if not plan.failures:
            plan.part("tests", lambda: plan.ctest("dev", "filtered", *selection))
    else:
        whole(plan)
    plan.part("leftovers", plan.no_leftovers)
    return plan.summary()


if __name__ == "__main__":
    sys.exit(main())
