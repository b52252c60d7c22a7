#!/usr/bin/env python3
"""Every test that a document names exists: check_recovery_table.py [--build DIR] [DOCUMENT...]

Rows of docs/recovery.md's tables name the test that is red without what the row promises. A row that
names none is an error too, unless it says `pending` and why. docs/threat-model.md is read the same way,
and so are the headers of tests/mutants/*.patch.
"""
import argparse
import pathlib
import sys

import mutants
import test_names

DOCUMENTS = ["docs/recovery.md", "docs/threat-model.md"]


def rows(text):
    """(line number, row) of each table row that is neither a table's head nor its rule."""
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        is_rule = set(line) <= set("|-: ")
        is_head = number < len(lines) and lines[number].startswith("|-")
        if line.startswith("|") and not is_rule and not is_head:
            yield number, line


def check_document(path, known):
    problems = []
    named = set()
    for number, row in rows(path.read_text()):
        names = test_names.QUOTED_NAME.findall(row)
        named |= set(names)
        if not names and "pending" not in row:
            problems.append(f"{path}:{number}: the row names no test and is not pending")
        problems += [f"{path}:{number}: there is no test {name}"
                     for name in names if name not in known]
    if not named:
        problems.append(f"{path}: names no test at all")
    return problems, len(named)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=test_names.ROOT / "build" / "dev")
    parser.add_argument("documents", nargs="*", type=pathlib.Path)
    options = parser.parse_args()
    known = test_names.known(options.build)
    problems = []
    for path in options.documents or [test_names.ROOT / name for name in DOCUMENTS]:
        if not path.exists():
            problems.append(f"{path}: is missing")
            continue
        found, count = check_document(path, known)
        problems += found
        print(f"{path.name}: {count} tests named")
    for mutant in mutants.read_all():
        problems += mutant.problems
        problems += [f"{mutant.path}: there is no test {name}"
                     for name in mutant.tests if name not in known]
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
