"""Every route, in every language, with every error: the same header fields with
the same values, the same number of bytes, and nothing that is not listed."""
import base64
import hashlib
import re

from lib.drop import LANGUAGES, Drop
from lib.tap import Suite, check, equal
from lib.thread import enter
from lib.wire import Form, Stream, get, small

# What stands in the head of every answer: names, values and their order.
# "%s" is the hash of the style sheet.
GOLDEN = [
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy",
     "sandbox allow-forms allow-same-origin; default-src 'none'; "
     "style-src 'sha256-%s'; img-src data:; form-action 'self'; "
     "frame-src 'self'; frame-ancestors 'self'; base-uri 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "SAMEORIGIN"),
    ("X-Robots-Tag", "noindex, nofollow"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Embedder-Policy", "require-corp"),
    ("Permissions-Policy",
     "accelerometer=(), camera=(), clipboard-read=(), display-capture=(), "
     "fullscreen=(), geolocation=(), gyroscope=(), hid=(), magnetometer=(), "
     "microphone=(), midi=(), payment=(), serial=(), usb=(), "
     "xr-spatial-tracking=()"),
]
BUDGET = 15000

suite = Suite()
drop = Drop(newsrooms=3, max_upload="8 MiB").start()
ONION = "exampleexampleexampleexampleexampleexampleexampleexample.onion"
closed = Drop(newsrooms=3, onion_address=ONION).start()


def style_hash():
    page = drop.get("/en/").text()
    style = re.search(r"<style>(.*?)</style>", page, re.S)[1]
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


HASH = style_hash()


def golden(name, page, kind="text/html", clear=False, length=True):
    """Exactly these fields."""
    wanted = {n: v % HASH if "%s" in v else v for n, v in GOLDEN}
    wanted["Content-Type"] = f"{kind}; charset=utf-8"
    wanted["Connection"] = "close"
    if length:
        wanted["Content-Length"] = page.header("Content-Length")
    else:
        wanted["Transfer-Encoding"] = "chunked"
    if clear:
        wanted["Clear-Site-Data"] = '"*"'
    equal(len(page.headers), len({n.lower() for n, _ in page.headers}),
          f"{name}: a field twice")
    equal(dict(page.headers), wanted, f"{name}: fields")


def sealed(lang):
    form = Form(drop.token(lang)).field("message", "x")
    return drop.exchange(form.request(path=f"/{lang}/send"))


def cut(lang):
    form = Form(drop.token(lang)).file("f", b"data")
    form.closed = True
    return drop.exchange(form.request(path=f"/{lang}/send"))


def again(lang):
    form = Form(drop.token(lang)).field("message", "m")
    drop.exchange(form.request(path=f"/{lang}/send"))
    return drop.exchange(form.request(path=f"/{lang}/send"))


def framed(lang):
    own, shown = drop.tokens(lang)
    form = Form(own).field("message", "m")
    return drop.exchange(form.request(path=f"/{lang}/send?u={shown}"))


def too_large(lang):
    _, shown = drop.tokens(lang)
    return drop.exchange(Form("x").head(
        length=1 << 40, path=f"/{lang}/send?u={shown}"))


def code(lang):
    return sealed(lang).output("code")


def forgotten(lang):
    one = code(lang)
    drop.answer(one, 0, text="to be deleted")
    token = enter(drop, one, lang).forget_token
    return drop.post_small(f"/{lang}/forget", token=token)


def answered(lang, text):
    one = code(lang)
    drop.answer(one, 0, kind="received")
    if text:
        drop.answer(one, 1, text=text)
    return drop.post_small(f"/{lang}/return", code=one)


def post(path, body=b"x", kind="text/plain"):
    return drop.exchange(
        f"POST {path} HTTP/1.1\r\nHost: d\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode() + body)


WORDS = "abacus abdomen zoom cone outspoken drop-down t-shirt "

# (name, status, what brings it about in this language)
KINDS = [
    ("check", 200, lambda l: drop.get(f"/{l}/")),
    ("form", 200, lambda l: drop.get(f"/{l}/send")),
    ("plain form", 200, lambda l: drop.get(f"/{l}/send?plain=1")),
    ("asked form", 200, lambda l: drop.get(
        f"/{l}/send?device=own&network=own&browser=tor")),
    ("stop, one", 200, lambda l: drop.get(
        f"/{l}/send?device=work&network=own&browser=tor")),
    ("stop, all", 200, lambda l: drop.get(
        f"/{l}/send?device=work&network=work&browser=other")),
    ("stop, missing", 200, lambda l: drop.get(f"/{l}/send?device=own")),
    ("status stopped", 200, lambda l: drop.get(f"/{l}/status?stop=1")),
    ("status alone", 200, lambda l: drop.get(f"/{l}/status")),
    ("status, wrong token", 200, lambda l: drop.get(f"/{l}/status?u=x")),
    ("return", 200, lambda l: drop.get(f"/{l}/return")),
    ("help", 200, lambda l: drop.get(f"/{l}/help")),
    ("leave", 200, lambda l: drop.get(f"/{l}/leave")),
    ("sealed", 200, sealed),
    ("again", 200, again),
    ("partial", 200, cut),
    ("framed receipt", 200, framed),
    ("thread, waiting", 200, lambda l: drop.post_small(
        f"/{l}/return", code=code(l))),
    ("thread, collected", 200, lambda l: answered(l, None)),
    ("thread, answered", 200, lambda l: answered(l, "short")),
    ("thread, long", 200, lambda l: answered(l, "Long \"one\". " * 5000)),
    ("forgotten", 200, forgotten),
    ("word", 400, lambda l: drop.post_small(
        f"/{l}/return", code=WORDS + "qwertz")),
    ("check word", 400, lambda l: drop.post_small(
        f"/{l}/return", code=WORDS + "abacus")),
    ("count", 400, lambda l: drop.post_small(f"/{l}/return", code="abacus")),
    ("long code", 400, lambda l: drop.post_small(
        f"/{l}/return", code="x" * 1000)),
    ("no code", 403, lambda l: drop.post_small(f"/{l}/return")),
    ("thread token", 403, lambda l: drop.post_small(
        f"/{l}/return", token="x")),
    ("forget token", 403, lambda l: drop.post_small(
        f"/{l}/forget", token="x" * 180)),
    ("forget nothing", 403, lambda l: drop.post_small(f"/{l}/forget")),
    ("small form", 400, lambda l: drop.post_small(f"/{l}/return", other="x")),
    ("small type", 400, lambda l: post(f"/{l}/return")),
    ("small too large", 413, lambda l: post(
        f"/{l}/return", b"x" * 8193, "application/x-www-form-urlencoded")),
    ("token", 403, lambda l: drop.exchange(
        Form("x").field("message", "m").request(path=f"/{l}/send"))),
    ("status token in send", 403, lambda l: drop.exchange(
        Form("x").request(path=f"/{l}/send?u=abc"))),
    ("empty", 400, lambda l: drop.exchange(
        Form(drop.token(l)).request(path=f"/{l}/send"))),
    ("form damaged", 400, lambda l: drop.exchange(
        Form(drop.token(l)).field("x", "m").request(path=f"/{l}/send"))),
    ("type", 400, lambda l: post(f"/{l}/send")),
    ("too large", 413, too_large),
    ("404", 404, lambda l: drop.get(f"/{l}/nothing")),
    ("404 post", 404, lambda l: post(f"/{l}/nothing")),
    ("404 query", 404, lambda l: drop.get(f"/{l}/help?u=1")),
    ("405 post", 405, lambda l: post(f"/{l}/help")),
    ("405 get", 405, lambda l: drop.get(f"/{l}/forget")),
    ("proxy", 403, lambda l: drop.exchange(
        get(f"/{l}/", extra="X-Tor2web: 1\r\n"))),
    ("proxy name", 403, lambda l: closed.exchange(
        f"GET /{l}/ HTTP/1.1\r\nHost: drop.example\r\n\r\n".encode())),
]
# What has no language of its own.
ALONE = [
    ("/", 200, lambda: drop.get("/")),
    ("404 root", 404, lambda: drop.get("/nothing")),
    ("405 root", 405, lambda: post("/")),
    ("405 method", 405, lambda: drop.exchange(get("/en/", "PUT"))),
    ("400 head", 400, lambda: drop.exchange(b"GET / HTTP/1.1\r\n\r\n")),
    ("411", 411, lambda: drop.exchange(
        b"POST /en/send HTTP/1.1\r\nHost: d\r\n\r\n")),
    ("417", 417, lambda: drop.exchange(get("/", extra="Expect: x\r\n"))),
    ("431", 431, lambda: drop.exchange(b"G" * 8192)),
    ("501", 501, lambda: drop.exchange(
        b"POST /en/send HTTP/1.1\r\nHost: d\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n")),
    ("505", 505, lambda: drop.exchange(b"GET / HTTP/1.0\r\nHost: d\r\n\r\n")),
]


class Seen:
    """Every kind in every language, fetched once."""

    pages = {}


def pages():
    if not Seen.pages:
        for name, status, bring in KINDS:
            for lang in LANGUAGES:
                page = bring(lang)
                equal(page.status, status, f"status of {name} in {lang}")
                Seen.pages[name, lang] = page
        for name, status, bring in ALONE:
            page = bring()
            equal(page.status, status, f"status of {name}")
            Seen.pages[name, "en"] = page
    return Seen.pages


@suite.test("L27: exactly these header fields on every route, language and error")
def test_l27_golden():
    for (name, lang), page in pages().items():
        golden(f"{name} in {lang}", page, clear=name == "leave")
        check(page.whole, f"{name} in {lang} is not whole")
    equal(len(pages()), len(KINDS) * len(LANGUAGES) + len(ALONE), "pages")


@suite.test("L27: ... and on the display of progress, and on the key files")
def test_l27_golden_others():
    for lang in LANGUAGES:
        _, shown = drop.tokens(lang)
        with drop.connect() as wire:
            stream = Stream(wire, f"/{lang}/status?u={shown}")
            equal(stream.status, 200, "status")
            golden(f"status in {lang}", Headers(stream.headers), length=False)
    for newsroom in drop.newsrooms:
        page = drop.get(f"/keys/{newsroom.id}.age")
        equal(page.status, 200, "status")
        golden(f"key of {newsroom.id}", page, kind="text/plain")
        check(newsroom.recipient in page.text(), "the key")
        equal(len(page.body), 1024, "bytes")


class Headers:
    def __init__(self, headers):
        self.headers = headers


@suite.test("L14: no cookie, no validator, no clock, no version anywhere")
def test_l14_no_cookie():
    for (name, lang), page in pages().items():
        head = page.raw[:-len(page.body)].decode("latin-1").lower()
        for word in ("cookie", "etag", "last-modified", "\ndate", "\nserver",
                     "\nlocation", "refresh", "\nage", "expires", "microhttpd",
                     "knothole", "http/1.0"):
            check(word not in head, f"{word!r} in {name} ({lang})")
        check(b"http-equiv" not in page.body, f"{name}: http-equiv")
        check(b"<script" not in page.body, f"{name}: a script")


@suite.test("L28: each kind is the same number of bytes in all languages")
def test_l28_lengths():
    lengths = {}
    for (name, lang), page in pages().items():
        lengths.setdefault(name, {}).setdefault(len(page.raw), []).append(lang)
    for name, seen in lengths.items():
        equal(len(seen), 1, f"{name}: bytes, header included: {seen}")
    most = max(max(seen) for seen in lengths.values())
    check(most <= BUDGET, f"the longest answer has {most} bytes")
    suite.figure(f"every answer at most {most} bytes, header included")


@suite.test("L28: every page has the same number of bytes, whatever it says")
def test_l28_all_pages():
    bodies, heads = {}, {}
    for (name, lang), page in pages().items():
        bodies.setdefault(len(page.body), set()).add(name)
        if page.status == 200 and name != "leave":
            heads.setdefault(len(page.raw), set()).add(name)
    equal(len(bodies), 1, f"lengths of bodies: {bodies}")
    equal(len(heads), 1, f"lengths of whole answers: {heads}")


@suite.test("L28: the language comes from the path alone")
def test_l28_language():
    for lang in LANGUAGES:
        for accept in ("he", "ar;q=1, *;q=0.1", "de-DE,de"):
            page = drop.exchange(
                get(f"/{lang}/help", extra=f"Accept-Language: {accept}\r\n"))
            equal(page.body, drop.get(f"/{lang}/help").body, "the page")
        text = pages()["help", lang].text()
        rtl = lang in ("he", "ar", "fa")
        check(f'<html lang="{lang}" dir="{"rtl" if rtl else "ltr"}">' in text,
              f"lang and dir of {lang}")
    root = drop.get("/")
    other = drop.exchange(get("/", extra="Accept-Language: he\r\n"))
    equal(other.body, root.body, "the first page")
    for lang in LANGUAGES:
        check(f'href="/{lang}/"' in root.text(), f"a way to {lang}")


@suite.test("each error says what, and in the language of its address")
def _():
    text = {}
    for (name, lang), page in pages().items():
        if page.status == 200:
            continue
        check(page.reason, f"{name} in {lang}: no reason")
        check(page.state in ("refused", "busy", "closed"), f"{name}: state")
        said = re.search(r'<output id="outcome".*?</output>', page.text(),
                         re.S)[0]
        text.setdefault(name, set()).add(said)
    for name, seen in text.items():
        if name in dict((k, s) for k, s, _ in KINDS):
            equal(len(seen), len(LANGUAGES), f"texts of {name}")


@suite.test("reasons are what other programs look for")
def _():
    for name, reason in (
        ("too large", "too-large"), ("empty", "empty"), ("token", "token"),
        ("forget token", "token"), ("thread token", "token"),
        ("word", "code"), ("check word", "code"), ("count", "code"),
        ("405 get", "method"), ("405 post", "method"), ("404", "not-found"),
        ("404 query", "not-found"), ("type", "form"), ("proxy", "proxy"),
        ("proxy name", "proxy"), ("form damaged", "form"),
        ("small too large", "too-large"), ("small form", "form"),
    ):
        for lang in LANGUAGES:
            equal(pages()[name, lang].reason, reason, f"{name} in {lang}")
    for lang in LANGUAGES:
        equal(pages()["partial", lang].state, "partial", "state")
        equal(pages()["partial", lang].reason, "cut", "reason")
        equal(pages()["sealed", lang].state, "sealed", "state")


@suite.test("HEAD: the fields of GET, and no body")
def _():
    paths = ["/", "/nothing", "/en/nothing", "/keys/zeitung.age", "/en/help?x"]
    for lang in LANGUAGES:
        paths += [f"/{lang}/{rest}" for rest in (
            "", "send", "send?plain=1", "return", "help", "leave", "forget",
            "status", "status?stop=1", "send?device=work")]
    for path in paths:
        whole = drop.get(path)
        bare = drop.exchange(get(path, "HEAD"))
        equal(bare.status, whole.status, f"status of HEAD {path}")
        equal(bare.headers, whole.headers, f"fields of HEAD {path}")
        equal(bare.body, b"", f"body of HEAD {path}")


@suite.test("HEAD of a display does not begin one")
def _():
    _, shown = drop.tokens()
    bare = drop.exchange(get(f"/en/status?u={shown}", "HEAD"))
    equal(bare.status, 200, "status")
    equal(bare.body, b"", "body")


@suite.test("what is not listed is 404, and says so with the same fields")
def _():
    for path in ("/en", "/en/send/", "/EN/", "/en/Send", "/xx/", "/send",
                 "/return", "/he/thread", "/en/return?code=x", "/en/leave?u=1",
                 "/keys/", "/keys/zeitung", "/keys/zeitung.asc",
                 "/keys/ZEITUNG.age", "/en/keys/zeitung.age",
                 "/keys/zeitung.age?u=1", "/en/send?x=1", "/en/send?u=1&u=2",
                 "/en/send?u", "/en/send?u=", "/?u=1", "/en/?u=1",
                 "/robots.txt", "/favicon.ico", "/en/status?token=x"):
        page = drop.get(path)
        equal((page.status, page.reason), (404, "not-found"), path)
        golden(path, page)
        page = post(path)
        equal((page.status, page.reason), (404, "not-found"), f"POST {path}")
        golden(path, page)


@suite.test("L27: what changes something takes a POST, and a token with its use")
def test_l27_tokens():
    one = code("en")
    drop.answer(one, 0, text="stays")
    before = drop.replies()
    thread = enter(drop, one)
    kinds = {"send": thread.send_token, "status": thread.status_token,
             "form": drop.token()}
    for name, token in kinds.items():
        page = drop.post_small("/en/forget", token=token)
        equal((page.status, page.reason), (403, "token"), f"{name}: forget")
        page = drop.post_small("/en/return", token=token)
        equal((page.status, page.reason), (403, "token"), f"{name}: thread")
    for token in (thread.token, thread.status_token):
        page = drop.post(Form(token).field("message", "m"))
        equal((page.status, page.reason), (403, "token"), "sending with it")
    for token in (thread.token, thread.send_token):
        page = drop.get(f"/en/status?u={token}")
        equal(page.header("Transfer-Encoding"), None, "a display with it")
    # The address of one form, and the token of another.
    own, _ = drop.tokens()
    _, shown = drop.tokens()
    form = Form(own).field("message", "m")
    page = drop.exchange(form.request(path=f"/en/send?u={shown}"))
    equal((page.status, page.reason), (403, "token"), "two forms")
    equal(drop.replies(), before, "answers")
    equal(enter(drop, one).answers[0][1], "stays", "the answer")


@suite.test("a proxy in between: told to stop, with the true address")
def _():
    for host in ("drop.onion.ly", "x.onion.to:443", "drop.example"):
        data = f"GET /en/send HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        page = closed.exchange(data)
        equal((page.status, page.reason), (403, "proxy"), host)
        equal(page.output("address"), ONION, "the address")
        check("<form" not in page.text(), "no form to fill in")
    for host in (ONION, ONION.upper() + ":80", "127.0.0.1:8080", "localhost"):
        data = f"GET /en/send HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        equal(closed.exchange(data).status, 200, host)
    # A submission through one is refused from its head; so is a code, and the
    # display.
    form = Form("x").field("message", "m")
    page = closed.exchange(form.request())
    equal((page.status, page.reason), (403, "proxy"), "a submission")
    page = closed.exchange(small("/he/return", code="abacus"))
    equal((page.status, page.reason), (403, "proxy"), "a code")
    page = closed.get("/en/status?u=x")
    equal((page.status, page.reason), (403, "proxy"), "a display")


@suite.test("nothing failed meanwhile")
def _():
    drop.ends_well()
    closed.ends_well()


suite.run()
