"""What a case of the table is made of, and how a step is done on one side.

A case is a list of steps; each that is compared leaves an Observation: exit code, stdout and stderr.
In words and scripts `@image`, `@box`, `@name` and `@dir` stand for the image, the case's shared box, a
name of the case's own (boxes named so, or @name-b, are removed after it) and a directory of its own
on the host; `@labels` for where inspect shows a box's labels.
"""
import contextlib
import dataclasses
import fcntl
import os
import pathlib
import pty as pseudo_terminals
import re
import select
import shlex
import signal as signals
import struct
import subprocess
import termios
import time

# On a loaded machine under emulation; the longest step boots a box twice.
STEP_SECONDS = 90

LIVE = "live"    # a box that runs for all such cases; they change nothing in it but files of their own
ENDED = "ended"  # a box whose main wrote to both streams and ended with 3; cases only look at it
OWN = "own"      # the case makes its boxes itself, beside others
ALONE = "alone"  # the same, with a home in which nothing else is


@dataclasses.dataclass
class Case:
    name: str
    steps: tuple
    on: str = OWN
    files: dict = dataclasses.field(default_factory=dict)
    # {"STEP exit|stdout|stderr": (podman's, boxlite's, reason)}; a compiled pattern stands for any value
    # that it matches wholly. Steps are counted from 1; those that compare nothing count too.
    differs: dict = dataclasses.field(default_factory=dict)

    @property
    def token(self):
        return re.sub("[^a-z0-9]+", "-", self.name)


@dataclasses.dataclass
class Observation:
    """None: not compared."""
    exit: object = None
    stdout: object = None
    stderr: object = None
    # Shown beside a difference, not compared.
    said: str = ""


class StepFailed(Exception):
    """The step could not be done, which no reason explains."""


class Place:
    """Where a case runs: one side, and what the @words mean there."""

    def __init__(self, side, case, directory, box):
        self.side = side
        self.directory = directory
        self.names = {"@image": side.image, "@box": box, "@name": case.token, "@dir": str(directory), "@labels": side.labels}
        self.background = None

    def fill(self, text):
        for name, value in self.names.items():
            text = text.replace(name, value)
        return text

    def argv(self, words):
        words = shlex.split(words) if isinstance(words, str) else list(words)
        return self.side.argv([self.fill(word) if isinstance(word, str) else word for word in words])

    def environment(self, more):
        return dict(self.side.environment, **more)

    def observe(self, step, code, out, err):
        out = self.side.without_ids(step.verb(), decode(out))
        err = decode(err)
        if step.see is not None:
            out = "\n".join(re.findall(step.see, out, re.MULTILINE))
        shown = err if step.err == "exact" else ("something" if err else "")
        return Observation(code, out if step.out else None, None if step.err == "any" else shown, said=err)


def decode(data):
    return data.decode("utf-8", "backslashreplace")


@dataclasses.dataclass
class Cli:
    """One call of the command line. words: a shell-like string, or a list (bytes are passed as they are)."""
    words: object
    stdin: object = None     # bytes; None: /dev/null
    env: dict = dataclasses.field(default_factory=dict)
    see: str = None          # only what this pattern finds in stdout is compared
    out: bool = True         # whether stdout is compared
    err: str = "whether"     # "exact": its text; "whether": that there is any; "any": not compared

    def verb(self):
        return self.words.split()[0] if isinstance(self.words, str) else self.words[0]

    def run(self, place):
        done = run(place.argv(self.words), place.environment(self.env), self.stdin)
        return place.observe(self, *done)

    def __str__(self):
        return self.words if isinstance(self.words, str) else " ".join(map(repr, self.words))


@dataclasses.dataclass
class Shell(Cli):
    """A script of the host's sh, in which `cli` is the side's command line."""

    def verb(self):
        return ""

    def run(self, place):
        prelude = "cli() { " + shlex.join(place.side.argv([])) + ' "$@"; }\n'
        done = run(["sh", "-c", prelude + place.fill(self.words)],
                   dict(place.environment(self.env)), self.stdin, place.directory)
        return place.observe(self, *done)


@dataclasses.dataclass
class Until:
    """Asks again and again until stdout has the pattern: no verb tells of what happens inside a box."""
    words: str
    pattern: str

    def run(self, place):
        deadline = time.monotonic() + STEP_SECONDS
        while True:
            code, out, err = run(place.argv(self.words), place.environment({}), None)
            if re.search(self.pattern, decode(out)):
                return Observation()
            if time.monotonic() > deadline:
                raise StepFailed(f"{self}: never came; the last answer was {code} {out!r} {err!r}")
            time.sleep(0.05)

    def __str__(self):
        return f"until {self.words} has {self.pattern}"


@dataclasses.dataclass
class Begin(Cli):
    """Starts a call and goes on. Finish waits for it, Signal signals it."""
    ready: str = ""  # if set, goes on only when stdout has shown this pattern

    def run(self, place):
        place.background = Background(place, self)
        if self.ready:
            place.background.read_until(self.ready)
        return Observation()

    def __str__(self):
        return f"{self.words} &"


@dataclasses.dataclass
class Signal:
    name: str

    def run(self, place):
        place.background.process.send_signal(getattr(signals, "SIG" + self.name))
        return Observation()

    def __str__(self):
        return f"kill -{self.name} %1"


@dataclasses.dataclass
class Finish:
    def run(self, place):
        background, place.background = place.background, None
        return background.finish()

    def __str__(self):
        return "wait %1"


class Background:
    def __init__(self, place, step):
        self.place, self.step = place, step
        self.out = b""
        self.errors = open(place.directory / "background.err", "w+b")
        self.process = subprocess.Popen(
            place.argv(step.words), env=place.environment(step.env), stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL if step.stdin is None else subprocess.PIPE, stderr=self.errors)
        if step.stdin is not None:
            self.process.stdin.write(step.stdin)
            self.process.stdin.flush()

    def read(self, deadline):
        fd = self.process.stdout.fileno()
        if not select.select([fd], [], [], max(0, deadline - time.monotonic()))[0]:
            raise StepFailed(f"{self.step}: silent too long after {self.out!r}")
        piece = os.read(fd, 65536)
        self.out += piece
        return piece

    def read_until(self, pattern):
        deadline = time.monotonic() + STEP_SECONDS
        while not re.search(pattern, decode(self.out)):
            if not self.read(deadline):
                raise StepFailed(f"{self.step}: ended after {self.out!r}, before {pattern}")

    def finish(self):
        deadline = time.monotonic() + STEP_SECONDS
        while self.read(deadline):
            pass
        if self.process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
        code = shell_code(self.process.wait(STEP_SECONDS))
        self.errors.seek(0)
        return self.place.observe(self.step, code, self.out, self.close_errors())

    def close_errors(self):
        with self.errors:
            self.errors.seek(0)
            return self.errors.read()

    def abandon(self):
        self.process.kill()
        self.process.wait()
        self.errors.close()


@dataclasses.dataclass
class Terminal(Cli):
    """A call in a terminal. dialogue: pairs of a pattern to wait for and the bytes to type then."""
    dialogue: tuple = ()
    size: tuple = (24, 80)

    def run(self, place):
        master, slave = pseudo_terminals.openpty()
        with os.fdopen(master, "r+b", buffering=0) as ours:
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *self.size, 0, 0))
            process = subprocess.Popen(["setsid", "--ctty", "--wait", *place.argv(self.words)],
                                       env=place.environment(dict(self.env, TERM="xterm")),
                                       stdin=slave, stdout=slave, stderr=slave)
            os.close(slave)
            try:
                out = self.talk(ours, process)
            finally:
                process.kill()
                code = shell_code(process.wait())
        return place.observe(self, code, out, b"")

    def talk(self, ours, process):
        out, answered = b"", 0
        deadline = time.monotonic() + STEP_SECONDS
        dialogue = list(self.dialogue)
        while True:
            while dialogue and re.search(dialogue[0][0], decode(out[answered:])):
                answered = len(out)
                ours.write(dialogue.pop(0)[1])
            if not select.select([ours], [], [], max(0, deadline - time.monotonic()))[0]:
                raise StepFailed(f"{self}: silent too long after {out!r}")
            try:
                piece = ours.read(65536)
            except OSError:  # EIO: every holder of the other end is gone
                piece = b""
            if not piece:
                break
            out += piece
        process.wait(STEP_SECONDS)
        if dialogue:
            raise StepFailed(f"{self}: ended after {out!r}, before {dialogue[0][0]}")
        return out


@dataclasses.dataclass
class Tree:
    """What lies in the case's directory under `name`: kinds, modes, owners, contents."""
    name: str

    def run(self, place):
        top = place.directory / self.name
        paths = [top, *sorted(top.rglob("*"))] if top.exists() else []
        lines = [describe(path, place.directory) for path in paths]
        return Observation(0, "\n".join(lines), None)

    def __str__(self):
        return f"what is in {self.name}"


def describe(path, root):
    state = path.lstat()
    line = f"{path.relative_to(root)} {state.st_mode:o} {state.st_uid}:{state.st_gid}"
    if path.is_symlink():
        return f"{line} -> {os.readlink(path)}"
    return line + (f" {path.read_bytes()[:200]!r}" if path.is_file() else "")


def shell_code(code):
    return 128 - code if code < 0 else code


def run(argv, environment, stdin, directory=None):
    given = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
    try:
        done = subprocess.run(argv, env=environment, capture_output=True, timeout=STEP_SECONDS,
                              cwd=directory, check=False, **given)
    except subprocess.TimeoutExpired as late:
        raise StepFailed(f"not done after {STEP_SECONDS} s; so far {late.stdout!r} {late.stderr!r}")
    return shell_code(done.returncode), done.stdout, done.stderr


def run_case(case, side, directory, box):
    """The observations of the case's steps on this side, one a step; then its boxes are gone."""
    place = Place(side, case, directory, box)
    directory.mkdir(parents=True)
    for name, content in case.files.items():
        write(directory / name, content)
    observations = []
    try:
        for step in case.steps:
            step = Cli(step) if isinstance(step, str) else step
            try:
                observations.append(step.run(place))
            except StepFailed as failure:
                observations.append(Observation("cannot be done", said=str(failure)))
                break
    finally:
        if place.background:
            place.background.abandon()
        if case.on in (OWN, ALONE):
            side.remove_boxes(case.token)
    return observations


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, pathlib.PurePath):
        path.symlink_to(content)
    else:
        path.write_bytes(content)
        path.chmod(0o755 if content.startswith(b"#!") else 0o644)
