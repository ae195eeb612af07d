"""The couriers' side from outside: every route, every method, every error."""
import concurrent.futures
import json
import os
import re
import shutil
import stat
import subprocess
import threading
import time

from lib.courier import Courier, next_response
from lib.drop import BUILD, KNOTHOLED, Drop, processes, run
from lib.tap import Skip, Suite, check, equal, wait_for
from lib.wire import Form, Response, Wire, get

suite = Suite()
drop = Drop(newsrooms=2, courier_listen="tcp:127.0.0.1:0").start()
first, second = Courier(drop, 0), Courier(drop, 1)

NOWHERE = "f" * 32
SLOT = "0123456789abcdef" * 4
JSON = ("Content-Type", "application/json")


def error_fields(length, *extra):
    return [
        ("Connection", "close"), ("Content-Length", str(length)), JSON, *extra,
        ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"),
    ]


def refused(answer, status, word, *extra):
    """The whole answer to a refusal, to the byte."""
    body = ('{"error":"%s"}' % word).encode()
    equal((answer.status, answer.body), (status, body), "answer")
    equal(answer.headers, error_fields(len(body), *extra), "fields")


def put_object(number, size=65536, where=drop):
    """An object as it would rest, faster than a submission."""
    name = f"{number:032x}"
    path = os.path.join(where.store, "objects", name + ".age")
    data = os.urandom(16) * (size // 16) + b"x" * (size % 16)
    with open(path, "wb") as f:
        f.write(data)
    owner = os.stat(os.path.dirname(path))
    os.chown(path, owner.st_uid, owner.st_gid)
    os.chmod(path, 0o400)
    return name, data


def marks(where=drop):
    return os.listdir(os.path.join(where.store, "collected"))


def at_rest(where=drop):
    return sorted(os.path.basename(p)[:-4] for p in where.objects())


@suite.test("what sources have sent is listed and fetched, byte for byte")
def submissions():
    for text in ("one", "two", "three"):
        page = drop.post(drop.form().field("message", text))
        equal(page.state, "sealed", "state")
    there = {os.path.basename(p)[:-4]: p for p in drop.objects()}
    for courier in (first, second):
        listed = courier.json("/v1/objects")
        equal(listed["next"], None, "next")
        equal([o["id"] for o in listed["objects"]], sorted(there), "ids")
        for o in listed["objects"]:
            with open(there[o["id"]], "rb") as f:
                data = f.read()
            equal(o["size"], len(data), "size")
            answer = courier.get("/v1/objects/" + o["id"])
            equal((answer.status, answer.body == data), (200, True), "object")
    drop.forget()


@suite.test("health: what version, that it is up, and how many, roughly")
def health():
    def said():
        answer = first.json("/v1/health")
        equal(sorted(answer), ["crash_loop", "disk_quarters_free",
              "key_epochs_left", "key_weeks_left", "objects", "selftest", "up", "version"],
              "members")
        equal((answer["selftest"], answer["crash_loop"]), ("ok", False),
              "how it is")
        equal(answer["up"], True, "up")
        version = run(KNOTHOLED, "--version").stdout.decode().split()[1]
        equal(answer["version"], version, "version")
        return answer["objects"]

    equal(said(), "none", "of none")
    put_object(1)
    equal(said(), "some", "of one")
    for i in range(2, 101):
        put_object(i, 16)
    equal(said(), "some", "of a hundred")
    put_object(101, 16)
    equal(said(), "many", "of more")
    drop.forget()


@suite.test("lists: pages of any size, each object once, in order")
def pages():
    names = [put_object(i * 7919 + 1, i + 1)[0] for i in range(1203)]
    names.sort()
    equal(first.ids(), names, "by thousands")
    for limit in (1000, 999, 601, 256, 255, 100):
        equal(first.ids(limit), names, f"by {limit}")
    page = first.json("/v1/objects")
    equal((len(page["objects"]), page["next"]), (1000, names[999]), "default")
    page = first.json("/v1/objects?limit=1001")
    equal(len(page["objects"]), 1000, "more than the most is the most")
    page = first.json(f"/v1/objects?limit=1&after={names[0]}")
    equal((page["objects"][0]["id"], page["next"]), (names[1], names[1]), "one")
    page = first.json(f"/v1/objects?after={names[-2]}")
    equal((len(page["objects"]), page["next"]), (1, None), "the last")
    page = first.json(f"/v1/objects?after={NOWHERE}")
    equal((page["objects"], page["next"]), ([], None), "behind all")
    exact = first.json(f"/v1/objects?after={names[202]}")
    equal((len(exact["objects"]), exact["next"]), (1000, None), "exactly")
    head = first.ask("HEAD", "/v1/objects")
    equal((head.status, head.body), (200, b""), "HEAD")
    drop.forget()


@suite.test("lists: what is no query is refused with 400")
def bad_queries():
    for query in ("limit=0", "limit=", "limit=-1", "limit=1.5", "limit=x",
                  "after=", "after=xyz", "after=" + "F" * 32,
                  "after=" + "0" * 31, "after=" + "0" * 33, "x=1",
                  "limit=1&limit=2", "limit=1&", "&limit=1", "limit=%31",
                  f"after={NOWHERE}&after={NOWHERE}"):
        refused(first.get("/v1/objects?" + query), 400, "malformed")


@suite.test("objects: whole, HEAD, and the fields of each")
def objects():
    name, data = put_object(5, 70001)
    path = "/v1/objects/" + name
    fields = [
        ("Connection", "close"), ("Content-Length", "70001"),
        ("Content-Type", "application/octet-stream"),
        ("Accept-Ranges", "bytes"), ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    answer = first.get(path)
    equal((answer.status, answer.headers), (200, fields), "GET")
    equal(answer.body, data, "bytes")
    for extra in ("", "Range: bytes=5-\r\n"):
        answer = first.ask("HEAD", path, extra=extra)
        equal((answer.status, answer.headers, answer.body),
              (200, fields, b""), "HEAD")
    for missing in (NOWHERE, name[:-1], name + "0", name + ".age",
                    name.upper()[:-1] + "F", "", "..", "%2e"):
        answer = first.get("/v1/objects/" + missing)
        refused(answer, 404, "not_found")
    answer = first.ask("HEAD", "/v1/objects/" + NOWHERE)
    equal((answer.status, answer.body), (404, b""), "HEAD of none")
    drop.forget()


@suite.test("objects: ranges give exactly these bytes, and 416 says the size")
def ranges():
    name, data = put_object(5, 100003)
    path, size = "/v1/objects/" + name, len(data)
    for text, start, end in (
        ("0-", 0, size), ("0-0", 0, 1), ("1-1", 1, 2), ("65535-65536", 65535,
        65537), ("65536-", 65536, size), (f"{size - 1}-", size - 1, size),
        (f"0-{size - 1}", 0, size), (f"7-{size}", 7, size),
        ("7-99999999999999999999999", 7, size), ("-1", size - 1, size),
        (f"-{size}", 0, size), (f"-{size + 1}", 0, size),
        ("-99999999999999999999999", 0, size),
    ):
        answer = first.get(path, extra=f"Range: bytes={text}\r\n")
        whole = end - start == size
        equal(answer.status, 200 if whole else 206, f"status of {text}")
        equal(answer.header("Content-Range"),
              None if whole else f"bytes {start}-{end - 1}/{size}", text)
        check(answer.whole and answer.body == data[start:end], text)
    for text in (f"{size}-", f"{size}-{size + 9}", "5-4", "-0", "-", "x", "",
                 "1", "0-1,3-4", "0-1, 3-4", "1-2-3", "99999999999999999999-"):
        answer = first.get(path, extra=f"Range: bytes={text}\r\n")
        refused(answer, 416, "range", ("Content-Range", f"bytes */{size}"))
    answer = first.get(path, extra="Range: lines=1-2\r\n")
    equal((answer.status, answer.body), (200, data), "another unit")
    drop.forget()


@suite.test("collected: an object goes when both have it, however often said")
def collected():
    a, b, c = [put_object(i)[0] for i in range(3)]
    for _ in range(3):
        answer = first.collected([a, b])
        equal((answer.status, answer.body), (200, b'{"collected":2}'), "first")
        equal(at_rest(), [a, b, c], "objects")
        equal(len(marks()), 2, "marks")
    for _ in range(3):
        answer = second.collected([b, c, NOWHERE])
        equal((answer.status, answer.body), (200, b'{"collected":3}'), "second")
        equal(at_rest(), [a, c], "objects")
    refused(first.get("/v1/objects/" + b), 404, "not_found")
    equal(first.ids(), [a, c], "list")
    equal(first.collected([b]).status, 200, "what is gone")
    equal(len(marks()), 2, "marks")
    equal(first.collected([c, c, c]).status, 200, "the same three times")
    equal(second.collected([a]).status, 200, "the last one")
    equal((at_rest(), marks()), ([], []), "what is left")
    equal(first.collected([]).body, b'{"collected":0}', "nothing")
    status = os.stat(os.path.join(drop.store, "collected"))
    equal(status.st_mtime, 315532800, "L36: mtime of the marks")


@suite.test("collected: what is not exactly that JSON is refused")
def bad_collected():
    name, _ = put_object(1)
    good = json.dumps({"ids": [name]})
    for text in ("", "{", "[]", "null", '"x"', "{}", '{"ids":null}',
                 '{"ids":"%s"}' % name, '{"ids":[1]}', '{"ids":[""]}',
                 '{"ids":["%s"]}' % name.upper().replace("0", "A", 1),
                 '{"ids":["%s0"]}' % name, '{"ids":[["%s"]]}' % name,
                 good + "x", good + good, good[:-1] + ',"x":1}',
                 good[:-1] + ',"ids":[]}', good.replace("ids", "Ids"),
                 '{"ids":["\\u0000"]}', "[" * 60000, "\xff", "ids=" + name):
        body = text.encode("latin-1")
        refused(first.ask("POST", "/v1/collected", body), 400, "malformed")
    ids = [f"{i:032x}" for i in range(1001)]
    equal(first.collected(ids[1:]).body, b'{"collected":1000}', "a thousand")
    refused(first.collected(ids), 413, "too_large")
    big = b" " * (65536 - len(good)) + good.encode()
    equal(first.ask("POST", "/v1/collected", big).status, 200, "65,536 bytes")
    refused(first.ask("POST", "/v1/collected", b" " + big), 413, "too_large")
    refused(first.ask("POST", "/v1/collected"), 411, "length_required")
    equal(len(marks()), 1, "marks")
    second.collected([name])


@suite.test("replies: stored once, under either spelling, and never replaced")
def replies():
    where = os.path.join(drop.store, "replies")
    for number, size in enumerate((4096, 16384, 65536)):
        name = f"{number:x}" * 64
        body = os.urandom(size)
        answer = first.put(name + (".age" if number % 2 else ""), body)
        equal((answer.status, answer.body), (201, b'{"stored":true}'), "put")
        path = os.path.join(where, name)
        with open(path, "rb") as f:
            equal(f.read(), body, "what rests")
        status = os.stat(path)
        equal(stat.S_IMODE(status.st_mode), 0o400, "mode")
        equal(status.st_mtime, 315532800, "L36: mtime")
        for courier in (first, second):
            for suffix in ("", ".age"):
                refused(courier.put(name + suffix, os.urandom(4096)), 409,
                        "taken")
        with open(path, "rb") as f:
            equal(f.read(), body, "what rests")


@suite.test("replies: other lengths and names are refused, and nothing rests")
def bad_replies():
    where = os.path.join(drop.store, "replies")
    before = os.listdir(where)
    for size in (0, 1, 4095, 4097, 16383, 65535):
        refused(first.put(SLOT, b"x" * size), 400, "malformed")
    for size in (65537, 100000):
        refused(first.put(SLOT, b"x" * size), 413, "too_large")
    refused(first.exchange(first.head(
        "PUT", "/v1/replies/" + SLOT,
        extra="Content-Length: 18446744073709551615\r\n")), 413, "too_large")
    refused(first.ask("PUT", "/v1/replies/" + SLOT), 411, "length_required")
    body = b"x" * 4096
    for name in (SLOT[:-1], SLOT + "0", SLOT.upper(), SLOT + ".agf",
                 SLOT + ".age.age", "", "..", "../" + SLOT, "x" * 64):
        refused(first.put(name, body), 404, "not_found")
    # cut in the middle of its body
    with first.connect() as wire:
        wire.send(first.head("PUT", "/v1/replies/" + SLOT, body) + body[:-1])
        wire.half_close()
        check(wire.ended(), "an answer to half a request")
    equal(os.listdir(where), before, "what rests")


@suite.test("replies: of many who race for one slot, exactly one wins")
def races():
    bodies = [os.urandom(4096) for _ in range(24)]
    for number in range(6):
        name = f"{number + 100:064x}"
        gate = threading.Barrier(len(bodies))

        def put(body, name=name, gate=gate):
            with first.connect() as wire:
                head = first.head("PUT", "/v1/replies/" + name, body)
                wire.send(head + body[:-1])
                gate.wait()
                wire.send(body[-1:])
                return wire.response()

        with concurrent.futures.ThreadPoolExecutor(len(bodies)) as pool:
            answers = list(pool.map(put, bodies))
        statuses = [a.status for a in answers]
        equal(sorted(statuses), [201] + [409] * 23, "statuses")
        with open(os.path.join(drop.store, "replies", name), "rb") as f:
            equal(f.read(), bodies[statuses.index(201)], "what rests")


@suite.test("no token, or a wrong one: the same 401 everywhere, after a second")
def unauthorized():
    name, _ = put_object(1)
    good = first.token
    other = "A" if good[0] != "A" else "B"
    wrong = [None, "", "Bearer", "Bearer ", good, "Bearer  " + good,
             "Basic " + good, "Bearer " + good + "=", "Bearer " + good[:-1],
             "Bearer " + other + good[1:], "Bearer " + good + "A",
             "Bearer " + "A" * 43, "Bearer " + "x" * 4000, "bearer" + good]
    asked = [("GET", "/v1/health"), ("GET", "/v1/objects"),
             ("GET", "/v1/objects/" + name), ("GET", "/nowhere"),
             ("POST", "/v1/collected"), ("PUT", "/v1/replies/" + SLOT),
             ("DELETE", "/v1/health"), ("GET", "/v1/objects?x=1"),
             ("POST", "/v1/health")]
    cases = [(w, *asked[i % len(asked)]) for i, w in enumerate(wrong)]
    cases += [(None, *a) for a in asked]

    def ask(case):
        value, method, path = case
        extra = "" if value is None else f"Authorization: {value}\r\n"
        body = b"x" * 4096 if method in ("POST", "PUT") else None
        began = time.monotonic()
        answer = first.ask(method, path, body, extra=extra, token=False)
        return answer, time.monotonic() - began

    with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:
        answers = list(pool.map(ask, cases))
    for answer, took in answers:
        refused(answer, 401, "unauthorized", ("WWW-Authenticate", "Bearer"))
        check(took >= 1, f"after {took} s")
    equal(len({answer.raw for answer, _ in answers}), 1, "different answers")
    answer = first.ask("HEAD", "/v1/health", token=False)
    equal((answer.status, answer.body), (401, b""), "HEAD")
    equal((at_rest(), marks()), ([name], []), "what is left")
    scheme = f"Authorization: bEARER {good}\r\n"
    equal(first.get("/v1/health", extra=scheme, token=False).status, 200,
          "the scheme in another case")
    drop.forget()


@suite.test("a wrong token delays itself and nobody else")
def delays():
    done = threading.Event()

    def wait():
        answers = [first.get("/v1/health", token=False) for _ in range(2)]
        done.set()
        return answers

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(wait) for _ in range(20)]
        served = 0
        while not done.is_set():
            equal(first.get("/v1/health").status, 200, "beside them")
            served += 1
        for future in waiting:
            equal([a.status for a in future.result()], [401, 401], "them")
    check(served >= 20, f"only {served} requests in two seconds")


@suite.test("other methods: 405 and what is allowed; other paths: 404")
def methods():
    routes = {
        "/v1/objects": "GET, HEAD", "/v1/objects/" + NOWHERE: "GET, HEAD",
        "/v1/health": "GET, HEAD", "/v1/collected": "POST",
        "/v1/replies/" + SLOT: "PUT",
    }
    for path, allowed in routes.items():
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS",
                       "TRACE", "get", "PROPFIND"):
            if method in allowed.split(", "):
                continue
            body = b"x" * 4096 if method in ("POST", "PUT") else None
            answer = first.ask(method, path, body)
            refused(answer, 405, "method", ("Allow", allowed))
    for path in ("/", "/v1", "/v1/", "/v2/objects", "/v1/objects/",
                 "/v1/replies", "/v1/replies/", "/v1/health/",
                 "/v1/health?x=1", "/en/", "/en/send", "/keys/x.age"):
        for method in ("GET", "DELETE", "POST"):
            body = b"" if method == "POST" else None
            refused(first.ask(method, path, body), 404, "not_found")


@suite.test("heads that are refused whatever they ask for")
def heads():
    def ask(text):
        return first.exchange(text.encode("latin-1"))

    good = f"Host: x\r\nAuthorization: Bearer {first.token}\r\n"
    line = "GET /v1/health HTTP/1.1\r\n"
    for text in (line + "\r\n", line + good + "Host: y\r\n\r\n",
                 line + good + "A : b\r\n\r\n", line + good + " folded\r\n\r\n",
                 line + good + "A: \x01\r\n\r\n", line.replace("\r", "") + good
                 + "\r\n", line + good + "Content-Length: 5\r\n\r\nhello",
                 line + good + "Content-Length: 05\r\n\r\n",
                 line + good + "Range: bytes=0-\r\nRange: bytes=0-\r\n\r\n",
                 line + good + good.splitlines()[1] + "\r\n\r\n",
                 "\r\n" + line + good + "\r\n", "GET\r\n\r\n"):
        refused(ask(text), 400, "malformed")
    refused(ask(line.replace("1.1", "1.0") + good + "\r\n"), 505, "version")
    refused(ask(line.replace("1.1", "2.0") + good + "\r\n"), 505, "version")
    refused(ask(line + good + "Transfer-Encoding: chunked\r\n\r\n"), 501,
            "transfer_coding")
    refused(ask(line + good + "Expect: x\r\n\r\n"), 417, "expectation")
    refused(ask(line + good + "A: " + "x" * 9000 + "\r\n\r\n"), 431,
            "head_too_large")
    refused(ask(line + good + "A: b\r\n" * 70 + "\r\n"), 431, "head_too_large")
    refused(ask(line.replace("health", "h%65alth") + good + "\r\n"), 404,
            "not_found")
    answer = ask("HEAD /v1/health HTTP/1.1\r\n\r\n")
    equal((answer.status, answer.body), (400, b""), "HEAD")


@suite.test("one request a connection, unless the courier asks to go on")
def keep_alive():
    names = [put_object(i, 3000 + i) for i in range(40)]
    go_on = "Connection: keep-alive\r\n"
    with first.connect() as wire, wire.socket.makefile("rb") as stream:
        for name, data in names:
            wire.send(first.head("GET", "/v1/objects/" + name, extra=go_on))
            answer = next_response(stream)
            equal((answer.status, answer.body), (200, data), "object")
            equal(answer.header("Connection"), "keep-alive", "said")
        ids = json.dumps({"ids": [names[0][0]]}).encode()
        wire.send(first.head("POST", "/v1/collected", ids, extra=go_on) + ids)
        equal(next_response(stream).body, b'{"collected":1}', "a body")
        wire.send(first.head("GET", "/v1/objects/" + NOWHERE, extra=go_on))
        equal(next_response(stream).status, 404, "an error")
        # several at once: the bytes of each belong to it alone
        body = os.urandom(4096)
        wire.send(first.head("PUT", "/v1/replies/" + "9" * 64, body,
                             extra=go_on) + body
                  + first.head("HEAD", "/v1/health", extra=go_on)
                  + first.head("GET", "/v1/health"))
        equal(next_response(stream).status, 201, "first of three")
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += stream.readline()
        equal(Response(head).status, 200, "second of three")
        answer = next_response(stream)
        equal((answer.status, answer.header("Connection")), (200, "close"),
              "last of three")
        equal(stream.read(), b"", "the end")
    with first.connect() as wire:
        wire.send(first.head("GET", "/v1/health", extra=go_on, token=False)
                  + first.head("GET", "/v1/health"))
        equal(wire.response().body, b'{"error":"unauthorized"}',
              "a refusal ends it")
    with first.connect() as wire:
        wire.send(first.head("POST", "/v1/health", b"x" * 9, extra=go_on)
                  + first.head("GET", "/v1/health"))
        equal(wire.response().status, 405, "an unread body ends it")
    drop.forget()


@suite.test("Expect: 100-continue is answered when a body is wanted")
def expectations():
    body = os.urandom(16384)
    wait = "Expect: 100-continue\r\n"
    with first.connect() as wire:
        wire.send(first.head("PUT", "/v1/replies/" + "8" * 64, body,
                             extra=wait))
        equal(wire.socket.recv(100), b"HTTP/1.1 100 Continue\r\n\r\n", "go on")
        wire.send(body)
        equal(wire.response().status, 201, "stored")
    with first.connect() as wire:
        wire.send(first.head("PUT", "/v1/replies/" + "8" * 64, b"x" * 99,
                             extra=wait))
        answer = wire.response()
        equal((answer.status, answer.continued), (400, 0), "refused at once")


@suite.test("stock curl: fetching, resuming, posting, putting")
def stock_curl():
    if shutil.which("curl") is None:
        raise Skip("curl is not installed")
    name, data = put_object(77, 300000)
    host, port = drop.courier_address
    where = os.path.join(drop.desk, "fetched")

    def curl(path, *options):
        done = run("curl", "-sS", "--fail", "-H",
                   f"Authorization: Bearer {first.token}", *options,
                   f"http://{host}:{port}{path}")
        equal((done.returncode, done.stderr), (0, b""), f"curl {path}")
        return done.stdout

    with open(where, "wb") as f:
        f.write(data[:123457])
    curl("/v1/objects/" + name, "-C", "-", "-o", where)
    with open(where, "rb") as f:
        equal(f.read(), data, "resumed")
    with open(where, "wb") as f:
        f.write(os.urandom(65536))
    equal(curl("/v1/replies/" + "7" * 64, "-T", where), b'{"stored":true}',
          "put")
    equal(curl("/v1/collected", "-d", json.dumps({"ids": [name]})),
          b'{"collected":1}', "post")
    drop.forget()


@suite.test("sources and couriers: two sockets, and neither serves the other")
def apart():
    answer = drop.exchange(get("/v1/health", extra="Authorization: Bearer "
                               f"{first.token}\r\n"))
    equal(answer.status, 404, "health for sources")
    head = first.head("PUT", "/v1/replies/" + SLOT, b"x" * 4096)
    equal(drop.exchange(head).status, 405, "PUT by sources")
    equal(first.get("/en/").status, 404, "pages for couriers")
    courier, door = drop.role("courier"), drop.role("door")

    def sockets(pid):
        found = set()
        for fd in os.listdir(f"/proc/{pid}/fd"):
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
            check(target == "/dev/null" or ":" in target
                  or "signalfd" in target, f"{pid} holds {target}")
            if target.startswith("socket:"):
                found.add(target)
        return found

    equal(sockets(courier) & sockets(door), set(), "sockets of both")
    with open(f"/proc/{courier}/environ", "rb") as f:
        equal(f.read(), b"TZ=UTC0\0", "environment")


def mapped(pid):
    """Its writable memory."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps:
        lines = maps.read().splitlines()
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in lines:
            span, rights = line.split()[:2]
            start, end = (int(n, 16) for n in span.split("-"))
            if "rw" not in rights or "[v" in line:
                continue
            memory.seek(start)
            try:
                yield memory.read(end - start)
            except OSError:
                continue


@suite.test("the courier's process has neither salt nor form keys nor a token")
def no_secrets():
    if os.environ.get("KNOTHOLE_SANITIZED"):
        raise Skip("a sanitizer maps terabytes")
    try:
        everything = b"".join(mapped(drop.role("courier")))
    except PermissionError:
        raise Skip("not allowed to look into another process") from None
    with open(os.path.join(drop.state, "instance.salt"), "rb") as f:
        salt = f.read()
    equal(first.get("/v1/health").status, 200, "a request")
    check(salt not in everything, "the salt")
    for newsroom in drop.newsrooms:
        check(newsroom.token.encode() not in everything, "a token")
    door = b"".join(mapped(drop.role("door")))
    check(salt in door, "the search finds what is there")


@suite.test("couriers' processes open no file, whatever they are asked")
def opens_nothing():
    if shutil.which("strace") is None:
        raise Skip("strace is not installed")
    log = os.path.join(drop.desk, "strace")
    courier = drop.role("courier")
    tracer = subprocess.Popen(
        ["strace", "-f", "-p", str(courier), "-o", log, "-e",
         "trace=%file,open_by_handle_at,execve,socket,connect"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE)
    try:
        said = tracer.stderr.readline()
        if b"attached" not in said:
            raise Skip(f"strace cannot attach: {said.decode()}")
        name, data = put_object(3)
        equal(first.get("/v1/objects/" + name).body, data, "object")
        first.ids()
        first.get("/v1/health", token=False)
        first.put("6" * 64, os.urandom(4096))
        first.collected([name])
        first.get("/nowhere")
        drop.forget()
        wait_for("they have ended", lambda: not processes(courier))
    finally:
        tracer.terminate()
        tracer.wait(30)
    with open(log, encoding="utf-8") as f:
        lines = [line for line in f
                 if not re.search(r"(\+\+\+ exited|--- SIG|resumed|"
                                  r"detached|newfstatat\(\d+, \"\",)", line)]
    equal(lines, [], "what was traced")


@suite.test("200 slow clients keep nobody out")
def slow_clients():
    name, data = put_object(4)
    slow = [Wire(drop.courier_address) for _ in range(200)]
    for number, wire in enumerate(slow):
        wire.send(first.head("GET", "/v1/health")[: number % 60])
    wait_for("all are let in",
             lambda: len(processes(drop.role("courier"))) >= 200)
    began = time.monotonic()
    for _ in range(20):
        equal(first.get("/v1/objects/" + name).body, data, "object")
    suite.figure("20 objects beside 200 slow clients: "
                 f"{1000 * (time.monotonic() - began):.0f} ms")
    for wire in slow:
        wire.close()
    drop.forget()


@suite.test("no more than 512 at once: who has said nothing gives way")
def too_many():
    crowd = []
    for _ in range(700):
        wire = Wire(drop.courier_address)
        wire.send(b"GET /v1/hea")
        crowd.append(wire)
    check(len(processes(drop.role("courier"))) <= 512, "processes")
    equal(first.get("/v1/health").status, 200, "in the crowd")
    for wire in crowd:
        wire.close()
    wait_for("they have gone",
             lambda: not processes(drop.role("courier")), 60)


@suite.test("1,000 small objects in one run")
def thousand():
    objects = dict(put_object(i, 65536) for i in range(1000))
    began = time.monotonic()
    for name, data in objects.items():
        if first.get("/v1/objects/" + name).body != data:
            raise AssertionError(name)
    single = time.monotonic() - began
    began = time.monotonic()
    with first.connect() as wire, wire.socket.makefile("rb") as stream:
        for name in objects:
            wire.send(first.head("GET", "/v1/objects/" + name,
                                 extra="Connection: keep-alive\r\n"))
            equal(len(next_response(stream).body), 65536, "size")
    suite.figure(f"1,000 objects: {single:.2f} s with a connection each, "
                 f"{time.monotonic() - began:.2f} s on one")
    began = time.monotonic()
    equal(first.collected(list(objects)).status, 200, "first")
    equal(second.collected(list(objects)).status, 200, "second")
    suite.figure("collected by two newsrooms: "
                 f"{time.monotonic() - began:.2f} s")
    equal((at_rest(), marks()), ([], []), "what is left")


def mkcard(newsroom, cards, *token_of):
    """Its card in this directory, with another token or with none."""
    made = run(os.path.join(BUILD, "tests", "mkcard"), newsroom.identity,
               newsroom.card, os.path.join(cards, newsroom.id + ".card"),
               *token_of)
    equal(made.returncode, 0, made.stderr.decode())


@suite.test("L35 two newsrooms with one token: no start, and it is said")
def test_l35_shared_token():
    other = Drop(newsrooms=2, courier_listen="tcp:127.0.0.1:0")
    mkcard(other.newsrooms[1], other.cards, other.newsrooms[0].card)
    other.write_config()
    for options in (["--check-config"], []):
        said = run(KNOTHOLED, "-c", other.config, *options)
        equal(said.returncode, 78, "exit status")
        check(b"one courier token" in said.stderr, said.stderr)


@suite.test("cards without a token: nobody collects for them, or waits")
def without_token():
    other = Drop(newsrooms=2, unix=True,
                 courier_listen=f"unix:{drop.server}/other.sock")
    # The card of before: what knothole made when there were no couriers.
    mkcard(other.newsrooms[1], other.cards)
    other.launch()
    wait_for("it is ready", lambda: "ready\n" in other.said())
    check("1 of 2 cards have no courier token" in other.said(), other.said())
    other.courier_address = f"{drop.server}/other.sock"
    name, _ = put_object(1, where=other)
    alone, without = Courier(other, 0), Courier(other, 1)
    equal(without.get("/v1/health").status, 401, "the token of no card")
    equal(alone.collected([name]).status, 200, "the only one")
    equal(at_rest(other), [], "objects")
    equal(other.stop(), 0, "exit status")


@suite.test("a newsroom less: at the next start, what all others have goes")
def newsroom_less():
    other = Drop(newsrooms=3, courier_listen="tcp:127.0.0.1:0").start()
    couriers = [Courier(other, i) for i in range(3)]
    a, b = [put_object(i, where=other)[0] for i in range(2)]
    couriers[0].collected([a, b])
    couriers[1].collected([a])
    equal(at_rest(other), [a, b], "objects")
    equal(other.stop(), 0, "exit status")
    os.unlink(os.path.join(other.cards, other.newsrooms[2].id + ".card"))
    os.unlink(os.path.join(other.store, "objects", b + ".age"))
    other.start()
    equal((at_rest(other), marks(other)), ([], []), "what is left")
    equal(couriers[2].get("/v1/health").status, 401, "who has left")
    equal(other.stop(), 0, "exit status")


@suite.test("retention: what is younger stays")
def retention():
    other = Drop(courier_listen="tcp:127.0.0.1:0", retention_days=1).start()
    name, _ = put_object(1, where=other)
    equal(other.stop(), 0, "exit status")
    other.start()
    equal(Courier(other).ids(), [name], "ids")
    equal(other.stop(), 0, "exit status")


@suite.test("the courier is started when it is configured, and only then")
def not_configured():
    other = Drop().start()
    equal(other.role("courier"), None, "a courier's process")
    other.ends_well()
    third = Drop(courier_listen=other.settings["source_listen"])
    third.settings["source_listen"] = "tcp:127.0.0.1:18099"
    third.settings["courier_listen"] = "tcp:127.0.0.1:18099"
    third.write_config()
    said = run(KNOTHOLED, "-c", third.config, "--check-config")
    equal(said.returncode, 78, "one address for both")
    check(b"need one each" in said.stderr, said.stderr)


@suite.test("nothing else has failed meanwhile")
def end():
    page = drop.post(Form(drop.token()).field("message", "still there"))
    equal(page.state, "sealed", "a source")
    drop.ends_well()


suite.run()
