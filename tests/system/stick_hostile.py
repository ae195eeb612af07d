#!/usr/bin/env python3
"""Sticks that somebody else had in his hands: what is refused is said, nothing
is followed or opened that is no plain file, and all the rest is imported
(lessons L1, L2, L8, L37)."""
import hashlib
import os
import random
import shutil
import socket

from lib.desk import World, read, tree, write
from lib.drop import run, workplace
from lib.tap import Skip, Suite, check, equal

suite = Suite()
W = World(workplace())
ROOM, OTHER = W.newsroom("One"), W.newsroom("Two")
GOOD = W.mk(W.path("good.age"), ROOM, message=b"good", source=0)
MORE = W.mk(W.path("more.age"), ROOM, message=b"more", source=1,
            files=[W.file(os.urandom(300000))])
FOREIGN = W.mk(W.path("foreign.age"), OTHER, message=b"for others", source=2)
CHUNK = 65552
NAMES = [
    b"..age", b"x.age", b"a" * 32, b"A" * 32 + b".age", b"a" * 31 + b".age",
    b"a" * 33 + b".age", b"a" * 32 + b".AGE", b"a" * 32 + b".age.age",
    b" " + b"a" * 32 + b".age", b"a" * 32 + b".age ", b"-rf", b".bashrc",
    b"esc\x1b[31mred", b"bel\x07", b"line\nbreak", b"\xff\xfe", b"a" * 255,
    b"\xe2\x80\xaeexe.ega", "מסמך.age".encode(), b"g" * 32 + b".age",
    b".part-", b".part-" + b"a" * 31, b".part-" + b"a" * 32 + b".age",
    b".part-" + b"A" * 32, b"%2e%2e", b"\\..\\x.age", b"knothole\nREFUSED: x",
]


def stick_with_good():
    stick = W.stick()
    shutil.copy(GOOD, stick.object(0x100))
    return stick


def no_controls(data, what):
    bad = [c for c in data.decode("utf-8") if c != "\n" and (
        ord(c) < 32 or 0x7f <= ord(c) < 0xa0 or c in "\u202e\u200b\ufeff")]
    check(not bad, f"{what}: {bad}")


def refuses(stick, count, desk=None, opened=1):
    """Import; `count` things are refused, the good one is there."""
    desk = desk or W.desk(ROOM)
    before = tree(stick.path)
    got = desk.imported(stick, expect=65 if count else 0)
    equal(got["refused_count"], count, f"refused: {got['refused'][:3]}")
    equal(len(got["refused"]), min(count, 1000), "listed")
    equal(len(got["opened"]), opened, "opened")
    equal(tree(stick.path), before, "the stick stays as it is")
    for name in os.listdir(os.path.join(desk.vault, "objects")):
        check(not name.startswith(".part"), f"left {name}")
    return desk, got


@suite.test("odd names are refused, escaped, and end nothing")
def test_l1_l37_odd_names_on_a_stick():
    stick = stick_with_good()
    made = 0
    for name in NAMES:
        path = os.path.join(os.fsencode(stick.at("objects")), name)
        try:
            shutil.copy(os.fsencode(GOOD), path)
            made += 1
        except OSError:
            continue  # this file system has no such names
    _, got = refuses(stick, made)
    for refused in got["refused"]:
        no_controls(refused["name"].encode(), "name")
    done = W.desk(ROOM).run("import", stick.path, expect=65)
    no_controls(done.stdout + done.stderr, "messages")
    equal(done.stderr.count(b": REFUSED: "), made, "one line for each")


@suite.test("links, FIFOs, sockets, devices and directories")
def test_l2_kinds_on_a_stick():
    stick = stick_with_good()
    secret = W.file(read(GOOD), "elsewhere.age")
    os.symlink(secret, stick.object(1))
    os.symlink("/nonexistent", stick.object(2))
    os.symlink("/dev/zero", stick.object(3))
    os.mkfifo(stick.object(4))
    os.mkdir(stick.object(5))
    shutil.copy(GOOD, os.path.join(stick.object(5), "inner.age"))
    count = 5
    with socket.socket(socket.AF_UNIX) as s:
        here = os.getcwd()
        os.chdir(stick.at("objects"))
        s.bind(os.path.basename(stick.object(6)))
        os.chdir(here)
        count += 1
    for number, device in ((7, (1, 3)), (8, (1, 5))):
        try:
            os.mknod(stick.object(number), 0o20600, os.makedev(*device))
            count += 1
        except OSError:
            continue
    os.symlink(stick.object(4), stick.at("objects", ".part-" + "a" * 32))
    refuses(stick, count)


@suite.test("directories of the stick that are links are not entered")
def test_l2_linked_directories():
    real = stick_with_good()
    for name in ("objects", "replies"):
        stick = W.stick()
        if name == "objects":
            os.rmdir(stick.at(name))
        os.symlink(real.at("objects"), stick.at(name))
        before = tree(real.path)
        done = W.desk(ROOM).run("import", stick.path, expect=65)
        check(name.encode() in done.stderr, f"{done.stderr}")
        desk = W.desk(ROOM)
        desk.run("import", real.path)
        desk.run("export", stick.path, expect=65)
        equal(tree(real.path), before, "nothing went there")
    outer = W.path("outer")
    os.mkdir(outer)
    os.symlink(real.top, os.path.join(outer, "knothole-stick"))
    desk = W.desk(ROOM)
    desk.run("import", outer, expect=65)
    desk.run("export", outer, expect=65)
    equal(tree(real.path), before, "nothing went there")


@suite.test("cut at every edge, and at random places")
def test_l8_cut_objects_on_a_stick():
    data = read(MORE)
    header = data.index(b"\n--- ") + 49 + 16
    places = {0, 1, 21, 22, 100, header - 17, header - 16, header - 1, header,
              header + 15, header + 16, header + 17, len(data) - 1,
              len(data) - 16, len(data) - 17}
    for edge in range(header, len(data), CHUNK):
        places |= {edge - 1, edge, edge + 1, edge + 16}
    rng = random.Random(8)
    places |= {rng.randrange(len(data)) for _ in range(60)}
    places = sorted(p for p in places if 0 <= p < len(data))
    stick = stick_with_good()
    for n, place in enumerate(places):
        write(stick.object(n), data[:place])
    refuses(stick, len(places))


@suite.test("damaged anywhere, or with something added")
def tampered():
    data = bytearray(read(MORE))
    rng = random.Random(7)
    places = [0, 25, 60, 150, 200, 250, 300, len(data) - 1]
    places += [rng.randrange(len(data)) for _ in range(60)]
    stick = stick_with_good()
    n = 0
    for place in places:
        bad = bytearray(data)
        bad[place] ^= 1 << rng.randrange(8)
        write(stick.object(n), bad)
        n += 1
    for bad in (bytes(data) + b"x", b"x" + bytes(data), bytes(data) * 2,
                b"", b"\0" * 65536, os.urandom(65536), b"PK\x03\x04" * 999,
                b"age-encryption.org/v1\n", b"age-encryption.org/v2\n" * 9):
        write(stick.object(n), bad)
        n += 1
    desk = W.desk(ROOM)
    got = desk.imported(stick, expect=65)
    # A flipped bit in the header's stanza can make it another newsroom's;
    # then the check stanza tells that it is damaged.
    equal(got["refused_count"], n, "refused")
    equal((len(got["opened"]), got["sealed"]), (1, []), "the good one")


@suite.test("what is for others is compared with the courier's list")
def foreign():
    data = read(FOREIGN)
    bad = bytearray(data)
    bad[5000] ^= 1
    stick = stick_with_good()
    write(stick.object(1), data)
    write(stick.object(2), bytes(bad))
    write(stick.object(3), data[:-200])  # still where an object could end
    digest = hashlib.sha256(data).hexdigest()
    write(stick.at("SHA256SUMS"), "".join(
        f"{digest}  objects/{n:032x}.age\n" for n in (1, 2, 3)).encode())
    desk, got = refuses(stick, 2)
    equal([o["object"] for o in got["sealed"]], [f"{1:032x}"], "sealed")
    desk.run("export", stick.path)
    equal(stick.collected(), [f"{1:032x}", f"{0x100:032x}"],
          "only what is whole counts as collected")
    stick = stick_with_good()
    write(stick.object(4), data[:100])
    write(stick.object(5), data[:data.index(b"\n--- ") + 49 + 16 + 15])
    refuses(stick, 2)


@suite.test("lists of hashes that are none do no harm")
def bad_sums():
    digest = hashlib.sha256(b"").hexdigest()
    line = f"{digest}  objects/{1:032x}.age\n"
    for n, text in enumerate((
            "x", "\0" * 100, "a" * 64 + "\n", line + line, line[:-1],
            digest + "  objects/../../x\n" + "\x1b[31m\n",
            ("A" * 64) + f"  objects/{1:032x}.age\n")):
        stick = stick_with_good()
        write(stick.at("SHA256SUMS"), text.encode())
        _, got = refuses(stick, 1)
        equal(got["refused"][0]["name"], "SHA256SUMS", f"{n}")
    for make in (os.mkfifo, os.mkdir, lambda p: os.symlink("/dev/zero", p)):
        stick = stick_with_good()
        make(stick.at("SHA256SUMS"))
        refuses(stick, 1)
    stick = stick_with_good()
    with open(stick.at("SHA256SUMS"), "wb") as f:
        f.truncate((1 << 25) + 1)
    refuses(stick, 1)
    # for an object that this newsroom opens, its own seal counts
    stick = stick_with_good()
    write(stick.at("SHA256SUMS"), f"{digest}  objects/{0x100:032x}.age\n"
          .encode())
    refuses(stick, 0)


@suite.test("one content under two names, two contents under one name")
def duplicates():
    stick = stick_with_good()
    shutil.copy(GOOD, stick.object(0x200))
    desk, _ = refuses(stick, 1)
    # again, with the names the other way round and another content
    again = W.stick()
    shutil.copy(GOOD, again.object(0x300))
    shutil.copy(MORE, again.object(0x100))
    _, got = refuses(again, 2, desk, opened=0)
    equal(got["known"], 0, "known")
    equal(read(desk.object_path(0x100)), read(GOOD), "the first one stays")
    check(not os.path.exists(desk.object_path(0x300)), "no copy")
    desk.check({})
    (thread,) = desk.inbox()["threads"]
    equal((thread["objects"], thread["received"]), (1, 1), "counted once")
    # cut or lengthened under its own name
    third = W.stick()
    write(third.object(0x100), read(GOOD)[:-1])
    refuses(third, 1, desk, opened=0)
    equal(read(desk.object_path(0x100)), read(GOOD), "the first one stays")


@suite.test("huge files, which cost no disk to make, cost none to refuse")
def huge():
    stick = stick_with_good()
    for n, size in ((1, 1 << 43), (2, (1 << 36) + 1), (3, 1 << 36),
                    (4, 1 << 33)):
        try:
            with open(stick.object(n), "wb") as f:
                f.truncate(size)
        except OSError:
            raise Skip("no sparse files here") from None
    with open(stick.object(5), "wb") as f:
        f.write(read(GOOD)[:300])
        f.truncate(1 << 34)
    refuses_quietly(stick, 5)


def refuses_quietly(stick, count):
    """As refuses, without reading the stick."""
    desk = W.desk(ROOM)
    got = desk.imported(stick, expect=65)
    equal((got["refused_count"], len(got["opened"])), (count, 1), "refused")
    used = sum(os.stat(os.path.join(where, n)).st_blocks * 512
               for where, _, names in os.walk(desk.vault) for n in names)
    check(used < 1 << 22, f"{used} bytes in the vault")


@suite.test("what opens but is no submission is refused, and said how")
def no_submission():
    if shutil.which("age") is None:
        raise Skip("age is not installed")
    stick = stick_with_good()
    for n, content in enumerate((b"", b"not a ZIP", b"x" * 100000)):
        run("age", "-r", ROOM.recipient, "-o", stick.object(n),
            W.file(content))
    run("age", "-a", "-r", ROOM.recipient, "-o", stick.object(9),
        W.file(b"armor"))
    _, got = refuses(stick, 4)
    check(any("holds no submission" in r["reason"] for r in got["refused"]),
          f"{got['refused']}")


@suite.test("a flood of odd names is counted, not listed to the end")
def flood():
    stick = stick_with_good()
    for n in range(1500):
        write(stick.at("objects", f"odd {n}"), b"")
    desk, got = refuses(stick, 1500)
    done = desk.run("import", stick.path, expect=65)
    check(done.stderr.count(b"\n") < 1010, "lines")
    check(b"500 more" in done.stderr, f"{done.stderr[-300:]}")


@suite.test("unfinished downloads are no objects")
def parts():
    stick = stick_with_good()
    write(stick.at("objects", ".part-" + "a" * 32), read(MORE)[:1000])
    write(stick.at("objects", ".part-" + "b" * 32), read(MORE))
    _, got = refuses(stick, 0)
    equal(got["partial"], 2, "counted")


@suite.test("an export follows no link and replaces what is in its way")
def export():
    stick = stick_with_good()
    desk, _ = refuses(stick, 0)
    target = W.file(b"precious", "target")
    os.mkdir(stick.at("replies"))
    (answer,) = [n for n in os.listdir(os.path.join(desk.vault, "outbox"))]
    os.symlink(target, stick.at("replies", answer))
    for name in ("collected.txt", "SHA256SUMS", "SHA256SUMS.minisig",
                 ".part-collected.txt", ".part-SHA256SUMS"):
        os.symlink(target, stick.at(name))
    os.symlink(target, stick.at("replies", ".part-" + answer[:64]))
    desk.run("export", stick.path, expect=65)
    equal(read(target), b"precious", "what was linked to")
    equal(read(stick.at("replies", answer)),
          read(os.path.join(desk.vault, "outbox", answer)), "the answer")
    for where, _, names in os.walk(stick.top):
        for name in names:
            check(not os.path.islink(os.path.join(where, name)), name)
    equal(stick.collected(), [f"{0x100:032x}"], "collected")
    desk.run("export", stick.path)


@suite.test("odd things among the replies are refused, and in no list")
def odd_replies():
    stick = stick_with_good()
    desk, _ = refuses(stick, 0)
    os.mkdir(stick.at("replies"))
    os.mkfifo(stick.at("replies", "0" * 64 + ".age"))
    write(stick.at("replies", "1" * 64 + ".age"), b"x" * 65537)
    write(stick.at("replies", "esc\x1b[31m"), b"x")
    write(stick.at("collected.txt"), b"../../x\n" + b"A" * 32 + b"\n" +
          f"{5:032x}\n\x1b[31m\n{6:032x}".encode())
    done = desk.run("export", stick.path, expect=65)
    equal(done.stderr.count(b"REFUSED"), 4, f"{done.stderr}")
    no_controls(done.stderr, "messages")
    equal(stick.collected(), [f"{5:032x}", f"{0x100:032x}"], "collected")
    listed = read(stick.at("SHA256SUMS"))
    equal(listed.count(b"replies/"), 1, f"{listed}")


@suite.test("a directory where a file must be is an error, and marks nothing")
def in_the_way():
    stick = stick_with_good()
    desk, _ = refuses(stick, 0)
    os.mkdir(stick.at("collected.txt"))
    done = desk.run("export", stick.path, expect=None)
    check(done.returncode in (73, 74), f"{done.returncode}")
    (thread,) = desk.inbox()["threads"]
    equal(thread["not_exported"], 1, "not marked")
    os.rmdir(stick.at("collected.txt"))
    desk.run("export", stick.path)
    (thread,) = desk.inbox()["threads"]
    equal(thread["not_exported"], 0, "marked")


@suite.test("FAT: no modes, no links, no unnamed files")
def fat():
    for program in ("mkfs.vfat", "mount"):
        if shutil.which(program) is None:
            raise Skip(f"{program} is not installed")
    if os.geteuid() != 0:
        raise Skip("needs root")
    image, where = W.path("image"), W.path("mnt")
    with open(image, "wb") as f:
        f.truncate(64 << 20)
    os.mkdir(where)
    if run("mkfs.vfat", image).returncode or run(
            "mount", "-o", "loop", image, where).returncode:
        raise Skip("may not mount a FAT image")
    try:
        os.makedirs(f"{where}/knothole-stick/objects")
        shutil.copy(GOOD, f"{where}/knothole-stick/objects/{1:032x}.age")
        desk = W.desk(ROOM)
        desk.run("import", where)
        desk.run("reply", "-m", "over FAT", desk.alias(0))
        desk.run("export", where)
        desk.run("export", where)
        equal(len(os.listdir(f"{where}/knothole-stick/replies")), 2, "there")
        equal(run("sha256sum", "-c", "SHA256SUMS",
                  cwd=f"{where}/knothole-stick").returncode, 0, "hashes")
    finally:
        run("umount", where)


suite.run()
