#!/usr/bin/env python3
"""How fast an image becomes a base: images.py BUILD_DIR TAR [ROUNDS]

TAR is a root filesystem, uncompressed (as mmdebstrap makes one). It is written as it is, as gzip and as zstd, in
turns with what it replaces: unpacking as root and `mke2fs -d`. Prints a Markdown table; CPU time stands beside the
time that passed, since a machine is never quiet.
"""
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time


def timed(*commands):
    """Seconds that passed, and of CPU."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    output = ""
    for command in commands:
        output = subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout
    passed, after = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return passed, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, output


def main():
    build, tar = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    tool = build / "tests/bin/write_base_tool"
    megabytes = tar.stat().st_size / 1e6
    work = pathlib.Path(tempfile.mkdtemp(prefix="boxlite-bench-"))
    try:
        subprocess.run(f"gzip -6 -c '{tar}' > '{work}/tar.gz'; zstd -q -3 -c '{tar}' > '{work}/tar.zst'", shell=True,
                       check=True)
        layers = {"tar": tar, "tar.gz": work / "tar.gz", "tar.zst": work / "tar.zst"}
        ours, baseline, peak = {name: [] for name in layers}, [], 0
        base = work / "base.ext4"
        for _ in range(rounds):
            for name, layer in layers.items():
                passed, cpu, output = timed([tool, base, layer])
                ours[name].append((passed, cpu))
                peak = max(peak, json.loads(output)["peak_rss_kib"])
                base.unlink()
            if os.geteuid() == 0:
                (work / "root").mkdir()
                passed, cpu, _ = timed(["tar", "--xattrs", "-C", work / "root", "-xf", tar],
                                       ["mke2fs", "-q", "-t", "ext4", "-d", work / "root", base, "1g"],
                                       ["sync", base])
                baseline.append((passed, cpu))
                shutil.rmtree(work / "root")
                base.unlink()
        print("| what | passed: median (min) | CPU | MB/s, best | ÷ baseline |\n|---|---|---|---|---|")
        reference = statistics.median(passed for passed, _ in baseline) if baseline else None
        rows = [(f"{name} → base", values) for name, values in ours.items()]
        for what, values in rows + ([("tar -x and mke2fs -d, as root", baseline)] if baseline else []):
            median = statistics.median(passed for passed, _ in values)
            best = min(passed for passed, _ in values)
            ratio = f"{median / reference:.2f}" if reference else ""
            print(f"| {what} | {median:.2f} s ({best:.2f}) | {min(cpu for _, cpu in values):.2f} s | "
                  f"{megabytes / best:.0f} | {ratio} |")
        print(f"\n{megabytes:.0f} MB, {rounds} rounds; peak memory {peak / 1024:.0f} MiB")
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
