"""The unit as systemd itself starts it: in a machine of its own, with all that
the unit takes away, the service seals, answers to tor's user, is watched, and
ends in order."""
import json
import os
import re
import signal

from machine.machine import Machine

from lib.drop import (DESK, KNOTHOLED, Newsroom, at_end, processes, run,
                      workplace)
from lib.pgp import Person, add_key
from lib.tap import Skip, Suite, check, equal, wait_for
from lib.wire import Form, Wire, get

UNIT = "knotholed.service"
SOCKET = "/run/knothole/source.sock"
CONFIG = f"""source_listen = unix:{SOCKET}
courier_listen = unix:/run/knothole/courier.sock
store = /var/lib/knothole/store
state = /var/lib/knothole/state
newsrooms = /etc/knothole/newsrooms
health = /run/knothole/health
allow_swap = yes
"""

suite = Suite()
machine = Machine()
desk = workplace()
newsroom = Newsroom(os.path.join(desk, "keys"), "The Example Times")
# With an OpenPGP key, so that gpg is run as well.
other = Newsroom(os.path.join(desk, "other"), "Zeitung")
person = Person(os.path.join(desk, "person"))
person.make("zeitung")
add_key(other, person.export("zeitung", os.path.join(desk, "zeitung.pgp")))


def prepare():
    machine.install(KNOTHOLED, "/usr/sbin/knotholed", 0o755)
    machine.install("deploy/systemd/knotholed.service",
                    "/etc/systemd/system/knotholed.service")
    machine.install("deploy/sysusers.d/knotholed.conf",
                    "/usr/lib/sysusers.d/knotholed.conf")
    machine.install("deploy/tmpfiles.d/knotholed.conf",
                    "/usr/lib/tmpfiles.d/knotholed.conf")
    with open(machine.path("/etc/group"), "r+", encoding="utf-8") as f:
        if "\ndebian-tor:" not in f.read():
            f.write("debian-tor:x:60999:\n")
    done = machine.inside("systemd-sysusers", "knotholed.conf")
    equal(done.returncode, 0, done.stderr.decode())
    machine.install("deploy/knotholed-health", "/usr/sbin/knotholed-health",
                    0o755)
    # What debhelper adds to it is for dpkg.
    machine.install("debian/knotholed.postinst", "/usr/sbin/postinst", 0o755)
    machine.install(newsroom.card, "/etc/knothole/newsrooms/times.card")
    machine.install(other.card, "/etc/knothole/newsrooms/zeitung.card")
    with open(machine.path("/etc/knothole/knotholed.conf"), "w",
              encoding="utf-8") as f:
        f.write(CONFIG)
    machine.boot()
    done = machine.enter("systemd-tmpfiles", "--create", "knotholed.conf")
    equal(done.returncode, 0, done.stderr.decode())


prepare()


def main_pid():
    """Of the keeper, as this side of the namespaces numbers it."""
    inner = machine.show(UNIT, "MainPID")
    for pid in descendants(machine.init):
        try:
            if status_of(pid)["NSpid"].split()[-1] == inner:
                return pid
        except FileNotFoundError:
            continue  # it has just ended
    return None


def descendants(pid):
    found = list(processes(pid))
    for child in list(found):
        found += descendants(child)
    return found


def roles():
    """{name: pid}"""
    return {name: pid for pid, name in processes(main_pid()).items()}


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return dict(re.findall(r"^(\w+):\t(.*)$", f.read(), re.M))


def visit(data):
    path = f"/proc/{machine.init}/root{SOCKET}"
    link = os.path.join(desk, "s")  # sun_path is short
    if not os.path.islink(link):
        os.symlink(path, link)
    with Wire(link) as wire:
        wire.offer([data])
        return wire.response()


def post(message):
    page = visit(get("/en/send?plain=1")).text()
    token = re.search(r'name="token" value="([^"]*)"', page)[1]
    form = Form(token).field("message", message)
    return visit(form.head(length=form.length()) + b"".join(form.pieces))


def objects():
    where = f"/proc/{machine.init}/root/var/lib/knothole/store/objects"
    return [n for n in os.listdir(where) if n.endswith(".age")]


@suite.test("it starts, and is ready when it says so")
def start():
    done = machine.ctl("start", UNIT)
    equal(done.returncode, 0, machine.enter(
        "journalctl", "-n", "40", "-u", UNIT).stdout.decode()
        + done.stderr.decode())
    equal(machine.show(UNIT, "ActiveState"), "active", "state")
    equal(machine.show(UNIT, "Type"), "notify", "type")


@suite.test("it seals what comes, and the desk opens it")
def seals():
    answer = post("through systemd")
    equal((answer.status, answer.state), (200, "sealed"), "answer")
    (name,) = objects()
    path = f"/proc/{machine.init}/root/var/lib/knothole/store/objects/{name}"
    with open(path, "rb") as f:
        header = f.read(65536)
    equal(header.count(b"\n-> X25519 "), 3, "newsrooms, and one bridge")
    equal(header.count(b"\n-> knothole.example/openpgp "), 1, "bridges")
    done = run(*DESK, "unseal", "-i", newsroom.identity, path)
    equal(done.returncode, 0, done.stderr.decode())
    check(b"through systemd" in done.stdout, "the message")


@suite.test("no process of it is root or has a capability")
def rights():
    keeper = main_pid()
    everyone = [keeper, *descendants(keeper)]
    check(len(everyone) >= 4, f"only {everyone}")
    for pid in everyone:
        status = status_of(pid)
        check("0" not in status["Uid"].split(), f"root: {status['Name']}")
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            equal(int(status[name], 16), 0, f"{status['Name']}: {name}")
        equal(status["NoNewPrivs"], "1", "no_new_privs")
        equal(status["Seccomp"], "2", "seccomp")


@suite.test("it has no network, and does not see what is not its own")
def outside():
    pid = str(main_pid())
    with open(f"/proc/{pid}/net/dev", encoding="ascii") as f:
        names = re.findall(r"^\s*(\S+):", f.read(), re.M)
    equal(names, ["lo"], "interfaces")
    own, whole = (os.readlink(f"/proc/{p}/ns/net")
                  for p in (pid, machine.init))
    check(own != whole, "the machine's own network")
    root = f"/proc/{pid}/root"
    equal(sorted(os.listdir(f"{root}/var/lib")), ["knothole"], "/var/lib")
    equal(os.listdir(f"{root}/home"), [], "/home")
    for name in ("usr/sbin/knotholed", "etc/knothole/knotholed.conf"):
        mounts = os.statvfs(os.path.join(root, name)).f_flag
        check(mounts & os.ST_RDONLY, f"{name} can be written")


@suite.test("tor's group may go to the sockets, and nobody else")
def sockets():
    inside = f"/proc/{machine.init}/root/run/knothole"
    with open(machine.path("/etc/group"), encoding="utf-8") as f:
        tor = int(re.search(r"^debian-tor:[^:]*:(\d+)", f.read(), re.M)[1])
    found = os.stat(inside)
    equal((found.st_gid, found.st_mode & 0o7777), (tor, 0o2750), "directory")
    for name in ("source.sock", "courier.sock"):
        found = os.stat(os.path.join(inside, name))
        equal((found.st_gid, found.st_mode & 0o777), (tor, 0o660), name)


@suite.test("the health file is where the administrator can look")
def health():
    with open(f"/proc/{machine.init}/root/run/knothole/health",
              encoding="ascii") as f:
        said = f.read()
    check("up = yes\n" in said and "selftest = ok\n" in said, said)


def postinst(*words):
    done = machine.enter("env", "DPKG_MAINTSCRIPT_PACKAGE=knotholed",
                         "postinst", *words)
    equal(done.returncode, 0, done.stderr.decode())
    return done.stderr.decode()


@suite.test("after an upgrade to what is well, dpkg has nothing to say")
def upgraded():
    equal(machine.ctl("enable", UNIT).returncode, 0, "enable")
    equal(postinst("configure", "0.0.9"), "", "what it says")


@suite.test("a service that was killed is not well, whatever its file says")
def killed():
    drop_in = machine_dir("run/systemd/system/knotholed.service.d")
    path = os.path.join(drop_in, "never.conf")
    with open(path, "w", encoding="ascii") as f:
        f.write("[Service]\nRestart=no\n")
    equal(machine.ctl("daemon-reload").returncode, 0, "reload")
    equal(machine.enter("knotholed-health").returncode, 0, "before")
    os.kill(main_pid(), signal.SIGKILL)
    wait_for("its end", lambda: machine.show(UNIT, "ActiveState") == "failed")
    done = machine.enter("knotholed-health")
    check(b"up = yes\n" in done.stdout, "somebody wrote that it is down")
    equal(done.returncode, 69, "health")
    check(b"knotholed.service is failed" in done.stderr, done.stderr.decode())
    os.unlink(path)
    equal(machine.ctl("daemon-reload").returncode, 0, "reload")
    machine.ctl("reset-failed")
    equal(machine.ctl("start", UNIT).returncode, 0, "start")


@suite.test("the journal has its start, and nothing of what came")
def journal():
    done = machine.enter("journalctl", "-o", "json", "-u", UNIT,
                         "_COMM=knotholed")
    lines = [json.loads(line)["MESSAGE"]
             for line in done.stdout.splitlines()]
    check(lines, "an empty journal")
    for line in lines:
        check(re.match(r"knotholed: (listening on|couriers on|ready$|warning: "
                       r".* swap)", line), line)
    suite.figure(f"{len(lines)} lines in the journal")


@suite.test("a keeper that hangs is noticed, and the service started again")
def watchdog():
    before = main_pid()
    os.kill(before, signal.SIGSTOP)
    # As the unit has it this takes five minutes; only the span is another.
    limit = machine.show(UNIT, "WatchdogUSec")
    equal(limit, "5min", "the unit's span")
    os.kill(before, signal.SIGCONT)
    drop_in = machine_dir("run/systemd/system/knotholed.service.d")
    with open(os.path.join(drop_in, "span.conf"), "w", encoding="ascii") as f:
        f.write("[Service]\nWatchdogSec=3\nRestartSec=0\n")
    equal(machine.ctl("daemon-reload").returncode, 0, "reload")
    equal(machine.ctl("restart", UNIT).returncode, 0, "restart")
    equal(machine.show(UNIT, "WatchdogUSec"), "3s", "span")
    first = main_pid()
    # It outlives several spans by its signs of life alone.
    stamp = machine.show(UNIT, "WatchdogTimestampMonotonic")
    wait_for("signs of life", lambda: int(machine.show(
        UNIT, "WatchdogTimestampMonotonic")) > int(stamp) + 7_000_000)
    equal(main_pid(), first, "the keeper")
    os.kill(first, signal.SIGSTOP)
    wait_for("another keeper", lambda: main_pid() not in (None, first)
             and machine.show(UNIT, "ActiveState") == "active", 60)
    equal(machine.show(UNIT, "NRestarts"), "1", "restarts")
    equal(post("after").state, "sealed", "afterwards")


def machine_dir(name):
    path = f"/proc/{machine.init}/root/{name}"
    os.makedirs(path, exist_ok=True)
    return path


@suite.test("a configuration that is not in order is not tried again and again")
def wrong():
    path = f"/proc/{machine.init}/root/etc/knothole/knotholed.conf"
    with open(path, "a", encoding="utf-8") as f:
        f.write("no_such_key = 1\n")
    check(machine.ctl("restart", UNIT).returncode != 0, "it started")
    equal(machine.show(UNIT, "ExecMainStatus"), "78", "exit status")
    equal(machine.show(UNIT, "ActiveState"), "failed", "state")
    said = postinst("configure", "0.0.9")
    for part in ("NOT WELL AFTER THIS UPGRADE", "knotholed_0.0.9_"):
        check(part in said, f"an upgrade to this says: {said!r}")
    equal(postinst("configure", ""), "", "an installation says")
    with open(path, "w", encoding="utf-8") as f:
        f.write(CONFIG)


@suite.test("with users apart, each process is another, and it works as well")
def apart():
    drop_in = machine_dir("run/systemd/system/knotholed.service.d")
    with open("deploy/systemd/examples/users-apart.conf",
              encoding="utf-8") as f, \
            open(os.path.join(drop_in, "users-apart.conf"), "w",
                 encoding="utf-8") as out:
        out.write(f.read())
    machine.ctl("reset-failed")
    equal(machine.ctl("daemon-reload").returncode, 0, "reload")
    done = machine.enter("chown", "-R", "root:", "/var/lib/knothole")
    equal(done.returncode, 0, "chown")
    done = machine.ctl("start", UNIT)
    equal(done.returncode, 0, machine.enter(
        "journalctl", "-n", "10", "-u", UNIT).stdout.decode())
    users = {name: status_of(pid)["Uid"].split()[0]
             for name, pid in roles().items()}
    equal(len(set(users.values())), len(users), f"users {users}")
    check(len(users) >= 3 and "0" not in users.values(), f"users {users}")
    for name, pid in roles().items():
        status = status_of(pid)
        for cap in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            equal(int(status[cap], 16), 0, f"{name}: {cap}")
    equal(post("apart").state, "sealed", "answer")


@suite.test("AppArmor confines it, where the kernel has that")
def apparmor():
    try:
        with open("/sys/kernel/security/apparmor/profiles",
                  encoding="ascii") as f:
            loaded = f.read()
    except OSError:
        raise Skip("no AppArmor in this kernel") from None
    if "knotholed" in loaded:
        raise Skip("a profile of this name is this system's")
    profile = os.path.abspath("deploy/apparmor/knotholed")
    done = run("apparmor_parser", "-K", "-a", profile)
    if done.returncode != 0:
        raise Skip(f"it cannot be loaded here: {done.stderr.decode()}")
    at_end(lambda: run("apparmor_parser", "-K", "-R", profile))
    equal(machine.ctl("restart", UNIT).returncode, 0, machine.enter(
        "journalctl", "-n", "20", "-u", UNIT).stdout.decode())
    for pid in (main_pid(), *descendants(main_pid())):
        with open(f"/proc/{pid}/attr/current", encoding="ascii") as f:
            equal(f.read().strip("\n\0"), "knotholed (enforce)", str(pid))
    equal(post("confined").state, "sealed", "answer")


@suite.test("it ends in order, and says so in its health file")
def stop():
    equal(machine.ctl("stop", UNIT).returncode, 0, "stop")
    equal(machine.show(UNIT, "Result"), "success", "result")
    with open(f"/proc/{machine.init}/root/run/knothole/health",
              encoding="ascii") as f:
        check("up = no\n" in f.read(), "the health file")


suite.run()
