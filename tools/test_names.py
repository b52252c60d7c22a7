"""The names of every test that a build has, as CTest knows them."""
import collections
import json
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
# `Suite.Test` in backticks; parameterised ones are written without their prefix and number.
QUOTED_NAME = re.compile(r"`([A-Z]\w*\.[A-Z]\w*)`")


def plain(name):
    """Prefix/Suite.Test/0 -> Suite.Test"""
    match = re.search(r"(\w+)\.(\w+)(?:/.*)?$", name)
    return f"{match[1]}.{match[2]}" if match else name


Test = collections.namedtuple("Test", "name program")


def known(build):
    """{plain name: [Test]} of this build directory; Test.name is CTest's, Test.program a path."""
    shown = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], check=True,
                           capture_output=True, text=True).stdout
    found = {}
    for test in json.loads(shown)["tests"]:
        # A program that was not built has one test without a command.
        program = test.get("command", [""])[0]
        found.setdefault(plain(test["name"]), []).append(Test(test["name"], program))
    return found
