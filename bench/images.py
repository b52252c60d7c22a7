"""The figures about images: a base from a tar, a pull from a registry on loopback, and a box of an image that is there.

Debian's minbase is made with mmdebstrap, or taken from the tar that BENCH_MINBASE names.
"""
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import time

ROUNDS = int(os.environ.get("BENCH_IMAGE_ROUNDS", "5"))


def run(*command, **more):
    subprocess.run([str(word) for word in command], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE, **more)


def seconds(*commands):
    begin = time.monotonic()
    for command in commands:
        run(*command)
    return time.monotonic() - begin


def minbase(bench):
    tar = bench.root / "minbase.tar"
    if "BENCH_MINBASE" in os.environ:
        return pathlib.Path(os.environ["BENCH_MINBASE"])
    if not tar.exists():
        run("mmdebstrap", "--variant=minbase", "bookworm", tar)
    return tar


def boxlite(bench, *words):
    return [bench.cli, "--home", bench.home, *words]


def tree_to_disk(bench, tree):
    return ["mke2fs", "-q", "-F", "-t", "ext4", "-d", tree, bench.root / "theirs.ext4", "1g"]


def sync_theirs(bench):
    return ["sync", bench.root / "theirs.ext4"]


def base_of_a_tar(bench):
    """`import`, which also puts it into the store, beside unpacking as root and mke2fs -d."""
    tar = minbase(bench)
    forms = {"tar": tar, "gzip": bench.root / "minbase.tar.gz", "zstd": bench.root / "minbase.tar.zst"}
    with open(forms["gzip"], "wb") as out:
        subprocess.run(["gzip", "-6", "-c", tar], check=True, stdout=out)
    run("zstd", "-q", "-3", tar, "-o", forms["zstd"])
    ours, theirs = {form: [] for form in forms}, []
    tree = bench.root / "tree"
    for _ in range(ROUNDS):
        for form, path in forms.items():
            ours[form].append(seconds(boxlite(bench, "import", path, "minbase")))
            run(*boxlite(bench, "rmi", "minbase"))
        tree.mkdir()
        theirs.append(seconds(["tar", "--xattrs", "-C", tree, "-xf", tar], tree_to_disk(bench, tree),
                              sync_theirs(bench)))
        shutil.rmtree(tree)
    megabytes = tar.stat().st_size / 1e6
    for form, values in ours.items():
        bench.row(f"`boxlite import` of minbase ({megabytes:.0f} MB as a tar) from {form}, ÷ `tar -x` and `mke2fs -d`",
                  values, theirs, "s")
    rates = [megabytes / value for value in ours["tar"]]
    bench.row("the same from a tar, as a rate", rates, [], "MB/s", "≥ 300")
    print(f"largest resident set of a program of either side: "
          f"{resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MiB")


class Registry:
    """Debian's docker-registry on loopback, over plain HTTP."""

    def __init__(self, directory):
        directory.mkdir()
        config = directory / "config.yml"
        config.write_text(f"version: 0.1\nlog:\n  level: info\nstorage:\n  filesystem:\n    rootdirectory: {directory}"
                          "/storage\nhttp:\n  addr: 127.0.0.1:0\n  secret: bench\n")
        self.log = open(directory / "log", "w+b")
        self.process = subprocess.Popen(["docker-registry", "serve", config], stdout=self.log, stderr=self.log,
                                        env={**os.environ, "OTEL_TRACES_EXPORTER": "none"})
        self.host = ""
        while not self.host:
            found = re.search(rb"listening on (127\.0\.0\.1:[0-9]+)", (directory / "log").read_bytes())
            if self.process.poll() is not None:
                raise SystemExit("docker-registry does not start: " + (directory / "log").read_text())
            self.host = found[1].decode() if found else ""

    def close(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


def pull(bench):
    """From loopback to a base that boots, beside skopeo, umoci and mke2fs."""
    layout, bundle = bench.root / "layout", bench.root / "bundle"
    run("umoci", "init", "--layout", layout)
    run("umoci", "new", "--image", f"{layout}:minbase")
    run("umoci", "raw", "add-layer", "--image", f"{layout}:minbase", minbase(bench))
    registry = Registry(bench.root / "registry")
    try:
        name = registry.host + "/minbase"
        skopeo = ["skopeo", "--insecure-policy", "copy", "--quiet"]
        run(*skopeo, "--dest-tls-verify=false", f"oci:{layout}:minbase", "docker://" + name)
        config = bench.root / "registries.json"
        config.write_text(json.dumps({"registries": [{"host": registry.host, "transport": "http"}]}))
        ours, theirs = [], []
        copied = bench.root / "copied"
        for _ in range(ROUNDS):
            ours.append(seconds(boxlite(bench, "pull", "-q", "--config", config, name)))
            run(*boxlite(bench, "rmi", name))
            theirs.append(seconds([*skopeo, "--src-tls-verify=false", "docker://" + name, f"oci:{copied}:minbase"],
                                  ["umoci", "unpack", "--image", f"{copied}:minbase", bundle],
                                  tree_to_disk(bench, bundle / "rootfs"), sync_theirs(bench)))
            shutil.rmtree(copied)
            shutil.rmtree(bundle)
        bench.row("`boxlite pull` of minbase from loopback, ÷ `skopeo copy`, `umoci unpack`, `mke2fs -d`", ours, theirs,
                  "s", "≤ 0.5")
    finally:
        registry.close()


def present(bench):
    """What an image in the store adds to a box, beside the image that ships and is not in it."""
    run(*boxlite(bench, "import", minbase(bench), "minbase"))
    ours, theirs = [], []
    for _ in range(4 * ROUNDS):
        for image, took in (("boxlite/base", theirs), ("minbase", ours)):
            took.append(bench.timed("create", "--name", "made", image, "true"))
            bench.run("rm", "made")
    bench.row("`boxlite create` of an image that is there, ÷ of the one that ships", ours, theirs, goal="≤ 5 ms more")
    ours, theirs = [], []
    for _ in range(ROUNDS):
        for image, took in (("boxlite/base", theirs), ("minbase", ours)):
            took.append(bench.timed("run", "--rm", image, "true"))
    bench.row("`boxlite run --rm ... true` of an image that is there, ÷ of the one that ships", ours, theirs)
    bench.run("rmi", "minbase")


def images(bench):
    base_of_a_tar(bench)
    pull(bench)
    present(bench)
