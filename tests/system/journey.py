"""A source's way from the form to an answer and away again."""
import concurrent.futures
import os
import random
import re
import shutil
import statistics
import time

from lib.drop import Drop
from lib.tap import Suite, check, equal
from lib.thread import Thread, enter, look_again, whole
from lib.wire import Form, small

suite = Suite()
noise = random.Random(5)
drop = Drop(newsrooms=2).start()
TIMES, ZEITUNG = (newsroom.id for newsroom in drop.newsrooms)


class Source:
    """Someone who has sent a message."""

    def __init__(self, message="hello", where=drop):
        page = where.post(where.form().field("message", message))
        equal(page.state, "sealed", "state")
        self.words = page.output("code")
        self.digits = page.output("code-digits")


def mailbox(path):
    return drop.list(path)["mailbox"]


@suite.test("sent, and back with the words, and with the digits: waiting")
def _():
    source = Source()
    for code in (source.words, source.digits):
        for lang in ("en", "he", "ar"):
            thread = enter(drop, code, lang)
            equal(thread.state, "waiting", "state")
            equal(thread.answers, [], "answers")
            equal(thread.forget_token, None, "nothing to delete")
            check(not thread.mentions_unsigned, "nothing is wrong")


def word_spellings(words):
    """As people and programs write eight words."""
    w = words.split(" ")
    yield words
    yield words.upper()
    yield words.title()
    yield "  " + "   ".join(w) + "  "
    yield "\n".join(w)
    yield "\r\n".join(w) + "\r\n"
    yield "\t".join(w)
    yield ", ".join(w)
    yield "-".join(w)
    yield "\u2013".join(w)
    yield " ".join(f"{i}. {x}" for i, x in enumerate(w, 1))
    yield "\n".join(f"{i}) {x}" for i, x in enumerate(w, 1))
    yield "\n".join(f"- {x}" for x in w)
    yield "\u00a0".join(w)
    yield "\u200f" + " ".join(w) + "\u200f"
    yield " ".join(f"\u2068{x}\u2069" for x in w)
    yield "\ufeff" + words
    yield "\u200b".join(w)
    yield f"\"{words}.\""
    yield "".join(chr(ord(c) - 0x20 + 0xff00) if "!" <= c <= "~" else c
                  for c in words)


def digit_spellings(digits):
    plain = digits.replace(" ", "")
    yield digits
    yield plain
    yield digits.replace(" ", "-")
    yield digits.replace(" ", "\n")
    yield digits.replace(" ", "\u00a0")
    yield " ".join(plain)
    for zero in (0x660, 0x6f0, 0xff10):
        yield "".join(chr(zero + int(c)) if c != " " else c for c in digits)
    yield "\u200f" + digits + "\u200e"


@suite.test("L17: 30 spellings lead to the same thread")
def test_l17_spellings_over_http():
    source = Source()
    drop.answer(source.words, 0, text="It was this one.")
    spellings = [*word_spellings(source.words),
                 *digit_spellings(source.digits)]
    equal(len(set(spellings)), 30, "spellings")

    def back(spelling):
        return spelling, enter(drop, spelling, noise.choice(("en", "ar")))

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for spelling, thread in pool.map(back, spellings):
            equal(thread.answers, [(TIMES, "It was this one.")],
                  f"answers with {spelling!r}")


@suite.test("L17: ... and as multipart, which the form does not ask for")
def _():
    source = Source()
    form = Form().field("code", source.words.upper())
    page = drop.exchange(form.request(path="/en/return"))
    equal(Thread(page).state, "waiting", "state")


@suite.test("waiting, collected, answered; each newsroom by itself")
def _():
    source = Source()
    drop.answer(source.words, 0, kind="received", newsroom=0, day="2026-11-21")
    thread = enter(drop, source.words)
    equal((thread.state, thread.collected), ("collected", 1), "one of them")
    check("<bdi>2026-11-21</bdi>" in thread.text, "the day")
    drop.answer(source.words, 0, kind="received", newsroom=1)
    thread = enter(drop, source.words)
    equal((thread.state, thread.collected), ("collected", 2), "both")
    drop.answer(source.words, 1, text="שלום <b>&\"'", newsroom=1,
                day="2026-11-23")
    thread = enter(drop, source.words)
    equal(thread.state, "answered", "state")
    equal(thread.answers, [(ZEITUNG, "שלום <b>&\"'")], "answers")
    equal(thread.collected, 2, "collected")
    drop.answer(source.words, 1, text="later", newsroom=0, day="2026-11-24")
    drop.answer(source.words, 2, text="latest", newsroom=0, day="2026-11-24")
    drop.answer(source.words, 3, text="early", newsroom=0, day="2026-11-01")
    equal(enter(drop, source.words).answers,
          [(TIMES, "latest"), (TIMES, "later"), (ZEITUNG, "שלום <b>&\"'"),
           (TIMES, "early")], "newest first")


@suite.test("the first and the last slot are looked at")
def _():
    source = Source()
    drop.answer(source.words, 255, text="last", newsroom=1)
    drop.answer(source.words, 0, text="first", newsroom=1)
    equal(enter(drop, source.words).answers,
          [(ZEITUNG, "last"), (ZEITUNG, "first")], "answers")


@suite.test("what another source, slot or newsroom was told is not shown")
def _():
    one, other = Source(), Source()
    mine = drop.answer(one.words, 0, text="mine")

    def moved(path, into):
        shutil.copyfile(path, into + ".new")
        os.chmod(into + ".new", 0o400)
        owner = os.stat(os.path.dirname(into))
        os.chown(into + ".new", owner.st_uid, owner.st_gid)
        os.replace(into + ".new", into)

    def shown(text):
        thread = enter(drop, one.words)
        equal(thread.answers, [], f"{text}: answers")
        check(thread.mentions_unsigned, f"{text}: it is mentioned")
        equal(thread.state, "waiting", f"{text}: state")

    moved(drop.answer(other.words, 0, text="not yours"), mine)
    shown("of another source")
    os.unlink(mine)
    second = drop.answer(one.words, 1, text="mine, in slot 1")
    os.replace(second, mine)
    shown("of another slot")
    moved(drop.answer(one.words, 0, text="of the second", newsroom=1), mine)
    thread = enter(drop, one.words)
    equal(thread.answers, [(ZEITUNG, "of the second")], "only where it belongs")
    check(thread.mentions_unsigned, "the copy is mentioned")
    for data in (b"", b"x", os.urandom(4096), bytes(65536)):
        os.chmod(mine, 0o600)
        with open(mine, "wb") as f:
            f.write(data)
        thread = enter(drop, one.words)
        equal(thread.answers, [(ZEITUNG, "of the second")], "answers")
        check(thread.mentions_unsigned, f"{len(data)} bytes are mentioned")
    equal(enter(drop, other.words).answers, [(TIMES, "not yours")], "the other")


@suite.test("an answer of 64 KiB, over many pages, every letter of it")
def _():
    for text in ("\"quoted\" & <tagged> " * 3000, "לא נשבר באמצע " * 2600):
        text = text.encode()[:64900].decode(errors="ignore")
        source = Source()
        drop.answer(source.words, 0, text=text)
        said, pages = whole(drop, source.digits)
        equal({outlet for outlet, _ in said}, {TIMES}, "outlets")
        check("".join(piece for _, piece in said) == text, "the text differs")
        check(20 < pages < 300, f"{pages} pages")
        suite.figure(f"{len(text.encode())} bytes over {pages} pages")


@suite.test("pages that are not there: the nearest, and nothing breaks")
def _():
    source = Source()
    drop.answer(source.words, 0, text="word " * 5000)
    thread = enter(drop, source.words)
    first = thread.answers
    equal(thread.pages, [1, 2], "ways on from the first")
    for page in (0, "", "x", "-1", "1x", "٢"):
        equal(look_again(drop, thread.token, page).answers, first, f"{page!r}")
    last = look_again(drop, thread.token, 9999)
    for page in (500, 9998, 99999, "4294967297"):
        equal(look_again(drop, thread.token, page).answers, last.answers,
              f"page {page}")
    middle = look_again(drop, thread.token, 2)
    equal(middle.pages, [1, 3], "ways on from the second")


@suite.test("look again, without entering the code")
def _():
    source = Source()
    thread = enter(drop, source.words)
    for _ in range(3):
        thread = look_again(drop, thread.token)
        equal(thread.state, "waiting", "state")
    drop.answer(source.words, 0, text="here it is")
    equal(look_again(drop, thread.token).answers, [(TIMES, "here it is")],
          "answers")
    equal(look_again(drop, thread.token, lang="he").answers,
          [(TIMES, "here it is")], "in another language")


@suite.test("write again from the thread: the same code, a new object")
def _():
    before = set(drop.objects())
    source = Source("first")
    thread = enter(drop, source.digits)
    form = Form(thread.send_token).field("message", "second")
    page = drop.exchange(form.file("f", b"more").request(
        path=f"/en/send?u={thread.status_token}"))
    equal((page.status, page.state), (200, "sealed"), "answer")
    equal(page.output("code"), source.words, "the same code")
    equal(page.output("code-digits"), source.digits, "the same digits")
    again = drop.post(form)
    check('id="again"' in again.text(), "sent twice, stored once")
    new = set(drop.objects()) - before
    equal(len(new), 2, "objects")
    equal(len({mailbox(path) for path in new}), 1, "mailboxes")
    equal({drop.extract(path).message for path in new}, {b"first", b"second"},
          "messages")
    third = enter(drop, source.words)
    check(third.send_token != thread.send_token, "a new upload each time")
    page = drop.post(Form(third.send_token).field("message", "third"))
    equal(page.output("code"), source.words, "the same code")
    equal(len(set(drop.objects()) - before), 3, "objects")


@suite.test("L20: forgetting removes exactly this source's answers")
def test_l20_forget_exactly():
    one, other = Source(), Source()
    for n in range(2):
        drop.answer(other.words, 0, text=f"theirs {n}", newsroom=n)
    others, objects = drop.replies(), drop.objects()
    for newsroom in (0, 1):
        drop.answer(one.words, 0, kind="received", newsroom=newsroom)
        drop.answer(one.words, 3, text="mine", newsroom=newsroom)
    equal(len(drop.replies()), len(others) + 4, "answers")
    thread = enter(drop, one.words)
    page = drop.post_small("/en/forget", token=thread.forget_token)
    equal((page.status, page.state), (200, "deleted"), "answer")
    equal(drop.replies(), others, "what is left")
    equal(drop.objects(), objects, "objects")
    thread = enter(drop, one.words)
    equal((thread.state, thread.answers), ("waiting", []), "afterwards")
    equal(enter(drop, other.words).answers,
          [(TIMES, "theirs 0"), (ZEITUNG, "theirs 1")], "the other's")
    # Once more: nothing is left to delete, and nothing breaks.
    page = drop.post_small("/en/forget", token=thread.token)
    equal(page.state, "deleted", "again")
    equal(drop.replies(), others, "what is left")


@suite.test("L20: what came after the thread was shown stays")
def test_l20_later_answers_stay():
    source = Source()
    drop.answer(source.words, 0, text="old", newsroom=0)
    drop.answer(source.words, 1, text="old too", newsroom=1)
    token = enter(drop, source.words).forget_token
    drop.answer(source.words, 1, text="new", newsroom=0)
    drop.answer(source.words, 2, text="new too", newsroom=1)
    page = drop.post_small("/ar/forget", token=token)
    equal(page.state, "deleted", "state")
    equal(sorted(enter(drop, source.words).answers),
          sorted([(TIMES, "new"), (ZEITUNG, "new too")]), "what is left")
    # A thread that showed nothing deletes nothing.
    other = Source()
    token = enter(drop, other.words).token
    drop.answer(other.words, 0, text="unseen")
    drop.post_small("/en/forget", token=token)
    equal(enter(drop, other.words).answers, [(TIMES, "unseen")], "unseen")


@suite.test("L19: who has a code reads answers, and nothing that was sent")
def test_l19_no_submissions():
    marker = noise.randbytes(8).hex()
    form = drop.form().field("message", f"secret {marker}")
    form.file(f"{marker}.pdf", marker.encode() * 100)
    page = drop.post(form)
    check(marker not in page.text(), "in the receipt")
    code = page.output("code")
    drop.answer(code, 0, kind="received")
    drop.answer(code, 1, text="An answer.")
    thread = enter(drop, code)
    check(marker not in thread.text, "in the thread")
    check(code not in thread.text, "the code itself")
    for word in ("pdf", "secret", "Files: "):
        check(word not in thread.text, f"{word!r} in the thread")
    # How much was sent does not show either.
    empty = Source()
    drop.answer(empty.words, 0, kind="received")
    drop.answer(empty.words, 1, text="An answer.")

    def without_tokens(text):
        return re.sub(r'(value="|u=)[\w-]{180}', r"\1", text)

    equal(without_tokens(enter(drop, empty.words).text),
          without_tokens(thread.text), "the same page as of a message alone")


@suite.test("what is wrong with a code is said, and it can be corrected")
def _():
    source = Source()
    w = source.words.split(" ")

    def wrong(text, lang="en"):
        page = drop.post_small(f"/{lang}/return", code=text)
        equal((page.status, page.reason), (400, "code"), f"answer to {text!r}")
        return page.text()

    for i in range(8):
        text = wrong(" ".join([*w[:i], "qqqword", *w[i + 1:]]))
        check(f"“<bdi>qqqword</bdi>”, number <bdi>{i + 1}</bdi>" in text,
              f"word {i + 1} is named")
        check(f"{' '.join([*w[:i], 'qqqword', *w[i + 1:]])}</textarea>" in text,
              "it is shown again")
    text = wrong(" ".join([w[1], w[0], *w[2:]])) if w[0] != w[1] else ""
    check("do not fit" in text, "exchanged words")
    check("This is not." in wrong(" ".join(w[:7])), "seven words")
    check("This is not." in wrong(""), "nothing")
    check("This is not." in wrong("12345"), "five digits")
    digits = source.digits[:-1] + str((int(source.digits[-1]) + 1) % 10)
    check("do not fit" in wrong(digits), "a wrong digit")
    text = wrong("<zscript>\"'&")
    check("<zscript" not in text, "markup")
    check("&lt;zscript&gt;&quot;&#39;&amp;</textarea>" in text, "as text")
    check("<bdi>zscript</bdi>" in text, "the word in it")
    for body in (b"code=%ff%fe", b"code=a%00b"):
        page = drop.exchange(
            b"POST /he/return HTTP/1.1\r\nHost: d\r\nContent-Type: "
            b"application/x-www-form-urlencoded\r\nContent-Length: "
            + str(len(body)).encode() + b"\r\n\r\n" + body)
        equal((page.status, page.reason), (400, "code"), f"{body}")


@suite.test("L16: there is no unknown code: one never seen is waiting")
def test_l16_no_unknown_code():
    elsewhere = Drop().start()
    stranger = Source(where=elsewhere)
    thread = enter(drop, stranger.words)
    equal((thread.state, thread.answers), ("waiting", []), "a stranger's")
    known = enter(drop, Source().words)

    def without_tokens(text):
        return re.sub(r'(value="|u=)[\w-]{180}', r"\1", text)

    equal(without_tokens(thread.text), without_tokens(known.text), "the page")
    equal(elsewhere.stop(), 0, "exit status")


def seconds(data):
    began = time.monotonic()
    page = drop.exchange(data)
    return time.monotonic() - began, page


@suite.test("L18: a code that is too long is refused without a key derivation")
def test_l18_long_codes():
    for n, status in ((1025, 400), (5000, 400), (8187, 400), (8188, 413),
                      (100000, 413)):
        # The best of some tries: another program may run meanwhile.
        tries = [seconds(small("/en/return", code="a" * n)) for _ in range(5)]
        equal({page.status for _, page in tries}, {status}, f"{n} bytes")
        best = min(took for took, _ in tries)
        check(best < 0.4, f"{n} bytes: {best:.3f} s")
    # Right words within too much text are not looked for either.
    source = Source()
    page = drop.post_small("/en/return", code=source.words + " " * 1000)
    equal((page.status, page.reason), (400, "code"), "with 1,000 blanks")
    equal(enter(drop, source.words + " " * 900).state, "waiting", "with 900")


@suite.test("L16: the time of an empty and of a full mailbox is the same")
def test_l16_timing():
    full, empty = Source(), Source()

    def put(n):
        drop.answer(full.words, n, text=f"{n} " + "text " * 12000,
                    newsroom=n % 2)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(put, range(40)))
    equal(len(enter(drop, full.words).answers) > 0, True, "it is full")
    took = {full.words: [], empty.words: []}
    for i in range(40):
        for code in (full.words, empty.words)[::1 if i % 2 else -1]:
            spent, page = seconds(small("/en/return", code=code))
            equal(page.status, 200, "status")
            took[code].append(spent)
    both = (took[full.words], took[empty.words])
    suite.figure("full mailbox, empty mailbox: medians of 40 %.4f s, %.4f s; "
                 "means %.4f s, %.4f s" % (*map(statistics.median, both),
                                           *map(statistics.mean, both)))
    # Answers leave at full half seconds. On a busy machine both are sometimes
    # one later; if what lies in the mailbox decided that, the means would be
    # up to 0.5 s apart, by chance they are less than 0.25 s (4 sigma).
    apart = abs(statistics.mean(both[0]) - statistics.mean(both[1]))
    check(apart < 0.25, f"means are {apart:.3f} s apart: {both}")
    for spent in took[full.words] + took[empty.words]:
        check(spent >= 0.45, f"{spent:.3f} s: before the half second")


@suite.test("L21: journeys at the same time do not mix")
def test_l21_journeys_do_not_mix():
    sources = [Source(f"of {i}") for i in range(6)]
    for i, source in enumerate(sources):
        drop.answer(source.words, i, text=f"answer for {i}", newsroom=i % 2)

    def journey(i):
        source, outlet = sources[i], (TIMES, ZEITUNG)[i % 2]
        wanted = [(outlet, f"answer for {i}")]
        for turn in range(4):
            thread = enter(drop, noise.choice((source.words, source.digits)))
            equal(thread.answers, wanted, f"journey {i}")
            thread = look_again(drop, thread.token, lang="fr")
            equal(thread.answers, wanted, f"journey {i}, again")
            form = Form(thread.send_token).field("message", f"{i}/{turn}")
            equal(drop.post(form).output("code"), source.words, "the code")
        if i % 2:
            page = drop.post_small("/en/forget", token=thread.forget_token)
            equal(page.state, "deleted", "state")
            wanted = []
        equal(enter(drop, source.words).answers, wanted, "in the end")
        return i

    before = set(drop.objects())
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        equal(list(pool.map(journey, range(6))), list(range(6)), "journeys")
    boxes = {}
    for path in set(drop.objects()) - before:
        message = drop.extract(path).message.decode()
        boxes.setdefault(mailbox(path), set()).add(message.split("/")[0])
    equal(sorted(map(sorted, boxes.values())), [[str(i)] for i in range(6)],
          "what lies in each mailbox")


@suite.test("after a new start the codes lead where they led, tokens nowhere")
def _():
    source = Source()
    drop.answer(source.words, 0, text="still here")
    thread = enter(drop, source.words)
    equal(drop.stop(), 0, "exit status")
    drop.start()
    equal(enter(drop, source.words).answers, [(TIMES, "still here")], "answers")
    page = drop.post_small("/en/return", token=thread.token)
    equal((page.status, page.reason), (403, "token"), "an old token")
    page = drop.post_small("/en/forget", token=thread.forget_token)
    equal((page.status, page.reason), (403, "token"), "to delete with it")
    equal(enter(drop, source.words).answers, [(TIMES, "still here")], "answers")


@suite.test("nothing failed meanwhile")
def _():
    drop.ends_well()


suite.run()
