#!/usr/bin/env python3
"""An editor leaves: the steps of docs/leaver.md, as they stand there, with a
running server. Nobody else gets a new key, what was sent before stays readable
for those who stay, and what is sent afterwards is not for who left, with a copy
of everything.

Prints TAP. Needs stock age.
"""
import os
import re
import shutil
import stat

from lib.courier import Courier
from lib.desk import read, tree
from lib.document import Reader, commands
from lib.drop import Drop
from lib.offline import PASS, age, age_keygen, knothole, need
from lib.tap import Suite, check, equal, wait_for

suite = Suite()
test = suite.test
DOCUMENT = "docs/leaver.md"
STEPS = 7


class Newsroom:
    """Three editors with keys of their own, a vault, and a server."""

    def __init__(self):
        self.drop = Drop(courier_listen="tcp:127.0.0.1:0")
        self.reader = Reader(os.path.join(self.drop.base, "read"))
        keys = self.reader.at("keys")
        knothole("keygen", "-o", keys, "--name", "The Example Times",
                 "--epochs", "3", "--passphrase-fd", "9",
                 fds={9: PASS + b"\n"})
        self.card = os.path.join(keys, "the-example-times.card")
        shutil.rmtree(self.drop.newsrooms[0].directory)
        for name in os.listdir(self.drop.cards):
            os.unlink(os.path.join(self.drop.cards, name))
        shutil.copy(self.card, self.drop.cards)
        self.identity = os.path.join(keys, "identity.age")
        self.key, self.public = {}, {}
        for name in ("ada", "bob", "cem"):
            os.makedirs(os.path.join(self.reader.media, name), exist_ok=True)
            path = os.path.join(self.reader.media, name, "editor.key")
            self.public[name] = age_keygen(path)
            self.key[name] = path
        knothole("editor", "add", "-i", self.identity, "--name", "Ada",
                 self.public["ada"], "--passphrase-fd", "9",
                 fds={9: PASS + b"\n"})
        for name in ("bob", "cem"):
            knothole("editor", "add", "-i", self.identity, "--editor-key",
                     self.key["ada"], "--name", name.title(),
                     self.public[name])
        self.vault = self.reader.at("vault")
        self.tool("ada", "init", "-i", self.identity, "--card", self.card)
        shutil.copy(os.path.join(keys, "courier.token"), self.reader.at())
        self.drop.start()
        host, port = self.drop.courier_address
        self.reader.replaced["http://ADDRESS.onion"] = f"http://{host}:{port}"
        self.stick = os.path.join(self.reader.media, "stick")

    def tool(self, who, *arguments, expect=0, vault=None):
        return knothole("--vault", vault or self.vault, "--editor-key",
                        self.key[who], *arguments, expect=expect)

    def send(self, text):
        """A source sends a message; the object at rest."""
        before = set(self.drop.objects())
        page = self.drop.post(self.drop.form().field("message", text))
        equal(page.state, "sealed", "state")
        (new,) = set(self.drop.objects()) - before
        return new

    def opens(self, who, path, identity=None, expect=0):
        return knothole("list", "-i", identity or
                        os.path.join(self.vault, "identity.age"),
                        "--editor-key", self.key[who], path, expect=expect)


@test("L35: the steps as they stand; who stays goes on, who left is out")
def test_l35_leaver_drill():
    need("age", "age-keygen")
    n = Newsroom()
    old = n.send("before")
    old_card = read(n.card)
    shutil.copy(n.identity, os.path.join(n.reader.media, "copy"))
    # Bob takes a copy of everything along: keys, identity, vault, sticks.
    taken = os.path.join(n.drop.base, "taken")
    shutil.copytree(n.reader.base, taken, symlinks=True)
    own = {name: read(n.key[name]) for name in n.key}

    todo = commands(DOCUMENT)
    for command in todo:
        shown = n.reader.run(command)
        if "editor list" in command:
            check(b"  Ada" in shown and b"  Cem" in shown, shown)
            check(b"Bob" not in shown, shown)
    equal([c.split()[0] for c in todo].count("knothole"), 4, "at the desk")
    new_card = re.findall(rb"^recipient = (\S+)", read(n.card), re.M)
    old_card = re.findall(rb"^recipient = (\S+)", old_card, re.M)
    equal(set(new_card) & set(old_card), set(), "all keys of the card are new")
    wait_for("the server uses it", lambda: n.drop.health()
             ["key_epochs_left"] == str(len(new_card)), 30)
    new = n.send("afterwards")

    # Nobody else has a new key, and each opens both.
    for who in ("ada", "cem"):
        equal(read(n.key[who]), own[who], "the same key")
        for path in (old, new):
            n.opens(who, path)
    # Bob, with today's files and his key, and with all that he took.
    for path in (old, new):
        n.opens("bob", path, expect=77)
        age("-d", "-i", n.key["bob"], path, expect=1)
    for where, _, names in os.walk(taken):
        for name in names:
            full = os.path.join(where, name)
            if not stat.S_ISREG(os.lstat(full).st_mode) or \
                    name not in ("identity.age", "editor.key"):
                continue
            n.opens("bob", new, identity=full, expect=77)
    copy = os.path.join(taken, "work", "keys", "identity.age")
    inside = age("-d", "-i", n.key["bob"], copy).stdout
    plain = os.path.join(taken, "identity.txt")
    with open(plain, "wb") as f:
        f.write(inside)
    age("-d", "-i", plain, new, expect=1)
    age("-d", "-i", plain, old)  # what was his to read, he has
    # The vault's index, too, is sealed to the new key.
    n.tool("ada", "inbox")
    age("-d", "-i", plain, os.path.join(n.vault, "index.age"), expect=1)
    equal(n.drop.stop(), 0, "exit status")


@test("with a new token: the administrator installs the card, the old one ends")
def _():
    need("age-keygen")
    n = Newsroom()
    token = n.reader.at("new.token")
    n.tool("ada", "editor", "remove", "--name", "Bob")
    n.tool("ada", "card", "renew", "--all-new", "--new-token", token, n.card)
    equal(stat.S_IMODE(os.stat(token).st_mode), 0o600, "mode")
    n.tool("ada", "export", n.stick)
    # No courier brings it: a token is for the administrator.
    (command,) = [c for c in commands(DOCUMENT)
                  if c.startswith("knothole-courier push")]
    n.reader.run(command)
    cards = os.path.join(n.stick, "knothole-stick", "cards")
    equal(os.listdir(cards), [os.path.basename(n.card)], "it stays there")
    equal(n.drop.stop(), 0, "exit status")
    shutil.copy(n.card, n.drop.cards)
    n.drop.start()
    n.opens("cem", n.send("afterwards"))
    for path, status in ((token, 200), (n.reader.at("courier.token"), 401)):
        line = read(path).decode().strip()
        answer = Courier(n.drop, token=line).get("/v1/objects")
        equal(answer.status, status, path)
    equal(n.drop.stop(), 0, "exit status")


@test("what the document counts: seven steps, four commands at the desk")
def _():
    text = read(DOCUMENT).decode().partition("## The steps")[2]
    steps = re.findall(r"^(\d)\. ", text.partition("\n## ")[0], re.M)
    equal(steps, [str(i + 1) for i in range(STEPS)], "steps")
    check(len(tree("docs")) > 0, "documents")


if __name__ == "__main__":
    suite.run()
