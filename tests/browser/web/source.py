"""A site with newsrooms of three languages, and a source who uses it."""
import contextlib
import os
import re
import shutil

from web.relay import Relay

from lib.drop import BUILD, Drop, Newsroom, run
from lib.tap import Failure, check, equal, wait_for

NAMES = {
    "en": "The Example Times",
    "he": "העיתון לדוגמה",
    "ar": "صحيفة المثال",
}
ALL = ("en", "he", "ar", "fr", "es", "de", "ru", "fa")
MKANSWER = os.path.join(BUILD, "tests", "mkanswer")
SAFE = {"device": "own", "network": "own", "browser": "tor"}
UPLOAD = "[name=upload]"
STATUS = "#status"
SIZE = re.compile(r"([\d.]+) ([kMG])B")


def bytes_of(text):
    """The sizes that a text names, in bytes."""
    power = {"k": 1, "M": 2, "G": 3}
    return [float(n) * 1024 ** power[u] for n, u in SIZE.findall(text)]


class Site(Drop):
    """Three newsrooms, and in front of them a line that can be slow."""

    def __init__(self, **settings):
        super().__init__(newsrooms=0, site_name="The Example Drop", **settings)
        for language, name in NAMES.items():
            directory = os.path.join(self.desk, "keys-" + language)
            newsroom = Newsroom(directory, name, "--language", language)
            shutil.copy(newsroom.card, self.cards)
            self.newsrooms.append(newsroom)
        self.relay = None

    def start(self):
        super().start()
        if self.relay is None:
            self.relay = Relay(self.address)
        self.relay.target = self.address
        return self

    @property
    def url(self):
        return self.relay.base

    @contextlib.contextmanager
    def crowd(self):
        """As many visitors as there may be at once."""
        with contextlib.ExitStack() as held:
            for _ in range(int(self.settings["max_visits"])):
                held.enter_context(self.connect())
            yield

    def quiet(self):
        """Nothing is arriving any more, and nothing is in the way."""
        self.relay.rate = self.relay.cut_at = None
        self.forget()
        self.relay.clear()

    def answer(self, code, number, kind, text=None, newsroom=0):
        """What the courier will do: put a note or an answer in a slot."""
        command = [
            MKANSWER, "--store", self.store,
            "--salt", os.path.join(self.state, "instance.salt"),
            "--code", code, "--identity", self.newsrooms[newsroom].identity,
            "--number", str(number), "--kind", kind, "--day", "2026-11-21",
        ]
        if text is not None:
            path = os.path.join(self.desk, "answer.txt")
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            command += ["--text-file", path]
        made = run(*command)
        if made.returncode != 0:
            raise Failure(f"mkanswer: {made.stderr.decode()}")

    def write(self, name, data):
        """A file on the source's own machine."""
        directory = os.path.join(self.desk, "of-the-source")
        os.makedirs(directory, exist_ok=True)
        where = os.path.join(directory, name)
        with open(where, "wb") as f:
            f.write(data)
        return where


class Source:
    """Somebody in front of a browser. Knows the fixed hooks of the pages, and
    nothing of their looks or words."""

    def __init__(self, browser, site, language="en"):
        self.browser = browser
        self.site = site
        self.language = language

    def path(self, rest):
        return f"/{self.language}/{rest}"

    def open(self, rest):
        self.browser.open(self.site.url + self.path(rest))

    # --- before ---

    def answer_check(self, **answers):
        """Fill in the safety check, and go on."""
        self.open("")
        for name, value in {**SAFE, **answers}.items():
            self.browser.click(f'input[name="{name}"][value="{value}"]')
        self.browser.follow('form[action$="/send"] button')

    # --- sending ---

    def fill(self, message="", *paths):
        if message:
            self.browser.type("form#send textarea[name=message]", message)
        inputs = len(self.browser.all("form#send input[type=file]"))
        check(inputs >= 2, f"{inputs} file fields")
        if paths:
            self.browser.files("form#send input[type=file]", list(paths[:-1])
                               or list(paths), 0)
        if len(paths) > 1:
            self.browser.files("form#send input[type=file]",
                               [paths[-1]], inputs - 1)

    def press_send(self):
        self.browser.click("form#send button[type=submit]")

    def tick(self):
        """What the status frame shows: state, reason, text; None if nothing."""
        ticks = self.browser.seen(".tick", STATUS)
        if not ticks:
            return None
        equal(len(ticks), 1, "ticks that are seen at once")
        return ticks[0].data("state"), ticks[0].data("reason"), ticks[0].words

    def until_tick(self, *states, seconds=120):
        """Watch until it shows one of these; all that was seen on the way."""
        seen = []

        def look():
            now = self.tick()
            if now and (not seen or seen[-1] != now):
                seen.append(now)
            return bool(now) and now[0] in states

        try:
            wait_for(f"{' or '.join(states)} in the status frame", look, seconds)
        except Failure as failure:
            raise Failure(f"{failure}; seen: {seen}") from None
        return seen

    def outcome(self, state, frame=UPLOAD):
        """The outcome in the upload frame, which must be this one."""
        shown = self.browser.one("#outcome", frame, 120)
        equal(shown.data("state"), state, f"outcome ({shown.words})")
        return shown

    def code(self, frame):
        """The code as shown: eight words, thirty digits."""
        words = self.browser.one("#code", frame).words
        digits = self.browser.one("#code-digits", frame).words
        equal(len(words.split()), 8, f"words of {words!r}")
        equal(len(re.sub(r"\D", "", digits)), 30, f"digits of {digits!r}")
        return words, digits

    def send(self, message="", *paths):
        """All of it, on the form that is open; the code's words."""
        self.fill(message, *paths)
        self.press_send()
        self.outcome("sealed")
        return self.code(UPLOAD)[0]

    # --- coming back ---

    def enter(self, code):
        """Enter a code, and see what comes."""
        self.open("return")
        self.enter_again(code)

    def enter_again(self, code):
        self.browser.type("textarea[name=code]", code)
        self.browser.follow('form[action$="/return"] button')

    def state(self):
        return self.browser.one("#state").data("state")

    def answers(self):
        """[(outlet, text)] as shown."""
        return [(li.data("outlet"), li.text)
                for li in self.browser.seen("#answers li[data-outlet]")]
