"""The AppArmor profile against what the service does: everything that strace
shows its processes to open, make, link, run or connect to must be allowed by a
rule, whether this kernel has AppArmor or not."""
import glob
import os
import re
import shutil
import sys

from machine import admin
from machine.admin import follow, inside
from machine.machine import Machine
from machine.profile import ETC, Profile

from lib.drop import Newsroom, workplace
from lib.pgp import Person, add_key
from lib.tap import Suite, check, equal
from lib.wire import Form, Wire, get

PROFILE = os.path.abspath("deploy/apparmor/knotholed")
SOCKET = "/run/knothole/source.sock"
TRACE = "/run/traced"
CONFIG = f"""source_listen = unix:{SOCKET}
courier_listen = unix:/run/knothole/courier.sock
store = /var/lib/knothole/store
state = /var/lib/knothole/state
newsrooms = /etc/knothole/newsrooms
health = /run/knothole/health
allow_swap = yes
"""
# The unit, but for what it takes away, and under strace, which is root as the
# processes hide from everybody else.
UNIT = f"""[Service]
Type=notify
NotifyAccess=all
LimitMEMLOCK=128M
UMask=0077
ExecStart=/usr/bin/strace -ff -y -s 4096 -o {TRACE}/t -u knotholed \
-e trace=%%file,bind,connect,sendto,sendmsg,mmap,fchmod,fchown \
/usr/sbin/knotholed -c /etc/knothole/knotholed.conf
"""

for program in ("strace", "systemctl", "gpg"):
    if not shutil.which(program):
        print(f"1..0 # skip {program} is not installed")
        sys.exit(0)
if not os.path.exists(f"{ETC}/abstractions/base"):
    print("1..0 # skip apparmor is not installed")
    sys.exit(0)

suite = Suite()
machine = Machine()
desk = workplace()
newsroom = Newsroom(os.path.join(desk, "keys"), "The Example Times")
person = Person(os.path.join(desk, "person"))
person.make("times")
add_key(newsroom, person.export("times", os.path.join(desk, "times.pgp")))


def prepare():
    admin.prepare(machine, [])
    follow(machine, f"mkdir {TRACE}")
    for name, data in (("/etc/knothole/knotholed.conf", CONFIG),
                       ("/run/systemd/system/knotholed.service", UNIT)):
        os.makedirs(os.path.dirname(inside(machine, name)), exist_ok=True)
        with open(inside(machine, name), "w", encoding="utf-8") as f:
            f.write(data)
    os.makedirs(inside(machine, "/etc/knothole/newsrooms"), exist_ok=True)
    shutil.copy(newsroom.card, inside(machine, "/etc/knothole/newsrooms"))
    follow(machine, "systemctl daemon-reload")


def visit(data, to=SOCKET):
    link = os.path.join(desk, os.path.basename(to))
    if not os.path.islink(link):
        os.symlink(inside(machine, to), link)
    with Wire(link) as wire:
        wire.offer([data])
        return wire.response()


def fetch(path):
    return visit(f"GET {path} HTTP/1.1\r\nHost: drop\r\nAuthorization: "
                 f"Bearer {newsroom.token}\r\n\r\n".encode(),
                 "/run/knothole/courier.sock")


@suite.test("it runs under strace: a page, a submission, a courier, its end")
def run_it():
    prepare()
    follow(machine, "systemctl start knotholed")
    page = visit(get("/en/send?plain=1")).text()
    token = re.search(r'name="token" value="([^"]*)"', page)[1]
    form = Form(token).field("message", "seen")
    answer = visit(form.head(length=form.length()) + b"".join(form.pieces))
    equal(answer.state, "sealed", "answer")
    listed = fetch("/v1/objects?limit=10")
    equal(listed.status, 200, "the courier's list")
    identity = re.search(r'"id": ?"([^"]+)"', listed.text())[1]
    equal(fetch(f"/v1/objects/{identity}").status, 200, "the object")
    follow(machine, "knotholed-health --wait 60")
    follow(machine, "systemctl stop knotholed")


PLACE = r'(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"'


def whole(directory, name):
    return os.path.normpath(os.path.join(directory or "/", name))


def reads(flags):
    """The rights that an open with these flags needs."""
    wanted = set()
    if "O_PATH" in flags:
        return wanted
    if "O_RDWR" in flags or "O_WRONLY" in flags or "O_CREAT" in flags:
        wanted.add("w")
    if "O_WRONLY" not in flags:
        wanted.add("r")
    return wanted


def opened(line):
    m = re.search(r"\bopenat2?\(.*, (?:\{flags=)?([A-Z_|]*O_[A-Z_|]+).* = "
                  r"\d+<(/[^>]*)>(\(deleted\))?", line)
    if not m:
        return
    path = m[2]
    if "O_DIRECTORY" in m[1] and "__O_TMPFILE" not in m[1] and \
            "O_TMPFILE" not in m[1]:
        path += "/"
    yield path, reads(m[1].split("|"))


def program(path):
    """AppArmor sees where links lead."""
    if path == "/proc/self/exe":
        return "/usr/sbin/knotholed"
    return os.path.realpath(path)


def named(line):
    call = line.split("(")[0].split()[-1]
    places = [whole(*m.groups()) for m in re.finditer(PLACE, line)]
    if call.startswith("mkdir"):
        yield places[0] + "/", {"w"}
    elif call.startswith("unlink"):
        yield places[0] + ("/" if "AT_REMOVEDIR" in line else ""), {"w"}
    elif call.startswith("rename"):
        yield places[0], {"r", "w"}
        yield places[1], {"w"}
    elif call.startswith("link"):
        yield places[1], {"l", "w"}
    elif call.startswith("execve"):
        yield program(places[0]), {"r", "x"}
    elif call in ("bind", "connect", "sendto", "sendmsg"):
        m = re.search(r'sun_path="(/[^"]*)"', line)
        if m:
            yield m[1], {"w"} if call == "bind" else {"r", "w"}
    elif call == "mmap":
        m = re.search(r"PROT_EXEC, .*, \d+<(/[^>]*)>", line)
        if m:
            yield m[1], {"m"}
    elif call in ("fchmod", "fchown"):
        m = re.search(r"\(\d+<(/[^>]*)>", line)
        if m:
            yield m[1], {"w"}
    elif call in ("chmod", "fchmodat", "chown", "fchownat", "lchown"):
        yield places[0], {"w"}


def accesses():
    """{(path, rights)} of what succeeded."""
    found = {}
    for name in glob.glob(inside(machine, f"{TRACE}/t.*")):
        with open(name, encoding="utf-8", errors="surrogateescape") as f:
            for line in f:
                if " = -1 " in line or not re.match(r"\w+\(", line):
                    continue
                for path, rights in (*opened(line), *named(line)):
                    found.setdefault(path, set()).update(rights)
    return found


def refused(profile, seen):
    return {path: "".join(sorted(lacks)) for path, rights in seen.items()
            if (lacks := profile.lacks(path, rights))}


@suite.test("the profile allows everything that was seen")
def allowed():
    seen = accesses()
    suite.figure(f"{len(seen)} paths, in "
                 f"{len(glob.glob(inside(machine, TRACE + '/t.*')))} processes")
    for path, rights in (("/usr/sbin/knotholed", {"x", "r"}),
                         ("/usr/bin/gpg", {"x"}),
                         ("/etc/knothole/knotholed.conf", {"r"}),
                         (SOCKET, {"w"}), ("/run/systemd/notify", {"r", "w"})):
        check(rights <= seen.get(path, set()), f"not seen: {path}: {rights}")
    check(any(path.startswith("/var/lib/knothole/store/objects/") and
              "l" in rights for path, rights in seen.items()), "no object")
    equal(refused(Profile(PROFILE), seen), {}, "what it would refuse")


@suite.test("each rule that the profile loses is missed, if it is used")
def noticed():
    seen = accesses()
    for line in ("/etc/knothole/** r,", "/var/lib/knothole/** rwlk,",
                 "/usr/bin/gpg mrix,", "/run/knothole/** rw,",
                 "/run/systemd/notify rw,", "@{PROC}/swaps r,"):
        with open(PROFILE, encoding="utf-8") as f:
            text = f.read()
        check(f"\n  {line}\n" in text, f"no rule {line}")
        path = os.path.join(desk, "less")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace(f"\n  {line}\n", "\n"))
        check(refused(Profile(path), seen), f"not missed: {line}")


@suite.test("and does not allow what it is to keep out")
def kept_out():
    profile = Profile(PROFILE)
    for path, rights in (("/etc/shadow", "r"), ("/root/.gnupg/x", "r"),
                         ("/var/lib/tor/knothole-source/hostname", "r"),
                         ("/etc/knothole/knotholed.conf", "w"),
                         ("/usr/sbin/knotholed", "w"), ("/bin/sh", "x"),
                         ("/var/log/syslog", "w"), ("/tmp/a", "w"),
                         ("/var/lib/knothole/store/a", "m")):
        equal(profile.lacks(path, rights), {rights}, f"{path}: lacking")


suite.run()
