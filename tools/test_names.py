"""The names of every test that a build has, as CTest knows them."""
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


def known(build):
    """{plain name: [full names]} of the tests in this build directory."""
    shown = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], check=True,
                           capture_output=True, text=True).stdout
    names = {}
    for test in json.loads(shown)["tests"]:
        names.setdefault(plain(test["name"]), []).append(test["name"])
    return names
