#!/usr/bin/env python3
"""Makes the parts of the guest at build time, reproducibly.

make_guest.py vmlinux UNPACKED OUT            the ELF kernel out of Debian's compressed one
make_guest.py initramfs UNPACKED AGENT OUT    agent and modules as an uncompressed cpio
make_guest.py image BUSYBOX OUT_DIR           the shipped image: base.ext4 and image.json
"""
import hashlib
import json
import lzma
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile
import zlib

# In the order of loading: virtio needs symbols of virtio_ring. The list file says it to the agent, which
# answers the host after virtio_console. Drivers of what boxes do not have yet (network, shares) are not
# here: loading them costs every boot 60 ms under emulation.
MODULES = ["virtio_ring", "virtio", "virtio_mmio", "virtio_console", "virtio_blk", "virtio-rng"]
# The build's own moment: every timestamp in the image.
EPOCH = 1672531200
# The smallest disk that a box may have; the guest grows the filesystem to the box's own size.
IMAGE_BYTES = 64 * 1024 * 1024
# A journal does not grow with its filesystem: this one has to do for a disk of gigabytes.
JOURNAL_MIB = 16


def publish(path, content):
    temporary = pathlib.Path(str(path) + ".new")
    temporary.write_bytes(content)
    temporary.rename(path)


def decompress(data):
    """The payload of a bzImage, whatever it was compressed with: tried at each magic number."""
    def lz4(blob):
        return subprocess.run(["lz4", "-d", "-c"], input=blob, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL).stdout

    def zstd(blob):
        return subprocess.run(["zstd", "-d", "-c"], input=blob, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL).stdout

    def gzip(blob):
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(blob)

    def xz(blob):
        return lzma.LZMADecompressor().decompress(blob)

    for magic, unpack in [(b"\x02\x21\x4c\x18", lz4), (b"\x28\xb5\x2f\xfd", zstd),
                          (b"\x1f\x8b\x08", gzip), (b"\xfd7zXZ\x00", xz)]:
        at = data.find(magic)
        while at >= 0:
            try:
                payload = unpack(data[at:])
            except (zlib.error, lzma.LZMAError, EOFError):
                payload = b""
            except FileNotFoundError as error:
                raise SystemExit(f"the program {error.filename} is needed to unpack the kernel")
            if payload[:4] == b"\x7fELF":
                return payload
            at = data.find(magic, at + 1)
    raise SystemExit("no ELF kernel found in the package's vmlinuz")


def make_vmlinux(unpacked, out):
    kernels = sorted((unpacked / "boot").glob("vmlinuz-*"))
    publish(out, decompress(kernels[-1].read_bytes()))


def cpio_entry(inode, name, mode, data=b"", device=(0, 0)):
    encoded = name.encode() + b"\0"
    fields = [inode, mode, 0, 0, 1, EPOCH, len(data), 0, 0, device[0], device[1], len(encoded), 0]
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    entry = header + encoded
    entry += b"\0" * (-len(entry) % 4)
    entry += data
    return entry + b"\0" * (-len(entry) % 4)


def stripped(program):
    """Without symbols: the kernel copies every byte of the initramfs at each boot."""
    with tempfile.TemporaryDirectory() as directory:
        out = pathlib.Path(directory) / "stripped"
        subprocess.run(["strip", "--strip-all", "-o", out, program], check=True)
        return out.read_bytes()


def unsigned(module):
    """Without its appended signature. Whoever could change a module here could change the kernel too, and
    checking each costs a boot under emulation more than loading it."""
    trailer = b"~Module signature appended~\n"
    if not module.endswith(trailer):
        return module
    # struct module_signature ends with the signature's length, big endian, before the trailer.
    at = len(module) - len(trailer)
    return module[:at - 12 - int.from_bytes(module[at - 4:at], "big")]


def make_initramfs(unpacked, agent, out):
    found = {path.stem: path for path in (unpacked / "lib/modules").rglob("*.ko")}
    builtin = (unpacked / "lib/modules")
    entries = [("dev", stat.S_IFDIR | 0o755, b"", (0, 0)),
               ("dev/console", stat.S_IFCHR | 0o600, b"", (5, 1)),
               ("modules", stat.S_IFDIR | 0o755, b"", (0, 0))]
    listed = []
    for module in MODULES:
        if module in found:
            listed.append(module)
            entries.append((f"modules/{module}.ko", stat.S_IFREG | 0o644,
                            unsigned(found[module].read_bytes()), (0, 0)))
    if "virtio_console" not in listed or "virtio_blk" not in listed:
        raise SystemExit(f"the kernel package lacks virtio modules (under {builtin})")
    entries.append(("modules.list", stat.S_IFREG | 0o644, ("\n".join(listed) + "\n").encode(),
                    (0, 0)))
    entries.append(("init", stat.S_IFREG | 0o755, stripped(agent), (0, 0)))
    archive = b"".join(cpio_entry(number, *entry)
                       for number, entry in enumerate(entries, start=1))
    publish(out, archive + cpio_entry(0, "TRAILER!!!", 0))


FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nbox:x:1000:1000:box:/home/box:/bin/sh\n"
                  "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
    "etc/group": "root:x:0:\nusers:x:100:box\nbox:x:1000:\nnogroup:x:65534:\n",
    "etc/hosts": "127.0.0.1\tlocalhost\n",
    "etc/hostname": "boxlite\n",
    "etc/os-release": 'NAME="BoxLite base"\nID=boxlite-base\nVERSION_ID=1\n'
                      'PRETTY_NAME="BoxLite base (Debian busybox)"\n',
    "etc/profile": "export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n",
}
DIRECTORIES = {"bin": 0o755, "dev": 0o755, "etc": 0o755, "home": 0o755, "home/box": 0o755,
               "proc": 0o555, "root": 0o700, "run": 0o755, "sbin": 0o755, "sys": 0o555,
               "tmp": 0o1777, "usr": 0o755, "usr/bin": 0o755, "usr/sbin": 0o755, "var": 0o755,
               "var/tmp": 0o1777}
CONFIG = {
    "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
    "Entrypoint": [],
    "Cmd": ["/bin/sh"],
    "WorkingDir": "/",
    "User": "",
}


def fill_rootfs(busybox, root):
    for name, mode in DIRECTORIES.items():
        (root / name).mkdir()
        (root / name).chmod(mode)
    for name, text in FILES.items():
        (root / name).write_text(text)
        (root / name).chmod(0o644)
    shutil.copyfile(busybox, root / "bin/busybox")
    (root / "bin/busybox").chmod(0o755)
    applets = subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True)
    for applet in applets.stdout.split():
        if applet != "busybox":
            (root / "bin" / applet).symlink_to("busybox")
    for path in [root, *root.rglob("*")]:
        os.utime(path, (EPOCH, EPOCH), follow_symlinks=False)


def set_change_times(root, image, environment):
    """mke2fs copies each file's time of change, which nobody can set on the files themselves."""
    names = ["/"] + ["/" + str(path.relative_to(root)) for path in sorted(root.rglob("*"))]
    commands = "".join(f"set_inode_field \"{name}\" ctime @{EPOCH}\n" for name in names)
    subprocess.run(["/usr/sbin/debugfs", "-w", "-f", "/dev/stdin", str(image)], check=True,
                   input=commands, text=True, env=environment, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def make_image(busybox, out_dir):
    out_dir.mkdir(parents=True, exist_ok=True)
    base = out_dir / "base.ext4"
    temporary = out_dir / "base.ext4.new"
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory) / "root"
        root.mkdir()
        root.chmod(0o755)
        fill_rootfs(busybox, root)
        temporary.unlink(missing_ok=True)
        environment = dict(os.environ, E2FSPROGS_FAKE_TIME=str(EPOCH))
        # resize: room in the group descriptors for growing to 1 TiB while mounted. -G: the kernel grows
        # by as many groups at a time; with the usual 16 a first boot takes half as long again to do so.
        subprocess.run(
            ["/usr/sbin/mke2fs", "-q", "-t", "ext4", "-b", "4096", "-I", "256", "-m", "0",
             "-G", "128",
             "-U", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "-L", "boxlite",
             "-E", "hash_seed=6ba7b811-9dad-11d1-80b4-00c04fd430c8,resize=268435456,"
             "lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0", "-J", f"size={JOURNAL_MIB}",
             "-d", str(root), str(temporary), str(IMAGE_BYTES // 1024) + "k"],
            check=True, env=environment, stdout=subprocess.DEVNULL)
        set_change_times(root, temporary, environment)
    subprocess.run(["/usr/sbin/e2fsck", "-fn", str(temporary)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    digest = hashlib.sha256(temporary.read_bytes()).hexdigest()
    temporary.rename(base)
    manifest = {
        "name": "boxlite/base",
        "digest": "sha256:" + digest,
        "config": CONFIG,
    }
    publish(out_dir / "image.json", (json.dumps(manifest, indent=1) + "\n").encode())


def main(arguments):
    paths = [pathlib.Path(argument) for argument in arguments[2:]]
    commands = {"vmlinux": make_vmlinux, "initramfs": make_initramfs, "image": make_image}
    commands[arguments[1]](*paths)


if __name__ == "__main__":
    main(sys.argv)
