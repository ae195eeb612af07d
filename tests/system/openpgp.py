"""OpenPGP keys from card to desk, with a real gpg and an agent of its own: every
kind of key that is taken, the stock tools alone, and what a card refuses."""
import base64
import json
import os
import re

from lib.drop import DESK, Drop, Newsroom, desk, run
from lib.pgp import KINDS, Person, add_key
from lib.sealed import header_length, padme
from lib.tap import Failure, Suite, check, equal

suite = Suite()
drop = Drop()
person = Person(os.path.join(drop.desk, "person"))
nobody = Person(os.path.join(drop.desk, "nobody"))
FILE = os.urandom(100000)
MESSAGE = b"for all of you"


def as_person(*arguments, who=person):
    return desk(*arguments, env=who.environment)


def key_file(name):
    return person.export(name, os.path.join(drop.desk, name + ".pgp"))


def card_words(*arguments):
    done = as_person("card", *arguments)
    if done.returncode != 0:
        raise Failure(f"card {arguments}: {done.stderr.decode()}")
    return done.stdout.decode()


def stanzas(path):
    """[(arguments, body)] of an object's header."""
    with open(path, "rb") as f:
        data = f.read(1 << 19)
    lines = data[: header_length(data)].decode("ascii").split("\n")
    found = []
    for line in lines[1:]:
        if line.startswith("---"):
            return found
        if line.startswith("-> "):
            found.append((line[3:].split(" "), []))
        else:
            found[-1][1].append(line)
    raise Failure("no end of the header")


rooms = {}
prints = {}


@suite.test("add-openpgp takes every kind, and signs card and signature anew")
def cards():
    rooms["plain"] = drop.newsrooms[0]
    for name, primary, sub in KINDS:
        prints[name] = person.make(name, primary, sub)
        room = Newsroom(os.path.join(drop.desk, name), "News " + name)
        before = json.loads(card_words("show", "--json", room.card))
        equal(before["openpgp"], None, "before")
        # Armored or not.
        path = key_file(name)
        if name == "cv25519":
            path = person.export(name, path + ".asc", "--armor")
        added = card_words("add-openpgp", "-i", room.identity, room.card, path)
        check(prints[name] in added, f"says which: {added}")
        after = json.loads(card_words("show", "--json", room.card))
        equal(after["openpgp"]["fingerprint"], prints[name], "fingerprint")
        equal(after["openpgp"]["algorithm"], sub, "algorithm")
        equal(after["openpgp"]["verdict"], "ok", "verdict")
        equal(after["openpgp"]["user_id"], name, "user id")
        check(before["fingerprint"] != after["fingerprint"], "words change")
        for member in ("name", "recipients", "signing_key", "languages"):
            equal(after[member], before[member], member)
        check(after["fingerprint"] in card_words("verify", room.card), "verify")
        signed = run("minisign", "-V", "-q", "-m", room.card, "-p",
                     room.card[: -len(".card")] + ".pub")
        equal(signed.returncode, 0, "stock minisign")
        with open(room.card, "rb") as f:
            line = re.search(rb"^openpgp = (\S+)$", f.read(), re.M)[1]
        with open(key_file(name), "rb") as f:
            equal(base64.b64decode(line), f.read(), "bytes on the card")
        rooms[name] = room
        run("cp", room.card, drop.cards)


@suite.test("add-openpgp refuses what cannot be used, and changes nothing")
def refused():
    room = rooms["plain"]
    person.make("expired", options=("--faked-system-time", "20200101T000000"))
    person.make("sign", sub=None)
    person.make("weak", "rsa2048", "rsa2048")
    person.make("sha1", options=("--cert-digest-algo", "SHA1"))
    person.make("elgamal", "dsa2048", "elg2048")
    person.make("revoked")
    person.revoke("revoked")
    with open(room.card, "rb") as f:
        before = f.read()
    for name, word in (("expired", "expired"), ("sign", "signing only"),
                       ("weak", "3072"), ("sha1", "SHA-1"),
                       ("elgamal", "not supported"), ("revoked", "revoked")):
        done = as_person("card", "add-openpgp", "-i", room.identity,
                         room.card, key_file(name))
        equal(done.returncode, 78, f"{name}: {done.stderr.decode()}")
        check(word in done.stderr.decode(), f"{name}: {done.stderr.decode()}")
    secret = os.path.join(drop.desk, "secret")
    for more in ((), ("--armor",)):
        with open(secret, "wb") as f:
            f.write(person.gpg(*more, "--export-secret-keys", "=cv25519"))
        done = as_person("card", "add-openpgp", "-i", room.identity,
                         room.card, secret)
        check(done.returncode in (65, 78), f"secret key: {done.returncode}")
        check("SECRET" in done.stderr.decode(), done.stderr.decode())
    for path, status in ((room.card, 65), ("/nonexistent", 66)):
        done = as_person("card", "add-openpgp", "-i", room.identity,
                         room.card, path)
        equal(done.returncode, status, f"{path}: {done.stderr.decode()}")
    other = rooms["cv25519"]
    done = as_person("card", "add-openpgp", "-i", other.identity, room.card,
                     key_file("cv25519"))
    equal(done.returncode, 77, f"another's identity: {done.stderr.decode()}")
    with open(room.card, "rb") as f:
        equal(f.read(), before, "the card")


@suite.test("verify tells a key that cannot be used, a changed card, a missing gpg")
def verify():
    made = Newsroom(os.path.join(drop.desk, "bad"), "Bad")
    add_key(made, key_file("expired"))
    os.unlink(made.card + ".minisig")
    done = as_person("card", "verify", made.card)
    equal(done.returncode, 78, done.stderr.decode())
    check("expired" in done.stderr.decode(), done.stderr.decode())
    done = as_person("card", "verify", "--json", made.card)
    equal(json.loads(done.stdout)["openpgp"], "expired", "verdict")
    equal(json.loads(done.stdout)["usable"], False, "usable")
    done = desk("card", "verify", made.card, env={"PATH": "/nonexistent"})
    check(done.returncode in (69, 78), f"no gpg in reach: {done.returncode}")
    with open(made.card, "rb") as f:
        text = f.read()
    at = text.index(b"openpgp = ") + 100
    with open(made.card, "wb") as f:
        f.write(text[:at] + (b"A" if text[at:at + 1] != b"A" else b"B")
                + text[at + 1:])
    done = as_person("card", "verify", made.card)
    equal(done.returncode, 65, f"changed: {done.stderr.decode()}")


@suite.test("soon to end: a warning, and taken")
def ending():
    made = Newsroom(os.path.join(drop.desk, "soon"), "Soon")
    person.make("soon", ends="20d")
    done = as_person("card", "add-openpgp", "-i", made.identity, made.card,
                     key_file("soon"))
    equal(done.returncode, 0, done.stderr.decode())
    check("warning: the OpenPGP key ends on" in done.stderr.decode(),
          done.stderr.decode())


objects = []


@suite.test("a submission has a bridge for each key, and its length is Padmé's")
def submission():
    drop.start()
    page = drop.post(drop.form().field("message", MESSAGE.decode())
                     .file("recording.ogg", FILE))
    equal(page.status, 200, page.text()[-300:])
    objects.extend(drop.objects())
    (path,) = objects
    found = stanzas(path)
    kinds = [arguments[0] for arguments, _ in found]
    n = len(rooms)
    equal(kinds, ["X25519"] * n
          + ["X25519", "knothole.example/openpgp"] * len(KINDS)
          + ["knothole.example/check"], "stanzas")
    named = [a[1] for a, _ in found if a[0] == "knothole.example/openpgp"]
    equal(sorted(named), sorted(prints.values()), "fingerprints")
    equal(padme(os.path.getsize(path)), os.path.getsize(path), "length")
    listed = drop.list(path)
    equal(len(listed["recipients"]), n, "recipients in the manifest")
    for room in rooms.values():
        out = desk("unseal", "-i", room.identity, path)
        equal(out.returncode, 0, f"with {room.id}'s own identity")


@suite.test("only those that were chosen have one, and no two objects the same")
def chosen():
    drop.forget()
    form = drop.form().field("outlet", rooms["nistp256"].id)
    form.field("outlet", rooms["plain"].id).field("message", "not for all")
    equal(drop.post(form).status, 200, "status")
    form = drop.form().field("outlet", rooms["nistp256"].id)
    equal(drop.post(form.field("message", "again")).status, 200, "status")
    bodies = set()
    for path in drop.objects():
        found = [(a, b) for a, b in stanzas(path)
                 if a[0] == "knothole.example/openpgp"]
        equal([a[1] for a, _ in found], [prints["nistp256"]], "whose")
        bodies.add("".join(found[0][1]))
    equal(len(bodies), 2, "bridges of their own")
    form = drop.form().field("outlet", rooms["plain"].id)
    drop.forget()
    equal(drop.post(form.field("message", "plain")).status, 200, "status")
    (path,) = drop.objects()
    equal([a[0] for a, _ in stanzas(path)],
          ["X25519", "knothole.example/check"], "stanzas without")


@suite.test("the desk opens with each key, by way of the agent")
def opens():
    drop.forget()
    page = drop.post(drop.form().field("message", MESSAGE.decode())
                     .file("recording.ogg", FILE))
    equal(page.status, 200, "status")
    objects[:] = drop.objects()
    (path,) = objects
    for name, fpr in prints.items():
        key = "openpgp:" + fpr
        listed = as_person("list", "--json", "-i", key, path)
        equal(listed.returncode, 0, f"list {name}: {listed.stderr.decode()}")
        equal(json.loads(listed.stdout)["files"][0]["name"], "recording.ogg",
              name)
        to = os.path.join(drop.desk, "out-" + name)
        done = as_person("extract", "-i", key.lower(), "-o", to, path)
        equal(done.returncode, 0, f"extract {name}: {done.stderr.decode()}")
        made = os.path.join(to, os.listdir(to)[0])
        with open(os.path.join(made, "files/001-recording.ogg"), "rb") as f:
            equal(f.read(), FILE, name)
        done = as_person("unseal", "-i", key, path)
        equal(done.returncode, 0, f"unseal {name}")
        equal(done.stdout, drop.unseal(path), name)
    done = as_person("unseal", "-i", "openpgp:", path)
    equal(done.returncode, 0, "any key that gpg has")


@suite.test("stock gpg and age alone open it, as the documentation says")
def stock():
    (path,) = objects
    with open("docs/FORMAT.md", encoding="utf-8") as f:
        line = re.search(r"^(awk -v f=FPR .*)$", f.read(), re.M)[1]
    for name, fpr in prints.items():
        out = os.path.join(drop.desk, name + ".zip")
        command = line.replace("FPR", fpr, 1).replace("OBJECT.age", path)
        command = command.replace("submission.zip", out)
        done = run("sh", "-c", command, env=person.environment)
        equal(done.returncode, 0, f"{name}: {done.stderr.decode()}")
        with open(out, "rb") as f:
            equal(f.read(), drop.unseal(path), name)
        equal(run("unzip", "-tq", out).returncode, 0, f"unzip {name}")


@suite.test("no key, no gpg, a locked key: status 77, and nothing comes out")
def closed():
    (path,) = objects
    fpr = prints["cv25519"]
    for who, key in ((nobody, fpr), (person, "0" * 40)):
        done = as_person("unseal", "-i", "openpgp:" + key, path, who=who)
        equal(done.returncode, 77, done.stderr.decode())
        equal(done.stdout, b"", "output")
    done = desk("unseal", "-i", "openpgp:" + fpr, path,
                env={**nobody.environment, "GNUPGHOME": "/nonexistent"})
    equal(done.returncode, 77, done.stderr.decode())
    for wrong in ("openpgp:12", "openpgp:" + "g" * 40, "openpgp:" + fpr + "0"):
        done = as_person("unseal", "-i", wrong, path)
        equal(done.returncode, 64, f"{wrong}: {done.stderr.decode()}")


@suite.test("without any key gpg is asked, for objects with a bridge only")
def automatic():
    (path,) = objects
    done = as_person("unseal", path)
    equal(done.returncode, 0, done.stderr.decode())
    equal(done.stdout, drop.unseal(path), "archive")
    done = as_person("list", path)
    equal(done.returncode, 0, done.stderr.decode())
    note = os.path.join(drop.desk, "note.age")
    with open(os.path.join(drop.desk, "note"), "wb") as f:
        f.write(MESSAGE)
    run(*DESK, "seal", "-r", rooms["plain"].card, "-o", note, f.name)
    done = as_person("unseal", note)
    equal(done.returncode, 64, f"without: {done.stderr.decode()}")


@suite.test("a damaged bridge or object is never taken for whole")
def damaged():
    (path,) = objects
    with open(path, "rb") as f:
        data = bytearray(f.read())
    at = data.index(b"knothole.example/openpgp " + prints["cv25519"].encode())
    bad = os.path.join(drop.desk, "bad.age")
    for offset in (at + 120, at - 60, len(data) - 9):
        copy = bytearray(data)
        copy[offset] = ord("A") if copy[offset] != ord("A") else ord("B")
        with open(bad, "wb") as f:
            f.write(copy)
        done = as_person("unseal", "-i", "openpgp:" + prints["cv25519"],
                         "-o", bad + ".out", bad)
        check(done.returncode in (65, 77),
              f"{offset}: {done.returncode} {done.stderr.decode()}")
        check(not os.path.exists(bad + ".out"), "no output")


@suite.test("seal writes bridges too, and import opens by them")
def seal_and_import():
    room = rooms["cv25519"]
    note = os.path.join(drop.desk, "sealed.age")
    done = as_person("seal", "-r", room.card, "-o", note,
                     os.path.join(drop.desk, "note"))
    equal(done.returncode, 0, done.stderr.decode())
    done = as_person("unseal", "-i", "openpgp:" + prints["cv25519"], note)
    equal((done.returncode, done.stdout), (0, MESSAGE), "there and back")
    stick = os.path.join(drop.desk, "stick", "knothole-stick", "objects")
    os.makedirs(stick)
    run("cp", objects[0], stick)
    # A vault of somebody who is no recipient, but has the OpenPGP key.
    other = Newsroom(os.path.join(drop.desk, "other"), "Other")
    vault = os.path.join(drop.desk, "vault")
    done = as_person("--vault", vault, "init", "-i", other.identity)
    equal(done.returncode, 0, done.stderr.decode())
    done = as_person("--vault", vault, "import", "--json", "-i",
                     "openpgp:" + prints["rsa3072"], os.path.dirname(
                         os.path.dirname(stick)))
    equal(done.returncode, 0, done.stderr.decode())
    equal(len(json.loads(done.stdout)["opened"]), 1, done.stdout.decode())
    done = as_person("--vault", vault, "import", "-i", other.identity, "x")
    equal(done.returncode, 64, "a file there")


@suite.test("/keys/NAME.asc is the key, always of one length; 404 without one")
def served():
    lengths = set()
    for name in prints:
        page = drop.get(f"/keys/{rooms[name].id}.asc")
        equal(page.status, 200, name)
        lengths.add(len(page.body))
        reader = Person(os.path.join(drop.desk, "reader-" + name))
        reader.gpg("--import", given=page.body)
        equal(reader.fingerprint(name), prints[name], "as gpg imports it")
    equal(len(lengths), 1, f"lengths {lengths}")
    page = drop.get(f"/keys/{rooms['plain'].id}.asc")
    equal(page.status, 404, "without a key")
    equal(drop.get("/keys/nobody.asc").status, 404, "no such newsroom")
    help_page = drop.get("/en/help").text()
    check(f"/keys/{rooms['cv25519'].id}.asc" in help_page, "on the help page")
    check(f"/keys/{rooms['plain'].id}.asc" not in help_page, "not there")


@suite.test("it ends well, and leaves nothing of gpg's behind")
def end():
    check(os.path.isdir(os.path.join(drop.state, "gpg")), "while it runs")
    drop.ends_well()
    equal(sorted(os.listdir(drop.state)), ["health", "instance.salt"], "state")
    equal(os.listdir(os.path.join(drop.server, "tmp")), [], "TMPDIR")
    equal(os.listdir(os.path.join(drop.server, "home")), [], "HOME")


suite.run()
