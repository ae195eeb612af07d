"""knotholed setup, as an administrator runs it: what it asks, what it writes,
what it leaves alone, what it says is next; and that what it makes runs."""
import json
import os
import re
import shutil
import stat
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "system"))

from lib.drop import KNOTHOLED, Newsroom, run, workplace
from lib.tap import Skip, Suite, check, equal, wait_for
from lib.wire import Wire, get

ONION = "a" * 56 + ".onion"
suite = Suite()
desk = workplace()
times = Newsroom(os.path.join(desk, "times"), "The Times")
zeitung = Newsroom(os.path.join(desk, "zeitung"), "Zeitung")
old = Newsroom(os.path.join(desk, "old"), "Old", "--days", "31")


class Host:
    """An empty host, in a directory."""

    def __init__(self):
        self.base = workplace()
        self.config = self.path("etc", "knotholed.conf")
        self.torrc = self.path("torrc")
        os.mkdir(self.path("run"))

    def path(self, *names):
        return os.path.join(self.base, *names)

    def setup(self, *options, say="", wrap=()):
        return subprocess.run(
            [*wrap, KNOTHOLED, "setup", "-c", self.config, "--torrc",
             self.torrc, "--store", self.path("store"), "--state",
             self.path("state"), "--sockets", self.path("run"), *options],
            input=say.encode(), capture_output=True, timeout=60, check=False)

    def settled(self, *options):
        done = self.setup("--non-interactive", "--site-name", "The Times",
                          "--card", times.card, *options)
        equal(done.returncode, 0, done.stderr.decode())
        return done

    def read(self):
        with open(self.config, encoding="utf-8") as f:
            return f.read()

    def everything(self):
        found = {}
        for where, _, names in os.walk(self.base):
            for name in names:
                path = os.path.join(where, name)
                with open(path, "rb") as f:
                    found[path] = f.read(), os.stat(path).st_mtime_ns
        return found

    def tor(self, text=None, onion=ONION):
        """A torrc like the one we ship, and what tor makes of it."""
        if text is None:
            text = f"""SocksPort 0
HiddenServiceDir {self.path("tor")}
HiddenServicePort 80 unix:{self.path("run", "source.sock")}
HiddenServiceExportCircuitID haproxy
"""
        with open(self.torrc, "w", encoding="ascii") as f:
            f.write(text)
        os.makedirs(self.path("tor"), mode=0o700, exist_ok=True)
        if onion:
            with open(self.path("tor", "hostname"), "w",
                      encoding="ascii") as f:
                f.write(onion + "\n")


@suite.test("it asks three questions, and answers in a pipe will do")
def asks():
    host = Host()
    done = host.setup(say=f"\nThe Times\n{times.card}\n {zeitung.card} \n\n"
                      "perhaps\nyes\n")
    equal(done.returncode, 0, done.stderr.decode())
    said = done.stderr.decode()
    equal([n for n in "1234" if f"{n}. " in said], list("123"), "questions")
    text = host.read()
    check("site_name = The Times\n" in text, text)
    check("courier_listen = unix:" in text, text)
    equal(sorted(os.listdir(host.path("etc", "newsrooms"))),
          sorted(os.path.basename(n.card) for n in (times, zeitung)), "cards")
    done = host.setup()
    equal(done.returncode, 0, "again, without input")
    check("1. What" not in done.stderr.decode(), "it asks again")


@suite.test("input that ends too early writes nothing")
def early():
    for say in ("", "The Times\n", f"The Times\n{times.card}\n\n"):
        host = Host()
        equal(host.setup(say=say).returncode, 66, repr(say))
        equal(host.everything(), {}, "files")


@suite.test("with flags it asks nothing; run again it changes nothing")
def idempotent():
    host = Host()
    host.settled("--courier")
    before = host.everything()
    equal(stat.S_IMODE(os.stat(host.config).st_mode), 0o644, "mode")
    first = host.settled("--courier")
    equal(host.everything(), before, "files")
    second = host.settled("--courier")
    equal(host.everything(), before, "files")
    equal(first.stdout, second.stdout, "what it says")


@suite.test("what it wrote is in order, and the service starts with it")
def starts():
    host = Host()
    done = host.settled("--courier")
    check("systemctl enable --now knotholed" in done.stdout.decode(),
          done.stdout.decode())
    with open(host.config, "a", encoding="utf-8") as f:
        f.write("allow_swap = yes\n")  # of whatever machine this is
    equal(run(KNOTHOLED, "-c", host.config, "--check-config").returncode, 0,
          "check")
    service = subprocess.Popen([KNOTHOLED, "-c", host.config],
                               stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    socket = host.path("run", "source.sock")
    try:
        wait_for("its health file",
                 lambda: os.path.exists(host.path("run", "health")))
        with Wire(socket) as wire:
            # The line that tor writes first, as setup has told both.
            wire.offer([b"PROXY TCP6 fc00:dead:beef:4dad::0:1d ::1 29 80\r\n"
                        + get("/en/")])
            page = wire.response()
        equal(page.status, 200, "page")
        check("The Times" in page.text(), "the site's name")
        done = host.settled("--courier")
        check("enable --now" not in done.stdout.decode(), "it runs already")
    finally:
        service.terminate()
        equal(service.wait(60), 0, "exit status")


@suite.test("a line that the administrator changed stays, and that is said")
def left_alone():
    host = Host()
    host.settled()
    changed = host.read().replace("The Times", "My Own") + "max_visits = 9\n"
    with open(host.config, "w", encoding="utf-8") as f:
        f.write(changed)
    done = host.settled()
    equal(host.read(), changed, "the configuration")
    said = done.stderr.decode()
    check("My Own" in said and "--overwrite" in said, said)
    done = host.setup("--non-interactive", "--site-name", "The Times",
                      "--overwrite")
    equal(done.returncode, 0, done.stderr.decode())
    equal(host.read(), changed.replace("My Own", "The Times"), "overwritten")
    with open(host.config + ".old", encoding="utf-8") as f:
        equal(f.read(), changed, "the old one")


@suite.test("a card of the same name stays, unless it is to be overwritten")
def cards():
    host = Host()
    host.settled()
    there = host.path("etc", "newsrooms", os.path.basename(times.card))
    with open(there, "rb") as f:
        before = f.read()
    other = os.path.join(desk, os.path.basename(times.card))
    shutil.copy(zeitung.card, other)
    done = host.setup("--card", other)
    check(there in done.stderr.decode() and "--overwrite" in
          done.stderr.decode(), done.stderr.decode())
    with open(there, "rb") as f:
        equal(f.read(), before, "the card")
    equal(host.setup("--card", other, "--overwrite").returncode, 0, "status")
    with open(there, "rb") as f, open(other, "rb") as g:
        equal(f.read(), g.read(), "the card")
    with open(host.path("etc", os.path.basename(there) + ".old"), "rb") as f:
        equal(f.read(), before, "the old card")
    equal(os.listdir(os.path.dirname(there)), [os.path.basename(there)],
          "beside the card")


@suite.test("bad cards, places and configurations: each its status, no change")
def refuses():
    host = Host()
    bad = os.path.join(desk, "bad.card")
    with open(times.card, "rb") as f:
        data = bytearray(f.read())
    data[len(data) // 2] ^= 1
    with open(bad, "wb") as f:
        f.write(data)
    flags = ("--non-interactive", "--site-name", "X")
    for wanted, options in (
            (65, (*flags, "--card", bad)),
            (66, (*flags, "--card", "/nonexistent.card")),
            (65, (*flags, "--card", times.identity)),
            (64, ("--non-interactive",)),
            (64, (*flags, "--store", "relative")),
            (64, ("--site-name", "X\nallow_swap = yes", *flags[:1])),
            (64, ("--no-such",)),
            (64, ("stray",)),
            (73, (*flags, "-c", "/proc/nothing/knotholed.conf"))):
        done = host.setup(*options)
        equal(done.returncode, wanted, f"{options}: {done.stderr.decode()}")
        check(done.stderr, "nothing said")
        equal(host.everything(), {}, f"{options}: files")
    done = host.setup(*flags)
    equal(done.returncode, 78, "no card")
    check("knotholed setup --card" in done.stdout.decode(), "the next step")
    host.settled()
    with open(host.config, "a", encoding="utf-8") as f:
        f.write("nonsense\n")
    before = host.everything()
    equal(host.setup(*flags, "--overwrite").returncode, 78, "broken")
    equal(host.everything(), before, "files")


@suite.test("tor: not told, no keys yet, and then the address, in the config")
def tor():
    host = Host()
    said = host.settled().stdout.decode()
    check(f"torrc {host.torrc}" in said and "not there yet" in said, said)
    host.tor(onion=None)
    said = host.settled().stdout.decode()
    check("cp " not in said and "systemctl restart tor" in said, said)
    host.tor()
    done = host.settled()
    check(f"http://{ONION}" in done.stdout.decode(), done.stdout.decode())
    equal(host.read().count(f"onion_address = {ONION}\n"), 1, host.read())
    before = host.everything()
    host.settled()
    equal(host.everything(), before, "run again")
    host.tor(onion="b" * 56 + ".onion")
    done = host.settled()
    check("warning" in done.stderr.decode(), "another address is not said")
    check(f"onion_address = {ONION}\n" in host.read(), "it was changed")
    check("--overwrite" in done.stderr.decode(), "no way is said")
    before = host.read()
    host.settled("--overwrite")
    equal(host.read(), before.replace(ONION, "b" * 56 + ".onion"),
          "what --overwrite makes of it")


@suite.test("tor and knotholed must agree on the line with the circuit")
def circuits():
    host = Host()
    host.settled()
    host.tor()
    check("circuit" not in host.settled().stdout.decode(), "they agree")
    with open(host.torrc, encoding="ascii") as f:
        text = f.read()
    host.tor(text.replace("HiddenServiceExportCircuitID haproxy\n", ""))
    check("circuit_id" in host.settled().stdout.decode(), "tor says none")
    host.tor(f"HiddenServiceDir {host.path('x')}\n"
             "HiddenServiceExportCircuitID haproxy\n"
             "HiddenServicePort 80 unix:/elsewhere\n"
             + text.replace("HiddenServiceExportCircuitID haproxy\n", ""))
    check("circuit_id" in host.settled().stdout.decode(), "another service's")


@suite.test("tor itself is asked whether it takes the torrc")
def verified():
    if not shutil.which("tor"):
        raise Skip("tor is not installed")
    host = Host()
    host.settled()
    host.tor()
    with open(host.torrc, "a", encoding="ascii") as f:
        f.write(f"DataDirectory {host.path('data')}\n")
    with open(host.torrc, encoding="ascii") as f:
        good = f.read()
    # Debian's defaults make it another user: its files are to be its own.
    if os.geteuid() == 0 and os.path.exists(
            "/usr/share/tor/tor-service-defaults-torrc"):
        for where, names, files in os.walk(host.path("tor")):
            for name in [where, *(os.path.join(where, f) for f in files)]:
                shutil.chown(name, "debian-tor")
        path = host.base
        os.chmod(path, 0o755)
    done = host.settled()
    check("tor refuses" not in done.stdout.decode(),
          done.stdout.decode() + done.stderr.decode())
    host.tor(good + "NoSuchOption 1\n")
    done = host.settled()
    check("tor refuses" in done.stdout.decode(), done.stdout.decode())


@suite.test("--json says the same; --help is there")
def data():
    host = Host()
    host.tor()
    said = json.loads(host.settled("--json").stdout)
    equal(said["onion"], ONION, "onion")
    equal(said["newsrooms"], 1, "newsrooms")
    check(said["steps"] and said["changed"] is True, said)
    equal(json.loads(host.settled("--json").stdout)["changed"], False, "again")
    done = run(KNOTHOLED, "setup", "--help")
    equal(done.returncode, 0, "help")
    for option in re.findall(r'\{"([a-z-]+)", ', open(
            "server/setup/setup.c", encoding="utf-8").read()):
        check(f"--{option}" in done.stdout.decode(), f"--{option}")


suite.run()
