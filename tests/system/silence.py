"""A day's traffic, with cut uploads and processes that are killed, on a disk of
its own: afterwards no disk and no system call has a byte of it in clear, and
nothing was written but what the store is for."""
import base64
import concurrent.futures
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time

from lib import disk, trace
from lib.drop import BUILD, Drop, workplace
from lib.memory import family
from lib.pgp import Person, add_key
from lib.tap import Failure, Suite, check, equal, wait_for
from lib.wire import Form, get, small

disk.own_mounts("strace")

UPLOADS, RETURNS, ANSWERED = 200, 100, 20
WORKERS = 8
KILLED = ("door", "wrap", "courier", "store", "door", "keeper", "wrap")
# Where services tend to leave things. All of them are on the image.
WATCHED = ("/var/log", "/var/tmp", "/var/lib", "/var/spool", "/var/cache",
           "/run", "/dev/shm", "/root", "/home", "/tmp")

suite = Suite()
chance = random.Random()
place = workplace()
image = os.path.join(place, "image")
inside = os.path.join(place, "mounted")
disk.make_image(image, 512 << 20)
disk.mount(image, inside)
traces, traced = [], []


def watch():
    """Put directories of the image in the place of those that others log to;
    never one that this test itself is in."""
    here = [os.path.realpath(p) for p in
            (place, BUILD, os.getcwd(), sys.executable)]
    watched = []
    for path in WATCHED:
        if not os.path.isdir(path) or os.path.islink(path) or any(
                h == path or h.startswith(path + "/") for h in here):
            continue
        mine = os.path.join(inside, "watched" + path)
        os.makedirs(mine)
        shutil.copymode(path, mine)
        disk.must("mount", "--bind", mine, path)
        watched.append(path)
    return watched


class Day:
    def __init__(self):
        # One for all uploads, so that one search finds any of them.
        self.binary = os.urandom(16)
        self.text = os.urandom(16).hex()
        self.answer = os.urandom(16).hex()
        self.codes = []
        self.sent = {}  # number -> form's data
        self.receipts = set()
        self.lock = threading.Lock()
        self.done = 0

    def clear(self):
        """What sources wrote, in the spellings in which it might turn up."""
        found = {}
        for name, raw in (("binary", self.binary), ("text", self.text.encode()),
                          ("answer", self.answer.encode())):
            found[name] = raw
            for spelt, as_hex in (("hex", raw.hex()),
                                  ("HEX", raw.hex().upper())):
                found[f"{name} {spelt}"] = as_hex.encode()
            found[f"{name} UTF-16"] = b"\0".join(bytes([c]) for c in raw)
            for shift in range(3):
                whole = base64.b64encode(bytes(shift) + raw + bytes(3))
                found[f"{name} base64 {shift}"] = whole[4:-8]
        return found

    def of_codes(self):
        """Four words in a row of any code are enough to know it by."""
        with self.lock:
            known = [code.encode().split() for code in self.codes]
        return {tuple(words[i : i + 4]) for words in known for i in range(5)}


day = Day()
drop = Drop(newsrooms=2, courier_listen="tcp:127.0.0.1:0", settle_minutes="1",
            server=os.path.join(inside, "server"))
# One newsroom has an OpenPGP key: gpg runs all day.
person = Person(os.path.join(place, "person"))
person.make("newsroom")
add_key(drop.newsrooms[0],
        person.export("newsroom", os.path.join(place, "newsroom.pgp")),
        drop.cards)
watched = watch()


def start():
    traces.append(os.path.join(drop.desk, f"trace{len(traces)}"))
    drop.wrap = trace.command(traces[-1])
    drop.start()
    return trace.tracer(drop.process.pid)


tracers = [start()]


def patiently(act):
    """A service that is being started again is waited for, as people do."""
    end = time.monotonic() + 90
    while time.monotonic() < end:
        try:
            got = act()
            if got:
                return got
        except (OSError, ValueError, TypeError, re.error):
            pass
        time.sleep(0.2)
    raise Failure(f"the service does not come back: {drop.said()}")


def form_for(number, mine):
    form = Form(patiently(drop.token))
    form.field("message", f"m{number} {day.text} " * mine.choice((1, 30)))
    data = (day.binary + day.text.encode() + mine.randbytes(200)) * (
        mine.choice((1, 20, 200, 1200)))
    form.file(f"{day.text} {number}.pdf", data)
    return form.file(f"{number} {day.text}", data[:1000])


def upload(number):
    mine = random.Random(number)
    form = form_for(number, mine)
    day.sent[number] = form
    data = form.request()
    end = len(data) if mine.random() < 0.7 else mine.randrange(len(data))
    try:
        with drop.connect() as wire:
            for at in range(0, end, 100000):
                wire.send(data[at : min(at + 100000, end)])
            if end == len(data):
                page = wire.response()
                if page.state == "sealed":
                    with day.lock:
                        day.receipts.add(number)
                        day.codes.append(page.output("code"))
    except OSError:
        pass  # killed, or being started again
    day.done += 1


def come_back(number):
    with day.lock:
        known = list(day.codes)
    code = known[number % len(known)] if known else "abacus"
    if number < ANSWERED and known:
        try:
            drop.answer(code, number, text=f"a {day.answer} b")
        except Failure as failure:
            check("exists" in str(failure), str(failure))
    if number % 10 == 9:  # mistyped
        code = code.replace(" ", " x", 1)
    patiently(lambda: drop.post_small("/he/return", code=code).status)
    day.done += 1


def collect(number):
    """What a courier does. Any answer will do."""
    found = re.search(r"couriers on tcp:([\d.]+):(\d+)", drop.said())
    with open(os.path.join(drop.newsrooms[number % 2].directory,
                           "courier.token"), encoding="ascii") as f:
        extra = f"Authorization: Bearer {f.read().strip()}\r\n"
    from lib.wire import Wire  # pylint: disable=import-outside-toplevel
    wires = []

    def ask(data):
        with Wire((found[1], int(found[2]))) as wire:
            wire.send(data)
            wires.append(wire.response(20))
        return wires[-1].body

    try:
        listed = ask(get("/v1/objects?limit=3", extra=extra + "Connection: "
                         "close\r\n"))
        ids = re.findall(rb'"([0-9a-f]{32})"', listed)
        for one in ids:
            ask(get(f"/v1/objects/{one.decode()}",
                    extra=extra + "Connection: close\r\n"))
    except OSError:
        pass
    day.done += 1
    return bool(wires and wires[0].status == 200)


def kill_some(stop):
    """kill -9 of visits at random, and of each role in turn."""
    total = UPLOADS + RETURNS
    left = list(KILLED)
    while not stop.wait(chance.uniform(0.05, 0.25)):
        pids = family(drop.process.pid)
        visits = [p for p, n in pids.items() if n in ("visit", "errand")]
        # However slow the machine, most of them get through.
        if visits and len(killed) < day.done // 3:
            kill(chance.choice(visits))
        due = len(KILLED) * (day.done + total // 8) // total
        if left and len(KILLED) - len(left) < due:
            name = left.pop(0)
            if name == "keeper":
                restart()
                continue
            for pid in [p for p, n in pids.items() if n == name]:
                kill(pid)
            patiently(lambda: drop.get("/en/").status == 200)
    check(not left, f"not killed: {left}")


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    killed.append(pid)


killed = []


def restart():
    """kill -9 of the keeper: the others end by themselves, then it is started
    again."""
    everyone = family(drop.process.pid)
    drop.process.kill()
    drop.process.wait()
    killed.append(drop.process.pid)
    drop.process = None
    for pid in everyone:
        wait_for("all have ended", lambda p=pid: not os.path.exists(f"/proc/{p}"),
                 60)
    tracers.append(start())


@suite.test("the search finds what is planted on the disk and in a call")
def planted():
    day.codes.append("one two three four five six seven eight")
    planted_codes = {"typed": b"two+three+four+five", "shown": b"one two three"
                     b" four five six seven eight"}
    # Not on the image, which would keep it.
    there = os.path.join(drop.desk, "planted")
    os.mkdir(there)
    for name, needle in (day.clear() | planted_codes).items():
        with open(os.path.join(there, "file"), "wb") as f:
            f.write(b"x" * 70000 + b"\0" + needle)
        check(on_disk(there), f"{name} in a file")
    os.unlink(os.path.join(there, "file"))
    equal(on_disk(there), set(), "in nothing")
    day.codes.clear()
    path = os.path.join(drop.desk, "planted.trace")
    where = os.path.join(drop.desk, "it")
    for line in (f"echo {day.text} >{where}", f"mkdir {where}.d",
                 f"logger {day.text}; mv {where} {where}2"):
        subprocess.run([*trace.command(path), "sh", "-c", line],
                       capture_output=True, check=False)
        time.sleep(0.3)
        check(strays(*trace.calls(path)), f"{line!r} is not found")
    with open(path, "ab") as f:
        f.write(b'7 write(3<socket:[5]>, "..\\0' + day.text.encode() + b'"')
    check(told(*trace.calls(path)), "what is told to another process")


@suite.test(f"a day: {UPLOADS} uploads, {RETURNS} returns, kill -9 of each role")
def a_day():
    stop = threading.Event()
    acts = [(upload, i) for i in range(UPLOADS)]
    acts += [(come_back, i) for i in range(RETURNS)]
    acts += [(collect, i) for i in range(RETURNS // 6)]
    # Nobody comes back before the first has been there.
    first, rest = acts[: UPLOADS // 6], acts[UPLOADS // 6 :]
    chance.shuffle(rest)
    with concurrent.futures.ThreadPoolExecutor(WORKERS + 1) as pool:
        killer = pool.submit(kill_some, stop)
        jobs = [pool.submit(act, i) for act, i in first + rest]
        try:
            for job in concurrent.futures.as_completed(jobs):
                job.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            stop.set()
            killer.result()
    suite.figure(f"{len(killed)} processes killed, {len(day.receipts)} of "
                 f"{UPLOADS} uploads had their receipt, "
                 f"{len(drop.objects())} objects at rest")
    check(len(day.receipts) > UPLOADS // 4, "hardly any receipt")
    check(len(killed) > UPLOADS // 6, "hardly anything was killed")


def inodes():
    """Of the objects, when nothing is being settled: then some have two names,
    and some for a moment another one."""
    def look():
        with os.scandir(os.path.join(drop.store, "objects")) as there:
            found = {entry.name: entry.inode() for entry in there}
        return all(name.endswith(".age") for name in found) and found
    return wait_for("no settle is under way", look)


def copies():
    """Paths of copies of all objects, as they were at one moment."""
    there = os.path.join(drop.store, "objects")
    here = os.path.join(drop.desk, "copies")
    while True:
        shutil.rmtree(here, ignore_errors=True)
        at_first = inodes()
        try:
            shutil.copytree(there, here)
        except shutil.Error:
            continue  # one had another name by then
        if inodes() == at_first:
            return [os.path.join(here, name) for name in sorted(at_first)]


@suite.test("every receipt's object is there and opens, no other is half one")
def nothing_lost():
    drop.idle()
    found = set()
    for path in copies():
        out = drop.extract(path)
        number = int(out.message.split()[0][1:])
        if out.manifest["complete"]:
            check(number not in found, f"upload {number} twice")
            found.add(number)
            for i in range(2):
                check(out.read(i) in day.sent[number].body(), "a file differs")
    equal(day.receipts - found, set(), "receipts without an object")


@suite.test("what came is written anew, too, before the day ends")
def settles():
    # What comes now is new, whatever was settled before.
    before = set(inodes())
    page = drop.post(drop.form().field("message", f"#{UPLOADS} {day.text}"))
    equal(page.state, "sealed", "the last submission")
    day.codes.append(page.output("code"))
    came = inodes()
    (last,) = set(came) - before
    # An occasion comes within 90 s of the one before.
    wait_for("it is written anew", lambda: inodes()[last] != came[last], 300)
    now = inodes()
    equal(set(now), set(came), "names")
    suite.figure("the last settle wrote at least "
                 f"{sum(came[n] != i for n, i in now.items())} of "
                 f"{len(came)} objects anew")
    for path in copies():
        drop.extract(path)


@suite.test("it ends, and leaves no draft and no process")
def ends():
    everyone = family(drop.process.pid)
    equal(drop.stop(), 0, "exit status")
    for pid in everyone:
        check(not os.path.exists(f"/proc/{pid}"), "a process is left")
    for pid in tracers:
        trace.finished(pid)
    used = os.statvfs(inside)
    paths = sum(1 + len(f) for _, _, f in os.walk(inside))
    # ext4 has ten of its own, of which the root and lost+found have a path.
    equal(used.f_files - used.f_ffree - paths, 9, "inodes without a name")


def on_disk(top):
    """Names of needles in any file, or name of a file, below `top`."""
    needles, found = day.clear(), set()
    for where, directories, names in os.walk(top):
        for name in directories + names:
            path = os.path.join(where, name)
            data = name.encode("utf-8", "surrogateescape")
            if stat.S_ISREG(os.lstat(path).st_mode):
                with open(path, "rb") as f:
                    data += b"\0" + f.read()
            found |= {n for n, needle in needles.items() if needle in data}
            found |= codes_in(data)
    return found


def codes_in(data):
    """Return codes: any of the day's, whatever stands between its words."""
    known, found = day.of_codes(), set()
    for run in re.findall(rb"(?:[a-z-]{3,9}[ +,.\r\n-]{1,3}){3,}[a-z-]{3,9}", data):
        words = re.findall(rb"[a-z-]{3,9}", run)
        for i in range(len(words) - 3):
            if tuple(words[i : i + 4]) in known:
                found.add(b" ".join(words[i : i + 4]).decode())
    return found


def strays(calls, connections):
    """Calls that leave something where nothing is to be left."""
    store, state = re.escape(drop.store), re.escape(drop.state)
    # In the store itself: the canary of the self-test.
    draft = rf"{store}(/objects|/replies)?/#\d+( \(deleted\))?"
    mark = rf"{store}/collected/[0-9a-f]{{32}}-[0-9a-f]+"
    salt = rf"{state}/instance\.salt(\.new)?( \(deleted\))?"
    health = rf"{state}/health(\.new)?( \(deleted\))?"
    # What gpg reads: its settings, and a newsroom's public key.
    for_gpg = rf"{state}/gpg/(gpg\.conf|trustdb\.gpg|\d\.pgp)( \(deleted\))?"
    made = rf"{draft}|{mark}|{salt}|{health}|{store}/settled|{for_gpg}"
    kept = (rf"{store}/objects/[0-9a-f]{{32}}\.age(\.new)?|"
            rf"{store}/replies/[0-9a-f]{{64}}(\.new)?")
    memory = r"/?memfd:(turns|table|filter|answer)( \(deleted\))?"
    rules = (
        (r"p?write.*|sendfile|ftruncate",
         rf"{made}|{memory}|/dev/null|{re.escape(drop.messages)}|"
         r"(socket|pipe):.*"),
        ("send.*", "socket:.*"),
        ("accept4?", "socket:.*"),
        ("mkdir(at)?", rf"{store}(/\w+)?|{state}(/gpg)?"),
        ("linkat", rf"{kept}|{salt}"),
        ("rename(at2?)?", health),
        ("rmdir", rf"{state}/gpg"),
        ("unlink(at)?", rf"{made}|{kept}"),
    )
    found = []
    for call in calls:
        name = call.name
        if name == "execve":
            good = call.strings[0] in (
                b"/proc/self/exe", b"/bin/gpg", b"/usr/bin/gpg",
                os.fsencode(KNOTHOLED))
        elif name == "memfd_create":
            good = call.strings[0] in (b"turns", b"table", b"filter", b"answer")
        elif name in ("socket", "bind"):
            # AF_UNIX: for nscd, which is not connected to.
            good = re.match(rb"AF_(INET|UNIX)|.*AF_INET", call.rest)
        elif name.startswith("open"):
            good = opens_well(call, made, store, connections)
        else:
            on = call.on if re.match(r"p?write|send|ftr|acc", name) else (
                call.path())
            good = any(re.fullmatch(n, name) and re.fullmatch(p, on or "")
                       for n, p in rules)
        if not good and not call.failed:
            found.append(repr(call))
    return found


def opens_well(call, made, store, _):
    flags = call.rest.rpartition(b'"')[2]
    if not re.search(rb"O_(WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)", flags):
        return True
    path = call.path()
    if b"O_TMPFILE" in flags:
        return re.fullmatch(rf"{store}(/objects|/replies)?", path)
    return path == "/dev/null" or re.fullmatch(made, path)


def told(calls, connections):
    """What is told to anybody. To the visitor's own connection his code and
    his answers go, and nothing else."""
    mine, others = [], []
    for call in calls:
        to = mine if call.on in connections else others
        to += [call.rest, *call.strings]
    mine, others = b"\0".join(mine), b"\0".join(others)
    needles = day.clear()
    found = {n for n, needle in needles.items() if needle in others}
    found |= {n for n, needle in needles.items()
              if needle in mine and n != "answer"}
    return found | codes_in(others)


KNOTHOLED = os.path.join(BUILD, "bin", "knotholed")


@suite.test("L31 no system call of any role tells anybody what was sent")
def test_l31_calls():
    traced.extend(trace.calls(path) for path in traces)
    equal([told(*one) for one in traced], [set() for _ in traces], "calls")


@suite.test("L6 L25 nothing is written but drafts, answers, marks and the salt")
def test_l6_writes():
    counted = {}
    for calls, connections in traced:
        equal(strays(calls, connections)[:20], [], "calls")
        for call in calls:
            counted[call.name] = counted.get(call.name, 0) + 1
    for name in ("write", "sendmsg", "linkat", "openat", "memfd_create"):
        check(counted.get(name), f"strace saw no {name}")
    suite.figure("calls of all roles: " + ", ".join(
        f"{name} {n}" for name, n in sorted(counted.items())))


@suite.test("L6 L31 no marker and no code in any file, nor on the raw disk")
def test_l6_disk():
    equal(on_disk(inside), set(), "in a file")
    for path in watched:
        left = [os.path.join(w, n) for w, _, names in os.walk(path)
                for n in names]
        equal(left, [], f"files in {path}")
    for name in ("tmp", "cwd", "home"):
        equal(os.listdir(os.path.join(drop.server, name)), [], name)
    disk.unmount(*watched, inside)
    raw = disk.written(image)
    found = {n for n, needle in day.clear().items() if needle in raw}
    equal(found | codes_in(raw), set(), "on the raw disk")
    check(b"age-encryption.org" in raw, "objects are on it")


suite.run()
