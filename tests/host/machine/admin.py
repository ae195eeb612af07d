"""What an administrator does in a machine: read a document, and follow it."""
import os
import re
import shutil

from lib.drop import BUILD, run
from lib.tap import Failure, equal


def section(document, title):
    with open(document, encoding="utf-8") as f:
        text = f.read()
    part = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text,
                     re.M | re.S)
    if not part:
        raise Failure(f"no section {title} in {document}")
    return part[1]


def fenced(document, title):
    """The lines of a section's blocks of sh."""
    blocks = re.findall(r"^```sh\n(.*?)^```", section(document, title),
                        re.M | re.S)
    return [line for block in blocks for line in block.splitlines() if line]


def indented(document, title):
    """The lines of a section's indented blocks, also of those in lists."""
    return re.findall(r"^ {4,}(\S.*)$", section(document, title), re.M)


def inside(machine, path):
    return f"/proc/{machine.init}/root{path}"


def follow(machine, command, status=0):
    done = machine.enter("bash", "-ec", f"cd /root; {command}")
    if done.returncode != status:
        journal = machine.enter("journalctl", "-n", "30", "--no-pager")
        raise Failure(f"{command}: {done.returncode}: "
                      f"{done.stdout.decode()}{done.stderr.decode()}"
                      f"{journal.stdout.decode()}")
    return done.stdout.decode()


def prepare(machine, cards):
    """What the packages bring, from make install; an own, empty tor; a stick
    with cards."""
    done = run("make", "install", f"DESTDIR={machine.root}", "PREFIX=/usr",
               f"BUILD={os.path.relpath(BUILD)}")
    equal(done.returncode, 0, done.stderr.decode()[-2000:])
    for name in ("/etc/knothole", "/var/lib/knothole"):
        shutil.rmtree(machine.path(name), ignore_errors=True)
    for name in os.listdir(machine.path("/var/lib/tor")):
        shutil.rmtree(machine.path(f"/var/lib/tor/{name}"),
                      ignore_errors=True)
    machine.inside("systemd-sysusers", "knotholed.conf")
    os.makedirs(machine.path("/etc/apparmor.d/local"), exist_ok=True)
    os.makedirs(machine.path("/media/stick"), exist_ok=True)
    for card in cards:
        shutil.copy(card, machine.path("/media/stick"))
    machine.boot()
    follow(machine, "systemd-tmpfiles --create knotholed.conf")


def allow_swap(machine):
    """Of whatever machine this runs on."""
    with open("/proc/swaps", encoding="ascii") as f:
        if len(f.readlines()) > 1:
            follow(machine, "grep -q ^allow_swap /etc/knothole/knotholed.conf "
                   "|| echo allow_swap = yes >>/etc/knothole/knotholed.conf")
