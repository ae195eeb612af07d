"""Uploads that are cut: what had arrived whole is kept, and marked; a form
that is sent twice makes exactly one object."""
import concurrent.futures
import os
import random
import signal
import time

from lib.drop import Drop
from lib.tap import Suite, check, equal, wait_for
from lib.wire import Form

suite = Suite()
noise = random.Random(3)
drop = Drop().start()
local = Drop(unix=True).start()

FILES = [
    ("one.bin", noise.randbytes(10000)),
    ("empty.txt", b""),
    ("two.bin", noise.randbytes(150000)),
    ("three.bin", noise.randbytes(70000)),
]
DELIMITER = len("\r\n--") + len(Form().boundary)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="latin-1") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def filled(token, mark):
    form = Form(token).field("message", f"cut {mark}")
    for name, data in FILES:
        form.file(name, data)
    return form.close()


def cut_wire(where, data, ending):
    wire = where.connect()
    wire.send(data)
    if ending == "reset" and where is drop:
        wire.reset()
    elif ending == "half":
        wire.half_close()
        check(wire.ended(60), "the connection goes on after its end")
        wire.close()
    else:
        wire.close()


def expected(form, at):
    """What of the first `at` bytes of the body must be there afterwards:
    (message or None, [(whole, bytes that may be there)]), or None when there
    is nothing. A part is whole when the delimiter behind it has arrived."""
    ends, total = [], 0
    for piece in form.pieces:
        total += len(piece)
        ends.append(total)
    # pieces: head, contents, head, contents, ..., last delimiter
    def arrived(part):
        start, end = ends[2 * part], ends[2 * part + 1]
        return max(0, min(at, end) - start), at >= end + DELIMITER

    if not arrived(0)[1]:
        return None  # the token
    message = form.pieces[3][: arrived(1)[0]]
    files = []
    for i in range(len(FILES)):
        n, whole = arrived(2 + i)
        if n > 0 or whole:
            files.append((whole, n))
    return (message, files) if message or files else None


def look(where, path, form, at, text):
    """Compare an object with what was sent before the cut."""
    message, files = expected(form, at)
    out = where.extract(path)
    equal(out.manifest["complete"], False, f"{text}: complete")
    equal(where.list(path)["complete"], False, f"{text}: list, complete")
    have = out.message or b""
    # Bytes that may be the beginning of a delimiter are held back.
    check(message.startswith(have), f"{text}: message {have!r}")
    check(len(have) >= len(message) - DELIMITER, f"{text}: message is short")
    names = [name for name, _ in FILES[: len(files)]]
    if files and not files[-1][0] and len(out.names) == len(files) - 1 \
            and files[-1][1] <= DELIMITER:
        names.pop()  # all that came of the last one was held back
    equal(out.names, names, f"{text}: names")
    for i, (whole, n) in enumerate(files[: len(names)]):
        data = out.read(i)
        equal(out.records[i]["complete"], whole, f"{text}: file {i} complete")
        if whole:
            check(data == FILES[i][1], f"{text}: file {i} differs")
        else:
            check(FILES[i][1].startswith(data), f"{text}: file {i} differs")
            check(len(data) >= n - DELIMITER, f"{text}: file {i} is short")


def points(form):
    """Every edge between pieces, a byte before and after it, the end of each
    delimiter, and some anywhere."""
    edges, at = set(), 0
    for piece in form.pieces:
        at += len(piece)
        edges |= {at - 1, at, at + 1, at + DELIMITER - 1, at + DELIMITER}
    edges |= {noise.randrange(at) for _ in range(8)}
    return sorted(p for p in edges if 0 <= p < at)


def cut_everywhere(where, step):
    where.forget()
    length = filled(where.token(), "000").length()
    todo = [
        (i, at, noise.choice(("close", "reset", "half")))
        for i, at in enumerate(points(filled(where.token(), "000"))[::step])
    ]
    check(len(todo) > 60 // step, "points")
    forms = {}

    def one(job):
        i, at, ending = job
        form = forms[i] = filled(where.token(), f"{i:03}")
        equal(form.length(), length, "length")
        cut_wire(where, form.head() + form.body()[:at], ending)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for _ in pool.map(one, todo):
            pass
    where.idle()
    wanted = {i: at for i, at, _ in todo if expected(forms[i], at)}
    # Cut within the message: found again by what arrived of it.
    found, unclear = {}, []
    for path in where.objects():
        message = where.extract(path).message or b""
        if len(message) == 7:
            found[int(message[4:])] = path
        else:
            unclear.append((path, message))
    equal(len(where.objects()), len(wanted), "objects")
    for i, path in found.items():
        check(i in wanted, f"nothing was to be kept of cut {i}")
        look(where, path, forms[i], wanted[i], f"cut {i} at {wanted[i]}")
    rest = [i for i in wanted if i not in found]
    equal(len(unclear), len(rest), "objects that were cut in the message")
    for i in rest:
        message = expected(forms[i], wanted[i])[0]
        check(len(message) <= 7, f"cut {i} at {wanted[i]} has no object")
    for path, message in unclear:
        check(b"cut 000".startswith(message[:4]), f"message {message!r}")
        equal(where.list(path)["complete"], False, "complete")
    where.forget()


@suite.test("cut at every edge of an upload, over TCP: what is kept")
def _():
    cut_everywhere(drop, 1)


@suite.test("cut at every other edge, over a unix socket: what is kept")
def _():
    cut_everywhere(local, 2)


@suite.test("cut before a file or a message had begun: nothing is kept")
def _():
    for where in (drop, local):
        before = where.snapshot()
        for ending in ("close", "reset", "half"):
            form = filled(where.token(), "000")
            for n in (0, 1, 100, len(form.pieces[0]) + 180,
                      sum(len(p) for p in form.pieces[:3])):
                cut_wire(where, form.head() + form.body()[:n], ending)
            cut_wire(where, form.head(), ending)
        where.idle()
        equal(where.snapshot(), before, "disk")


@suite.test("cut before the outlets: never sealed to one that was not ticked")
def _():
    two = Drop(newsrooms=2).start()

    def cut_after(text, filled=False):
        form = two.form().field("message", "for the second alone")
        form.field("outlet", two.newsrooms[1].id)
        if filled:
            form.file("one", b"1" * 1000)
        body = form.body()
        at = body.index(text) + len(text)
        with two.connect() as wire:
            wire.send(form.head() + body[:at])
            wait_for("it is let in", two.visits)
        two.idle()

    for text in (b"for the", b"second alone", b"second alone\r\n--",
                 b'name="outlet"', two.newsrooms[1].id.encode()[:-1]):
        cut_after(text)
        equal(two.objects(), [], f"objects, cut after {text}")
    # Nor does the page of a body that ends there claim anything.
    form = two.form().field("message", "for the second alone")
    cut = b"".join(form.pieces) + b"\r\n--" + form.boundary.encode()[:9]
    page = two.exchange(form.head(length=len(cut)) + cut)
    equal((page.status, page.state, page.reason), (400, "refused", "cut"),
          "answer")
    equal(two.objects(), [], "objects")
    # Once it is known, what has arrived is kept, for that one only.
    for filled in (False, True):
        cut_after(b"1" * 1000 if filled else two.newsrooms[1].id.encode()
                  + b"\r\n--" + Form().boundary.encode(), filled)
        (path,) = two.objects()
        equal(two.extract(path, 1).message, b"for the second alone", "message")
        equal(two.extract_status(path, 0)[0].returncode, 77, "the other")
        two.forget()
    equal(two.stop(), 0, "exit status")


@suite.test("all sent but the last delimiter, and the body ends: partial page")
def _():
    form = drop.form().field("message", "m").file("whole", b"1" * 5000)
    form.file("part", b"2" * 5000)
    form.closed = True
    page = drop.post(form)
    equal((page.status, page.state, page.reason), (200, "partial", "cut"),
          "answer")
    check("files that are sealed: <bdi>1</bdi>." in page.text(), "counts files")
    check(page.output("code"), "the code is shown")
    (path,) = drop.objects()
    out = drop.extract(path)
    equal([r["complete"] for r in out.records], [True, False], "files")
    equal(out.manifest["complete"], False, "complete")
    equal(out.read(0), b"1" * 5000, "first")
    drop.forget()
    form = drop.form().field("message", "")
    form.closed = True
    page = drop.post(form)
    equal((page.status, page.state, page.reason), (400, "refused", "cut"),
          "nothing had arrived")
    equal(drop.objects(), [], "objects")


@suite.test("L26: re-sent after a cut: replaces it, exactly one object is left")
def test_l26_resend():
    for where in (drop, local):
        where.forget()
        for share in (0.1, 0.5, 0.99):
            token = where.token()
            form = filled(token, "111")
            body = form.body()
            before = set(where.objects())
            cut_wire(where, form.head() + body[: int(len(body) * share)],
                     "close")
            (part,) = wait_for(
                "the part", lambda w=where, b=before: set(w.objects()) - b
            )
            equal(where.list(part)["complete"], False, "part")
            page = where.post(form)
            equal((page.status, page.state), (200, "sealed"), "answer")
            (path,) = set(where.objects()) - before
            check(path != part, "a new name")
            out = where.extract(path)
            equal(out.manifest["complete"], True, "complete")
            equal([out.read(i) for i in range(len(FILES))],
                  [data for _, data in FILES], "files")
            again = where.post(form)
            equal(again.output("code"), page.output("code"), "code")
            equal(set(where.objects()) - before, {path}, "after a third time")


@suite.test("cut twice: the longer one stays")
def _():
    drop.forget()
    form = filled(drop.token(), "222")
    body = form.body()
    sizes = []
    for share in (0.5, 0.1, 0.9, 0.6):
        # "half" waits for its visit, which "close" may come before.
        cut_wire(drop, form.head() + body[: int(len(body) * share)], "half")
        drop.idle()
        (path,) = drop.objects()
        sizes.append(os.path.getsize(path))
    equal(sizes[1], sizes[0], "after a shorter one")
    check(sizes[2] > sizes[0], "after a longer one")
    equal(sizes[3], sizes[2], "after a shorter one")
    (path,) = drop.objects()
    look(drop, path, form, int(len(body) * 0.9), "the longest")
    drop.forget()


@suite.test("an incomplete object that was collected: the whole one comes too")
def _():
    form = filled(drop.token(), "333")
    cut_wire(drop, form.head() + form.body()[:100000], "close")
    (path,) = wait_for("the part", drop.objects)
    drop.idle()
    os.unlink(path)
    equal(drop.post(form).state, "sealed", "answer")
    (path,) = drop.objects()
    equal(drop.list(path)["complete"], True, "complete")
    drop.forget()


@suite.test("L26: the same form twice at once: exactly one object")
def test_l26_twice_at_once():
    for pause in (0, 0, 0.02, 0.05, 0.3):
        token = drop.token()
        data = noise.randbytes(300000)
        form = Form(token).field("message", "twice").file("f", data).close()
        pieces = [form.head(), *form.pieces]

        def send(delay):
            time.sleep(delay)
            with drop.connect() as wire:
                wire.offer(pieces, pause=0.01)
                page = wire.response()
            # It waits for the first, and if that takes long it says so.
            return page if page.reason != "busy" else send(0)

        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            pages = list(pool.map(send, (0, pause, pause)))
        for page in pages:
            equal((page.status, page.state), (200, "sealed"), "answer")
        equal(len({page.output("code") for page in pages}), 1, "codes")
        drop.idle()
        (path,) = drop.objects()
        out = drop.extract(path)
        check(out.read(0) == data, "file")
        equal(out.manifest["complete"], True, "complete")
        drop.forget()


@suite.test("L26: the same form while the first is slow: 409, then one object")
def test_l26_busy():
    form = filled(drop.token(), "444")
    data = form.head() + form.body()
    with drop.connect() as slow:
        slow.send(data[:-1000])
        slow.taken()  # and has its draft
        page = drop.post(form)
        equal((page.status, page.state, page.reason), (409, "busy", "busy"),
              "the second")
        check("was not kept" in page.text(), "says what was kept")
        slow.send(data[-1000:])
        equal(slow.response().state, "sealed", "the first")
    equal(len(drop.objects()), 1, "objects")
    equal(drop.post(form).state, "sealed", "the second, again")
    equal(len(drop.objects()), 1, "objects")
    drop.forget()


@suite.test("cut while the second waits: the second completes it")
def _():
    form = filled(drop.token(), "555")
    data = form.head() + form.body()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        slow = drop.connect()
        slow.send(data[:-1000])
        slow.taken()
        second = pool.submit(drop.post, form)
        time.sleep(0.5)
        slow.reset()
        page = second.result()
    equal((page.status, page.state), (200, "sealed"), "answer")
    drop.idle()
    (path,) = drop.objects()
    equal(drop.list(path)["complete"], True, "complete")
    drop.forget()


@suite.test("SIGTERM within uploads: what arrived is sealed, then it ends with 0")
def _():
    for where in (drop, local):
        where.forget()
        said = where.said()
        wires, forms = [], []
        for i in range(3):
            form = filled(where.token(), f"66{i}")
            wire = where.connect()
            wire.send(form.head() + form.body()[:-2000 - i])
            wires.append(wire)
            forms.append(form)
        idle = where.connect()
        for wire in wires:
            wire.taken()
        began = time.monotonic()
        equal(where.stop(signal.SIGTERM), 0, "exit status")
        check(time.monotonic() - began < 40, "it took too long")
        for wire in wires + [idle]:
            check(wire.ended(), "a connection is still open")
            wire.close()
        equal(len(where.objects()), 3, "objects")
        for path in where.objects():
            i = int(where.extract(path).message[-1:])
            look(where, path, forms[i], forms[i].length() - 2000 - i, "term")
        equal(where.said(), said, "what it said")


@suite.test("the same when every process gets the signal, visits first")
def _():
    for how in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        drop.start()
        drop.forget()
        form = filled(drop.token(), "777")
        drop.idle()
        wire = drop.connect()
        wire.send(form.head() + form.body()[:-2000])
        wire.taken()
        for pid in (*drop.visits(), drop.role("store"), drop.role("door")):
            os.kill(pid, how)
        equal(drop.stop(how), 0, "exit status")
        check(wire.ended(), "the connection is still open")
        wire.close()
        (path,) = drop.objects()
        look(drop, path, form, form.length() - 2000, how.name)


@suite.test("a door that is leaving rests, whoever still knocks")
def _():
    drop.start()
    door = drop.role("door")
    with drop.connect() as first, drop.connect():
        first.send(b"GET /en/ HTTP/1.1\r\n")
        wait_for("both are let in", lambda: len(drop.visits()) == 2)
        stuck = drop.visits()
        for pid in stuck:
            os.kill(pid, signal.SIGSTOP)
        try:
            os.kill(door, signal.SIGTERM)
            time.sleep(0.5)
            with drop.connect():
                before = cpu_seconds(door)
                time.sleep(2)
                spent = cpu_seconds(door) - before
        finally:
            for pid in stuck:
                os.kill(pid, signal.SIGKILL)
    check(spent < 0.2, f"{spent} s of CPU in 2 s")
    equal(drop.stop(), 0, "exit status")


suite.run()
