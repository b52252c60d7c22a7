#!/usr/bin/env python3
"""Documents against what they describe: links, the table of errors, README's length, the changelog."""
import re
import sys

import tree

README_LINES = 120


def broken_links(path, text):
    """Relative links of a Markdown file that lead nowhere."""
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        name = target.split("#")[0]
        if name and not re.match(r"[a-z]+:", name):
            if not (tree.ROOT / path).parent.joinpath(name).exists():
                yield f"{path}: links to {target}, which does not exist"


def errors_page():
    header = (tree.ROOT / "src/boxlite/base/error_code.h").read_text()
    page = (tree.ROOT / "docs/errors.md").read_text()
    codes = re.findall(r'^ *X\(k\w+, (\d+), "(\w+)"\)', header, re.MULTILINE)
    listed = re.findall(r"^\| (\d+) \| `(\w+)` \|", page, re.MULTILINE)
    if not codes:
        yield "src/boxlite/base/error_code.h: no code found"
    for code in codes:
        if listed.count(code) != 1:
            yield f"docs/errors.md: `{code[1]}` ({code[0]}) stands in {listed.count(code)} rows, not 1"
    for code in set(listed) - set(codes):
        yield f"docs/errors.md: `{code[1]}` ({code[0]}) is no code of error_code.h"


def changelog():
    version = re.search(r"VERSION (\d+\.\d+\.\d+)", (tree.ROOT / "CMakeLists.txt").read_text())[1]
    text = (tree.ROOT / "CHANGELOG.md").read_text()
    if not re.search(rf"^## \[{re.escape(version)}\]", text, re.MULTILINE):
        yield f"CHANGELOG.md: has no section for version {version}"


def readme():
    lines = len((tree.ROOT / "README.md").read_text().splitlines())
    if lines >= README_LINES:
        yield f"README.md: {lines} lines, fewer than {README_LINES} are wanted"


def main():
    problems = []
    for check in (errors_page, changelog, readme):
        try:
            problems += check()
        except FileNotFoundError as error:
            problems.append(f"{error.filename}: is missing")
    for path in tree.files():
        if path.suffix == ".md":
            problems += broken_links(path, (tree.ROOT / path).read_text())
    print("\n".join(problems) or "documents agree with the tree")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
