"""Power cuts while the store settles, while newsrooms collect, while objects
expire and answers are forgotten: at whatever moment, after the next start each
thing that was acknowledged and not removed is there once and whole, and nothing
that was removed comes back."""
import os
import random
import re
import subprocess

from lib import disk
from lib.drop import BUILD, KNOTHOLED, workplace
from lib.powercut import FLUSH, Cuts, Disk
from lib.receipts import drafts
from lib.tap import Failure, Skip, Suite, check, equal, wait_for

disk.own_mounts("e2fsck")

NIGHTLY = bool(os.environ.get("KNOTHOLE_NIGHTLY"))
ROUNDS, CUTS = (40, 2000) if NIGHTLY else (6, 150)
SIZE = (96 if NIGHTLY else 48) << 20
COMMITTER = os.path.join(BUILD, "tests", "committer")
TIDIER = os.path.join(BUILD, "tests", "tidier")
PIECE, MARK = 1000, "{}-{}"
NEWSROOMS = [f"{i + 1:02x}" * 16 for i in range(2)]
MTIME = 315532800

suite = Suite()
chance = random.Random()
place = workplace()
disk.must("mount", "-t", "tmpfs", "-o", "size=2g,mode=700", "tmpfs", place)


def content(number):
    data = b"%010d\n" % number
    return data.ljust(PIECE * (1 + number % 41), b"%c" % (97 + number % 26))


class Said:
    """What the tidier said, and when; at a moment it is `at` that."""

    def __init__(self, lines):
        self.lines = []
        for line in lines:
            what, *rest, when = line.split()
            self.lines.append((int(when), what, rest))

    def end(self):
        return self.lines[-1][0]

    def settling(self):
        """[(from, to)] of the settles."""
        begun, spans = None, []
        for when, what, _ in self.lines:
            if what == "settle?":
                begun = when
            elif what == "settle":
                spans.append((begun, when))
        return spans

    def at(self, moment):
        """What is known when `moment` records are on the disk: numbers of
        things by name, names in doubt, names that are gone, marks; and the
        number that may be there without a name."""
        there, doubt, gone, marks, coming = {}, set(), set(), set(), None
        for when, what, rest in self.lines:
            # What had begun by then may have happened; what was said after
            # the cut was not said.
            if when > moment:
                break
            if what == "put?":
                coming = int(rest[0])
            elif what == "put":
                there[rest[1]], coming = int(rest[0]), None
            elif what == "gone?":
                doubt.add(rest[0])
            elif what == "gone":
                gone.add(rest[0])
            elif what == "mark":
                marks.add(MARK.format(rest[0].removesuffix(".age"),
                                      NEWSROOMS[int(rest[1])]))
        return there, doubt - gone, gone, marks, coming


def names(store, what):
    return os.listdir(os.path.join(store, what))


def read(path):
    with open(path, "rb") as f:
        return f.read()


def things(store):
    """{name: data} of all objects and answers, copies included."""
    return {name: read(os.path.join(store, what, name))
            for what in ("objects", "replies") for name in names(store, what)}


def before_start(store, known):
    """As the power cut has left it: never without a whole copy. Returns how
    many there are twice."""
    there, doubt, gone, _, _ = known
    found = things(store)
    twice = 0
    for name, number in there.items():
        copies = [found[n] for n in (name, name + ".new") if n in found]
        twice += len(copies) == 2
        check(copies or name in doubt or name in gone, f"{name} is lost")
        if name not in gone:
            check(all(c == content(number) for c in copies),
                  f"{name}: a copy is not whole")
    return twice


def after_start(store, known):
    """In order again: all and only what is to be there, once."""
    there, doubt, gone, marks, coming = known
    found = things(store)
    for name, number in there.items():
        if name in gone:
            check(name not in found, f"{name} has come back")
        elif name not in doubt:
            check(name in found, f"{name} is lost")
        if name in found:
            equal(found.pop(name), content(number), name)
    check(all(data == content(coming if coming is not None else -1)
              for data in found.values()) and len(found) <= 1,
          f"not known: {[(n, d[:11]) for n, d in found.items()]}")
    for what in ("objects", "replies"):
        for name in names(store, what):
            check(re.fullmatch(r"[0-9a-f]{32}\.age|[0-9a-f]{64}", name), name)
            seen = os.stat(os.path.join(store, what, name))
            equal((seen.st_mode & 0o7777, seen.st_mtime, seen.st_nlink),
                  (0o400, MTIME, 1), name)
    objects = {n.removesuffix(".age") for n in names(store, "objects")}
    left = set(names(store, "collected"))
    check(all(m.partition("-")[0] in objects for m in left),
          "a mark without its object")
    for mark in marks:
        check(mark in left or mark.partition("-")[0] + ".age" not in
              there.keys() - doubt - gone, f"the mark {mark} is lost")


def start(store):
    """The store's role starts, and puts it in order."""
    ended = subprocess.run([COMMITTER, KNOTHOLED, store, "0", "0"],
                           capture_output=True, check=False)
    equal(ended.returncode, 0, f"the store's start: {ended.stderr}")


def after_cut(path, top, known):
    disk.mount(path, top)
    store = os.path.join(top, "store")
    try:
        twice = before_start(store, known)
        start(store)
        after_start(store, known)
        wait_for("no draft is left", lambda: drafts(top) == 0)
    finally:
        disk.unmount(top)
    disk.must("e2fsck", "-fn", path)
    return twice


@suite.test("power cuts while it settles, expires and removes: nothing is lost "
            "and nothing comes back")
def power_cuts():
    if not os.path.exists("/dev/fuse"):
        raise Skip("there is no /dev/fuse")
    path = os.path.join(place, "cut.image")
    disk.make_image(path, SIZE, "-N", "8192", "-b", "4096")
    remembers = Disk(place, read(path))
    top = os.path.join(place, "cut")
    disk.mount(remembers.path, top)
    store = os.path.join(top, "store")
    os.mkdir(store, 0o700)
    try:
        ended = subprocess.run([TIDIER, store, str(ROUNDS), remembers.clock],
                               capture_output=True, text=True, check=False)
    finally:
        disk.unmount(top, remembers.where)
        os.waitpid(remembers.pid, 0)
    if ended.returncode != 0:
        raise Failure(f"tidier: {ended.returncode}: {ended.stderr}")
    said = Said(ended.stdout.splitlines())
    cuts = Cuts(remembers)
    spans = said.settling()
    equal(len(spans), ROUNDS, "settles")
    flushes = sum(1 for at, _ in cuts.log[:said.end()] if at == FLUSH)
    check(flushes > 50 * ROUNDS, f"only {flushes} flushes")
    # A third each within settles, at the very moment in which something has
    # been acknowledged, and anywhere.
    first = said.lines[0][0]
    told = [when for when, what, _ in said.lines if not what.endswith("?")]
    moments = [(chance.randrange(*chance.choice(spans)), chance.choice(told),
                chance.randrange(first, said.end()))[i % 3]
               for i in range(CUTS)]
    twice = removed = 0
    for i, when in enumerate(sorted(moments)):
        with open(path, "wb") as f:
            f.write(cuts.cut(when, lambda o=(0, 0.5, 1)[i % 3]:
                             chance.random() < o))
        known = said.at(when)
        try:
            twice += after_cut(path, top, known)
        except Failure as failure:
            raise Failure(f"after {when} of {said.end()} records: "
                          f"{failure}") from failure
        removed += len(known[2])
    check(twice, "no cut came between two names of one object")
    check(removed, "nothing was removed")
    removals = sum(what == "gone" for _, what, _ in said.lines)
    suite.figure(f"{CUTS} power cuts in {said.end() - first} writes and flushes "
                 f"of {ROUNDS} settles, with {removals} removals: all "
                 f"acknowledged are whole; {twice} copies were put in order")


suite.run()
