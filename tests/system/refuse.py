"""What is not taken: the page says so, and the disk is as it was before."""
import ctypes
import errno
import os
import shutil
import time

from lib.drop import Drop, need_root, processes, run
from lib.tap import Skip, Suite, check, equal, wait_for
from lib.wire import Form, get

MiB = 1 << 20

suite = Suite()
drop = Drop(max_upload="4 MiB", max_message=50).start()


def unchanged(send, status, reason, state="refused", where=drop):
    """`send` is answered like this and leaves nothing behind."""
    before = where.snapshot()
    page = send()
    equal((page.status, page.state, page.reason), (status, state, reason),
          "answer")
    check(page.whole, "the page is not whole")
    text = page.text()
    check("othing was kept" in text or "was not kept" in text,
          "says what was kept")
    check('href="/en/send"' in text, "says where to go on")
    where.idle()
    equal(where.snapshot(), before, "L25: the disk")
    return page


def refused(form, status, reason):
    return unchanged(lambda: drop.post(form), status, reason)


@suite.test("no token, an empty one, a short, a long and a wrong one: 403")
def _():
    good = drop.token()
    wrong = ("A" if good[40] != "A" else "B").join((good[:40], good[41:]))
    refused(Form().field("message", "no token"), 403, "token")
    for token in ("", "x", good[:-1], good + "A", "=" * 180, wrong, "A" * 600,
                  good + "\n", " " + good[1:], good.lower(), "\0" * 180):
        refused(Form(token).field("message", "x"), 403, "token")
        refused(Form(token).file("f", b"x" * 100000), 403, "token")


@suite.test("a token of another instance: 403")
def _():
    other = Drop().start()
    token = other.token()
    form = Form(token).field("message", "elsewhere")
    refused(form, 403, "token")
    equal(other.post(Form(token).field("message", "home")).state, "sealed",
          "at home")
    equal(other.stop(), 0, "exit status")


@suite.test("L26: a spent token gives the same receipt, and stores nothing")
def test_l26_spent_token():
    token = drop.token()
    first = drop.post(Form(token).field("message", "once"))
    equal(first.state, "sealed", "state")
    before = drop.snapshot()
    for form in (
        Form(token).field("message", "once"),
        Form(token).field("message", "another text"),
        Form(token).file("f", b"x" * 300000),
    ):
        again = drop.post(form)
        equal((again.status, again.state), (200, "sealed"), "answer")
        equal(again.output("code"), first.output("code"), "code")
        equal(again.output("code-digits"), first.output("code-digits"), "code")
        check("It was not stored a second time" in again.text(),
              "says that it was not stored again")
        drop.idle()
        equal(drop.snapshot(), before, "disk")
    equal(len(drop.objects()), 1, "objects")
    drop.forget()


@suite.test("an empty submission: 400 empty")
def _():
    refused(drop.form(), 400, "empty")
    refused(drop.form().field("message", ""), 400, "empty")
    refused(drop.form().field("message", " \t\r\n \r\n"), 400, "empty")
    refused(drop.form().field("message", "").file("", b""), 400, "empty")
    refused(drop.form().field("outlet", "the-example-times"), 400, "empty")
    equal(drop.post(Form(drop.token()).raw(b"")).status, 400, "no part")
    form = Form()
    form.pieces = []
    refused(form, 403, "token")


@suite.test("a message over the limit counts characters, not bytes: 413")
def _():
    for letter in ("a", "é", "ש", "€", "😀"):
        page = drop.post(drop.form().field("message", letter * 50))
        equal(page.state, "sealed", f"50 of {letter}")
        refused(drop.form().field("message", letter * 51), 413, "too-large")
    # A line end that the browser sends as CR LF is one character.
    page = drop.post(drop.form().field("message", "x\r\n" * 25))
    equal(page.state, "sealed", "25 lines")
    refused(drop.form().field("message", "x\r\n" * 25 + "y"), 413,
            "too-large")
    refused(drop.form().field("message", "z" * 2 * MiB), 413, "too-large")
    refused(drop.form().field("message", "\r" * 60000), 413, "too-large")
    drop.forget()


@suite.test("a body over max_upload: 413 before any of it is sent")
def _():
    form = drop.form().file("big", b"")
    for length in (4 * MiB + 1, 1 << 40, (1 << 64) - 1):
        head = form.head(length=length)

        def send():
            with drop.connect() as wire:
                wire.send(head)
                return wire.response()

        page = unchanged(send, 413, "too-large")
        check("<bdi>4 MB</bdi>" in page.text(), "names the limit")
        equal(page.continued, 0, "no 100 Continue")
    head = form.head(length=1 << 40, extra="Expect: 100-continue\r\n")
    page = unchanged(lambda: drop.exchange(head), 413, "too-large")
    equal(page.continued, 0, "no 100 Continue")


@suite.test("L26: ... and the client that sends all of it sees the page too")
def test_l26_page_seen():
    data = os.urandom(MiB)
    for count in (5, 40):
        refused(drop.form().file("big", *[data] * count), 413, "too-large")


@suite.test("a body of exactly max_upload is taken")
def _():
    form = drop.form()
    form.file("full", b"")
    overhead = form.length()
    form = Form(drop.token()).file("full", b"x" * (4 * MiB - overhead))
    equal(form.length(), 4 * MiB, "length")
    equal(drop.post(form).state, "sealed", "state")
    drop.forget()


def disposition(text, extra=""):
    return f"Content-Disposition: {text}{extra}"


@suite.test("malformed multipart bodies: 400 form")
def _():
    good = 'form-data; name="message"'
    heads = [
        "",
        "Content-Disposition",
        disposition("form-data"),
        disposition("attachment; name=\"message\""),
        disposition("form-data; name=message"),
        disposition('form-data; name=""'),
        disposition('form-data; name="message'),
        disposition(good, "; name=\"message\""),
        disposition(good, "; other=\"x\""),
        disposition(good, "\r\nContent-Transfer-Encoding: base64"),
        disposition(good, "\r\n" + disposition(good)),
        disposition(good, "\r\nX Other: 1"),
        disposition(good, "\r\n folded: 1"),
        disposition(good, "\n"),
        disposition(good.replace("message", "mess\0age")),
        disposition('form-data; name="file"; filename*=UTF-8\'\'a'),
        disposition('form-data; name="file"; filename="a"; filename="b"'),
    ]
    for head in heads:
        form = drop.form()
        form.part(head, b"contents")
        refused(form, 400, "form")


@suite.test("broken delimiters: 400 form")
def _():
    boundary = b"----formboundary0123456789abcdef"
    token = drop.token()
    body = Form(token).field("message", "m").body()
    bodies = [
        b"preamble\r\n" + body,
        b"\r\n" + body,
        body + b"epilogue",
        body + b"\r\n",
        body.replace(b"--" + boundary + b"\r\n", b"--" + boundary + b" \r\n"),
        body.replace(b"--" + boundary + b"\r\n", b"--" + boundary + b"\n"),
        body.replace(b"--\r\n", b"-x\r\n"),
        body[1:],
        b"x" * 1000,
    ]
    for data in bodies:
        form = Form()
        form.closed = True
        form.raw(data)
        refused(form, 400, "form")


@suite.test("a Content-Type that is not the form's: 400 form")
def _():
    token = drop.token()
    for kind in (
        "multipart/form-data", "multipart/form-data; boundary=",
        "application/x-www-form-urlencoded", "text/plain",
        "multipart/mixed; boundary=x", "multipart/form-data; boundary=\"x",
        "multipart/form-data; boundary=x; boundary=y",
        "multipart/form-data; boundary=" + "b" * 71,
    ):
        body = Form(token, boundary="x").field("message", "m").body()
        head = (
            f"POST /en/send HTTP/1.1\r\nHost: d\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode()
        unchanged(lambda: drop.exchange(head + body), 400, "form")
    head = f"POST /en/send HTTP/1.1\r\nHost: d\r\nContent-Length: {len(body)}"
    data = head.encode() + b"\r\n\r\n" + body
    unchanged(lambda: drop.exchange(data), 400, "form")


@suite.test("unknown and repeated fields, a file where none belongs: 400 form")
def _():
    for name in ("other", "Message", "files", "file[]", "csrf"):
        refused(drop.form().field(name, "x").field("message", "m"), 400,
                "form")
    token = drop.token()
    refused(Form(token).field("token", token).field("message", "m"), 400,
            "form")
    refused(drop.form().field("message", "a").field("message", "b"), 400,
            "form")
    for field in ("message", "outlet"):
        refused(drop.form().file("a.txt", b"x", field=field), 400, "form")
    refused(Form().file("t", token.encode(), field="token"), 400, "form")


@suite.test("a file field without a filename: 400 form")
def _():
    refused(drop.form().field("file", "contents"), 400, "form")


@suite.test("L25: refused after a whole file had been taken: nothing stays")
def test_l25_late_refusal():
    data = os.urandom(700000)
    refused(drop.form().file("first", data).field("other", "x"), 400, "form")
    refused(drop.form().file("first", data).part("broken"), 400, "form")
    refused(drop.form().file("first", data).field("message", "a" * 51), 413,
            "too-large")
    # ... with megabytes behind it, which the client sends to their end
    form = drop.form().file("first", data).field("other", "x")
    refused(form.file("rest", *[data] * 4), 400, "form")


@suite.test("more than 999 files, and more parts than there may be: 413")
def _():
    form = drop.form()
    for i in range(1000):
        form.file(f"{i}", b"x")
    refused(form, 413, "too-large")
    form = drop.form().field("message", "m")
    for _ in range(1101):
        form.file("", b"")
    refused(form, 413, "too-large")


@suite.test("unknown routes: 404; a form posted to another address: 404, 405")
def _():
    for path in ("/x", "/en", "/en/send/", "/en//send", "/xx/send", "/en/send?",
                 "/en/send?a=b", "/en/sent", "/keys/", "/keys/x.age", "/en/../en/send", "/favicon.ico",
                 "/robots.txt", "/index.html", "/EN/send", "/.", "/en/send.",
                 "/%65n/send", "/en/send;x", "*"):
        if path == "/en/send?":
            continue  # an empty query is none
        unchanged(lambda: drop.get(path), 404, "not-found")
    form = drop.form().field("message", "m")
    unchanged(lambda: drop.exchange(form.request(path="/x")), 404,
              "not-found")
    unchanged(lambda: drop.exchange(form.request(path="/en/send?a")), 404,
              "not-found")
    for path in ("/", "/en/"):
        unchanged(lambda: drop.exchange(form.request(path=path)), 405,
                  "method")


@suite.test("other methods: 405")
def _():
    for method in ("PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT",
                   "get", "post", "PROPFIND", "X"):
        unchanged(lambda: drop.exchange(get("/en/send", method)), 405,
                  "method")


# --- cards -------------------------------------------------------------------


def does_not_start(other, *words):
    """Exit 78, nothing made, and a message with these words; the check of the
    configuration says the same."""
    other.launch()
    equal(other.process.wait(30), 78, "exit status")
    said = other.said()
    other.stop()
    for word in words:
        check(word in said, f"{word!r} is not in {said!r}")
    check(not os.path.exists(other.store), "it made a store")
    checked = run("env", "-", os.path.join(os.environ.get("KNOTHOLE_BUILD",
                  "build"), "bin/knotholed"), "--check-config", "-c",
                  other.config)
    equal(checked.returncode, 78, "exit status of --check-config")
    equal(checked.stderr.decode(), said, "--check-config says")


@suite.test("L7: no card, no start (78)")
def test_l7_no_card():
    other = Drop()
    card = os.path.join(other.cards, "the-example-times.card")
    os.unlink(card)
    does_not_start(other, other.cards, "no NAME.card", "knothole keygen")
    os.rmdir(other.cards)
    does_not_start(other, other.cards, "No such file")


@suite.test("L7: a malformed card among good ones, no start (78)")
def test_l7_malformed():
    for spoil in (
        lambda text: b"",
        lambda text: b"\0" * 100,
        lambda text: text[:100],
        lambda text: text + b"\n",
        lambda text: text.replace(b"language = en\n", b""),
        lambda text: text.replace(b"knothole-card = 1", b"knothole-card = 2"),
        lambda text: text * 400,
    ):
        other = Drop(newsrooms=2)
        path = os.path.join(other.cards, "zeitung.card")
        with open(path, "rb") as f:
            text = f.read()
        with open(path, "wb") as f:
            f.write(spoil(text))
        does_not_start(other, "zeitung.card", "not a valid newsroom card")


@suite.test("L7: an unsigned or altered card, no start (78)")
def test_l7_unsigned():
    for spoil in (
        lambda text: text[:text.index(b"untrusted")],
        lambda text: text.replace(b"Zeitung\n", b"Zeitunh\n", 1),
        lambda text: text.replace(b" 2", b" 1", 1),
        lambda text: text.replace(b"trusted comment: Z",
                                  b"trusted comment: X"),
    ):
        other = Drop(newsrooms=2)
        path = os.path.join(other.cards, "zeitung.card")
        with open(path, "rb") as f:
            text = f.read()
        with open(path, "wb") as f:
            f.write(spoil(text))
        check(spoil(text) != text, "the card was not changed")
        does_not_start(other, "zeitung.card", "not a valid newsroom card")


def signed_card(other, name, first, last):
    """A card with these days, signed with stock minisign."""
    if shutil.which("minisign") is None:
        raise Skip("minisign is not installed")
    where = os.path.join(other.desk, "minisign")
    os.makedirs(where, exist_ok=True)
    key, public, body = (os.path.join(where, n) for n in "sk pk body".split())
    made = run("minisign", "-G", "-f", "-W", "-s", key, "-p", public)
    equal(made.returncode, 0, f"minisign -G: {made.stderr}")
    with open(public, encoding="ascii") as f:
        signing_key = f.read().splitlines()[1]
    recipient = other.newsrooms[0].recipient
    with open(body, "w", encoding="ascii") as f:
        f.write("knothole-card = 1\nname = Late\nlanguage = en\n"
                f"signing_key = {signing_key}\n"
                f"recipient = {recipient} {first} {last}\n")
    made = run("minisign", "-S", "-s", key, "-m", body, "-t", "Late")
    equal(made.returncode, 0, f"minisign -S: {made.stderr}")
    with open(os.path.join(other.cards, name), "wb") as out:
        for part in (body, body + ".minisig"):
            with open(part, "rb") as f:
                out.write(f.read())


@suite.test("L7, L12: an expired or future card, no start (78); a valid one")
def test_l7_l12_expired():
    day = 86400
    now = time.time()

    def on(offset):
        return time.strftime("%Y-%m-%d", time.gmtime(now + offset * day))

    for first, last in ((on(-400), on(-2)), (on(3), on(400))):
        other = Drop()
        signed_card(other, "late.card", first, last)
        does_not_start(other, "late.card", "no key on this card is valid")
    other = Drop()
    signed_card(other, "late.card", on(-1), on(1))
    other.start()
    page = other.get("/en/send").text()
    check('value="late"' in page, "the good card is offered")
    other.stop()


@suite.test("a card under a wrong name, or the same newsroom twice: 78")
def _():
    other = Drop()
    card = os.path.join(other.cards, "the-example-times.card")
    shutil.copy(card, os.path.join(other.cards, "again.card"))
    does_not_start(other, "again.card", "the-example-times.card", "same")
    other = Drop()
    shutil.copy(card := os.path.join(other.cards, "the-example-times.card"),
                os.path.join(other.cards, "Not Good.card"))
    does_not_start(other, "Not Good.card")


# --- a full disk -------------------------------------------------------------

CLONE_NEWNS = 0x20000
ROOM = 80 * MiB
RESERVE = ROOM // 8  # what the store leaves alone on a disk this small


def small_disk():
    """A drop whose store is on 80 MiB; its mount is seen by nobody else."""
    need_root()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise Skip("may not make a mount namespace")
    if run("mount", "--make-rprivate", "/").returncode != 0:
        raise Skip("may not change mounts")
    full = Drop(max_upload="1 GiB")
    os.mkdir(full.store, 0o700)
    mounted = run("mount", "-t", "tmpfs", "-o", f"size={ROOM},mode=700",
                  "tmpfs", full.store)
    if mounted.returncode != 0:
        raise Skip("may not mount")
    return full.start()


class Full:
    drop = None


def full_drop():
    if Full.drop is None:
        Full.drop = small_disk()
    return Full.drop


def fill(full, leave):
    """Take all space but `leave` bytes."""
    path = os.path.join(full.store, "filler")
    status = os.statvfs(full.store)
    take = status.f_bavail * status.f_frsize - leave
    with open(path, "ab", buffering=0) as f:
        try:
            while take > 0:
                take -= f.write(bytes(min(take, MiB)))
        except OSError as error:  # an upload has taken some of it meanwhile
            equal(error.errno, errno.ENOSPC, "filling the disk")


def empty(full):
    full.idle()  # a visit that is still ending would hold its space
    path = os.path.join(full.store, "filler")
    if os.path.exists(path):
        os.unlink(path)
    full.forget()


@suite.test("L24: what does not fit is refused from its head: 507 full")
def test_l24_before():
    full = full_drop()
    form = full.form().file("big", b"")
    for length in (64 * MiB, 100 * MiB, 1 << 30):
        head = form.head(length=length)

        def send():
            with full.connect() as wire:
                wire.send(head)
                return wire.response()

        page = unchanged(send, 507, "full", where=full)
        check("A message without files may still fit" in page.text(),
              "says that a message is possible")
    page = full.post(full.form().file("fits", bytes(4 * MiB)))
    equal(page.state, "sealed", "what fits")
    empty(full)


@suite.test("L24: ... and a message is still possible then")
def test_l24_message():
    full = full_drop()
    fill(full, RESERVE + 400000)
    form = full.form().file("big", bytes(2 * MiB))
    unchanged(lambda: full.post(form), 507, "full", where=full)
    page = full.post(full.form().field("message", "still here"))
    equal(page.state, "sealed", "a message")
    (path,) = full.objects()
    equal(full.extract(path).message, b"still here", "message")
    empty(full)


@suite.test("L24: who announces a large upload does not keep messages out")
def test_l24_announced():
    full = full_drop()
    status = os.statvfs(full.store)
    room = status.f_bavail * status.f_frsize - RESERVE
    length = (room - 65536 - 16384) * 8 // 9  # all but some KiB of it
    with full.connect() as wire:
        wire.send(full.form().head(length=length))
        wire.taken()
        form = full.form().file("large", bytes(8 * MiB))
        equal(full.post(form).reason, "full", "what was promised is kept")
        form = full.form().field("message", "a word beside it")
        equal(full.post(form).state, "sealed", "a message")
    empty(full)


@suite.test("L24: the space goes while a file arrives: 507, nothing stays")
def test_l24_midway():
    full = full_drop()
    data = os.urandom(MiB)
    form = full.form().file("first", data).file("second", *[data] * 8)
    request = [form.head(), *form.pieces]
    with full.connect() as wire:
        for piece in request[:8]:
            wire.send(piece)

        def drafted():
            return os.statvfs(full.store).f_bfree * 4096 < ROOM - 2 * MiB

        wait_for("the draft grows", drafted)
        before = full.objects()
        fill(full, 0)
        check(wire.offer(request[8:]), "the server hung up")
        page = wire.response()
    equal((page.status, page.state, page.reason), (507, "refused", "full"),
          "answer")
    check("Nothing was kept" in page.text(), "says what was kept")
    full.idle()
    equal(full.objects(), before, "objects")
    os.unlink(os.path.join(full.store, "filler"))
    used = ROOM - os.statvfs(full.store).f_bfree * 4096
    check(used < 100000, f"{used} bytes are still taken")
    page = full.post(full.form().field("message", "and on"))
    equal(page.state, "sealed", "the next one")
    empty(full)


@suite.test("L24: no space for anything: 507, and the service goes on")
def test_l24_none():
    full = full_drop()
    form = full.form().field("message", "no room at all")
    fill(full, 0)
    unchanged(lambda: full.post(form), 507, "full", where=full)
    empty(full)
    equal(full.post(form).state, "sealed", "the same form, later")
    equal(full.stop(), 0, "exit status")
    run("umount", full.store)


@suite.test("after all of this the service still works, and ends with 0")
def _():
    drop.forget()
    page = drop.post(drop.form().field("message", "fine").file("f", b"fine"))
    equal(page.state, "sealed", "state")
    (path,) = drop.objects()
    equal(drop.extract(path).message, b"fine", "message")
    equal(len(processes(drop.process.pid)), 2, "roles")
    drop.ends_well()


suite.run()
