"""Progress without scripts: a document of ticks beside the upload."""
import os
import random
import re
import signal
import time

from lib.drop import LANGUAGES, Drop
from lib.late import Late
from lib.tap import Failure, Suite, check, equal, wait_for
from lib.wire import Form, Stream

TICK, CODE = 1024, 2048
MiB = 1 << 20

suite = Suite()
noise = random.Random(7)
drop = Drop(newsrooms=2, max_upload="64 MiB", max_message=1000).start()
page_length = len(drop.get("/en/").body)


def figure(n):
    """As the site writes a number of bytes."""
    for unit in ("kB", "MB", "GB"):
        tenths = n * 10 // 1024
        if tenths < 10240 or unit == "GB":
            break
        n //= 1024
    return f"{tenths // 10} {unit}" if tenths >= 100 or tenths % 10 == 0 \
        else f"{tenths // 10}.{tenths % 10} {unit}"


class Tick:
    def __init__(self, chunk):
        text = self.text = chunk.decode("utf-8")
        found = re.findall(r'<p class="tick" data-state="(\w+)"'
                           r'(?: data-reason="([\w-]+)")?', text)
        equal(len(found), 1, f"ticks in one chunk: {text[:200]}")
        self.state, self.reason = found[0]
        self.numbers = re.findall(r"<bdi>([^<]*)</bdi>",
                                  text[text.index('<p class="tick"'):])
        found = re.search(r'<output id="code">([^<]*)</output>', text)
        self.code = found[1] if found else None


class Upload:
    """A form that is sent while its display is looked at."""

    def __init__(self, where=drop, lang="en"):
        self.where, self.lang = where, lang
        self.own, self.shown = where.tokens(lang)
        self.screen = where.connect()
        self.stream = Stream(
            self.screen, f"/{lang}/status?u={self.shown}")
        equal(self.stream.status, 200, "status of the display")
        head = self.stream.next()
        equal(len(head), page_length, "bytes of the display's head")
        self.ticks = []
        self.form = Form(self.own)
        self.wire = None

    def tick(self, seconds=20):
        chunk = self.stream.next(seconds)
        if chunk is None or b'class="tick"' not in chunk:
            return None
        new = Tick(chunk)
        equal(len(chunk), TICK + (CODE if new.code else 0),
              f"bytes of a chunk that says {new.state}")
        self.ticks.append(new)
        return new

    def until(self, *states, seconds=30):
        """The first tick in one of these states."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            new = self.tick()
            if new is None:
                raise Failure(f"the display ended before {states}; it said "
                              f"{[t.state for t in self.ticks]}")
            if new.state in states:
                return new
        raise Failure(f"not {states}; it said {[t.state for t in self.ticks]}")

    def path(self):
        return f"/{self.lang}/send?u={self.shown}"

    def request(self, **arguments):
        return self.form.head(path=self.path(), **arguments) + self.form.body()

    def post(self):
        return self.where.exchange(self.request())

    def begin(self, data):
        self.wire = self.where.connect()
        self.wire.send(data)

    def code(self):
        """The code that was shown, once."""
        codes = [t.code for t in self.ticks if t.code]
        equal(len(codes), 1, "how often the code was shown")
        return codes[0]

    def end(self):
        """Read to the end, which must come, with all elements closed."""
        self.stream.rest(60)
        check(self.stream.ended, "the display has no end")
        text = b"".join(d for _, d in self.stream.chunks).decode()
        check(text.endswith("</div></main></body></html>\n"), "its last words")
        self.screen.close()


@suite.test("waiting: ticks of one size, one a second, in every language")
def _():
    for lang in LANGUAGES:
        with Late() as late:
            upload = Upload(lang=lang)
            for _ in range(2 if lang != "en" else 5):
                equal(upload.tick().state, "waiting", "state")
        times = [at for at, _ in upload.stream.chunks[1:]]
        gaps = [b - a for a, b in zip(times, times[1:])]
        # Whoever reads them late: none is there before its second, and each
        # is sent when it is due, not when the one before has been sent.
        check(all(at >= i - 0.05 for i, at in enumerate(times)),
              f"too soon: {times}")
        check(all(gap < 3 + 2 * late.most for gap in gaps), f"gaps {gaps}")
        check(times[-1] - times[0] < len(times) + 3 + 2 * late.most,
              f"{len(times)} ticks: {times}")
        check(not upload.ticks[0].code, "no code before anything was sent")
        upload.screen.close()
    drop.idle()


@suite.test("sealed: what has come, the code once, the end")
def _():
    upload = Upload()
    equal(upload.tick().state, "waiting", "at first")
    upload.form.field("message", "with a display").file("a", b"1" * 5000)
    upload.form.file("b", b"2" * 5000)
    page = upload.post()
    equal((page.status, page.state), (200, "sealed"), "answer")
    last = upload.until("sealed")
    equal(last.numbers, ["2"], "files")
    check('role="status"' in last.text, "it is announced")
    upload.end()
    equal(upload.code(), page.output("code"), "the code")
    check("<a " not in page.text(), "no way out of the frame")


@suite.test("arriving: true to what the server has received")
def _():
    upload = Upload()
    upload.form.field("message", "slow").file("a", noise.randbytes(MiB))
    upload.form.file("b", noise.randbytes(4 * MiB))
    body = upload.form.body()
    head = upload.form.head(path=upload.path())
    upload.begin(head)
    sent = 0
    for step in (300, 100000, MiB, 2 * MiB, 3 * MiB + 77777):
        upload.wire.send(body[sent:step])
        sent = step

        def said():
            new = upload.until("arriving")
            done, total, files = new.numbers
            equal(total, figure(len(body)), "the whole")
            unit = {"kB": 1024, "MB": MiB}[done.split(" ")[1]]
            check(float(done.split(" ")[0]) * unit <= sent,
                  f"{done} of {sent} bytes sent")
            return done == figure(sent) and int(files) == (sent > 1100000)

        wait_for(f"it says {figure(sent)}", said)
    upload.wire.send(body[sent:])
    page = upload.wire.response()
    equal(page.state, "sealed", "answer")
    upload.until("sealed")
    equal(upload.code(), page.output("code"), "the code")
    done = [t.state for t in upload.ticks]
    check(done.index("arriving") < done.index("sealed"), f"states {done}")
    upload.end()


@suite.test("L26: too large is said within 2 s, from the Content-Length")
def test_l26_too_large_is_seen():
    for lang in ("en", "he"):
        upload = Upload(lang=lang)
        upload.tick()
        with Late() as late:
            began = time.monotonic()
            upload.begin(upload.form.head(path=upload.path(), length=65 * MiB))
            tick = upload.until("refused")
            took = time.monotonic() - began
        equal(tick.reason, "too-large", "reason")
        check("64 MB" in tick.numbers, f"the limit: {tick.numbers}")
        check(took < 2 + 3 * late.most, f"{took:.2f} s, {late.most:.2f} s late")
        page = upload.wire.response()
        equal((page.status, page.reason), (413, "too-large"), "the answer")
        upload.end()
        equal([t.code for t in upload.ticks if t.code], [], "no code")
    suite.figure(f"too large: said after {took:.2f} s")


@suite.test("other refusals: the display says why, and ends")
def _():
    def empty(form):
        form.field("message", " ")

    def odd(form):
        form.field("message", "m").field("other", "x")

    def long(form):
        form.field("message", "m" * 1001)

    for fill, reason in ((empty, "empty"), (odd, "form"), (long, "too-large")):
        upload = Upload()
        fill(upload.form)
        page = upload.post()
        equal(page.reason, reason, "answer")
        equal(upload.until("refused").reason, reason, "display")
        upload.end()


@suite.test("a display that the machine lets wait still says why")
def _():
    drop.idle()
    upload = Upload()
    upload.tick()
    (display,) = wait_for("the display alone", lambda: len(drop.visits()) == 1
                          and drop.visits())
    upload.form.field("message", " ")
    os.kill(display, signal.SIGSTOP)
    try:
        upload.begin(upload.request())
        time.sleep(2)  # by now it is refused, and the visit would like to go
    finally:
        os.kill(display, signal.SIGCONT)
    equal(upload.wire.response().reason, "empty", "answer")
    equal(upload.until("refused").reason, "empty", "display")
    upload.end()


@suite.test("cut: k of n files are safe; sent again, it ends sealed")
def _():
    upload = Upload()
    before = set(drop.objects())
    upload.form.field("message", "cut")
    for name in "abc":
        upload.form.file(name, noise.randbytes(50000))
    data = upload.request()
    upload.begin(data[:-20000])
    upload.until("arriving")
    upload.wire.reset()
    tick = upload.until("partial")
    equal(tick.numbers, ["3", "2"], "2 of 3")
    equal(len(set(drop.objects()) - before), 1, "objects")
    # As Firefox does it: the same once more, by itself.
    page = drop.exchange(data)
    equal((page.status, page.state), (200, "sealed"), "answer")
    equal(upload.until("sealed").numbers, ["3"], "all of them")
    upload.end()
    equal(upload.code(), page.output("code"), "the code")
    (path,) = set(drop.objects()) - before
    equal(drop.list(path)["complete"], True, "complete")


@suite.test("cut before a file had arrived: the message is safe, or nothing")
def _():
    upload = Upload()
    upload.form.field("message", "words alone").file("a", b"x" * 100000)
    data = upload.request()
    upload.begin(data[:len(data) - 100100])
    upload.wire.taken()
    upload.wire.reset()
    tick = upload.until("partial", "refused")
    check(tick.state == "refused" and tick.reason == "cut"
          or tick.numbers[-1] == "0", f"{tick.state} {tick.numbers}")
    upload.screen.close()


@suite.test("the upload's process is killed: nothing was kept, and it says so")
def _():
    upload = Upload()
    objects = drop.objects()
    upload.form.file("a", noise.randbytes(3 * MiB))
    data = upload.request()
    others = drop.visits()
    upload.begin(data[:2 * MiB])
    upload.until("arriving")
    (victim,) = drop.visits() - others
    os.kill(victim, signal.SIGKILL)
    tick = upload.until("refused", "partial")
    equal((tick.state, tick.reason), ("refused", "cut"), "what it says")
    equal(drop.objects(), objects, "objects")
    # The browser sends it again, and that is followed.
    page = drop.exchange(data)
    equal(page.state, "sealed", "answer")
    equal(upload.until("sealed").numbers, ["1"], "files")
    upload.end()


@suite.test("killed on its second try: what the first had sealed is still there")
def _():
    upload = Upload()
    upload.form.file("a", noise.randbytes(MiB))
    upload.form.file("b", noise.randbytes(2 * MiB))
    data = upload.request()
    upload.begin(data[:2 * MiB])
    upload.until("arriving")
    upload.wire.reset()
    equal(upload.until("partial").numbers, ["2", "1"], "1 of 2")
    others = drop.visits()
    upload.begin(data[:2 * MiB])
    upload.until("arriving")
    (victim,) = drop.visits() - others
    os.kill(victim, signal.SIGKILL)
    equal(upload.until("partial").numbers, ["2", "1"], "1 of 2 still")
    upload.screen.close()


@suite.test("reloaded after the end: it says how it ended, and ends")
def _():
    upload = Upload()
    upload.form.file("a", b"1").file("b", b"2").file("c", b"3")
    page = upload.post()
    upload.until("sealed")
    upload.end()
    drop.idle()
    with drop.connect() as wire:
        stream = Stream(wire, f"/ar/status?u={upload.shown}")
        chunks = stream.rest()
    check(stream.ended, "the end")
    tick = Tick(chunks[1])
    equal((tick.state, tick.numbers), ("sealed", ["3"]), "the first tick")
    equal(tick.code, page.output("code"), "the code")


@suite.test("opened while it arrives: it joins in")
def _():
    own, shown = drop.tokens()
    form = Form(own).file("a", noise.randbytes(MiB))
    data = form.head(path=f"/en/send?u={shown}") + form.body()
    with drop.connect() as wire, drop.connect() as screen:
        wire.send(data[:600000])
        wire.taken()
        stream = Stream(screen, f"/en/status?u={shown}")
        chunk = stream.until(lambda c: b'data-state="arriving"' in c)
        check(chunk is not None, "it arrives")
        wire.send(data[600000:])
        equal(wire.response().state, "sealed", "answer")
        stream.until(lambda c: b'data-state="sealed"' in c)
        code = [Tick(c).code for c in (d for _, d in stream.chunks)
                if b'id="code"' in c]
        equal(len(code), 1, "the code, once")


@suite.test("the stop link: the display is over, the upload goes on")
def _():
    upload = Upload()
    link = re.search(rb'href="(/en/status\?stop=[^"]*)"',
                     upload.stream.chunks[0][1])[1].decode()
    upload.form.file("a", noise.randbytes(MiB))
    data = upload.request()
    upload.begin(data[:500000])
    upload.until("arriving")
    upload.screen.close()  # as a browser does that leaves a page
    page = drop.get(link)
    equal((page.status, len(page.body)), (200, page_length), "the page")
    check('data-state="stopped"' in page.text(), "it says so")
    upload.wire.send(data[500000:])
    equal(upload.wire.response().state, "sealed", "the upload")


@suite.test("a display that is left ends at once")
def _():
    drop.idle()
    uploads = [Upload() for _ in range(3)]
    uploads[0].tick()
    # Who handed out the forms may be leaving still.
    wait_for("displays", lambda: len(drop.visits()) == 3)
    for upload, how in zip(uploads, ("close", "half", "reset")):
        if how == "half":
            upload.screen.half_close()
        elif how == "reset":
            upload.screen.reset()
        else:
            upload.screen.close()
    wait_for("they have ended", lambda: not drop.visits())
    uploads[1].screen.close()


@suite.test("a display that is not read is not waited for by anybody")
def _():
    upload = Upload()  # whose screen is not looked at any more
    upload.form.file("a", noise.randbytes(2 * MiB))
    began = time.monotonic()
    equal(upload.post().state, "sealed", "the upload")
    check(time.monotonic() - began < 20, "it took too long")
    upload.screen.close()


@suite.test("displays do not use up the places: uploads come first")
def _():
    few = Drop(max_visits=8).start()
    screens = []
    tokens = [few.tokens() for _ in range(12)]
    few.idle()
    try:
        for _, shown in tokens:
            wire = few.connect()
            screens.append(wire)
            Stream(wire, f"/en/status?u={shown}")
        for own, shown in tokens[:4]:
            form = Form(own).field("message", "in spite of them")
            page = few.exchange(
                form.request(path=f"/en/send?u={shown}"))
            equal((page.status, page.state), (200, "sealed"), "an upload")
        check(len(few.visits()) <= 8, "places")
    finally:
        for wire in screens:
            wire.close()
    few.ends_well()


@suite.test("SIGTERM: displays end, and the service with them")
def _():
    other = Drop().start()
    upload = Upload(other)
    upload.tick()
    began = time.monotonic()
    equal(other.stop(), 0, "exit status")
    check(time.monotonic() - began < 30, "it took too long")
    upload.screen.close()


@suite.test("nothing failed meanwhile")
def _():
    drop.ends_well()


suite.run()
