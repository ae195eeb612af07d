"""knotholed drill: a clean host is on the list, and nothing beyond the list is
passed over in silence."""
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import threading
import unicodedata

from lib.drop import KNOTHOLED, Drop, run
from lib.tap import Skip, Suite, check, equal

suite = Suite()
drop = Drop(newsrooms=2, unix=True, retention_days=90,
            site_name="The Example Times")
FIXED = 315532800
BUSY = 3  # pairs of submissions by each of two sources

# Another host's proc(5): what this machine has is not the test's business.
PROC = os.path.join(drop.base, "proc")
os.makedirs(os.path.join(PROC, "sys", "kernel"))
HEADING = "Filename\t\t\tType\t\tSize\tUsed\tPriority\n"


LIMITS = """Limit                     Soft Limit           Hard Limit           Units
Max processes             100                  unlimited            processes
Max core file size        {:<20} unlimited            bytes
Max open files            1024                 524288               files
"""


def processes(*soft):
    """One for each of these limits on core dumps."""
    for entry in os.listdir(PROC):
        if entry.isdigit():
            shutil.rmtree(os.path.join(PROC, entry))
    for number, value in enumerate(soft, 1):
        os.mkdir(os.path.join(PROC, str(number)))
        with open(os.path.join(PROC, str(number), "limits"), "w",
                  encoding="utf-8") as f:
            f.write(LIMITS.format(value))


def host(swaps="", core="|/bin/false"):
    with open(os.path.join(PROC, "swaps"), "w", encoding="utf-8") as f:
        f.write(HEADING + swaps)
    path = os.path.join(PROC, "sys", "kernel", "core_pattern")
    with open(path, "w", encoding="utf-8") as f:
        f.write(core + "\n")


def drill(*options):
    return run(KNOTHOLED, "drill", "-c", drop.config, "--proc", PROC, *options)


def report(status=0):
    told = drill("--json")
    equal((told.returncode, told.stderr), (status, b""),
          f"the drill: {told.stdout.decode()[-600:]}")
    return json.loads(told.stdout)


def rows(found):
    return {row["id"]: row for row in found["list"]}


def submit(size):
    page = drop.post(drop.form().field("message", "m").file(
        "a.pdf", b"f" * size).close())
    equal(page.state, "sealed", "submission")
    return page.output("code")


def fill():
    """Two sizes of objects, answers of two sizes, one mark, one renewed
    card."""
    host()
    drop.start()
    code = ""
    for size in (10, 20, 150000):
        code = submit(size)
    drop.answer(code, 0, kind="received")
    drop.answer(code, 1, text="x" * 9000)
    made = os.path.basename(drop.objects()[0]).removesuffix(".age")
    mark = os.path.join(drop.store, "collected", f"{made}-{'0a' * 16}")
    put(mark, b"")
    os.mkdir(os.path.join(drop.store, "cards"), 0o700)
    beside = os.stat(drop.store)
    os.chown(os.path.join(drop.store, "cards"), beside.st_uid, beside.st_gid)
    with open(drop.newsrooms[0].card, "rb") as f:
        put(os.path.join(drop.store, "cards", "0a" * 16 + ".card"), f.read())


def put(path, data, mode=0o400, time=FIXED):
    """As the store would have made it, unless told otherwise."""
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, mode)
    beside = os.stat(os.path.dirname(path))
    if os.geteuid() == 0:
        os.chown(path, beside.st_uid, beside.st_gid)
    os.utime(path, (time, time))
    settle()


def settle():
    """The directories' times as the store leaves them."""
    for name in ("objects", "replies", "collected", "cards", "."):
        if os.path.exists(os.path.join(drop.store, name)):
            os.utime(os.path.join(drop.store, name), (FIXED, FIXED))


def times():
    """Of everything: a look must leave no trace."""
    found = {}
    for where, directories, names in os.walk(drop.server):
        for name in [*directories, *names, "."]:
            status = os.lstat(os.path.join(where, name))
            found[os.path.normpath(os.path.join(where, name))] = (
                status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns)
    return found


class Planted:
    """Something that should not be there, for a while."""

    def __init__(self, path, undo=None):
        self.path = path
        self.undo = undo or self.remove

    def remove(self):
        if os.path.isdir(self.path) and not os.path.islink(self.path):
            shutil.rmtree(self.path)
        else:
            os.unlink(self.path)

    def __enter__(self):
        settle()
        return self

    def __exit__(self, *unused):
        self.undo()
        settle()


def found(what, path, others=()):
    """Exit status 1, and exactly this is named, for programs and people."""
    beyond = report(1)["beyond"]
    got = sorted((o["id"], o["where"]) for o in beyond)
    wanted = sorted([(what, path), *others])
    equal(got, wanted, "beyond the list")
    for o in beyond:
        check(o["do"] and o["what"], "says what to do")
    told = drill()
    equal(told.returncode, 1, "exit status")
    flat = re.sub(r"\s+", "", told.stdout.decode())
    for o in beyond:
        check(re.sub(r"\s+", "", o["where"]) in flat, f"text: {o['where']}")
        check(re.sub(r"\s+", "", o["do"]) in flat, f"text: {o['do']}")


fill()


@suite.test("while the service runs: all that is there is on the list")
def test_drill_running():
    got = rows(report())
    for name, count in (("object", 3), ("answer", 2), ("mark", 1),
                        ("salt", 1), ("config", 1), ("card", 2),
                        ("renewed", 1), ("socket", 1),
                        ("directory", 6)):
        equal(got[name]["count"], count, name)
    sizes = sorted(os.path.getsize(path) for path in drop.objects())
    equal(got["object"]["bytes"], sum(sizes), "bytes")
    equal(got["object"]["sizes"], [[65536, 2], [sizes[2], 1]], "sizes")
    equal(got["object"]["keys"], [[2, 3]], "keys")
    equal(got["answer"]["sizes"], [[4096, 1], [16384, 1]], "answers")
    for name in ("object", "answer", "mark"):
        equal(got[name]["modified"], ["1980-01-01"] * 2, f"{name}: modified")
    check(got["object"]["changed"][0] > "2020", "changed")


@suite.test("while sources send and are answered: no false alarm")
def test_drill_busy():
    def visit():
        for size in (10, 150000) * BUSY:
            drop.answer(submit(size), 0, kind="received")

    before = drop.objects(), drop.replies()
    visitors = [threading.Thread(target=visit) for _ in range(2)]
    for visitor in visitors:
        visitor.start()
    looks = 0
    while any(visitor.is_alive() for visitor in visitors):
        report()
        looks += 1
    for visitor in visitors:
        visitor.join()
    check(looks > 1, f"only {looks} looks")
    for was, now in zip(before, (drop.objects(), drop.replies())):
        equal(len(now) - len(was), 4 * BUSY, "came meanwhile")
        for path in set(now) - set(was):
            os.unlink(path)
    settle()


@suite.test("after it has ended: the same; a second look sees no difference")
def test_drill_clean():
    drop.stop()
    before, status = drop.snapshot(), times()
    first = report()
    equal(first["beyond"], [], "beyond")
    equal(report(), first, "the second look")
    equal(drop.snapshot(), before, "what is there")
    equal(times(), status, "times")


@suite.test("as text: 80 columns, every row of the list, no object's name")
def test_drill_text():
    told = drill()
    equal((told.returncode, told.stderr), (0, b""), "the drill")
    text = told.stdout.decode()
    for line in text.splitlines():
        check(len(line) <= 80, f"{len(line)} columns: {line}")
    for row in report()["list"]:
        check(re.search(rf"\b{row['id']}\b", text), row["id"])
    check("NOTHING BEYOND THE LIST" in text, "the verdict")
    for name in ("The Example Times", "Zeitung", "hs_ed25519_secret_key"):
        check(name in re.sub(r"\s+", " ", text), name)
    for path in drop.objects():
        check(os.path.basename(path) not in text, "an object's name")


@suite.test("the salt's bytes are not in the output")
def test_drill_no_secret():
    with open(os.path.join(drop.state, "instance.salt"), "rb") as f:
        salt = f.read()
    for options in ((), ("--json",)):
        out = drill(*options).stdout
        check(salt not in out and salt.hex().encode() not in out, "salt")


@suite.test("a file with another name, in each place")
def test_drill_names():
    for where in ("", "objects", "replies", "collected"):
        path = os.path.join(drop.store, where, "notes")
        put(path, b"x")
        with Planted(path):
            found("name", path)
    path = os.path.join(drop.state, "notes")
    put(path, b"x")
    with Planted(path):
        found("name", path)
    path = os.path.join(drop.cards, "readme.txt")
    put(path, b"x")
    with Planted(path):
        found("name", path)


@suite.test("a name in capitals, one digit too many: not an object's")
def test_drill_near_names():
    with open(drop.objects()[0], "rb") as f:
        data = f.read()
    for name in ("A" * 32 + ".age", "a" * 33 + ".age", "a" * 31 + ".age",
                 "a" * 32 + ".AGE", "a" * 32):
        path = os.path.join(drop.store, "objects", name)
        put(path, data)
        with Planted(path):
            found("name", path)


@suite.test("a draft with a name")
def test_drill_draft():
    for name in (".draft", "#1234", "a" * 32 + ".age.tmp", "draft-1"):
        path = os.path.join(drop.store, "objects", name)
        put(path, b"x" * 65536)
        with Planted(path):
            found("draft", path)


@suite.test("an object's mode, time and size")
def test_drill_object():
    path = drop.objects()[0]
    size = os.path.getsize(path)

    def restore():
        os.chmod(path, 0o600)
        os.truncate(path, size)
        os.chmod(path, 0o400)
        os.utime(path, (FIXED, FIXED))

    for mode in (0o600, 0o444, 0o4400):
        os.chmod(path, mode)
        with Planted(path, restore):
            found("mode", path)
    os.utime(path, (FIXED, FIXED + 1))
    with Planted(path, restore):
        found("time", path)
    os.utime(path, ns=(FIXED * 10**9, FIXED * 10**9 + 1))
    with Planted(path, restore):
        found("time", path)
    os.chmod(path, 0o600)
    os.truncate(path, size + 1)
    os.chmod(path, 0o400)
    os.utime(path, (FIXED, FIXED))
    with Planted(path, restore):
        found("size", path)


@suite.test("answers and marks of a length that they cannot have")
def test_drill_lengths():
    path = os.path.join(drop.store, "replies", "e" * 64)
    with open(drop.replies()[0], "rb") as f:
        answer = f.read()
    put(path, answer[:-1])
    with Planted(path):
        found("size", path)
    path = os.path.join(drop.store, "collected", "e" * 32 + "-" + "f" * 32)
    put(path, b"when it was collected")
    with Planted(path):
        found("size", path)
    path = os.path.join(drop.state, "instance.salt.new")
    put(path, b"x" * 16)
    with Planted(path):
        found("copy", path)


@suite.test("plaintext under an object's and an answer's name")
def test_drill_plaintext():
    for where, name, size in (("objects", "e" * 32 + ".age", 65536),
                              ("replies", "e" * 64, 4096)):
        path = os.path.join(drop.store, where, name)
        put(path, b"p" * size)
        with Planted(path):
            found("content", path)


@suite.test("links, directories, pipes, sockets: named, not followed")
def test_drill_kinds():
    target = os.path.join(drop.base, "target")
    put(os.path.join(drop.base, "target"), b"t" * 65536)
    path = os.path.join(drop.store, "objects", "e" * 32 + ".age")
    for make in (lambda: os.symlink(target, path),
                 lambda: os.symlink("/nowhere", path),
                 lambda: os.mkdir(path),
                 lambda: os.mkfifo(path),
                 lambda: socket.socket(socket.AF_UNIX).bind(path)):
        make()
        with Planted(path):
            found("kind", path)
    for name in ("objects", "replies", "collected"):
        path = os.path.join(drop.store, name)
        os.rename(path, path + ".away")
        os.symlink(drop.desk, path)

        def back(there=path):
            os.unlink(there)
            os.rename(there + ".away", there)

        with Planted(path, back):
            found("kind", path, [("name", path + ".away")])


@suite.test("a second name of an object")
def test_drill_hard_link():
    path = drop.objects()[0]
    other = os.path.join(drop.base, "kept")
    os.link(path, other)
    with Planted(other):
        found("link", path)


@suite.test("what is being rewritten, or was when it was cut short, is listed")
def test_drill_settling():
    for path in (drop.objects()[0], drop.replies()[0]):
        with open(path, "rb") as f:
            data = f.read()
        put(path + ".new", data)
        with Planted(path + ".new"):
            equal(rows(report())["settling"]["count"], 1, "copy")
        os.link(path, path + ".new")
        with Planted(path + ".new"):
            equal(rows(report())["settling"]["count"], 1, "linked")
        os.rename(path, path + ".new")
        with Planted(path, lambda p=path: os.rename(p + ".new", p)):
            equal(rows(report())["settling"]["count"], 1, "alone")
        put(path + ".new", b"plaintext")
        with Planted(path + ".new"):
            found("size", path + ".new", [("content", path + ".new")])
        put(path + ".new.new", data)
        with Planted(path + ".new.new"):
            found("draft", path + ".new.new")


@suite.test("an extended attribute")
def test_drill_attribute():
    path = drop.objects()[0]
    try:
        os.setxattr(path, "user.from", b"somebody")
    except OSError as e:
        if os.geteuid() == 0:
            raise Skip(f"no attributes here: {e}") from None
        raise Skip("needs root") from None
    with Planted(path, lambda: os.removexattr(path, "user.from")):
        found("attribute", path)


@suite.test("directories that others may look into; their times")
def test_drill_directories():
    for name in ("", "objects", "replies", "collected"):
        path = os.path.normpath(os.path.join(drop.store, name))
        os.chmod(path, 0o755)
        with Planted(path, lambda p=path: os.chmod(p, 0o700)):
            found("mode", path)
    path = os.path.join(drop.store, "objects")
    with Planted(path, settle):
        os.utime(path, (FIXED, FIXED + 86400))
        found("time", path)
    os.chmod(drop.state, 0o750)
    with Planted(drop.state, lambda: os.chmod(drop.state, 0o700)):
        found("mode", drop.state)


@suite.test("owners that do not belong there")
def test_drill_owner():
    if os.geteuid() != 0:
        raise Skip("needs root")
    path = drop.objects()[0]
    own = os.stat(path).st_uid
    os.chown(path, 12345, -1)
    with Planted(path, lambda: os.chown(path, own, -1)):
        found("owner", path)
    os.chown(drop.config, 12345, -1)
    with Planted(path, lambda: os.chown(drop.config, 0, -1)):
        found("owner", drop.config)


@suite.test("a salt that others can read, or of another length")
def test_drill_salt():
    path = os.path.join(drop.state, "instance.salt")
    os.chmod(path, 0o444)
    with Planted(path, lambda: os.chmod(path, 0o400)):
        found("mode", path)
    with open(path, "rb") as f:
        salt = f.read()
    os.chmod(path, 0o600)
    os.truncate(path, 15)
    os.chmod(path, 0o400)

    def restore():
        os.unlink(path)
        put(path, salt)

    with Planted(path, restore):
        found("size", path)


@suite.test("a health file that is elsewhere is looked at there, and only there")
def test_drill_health():
    usual, spare = os.path.join(drop.state, "health"), drop.settings.copy()
    away = os.path.join(drop.base, "watched")
    os.mkdir(away)
    there = os.path.join(away, "knothole.txt")
    shutil.copy(usual, there)

    def configured(path):
        drop.settings = {**spare, "health": path}
        drop.write_config()

    try:
        configured(there)
        found("name", usual)  # nothing of this configuration makes it
        kept = usual + ".kept"
        os.rename(usual, os.path.join(drop.base, "kept"))
        equal(rows(report())["health"]["count"], 1, "files")
        os.chmod(there, 0o666)
        found("mode", there)
        os.chmod(there, 0o644)
        with open(there, "ab") as f:
            f.write(b"x" * 5000)
        found("size", there)
        os.unlink(there)
        equal(rows(report())["health"]["count"], 0, "files, none of them there")
        # Another name in the state directory, by another way.
        os.rename(os.path.join(drop.base, "kept"), kept)
        configured(os.path.join(drop.state, ".", "health.kept"))
        equal(rows(report())["health"]["count"], 1, "files, by another name")
        os.rename(kept, usual)
    finally:
        drop.settings = spare
        drop.write_config()
    equal(rows(report())["health"]["count"], 1, "files, as before")


@suite.test("a configuration or a card that others may change")
def test_drill_writable():
    card = os.path.join(drop.cards, drop.newsrooms[0].id + ".card")
    for path in (drop.config, card):
        mode = stat.S_IMODE(os.stat(path).st_mode)
        os.chmod(path, 0o666)
        with Planted(path, lambda p=path, m=mode: os.chmod(p, m)):
            found("mode", path)


@suite.test("a newsroom's identity or its courier's token, by name or content")
def test_drill_secrets():
    with open(drop.newsrooms[0].identity, "rb") as f:
        identity = f.read()
    for where in (drop.cards, drop.state, drop.store):
        for name, data in (("identity.age", b"age-encryption.org/v1\n"),
                           ("courier.token", b"x"), ("key", identity)):
            path = os.path.join(where, name)
            put(path, data)
            with Planted(path):
                found("key", path)


@suite.test("what is no card under a card's name; what lies beside cards")
def test_drill_cards():
    path = os.path.join(drop.cards, "third.card")
    put(path, b"knothole-card = 1\n")
    with Planted(path):
        found("content", path)
    kept = os.path.join(drop.store, "cards")
    for name, data, what in (("0b" * 16 + ".card", b"x", "content"),
                             ("third.card", b"x", "name"),
                             ("identity.age", b"x", "key")):
        put(os.path.join(kept, name), data)
        with Planted(os.path.join(kept, name)):
            found(what, os.path.join(kept, name))
    keys = drop.newsrooms[0].directory
    names = [n for n in os.listdir(keys) if n.endswith((".minisig", ".pub"))]
    equal(len(names), 2, "beside the card")
    for name in names:
        shutil.copy(os.path.join(keys, name), drop.cards)
    equal(rows(report())["beside-card"]["count"], 2, "beside-card")
    for name in names:
        os.unlink(os.path.join(drop.cards, name))


@suite.test("logs, cores and copies, in the store and beside it")
def test_drill_beside():
    for where in (drop.server, drop.store, drop.state):
        for name in ("knotholed.log", "core.123", "core", "access.log.1"):
            path = os.path.join(where, name)
            put(path, b"x")
            with Planted(path):
                found("log", path)
    for name in ("store.old", "store-backup.tar.gz", "store~", "state.bak",
                 "instance.salt"):
        path = os.path.join(drop.server, name)
        put(path, b"x")
        with Planted(path):
            found("copy", path)


@suite.test("what editors, people and ceremonies leave beside the configuration")
def test_drill_beside_config():
    where, file = os.path.split(drop.config)
    for name in (f".{file}.swp", f"{file}~", f"#{file}#", f"{file}.bak",
                 f"{file}.dpkg-old", f"{file}.old"):
        put(os.path.join(where, name), b"x")
        with Planted(os.path.join(where, name)):
            found("copy", os.path.join(where, name))
    for name in ("share-1-of-5.txt", "identity-recovery.age"):
        put(os.path.join(where, name), b"x")
        with Planted(os.path.join(where, name)):
            found("key", os.path.join(where, name))


@suite.test("a directory of cards that others may change")
def test_drill_cards_directory():
    before = stat.S_IMODE(os.stat(drop.cards).st_mode)
    for mode in (0o775, 0o757):
        os.chmod(drop.cards, mode)
        with Planted(drop.cards, lambda: os.chmod(drop.cards, before)):
            found("mode", drop.cards)
    report()


@suite.test("swap in clear, core dumps; what keeps nothing is passed over")
def test_drill_host():
    host(swaps="/swapfile file 999 0 -2\n/dev/zram0 partition 9 0 5\n")
    found("swap", "/swapfile")
    pattern = os.path.join(PROC, "sys", "kernel", "core_pattern")
    for core in ("core", "/var/crash/%p", "|/usr/share/apport/apport %p"):
        host(core=core)
        found("core", pattern)
    for core in ("", "|/bin/false", "/dev/null"):
        host(core=core)
        report()
    host()


@suite.test("a pattern for core files alone keeps none: processes' limits do; a "
            "program gets them whatever these say")
def test_drill_core_limits():
    pattern = os.path.join(PROC, "sys", "kernel", "core_pattern")
    for core in ("core", "/var/crash/core.%p"):
        host(core=core)
        processes("0", "0")
        report()
        for soft in ("unlimited", "4096", "01"):
            processes("0", soft, "0")
            found("core", pattern)
        # Nobody to ask.
        processes()
        found("core", pattern)
    host(core="|/usr/share/apport/apport %p")
    processes("0", "0")
    found("core", pattern)
    processes("unlimited")
    host()
    report()
    processes()


@suite.test("an empty lost+found is that of a file system; a full one is told")
def test_drill_lost_found():
    path = os.path.join(drop.store, "lost+found")
    os.mkdir(path, 0o700)
    with Planted(path):
        equal(rows(report())["lost-found"]["count"], 1, "lost-found")
        inside = os.path.join(path, "#12")
        with open(inside, "wb"):
            pass
        found("draft", inside)


@suite.test("L37 hostile names are escaped, in 80 columns and as JSON")
def test_l37_drill_names():
    for name in (b"\x1b]0;owned\x07", b"a\nb", b"\xe2\x80\xaetxt.exe",
                 b"\xff\xfe", "\u6587".encode() * 80, b"w" * 255,
                 b"\x1b[2J" * 40, b"a b  c\\d"):
        path = os.path.join(drop.store.encode(), b"objects", name)
        with open(path, "wb"):
            pass
        with Planted(path):
            told = drill()
            equal(told.returncode, 1, "exit status")
            for line in told.stdout.decode().splitlines():
                check(all(c.isprintable() for c in line), repr(line))
                width = sum(2 if unicodedata.east_asian_width(c) in "WF"
                            else 1 for c in line)
                check(width <= 80, f"{width} columns: {line!r}")
            (beyond,) = report(1)["beyond"]
            check(all(c.isprintable() for c in beyond["where"]), "JSON")
            check(beyond["where"].startswith(drop.store + "/objects/"), "JSON")


@suite.test("a thousand are named, the rest is counted, and it ends soon")
def test_drill_many():
    where = os.path.join(drop.store, "replies")
    names = [os.path.join(where, f"stray{i}") for i in range(1200)]
    for name in names:
        with open(name, "wb"):
            pass
    settle()
    got = report(1)
    equal((len(got["beyond"]), got["beyond_more"]), (1000, 200), "found")
    check("and 200 more" in drill().stdout.decode(), "text")
    for name in names:
        os.unlink(name)
    settle()
    report()


@suite.test("who may not look is told that nobody has")
def test_drill_unread():
    if os.geteuid() != 0:
        raise Skip("needs root")
    os.chmod(drop.base, 0o755)
    told = subprocess.run(
        [KNOTHOLED, "drill", "--json", "-c", drop.config, "--proc", PROC],
        stdin=subprocess.DEVNULL, capture_output=True, check=False,
        user=65534, group=65534)
    if told.returncode not in (1, 78):
        raise Skip(f"not run: {told.stderr}")
    got = {(o["id"], o["where"]) for o in json.loads(told.stdout)["beyond"]}
    check(("unread", drop.store) in got, f"{got}")
    check(("unread", drop.state) in got, f"{got}")


@suite.test("before the first start there is nothing to hold: 0")
def test_drill_never_started():
    fresh = Drop()
    fresh.write_config()
    told = run(KNOTHOLED, "drill", "--json", "-c", fresh.config, "--proc", PROC)
    equal((told.returncode, told.stderr), (0, b""), "the drill")
    equal(rows(json.loads(told.stdout))["object"]["count"], 0, "objects")
    check(not os.path.exists(fresh.store), "a store was made")


@suite.test("configuration errors: 78; wrong use: 64; --help")
def test_drill_errors():
    told = run(KNOTHOLED, "drill", "-c", drop.config + ".none")
    equal((told.returncode, told.stdout), (78, b""), "no file")
    bad = os.path.join(drop.base, "bad.conf")
    with open(bad, "w", encoding="utf-8") as f:
        f.write("store = x\nnonsense\n")
    told = run(KNOTHOLED, "drill", "-c", bad)
    equal((told.returncode, told.stdout), (78, b""), "a bad file")
    check(f"{bad}:2: " in told.stderr.decode(), "names the line")
    for arguments in (["--nonsense"], ["surplus"], ["-c"]):
        told = run(KNOTHOLED, "drill", *arguments)
        equal(told.returncode, 64, f"{arguments}")
    told = run(KNOTHOLED, "drill", "--help")
    equal(told.returncode, 0, "--help")
    for line in told.stdout.decode().splitlines():
        check(len(line) <= 80, f"--help: {line}")


@suite.test("a report that cannot be written is no success")
def test_drill_full():
    with open("/dev/full", "wb") as full:
        told = subprocess.run(
            [KNOTHOLED, "drill", "-c", drop.config, "--proc", PROC],
            stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE,
            check=False)
    equal(told.returncode, 71, "exit status")
    check(b"could not be written" in told.stderr, "says so")


suite.run()
