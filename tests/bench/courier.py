#!/usr/bin/env python3
"""What fetching costs, against curl downloading the same bytes.

usage: tests/bench/courier.py [--build DIR] [--dir DIR] [--rounds N]
                              [--size BYTES] [--files N]

One large object, and many of 64 KiB in one run, from the same server. The
contenders run in turn, round after round; of each, least, median and most are
printed, and the ratio to curl, whose files are in the page cache when it ends,
while ours are on the disk, named and hashed. Beside that, curl and then sync(1)
and sha256sum(1), which is what curl's user would have to do for as much. On a
--dir in memory (/dev/shm) the disk does not count. Exit status 0 whether the
goal is reached or not.
"""
import argparse
import hashlib
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "system"))

GOAL = 0.80
SMALL = 65536


def timed(*commands):
    os.sync()
    began = time.monotonic()
    for command in commands:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


class Contest:
    def __init__(self, options, base, objects):
        self.base = base
        from lib.drop import Drop  # after KNOTHOLE_BUILD is set

        self.objects = objects
        self.drop = Drop(courier_listen="tcp:127.0.0.1:0").start()
        owner = os.stat(os.path.join(self.drop.store, "objects"))
        for name, data in objects.items():
            path = os.path.join(self.drop.store, "objects", name + ".age")
            with open(path, "wb") as f:
                f.write(data)
            os.chown(path, owner.st_uid, owner.st_gid)
            os.chmod(path, 0o400)
        host, port = self.drop.courier_address
        self.address = f"http://{host}:{port}"
        self.courier = pathlib.Path(options.build).resolve() / "bin/knothole-courier"
        self.token = os.path.join(self.drop.newsrooms[0].directory, "courier.token")
        self.stick, self.out = base / "stick", base / "out"
        self.config = base / "curl.conf"
        token = self.drop.newsrooms[0].token
        lines = [f'header = "Authorization: Bearer {token}"', "silent", "fail"]
        for name in objects:
            lines.append(f'url = "{self.address}/v1/objects/{name}"')
            lines.append(f'output = "{self.out}/{name}.age"')
        self.config.write_text("\n".join(lines) + "\n")
        # knotholed keeps a connection for who asks, as ours does; curl does not.
        self.keep = base / "curl-keep.conf"
        lines.append('header = "Connection: keep-alive"')
        self.keep.write_text("\n".join(lines) + "\n")

    def clean(self):
        for path in (self.stick, self.out):
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir()

    def fetch(self):
        self.clean()
        spent = timed([self.courier, "fetch", "--quiet", "--server",
                       self.address, "--token-file", self.token, self.stick])
        self.compare(self.stick / "knothole-stick" / "objects")
        return spent

    def curl(self, *after, config=None):
        self.clean()
        spent = timed(["curl", "--config", config or self.config],
                      *[[*command, self.out] for command in after])
        self.compare(self.out)
        return spent

    def compare(self, directory):
        for name, data in self.objects.items():
            with open(directory / f"{name}.age", "rb") as f:
                if hashlib.file_digest(f, "sha256").digest() != \
                        hashlib.sha256(data).digest():
                    raise SystemExit(f"{name} differs")

    def run(self, rounds):
        runs = {"fetch": [], "curl": [], "curl, keep-alive": [],
                "curl, sync, sha256sum": []}
        for _ in range(rounds):
            runs["fetch"].append(self.fetch())
            runs["curl"].append(self.curl())
            runs["curl, keep-alive"].append(self.curl(config=self.keep))
            runs["curl, sync, sha256sum"].append(self.curl(
                ["sync", "--file-system"],
                ["sh", "-c", 'sha256sum "$0"/*']))
        return runs


def report(title, size, runs):
    print(title)
    for name, walls in runs.items():
        m = statistics.median(walls)
        print(f"  {name:24} {min(walls):7.2f} {m:7.2f} {max(walls):7.2f} s "
              f"{size / m / 1e6:8.0f} MB/s")
    for other in ("curl", "curl, keep-alive", "curl, sync, sha256sum"):
        ratio = statistics.median(
            b / a for a, b in zip(runs["fetch"], runs[other], strict=True))
        verdict = ""
        if other == "curl":
            verdict = " reached" if ratio >= GOAL else " missed"
            verdict = f" (goal {GOAL:.2f}:{verdict})"
        print(f"  fetch against {other}: {ratio:.2f}{verdict}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--dir")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=1 << 30)
    parser.add_argument("--files", type=int, default=1000)
    options = parser.parse_args()
    os.environ["KNOTHOLE_BUILD"] = options.build
    if options.dir:
        os.environ["TMPDIR"] = options.dir
    large = {os.urandom(16).hex(): os.urandom(options.size)}
    small = {os.urandom(16).hex(): os.urandom(SMALL) for _ in range(options.files)}
    parent = options.dir or options.build
    for title, objects in ((f"one object of {options.size >> 20} MiB", large),
                           (f"{options.files} objects of 64 KiB", small)):
        with tempfile.TemporaryDirectory(prefix="bench-", dir=parent) as base:
            contest = Contest(options, pathlib.Path(base).resolve(), objects)
            runs = contest.run(options.rounds)
            contest.drop.stop()
        report(title, sum(map(len, objects.values())), runs)


if __name__ == "__main__":
    main()
