#!/usr/bin/env python3
"""docs/ceremony.md, done: its commands in their order, as they stand there, by
somebody who reads it for the first time, with paper in between.

Prints TAP. The pages are read back from what was printed (pdftotext); without
that, stock age or minisign it is skipped.
"""
import os
import re
import shutil
import subprocess

from lib.desk import read
from lib.document import Reader, commands
from lib.drop import workplace
from lib.offline import PASS, knothole, need
from lib.tap import Suite, check, equal

suite = Suite()
test = suite.test
DOCUMENT = "docs/ceremony.md"
RESTORED = b"six words for another day"


def typed(pages):
    """What is typed of these printed pages, at the prompts for them."""
    answers = []
    for number, page in enumerate(pages, 1):
        text = subprocess.run(["pdftotext", "-layout", page, "-"], check=True,
                              capture_output=True).stdout.decode()
        rows = re.findall(r"^ *[1-4]? +((?:[a-z-]+ ){3}[a-z-]+)$", text, re.M)
        equal(len(rows), 8, f"lines of words on {page}")
        for row in range(4):
            answers.append((f"Page {number}, row {row + 1}: ".encode(),
                            f"{rows[2 * row]} {rows[2 * row + 1]}".encode()))
    return answers


def new_passphrase(text):
    return [(b"New passphrase: ", text), (b"The same again: ", text)]


class Ceremony:
    def __init__(self):
        self.reader = Reader(workplace())
        self.todo = commands(DOCUMENT)
        self.fingerprint = None

    def next(self, beginning, answers=(), before=None):
        """The next command of the document, which begins so."""
        command = self.todo.pop(0)
        check(command.startswith(beginning), f"{command}: not {beginning}")
        if before:
            before()
        return self.reader.run(command, answers)

    def pages(self, *numbers):
        return [os.path.join(self.reader.printed, f"share-{n}-of-5.pdf")
                for n in numbers]


@test("the whole ceremony, and the way back from three pages and a copy")
def _():
    need("pdftotext", "age-keygen", "minisign", "shred")
    c = Ceremony()
    made = c.next("knothole keygen")
    c.fingerprint = re.search(rb"^fingerprint +(.*)$", made, re.M)[1].decode()
    check(len(c.fingerprint.split()) == 8, c.fingerprint)
    name = re.search(rb"^share set +([a-z -]+),", made, re.M)[1]
    for _ in range(5):
        c.next("lp ")
    equal(len(os.listdir(c.reader.printed)), 5, "printed")
    for page in c.pages(1, 2, 3, 4, 5):
        text = subprocess.run(["pdftotext", "-layout", page, "-"], check=True,
                              capture_output=True).stdout
        check(re.search(rb"^ *set +" + name + rb"$", text, re.M), text)
    # By heart: with a mistake, and then the other pages as well.
    answers = typed(c.pages(1, 3, 5))
    answers.insert(1, (answers[1][0], answers[1][1].rsplit(b" ", 1)[0]))
    recover = c.todo[0]
    shown = c.next("knothole recover",
                   answers + new_passphrase(PASS))
    check(b"7 words, and a row has 8" in shown, shown)
    c.reader.run(recover, typed(c.pages(2, 4, 1)) + new_passphrase(PASS))

    c.next("age-keygen -o")
    shown = c.next("knothole editor add",
                   [(b"Passphrase for keys/identity.age: ", PASS)])
    check(b"THE PASSPHRASE OPENS IT NO LONGER" in shown, shown)
    c.next("age-keygen -o")
    c.next("knothole editor add")
    for _ in range(2):
        shown = c.next("knothole editor list")
        check(b"  Ada" in shown and b"  Bob" in shown, shown)

    shown = c.next("knothole card verify")
    check(c.fingerprint.encode() in shown, shown)
    shown = c.next("knothole identity inspect")
    check(c.fingerprint.encode() in shown, "the same fingerprint")
    equal(len(re.findall(rb"^recipient ", shown, re.M)), 12, "months")
    check(b'any 3 of 5, set "' + name + b'"' in shown, shown)
    c.next("minisign -V")

    c.next("shred -u")
    c.next("rmdir")
    c.next("cp ")
    equal(sorted(os.listdir(os.path.join(c.reader.media, "stick"))),
          ["courier.token", "the-example-times.card",
           "the-example-times.card.minisig", "the-example-times.pub"],
          "for the server and the courier")
    c.next("cp ")
    c.next("knothole --vault vault init")

    # Everything but the paper and the copy is lost.
    sealed = c.reader.at("object.age")
    knothole("seal", "-r", c.reader.at("keys/the-example-times.card"), "-o",
             sealed, "-", data=b"from a source")
    for name in ("keys", "vault"):
        shutil.rmtree(c.reader.at(name))
    c.next("knothole recover", typed(c.pages(4, 5, 2)) +
           new_passphrase(RESTORED))
    shown = c.next("knothole identity inspect",
                   [(b"Passphrase for restored/identity.age: ", RESTORED)])
    check(c.fingerprint.encode() in shown, "the same newsroom")
    got = knothole("unseal", "-i", c.reader.at("restored/identity.age"),
                   "--passphrase-fd", "9", "-o", "-", sealed,
                   fds={9: RESTORED + b"\n"})
    equal(got.stdout, b"from a source", "opens")
    equal(c.todo, [], "every command was run")


@test("the document says what the program says")
def _():
    text = read(DOCUMENT).decode()
    for option in re.findall(r"`?--([a-z-]+)", text):
        helps = b"".join(
            knothole(*command, "--help").stdout for command in (
                ("keygen",), ("recover",), ("editor",), ("identity",),
                ("init",)))
        check(f"--{option}".encode() in helps or
              option in ("vault", "editor-key"), option)


if __name__ == "__main__":
    suite.run()
