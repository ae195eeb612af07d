"""Memory, processes and descriptors run out for the process that runs gpg, and for
gpg, while sources send: nobody's object is without its bridge, a receipt means an
object, and when there is enough again the form is open again, without a start."""
import os
import resource
import signal
import time

from lib import disk
from lib.drop import Drop, processes, workplace
from lib.limits import Limited
from lib.pgp import Person, add_key
from lib.receipts import (REFUSED, SILENCE, TURNED_AWAY, Fault, Sent, agree,
                          upload)
from lib.tap import Suite, check, equal, wait_for

disk.own_mounts("strace", "gpg")

SOON = 90  # for what is tried again every 15 seconds
CLOSED = ("closed", "closed")
ANYHOW = (*REFUSED, TURNED_AWAY, SILENCE, CLOSED)
SIZES = (100, 300000, 100, 100)

suite = Suite()
base = workplace()
person = Person(os.path.join(base, "person"))
person.make("desk")
drop = Drop(newsrooms=1)
add_key(drop.newsrooms[0],
        person.export("desk", os.path.join(base, "desk.pgp")), drop.cards)
drop.start()
kept, tried = 0, 0


def roles():
    return {name: drop.role(name) for name in ("door", "store", "wrap")}


def size_of(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[0]) * resource.getpagesize()


def next_descriptor(pid):
    """The number that the next one has: with this for its limit there is none."""
    there = {int(n) for n in os.listdir(f"/proc/{pid}/fd")}
    return min(set(range(len(there) + 1)) - there)


def bridged(path):
    with open(path, "rb") as f:
        return b"\n-> knothole.example/openpgp " in f.read(1 << 19)


def every_bridge():
    for path in drop.objects():
        check(bridged(path), "an object without its bridge")


def some(n=len(SIZES)):
    """More than are ready, so that gpg has to run: forms are had before it
    goes wrong, as sources have them."""
    drop.forget()
    return [Sent(drop, i, SIZES[i % len(SIZES)]) for i in range(n)]


def sent_while(fault, sent):
    """What was wrong has an end; then all is as it was, and by the same
    processes."""
    global kept, tried
    before = roles()
    held = drop.form().field("message", "from before")
    with fault:
        upload(drop, sent)
        drop.idle()
    every_bridge()
    taken = agree(drop, sent, ANYHOW)
    kept, tried = kept + taken, tried + len(sent)
    wait_for("a form that was held is taken",
             lambda: drop.post(held).status == 200, SOON)
    wait_for("the health file says so",
             lambda: drop.health()["selftest"] == "ok", SOON)
    wait_for("the form is open again",
             lambda: drop.get("/en/send").status == 200, SOON)
    equal(roles(), before, "processes")
    after = some(6)
    upload(drop, after)
    every_bridge()
    equal(agree(drop, after), len(after), "objects afterwards")
    wait_for("gpg has ended", lambda: not processes(before["wrap"]), SOON)
    return taken


@suite.test("it has no descriptor left, for a time")
def descriptors():
    for more in (0, 2):
        wrap = drop.role("wrap")
        wait_for("gpg has ended", lambda: not processes(wrap), SOON)
        sent_while(Limited(wrap, resource.RLIMIT_NOFILE,
                           next_descriptor(wrap) + more), some(8))


# In wrap, in its children, or in gpg, each of which is counted for itself.
FAULTS = (
    ("clone", "error=EAGAIN", "1+2"),
    ("execve", "error=ENOMEM", "1+"),
    ("mmap", "error=ENOMEM", "12+"),
    ("openat", "error=EMFILE", "1+"),
    ("write", "error=EPIPE", "1+2"),
    ("sendmsg", "error=ENOBUFS", "1+2"),
)


@suite.test("its calls fail, and those of gpg")
def calls():
    for fault in FAULTS:
        sent_while(Fault(drop.role("wrap"), fault), some(7))


@suite.test("it has no memory left, for a time")
def memory():
    wrap = drop.role("wrap")
    sent_while(Limited(wrap, resource.RLIMIT_AS, size_of(wrap) + 65536), some(7))


@suite.test("it has not ended meanwhile")
def none_ended():
    check(0 < kept < tried, f"{kept} of {tried} came through")
    suite.figure(f"{tried} submissions while gpg could not work: {kept} had a "
                 "receipt and their bridge, the others left nothing")
    check("ended" not in drop.said(), drop.said())


def taken_again(sent):
    """Forms that are held are good when there is another of a process."""
    (one,) = sent
    wait_for("the form that was held is taken",
             lambda: drop.post(one.form).status == 200, SOON)
    every_bridge()


@suite.test("it cannot hear the door any more: another one can, soon")
def deaf():
    wrap, held = drop.role("wrap"), some(1)
    with Fault(wrap, ("recvmsg", "error=ENOMEM", "1")):
        equal(drop.get("/en/").status, 200, "a page")
        wait_for("another", lambda: drop.role("wrap") not in (None, wrap), SOON)
    taken_again(held)


@suite.test("the door has no descriptor for the channel to the next one: another "
            "door has, and uploads go on")
def no_channel():
    door, wrap, held = drop.role("door"), drop.role("wrap"), some(1)
    (one,) = some(1)
    one.form.file("big", os.urandom(100000))
    data = one.form.request()
    drop.idle()
    with drop.connect() as wire:
        wire.send(data[:100000])
        wait_for("its visit", drop.visits)
        time.sleep(1)  # it has its bridge, and waits for more
        with Limited(door, resource.RLIMIT_NOFILE, next_descriptor(door)):
            os.kill(wrap, signal.SIGKILL)
            wait_for("another wrap",
                     lambda: drop.role("wrap") not in (None, wrap), SOON)
            wait_for("another door",
                     lambda: drop.role("door") not in (None, door), SOON)
        wire.offer([data[100000:]])
        equal(wire.response().state, "sealed", "the upload that went on")
    taken_again(held)
    said = drop.said()
    check("the door has ended" not in said, said)
    equal(drop.stop(), 0, "exit status")


suite.run()
