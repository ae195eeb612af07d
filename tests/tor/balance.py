#!/usr/bin/env python3
"""One address, two backends: onionbalance in front of two knotholeds with a tor
each. Both serve; one is killed, and the site stays up.

Prints TAP. KNOTHOLE_BUILD names the build directory (default: build). Runs from
the root of the repository.
"""
import base64
import hashlib
import os
import re
import shutil
import subprocess
import time

from net.network import ROOT, Network, alone, need_tor, skip_all
from net.socks import Visitor

from lib.drop import Drop, at_end
from lib.tap import Failure, Suite, check, equal, wait_for

NAMES = ("one", "two")
VISITS = 12
# Debian's Python, which has Debian's packages.
BALANCE = ("/usr/bin/python3",
           os.path.join(ROOT, "tests", "tor", "net", "balance_here.py"))

need_tor()
if shutil.which("onionbalance", path="/usr/sbin:/usr/bin") is None:
    skip_all("onionbalance is not installed")
alone()
suite = Suite()
# With tor's own timers, as onionbalance has, and enough relays for its idea of
# which are to hold a descriptor.
network = Network(TORNET_REALISTIC="1", TORNET_RELAYS="8")
suite.cleanup(network.stop)


def torrc():
    """The lines of a backend that name no path."""
    path = os.path.join(ROOT, "deploy", "onionbalance", "torrc.backend")
    with open(path, encoding="ascii") as f:
        return [li for li in f.read().splitlines()
                if re.match("HiddenService|MaxMem|NoExec", li)
                and not re.match("HiddenService(Dir|Port) ", li)]


def front():
    """A key for the address that sources know, and the address."""
    path = os.path.join(network.directory, "source.key")
    made = subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519",
                           "-out", path], capture_output=True, check=False)
    equal(made.returncode, 0, made.stderr.decode())
    key = subprocess.run(["openssl", "pkey", "-in", path, "-pubout",
                          "-outform", "DER"], capture_output=True,
                         check=True).stdout[-32:]
    check_sum = hashlib.sha3_256(b".onion checksum" + key + b"\3").digest()
    address = base64.b32encode(key + check_sum[:2] + b"\3").decode().lower()
    return path, address + ".onion"


class Backend:
    def __init__(self, name):
        self.name = name
        self.drop = Drop(unix=True, circuit_id="haproxy", site_name=name,
                         onion_address=address)
        self.drop.start()
        suite.cleanup(self.drop.stop)
        directory = network.path(f"onion-{name}")
        for directory in (directory, os.path.join(directory, "hs")):
            os.mkdir(directory, 0o700)
        with open(os.path.join(directory, "ob_config"), "w",
                  encoding="ascii") as f:
            f.write(f"MasterOnionAddress {address}\n")
        self.own = network.onion(name, f"unix:{self.drop.socket}",
                                 torrc=torrc())

    def kill(self):
        network.kill(f"onion-{self.name}")
        self.drop.stop(9)


key, address = front()
backends = {name: Backend(name) for name in NAMES}
count = 0


def served_by():
    """A new circuit to the front; which backend answers, None if none does."""
    global count
    count += 1
    try:
        page = Visitor(network.port, address, f"v{count}").get("/en/")
    except (Failure, OSError):
        return None
    if page.status != 200:
        return None
    (name,) = [n for n in NAMES if f">{n}<" in page.text()]
    return name


@suite.test("onionbalance publishes the front's descriptor; the site answers")
def _():
    config = os.path.join(network.directory, "config.yaml")
    with open(os.path.join(ROOT, "deploy", "onionbalance", "config.yaml"),
              encoding="ascii") as f:
        text = f.read()
    # The project's file, with this network's addresses in it.
    text = text.replace("/etc/onionbalance/source.key", key)
    for name in NAMES:
        text, n = re.subn(r"[a-z2-7]{56}\.onion(\n\s+name: %s\n)" % name,
                          backends[name].own + r"\1", text)
        equal(n, 1, f"{name} in config.yaml")
    with open(config, "w", encoding="ascii") as f:
        f.write(text)
    _, client = network.client()
    log = os.path.join(network.directory, "onionbalance.log")

    def answers(process):
        if process.poll() is not None:
            raise Failure("onionbalance ended")
        # A client asks for a descriptor that was not there again only after
        # long, unless it is told to.
        network.newnym("client1")
        return served_by()

    began = time.monotonic()
    with open(log, "wb") as f:
        process = subprocess.Popen(
            [*BALANCE, "-s", network.path(client, "control"), "-c", config,
             "-v", "info"], stdin=subprocess.DEVNULL, stdout=f, stderr=f,
            env={**os.environ, "HOME": network.directory})

    def end():
        process.kill()
        process.wait()

    at_end(end)
    time.sleep(40)  # it waits that long for its tor itself
    try:
        wait_for("the front answers", lambda: answers(process), 120)
    except Failure as failure:
        with open(log, "rb") as f:
            raise Failure(f"{failure}\n{f.read()[-3000:].decode()}") from None
    suite.figure(f"onionbalance: the address is there after "
                 f"{time.monotonic() - began:.0f} s")


@suite.test("both backends serve, and what is sent rests sealed at one of them")
def _():
    seen = [served_by() for _ in range(VISITS)]
    for _ in range(5 * VISITS):
        if set(NAMES) <= set(seen):
            break
        seen.append(served_by())
    suite.figure("pages by each backend: " + ", ".join(
        f"{name} {seen.count(name)}" for name in NAMES)
        + f", none {seen.count(None)}")
    check(set(NAMES) <= set(seen), f"served by {set(seen)}")
    source = Visitor(network.port, address, "source")
    page = source.post(source.form().field("message", "through the front"))
    equal((page.status, page.state), (200, "sealed"), "answer")
    ((drop, path),) = [(b.drop, p) for b in backends.values()
                       for p in b.drop.objects()]
    equal(drop.extract(path).message, b"through the front", "message")


@suite.test("one backend is killed, its tor too: the site stays up")
def _():
    backends["one"].kill()
    seen = [served_by() for _ in range(VISITS)]
    suite.figure(f"after one was killed: {seen.count('two')} of {VISITS} pages")
    equal(seen.count("one"), 0, "pages of the dead")
    check(seen.count("two") >= VISITS - 2, f"served: {seen}")
    source = Visitor(network.port, address, "another")
    page = source.post(source.form().field("message", "still"))
    equal((page.status, page.state), (200, "sealed"), "answer")


@suite.test("the other one ends well")
def _():
    backends["two"].drop.ends_well()


if __name__ == "__main__":
    suite.run()
