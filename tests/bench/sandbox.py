#!/usr/bin/env python3
"""What the sandbox costs an upload: the same one to this build and to a build
without it (KH_NO_SANDBOX), in turn, in one run.

usage: tests/bench/sandbox.py [--build DIR] [--without DIR] [--dir DIR]
                              [--size BYTES] [--rounds N]

Which of the two is first changes from round to round. Wall seconds as the client
sees them, and CPU seconds of the server's processes; of each the median, and the
median of the rounds' ratios. The goal is ±5 %. The exit status is 0 whether it is
reached or not, and 1 when something that was to be measured does not work.
"""
import argparse
import os
import pathlib
import re
import shutil
import statistics
import tempfile

from run import Server, parse_size, run, settle

GOAL = 0.05
CONFINED, FREE = "with sandbox", "without"


def confined(pid):
    """Does a filter hold for this process?"""
    text = pathlib.Path(f"/proc/{pid}/status").read_text("ascii", "replace")
    return re.search(r"^Seccomp:\s+2$", text, re.M) is not None


class Pair:
    """Two servers that differ in nothing else."""

    def __init__(self, options, base):
        self.input = base / "input"
        with open(self.input, "wb") as f:
            for _ in range(options.size >> 20):
                f.write(os.urandom(1 << 20))
        run([pathlib.Path(options.build) / "bin" / "knothole", "keygen", "-o",
             base / "keys", "--name", "Bench Times", "--no-passphrase"])
        self.servers = {}
        for name, build in ((CONFINED, options.build), (FREE, options.without)):
            where = base / name.replace(" ", "-")
            where.mkdir()
            self.servers[name] = Server(
                pathlib.Path(build).resolve() / "bin", where,
                base / "keys" / "bench-times.card")
            door = self.servers[name].roles["door"]
            if confined(door) != (name == CONFINED):
                raise SystemExit(f"{build}: not the build that it should be")
        self.runs = {name: [] for name in self.servers}

    def upload(self, name, note=True):
        server = self.servers[name]
        settle()
        made, _ = server.upload(self.input)
        for path in list(server.objects.iterdir()):
            path.unlink()
        if note:
            self.runs[name].append(made)

    def round(self, number):
        order = (CONFINED, FREE) if number % 2 == 0 else (FREE, CONFINED)
        for name in order:
            self.upload(name)

    def stop(self):
        for server in self.servers.values():
            server.stop()


def report(pair, size):
    rounds = len(pair.runs[FREE])
    print(f"\nthe sandbox: uploads of {size >> 20} MiB, {rounds} rounds, "
          f"load {os.getloadavg()[0]:.1f}\n")
    print(f"  {'':34} {'least':>7} {'median':>7} {'most':>7}")
    for what in ("wall", "cpu"):
        for name, runs in pair.runs.items():
            seconds = [getattr(r, what) for r in runs]
            print(f"  {what + ' seconds, ' + name:34} {min(seconds):7.2f} "
                  f"{statistics.median(seconds):7.2f} {max(seconds):7.2f}")
    for what, text in (("wall", "upload speed"), ("cpu", "CPU of the server")):
        ratio = statistics.median(
            getattr(b, what) / getattr(a, what) for a, b in
            zip(pair.runs[CONFINED], pair.runs[FREE], strict=True))
        verdict = "reached" if abs(ratio - 1) <= GOAL else "missed"
        print(f"goal {verdict}: {text} with the sandbox, in terms of without: "
              f"{ratio:.3f} (goal 1 ± {GOAL})")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--without", help="default: BUILD/unconfined")
    parser.add_argument("--dir", help="where to write; default: in the build directory")
    parser.add_argument("--size", type=parse_size, default=256 << 20)
    parser.add_argument("--rounds", type=int, default=21)
    options = parser.parse_args()
    options.without = options.without or os.path.join(options.build, "unconfined")
    parent = options.dir or options.build
    if shutil.disk_usage(parent).free < 5 * options.size:
        raise SystemExit(f"{parent}: {5 * options.size >> 20} MiB are needed")
    with tempfile.TemporaryDirectory(prefix="bench-", dir=parent) as base:
        pair = Pair(options, pathlib.Path(base).resolve())
        try:
            for name in pair.servers:
                pair.upload(name, note=False)
            for number in range(options.rounds):
                pair.round(number)
            report(pair, options.size)
        finally:
            pair.stop()


main()
