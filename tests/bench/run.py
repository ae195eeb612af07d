#!/usr/bin/env python3
"""What sealing costs, against its limit and its peers, from one run.

usage: tests/bench/run.py [--build DIR] [--dir DIR] [--size BYTES] [--rounds N]

The contenders run in turn, round after round (A B C A B C), so that what the
machine does besides hits all of them alike; of each, least, median and most
are printed. The input is in the page cache. Ends with one line for each goal;
the exit status is 0 whether it is reached or not, and 1 when something that
was to be measured does not work.
"""
import argparse
import html.parser
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import visit

GOAL = 0.90
TICKS = os.sysconf("SC_CLK_TCK")


class Run:
    """One measurement: wall seconds, and CPU seconds of all that took part."""

    def __init__(self, wall, cpu):
        self.wall, self.cpu = wall, cpu


def run(command, stdout=subprocess.DEVNULL, after=None):
    """Run a command and then `after`; its wall time and its CPU time."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE)
    talk = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(
            f"{' '.join(map(str, command))}: exit status {process.returncode}\n"
            + talk.decode("utf-8", "replace")
        )
    if after is not None:
        after()
    return Run(time.monotonic() - start, usage.ru_utime + usage.ru_stime)


def sync_file(path):
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def parse_size(text):
    match = re.fullmatch(r"(\d+)([KMG]?)", text)
    if not match:
        raise argparse.ArgumentTypeError("digits, and K, M or G")
    return int(match.group(1)) << {"": 0, "K": 10, "M": 20, "G": 30}[match.group(2)]


class Page(html.parser.HTMLParser):
    """The form's token and the receipt's outcome."""

    def __init__(self, text):
        super().__init__()
        self.token = self.state = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        if tag == "input" and a.get("name") == "token":
            self.token = a.get("value")
        if tag == "output" and a.get("id") == "outcome":
            self.state = a.get("data-state")


def stat_of(pid):
    """(parent, ticks of its own, ticks of the children it has waited for)."""
    text = pathlib.Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    f = text.rsplit(")", 1)[1].split()
    return int(f[1]), int(f[11]) + int(f[12]), int(f[13]) + int(f[14])


def children(pid):
    found = []
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and stat_of(entry)[0] == pid:
                found.append(int(entry))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


class Server:
    """A knotholed of our own, on a unix socket, and its tree of processes."""

    def __init__(self, programs, base, card):
        self.socket = base / "source.sock"
        self.objects = base / "store" / "objects"
        newsrooms = base / "newsrooms"
        newsrooms.mkdir()
        shutil.copy(card, newsrooms)
        config = base / "knotholed.conf"
        config.write_text(
            f"source_listen = unix:{self.socket}\n"
            f"store = {base}/store\n"
            f"newsrooms = {newsrooms}\n"
            "max_upload = 32 GiB\n"
            "allow_swap = yes\n"
        )
        self.peak = {}
        self.process = subprocess.Popen(
            [programs / "knotholed", "-c", config], stderr=subprocess.PIPE
        )
        for line in self.process.stderr:
            if line.strip() == b"knotholed: ready":
                break
        else:
            raise SystemExit("knotholed did not start")
        # Nobody reads on: it says no more, unless it fails.
        threading.Thread(target=self.process.stderr.read, daemon=True).start()
        self.roles = {}
        for pid in children(self.process.pid):
            self.roles[self.name(pid)] = pid

    @staticmethod
    def name(pid):
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def cpu(self):
        """Ticks of keeper, door, store and of all visits that have ended."""
        total = stat_of(self.process.pid)[1]
        for pid in self.roles.values():
            _, own, waited_for = stat_of(pid)
            total += own + waited_for
        return total

    def token(self):
        s = socket.socket(socket.AF_UNIX)
        s.connect(str(self.socket))
        s.sendall(b"GET /en/send HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b""
        while piece := s.recv(65536):
            answer += piece
        s.close()
        return Page(answer.decode()).token

    def watch(self, stop):
        """Peak memory of the visits: VmHWM only grows, so the last one seen
        is good enough."""
        while not stop.wait(0.05):
            for pid in children(self.roles["door"]):
                try:
                    status = pathlib.Path(f"/proc/{pid}/status").read_text()
                except (FileNotFoundError, ProcessLookupError):
                    continue
                for key, kib in re.findall(r"(VmHWM|RssAnon|VmLck):\s+(\d+) kB", status):
                    self.peak[key] = max(self.peak.get(key, 0), int(kib))

    def idle(self):
        while children(self.roles["door"]):
            time.sleep(0.01)

    def upload(self, path, watched=False):
        token = self.token()
        self.idle()
        before = self.cpu()
        stop = threading.Event()
        watcher = threading.Thread(target=self.watch, args=(stop,))
        if watched:
            watcher.start()
        with tempfile.TemporaryFile() as page:
            made = run(
                ["curl", "-sS", "--unix-socket", self.socket, "-H", "Expect:",
                 "-F", f"token={token}", "-F", "message=bench",
                 "-F", f"file=@{path};type=application/octet-stream",
                 "http://localhost/en/send"],
                stdout=page,
            )
            page.seek(0)
            state = Page(page.read().decode()).state
        stop.set()
        if watched:
            watcher.join()
        if state != "sealed":
            raise SystemExit(f"the upload's outcome is {state}")
        self.idle()
        return Run(made.wall, (self.cpu() - before) / TICKS), made.cpu


class Bench:
    def __init__(self, options, base):
        self.build = pathlib.Path(options.build).resolve()
        self.base, self.size = base, options.size
        self.input = base / "input"
        self.runs = {}
        self.client_cpu = []
        self.knothole = self.build / "bin" / "knothole"
        self.desk = (self.knothole, "--i-am-online")
        self.make_input()
        self.make_keys()
        self.server = Server(self.build / "bin", base, self.card)

    def make_input(self):
        with open(self.input, "wb") as f, open("/dev/urandom", "rb") as r:
            left = self.size
            while left > 0:
                left -= f.write(r.read(min(left, 1 << 22)))
            os.fsync(f.fileno())

    def make_keys(self):
        keys = self.base / "keys"
        run([self.knothole, "keygen", "-o", keys, "--name", "Bench Times",
             "--no-passphrase"])
        self.identity = keys / "identity.txt"
        self.card = keys / "bench-times.card"
        self.recipient = re.search(
            r"^recipient = (age1\S+)", self.card.read_text(), re.M
        ).group(1)

    def note(self, name, made):
        self.runs.setdefault(name, []).append(made)

    def seal_to_disk(self, keep):
        """Three ways to a sealed file that is on the disk, and the plain one."""
        out = self.base / "out"
        made, client = self.server.upload(self.input)
        self.note("http", made)
        self.client_cpu.append(client)
        for path in list(self.server.objects.iterdir()):
            path.replace(keep)
        settle()
        limit = self.build / "bench" / "seal_limit"
        self.note("limit", run([limit, self.recipient, out, self.input]))
        out.unlink()
        settle()
        self.note("age to disk", run(
            ["age", "-r", self.recipient, "-o", out, self.input],
            after=lambda: sync_file(out)))
        out.unlink()
        settle()
        self.note("plain write", run(
            ["dd", f"if={self.input}", f"of={out}", "bs=256K", "conv=fdatasync",
             "status=none"]))
        out.unlink()
        settle()

    def tools(self, sealed):
        """The tool against stock age, from and to nothing but memory."""
        self.note("seal", run([self.knothole, "seal", "-r", self.recipient, self.input]))
        self.note("age seal", run(["age", "-r", self.recipient, self.input]))
        self.note("aead", run([self.build / "bench" / "aead_limit", str(self.size)]))
        self.note("unseal", run(
            [*self.desk, "unseal", "-i", self.identity, sealed]))
        self.note("age unseal", run(["age", "-d", "-i", self.identity, sealed]))

    def extract(self, sealed):
        """Opening a submission: ours checks and hashes everything."""
        out, archive = self.base / "extracted", self.base / "object.zip"
        self.note("extract", run(
            [*self.desk, "extract", "-i", self.identity, "-o", out, sealed]))
        self.compare(out)
        shutil.rmtree(out)
        settle()
        opened = run(["age", "-d", "-i", self.identity, "-o", archive, sealed])
        unzipped = run(["unzip", "-q", archive, "-d", out])
        hashed = run(["sha256sum", *sorted(out.glob("files/*"))])
        self.note("age, unzip, sha256sum", Run(
            opened.wall + unzipped.wall + hashed.wall,
            opened.cpu + unzipped.cpu + hashed.cpu))
        archive.unlink()
        shutil.rmtree(out)
        settle()

    def compare(self, out):
        files = list(out.glob("*/files/001-*"))
        if len(files) != 1:
            raise SystemExit("extract did not give back one file")
        run(["cmp", self.input, files[0]])

    def warm(self):
        with open(self.input, "rb") as f:
            while f.read(1 << 22):
                pass

    def round(self, sealed):
        self.warm()
        self.seal_to_disk(sealed)
        self.tools(sealed)
        self.extract(sealed)


def settle():
    """What one contender left for the disk is not to slow down the next."""
    os.sync()


class Table:
    def __init__(self, bench):
        self.bench, self.gb = bench, bench.size / 1e9

    def walls(self, name):
        return [r.wall for r in self.bench.runs[name]]

    def cpus(self, name):
        return [r.cpu for r in self.bench.runs[name]]

    def line(self, name, label):
        w, c = self.walls(name), self.cpus(name)
        m = statistics.median(w)
        print(f"  {label:34} {min(w):7.2f} {m:7.2f} {max(w):7.2f} "
              f"{self.gb * 1e3 / m:8.0f} {statistics.median(c) / self.gb:9.2f}")

    def ratio(self, of, to, pick):
        """Median of the rounds' ratios: rate of `of` in terms of `to`."""
        return statistics.median(
            b / a for a, b in zip(pick(of), pick(to), strict=True))

    def goal(self, text, value, more=""):
        verdict = "reached" if value >= GOAL else "missed"
        print(f"goal {verdict}: {text}: {value:.2f} (goal {GOAL:.2f}){more}")


def report(bench, small_peak):
    t = Table(bench)
    rounds = len(bench.runs["http"])
    print(f"\n{bench.size / (1 << 20):.0f} MiB of random bytes, {rounds} rounds, "
          f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}\n")
    print(f"  {'wall seconds:':34} {'least':>7} {'median':>7} {'most':>7} "
          f"{'MB/s':>8} {'CPU s/GB':>9}")
    print("to the disk, synced")
    t.line("http", "HTTP upload to knotholed, sealed")
    t.line("limit", "(a) the same sealing without HTTP")
    t.line("age to disk", "(b) stock age -r")
    t.line("plain write", "(c) plain write")
    print("to /dev/null")
    t.line("seal", "knothole seal")
    t.line("age seal", "stock age -r")
    t.line("aead", "libsodium's AEAD alone (limit)")
    t.line("unseal", "knothole unseal")
    t.line("age unseal", "stock age -d")
    print("a submission, opened into files")
    t.line("extract", "knothole extract")
    t.line("age, unzip, sha256sum", "stock age -d, unzip, sha256sum")
    cpu = statistics.median(t.cpus("http")) / t.gb
    client = statistics.median(bench.client_cpu) / t.gb
    print(f"\nserver: {cpu:.2f} CPU s/GB (keeper, door, visit and store); "
          f"the client took {client:.2f} besides")
    peak = bench.server.peak
    print(f"one visit's memory, {bench.size / (1 << 20):.0f} MiB upload: "
          f"{peak['VmHWM']} KiB at its peak, {peak['RssAnon']} KiB of its own, "
          f"{peak['VmLck']} KiB locked; "
          f"with an upload a quarter as large: {small_peak['VmHWM']} KiB at its peak")
    for of, to in (("age to disk", "(b)"), ("plain write", "(c)")):
        print(f"HTTP against {to} {of}, wall: {t.ratio('http', of, t.walls):.2f}")
    print(f"limit (a) against HTTP, CPU of the server: "
          f"{t.ratio('http', 'limit', t.cpus):.2f}\n")
    t.goal("sealing through HTTP against (a), wall",
           t.ratio("http", "limit", t.walls))
    t.goal("knothole seal against stock age, CPU rate",
           t.ratio("seal", "age seal", t.cpus),
           f"; libsodium's AEAD alone: {t.ratio('aead', 'age seal', t.cpus):.2f}")
    t.goal("knothole unseal against stock age, CPU rate",
           t.ratio("unseal", "age unseal", t.cpus))


def memory_of_small(bench):
    """Peak memory with a quarter of the bytes: it should be the same."""
    part = bench.base / "quarter"
    with open(bench.input, "rb") as f, open(part, "wb") as g:
        left = bench.size // 4
        while left > 0:
            left -= g.write(f.read(min(left, 1 << 22)))
    bench.server.upload(part, watched=True)
    small, bench.server.peak = bench.server.peak, {}
    part.unlink()
    return small


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--dir", help="where to write; default: in the build directory")
    parser.add_argument("--size", type=parse_size, default=1 << 30)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    parent = options.dir or options.build
    need = 5 * options.size
    if shutil.disk_usage(parent).free < need:
        raise SystemExit(f"{parent}: {need >> 20} MiB of room are needed")
    with tempfile.TemporaryDirectory(prefix="bench-", dir=parent) as base:
        bench = Bench(options, pathlib.Path(base).resolve())
        try:
            visit.report(bench.server, children)
            bench.warm()
            small = memory_of_small(bench)
            bench.server.upload(bench.input, watched=True)
            for path in list(bench.server.objects.iterdir()):
                path.unlink()
            settle()
            for i in range(options.rounds):
                print(f"round {i + 1} of {options.rounds}", file=sys.stderr, flush=True)
                bench.round(bench.base / "sealed.age")
            report(bench, small)
        finally:
            bench.server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
