#!/usr/bin/env python3
"""The desk: vaults, conversations, answers. Two newsrooms, three sources, what
they send a second time, and everything compared to the byte."""
import fcntl
import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import time

from lib.desk import CODES, MAILBOXES, Desk, World, read, tree, write
from lib.drop import DESK, KNOTHOLE, run, workplace
from lib.tap import Skip, Suite, check, equal

suite = Suite()
W = World(workplace())
HOSTILE = b"first\r\n\x1b[31mred\x07\r\n\xe2\x80\xaereversed\x00\xff end"


def need(*programs):
    for program in programs:
        if shutil.which(program) is None:
            raise Skip(f"{program} is not installed")


def no_controls(data, what):
    bad = [c for c in data.decode("utf-8") if c != "\n" and (
        ord(c) < 32 or 0x7f <= ord(c) < 0xa0 or c in
        "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f"
        "\u2028\u2029\ufeff\u200b")]
    check(not bad, f"{what}: {bad}")


# --- vaults -----------------------------------------------------------------

@suite.test("init makes a vault that keeps the identity as it was")
def init():
    desk = W.desk()
    equal(stat.S_IMODE(os.stat(desk.vault).st_mode), 0o700, "mode")
    found = tree(desk.vault)
    equal(sorted(found), ["identity.txt", "index.age", "lock",
                          "newsroom.card"], "files")
    equal(found["identity.txt"], read(desk.newsroom.identity), "identity")
    equal(found["newsroom.card"], read(desk.newsroom.card), "card")
    for name in found:
        mode = stat.S_IMODE(os.stat(os.path.join(desk.vault, name)).st_mode)
        equal(mode & 0o077, 0, f"mode of {name}")
    equal(desk.inbox(), {"newsroom": "The Example Times", "threads": [],
                         "unread": 0, "sealed_for_others": 0}, "empty inbox")


@suite.test("init refuses what is no place or no identity for a vault")
def init_refuses():
    desk = W.desk()
    before = tree(desk.vault)
    room, other = desk.newsroom, W.newsroom("Other")
    done = desk.run("init", "-i", room.identity, expect=73)
    check(b"is a vault already" in done.stderr, f"{done.stderr}")
    equal(tree(desk.vault), before, "nothing changed")
    for name, options, code in (
            ("a", ["-i", room.identity, "--card", other.card], 65),
            ("b", ["-i", room.card], 65),
            ("c", ["-i", "/nonexistent"], 66),
            ("d", [], 64),
            ("e", ["-i", room.identity, "extra"], 64)):
        there = Desk(W.path(name), room, init=False)
        there.run("init", *options, expect=code)
        check(not os.path.exists(there.vault), f"{options}: nothing made")
    stock = W.file(b"".join(
        line + b"\n" for line in read(room.identity).splitlines()
        if b"signing" not in line))
    done = Desk(W.path("f"), room, init=False).run("init", "-i", stock,
                                                   expect=65)
    check(b"no signing key" in done.stderr, f"{done.stderr}")
    full = W.path("full")
    os.mkdir(full)
    write(os.path.join(full, "diary"), b"x")
    Desk(full, room, init=False).run("init", "-i", room.identity, expect=73)
    equal(tree(full), {"diary": b"x"}, "as it was")


@suite.test("without a vault, or in what is none, it is said")
def no_vault():
    room = W.newsroom()
    environment = {k: v for k, v in os.environ.items()
                   if k != "KNOTHOLE_VAULT"}
    done = run(*DESK, "inbox", env=environment)
    equal(done.returncode, 64, "none given")
    check(b"--vault" in done.stderr and b"KNOTHOLE_VAULT" in done.stderr,
          f"{done.stderr}")
    Desk(W.path("none"), room, init=False).run("inbox", expect=66)
    empty = W.path("empty")
    os.mkdir(empty)
    Desk(empty, room, init=False).run("inbox", expect=66)


@suite.test("KNOTHOLE_VAULT does what --vault does; -i goes before both")
def environment():
    desk = W.desk(environment=True)
    stick = W.stick()
    W.mk(stick.object(1), desk.newsroom, message=b"x")
    desk.imported(stick)
    equal(len(desk.threads()), 1, "threads")
    other = W.newsroom("Other")
    desk.run("list", stick.object(1))
    desk.run("list", "-i", other.identity, stick.object(1), expect=77)
    desk.run("unseal", "-o", W.path("zip"), stick.object(1))


@suite.test("a sealed identity stays sealed; every command takes its passphrase")
def passphrase():
    keys, word = W.path("keys"), b"correct horse battery\n"

    def with_fd(*command, expect=0):
        reading, writing = os.pipe()
        os.write(writing, word)
        os.close(writing)
        try:
            done = subprocess.run(
                [*DESK, *command, "--passphrase-fd", str(reading)],
                stdin=subprocess.DEVNULL, capture_output=True, check=False,
                pass_fds=(reading,), timeout=120, start_new_session=True)
        finally:
            os.close(reading)
        equal(done.returncode, expect, f"{command}: {done.stderr}")
        return done.stdout

    with_fd("keygen", "-o", keys, "--name", "P")
    vault = W.path("vault")
    with_fd("--vault", vault, "init", "-i", f"{keys}/identity.age")
    equal(read(f"{vault}/identity.age"), read(f"{keys}/identity.age"), "same")
    room = type("Room", (), {"recipient": re.search(
        rb"recipient = (age1\S+)", read(f"{keys}/p.card"))[1].decode()})
    stick = W.stick()
    W.mk(stick.object(1), room, message=b"sealed words", source=0)
    with_fd("--vault", vault, "import", stick.path)
    shown = json.loads(with_fd("--vault", vault, "inbox", "--json"))
    alias = shown["threads"][0]["alias"]
    check(b"sealed words" in with_fd("--vault", vault, "show", alias), "show")
    with_fd("--vault", vault, "reply", "-m", "yes", alias)
    with_fd("--vault", vault, "export", stick.path)
    out = W.path("out")
    with_fd("--vault", vault, "extract", "-o", out, alias)
    equal(len(tree(out)), 3, "extracted")
    word = b"wrong horse battery\n"
    with_fd("--vault", vault, "inbox", expect=77)
    done = run(*DESK, "--vault", vault, "inbox", start_new_session=True)
    equal(done.returncode, 64, "no terminal to ask on")


# --- a conversation ---------------------------------------------------------

def make_two():
    """Two desks and a stick from three sources."""
    one, two = W.desk(W.newsroom("One")), W.desk(W.newsroom("Two"))
    stick = W.stick()
    both = (one.newsroom, two.newsroom)
    first = {
        "message": "שלום. זה מכתב.\r\nالسطر الثاني\r\n".encode(),
        "files": [W.file(os.urandom(100000), "a.pdf"),
                  W.file(b"", "ריק.txt")],
        "names": ["דוח.pdf", "ריק.txt"],
    }
    W.mk(stick.object(1), *both, source=0, day="2026-11-20", **first)
    W.mk(stick.object(2), *both, source=1, message=b"from the second",
         cut=True, files=[W.file(b"half", "half")], day="2026-11-20")
    W.mk(stick.object(3), two.newsroom, source=2, message=b"for two only",
         day="2026-11-21")
    return one, two, stick, first


@suite.test("two newsrooms, three sources, second deliveries, both answer")
def conversation():
    need("minisign", "sha256sum")
    one, two, stick, first = make_two()
    here = {p: read(p) for p in map(stick.object, (1, 2, 3))}
    got = one.imported(stick)
    equal(([o["mailbox"] for o in got["opened"]], len(got["sealed"])),
          ([MAILBOXES[0], MAILBOXES[1]], 1), "one's import")
    got = two.imported(stick)
    equal((len(got["opened"]), len(got["sealed"])), (3, 0), "two's import")
    threads = one.threads()
    equal(set(threads), set(MAILBOXES[:2]), "one's threads")
    equal(one.inbox()["sealed_for_others"], 1, "sealed for others")
    equal(threads[MAILBOXES[0]]["alias"], two.alias(0),
          "an alias is the same everywhere")
    equal([threads[m]["complete"] for m in MAILBOXES[:2]], [True, False],
          "the cut one")
    equal(threads[MAILBOXES[0]]["files"], 2, "files")
    equal(threads[MAILBOXES[0]]["bytes"], 100000, "their bytes")

    # what came out
    out = W.path("out")
    one.run("extract", "-o", out, one.alias(0))
    opened = os.path.join(out, f"{1:032x}")
    equal(read(f"{opened}/message.txt"), first["message"], "message")
    for path, name in zip(first["files"], first["names"]):
        (entry,) = [n for n in os.listdir(f"{opened}/files") if name in n]
        equal(read(f"{opened}/files/{entry}"), read(path), name)
    item = one.show(one.alias(0))["items"][0]
    equal(item["text"].encode(), first["message"], "shown")
    equal([f["name"] for f in item["files"]], first["names"], "names")

    # both answer at once, a second delivery comes, both answer again
    text = {one: "תודה, קיבלנו.", two: "شكرا لك"}
    for desk in (one, two):
        desk.run("reply", "-m", text[desk], desk.alias(0))
        desk.run("export", stick.path)
    W.mk(stick.object(4), one.newsroom, two.newsroom, source=0,
         message=b"the second time", day="2026-11-22")
    here[stick.object(4)] = read(stick.object(4))
    for desk in (one, two):
        got = desk.imported(stick)
        equal((len(got["opened"]), got["known"]), (1, 3), "only what is new")
        equal(desk.threads()[MAILBOXES[0]]["unread"],
              1 if desk is one else 2, "unread")
        desk.run("reply", "-m", "again", desk.alias(0))
        desk.run("export", stick.path)

    # each answer lies in its own slot, and its source can read it
    expected = set()
    for desk in (one, two):
        kinds = []
        for source, mailbox in enumerate(MAILBOXES):
            if mailbox not in desk.threads():
                continue
            for item in desk.show(mailbox)["items"]:
                if "slot" not in item:
                    continue
                name = f"{item['slot']}.age"
                check(name not in expected, "slots differ")
                expected.add(name)
                kind, day, said = W.answer(
                    stick.at("replies", name), desk.newsroom, source,
                    item["number"])
                equal((kind, said.decode()), (item["kind"], item["text"]),
                      "answer")
                equal(day, item["day"], "day")
                kinds.append(kind)
                check(item["exported"], "marked")
        equal(kinds.count("answer"), 2, "answers")
    equal(stick.replies(), sorted(expected), "replies on the stick")
    equal(stick.collected(), [f"{n:032x}" for n in (1, 2, 3, 4)], "collected")
    done = run("sha256sum", "-c", "--strict", "SHA256SUMS", cwd=stick.top)
    equal(done.returncode, 0, f"{done.stdout}")
    done = run("minisign", "-V", "-m", "SHA256SUMS", "-p",
               os.path.join(two.newsroom.directory, "two.pub"), cwd=stick.top)
    equal(done.returncode, 0, f"minisign: {done.stderr}")
    listed = [line.split("  ")[1] for line in
              read(stick.at("SHA256SUMS")).decode().splitlines()]
    equal(listed, sorted(listed), "sorted by path")
    one.check(here)
    two.check(here)


@suite.test("a conversation is shown in the order of its days, and then read")
def order():
    desk, stick = W.desk(), W.stick()
    W.mk(stick.object(2), desk.newsroom, source=0, message=b"later",
         day="2026-11-22")
    W.mk(stick.object(1), desk.newsroom, source=0, message=b"latest",
         day="2026-11-23")
    desk.imported(stick)
    desk.run("reply", "-m", "answered", desk.alias(0))
    W.mk(stick.object(3), desk.newsroom, source=0, message=b"earlier",
         day="2026-11-19")
    desk.imported(stick)
    shown = desk.run("show", desk.alias(0)).stdout
    words = [b"earlier", b"later", b"latest", b"answered"]
    places = [shown.index(b" " + w + b"\n") for w in words]
    equal(places, sorted(places), f"order: {shown}")
    check(shown.count(b"[new]") == 3, "new")
    shown = desk.run("show", desk.alias(0)).stdout
    check(b"[new]" not in shown, "read")
    equal(desk.inbox()["unread"], 0, "inbox")
    equal(desk.run("inbox").stdout[:1], b" ", "no star")


@suite.test("a thread is named by its words or by its mailbox")
def names():
    desk, stick = W.desk(), W.stick()
    W.mk(stick.object(1), desk.newsroom, source=0, message=b"x")
    desk.imported(stick)
    alias = desk.alias(0)
    for name in ([alias], [alias.replace(" ", "-")], [alias.upper()],
                 alias.split(" "), [MAILBOXES[0]], [MAILBOXES[0][:8]],
                 [MAILBOXES[0][:9].upper()]):
        equal(desk.json("show", "--json", *name)["alias"], alias, f"{name}")
    for name in (MAILBOXES[0][:7], "no such", "", MAILBOXES[1], alias + "x",
                 alias[:-1], "0" * 40, "\x1b[31m"):
        done = desk.run("show", name, expect=None)
        check(done.returncode in (64, 66), f"{name}: {done.returncode}")
        no_controls(done.stderr, name)


@suite.test("an ambiguous beginning of mailboxes is refused")
def ambiguous():
    need("age")
    desk, stick = W.desk(), W.stick()
    W.mk(stick.at("objects"), desk.newsroom, message=b"x", many=4)
    desk.imported(stick)
    index = desk.index()
    for i, thread in enumerate(index["threads"]):
        thread["mailbox"] = f"00112233445566778899aabbccddee{i:02x}"
    desk.put_index(index)
    for command in (["show"], ["reply", "-m", "x"],
                    ["extract", "-o", W.path("out")]):
        done = desk.run(*command, "00112233", expect=64)
        check(b"more than one" in done.stderr, f"{done.stderr}")
    desk.run("show", "00112233445566778899aabbccddee01")


@suite.test("what the source had sealed is shown so, and opened at once")
def test_l5_presealed_is_shown_and_opened():
    need("age")
    desk, stick = W.desk(), W.stick()
    secret = os.urandom(70000)
    sealed = W.path("inner.age")
    run("age", "-r", desk.newsroom.recipient, "-o", sealed,
        W.file(secret, "inner"))
    armored = W.path("armored.age")
    run("age", "-a", "-r", desk.newsroom.recipient, "-o", armored,
        W.file(secret, "inner"))
    W.mk(stick.object(1), desk.newsroom, source=0, files=[
        W.file(b"plain", "plain.age"), sealed, armored],
        names=["plain.age", "report.pdf.age", "x"])
    desk.imported(stick)
    equal(desk.threads()[MAILBOXES[0]]["presealed"], 2, "inbox")
    check(b"[sealed by the source]" in desk.run("inbox").stdout, "inbox")
    (item, _) = desk.show(desk.alias(0))["items"]
    equal([f["presealed"] for f in item["files"]], [False, True, True],
          "files")
    equal(item["text"], None, "no message")
    out = W.path("out")
    desk.run("extract", "-o", out, desk.alias(0))
    equal(read(f"{out}/{1:032x}/opened/002-report.pdf"), secret, "opened")
    equal(read(f"{out}/{1:032x}/opened/003-x"), secret, "opened")
    equal(read(f"{out}/{1:032x}/files/002-report.pdf.age"), read(sealed),
          "as it came")


@suite.test("what a source writes is escaped everywhere")
def test_l37_messages_and_names():
    desk, stick = W.desk(), W.stick()
    long = b"x" * 1023 + "א".encode() * 2000 + b"\x1b" + b"\xd7" * 3000
    W.mk(stick.object(1), desk.newsroom, source=0, message=HOSTILE,
         files=[W.file(b"x")], names=["esc\\x1b[31m\\x0a\\xff.txt"])
    W.mk(stick.object(2), desk.newsroom, source=0, message=long)
    done = desk.run("import", stick.path)
    no_controls(done.stdout + done.stderr, "import")
    for command in (["inbox"], ["inbox", "--json"], ["show", desk.alias(0)],
                    ["log"], ["log", "--json"]):
        done = desk.run(*command)
        no_controls(done.stdout + done.stderr, f"{command}")
    shown = desk.run("show", desk.alias(0)).stdout
    check(b"\\x1b[31mred" in shown, "escaped")
    check(("א" * 2000).encode() in shown, "no character was taken apart")
    items = desk.show(desk.alias(0))["items"]
    (hostile,) = [i for i in items if i.get("object") == f"{1:032x}"]
    equal(bytes.fromhex(hostile["text_hex"]), HOSTILE, "the bytes")
    equal(hostile["files"][0]["name_hex"],
          b"esc\x1b[31m\n\xff.txt".hex(), "the name's bytes")
    check("slot_key" not in json.dumps(items), "no slot key")


# --- answers ----------------------------------------------------------------

@suite.test("answers of every length arrive; those that cannot are refused")
def lengths():
    desk, stick = W.desk(), W.stick()
    W.mk(stick.object(1), desk.newsroom, source=0, message=b"x")
    desk.imported(stick)
    alias = desk.alias(0)
    longest = ("אב" * 16226).encode()  # 64904 bytes
    texts = [b"x", "שורה\nשנייה\r\n".encode(), b"y" * 4000, b"z" * 40000,
             longest]
    for text in texts:
        desk.run("reply", "--file", W.file(text), alias)
    desk.run("reply", "--file", "-", alias, data=b"from standard input")
    desk.run("reply", "-m", "", alias, expect=65)
    for text in (b"", longest + b"x", b"nul\0", b"\xff", b"\xed\xa0\x80",
                 os.urandom(10000)):
        done = desk.run("reply", "--file", W.file(text), alias, expect=65)
        check(done.stderr != b"" and done.stdout == b"", f"{text[:20]}")
    desk.run("reply", "--file", "/nonexistent", alias, expect=66)
    desk.run("reply", alias, expect=64)
    desk.run("reply", "-m", "a", "--file", "-", alias, expect=64)
    desk.run("reply", "-m", "a", expect=64)
    desk.run("export", stick.path)
    answers = [i for i in desk.show(alias)["items"] if "slot" in i]
    equal([i["number"] for i in answers], list(range(7)), "places")
    said = [W.answer(stick.at("replies", f"{i['slot']}.age"), desk.newsroom,
                     0, i["number"])[2] for i in answers]
    equal(said, [b"", *texts, b"from standard input"], "what arrived")
    shown = [i["text"].encode() for i in answers]
    equal(shown, said, "what the desk remembers")
    sizes = {len(read(stick.at("replies", n))) for n in stick.replies()}
    equal(sizes, {4096, 16384, 65536} & sizes, "only the three sizes")


@suite.test("a flood in one source's name leaves places for answers")
def reserve():
    desk, stick = W.desk(), W.stick()
    for n in range(196):
        W.mk(stick.object(n), desk.newsroom, message=b"flood")
    got = desk.imported(stick)
    equal((len(got["opened"]), got["without_receipt"]), (196, 4), "receipts")
    (thread,) = desk.inbox()["threads"]
    equal(thread["slots_left"], 64, "places left")
    need("age")
    index = desk.index()
    last = index["answers"][-1]
    for n in range(64):
        index["answers"].append({**last, "number": 192 + n,
                                 "at": index["order"] + n})
    index["order"] += 64
    desk.put_index(index)
    before = read(os.path.join(desk.vault, "index.age"))
    done = desk.run("reply", "-m", "x", thread["mailbox"], expect=73)
    check(b"no place left" in done.stderr, f"{done.stderr}")
    equal(read(os.path.join(desk.vault, "index.age")), before, "as it was")


@suite.test("a second import and a second export change nothing")
def idempotent():
    desk, stick = W.desk(), W.stick()
    W.mk(stick.object(1), desk.newsroom, source=0, message=b"x")
    equal(len(desk.imported(stick)["opened"]), 1, "opened")
    before = tree(desk.vault)
    got = desk.imported(stick)
    equal((got["known"], got["opened"]), (1, []), "known")
    equal(tree(desk.vault), before, "import")
    got = desk.json("export", "--json", stick.path)
    equal((got["answers"], got["collected"]), (1, 1), "exported")
    before, there = tree(desk.vault), tree(stick.path)
    got = desk.json("export", "--json", stick.path)
    equal((got["answers"], got["collected"]), (0, 0), "nothing new")
    equal((tree(desk.vault), tree(stick.path)), (before, there), "export")
    # the courier has pushed and cleared the stick
    shutil.rmtree(stick.at("replies"))
    os.unlink(stick.at("collected.txt"))
    desk.run("export", stick.path)
    equal((stick.replies(), os.path.exists(stick.at("collected.txt"))),
          ([], False), "not again")
    desk.run("export", "--all", stick.path)
    equal({n: d for n, d in tree(stick.path).items() if "SUMS" not in n},
          {n: d for n, d in there.items() if "SUMS" not in n},
          "all of it, on request")
    equal(tree(desk.vault), before, "the vault stays")


@suite.test("an empty stick gets all that it needs")
def fresh_stick():
    desk, stick = W.desk(), W.stick()
    W.mk(stick.object(1), desk.newsroom, source=0, message=b"x")
    desk.imported(stick)
    other = W.path("other")
    desk.run("import", other, expect=66)
    os.mkdir(other)
    desk.run("import", other, expect=66)
    desk.run("export", other)
    there = tree(other)
    equal(sorted(os.path.dirname(n) for n in there),
          ["knothole-stick"] * 3 + ["knothole-stick/replies"], "files")
    equal(len(desk.imported(type("S", (), {"path": other}))["opened"]), 0,
          "import from it")


@suite.test("collected lists are joined, not replaced")
def collected():
    desk, stick = W.desk(), W.stick()
    W.mk(stick.object(0x77), desk.newsroom, source=0, message=b"x")
    desk.imported(stick)
    write(stick.at("collected.txt"),
          f"{1:032x}\n{0x77:032x}\n{0xff:032x}\n".encode())
    desk.run("export", stick.path)
    equal(stick.collected(), [f"{n:032x}" for n in (1, 0x77, 0xff)], "joined")


@suite.test("an object with a known mailbox but other keys proves nothing")
def other_keys():
    one, two = W.newsroom("One"), W.newsroom("Two")
    desk, stick = W.desk(one), W.stick()
    W.mk(stick.object(1), one, two, message=b"the source")
    desk.imported(stick)
    # mkobject takes the first recipient for the source's reply key
    W.mk(stick.object(2), two, one, message=b"somebody else")
    got = desk.imported(stick)
    equal(([o["keys_differ"] for o in got["opened"]],
           got["without_receipt"]), ([True], 1), "import")
    (thread,) = desk.inbox()["threads"]
    check(thread["keys_differ"], "inbox")
    check(b"[OTHER KEYS" in desk.run("show", thread["alias"]).stdout, "show")
    desk.run("reply", "-m", "to the first one", thread["alias"])
    desk.run("export", stick.path)
    for name in stick.replies():
        done = run(*DESK, "unseal", "-i", one.identity, stick.at(
            "replies", name))
        equal(done.returncode, 0, "to the first keys")


# --- what rests -------------------------------------------------------------

@suite.test("nothing in a vault tells who wrote what")
def at_rest():
    desk, stick = W.desk(), W.stick()
    W.mk(stick.object(1), desk.newsroom, source=0,
         message=b"a canary in the message", names=["canary-name.txt"],
         files=[W.file(b"a canary in the file")])
    desk.imported(stick)
    alias = desk.alias(0)
    desk.run("show", alias)
    desk.run("reply", "-m", "a canary in the answer", alias)
    desk.run("export", stick.path)
    for where in (desk.vault, stick.path):
        for name, data in tree(where).items():
            for needle in (b"canary", alias.encode(), MAILBOXES[0].encode(),
                           bytes.fromhex(MAILBOXES[0])):
                check(needle not in data and needle.decode("latin-1")
                      not in name, f"{needle} in {name}")


@suite.test("objects for others stay as they came, and can be opened there")
def for_others():
    one, two = W.newsroom("One"), W.newsroom("Two")
    desk, stick = W.desk(one), W.stick()
    W.mk(stick.object(1), two, source=0, message=b"for two")
    sealed = read(stick.object(1))
    desk.imported(stick)
    equal(read(desk.object_path(1)), sealed, "to the byte")
    desk.run("extract", "-o", W.path("out"), f"{1:032x}", expect=77)
    desk.run("export", stick.path)
    equal(stick.collected(), [f"{1:032x}"], "counts as collected")
    equal(stick.replies(), [], "nobody to answer")


@suite.test("extract takes threads, ids and files")
def extract():
    desk, stick = W.desk(), W.stick()
    for n in (1, 2, 3):
        W.mk(stick.object(n), desk.newsroom, source=n % 2, message=b"%d" % n)
    loose = W.mk(W.path("loose.age"), desk.newsroom, message=b"loose")
    desk.imported(stick)
    out = W.path("out")
    desk.run("extract", "-o", out, desk.alias(1), f"{2:032x}", loose)
    found = {os.path.dirname(n).split("-")[-1]: d for n, d in
             tree(out).items() if n.endswith("message.txt")}
    equal(sorted(found.values()), [b"1", b"2", b"3", b"loose"], "messages")
    desk.run("extract", "-o", out, desk.alias(1), expect=73)
    desk.run("extract", "-o", out, "nobody knows", expect=66)
    log = desk.json("log", "--json")["entries"]
    equal([(e["alias"], e["count"]) for e in log if e["what"] == "extract"],
          [(desk.alias(1), 2), (desk.alias(0), 1)],
          "log")
    check(re.search(rb"\bextract\b", desk.run("log").stdout), "log")


@suite.test("a damaged object in the vault is said, the rest is shown")
def damaged():
    desk, stick = W.desk(), W.stick()
    for n in (1, 2):
        W.mk(stick.object(n), desk.newsroom, source=0, message=b"m%d" % n)
    desk.imported(stick)
    data = bytearray(read(desk.object_path(1)))
    data[400] ^= 1
    write(desk.object_path(1), bytes(data))
    done = desk.run("show", desk.alias(0), expect=65)
    check(b"m2" in done.stdout and b"m1" not in done.stdout, "the rest")
    equal(desk.inbox()["unread"], 1, "not read")


# --- locks, log, index ------------------------------------------------------

@suite.test("one writer at a time; readers do not wait")
def lock():
    desk, stick = W.desk(), W.stick()
    with open(os.path.join(desk.vault, "lock"), "wb") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        for command in (["import", stick.path], ["export", stick.path],
                        ["reply", "-m", "x", "y"], ["show", "x"]):
            done = desk.run(*command, expect=75)
            check(b"another knothole" in done.stderr, f"{done.stderr}")
        desk.run("inbox")
        desk.run("log")
    desk.run("import", stick.path)


@suite.test("the log grows only, and says when it was changed")
def test_l40_the_log_says_when_it_was_changed():
    need("age", "minisign")
    desk, stick = W.desk(), W.stick()
    W.mk(stick.object(1), desk.newsroom, source=0, message=b"x")
    desk.imported(stick)
    desk.run("reply", "-m", "secret words", desk.alias(0))
    desk.run("export", stick.path)
    desk.run("extract", "-o", W.path("out"), desk.alias(0))
    shown = desk.json("log", "--json", "--verify")
    equal(shown["verified"], True, "verified")
    equal([e["what"] for e in shown["entries"]],
          ["init", "import", "reply", "export", "export", "extract"], "what")
    check("secret words" not in json.dumps(shown), "no text")
    check(MAILBOXES[0] not in json.dumps(shown), "no mailbox")
    # the chain by hand, as FORMAT.md has it
    before = bytes(32)
    for e in shown["entries"]:
        line = f"{e['day']} {e['what']} {e['count']} {e['alias']}\n"
        before = hashlib.blake2b(
            b"knothole custody log v1" + before + line.encode(),
            digest_size=32).digest()
        equal(e["hash"], before.hex(), "hash")
    comment = read(stick.at("SHA256SUMS.minisig")).decode().splitlines()[2]
    equal(comment, "trusted comment: knothole custody log, 5 entries, " +
          shown["entries"][4]["hash"], "the head on the stick")
    index = desk.index()
    for change in ("drop", "edit", "cut", "head"):
        bad = json.loads(json.dumps(index))
        if change == "drop":
            del bad["log"][2]
        elif change == "edit":
            bad["log"][1]["count"] = 2
        elif change == "cut":
            bad["log"] = bad["log"][:4]
            bad["signed"] = 4
        else:
            bad["signature"] = bad["signature"].replace("RU", "RV", 1)
        desk.put_index(bad)
        equal(desk.json("log", "--json", "--verify", expect=65)["verified"],
              False, change)
        desk.run("inbox")


@suite.test("an index that is not ours to the letter is refused")
def bad_index():
    need("age")
    desk, stick = W.desk(), W.stick()
    W.mk(stick.object(1), desk.newsroom, source=0, message=b"x")
    desk.imported(stick)
    path = os.path.join(desk.vault, "index.age")
    good, index = read(path), desk.index()
    other = W.desk(W.newsroom("Other")).index()
    for bad in (b"", b"{}", b"[]", b"\xff", json.dumps(index).encode() + b"x",
                {**index, "more": 1}, {**index, "knothole_vault": 2},
                {**index, "signing_key": other["signing_key"]},
                {k: v for k, v in index.items() if k != "log"}):
        desk.put_index(bad)
        done = desk.run("inbox", expect=65)
        check(b"cannot be read" in done.stderr, f"{done.stderr}")
    for cut in (0, 100, len(good) - 1):
        write(path, good[:cut])
        desk.run("inbox", expect=65)
    write(path, good)
    desk.run("inbox")


@suite.test("usage errors, help and where things are said")
def usage():
    desk, stick = W.desk(), W.stick()
    for command in (["import"], ["import", "a", "b"], ["inbox", "x"],
                    ["show"], ["show", "a", "b", "c"], ["export"],
                    ["log", "x"], ["import", "--all", "x"],
                    ["inbox", "--nonsense"], ["reply", "-m"]):
        done = desk.run(*command, expect=64)
        check(done.stdout == b"" and done.stderr != b"", f"{command}")
    for command in ("init", "import", "inbox", "show", "reply", "export",
                    "log"):
        for flag in ("--help", "-h"):
            done = run(KNOTHOLE, command, flag)
            equal(done.returncode, 0, f"{command} {flag}")
            check(done.stdout.startswith(b"usage: knothole"), command)
            check(all(len(x) <= 80 for x in done.stdout.split(b"\n")),
                  f"width of {command}")
    done = desk.run("import", stick.path)
    check(done.stdout == b"" and b"0 opened" in done.stderr, "talk on stderr")


@suite.test("a full disk is said, and the vault stays good")
def full_disk():
    if os.geteuid() != 0:
        raise Skip("needs root")
    small = W.path("small")
    os.mkdir(small)
    mounted = run("mount", "-t", "tmpfs", "-o", "size=68m", "none", small)
    if mounted.returncode != 0:
        raise Skip("may not mount a small file system")
    try:
        desk = Desk(os.path.join(small, "vault"), W.newsroom())
        stick = W.stick()
        for n in range(40):
            W.mk(stick.object(n), desk.newsroom, message=b"x",
                 files=[W.file(os.urandom(200000))])
        done = desk.run("import", stick.path, expect=74)
        check(b"space" in done.stderr.lower() or b"room" in done.stderr,
              f"{done.stderr}")
        came = desk.inbox()["threads"][0]["objects"]
        check(0 < came < 40, f"{came} came in")
        parts = [n for n in os.listdir(os.path.join(desk.vault, "objects"))
                 if n.startswith(".part")]
        equal(parts, [], "nothing half")
    finally:
        run("umount", small)


suite.run()
