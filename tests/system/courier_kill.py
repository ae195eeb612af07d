"""kill -9 of courier, store and keeper while couriers are at work: what was
acknowledged stays done, and nothing goes that both have not collected."""
import os
import random
import signal
import threading
import time

from lib.courier import Courier
from lib.drop import Drop, processes
from lib.tap import Suite, check, equal, wait_for

ROUNDS = 5
OBJECTS = 600

suite = Suite()
drop = Drop(newsrooms=2, unix=True)
drop.settings["courier_listen"] = f"unix:{drop.courier_socket}"
drop.start()

chance = random.Random(1)
objects = {}
stopping = threading.Event()


def put_object(number):
    name = f"{number:032x}"
    data = os.urandom(32) * 1000
    path = os.path.join(drop.store, "objects", name + ".age")
    with open(path, "wb") as f:
        f.write(data)
    owner = os.stat(os.path.dirname(path))
    os.chown(path, owner.st_uid, owner.st_gid)
    os.chmod(path, 0o400)
    objects[name] = data


class Worker(Courier):
    """Fetches, collects and delivers until told to stop; remembers what it
    asked for and what was acknowledged."""

    def __init__(self, newsroom, seed):
        super().__init__(drop, newsroom)
        self.chance = random.Random(seed)
        self.asked, self.acknowledged = set(), set()
        self.sent, self.stored = {}, set()
        self.wrong, self.served = [], 0

    def fetch(self, ids):
        name = self.chance.choice(ids)
        start = self.chance.randrange(32000)
        answer = self.get("/v1/objects/" + name,
                          extra=f"Range: bytes={start}-\r\n")
        if answer.status in (200, 206) and answer.whole:
            if answer.body != objects[name][start:]:
                self.wrong.append(f"bytes of {name}")
        elif answer.status not in (0, 404, 500, 503) and answer.whole:
            self.wrong.append(f"{answer!r} for {name}")

    def collect(self, ids):
        # A few of the first hundred: both meet there, and repeat themselves.
        some = self.chance.sample(ids[:100], min(len(ids), 8))
        self.asked.update(some)
        answer = self.collected(some)
        if answer.status == 200:
            self.acknowledged.update(some)

    def deliver(self):
        name, body = f"{self.chance.getrandbits(256):064x}", os.urandom(4096)
        self.sent[name] = body
        if self.put(name, body).status == 201:
            self.stored.add(name)

    def step(self):
        ids = self.ids(200)
        if ids:
            self.fetch(ids)
            if self.chance.random() < 0.2:
                self.collect(ids)
        self.deliver()
        self.served += 1

    def run(self):
        while not stopping.is_set():
            try:
                self.step()
            except (OSError, ValueError, AssertionError):
                time.sleep(0.02)  # it was killed under us


def family(pid):
    """All processes below this one."""
    found = set()
    for child in processes(pid):
        found |= {child} | family(child)
    return found


def kill_role(name):
    def killed():
        pid = drop.role(name)
        try:
            os.kill(pid, signal.SIGKILL)
        except (TypeError, ProcessLookupError):
            return False  # there is none just now
        return True

    wait_for(name, killed)


def kill_errand():
    """Those that are at work now, if there is a courier to have any."""
    for _ in range(300):
        courier = drop.role("courier")
        found = processes(courier) if courier else {}
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if found:
            return
        time.sleep(0.002)


def kill_keeper():
    below = family(drop.process.pid)
    drop.stop(signal.SIGKILL)
    wait_for("its roles have ended",
             lambda: not any(os.path.exists(f"/proc/{p}") for p in below), 60)
    drop.start()


workers = [Worker(0, 1), Worker(1, 2), Worker(0, 3), Worker(1, 4)]


def both(what):
    """Of the first newsroom and of the second, each with two couriers."""
    return (getattr(workers[0], what) | getattr(workers[2], what),
            getattr(workers[1], what) | getattr(workers[3], what))


def worked():
    first, second = both("acknowledged")
    return min(w.served for w in workers) > 10 and first & second


@suite.test("killed again and again while four couriers are at work")
def kill_them():
    for number in range(OBJECTS):
        put_object(number)
    threads = [threading.Thread(target=w.run) for w in workers]
    for thread in threads:
        thread.start()
    try:
        rounds = 0
        # On a slow machine as often as it takes until all have done something.
        while rounds < ROUNDS or rounds < 20 * ROUNDS and not worked():
            rounds += 1
            for kill in (kill_errand, lambda: kill_role("courier"),
                         kill_errand, lambda: kill_role("store")):
                time.sleep(chance.random() * 0.4)
                kill()
            wait_for("ready again", lambda: drop.role("courier"))
            time.sleep(chance.random() * 0.6)
            kill_keeper()
    finally:
        stopping.set()
        for thread in threads:
            thread.join(60)
    served = [w.served for w in workers]
    suite.figure(f"{sum(served)} rounds of work under fire, "
                 f"{sum(len(w.stored) for w in workers)} answers stored, "
                 f"{OBJECTS - len(drop.objects())} objects gone")
    check(min(served) > 10, f"who has worked: {served}")


@suite.test("no byte was wrong")
def no_wrong_bytes():
    equal([w.wrong for w in workers], [[]] * 4, "what was wrong")


@suite.test("what both have collected is gone, what one has not is all there")
def objects_left():
    acknowledged, asked = both("acknowledged"), both("asked")
    left = {os.path.basename(p)[:-4]: p for p in drop.objects()}
    equal(acknowledged[0] & acknowledged[1] & set(left), set(), "not gone")
    must = set(objects) - (asked[0] & asked[1])
    equal(must - set(left), set(), "lost")
    check(must and acknowledged[0] & acknowledged[1], "a test of nothing")
    for name, path in left.items():
        with open(path, "rb") as f:
            equal(f.read() == objects[name], True, f"bytes of {name}")


@suite.test("every answer that was acknowledged is there, none in part")
def answers_left():
    where = os.path.join(drop.store, "replies")
    there = set(os.listdir(where))
    sent = {name: body for w in workers for name, body in w.sent.items()}
    stored = set().union(*(w.stored for w in workers))
    equal(stored - there, set(), "lost")
    equal(there - set(sent), set(), "that nobody has sent")
    for name in there:
        with open(os.path.join(where, name), "rb") as f:
            equal(f.read() == sent[name], True, f"bytes of {name}")


@suite.test("saying it all once more leaves nothing, and no mark")
def finish():
    for worker in workers[:2]:
        equal(worker.collected(sorted(objects)).status, 200, "collected")
    equal(drop.objects(), [], "objects")
    equal(drop.stop(), 0, "exit status")
    drop.start()
    equal(os.listdir(os.path.join(drop.store, "collected")), [], "marks")
    drop.ends_well()


suite.run()
