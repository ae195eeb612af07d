"""Nothing is lost: whatever fails, every object whose receipt was shown is there
and whole, every other one is absent, and no draft is left."""
import hashlib
import os
import random
import re
import signal
import subprocess
import time

from lib import disk
from lib.drop import BUILD, KNOTHOLED, Drop, workplace
from lib.powercut import FLUSH, Cuts, Disk
from lib.receipts import Fault, Sent, agree, drafts, upload
from lib.tap import Failure, Suite, Skip, check, equal, wait_for

disk.own_mounts("strace", "e2fsck")

NIGHTLY = bool(os.environ.get("KNOTHOLE_NIGHTLY"))
COMMITS = 10000  # with kills between them
CUT_COMMITS, CUTS = (2000, 2000) if NIGHTLY else (300, 120)
COMMITTER = os.path.join(BUILD, "tests", "committer")
MiB = 1 << 20

suite = Suite()
chance = random.Random()
place = workplace()
disk.must("mount", "-t", "tmpfs", "-o", "size=1g,mode=700", "tmpfs", place)


class Small:
    """A small file system, and a store in it."""

    def __init__(self, name, size, *options):
        self.image = os.path.join(place, name + ".image")
        self.top = os.path.join(place, name)
        disk.make_image(self.image, size, *options)
        disk.mount(self.image, self.top)
        self.store = os.path.join(self.top, "store")
        os.mkdir(self.store, 0o700)


# --- the store role alone: thousands of commits ------------------------------


class Commits:
    """What a committer says: numbers acknowledged, and those in doubt."""

    def __init__(self):
        self.yes = {}  # number -> clock
        self.doubt = set()
        self.kills = 0

    def run(self, store, first, count, kill_after=None, clock=None):
        """Go on from `first`; the next number to be tried."""
        command = [COMMITTER, KNOTHOLED, store, str(first), str(count)]
        with subprocess.Popen([*command, *([clock] if clock else [])],
                              stdout=subprocess.PIPE, text=True) as process:
            pid = int(process.stdout.readline().split()[1])
            for line in process.stdout:
                number, what, when = line.split()
                first = int(number) + 1
                if what == "yes":
                    self.yes[int(number)] = int(when)
                else:
                    self.doubt.add(int(number))
                if kill_after is not None and len(self.yes) >= kill_after:
                    kill_after = None
                    # Anywhere within the next commits, not between two.
                    time.sleep(chance.uniform(0, 0.002))
                    os.kill(pid, signal.SIGKILL)
                    self.kills += 1
        check(process.returncode in (0, 2), f"committer: {process.returncode}")
        return first


def content(number):
    text = b"%010d" % number
    return text + b"\n" + 32 * hashlib.sha256(text).digest()


def numbers(store):
    """The numbers of all objects, each of which must be whole."""
    found = set()
    where = os.path.join(store, "objects")
    for name in os.listdir(where):
        check(re.fullmatch(r"[0-9a-f]{32}\.age", name), f"name {name!r}")
        with open(os.path.join(where, name), "rb") as f:
            data = f.read()
        check(data[:10].isdigit() and data == content(int(data[:10])),
              f"{name} is not whole: {len(data)} bytes")
        check(int(data[:10]) not in found, "twice")
        found.add(int(data[:10]))
    return found


@suite.test(f"{COMMITS} commits, kill -9 of the store at random between them")
def commits():
    small = Small("commits", 160 * MiB, "-N", "20000")
    said = Commits()
    at = 0
    while at < COMMITS:
        after = len(said.yes) + chance.randrange(50, 1000)
        at = said.run(small.store, at, COMMITS - at, after)
    there = numbers(small.store)
    equal(set(said.yes) - there, set(), "acknowledged, and not there")
    equal(there - set(said.yes) - said.doubt, set(), "there, and never sent")
    suite.figure(f"{COMMITS} commits, {said.kills} kills of the store: "
                 f"{len(said.yes)} acknowledged, all there; of "
                 f"{len(said.doubt)} in doubt {len(there & said.doubt)} are")
    check(said.kills >= 9, "too few kills")
    wait_for("no draft is left", lambda: drafts(small.top) == 0, 5)
    disk.unmount(small.top)


@suite.test("power cut at any moment: acknowledged is there, else whole or not")
def power_cut():
    if not os.path.exists("/dev/fuse"):
        raise Skip("there is no /dev/fuse")
    path = os.path.join(place, "cut.image")
    disk.make_image(path, 24 * MiB, "-N", "4096", "-b", "4096")
    with open(path, "rb") as f:
        remembers = Disk(place, f.read())
    top = os.path.join(place, "cut")
    disk.mount(remembers.path, top)
    store = os.path.join(top, "store")
    os.mkdir(store, 0o700)
    said = Commits()
    try:
        said.run(store, 0, CUT_COMMITS, clock=remembers.clock)
    finally:
        disk.unmount(top, remembers.where)
        os.waitpid(remembers.pid, 0)
    equal(len(said.yes), CUT_COMMITS, "acknowledged")
    cuts = Cuts(remembers)
    first, last = said.yes[0], said.yes[CUT_COMMITS - 1]
    flushes = sum(1 for at, _ in cuts.log[first:last] if at == FLUSH)
    check(flushes >= CUT_COMMITS, f"only {flushes} flushes")
    moments = sorted(chance.randrange(first, last + 1) for _ in range(CUTS))
    between = 0
    for i, when in enumerate(moments):
        odds = (0, 0.5, 1)[i % 3]
        with open(path, "wb") as f:
            f.write(cuts.cut(when, lambda o=odds: chance.random() < o))
        acknowledged = {n for n, at in said.yes.items() if at <= when}
        between += len(after_cut(path, top, acknowledged)
                       - acknowledged)
    suite.figure(f"{CUTS} power cuts in {last - first} writes and flushes of "
                 f"{CUT_COMMITS} commits: all acknowledged are whole; "
                 f"{between} times one more")


def after_cut(path, top, acknowledged):
    """Start again after a power cut; the objects' numbers."""
    disk.mount(path, top)
    try:
        there = numbers(os.path.join(top, "store"))
        left = drafts(top)
    finally:
        disk.unmount(top)
    equal(acknowledged - there, set(), "acknowledged, and not there")
    check(there <= set(range(len(acknowledged) + 1)), "more than one in doubt")
    equal(left, 0, "drafts")
    disk.must("e2fsck", "-fn", path)
    return there


# --- the whole service ---------------------------------------------------------


small = Small("service", 96 * MiB)
service = Drop(server=os.path.join(small.top, "server")).start()


FAULTS = [
    # role, call, error, which of them (FIRST+STEP), sizes of the files
    ("store", "openat", "ENOSPC", "1+2", (100, 100, 100, 100)),
    ("store", "openat", "EMFILE", "2+2", (100, 100, 100, 100)),
    ("store", "fchmod", "EIO", "1+2", (100, 100, 100)),
    ("store", "utimensat", "EIO", "1+5", (100, 100, 100)),
    ("store", "fsync", "EIO", "1+3", (100, 300000, 100, 2000000, 100)),
    ("store", "fsync", "ENOSPC", "2+4", (100, 300000, 100, 100)),
    ("store", "linkat", "EIO", "1+2", (100, 100, 100)),
    ("store", "linkat", "ENOSPC", "1+2", (100, 100, 100)),
    ("door", "write", "EIO", "2", (100, 3000000, 100, 3000000)),
    ("door", "write", "ENOSPC", "3", (100, 3000000, 100, 3000000)),
    ("door", "fdatasync", "EIO", "1", (100, 300000)),
]


def try_fault(role, call, error, when, sizes):
    sent = [Sent(service, i, size) for i, size in enumerate(sizes)]
    with Fault(service.role(role), (call, f"error={error}", when)):
        upload(service, sent)
        service.idle()
    kept = agree(service, sent)
    check(kept < len(sent), f"{call} {error} of the {role}: nothing failed")
    wait_for(f"no draft is left after {call} {error} of the {role}",
             lambda: drafts(small.top) == 0)
    return kept, len(sent)


@suite.test("L24 system calls fail under load: a receipt means an object")
def test_l24_faults():
    kept = tried = 0
    for fault in FAULTS:
        k, n = try_fault(*fault)
        kept, tried = kept + k, tried + n
    suite.figure(f"{len(FAULTS)} kinds of fault in {tried} uploads: {kept} had "
                 "their receipt and are whole, the others are absent")
    check(kept > 0, "nothing came through")
    # And the service goes on.
    after = [Sent(service, 99, 1000)]
    upload(service, after)
    equal(agree(service, after), 1, "objects afterwards")


@suite.test("L24 the disk fills while uploads arrive: nothing half-written")
def test_l24_disk_fills():
    sent = [Sent(service, i, size) for i, size in
            enumerate((4 * MiB, 3 * MiB, 5 * MiB, 100))]
    before = os.statvfs(small.top)
    filler = os.path.join(small.top, "filler")
    wires = []
    for one in sent:
        data = one.form.request()
        wire = service.connect()
        wire.send(data[:-50000] if len(data) > 50000 else data[:-10])
        wires.append((wire, data[-50000:] if len(data) > 50000 else data[-10:]))
    time.sleep(1)  # they have their room and their drafts
    with open(filler, "wb", buffering=0) as f:
        try:
            while f.write(bytes(65536)) == 65536:
                pass
            while f.write(bytes(512)):
                pass
        except OSError:
            pass
        os.fsync(f.fileno())
    for one, (wire, rest) in zip(sent, wires, strict=True):
        wire.offer([rest])
        one.page = wire.response()
        wire.close()
    check(any(one.page.reason == "full" for one in sent),
          f"{[one.page for one in sent]}")
    service.idle()
    os.unlink(filler)
    agree(service, sent)
    wait_for("no draft is left", lambda: drafts(small.top) == 0)
    disk.must("sync", "-f", small.top)
    now = os.statvfs(small.top)
    check(now.f_bfree + 64 >= before.f_bfree,
          f"{before.f_bfree - now.f_bfree} blocks are not free again")
    again = [Sent(service, 5, 100000)]
    upload(service, again)
    equal(agree(service, again), 1, "objects once there is room")


@suite.test("it has not ended meanwhile, and ends with 0")
def _():
    service.ends_well()
    disk.unmount(small.top)
    if disk.run("e2fsck", "-fn", small.image).returncode != 0:
        raise Failure("the file system is damaged")


suite.run()
