"""L14: once its connection has ended no process of ours holds a return code,
nor what it opened: the memory of all of them is searched."""
import os
import struct
import time

from lib.drop import Drop, processes
from lib.tap import Skip, Suite, check, equal, wait_for
from lib.thread import enter, look_again
from lib.wire import Form, Stream, get, small

suite = Suite()
drop = Drop(newsrooms=2).start()


def family():
    """The keeper, its roles, and their visits."""
    found, todo = {}, [drop.process.pid]
    while todo:
        pid = todo.pop()
        found[pid] = "keeper" if pid == drop.process.pid else found.get(pid)
        for child, name in processes(pid).items():
            found[child] = name
            todo.append(child)
    return found


def search(pid, needles):
    """Which of them (name: bytes) stand in the memory of a process."""
    if os.environ.get("KNOTHOLE_SANITIZED"):
        raise Skip("a sanitizer keeps memory that has been freed")
    found = set()
    try:
        with open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as f:
            maps = f.read().splitlines()
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
            read = 0
            for line in maps:
                if "[vvar]" in line or "[vsyscall]" in line \
                        or line.split()[1][0] != "r":
                    continue
                low, high = (int(x, 16) for x in line.split()[0].split("-"))
                try:
                    mem.seek(low)
                    data = mem.read(high - low)
                except (OSError, OverflowError):
                    continue  # guard pages
                read += len(data)
                found |= {n for n, needle in needles.items()
                          if needle in data}
    except PermissionError:
        raise Skip("may not read the memory of other processes") from None
    except (FileNotFoundError, ProcessLookupError):
        return set()  # it has ended
    check(read > 100000, f"only {read} bytes of {pid} were read")
    return found


def searched(needles):
    """{role: what was found} over all processes."""
    return {name: found for pid, name in family().items()
            if (found := search(pid, needles))}


def forms(words, digits):
    """A code in all the forms that the program has it in."""
    plain = digits.replace(" ", "")
    number, parts = int(plain[:28]), []
    for _ in range(7):
        number, part = divmod(number, 7776)
        parts.insert(0, part)
    w = words.split(" ")
    return {
        "words": " ".join(w[:3]).encode(),
        "last words": " ".join(w[5:]).encode(),
        "digits": digits[:17].encode(),
        "digits without blanks": plain[:15].encode(),
        "numbers": struct.pack("<7H", *parts),
        "numbers in a token": struct.pack(">7H", *parts),
        "escaped": "+".join(w[:3]).encode(),
        "pasted": "/".join(x.upper() for x in w[:3]).encode(),
    }


@suite.test("the search finds a code while its display is open")
def _():
    own, shown = drop.tokens()
    form = Form(own).field("message", "m")
    page = drop.exchange(form.request(path=f"/en/send?u={shown}"))
    needles = forms(page.output("code"), page.output("code-digits"))
    # A display that goes on: of an upload that has not begun.
    thread = enter(drop, page.output("code"))
    with drop.connect() as wire:
        stream = Stream(wire, f"/en/status?u={thread.status_token}")
        equal(stream.status, 200, "status")
        check(stream.next() is not None, "its head")
        found = searched(needles)
        check(any("numbers" in names for names in found.values()),
              f"it is in the visit that shows it: {found}")
        equal([r for r in found if r in ("keeper", "store")], [],
              "who has no business with it")
    drop.idle()
    time.sleep(1)
    equal(searched(needles), {}, "one second later")


@suite.test("L14: after sending, returning, looking, sending more, deleting")
def test_l14_no_process_holds_it():
    marker = os.urandom(12).hex()
    page = drop.post(drop.form().field("message", f"message {marker}"))
    words, digits = page.output("code"), page.output("code-digits")
    (path,) = [p for p in drop.objects()
               if drop.extract(p).message == f"message {marker}".encode()]
    needles = forms(words, digits)
    needles["message"] = marker.encode()
    needles["answer"] = f"answer {marker}".encode()
    needles["mailbox"] = bytes.fromhex(drop.list(path)["mailbox"])
    drop.answer(words, 0, text=f"answer {marker}")
    drop.idle()

    def gone(after):
        drop.idle()
        time.sleep(1)
        equal(searched(needles), {}, f"one second after {after}")

    gone("the receipt")
    typed = "/".join(word.upper() for word in words.split(" "))
    thread = enter(drop, typed)
    equal(len(thread.answers), 1, "answers")
    gone("the thread")
    enter(drop, digits)
    gone("the thread, by digits")
    thread = look_again(drop, thread.token)
    gone("another look")
    page = drop.post(Form(thread.send_token).field("message", "more"))
    equal(page.state, "sealed", "state")
    gone("more")
    page = drop.post_small("/en/forget", token=thread.forget_token)
    equal(page.state, "deleted", "state")
    gone("deleting")
    drop.post_small("/en/return", code=words.rpartition(" ")[0] + " qqqqq")
    gone("a code with a wrong word")


@suite.test("L14: ... when the connection is cut in the middle, too")
def test_l14_cut():
    page = drop.post(drop.form().field("message", "m"))
    words, digits = page.output("code"), page.output("code-digits")
    needles = forms(words, digits)
    data = small("/en/return", code=words)
    for at in (len(data) - 1, len(data)):
        with drop.connect() as wire:
            wire.send(data[:at])
            wire.reset()
        drop.idle()
        time.sleep(1)
        equal(searched(needles), {}, f"after {at} of {len(data)} bytes")
    with drop.connect() as wire:
        wire.send(data)
        (pid,) = wait_for("it is let in", drop.visits)
        os.kill(pid, 9)
        wire.ended()
    drop.idle()
    equal(searched(needles), {}, "after its process was killed")


@suite.test("L14: a visit of somebody else never holds it")
def test_l14_others():
    drop.idle()
    other = drop.connect()
    other.send(get("/en/help")[:-2])  # is let in, and waits
    wait_for("it is let in", drop.visits)
    waiting = drop.visits()
    page = drop.post(drop.form().field("message", "m"))
    words, digits = page.output("code"), page.output("code-digits")
    enter(drop, words)
    wait_for("the others have left", lambda: drop.visits() == waiting)
    time.sleep(1)
    needles = forms(words, digits)
    for pid, name in family().items():
        equal(search(pid, needles), set(), f"in {name}")
    other.send(b"\r\n")
    equal(other.response().status, 200, "the one that waited")
    other.close()


@suite.test("nothing failed meanwhile")
def _():
    drop.ends_well()


suite.run()
