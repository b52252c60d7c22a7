#!/usr/bin/env python3
"""Compares boxes' trees with what umoci unpacks of their images, entry by entry: fidelity.py BUILD_DIR [CASE...]

Twice: the base that write_base_tool makes, mounted here, and what a program inside a box of the image sees.
Cases: hand (layers written here, with everything that tar can say), buildah (layers that buildah commits),
minbase, python3, nodejs (Debian, changed and repacked twice by umoci), holes (sparse files as GNU tar writes
them), grow (to 200 GiB, as a guest does on its first boot).
Needs root, loop devices, umoci, buildah and, for Debian, mmdebstrap and its mirror; without them it exits with
77 and says what is missing.
"""
import argparse
import hashlib
import io
import json
import os
import pathlib
import shutil
import stat
import struct
import subprocess
import sys
import tarfile
import tempfile

TIME = 1_600_000_000


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(str(word) for word in command)}: {done.stderr or done.stdout}")
    return done.stdout


def missing():
    if os.geteuid() != 0:
        return "only root can mount, and unpack owners and devices"
    for program in ("umoci", "buildah", "mmdebstrap", "setfattr"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    if not os.path.exists("/dev/loop-control"):
        return "there are no loop devices"
    return None


class Layer:
    """A tar stream with Python's writer; pax records carry what ustar cannot."""

    def __init__(self):
        self.bytes = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.bytes, mode="w", format=tarfile.PAX_FORMAT,
                                encoding="utf-8", errors="surrogateescape")

    def add(self, name, kind=tarfile.REGTYPE, content=b"", **fields):
        info = tarfile.TarInfo(os.fsdecode(name))
        info.type, info.size, info.mtime = kind, len(content), TIME
        info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
        xattrs = fields.pop("xattrs", {})
        for field, value in fields.items():
            setattr(info, field, value)
        info.pax_headers = {"SCHILY.xattr." + key: os.fsdecode(value) for key, value in xattrs.items()}
        self.tar.addfile(info, io.BytesIO(content))
        return self

    def directory(self, name, **fields):
        return self.add(name, tarfile.DIRTYPE, **fields)

    def link(self, name, target, **fields):
        return self.add(name, tarfile.LNKTYPE, linkname=target, **fields)

    def symlink(self, name, target, **fields):
        return self.add(name, tarfile.SYMTYPE, linkname=os.fsdecode(target), **fields)

    def stream(self):
        self.tar.close()
        return self.bytes.getvalue()


def acl(entries):
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


NOBODY = 0xFFFFFFFF


def hand_layers(work):
    capability = struct.pack("<IIIII", 0x02000001, 0x3000, 0, 0, 0)
    list_of_access = acl([(1, 7, NOBODY), (2, 6, 1000), (4, 5, NOBODY), (16, 7, NOBODY), (32, 4, NOBODY)])
    minimal = acl([(1, 6, NOBODY), (4, 4, NOBODY), (32, 0, NOBODY)])
    one = Layer().directory(".", mode=0o751).directory("empty").directory("sticky", mode=0o1777)
    one.add("plain", content=b"plain\n").add("zero").add("setuid", mode=0o6755, content=b"x")
    one.add("owner", uid=70_000, gid=4_000_000_000).add("old", mtime=-86_400)
    one.add("parts", mtime=TIME + 0.25).add("before", mtime=-1.5).add("after", mtime=5_000_000_000.5)
    one.add("null", tarfile.CHRTYPE, devmajor=1, devminor=3).add("fifo", tarfile.FIFOTYPE, mode=0o620)
    one.add("disk", tarfile.BLKTYPE, devmajor=259, devminor=70_000)
    one.symlink("short", "plain").symlink("sixty", "s" * 60).symlink("long", "/" + "t" * 3000)
    one.symlink("only-pax", "\u65e5\u672c\u8a9e").symlink("dangling", "../../nowhere")
    one.add("ping", mode=0o755, content=b"elf", xattrs={"security.capability": capability, "user.note": b"\0\xff="})
    one.add("large", xattrs={"user.large": b"v" * 3000, "user.small": b"s"})
    one.add("acl", mode=0o674, xattrs={"system.posix_acl_access": list_of_access})
    one.add("acl-minimal", mode=0o777, xattrs={"system.posix_acl_access": minimal})
    one.directory("acl-default", xattrs={"system.posix_acl_default": list_of_access, "trusted.mark": b"t"})
    one.add("n" * 255).add("u\u0308-decomposed").add("\u65e5\u672c").add(b"broken-\xc3(\xff").add("new\nline\x1b")
    deep = "/".join(["deep"] * 600)
    one.directory(deep).add(deep + "/f", content=b"deep")
    one.add("implicit/parent/f", content=b"f")
    one.directory("lower").directory("lower/sub").add("lower/gone").add("lower/kept").add("lower/sub/x")
    one.directory("opaque").directory("opaque/sub").add("opaque/old").add("opaque/sub/old")
    one.directory("late").add("late/old")
    one.add("hard", content=b"shared").link("hard2", "hard").add("replaced", content=b"1").link("other", "replaced")
    one.symlink("hard-symlink", "plain").link("hard-symlink2", "hard-symlink")
    one.add("file-to-directory").directory("directory-to-file").add("directory-to-file/x")
    one.symlink("link-to-directory", "lower").directory("directory-to-link").add("directory-to-link/x")
    one.directory("usr").directory("usr/lib").symlink("lib", "usr/lib").symlink("absolute", "/usr/lib")
    one.symlink("out", "../../../usr")
    one.directory("many")
    for number in range(20_000):
        one.add(f"many/file-{number}")
    one.directory("two-levels")
    for number in range(8_000):
        one.add(f"two-levels/{number}-" + "n" * 240)
    one.add("twice", content=b"first").add("twice", content=b"second", mode=0o600)

    two = Layer().directory("lower", mode=0o700, mtime=TIME + 9).add("lower/.wh.gone").add("lower/.wh.sub")
    two.directory("opaque").add("opaque/.wh..wh..opq").add("opaque/new", content=b"new")
    two.directory("late").add("late/new").add("late/.wh..wh..opq").add(".wh.zero")
    two.link("hard3", "hard").link("lower/hard4", "/hard2").add("replaced", content=b"22")
    two.directory("file-to-directory").add("file-to-directory/y").add("directory-to-file", content=b"now")
    two.directory("link-to-directory").add("link-to-directory/z").symlink("directory-to-link", "plain")
    two.add("lib/through", content=b"through").add("absolute/too").add("out/up", content=b"up")
    two.add("../../escaped", content=b"inside").add("/rooted", content=b"rooted")
    two.add("empty/now-full").add("kept-by-order").add(".wh.kept-by-order").add(".wh.never-was")
    two.add("many/file-7", content=b"seven").add("many/.wh.file-8")

    three = Layer().add(".wh.opaque").add(".wh.hard2").link("hard5", "lower/hard4")
    three.directory("lower/sub").add("lower/sub/again").add("ping", content=b"no capability any more")
    three.add(".wh.two-levels").add("sticky/.wh..wh..opq").add("sticky/f")
    layers = []
    for number, layer in enumerate((one, two, three), start=1):
        path = work / f"hand-{number}.tar"
        path.write_bytes(layer.stream())
        layers.append(path)
    return layers + sparse_layers(work, beyond_4_gib=False)[:2]


def sparse_layers(work, beyond_4_gib):
    """GNU tar's own forms of holes, each in a layer. umoci does not read the oldest one (see holes())."""
    tree = work / "sparse"
    tree.mkdir()
    with open(tree / "holes", "wb") as file:
        for at in (0, 1 << 20, (1 << 20) + 5000, 3 << 20):
            file.seek(at)
            file.write(b"data at %d" % at)
        file.truncate(10 << 20)
    with open(tree / "all-hole", "wb") as file:
        file.truncate(5 << 20)
    names = ["holes", "all-hole", "many-holes"]
    if beyond_4_gib:  # not where umoci writes every zero of it
        names.append("beyond-4-gib")
        with open(tree / names[-1], "wb") as file:
            file.seek(5 << 30)
            file.write(b"end")
    with open(tree / "many-holes", "wb") as file:
        for number in range(2000):
            file.seek(number * 8192)
            file.write(b"%d" % number)
    layers = []
    for form in (["--format=pax", "--sparse-version=0.1"], ["--format=pax", "--sparse-version=1.0"], ["--format=gnu"]):
        path = work / f"sparse-{len(layers)}.tar"
        run("tar", "--sparse", *form, "-C", tree, "--transform", f"s,^,sparse-{len(layers)}-,",
            "-cf", path, *names)
        layers.append(path)
    return layers


def umoci_image(work, layers):
    layout = work / "layout"
    run("umoci", "init", "--layout", layout)
    run("umoci", "new", "--image", f"{layout}:image")
    for layer in layers:
        run("umoci", "raw", "add-layer", "--image", f"{layout}:image", layer)
    return layout, "image"


def buildah_image(work):
    """Four layers: committed one on the other, so that buildah itself says what went."""
    flags = ["--root", work / "storage", "--runroot", work / "run", "--storage-driver", "overlay"]
    layout = work / "layout"

    def buildah(*command):
        return run("buildah", *flags, *command).strip()

    def first(root):
        for name in ("d/sub", "gone", "opaque"):
            (root / name).mkdir(parents=True)
        for name in ("f", "d/f", "d/sub/f", "gone/f", "opaque/old", "linked"):
            (root / name).write_text(name)
        os.link(root / "linked", root / "linked-too")
        os.symlink("d", root / "to-d")
        os.chown(root / "f", 1234, 5678)
        os.setxattr(root / "f", "user.one", b"1")
        os.setxattr(root / "d/f", "security.capability", struct.pack("<IIIII", 0x02000001, 0x400, 0, 0, 0))

    def second(root):
        shutil.rmtree(root / "gone")
        shutil.rmtree(root / "opaque")
        (root / "opaque").mkdir()
        (root / "opaque/new").write_text("new")
        os.link(root / "linked", root / "d/linked-three")
        os.setxattr(root / "f", "user.two", b"2")

    def third(root):
        (root / "to-d").unlink()
        (root / "to-d").mkdir(mode=0o711)
        shutil.rmtree(root / "d/sub")
        (root / "d/sub").write_text("a file now")
        os.mknod(root / "device", 0o600 | stat.S_IFCHR, os.makedev(1, 5))
        os.mkfifo(root / "fifo")

    try:
        base = "scratch"
        for number, change in enumerate((first, second, third), start=1):
            box = buildah("from", base)
            change(pathlib.Path(buildah("mount", box)))
            buildah("umount", box)
            base = f"localhost/step:{number}"
            buildah("commit", "--quiet", "--format", "oci", box, base)
            buildah("rm", box)
        buildah("push", "--quiet", base, f"oci:{layout}:image")
    finally:
        subprocess.run(["buildah", *map(str, flags), "rm", "--all"], capture_output=True)
        for mount in reversed(mounts_below(work)):
            run("umount", mount)
    return layout, "image"


def mounts_below(place):
    with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as file:
        return [line.split()[1] for line in file if line.split()[1].startswith(f"{place}/")]


def debian_image(work, packages):
    tar = work / "debian.tar"
    run("mmdebstrap", "--variant=minbase", *(["--include=" + packages] if packages else []), "bookworm", tar)
    layout, name = umoci_image(work, [tar])

    def repack(change):
        bundle = work / "repack"
        run("umoci", "unpack", "--image", f"{layout}:{name}", bundle)
        change(bundle / "rootfs")
        run("umoci", "repack", "--image", f"{layout}:{name}", bundle)
        shutil.rmtree(bundle)

    def first(root):
        shutil.rmtree(root / "usr/share/doc")
        (root / "etc/hostname").write_text("changed\n")
        os.link(root / "bin/ls", root / "bin/ls-too")
        os.setxattr(root / "usr/bin/cat", "user.note", b"of the second layer")
        os.chmod(root / "usr/bin/dpkg", 0o700)

    def second(root):
        (root / "usr/share/doc").mkdir()
        (root / "usr/share/doc/new").write_text("new\n")
        shutil.rmtree(root / "var/cache")
        os.symlink("/tmp", root / "var/cache")

    repack(first)
    repack(second)
    return layout, name


def blobs(layout, name):
    """The layers' files, each with its diff_id."""
    def blob(digest):
        return layout / "blobs" / digest.replace(":", "/")

    def load(digest):
        return json.loads(blob(digest).read_bytes())

    index = json.loads((layout / "index.json").read_bytes())
    found = [entry for entry in index["manifests"]
             if entry.get("annotations", {}).get("org.opencontainers.image.ref.name") == name]
    manifest = load(found[0]["digest"])
    diff_ids = load(manifest["config"]["digest"])["rootfs"]["diff_ids"]
    return [f"{blob(layer['digest'])}={diff_id}" for layer, diff_id in zip(manifest["layers"], diff_ids)]


def content_of(path, size):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        if size > 1 << 30:  # holes: its last piece is enough
            file.seek(size - (1 << 20))
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def look(path):
    info = os.lstat(path)
    entry = {"mode": oct(info.st_mode), "uid": info.st_uid, "gid": info.st_gid, "nlink": info.st_nlink,
             "mtime": info.st_mtime_ns,
             "xattrs": {name: os.getxattr(path, name, follow_symlinks=False).hex()
                        for name in os.listxattr(path, follow_symlinks=False)}}
    if stat.S_ISREG(info.st_mode):
        entry["size"], entry["content"] = info.st_size, content_of(path, info.st_size)
    elif stat.S_ISLNK(info.st_mode):
        entry["target"] = os.readlink(os.fsencode(path))
    elif stat.S_ISCHR(info.st_mode) or stat.S_ISBLK(info.st_mode):
        entry["device"] = info.st_rdev
    return info.st_ino, entry


def tree_of(root):
    """By path: what it is, and by which other names."""
    entries, names = {}, {}
    pending = [b""]
    while pending:
        at = pending.pop()
        path = os.path.join(os.fsencode(root), at)
        inode, entries[at] = look(path)
        names.setdefault(inode, []).append(at)
        if stat.S_ISDIR(int(entries[at]["mode"], 8)):
            # By its descriptor: a path may be longer than the kernel takes.
            pending += [os.path.join(at, name) for name in os.listdir(path)]
    for same in names.values():
        for path in same:
            entries[path]["names"] = sorted(same)
    return entries


def compare(ours, theirs, without_time):
    differences = []
    for path in sorted(set(ours) | set(theirs)):
        a, b = ours.get(path), theirs.get(path)
        if a is None or b is None:
            differences.append(f"{path!r} is only in {'umoci' if a is None else 'our'} tree")
            continue
        for key in sorted(set(a) | set(b)):
            if key == "mtime" and path in without_time:
                continue
            if a.get(key) != b.get(key):
                differences.append(f"{path!r} {key}: ours {a.get(key)!r}, umoci's {b.get(key)!r}")
    return differences


class Mounted:
    def __init__(self, base, place, options):
        self.place = place
        place.mkdir()
        run("mount", "-o", "loop," + options, base, place)

    def __enter__(self):
        return self.place

    def __exit__(self, *_):
        run("umount", self.place)
        self.place.rmdir()


# What the agent makes in a box where its image has none, to mount on or to work with.
MADE_FOR_EVERY_BOX = [b"dev", b"etc", b"proc", b"sys", b"tmp"]


def guest_tree(build, work, layout):
    """What a program in a box of the image sees; other filesystems that are mounted there are left out."""
    cli = [build / "bin/boxlite", "--home", work / "home"]
    run(*cli, "load", "-q", "-i", layout, "-t", "fidelity")
    output = run(*cli, "run", "--rm", "fidelity", "/look/look_tree", "/")
    entries, names, mounted = {}, {}, set()
    for line in output.splitlines():
        said = json.loads(line)
        path = bytes.fromhex(said.pop("path"))
        if said.pop("mounted", False):
            mounted.add(path)
            continue
        said["mode"] = oct(said["mode"])
        said["mtime"] = said["mtime"][0] * 10**9 + said["mtime"][1]
        said["xattrs"] = {bytes.fromhex(name).decode(): value for name, value in said["xattrs"].items()}
        if "target" in said:
            said["target"] = bytes.fromhex(said["target"])
        names.setdefault(said.pop("inode"), []).append(path)
        entries[path] = said
    for same in names.values():
        for path in same:
            entries[path]["names"] = sorted(same)
    return entries, mounted


def add_look_tree(build, work, layout, name):
    layer = Layer().directory("look").add("look/look_tree", content=(build / "tests/bin/look_tree").read_bytes(),
                                          mode=0o755)
    (work / "look.tar").write_bytes(layer.stream())
    run("umoci", "raw", "add-layer", "--image", f"{layout}:{name}", work / "look.tar")


def check_image(build, work, layout, name, without_time=()):
    add_look_tree(build, work, layout, name)
    layers = blobs(layout, name)
    base = work / "base.ext4"
    tool = build / "tests/bin/write_base_tool"
    run(tool, base, *layers)
    again = work / "again.ext4"
    run(tool, again, *("+" + layer for layer in layers))
    if run("cmp", base, again):
        return ["the same image made other bytes"]
    again.unlink()
    run("e2fsck", "-fn", base)
    bundle = work / "bundle"
    run("umoci", "unpack", "--image", f"{layout}:{name}", bundle)
    theirs = tree_of(bundle / "rootfs")
    with Mounted(base, work / "mounted", "ro") as place:
        ours = tree_of(place)
    print(f"  {len(layers)} layers, {len(theirs)} entries")
    differences = compare(ours, theirs, without_time)
    seen, mounted = guest_tree(build, work, layout)
    print(f"  the guest sees {len(seen)} entries, and mounts on {sorted(mounted)}")
    made = [path for path in MADE_FOR_EVERY_BOX if path not in theirs]
    for path in made:
        seen.pop(path, None)
    seen[b""]["nlink"] -= len(made)
    for path in [path for path in theirs if path in mounted or any(path.startswith(at + b"/") for at in mounted)]:
        del theirs[path]
    for entry in theirs.values():  # shown to CAP_SYS_ADMIN only, which a box's program has not
        entry["xattrs"] = {name: value for name, value in entry["xattrs"].items() if not name.startswith("trusted.")}
    # Where something was made, or a file to mount on, the directory has the time of that.
    without_time = set(without_time) | {b"", b"etc"}
    return differences + ["in the guest: " + text for text in compare(seen, theirs, without_time)]


def holes(build, work):
    """Files with holes in GNU tar's three forms against the files themselves."""
    base = work / "base.ext4"
    run(build / "tests/bin/write_base_tool", base, *sparse_layers(work, beyond_4_gib=True))
    run("e2fsck", "-fn", base)
    differences = []
    with Mounted(base, work / "mounted", "ro") as place:
        for path in sorted(place.iterdir()):
            original = work / "sparse" / path.name.split("-", 2)[2]
            size = original.stat().st_size
            if path.stat().st_size != size or content_of(path, size) != content_of(original, size):
                differences.append(f"{path.name} has other content")
            if path.stat().st_blocks * 512 > size * 0.6:
                differences.append(f"{path.name} has {path.stat().st_blocks} blocks, no holes")
        if len(list(place.iterdir())) != 12:
            differences.append("files are missing")
    return differences


def grow(build, work):
    """As the guest does on a first boot, with this host's kernel; and the tree is the same afterwards."""
    layer = Layer().directory(".").add("f", content=b"kept" * 10_000)
    (work / "layer.tar").write_bytes(layer.stream())
    base = work / "base.ext4"
    run(build / "tests/bin/write_base_tool", base, work / "layer.tar")
    for size in (1 << 30, 200 << 30):
        os.truncate(base, size)
        with Mounted(base, work / "mounted", "rw,noinit_itable") as place:
            device = run("findmnt", "-no", "SOURCE", place).strip()
            resized = subprocess.run(["resize2fs", device], capture_output=True, text=True)
            if "Permission denied" in resized.stderr:
                print("  growing while mounted needs CAP_SYS_RESOURCE: not mounted instead")
                break
            if resized.returncode != 0:
                return [resized.stderr]
            room = os.statvfs(place)
            if room.f_blocks * room.f_frsize < size * 0.9:
                return [f"grown to {size}, it has {room.f_blocks * room.f_frsize} bytes"]
            (place / f"new-{size}").write_bytes(b"n" * (1 << 20))
            if (place / "f").read_bytes() != b"kept" * 10_000:
                return ["the content changed while it grew"]
        run("e2fsck", "-fn", base)
    os.truncate(base, 200 << 30)
    run("resize2fs", "-f", base)
    run("e2fsck", "-fn", base)
    return []


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("cases", nargs="*")
    arguments = parser.parse_args()
    reason = missing()
    if reason:
        print(f"SKIPPED: {reason}")
        return 77
    # These have no entry in a layer: umoci gives them the time of day, and the root too, by making them in it.
    implicit = {b"", b"implicit", b"implicit/parent"} | {b"/".join([b"deep"] * n) for n in range(1, 600)}
    build = arguments.build.resolve()

    def hand(work):
        return check_image(build, work, *umoci_image(work, hand_layers(work)), implicit)

    def debian(packages):
        return lambda work: check_image(build, work, *debian_image(work, packages))

    cases = {"hand": hand, "buildah": lambda work: check_image(build, work, *buildah_image(work)),
             "minbase": debian(""), "python3": debian("python3"), "nodejs": debian("nodejs"),
             "holes": lambda work: holes(build, work), "grow": lambda work: grow(build, work)}
    failed = False
    for name in arguments.cases or cases:
        print(f"{name}:")
        work = pathlib.Path(tempfile.mkdtemp(prefix="boxlite-fidelity-"))
        try:
            differences = cases[name](work)
        finally:
            for mount in reversed(mounts_below(work)):
                run("umount", mount)
            shutil.rmtree(work)
        for difference in differences[:50]:
            print(f"  {difference[:400]}")
        print(f"  {len(differences)} differences")
        failed = failed or bool(differences)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
