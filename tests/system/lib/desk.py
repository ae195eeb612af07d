"""Newsrooms' desks with their vaults, sources without a server, and sticks."""
import json
import os
import shutil
import subprocess

from lib.drop import BUILD, DESK, Newsroom, run, without_warning
from lib.tap import Failure, equal

MKOBJECT = os.path.join(BUILD, "tests", "mkobject")
MKANSWER = os.path.join(BUILD, "tests", "mkanswer")
# docs/FORMAT.md, section 7: three return codes, and the salt of its vectors.
SALT = bytes(range(16))
CODES = (
    "abacus abacus abacus abacus abacus abacus abacus variably",
    "abdomen abdominal abide abiding ability ablaze able diagnosis",
    "zoom zoom zoom zoom zoom zoom zoom hamstring",
)
MAILBOXES = (
    "eaab20bf5b3140e6f8ee918d9c4aec50",
    "5aa6c1b6faee5bf6c37ed3f2e7062965",
    "d5274d4ba969fb6543f8bb62b1640578",
)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)
    return path


def tree(path):
    """{relative path: bytes} of all regular files below."""
    found = {}
    for where, _, names in os.walk(path):
        for name in names:
            full = os.path.join(where, name)
            if os.path.isfile(full) and not os.path.islink(full):
                found[os.path.relpath(full, path)] = read(full)
    return found


class Stick:
    def __init__(self, path):
        self.path = path
        self.top = os.path.join(path, "knothole-stick")
        os.makedirs(os.path.join(self.top, "objects"))

    def at(self, *parts):
        return os.path.join(self.top, *parts)

    def object(self, number):
        """Where object `number` is; its id is the number in hex."""
        return self.at("objects", f"{number:032x}.age")

    def replies(self):
        try:
            return sorted(os.listdir(self.at("replies")))
        except FileNotFoundError:
            return []

    def collected(self):
        return read(self.at("collected.txt")).decode().splitlines()


class World:
    """A place with newsrooms, their vaults, and what sources sent."""

    def __init__(self, base):
        self.base = base
        self.salt = write(os.path.join(base, "salt"), SALT)
        self.n = 0

    def path(self, name):
        self.n += 1
        return os.path.join(self.base, f"{self.n:03d}-{name}")

    def stick(self):
        return Stick(self.path("stick"))

    def newsroom(self, name="The Example Times", *options):
        return Newsroom(self.path("keys"), name, *options)

    def desk(self, newsroom=None, **options):
        return Desk(self.path("vault"), newsroom or self.newsroom(), **options)

    def file(self, data, name="file"):
        return write(self.path(name), data)

    def mk(self, out, *rooms, message=None, files=(), source=None, cut=False,
           names=(), day=None, many=None):
        """A sealed object, as a server makes it; `source` numbers a code."""
        command = [MKOBJECT]
        for room in rooms:
            command += ["-r", room.recipient]
        if message is not None:
            command += ["-m", self.file(message, "message")]
        if source is not None:
            command += ["--code", CODES[source], "--salt", self.salt]
        for name in names:
            command += ["-n", name]
        command += ["--cut"] if cut else []
        command += ["--day", day] if day else []
        command += ["--many", str(many)] if many else []
        done = run(*command, out, *files)
        if done.returncode != 0:
            raise Failure(f"mkobject: {done.stderr}")
        return out

    def answer(self, path, newsroom, source, number):
        """(kind, day, text) of a sealed answer, as its source reads it."""
        done = run(MKANSWER, "--read", path, "--salt", self.salt, "--code",
                   CODES[source], "--identity", newsroom.identity,
                   "--number", str(number))
        if done.returncode != 0:
            raise Failure(f"answer {number}: {done.stderr}")
        first, _, text = done.stdout.partition(b"\n")
        kind, day = first.decode().split(" ")
        return kind, day, text


class Desk:
    def __init__(self, vault, newsroom, init=True, environment=False):
        self.vault = vault
        self.newsroom = newsroom
        self.environment = environment
        if init:
            self.run("init", "-i", newsroom.identity, "--card", newsroom.card)

    def command(self, *arguments):
        if self.environment:
            return [*DESK, *arguments]
        return [*DESK, "--vault", self.vault, *arguments]

    def run(self, *arguments, expect=0, data=None, **options):
        if self.environment:
            options["env"] = {**os.environ, "KNOTHOLE_VAULT": self.vault}
        done = subprocess.run(
            self.command(*arguments), capture_output=True, check=False,
            timeout=300, input=data,
            stdin=subprocess.DEVNULL if data is None else None, **options)
        done.stderr = without_warning(done.stderr)
        if expect is not None:
            equal(done.returncode, expect,
                  f"{' '.join(map(str, arguments))[:200]}: "
                  f"{done.stderr[-800:]}")
        return done

    def json(self, *arguments, expect=0):
        done = self.run(*arguments, expect=expect)
        lines = done.stdout.splitlines()
        equal(len(lines), 1, f"one line: {done.stdout[:200]}")
        equal(lines[0].isascii(), True, "ASCII")
        return json.loads(lines[0])

    def imported(self, stick, expect=0):
        return self.json("import", "--json", stick.path, expect=expect)

    def inbox(self):
        return self.json("inbox", "--json")

    def threads(self):
        """{mailbox: its line of the inbox}"""
        return {t["mailbox"]: t for t in self.inbox()["threads"]}

    def alias(self, source):
        return self.threads()[MAILBOXES[source]]["alias"]

    def show(self, thread, expect=0):
        return self.json("show", "--json", thread, expect=expect)

    def object_path(self, number):
        return os.path.join(self.vault, "objects", f"{number:032x}.age")

    def index(self):
        """The JSON in the index, opened with stock age."""
        if shutil.which("age") is None:
            return None
        done = run("age", "-d", "-i", self.newsroom.identity,
                   os.path.join(self.vault, "index.age"))
        equal(done.returncode, 0, f"age -d: {done.stderr}")
        return json.loads(done.stdout)

    def put_index(self, index):
        """Seal another index to the newsroom: what anybody could do."""
        path = os.path.join(self.vault, "index.age")
        os.unlink(path)
        subprocess.run(
            ["age", "-r", self.newsroom.recipient, "-o", path],
            input=index if isinstance(index, bytes)
            else json.dumps(index).encode(), check=True)

    def check(self, objects, sources=None):
        """The vault is whole: every object as it was, one receipt for each
        that was opened, slots without gaps, the log's chain."""
        for path, data in objects.items():
            inside = os.path.join(self.vault, "objects",
                                  os.path.basename(path))
            equal(read(inside) == data, True, f"{path} is as it came")
        self.run("log", "--verify")
        for thread in self.inbox()["threads"]:
            items = self.show(thread["mailbox"])["items"]
            numbers = [i["number"] for i in items if "number" in i]
            equal(sorted(numbers), list(range(len(numbers))), "slots")
            receipts = [i for i in items if i["kind"] == "received"]
            messages = [i for i in items if i["kind"] == "message"]
            equal(len(receipts), len(messages), "receipts")
        names = os.listdir(os.path.join(self.vault, "objects"))
        equal([n for n in names if not n.startswith(".part-")
               and len(n) != 36], [], "names in objects/")
