"""Every page of the site, one after the other, in one browser."""
import random

from web.source import SAFE, STATUS, UPLOAD, Source

from lib.tap import wait_for

LIMIT = 2 << 20
ANSWER = {
    "he": "תודה. המסמך הגיע שלם.\nמי עוד היה בישיבה הזאת? כתבו לנו כאן.",
    "ar": "شكرا. وصلت الوثيقة كاملة.\nمن حضر الاجتماع أيضا؟ اكتبوا لنا هنا.",
}
THANKS = "Thank you. The document is whole.\nWho else was in that meeting? " \
    "Please write to us here."
noise = random.Random(13)


class Gallery:
    """Each method leads to a page of its name, and leaves the browser there.
    `before` is what has to be there first."""

    def __init__(self, browser, site, language):
        self.browser = browser
        self.site = site
        self.source = Source(browser, site, language)
        self.code = None

    def pages(self):
        """(name, function), in an order in which they work."""
        names = [
            "languages", "check", "stop", "form", "form_plain", "sending",
            "receipt", "receipt_plain", "partial", "too_large",
            "too_large_plain", "empty", "token", "busy", "not_found",
            "method", "proxy", "entry", "wrong_word", "wrong_check",
            "waiting", "collected", "answered", "delete", "deleted", "help",
            "leave",
        ]
        return [(name, getattr(self, name)) for name in names]

    def languages(self):
        self.browser.open(self.site.url + "/")

    def check(self):
        self.source.open("")

    def stop(self):
        self.source.answer_check(device="work", network="work",
                                 browser="other")

    def form(self):
        self.source.answer_check(**SAFE)

    def form_plain(self):
        self.source.open("send?plain=1")

    def _slow(self, name, size):
        path = self.site.write(name, noise.randbytes(size))
        self.source.open("send")
        self.source.fill("a message", path)
        self.site.relay.rate = 40000
        self.source.press_send()

    def sending(self):
        self._slow("large.bin", 1 << 20)
        wait_for("it arrives", lambda: self.browser.has("#code", STATUS))

    def receipt(self):
        self.source.open("send")
        path = self.site.write("סיכום.txt", b"text")
        self.code = self.source.send("a message", path)
        self.source.until_tick("sealed")

    def receipt_plain(self):
        self.source.open("send?plain=1")
        self.source.fill("a message")
        self.browser.follow("form#send button[type=submit]")

    def partial(self):
        paths = [self.site.write("one.txt", b"1" * 1000),
                 self.site.write("two.bin", noise.randbytes(1 << 20))]
        self.source.open("send")
        self.source.fill("a message", *paths)
        self.site.relay.rate = 300000
        self.site.relay.cut_at = 300000
        self.source.press_send()
        self.source.until_tick("partial")

    def too_large(self):
        self._slow("huge.bin", 2 * LIMIT)
        self.source.until_tick("refused")

    def too_large_plain(self):
        path = self.site.write("huge.bin", noise.randbytes(2 * LIMIT))
        self.source.open("send?plain=1")
        self.source.fill("a message", path)
        self.browser.follow("form#send button[type=submit]")

    def empty(self):
        self.source.open("send?plain=1")
        self.browser.follow("form#send button[type=submit]")

    def token(self):
        self.source.open("send?plain=1")
        self.source.fill("a message")
        self.site.stop()
        self.site.start()
        self.browser.follow("form#send button[type=submit]")

    def busy(self):
        """A visitor too many."""
        with self.site.crowd():
            self.source.open("")

    def not_found(self):
        self.source.open("nothing")

    def method(self):
        self.source.open("forget")

    def proxy(self):
        host = self.site.settings["onion_address"] + ".example"
        self.browser.open(f"http://{host}:{self.site.relay.address[1]}"
                          + self.source.path(""))

    def entry(self):
        self.source.open("return")

    def wrong_word(self):
        words = self.code.split()
        self.source.enter(" ".join(words[:2] + ["zebrra"] + words[3:]))

    def wrong_check(self):
        words = self.code.split()
        self.source.enter(" ".join([words[1], words[0]] + words[2:]))

    def waiting(self):
        self.source.enter(self.code)

    def collected(self):
        for newsroom in range(2):
            self.site.answer(self.code, 0, "received", newsroom=newsroom)
        self.source.enter(self.code)

    def answered(self):
        text = ANSWER.get(self.source.language, THANKS)
        self.site.answer(self.code, 1, "answer", text, newsroom=1)
        self.site.answer(self.code, 1, "answer", THANKS, newsroom=0)
        self.source.enter(self.code)

    def delete(self):
        self.source.enter(self.code)
        self.browser.click("details:has(#forget) summary")

    def deleted(self):
        self.browser.follow("form#forget button")

    def help(self):
        self.source.open("help")

    def leave(self):
        self.source.open("leave")

    def clear(self):
        """Nothing slow, and nothing that is left over."""
        self.site.relay.rate = self.site.relay.cut_at = None
        self.site.relay.clear()
