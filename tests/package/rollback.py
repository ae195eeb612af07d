#!/usr/bin/env python3
"""An upgrade to what does not work, under systemd, by apt: it is said aloud, and
the way back that docs/operations.md has leads back."""
import os
import shutil
import sys

from place import ROOT, Suite, done, equal, one, read, version

sys.path.insert(0, os.path.join(ROOT, "tests", "host"))
from machine import admin  # noqa: E402
from machine.machine import Machine  # noqa: E402
from lib.drop import Newsroom, workplace  # noqa: E402
from lib.tap import check  # noqa: E402

DOCUMENT = "docs/operations.md"
NEW = version() + "+broken1"

for program in ("tor", "systemctl", "dpkg-deb"):
    if not shutil.which(program):
        print(f"1..0 # skip {program} is not installed")
        sys.exit(0)
suite = Suite()
machine = Machine()
desk = workplace()
newsroom = Newsroom(os.path.join(desk, "keys"), "The Example Times")


def commands():
    """Those of the update, and those of the way back, without the backup."""
    arch = done("dpkg", "--print-architecture").strip()
    lines = [line.replace("NEW_amd64", f"{NEW}_{arch}")
             .replace("EARLIER_amd64", f"{version()}_{arch}")
             for line in admin.indented(DOCUMENT, "Updating")]
    back = next(i for i, line in enumerate(lines) if "downgrades" in line)
    return lines[1:back], lines[back:]


def broken():
    """The package, of a later version, with a program that only ends."""
    tree = os.path.join(desk, "tree")
    done("dpkg-deb", "-R", one("knotholed"), tree)
    control = os.path.join(tree, "DEBIAN", "control")
    text = read(control)
    with open(control, "w", encoding="utf-8") as f:
        f.write(text.replace(f"Version: {version()}\n", f"Version: {NEW}\n"))
    with open(os.path.join(tree, "usr/sbin/knotholed"), "w",
              encoding="ascii") as f:
        # Such a status is not tried again: nothing waits here.
        f.write("#!/bin/sh\nexit 78\n")
    made = os.path.join(desk, os.path.basename(one("knotholed")).replace(
        version(), NEW))
    done("dpkg-deb", "-b", tree, made)
    return made


def enter(line):
    """It may fail; status, and all that it says."""
    ended = machine.enter("bash", "-c", f"cd /root; {line}")
    return ended.returncode, (ended.stdout + ended.stderr).decode()


@suite.test("installed by apt, set up and started; and well")
def _():
    for name in ("/etc/knothole", "/var/lib/knothole", "/usr/sbin/policy-rc.d"):
        path = machine.path(name)
        (shutil.rmtree if os.path.isdir(path) else
         lambda p: os.path.exists(p) and os.unlink(p))(path)
    machine.boot()
    for path in (one("knotholed"), broken(), newsroom.card):
        shutil.copy(path, admin.inside(machine, "/root"))
    admin.follow(machine, "apt-get install -y "
                 f"./{os.path.basename(one('knotholed'))}")
    admin.follow(machine, "knotholed setup --non-interactive --site-name Drop "
                 f"--no-courier --card {os.path.basename(newsroom.card)}")
    admin.allow_swap(machine)
    admin.follow(machine, "systemctl enable --now knotholed; "
                 "knotholed-health --wait 60")


@suite.test("an upgrade to what does not start says so, and health does")
def _():
    update, _ = commands()
    status, said = enter(update[0])
    equal(status, 0, said)
    check("KNOTHOLED IS NOT WELL AFTER THIS UPGRADE" in said, said)
    check(f"--allow-downgrades ./knotholed_{version()}_" in said, said)
    check("knotholed-health --wait 60" in update, f"{update}")
    equal(enter("knotholed-health --wait 1")[0], 69, "health")
    equal(enter("dpkg --audit"), (0, ""), "dpkg --audit")


@suite.test("the way back leads back, and everything is as it was")
def _():
    salt = admin.inside(machine, "/var/lib/knothole/state/instance.salt")
    with open(salt, "rb") as f:
        before = f.read()
    _, back = commands()
    for line in back:
        status, said = enter(line)
        equal(status, 0, f"{line}: {said}")
    check("selftest = ok\n" in said, said)
    check("NOT WELL" not in said, said)
    equal(enter("knotholed --version")[1].split()[:2],
          ["knotholed", version()], "version")
    with open(salt, "rb") as f:
        equal(f.read(), before, "the salt")


suite.run()
