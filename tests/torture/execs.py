#!/usr/bin/env python3
"""Tries to lose or double a byte of an exec: execs.py BOXLITE PART [AMOUNT] [SEED]

One real machine. PART is what is tried:

- cuts: AMOUNT (10000 unless said) short commands, four at a time. The clients of half of them are killed
  (SIGKILL) at a random moment; the exec is then found by `exec ls` and joined again where its output files
  end, maybe several times. Every byte of both streams must be there once, and the exit code must be right
  each time it is asked for.
- peers: AMOUNT megabytes (500 unless said) out of a box and into one, with a peer that takes them as they
  come, one that is slow, one that is silent for a while and one that vanishes. The bytes must be whole (or,
  for the one that vanished, told as gone), and supervisor and guest must not have grown.
- steady: AMOUNT minutes (60 unless said) of execs in one life of a box. The supervisor's and the machine's
  descriptors, the supervisor's memory and the guest's memory must be as flat at the end as they were after
  the first tenth.

Chance decides what it meets, and it takes long: not part of `./tools/dev test`. Prints the seed; exits 1 at
the first lie.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

# What the supervisor may hold of the execs of a box (docs/exec.md), with what its allocator adds.
KEPT_KIB = 64 * 1024 + 32 * 1024


class Box:
    def __init__(self, program):
        self.program = program
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="boxlite-execs-"))
        self.argv = [program, "--home", str(self.root / "home")]
        self.id = self.ask("run", "-d", "--name", "b", "boxlite/base", "sleep", "1000000").strip()
        evidence = json.loads(self.ask("inspect", "b"))[0]["Evidence"]
        self.shim, self.machine = evidence["ShimPid"], evidence["VmPid"]

    def ask(self, *words):
        done = subprocess.run([*self.argv, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f"{words} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def code_of(self, *words, **given):
        return subprocess.run([*self.argv, *words], stdin=subprocess.DEVNULL, **given).returncode

    def execs(self):
        return json.loads(self.ask("exec", "ls", "--format", "json", "b"))

    def resident_kib(self):
        status = pathlib.Path(f"/proc/{self.shim}/status").read_text().splitlines()
        return int(next(line for line in status if line.startswith("VmRSS")).split()[1])

    def descriptors(self):
        return [len(os.listdir(f"/proc/{pid}/fd")) for pid in (self.shim, self.machine)]

    def guest_kib(self):
        """What the guest has in use and cannot give back."""
        info = dict(line.split(":") for line in self.ask("exec", "b", "cat", "/proc/meminfo").splitlines())
        return int(info["MemTotal"].split()[0]) - int(info["MemAvailable"].split()[0])

    def close(self):
        self.ask("rm", "-f", "b")
        subprocess.run(["rm", "-rf", str(self.root)], check=True)


class Cuts:
    """Short commands whose clients are cut."""

    def __init__(self, box, count, seed):
        self.box, self.count, self.seed = box, count, seed
        self.mutex = threading.Lock()
        self.usual = 0.1  # seconds that a client which is not cut takes here
        self.tally = {"whole": 0, "cut": 0, "joined": 0, "never begun": 0}

    def note(self, what):
        with self.mutex:
            self.tally[what] += 1

    def find(self, token):
        for one in self.box.execs():
            if token in one["command"]:
                return one["id"]
        return None

    def client(self, words, files, chance):
        """Runs one client; its exit code, or None if it was cut."""
        with files[0].open("ab") as out, files[1].open("ab") as err:
            process = subprocess.Popen([*self.box.argv, *words], stdin=subprocess.DEVNULL, stdout=out, stderr=err)
            begin = time.monotonic()
            if chance.random() < 0.5:
                code = process.wait(300)
                with self.mutex:
                    self.usual += 0.1 * (time.monotonic() - begin - self.usual)
                return code
            try:
                return process.wait(chance.uniform(0, 1.5 * self.usual))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                return None

    def one(self, number):
        chance = random.Random(f"{self.seed}-{number}")
        token = f"token-{number}"
        lines, errors, exit_code = chance.choice([1, 10, 300, 5000]), chance.choice([0, 1, 50]), chance.randint(0, 99)
        script = f"seq 1 {lines}; seq 1 {errors} >&2; exit {exit_code}"
        files = [self.box.root / f"{token}.out", self.box.root / f"{token}.err"]
        code = self.client(["exec", "b", "sh", "-c", script, token], files, chance)
        identity = None
        if code is None:
            self.note("cut")
            identity = self.find(token)
            if identity is None:  # cut before it was asked for: nothing may have been delivered
                assert all(file.stat().st_size == 0 for file in files), f"{token} delivered without a trace"
                self.note("never begun")
                return self.clean(files)
        while code is None:
            where = [f"--stdout-from={files[0].stat().st_size}", f"--stderr-from={files[1].stat().st_size}"]
            code = self.client(["attach", "--exec", identity, *where, "b"], files, chance)
            if code == 1 and b"conflict" in files[1].read_bytes()[-400:]:
                # The dead client's hold goes when its connection's end is seen: as good as at once.
                files[1].write_bytes(self.without_last_line(files[1].read_bytes()))
                code = None
            self.note("joined")
        for name, file, count in (("stdout", files[0], lines), ("stderr", files[1], errors)):
            wanted = "".join(f"{i}\n" for i in range(1, count + 1)).encode()
            seen = file.read_bytes()
            assert seen == wanted, f"{token}: {name} has {len(seen)} bytes of {len(wanted)}: {seen[-200:]!r}"
        assert code == exit_code, f"{token} ended with {code} and not with {exit_code}"
        if identity is not None:
            for _ in range(2):
                again = int(self.box.ask("wait", "--exec", identity, "b"))
                assert again == exit_code, f"{token}: asked again it is {again} and not {exit_code}"
        self.note("whole")
        return self.clean(files)

    @staticmethod
    def without_last_line(text):
        return text[:text.rstrip(b"\n").rfind(b"\n") + 1]

    @staticmethod
    def clean(files):
        for file in files:
            file.unlink()

    def run(self):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            done = [pool.submit(self.one, number) for number in range(self.count)]
            for future in concurrent.futures.as_completed(done):
                if future.exception():
                    pool.shutdown(cancel_futures=True)
                    raise future.exception()
        print(json.dumps(self.tally))


class Peers:
    """Many bytes against peers that behave badly."""

    def __init__(self, box, megabytes):
        self.box, self.megabytes = box, megabytes
        self.bytes = megabytes << 20

    def out_of(self, name, pause):
        """pause(bytes so far): the peer's manner."""
        process = subprocess.Popen([*self.box.argv, "exec", "b", "sh", "-c", f"yes 0123456789abcde | head -c {self.bytes}"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        digest, taken, highest = hashlib.sha256(), 0, 0
        while chunk := process.stdout.read(1 << 20):
            digest.update(chunk)
            taken += len(chunk)
            pause(taken)
            highest = max(highest, self.box.resident_kib())
        assert process.wait() == 0
        wanted = hashlib.sha256(b"0123456789abcde\n" * (self.bytes // 16)).hexdigest()
        assert taken == self.bytes and digest.hexdigest() == wanted, f"{name}: {taken} of {self.bytes} bytes"
        self.check(name, highest)

    def into(self, name, script, pause):
        process = subprocess.Popen([*self.box.argv, "exec", "-i", "b", "sh", "-c", script],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        block, digest, highest = b"0123456789abcde\n" * 65536, hashlib.sha256(), 0
        for number in range(self.megabytes):
            process.stdin.write(block)
            digest.update(block)
            pause(number << 20)
            highest = max(highest, self.box.resident_kib())
        process.stdin.close()
        said = process.stdout.read().split()[0].decode()
        assert process.wait() == 0 and said == digest.hexdigest(), f"{name}: {said}"
        self.check(name, highest)

    def vanished(self):
        process = subprocess.Popen([*self.box.argv, "exec", "b", "sh", "-c", f"yes 0123456789abcde | head -c {self.bytes}; echo end >&2", "gone"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        process.stdout.read(1 << 20)
        process.kill()
        process.wait()
        identity = next(one["id"] for one in self.box.execs() if "gone" in one["command"])
        assert self.box.ask("wait", "--exec", identity, "b").strip() == "0"
        done = subprocess.run([*self.box.argv, "attach", "--exec", identity, "b"], stdin=subprocess.DEVNULL, capture_output=True)
        assert done.returncode == 0 and b"end" in done.stderr, done.stderr
        said = [word for word in done.stderr.replace(b"\n", b" ").split() if word.isdigit()]
        assert any(int(word) + len(done.stdout) == self.bytes for word in said), (done.stderr, len(done.stdout))
        self.check("out, vanished", self.box.resident_kib())

    def check(self, name, highest):
        guest = self.box.guest_kib()
        print(f"{name}: supervisor at most {highest // 1024} MiB, guest {guest // 1024} MiB", flush=True)
        assert highest < KEPT_KIB, f"{name}: the supervisor grew to {highest} KiB"
        assert guest < self.guest + 32 * 1024, f"{name}: the guest grew from {self.guest} to {guest} KiB"

    def run(self):
        self.guest = self.box.guest_kib()
        silent = lambda so_far: time.sleep(20) if so_far >> 20 == 10 else None
        slow = lambda so_far: time.sleep(0.05)
        self.out_of("out, at once", lambda so_far: None)
        self.out_of("out, slow", slow)
        self.out_of("out, silent for a while", silent)
        self.vanished()
        self.into("in, at once", "sha256sum", lambda so_far: None)
        self.into("in, slow writer", "sha256sum", slow)
        self.into("in, a program that does not read for a while", "sleep 20; sha256sum", lambda so_far: None)


class Steady:
    def __init__(self, box, minutes):
        self.box, self.minutes = box, minutes

    def run(self):
        begin, count, first = time.monotonic(), 0, None
        while (passed := (time.monotonic() - begin) / 60) < self.minutes:
            for _ in range(50):
                assert self.box.code_of("exec", "b", "sh", "-c", "seq 1 500; exit 3", stdout=subprocess.DEVNULL) == 3
                count += 1
            if first is None and passed >= self.minutes / 10:
                first = self.look()
                print(f"after {count} execs: {first}", flush=True)
        last = self.look()
        # The last client's connection goes when the supervisor has seen its end.
        deadline = time.monotonic() + 30
        while last["descriptors"] != first["descriptors"] and time.monotonic() < deadline:
            time.sleep(0.1)
            last = self.look()
        print(f"after {count} execs: {last}")
        assert last["descriptors"] == first["descriptors"], "descriptors leak"
        assert last["supervisor KiB"] < first["supervisor KiB"] + 2048, "the supervisor grows"
        assert last["guest KiB"] < first["guest KiB"] + 8192, "the guest grows"

    def look(self):
        return {"descriptors": self.box.descriptors(), "supervisor KiB": self.box.resident_kib(), "guest KiB": self.box.guest_kib()}


def main():
    program, part = sys.argv[1:3]
    amount = int(sys.argv[3]) if len(sys.argv) > 3 else None
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else int(time.time())
    print(f"seed {seed}", flush=True)
    box = Box(program)
    try:
        {"cuts": lambda: Cuts(box, amount or 10000, seed), "peers": lambda: Peers(box, amount or 500),
         "steady": lambda: Steady(box, amount or 60)}[part]().run()
    except AssertionError as lie:
        print("LIE:", lie, flush=True)
        print(f"the box and what was seen are in {box.root}")
        sys.exit(1)
    box.close()


if __name__ == "__main__":
    main()
