#!/usr/bin/env python3
"""Identity files from outside: sealed to editors' own keys, under another
passphrase, and looked at without opening.

Prints TAP. Stock age opens what editors open; without it those checks are
skipped.
"""
import base64
import functools
import itertools
import json
import os
import re
import shutil
import stat
import subprocess
import tempfile

from lib.desk import World, read, tree, write
from lib.drop import at_end, workplace
from lib.offline import PASS, age, age_keygen, at_terminal, knothole, need
from lib.tap import Suite, check, equal

suite = Suite()
test = suite.test
HERE = workplace()
COUNT = itertools.count()
WORLD = World(HERE)
FD = {9: PASS + b"\n"}


def place():
    path = os.path.join(HERE, f"p{next(COUNT)}")
    os.mkdir(path)
    return path


class Room:
    """A newsroom under a passphrase, with an object sealed for it."""

    def __init__(self, *options):
        self.dir = os.path.join(place(), "keys")
        knothole("keygen", "-o", self.dir, "--name", "The Example Times",
                 "--passphrase-fd", "9", *options, fds=FD)
        self.identity = os.path.join(self.dir, "identity.age")
        (card,) = [n for n in os.listdir(self.dir) if n.endswith(".card")]
        self.card = os.path.join(self.dir, card)
        self.object = os.path.join(place(), "object.age")
        self.data = b"what a source sent"
        knothole("seal", "-r", self.card, "-o", self.object, "-",
                 data=self.data)

    def copied(self):
        """The same newsroom, to be changed."""
        other = object.__new__(Room)
        other.__dict__.update(self.__dict__)
        other.dir = os.path.join(place(), "keys")
        shutil.copytree(self.dir, other.dir)
        other.identity = os.path.join(other.dir, "identity.age")
        return other

    def editor(self, *arguments, key=None, fds=None, expect=0):
        options = ["--editor-key", key] if key else []
        return knothole("editor", *arguments, "-i", self.identity, *options,
                        *(["--passphrase-fd", "9"] if fds else []), fds=fds,
                        expect=expect)

    def opens(self, key, expect=0):
        done = knothole("unseal", "-i", self.identity, "--editor-key", key,
                        "-o", "-", self.object, expect=expect)
        equal(done.stdout, self.data if expect == 0 else b"", "submission")
        return done


class Key:
    """An editor's key, made by stock age."""

    def __init__(self, name):
        self.name = name
        self.path = os.path.join(place(), "editor.key")
        self.public = age_keygen(self.path)


@functools.cache
def made():
    """A newsroom under a passphrase; one with three editors, and their keys.
    Made once: scrypt takes a second each time."""
    under_passphrase = Room()
    room = under_passphrase.copied()
    keys = [Key(n) for n in ("Ada", "Bob", "Chédli")]
    room.editor("add", "--name", "Ada", keys[0].public, fds=FD)
    for key in keys[1:]:
        room.editor("add", "--name", key.name, key.public, key=keys[0].path)
    return under_passphrase, room, keys


def three():
    """A newsroom with three editors, and their keys."""
    _, room, keys = made()
    return room.copied(), keys


def under_passphrase():
    return made()[0].copied()


@test("the first editor takes the passphrase's place; each opens with a key")
def _():
    room, keys = under_passphrase(), [Key("Ada"), Key("Bob")]
    done = room.editor("add", "--name", "Ada", keys[0].public, fds=FD)
    check(b"THE PASSPHRASE OPENS IT NO LONGER" in done.stderr, done.stderr)
    room.editor("add", "--name", "Bob", keys[1].public, key=keys[0].path)
    for key in keys:
        room.opens(key.path)
    done = knothole("unseal", "-i", room.identity, "--passphrase-fd", "9",
                    "-o", "-", room.object, fds=FD, expect=77)
    check(b"--editor-key" in done.stderr, done.stderr)
    stranger = Key("Eve")
    done = room.opens(stranger.path, expect=77)
    check(b"none that was given is one of them" in done.stderr, done.stderr)
    equal(stat.S_IMODE(os.stat(room.identity).st_mode), 0o600, "mode")


@test("stock age opens it with each editor's key, and the submission with that")
def _():
    room, keys = three()
    header = read(room.identity).partition(b"\n---")[0]
    equal(header.count(b"-> X25519 "), 3, "a stanza for each")
    for key in keys:
        inside = age("-d", "-i", key.path, room.identity).stdout
        identity = write(os.path.join(place(), "identity.txt"), inside)
        equal(age("-d", "-i", identity, room.object).stdout, room.data, "age")
        names = re.findall(r"^# editor: age1\w{58} (.*)$", inside.decode(),
                           re.M)
        equal(names, ["Ada", "Bob", "Chédli"], "who is in it")


@test("editor list, in text and JSON")
def _():
    room, keys = three()
    done = room.editor("list", "--json", key=keys[1].path)
    listed = json.loads(done.stdout)
    equal(listed["editors"], [{"name": k.name, "recipient": k.public,
                               "openpgp": None} for k in keys], "editors")
    equal(listed["shares"], None, "shares")
    text = room.editor("list", key=keys[1].path).stdout.decode()
    equal(text.splitlines()[0], f"{keys[0].public}  Ada", "text")


@test("who is removed does not open the new file; the others do, as before")
def _():
    room, (ada, bob, chedli) = three()
    before = {k.path: read(k.path) for k in (ada, chedli)}
    done = room.editor("remove", "--name", "Bob", key=ada.path)
    check(b"renew" in done.stderr, done.stderr)
    room.opens(bob.path, expect=77)
    for key in (ada, chedli):
        room.opens(key.path)
        equal(read(key.path), before[key.path], "nobody's key changed")
    age("-d", "-i", bob.path, room.identity, expect=1)
    listed = json.loads(room.editor("list", "--json", key=ada.path).stdout)
    equal([e["name"] for e in listed["editors"]], ["Ada", "Chédli"], "list")


@test("nobody can be added twice, nor the last one removed")
def _():
    room, keys = three()
    ada = keys[0].path
    before = read(room.identity)
    for arguments, status, said in (
            (("add", "--name", "Ada", Key("x").public), 73, b"in the list"),
            (("add", "--name", "Dora", keys[1].public), 73,
             b"key is in the list"),
            (("remove", "--name", "Dora"), 66, b"is no editor"),
            (("add", "--name", "", keys[1].public), 64, b"not a name"),
            (("add", "--name", "a\x1b[2J", keys[1].public), 64,
             b"not a name"),
            (("remove", "--name", "a\\x1b"), 66, b"is no editor"),
            (("add", "--name", "x" * 65, keys[1].public), 64, b"64 bytes"),
            (("add", "--name", "Dora", "age1nonsense"), 64,
             b"not a public key"),
            (("add", "--name", "Dora"), 64, b"one RECIPIENT"),
            (("add", Key("x").public), 64, b"--name"),
            (("burn",), 64, b"no such command")):
        done = room.editor(*arguments, key=ada, expect=status)
        check(said in done.stderr, (arguments, done.stderr))
        check(b"\x1b" not in done.stderr, "nothing raw")
    equal(read(room.identity), before, "as before")
    room.editor("remove", "--name", "Bob", key=ada)
    room.editor("remove", "a\x1b[2J", key=ada, expect=66)
    room.editor("remove", "--name", "Chédli", "Chédli", key=ada, expect=64)
    room.editor("remove", "Chédli", key=ada)
    done = room.editor("remove", "--name", "Ada", key=ada, expect=64)
    check(b"the only editor" in done.stderr, done.stderr)
    room.opens(ada)


@test("every way to give a key: option before and behind, environment, -i")
def _():
    room, keys = three()
    key = keys[2].path
    equal(knothole("--editor-key", key, "unseal", "-i", room.identity, "-o",
                   "-", room.object).stdout, room.data, "before")
    equal(knothole("unseal", "-i", room.identity, "-o", "-", room.object,
                   env={"KNOTHOLE_EDITOR_KEY": key}).stdout, room.data,
          "environment")
    for order in ((room.identity, key), (key, room.identity)):
        equal(knothole("unseal", "-i", order[0], "-i", order[1], "-o", "-",
                       room.object).stdout, room.data, "two -i")
    done = knothole("unseal", "-i", room.identity, "-o", "-", room.object,
                    expect=77)
    check(b"give yours with --editor-key" in done.stderr, done.stderr)
    done = knothole("unseal", "-i", room.identity, "--editor-key",
                    "/nonexistent", "-o", "-", room.object, expect=66)
    done = knothole("unseal", "-i", room.identity, "--editor-key",
                    room.identity, "-o", "-", room.object, expect=65)
    check(b"itself sealed to a key" in done.stderr, done.stderr)


@test("an editor's key may be under a passphrase of its own")
def _():
    room, keys = three()
    # A file of ours under a passphrase, which stock age would make as well.
    own = under_passphrase()
    inner = re.search(r"recipient = (age1\w+)", read(own.card).decode())[1]
    room.editor("add", "--name", "Dora", inner, key=keys[0].path)
    done = knothole("unseal", "-i", room.identity, "--editor-key",
                    own.identity, "--passphrase-fd", "9", "-o", "-",
                    room.object, fds=FD)
    equal(done.stdout, room.data, "opened")


class Gpg:
    """A GnuPG home with one key, of somebody who has no age key."""

    def __init__(self):
        need("gpg", "gpgconf", "gpg-agent")
        # Short: the agent's socket is in it.
        self.home = tempfile.mkdtemp(prefix="kh-gpg-")
        at_end(self.end)
        self.env = {"GNUPGHOME": self.home}
        self.gpg("--quick-gen-key", "Gita <gita@example.org>", "rsa3072",
                 "encr,sign,cert", "never")
        listed = self.gpg("--with-colons", "-K").decode()
        self.fpr = re.search(r"^fpr:+([0-9A-F]{40}):", listed, re.M)[1]
        self.file = write(os.path.join(place(), "gita.asc"),
                          self.gpg("--armor", "--export", self.fpr))

    def gpg(self, *arguments, data=None):
        done = subprocess.run(
            ["gpg", "--batch", "--quiet", "--pinentry-mode", "loopback",
             "--passphrase", "", *arguments], capture_output=True,
            check=False, env={**os.environ, **self.env}, input=data,
            timeout=300)
        equal(done.returncode, 0, f"gpg: {done.stderr}")
        return done.stdout

    def end(self):
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], check=False,
                       env={**os.environ, **self.env})
        shutil.rmtree(self.home, ignore_errors=True)


@test("an editor with an OpenPGP key: gpg opens, the others stay as they are")
def _():
    gita = Gpg()
    room, keys = three()
    ada = keys[0].path
    room.editor("add", "--name", "Gita", "openpgp", gita.file, key=ada)
    room.opens(ada)
    options = ("--editor-key", f"openpgp:{gita.fpr}")
    got = knothole("unseal", "-i", room.identity, *options, "-o", "-",
                   room.object, env=gita.env)
    equal(got.stdout, room.data, "by gpg")
    for more in (("--editor-key", "openpgp:"), ("-i", f"openpgp:{gita.fpr}")):
        got = knothole("unseal", "-i", room.identity, *more, "-o", "-",
                       room.object, env=gita.env)
        equal(got.stdout, room.data, more)
    # Not without that key.
    other = {"GNUPGHOME": place()}
    knothole("unseal", "-i", room.identity, *options, "-o", "-", room.object,
             env=other, expect=77)
    # Somebody else is added and removed; Gita needs no new key for that.
    room.editor("add", "--name", "Dora", Key("Dora").public, key=ada)
    room.editor("remove", "--name", "Bob", key=ada)
    done = knothole("editor", "list", "--json", "-i", room.identity, *options,
                    env=gita.env)
    listed = {e["name"]: e["openpgp"]
              for e in json.loads(done.stdout)["editors"]}
    equal(listed, {"Ada": None, "Chédli": None, "Gita": gita.fpr,
                   "Dora": None}, "list")
    # And stock tools: gpg opens the bridge, age the rest (FORMAT.md).
    body = re.search(rb"-> knothole.example/openpgp \S+\n(.*?)\n(?:->|---)",
                     read(room.identity), re.S)[1].replace(b"\n", b"")
    message = base64.b64decode(body + b"=" * (-len(body) % 4))
    bridge = write(os.path.join(place(), "bridge"),
                   gita.gpg("-d", data=message))
    check(b"AGE-SECRET-KEY-1" in
          age("-d", "-i", bridge, room.identity).stdout, "stock tools")
    room.editor("remove", "--name", "Gita", key=ada)
    knothole("unseal", "-i", room.identity, *options, "-o", "-", room.object,
             env=gita.env, expect=77)
    check(b"openpgp" not in read(room.identity), "no bridge is left")


@test("an editor with an OpenPGP key may be the only one; keys that are refused")
def _():
    gita = Gpg()
    room = under_passphrase()
    # The word is for files whose names look like an age key's.
    room.editor("add", "--name", "Gita", gita.file, fds=FD)
    options = ("--editor-key", f"openpgp:{gita.fpr}")
    got = knothole("unseal", "-i", room.identity, *options, "-o", "-",
                   room.object, env=gita.env)
    equal(got.stdout, room.data, "by gpg")
    vault = os.path.join(place(), "vault")
    knothole("--vault", vault, "init", "-i", room.identity, *options,
             env=gita.env)
    knothole("--vault", vault, "inbox", env={
        **gita.env, "KNOTHOLE_EDITOR_KEY": f"openpgp:{gita.fpr}"})
    room, keys = three()
    before = read(room.identity)
    secret = write(os.path.join(place(), "secret.asc"), gita.gpg(
        "--armor", "--export-secret-keys", gita.fpr))
    for path, status in ((secret, 65), (room.card, 65), ("/nonexistent", 66)):
        room.editor("add", "--name", "X", "openpgp", path, key=keys[0].path,
                    expect=status)
    equal(read(room.identity), before, "as before")


@test("a vault, its commands, and who it was that shared")
def _():
    room, keys = three()
    vault = os.path.join(place(), "vault")
    key = ("--editor-key", keys[1].path)
    knothole("--vault", vault, "init", "-i", room.identity, *key)
    stick = WORLD.stick()
    knothole("seal", "-r", room.card, "-o", stick.object(1), "-",
             data=b"no submission")
    os.unlink(stick.object(1))
    knothole("--vault", vault, "import", *key, stick.path)
    done = knothole("--vault", vault, "inbox", "--json", *key)
    equal(json.loads(done.stdout)["newsroom"], "The Example Times", "inbox")
    done = knothole("--vault", vault, "inbox", expect=77)
    check(b"--editor-key" in done.stderr, done.stderr)
    # Editors of the vault's own copy.
    knothole("--vault", vault, "editor", "remove", "--name", "Ada", *key)
    knothole("--vault", vault, "inbox", "--editor-key", keys[0].path,
             expect=77)
    knothole("--vault", vault, "inbox", *key)


@test("passphrase: another one opens, the old one does not, the old bytes go")
def _():
    room = under_passphrase()
    held = os.open(room.identity, os.O_RDONLY)
    old = read(room.identity)
    done = knothole("passphrase", "-i", room.identity, "--passphrase-fd", "8",
                    "--new-passphrase-fd", "9",
                    fds={8: PASS + b"\n", 9: b"five other random words\n"})
    check(b"copies" in done.stderr, done.stderr)
    equal(os.pread(held, len(old) + 1, 0), bytes(len(old)), "overwritten")
    os.close(held)
    got = knothole("unseal", "-i", room.identity, "--passphrase-fd", "9", "-o",
                   "-", room.object, fds={9: b"five other random words\n"})
    equal(got.stdout, room.data, "the new one")
    knothole("unseal", "-i", room.identity, "--passphrase-fd", "9", "-o", "-",
             room.object, fds=FD, expect=77)
    equal(os.listdir(room.dir).count("identity.age"), 1, "one file")
    equal([n for n in os.listdir(room.dir) if n.startswith(".")], [],
          "nothing left over")


@test("passphrase: two lines of one descriptor; refusals change nothing")
def _():
    room = under_passphrase()
    before = tree(room.dir)
    for new, status in ((b"short\n", 64), (b"\n", 64), (b"", 64)):
        knothole("passphrase", "-i", room.identity, "--passphrase-fd", "9",
                 "--new-passphrase-fd", "9", fds={9: PASS + b"\n" + new},
                 expect=status)
    knothole("passphrase", "-i", room.identity, "--passphrase-fd", "9",
             "--new-passphrase-fd", "9",
             fds={9: b"wrong passphrase\nfive other words\n"}, expect=77)
    knothole("passphrase", "-i", room.identity, "--passphrase-fd", "9",
             fds=FD, expect=64)
    knothole("passphrase", expect=64)
    equal(tree(room.dir), before, "as before")
    knothole("passphrase", "-i", room.identity, "--passphrase-fd", "9",
             "--new-passphrase-fd", "9",
             fds={9: PASS + b"\nfive other random words\n"})


@test("passphrase at a terminal: asked for, twice for the new one, not shown")
def _():
    room = under_passphrase()
    new = b"five other random words"
    status, shown = at_terminal(
        ("passphrase", "-i", room.identity),
        [(b"Passphrase for ", PASS), (b"New passphrase: ", new),
         (b"The same again: ", b"something else"),
         (b"New passphrase: ", new), (b"The same again: ", new)])
    equal(status, 0, shown)
    check(b"the two differ" in shown, shown)
    check(PASS not in shown and new not in shown, "not shown")


@test("passphrase: a hard link keeps the old file, and that is said")
def _():
    room = under_passphrase()
    other = os.path.join(place(), "copy.age")
    os.link(room.identity, other)
    old = read(other)
    done = knothole("passphrase", "-i", room.identity, "--passphrase-fd", "9",
                    "--new-passphrase-fd", "9",
                    fds={9: PASS + b"\nfive other random words\n"})
    check(b"another name" in done.stderr, done.stderr)
    equal(read(other), old, "the other name")
    # A symbolic link is followed.
    link = os.path.join(place(), "link.age")
    os.symlink(room.identity, link)
    knothole("passphrase", "-i", link, "--passphrase-fd", "9",
             "--new-passphrase-fd", "9",
             fds={9: b"five other random words\n" + PASS + b"\n"})
    check(os.path.islink(link), "still a link")
    knothole("unseal", "-i", room.identity, "--passphrase-fd", "9", "-o", "-",
             room.object, fds=FD)


@test("passphrase: back from editors, and with shares beside")
def _():
    room, keys = three()
    done = knothole("passphrase", "-i", room.identity, "--editor-key",
                    keys[0].path, "--new-passphrase-fd", "9", fds=FD,
                    expect=64)
    check(b"--drop-editors" in done.stderr, done.stderr)
    room.opens(keys[0].path)
    knothole("passphrase", "-i", room.identity, "--editor-key", keys[0].path,
             "--drop-editors", "--new-passphrase-fd", "9", fds=FD)
    got = knothole("unseal", "-i", room.identity, "--passphrase-fd", "9", "-o",
                   "-", room.object, fds=FD)
    equal(got.stdout, room.data, "passphrase")
    knothole("unseal", "-i", room.identity, "--editor-key", keys[0].path,
             "--passphrase-fd", "9", "-o", "-", room.object,
             fds={9: b"no such passphrase\n"}, expect=77)


@test("editors and shares: both are in one file, and the shares still open it")
def _():
    room = Room("--shares", "3", "--threshold", "2")
    beside = os.path.join(room.dir, "identity-recovery.age")
    check(os.path.exists(beside), "beside the passphrase")
    ada, bob = Key("Ada"), Key("Bob")
    room.editor("add", "--name", "Ada", ada.public, fds=FD)
    check(not os.path.exists(beside), "not needed any more")
    room.editor("add", "--name", "Bob", bob.public, key=ada.path)
    listed = json.loads(room.editor("list", "--json", key=bob.path).stdout)
    equal((listed["shares"]["threshold"], listed["shares"]["count"]), (2, 3),
          "shares")
    pages = os.path.join(room.dir, "shares")
    given = [os.path.join(pages, f"share-{i}-of-3.txt") for i in (1, 3)]
    done = knothole("recover", "-o", room.dir, "--passphrase-fd", "9", *given,
                    fds=FD)
    check(b"2 editors had keys" in done.stderr, done.stderr)
    got = knothole("unseal", "-i", room.identity, "--passphrase-fd", "9", "-o",
                   "-", room.object, fds=FD)
    equal(got.stdout, room.data, "passphrase")
    check(os.path.exists(beside), "beside again")


def months(room, *options, fds=None):
    """{epoch: burnt or None} of a newsroom's identity."""
    seen = json.loads(knothole("identity", "inspect", "--json", *options,
                               room.identity, fds=fds).stdout)
    return {r["epoch"]: r["burnt"] for r in seen["recipients"]}


@test("a burnt epoch is burnt in each form: for editors, and for shares")
def _():
    room = Room("--epochs", "2", "--shares", "3", "--threshold", "2")
    first = sorted(months(room, "--passphrase-fd", "9", fds=FD))[0]
    secret = re.findall(rb"AGE-SECRET-KEY-\w+", knothole(
        "unseal", "--passphrase-fd", "9", "-o", "-", room.identity,
        fds=FD).stdout)[0]
    ada = Key("Ada")
    editors = room.copied()
    editors.editor("add", "--name", "Ada", ada.public, fds=FD)
    burn = ("epoch", "burn", first, "--yes", "--force", "-i")
    knothole(*burn, editors.identity, "--editor-key", ada.path)
    knothole(*burn, room.identity, "--passphrase-fd", "9", fds=FD)
    burnt = months(editors, "--editor-key", ada.path)
    check(burnt[first] and burnt == months(room, "--passphrase-fd", "9",
                                           fds=FD), burnt)
    for one in (room, editors):
        given = [os.path.join(one.dir, "shares", f"share-{i}-of-3.txt")
                 for i in (2, 3)]
        knothole("recover", "-o", one.dir, "--no-passphrase", *given)
        text = read(os.path.join(one.dir, "identity.txt"))
        check(secret not in text and b"# burnt " in text, "by the shares, too")


@test("inspect tells how a file is sealed without opening it, and no secret")
def _():
    room = Room("--epochs", "3")
    done = knothole("identity", "inspect", "--json", room.identity)
    seen = json.loads(done.stdout)
    equal((seen["sealed"], seen["scrypt_logn"], seen["opened"]),
          ("passphrase", 18, False), "outside")
    check("recipients" not in seen, "nothing of the inside")
    done = knothole("identity", "inspect", "--json", "--passphrase-fd", "9",
                    room.identity, fds=FD)
    seen = json.loads(done.stdout)
    card = read(room.card).decode()
    equal([r["recipient"] for r in seen["recipients"]],
          re.findall(r"^recipient = (age1\w+)", card, re.M), "recipients")
    equal([(r["first"], r["last"]) for r in seen["recipients"]],
          re.findall(r"^recipient = \S+ (\S+) (\S+)$", card, re.M), "epochs")
    check(f"signing_key = {seen['signing_key']}\n" in card, "signing key")
    shown = knothole("card", "show", "--json", room.card).stdout
    equal(seen["fingerprint"], json.loads(shown)["fingerprint"],
          "the card's fingerprint")
    for out in (done.stdout, knothole(
            "identity", "inspect", "--passphrase-fd", "9", room.identity,
            fds=FD).stdout):
        check(b"AGE-SECRET-KEY" not in out, "no secret")
        inside = knothole("unseal", "--passphrase-fd", "9", "-o", "-",
                          room.identity, fds=FD).stdout
        secret = re.search(rb"signing key: (\S+)", inside)[1]
        check(secret not in out, "no signing seed")


def in_clear():
    """A newsroom whose identity is in clear, with an object sealed for it."""
    room = object.__new__(Room)
    room.dir = os.path.join(place(), "keys")
    knothole("keygen", "-o", room.dir, "--name", "In Clear",
             "--no-passphrase")
    room.identity = os.path.join(room.dir, "identity.txt")
    room.card = os.path.join(room.dir, "in-clear.card")
    room.object = os.path.join(place(), "object.age")
    room.data = b"what a source sent"
    knothole("seal", "-r", room.card, "-o", room.object, "-", data=room.data)
    return room


def secrets_in(path):
    return b"AGE-SECRET-KEY-" in read(path)


@test("an identity in clear is sealed in its place, by the first editor or by a "
      "passphrase")
def _():
    room, ada, bob = in_clear(), Key("Ada"), Key("Bob")
    with open(room.identity, "rb") as old:
        done = room.editor("add", "--name", "Ada", ada.public)
        check(b"WAS IN CLEAR" in done.stderr, done.stderr)
        check(b"AGE-SECRET-KEY-" not in old.read(), "the old bytes")
    equal(secrets_in(room.identity), False, "in clear")
    equal(stat.S_IMODE(os.stat(room.identity).st_mode), 0o600, "mode")
    room.opens(ada.path)
    room.opens(bob.path, expect=77)
    room.editor("add", "--name", "Bob", bob.public, key=ada.path)
    room.opens(bob.path)
    inside = age("-d", "-i", ada.path, room.identity).stdout
    check(inside.startswith(b"# created by knothole"), "stock age")

    room = in_clear()
    done = knothole("passphrase", "-i", room.identity, "--new-passphrase-fd",
                    "9", fds=FD)
    check(b"WAS IN CLEAR" in done.stderr, done.stderr)
    equal(secrets_in(room.identity), False, "in clear")
    done = knothole("unseal", "-i", room.identity, "--passphrase-fd", "9",
                    "-o", "-", room.object, fds=FD)
    equal(done.stdout, room.data, "submission")
    knothole("unseal", "-i", room.identity, "--passphrase-fd", "9", "-o", "-",
             room.object, fds={9: b"another passphrase\n"}, expect=77)


@test("in clear: nothing is changed by what is refused, and a vault's is sealed "
      "where it lies")
def _():
    room = in_clear()
    before = tree(room.dir)
    room.editor("remove", "--name", "Ada", expect=66)
    room.editor("add", "--name", "Ada", "age1nonsense", expect=64)
    knothole("passphrase", "-i", room.identity, "--new-passphrase-fd", "9",
             fds={9: b"short\n"}, expect=64)
    equal(room.editor("list").stdout, b"", "nobody")
    equal(tree(room.dir), before, "as before")
    vault, ada = os.path.join(place(), "vault"), Key("Ada")
    knothole("--vault", vault, "init", "-i", room.identity)
    knothole("--vault", vault, "editor", "add", "--name", "Ada", ada.public)
    for name in os.listdir(vault):
        if name.startswith("identity"):
            equal(secrets_in(os.path.join(vault, name)), False, name)
    done = knothole("--vault", vault, "--editor-key", ada.path, "unseal", "-o",
                    "-", room.object)
    equal(done.stdout, room.data, "submission")
    knothole("--vault", vault, "--editor-key", ada.path, "inbox")
    knothole("--vault", vault, "inbox", expect=77)


@test("inspect of files sealed to editors, in clear, and of what is none")
def _():
    room, keys = three()
    seen = json.loads(knothole("identity", "inspect", "--json",
                               room.identity).stdout)
    equal((seen["sealed"], seen["key_stanzas"], seen["opened"]),
          ("keys", 3, False), "editors")
    seen = json.loads(knothole(
        "identity", "inspect", "--json", "--editor-key", keys[1].path,
        room.identity).stdout)
    equal([e["name"] for e in seen["editors"]], ["Ada", "Bob", "Chédli"],
          "opened")
    seen = json.loads(knothole("identity", "inspect", "--json",
                               keys[0].path).stdout)
    equal((seen["sealed"], seen["opened"], len(seen["recipients"])),
          ("no", True, 1), "in clear, of stock age")
    equal(seen["recipients"][0]["recipient"], keys[0].public, "its key")
    knothole("identity", "inspect", room.card, expect=65)
    knothole("identity", "inspect", "/nonexistent", expect=66)
    knothole("identity", "inspect", expect=64)
    big = WORLD.mk(WORLD.path("object.age"), WORLD.newsroom(), message=b"m")
    knothole("identity", "inspect", big, expect=65)
    cut = write(os.path.join(place(), "cut.age"), read(room.identity)[:100])
    knothole("identity", "inspect", cut, expect=65)


@test("what was changed in a sealed file is noticed, and nothing is replaced")
def _():
    room, keys = three()
    good = read(room.identity)
    for at in (60, len(good) - 1):
        bad = bytearray(good)
        bad[at] ^= 1
        write(room.identity, bytes(bad))
        done = room.editor("remove", "--name", "Bob", key=keys[0].path,
                           expect=None)
        check(done.returncode in (65, 77), done.returncode)
        equal(read(room.identity), bytes(bad), "not replaced")


@test("help and airgap: subcommands say how they are used")
def _():
    for command in (("editor", "--help"), ("editor", "add", "--help"),
                    ("identity", "--help"), ("identity", "inspect", "--help"),
                    ("passphrase", "--help"), ("recover", "--help")):
        out = knothole(*command).stdout
        check(out.startswith(b"usage: knothole " + command[0].encode()), out)
    shutil.rmtree(place())


if __name__ == "__main__":
    suite.run()
