"""kill -9, anywhere, many times: no byte in clear on any disk, nothing in the
store but objects that open, and the service goes on."""
import concurrent.futures
import os
import random
import re
import signal
import socket
import stat
import threading
import time

from lib.drop import Drop
from lib.tap import Failure, Suite, check, equal, wait_for
from lib.wire import Form

UPLOADS = 200
WORKERS = 6

suite = Suite()
drop = Drop(newsrooms=2).start()


class Sent:
    """An upload with a marker in message, file and file name."""

    def __init__(self, number):
        self.chance = random.Random(number)
        self.marker = os.urandom(32)
        # In a message and in a name it must be text.
        self.text = self.marker.hex()
        size = self.chance.choice((100, 20000, 200000, 1500000))
        self.data = (self.marker + self.chance.randbytes(1000)) * (
            size // 1032 + 1
        )
        self.killed = False
        self.page = None

    def needles(self):
        return [self.marker, self.text.encode(), self.text[:32].encode()]

    def form(self, token):
        form = Form(token).field("message", f"m {self.text} " * 50)
        form.file(f"{self.text}.pdf", self.data)
        return form.file(f"second {self.text}", self.data[:5000])


def new_files(directory):
    """Small files of ours right there that are newer than this program."""
    if not os.path.isdir(directory):
        return
    for entry in os.scandir(directory):
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            continue  # gone again
        if (stat.S_ISREG(status.st_mode) and status.st_mtime >= began
                and status.st_uid == os.geteuid() and status.st_size < 1 << 26):
            yield entry.path


began = time.time() - 1
sent = []
connecting = threading.Lock()


def connect_and_find():
    """A connection, and the process that serves it."""
    with connecting:
        before = drop.visits()
        wire = drop.connect()
        new = wait_for("a visit", lambda: drop.visits() - before)
        if len(new) != 1:
            raise Failure("connections that are not ours")
        return wire, new.pop()


def upload(number):
    """Send a part, or all, in several pieces; then kill the visit."""
    one = Sent(number)
    sent.append(one)
    with connecting:  # the form's visit must not be taken for the upload's
        token = drop.token()
        form = one.form(token)
    wire, pid = connect_and_find()
    data = form.request()
    share = one.chance.choice((0, 0.02, one.chance.random(), 1, 1, 1))
    end = int(len(data) * share)
    with wire:
        at = 0
        while at < end:
            n = min(one.chance.choice((500, 70000, 2000000)), end - at)
            if not wire.offer([data[at : at + n]]):
                break
            at += n
            if one.chance.random() < 0.2:
                time.sleep(0.01)
        # While it waits for its turn, derives, seals, commits, answers.
        pause = one.chance.choice((0, 0, 0.01, 0.05, 0.15, 0.3, 0.6, None))
        if pause is not None:
            time.sleep(pause)
        elif end == len(data):
            wire.socket.recv(1, socket.MSG_PEEK)
        try:
            os.kill(pid, signal.SIGKILL)
            one.killed = True
        except ProcessLookupError:
            pass  # it was faster
        one.page = wire.response()


@suite.test("the search for markers finds what is there to be found")
def _():
    one = Sent(-1)
    planted = os.path.join(drop.server, "cwd", "planted")
    for needle in one.needles():
        with open(planted, "wb") as f:
            f.write(b"x" * 99999 + needle + b"y")
        equal(drop.scan(*one.needles()), [planted], "in a file")
    os.rename(planted, planted + one.text)
    equal(len(drop.scan(*one.needles())), 1, "in a name")
    os.unlink(planted + one.text)
    equal(drop.scan(*one.needles()), [], "nothing")


@suite.test(f"L6: kill -9 at random points of {UPLOADS} uploads")
def test_l6_kill():
    seen = []

    def watch(stop):
        while not stop.wait(1.0):
            needles = [n for one in list(sent) for n in one.needles()]
            try:
                seen.extend(drop.scan(*needles))
            except FileNotFoundError:
                continue  # a cut object gave way to a whole one

    stop = threading.Event()
    watcher = threading.Thread(target=watch, args=(stop,))
    watcher.start()
    try:
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            jobs = [pool.submit(upload, i) for i in range(UPLOADS)]
            try:
                for job in concurrent.futures.as_completed(jobs):
                    job.result()
            finally:  # after a failure the rest need not be tried
                pool.shutdown(cancel_futures=True)
    finally:
        stop.set()
        watcher.join()
    equal(seen, [], "files with a marker while uploads were under way")
    killed = sum(one.killed for one in sent)
    sealed = sum(one.page.state == "sealed" for one in sent)
    suite.figure(f"{UPLOADS} uploads: {killed} visits killed, {sealed} had "
                 f"their receipt, {len(drop.objects())} objects at rest")
    check(killed >= UPLOADS // 2, f"only {killed} were killed")
    check(sealed >= 5, f"only {sealed} were faster")


@suite.test("L6: no marker in store, state, TMPDIR or working directory")
def test_l6_markers():
    drop.idle()
    needles = [needle for one in sent for needle in one.needles()]
    equal(len(needles), 3 * UPLOADS, "markers")
    equal(drop.scan(*needles), [], "files with a marker")
    # Nor where a process without TMPDIR, whose directory is /, would leave it.
    for directory in ("/", "/tmp", "/var/tmp", "/dev/shm", "/run"):
        for path in new_files(directory):
            with open(path, "rb") as f:
                data = f.read()
            for needle in needles:
                check(needle not in data, f"a marker in {path}")


@suite.test("nothing is in the store but objects; TMPDIR and the rest are bare")
def _():
    for where, directories, names in os.walk(drop.store):
        place = os.path.relpath(where, drop.store)
        wanted = ["collected", "objects", "replies"] if place == "." else []
        equal(sorted(directories), wanted, f"directories in {place}")
        for name in names:
            equal(place, "objects", f"where {name} is")
            check(re.fullmatch(r"[0-9a-f]{32}\.age", name), f"name {name}")
    # While it is written anew there is another for a moment.
    wait_for("nothing but health and salt in state", lambda: sorted(
        os.listdir(drop.state)) == ["health", "instance.salt"])
    for name in ("tmp", "cwd"):
        equal(os.listdir(os.path.join(drop.server, name)), [], name)


@suite.test("every object opens, and holds one upload as it was sent")
def _():
    by_marker = {one.text: one for one in sent}
    found = set()
    for i, path in enumerate(drop.objects()):
        out = drop.extract(path, i % 2)
        text = out.message.split()[1].decode()
        one = by_marker[text]
        check(text not in found, "an upload twice")
        found.add(text)
        for k, data in enumerate((one.data, one.data[:5000])):
            if k >= len(out.records):
                check(not out.manifest["complete"], "a file is missing")
            elif out.records[k]["complete"]:
                check(out.read(k) == data, "a whole file differs")
            else:
                check(data.startswith(out.read(k)), "a part differs")
    for one in sent:
        if one.page.state == "sealed":
            check(one.text in found, "a receipt without an object")


@suite.test("the key derivation's turns came back: uploads go on")
def _():
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        pages = list(pool.map(
            lambda i: drop.post(drop.form().field("message", f"{i}")),
            range(8),
        ))
    equal([page.state for page in pages], ["sealed"] * 8, "answers")


@suite.test("a form whose visit was killed can be sent again")
def _():
    token = drop.token()
    form = Form(token).file("f", b"x" * 500000)
    data = form.request()
    wire, pid = connect_and_find()
    wire.send(data[:-1000])
    wire.taken()
    os.kill(pid, signal.SIGKILL)
    wire.close()
    before = set(drop.objects())
    page = drop.post(form)
    equal(page.state, "sealed", "answer")
    (path,) = set(drop.objects()) - before
    equal(drop.list(path)["complete"], True, "complete")


def recovers(times):
    wait_for("the service is back",
             lambda: drop.said().count("ready again") == times, 60)
    page = drop.post(drop.form().field("message", "back").file("f", b"again"))
    equal((page.status, page.state), (200, "sealed"), "answer")


@suite.test("kill -9 of the door: it comes back, what was arriving is kept")
def _():
    drop.idle()
    before = set(drop.objects())
    form = drop.form().file("f", b"y" * 300000).file("g", b"z" * 1000)
    wire = drop.connect()
    data = form.request()
    wire.send(data[:-500])
    wire.taken()
    store = drop.role("store")
    os.kill(drop.role("door"), signal.SIGKILL)
    recovers(1)
    equal(drop.role("store"), store, "the store's pid")
    wire.send(data[-500:])
    page = wire.response()
    equal((page.status, page.state), (200, "sealed"), "of the visit before")
    new = set(drop.objects()) - before
    equal(len(new), 2, "objects")
    check(all(drop.list(path)["complete"] for path in new), "complete")


@suite.test("kill -9 of the store: it comes back, old forms are refused")
def _():
    before = set(drop.objects())
    token = drop.token()
    wire = drop.connect()
    form = drop.form().file("f", b"y" * 300000)
    wire.send(form.request()[:-500])
    wire.taken()
    os.kill(drop.role("store"), signal.SIGKILL)
    recovers(2)
    check(wire.response().state != "sealed", "sealed without a store")
    page = drop.post(Form(token).field("message", "old"))
    equal((page.status, page.reason), (403, "token"), "an old form")
    new = set(drop.objects()) - before
    equal(len(new), 1, "objects")
    for path in drop.objects():
        equal(drop.extract_status(path)[0].returncode, 0, path)


@suite.test("no marker anywhere in the end, and the service ends with 0")
def _():
    drop.idle()
    equal(drop.stop(), 0, "exit status")
    needles = [needle for one in sent for needle in one.needles()]
    equal(drop.scan(*needles), [], "files with a marker")
    equal(len(drop.said().splitlines()), 6, f"what it said: {drop.said()}")


suite.run()
