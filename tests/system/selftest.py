"""When no submission can be taken, the site says so before anything is written
into its form, the health file says why, and both recover by themselves."""
import os
import shutil
import time

from lib.drop import HASTY, Drop
from lib.image import Image
from lib.tap import Suite, check, equal, wait_for

# With minutes of a second; scarce.py has one with the minutes of the product.
EVERY = "5"  # minutes between two tests; four a minute while something fails
SOON = 60  # seconds

suite = Suite()


class Small:
    """A drop whose store is on a small disk, with a file to fill it."""

    def __init__(self, *options):
        self.image = Image(64, *options)
        at = os.path.join(self.image.at, "store")
        self.drop = Drop(store=at, selftest_minutes=EVERY)
        self.drop.program = HASTY
        self.drop.store = at
        self.ballast = os.path.join(self.image.at, "ballast")

    def fill(self):
        """Leave 2 MiB, which is less than the reserve."""
        disk = os.statvfs(self.image.at)
        n = disk.f_bavail * disk.f_frsize - (2 << 20)
        with open(self.ballast, "wb") as f:
            os.posix_fallocate(f.fileno(), 0, n)

    def fill_inodes(self):
        os.mkdir(self.ballast)
        disk = os.statvfs(self.image.at)
        for i in range(disk.f_favail - 20):
            os.close(os.open(os.path.join(self.ballast, str(i)),
                             os.O_CREAT | os.O_WRONLY))

    def free(self):
        if os.path.isdir(self.ballast):
            shutil.rmtree(self.ballast)
        else:
            os.unlink(self.ballast)


def form_state(drop):
    return drop.get("/en/send").state


def assert_closed(drop, why):
    wait_for(f"the health file says {why}",
             lambda: drop.health()["selftest"] == why, SOON)
    wait_for("the form says closed",
             lambda: form_state(drop) == "closed")


def assert_open(drop):
    wait_for("the self-test is well again",
             lambda: drop.health()["selftest"] == "ok", SOON)
    wait_for("there is a form", lambda: form_state(drop) is None)
    page = drop.post(drop.form().field("message", "in time"))
    equal((page.status, page.state), (200, "sealed"), "answer")


@suite.test("L24 a full disk at the start and later: closed, open, closed, open")
def disk():
    small = Small()
    small.fill()
    drop = small.drop.start()
    assert_closed(drop, "disk")
    small.free()
    assert_open(drop)
    token_page = drop.form().field("message", "from before")
    small.fill()
    assert_closed(drop, "disk")
    page = drop.post(token_page)  # a form from before is refused as well
    equal(page.state, "closed", "answer")
    equal(len(drop.objects()), 1, "objects")
    small.free()
    assert_open(drop)
    equal(drop.stop(), 0, "exit status")


@suite.test("no inodes: closed, and open again")
def inodes():
    small = Small("-N", "1024")
    drop = small.drop.start()
    assert_open(drop)
    small.fill_inodes()
    assert_closed(drop, "inodes")
    small.free()
    assert_open(drop)
    equal(drop.stop(), 0, "exit status")


@suite.test("the canary leaves nothing in the store")
def canary():
    drop = Drop(selftest_minutes="2")
    drop.program = HASTY
    drop.start()
    before = [os.stat(os.path.join(drop.store, d)).st_ctime_ns
              for d in ("objects", "replies", "collected")]
    names = sorted(n for _, d, f in os.walk(drop.store) for n in d + f)
    equal(names, ["collected", "objects", "replies"], "in the store")
    time.sleep(5)  # two tests and more
    equal([os.stat(os.path.join(drop.store, d)).st_ctime_ns
           for d in ("objects", "replies", "collected")], before, "ctimes")
    equal(sorted(n for _, d, f in os.walk(drop.store) for n in d + f), names,
          "in the store")
    drop.ends_well()


suite.run()
