"""Memory and descriptors run out while sources send and couriers deliver, in the
service as it runs, confined: each failure costs the connection that it meets, a
receipt means an object, and what can be had again is had again without a start.

Memory is withheld in two ways: every request for it from the n-th on fails, for
each n (strace), and the whole of a process is limited (RLIMIT_AS)."""
import concurrent.futures
import os
import resource
import time

from lib import disk
from lib.courier import Courier
from lib.drop import Drop, processes, workplace
from lib.limits import Limited
from lib.receipts import (REFUSED, SILENCE, TURNED_AWAY, Fault, Sent, agree,
                          drafts, upload)
from lib.tap import Suite, check, equal, wait_for

disk.own_mounts("strace")

MiB = 1 << 20
SIZES = (100, 300000, 100, 2 * MiB)
ANYHOW = (*REFUSED, TURNED_AWAY, SILENCE)
NO_MEMORY = "error=ENOMEM"

suite = Suite()
place = workplace()
image, top = os.path.join(place, "image"), os.path.join(place, "mounted")
disk.make_image(image, 128 * MiB)
disk.mount(image, top)
drop = Drop(server=os.path.join(top, "server"),
            courier_listen="tcp:127.0.0.1:0").start()
courier = Courier(drop)

# Another one, elsewhere, settles meanwhile; much of what it asks for fails.
SETTLE_FAULTS = (("fsync", "error=EIO", "9+11"), ("linkat", "error=EIO", "7+9"),
                 ("unlinkat", "error=EIO", "5+9"),
                 ("openat", "error=EMFILE", "11+13"))
settling = Drop(settle_minutes="1").start()


def inodes():
    """{name: inode} of what settles, at one look."""
    with os.scandir(os.path.join(settling.store, "objects")) as there:
        return {entry.name: entry.inode() for entry in there}


settling_sent = [Sent(settling, i, 100 + 9000 * (i % 5)) for i in range(40)]
upload(settling, settling_sent)
settling.idle()
settling_was = inodes()
settling_fault = Fault(settling.role("store"), *SETTLE_FAULTS)

# A third one, whose disk is full from now on, looks once in a minute, which is a
# minute here (selftest.py has shorter ones).
full_image, full_top = (os.path.join(place, "full"),
                        os.path.join(place, "mounted-full"))
disk.make_image(full_image, 64 * MiB)
disk.mount(full_image, full_top)
full = Drop(server=os.path.join(full_top, "server"), selftest_minutes="1").start()
full_was = full.health()["selftest"]
full_room = os.statvfs(full_top)
with open(os.path.join(full_top, "ballast"), "wb") as ballast:
    os.posix_fallocate(ballast.fileno(), 0,
                       full_room.f_bavail * full_room.f_frsize - 2 * MiB)


def no_more_memory(nth):
    """From the n-th mapping on; the heap does not grow at all. (brk(2) has no
    error: it says where the end is.)"""
    return ("brk", "retval=0", "1+"), ("mmap", NO_MEMORY, f"{nth}+")


def size_of(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[0]) * resource.getpagesize()


def descriptors_of(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def roles():
    return {name: drop.role(name) for name in ("door", "store", "courier")}


def some(sizes=SIZES):
    drop.idle()
    drop.forget()  # of a test that has failed
    return [Sent(drop, i, size) for i, size in enumerate(sizes)]


def no_drafts(what):
    """None is left once the store has heard that those who had them are gone,
    which on a busy machine is a moment after they have ended."""
    wait_for(f"without {what}", lambda: drafts(top) == 0)


def well(sent, before):
    """Receipts and objects agree; the next upload is taken, by the same roles;
    returns how many receipts there were."""
    kept = agree(drop, sent, ANYHOW)
    no_drafts("a draft")
    equal(roles(), before, "roles")
    after = some((1000,))
    upload(drop, after)
    equal(agree(drop, after), 1, "objects afterwards")
    return kept


@suite.test("ENOMEM in visits, from every request on: no receipt, and no object")
def visits():
    before, kept, nth = roles(), 0, 0
    while kept < len(SIZES):
        nth += 1
        check(nth < 100, "it never comes through")
        sent = some()
        with Fault(before["door"], *no_more_memory(nth)):
            upload(drop, sent)
            drop.idle()
        kept = well(sent, before)
    check(nth > 5, f"{nth} requests: that is not all of them")
    suite.figure(f"memory ran out at each of {nth - 1} requests of a visit: none "
                 "crashed, none left anything")


@suite.test("ENOMEM in the middle of a body")
def midway():
    before, kept = roles(), 0
    for more in range(0, 400, 25):
        (one,) = some((400000,))
        data = one.form.request()
        drop.idle()  # whoever handed out the form has left
        with drop.connect() as wire:
            wire.send(data[:200000])
            (pid,) = wait_for("its visit", drop.visits)
            time.sleep(0.3)  # it derives keys, and waits for more
            with Limited(pid, resource.RLIMIT_AS, size_of(pid) + more * 1024):
                wire.offer([data[200000:]])
                one.page = wire.response()
                wait_for("it ends", lambda: not drop.visits())
        kept += well([one], before)
    suite.figure(f"{kept} of 16 uploads needed nothing more in their middle")


@suite.test("RLIMIT_AS of the door, and so of its visits, step by step")
def door_limited():
    before, kept, tried = roles(), 0, 0
    for more in (0, 16, 64, 256, 1024, 4096, 66000, 70000):
        sent = some()
        with Limited(before["door"], resource.RLIMIT_AS,
                     size_of(before["door"]) + more * 1024):
            upload(drop, sent)
            drop.idle()
        kept, tried = kept + well(sent, before), tried + len(sent)
    check(0 < kept < tried, f"{kept} of {tried} came through")


@suite.test("RLIMIT_AS and ENOMEM of the store")
def store_limited():
    before = roles()
    sent = some()
    with Limited(before["store"], resource.RLIMIT_AS, size_of(before["store"])):
        upload(drop, sent)
        drop.idle()
    well(sent, before)
    sent = some(SIZES * 8)
    with Fault(before["store"], *no_more_memory(1)):
        upload(drop, sent)
        drop.idle()
    well(sent, before)


DOOR_FAULTS = [
    # call, error, which of them, is all taken in the end?
    ("clone", "ENOMEM", "1+2", False),
    ("clone", "EAGAIN", "2+2", False),
    ("socketpair", "EMFILE", "1+2", False),
    ("sendmsg", "ENOBUFS", "1+2", False),
    ("accept4", "EMFILE", "1+2", True),
    ("accept4", "ENFILE", "1+3", True),
    ("accept4", "ENOMEM", "1+2", True),
    ("accept4", "ECONNABORTED", "1+2", True),
]


@suite.test("the door has no process, no socket, no memory for a visitor: who is "
            "let in is served, the others are told")
def door_faults():
    before = roles()
    for call, error, when, all_taken in DOOR_FAULTS:
        sent = some((100,) * 6)
        with Fault(before["door"], (call, f"error={error}", when)):
            upload(drop, sent)
            drop.idle()
        kept = well(sent, before)
        check((kept == len(sent)) == all_taken,
              f"{call} {error}: {kept} of {len(sent)}")


@suite.test("EMFILE: the store and the door run out of descriptors, and get over "
            "it")
def descriptors():
    before, kept, tried = roles(), 0, 0
    # Who finds the door without any waits: that is no failure.
    for role, least in (("store", 0), ("door", 1)):
        for more in range(least, 7):
            sent = some((300000,) * 8)
            with Limited(before[role], resource.RLIMIT_NOFILE,
                         descriptors_of(before[role]) + more):
                with concurrent.futures.ThreadPoolExecutor(8) as pool:
                    for one, page in zip(sent, pool.map(
                            lambda s: drop.post(s.form), sent), strict=True):
                        one.page = page
                drop.idle()
            kept, tried = kept + well(sent, before), tried + len(sent)
    check(0 < kept < tried, f"{kept} of {tried} came through")
    suite.figure(f"descriptors ran out in {tried} uploads: {kept} had their "
                 "receipt, and nothing had to be started again")


@suite.test("a door that has lost the store is replaced, and forms stay good")
def link_lost():
    sent = some((100,))
    door = drop.role("door")
    with Fault(drop.role("store"), ("recvmsg", "error=ECONNRESET", "1")):
        # The store does not hear of the first visit, and closes the channel; who
        # comes then is told so, and the door with them.
        wait_for("the door is told",
                 lambda: drop.get("/en/").status == 503)
    wait_for("another door", lambda: drop.role("door") not in (None, door))
    wait_for("a page", lambda: drop.get("/en/").status == 200)
    upload(drop, sent)
    equal(agree(drop, sent), 1, "objects")


ANSWER_FAULTS = [
    # role, call, how, which
    ("store", "openat", "error=EMFILE", "1+2"),
    ("store", "write", "error=EIO", "1+2"),
    ("store", "write", "error=ENOSPC", "2+3"),
    ("store", "fsync", "error=EIO", "1+3"),
    ("store", "fsync", "error=ENOSPC", "2+4"),
    ("store", "linkat", "error=EIO", "1+2"),
    ("store", "pread64", "error=EIO", "1+2"),
    ("courier", "clone", "error=ENOMEM", "1+2"),
    ("courier", "memfd_create", "error=EMFILE", "1+"),
    ("courier", "sendmsg", "error=ENOBUFS", "1+2"),
]


def deliver(n):
    """Put answers, four at a time: {name: (body, status)}."""
    def one(_):
        name, body = os.urandom(32).hex(), os.urandom(4096)
        return name, (body, courier.put(name, body).status)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return dict(pool.map(one, range(n)))


@suite.test("answers: what was acknowledged is there, nothing else is, whatever "
            "fails under load")
def answers():
    before, kept, tried = roles(), 0, 0
    faults = [(role, [(call, how, when)])
              for role, call, how, when in ANSWER_FAULTS]
    faults += [("courier", no_more_memory(n)) for n in range(1, 9)]
    faults += [("store", no_more_memory(1))]
    for role, inject in faults:
        with Fault(before[role], *inject):
            put = deliver(8)
            wait_for("errands have ended",
                     lambda: not processes(before["courier"]))
        there = {os.path.basename(path): open(path, "rb").read()
                 for path in drop.replies()}
        yes = {name: body for name, (body, status) in put.items()
               if status == 201}
        equal({n: b[:4] for n, b in there.items()},
              {n: b[:4] for n, b in yes.items()},
              f"{role} {inject}: {[s for _, s in put.values()]}")
        equal(there, yes, f"{role} {inject}: bytes")
        check(all(status in (0, 201, 500, 503, 507) for _, status in
                  put.values()), f"{[s for _, s in put.values()]}")
        no_drafts(f"a draft after {role} {inject}")
        equal(roles(), before, "roles")
        equal([s for _, s in deliver(1).values()], [201], "the next one")
        kept, tried = kept + len(yes), tried + len(put)
        for path in drop.replies():
            os.unlink(path)
    check(0 < kept < tried, f"{kept} of {tried} were taken")
    suite.figure(f"{len(faults)} kinds of fault in {tried} answers: {kept} were "
                 "acknowledged and are there, the others are absent")


@suite.test("a settle whose calls fail loses nothing: after a start all is there "
            "once")
def settle_faults():
    def rewritten():
        now = inodes()
        return sum(now.get(name, was) != was for name, was in settling_was.items())

    # An occasion comes within 90 s, another within 90 s of it.
    wait_for("something is written anew", lambda: rewritten() > 5, 200)
    settling_fault.__exit__()
    equal(settling.stop(), 0, "exit status")
    settling.start()
    equal(set(inodes()), set(settling_was), "names")
    check(rewritten(), "nothing was written anew")
    equal(agree(settling, settling_sent), len(settling_sent), "objects")
    settling.ends_well()


@suite.test("a disk that became full is noticed within selftest_minutes, and so "
            "is room")
def full_disk():
    equal(full_was, "ok", "the health file before")
    wait_for("the health file says disk",
             lambda: full.health()["selftest"] == "disk", 120)
    wait_for("the form says closed",
             lambda: full.get("/en/send").state == "closed")
    os.unlink(os.path.join(full_top, "ballast"))
    wait_for("there is a form again",
             lambda: full.get("/en/send").status == 200, 60)
    equal(full.stop(), 0, "exit status")
    disk.unmount(full_top)


@suite.test("it has not ended meanwhile, and ends with 0")
def ends():
    drop.ends_well()
    disk.unmount(top)


suite.run()
