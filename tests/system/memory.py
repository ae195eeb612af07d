"""Plaintext and return codes are in the memory of the visit that receives them
and of no other process, and a second after it ends they are nowhere."""
import base64
import os
import re
import signal
import time

from lib.drop import BUILD, Drop, workplace
from lib.memory import family, holders, in_descriptors
from lib.pgp import Person, add_key
from lib.tap import Failure, Suite, check, equal, wait_for
from lib.thread import enter
from lib.wire import Form, Stream, small

if os.environ.get("KNOTHOLE_SANITIZED"):
    print("1..0 # skip sanitizers keep copies of what was freed")
    raise SystemExit(0)
if os.geteuid() != 0:
    print("1..0 # skip reading the memory of other users' processes needs root")
    raise SystemExit(0)

HELD = 3000  # bytes of a body that are kept back

suite = Suite()
drop = Drop(courier_listen="tcp:127.0.0.1:0")
# With an OpenPGP key, so that the process that runs gpg is there too.
apart = workplace()
person = Person(os.path.join(apart, "person"))
person.make("newsroom")
add_key(drop.newsrooms[0],
        person.export("newsroom", os.path.join(apart, "newsroom.pgp")),
        drop.cards)
drop.start()


def words():
    with open(os.path.join(BUILD, "gen", "wordlist.c"), encoding="ascii") as f:
        return re.findall(r'^\t"([a-z-]+)",$', f.read(), re.M)


def of_code(code):
    """A return code, as it is typed, shown, held and put into a token."""
    index = words()
    digits = [index.index(word) for word in code.split(" ")[:-1]]
    return {
        "code shown": code.encode(),
        "code typed": code.replace(" ", "+").encode(),
        "code held": b"".join(d.to_bytes(2, "little") for d in digits),
        "code in a token": b"".join(d.to_bytes(2, "big") for d in digits),
    }


class Sent:
    """An upload whose last bytes are kept back, and what must not be found."""

    def __init__(self, token):
        # Short and repeated, so that a piece of it is found too.
        self.message, self.name = (
            os.urandom(8).hex().encode() for _ in range(2)
        )
        binary = os.urandom(12)
        self.form = Form(token).field("message", b"m " + 9 * self.message)
        self.form.file(f"{2 * self.name.decode()}.pdf", binary * 40000)
        self.needles = {
            "message": self.message,
            "name": self.name,
            "file": binary,
            "file in base64": base64.b64encode(binary),
        }

    def send(self, path="/en/send"):
        """All but the end; the connection and its visit."""
        before = drop.visits()
        self.wire = drop.connect()
        (self.pid,) = wait_for("its visit", lambda: drop.visits() - before)
        data = self.form.request(path=path)
        self.wire.send(data[:-HELD])
        self.rest = data[-HELD:]
        # Then it is in the middle of the file.
        wait_for("the file's marker in the visit",
                 lambda: "file" in inside(self.pid, self.needles))
        return self.pid

    def end(self):
        self.wire.send(self.rest)
        return self.wire.response()


def everyone():
    found = family(drop.process.pid)
    for name in ("door", "store", "courier", "wrap"):
        check(name in found.values(), f"no {name} among {found}")
    return found


def inside(pid, needles):
    return holders([pid], needles).get(pid, set())


def assert_only(pids, needles):
    """Nobody but these processes, and no file."""
    all_of_them = everyone()
    others = [pid for pid in all_of_them if pid not in pids]
    found = holders(others, needles)
    equal({all_of_them[pid]: names for pid, names in found.items()}, {},
          "who else has it")
    assert_no_file(all_of_them, needles)


def assert_no_file(pids, needles):
    for pid, name in pids.items():
        equal(in_descriptors(pid, needles), set(), f"descriptors of {name}")
    equal(drop.scan(*needles.values()), [], "files in the service's reach")
    for entry in os.scandir("/dev/shm"):
        if entry.is_file(follow_symlinks=False) and entry.stat().st_size < 1 << 26:
            with open(entry.path, "rb") as f:
                data = f.read()
            check(not any(n in data for n in needles.values()), entry.path)


def assert_nobody(needles):
    """One second after the visit's end."""
    drop.idle()
    time.sleep(1)
    assert_only((), needles)


def first_code():
    page = drop.post(drop.form().field("message", "first"))
    equal(page.state, "sealed", "answer")
    return page.output("code")


@suite.test("the search finds what a process holds, in memory and descriptors")
def finds():
    secret = os.urandom(24)
    needles = {"it": secret}
    check("it" in inside(os.getpid(), needles), "in memory")
    fd = os.memfd_create("planted")
    equal(in_descriptors(os.getpid(), needles), set(), "descriptors before")
    os.write(fd, b"x" * 5000 + secret)
    equal(in_descriptors(os.getpid(), needles), {"it"}, "memory file")
    os.close(fd)
    check(len(words()) == 7776, "word list")


@suite.test("L14 upload and status display: their visits alone hold anything")
def test_l14_upload():
    code = first_code()
    thread = enter(drop, code)
    one = Sent(thread.send_token)
    drop.idle()  # who has shown the thread has it no more
    secret = {**one.needles, **of_code(code)}
    pid = one.send(f"/en/send?u={thread.status_token}")
    held = inside(pid, secret)
    for name in ("message", "name", "file", "code held"):
        check(name in held, f"the search does not find {name} in the visit")
    before = drop.visits()
    with drop.connect() as wire:
        shown = Stream(wire, f"/en/status?u={thread.status_token}")
        equal(shown.status, 200, "status of the display")
        check(shown.until(lambda chunk: code.encode() in chunk), "code shown")
        (display,) = drop.visits() - before
        held = inside(display, secret)
        check("code shown" in held, "the search does not find the code shown")
        equal(held & set(one.needles), set(), "plaintext in the display")
        assert_only((pid, display), secret)
        page = one.end()
        equal(page.state, "sealed", "answer")
        shown.rest()
    one.wire.close()
    assert_nobody(secret)


@suite.test("L21 two uploads at once: none has anything of the other's")
def test_l21_two_uploads():
    both = [Sent(drop.token()) for _ in range(2)]
    for one in both:
        one.send()
    for one, other in (both, both[::-1]):
        check("message" in inside(one.pid, one.needles), "its own is there")
        assert_only((one.pid,), one.needles)
        equal(inside(other.pid, one.needles), set(), "in the other")
    # One is cut, one is killed.
    both[0].wire.reset()
    os.kill(both[1].pid, signal.SIGKILL)
    both[1].wire.close()
    drop.idle()
    assert_nobody({f"{name} {i}": n for i, one in enumerate(both)
                   for name, n in one.needles.items()})


def caught(pid, wanted, needles):
    """Stop a process while it holds `wanted`; False when it was too late."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            os.kill(pid, signal.SIGSTOP)
        except ProcessLookupError:
            return False
        if wanted <= inside(pid, needles):
            return True
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.02)
    raise Failure(f"{wanted - inside(pid, needles)} is never in the visit")


def come_back(data, wanted, needles):
    """Send this, look into the visit when it is at its fullest, read on."""
    for _ in range(5):
        drop.idle()  # others that held it have left
        with drop.connect() as wire:
            (pid,) = wait_for("its visit", drop.visits)
            wire.send(data)
            there = caught(pid, wanted, needles)
            try:
                if there:
                    assert_only((pid,), needles)
            finally:
                if there:
                    os.kill(pid, signal.SIGCONT)
            page = wire.response()
        if there:
            return page
    raise Failure("it was too fast, five times")


@suite.test("L14 a return: code and answer are in its visit, then nowhere")
def test_l14_return():
    code = first_code()
    text = os.urandom(24).hex()
    drop.answer(code, 0, text=f"answer {text}")
    needles = {**of_code(code), "answer": text.encode()}
    page = come_back(small("/en/return", code=code),
                     {"code typed", "answer"}, needles)
    check(text in page.text(), "the answer is shown")
    assert_nobody(needles)
    # Mistyped: told so, with the code to be corrected.
    wrong = code.rsplit(" ", 1)[0] + " zzzzz"
    needles["wrong code"] = wrong.encode()
    page = drop.post_small("/en/return", code=wrong)
    equal(page.status, 400, "status")
    check(wrong in page.text(), "shown to be corrected")
    assert_nobody(needles)


@suite.test("L14 deleting a conversation leaves nothing in memory either")
def test_l14_forget():
    code = first_code()
    text = os.urandom(24).hex()
    path = drop.answer(code, 0, text=f"answer {text}")
    thread = enter(drop, code)
    needles = {**of_code(code), "answer": text.encode()}
    drop.post_small("/en/forget", token=thread.forget_token)
    check(path not in drop.replies(), "the answer is still there")
    assert_nobody(needles)


@suite.test("it ends with 0, and has said nothing but that it is there")
def _():
    drop.idle()
    equal(drop.stop(), 0, "exit status")
    equal(len(drop.said().splitlines()), 3, f"what it said: {drop.said()}")


suite.run()
