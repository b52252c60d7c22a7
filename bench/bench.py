#!/usr/bin/env python3
"""What docs/performance.md reports, measured anew: bench.py BUILD_DIR [NAME...]

Names: boot cli exec streams cp images idle ls. BENCH_BULK_MIB, BENCH_COPY_MIB, BENCH_COPY_FILES and
BENCH_IMAGE_ROUNDS say how much.
Each figure stands beside a baseline taken in the same run, in turns with it, since a machine is never
quiet; what counts is the ratio. Prints a Markdown table.
"""
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import commands
import images

IMAGE = "boxlite/base"
# schema: src/boxlite/rpc/serial_handshake.h
HELLO = bytes([0xB0, 0x7C]) + b"BXHEL\xfe" + (1).to_bytes(4, "little")
# What docs/performance.md and the design call "bare": the kernel and initramfs of ours on the leanest
# machine that can run them, started by nobody's supervisor.
BARE_KERNEL_LINE = ("quiet loglevel=0 panic=-1 reboot=t rdinit=/init cryptomgr.notests init_on_alloc=0 lsm= "
                    "nokaslr mitigations=off no_timer_check random.trust_cpu=on")


class Bench:
    def __init__(self, build):
        self.build = build
        self.cli = str(build / "bin/boxlite")
        self.libexec = build / "libexec/boxlite"
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="boxlite-bench-"))
        self.home = self.root / "home"
        self.rows = []

    def run(self, *args, check=True):
        return subprocess.run([self.cli, "--home", str(self.home), *args], check=check,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)

    def timed(self, *args):
        begin = time.monotonic()
        self.run(*args)
        return (time.monotonic() - begin) * 1000

    def inspect(self, box):
        return json.loads(self.run("inspect", box).stdout)[0]

    def row(self, what, ours, baseline, unit="ms", goal=""):
        ours_median = statistics.median(ours)
        if baseline:
            baseline_median = statistics.median(baseline)
            ratio = f"{ours_median / baseline_median:.2f}"
            beside = f"{baseline_median:.1f} {unit}"
        else:
            ratio, beside = "", ""
        self.rows.append(f"| {what} | {ours_median:.1f} {unit} ({min(ours):.1f}–{max(ours):.1f}) | "
                         f"{beside} | {ratio} | {goal} |")
        print(self.rows[-1], flush=True)

    def close(self):
        for box in self.run("ls", "-a", "-q", check=False).stdout.split():
            self.run("rm", "-f", box, check=False)
        shutil.rmtree(self.root)


def tsc_khz(bench):
    verdict = json.loads((bench.home / "accelerator.json").read_text())
    return verdict["tsc_khz"]


def start_bare(bench, port, initramfs):
    """QEMU on the leanest machine that can run our kernel, with `port` as its only port."""
    khz = tsc_khz(bench)
    line = BARE_KERNEL_LINE + f" tsc_early_khz={khz} lpj={khz * 1000 // 250}"
    return subprocess.Popen(
        ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-M",
         "microvm,acpi=on,pcie=off,rtc=on,isa-serial=off", "-global",
         "virtio-mmio.force-legacy=false", "-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", "512M",
         "-kernel", str(bench.libexec / "vmlinux"), "-initrd", str(initramfs),
         "-append", line, "-chardev", f"socket,id=agent,fd={port.fileno()}", "-device",
         "virtio-serial-device,max_ports=4", "-device", "virtserialport,chardev=agent,name=agent"],
        pass_fds=[port.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)


def bare_boot(bench):
    """Milliseconds from QEMU's start to the agent's answer to the greeting."""
    ours, theirs = socket.socketpair()
    begin = time.monotonic()
    qemu = start_bare(bench, theirs, bench.libexec / "initramfs.cpio")
    try:
        theirs.close()
        ours.settimeout(120)
        ours.sendall(HELLO + os.urandom(16))
        answer = b""
        while len(answer) < 28:
            piece = ours.recv(28 - len(answer))
            if not piece:
                raise SystemExit("the bare machine ended")
            answer += piece
        return (time.monotonic() - begin) * 1000
    finally:
        qemu.kill()
        qemu.wait()
        ours.close()


def cold_boot(bench):
    bench.run("create", "--name", "warm-up", IMAGE, "true")
    bench.run("start", "warm-up")
    bench.run("rm", "-f", "warm-up")
    bare, guest, whole = [], [], []
    for turn in range(7):
        bare.append(bare_boot(bench))
        name = f"cold{turn}"
        bench.run("create", "--name", name, IMAGE, "sleep", "1000")
        whole.append(bench.timed("start", name))
        took = bench.inspect(name)["Evidence"]["StartMs"]
        guest.append(took["Engine"] + took["Guest"])
        bench.run("rm", "-f", name)
    bench.row("cold boot: life begins → guest answers, ÷ bare QEMU", guest, bare, goal="≤ 1.15")
    bench.row("`boxlite start`, whole process, main started, ÷ bare QEMU", whole, bare)
    for _ in range(3):
        whole.append(bench.timed("run", "--rm", IMAGE, "true"))
    bench.row("`boxlite run --rm boxlite/base true`, cold (no templates yet)", whole[-3:], [])


def idle_box(bench):
    bench.run("run", "-d", "--name", "exec", IMAGE, "sleep", "1000")
    pids = [bench.inspect("exec")["Evidence"][who] for who in ("VmPid", "ShimPid")]
    pss = {}
    for who, pid in zip(("QEMU", "shim"), pids):
        for text in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if text.startswith("Pss:"):
                pss[who] = int(text.split()[1]) / 1024
    bench.row("PSS of an idle box (512 MiB, cold-booted): QEMU", [pss["QEMU"]], [], unit="MiB")
    bench.row("PSS of an idle box: shim", [pss["shim"]], [], unit="MiB")
    begin = time.monotonic()
    bench.run("stop", "-t", "0", "exec")
    bench.row("`boxlite stop -t 0`, whole process", [(time.monotonic() - begin) * 1000], [])
    bench.run("rm", "exec")


def list_thousand(bench):
    for number in range(1000):
        bench.run("create", "--name", f"n{number}", IMAGE, "true")
    boxes = str(bench.home / "boxes")
    baseline = []
    ours = []
    for _ in range(10):
        begin = time.monotonic()
        subprocess.run(["find", boxes, "-name", "box.json"], check=True, stdout=subprocess.DEVNULL)
        baseline.append((time.monotonic() - begin) * 1000)
        ours.append(bench.timed("ls", "-a"))
    bench.row("`boxlite ls -a` of 1,000 boxes, whole process, ÷ `find` of their specs", ours, baseline,
              goal="≤ 50 ms")


def throughput(bench):
    commands.throughput(bench, start_bare)


BENCHES = {"boot": cold_boot, "cli": commands.start_of_the_cli, "exec": commands.exec_and_podman,
           "streams": throughput, "cp": commands.copy, "images": images.images, "idle": idle_box, "ls": list_thousand}


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    chosen = sys.argv[2:] or list(BENCHES)
    bench = Bench(build)
    print("| what | ours: median (min–max) | baseline | ratio | goal |\n|---|---|---|---|---|")
    try:
        for name in chosen:
            BENCHES[name](bench)
    finally:
        bench.close()


if __name__ == "__main__":
    main()
