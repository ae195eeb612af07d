"""docs/operations.md, as an administrator follows it: every command of its
blocks, in the order in which they stand there, on one host and then on another.
What fetches packages has a stand-in; everything else is run."""
import os
import re
import shutil

from machine import admin
from machine.admin import follow, indented, inside
from machine.machine import Machine

from lib.drop import Newsroom, run, workplace
from lib.tap import Suite, check, equal
from lib.wire import Form, Wire, get

DOCUMENT = "docs/operations.md"
SOURCE = "/var/lib/tor/knothole-source"
OBJECTS = "/var/lib/knothole/store/objects"

suite = Suite()
for program in ("tor", "age", "age-keygen"):
    if not shutil.which(program):
        print(f"1..0 # skip {program} is not installed")
        raise SystemExit(0)
old = Machine()
new = Machine()
desk = workplace()
newsroom = Newsroom(os.path.join(desk, "keys"), "The Times")
followed = []


def step(machine, line):
    """A line of the document, with its names filled in."""
    followed.append(line)
    with open(os.path.join(desk, "identity.txt"), encoding="ascii") as f:
        recipient = re.search(r"age1\w+", f.read())[0]
    if line.startswith("apt-get "):
        return ""
    return follow(machine, line.replace("age1...", recipient))


def steps(machine, title, first=0, last=None):
    lines = indented(DOCUMENT, title)[first:last]
    check(lines, f"no commands in {title}")
    return [step(machine, line) for line in lines]


def visit(machine, data):
    link = os.path.join(desk, f"s{machine.init}")
    if not os.path.islink(link):
        os.symlink(inside(machine, "/run/knothole/source.sock"), link)
    with open(inside(machine, f"{SOURCE}/hostname"), "rb") as f:
        onion = f.read().strip()
    with Wire(link) as wire:
        wire.offer([b"PROXY TCP6 fc00:dead:beef:4dad::0:1d ::1 29 80\r\n"
                    + data.replace(b"drop.example", onion)])
        return wire.response()


def post(machine, message):
    page = visit(machine, get("/en/send?plain=1")).text()
    token = re.search(r'name="token" value="([^"]*)"', page)[1]
    form = Form(token).field("message", message)
    return visit(machine, form.head(length=form.length())
                 + b"".join(form.pieces))


def objects(machine):
    return sorted(n for n in os.listdir(inside(machine, OBJECTS))
                  if n.endswith(".age"))


@suite.test("a host as docs/install.md makes one, and a submission")
def begin():
    run("age-keygen", "-o", os.path.join(desk, "identity.txt"))
    admin.prepare(old, [newsroom.card])
    shutil.copy(os.path.join(desk, "identity.txt"),
                inside(old, "/root/identity.txt"))
    lines = admin.fenced("docs/install.md", "The server")
    setups = [i for i, line in enumerate(lines)
              if line.startswith("knotholed setup")]
    for line in lines[setups[0]:]:
        if "enable" in line:
            admin.allow_swap(old)
        follow(old, line)
    equal(post(old, "before").state, "sealed", "answer")


@suite.test("monitoring: the command, and what it says of a good host")
def monitoring():
    title = "Each day, by a machine: monitoring without logs"
    said, = steps(old, title)
    check("selftest = ok\n" in said, said)


@suite.test("backups: made, checked, and tried in a directory")
def backups():
    steps(old, "Backups: what they are for, and making one")
    equal(sorted(os.listdir(inside(old, "/root"))).count("site-keys.backup"),
          1, "the first")
    tried = os.listdir(inside(old, "/tmp/tried"))
    check("store" in tried and "onion-source" not in tried, f"{tried}")


@suite.test("an update, and the way back")
def update():
    before = objects(old)
    said = steps(old, "Updating")
    check(any("selftest = ok" in text for text in said), said)
    check(any(text.startswith("knotholed ") for text in said), said)
    equal(objects(old), before, "objects")


@suite.test("the drill finds nothing but what the list has, and a copy once there "
            "is one")
def drill():
    line, = indented(DOCUMENT, "Each month: the seizure drill")
    followed.append(line)
    said = follow(old, line)  # and it ends with 0
    suite.figure(said.strip().splitlines()[-1][:70])
    copy = "/etc/knothole/knotholed.conf.bak"
    follow(old, f"cp -p /etc/knothole/knotholed.conf {copy}")
    said = follow(old, f"! {line}")
    check(copy in said, said)
    follow(old, f"rm {copy} /root/*.backup /root/identity.txt; rm -r /tmp/tried")


@suite.test("to another host: nothing served meanwhile, and the same address")
def move():
    title = "Moving to another host"
    lines = indented(DOCUMENT, title)
    here = next(i for i, line in enumerate(lines) if "disable" in line)
    there = next(i for i, line in enumerate(lines) if "-restore" in line)
    with open(inside(old, f"{SOURCE}/hs_ed25519_secret_key"), "rb") as f:
        key = f.read()
    before = objects(old)
    admin.prepare(new, [])
    steps(new, title, 0, here)
    steps(old, title, here, there)
    for unit in ("tor@default", "knotholed"):
        equal(old.show(unit, "ActiveState"), "inactive", unit)
    shutil.copy(inside(old, "/root/move.backup"),
                inside(new, "/root/move.backup"))
    shutil.copy(os.path.join(desk, "identity.txt"),
                inside(new, "/media/stick/identity.txt"))
    steps(new, title, there)
    with open(inside(new, f"{SOURCE}/hs_ed25519_secret_key"), "rb") as f:
        equal(f.read(), key, "the onion key")
    for unit in ("tor@default", "knotholed"):
        equal(new.show(unit, "ActiveState"), "active", unit)
    equal(new.ctl("is-enabled", "knotholed").stdout, b"enabled\n",
          "at the next boot")
    equal(objects(new), before, "objects")
    equal(post(new, "after").state, "sealed", "answer")


@suite.test("the old disk: the drill tells what is on it")
def old_disk():
    said = follow(old, "knotholed drill || true")
    for word in ("onion", "salt"):
        check(word in said, f"no {word}: {said}")


@suite.test("seized: the same cards and objects, another address")
def seized():
    with open(inside(new, f"{SOURCE}/hostname"), encoding="ascii") as f:
        before = f.read().strip()
    kept = objects(old)
    follow(new, "systemctl disable --now tor knotholed; rm -rf "
           "/var/lib/tor/knothole-* /var/lib/knothole /etc/knothole; "
           "systemd-tmpfiles --create knotholed.conf; "
           "mv move.backup site.backup")
    said = "".join(steps(new, "A new address"))
    with open(inside(new, f"{SOURCE}/hostname"), encoding="ascii") as f:
        onion = f.read().strip()
    check(onion != before, "the old address")
    check(f"http://{onion}" in said, f"the new address is not said: {said}")
    follow(new, "knotholed-health --wait 30")
    equal(objects(new), kept, "objects")
    equal(post(new, "at the new address").state, "sealed", "answer")


@suite.test("each command of the document's blocks was followed")
def whole():
    with open(DOCUMENT, encoding="utf-8") as f:
        lines = re.findall(r"^ {4,}(\S.*)$", f.read(), re.M)
    equal([line for line in lines if line not in followed], [], "left out")
    suite.figure(f"{len(lines)} commands")


suite.run()
