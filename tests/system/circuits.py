#!/usr/bin/env python3
"""`circuit_id = haproxy`: the line in which tor says which circuit a connection
came through, and what one circuit may use (L22), with lines that this test
writes. tests/tor has a real tor write them.

Prints TAP. KNOTHOLE_BUILD names the build directory (default: build). Runs from
the root of the repository.
"""
import os
import time

from lib.drop import Drop, need_root, processes
from lib.memory import in_memory
from lib.tap import Suite, check, equal, wait_for
from lib.wire import Form, Wire, get

AT_ONCE = 16  # visits of one circuit (limits.h)
SCARCE = 4
BURST = 32  # forms
EACH = 4  # seconds until there is another
WAITING = 64  # connections without their line
MANY = 60

suite = Suite()


def line(circuit):
    return (f"PROXY TCP6 fc00:dead:beef:4dad::{circuit >> 16:x}:"
            f"{circuit & 0xffff:x} ::1 {circuit & 0xffff} 80\r\n").encode()


class Circuit:
    """A drop's visitors, through one circuit."""

    last = 0

    def __init__(self, drop, number=None):
        if number is None:
            Circuit.last += 1
            number = Circuit.last
        self.drop, self.line = drop, line(number)

    def connect(self):
        wire = Wire(self.drop.address)
        wire.send(self.line)
        return wire

    def exchange(self, data):
        with self.connect() as wire:
            wire.offer([data])
            return wire.response()

    def get(self, path):
        return self.exchange(get(path))

    def form(self):
        page = self.get("/en/send?plain=1").text()
        return Form(page.split('name="token" value="')[1].split('"')[0])

    def post(self, form):
        length = form.length()
        with self.connect() as wire:
            wire.offer([form.head(length=length), *form.pieces])
            return wire.response()

    def send(self, text):
        page = self.post(self.form().field("message", text))
        equal((page.status, page.state), (200, "sealed"), text)
        return page

    def begin(self, form, back=1000):
        """An upload that goes on."""
        wire = self.connect()
        body = form.body()
        wire.send(form.head() + body[:-back])
        return wire, body[-back:]


drop = Drop(unix=True, circuit_id="haproxy", max_visits="200",
            max_upload="64 MiB").start()
suite.cleanup(drop.stop)


def closed_without_a_word(*pieces, pause=0, seconds=30):
    with Wire(drop.address) as wire:
        wire.offer(pieces, pause=pause)
        return wire.ended(seconds)


@suite.test("with tor's line before it a request is answered, whoever's it is")
def _():
    for number in (1, 0x1d, 0xffff, 0x10000, 0xffffffff, 0):
        equal(Circuit(drop, number).get("/en/").status, 200, hex(number))
    circuit = Circuit(drop)
    with Wire(drop.address) as wire:  # all in one packet, as tor does it
        wire.send(circuit.line + get("/en/"))
        equal(wire.response().status, 200, "one packet")
    with Wire(drop.address) as wire:
        for byte in circuit.line + get("/en/"):
            wire.send(bytes([byte]))
        equal(wire.response().status, 200, "byte by byte")
    circuit.send("through a circuit")
    drop.forget()


@suite.test("without it, or with another line, it is closed without an answer")
def _():
    request = get("/en/")
    whole = line(0x1d)
    for name, data in (
        ("none", request),
        ("empty", b"\r\n" + request),
        ("lower case", whole.lower() + request),
        ("TCP4", b"PROXY TCP4 127.0.0.1 127.0.0.1 29 80\r\n" + request),
        ("UNKNOWN", b"PROXY UNKNOWN\r\n" + request),
        ("another network", whole.replace(b"4dad", b"4dae") + request),
        ("another target", whole.replace(b"::1 ", b"::2 ") + request),
        ("a port too large", whole.replace(b" 80", b" 65536") + request),
        ("a leading zero", whole.replace(b" 80", b" 080") + request),
        ("bare LF", whole.replace(b"\r\n", b"\n") + request),
        ("two blanks", whole.replace(b" ::1", b"  ::1") + request),
        ("too long", whole.replace(b" 80\r\n", b" 8" + b"0" * 5000)),
        ("version 2", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12)),
        ("zeros", bytes(4096)),
    ):
        check(closed_without_a_word(data), name)
    equal(Circuit(drop).get("/en/").status, 200, "then")


@suite.test("the line twice: the second is no request")
def _():
    circuit = Circuit(drop)
    page = circuit.exchange(circuit.line + get("/en/"))
    check(page.status in (400, 405), f"{page}")


@suite.test("who is slow with the line holds up nobody, and not for long")
def _():
    circuit = Circuit(drop)
    form = circuit.form().field("message", "beside slow lines")
    drop.idle()
    # They have ten seconds: what is done meanwhile must be little.
    slow = [Wire(drop.address) for _ in range(WAITING)]
    for wire in slow:
        wire.send(line(7)[:20])
    for _ in range(3):
        equal(circuit.get("/en/").status, 200, "a page beside slow lines")
    equal(circuit.post(form).state, "sealed", "a message beside slow lines")
    # They are no visits: nobody is left but those who wait for their line.
    drop.idle()
    # One more: who has waited longest makes room.
    late = Wire(drop.address)
    check(slow[0].ended(), "the one that waited longest is still there")
    late.send(line(8))
    late.send(get("/en/"))
    equal(late.response().status, 200, "the late one")
    slow[-1].send(line(7)[20:] + get("/en/"))
    equal(slow[-1].response().status, 200, "one that ends its line in time")
    began = time.monotonic()
    for wire in slow[1:-1]:
        check(wire.ended(30), "a line that never comes")
    suite.figure(f"{WAITING} slow lines: closed after "
                 f"{time.monotonic() - began:.0f} s")
    for wire in (*slow, late):
        wire.close()
    drop.forget()


@suite.test("a door that ends has closed those who wait for their line")
def _():
    here = Drop(unix=True, circuit_id="haproxy").start()
    wires = [Wire(here.address) for _ in range(3)]
    wires[0].send(line(1)[:10])
    time.sleep(0.3)
    equal(here.stop(), 0, "exit status")
    for wire in wires:
        check(wire.ended(), "still open")
        wire.close()


def fills(circuit, more=0):
    """Take all that a circuit may have at once; its visits must become nicer,
    from the door's own priority on, which is `more` than this test's."""
    own = os.getpriority(os.PRIO_PROCESS, 0) + more
    wanted = [own] * SCARCE + [
        own + i + 1 for i in range(AT_ONCE - SCARCE)]
    circuit.drop.idle()
    wires = [circuit.connect() for _ in range(AT_ONCE)]
    wait_for("they are let in, and nice as they must be",
             lambda: nice_of(circuit.drop.visits()) == wanted)
    return wires


def nice_of(pids):
    """How nice they are; those that have ended are not."""
    found = []
    for pid in pids:
        try:
            found.append(os.getpriority(os.PRIO_PROCESS, pid))
        except ProcessLookupError:
            continue
    return sorted(found)


@suite.test("L22: one circuit has its visits, and then a page that says so")
def test_l22_visits():
    greedy, other = Circuit(drop), Circuit(drop)
    wires = fills(greedy)
    page = greedy.get("/en/")
    equal((page.status, page.reason), (503, "busy"), "one more")
    equal(page.whole, True, "the page is whole")
    other.send("another source")
    wires.pop().close()
    wait_for("one has left, and the door knows it", lambda: len(processes(
        drop.role("door"), zombies=True)) == AT_ONCE - 1)
    equal(greedy.get("/en/").status, 200, "when one has left")
    for wire in wires:
        wire.close()
    drop.idle()
    drop.forget()


@suite.test("L22: the same when the service itself was started nice")
def test_l22_nice():
    here = Drop(unix=True, circuit_id="haproxy", wrap=["nice", "-n", "5"]).start()
    greedy = Circuit(here)
    wires = fills(greedy, 5)
    equal(greedy.get("/en/").status, 503, "one more")
    for wire in wires:
        wire.close()
    here.ends_well()


@suite.test("L22: the answer to who is refused is not lost with the request that "
            "nobody reads")
def _():
    greedy = Circuit(drop)
    wires = fills(greedy)
    form = Form("x" * 100).field("message", "m").file("f", b"1" * 50000)
    with greedy.connect() as wire:
        wire.send(form.request())
        seen = b""
        while True:  # a reset instead of the end is an error here
            piece = wire.socket.recv(4096)
            if not piece:
                break
            seen += piece
    check(seen.startswith(b"HTTP/1.1 503 "), f"{seen[:40]}")
    check(seen.rstrip().endswith(b"</html>"), f"{seen[-40:]}")
    for wire in wires:
        wire.close()
    drop.idle()
    drop.forget()


@suite.test("L22: an upload, its display and six pages at once are one source")
def _():
    source = Circuit(drop)
    page = source.get("/en/send").text()
    own = page.split('name="token" value="')[1].split('"')[0]
    shown = page.split("/status?u=")[1].split('"')[0]
    form = Form(own).field("message", "all at once").file("f", b"1" * 50000)
    wire = source.connect()
    body = form.body()
    wire.send(form.head(path=f"/en/send?u={shown}") + body[:-100])
    display = source.connect()
    display.send(get(f"/en/status?u={shown}"))
    pages = [source.connect() for _ in range(6)]
    for each in pages:
        each.send(get("/en/help"))
    for each in pages:
        equal(each.response().status, 200, "a page beside it")
        each.close()
    wire.send(body[-100:])
    equal(wire.response().state, "sealed", "the upload")
    check(b"sealed" in display.read_all(), "the display has seen it")
    wire.close()
    display.close()
    drop.idle()
    drop.forget()


@suite.test("L22: one circuit has its forms, then pages only; another sends")
def test_l22_forms():
    greedy, other = Circuit(drop), Circuit(drop)
    form = greedy.form().field("message", "the same").request()
    drop.idle()
    taken, began = 0, time.monotonic()

    def at_most(what, already=0):
        more = (time.monotonic() - began) / EACH + 1
        check(taken <= already + more, f"{taken} {what} in {more * EACH:.0f} s")

    while (page := greedy.exchange(form)).status == 200:
        taken += 1
        at_most("forms", BURST)
    equal((page.status, page.reason, page.whole), (503, "busy", True),
          "the refusal")
    check(taken >= BURST - 4, f"only {taken} forms")
    equal(greedy.get("/en/send").status, 200, "a page")
    taken, began = 0, time.monotonic()
    for _ in range(8):  # another form, which is none the less one
        taken += greedy.exchange(
            b"POST /en/return HTTP/1.1\r\nHost: drop.example\r\nContent-Type:"
            b" application/x-www-form-urlencoded\r\nContent-Length: 6\r\n\r\n"
            b"code=a").status != 503
    at_most("other forms")
    other.send("another source")
    equal(len(drop.objects()), 2, "objects")
    drop.idle()
    drop.forget()


@suite.test("L22: pages cost no forms, whatever was sent from their places before")
def _():
    greedy, other = Circuit(drop), Circuit(drop)
    form = greedy.form().field("message", "m").request()
    for _ in range(8):
        equal(greedy.exchange(form).status, 200, "a form")
    for _ in range(BURST + 8):
        equal(other.get("/en/").status, 200, "a page")
    other.send("after many pages")
    drop.idle()
    drop.forget()


@suite.test("L22: bodies under way: two of the largest, not three")
def test_l22_bytes():
    greedy, other = Circuit(drop), Circuit(drop)
    most = 64 << 20

    def large(circuit):
        form = circuit.form().field("message", "m").file("f", b"1")
        wire = circuit.connect()
        wire.send(form.head(length=most, extra="Expect: 100-continue\r\n"))
        # "Continue" when the body may come, or else the page.
        wire.taken = wire.socket.recv(1000).startswith(b"HTTP/1.1 100")
        wire.send(form.body()[:100])
        return wire

    drop.idle()
    wires = [large(greedy) for _ in range(2)]
    equal([wire.taken for wire in wires], [True, True], "two")
    with large(greedy) as third:
        equal(third.taken, False, "the third")
    with large(other) as wire:
        equal(wire.taken, True, "another's")
        equal(greedy.get("/en/").status, 200, "pages")
    for wire in wires:
        wire.close()
    drop.idle()
    with large(greedy) as wire:
        equal(wire.taken, True, "when they have ended")
    drop.idle()
    drop.forget()


@suite.test("L22: over TCP, with a request behind the line, the page is seen")
def _():
    here = Drop(circuit_id="haproxy").start()
    greedy = Circuit(here)
    form = greedy.form().field("message", "m").file("f", b"1" * 30000)
    request = greedy.line + form.request()
    here.idle()
    wires = [greedy.connect() for _ in range(AT_ONCE)]
    wait_for("they are let in", lambda: len(here.visits()) == AT_ONCE)
    for _ in range(30):
        with Wire(here.address) as wire:
            wire.send(request)
            page = wire.response()
        equal((page.status, page.whole), (503, True), "answer")
    for wire in wires:
        wire.close()
    here.idle()
    equal(here.stop(), 0, "exit status")


@suite.test("L22: when places are scarce a circuit has fewer, all get one")
def test_l22_scarce():
    wires = []
    for _ in range(12):
        circuit = Circuit(drop)
        wires += [circuit.connect() for _ in range(AT_ONCE)]
    wait_for("all are let in, or told", drop.all_let_in)
    check(len(drop.visits()) >= 175, "the house is full but for an eighth")
    late = Circuit(drop)
    mine = [late.connect() for _ in range(SCARCE)]
    wait_for("its share is let in", drop.all_let_in)
    equal(late.get("/en/").status, 503, "more than its share")
    for wire in mine:
        check(not wire.ended(0.05), "its share")
    Circuit(drop).send("the next source")
    for wire in wires + mine:
        wire.close()
    drop.idle()
    drop.forget()


@suite.test("L22: 200 slow sources do not keep a message out")
def test_l22_slow():
    here = Drop(unix=True, circuit_id="haproxy").start()
    wires = []
    for i in range(200):
        circuit = Circuit(here)
        if i % 4 == 0:
            wires.append(circuit.connect())  # nothing
        elif i % 4 == 1:
            wires.append(circuit.connect())
            wires[-1].send(get("/en/")[:-2])  # a head that does not end
        else:
            wire = circuit.connect()
            wire.send(Form("t").head(length=1 << 20) + b"--")
            wires.append(wire)
    wait_for("all of them are let in", lambda: len(here.visits()) >= 190)
    began = time.monotonic()
    Circuit(here).send("beside 200")
    suite.figure(f"a message beside 200 slow clients: form and receipt in "
                 f"{time.monotonic() - began:.2f} s")
    for wire in wires:
        wire.close()
    here.idle()
    equal(here.stop(), 0, "exit status")


@suite.test("no visit, and no file, knows a circuit's number")
def _():
    need_root()
    circuit = Circuit(drop, 0x5ea1ca7f)
    form = circuit.form().field("message", "secret").file("f", b"1" * 5000)
    drop.idle()
    wire, rest = circuit.begin(form)
    wire.taken()
    (visit,) = drop.visits()
    needles = {"line": circuit.line[:-9], "address": b"dead:beef:4dad::5ea1",
               "number": (0x5ea1ca7f).to_bytes(4, "little")}
    equal(sorted(in_memory(visit, needles)), [], "in the visit's memory")
    # The test sees: the door knows the number, and only the number.
    equal(sorted(in_memory(drop.role("door"), needles)), ["number"],
          "in the door's memory")
    wire.send(rest)
    equal(wire.response().state, "sealed", "state")
    wire.close()
    equal(drop.scan(*needles.values()), [], "files")
    drop.forget()


@suite.test("not configured: the line is no request, and nothing is limited")
def _():
    here = Drop(unix=True).start()
    with Wire(here.address) as wire:
        wire.send(line(1) + get("/en/"))
        page = wire.response()
    check(page.status in (400, 405), f"{page}")
    here.idle()
    wires = [here.connect() for _ in range(MANY)]
    wait_for("all are let in", lambda: len(here.visits()) == MANY)
    equal(set(nice_of(here.visits())), {os.getpriority(os.PRIO_PROCESS, 0)},
          "nice")
    form = here.form().field("message", "m").request()
    equal({here.exchange(form).status for _ in range(BURST + 8)}, {200},
          "forms")
    for wire in wires:
        wire.close()
    here.idle()
    equal(here.stop(), 0, "exit status")


@suite.test("the couriers' socket has no such line")
def _():
    here = Drop(unix=True, circuit_id="haproxy",
                courier_listen="tcp:127.0.0.1:0").start()
    from lib.courier import Courier
    equal(Courier(here).json("/v1/objects")["objects"], [], "objects")
    equal(here.stop(), 0, "exit status")


@suite.test("a door that was replaced knows its circuits, the new one its own")
def _():
    need_root()
    circuit = Circuit(drop)
    form = circuit.form().field("message", "goes on").file("f", b"1" * 5000)
    drop.idle()
    old = drop.role("door")
    wire, rest = circuit.begin(form)
    wire.taken()
    before = drop.visits()
    with circuit.connect():
        (victim,) = wait_for("another visit", lambda: drop.visits() - before)
        os.kill(victim, 11)
        wait_for("another door", lambda: drop.role("door") not in (None, old))
    circuit.send("through the new one")
    check(old in drop.roles("door"), "the upload's door has ended")
    wire.send(rest)
    equal(wire.response().state, "sealed", "state of the old one's")
    wire.close()
    wait_for("one door", lambda: len(drop.roles("door")) == 1)


@suite.test("the refusal says what it is, and the service ends well")
def _():
    greedy = Circuit(drop)
    wires = fills(greedy)
    page = greedy.get("/en/")
    check("busy just now" in page.text(), "the page says what it is")
    equal(page.header("Content-Type"), "text/html; charset=utf-8", "type")
    for wire in wires:
        wire.close()
    drop.ends_well()


if __name__ == "__main__":
    suite.run()
