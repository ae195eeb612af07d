"""Ten large uploads beside 500 idle connections: all arrive, and memory does
not depend on how much is sent."""
import os
import random
import re
import resource
import threading
import time

from lib.drop import Drop, processes
from lib.tap import Skip, Suite, check, equal, wait_for
from lib.wire import Form

MiB = 1 << 20
LARGE, SMALL = 50 * MiB, 5 * MiB
UPLOADS = 10
IDLE = 500
KDF = 64 * MiB  # that one key derivation takes, two at once
STUCK = 250  # seconds: a machine may be slow
HELD = 2000  # bytes of each body that are kept back for the measurement

suite = Suite()
noise = random.Random(5)
base = noise.randbytes(LARGE)
drop = None


def descriptors(need):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < need:
        raise Skip(f"the descriptor limit is {hard}, {need} are needed")
    if soft != resource.RLIM_INFINITY and soft < need:
        resource.setrlimit(resource.RLIMIT_NOFILE, (need, hard))


def memory(pid):
    """(private, pss, rss) of a process in bytes, or None when it is gone.
    What it shares can only be told by root; for others private is RssAnon."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
            kb = dict(re.findall(r"^(\w+):\s+(\d+) kB", f.read(), re.M))
        private = int(kb["Private_Clean"]) + int(kb["Private_Dirty"])
        return private * 1024, int(kb["Pss"]) * 1024, int(kb["Rss"]) * 1024
    except PermissionError:
        pass
    except (OSError, KeyError):
        return None
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            kb = dict(re.findall(r"^(\w+):\s+(\d+) kB", f.read(), re.M))
        private, rss = int(kb["RssAnon"]) * 1024, int(kb["VmRSS"]) * 1024
        return private, private, rss
    except (OSError, KeyError):
        return None


class Upload(threading.Thread):
    """Sends all but the last bytes, and those when it is told to."""

    def __init__(self, number, size):
        super().__init__()
        self.number, self.size = number, size
        self.mark = b"upload %03d" % number
        self.arrived = threading.Event()
        self.go = threading.Event()
        self.page = self.wire = None
        self.rate = 0

    def run(self):
        try:
            self.send()
        finally:
            self.arrived.set()

    def send(self):
        rest = memoryview(base)[len(self.mark) : self.size]
        form = drop.form().field("message", self.mark)
        form.file(f"{self.number:03}.bin", self.mark, rest[:-HELD],
                  rest[-HELD:]).close()
        *first, held, last = form.pieces
        with drop.connect() as wire:
            self.wire = wire
            began = time.monotonic()
            if wire.offer([form.head(), *first]):
                self.rate = self.size / (time.monotonic() - began)
                self.arrived.set()
                self.go.wait()
                wire.offer([held, last])
            self.page = wire.response()


class Sampler(threading.Thread):
    """The most that each kind of process had, all along."""

    def __init__(self, pids):
        super().__init__()
        self.pids = pids  # kind -> function that lists pids
        self.peak = {}
        self.total = 0
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.wait(0.1):
            total = 0
            for kind, pids in self.pids.items():
                for pid in pids():
                    now = memory(pid)
                    if now is None:
                        continue
                    total += now[1]
                    was = self.peak.get(kind, (0, 0, 0))
                    self.peak[kind] = tuple(map(max, was, now))
            self.total = max(self.total, total)


def batch(size, count, idle_pids):
    """`count` uploads at once; returns (private memory of each visit when
    nearly all had arrived, the uploads, their objects)."""
    before = set(drop.objects())
    uploads = [Upload(i, size) for i in range(count)]
    for upload in uploads:
        upload.start()
    for upload in uploads:
        check(upload.arrived.wait(STUCK), "an upload is stuck")
        upload.wire.taken()
    visits = wait_for("visits at work, and no others", lambda: (
        len(drop.visits() - idle_pids) == count and drop.visits() - idle_pids))
    # What is in the sockets is read; the last of it is being sealed.
    time.sleep(1.0)
    private = [memory(pid)[0] for pid in visits]
    for upload in uploads:
        upload.go.set()
    for upload in uploads:
        upload.join(STUCK)
        check(not upload.is_alive(), "an upload is stuck")
        equal((upload.page.status, upload.page.state), (200, "sealed"),
              f"answer to {upload.mark}")
    new = set(drop.objects()) - before
    equal(len(new), count, "objects")
    return private, uploads, new


def verify(paths, size):
    seen = set()
    for path in paths:
        out = drop.extract(path)
        seen.add(out.message)
        equal(out.manifest["complete"], True, "complete")
        data = out.read(0)
        check(data[: len(out.message)] == out.message, "its first bytes")
        check(data[len(out.message) :] == base[len(out.message) : size],
              f"{out.message} differs")
        os.unlink(os.path.join(out.directory, out.records[0]["entry"]))
    equal(seen, {b"upload %03d" % i for i in range(len(paths))}, "messages")


class Result:
    private = {}
    objects = set()
    sampler = None


def mib(n):
    return f"{n / MiB:.1f} MiB"


@suite.test(f"{UPLOADS} uploads of 50 MB beside {IDLE} idle connections")
def _():
    global drop
    descriptors((IDLE + 100) * 6 + 100)
    drop = Drop(max_visits=IDLE + 50).start()
    equal(drop.post(drop.form().field("message", "warm")).state, "sealed",
          "answer")
    drop.idle()
    drop.forget()
    Result.private["small"], _, objects = batch(SMALL, 2, set())
    verify(objects, SMALL)
    drop.forget()
    drop.idle()
    wires = [drop.connect() for _ in range(IDLE)]
    try:
        wait_for("all are let in", lambda: len(drop.visits()) == IDLE)
        # Within a head that goes on and on, so that no deadline ends them.
        idle = drop.visits()
        door, store = drop.role("door"), drop.role("store")
        some = sorted(idle)[:: IDLE // 20]
        sampler = Result.sampler = Sampler({
            "keeper": lambda: [drop.process.pid],
            "door": lambda: [door],
            "store": lambda: [store],
            "visit, uploading": lambda: set(processes(door)) - idle,
            "visit, idle": lambda: some,
        })
        sampler.start()
        began = time.monotonic()
        try:
            Result.private["large"], uploads, Result.objects = batch(
                LARGE, UPLOADS, idle)
        finally:
            sampler.stopping.set()
            sampler.join()
        spent = time.monotonic() - began
        page = drop.get("/en/send")
        equal(page.status, 200, "a page beside all this")
    finally:
        for wire in wires:
            wire.close()
    suite.figure(f"{UPLOADS} x 50 MiB at once, with {IDLE} idle connections: "
                 f"{spent:.1f} s, {UPLOADS * 50 / spent:.0f} MiB/s together")


@suite.test("every byte of every upload comes out again")
def _():
    check(Result.objects, "there were none")
    verify(Result.objects, LARGE)
    for path in Result.objects:
        check(LARGE < os.path.getsize(path) < LARGE * 1.12, "size at rest")


@suite.test("memory of a visit is below 16 MiB, and no more for 50 MB than 5")
def _():
    check("large" in Result.private, "there was no measurement")
    small, large = Result.private["small"], Result.private["large"]
    suite.figure(
        f"private memory of a visit near the end of its upload: 5 MiB body "
        f"{mib(max(small))}, 50 MiB body {mib(max(large))}"
    )
    check(max(large) < 16 * MiB, f"{mib(max(large))} in a visit")
    check(max(large) < max(small) + MiB,
          f"{mib(max(large))} for 50 MiB, {mib(max(small))} for 5 MiB")


@suite.test("at its peak: a derivation, and little else; other roles are flat")
def _():
    check(Result.sampler is not None, "there was no measurement")
    for kind, (private, pss, rss) in Result.sampler.peak.items():
        suite.figure(f"peak of a {kind}: private {mib(private)}, "
                     f"PSS {mib(pss)}, RSS {mib(rss)}")
    suite.figure(f"peak of all that was sampled together: "
                 f"{mib(Result.sampler.total)}")
    peak = Result.sampler.peak
    check(peak["visit, uploading"][0] < KDF + 16 * MiB, "uploading")
    check(peak["visit, idle"][0] < 2 * MiB, "idle")
    check(peak["door"][0] < 32 * MiB, "door")
    check(peak["store"][0] < 32 * MiB, "store")
    check(peak["keeper"][0] < 16 * MiB, "keeper")


@suite.test("all visits end, and the service with 0")
def _():
    check(drop is not None, "there is none")
    drop.ends_well()


suite.run()
