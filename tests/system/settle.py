"""An adversary who has the disk tries to tell in which order submissions came:
from ctime, crtime, inode, place in the directory, place of the blocks. He must
succeed before a settle, or this test would see nothing, and fail after it."""
import os
import statistics
import time

from lib.drop import HASTY, Drop
from lib.image import Image
from lib.tap import Skip, Suite, check, equal, wait_for

N = 100
WITHIN = 0.2  # Kendall's tau: three standard deviations for 100 objects
SETTLES = 3  # one in sixty is outside by chance somewhere; two of three never
SOON = 60  # seconds: far more than one of the minutes that last a second

suite = Suite()


def kendall(order):
    """Tau of values in the order of arrival, ties counting as neither."""
    n = len(order)
    score = sum(
        (b > a) - (b < a)
        for i, a in enumerate(order) for b in order[i + 1:]
    )
    return score / (n * (n - 1) / 2)


@suite.test("Kendall's tau is what it is said to be")
def tau():
    equal(kendall([1, 2, 3, 4]), 1, "in order")
    equal(kendall([4, 3, 2, 1]), -1, "turned round")
    equal(kendall([1, 1, 1, 1]), 0, "all the same")
    equal(kendall([2, 1, 4, 3]), 1 / 3, "a little")


def submit(drop, order):
    """One more object; its name is added to the order of arrival."""
    before = set(drop.objects())
    page = drop.post(drop.form().field("message", f"number {len(order)}"))
    equal(page.state, "sealed", "answer")

    def new():  # not for the moments in which a settle has other names
        there = set(drop.objects())
        return there - before if before < there else ()

    (path,) = wait_for("one more", lambda: len(new()) == 1 and new(), SOON)
    order.append(os.path.basename(path))


def times(drop):
    return {os.path.basename(p): os.stat(p).st_ctime_ns
            for p in drop.objects()}


def last_settle(drop):
    mark = os.path.join(drop.store, "settled")
    return os.stat(mark).st_ctime_ns if os.path.exists(mark) else 0


def settled(drop, before):
    """Wait until another settle has ended than that of `before`."""
    wait_for("a settle", lambda: last_settle(drop) != before, SOON)


def hurry(drop, minutes):
    """From now on it settles soon, as minutes last a second (scarce.py settles
    with those of the product). Until then it would not have."""
    drop.idle()
    equal(drop.stop(), 0, "exit status")
    equal(last_settle(drop), 0, "a settle before")
    drop.settings["settle_minutes"] = minutes
    drop.program = HASTY
    drop.start()


class OnImage:
    """A drop whose store is on an ext4 of its own, whose directories show the
    order of their entries (no dir_index)."""

    def __init__(self):
        self.image = Image(256, "-b", "4096", "-O", "^dir_index")
        self.drop = Drop(store=os.path.join(self.image.at, "store"))
        self.drop.store = os.path.join(self.image.at, "store")
        self.drop.start()

    def view(self, order):
        """{attribute: its values in the order of arrival}."""
        names = self.image.names("/store/objects")
        equal(sorted(names), sorted(order), "names in the directory")
        inodes = self.image.inodes(names.values())
        place = {name: i for i, name in enumerate(names)}
        values = {
            "inode": [names[n] for n in order],
            "directory": [place[n] for n in order],
        }
        for what in ("ctime", "crtime", "extent"):
            values[what] = [inodes[names[n]][what] for n in order]
        return {what: kendall(v) for what, v in values.items()}


class AnyDisk:
    """The same without root, with what any user can see."""

    def __init__(self):
        self.drop = Drop().start()

    def view(self, order):
        at = os.path.join(self.drop.store, "objects")
        seen = [os.stat(os.path.join(at, n)) for n in order]
        return {
            "inode": kendall([s.st_ino for s in seen]),
            "ctime": kendall([s.st_ctime_ns for s in seen]),
        }


def shown(taus):
    return ", ".join(f"{k} {v:+.2f}" for k, v in sorted(taus.items()))


def try_on(place):
    """Returns the drop and the order of arrival."""
    drop, order = place.drop, []
    for _ in range(N):
        submit(drop, order)
    before = place.view(order)
    suite.figure("Kendall's tau before a settle: " + shown(before))
    for what, value in before.items():
        check(value > 2 * WITHIN, f"{what} shows nothing: {value:.2f}")
    contents = {p: open(p, "rb").read() for p in drop.objects()}
    hurry(drop, "5")
    last, rounds = 0, []
    while len(rounds) < SETTLES:
        settled(drop, last)
        rounds.append(place.view(order))
        if all(abs(value) <= WITHIN for value in rounds[0].values()):
            break
        last = last_settle(drop)
        submit(drop, order)  # so that the next one has something to do
    middle = {what: statistics.median(r[what] for r in rounds)
              for what in before}
    suite.figure("Kendall's tau after a settle: " + shown(rounds[0]))
    for what, value in middle.items():
        check(abs(value) <= WITHIN,
              f"{what}: {[round(r[what], 2) for r in rounds]}")
    for path, data in contents.items():
        equal(open(path, "rb").read(), data, path)
        equal(os.stat(path).st_mode & 0o7777, 0o400, "mode")
        equal(os.stat(path).st_mtime, 315532800, "mtime")
    equal(drop.extract_status(drop.objects()[0])[0].returncode, 0, "opens")
    drop.ends_well()


@suite.test("before a settle the disk tells the order, after it does not: ext4,"
            " by debugfs")
def on_image():
    try_on(OnImage())


@suite.test("the same without root, on this disk: ctime and inode")
def on_any_disk():
    if os.geteuid() == 0:
        raise Skip("as root the image shows more")
    try_on(AnyDisk())


quiet = Drop().start()
submit(quiet, [])
reader = open(quiet.objects()[0], "rb")
begun = reader.read(1000)


@suite.test("nothing is written when nothing is new; a reader is not disturbed")
def nothing_new():
    hurry(quiet, "1")
    settled(quiet, 0)
    before, last = times(quiet), last_settle(quiet)
    time.sleep(5)  # three occasions at least have come and gone
    equal(times(quiet), before, "ctimes")
    equal(last_settle(quiet), last, "the last settle")
    equal(os.fstat(reader.fileno()).st_nlink, 0, "links of what was read")
    with open(quiet.objects()[0], "rb") as f:
        equal(f.read(), begun + reader.read(), "what the reader had")
    equal(sorted(os.listdir(quiet.store)),
          ["collected", "objects", "replies", "settled"], "in the store")
    quiet.ends_well()


suite.run()
