#!/usr/bin/env python3
"""A submission for one more newsroom: same payload, one more who opens it, and
a line in the custody log.

Prints TAP. Stock age opens what was shared; without it those checks are
skipped.
"""
import base64
import json
import os
import re

from lib.desk import MAILBOXES, World, read, tree, write
from lib.drop import workplace
from lib.offline import PASS, age, age_keygen, knothole, need
from lib.pgp import Person, add_key
from lib.tap import Suite, check, equal

suite = Suite()
test = suite.test
WORLD = World(workplace())
OURS = WORLD.newsroom("The Example Times")
PARTNER = WORLD.newsroom("Die Partnerin")
STRANGER = WORLD.newsroom("Nobody of Note")
STANZA = 98
MAC_LINE = 48


def words(card):
    return json.loads(knothole("card", "show", "--json",
                               card).stdout)["fingerprint"]


def unsealed(path, room, expect=0):
    return knothole("unseal", "-i", room.identity, "-o", "-", path,
                    expect=expect).stdout


def header_len(data):
    return data.index(b"\n--- ") + 1 + MAC_LINE


def desk_with(*sources):
    """A vault into which objects of these sources came."""
    desk, stick = WORLD.desk(OURS), WORLD.stick()
    for number, source in enumerate(sources, 1):
        WORLD.mk(stick.object(number), OURS, STRANGER, source=source,
                 message=b"message %d" % number,
                 files=[WORLD.file(os.urandom(70000))])
    desk.imported(stick)
    return desk, stick


@test("a file: payload, nonce and the other stanzas are the same bytes")
def _():
    path = WORLD.mk(WORLD.path("object.age"), OURS, STRANGER,
                    message=b"m", files=[WORLD.file(os.urandom(300000))])
    out = WORLD.path("shared.age")
    done = knothole("share", "-i", OURS.identity, "--to", PARTNER.card, "-o",
                    out, path)
    equal(done.stdout.decode().strip(), out, "the path")
    check(b"98 bytes longer" in done.stderr, done.stderr)
    check(b"custody log" in done.stderr, "that nothing recorded it")
    before, after = read(path), read(out)
    h, g = header_len(before), header_len(after)
    equal(g, h + STANZA, "one stanza more")
    equal(after[g:] == before[h:], True, "payload")
    stanzas = before.index(b"-> knothole.example/check")
    equal(after[:stanzas], before[:stanzas], "stanzas")
    equal(os.stat(out).st_mode & 0o777, 0o600, "mode")
    plain = unsealed(path, OURS)
    for room in (OURS, STRANGER, PARTNER):
        equal(unsealed(out, room) == plain, True, room.id)
    unsealed(path, PARTNER, expect=77)


@test("stock age opens it with the partner's identity, and what stock age made")
def _():
    path = WORLD.mk(WORLD.path("object.age"), OURS, message=b"m")
    out = WORLD.path("shared.age")
    knothole("share", "-i", OURS.identity, "--to", PARTNER.card, "-o", out,
             path)
    for room in (OURS, PARTNER):
        equal(age("-d", "-i", room.identity, out).stdout ==
              unsealed(path, OURS), True, room.id)
    age("-d", "-i", STRANGER.identity, out, expect=1)
    # Without our check stanza.
    foreign = WORLD.path("foreign.age")
    age("-r", OURS.recipient, "-o", foreign, data=b"from stock age")
    out = WORLD.path("shared.age")
    knothole("share", "-i", OURS.identity, "--to", PARTNER.card, "-o", out,
             foreign)
    equal(age("-d", "-i", PARTNER.identity, out).stdout, b"from stock age",
          "of stock age")
    # A sealed object that is shared twice.
    again = WORLD.path("again.age")
    knothole("share", "-i", PARTNER.identity, "--to", STRANGER.card, "-o",
             again, out)
    for room in (OURS, PARTNER, STRANGER):
        equal(age("-d", "-i", room.identity, again).stdout, b"from stock age",
              room.id)


@test("a source's thread from the vault: all of its objects, and no other's")
def _():
    desk, _ = desk_with(0, 1, 0)
    out = WORLD.path("out")
    done = desk.run("share", "--to", PARTNER.card, "-o", out, MAILBOXES[0])
    names = [f"{n:032x}.age" for n in (1, 3)]
    equal(sorted(os.listdir(out)), names, "files")
    equal(sorted(done.stdout.decode().split()),
          [os.path.join(out, n) for n in names], "paths")
    for name in names:
        inside = read(os.path.join(desk.vault, "objects", name))
        after = read(os.path.join(out, name))
        equal(after[header_len(after):] == inside[header_len(inside):], True,
              "payload")
        equal(unsealed(os.path.join(out, name), PARTNER),
              unsealed(os.path.join(out, name), OURS), "opens")
    # By its two words, as one or as two arguments; and one object by its id.
    alias = desk.alias(1)
    for arguments in ((alias,), tuple(alias.split(" ")),
                      (alias.replace(" ", "-"),), (f"{2:032x}",)):
        out = WORLD.path("out")
        os.mkdir(out)
        desk.run("share", "--to", PARTNER.card, "-o", out, *arguments)
        equal(os.listdir(out), [f"{2:032x}.age"], arguments)


@test("the partner's desk extracts and imports what was shared")
def _():
    desk, _ = desk_with(0)
    stick = WORLD.stick()
    desk.run("share", "--to", PARTNER.card, "-o", stick.object(7),
             f"{1:032x}")
    partner = WORLD.desk(PARTNER)
    got = partner.imported(stick)
    equal([o["mailbox"] for o in got["opened"]], [MAILBOXES[0]], "imported")
    shown = partner.show(MAILBOXES[0])
    equal([i["text"] for i in shown["items"] if i["kind"] == "message"],
          ["message 1"], "the message")


@test("the custody log: what, with whom, when, and by whose key; chained")
def _():
    desk, _ = desk_with(0, 0)
    desk.run("share", "--to", PARTNER.card, "-o", WORLD.path("out"),
             MAILBOXES[0])
    log = desk.json("log", "--json", "--verify")
    entry = log["entries"][-1]
    equal((entry["what"], entry["count"], entry["alias"]),
          ("share", 2, desk.alias(0)), "entry")
    equal(entry["to"], words(PARTNER.card), "the card's fingerprint")
    equal(entry["by"], "", "nobody in particular: no editor's key")
    check(re.fullmatch(r"\d{4}-\d\d-\d\d", entry["day"]), "a day")
    equal(log["verified"], True, "verified")
    text = desk.run("log").stdout.decode()
    check("to " + entry["to"] in text, text)
    check(all("to" not in e for e in log["entries"][:-1]), "others have none")
    # After it, the log goes on.
    desk.run("reply", "-m", "thank you", MAILBOXES[0])
    desk.run("log", "--verify")
    desk.run("export", WORLD.stick().path)
    desk.run("log", "--verify")


@test("the log notices when the partner or the editor in it was changed")
def _():
    desk, _ = desk_with(0)
    age("--version")
    desk.run("share", "--to", PARTNER.card, "-o", WORLD.path("out"),
             MAILBOXES[0])
    good = desk.index()
    for member, value in (("to", words(STRANGER.card)), ("by", "Ada")):
        index = json.loads(json.dumps(good))
        index["log"][-1][member] = value
        desk.put_index(index)
        done = desk.run("log", "--verify", expect=65)
        check(b"THE LOG WAS CHANGED" in done.stderr, done.stderr)
    for change in (lambda e: e.pop("to"), lambda e: e.pop("by"),
                   lambda e: e.update(to="a\nby b"),
                   lambda e: e.update(to="x" * 200)):
        index = json.loads(json.dumps(good))
        change(index["log"][-1])
        desk.put_index(index)
        desk.run("log", expect=65)
    index = json.loads(json.dumps(good))
    index["log"][0]["to"] = "x"
    desk.put_index(index)
    desk.run("log", expect=65)
    desk.put_index(good)
    desk.run("log", "--verify")


@test("with editors, the log has the name of the one whose key it was")
def _():
    desk, _ = desk_with(0)
    key = WORLD.path("editor.key")
    public = age_keygen(key)
    sealed = os.path.join(desk.vault, "identity.age")
    os.unlink(os.path.join(desk.vault, "identity.txt"))
    age("-r", public, "-o", sealed,
        data=read(OURS.identity) + b"# editor: " + public.encode() +
        b" Zo\xc3\xab\n")
    desk.run("share", "--to", PARTNER.card, "-o", WORLD.path("out"),
             "--editor-key", key, MAILBOXES[0])
    log = desk.json("log", "--json", "--editor-key", key)
    equal(log["entries"][-1]["by"], "Zoë", "by")


@test("what does not open, or is damaged anywhere, is not shared nor recorded")
def _():
    desk, _ = desk_with(0)
    before = tree(desk.vault)
    inside = desk.object_path(1)
    good = read(inside)
    for at in (60, len(good) // 2, len(good) - 1):
        bad = bytearray(good)
        bad[at] ^= 1
        write(inside, bytes(bad))
        out = WORLD.path("out")
        desk.run("share", "--to", PARTNER.card, "-o", out, f"{1:032x}",
                 expect=65)
        check(not os.path.exists(out), "no file")
    write(inside, good[:-1000])
    desk.run("share", "--to", PARTNER.card, "-o", WORLD.path("out"),
             f"{1:032x}", expect=65)
    write(inside, good)
    equal(tree(desk.vault), before, "the vault is as it was")
    foreign = WORLD.mk(WORLD.path("foreign.age"), STRANGER, message=b"m")
    desk.run("share", "--to", PARTNER.card, "-o", WORLD.path("out"), foreign,
             expect=77)
    equal(tree(desk.vault), before, "nothing recorded")


@test("refusals: no card, a spoilt or ended one, a file that is there, no key")
def _():
    path = WORLD.mk(WORLD.path("object.age"), OURS, message=b"m")
    out = WORLD.path("out.age")
    with_key = ("share", "-i", OURS.identity)
    spoilt = WORLD.file(read(PARTNER.card).replace(b"Die", b"Der"))
    for arguments, status in (
            ((*with_key, "-o", out, path), 64),
            ((*with_key, "--to", PARTNER.card, "-o", out), 64),
            (("share", "--to", PARTNER.card, "-o", out, path), 64),
            ((*with_key, "--to", spoilt, "-o", out, path), 65),
            ((*with_key, "--to", "/nonexistent", "-o", out, path), 66),
            ((*with_key, "--to", PARTNER.card, "-o", out, "/nonexistent"), 66),
            ((*with_key, "--to", PARTNER.card, "-o", "/nonexistent/x", path),
             73)):
        knothole(*arguments, expect=status)
        check(not os.path.exists(out), "no file")
    write(out, b"mine")
    knothole(*with_key, "--to", PARTNER.card, "-o", out, path, expect=73)
    equal(read(out), b"mine", "stays")
    # Under a passphrase nobody else can have a key beside it.
    age("--version")
    sealed = os.path.join(WORLD.path("p"), "keys")
    os.makedirs(os.path.dirname(sealed))
    knothole("keygen", "-o", sealed, "--name", "X", "--passphrase-fd", "9",
             fds={9: PASS + b"\n"})
    done = knothole("share", "--passphrase-fd", "9", "-i", OURS.identity,
                    "--to", PARTNER.card, "-o", WORLD.path("o.age"),
                    os.path.join(sealed, "identity.age"),
                    fds={9: PASS + b"\n"}, expect=None)
    check(done.returncode in (65, 77), done.returncode)


def with_openpgp(name, person, **made):
    """A partner's card that has an OpenPGP key; the key's fingerprint."""
    need("gpg")
    room = WORLD.newsroom(name)
    fpr = person.make(name, **made)
    key = person.export(name, WORLD.path("key.pgp"))
    return room, fpr, key


@test("a partner with an OpenPGP key gets both: its age key, and a bridge")
def _():
    person = Person(WORLD.path("gnupg"))
    room, fpr, key = with_openpgp("Smart Card Times", person)
    knothole("card", "add-openpgp", "-i", room.identity, room.card, key)
    desk, _ = desk_with(0, 0)
    out = WORLD.path("out")
    done = desk.run("share", "--to", room.card, "-o", out, MAILBOXES[0])
    check(b"OpenPGP" in done.stderr, done.stderr)
    secrets = set()
    for number in (1, 2):
        name = f"{number:032x}.age"
        path = os.path.join(out, name)
        before = read(os.path.join(desk.vault, "objects", name))
        after = read(path)
        equal(after[header_len(after):] == before[header_len(before):],
              True, "payload")
        stanzas = before.index(b"-> knothole.example/check")
        equal(after[:stanzas], before[:stanzas], "stanzas")
        header = after[:header_len(after)].decode()
        equal(header.count("\n-> X25519 "), before.count(b"\n-> X25519 ") + 2,
              "two stanzas more")
        body = header.partition(f"-> knothole.example/openpgp {fpr}\n")[2]
        message = base64.b64decode(
            body.partition("\n->")[0].replace("\n", "") + "==")
        secret = person.gpg("-d", given=message)
        secrets.add(secret)
        plain = unsealed(path, OURS)
        for who in (room, STRANGER):
            equal(unsealed(path, who) == plain, True, who.id)
        # Stock tools, then the desk, with nothing but the OpenPGP key.
        one = write(WORLD.path("one.txt"), secret)
        equal(age("-d", "-i", one, path).stdout == plain, True, "stock")
        opened = knothole("unseal", "-i", "openpgp:" + fpr, "-o", "-", path,
                          env=person.environment)
        equal(opened.stdout == plain, True, "by its key")
    equal(len(secrets), 2, "a bridge of its own for each")


@test("a partner's OpenPGP key that cannot be used: nothing shared or recorded")
def _():
    person = Person(WORLD.path("gnupg"))
    room, _, key = with_openpgp(
        "Expired Times", person,
        options=("--faked-system-time", "20200101T000000"))
    add_key(room, key)
    desk, _ = desk_with(0)
    before = tree(desk.vault)
    out = WORLD.path("out.age")
    done = desk.run("share", "--to", room.card, "-o", out, f"{1:032x}",
                    expect=78)
    check(b"expired" in done.stderr, done.stderr)
    good, _, key = with_openpgp("No Program Times", person)
    add_key(good, key)
    done = desk.run("share", "--to", good.card, "-o", out, f"{1:032x}",
                    env={**os.environ, "PATH": "/nonexistent"}, expect=69)
    check(b"no gpg" in done.stderr, done.stderr)
    check(not os.path.exists(out), "no file")
    equal(tree(desk.vault), before, "nothing recorded")


@test("without -o the new file is here, named after the old one")
def _():
    path = WORLD.mk(WORLD.path("object.age"), OURS, message=b"m")
    here = WORLD.path("here")
    os.mkdir(here)
    done = knothole("share", "-i", os.path.abspath(OURS.identity), "--to",
                    os.path.abspath(PARTNER.card), os.path.abspath(path),
                    cwd=here)
    (name,) = os.listdir(here)
    equal(done.stdout.decode().strip(), name, "said")
    check(name.endswith("-object-shared.age"), name)


if __name__ == "__main__":
    suite.run()
