#!/usr/bin/env python3
"""The full circle: three sources write by the form, two newsrooms' couriers
carry what they sent to two desks and the answers back, and each source reads
with its return code what each newsroom said. Then everything once more."""
import os

from lib.desk import Desk, tree
from lib.drop import BUILD, Drop, run, workplace
from lib.tap import Suite, check, equal
from lib.thread import enter, whole
from lib.wire import Form

suite = Suite()
COURIER = os.path.join(BUILD, "bin", "knothole-courier")
drop = Drop(newsrooms=2, courier_listen="tcp:127.0.0.1:0").start()
suite.cleanup(drop.stop)
base = workplace()
desks = [Desk(os.path.join(base, f"vault{i}"), room)
         for i, room in enumerate(drop.newsrooms)]
sticks = [os.path.join(base, f"stick{i}") for i in range(2)]
names = [room.id for room in drop.newsrooms]
texts = ["זה המכתב הראשון", "الرسالة الثانية", "the third letter"]
content = [os.urandom(100000 + n) for n in range(3)]
codes, aliases = [], [{}, {}]
for stick in sticks:
    os.mkdir(stick)


def courier(number, what):
    host, port = drop.courier_address
    done = run(COURIER, what, "--server", f"http://{host}:{port}",
               "--token-file", os.path.join(drop.newsrooms[number].directory,
                                            "courier.token"),
               "--retries", "1", sticks[number])
    equal(done.returncode, 0, f"{what}: {done.stderr.decode()}")


def around(number):
    """Stick to the server and to the desk; what was new."""
    courier(number, "fetch")
    return desks[number].json("import", "--json", sticks[number])


def back(number):
    desks[number].run("export", sticks[number])
    courier(number, "push")


@suite.test("three sources write; both newsrooms get all of it, to the byte")
def first():
    for number, text in enumerate(texts):
        form = drop.form().field("message", text)
        form.file(f"קובץ {number}.bin", content[number])
        page = drop.post(form)
        equal(page.state, "sealed", "state")
        codes.append(page.output("code"))
    for number, desk in enumerate(desks):
        got = around(number)
        equal((len(got["opened"]), got["refused"], got["sealed"]), (3, [], []),
              "import")
        out = os.path.join(base, f"out{number}")
        desk.run("extract", "-o", out,
                 *(o["alias"] for o in got["opened"]))
        found = tree(out)
        equal(sorted(d.decode() for n, d in found.items()
                     if n.endswith("message.txt")), sorted(texts), "messages")
        equal(sorted(d for n, d in found.items() if "/files/" in n),
              sorted(content), "files")
        for opened in got["opened"]:
            said = desk.show(opened["alias"])["items"][0]["text"]
            aliases[number][texts.index(said)] = opened["alias"]
    equal(aliases[0], aliases[1], "both call a source by the same words")


@suite.test("both answer every source at once; each reads both")
def answer():
    for number, desk in enumerate(desks):
        for source in range(3):
            desk.run("reply", "-m", f"to {source} from {names[number]} ✓",
                     aliases[number][source])
        back(number)
    for source, code in enumerate(codes):
        said, _ = whole(drop, code)
        equal(sorted(said), sorted(
            (name, f"to {source} from {name} ✓") for name in names), "answers")
        equal(enter(drop, code).collected, 2, "collected by both")
    equal(drop.objects(), [], "both have collected: nothing rests")


@suite.test("a second delivery of one source, and a second answer")
def again():
    thread = enter(drop, codes[1])
    page = drop.post(Form(thread.send_token).field("message", "more"))
    equal(page.state, "sealed", "state")
    for number, desk in enumerate(desks):
        got = around(number)
        equal([o["alias"] for o in got["opened"]], [aliases[number][1]],
              "the same source")
        desk.run("reply", "-m", f"again from {names[number]}",
                 aliases[number][1])
        back(number)
    said, _ = whole(drop, codes[1])
    equal(len(said), 4, "answers")
    for name in names:
        check((name, f"again from {name}") in said, "the second one")
    said, _ = whole(drop, codes[0])
    equal(len(said), 2, "nobody else's")
    equal(drop.objects(), [], "nothing rests")


@suite.test("all of it a second time changes nothing")
def nothing_new():
    for number, desk in enumerate(desks):
        before = tree(desk.vault)
        got = around(number)
        equal((got["opened"], got["refused"]), ([], []), "import")
        back(number)
        equal(tree(desk.vault), before, "the vault")
        desk.run("log", "--verify")
    drop.ends_well()


suite.run()
