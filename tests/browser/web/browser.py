"""What the tests ask of a browser, the same for both of them."""
import shutil
import sys
import tempfile

from lib.drop import at_end
from lib.tap import Failure, wait_for

# What an element is and how it looks; run in the page by the browser's own
# tools, which does not depend on the page's scripts.
DESCRIBE = """
return Array.from(document.querySelectorAll(arg), e => {
	const box = e.getBoundingClientRect();
	const style = getComputedStyle(e);
	return {
		tag: e.localName,
		text: e.innerText === undefined ? e.textContent : e.innerText,
		attrs: Object.fromEntries(Array.from(e.attributes, a => [a.name, a.value])),
		value: e.value === undefined ? null : String(e.value),
		checked: e.checked === true,
		left: box.left, top: box.top, width: box.width, height: box.height,
		visible: box.width > 0 && box.height > 0 &&
		    style.visibility !== "hidden" &&
		    (!e.checkVisibility || e.checkVisibility()),
		href: e.href === undefined ? null : String(e.href),
	};
});
"""


class Gone(Failure):
    """The browser could not do it: nothing there, or the page has changed."""


class Element(dict):
    """One element as it was at that moment."""

    __getattr__ = dict.__getitem__

    def data(self, name):
        return self.attrs.get("data-" + name)

    @property
    def words(self):
        return " ".join(self.text.split())


class Browser:
    """
    Chromium and Firefox have besides, each in its own way: version, url,
    evaluate, click, double_click, type, files, key, size, shot, quit. `css`
    is a selector, `frame` the selector of an iframe in the page.
    """

    # --- looking ---

    def all(self, css, frame=None):
        """What is there now, seen or not."""
        try:
            return [Element(e) for e in
                    self.evaluate(DESCRIBE, css, frame) or ()]
        except Gone:
            return []  # between two pages

    def seen(self, css, frame=None):
        return [e for e in self.all(css, frame) if e.visible]

    def has(self, css, frame=None):
        return bool(self.seen(css, frame))

    def one(self, css, frame=None, seconds=60):
        """The one element that is seen, once it is."""
        found = wait_for(
            f"{css} in {frame or 'the page'}",
            lambda: self.seen(css, frame), seconds,
        )
        if len(found) != 1:
            raise Failure(f"{len(found)} of {css}")
        return found[0]

    def text(self, frame=None):
        """All text that can be seen."""
        found = self.all("body", frame)
        return " ".join(found[0].text.split()) if found else ""

    # --- going from page to page ---

    def _leave(self, way, *arguments):
        """Do what leads to another page, and wait until it is there."""
        try:
            self.evaluate("document.documentElement.dataset.left = 1")
        except Gone:
            pass  # a page that cannot be marked is not ours
        way(*arguments)

        # On its way to another site a browser passes an empty page.
        blank = arguments == ("about:blank",)

        def arrived():
            try:
                return self.evaluate(
                    "return !document.documentElement.dataset.left &&"
                    " document.body !== null &&"
                    " document.readyState !== 'loading' &&"
                    " (arg || location.href !== 'about:blank')", blank
                )
            except Gone:
                return False

        wait_for("the next page", arrived, 120)

    def open(self, url):
        self._leave(self._open, url)

    def reload(self):
        self._leave(self._reload)

    def back(self):
        self._leave(self._back)

    def follow(self, css, nth=0):
        """A click that leads to another page."""
        self._leave(self.click, css, nth)


def start(name, **options):
    """A browser with a profile of its own, gone when the program ends."""
    # Each imports Browser from here.
    from web.chromium import Chromium
    from web.firefox import Firefox

    profile = tempfile.mkdtemp(prefix="knothole-browser-")
    at_end(lambda: shutil.rmtree(profile, ignore_errors=True))
    browser = {"chromium": Chromium, "firefox": Firefox}[name](
        profile, **options
    )
    at_end(browser.quit)
    return browser


def wanted():
    """The browser that the command line names."""
    if len(sys.argv) != 2 or sys.argv[1] not in ("chromium", "firefox"):
        sys.exit(f"usage: {sys.argv[0]} chromium|firefox")
    return start(sys.argv[1])
