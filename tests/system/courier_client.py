#!/usr/bin/env python3
"""The program `knothole-courier`, from outside, against a server that keeps to
the contract and one that does not.

Prints TAP. KNOTHOLE_BUILD names the build directory (default: build). Runs from
the root of the repository.
"""
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from lib.drop import BUILD, run, workplace
from lib.fakecourier import (
    TOKEN, Answer, Fake, Socks, as_json, error, token_file,
)
from lib.tap import Failure, Skip, Suite, check, equal, wait_for

COURIER = os.path.join(BUILD, "bin", "knothole-courier")
SANITIZED = bool(os.environ.get("KNOTHOLE_SANITIZED"))
KILLS = 30 if SANITIZED else 100
ONION = "knothole" * 7 + ".onion"

suite = Suite()


def name(digits=32):
    return os.urandom(digits // 2).hex()


class Place:
    """A server, a token and a stick."""

    def __init__(self, objects=(), stick=None, **options):
        self.base = workplace()
        self.server = Fake(**options)
        suite.cleanup(self.server.stop)
        self.token = token_file(self.base)
        self.stick = stick or os.path.join(self.base, "stick")
        os.makedirs(self.stick, exist_ok=True)
        for size in objects:
            self.add(size)

    def add(self, size, at=None):
        at = at or name()
        self.server.objects[at] = os.urandom(size)
        return at

    def path(self, *parts):
        return os.path.join(self.stick, "knothole-stick", *parts)

    def command(self, what, *more, server=None, retries="0"):
        return [COURIER, what, "--server",
                self.server.address if server is None else server,
                "--token-file", self.token, "--retries", retries, *more,
                self.stick]

    def run(self, what, *more, **options):
        environment = options.pop("env", None)
        return run(*self.command(what, *more, **options), env=environment)

    def does(self, status, what, *more, **options):
        done = self.run(what, *more, **options)
        said = done.stderr.decode()
        equal(done.returncode, status, f"{what}: {said}")
        check(TOKEN not in said, "the token is in a message")
        self.ascii(said)
        return done

    @staticmethod
    def ascii(said):
        check(all(c == "\n" or " " <= c <= "~" for c in said),
              f"raw text in a message: {said!r}")

    def write(self, data, *parts):
        path = self.path(*parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def read(self, *parts):
        with open(self.path(*parts), "rb") as f:
            return f.read()

    def listing(self, directory="objects"):
        return sorted(os.listdir(self.path(directory)))

    def whole(self):
        """Everything is on the stick, and nothing else; the sums fit."""
        wanted = sorted(f"{i}.age" for i in self.server.objects)
        equal(self.listing(), wanted, "objects on the stick")
        for i, data in self.server.objects.items():
            check(self.read("objects", f"{i}.age") == data, f"{i} differs")
        self.sums(f"objects/{n}" for n in wanted)
        equal(os.path.exists(self.path(".courier")), False, "a record is left")

    def sums(self, paths):
        lines = self.read("SHA256SUMS").decode().splitlines()
        equal([line[66:] for line in lines], sorted(paths), "paths in SHA256SUMS")
        for line in lines:
            digest = hashlib.sha256(self.read(line[66:])).hexdigest()
            equal(line[:66], digest + "  ", f"sum of {line[66:]}")

    def strict(self):
        equal(self.server.violations, [], "what the client did wrong")


# --- fetch ---

@suite.test("fetch: everything, then only what is new, with sums")
def _fetch():
    p = Place([1, 65536, 65537, 1 << 20, (1 << 20) + 1, 5 << 20])
    done = p.does(0, "fetch")
    equal(done.stdout, b"", "standard output")
    p.whole()
    before = os.stat(p.path("SHA256SUMS")).st_ino
    p.server.requests.clear()
    p.does(0, "fetch")
    equal(len(p.server.requests), 1, "requests when nothing is new")
    equal(os.stat(p.path("SHA256SUMS")).st_ino, before, "SHA256SUMS was left")
    new = p.add(4096)
    p.server.requests.clear()
    p.does(0, "fetch", "--quiet")
    equal([r.path for r in p.server.asked("GET", "/v1/objects/")],
          [f"/v1/objects/{new}"], "what was asked for")
    p.whole()
    p.strict()


@suite.test("fetch: no server has anything: nothing to do")
def _nothing():
    p = Place()
    p.does(0, "fetch")
    equal(p.listing(), [], "objects")


@suite.test("fetch: 1,000 objects in one run, over one connection, in pages")
def _thousand():
    p = Place([64 + i for i in range(1000)])
    p.server.page = 300
    p.does(0, "fetch")
    p.whole()
    equal(p.server.connections, 1, "connections")
    p.strict()


@suite.test("fetch: a connection for each request will do, and a unix socket")
def _unix():
    base = workplace()
    p = Place([100] * 20, unix=os.path.join(base, "courier.sock"),
              keep_alive=False)
    p.does(0, "fetch")
    p.whole()
    p.does(0, "fetch", "--proxy", "socks5h://127.0.0.1:1")
    p.strict()


@suite.test("fetch: no time tells when it was")
def test_l36_no_times_on_the_stick():
    p = Place([100])
    p.does(0, "fetch")
    for entry in p.listing():
        check(os.stat(p.path("objects", entry)).st_mtime < 400000000,
              "the object's time is now")


@suite.test("fetch: resumes at the byte when the connection is cut")
def _resume():
    p = Place([3 << 20])
    (only,) = p.server.objects
    cuts = [1, 4096, 1 << 20, (1 << 20) + 7, (2 << 20) - 1]

    def cut(request, answer):
        if request.path.startswith("/v1/objects/") and cuts:
            begin = int(re.findall(r"\d+", request.fields.get("range", "0"))[0])
            answer.cut = max(cuts.pop(0) - begin, 0)
        return answer

    p.server.change = cut
    p.does(0, "fetch", retries="5")
    p.whole()
    asked = [r.fields.get("range") for r in p.server.asked("GET", "/v1/objects/" + only)]
    equal(asked, [None, "bytes=1-", "bytes=4096-", "bytes=1048576-",
                  "bytes=1048583-", "bytes=2097151-"], "ranges")
    equal(p.server.sent, 3 << 20, "bytes moved")
    p.strict()


@suite.test("fetch: a part of an earlier run is gone on with, its hash too")
def _part():
    p = Place([300000])
    ((only, data),) = p.server.objects.items()
    for size in (0, 1, 65536, 299999, 300000):
        shutil.rmtree(p.path(), ignore_errors=True)
        p.write(data[:size], "objects", f".part-{only}")
        p.server.sent = 0
        p.does(0, "fetch")
        p.whole()
        equal(p.server.sent, 300000 - size, "bytes moved")


@suite.test("fetch: gives up after its tries (69), and goes on at the byte later")
def _tries():
    p = Place([200000])
    ((only, data),) = p.server.objects.items()

    def cut(request, answer):
        if request.path.startswith("/v1/objects/"):
            answer.cut = 70000 if "range" not in request.fields else 0
        return answer

    p.server.change = cut
    done = p.does(69, "fetch", retries="0")
    check(b"not reached" in done.stderr, "said")
    equal(p.listing(), [f".part-{only}"], "objects")
    equal(p.read("objects", f".part-{only}"), data[:70000], "the part")
    p.server.change = None
    p.does(0, "fetch")
    equal(p.server.requests[-1].fields["range"], "bytes=70000-", "range")
    p.whole()


@suite.test("fetch: an interrupt leaves a state to go on from (75)")
def _interrupt():
    p = Place([1 << 20, 2000])

    waits = []

    def slow(request, answer):
        if len(answer.body) > 200000:
            answer.slow = (100000, 60)  # and then it waits for more
            waits.append(request)
        return answer

    p.server.change = slow
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        waits.clear()
        with subprocess.Popen(p.command("fetch"), stderr=subprocess.PIPE) as process:
            wait_for("it asks for the large one", lambda: waits)
            process.send_signal(sig)
            said = process.communicate(timeout=60)[1]
        equal(process.returncode, 75, f"exit status: {said}")
        check(b"run it again" in said, "what to do is said")
    p.server.change = None
    p.does(0, "fetch")
    p.whole()
    check(p.server.sent < (1 << 20) + 2000 + 3 * 65536, "moved little twice")


@suite.test("fetch: a pause between tries is interrupted, too")
def _interrupt_pause():
    p = Place()
    p.server.stop()
    with subprocess.Popen(p.command("fetch", retries="9"),
                          stderr=subprocess.PIPE) as process:
        for _ in range(2):
            process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    equal(process.returncode, 75, "exit status")


def killed_often(p, times):
    """Kill it at random points; no half object ever has a name."""
    killed = 0
    while killed < times:
        process = subprocess.Popen(p.command("fetch", "--quiet"),
                                   stderr=subprocess.DEVNULL)
        try:
            process.wait(random.uniform(0, 0.25 if SANITIZED else 0.08))
            if not os.path.isdir(p.path("objects")):
                continue
            for entry in random.sample(p.listing(), min(3, len(p.listing()))):
                os.unlink(p.path("objects", entry))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            killed += 1
        if not os.path.isdir(p.path("objects")):
            continue
        for entry in p.listing():
            if entry.endswith(".age"):
                check(p.read("objects", entry) == p.server.objects[entry[:-4]],
                      f"{entry} is not whole")
        if os.path.exists(p.path("SHA256SUMS")):
            for line in p.read("SHA256SUMS").decode().splitlines():
                data = p.server.objects[line[74:106]]
                equal(line[:64], hashlib.sha256(data).hexdigest(), "a sum")
    p.does(0, "fetch", retries="2")
    p.whole()
    p.strict()


@suite.test(f"fetch: killed {KILLS} times at random points, then completes")
def test_l9_killed_at_random_points():
    p = Place([random.randrange(1, 200000) for _ in range(60)] + [3 << 20] * 3)
    killed_often(p, KILLS)


def vfat(p):
    """A loop-mounted FAT file system at the place's stick, or Skip."""
    if os.geteuid() != 0 or not shutil.which("mkfs.vfat"):
        raise Skip("needs root and mkfs.vfat")
    image = os.path.join(p.base, "image")
    with open(image, "wb") as f:
        f.truncate(64 << 20)
    run("mkfs.vfat", "-F", "32", image)
    made = run("mount", "-o", "loop,flush", image, p.stick)
    if made.returncode != 0:
        raise Skip(f"no loop mount here: {made.stderr.decode().strip()}")
    suite.cleanup(lambda: run("umount", p.stick))


@suite.test("fetch: a FAT stick, killed 10 times, then complete")
def _fat():
    p = Place([random.randrange(1, 100000) for _ in range(30)])
    vfat(p)
    killed_often(p, 10)
    p.write(os.urandom(4096), "replies", name(64) + ".age")
    p.does(0, "push")
    equal(p.listing("replies"), [], "replies left")
    p.whole()


@suite.test("fetch: a FAT stick that is full says so before it begins (74)")
def _fat_full():
    p = Place([1000])
    vfat(p)
    p.server.objects[name()] = bytes(80 << 20)
    done = p.does(74, "fetch")
    check(b"too small" in done.stderr, "said")
    equal(p.listing(), [], "objects")


@suite.test("fetch: what a pulled stick did not keep is fetched again")
def _pulled():
    p = Place([5 << 20, 3000, 2000])
    whole = sorted(p.server.objects, key=lambda i: -len(p.server.objects[i]))
    large, small = whole[0], whole[1]
    data = p.server.objects[large]
    # Another attachment wrote 2 MiB, and knows that 1 MiB arrived.
    p.write(data[: 1 << 20] + bytes(1 << 20), "objects", f".part-{large}")
    p.write(bytes(1000), "objects", f".part-{small}")
    p.write(b"knothole-courier 1\n" + b"0" * 32 + b"\n" + large.encode() +
            b" %020d\n" % (1 << 20), ".courier")
    p.does(0, "fetch")
    ranges = {r.path[-32:]: r.fields.get("range")
              for r in p.server.asked("GET", "/v1/objects/")}
    equal(ranges, {large: "bytes=1048576-", small: None, whole[2]: None}, "ranges")
    p.whole()


@suite.test("fetch: the record of parts is damaged: parts are not believed")
def _damaged_record():
    for record in (b"", b"knothole-courier 1\n", os.urandom(106), b"\n" * 106):
        p = Place([5000])
        (only,) = p.server.objects
        p.write(bytes(1000), "objects", f".part-{only}")
        p.write(record, ".courier")
        p.does(0, "fetch")
        p.whole()


@suite.test("fetch: two at a time on one stick: the second waits its turn (75)")
def _two():
    p = Place([100])
    gate = threading.Event()
    p.server.change = lambda request, answer: gate.wait(60) and answer
    with subprocess.Popen(p.command("fetch"), stderr=subprocess.PIPE) as first:
        wait_for("the first", lambda: p.server.requests)
        p.does(75, "fetch")
        gate.set()
        first.communicate(timeout=60)
    equal(first.returncode, 0, "the first")


# --- what a server must not do ---

def lying(text, change, status=65):
    @suite.test(f"hostile server: {text} ({status})")
    def _lying():
        p = Place([70000, 70001])
        p.server.change = change
        p.does(status, "fetch")
        for entry in p.listing():
            if entry.endswith(".age"):
                check(p.read("objects", entry) ==
                      p.server.objects.get(entry[:-4]), f"{entry} is wrong")
        outside = sorted(os.listdir(p.base))
        equal(outside, ["courier.token", "stick"], "what there is outside")
        equal(sorted(os.listdir(p.stick)), ["knothole-stick"], "on the stick")
        p.server.change = None
        p.does(0, "fetch")
        p.whole()


def listed(*objects, next_id=None, **more):
    def change(request, answer):
        if request.path != "/v1/objects":
            return answer
        return as_json(200, {"objects": list(objects), "next": next_id, **more})
    return change


def entry(i, size=10):
    return {"id": i, "size": size}


A, B = "a" * 32, "b" * 32
for bad in ("../x", "a" * 31, "a" * 33, "A" * 32, "g" * 32, "", "/etc/passwd",
            "a" * 31 + "/", "a" * 30 + "\n", "..", "\u202e" + "a" * 31, None, 7):
    lying(f"an id that is {bad!r}".replace("#", ""), listed(entry(bad)))
lying("ids that descend", listed(entry(B), entry(A)))
lying("an id twice", listed(entry(A), entry(A)))
for bad in (0, -1, 1.5, "10", None, (1 << 36) + 1, 1 << 63, True):
    lying(f"a size of {bad!r}", listed(entry(A, bad)))
lying("an object with another member", listed({**entry(A), "time": 1}))
lying("a list with another member", listed(entry(A), more=1))
lying("next that is not the last id", listed(entry(A), next_id=B))
lying("next of an empty page", listed(next_id=A))
lying("1,001 objects on a page",
      listed(*[entry(f"{i:032x}") for i in range(1, 1002)]))


def raw_list(text):
    def change(request, answer):
        if request.path == "/v1/objects":
            return Answer(200, text)
        return answer
    return change


for text in (b"", b"[]", b"null", b'{"objects":[],"next":null}x', b"\xff\xfe",
             b'{"objects":[],"next":null,"next":null}', b"[" * 100000,
             b'{"objects":[],"next":null}\0', b"<html>no</html>",
             b'{"objects":{},"next":null}', b'{"objects":[]}'):
    lying(f"a list that is {text[:40]!r}".replace("#", ""), raw_list(text))
lying("a list of 1 MiB of blanks",
      raw_list(b'{"objects":[],' + b" " * (1 << 20) + b'"next":null}'))


def endless(request, answer):
    if request.path != "/v1/objects":
        return answer
    match = re.search("after=([0-9a-f]{32})", request.query)
    first = int(match[1], 16) + 1 if match else 0
    ids = [f"{i:032x}" for i in range(first, first + 1000)]
    text = ('{"objects":[' + ",".join(f'{{"id":"{i}","size":1}}' for i in ids) +
            f'],"next":"{ids[-1]}"}}')
    return Answer(200, text.encode())


lying("an endless list", endless)


def objects(change, ranged_only=False):
    """Change answers about objects; with a range only from the second on."""
    def changed(request, answer):
        if not request.path.startswith("/v1/objects/"):
            return answer
        if ranged_only and "range" not in request.fields:
            answer.cut = 1000
            return answer
        return change(request, answer)
    return changed


def fields(**more):
    def change(request, answer):
        for field, value in more.items():
            answer.fields[field.replace("_", "-")] = value
        return answer
    return change


lying("an object of another length", objects(lambda r, a: Answer(
    200, bytes(a.body)[:-1], "application/octet-stream")))
lying("an object that is longer", objects(lambda r, a: Answer(
    200, bytes(a.body) + b"x", "application/octet-stream")))
lying("an object without a length", objects(fields(Content_Length=None)))
lying("an object in chunks", objects(lambda r, a: (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"%x\r\n%s\r\n0\r\n\r\n" % (len(a.body), bytes(a.body)))))
lying("an object that is compressed", objects(fields(Content_Encoding="gzip")))
lying("206 that was not asked for", objects(lambda r, a: Answer(
    206, a.body, "application/octet-stream",
    Content_Range=f"bytes 0-{len(a.body) - 1}/{len(a.body)}")))
lying("two lengths", objects(lambda r, a: (
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 70000\r\n\r\n")))
lying("a head without end", objects(lambda r, a: (
    b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20000)))
lying("not HTTP at all", lambda r, a: b"220 smtp.example ESMTP\r\n")
lying("HTTP/0.9", lambda r, a: b'{"objects":[],"next":null}')
for status in (301, 302, 303, 307, 308):
    lying(f"a redirect, {status}", lambda r, a, s=status: Answer(
        s, b"", Location="http://127.0.0.1:1/v1/objects"))
lying("a redirect of an object", objects(lambda r, a: Answer(
    302, b"", Location="/v1/health")))
lying("304", lambda r, a: Answer(304))
lying("token unknown", lambda r, a: error(401, "unauthorized"), 77)
lying("forbidden", lambda r, a: error(403, "\x1b[31m"), 69)
lying("not a courier", lambda r, a: error(404, "not_found"), 69)
lying("too many requests", lambda r, a: error(429, "slow"), 69)
lying("500", lambda r, a: error(500, "broken"), 69)
lying("501", lambda r, a: error(501, "no"), 69)
lying("500 for an object", objects(lambda r, a: error(500, "broken")), 69)
lying("no answer", lambda r, a: None, 69)
lying("no answer about an object", objects(lambda r, a: None), 69)


RANGES = ("bytes 999-69999/70000", "bytes 1001-69999/70000", "bytes 1000-1000/70000",
          "bytes 1000-69998/70000", "bytes 1000-70000/70000", "bytes */70000",
          "bytes 1000-69999/*", "1000-69999/70000", "bytes=1000-69999/70000",
          "bytes 01000-69999/70000", "bytes 1000-99999999999999999999/70000", "")
for value in RANGES:
    @suite.test(f"hostile server: Content-Range {value!r} for bytes=1000- (65)")
    def _range(value=value):
        p = Place([70000])
        p.server.change = objects(fields(Content_Range=value), True)
        p.does(65, "fetch", retries="1")
        equal([e[:6] for e in p.listing()], [".part-"], "objects")
        p.server.change = None
        p.does(0, "fetch")
        p.whole()


@suite.test("a server that ignores ranges: 200, from the start")
def _ignores():
    p = Place([70000])
    data = next(iter(p.server.objects.values()))
    p.server.change = objects(
        lambda r, a: Answer(200, data, "application/octet-stream"), True)
    p.does(0, "fetch", retries="1")
    p.whole()


@suite.test("an object whose size changed on the server: started over")
def _changed():
    for more in (-1000, 1000):
        p = Place([70000])
        ((only, data),) = p.server.objects.items()
        p.write(data[:5000], "objects", f".part-{only}")
        new = os.urandom(70000 + more)

        def change(request, answer):
            if request.path.startswith("/v1/objects/") and \
                    p.server.objects[only] is not new:
                p.server.objects[only] = new
                return p.server.answer(request)
            return answer

        p.server.change = change
        p.does(0, "fetch")
        p.whole()


@suite.test("a part that is longer than the object: started over")
def _longer_part():
    p = Place([7000])
    (only,) = p.server.objects
    p.write(bytes(9000), "objects", f".part-{only}")
    p.does(0, "fetch")
    p.whole()


@suite.test("416 for a part: started over")
def _unsatisfied():
    p = Place([7000])
    (only,) = p.server.objects
    p.write(bytes(3000), "objects", f".part-{only}")
    p.server.change = lambda r, a: error(
        416, "range", Content_Range="bytes */7000") if "range" in r.fields else a
    p.does(0, "fetch")
    p.whole()


@suite.test("an object that leaves the server meanwhile is no error")
def _gone():
    p = Place([7000, 8000])
    leaving = min(p.server.objects)

    def change(request, answer):
        if request.path == f"/v1/objects/{leaving}":
            return error(404, "not_found")
        return answer

    p.server.change = change
    p.does(0, "fetch")
    del p.server.objects[leaving]
    p.whole()


@suite.test("a slow server is waited for, a silent one is not (69)")
def _silent():
    p = Place([2000])
    p.server.change = objects(lambda r, a: setattr(a, "slow", (250, 0.3)) or a)
    p.does(0, "fetch", "--timeout", "2")
    p.whole()
    p = Place([2000])
    p.server.change = objects(lambda r, a: setattr(a, "slow", (1000, 60)) or a)
    began = time.monotonic()
    p.does(69, "fetch", "--timeout", "2")
    check(time.monotonic() - began < 60, "it waited for the rest")


@suite.test("tries again with growing pauses; not after 4xx")
def _growing():
    p = Place([100])
    times = []

    def change(request, answer):
        times.append(time.monotonic())
        return None if len(times) < 4 else answer

    p.server.change = change
    p.does(0, "fetch", retries="3")
    pauses = [b - a for a, b in zip(times, times[1:4])]
    check(pauses[0] > 0.8 and pauses[1] > 1.7 and pauses[2] > 3.5,
          f"pauses: {pauses}")
    p.server.requests.clear()
    p.server.change = lambda r, a: error(400, "malformed")
    p.does(69, "fetch", retries="3")
    equal(len(p.server.requests), 1, "requests")


# --- what a stick may hold ---

@suite.test("hostile stick: links and devices are refused, nothing is followed")
def test_l1_l2_hostile_stick():
    p = Place([3000, 4000, 5000, 6000])
    ids = sorted(p.server.objects)
    os.makedirs(p.path("objects"))
    victim = os.path.join(p.base, "victim")
    with open(victim, "w", encoding="ascii") as f:
        f.write("mine")
    os.symlink(victim, p.path("objects", f"{ids[0]}.age"))
    os.mkfifo(p.path("objects", f"{ids[1]}.age"))
    os.symlink(victim, p.path("objects", f".part-{ids[2]}"))
    os.mkfifo(p.path("objects", f".part-{ids[3]}"))
    os.symlink(victim, p.path("SHA256SUMS"))
    os.symlink(victim, p.path(".part-SHA256SUMS"))
    os.symlink(victim, p.path(".courier"))
    p.write(b"x", "objects", "odd\x1b[31m name")
    done = p.does(65, "fetch")
    check(b"odd\\x1b[31m name" in done.stderr, "said, escaped")
    with open(victim, encoding="ascii") as f:
        equal(f.read(), "mine", "the link's target")
    check(p.read("objects", f"{ids[2]}.age") == p.server.objects[ids[2]], "third")
    check(p.read("objects", f"{ids[3]}.age") == p.server.objects[ids[3]], "fourth")
    check(os.path.islink(p.path("objects", f"{ids[0]}.age")), "link is left")


@suite.test("hostile stick: a directory that is a link is refused (65)")
def test_l1_linked_directories():
    for where in ("", "objects", "replies"):
        p = Place([3000])
        elsewhere = os.path.join(p.base, "elsewhere")
        os.mkdir(elsewhere)
        if where:
            os.mkdir(p.path())
        os.symlink(elsewhere, p.path(where).rstrip("/"))
        for what in ("fetch", "push", "status"):
            p.does(65, what)
        equal(os.listdir(elsewhere), [], "what is elsewhere")


@suite.test("an object of a wrong size on the stick is fetched again")
def _wrong_size():
    p = Place([3000])
    (only,) = p.server.objects
    p.write(b"short", "objects", f"{only}.age")
    p.does(0, "fetch")
    p.whole()


@suite.test("SHA256SUMS: the desk's lines stay, what is gone goes, its signature too")
def _sums():
    p = Place([3000])
    (only,) = p.server.objects
    card = b"card"
    p.write(card, "cards", "a.card")
    line = hashlib.sha256(card).hexdigest() + "  cards/a.card\n"
    p.write((line + "0" * 64 + "  replies/gone.age\n").encode(), "SHA256SUMS")
    p.write(b"signature", "SHA256SUMS.minisig")
    p.does(0, "fetch")
    p.sums(["cards/a.card", f"objects/{only}.age"])
    check(not os.path.exists(p.path("SHA256SUMS.minisig")), "the signature is left")
    equal(run("sha256sum", "-c", "--strict", "SHA256SUMS",
              cwd=p.path()).returncode, 0, "sha256sum -c")
    p.write(b"signature", "SHA256SUMS.minisig")
    p.does(0, "fetch")
    equal(p.read("SHA256SUMS.minisig"), b"signature", "signature of what is as it was")


@suite.test("SHA256SUMS: malformed, it is made anew; lines that are lacking are added")
def _sums_again():
    p = Place([3000, 4000])
    p.does(0, "fetch")
    for text in (b"x", b"\0" * 100, b"0" * 64 + b"  ../x\n", b"0" * 64 + b"  /x\n",
                 b"", None):
        if text is None:
            os.unlink(p.path("SHA256SUMS"))
        else:
            p.write(text, "SHA256SUMS")
        p.does(0, "fetch")
        p.whole()


@suite.test("fetch: a stick that may not be written to (73), none at all (66)")
def _no_stick():
    p = Place([10])
    p.stick = os.path.join(p.base, "nowhere")
    p.does(66, "fetch")
    p.stick = p.token
    p.does(66, "fetch")
    if not os.path.isdir("/proc/self/task"):
        raise Skip("no /proc")
    p.stick = "/proc/self/task"
    equal(p.run("fetch").returncode in (73, 74), True, "exit status")


# --- push ---

def stick_with_replies(replies=3, collected=0):
    p = Place()
    made = {}
    for i in range(replies):
        made[name(64)] = os.urandom((4096, 16384, 65536)[i % 3])
    for slot, data in made.items():
        p.write(data, "replies", f"{slot}.age")
    ids = sorted(name() for _ in range(collected))
    if collected:
        p.write("".join(i + "\n" for i in ids).encode(), "collected.txt")
    lines = sorted(
        [f"{hashlib.sha256(d).hexdigest()}  replies/{s}.age" for s, d in made.items()]
        + ([f"{hashlib.sha256(p.read('collected.txt')).hexdigest()}  collected.txt"]
           if collected else []), key=lambda line: line[66:])
    p.write("".join(line + "\n" for line in lines).encode(), "SHA256SUMS")
    return p, made, ids


@suite.test("push: replies, then what was collected in batches; then it is taken away")
def _push():
    p, made, ids = stick_with_replies(7, 2500)
    p.does(0, "push")
    equal(p.server.replies, made, "replies on the server")
    equal(p.server.collected, set(ids), "collected")
    methods = [r.method for r in p.server.requests]
    equal(methods, ["PUT"] * 7 + ["POST"] * 3, "order")
    equal([len(json.loads(r.body)["ids"]) for r in p.server.asked("POST")],
          [1000, 1000, 500], "batches")
    equal(p.listing("replies"), [], "replies left")
    check(not os.path.exists(p.path("collected.txt")), "collected.txt is left")
    equal(p.read("SHA256SUMS"), b"", "SHA256SUMS")
    p.does(0, "push")
    p.strict()


@suite.test("push --keep leaves everything; what was there already is said")
def _keep():
    p, made, ids = stick_with_replies(3, 10)
    p.does(0, "push", "--keep")
    equal(len(p.listing("replies")), 3, "replies left")
    equal(len(p.read("collected.txt")), 330, "collected.txt")
    done = p.does(0, "push")
    equal(done.stderr.count(b"was there already"), 3, "said")
    equal(p.listing("replies"), [], "replies left")
    equal(p.server.replies, made, "replies")
    p.strict()


@suite.test("push: odd names, sizes and links in replies are refused, others go (65)")
def test_l1_l2_hostile_replies():
    p, made, _ = stick_with_replies(2)
    bad = [name(64) + ".age", name(64).upper() + ".age", name(62) + ".age",
           name(64), name(64) + ".age~", "x"]
    for n in bad[1:]:
        p.write(os.urandom(4096), "replies", n)
    p.write(os.urandom(4095), "replies", bad[0])
    os.symlink(p.token, p.path("replies", name(64) + ".age"))
    os.mkfifo(p.path("replies", name(64) + ".age"))
    p.write(b"temporary", "replies", ".knothole-0123456789abcdef")
    p.does(65, "push")
    equal(p.server.replies, made, "replies on the server")
    equal(len(p.listing("replies")), len(bad) + 3, "what is left")
    p.strict()


@suite.test("push: a damaged reply does not fill its slot (65)")
def _damaged():
    p, made, _ = stick_with_replies(3)
    slot = min(made)
    p.write(bytes(len(made[slot])), "replies", f"{slot}.age")
    p.does(65, "push")
    del made[slot]
    equal(p.server.replies, made, "replies on the server")
    equal(p.listing("replies"), [f"{slot}.age"], "what is left")


@suite.test("push: malformed collected.txt is refused, replies go (65)")
def _bad_collected():
    i, j = sorted((name(), name()))
    for text in (f"{j}\n{i}\n", f"{i}\n{i}\n", f"{i}", f"{i}\r\n", f"{i[:-1]}\n",
                 f"{i}\n\n", f"{i.upper()}\n" if i.upper() != i else "x\n", "../x\n"):
        p, made, _ = stick_with_replies(1)
        p.write(text.encode(), "collected.txt")
        p.does(65, "push")
        equal(p.server.replies, made, "replies")
        equal(p.server.asked("POST"), [], "posts")
        check(os.path.exists(p.path("collected.txt")), "collected.txt is gone")


def push_fails(text, status, change):
    @suite.test(f"push: {text} ({status}); nothing is lost")
    def _fails():
        p, made, ids = stick_with_replies(4, 1500)
        p.server.change = change
        p.does(status, "push")
        left = {n[:-4] for n in p.listing("replies")}
        check(left | set(p.server.replies) >= set(made), "a reply is nowhere")
        check(os.path.exists(p.path("collected.txt")), "collected.txt is gone")
        p.server.change = None
        p.does(0, "push")
        equal(p.server.replies, made, "replies")
        equal(p.server.collected, set(ids), "collected")
        equal(p.listing("replies"), [], "replies left")


def on(method, change, after=0):
    """From the nth request of a kind on."""
    seen = []

    def changed(request, answer):
        if request.method != method:
            return answer
        seen.append(request)
        return change(request, answer) if len(seen) > after else answer
    return changed


push_fails("the server is full", 69, on("PUT", lambda r, a: error(507, "full"), 2))
push_fails("it is cut off at a reply", 69, on("PUT", lambda r, a: None, 1))
push_fails("it is cut off at a batch", 69, on("POST", lambda r, a: None, 1))
push_fails("a batch is refused", 69, on("POST", lambda r, a: error(400, "x")))
push_fails("a batch is answered with nonsense", 65,
           on("POST", lambda r, a: as_json(200, {"collected": 1001})))
push_fails("the token is not known any more", 77,
           on("PUT", lambda r, a: error(401, "unauthorized"), 1))
push_fails("a redirect", 65, on("PUT", lambda r, a: Answer(307, Location="/x"), 1))


@suite.test("push: killed at random points, nothing is lost")
def _push_killed():
    p, made, ids = stick_with_replies(12, 3000)
    p.server.change = lambda r, a: time.sleep(0.002) or a
    for _ in range(20):
        process = subprocess.Popen(p.command("push", "--quiet"))
        try:
            process.wait(random.uniform(0, 0.3 if SANITIZED else 0.06))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        left = {n[:-4] for n in p.listing("replies")}
        check(left | set(p.server.replies) >= set(made), "a reply is nowhere")
        check(os.path.exists(p.path("collected.txt")) or
              p.server.collected == set(ids), "ids are nowhere")
    p.does(0, "push")
    equal(p.server.replies, made, "replies")
    equal(p.server.collected, set(ids), "collected")


# --- status ---

@suite.test("status: health, what the stick lacks, what waits; changes nothing")
def _status():
    p = Place([1000, 2000, 3000])
    done = p.does(0, "status", "--json")
    equal(json.loads(done.stdout), {
        "server": {"version": "0.1.0", "up": True, "objects": "some"},
        "objects": {"total": 3, "bytes": 6000, "lacking": 3,
                    "lacking_bytes": 6000, "begun": 0},
        "replies": 0, "collected": 0}, "status")
    equal(os.listdir(p.stick), [], "on the stick")
    p.does(0, "fetch")
    p.add(500)
    p.write(os.urandom(4096), "replies", name(64) + ".age")
    p.write((name() + "\n").encode(), "collected.txt")
    done = p.does(0, "status", "--json")
    told = json.loads(done.stdout)
    equal(told["objects"]["lacking"], 1, "lacking")
    equal((told["replies"], told["collected"]), (1, 1), "waiting")
    done = p.does(0, "status")
    check(b"not on the stick: 1 (500 B)" in done.stdout, "text")
    p.strict()


@suite.test("hostile server: health that is not (65), or bears control characters")
def test_l37_health():
    for health in ({}, {"up": 1}, {"up": True, "x": []}, {"up": True, "x": "\x1b"},
                   {"up": True, "x": "a" * 129}, {"up": True, "x\u202e": 1},
                   {"up": True, **{f"x{i}": 1 for i in range(40)}}, [], "up"):
        p = Place()
        p.server.health = health
        equal(p.does(65, "status").stdout, b"", "standard output")


# --- the way there ---

@suite.test("addresses that would need a resolver, or are elsewhere, are refused (64)")
def _addresses():
    p = Place()
    tor = "socks5h://127.0.0.1:9050"
    for server, proxy in (
            (f"http://{ONION}", None), ("http://example.com", None),
            ("http://localhost", None), ("http://localhost", tor),
            ("http://192.0.2.1", None), ("http://[2001:db8::1]", None),
            ("http://0.0.0.0", None), ("http://127.1", None),
            ("http://2130706433", None), ("http://0x7f000001", None),
            ("http://127.0.0.1:0", None), ("http://127.0.0.1:65536", None),
            ("http://127.0.0.1:080", None), ("http://u:p@127.0.0.1", None),
            ("http://127.0.0.1/x", None), ("http://127.0.0.1?x", None),
            ("http://127.0.0.1#x", None), ("https://127.0.0.1", None),
            ("ftp://127.0.0.1", None), ("file:///etc/passwd", None),
            ("127.0.0.1", None), ("unix:relative", None), ("unix:", None),
            ("unix:/" + "x" * 108, None), ("http://", None), ("", None),
            (f"http://{ONION}", "socks5://127.0.0.1:9050"),
            (f"http://{ONION}", "socks4a://127.0.0.1:9050"),
            (f"http://{ONION}", "http://127.0.0.1:8118"),
            (f"http://{ONION}", "socks5h://localhost:9050"),
            (f"http://{ONION}", "socks5h://127.0.0.1"),
            (f"http://{ONION}", "socks5h://u:p@127.0.0.1:9050"),
            (f"http://{ONION}", "127.0.0.1:9050"), (f"http://{ONION}", "")):
        more = ["--proxy", proxy] if proxy is not None else []
        done = p.does(64, "fetch", *more, server=server)
        check(len(done.stderr) > 30, "said what to do")
    equal(p.server.requests, [], "requests")


@suite.test("a name goes to the proxy as it is; each run has a circuit of its own")
def _proxy():
    p = Place([1000, 2000])
    port = int(p.server.address.rsplit(":", 1)[1])
    socks = Socks((ONION, 80), ("127.0.0.1", port))
    suite.cleanup(socks.stop)
    users = set()
    for _ in range(3):
        p.does(0, "fetch", "--proxy", socks.address, server=f"http://{ONION}/")
        asked = socks.asked.copy()
        socks.asked.clear()
        equal({(kind, host, port) for _, _, kind, host, port in asked},
              {(3, ONION, 80)}, "how the proxy was asked")
        users |= {(user, password) for user, password, *_ in asked}
        check(all(u and len(u) >= 32 for u, *_ in asked), "a random user")
    equal(len(users), 3, "users, for three runs")
    p.whole()
    equal({r.fields["host"] for r in p.server.requests}, {ONION}, "Host")
    p.strict()


@suite.test("the proxy does not reach it, or is not there (69)")
def _proxy_fails():
    p = Place()
    socks = Socks((ONION, 80), ("127.0.0.1", 1))
    suite.cleanup(socks.stop)
    for code in (1, 4, 5, 0xF0):
        socks.refuse = code
        done = p.does(69, "fetch", "--proxy", socks.address, server=f"http://{ONION}")
        check(b"proxy" in done.stderr, "said")
    done = p.does(69, "fetch", "--proxy", "socks5h://127.0.0.1:1",
                  server=f"http://{ONION}")
    check(b"tor" in done.stderr, "said")
    p.does(69, "fetch", server="http://127.0.0.1:1")
    p.does(69, "fetch", server="unix:" + p.path("no.sock"))


@suite.test("a name that is no onion service is warned about")
def _not_onion():
    p = Place()
    socks = Socks(("courier.example", 8080), ("127.0.0.1", 1))
    suite.cleanup(socks.stop)
    done = p.does(69, "fetch", "--proxy", socks.address,
                  server="http://courier.example:8080")
    check(b"warning: not an onion service" in done.stderr, "said")


@suite.test("environment, .netrc and .curlrc change nothing; no resolver is asked")
def _environment():
    p = Place([1000])
    home = os.path.join(p.base, "home")
    os.mkdir(home)
    for file, text in ((".netrc", "machine 127.0.0.1 login a password b\n"),
                       (".curlrc", "proxy = 127.0.0.1:1\n")):
        with open(os.path.join(home, file), "w", encoding="ascii") as f:
            f.write(text)
    trap = "http://127.0.0.1:1"
    environment = {**os.environ, "HOME": home, "CURL_HOME": home, "NO_PROXY": "*",
                   "http_proxy": trap, "ALL_PROXY": trap, "all_proxy": trap,
                   "HTTP_PROXY": trap, "https_proxy": trap, "no_proxy": ""}
    p.does(0, "fetch", env=environment)
    p.whole()
    p.strict()
    port = int(p.server.address.rsplit(":", 1)[1])
    socks = Socks((ONION, 80), ("127.0.0.1", port))
    suite.cleanup(socks.stop)
    p.does(0, "fetch", "--proxy", socks.address, server=f"http://{ONION}",
           env={**environment, "NO_PROXY": ONION, "no_proxy": ONION})
    equal(len(socks.asked) > 0, True, "the proxy was asked")
    if SANITIZED or not shutil.which("strace"):
        raise Skip("strace is needed, and no sanitizer")
    trace = os.path.join(p.base, "trace")
    run("strace", "-f", "-e", "trace=network,openat", "-o", trace,
        *p.command("fetch", "--proxy", socks.address, server=f"http://{ONION}"),
        env=environment)
    with open(trace, encoding="utf-8") as f:
        text = f.read()
    for word in ("resolv.conf", "/etc/hosts", ".netrc", ".curlrc", "nscd",
                 "htons(53)"):
        check(word not in text, f"{word} in the trace")
    connects = re.findall(r"connect\(\d+, \{.*?htons\((\d+)\)", text)
    equal(set(connects), {socks.address.rsplit(":", 1)[1]}, "connections")


# --- the token ---

@suite.test("the token file: modes, forms, absence")
def _token():
    p = Place([10])
    token_file(p.base, 0o644)
    done = p.does(0, "fetch")
    check(b"others may read" in done.stderr, "warned")
    token_file(p.base, 0o600)
    check(b"others may read" not in p.does(0, "fetch").stderr, "not warned")
    token_file(p.base, text=TOKEN)
    p.does(0, "fetch")
    for text in ("", "\n", TOKEN[:-1] + "\n", TOKEN + "A\n", TOKEN + "\n\n",
                 TOKEN + " \n", " " + TOKEN[:-1] + "\n", TOKEN[:-1] + "+\n",
                 TOKEN[:-1] + "9\n", TOKEN + "\r\n", "x" * 5000):
        token_file(p.base, text=text)
        p.does(65, "fetch")
    os.unlink(p.token)
    p.does(66, "fetch")
    os.mkdir(p.token)
    p.does(66, "fetch")
    os.rmdir(p.token)
    os.mkfifo(p.token)
    p.does(66, "fetch")


@suite.test("the token is in no argument, no environment and no core dump")
def _token_hidden():
    p = Place([1 << 20])
    p.server.change = objects(lambda r, a: setattr(a, "slow", (4096, 0.5)) or a)
    with subprocess.Popen(p.command("fetch"), stderr=subprocess.PIPE) as process:
        wait_for("a request", lambda: len(p.server.requests) > 1)
        with open(f"/proc/{process.pid}/cmdline", "rb") as f:
            check(TOKEN.encode() not in f.read(), "in the arguments")
        with open(f"/proc/{process.pid}/limits", encoding="ascii") as f:
            check(re.search(r"core file size\s+0\s+0", f.read()), "core limit")
        process.terminate()
        process.communicate()


# --- the command line ---

@suite.test("the command line: help, version, what is wrong")
def _command_line():
    p = Place()
    done = run(COURIER, "--help")
    equal((done.returncode, done.stderr), (0, b""), "--help")
    done = run(COURIER, "--version")
    check(re.fullmatch(rb"knothole-courier \d+\.\d+\.\d+ \(([0-9a-f]{12}(-dirty)?|unknown)\)\n",
                       done.stdout), "--version")
    server, token = p.server.address, p.token
    for arguments in (
            [], ["fetch"], ["fetch", p.stick],
            ["fetch", "--server", server, p.stick],
            ["fetch", "--token-file", token, p.stick],
            ["fetch", "--server", server, "--token-file", token],
            ["fetch", "--server", server, "--token-file", token, p.stick, "x"],
            ["pull", "--server", server, "--token-file", token, p.stick],
            ["fetch", "--keep", "--server", server, "--token-file", token, p.stick],
            ["fetch", "--json", "--server", server, "--token-file", token, p.stick],
            ["fetch", "--retries", "-1", "--server", server, "--token-file", token,
             p.stick],
            ["fetch", "--timeout", "0", "--server", server, "--token-file", token,
             p.stick],
            ["--nonsense"], ["fetch", "--server"]):
        done = run(COURIER, *arguments)
        equal(done.returncode, 64, f"{arguments}")
        check(done.stderr, "said")


@suite.test("progress is shown on a terminal, and only there")
def _terminal():
    p = Place([1 << 20] * 3)
    p.server.change = objects(lambda r, a: setattr(a, "slow", (65536, 0.04)) or a)
    leader, follower = os.openpty()
    with subprocess.Popen(p.command("fetch"), stderr=follower) as process:
        os.close(follower)
        shown = b""
        try:
            while piece := os.read(leader, 65536):
                shown += piece
        except OSError:
            pass
        process.wait(60)
    os.close(leader)
    equal(process.returncode, 0, "exit status")
    check(re.search(rb"\rfetching 2/3: [\d.]+ MiB of 3.0 MiB, [\d.]+ [KM]iB/s, "
                    rb"\d:\d\d:\d\d left", shown), f"shown: {shown[:300]}")


if __name__ == "__main__":
    suite.run()
