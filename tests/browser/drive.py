"""The tools themselves: is JavaScript off in both browsers, and would these
tests see what they are looking for?"""
import http.server
import os
import threading
import time

from web.browser import start
from web.relay import Relay

from lib.drop import workplace
from lib.tap import Suite, check, equal, wait_for

suite = Suite()

PAGE = b"""<!DOCTYPE html><html lang="en"><title>t</title>
<style>button:focus-visible{outline:3px solid red}#no{display:none}</style>
<p id="script">off</p><script>document.getElementById("script").textContent =
"on"</script><noscript><p id="without">no script</p></noscript>
<p id="no">hidden</p><p id="state" data-state="a">one
two</p><a id="next" href="/next">next</a>
<form method="post" target="up" action="/take" enctype="multipart/form-data">
<textarea name="message"></textarea><input name="file" type="file" multiple>
<button>Send</button></form>
<iframe name="up" title="up"></iframe>
<iframe id="status" title="status" src="/slow"></iframe>"""
STRICT = "sandbox allow-forms allow-same-origin; default-src 'none'; " \
    "style-src 'unsafe-inline'; form-action 'self'; frame-src 'self'"


class Handler(http.server.BaseHTTPRequestHandler):
    taken = []
    strict = True
    tick = threading.Event()

    def log_message(self, *unused):
        pass

    def _head(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        if Handler.strict:
            self.send_header("Content-Security-Policy", STRICT)
        self.end_headers()

    def do_GET(self):
        self._head()
        if self.path == "/slow":
            self.wfile.write(b"<!DOCTYPE html><p class=tick>1</p>" + b" " * 2048)
            self.wfile.flush()
            Handler.tick.wait(60)
            self.wfile.write(b"<p class=tick>2</p>")
            return
        self.wfile.write(PAGE if self.path == "/" else b"<p id=here>next")

    def do_POST(self):
        try:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        except ConnectionResetError:
            self.close_connection = True
            return
        Handler.taken.append((self.path, body))
        self._head()
        self.wfile.write(b"<p id=outcome>taken</p>")


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
relay = Relay(server.server_address)
base = workplace()


def both(text):
    """A test for each browser."""
    def add(function):
        for name in ("chromium", "firefox"):
            suite.test(f"{name}: {text}")(lambda n=name: function(browser(n)))
    return add


running = {}


def browser(name):
    if name not in running:
        running[name] = start(name)
        suite.figure(running[name].version())
    return running[name]


@both("scripts do not run, with and without a Content-Security-Policy")
def _(page):
    for Handler.strict in (True, False):
        page.open(relay.base + "/")
        equal(page.one("#script").text, "off", "script")
        check(page.has("#without"), "noscript is not shown")
    Handler.strict = True


@both("what is hidden is not seen, and what is not there is not found")
def _(page):
    page.open(relay.base + "/")
    equal(page.seen("#no"), [], "hidden")
    equal(len(page.all("#no")), 1, "hidden, but there")
    equal(page.all("#absent"), [], "absent")
    equal(page.one("#state").data("state"), "a", "data")
    equal(page.one("#state").words, "one two", "text")


@both("links, back, reload")
def _(page):
    page.open(relay.base + "/")
    page.follow("#next")
    check(page.url().endswith("/next"), page.url())
    page.reload()
    page.one("#here")
    page.back()
    page.one("#state")


@both("a form into a frame, files with Hebrew and Arabic names, a live frame")
def _(page):
    Handler.taken.clear()
    Handler.tick.clear()
    names = ["סיכום.txt", "محضر.txt"]
    paths = [os.path.join(base, name) for name in names]
    for path in paths:
        with open(path, "wb") as f:
            f.write(os.path.basename(path).encode())
    page.open(relay.base + "/")
    page.type("textarea", "שלום wörld\nline")
    page.files("input[type=file]", paths)
    page.one(".tick", frame="#status")
    page.click("button")
    page.one("#outcome", frame="[name=up]")
    path, body = Handler.taken[0]
    equal(path, "/take", "path")
    for text in names + ["שלום wörld\r\nline"]:
        check(text.encode() in body, text)
    equal(len(page.all(".tick", "#status")), 1, "ticks before")
    Handler.tick.set()
    wait_for("a second tick", lambda: len(page.all(".tick", "#status")) == 2)


@both("a double click sends once or twice, the keyboard reaches the button")
def _(page):
    page.open(relay.base + "/")
    Handler.taken.clear()
    page.double_click("button")
    page.one("#outcome", frame="[name=up]")
    check(len(Handler.taken) in (1, 2), f"{len(Handler.taken)} times")
    page.open(relay.base + "/")
    seen = []
    for _ in range(12):
        page.key("Tab")
        focus = page.evaluate("return [document.activeElement.localName,"
                              "getComputedStyle(document.activeElement)"
                              ".outlineStyle]")
        seen.append(tuple(focus))
    check(("button", "solid") in seen, f"focus: {seen}")


@both("the line is slow when told, can be cut, and the request is counted")
def _(page):
    Handler.taken.clear()
    path = os.path.join(base, "large.bin")
    with open(path, "wb") as f:
        f.write(bytes(400000))
    page.open(relay.base + "/")
    page.files("input[type=file]", [path])
    relay.clear()
    relay.rate = 200000
    began = time.monotonic()
    page.click("button")
    page.one("#outcome", frame="[name=up]")
    check(time.monotonic() - began > 1.5, "400 kB at 200 kB/s were too fast")
    relay.clear()
    relay.cut_at = 100000
    Handler.taken.clear()
    page.open(relay.base + "/")
    page.files("input[type=file]", [path])
    page.click("button")
    wait_for("it is cut", lambda: relay.posts() and not relay.posts()[0].open)
    # A browser may send the whole of it again, by itself: that is cut too.
    equal(page.seen("#outcome", "[name=up]"), [], "outcome")
    equal(Handler.taken, [], "taken")
    page.open("about:blank")
    wait_for("no POST is left", lambda: not any(p.open for p in relay.posts()))
    relay.rate = relay.cut_at = None


@suite.test("chromium: pictures of both schemes, at a width, of what arrived")
def _():
    page = browser("chromium")
    page.documents()
    page.open(relay.base + "/next")
    (document,) = page.documents()
    equal(document["body"], "<p id=here>next", "the document on the wire")
    sizes = set()
    for scheme in ("light", "dark"):
        page.media(scheme)
        page.size(360)
        equal(page.evaluate("return innerWidth"), 360, "width")
        dark = page.evaluate(
            "return matchMedia('(prefers-color-scheme:dark)').matches"
        )
        equal(dark, scheme == "dark", "scheme")
        path = os.path.join(base, scheme + ".png")
        page.shot(path)
        sizes.add(os.path.getsize(path))
    check(all(sizes), "empty pictures")
    page.media()
    page.size(1280)


suite.run()
