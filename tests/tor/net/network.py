"""A network of tors on loopback, started by tests/tor/tornet: for one program,
in a network namespace of its own where there may be one, and gone with it."""
import fcntl
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile

from lib.drop import at_end
from lib.tap import Failure, wait_for

TORNET = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..",
                      "tornet")
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..",
                    "..")
TORRC = os.path.join(ROOT, "deploy", "tor", "torrc")
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def skip_all(why):
    print(f"1..1\nok 1 - all of it # skip {why}")
    sys.exit(0)


def need_tor():
    for name in ("tor", "tor-gencert", "openssl"):
        if shutil.which(name) is None:
            skip_all(f"{name} is not installed")
    said = subprocess.run(["tor", "--version"], capture_output=True,
                          check=False).stdout.decode()
    version = re.search(r"Tor version (\d+)\.(\d+)\.(\d+)", said)
    if not version or tuple(map(int, version.groups())) < (0, 4, 8):
        skip_all("tor is older than 0.4.8")


def alone():
    """Go on in a network namespace where only loopback is: then whatever
    leaves this machine fails. Needs root; without it there is none."""
    if os.environ.get("KNOTHOLE_ALONE"):
        with socket.socket() as s:
            ask = struct.pack("16sH14x", b"lo", 0)
            now = fcntl.ioctl(s, SIOCGIFFLAGS, ask)
            flags = struct.unpack("16sH14x", now)[1] | IFF_UP
            fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags))
        return
    tried = subprocess.run(["unshare", "-n", "true"], capture_output=True,
                           check=False)
    if os.geteuid() != 0 or tried.returncode != 0:
        print("# no network namespace here: on this machine's loopback",
              flush=True)
        return
    os.environ["KNOTHOLE_ALONE"] = "1"
    os.execvp("unshare", ["unshare", "-n", sys.executable, *sys.argv])


def torrc_of(service):
    """The lines of deploy/tor/torrc that belong to one service, but those that
    name paths, and of what is for both, what a test's tor can have."""
    with open(TORRC, encoding="ascii") as f:
        lines = [li.strip() for li in f if li.strip() and li[0] != "#"]
    mine, here = [], False
    for line in lines:
        key = line.split(" ")[0]
        if key == "HiddenServiceDir":
            here = f"knothole-{service}" in line
        elif key in ("HiddenServiceNonAnonymousMode",
                     "HiddenServiceSingleHopMode", "MaxMemInQueues", "NoExec"):
            mine.append(line)
        elif here and key.startswith("HiddenService") \
                and key != "HiddenServicePort":
            mine.append(line)
    return mine


class Network:
    def __init__(self, **environment):
        self.directory = tempfile.mkdtemp(prefix="tornet-")
        self.environment = {**os.environ, "TORNET_OWNER": str(os.getpid()),
                            "TORNET_TIMEOUT": "120", **environment}
        at_end(self.stop)
        self.port = int(self._do("start"))

    def _do(self, verb, *arguments, check=True):
        done = subprocess.run(
            ["bash", TORNET, verb, self.directory, *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=600,
            check=False, env=self.environment,
        )
        if check and done.returncode != 0:
            raise Failure(f"tornet {verb}: {done.stderr.decode()[-3000:]}")
        return done.stdout.decode().strip()

    def onion(self, name, target, *options, torrc=()):
        """Its address, once it can be reached."""
        for line in torrc:
            options += ("--torrc", line)
        return self._do("onion", name, target, *options)

    def client(self):
        """Another client's port and name."""
        port = int(self._do("client"))
        names = [n for n in os.listdir(self.path()) if n.startswith("client")]
        return port, max(names, key=lambda n: int(n[6:]))

    def path(self, *parts):
        return os.path.join(self.directory, "nodes", *parts)

    def pid(self, node):
        with open(self.path(node, "pid"), encoding="ascii") as f:
            return int(f.read())

    def hup(self, node):
        os.kill(self.pid(node), signal.SIGHUP)

    def kill(self, node, how=signal.SIGKILL):
        """End one of the tors, and wait until it has."""
        pid = self.pid(node)
        os.kill(pid, how)

        def gone():
            try:
                with open(f"/proc/{pid}/stat", encoding="latin-1") as f:
                    return f.read().rpartition(")")[2].split()[0] == "Z"
            except OSError:
                return True

        wait_for(f"{node} has ended", gone)
        os.unlink(self.path(node, "pid"))

    def newnym(self, node):
        """Have a client forget what it knows of onion services."""
        with open(self.path(node, "data", "control_auth_cookie"), "rb") as f:
            cookie = f.read().hex()
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.path(node, "control"))
            s.sendall(f"AUTHENTICATE {cookie}\r\nSIGNAL NEWNYM\r\nQUIT\r\n"
                      .encode())
            said = b""
            while part := s.recv(4096):
                said += part
        if said.count(b"250 ") != 3:
            raise Failure(f"NEWNYM: {said}")

    def status(self):
        return self._do("status")

    def stop(self):
        self._do("stop", check=False)
        shutil.rmtree(self.directory, ignore_errors=True)
