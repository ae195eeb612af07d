"""What a return code leads to, read as a program reads it."""
import concurrent.futures
import html
import re

from lib.tap import Failure, equal


class Thread:
    """The page of a thread."""

    def __init__(self, page):
        equal(page.status, 200, f"status of the thread ({page})")
        self.page = page
        text = self.text = page.text()
        found = re.search(r'<p id="state" data-state="(\w+)">', text)
        if not found:
            raise Failure(f"no state: {text[-2000:]}")
        self.state = found[1]
        listed = re.search(r'<ol id="answers">(.*?)</ol>', text, re.S)[1]
        # (outlet, text) of each piece of an answer, as it is shown
        self.answers = [
            (outlet, html.unescape(said))
            for outlet, said in re.findall(
                r'<li data-outlet="([^"]*)">.*?'
                r'<div class="said" dir="auto">(.*?)</div>', listed, re.S)
        ]
        self.mentions_unsigned = 'id="unsigned"' in text
        found = re.search(r"<ul>\n(.*?)</ul>\n", text, re.S)
        self.collected = found[1].count("<li>") if found else 0
        form = re.search(r'<form id="send".*?</form>', text, re.S)[0]
        self.send_token = re.search(r'name="token" value="([^"]*)"', form)[1]
        self.status_token = re.search(r"/send\?u=([^\"]*)\"", form)[1]
        # Those of the buttons: all of them lead to this thread.
        self.token = re.search(
            r'action="/\w\w/return"><input type="hidden" name="token" '
            r'value="([^"]*)"', text)[1]
        found = re.search(
            r'<form id="forget".*?name="token" value="([^"]*)"', text, re.S)
        self.forget_token = found[1] if found else None
        self.pages = sorted(
            {int(n) for n in re.findall(r'name="page" value="(\d+)"', text)})


def enter(drop, code, lang="en"):
    """Come back with a return code."""
    return Thread(drop.post_small(f"/{lang}/return", code=code))


def look_again(drop, token, page=1, lang="en"):
    return Thread(
        drop.post_small(f"/{lang}/return", token=token, page=page))


def whole(drop, code):
    """All answers, as one list of texts with their newsroom, over all pages;
    and how many pages there are."""
    first = enter(drop, code)
    found = re.search(
        r"<p>Page <bdi>1</bdi> of <bdi>(\d+)</bdi></p>", first.text)
    n = int(found[1]) if found else 1
    said = list(first.answers)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for thread in pool.map(lambda i: look_again(drop, first.token, i),
                               range(2, n + 1)):
            said += thread.answers
    return said, n
