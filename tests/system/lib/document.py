"""The commands of a document, run as somebody would who reads it: in a shell,
at a terminal, in an own directory, one after the other."""
import os
import re

from lib.desk import read
from lib.drop import BUILD, without_warning
from lib.tap import check, equal
from lib.terminal import converse

# What is not there where tests run: a printer. What must be told that this is a
# rehearsal: the offline tool.
WRAPPERS = {
    "knothole": f'exec "{BUILD}/bin/knothole" --i-am-online "$@"',
    "knothole-courier": f'exec "{BUILD}/bin/knothole-courier" "$@"',
    "lp": 'for page in "$@"; do cp "$page" "$PRINTED/" || exit 1; done',
}


def commands(path):
    """Every line of every block of commands, in order."""
    blocks = re.findall(r"^ *```\n(.*?)^ *```$", read(path).decode(),
                        re.M | re.S)
    return [line.strip() for block in blocks for line in block.splitlines()]


class Reader:
    def __init__(self, base, **replaced):
        self.base = base
        self.media = os.path.join(base, "media")
        self.work = os.path.join(base, "work")
        self.printed = os.path.join(base, "printed")
        self.bin = os.path.join(base, "bin")
        for path in (self.media, self.work, self.printed, self.bin):
            os.makedirs(path)
        for name in ("ada", "bob", "stick", "copy"):
            os.mkdir(os.path.join(self.media, name))
        for name, text in WRAPPERS.items():
            script = os.path.join(self.bin, name)
            with open(script, "w", encoding="utf-8") as f:
                f.write(f"#!/bin/sh\n{text}\n")
            os.chmod(script, 0o755)
        self.replaced = {"/media/": self.media + "/", **replaced}
        self.answers = []  # (what is shown, what is typed then)
        self.said = b""

    def at(self, *parts):
        return os.path.join(self.work, *parts)

    def run(self, command, answers=(), limit=120):
        """Type a command; what the terminal showed. It must succeed."""
        for text, instead in self.replaced.items():
            command = command.replace(text, instead)

        def begin():
            os.chdir(self.work)
            os.environ.update(PRINTED=self.printed,
                              PATH=self.bin + ":" + os.environ["PATH"])
            os.execvp("bash", ["bash", "-c", command])

        status, shown, todo = converse(begin, answers, limit, command)
        shown = without_warning(shown.replace(b"\r\n", b"\n"))
        equal(status, 0, f"{command}: {shown[-800:]}")
        equal(todo, [], f"{command}: asked for everything: {shown[-800:]}")
        check(b"AGE-SECRET-KEY" not in shown, f"{command}: shows no key")
        return shown
