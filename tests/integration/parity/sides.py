"""The two sides of the comparison: podman and boxlite, on the same root filesystem."""
import ctypes
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
IMAGE = "boxlite/base"
LIVE_BOX = ["run", "-d", "--name", "live", "-e", "BOXVAR=of the box", "-w", "/home", "@image", "sleep", "99999"]
ENDED_BOX = ["run", "-d", "--name", "ended", "-l", "kind=ended", "@image", "sh", "-c",
             "echo one; echo two; echo err >&2; echo three; exit 3"]
CLONE_NEWNS = 0x20000

# Default limits as a root without CAP_SYS_RESOURCE may set them; runc, since crun refuses hosts whose
# cgroups are half of version 1. Nothing outside the given directories is written: locks are files there,
# events go nowhere, no network is set up.
CONTAINERS_CONF = """
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=30000:30000"]
netns = "none"
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
pull_policy = "never"
[network]
network_config_dir = "{networks}"
"""
# Where podman writes whatever it is told. In a mount namespace of its own these are empty directories.
WRITTEN_ANYWAY = ["/run/runc", "/var/lib/containers", "/var/cache/containers", "/etc/cni"]


class CannotRun(Exception):
    """This host cannot run podman's containers at all; says why."""


def separate_mounts():
    """A mount namespace for this process and all it starts: podman's mounts and files end with it."""
    if os.geteuid() != 0:
        raise CannotRun("podman is compared as root, and this user is not")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise CannotRun(f"no mount namespace of its own: {os.strerror(ctypes.get_errno())}")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    for path in WRITTEN_ANYWAY:
        if os.path.isdir(path):
            subprocess.run(["mount", "-t", "tmpfs", "instead", path], check=True)


def users_of(directory):
    """Processes that name the directory on their command line, such as conmon's clean-up after a container."""
    return [path for path in pathlib.Path("/proc").glob("[0-9]*/cmdline") if str(directory).encode() in read(path)]


def read(path):
    try:
        return path.read_bytes()
    except OSError:  # it ended meanwhile
        return b""


def remove(directory):
    """With the mounts that podman keeps below it, after the last of its processes."""
    deadline = time.monotonic() + 60
    while users := users_of(directory):
        if time.monotonic() > deadline:
            raise RuntimeError(f"still running, in {directory}: {[read(user) for user in users]}")
        time.sleep(0.05)  # they are nobody's children here, so nothing tells of their end
    mounts = [line.split()[1] for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()]
    for mount in reversed([path for path in mounts if path.startswith(f"{directory}/")]):
        subprocess.run(["umount", mount], check=True)
    shutil.rmtree(directory)


class Side:
    name = ""
    image = IMAGE
    id_pattern = ""
    labels = ".Labels"
    # Verbs that print ids, as docker's do.
    id_verbs = ("run", "create", "ls", "ps", "exec", "inspect", "prune", "start")

    def __init__(self, directory):
        self.directory = directory
        self.environment = {key: value for key, value in os.environ.items()
                            if not key.startswith(("BOXLITE", "CONTAINER", "DOCKER"))}
        directory.mkdir(parents=True)

    def argv(self, words):
        raise NotImplementedError

    def call(self, *words, check=True):
        done = subprocess.run(self.argv([word.replace("@image", self.image) for word in words]),
                              env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if check and done.returncode != 0:
            raise RuntimeError(f"{self.name} {' '.join(words)}: {done.stderr or done.stdout}")
        return done.stdout

    def make_boxes(self):
        self.call(*LIVE_BOX)
        self.call(*ENDED_BOX)
        self.call("wait", "ended")

    def without_ids(self, verb, text):
        """Ids differ by nature. What stands alone on a line and can be one is one; then its short form too."""
        if verb not in self.id_verbs:
            return text
        ids = [line for line in text.splitlines() if re.fullmatch(self.id_pattern, line)]
        for identity in ids:
            text = text.replace(identity, "<id>").replace(identity[:12], "<id>")
        return text

    def remove_boxes(self, token):
        """Those of the case: not by what a name begins with, since another case's may begin so too."""
        names = [name for name in self.names() if name in (token, token + "-b")]
        if names:
            self.call(*self.removal, *names, check=False)


class Podman(Side):
    name = "podman"
    image = "localhost/" + IMAGE
    id_pattern = "[0-9a-f]{64}|[0-9a-f]{12}"
    labels = ".Config.Labels"
    removal = ["rm", "-f", "-t", "0"]

    def __init__(self, directory, rootfs_tar):
        super().__init__(directory)
        conf = directory / "containers.conf"
        networks = directory / "networks"
        networks.mkdir()
        conf.write_text(CONTAINERS_CONF.format(networks=networks))
        self.environment["CONTAINERS_CONF"] = str(conf)
        self.environment["HOME"] = str(directory)
        changes = []
        for change in image_config():
            changes += ["-c", change]
        try:
            self.call("import", "-q", *changes, str(rootfs_tar), self.image)
            self.call("run", "--rm", "@image", "true")
        except (RuntimeError, FileNotFoundError) as error:
            self.close()
            raise CannotRun(str(error).strip())

    def argv(self, words):
        if words[:1] == ["prune"]:
            words = ["container", *words]
        where = [f"--{option}={self.directory / option}" for option in ("root", "runroot", "tmpdir")]
        return ["podman", *where, "--storage-driver=overlay", *words]

    def names(self):
        return self.call("ps", "-a", "--format", "{{.Names}}").split()

    def close(self):
        self.call("rm", "-a", "-f", "-t", "0", check=False)


class BoxLite(Side):
    name = "boxlite"
    id_pattern = "[0-9a-z]{12}"
    removal = ["rm", "-f"]

    def __init__(self, directory, program):
        super().__init__(directory)
        self.program = str(program)
        self.home = directory / "home"

    def argv(self, words):
        return [self.program, "--home", str(self.home), *words]

    def names(self):
        return [box["name"] or "" for box in json.loads(self.call("ls", "-a", "--format", "json"))]

    def close(self):
        ids = self.call("ls", "-a", "-q", check=False).split()
        if ids:
            self.call("rm", "-f", *ids, check=False)


def image_builder():
    sys.path.insert(0, str(ROOT / "tools" / "guest"))
    import make_guest
    return make_guest


def image_config():
    """boxlite/base's configuration as instructions of a Dockerfile."""
    config = image_builder().CONFIG
    return [*("ENV " + variable for variable in config["Env"]), "CMD " + json.dumps(config["Cmd"]),
            "WORKDIR " + config["WorkingDir"]]


def make_rootfs_tar(directory):
    """The tree of boxlite/base, made from the same inputs by the same function as the build's."""
    root = directory / "rootfs"
    root.mkdir(mode=0o755)
    image_builder().fill_rootfs(shutil.which("busybox"), root)
    path = directory / "rootfs.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(root, ".")
    return path
