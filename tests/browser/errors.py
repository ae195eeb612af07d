"""What goes wrong, as a source without JavaScript sees it: what is said, and
that there is exactly one object, or none.

usage: errors.py chromium|firefox
"""
import contextlib
import os
import random
import socket
import threading
import time

from web.browser import wanted
from web.source import STATUS, UPLOAD, Site, Source

from lib.drop import run
from lib.image import Image
from lib.tap import Skip, Suite, check, equal, wait_for
from lib.wire import Form

suite = Suite()
noise = random.Random(12)
browser = wanted()
LIMIT = 2 << 20
site = Site(max_upload="2 MiB").start()
source = Source(browser, site)


def test(text):
    def add(function):
        @suite.test(f"{browser.name}: {text}")
        def _():
            browser.open("about:blank")
            site.relay.rate = None
            site.idle()
            site.quiet()
            function()
        return function
    return add


def refused(reason, frame=None):
    shown = source.outcome("refused", frame)
    equal(shown.data("reason"), reason, f"reason ({shown.words})")
    return shown


def one_object():
    """The one there is, once nothing is arriving any more."""
    site.idle()
    equal(len(site.objects()), 1, "objects")
    return site.objects()[0]


def no_object():
    site.idle()
    equal(site.objects(), [], "objects")


def leave_page():
    """Away from it, so that nothing is sent again or followed."""
    browser.open("about:blank")
    site.relay.rate = None


@test("L26: too large: said within 2 s, long before all of it has been sent")
def test_l26_too_large_while_it_is_sent():
    path = site.write("large.bin", noise.randbytes(LIMIT * 2))
    source.open("send")
    source.fill("too much", path)
    site.relay.rate = 100000
    source.press_send()
    seen = source.until_tick("refused")
    equal(seen[-1][1], "too-large", f"reason ({seen[-1][2]})")
    check("2 MB" in seen[-1][2], f"the limit in {seen[-1][2]!r}")
    (status,) = site.relay.requests(r"GET /en/status\?u=")
    first = site.relay.posts()[0]
    check(first.up < LIMIT, "much had been sent by then")
    # On the wire, where a slow browser does not count.
    took = status.when(b'data-reason="too-large"') - first.head_at
    suite.figure(f"{browser.name}: too large was said after {took:.2f} s")
    check(took <= 2, f"it took {took:.2f} s")
    # The browser may send it again by itself, which must not harm.
    time.sleep(5)
    leave_page()
    suite.figure(f"{browser.name}: it was posted {len(site.relay.posts())} "
                 "times")
    no_object()


@test("too large, without frames: the page says so")
def _():
    path = site.write("large.bin", noise.randbytes(LIMIT * 2))
    source.open("send?plain=1")
    check(not browser.has("iframe"), "there is a frame")
    source.fill("too much", path)
    source.press_send()
    refused("too-large")
    leave_page()
    no_object()


@test("nothing to send: both frames say so")
def _():
    source.open("send")
    source.press_send()
    refused("empty", UPLOAD)
    source.until_tick("refused")
    equal(source.tick()[1], "empty", "reason in the status frame")
    no_object()


@test("a form from before a restart: the token is refused, a new form works")
def _():
    source.open("send")
    source.fill("too late")
    equal(site.stop(), 0, "exit status")
    site.start()
    source.press_send()
    refused("token", UPLOAD)
    no_object()
    source.open("send")
    source.send("in time")
    one_object()


@test("nothing can be kept now: said before anything is written, in each "
      "language; who has a code reads on")
def _():
    image = Image(64)
    store = os.path.join(image.at, "store")
    full = Site(store=store)
    full.store = store
    full.start()
    here = Source(browser, full)
    here.open("send")
    words = here.send("before")
    equal(full.stop(), 0, "exit status")
    ballast = os.path.join(image.at, "ballast")
    disk = os.statvfs(image.at)
    with open(ballast, "wb") as f:  # what is left is less than the reserve
        os.posix_fallocate(f.fileno(), 0,
                           disk.f_bavail * disk.f_frsize - (2 << 20))
    full.start()
    for language in ("en", "he", "ar"):
        here = Source(browser, full, language)
        here.open("send")
        equal(here.outcome("closed", None).data("reason"), "closed", "reason")
        check(not browser.has("form#send"), "a form to write into")
        check(not browser.has("iframe"), "a frame")
        equal(browser.one("html").attrs["lang"], language, "lang")
        here.enter(words)
        equal(here.state(), "waiting", "state")
    browser.open("about:blank")
    equal(full.stop(), 0, "exit status")


def token():
    return browser.all("form#send input[name=token]")[0].value


@test("L26: a form sent again from the history: one object for each token")
def test_l26_history():
    source.open("send?plain=1")
    tokens = [token()]
    codes = set()
    for message in ("once", "twice"):
        source.fill(message)
        browser.follow("form#send button[type=submit]")
        source.outcome("sealed", None)
        codes.add(source.code(None))
        browser.back()
        tokens.append(token())
    # Going back shows the same form, or a new one: no-store.
    forms = len(set(tokens[:2]))
    suite.figure(f"{browser.name}: going back shows "
                 f"{'a new form' if forms == 2 else 'the same form'}")
    site.idle()
    equal(len(codes), forms, "codes")
    equal(len(site.objects()), forms, "objects")


@test("L26: the receipt reloaded, which sends the form again: one object")
def test_l26_receipt_reloaded():
    path = site.write("file.bin", noise.randbytes(100000))
    source.open("send?plain=1")
    source.fill("reload", path)
    browser.follow("form#send button[type=submit]")
    words = source.code(None)
    site.relay.clear()
    for _ in range(3):
        browser.reload()
        source.outcome("sealed", None)
        equal(source.code(None), words, "code")
    equal(len(site.relay.posts()), 3, "posts")
    one_object()


@test("L26: double clicks on Send, 20 times: one object each")
def test_l26_double_clicks():
    posts = 0
    for i in range(20):
        site.forget()
        site.relay.clear()
        source.open("send" if i % 4 else "send?plain=1")
        source.fill(f"double {i}")
        browser.double_click("form#send button[type=submit]")
        source.outcome("sealed", UPLOAD if i % 4 else None)
        posts += len(site.relay.posts())
        equal(site.extract(one_object()).message, f"double {i}".encode(),
              "message")
    suite.figure(f"{browser.name}: 20 double clicks, {posts} posts, "
                 "one object each")


@test("a double click while it is slow: one object, and the receipt")
def _():
    path = site.write("slow.bin", noise.randbytes(300000))
    source.open("send")
    source.fill("slowly", path)
    site.relay.rate = 150000
    source.press_send()
    wait_for("it arrives", lambda: source.tick() and source.tick()[0]
             == "arriving")
    source.press_send()
    source.outcome("sealed")
    out = site.extract(one_object())
    equal(out.manifest["complete"], True, "complete")
    equal(len(out.read(0)), 300000, "bytes")


CUT_FILES = [
    ("ראשון.txt", "ראשון".encode() * 100),
    ("الثاني.txt", "الثاني".encode() * 100),
    ("third.bin", noise.randbytes(1200000)),
]


def send_and_cut(language):
    source = Source(browser, site, language)
    paths = [site.write(name, data) for name, data in CUT_FILES]
    source.open("send")
    source.fill("cut", *paths)
    site.relay.rate = 500000
    site.relay.cut_at = 600000
    source.press_send()
    return source


@test("L26: cut in the middle, and again at each try: which files are safe")
def test_l26_cut_names_what_is_safe():
    for language in ("en", "he", "ar"):
        browser.open("about:blank")
        site.quiet()
        where = send_and_cut(language)
        text = where.until_tick("partial")[-1][2]
        check("3" in text and "2" in text, f"2 of 3 in {text!r}")
        words = where.code(STATUS)[0]
        check(not browser.has("#outcome[data-state=sealed]", UPLOAD),
              "a receipt for all of it")
        wait_for("it has given up",
                 lambda: not any(p.open for p in site.relay.posts()))
        leave_page()
        suite.figure(f"{browser.name}: cut each time, it was posted "
                     f"{len(site.relay.posts())} times")
        out = site.extract(one_object())
        equal(out.manifest["complete"], False, "complete")
        equal([r["complete"] for r in out.records], [True, True, False],
              "files")
        equal([out.read(0), out.read(1)], [d for _, d in CUT_FILES[:2]],
              "the safe files")
        equal(out.names, [name for name, _ in CUT_FILES], "names")
        # The code leads to a thread, to send the rest.
        where.enter(words)
        equal(where.state(), "waiting", "state")


@test("L26: cut once; if the browser sends it again, that completes it")
def test_l26_browser_sends_again():
    send_and_cut("en")
    wait_for("it is cut",
             lambda: site.relay.posts() and not site.relay.posts()[0].open)
    site.relay.cut_at = site.relay.rate = None
    time.sleep(5)
    again = len(site.relay.posts()) > 1
    last = source.until_tick("sealed" if again else "partial")[-1]
    out = site.extract(one_object())
    equal(out.manifest["complete"], again, f"complete, after {last}")
    equal(out.records[2]["complete"], again, "the third file")
    suite.figure(f"{browser.name}: after a cut it "
                 f"{'sends' if again else 'does not send'} the form again by "
                 "itself")


@test("the same form is still arriving elsewhere: busy, and one object")
def _():
    source.open("send")
    form = Form(token()).field("message", "first").file("f", b"1" * 5000).close()
    body = form.body()
    with site.connect() as wire:
        wire.send(form.head(length=len(body)) + body[:-1000])
        source.fill("second")
        source.press_send()
        shown = source.outcome("busy")
        equal(shown.data("reason"), "busy", "reason")
        wire.send(body[-1000:])
        equal(wire.response().state, "sealed", "the first")
    equal(site.extract(one_object()).message, b"first", "message")


@test("L17: a wrong code: the word is named, the check word, the number")
def test_l17_fault_is_named():
    source.open("send")
    words = source.send("to return").split()
    source.enter(" ".join(words[:2] + ["zebrra"] + words[3:]))
    shown = refused("code")
    check("zebrra" in shown.text and "3" in shown.text, shown.words)
    # What was typed is still there, to be corrected.
    kept = browser.one("textarea[name=code]").value
    equal(kept.split(), words[:2] + ["zebrra"] + words[3:], "what was typed")
    named = shown.words
    source.enter_again(" ".join([words[1], words[0]] + words[2:]))
    if words[0] != words[1]:
        swapped = refused("code").words
        check(swapped != named, "another fault, the same text")
        check(words[0] not in swapped, "a word that is in the list is named")
    source.enter_again(" ".join(words[:7]))
    short = refused("code").words
    check(short not in (named, swapped), "another fault, the same text")
    source.enter_again(" ".join(words))
    equal(source.state(), "waiting", "state")


@test("L16: a code that nobody has: a thread like any other, no error")
def test_l16_code_that_nobody_has():
    source.open("send")
    mine = source.send("mine")
    source.enter(mine)
    own = browser.text()
    # Made by the site, and used by no one: one that was shown and not sent.
    source.open("send")
    source.fill("never", site.write("large.bin", noise.randbytes(LIMIT // 2)))
    site.relay.rate = 20000
    source.press_send()
    nobodys = source.code(STATUS)[0]
    leave_page()
    check(nobodys != mine, "two codes")
    source.enter(nobodys)
    equal(source.state(), "waiting", "state")
    equal(browser.text(), own, "what the page says")


@test("no such page, in a language or in none")
def _():
    for path in ("/en/nothing", "/xx/", "/favicon.ico", "/en/send/", "/EN/send",
                 "/keys/nobody.age", "/en/help?x=1"):
        browser.open(site.url + path)
        refused("not-found")
    for language in ("he", "ar"):
        browser.open(f"{site.url}/{language}/nothing")
        refused("not-found")
        equal(browser.one("html").attrs["lang"], language, "lang")


@test("each page is one request to one host, and leaves no cookie")
def _():
    for path in ("/", "/en/", "/he/return", "/ar/help", "/en/leave",
                 "/en/send?plain=1", "/en/nothing"):
        site.relay.clear()
        browser.open(site.url + path)
        browser.one("h1")
        time.sleep(0.5)
        equal([li.request for li in site.relay.requests("")], ["GET " + path],
              "requests")
        equal(browser.evaluate("return document.cookie"), "", "cookies")
    site.relay.clear()
    source.open("send")
    source.until_tick("waiting")
    equal(len(site.relay.requests("")), 2, "requests of form and status frame")


@contextlib.contextmanager
def elsewhere(html):
    """A page from another site, which posts to ours."""
    data = html.encode()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                wire, _ = listener.accept()
            except OSError:
                return
            with wire:
                wire.settimeout(10)
                with contextlib.suppress(OSError):
                    wire.recv(65536)
                    wire.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
                                 b"Content-Type: text/html\r\nContent-Length: "
                                 b"%d\r\n\r\n" % len(data) + data)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield "http://127.0.0.1:%d/" % listener.getsockname()[1]
    finally:
        listener.close()


FOREIGN = """<!DOCTYPE html><title>elsewhere</title><form method="post"
enctype="{kind}" action="{url}"><input name="token" value="{token}">
<input name="message" value="forged"><button>Go</button></form>"""
MULTIPART = "multipart/form-data"
PLAIN = "application/x-www-form-urlencoded"


@test("the wrong method: said so")
def _():
    for path in ("help", "leave", "", "status"):
        with elsewhere(FOREIGN.format(kind=PLAIN, token="",
                                      url=site.url + source.path(path))) as at:
            browser.open(at)
            browser.follow("button")
            shown = browser.one("#outcome")
            equal(shown.data("reason"), "method", f"POST {path}")
    browser.open(site.url + source.path("forget"))
    equal(browser.one("#outcome").data("reason"), "method", "GET forget")


@test("L27: a form on another site: refused, nothing sent, nothing deleted")
def test_l27_form_elsewhere():
    for path, kind in (("send", MULTIPART), ("forget", PLAIN),
                       ("return", PLAIN)):
        with elsewhere(FOREIGN.format(kind=kind, token="A" * 64,
                                      url=site.url + source.path(path))) as at:
            browser.open(at)
            browser.follow("button")
            shown = browser.one("#outcome")
            check(shown.data("state") == "refused", f"{path}: {shown.words}")
    no_object()


@test("the display stopped by its link: the upload goes on")
def _():
    path = site.write("slow.bin", noise.randbytes(400000))
    source.open("send")
    source.fill("", path)
    site.relay.rate = 100000
    source.press_send()
    wait_for("it arrives", lambda: source.tick() and source.tick()[0]
             == "arriving")
    browser.click('a[href*="status?stop="]', frame=STATUS)
    wait_for("it is stopped", lambda: source.tick() and source.tick()[0]
             == "stopped")
    check(not browser.has("#outcome", UPLOAD), "the upload had ended before")
    site.relay.rate = None
    source.outcome("sealed")
    equal(len(site.extract(one_object()).read(0)), 400000, "bytes")


@test("in a tab of its own: progress for an upload without frames")
def _():
    # What the site says of an upload, wherever it is shown.
    source.open("send")
    address = browser.all(STATUS)[0].attrs["src"]
    source.fill("both")
    source.press_send()
    source.outcome("sealed")
    browser.open(site.url + address)
    shown = browser.one(".tick")
    equal(shown.data("state"), "sealed", "state")


def small_disk():
    """A site whose store has 80 MiB."""
    if os.geteuid() != 0:
        raise Skip("needs root")
    full = Site(max_upload="1 GiB")
    os.mkdir(full.store, 0o700)
    mounted = run("mount", "-t", "tmpfs", "-o", "size=80m,mode=700", "tmpfs",
                  full.store)
    if mounted.returncode != 0:
        raise Skip("may not mount")
    suite.cleanup(lambda: run("umount", full.store))
    suite.cleanup(full.stop)
    return full.start()


@test("L24: no room: said before it is sent; a message still fits")
def test_l24_room_for_a_message():
    full = small_disk()
    where = Source(browser, full)
    path = full.write("huge.bin", bytes(100 << 20))
    where.open("send")
    where.fill("and a message", path)
    full.relay.rate = 2000000
    where.press_send()
    last = where.until_tick("refused")[-1]
    equal(last[1], "full", f"reason ({last[2]})")
    check(full.relay.posts()[0].up < 50 << 20, "most of it had been sent")
    leave_page()
    full.idle()
    equal(full.objects(), [], "objects")
    full.relay.rate = None
    where.open("send")
    where.send("a message")
    full.idle()
    equal(len(full.objects()), 1, "objects")


@test("the service ends with 0, and has said nothing")
def _():
    site.ends_well()


suite.run()
