"""Requests that are no browser's, on a bare socket: DESIGN section 6's list of
what an HTTP library lets through, and how connections begin and end."""
import os
import random
import re
import resource
import signal
import socket
import struct
import threading
import time

from lib.drop import Drop
from lib.tap import Skip, Suite, check, equal, wait_for
from lib.wire import Form, Response, Wire, get

# The fields of every answer, whoever makes it and whatever it says.
FIELDS = sorted([
    "Connection", "Content-Length", "Content-Type", "Cache-Control",
    "Content-Security-Policy", "Referrer-Policy", "X-Content-Type-Options",
    "X-Frame-Options", "X-Robots-Tag", "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy", "Cross-Origin-Embedder-Policy",
    "Permissions-Policy",
])
IDLE_HEAD = 30  # seconds that a head may take

suite = Suite()
drop = Drop(max_upload="8 MiB").start()
local = Drop(unix=True).start()

# Opened now and looked at in the end, so that nobody waits for it.
quiet = Drop().start()
silent = quiet.connect()
silent_since = time.monotonic()


def refused(data, status, reason="request", closing=False):
    """These bytes are answered like this, and by nothing else."""
    before = drop.snapshot()
    with drop.connect() as wire:
        wire.offer([data])
        if closing:
            wire.half_close()
        raw = wire.read_all()
    page = Response(raw)
    equal((page.status, page.reason), (status, reason), f"answer to {data!r}")
    equal(raw.count(b"HTTP/1.1 "), 1, "answers")
    check("othing was kept" in page.text(), "says what was kept")
    equal(drop.snapshot(), before, "disk")
    return page


def post_head(*fields, version="HTTP/1.1"):
    lines = [f"POST /en/send {version}", "Host: drop.example", *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1")


KIND = "Content-Type: multipart/form-data; boundary=x"


@suite.test("two Content-Lengths, equal or not: 400")
def _():
    body = Form(drop.token(), boundary="x").field("message", "m").body()
    length = f"Content-Length: {len(body)}"
    for second in (length, "Content-Length: 0", "content-length: 5",
                   f"Content-Length: {len(body) + 1}"):
        refused(post_head(KIND, length, second) + body, 400)
    refused(post_head(KIND, f"{length}, {len(body)}") + body, 400)


@suite.test("Content-Length with chunked, and any Transfer-Encoding: 501")
def _():
    body = b"5\r\nhello\r\n0\r\n\r\n"
    for coding in ("chunked", "identity", "gzip", "chunked, identity", "x", "",
                   "\x0bchunked"):
        if "\x0b" in coding:
            refused(post_head(KIND, f"Transfer-Encoding: {coding}") + body, 400)
            continue
        refused(post_head(KIND, f"Transfer-Encoding: {coding}") + body, 501)
        refused(post_head(KIND, "Content-Length: 15",
                          f"transfer-encoding: {coding}") + body, 501)
        refused(post_head(KIND, f"TRANSFER-ENCODING: {coding}",
                          "Content-Length: 15") + body, 501)


@suite.test("Content-Length that is no plain number: 400; none at all: 411")
def _():
    for value in ("", "-1", "+5", "0x10", "1e3", "5 5", "05", "5,", "five",
                  "18446744073709551616", "99999999999999999999999"):
        refused(post_head(KIND, f"Content-Length: {value}") + b"x", 400)
    refused(post_head(KIND), 411)
    refused(b"GET / HTTP/1.1\r\nHost: d\r\nContent-Length: 5\r\n\r\nhello", 400)


@suite.test("a blank before the colon, folded lines, no colon, no name: 400")
def _():
    for line in ("Accept : x", "Accept\t: x", " Accept: x", "\tAccept: x",
                 "Accept", ": x", "Acc ept: x", "A(b): x", "Content-Length : 1",
                 "Accept: x\r\n folded", "Accept: x\r\n\tfolded"):
        refused(get("/", extra=line + "\r\n"), 400)


@suite.test("bare LF, bare CR, NUL and other controls: 400")
def _():
    for data in (
        b"GET / HTTP/1.1\nHost: d\n\n",
        b"GET / HTTP/1.1\r\nHost: d\n\r\n",
        b"GET / HTTP/1.1\r\nHost: d\r\n\n",
        b"GET / HTTP/1.1\r\nHost: d\r\nA: b\rc: d\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: d\r\nA: b\0c\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: d\r\nA\0: b\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\nHost: d\r\n\r\n",
        b"\0GET / HTTP/1.1\r\nHost: d\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: d\r\nA: b\x7f\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: d\r\nA: b\x1b[31m\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: d\r\nA: caf\xe9\r\n\r\n",
        b"\r\nGET / HTTP/1.1\r\nHost: d\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: d\r\n\r\n",
        b"GET /  HTTP/1.1\r\nHost: d\r\n\r\n",
        b"GET\t/\tHTTP/1.1\r\nHost: d\r\n\r\n",
        b"GET /\r\n\r\n",
    ):
        refused(data, 400)


@suite.test("HTTP/1.0, 0.9, 2 and worse: 505 or 400")
def _():
    for version, status in (("HTTP/1.0", 505), ("HTTP/0.9", 505),
                            ("HTTP/2.0", 505), ("HTTP/1.2", 505),
                            ("HTTP/1.10", 400), ("http/1.1", 400),
                            ("HTTP/11", 400), ("HTTPS/1.1", 400)):
        refused(f"GET / {version}\r\nHost: d\r\n\r\n".encode(), status)
    refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 405, "method")


@suite.test("Host: none, two or an odd one: 400; a second field of ours: 400")
def _():
    refused(b"GET / HTTP/1.1\r\n\r\n", 400)
    refused(b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400)
    for host in ("", "a b", "a/b", "a@b", "<x>"):
        refused(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode(), 400)
    refused(post_head(KIND, KIND, "Content-Length: 1") + b"x", 400)


@suite.test("unknown methods and paths, absolute and encoded targets")
def _():
    for method in ("PUT", "OPTIONS", "get", "GETX", "CONNECT", "TRACE"):
        refused(get("/en/send", method), 405, "method")
    for path in ("http://drop.example/", "//en/send", "/%2e%2e/", "/en/send#x",
                 "/<script>", "/en\\send", "/..", "/en/send/../send", "/a" * 900):
        refused(get(path), 404, "not-found")
    refused(get("en/send"), 404, "not-found")


@suite.test("a head over 8 KiB or of more than 64 fields: 431")
def _():
    refused(get("/", extra="A: " + "x" * 9000 + "\r\n"), 431)
    refused(get("/", extra="A: b\r\n" * 64), 431)
    refused(b"GET / HTTP/1.1\r\nHost: d\r\nA: " + b"x" * 200000, 431)
    refused(b"G" * 8192, 431)
    # Just within both caps.
    fields = 62 * "A: b\r\n"
    room = 8192 - len(get("/", extra=fields + "B: \r\n"))
    page = drop.exchange(get("/", extra=fields + "B: " + "x" * room + "\r\n"))
    equal(page.status, 200, "8192 bytes, 64 fields")


@suite.test("a head in single bytes")
def _():
    with drop.connect() as wire:
        wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in get("/en/send", extra="Accept: */*\r\n"):
            wire.send(bytes([byte]))
            time.sleep(0.001)
        equal(wire.response().status, 200, "status")


@suite.test("Expect: 100-continue is answered before the body is sent")
def _():
    form = drop.form().field("message", "asked first")
    head = form.head(extra="Expect: 100-continue\r\n")
    before = set(drop.objects())
    with drop.connect() as wire:
        wire.send(head)
        first = wire.socket.recv(100)
        equal(first, b"HTTP/1.1 100 Continue\r\n\r\n", "first answer")
        wire.send(form.body())
        page = wire.response()
    equal((page.status, page.state), (200, "sealed"), "answer")
    (path,) = set(drop.objects()) - before
    equal(drop.extract(path).message, b"asked first", "message")
    refused(form.head(extra="Expect: something\r\n"), 417)


def answers():
    """(name, response) of every route, state and error that can be had."""
    for path in ("/", "/en/", "/en/send"):
        yield f"GET {path}", drop.get(path)
        yield f"HEAD {path}", drop.exchange(get(path, "HEAD"))
    yield "404", drop.get("/nothing")
    yield "405", drop.exchange(get("/", "PUT"))
    yield "405 post", drop.exchange(Form("x").request(path="/en/"))
    yield "404 post", drop.exchange(Form("x").request(path="/no"))
    yield "400 head", drop.exchange(b"GET / HTTP/1.1\r\n\r\n")
    yield "411", drop.exchange(post_head(KIND))
    yield "431", drop.exchange(b"G" * 8192)
    yield "501", drop.exchange(post_head(KIND, "Transfer-Encoding: chunked"))
    yield "505", drop.exchange(b"GET / HTTP/1.0\r\nHost: d\r\n\r\n")
    yield "417", drop.exchange(get("/", extra="Expect: x\r\n"))
    yield "413", drop.exchange(post_head(KIND, "Content-Length: 99999999"))
    yield "400 type", drop.exchange(post_head("Content-Length: 1") + b"x")
    yield "403", drop.post(Form("x").field("message", "m"))
    yield "400 form", drop.post(drop.form().field("other", "m"))
    yield "400 empty", drop.post(drop.form())
    token = drop.token()
    yield "sealed", drop.post(Form(token).field("message", "m"))
    yield "again", drop.post(Form(token).field("message", "m"))
    cut = drop.form().file("f", b"data")
    cut.closed = True
    yield "partial", drop.post(cut)


@suite.test("L27: the same header fields on every route and every error")
def test_l27_fields():
    values = {}
    for name, page in answers():
        equal(sorted(field for field, _ in page.headers), FIELDS, name)
        for field, value in page.headers:
            if field != "Content-Length":
                values.setdefault(field, {}).setdefault(value, name)
        check(page.whole or name.startswith("HEAD"), f"{name} is not whole")
    for field, seen in values.items():
        equal(len(seen), 1, f"values of {field}: {seen}")
    policy = next(iter(values["Content-Security-Policy"]))
    for part in ("default-src 'none'", "sandbox allow-forms",
                 "base-uri 'none'", "frame-ancestors 'self'"):
        check(part in policy, f"no {part}")
    check("unsafe" not in policy and "script" not in policy, "policy")


@suite.test("no Date, Server, ETag, Last-Modified or cookie anywhere")
def _():
    for name, page in answers():
        for field in ("Date", "Server", "ETag", "Last-Modified", "Set-Cookie",
                      "Via", "Age", "Expires", "Location", "Alt-Svc",
                      "Transfer-Encoding", "Vary", "Content-Language"):
            equal(page.header(field), None, f"{field} of {name}")
        check(b"microhttpd" not in page.raw.lower(), f"{name} tells its maker")


@suite.test("HEAD has the fields of GET and no body")
def _():
    for path in ("/", "/en/", "/en/send", "/nothing", "/a%20b", "odd"):
        whole, bare = drop.get(path), drop.exchange(get(path, "HEAD"))
        equal(bare.status, whole.status, "status")
        equal(bare.headers, whole.headers, "fields")
        equal(bare.body, b"", "body")


@suite.test("one request a connection: what follows is not looked at")
def _():
    with drop.connect() as wire:
        wire.send(get("/en/") + get("/en/send") + b"\0garbage")
        raw = wire.read_all()
    equal(raw.count(b"HTTP/1.1 "), 1, "answers to two GETs")
    check(b"Write to us" in raw, "the first one's")
    form = drop.form().field("message", "first")
    second = drop.form().field("message", "second")
    before = set(drop.objects())
    with drop.connect() as wire:
        wire.offer([form.request() + second.request() + get("/en/")])
        raw = wire.read_all()
    equal(raw.count(b"HTTP/1.1 "), 1, "answers to two POSTs")
    (path,) = set(drop.objects()) - before
    equal(drop.extract(path).message, b"first", "message")


@suite.test("a peer that closes right after a complete POST: it is kept")
def _():
    for where in (local, drop):
        tokens = [where.token() for _ in range(15)]
        where.forget()
        for i, token in enumerate(tokens):
            data = os.urandom((0, 1000, 70000, 700000)[i % 4])
            form = Form(token).field("message", f"{i}").file("f", data)
            wire = where.connect()
            wire.send(form.request())
            wire.close()
        wait_for("all are kept",
                 lambda w=where: len(w.objects()) == len(tokens))
        where.idle()
        messages = set()
        for path in where.objects():
            out = where.extract(path)
            equal(out.manifest["complete"], True, "complete")
            messages.add(out.message)
        equal(messages, {b"%d" % i for i in range(15)}, "messages")
        where.forget()


@suite.test("a half-closed connection gets its answer")
def _():
    for where in (local, drop):
        for data in (
            get("/en/send"),
            where.form().field("message", "half").request(),
            where.form().file("f", os.urandom(400000)).request(),
        ):
            with where.connect() as wire:
                wire.send(data)
                wire.half_close()
                page = wire.response()
            equal(page.status, 200, "status")
            check(page.whole, "the answer is cut")
        equal(len(where.objects()), 2, "objects")
        where.forget()


@suite.test("half-closed or closed within a head: it ends, without an answer")
def _():
    for where in (local, drop):
        for data in (b"", b"G", b"GET / HTTP/1.1\r\nHost: d\r\n"):
            with where.connect() as wire:
                wire.send(data)
                wire.half_close()
                check(wire.ended(), f"{where.address}: goes on after {data!r}")
            where.connect().close()
            wire = where.connect()
            wire.send(data)
            wire.close()
        where.idle()


@suite.test("an abort that comes with the last data ends the visit at once")
def _():
    for where in (local, drop):
        for ending in ("close", "reset", "half_close"):
            for size in (10, 3000, 300000):
                form = where.form().file("f", os.urandom(size))
                request = form.request()[:-10]
                wire = where.connect()
                wire.send(request)
                if ending == "reset" and where is drop:
                    wire.reset()
                elif ending == "half_close":
                    wire.half_close()
                    check(wire.ended(), "the connection goes on")
                    wire.close()
                else:
                    wire.close()
        where.idle()  # within 30 s, where a dead circuit would last 10 min
        for path in where.objects():
            equal(where.list(path)["complete"], False, "complete")
        where.forget()


@suite.test("2,000 short visits, eight at a time: nothing falls over")
def _():
    wrong = []

    def visit(seed):
        chance = random.Random(seed)
        for _ in range(250):
            kind = chance.randrange(4)
            if kind == 0:
                with drop.connect() as wire:
                    wire.send(b"GET /en/"[:chance.randrange(9)])
                continue
            if kind == 1:
                with drop.connect() as wire:
                    wire.send(get("/en/send"))  # and does not wait
                continue
            page = drop.get("/en/" if kind == 2 else "/none")
            if page.status not in (200, 404):
                wrong.append(page)

    threads = [threading.Thread(target=visit, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(wrong, [], "answers")
    drop.idle()


def enough_descriptors(need):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < need:
        raise Skip(f"the descriptor limit is {hard}, {need} are needed")
    if soft != resource.RLIM_INFINITY and soft < need:
        resource.setrlimit(resource.RLIMIT_NOFILE, (need, hard))


@suite.test("1,100 connections at once; one more is told 503; then on it goes")
def _():
    most = 1100
    enough_descriptors(most * 6 + 100)
    crowd = Drop(max_visits=most).start()
    token = crowd.token()
    crowd.idle()
    wires = []
    try:
        for _ in range(most - 2):
            wires.append(crowd.connect())
        wait_for("all are let in", lambda: len(crowd.visits()) == most - 2, 60)
        # Descriptors beyond 1024, which select() could not hold.
        door = f"/proc/{crowd.role('door')}/fd"
        if os.access(door, os.R_OK):
            check(max(int(n) for n in os.listdir(door)) > 1024, "descriptors")
        form = Form(token).field("message", "in the crowd")
        page = crowd.post(form.file("f", os.urandom(300000)))
        equal((page.status, page.state), (200, "sealed"), "an upload")
        wait_for("it has left", lambda: len(crowd.visits()) == most - 2)
        wires += [crowd.connect(), crowd.connect()]
        wait_for("it is full", lambda: len(crowd.visits()) == most)
        for _ in range(5):
            page = crowd.get("/en/send")
            equal((page.status, page.state, page.reason),
                  (503, "busy", "busy"), "one too many")
            equal(sorted(name for name, _ in page.headers), FIELDS, "fields")
            check(page.whole, "the page is cut")
            check("Nothing was kept" in page.text(), "says what was kept")
        for wire in wires[:20]:
            wire.close()
        wait_for("there is room", lambda: len(crowd.visits()) <= most - 20)
        equal(crowd.get("/en/send").status, 200, "recovered")
        # The last of them, beyond 1024, can still speak.
        wires[-1].send(get("/en/"))
        equal(wires[-1].response().status, 200, "the last connection")
    finally:
        for wire in wires:
            wire.close()
    equal(crowd.post(crowd.form().field("message", "on")).state, "sealed",
          "afterwards")
    crowd.ends_well()


@suite.test("while the store stands still visitors get an answer, if only 503")
def _():
    store = drop.role("store")
    os.kill(store, signal.SIGSTOP)
    try:
        for _ in range(3000):
            page = drop.get("/en/")
            if page.status != 200:
                break
        equal((page.status, page.reason), (503, "busy"), "answer")
    finally:
        os.kill(store, signal.SIGCONT)
    wait_for("all is well again", lambda: drop.get("/en/").status == 200)
    page = drop.post(drop.form().field("message", "and on it goes"))
    equal(page.state, "sealed", "state")


@suite.test("a connection without a byte ends after its time, not before")
def _():
    wait = IDLE_HEAD + 30 - (time.monotonic() - silent_since)
    check(silent.ended(max(wait, 1)), "it is still there")
    spent = time.monotonic() - silent_since
    check(spent > IDLE_HEAD - 5, f"it ended after {spent:.1f} s")
    silent.close()


@suite.test("nothing failed meanwhile")
def _():
    drop.ends_well()
    local.ends_well()
    quiet.ends_well()
    check(not os.path.exists(local.socket), "the socket is still there")


suite.run()
