#!/usr/bin/env python3
"""The offline tool refuses to open anything while a network is in reach.

Network namespaces of our own, with a pair of virtual cables that is down or
up; skipped by name where these may not be made.
"""
import os
import re
import shutil
import subprocess
import time

from lib.drop import DESK, KNOTHOLE, run, without_warning, workplace
from lib.tap import Skip, Suite, check, equal

suite = Suite()
W = workplace()
REFUSED = 69
SECRETS = {
    "unseal": ("-i", f"{W}/keys/identity.txt", "-o", f"{W}/out", f"{W}/x.age"),
    "list": ("-i", f"{W}/keys/identity.txt", f"{W}/x.age"),
    "extract": ("-i", f"{W}/keys/identity.txt", "-o", f"{W}/to", f"{W}/x.age"),
}


def made():
    """Keys and an object, both made where there may be a network."""
    if not os.path.exists(f"{W}/keys"):
        equal(run(KNOTHOLE, "keygen", "-o", f"{W}/keys", "--name", "A",
                  "--no-passphrase").returncode, 0, "keygen")
        with open(f"{W}/plain", "wb") as f:
            f.write(b"the first words")
        equal(run(KNOTHOLE, "seal", "-r", f"{W}/keys/a.card", "-o",
                  f"{W}/x.age", f"{W}/plain").returncode, 0, "seal")


def within(*commands):
    """Run shell lines in a network namespace of their own, as root."""
    for program in ("unshare", "ip"):
        if shutil.which(program) is None:
            raise Skip(f"{program} is not installed")
    inside = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]
    if run(*inside, "true").returncode != 0:
        raise Skip("may not make network namespaces")
    made()
    return run(*inside, "sh", "-ec", "\n".join(commands))


def with_cable(*commands):
    """The same with two ends of a virtual cable, both down."""
    if within("ip link add left type veth peer name right").returncode != 0:
        raise Skip("may not make virtual interfaces")
    return within("ip link add left type veth peer name right", *commands)


def knothole(command, *options):
    return " ".join((KNOTHOLE, *options, command, *SECRETS[command]))


def online():
    """Is there an interface up, besides loopback, where the tests run?"""
    for name in os.listdir("/sys/class/net"):
        try:
            with open(f"/sys/class/net/{name}/flags", encoding="ascii") as f:
                flags = int(f.read(), 16)
        except OSError:
            continue
        if flags & 1 and not flags & 8:
            return True
    return False


@suite.test("with loopback only, up or down, everything is opened")
def loopback():
    for lines in ((), ("ip link set lo up",)):
        shutil.rmtree(f"{W}/to", ignore_errors=True)
        done = within(*lines, knothole("unseal"))
        equal((done.returncode, done.stderr), (0, b""), "unseal")
        with open(f"{W}/out", "rb") as f:
            equal(f.read(), b"the first words", "what came out")
        os.unlink(f"{W}/out")


@suite.test("an interface that is down does not matter")
def down():
    done = with_cable(knothole("unseal"))
    equal((done.returncode, done.stderr), (0, b""), "unseal")
    os.unlink(f"{W}/out")


@suite.test("one that is up does: 69, its name, what to do, nothing opened")
def up():
    for command in SECRETS:
        done = with_cable("ip link set left up", "ip link set right up",
                          knothole(command))
        equal(done.returncode, REFUSED, f"{command}: {done.stderr}")
        for part in (b"left: ", b"right: ", b"ip link set dev",
                     b"--i-am-online"):
            check(part in done.stderr, f"{command}: {part} {done.stderr}")
        equal(done.stdout, b"", f"{command}: standard output")
        equal(done.stderr.count(b"\n"), 2, "one line for each")
    check(not os.path.exists(f"{W}/out"), "nothing came out")
    check(not os.path.exists(f"{W}/to"), "no directory")


@suite.test("so does one that is up without a partner, or with an address")
def up_alone():
    done = with_cable("ip link set left up", knothole("unseal"))
    equal(done.returncode, REFUSED, "no carrier")
    check(b"right" not in done.stderr, f"{done.stderr}")
    done = with_cable("ip addr add 192.0.2.1/24 dev left",
                      "ip addr add 192.0.2.2/24 dev left",
                      "ip link set left up", knothole("unseal"))
    equal(done.returncode, REFUSED, "with addresses")
    equal(done.stderr.count(b"left: "), 1, "named once")


@suite.test("one that is taken down again lets everything go on")
def up_and_down():
    done = with_cable("ip link set left up", f"{knothole('unseal')} && exit 1",
                      "ip link set left down", knothole("unseal"))
    equal(done.returncode, 0, f"{done.stderr}")
    os.unlink(f"{W}/out")


@suite.test("--i-am-online lifts it, loudly, each time")
def lifted():
    for lines in (("ip link set left up",), ()):
        done = with_cable(*lines, knothole("unseal", "--i-am-online"))
        equal(done.returncode, 0, f"{done.stderr}")
        check(b"WARNING" in done.stderr, "loud")
        equal(without_warning(done.stderr), b"", "and nothing else")
        os.unlink(f"{W}/out")


@suite.test("behind the command it is no option")
def misplaced():
    made()
    done = run(*DESK, "unseal", "--i-am-online", f"{W}/x.age")
    equal(done.returncode, 64, f"{done.stderr}")


@suite.test("keygen only warns; seal and help do not mind")
def without_secrets():
    lines = ("ip link set left up",)
    keygen = f"{KNOTHOLE} keygen -o {W}/more --name B --no-passphrase"
    done = with_cable(*lines, keygen)
    equal(done.returncode, 0, f"{done.stderr}")
    check(b"left: WARNING" in done.stderr, f"{done.stderr}")
    shutil.rmtree(f"{W}/more")
    done = with_cable(keygen)
    check(b"ON A NETWORK" not in done.stderr, f"{done.stderr}")
    done = with_cable(*lines, f"{KNOTHOLE} seal -r {W}/keys/a.card {W}/plain")
    equal((done.returncode, done.stderr), (0, b""), "seal")
    for command in SECRETS:
        done = with_cable(*lines, f"{KNOTHOLE} {command} --help")
        equal((done.returncode, done.stderr), (0, b""), command)
    done = with_cable(*lines, f"{KNOTHOLE} --help")
    check(b"69" in done.stdout and b"--i-am-online" in done.stdout, "help")


@suite.test("an interface's name is escaped (L37)")
def test_l37_interface_name():
    if with_cable("ip link set left name 'e\x1b[31m'").returncode != 0:
        raise Skip("this kernel or ip refuses such a name")
    done = with_cable("ip link set left name 'e\x1b[31m'",
                      "ip link set 'e\x1b[31m' up", knothole("list"))
    equal(done.returncode, REFUSED, f"{done.stderr}")
    check(b"\x1b" not in done.stderr and b"\\x1b" in done.stderr,
          f"{done.stderr}")


@suite.test("where the tests run it decides as its interfaces are")
def here():
    made()
    done = run(KNOTHOLE, "list", *SECRETS["list"])
    equal(done.returncode == REFUSED, online(), f"{done.stderr}")


def namespace_of(*command):
    """The network namespace of a command that waits for its input."""
    os.mkfifo(f"{W}/fifo")
    process = subprocess.Popen(
        [*command, *DESK, "unseal", "-i", f"{W}/keys/identity.txt",
         "-o", f"{W}/out", f"{W}/fifo"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE)
    try:
        # It has decided when it says so.
        process.stderr.readline()
        own = os.readlink("/proc/self/ns/net")
        where = f"/proc/{process.pid}/ns/net"
        time.sleep(0.2)
        end = time.monotonic() + 5
        while os.readlink(where) == own and time.monotonic() < end:
            time.sleep(0.05)
        with open(f"/proc/{process.pid}/net/dev", encoding="ascii") as f:
            devices = re.findall(r"^\s*(\S+):", f.read(), re.M)
        return os.readlink(where) != own, devices
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
        os.unlink(f"{W}/fifo")


@suite.test("what opens secrets sits in an empty network namespace")
def empty_namespace():
    made()
    if os.geteuid() != 0:
        raise Skip("only root may look at it")
    if run("unshare", "-n", "true").returncode != 0:
        raise Skip("may not make network namespaces")
    moved, devices = namespace_of()
    check(moved, "its own namespace")
    check(not set(devices) & {"eth0", "wlan0"}, f"{devices}")


@suite.test("where that is not permitted it quietly goes on")
def not_permitted():
    made()
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        raise Skip("needs root and setpriv")
    done = run("setpriv", "--bounding-set", "-sys_admin", "--inh-caps",
               "-sys_admin", *DESK, "unseal", "-i", f"{W}/keys/identity.txt",
               "-o", f"{W}/out", f"{W}/x.age")
    equal((done.returncode, without_warning(done.stderr)), (0, b""), "unseal")
    os.unlink(f"{W}/out")


@suite.test("somebody without rights opens and makes files as before")
def unprivileged():
    made()
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        raise Skip("needs root and setpriv")
    tool = shutil.copy(KNOTHOLE, f"{W}/knothole")
    for where, _, names in os.walk(W):
        for name in ["", *names]:
            os.chown(os.path.join(where, name), 54321, 54321)
    as_nobody = ("setpriv", "--reuid", "54321", "--regid", "54321",
                 "--clear-groups", tool, "--i-am-online")
    if run(*as_nobody, "--version").returncode != 0:
        raise Skip("the build is not readable for others")
    done = run(*as_nobody, "unseal", "-i", f"{W}/keys/identity.txt", "-o",
               f"{W}/theirs", f"{W}/x.age")
    equal((done.returncode, without_warning(done.stderr)), (0, b""), "unseal")
    equal(os.stat(f"{W}/theirs").st_uid, 54321, "whose it is")


suite.run()
