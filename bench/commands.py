"""The figures around one command: exec, streams, cp and the command line itself, beside podman or a bare machine."""
import os
import pathlib
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/integration/parity"))
sys.path.insert(0, str(ROOT / "tools/guest"))
import make_guest  # noqa: E402
import sides  # noqa: E402

MIB = 1 << 20
BULK_MIB = int(os.environ.get("BENCH_BULK_MIB", "256"))
COPY_MIB = int(os.environ.get("BENCH_COPY_MIB", "1024"))
COPY_FILES = int(os.environ.get("BENCH_COPY_FILES", "20000"))

# The whole userland of the bare machine: it does what the host asks on the port, with the largest writes and
# reads that a program would use, and nothing between them and the port.
BARE_INIT = """#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
exec </dev/null >/dev/null 2>&1
for module in %s; do /bin/busybox insmod /modules/$module.ko; done
set -- /dev/vport*p1
# The node is there a moment before the driver lets it be opened.
until (exec 3<>$1); do /bin/busybox usleep 10000; set -- /dev/vport*p1; done
exec 3<>$1
echo ready >&3
# Until the driver has heard that the host's end is open, the port reads as ended.
while :; do
  read way mib <&3 || continue
  if [ $way = out ]; then /bin/busybox dd if=/dev/zero bs=64k count=$((mib * 16)) >&3 2>/dev/null
  else /bin/busybox dd bs=64k count=$((mib * 16)) iflag=fullblock <&3 >/dev/null 2>&1; echo taken >&3; fi
done
"""


def timed(*argv, **more):
    begin = time.monotonic()
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **more)
    return (time.monotonic() - begin) * 1000


def start_of_the_cli(bench):
    ours, nothing = [], []
    for _ in range(50):
        ours.append(timed(bench.cli, "version"))
        nothing.append(timed("/bin/true"))
    bench.row("`boxlite version`, whole process, ÷ `true`", ours, nothing, goal="≤ 3 ms")


class WithPodman:
    """podman with the box's root filesystem and one running container, until the end of the block."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="bench-"))

    def __enter__(self):
        sides.separate_mounts()
        self.podman = sides.Podman(self.directory / "podman", sides.make_rootfs_tar(self.directory))
        self.podman.call("run", "-d", "--name", "live", "@image", "sleep", "99999")
        return self.podman

    def __exit__(self, *_):
        self.podman.close()
        sides.remove(self.directory)


def exec_and_podman(bench):
    bench.run("run", "-d", "--name", "live", "boxlite/base", "sleep", "99999")
    with WithPodman() as podman:
        ours, theirs = [], []
        for _ in range(20):
            theirs.append(timed(*podman.argv(["exec", "live", "true"]), env=podman.environment))
            ours.append(bench.timed("exec", "live", "true"))
        bench.row("`boxlite exec BOX true`, whole process, ÷ `podman exec`", ours, theirs, goal="≤ 0.2")
    loop = subprocess.run([bench.build / "bench/exec_loop", bench.home, "live", "200"], check=True,
                          capture_output=True, text=True)
    inside = [int(line) / 1000 for line in loop.stdout.split()][20:]
    # What the guest itself needs: its shell runs the same program as often.
    begin = time.monotonic()
    bench.run("exec", "live", "sh", "-c", "i=0; while [ $i -lt 200 ]; do /bin/true; i=$((i+1)); done")
    floor = (time.monotonic() - begin) * 1000 / 200
    bench.row("exec of a static program inside one client, ÷ the box's own shell running it", inside, [floor],
              goal="≤ 4 ms")
    bench.run("rm", "-f", "live")


def make_bare_initramfs(build, out):
    unpacked = build / "tools/guest/kernel/unpacked"
    found = {path.stem: path for path in unpacked.rglob("*.ko")}
    names = ["virtio_ring", "virtio", "virtio_mmio", "virtio_console"]
    names = [name for name in names if name in found]
    directory, program = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o755
    entries = [("dev", directory), ("dev/console", stat.S_IFCHR | 0o600, b"", (5, 1)), ("bin", directory),
               ("bin/busybox", program, pathlib.Path(shutil.which("busybox")).read_bytes()),
               ("init", program, (BARE_INIT % " ".join(names)).encode()), ("modules", directory)]
    entries += [(f"modules/{name}.ko", stat.S_IFREG | 0o644, make_guest.unsigned(found[name].read_bytes()))
                for name in names]
    data = b"".join(make_guest.cpio_entry(number, *entry) for number, entry in enumerate(entries, start=1))
    out.write_bytes(data + make_guest.cpio_entry(0, "TRAILER!!!", 0))


class BareMachine:
    """A machine with one port and nobody's stack on it."""

    def __init__(self, bench, start_bare):
        initramfs = bench.root / "bare.cpio"
        make_bare_initramfs(bench.build, initramfs)
        self.port, theirs = socket.socketpair()
        self.qemu = start_bare(bench, theirs, initramfs)
        theirs.close()
        self.port.settimeout(120)
        self.expect(b"ready\n")

    def expect(self, text):
        got = b""
        while len(got) < len(text):
            got += self.take()
        if got != text:
            raise SystemExit(f"the bare machine said {got!r}")

    def take(self):
        piece = self.port.recv(MIB)
        if not piece:
            raise SystemExit("the bare machine ended")
        return piece

    def out(self, mib):
        begin = time.monotonic()
        self.port.sendall(b"out %d\n" % mib)
        left = mib * MIB
        while left:
            left -= len(self.take())
        return mib / (time.monotonic() - begin)

    def into(self, mib):
        begin = time.monotonic()
        self.port.sendall(b"in %d\n" % mib)
        for _ in range(mib):
            self.port.sendall(bytes(MIB))
        self.expect(b"taken\n")
        return mib / (time.monotonic() - begin)

    def close(self):
        self.qemu.kill()
        self.qemu.wait()
        self.port.close()


def exec_out(bench, mib):
    begin = time.monotonic()
    with subprocess.Popen([bench.cli, "--home", str(bench.home), "exec", "bulk", "dd", "if=/dev/zero", "bs=64k",
                           f"count={mib * 16}"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as process:
        got = 0
        while piece := os.read(process.stdout.fileno(), MIB):
            got += len(piece)
    if process.returncode != 0 or got != mib * MIB:
        raise SystemExit(f"exec gave {got} bytes and {process.returncode}")
    return mib / (time.monotonic() - begin)


def exec_into(bench, mib):
    begin = time.monotonic()
    with subprocess.Popen([bench.cli, "--home", str(bench.home), "exec", "-i", "bulk", "dd", "bs=64k", "of=/dev/null"],
                          stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        for _ in range(mib):
            process.stdin.write(bytes(MIB))
    if process.returncode != 0:
        raise SystemExit(f"exec -i ended with {process.returncode}")
    return mib / (time.monotonic() - begin)


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def throughput(bench, start_bare):
    bench.run("run", "-d", "--name", "bulk", "boxlite/base", "sleep", "99999")
    engine = bench.inspect("bulk")["Evidence"]["VmPid"]
    bare = BareMachine(bench, start_bare)
    rates, engine_times = {}, {}

    def measure(what, pid, move):
        before = processor_seconds(pid)
        rates.setdefault(what, []).append(move(BULK_MIB))
        engine_times.setdefault(what, []).append(processor_seconds(pid) - before)

    try:
        for _ in range(5):
            measure("bare stdout", bare.qemu.pid, bare.out)
            measure("stdout", engine, lambda mib: exec_out(bench, mib))
            measure("bare stdin", bare.qemu.pid, bare.into)
            measure("stdin", engine, lambda mib: exec_into(bench, mib))
    finally:
        bare.close()
        bench.run("rm", "-f", "bulk")
    for what in ("stdout", "stdin"):
        bench.row(f"{what} of an exec, {BULK_MIB} MiB, ÷ bare port", rates[what], rates["bare " + what], "MiB/s",
                  "≥ 0.7")
        bench.row("the same in the engine's processor time", engine_times[what], engine_times["bare " + what], "s")


def copy(bench):
    source = bench.root / "copy"
    (source / "many").mkdir(parents=True)
    with open(source / "big", "wb") as big:
        for _ in range(COPY_MIB):
            big.write(os.urandom(MIB))
    for number in range(COPY_FILES):
        (source / "many" / f"file{number}").write_bytes(b"x" * 1000)
    bench.run("run", "-d", "--name", "live", "boxlite/base", "sleep", "99999")
    with WithPodman() as podman:
        for what, name in ((f"cp of {COPY_MIB} MiB", "big"), (f"cp of {COPY_FILES} files", "many")):
            back = bench.root / "back"
            for way, words in (("in", [str(source / name), "live:/root/" + name]),
                               ("out", ["live:/root/" + name, str(back)])):
                theirs = timed(*podman.argv(["cp", *words]), env=podman.environment)
                discard(back)
                ours = bench.timed("cp", *words)
                discard(back)
                bench.row(f"{what} {way}, ÷ `podman cp`", [ours], [theirs])
    bench.run("rm", "-f", "live")


def discard(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
