#!/usr/bin/env python3
"""kill -9 during import, export and reply, 100 times at random places: nothing
that was imported or answered is lost, nothing is there twice, and the next run
goes on as if nothing had been."""
import os
import random
import shutil
import subprocess
import time

from lib.desk import MAILBOXES, Desk, World, read, tree
from lib.drop import workplace
from lib.tap import Suite, check, equal

suite = Suite()
W = World(workplace())
ROOM, OTHER = W.newsroom("One"), W.newsroom("Two")
SEED = int(os.environ.get("KNOTHOLE_SEED", "0")) or random.randrange(1 << 32)
rng = random.Random(SEED)
N = 300  # more than one batch of an import (import.h)


def filled_stick(n):
    stick = W.stick()
    W.mk(stick.at("objects"), ROOM, message=b"one of many", many=n)
    for n in range(3):
        W.mk(stick.object(n), ROOM, source=n, message=b"with a code",
             files=[W.file(os.urandom(2000000))])
    W.mk(stick.object(9), OTHER, source=0, message=b"for others")
    return stick


STICK = filled_stick(N)
OBJECTS = {STICK.at("objects", n): read(STICK.at("objects", n))
           for n in os.listdir(STICK.at("objects"))}
EMPTY = W.desk(ROOM)
# For export and reply, what one batch has is enough.
SMALL = filled_stick(40)
FULL = Desk(W.path("full"), ROOM)
FULL.run("import", SMALL.path)
ANSWERS = 40 + 3


def copy_of(desk):
    path = W.path("copy")
    shutil.copytree(desk.vault, path)
    return Desk(path, ROOM, init=False)


def seconds(desk, *command):
    """How long a whole run takes."""
    began = time.monotonic()
    desk.run(*command)
    return time.monotonic() - began


def kill_within(limit, desk, *command):
    """Run, and kill it at a random time; whether it had ended by itself."""
    process = subprocess.Popen(
        desk.command(*command), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(rng.uniform(0, limit))
    process.kill()
    status = process.wait()
    check(status in (0, -9), f"it ended with {status}")
    return status == 0


def whole(desk):
    """Every object as it came, and as many receipts, each in its own slot."""
    inside = tree(os.path.join(desk.vault, "objects"))
    for path, data in OBJECTS.items():
        equal(inside.get(os.path.basename(path)) == data, True, path)
    threads = desk.inbox()["threads"]
    equal([t["received"] for t in threads], [t["objects"] for t in threads],
          "receipts")
    equal(len(answers_of(desk)), N + 3, "in the outbox")
    desk.run("log", "--verify")


@suite.test("import, killed 40 times")
def importing():
    limit = seconds(copy_of(EMPTY), "import", STICK.path) * 1.1
    killed = ended = partly = 0
    desk = copy_of(EMPTY)
    while killed < 40:
        before = {o["mailbox"]: o["objects"] for o in
                  desk.inbox()["threads"]}
        if kill_within(limit, desk, "import", STICK.path):
            ended += 1
        else:
            killed += 1
        after = {o["mailbox"]: o["objects"] for o in desk.inbox()["threads"]}
        for mailbox, count in before.items():
            check(after.get(mailbox, 0) >= count, "nothing goes away")
        partly += 0 < len(after) < N // 2 + 3
        if len(after) == N // 2 + 3:
            whole(desk)
            desk = copy_of(EMPTY)
    desk.run("import", STICK.path)
    desk.check(OBJECTS)
    got = desk.imported(STICK)
    equal(got["known"], len(OBJECTS), "all of it, once")
    equal(tree(STICK.path), {f"knothole-stick/objects/{os.path.basename(p)}": d
                             for p, d in OBJECTS.items()}, "the stick")
    suite.figure(f"seed {SEED}: import killed {killed} times in {limit:.2f} s,"
                  f" ended {ended} times, stood between batches {partly}")


def answers_of(desk):
    """{name on a stick: bytes} of all that there is to export."""
    return {n: d for n, d in tree(os.path.join(desk.vault, "outbox")).items()
            if not n.startswith(".part-")}


@suite.test("export, killed 40 times")
def exporting():
    desk = copy_of(FULL)
    wanted = answers_of(desk)
    equal(len(wanted), ANSWERS, "answers")
    probe = W.path("probe")
    os.mkdir(probe)
    limit = seconds(copy_of(FULL), "export", probe) * 1.1
    killed = 0
    while killed < 40:
        target = W.path("target")
        os.mkdir(target)
        desk = copy_of(FULL)
        for _ in range(3):
            ended = kill_within(limit, desk, "export", target)
            killed += not ended
            waiting = sum(t["not_exported"] for t in desk.inbox()["threads"])
            check(waiting in (0, len(wanted)), "all are marked, or none")
            if waiting == 0:
                on_stick(target, wanted)
        desk.run("export", target)
        on_stick(target, wanted)
        desk.run("log", "--verify")
        exports = [e for e in desk.json("log", "--json")["entries"]
                   if e["what"] == "export"]
        equal(len({e["alias"] for e in exports}), len(exports),
              "logged once")


def on_stick(target, wanted):
    """What is marked as exported is there, whole and under its name."""
    top = os.path.join(target, "knothole-stick")
    there = tree(os.path.join(top, "replies"))
    for name, data in wanted.items():
        equal(there.get(name) == data, True, f"{name} is there")
    equal(read(os.path.join(top, "collected.txt")).decode().split(),
          sorted(n[:32] for n in os.listdir(SMALL.at("objects"))),
          "collected")
    done = subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"],
                          cwd=top, capture_output=True, check=False)
    equal(done.returncode, 0, f"{done.stderr}")


@suite.test("reply, killed 20 times")
def replying():
    desk = copy_of(FULL)
    limit = seconds(copy_of(FULL), "reply", "-m", "x", MAILBOXES[0]) * 1.1
    killed, said = 0, []

    def shown():
        return [i for i in desk.show(MAILBOXES[0])["items"] if "number" in i]

    while killed < 20:
        text = f"answer {len(said)} {'x' * rng.randrange(9000)}"
        ended = kill_within(limit, desk, "reply", "-m", text, MAILBOXES[0])
        killed += not ended
        now = [i["text"] for i in shown() if i["kind"] == "answer"]
        check(now in (said, [*said, text]), "this one or not")
        check(not ended or now == [*said, text], "it is there when it said so")
        said = now
    target = W.path("target")
    os.mkdir(target)
    desk.run("reply", "-m", "the last", MAILBOXES[0])
    desk.run("export", target)
    items = shown()
    equal([i["number"] for i in items], list(range(len(items))), "places")
    for item in items:
        _, _, text = W.answer(
            os.path.join(target, "knothole-stick", "replies",
                         f"{item['slot']}.age"), ROOM, 0, item["number"])
        equal(text.decode(), item["text"], "what the source reads")
    desk.run("log", "--verify")
    replies = [e for e in desk.json("log", "--json")["entries"]
               if e["what"] == "reply"]
    equal(len(replies), len(said) + 1, "logged")


@suite.test("a signal ends an import behind what is whole")
def interrupted():
    desk = copy_of(EMPTY)
    process = subprocess.Popen(
        desk.command("import", STICK.path), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.05)
    process.terminate()
    check(process.wait() in (0, -15), "how it ended")
    names = os.listdir(os.path.join(desk.vault, "objects"))
    equal([n for n in names if n.startswith(".part")], [], "nothing half")
    inbox = desk.inbox()
    equal(len(names), sum(t["objects"] for t in inbox["threads"]) +
          inbox["sealed_for_others"], "all that is there is known")
    desk.run("import", STICK.path)
    desk.check(OBJECTS)


@suite.test("init, killed 10 times, can be done again")
def beginning():
    for _ in range(10):
        path = W.path("vault")
        desk = Desk(path, ROOM, init=False)
        kill_within(0.03, desk, "init", "-i", ROOM.identity)
        done = desk.run("init", "-i", ROOM.identity, expect=None)
        check(done.returncode in (0, 73), f"{done.stderr}")
        check(done.returncode == 0 or b"is a vault already" in done.stderr,
              f"{done.stderr}")
        equal(desk.inbox()["threads"], [], "a vault")


suite.run()
