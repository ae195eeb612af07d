"""Every page in every language as it looks and as it is built: pictures, no
sideways scrolling, targets, keyboard, axe-core, html-validate. In Chromium,
whose tools for this are the better ones.

Two tours go on at a time, each in browsers and on a site of its own: much of a
tour is waiting for what is slow on purpose.
"""
import collections
import concurrent.futures
import os
import queue

from web.browser import start
from web.gallery import LIMIT, Gallery
from web.source import ALL, NAMES, STATUS, UPLOAD, Site

from lib.tap import Suite, check, equal, wait_for

suite = Suite()
SCREENS = os.path.join(os.environ.get("KNOTHOLE_BUILD", "build"), "screens")

# What WCAG 2.2 asks for at the levels A and AA, and what axe-core advises.
AXE = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

# The recommended rules and those of the HTML standard, except:
HTML = {
    "root": True,
    "extends": ["html-validate:recommended", "html-validate:standard"],
    "rules": {
        # The one style sheet is inline, so that a page is one request.
        "no-style-tag": "off",
        # Upper case, as the standard itself writes it.
        "doctype-style": ["error", {"style": "uppercase"}],
        # dir=auto, and so on, without quotes is not what we write; " always.
        "attr-quotes": ["error", {"style": "double"}],
        # Pages are filled up to one length, by blanks in a comment.
        "no-trailing-whitespace": "off",
        # Several outlets, several files.
        "form-dup-name": "off",
        # Titles in eight languages, and a browser that cuts them where it
        # has to.
        "long-title": "off",
    },
}

CONTROLS = "a[href],button,input:not([type=hidden]),select,textarea," \
    "summary,[tabindex='0']"
LISTED = """
const list = Array.from(document.querySelectorAll(arg)).filter(e => {
	const box = e.getBoundingClientRect();
	return box.width > 0 && box.height > 0 && e.checkVisibility();
});
const name = e => e.localName + (e.name ? "[name=" + e.name + "]" : "") +
    (e.id ? "#" + e.id : "") + " " + (e.innerText || e.value || "").slice(0, 30);
"""
SMALL = LISTED + """
return list.filter(e => {
	const box = e.getBoundingClientRect();
	// Within a sentence a link may be as high as its line.
	if (e.localName === "a" && getComputedStyle(e).display === "inline" &&
	    e.parentElement.innerText.trim() !== e.innerText.trim())
		return false;
	return box.width < 24 || box.height < 24;
}).map(e => name(e) + " " + Math.round(e.getBoundingClientRect().width) + "x" +
    Math.round(e.getBoundingClientRect().height));
"""
# Each group of radio buttons is one stop for the Tab key.
STOPS = LISTED + """
return list.filter((e, i) => e.type !== "radio" ||
    list.findIndex(o => o.type === "radio" && o.name === e.name) === i)
    .map(e => e.type === "radio" ? "radio " + e.name : name(e) + list.indexOf(e));
"""
FOCUS = LISTED + """
const e = document.activeElement;
if (!list.includes(e))
	return null;
const style = getComputedStyle(e);
const width = style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth);
return [e.type === "radio" ? "radio " + e.name : name(e) + list.indexOf(e), width];
"""
WIDE = "return [document.documentElement.scrollWidth, innerWidth]"


class Found:
    """What is wrong, by language and kind."""

    def __init__(self):
        self.wrong = collections.defaultdict(list)
        self.looked = collections.Counter()

    def add(self, language, kind, page, problems):
        self.looked[language, kind] += 1
        self.wrong[language, kind] += [(page, p) for p in problems]

    def expect_none(self, language, kind, least):
        check(self.looked[language, kind] >= least,
              f"looked at {self.looked[language, kind]} pages only")
        # Each thing once, with the pages that have it.
        pages = collections.defaultdict(list)
        for page, what in self.wrong[language, kind]:
            pages[what].append(page)
        check(not pages, f"{kind}:\n" + "\n".join(
            f"{what} [{', '.join(where)}]" for what, where in pages.items()))


found = Found()


def frames(browser):
    """The page and the frames in it that show something."""
    return [None] + [f for f in (STATUS, UPLOAD) if browser.has(f)]


def sideways(browser):
    browser.size(320)
    return [f"{wide} px in {inner} ({frame or 'page'})"
            for frame in frames(browser)
            for wide, inner in [browser.evaluate(WIDE, None, frame)]
            if wide > inner]


def small_targets(browser):
    wrong = []
    for width in (320, 1280):
        browser.size(width)
        for frame in frames(browser):
            wrong += [f"{what} at {width} ({frame or 'page'})"
                      for what in browser.evaluate(SMALL, CONTROLS, frame)]
    return wrong


def by_keyboard(browser):
    """Press Tab until every control has been reached; what has not, and what
    did not show that it had the focus."""
    browser.size(1280)
    wanted = {(frame, stop) for frame in frames(browser)
              for stop in browser.evaluate(STOPS, CONTROLS, frame)}
    reached, wrong, shown = set(), set(), frames(browser)
    for _ in range(3 * len(wanted) + 20):
        browser.key("Tab")
        for frame in shown:
            at = browser.evaluate(FOCUS, CONTROLS, frame)
            if at:
                reached.add((frame, at[0]))
                if at[1] < 2:
                    wrong.add(f"no outline on {at[0]} ({frame or 'page'})")
        if wanted <= reached:
            break
    return sorted(wrong) + [f"not reached: {stop} ({frame or 'page'})"
                            for frame, stop in wanted - reached]


def pictures(browser, language, page):
    for scheme in ("light", "dark"):
        browser.media(scheme)
        for width in (360, 1280):
            browser.size(width)
            browser.shot(os.path.join(
                SCREENS, f"{page}-{language}-{scheme}-{width}.png"))
    browser.media()


def on_paper(browser):
    """The return code is not printed."""
    browser.media(media="print")
    shown = frames(browser)
    seen = [f"{css} is printed" for css in ("#code", "#code-digits", ".words")
            for frame in shown if browser.has(css, frame)]
    browser.media()
    return seen


def cut_off(browser, shown):
    """The return code is seen in each of these frames without scrolling in
    it, in words and in digits: the other one may stay blank."""
    wrong = []
    for width in (320, 360, 1280):
        browser.size(width)
        for frame in shown:
            high = browser.evaluate("return innerHeight", None, frame)
            for css in ("#code", "#code-digits"):
                code = browser.one(css, frame)
                if code.top < 0 or code.top + code.height > high:
                    wrong.append(f"{css} ends at {code.top + code.height:.0f} "
                                 f"of {high} at {width} ({frame})")
    return wrong


def tour(browser, site, language, look):
    """Go through all pages, and look at each of them."""
    gallery = Gallery(browser, site, language)
    for name, go in gallery.pages():
        gallery.clear()
        browser.size(1280)
        go()
        look(name)
        gallery.clear()
        if name in ("sending", "partial", "too_large", "too_large_plain"):
            browser.open("about:blank")
            site.idle()


def without_script(place, language):
    browser = place.plain

    def look(page):
        pictures(browser, language, page)
        found.add(language, "sideways", page, sideways(browser))
        found.add(language, "targets", page, small_targets(browser))
        found.add(language, "paper", page, on_paper(browser))
        if page == "receipt":
            found.add(language, "fits", page,
                      cut_off(browser, (STATUS, UPLOAD)))
        if page == "partial":
            found.add(language, "fits", page, cut_off(browser, (STATUS,)))
        if page != "sending":  # its controls go while one looks
            found.add(language, "keyboard", page, by_keyboard(browser))

    tour(browser, place.site, language, look)


def documents(browser, language, page):
    """What arrived for this page, through html-validate."""
    wrong, n = [], 0
    for document in browser.documents():
        if document["body"] and document["url"].startswith("http"):
            wrong += browser.validate(document["body"], HTML)
            n += 1
    check(n > 0, f"{page}: no document arrived")
    found.add(language, "html", page, sorted(set(wrong)))


def with_script(place, language):
    browser = place.scripted

    def look(page):
        wrong = []
        for width, scheme in ((320, "light"), (1280, "dark")):
            browser.size(width)
            browser.media(scheme)
            report = browser.axe(AXE)
            check(report["passes"] > 5, f"axe: {report['passes']} rules only")
            for each in report["violations"]:
                wrong += [f"{each['id']} ({width}, {scheme}): "
                          f"{' '.join(n['target'])}: {n['why']}"
                          for n in each["nodes"]]
        found.add(language, "axe", page, wrong)
        browser.media()
        documents(browser, language, page)

    tour(browser, place.site, language, look)


class Place:
    """Where one tour at a time can go on."""

    def __init__(self):
        self.site = Site(
            max_upload=str(LIMIT), max_visits="40",
            onion_address="example" * 8 + ".onion",
        ).start()
        self.plain = start("chromium")
        self.scripted = start("chromium", script="on")


class Tours:
    """All of them, begun by the first test that asks for one."""

    def __init__(self):
        self.places = queue.SimpleQueue()
        self.pool = concurrent.futures.ThreadPoolExecutor(2)
        self.begun = {}

    def _go(self, way, language):
        place = self.places.get()
        try:
            way(place, language)
        finally:
            self.places.put(place)

    def begin(self, *places):
        for place in places:
            self.places.put(place)
        for way, languages in ((without_script, NAMES), (with_script, ALL)):
            for language in languages:
                self.begun[way, language] = self.pool.submit(
                    self._go, way, language)

    def end(self, way, language):
        """What has failed in it, has failed here."""
        self.begun[way, language].result()


tours = Tours()


def add(language, kind, text, least):
    @suite.test(f"{language}: {text}")
    def _():
        found.expect_none(language, kind, least)


@suite.test("the tools find what is wrong")
def _():
    places = Place(), Place()
    site, plain, scripted = vars(places[0]).values()
    wrong = ("<!DOCTYPE html><title>t</title><body><img src=x>"
             "<p style='color:#ccc;background:#fff'>pale</p>"
             "<a href=/>x</a><button style='all:unset'>x</button>"
             "<div style='width:500px'>wide</div>"
             "<style>:focus{outline:none}</style>")
    path = site.write("wrong.html", wrong.encode())
    plain.open("file://" + path)
    check(sideways(plain), "sideways")
    check(small_targets(plain), "targets")
    check(by_keyboard(plain), "keyboard")
    scripted.open("file://" + path)
    ids = {v["id"] for v in scripted.axe(AXE)["violations"]}
    check({"image-alt", "color-contrast", "html-has-lang"} <= ids, f"axe {ids}")
    check(len(scripted.validate(wrong, HTML)) > 2, "html-validate")
    scripted.documents()
    tours.begin(*places)


for each in NAMES:
    @suite.test(f"{each}: every page, in pictures")
    def _(language=each):
        tours.end(without_script, language)
        names = os.listdir(SCREENS)
        here = [n for n in names if f"-{language}-" in n and n.endswith("0.png")]
        suite.figure(f"{len(here)} pictures in {language}")

    add(each, "sideways", "no page scrolls sideways at 320 px", 25)
    add(each, "targets", "every target has 24 px", 25)
    add(each, "keyboard", "Tab reaches every control, and it shows", 24)
    add(each, "fits", "the whole return code is seen in each frame", 2)
    add(each, "paper", "the return code is not printed", 25)

for each in ALL:
    @suite.test(f"{each}: every page, through axe-core and html-validate")
    def _(language=each):
        tours.end(with_script, language)

    add(each, "axe", "axe-core finds nothing", 25)
    add(each, "html", "html-validate finds nothing", 25)


suite.run()
