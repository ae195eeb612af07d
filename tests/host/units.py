"""What deploy/ has for a host: units and how closed they are, users,
directories, the AppArmor profile. Each is read by the program it is for."""
import glob
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "system"))

from lib.drop import run, workplace
from lib.tap import Failure, Skip, Suite, check, equal

EXPOSURE_MAX = 0.5
DEPLOY = os.path.abspath("deploy")
UNITS = sorted(glob.glob(os.path.join(DEPLOY, "systemd", "*.service")))

suite = Suite()
place = workplace()


def need(program):
    if not shutil.which(program):
        raise Skip(f"{program} is not installed")


def read(*path):
    with open(os.path.join(DEPLOY, *path), encoding="utf-8") as f:
        return f.read()


def exposure(unit):
    done = run("systemd-analyze", "security", "--offline=true", unit)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)",
                      done.stdout.decode())
    if not found:
        raise Failure(done.stdout.decode() + done.stderr.decode())
    return float(found[1])


def written(name, text):
    path = os.path.join(place, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


@suite.test(f"systemd gives each unit an exposure of {EXPOSURE_MAX} at most")
def security():
    need("systemd-analyze")
    check(UNITS, "there are no units")
    for unit in UNITS:
        found = exposure(unit)
        suite.figure(f"{os.path.basename(unit)}: exposure {found}")
        check(found <= EXPOSURE_MAX, f"{unit}: {found}")


@suite.test("it notices when a unit is opened")
def notices():
    need("systemd-analyze")
    text = read("systemd", "knotholed.service")
    for line in ("User=knotholed", "PrivateNetwork=yes",
                 "CapabilityBoundingSet="):
        check(f"\n{line}\n" in text, f"no line {line}")
    for line in ("PrivateNetwork=yes", "CapabilityBoundingSet="):
        opened = written("opened.service", text.replace(f"\n{line}\n", "\n"))
        check(exposure(opened) > EXPOSURE_MAX, f"without {line}")


@suite.test("systemd understands every line of every unit")
def verify():
    need("systemd-analyze")
    for unit in UNITS:
        text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true",
                      re.sub(r"^Documentation=.*\n", "",
                             read("systemd", os.path.basename(unit)),
                             flags=re.M), flags=re.M)
        done = run("systemd-analyze", "verify", "--man=no",
                   written(os.path.basename(unit), text))
        said = [line for line in (done.stdout + done.stderr).decode(
            ).splitlines() if place in line or os.path.basename(unit) in line]
        equal(said, [], "what it says")
    broken = written("broken.service", "[Service]\nExecStart=/bin/true\n"
                     "NoSuchSetting=yes\n")
    done = run("systemd-analyze", "verify", "--man=no", broken)
    check(b"NoSuchSetting" in done.stderr, "it says nothing of a wrong line")


@suite.test("sysusers.d makes the users that the server looks for")
def users():
    need("systemd-sysusers")
    root = os.path.join(place, "users")
    os.makedirs(os.path.join(root, "etc"))
    done = run("systemd-sysusers", f"--root={root}",
               os.path.join(DEPLOY, "sysusers.d", "knotholed.conf"))
    equal(done.returncode, 0, done.stderr.decode())
    with open(os.path.join(root, "etc", "passwd"), encoding="utf-8") as f:
        made = {line.split(":")[0]: line.strip().split(":") for line in f}
    with open("server/keeper/users.c", encoding="utf-8") as f:
        wanted = set(re.findall(r'"(knotholed-\w+)"', f.read()))
    check(wanted and wanted < set(made), f"{wanted} of {set(made)}")
    check("knotholed" in made, "the unit's user")
    for name, fields in made.items():
        check(fields[6].endswith("nologin"), f"{name}: {fields}")
    equal(len({fields[2] for fields in made.values()}), len(made), "numbers")


@suite.test("tmpfiles.d makes the directories as the server wants them")
def directories():
    need("systemd-tmpfiles")
    if os.geteuid() != 0:
        raise Skip("needs root")
    root = os.path.join(place, "files")
    os.makedirs(os.path.join(root, "etc"))
    with open(os.path.join(root, "etc", "passwd"), "w",
              encoding="ascii") as f:
        f.write("root:x:0:0::/:\nknotholed:x:901:901::/:\n")
    with open(os.path.join(root, "etc", "group"), "w", encoding="ascii") as f:
        f.write("root:x:0:\nknotholed:x:901:\ndebian-tor:x:902:\n")
    done = run("systemd-tmpfiles", f"--root={root}", "--create",
               os.path.join(DEPLOY, "tmpfiles.d", "knotholed.conf"))
    equal(done.returncode, 0, done.stderr.decode())
    for name, wanted in {"run/knothole": (901, 902, 0o2750),
                         "var/lib/knothole": (901, 901, 0o700),
                         "etc/knothole/newsrooms": (0, 0, 0o755)}.items():
        found = os.stat(os.path.join(root, name))
        equal((found.st_uid, found.st_gid, found.st_mode & 0o7777), wanted,
              name)


@suite.test("the AppArmor profile is one")
def apparmor():
    need("apparmor_parser")
    path = os.path.join(DEPLOY, "apparmor", "knotholed")
    command = ("apparmor_parser", "-Q", "--skip-kernel-load", "-K")
    done = run(*command, path)
    equal(done.returncode, 0, done.stderr.decode())
    done = run(*command, written("broken", read("apparmor", "knotholed")
                                 .replace("capability kill,",
                                          "capability of_flight,")))
    check(done.returncode != 0, "a broken one is taken")


@suite.test("profile, unit and documents speak of the same places")
def places():
    unit = read("systemd", "knotholed.service")
    profile = read("apparmor", "knotholed")
    tmpfiles = read("tmpfiles.d", "knotholed.conf")
    example = read("knotholed.conf.example")
    for where in ("/var/lib/knothole", "/run/knothole"):
        for name, text in (("unit", unit), ("profile", profile),
                           ("tmpfiles", tmpfiles), ("example", example)):
            check(where in text, f"no {where} in {name}")
    check("AppArmorProfile=-knotholed\n" in unit, "the unit's profile")
    check("\nprofile knotholed " in profile, "the profile's name")


suite.run()
