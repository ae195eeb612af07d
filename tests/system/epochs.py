"""Epochs: a key for each month, from the newsroom's keys to the server that
seals to the one of the day; cards that are renewed, and reach it by courier."""
import datetime
import os
import re
import shutil

from lib.courier import Courier
from lib.drop import BUILD, Drop, Newsroom, desk, run
from lib.tap import Skip, Suite, check, equal, wait_for

COURIER = os.path.join(BUILD, "bin", "knothole-courier")
MKCARD = os.path.join(BUILD, "tests", "mkcard")
LINE = re.compile(r"^recipient = (age1\S+) (\S+) (\S+)$", re.M)
SOON = 30

suite = Suite()


def today(days=0):
    """A day as cards have it, UTC, so many days from today."""
    now = datetime.datetime.now(datetime.timezone.utc).date()
    return (now + datetime.timedelta(days=days)).isoformat()


def read(path):
    with open(path, "rb") as f:
        return f.read()


def recipients(card):
    """[(recipient, first, last)] of a card, a path or bytes."""
    data = card if isinstance(card, bytes) else read(card)
    return LINE.findall(data.decode())


def with_recipients(newsroom, out, *triples):
    """The newsroom's card with other recipients, signed by it; its bytes."""
    words = [word for triple in triples for word in triple]
    made = run(MKCARD, newsroom.identity, newsroom.card, out, "--recipients",
               *words)
    equal(made.returncode, 0, made.stderr)
    return read(out)


class Epochs:
    """A drop whose newsroom has keys for some months."""

    def __init__(self, months=12, **settings):
        self.drop = Drop(courier_listen="tcp:127.0.0.1:0", **settings)
        self.room = self.drop.newsrooms[0]
        shutil.rmtree(self.room.directory)
        self.room = Newsroom(self.room.directory, "The Example Times",
                             "--epochs", str(months))
        self.drop.newsrooms[0] = self.room
        shutil.copy(self.room.card, self.drop.cards)
        self.courier = Courier(self.drop)
        self.n = 0

    def path(self, name):
        self.n += 1
        return os.path.join(self.drop.desk, f"{self.n}-{name}")

    def sealed(self):
        """Send something; the path of the object."""
        before = set(self.drop.objects())
        page = self.drop.post(self.drop.form().field("message", "m"))
        equal(page.state, "sealed", "state")
        (new,) = set(self.drop.objects()) - before
        return new

    def opens(self, path, recipient):
        """Does this recipient's key alone open it?"""
        keys = read(self.room.identity).decode()
        at = keys.index(recipient)
        key = re.search(r"AGE-SECRET-KEY-1\w+", keys[at:])[0]
        only = self.path("key")
        with open(only, "w", encoding="ascii") as f:
            f.write(key + "\n")
        return desk("list", "-i", only, path).returncode

    def page(self):
        return self.drop.get("/en/send").text()


def refused(answer, status, word):
    equal((answer.status, answer.body), (status,
          b'{"error":"' + word.encode() + b'"}'), "answer")


# --- keys and the server's choice -------------------------------------------

@suite.test("keygen --epochs: a key a month, each day has one, stock age opens")
def keygen():
    e = Epochs(12)
    lines = recipients(e.room.card)
    equal(len(lines), 12, "recipients")
    equal(len({line[0] for line in lines}), 12, "keys that differ")
    equal(lines[0][1], today(-1), "the first day")
    for before, after in zip(lines, lines[1:]):
        last = datetime.date.fromisoformat(before[2])
        first = datetime.date.fromisoformat(after[1])
        equal(first - last, datetime.timedelta(days=1), "no gap, no overlap")
        equal(first.day, 1, "a month begins")
    check(lines[0][2] >= today(), "the first lasts at least today")
    text = read(e.room.identity).decode()
    labels = re.findall(r"^# epoch (\S+) (\S+) (\S+)$", text, re.M)
    equal([label[1:] for label in labels], [line[1:] for line in lines],
          "labels")
    equal([label[0] for label in labels[1:]],
          [line[1][:7] for line in lines[1:]], "months")
    equal(labels[0][0], lines[0][2][:7], "the first month")
    if shutil.which("age") is None:
        raise Skip("age is not installed")
    for recipient, _, _ in (lines[0], lines[5], lines[11]):
        made = e.path("sealed")
        equal(run("age", "-r", recipient, "-o", made, e.room.card).returncode,
              0, "age")
        opened = run("age", "-d", "-i", e.room.identity, made)
        equal(opened.stdout, read(e.room.card), "what stock age opens")


@suite.test("keygen: --epochs and --days, and numbers that are none")
def keygen_usage():
    base = Epochs(1)
    for options in (["--epochs", "0"], ["--epochs", "121"], ["--epochs", "x"],
                    ["--epochs", "2", "--days", "3"]):
        done = run(os.path.join(BUILD, "bin", "knothole"), "keygen", "-o",
                   base.path("k"), "--name", "N", "--no-passphrase", *options)
        equal(done.returncode, 64, str(options))


@suite.test("l12: the server seals to the key of the day, and to no other")
def key_of_the_day():
    e = Epochs(4)
    (past, _, _), (now, _, _), (later, _, _), (far, _, _) = recipients(
        e.room.card)
    with_recipients(
        e.room, os.path.join(e.drop.cards, f"{e.room.id}.card"),
        (far, today(61), today(400)), (past, today(-60), today(-1)),
        (later, today(1), today(60)), (now, today(), today()))
    e.drop.start()
    path = e.sealed()
    equal([e.opens(path, r) for r in (past, now, later, far)],
          [77, 0, 77, 77], "who opens it")
    equal(e.drop.get(f"/keys/{e.room.id}.age").text().count("age1"), 1,
          "keys on the key's page")
    check(now in e.drop.get(f"/keys/{e.room.id}.age").text(), "that of today")
    equal(e.drop.health()["key_epochs_left"], "3", "epochs left")
    e.drop.stop()


@suite.test("l12: less than 30 days of key: a warning at the start")
def warning():
    for days, warned in ((1, True), (29, True), (30, False)):
        e = Epochs(2)
        (a, _, _), (b, _, _) = recipients(e.room.card)
        lines = [(a, today(-3), today())]
        if days > 1:
            lines.append((b, today(1), today(days - 1)))
        with_recipients(
            e.room, os.path.join(e.drop.cards, f"{e.room.id}.card"), *lines)
        e.drop.start()
        equal(f"keys end in {days} day" in e.drop.said(), warned,
              f"{days} days: {e.drop.said()}")
        equal(e.drop.stop(), 0, "exit status")


# --- a renewed card over the courier -----------------------------------------

@suite.test("a renewed card goes live without a restart, and outlasts one")
def renewed():
    e = Epochs(2)
    old = recipients(e.room.card)
    more = Newsroom(e.path("more"), "Keys", "--epochs", "3")
    new = [r for r, _, _ in recipients(more.card)]
    with_recipients(e.room, os.path.join(e.drop.cards, f"{e.room.id}.card"),
                    (old[0][0], today(-9), today(40)))
    e.drop.start()
    equal(e.drop.health()["key_epochs_left"], "1", "epochs left")
    before = e.page()
    door = e.drop.role("door")
    card = with_recipients(
        e.room, e.path("card"), (old[0][0], today(-9), today(40)),
        (new[0], today(-1), today(10)), (new[1], today(11), today(70)))
    answer = e.courier.put_card(e.room.id, card)
    equal((answer.status, answer.body), (201, b'{"stored":true}'), "answer")
    wait_for("it is in use", lambda: e.drop.health()["key_epochs_left"] == "3",
             SOON)
    check("renewed its card" in e.drop.said(), e.drop.said())
    after = e.page()
    words = re.compile(r'data-fingerprint="([^"]*)"')
    check(words.findall(before) != words.findall(after), "the fingerprint")
    path = e.sealed()
    equal([e.opens(path, old[0][0])], [77], "the old key")
    equal(e.drop.role("door"), door, "the same door")
    answer = e.courier.put_card(e.room.id, card)
    equal((answer.status, answer.body), (200, b'{"stored":false}'), "again")
    e.drop.stop()
    e.drop.start()
    equal(e.drop.health()["key_epochs_left"], "3", "after a restart")
    equal(e.page().count(words.findall(after)[0]), 1, "the new fingerprint")
    equal(e.opens(e.sealed(), old[0][0]), 77, "the old key, after a restart")
    e.drop.stop()


@suite.test("a renewed card opens a drop whose keys have ended meanwhile")
def ended_meanwhile():
    e = Epochs(2)
    (a, _, _), (b, _, _) = recipients(e.room.card)
    admins = os.path.join(e.drop.cards, f"{e.room.id}.card")
    with_recipients(e.room, admins, (a, today(-9), today(5)))
    e.drop.start()
    card = with_recipients(e.room, e.path("card"), (b, today(), today(50)))
    equal(e.courier.put_card(e.room.id, card).status, 201, "status")
    e.drop.stop()
    # As it is when the administrator's card has ended.
    with_recipients(e.room, admins, (a, today(-9), today(-1)))
    e.drop.start()
    equal(e.drop.health()["selftest"], "ok", "self-test")
    e.drop.stop()
    for name in os.listdir(os.path.join(e.drop.store, "cards")):
        os.unlink(os.path.join(e.drop.store, "cards", name))
    e.drop.launch()
    equal(e.drop.process.wait(30), 78, "without it")
    e.drop.stop()


@suite.test("rollback, other keys, other newsrooms, garbage, too large: refused")
def refusals():
    e = Epochs(3)
    other = Newsroom(e.path("other"), "Another", "--epochs", "2")
    shutil.copy(other.card, e.drop.cards)
    lines = recipients(e.room.card)
    e.drop.start()
    put = e.courier.put_card
    name = e.room.id
    mine = read(e.room.card)
    # By another key, and by another newsroom's token.
    refused(put(name, read(other.card)), 403, "approval")
    theirs = Courier(e.drop, token=other.token)
    refused(theirs.put_card(name, mine), 403, "forbidden")
    refused(theirs.put_card(other.id, mine), 403, "approval")
    refused(put("nobody", mine), 404, "not_found")
    refused(put("../x", mine), 404, "not_found")
    refused(put("UPPER", mine), 404, "not_found")
    # With another name, or another token, signed by the same key.
    out = e.path("named")
    equal(run(MKCARD, e.room.identity, e.room.card, out, "--name",
              "The Guardian").returncode, 0, "mkcard")
    refused(put(name, read(out)), 403, "approval")
    equal(run(MKCARD, e.room.identity, e.room.card, out).returncode, 0,
          "mkcard")
    refused(put(name, read(out)), 403, "approval")
    # Older: it ends sooner, or as late with fewer keys.
    refused(put(name, with_recipients(e.room, out, *lines[:2])), 409, "older")
    refused(put(name, with_recipients(e.room, out, *lines[1:])), 409,
            "expired")
    refused(put(name, with_recipients(
        e.room, out, (lines[0][0], today(-60), today(-1)))), 409, "expired")
    # Damaged.
    for at in (0, 100, len(mine) // 2, len(mine) - 3):
        damaged = bytearray(mine)
        damaged[at] ^= 1
        refused(put(name, bytes(damaged)), 400, "malformed")
    for body in (b"", b"x", mine[:-1], mine + b"\n", bytes(65536)):
        refused(put(name, body), 400, "malformed")
    refused(put(name, bytes(65537)), 413, "too_large")
    answer = e.courier.ask("GET", f"/v1/cards/{name}")
    refused(answer, 405, "method")
    equal(answer.header("Allow"), "PUT", "Allow")
    wrong = Courier(e.drop, token="A" * 43)
    refused(wrong.put_card(name, mine), 401, "unauthorized")
    refused(e.courier.put_card(name, mine, token=False), 401, "unauthorized")
    equal(os.path.exists(os.path.join(e.drop.store, "cards")), False,
          "nothing was kept")
    equal(e.drop.health()["key_epochs_left"], "2", "nothing has changed")
    e.drop.ends_well()


@suite.test("rollback to what was renewed: refused, now and after a restart")
def rollback():
    e = Epochs(4)
    a, b, c, d = [r for r, _, _ in recipients(e.room.card)]
    admins = os.path.join(e.drop.cards, f"{e.room.id}.card")
    first = with_recipients(e.room, admins, (a, today(-9), today(40)))
    second = with_recipients(e.room, e.path("c"), (b, today(), today(50)))
    third = with_recipients(e.room, e.path("c"), (c, today(), today(60)))
    # All over one connection: the errand's card is that of its beginning.
    e.drop.start()
    equal(e.courier.put_card(e.room.id, third).status, 201, "the third")
    wait_for("it is in use",
             lambda: "renewed its card" in e.drop.said(), SOON)
    refused(e.courier.put_card(e.room.id, second), 409, "older")
    refused(e.courier.put_card(e.room.id, first), 409, "older")
    e.drop.stop()
    e.drop.start()
    refused(e.courier.put_card(e.room.id, second), 409, "older")
    equal(e.opens(e.sealed(), c), 0, "sealed to the third")
    # The administrator's card is newer: it wins, whatever was kept.
    e.drop.stop()
    with_recipients(e.room, admins, (d, today(), today(70)))
    e.drop.start()
    equal(e.opens(e.sealed(), d), 0, "sealed to the administrator's")
    refused(e.courier.put_card(e.room.id, third), 409, "older")
    e.drop.ends_well()


@suite.test("another signing key is the administrator's: it ends what was kept")
def another_key():
    e = Epochs(2)
    (a, _, _), (b, _, _) = recipients(e.room.card)
    admins = os.path.join(e.drop.cards, f"{e.room.id}.card")
    with_recipients(e.room, admins, (a, today(-9), today(40)))
    e.drop.start()
    card = with_recipients(e.room, e.path("c"), (b, today(), today(900)))
    equal(e.courier.put_card(e.room.id, card).status, 201, "status")
    e.drop.stop()
    new = Newsroom(e.path("new"), "The Example Times", "--epochs", "3")
    shutil.copy(new.card, admins)
    e.drop.start()
    equal(e.drop.health()["key_epochs_left"], "3", "epochs")
    refused(Courier(e.drop, token=new.token).put_card(e.room.id, card), 403,
            "approval")
    equal(e.courier.put_card(e.room.id, card).status, 401, "the old token")
    e.drop.ends_well()


@suite.test("what lies in the store and is no card of theirs is not used")
def planted():
    e = Epochs(2)
    other = Newsroom(e.path("other"), "Another", "--epochs", "9")
    (a, _, _), (b, _, _) = recipients(e.room.card)
    with_recipients(e.room, os.path.join(e.drop.cards, f"{e.room.id}.card"),
                    (a, today(-9), today(40)))
    e.drop.start()
    card = with_recipients(e.room, e.path("c"), (b, today(), today(50)))
    equal(e.courier.put_card(e.room.id, card).status, 201, "status")
    e.drop.stop()
    (name,) = os.listdir(os.path.join(e.drop.store, "cards"))
    check(re.fullmatch(r"[0-9a-f]{32}\.card", name), name)
    path = os.path.join(e.drop.store, "cards", name)
    found = os.stat(path)
    equal((found.st_mode & 0o777, found.st_mtime), (0o400, 315532800), "file")
    for plant in (read(other.card), b"garbage", bytes(70000), None):
        os.unlink(path)
        if plant is None:
            os.mkfifo(path)
        else:
            with open(path, "wb") as f:
                f.write(plant)
        e.drop.start()
        check("is not used" in e.drop.said(), e.drop.said())
        equal(e.opens(e.sealed(), a), 0, "sealed to the administrator's")
        e.drop.stop()
    os.unlink(path)


# --- by stick ------------------------------------------------------------------

def push(e, stick, *more, status=0):
    host, port = e.drop.courier_address
    done = run(COURIER, "push", "--server", f"http://{host}:{port}",
               "--token-file", os.path.join(e.room.directory, "courier.token"),
               "--retries", "1", *more, stick)
    equal(done.returncode, status, f"push: {done.stderr.decode()}")
    return done.stderr.decode()


@suite.test("from the desk to the sources: renewed, exported, pushed, in use")
def by_stick():
    e = Epochs(1)
    e.drop.start()
    stick, vault = e.path("stick"), e.path("vault")
    os.mkdir(stick)
    cards = os.path.join(stick, "knothole-stick", "cards")

    def tool(*arguments):
        done = desk("--vault", vault, *arguments)
        equal(done.returncode, 0, f"{arguments}: {done.stderr}")
        return done

    tool("init", "-i", e.room.identity, "--card", e.room.card)
    tool("card", "renew", "-i", e.room.identity, "--epochs", "2", e.room.card)
    tool("export", stick)
    equal(os.listdir(cards), [f"{e.room.id}.card"], "on the stick")
    # A partner's card on its way to the desk is none of the courier's business.
    other = Newsroom(e.path("other"), "Partner")
    shutil.copy(other.card, cards)
    said = push(e, stick)
    check("uses it from now on" in said, said)
    equal(os.listdir(cards), [f"{other.id}.card"], "taken from the stick")
    wait_for("it is in use", lambda: e.drop.health()["key_epochs_left"] == "3",
             SOON)
    path = e.sealed()
    equal(desk("list", "-i", e.room.identity, path).returncode, 0, "opens")
    # Lost, and exported again: the server has it, which is fine.
    tool("export", "--all", stick)
    check("was there already" in push(e, stick, "--keep"), "again")
    equal(sorted(os.listdir(cards)),
          sorted([f"{e.room.id}.card", f"{other.id}.card"]), "--keep")
    equal(e.drop.stop(), 0, "exit status")


@suite.test("push: what the server refuses stays on the stick, and says why")
def push_refused():
    e = Epochs(3)
    e.drop.start()
    stick = e.path("stick")
    cards = os.path.join(stick, "knothole-stick", "cards")
    os.makedirs(cards)
    lines = recipients(e.room.card)
    mine = os.path.join(cards, f"{e.room.id}.card")
    other = Newsroom(e.path("other"), "The Example Times", "--epochs", "9")
    with_recipients(e.room, mine, *lines[:2])
    check("not newer" in push(e, stick, status=65), "older")
    equal(os.listdir(cards), [f"{e.room.id}.card"], "it stays")
    made = run(MKCARD, other.identity, other.card, mine, e.room.card)
    equal(made.returncode, 0, made.stderr)  # another key, our token
    check("only its administrator" in push(e, stick, status=65), "another key")
    os.rename(mine, os.path.join(cards, "somebody.card"))
    check("no newsroom of that name" in push(e, stick, status=65), "name")
    os.unlink(os.path.join(cards, "somebody.card"))
    for garbage in (b"", b"x\n", bytes(70000), read(e.room.card)[:-9]):
        with open(mine, "wb") as f:
            f.write(garbage)
        check("damaged" in push(e, stick, status=65), "damaged")
    os.unlink(mine)
    os.symlink(e.room.card, mine)
    check("damaged" in push(e, stick, status=65), "a link")
    os.unlink(mine)
    for name in ("x.card.minisig", "notes.txt", ".card", "-.card"):
        with open(os.path.join(cards, name), "wb") as f:
            f.write(b"x")
    push(e, stick)
    shutil.rmtree(cards)
    with open(cards, "wb") as f:
        f.write(b"x")
    push(e, stick, status=65)
    equal(os.path.exists(os.path.join(e.drop.store, "cards")), False, "kept")
    e.drop.ends_well()


suite.run()
