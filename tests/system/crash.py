"""A visit that crashes costs its own connection, and the layout that it may
have betrayed: another door takes over, and nobody else notices. Errands of
couriers likewise, apart from the source side."""
import os
import re
import signal
import time

from lib.courier import Courier, next_response
from lib.drop import Drop, processes
from lib.tap import Suite, check, equal, wait_for
from lib.wire import Form, Stream

suite = Suite()
drop = Drop(newsrooms=2, courier_listen="tcp:127.0.0.1:0").start()


def layout(pid):
    """Where program, libraries and stack are."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as f:
        return re.findall(r"^([0-9a-f]+)-\S+ r-xp .*?(\S*)$", f.read(), re.M)


def crash(how=signal.SIGSEGV, where=drop):
    """One visit dies."""
    before = where.visits()
    with where.connect() as wire:
        (pid,) = wait_for("a visit", lambda: where.visits() - before)
        os.kill(pid, how)
        wait_for("it is gone", lambda: pid not in where.visits())
        equal(wire.response().status, 0, "an answer")


def replaced(door, seconds=30, where=drop):
    wait_for("another door", lambda: where.role("door") not in (None, door),
             seconds)
    return where.role("door")


@suite.test("another door takes over, with another layout of its memory")
def takes_over():
    door = drop.role("door")
    before = layout(door)
    crash()
    new = replaced(door)
    wait_for("the old one has ended", lambda: drop.roles("door") == [new])
    after = layout(new)
    equal(len(set(before) & set(after) - {("ffffffffff600000", "[vsyscall]")}),
          0, "what lies where it lay")
    equal(drop.get("/en/").status, 200, "status")


@suite.test("an upload under way goes on, through several doors")
def goes_on():
    form = drop.form().field("message", "m").file("f", b"y" * 300000)
    data = form.request()
    wire = drop.connect()
    wire.send(data[:-500])
    wire.taken()
    first = drop.role("door")
    for how in (signal.SIGABRT, signal.SIGKILL):
        door = drop.role("door")
        crash(how)
        replaced(door)
    check(first in drop.roles("door"), "the upload's door has ended")
    check(drop.visits(), "no visit")
    wire.send(data[-500:])
    page = wire.response()
    equal((page.status, page.state), (200, "sealed"), "answer")
    wire.close()
    wait_for("its door has ended", lambda: first not in drop.roles("door"))
    (path,) = drop.objects()
    equal(drop.list(path)["complete"], True, "complete")
    drop.forget()


@suite.test("progress is followed across doors, both ways")
def followed():
    other = Drop().start()
    for upload_first in (True, False):
        own, shown = other.tokens()
        form = Form(own).file("f", b"y" * 300000)
        data = form.head(path=f"/en/send?u={shown}") + form.body()
        with other.connect() as wire, other.connect() as screen:
            if upload_first:
                wire.send(data[:200000])
                wire.taken()
            else:
                stream = Stream(screen, f"/en/status?u={shown}")
            door = other.role("door")
            crash(where=other)
            replaced(door, where=other)
            if upload_first:
                stream = Stream(screen, f"/en/status?u={shown}")
            else:
                wire.send(data[:200000])
            check(stream.until(lambda c: b'data-state="arriving"' in c
                               and re.search(rb"<bdi>1\d\d kB</bdi>", c)),
                  "what has come")
            wire.send(data[200000:])
            equal(wire.response().state, "sealed", "answer")
            check(stream.until(lambda c: b'data-state="sealed"' in c), "end")
    other.ends_well()


@suite.test("forms that are open are taken, once")
def forms():
    form = Form(drop.token()).field("message", "from before")
    door = drop.role("door")
    crash()
    replaced(door, 60)
    equal(drop.post(form).state, "sealed", "answer")
    equal(drop.post(form).state, "sealed", "the same again")
    equal(len(drop.objects()), 1, "objects")
    drop.forget()


@suite.test("the end of the door itself loses no form either")
def door_ends():
    form = Form(drop.token()).field("message", "from before")
    door = drop.role("door")
    os.kill(door, signal.SIGKILL)
    replaced(door)
    wait_for("it accepts", lambda: "ready again" in drop.said())
    equal(drop.post(form).state, "sealed", "answer")
    drop.forget()


@suite.test("the end of the store does: what was sealed is no longer known")
def store_ends():
    form = Form(drop.token()).field("message", "from before")
    os.kill(drop.role("store"), signal.SIGKILL)
    wait_for("all is back", lambda: drop.said().count("ready again") == 2, 60)
    page = drop.post(form)
    equal((page.status, page.reason), (403, "token"), "an old form")
    equal(drop.post(drop.form().field("message", "new")).state, "sealed", "new")
    drop.forget()


def errands(of):
    return {pid for c in of.roles("courier") for pid in processes(c)}


def crash_errand(of, how=signal.SIGSEGV):
    before = errands(of)
    with Courier(of).connect() as wire:
        (pid,) = wait_for("an errand", lambda: errands(of) - before)
        os.kill(pid, how)
        wait_for("it is gone", lambda: pid not in errands(of))
        equal(wire.response().status, 0, "an answer")


def replaced_courier(old):
    wait_for("another courier",
             lambda: drop.role("courier") not in (None, old), 30)
    return drop.role("courier")


@suite.test("an errand that crashes: another courier, with another layout; the "
            "one before goes on with what it has, and no door is replaced")
def errand_crashes():
    door, old = drop.role("door"), drop.role("courier")
    before = layout(old)
    busy = Courier(drop)
    head = busy.head("GET", "/v1/health", extra="Connection: keep-alive\r\n")
    wire = busy.connect()
    stream = wire.socket.makefile("rb")
    wire.send(head)
    equal(next_response(stream).status, 200, "before")
    crash_errand(drop)
    new = replaced_courier(old)
    after = layout(new)
    equal(len(set(before) & set(after) - {("ffffffffff600000", "[vsyscall]")}),
          0, "what lies where it lay")
    equal(busy.ids(), [], "by the new one")
    check(old in drop.roles("courier"), "the old one has ended")
    for _ in range(3):
        wire.send(head)
        equal(next_response(stream).status, 200, "by the old one")
    stream.close()
    wire.close()
    wait_for("the old one has ended", lambda: drop.roles("courier") == [new])
    equal(drop.role("door"), door, "door")
    equal(drop.health()["up"], "yes", "up")


@suite.test("crashes of errands do not end what couriers do, and show as a loop")
def errands_loop():
    other = Drop(courier_listen="tcp:127.0.0.1:0").start()
    equal(other.post(other.form().field("message", "kept")).state, "sealed",
          "answer")
    equal(other.health()["crash_loop"], "no", "before")
    end = time.monotonic() + 120
    couriers, answers = set(), set()
    while time.monotonic() < end and other.health()["crash_loop"] != "yes":
        couriers.add(other.role("courier"))
        crash_errand(other, signal.SIGABRT)
        answers.add(len(Courier(other).ids()))
    equal(other.health()["crash_loop"], "yes", "crash_loop")
    equal(answers, {1}, "objects listed beside the crashes")
    check(2 <= len(couriers) <= 8, f"{len(couriers)} couriers")
    equal(other.said().count("\n"), 3, f"what it said: {other.said()}")
    equal(other.stop(), 0, "exit status")


@suite.test("a loop of crashes does not take the site down, and shows")
def loop():
    other = Drop().start()
    equal(other.health()["crash_loop"], "no", "before")
    end = time.monotonic() + 120
    doors, answers = set(), []
    while time.monotonic() < end and other.health()["crash_loop"] != "yes":
        doors.add(other.role("door"))
        crash(where=other)
        answers.append(other.get("/en/").status)
    equal(other.health()["crash_loop"], "yes", "crash_loop")
    equal(other.health()["up"], "yes", "up")
    # A crash behind a door that is about to be replaced is one more of its own.
    check(2 <= len(doors) <= 8, f"{len(doors)} doors")
    share = answers.count(200) / len(answers)
    suite.figure(f"{len(answers)} pages asked for beside a loop of crashes, "
                 f"{share:.0%} served")
    check(share > 0.9, f"only {share:.0%} served")
    equal(other.post(other.form().field("message", "m")).state, "sealed",
          "answer")
    equal(other.said().count("\n"), 2, f"what it said: {other.said()}")
    equal(other.stop(), 0, "exit status")


@suite.test("doors end with the keeper, old ones too, and seal what they hold")
def all_end():
    form = drop.form().field("message", "m").file("whole", b"y" * 70000)
    form.file("cut", b"z" * 300000)
    data = form.request()
    wire = drop.connect()
    wire.send(data[:-1000])
    wire.taken()
    door = drop.role("door")
    crash()
    replaced(door, 60)
    wait_for("two doors", lambda: len(drop.roles("door")) == 2)
    pids = set(processes(drop.process.pid))
    equal(drop.stop(), 0, "exit status")
    wire.close()
    for pid in pids:
        check(not os.path.exists(f"/proc/{pid}"), f"{pid} is still there")
    (path,) = drop.objects()
    equal(drop.list(path)["complete"], False, "complete")


suite.run()
