"""A source's whole way through the site without JavaScript, in English,
Hebrew and Arabic: check, send, watch, receipt, return, answers, more, delete,
leave. One browser at a time, against a real knotholed.

usage: journey.py chromium|firefox
"""
import os
import random
import re
import time

from web.browser import wanted
from web.source import ALL, NAMES, SAFE, STATUS, UPLOAD, Site, Source, bytes_of

from lib.tap import Suite, check, equal, wait_for

suite = Suite()
noise = random.Random(11)
browser = wanted()
site = Site().start()
SCREENS = os.path.join(os.environ.get("KNOTHOLE_BUILD", "build"), "screens")

FILES = [
    ("סיכום ישיבה.txt", "סיכום\n".encode() * 2000),
    ("محضر الاجتماع.pdf", noise.randbytes(150000)),
    ("דוח final تقرير.bin", noise.randbytes(1500000)),
]
MESSAGES = {
    "en": "I work there.\nThe recording is from March.",
    "he": "אני עובד שם.\nההקלטה ממרץ.",
    "ar": "أعمل هناك.\nالتسجيل من مارس.",
}
ANSWERS = {
    "en": "Thank you. Who else was <there>?\nWrite & tell.",
    "he": "תודה. מי עוד היה שם?\nכתבו לנו.",
    "ar": "شكرا. من كان هناك أيضا؟\nاكتبوا لنا.",
}
RATE = 300000  # bytes a second, so that the large file takes seconds


class Trip:
    """What a source has to keep in mind between two visits."""

    words = digits = mailbox = objects = None

    def need_code(self):
        check(self.words, "nothing has been sent, so there is no code")


def shot(language, name):
    browser.shot(os.path.join(SCREENS, "journey",
                              f"{name}-{language}-{browser.name}.png"))


def resting():
    """The answers in the store."""
    return [name for _, _, names in os.walk(os.path.join(site.store, "replies"))
            for name in names]


def check_and_stop(source, trip):
    browser.open(site.url + "/")
    for language in ALL:
        check(browser.has(f'a[href="/{language}/"]'), f"no way to {language}")
    browser.follow(f'a[href="/{source.language}/"]')
    page = browser.one("html")
    equal(page.attrs["lang"], source.language, "lang")
    equal(page.attrs["dir"], "rtl" if source.language != "en" else "ltr", "dir")
    for name, bad in (("device", "work"), ("network", "work"),
                      ("browser", "other")):
        source.answer_check(**{name: bad})
        browser.one("#stop")
        check(not browser.has("form#send"), f"{name}={bad} leads to the form")
    equal(site.objects(), [], "objects")
    source.answer_check()
    check(not browser.has("#stop"), "good answers are stopped")
    browser.one("form#send")


def test_l3_l29_send_and_watch(source, trip):
    paths = [site.write(name, data) for name, data in FILES]
    source.answer_check(**SAFE)
    equal([e.attrs["value"] for e in browser.seen("[name=outlet]")
           if e.checked], sorted(n.id for n in site.newsrooms), "outlets")
    source.until_tick("waiting")
    source.fill(MESSAGES[source.language], *paths)
    site.relay.rate = RATE
    source.press_send()
    total = sum(len(data) for _, data in FILES)
    (post,) = wait_for("the upload begins", site.relay.posts)
    early = None
    figures = []
    while True:
        before = post.up
        now = source.tick()
        if now and now[0] != "waiting":
            if now[0] != "arriving":
                break
            done = min(bytes_of(now[2]) or [0])
            # Rounded down to a tenth of its unit, and never ahead of what
            # has gone to the server.
            check(done <= post.up, f"{now[2]}, but only {post.up} were sent")
            # What was seen before there was a receipt.
            if done not in figures and not browser.has("#outcome", UPLOAD):
                figures.append(done)
            if early is None and browser.has("#code", STATUS):
                early = source.code(STATUS)
                check(before < total, "the code came after all the rest")
        time.sleep(0.1)
    site.relay.rate = None
    equal(now[0], "sealed", f"the last tick ({now[2]})")
    check(len(figures) >= 3, f"it moved through {figures} only")
    equal(figures, sorted(figures), "progress goes back")
    suite.figure(f"{browser.name} {source.language}: the status frame showed "
                 f"{len(figures)} steps of {total} bytes")
    source.outcome("sealed")
    trip.words, trip.digits = source.code(UPLOAD)
    equal(source.code(STATUS), (trip.words, trip.digits), "code in both frames")
    equal(early, (trip.words, trip.digits), "code shown while it was sent")
    check(trip.words not in browser.url(), "code in the address")
    shot(source.language, "receipt")
    trip.objects = site.objects()


def opened(source, trip):
    (path,) = trip.objects
    for newsroom in range(len(site.newsrooms)):
        out = site.extract(path, newsroom)
        equal(out.names, [name for name, _ in FILES], "names")
        check([out.read(i) for i in range(len(FILES))]
              == [data for _, data in FILES], "a file differs")
        equal(out.message.decode().replace("\r\n", "\n"),
              MESSAGES[source.language], "message")
        equal(out.manifest["complete"], True, "complete")
        equal(out.manifest["language"], source.language, "language")
    trip.mailbox = out.manifest["mailbox"]


def waiting(source, trip):
    source.enter(trip.words)
    equal(source.state(), "waiting", "state")
    equal(source.answers(), [], "answers")
    shot(source.language, "waiting")
    source.enter(trip.digits)
    equal(source.state(), "waiting", "state, by the digits")


def collected(source, trip):
    site.answer(trip.words, 0, "received", newsroom=0)
    site.answer(trip.words, 0, "received", newsroom=1)
    source.enter(trip.words)
    equal(source.state(), "collected", "state")
    equal(source.answers(), [], "answers")
    lines = [e.text for e in browser.seen("main li") if "2026-11-21" in e.text]
    for newsroom, name in enumerate(NAMES.values()):
        equal(any(name in line for line in lines), newsroom < 2,
              f"{name} has collected ({lines})")
    shot(source.language, "collected")


def answered(source, trip):
    text = ANSWERS[source.language]
    site.answer(trip.words, 1, "answer", text, newsroom=1)
    site.answer(trip.words, 1, "answer", "second desk", newsroom=0)
    source.enter(trip.words)
    equal(source.state(), "answered", "state")
    shown = source.answers()
    equal(sorted(outlet for outlet, _ in shown),
          sorted(n.id for n in site.newsrooms[:2]), "who answered")
    (said,) = [t for outlet, t in shown if outlet == site.newsrooms[1].id]
    check(text in said, f"{text!r} is not in {said!r}")
    check(NAMES["he"] in said, "the newsroom's name")
    shot(source.language, "answered")


def more(source, trip):
    source.enter(trip.words)
    path = site.write("עוד.txt", b"more")
    words = source.send("one thing more", path)
    equal(words, trip.words, "the code stays the same")
    source.until_tick("sealed")
    (path,) = site.objects()
    out = site.extract(path)
    equal(out.message, b"one thing more", "message")
    equal(out.names, ["עוד.txt"], "names")
    equal(out.manifest["mailbox"], trip.mailbox, "mailbox")
    site.forget()


def test_l20_delete(source, trip):
    source.enter(trip.words)
    equal(source.state(), "answered", "state")
    check(len(resting()) >= 4, "answers do not rest where they are looked for")
    check(not browser.has("form#forget button"), "deletion is one click away")
    browser.click("details:has(#forget) summary")
    browser.one("form#forget button")
    browser.follow("form#forget button")
    equal(browser.one("#outcome").data("state"), "deleted", "outcome")
    shot(source.language, "deleted")
    equal(resting(), [], "answers that rest on disk")
    source.enter(trip.words)
    equal(source.state(), "waiting", "state afterwards")
    equal(source.answers(), [], "answers afterwards")


def test_l14_leave(source, trip):
    browser.follow(f'a[href="{source.path("leave")}"]')
    check(browser.url().endswith(source.path("leave")), browser.url())
    equal(site.get(source.path("leave")).header("Clear-Site-Data"), '"*"',
          "Clear-Site-Data")
    check(trip.words not in browser.text(), "the code is still shown")
    shot(source.language, "leave")
    equal(browser.evaluate("return document.cookie"), "", "cookies")


STEPS = [
    ("languages, safety check, stop pages, and on to the form", check_and_stop),
    ("L3, L29: sends three files, sees progress, the code while sending, and "
     "the receipt", test_l3_l29_send_and_watch),
    ("every newsroom opens it: names and bytes are the same", opened),
    ("returns by words and by digits: waiting", waiting),
    ("two newsrooms have collected: collected, by their names", collected),
    ("answers are seen as they were written", answered),
    ("sends more from the thread, under the same code", more),
    ("L20: deletes the answers, and they are gone", test_l20_delete),
    ("L14: leaves: Clear-Site-Data, no cookie", test_l14_leave),
]


def add(language, trip, text, step):
    @suite.test(f"{browser.name} {language}: {text}")
    def _():
        if step is not opened:
            site.quiet()
        if step not in (check_and_stop, test_l3_l29_send_and_watch):
            trip.need_code()
        step(Source(browser, site, language), trip)


for each in NAMES:
    journey = Trip()
    for words, function in STEPS:
        add(each, journey, words, function)


@suite.test(f"{browser.name}: a code as people type it")
def _():
    site.quiet()
    source = Source(browser, site)
    source.open("send")
    words = source.send("spelling")
    digits = source.code(UPLOAD)[1]
    arabic = digits.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    numbered = "\n".join(f"{i}. {w}" for i, w in enumerate(words.split(), 1))
    for spelling in (words.upper(), words.replace(" ", "-"), numbered, arabic,
                     "\u200f" + words.replace(" ", "\u00a0") + "\u200e",
                     re.sub(r"\D", "", digits)):
        source.enter(spelling)
        equal(source.state(), "waiting", f"state after {spelling!r}")


@suite.test(f"{browser.name}: the service ends with 0 and has said nothing")
def _():
    browser.open("about:blank")
    site.ends_well()


suite.run()
