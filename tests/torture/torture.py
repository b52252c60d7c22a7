#!/usr/bin/env python3
"""Tries to lose a box: torture.py BOXLITE MINUTES [SEED]

Real machines. Several users at once create, start, stop, restart, exec into and remove boxes of one home,
while commands, shims and machines are killed (SIGKILL) or stopped (SIGSTOP) at random moments. What is
checked, with nothing of the product's code but the command line itself:

- a box whose locks are held before and after a look is told live, one whose locks are free is not;
- a number that the guest fsynced before an exec reported success is there after any kill;
- every machine carries a lock of a box that is there; innocent processes stay unharmed;
- after `rm -f` of all boxes no process and no lock of the home is left.

Not part of `./tools/dev test`: chance decides what it meets. Prints the seed; exits 1 at the first lie.
"""
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

LIVE = {"starting", "running", "stopping"}
NAMES = ["alpha", "beta", "gamma"]


class Torture:
    def __init__(self, program, minutes, seed):
        self.program = program
        self.end = time.monotonic() + minutes * 60
        self.random = random.Random(seed)
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="boxlite-torture-"))
        self.home = self.root / "home"
        self.lies = []
        self.counts = {}
        self.mutex = threading.Lock()
        self.written = {}  # (box id, user) -> the last number whose fsync was reported
        self.innocent = subprocess.Popen(["sleep", "100000"])

    def note(self, what):
        with self.mutex:
            self.counts[what] = self.counts.get(what, 0) + 1

    def lie(self, text):
        with self.mutex:
            self.lies.append(text)
        print("LIE:", text, flush=True)

    def going(self):
        return time.monotonic() < self.end and not self.lies

    def command(self, *args, kill_after=None):
        process = subprocess.Popen([self.program, "--home", str(self.home), *args],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        try:
            out, err = process.communicate(timeout=kill_after or 300)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            if kill_after is None:
                self.lie(f"{args} did not end in 300 s")
            self.note("killed command")
        if process.returncode in (-signal.SIGSEGV, -signal.SIGABRT, 134, 139):
            self.lie(f"{args} crashed: {err}")
        return process.returncode, out, err

    # ---- the kernel's own view ----

    def held_locks(self):
        """{box id: {lock names held}}, from /proc/locks and the inodes of the lock files."""
        inodes = {}
        boxes = self.home / "boxes"
        for box in os.listdir(boxes) if boxes.exists() else []:
            for name in ("shim.lock", "vm.lock", "verb.lock"):
                try:
                    info = (boxes / box / name).stat()
                except OSError:
                    continue  # removed while we look
                key = (os.major(info.st_dev), os.minor(info.st_dev), info.st_ino)
                inodes[key] = boxes / box / name
        held = {}
        for line in pathlib.Path("/proc/locks").read_text().splitlines():
            words = line.split()
            if "OFDLCK" not in words or "->" in words:
                continue
            major, minor, inode = words[-3].split(":")
            path = inodes.get((int(major, 16), int(minor, 16), int(inode)))
            if path is not None:
                held.setdefault(path.parent.name, set()).add(path.name)
        return held

    def look(self):
        before = self.held_locks()
        code, out, err = self.command("ls", "-a", "--format", "json")
        after = self.held_locks()
        if code != 0:
            self.lie(f"ls failed: {err}")
            return
        for box in json.loads(out):
            identity = box["id"]
            locks = [view.get(identity, set()) & {"shim.lock", "vm.lock"} for view in (before, after)]
            verb = any("verb.lock" in view.get(identity, set()) for view in (before, after))
            live = box["state"] in LIVE
            if locks[0] and locks[1] and not live and not verb:
                self.lie(f"{identity} lives ({locks}) and is called {box['state']}: {box}")
            if not locks[0] and not locks[1] and live and not verb:
                self.lie(f"{identity} is dead and is called {box['state']}: {box}")
        self.note("looks")
        if self.innocent.poll() is not None:
            self.lie("an innocent process was ended")

    # ---- the users ----

    def user(self, me, seed):
        chance = random.Random(seed)
        while self.going():
            name = chance.choice(NAMES)
            verb = chance.choice(["create", "start", "start", "write", "write", "write", "stop",
                                  "restart", "rm", "rm -f", "wait-not"])
            kill_after = chance.uniform(0.01, 3) if chance.random() < 0.25 else None
            self.note(verb)
            if verb == "create":
                self.command("run", "-d", "--name", name, "boxlite/base", "sleep", "100000",
                             kill_after=kill_after)
            elif verb in ("start", "restart"):
                self.command(verb, name, kill_after=kill_after)
            elif verb == "stop":
                self.command("stop", "-t", "0", name, kill_after=kill_after)
            elif verb == "rm":
                self.command("rm", name, kill_after=kill_after)
            elif verb == "rm -f" and chance.random() < 0.3:
                self.command("rm", "-f", name, kill_after=kill_after)
            elif verb == "write":
                self.write_and_check(me, name, chance)

    def write_and_check(self, me, name, chance):
        code, out, _ = self.command("inspect", name)
        if code != 0:
            return
        identity = json.loads(out)[0]["Id"]
        least = self.written.get((identity, me), 0)
        file = f"/number{me}"
        code, out, _ = self.command("exec", identity, "sh", "-c", f"cat {file} 2>/dev/null || echo 0")
        if code != 0:
            return
        if int(out or 0) < least:
            self.lie(f"{identity} had fsynced {least} and now has {out!r}")
            return
        number = int(out) + chance.randint(1, 1000)
        # The rename makes readers see the old number or the new one; sync makes it durable.
        code, _, _ = self.command("exec", identity, "sh", "-c",
                                  f"echo {number} > {file}.new && sync && mv {file}.new {file} && sync")
        if code == 0:
            self.written[(identity, me)] = number
            self.note("fsynced")

    def killer(self, seed):
        chance = random.Random(seed)
        while self.going():
            time.sleep(chance.uniform(0.5, 6))  # a random moment is what is wanted
            code, out, _ = self.command("ls", "--format", "json")
            if code != 0 or not json.loads(out):
                continue
            identity = chance.choice(json.loads(out))["id"]
            code, out, _ = self.command("inspect", identity)
            if code != 0:
                continue
            evidence = json.loads(out)[0]["Evidence"]
            pid = evidence.get(chance.choice(["ShimPid", "VmPid"])) or 0
            if pid <= 1:
                continue
            try:
                handle = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            # Only what is of this home: the pid may be somebody else's by now.
            if self.is_ours(pid):
                number = signal.SIGKILL if chance.random() < 0.8 else signal.SIGSTOP
                try:
                    signal.pidfd_send_signal(handle, number)
                    self.note("SIGKILL" if number == signal.SIGKILL else "SIGSTOP")
                    if number == signal.SIGSTOP:
                        time.sleep(chance.uniform(0.1, 4))
                        signal.pidfd_send_signal(handle, signal.SIGCONT)
                except ProcessLookupError:
                    pass
            os.close(handle)

    def is_ours(self, pid):
        try:
            return any(os.readlink(f"/proc/{pid}/fd/{fd}").startswith(str(self.root))
                       for fd in os.listdir(f"/proc/{pid}/fd"))
        except OSError:
            return False

    def processes(self):
        return [int(entry) for entry in os.listdir("/proc")
                if entry.isdigit() and int(entry) != os.getpid() and self.is_ours(int(entry))]

    def looker(self):
        while self.going():
            self.look()

    def run(self):
        threads = [threading.Thread(target=self.user, args=(me, self.random.random()))
                   for me in range(3)]
        threads += [threading.Thread(target=self.killer, args=(self.random.random(),)),
                    threading.Thread(target=self.looker)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for identity in self.command("ls", "-a", "-q")[1].split():
            code, _, err = self.command("rm", "-f", identity)
            if code != 0:
                self.lie(f"rm -f {identity}: {err}")
        if self.command("ls", "-a", "-q")[1].strip():
            self.lie("boxes are left after rm -f of all")
        left = self.processes()
        if left:
            names = [pathlib.Path(f"/proc/{pid}/comm").read_text().strip() for pid in left]
            self.lie(f"processes are left: {list(zip(left, names))}")
        if self.innocent.poll() is not None:
            self.lie("an innocent process was ended")
        self.innocent.kill()
        self.innocent.wait()
        print(json.dumps(self.counts, sort_keys=True))
        if not self.lies:
            subprocess.run(["rm", "-rf", str(self.root)], check=True)
        return 1 if self.lies else 0


def main():
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())
    print(f"seed {seed}", flush=True)
    sys.exit(Torture(sys.argv[1], float(sys.argv[2]), seed).run())


if __name__ == "__main__":
    main()
