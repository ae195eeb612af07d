"""Epochs in an identity: listed, burnt, renewed, with and without a vault, and
what stock age and minisign make of the files."""
import datetime
import json
import os
import pty
import re
import shutil
import subprocess

from lib.desk import World, read, write
from lib.drop import BUILD, DESK, desk, run, workplace
from lib.pgp import Person
from lib.tap import Skip, Suite, check, equal

PASS = b"five random words in a row\n"
LABEL = re.compile(r"^# epoch (\S+) (\S+) (\S+)$", re.M)
LINE = re.compile(r"^recipient = (age1\S+) (\S+) (\S+)$", re.M)

suite = Suite()
world = World(workplace())


def today(days=0):
    now = datetime.datetime.now(datetime.timezone.utc).date()
    return (now + datetime.timedelta(days=days)).isoformat()


def fed(*arguments, data=None):
    """Run a command of the offline tool with this on its standard input."""
    return subprocess.run([*DESK, *arguments], input=data or b"",
                          capture_output=True, timeout=300, check=False)


def text(path):
    return read(path).decode()


class Room:
    """A newsroom with a key for each of some months; the first of them are
    moved into the past, as if the keys had been made that long ago."""

    PAST = (("2026-01", "2026-01-01", "2026-01-31"),
            ("2026-02", "2026-02-01", "2026-02-28"))

    def __init__(self, months=4, past=2):
        self.room = world.newsroom("The Example Times", "--epochs",
                                   str(months))
        self.identity, self.card = self.room.identity, self.room.card
        self.keys = LINE.findall(text(self.card))
        self.labels = [m[0] for m in LABEL.findall(text(self.identity))]
        if past == 0:
            return
        inside = text(self.identity)
        for i, (label, first, last) in enumerate(self.PAST[:past]):
            old = LABEL.findall(inside)[i]
            inside = inside.replace("# epoch " + " ".join(old),
                                    f"# epoch {label} {first} {last}")
            self.labels[i] = label
        os.unlink(self.identity)
        write(self.identity, inside.encode())
        os.chmod(self.identity, 0o600)

    def seal(self, i, **more):
        """An object to the key of month number i."""
        to = type("To", (), {"recipient": self.keys[i][0]})
        return world.mk(world.path("object") + ".age", to, message=b"m", **more)

    def epoch(self, *arguments, expect=0, data=None):
        done = fed("epoch", *arguments, data=data)
        equal(done.returncode, expect, f"{arguments}: {done.stderr}")
        return done

    def states(self):
        done = self.epoch("list", "-i", self.identity)
        return [line.split()[3] for line in done.stdout.decode().splitlines()]

    def opens(self, path):
        return desk("list", "-i", self.identity, path).returncode


def typed(command, answer):
    """Run with a terminal, on which somebody types; (status, what was said)."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(command[0], command)
    said = b""
    try:
        while b"for good: " not in said:
            said += os.read(fd, 4096)
        os.write(fd, answer)
        while True:
            more = os.read(fd, 4096)
            if not more:
                break
            said += more
    except OSError:
        pass  # it has ended
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said


@suite.test("list: every key, its days and state, as text and as JSON")
def listing():
    r = Room()
    equal(r.states(), ["past", "past", "future", "future"], "states")
    done = r.epoch("list", "--json", "-i", r.identity)
    said = json.loads(done.stdout)["epochs"]
    equal([e["recipient"] for e in said], [k[0] for k in r.keys], "keys")
    equal([e["epoch"] for e in said], r.labels, "labels")
    equal(sorted(said[0]), ["burnt", "epoch", "first", "last", "recipient",
                            "state"], "members")
    equal(said[0]["last"], "2026-01-31", "last day")
    check(b"AGE-SECRET" not in done.stdout, "no secrets")
    plain = world.newsroom("Plain")
    done = r.epoch("list", "-i", plain.identity)
    check(done.stdout.startswith(b"-        -           -"), "without epoch")


@suite.test("burn: shows what is lost, wants it confirmed, and destroys the key")
def burn():
    r = Room()
    lost, other = r.seal(0), r.seal(1)
    secret = re.search(r"AGE-SECRET-KEY-\w+", text(r.identity))[0]
    equal((r.opens(lost), r.opens(other)), (0, 0), "before")
    ask = ("burn", "2026-01", "-i", r.identity)
    done = r.epoch(*ask, lost, other, expect=64)
    check(b"--yes" in done.stderr, done.stderr)
    check(lost.encode() in done.stdout, "the object that is lost")
    check(other.encode() not in done.stdout, "the one that is not")
    check(b"1 object would be unreadable" in done.stdout, done.stdout)
    status, said = typed([*DESK, "epoch", *ask], b"2026-02\n")
    equal(status, 77, f"another word: {said}")
    check(secret in text(r.identity), "nothing was done")
    status, said = typed([*DESK, "epoch", *ask], b"2026-01\n")
    equal(status, 0, f"confirmed: {said}")
    check(secret not in text(r.identity), "the key is gone")
    equal(r.states()[0], "burnt", "state")
    equal((r.opens(lost), r.opens(other)), (77, 0), "after")
    said = desk("list", "-i", r.identity, lost).stderr
    check(b"burnt (2026-01 on " + today().encode() in said, said)
    done = desk("unseal", "-i", r.identity, lost)
    equal(done.returncode, 77, "unseal")
    check(b"burnt" in done.stderr, done.stderr)
    done = r.epoch(*ask)
    check(b"was burnt before" in done.stderr, done.stderr)
    equal(os.stat(r.identity).st_mode & 0o777, 0o600, "mode")
    equal(sorted(os.listdir(os.path.dirname(r.identity)))[:1],
          ["courier.token"], "nothing temporary is left")


@suite.test("burn: what was there is written over, and no copy is left beside")
def overwritten():
    r = Room()
    secret = re.search(rb"AGE-SECRET-KEY-\w+", read(r.identity))[0]
    with open(r.identity, "rb") as held:  # the old file, as a disk has it
        before = held.read()
        r.epoch("burn", "2026-01", "-i", r.identity, "--yes")
        held.seek(0)
        after = held.read()
    equal(len(after), len(before), "length")
    check(secret not in after and b"age" not in after, "it is written over")
    link = world.path("link")
    r = Room()
    secret = re.search(rb"AGE-SECRET-KEY-\w+", read(r.identity))[0]
    os.link(r.identity, link)
    done = r.epoch("burn", "2026-01", "-i", r.identity, "--yes")
    check(b"another name" in done.stderr, done.stderr)
    check(secret in read(link), "another name of it stays, and that is said")


@suite.test("burn: through a link, the file that it leads to")
def through_link():
    r = Room()
    link = world.path("link")
    os.symlink(r.identity, link)
    r.epoch("burn", "2026-01", "-i", link, "--yes")
    check(os.path.islink(link), "the link stays")
    equal(r.states()[0], "burnt", "state")


@suite.test("burn: refused while an epoch lasts, unless forced; and the last key")
def refused():
    r = Room(2, past=0)
    for label in r.labels:
        done = r.epoch("burn", label, "-i", r.identity, "--yes", expect=77)
        check(b"is not over" in done.stderr, done.stderr)
    r.epoch("burn", "2031-07", "-i", r.identity, "--yes", expect=66)
    for word in ("2026-13", "2026-1", "x", "2026-01-01"):
        r.epoch("burn", word, "-i", r.identity, "--yes", expect=64)
    r.epoch("burn", "-i", r.identity, "--yes", expect=64)
    before = text(r.identity)
    r.epoch("burn", r.labels[0], "-i", r.identity, "--yes", "--force")
    check(text(r.identity) != before, "forced")
    before = text(r.identity)
    done = r.epoch("burn", r.labels[1], "-i", r.identity, "--yes", "--force",
                   expect=77)
    check(b"no other key" in done.stderr, done.stderr)
    equal(text(r.identity), before, "it is as it was")


@suite.test("burn and list under a passphrase; the file stays under it")
def passphrase():
    r = Room()
    if shutil.which("age") is None:
        raise Skip("age is not installed")
    sealed = world.path("identity") + ".age"
    made = world.path("keys")
    done = fed("keygen", "-o", made, "--name", "Sealed", "--epochs", "3",
               "--passphrase-fd", "0", data=PASS)
    equal(done.returncode, 0, done.stderr)
    shutil.copy(os.path.join(made, "identity.age"), sealed)
    label = LINE.findall(text(os.path.join(made, "sealed.card")))[1][1][:7]
    r.epoch("burn", label, "-i", sealed, "--yes", "--force",
            "--passphrase-fd", "0", data=PASS)
    check(read(sealed).startswith(b"age-encryption.org/v1\n-> scrypt "),
          "sealed")
    done = r.epoch("list", "-i", sealed, "--passphrase-fd", "0", data=PASS)
    equal([line.split()[3] for line in done.stdout.decode().splitlines()][1],
          "burnt", "state")
    r.epoch("list", "-i", sealed, "--passphrase-fd", "0", data=b"wrong one\n",
            expect=77)


@suite.test("burn in a vault: its identity, its log, its index, what is shown")
def vault():
    r = Room()
    v = world.desk(r.room, init=False)
    v.run("init", "-i", r.identity)
    stick = world.stick()
    for number, month in enumerate((0, 0, 1, 0)):
        to = type("To", (), {"recipient": r.keys[month][0]})
        os.makedirs(stick.at("objects"), exist_ok=True)
        world.mk(stick.at("objects", f"{number:032x}.age"), to,
                 message=b"%d" % number, source=number % 2)
    v.imported(stick)
    first = v.alias(0)
    done = v.run("epoch", "burn", "2026-01", "-i", r.identity, expect=64)
    check(b"3 objects would be unreadable" in done.stdout, done.stdout)
    check(first.encode() + b", 1 object" in done.stdout, done.stdout)
    # The vault's identity alone would leave a vault that does not open.
    inside = os.path.join(v.vault, "identity.txt")
    r.epoch("burn", "2026-01", "-i", inside, "--yes", expect=64)
    v.run("epoch", "burn", "2026-01", "-i", r.identity, "--yes")
    for path in (r.identity, inside):
        check("# burnt 2026-01 " in text(path), path)
    log = v.json("log", "--json")["entries"]
    equal((log[-1]["what"], log[-1]["alias"], log[-1]["count"]),
          ("burn", "2026-01", 3), "custody")
    v.run("log", "--verify")
    equal(len(v.inbox()["threads"]), 2, "the vault opens")
    done = v.run("extract", first, "-o", world.path("out"), expect=None)
    equal(done.returncode, 77, done.stderr)
    check(b"burnt (2026-01" in done.stderr, done.stderr)
    # Another newsroom's identity beside it touches neither.
    other = Room()
    before = text(other.identity), text(inside)
    v.run("epoch", "burn", "2026-02", "-i", other.identity, "--yes", expect=64)
    equal((text(other.identity), text(inside)), before, "neither")
    # Without -i, and once more: nothing is logged twice.
    v.run("epoch", "burn", "2026-01", "--yes")
    v.run("epoch", "burn", "2026-02", "--yes")
    log = v.json("log", "--json")["entries"]
    equal([e["alias"] for e in log if e["what"] == "burn"],
          ["2026-01", "2026-02"], "custody")
    check("# burnt 2026-02 " in text(inside), "the vault's")
    check("# burnt 2026-02 " not in text(r.identity), "not given, not burnt")
    stick = world.stick()
    v.run("export", stick.path)


@suite.test("renew: further months, what has ended goes, signed by the same key")
def renew():
    r = Room(2, past=0)
    before = text(r.identity)
    token = re.search("courier_token_hash = .*", text(r.card))[0]
    done = desk("card", "renew", "-i", r.identity, "--epochs", "3", r.card)
    equal(done.returncode, 0, done.stderr)
    lines = LINE.findall(text(r.card))
    equal(lines[:2], r.keys, "those that last stay")
    equal(len(lines), 5, "recipients")
    for old, new in zip(lines, lines[1:]):
        last = datetime.date.fromisoformat(old[2])
        equal(datetime.date.fromisoformat(new[1]),
              last + datetime.timedelta(days=1), "one follows the other")
    check(text(r.identity).startswith(before), "the identity only grew")
    check(token in text(r.card), "the courier's token")
    equal(len(LABEL.findall(text(r.identity))), 5, "labels")
    for i, (recipient, _, _) in enumerate(lines):
        r.keys = lines
        equal(r.opens(r.seal(i)), 0, f"key {i}: {recipient}")
    equal(desk("card", "verify", r.card).returncode, 0, "card verify")
    if shutil.which("minisign"):
        public = r.card[:-len(".card")] + ".pub"
        equal(run("minisign", "-V", "-m", r.card, "-p", public).returncode, 0,
              "minisign")


@suite.test("renew: months of a card that has ended begin today; the old keys go")
def renew_ended():
    r = Room(2, past=2)
    made = run(os.path.join(BUILD, "tests", "mkcard"), r.identity, r.card,
               r.card, "--recipients", r.keys[0][0], *Room.PAST[0][1:], r.keys[1][0],
               *Room.PAST[1][1:])
    equal(made.returncode, 0, made.stderr)
    done = desk("card", "renew", "-i", r.identity, r.card)
    equal(done.returncode, 0, done.stderr)
    lines = LINE.findall(text(r.card))
    equal((len(lines), lines[0][1]), (12, today(-1)), "twelve, from now on")
    check(not {k[0] for k in r.keys} & {k[0] for k in lines}, "old ones went")
    equal(r.states()[:2], ["past", "past"], "the identity keeps them")


@suite.test("renew: a key without epoch stays as a reserve, epochs come first")
def renew_plain():
    room = world.newsroom("Plain")
    done = desk("card", "renew", "-i", room.identity, "--epochs", "2",
                room.card)
    equal(done.returncode, 0, done.stderr)
    lines = LINE.findall(text(room.card))
    equal([line[1] <= today() for line in lines], [True, True, False], "days")
    equal(lines[0][0], room.recipient, "the old one")
    check(lines[1][2] < lines[0][2], "the epoch ends first, so it is used")


@suite.test("renew: a foreign identity, an old copy, too many months: refused")
def renew_refused():
    r = Room(2, past=0)
    other = Room(2, past=0)
    for command, status in (
            (["-i", other.identity, r.card], 77),
            (["-i", r.identity, "--epochs", "0", r.card], 64),
            (["-i", r.identity, "--epochs", "121", r.card], 64),
            (["-i", r.identity, "--epochs", "119", r.card], 64),
            (["-i", r.identity], 64), ([r.card], 64),
            (["-i", r.identity, r.identity], 65)):
        done = desk("card", "renew", *command)
        equal(done.returncode, status, f"{command}: {done.stderr}")
    copy = world.path("copy")
    shutil.copy(r.identity, copy)
    equal(desk("card", "renew", "-i", r.identity, r.card).returncode, 0, "")
    done = desk("card", "renew", "-i", copy, r.card)
    equal(done.returncode, 77, done.stderr)
    check(b"older copy" in done.stderr, done.stderr)


@suite.test("renew: a key on the card was burnt before its time: all keys anew, and "
            "not \"an older copy\"")
def renew_after_burn():
    for month in (0, 1):  # of now, and a future one
        r = Room(3, past=0)
        r.epoch("burn", r.labels[month], "-i", r.identity, "--yes", "--force")
        before = text(r.identity), text(r.card)
        done = desk("card", "renew", "-i", r.identity, r.card)
        equal(done.returncode, 77, done.stderr)
        check(b"burnt" in done.stderr and b"--all-new" in done.stderr
              and r.labels[month].encode() in done.stderr, done.stderr)
        equal((text(r.identity), text(r.card)), before, "as before")
        done = desk("card", "renew", "-i", r.identity, "--all-new",
                    "--epochs", "2", r.card)
        equal(done.returncode, 0, done.stderr)
        old, r.keys = r.keys, LINE.findall(text(r.card))
        check(not {k[0] for k in old} & {k[0] for k in r.keys}, "none of before")
        check(r.keys[0][1] <= today() <= r.keys[0][2], "from now on")
        check(r.keys[-1][2] > old[-1][2], "lasts longer")
        equal(desk("card", "verify", r.card).returncode, 0, "card verify")
        equal([r.opens(r.seal(i)) for i in range(len(r.keys))],
              [0] * len(r.keys), "its own")
        r.keys = old
        equal([r.opens(r.seal(i)) for i in range(3)],
              [77 if i == month else 0 for i in range(3)], "those of before")


@suite.test("renew: cut after the identity was written, the next run goes on")
def renew_cut():
    r = Room(2, past=0)
    before = read(r.card)
    equal(desk("card", "renew", "-i", r.identity, "--epochs", "2",
               r.card).returncode, 0, "renew")
    after, identity = LINE.findall(text(r.card)), read(r.identity)
    with open(r.card, "wb") as f:
        f.write(before)
    equal(desk("card", "renew", "-i", r.identity, "--epochs", "2",
               r.card).returncode, 0, "renew")
    equal(LINE.findall(text(r.card)), after, "the same keys")
    equal(read(r.identity), identity, "and no others")


@suite.test("renew in a vault: its copies, too; the next export has the card once")
def renew_vault():
    r = Room(2, past=0)
    v = world.desk(r.room, init=False)
    v.run("init", "-i", r.identity, "--card", r.card)
    # The vault has missed one renewal.
    equal(desk("card", "renew", "-i", r.identity, "--epochs", "1",
               r.card).returncode, 0, "renew")
    v.run("card", "renew", "-i", r.identity, "--epochs", "1", r.card)
    for name, path in (("identity.txt", r.identity),
                       ("newsroom.card", r.card)):
        inside = os.path.join(v.vault, name)
        equal(sorted(text(inside).splitlines()),
              sorted(text(path).splitlines()), name)
    stick = world.stick()
    equal(v.json("export", "--json", stick.path)["card"], r.room.id, "JSON")
    equal(read(stick.at("cards", f"{r.room.id}.card")), read(r.card), "card")
    os.unlink(stick.at("cards", f"{r.room.id}.card"))
    equal(v.json("export", "--json", stick.path)["card"], None, "once")
    equal(os.listdir(stick.at("cards")), [], "once")
    v.run("export", "--all", stick.path)
    equal(os.listdir(stick.at("cards")), [f"{r.room.id}.card"], "--all")
    stick = world.stick()
    v.run("export", "--card", os.path.join(v.vault, "newsroom.card"),
          stick.path)
    equal(os.listdir(stick.at("cards")), [f"{r.room.id}.card"], "its name")
    # A card that is not ours, and one without any vault.
    other = Room(1, past=0)
    v.run("export", "--card", other.card, stick.path, expect=65)
    v.run("export", "--card", r.identity, stick.path, expect=65)
    stick = world.stick()
    equal(desk("export", "--card", other.card, stick.path).returncode, 0, "")
    equal(os.listdir(stick.path + "/knothole-stick/cards"),
          [f"{other.room.id}.card"], "a card alone")


@suite.test("an OpenPGP key on the card: renewed with it, and not burnt with it")
def with_openpgp():
    if shutil.which("gpg") is None:
        raise Skip("gpg is not installed")
    r = Room(2, past=0)
    person = Person(world.path("person"))
    person.make("editor")
    key = person.export("editor", world.path("editor.pgp"))
    done = desk("card", "add-openpgp", "-i", r.identity, r.card, key,
                env=person.environment)
    equal(done.returncode, 0, done.stderr)
    line = re.search(r"^openpgp = .*$", text(r.card), re.M)[0]
    equal(desk("card", "renew", "-i", r.identity, r.card).returncode, 0, "")
    check(line in text(r.card), "the OpenPGP key stays on the card")
    sealed = world.path("sealed") + ".age"
    done = desk("seal", "-r", r.card, "-o", sealed, key, env=person.environment)
    equal(done.returncode, 0, done.stderr)
    done = r.epoch("burn", r.labels[0], "-i", r.identity, "--force", "--yes",
                   sealed)
    check(b"1 of them, sealed to an OpenPGP key as well" in done.stdout,
          done.stdout)
    equal(desk("unseal", "-i", r.identity, sealed).returncode, 77, "burnt")
    done = desk("unseal", sealed, env=person.environment)
    equal(done.stdout, read(key), f"by OpenPGP: {done.stderr}")
    person.end()


suite.run()
