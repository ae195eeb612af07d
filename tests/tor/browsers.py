#!/usr/bin/env python3
"""A source's way in a browser without JavaScript, through tor's SOCKS port to
the onion service: check, send, watch, receipt, return, answer, leave.

usage: browsers.py chromium|firefox
"""
import os
import random
import sys
import time

from net.network import Network, alone, need_tor, skip_all, torrc_of

from lib.tap import Suite, check, equal, wait_for
from web.browser import start
from web.source import NAMES, STATUS, UPLOAD, Site, Source

if len(sys.argv) != 2 or sys.argv[1] not in ("chromium", "firefox"):
    sys.exit(f"usage: {sys.argv[0]} chromium|firefox")
need_tor()
BUILD = os.environ.get("KNOTHOLE_BUILD", "build")
if sys.argv[1] == "chromium" and not os.path.exists(
        os.path.join(BUILD, "browser", "node_modules")):
    skip_all("playwright-core is not there (make check-browser)")
alone()
suite = Suite()
noise = random.Random(17)
network = Network()
suite.cleanup(network.stop)


class OnionSite(Site):
    """The site as it is seen through tor, without a relay of ours."""

    host = None

    def start(self):
        super(Site, self).start()
        return self

    @property
    def url(self):
        return "http://" + self.host


site = OnionSite(unix=True, circuit_id="haproxy")
suite.cleanup(site.stop)
site.host = network.onion("source", f"unix:{site.socket}",
                          torrc=torrc_of("source"))
site.settings["onion_address"] = site.host
site.start()
browser = start(sys.argv[1], proxy=network.port)
FILES = [("סיכום.txt", "סיכום\n".encode() * 2000),
         ("recording.bin", noise.randbytes(6 << 20))]
code = {}


@suite.test(f"{browser.name}: through the check to the form")
def _():
    source = Source(browser, site)
    browser.open(site.url + "/")
    browser.follow('a[href="/en/"]')
    source.answer_check()
    browser.one("form#send")
    check(".onion/" in browser.url(), browser.url())
    # Nothing runs, and the site is reached through tor alone.
    equal(browser.has("noscript"), False, "a noscript element is shown")


@suite.test(f"{browser.name}: sends two files, sees progress, has the code")
def _():
    source = Source(browser, site)
    paths = [site.write(name, data) for name, data in FILES]
    source.until_tick("waiting")
    source.fill("over tor", *paths)
    source.press_send()
    seen = source.until_tick("sealed", seconds=300)
    check(any(tick[0] == "arriving" for tick in seen), f"seen: {seen}")
    source.outcome("sealed")
    words, digits = source.code(UPLOAD)
    equal(source.code(STATUS), (words, digits), "the code in both frames")
    code["words"] = words
    suite.figure(f"{browser.name} through tor: {len(seen)} steps of progress")
    (path,) = site.objects()
    for newsroom in range(len(NAMES)):
        out = site.extract(path, newsroom)
        equal(out.names, [name for name, _ in FILES], "names")
        check([out.read(i) for i in range(2)] == [d for _, d in FILES],
              "a file differs")
        equal(out.message, b"over tor", "message")


@suite.test(f"{browser.name}: comes back with the code, reads the answer")
def _():
    source = Source(browser, site)
    source.enter(code["words"])
    equal(source.state(), "waiting", "state")
    site.answer(code["words"], 0, "answer", "תודה", newsroom=1)
    source.enter(code["words"])
    equal(source.state(), "answered", "state")
    ((outlet, text),) = source.answers()
    equal(outlet, site.newsrooms[1].id, "who answered")
    check("תודה" in text, text)
    browser.follow('a[href="/en/leave"]')
    check(code["words"] not in browser.text(), "the code is still shown")


@suite.test(f"{browser.name}: a form twice the size of what is allowed is "
            "refused where it is seen")
def _():
    site.idle()
    equal(site.stop(), 0, "exit status")
    site.settings["max_upload"] = "1 MiB"
    site.start()
    source = Source(browser, site)
    before = site.objects()
    source.answer_check()
    source.until_tick("waiting")
    path = site.write("large.bin", noise.randbytes(2 << 20))
    source.fill("too large", path)
    source.press_send()
    seen = source.until_tick("refused")
    equal(seen[-1][1], "too-large", f"reason; seen: {seen}")
    time.sleep(1)
    equal(site.objects(), before, "objects")


@suite.test(f"{browser.name}: the service ends well")
def _():
    wait_for("all visits have ended", lambda: not site.visits(), 150)
    equal(site.stop(), 0, "exit status")


if __name__ == "__main__":
    suite.run()
