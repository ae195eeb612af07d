"""L26: exactly one object for each form, however often it is sent: re-sent,
clicked twice, reloaded, cut and sent again. A thousand trials."""
import concurrent.futures
import os
import random
import re
import time

from lib.drop import Drop
from lib.tap import Suite, check, equal, wait_for
from lib.wire import Form

# Under a sanitizer everything is slower, and not otherwise.
TRIALS = 100 if os.environ.get("KNOTHOLE_SANITIZED") else 1000

suite = Suite()
drop = Drop(max_visits=200).start()


class Trial:
    def __init__(self, number):
        self.number = number
        self.chance = random.Random(number)
        self.files = self.chance.choice((0, 0, 1, 2))
        self.pages = []
        own, shown = drop.tokens()
        framed = self.chance.random() < 0.5
        self.path = f"/en/send?u={shown}" if framed else "/en/send"
        self.form = Form(own).field("message", f"trial {number}")
        for i in range(self.files):
            data = self.chance.randbytes(self.chance.choice((0, 9, 30000)))
            self.form.file(f"{i}", data)
        self.data = self.form.head(path=self.path) + self.form.body()

    def send(self, pause=0):
        """To its end; a page that says "busy" is loaded again, as it asks."""
        if pause:
            time.sleep(pause)
        for _ in range(20):
            page = drop.exchange(self.data)
            if page.reason != "busy":
                break
        self.pages.append(page)
        return page

    def cut(self):
        """As much as arrives before the connection breaks."""
        at = self.chance.randrange(1, len(self.data))
        with drop.connect() as wire:
            wire.offer([self.data[:at]])
            if self.chance.random() < 0.5:
                wire.reset()

    def leave(self):
        """All of it, and away before the answer."""
        with drop.connect() as wire:
            wire.offer([self.data])


def resent(trial):
    for _ in range(trial.chance.choice((2, 2, 3))):
        trial.send()


def clicked_twice(trial):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        pause = trial.chance.choice((0, 0, 0.01, 0.05))
        list(pool.map(trial.send, (0, pause)))


def reloaded(trial):
    trial.leave()
    trial.send()


def cut_then_resent(trial):
    for _ in range(trial.chance.choice((1, 1, 2))):
        trial.cut()
    trial.send()


def everything(trial):
    trial.cut()
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        jobs = [trial.send, trial.send, trial.cut]
        trial.chance.shuffle(jobs)
        for job in [pool.submit(job) for job in jobs]:
            job.result()
    trial.send()


WAYS = (resent, clicked_twice, reloaded, cut_then_resent, everything)
WEIGHTS = (4, 4, 4, 4, 1)


def one(number):
    trial = Trial(number)
    way = trial.chance.choices(WAYS, WEIGHTS)[0]
    way(trial)
    trial.way = way.__name__
    return trial


def files_of(page):
    said = re.search(r'<output id="outcome".*?</output>', page.text())[0]
    return re.search(r"Files: <bdi>(\d+)</bdi>", said)[1]


class Done:
    trials = []


@suite.test(f"{TRIALS} forms, each sent more than once: one receipt")
def test_l26_thousand_trials():
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        Done.trials = list(pool.map(one, range(TRIALS)))
    again = 0
    for trial in Done.trials:
        name = f"trial {trial.number} ({trial.way})"
        check(trial.pages, f"{name}: no answer")
        for page in trial.pages:
            equal((page.status, page.state), (200, "sealed"), name)
            equal(page.output("code"), trial.pages[0].output("code"),
                  f"{name}: codes")
            equal(page.output("code-digits"),
                  trial.pages[0].output("code-digits"), f"{name}: digits")
            equal(files_of(page), str(trial.files), f"{name}: files")
            again += 'id="again"' in page.text()
    ways = {w.__name__: sum(t.way == w.__name__ for t in Done.trials)
            for w in WAYS}
    check(all(ways.values()), f"some way was not tried: {ways}")
    check(again > TRIALS // 4, f"only {again} pages say that it was sent again")
    suite.figure(f"{ways}; {again} times the same receipt again")


@suite.test("... and exactly one object each, all of them whole")
def test_l26_one_object_each():
    wait_for("all visits have ended", lambda: not drop.visits(), 60)
    equal(len(drop.objects()), TRIALS, "objects")

    def opened(path):
        out = drop.extract(path)
        return out.message.decode(), out.manifest["complete"], len(out.names)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = sorted(pool.map(opened, drop.objects()))
    equal(found, sorted((f"trial {t.number}", True, t.files)
                        for t in Done.trials), "what is in them")


@suite.test("no two forms have the same code")
def _():
    codes = {trial.pages[0].output("code") for trial in Done.trials}
    equal(len(codes), TRIALS, "codes")


@suite.test("nothing failed meanwhile")
def _():
    drop.ends_well()


suite.run()
