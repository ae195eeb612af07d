"""Configuration, options and start: what is wrong is said, with its place,
and nothing starts."""
import os
import re
import resource
import shutil
import signal
import socket
import stat
import time

from lib.drop import KNOTHOLED, Drop, run
from lib.tap import Skip, Suite, check, equal, wait_for

suite = Suite()
drop = Drop()
GOOD = "".join(f"{k} = {v}\n" for k, v in drop.settings.items())


def checked(text, config=None):
    drop.write_config(text)
    return run(KNOTHOLED, "--check-config", "-c", config or drop.config)


def wrong(text, *words, line=None):
    """78 from the check and from the start, with the same one line, which
    names the file (and line) and says these words; nothing is made."""
    told = checked(text)
    equal(told.returncode, 78, f"exit status for {text!r}")
    equal(told.stdout, b"", "standard output")
    said = told.stderr.decode()
    place = drop.config if line is None else f"{drop.config}:{line}"
    check(said.startswith(f"knotholed: {place}: "), f"place: {said!r}")
    equal(said.count("\n"), 1, f"lines of {said!r}")
    for word in words:
        check(word in said, f"{word!r} is not in {said!r}")
    started = run(KNOTHOLED, "-c", drop.config)
    equal((started.returncode, started.stderr), (78, told.stderr), "start")
    check(not os.path.exists(drop.store), "a store was made")
    check(not os.path.exists(drop.state), "a state was made")


def line_of(text, key):
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(key):
            return number
    raise ValueError(key)


@suite.test("--help and --version print on standard output and exit with 0")
def _():
    for option in ("--help", "-h"):
        shown = run(KNOTHOLED, option)
        equal((shown.returncode, shown.stderr), (0, b""), option)
        check(shown.stdout.startswith(b"usage: knotholed"), "usage")
        for key in ("source_listen", "store", "newsrooms", "state",
                    "site_name", "max_upload", "max_message", "max_visits",
                    "courier_listen", "retention_days"):
            check(key.encode() in shown.stdout, f"{key} is not explained")
    shown = run(KNOTHOLED, "--version")
    equal((shown.returncode, shown.stderr), (0, b""), "--version")
    check(re.fullmatch(rb"knotholed \d+\.\d+\.\d+ \(([0-9a-f]{12}(-dirty)?|unknown)\)\n",
                       shown.stdout), "version")


@suite.test("wrong options: 64")
def _():
    for arguments in (["--nonsense"], ["-c"], ["surplus"], ["-x"],
                      ["--role", "visit"], ["--role", "store"],
                      ["--role", "door"], ["--role", "courier"], ["--role"]):
        told = run(KNOTHOLED, *arguments)
        equal(told.returncode, 64, f"exit status of {arguments}")
        check(told.stderr, f"nothing said to {arguments}")


@suite.test("--check-config: 0, one line, and nothing is made or opened")
def _():
    told = checked(GOOD)
    equal((told.returncode, told.stderr), (0, b""), "check")
    equal(told.stdout.decode(), f"{drop.config}: in order, 1 newsroom\n", "out")
    check(not os.path.exists(drop.store), "a store was made")
    check(not os.path.exists(drop.state), "a state was made")


@suite.test("a file that is not there, a directory: 78")
def _():
    for path in (drop.config + ".none", drop.server):
        told = run(KNOTHOLED, "--check-config", "-c", path)
        equal(told.returncode, 78, "exit status")
        check(path in told.stderr.decode(), "names the file")


@suite.test("unknown keys are named with file and line: 78")
def _():
    for key in ("liten", "Store", "max-upload", "log_file", "store2"):
        text = GOOD + f"# a comment\n\n{key} = x\n"
        wrong(text, key, "unknown key", line=line_of(text, key))


@suite.test("repeated keys are named with file and both lines: 78")
def _():
    for key in drop.settings:
        text = GOOD + f"\n{key} = {drop.settings[key]}\n"
        wrong(text, key, f"line {line_of(text, key)}",
              line=len(text.splitlines()))


@suite.test("missing keys are named: 78")
def _():
    for key in ("source_listen", "store", "newsrooms"):
        text = GOOD.replace(f"{key} = ", f"# {key} = ")
        wrong(text, key, "missing")
    wrong("", "missing")


@suite.test("lines that are no settings: 78")
def _():
    for line in ("store", "= x", "store =", "[section]", "store: x",
                 "site_name = \"quoted\"", "site_name = a\tb",
                 "site_name = \x1b[31m", "site_name = \u202e"):
        text = GOOD + line + "\n"
        wrong(text, line=len(text.splitlines()))


@suite.test("values out of range: 78")
def _():
    for line in ("max_upload = 1", "max_upload = 40 GiB", "max_upload = -1",
                 "max_upload = 1.5 GiB", "max_upload = 10 GB",
                 "max_upload = 99999999999999999999", "max_message = 0",
                 "max_message = 1000001", "max_visits = 0",
                 "max_visits = 10001", "max_visits = 010",
                 "max_visits = many", "site_name = " + "x" * 121):
        text = GOOD + line + "\n"
        wrong(text, line.split(" ")[0], line=len(text.splitlines()))


@suite.test("addresses other than loopback are refused: 78")
def _():
    for where in ("tcp:0.0.0.0:80", "tcp:192.168.1.1:80", "tcp:10.0.0.1:80",
                  "tcp:128.0.0.1:80", "tcp:[::]:80", "tcp:[::2]:80",
                  "tcp:[fe80::1]:80", "tcp:localhost:80", "tcp::80",
                  "tcp:example.org:80", "tcp:*:80", "tcp:127.1:80",
                  "tcp:[::ffff:127.0.0.1]:80", "tcp:2130706433:80",
                  "tcp:0177.0.0.1:80"):
        text = GOOD.replace("tcp:127.0.0.1:0", where)
        wrong(text, "source_listen", line=1)
    for where in ("127.0.0.1:80", "tcp:127.0.0.1", "tcp:127.0.0.1:99999",
                  "unix:", "unix:relative", "unix:/" + "x" * 120, "http:x",
                  "fd:3", "tcp:127.0.0.1:080"):
        text = GOOD.replace("tcp:127.0.0.1:0", where)
        wrong(text, "source_listen", line=1)


@suite.test("kinds of store that are not known: 78")
def _():
    for where in ("s3:bucket", "http://x", "dir:", "/", "dir:/"):
        text = GOOD.replace(f"store = {drop.store}", f"store = {where}")
        wrong(text, "store", line=2)


def starts(other):
    other.start()
    page = other.post(other.form().field("message", "hello"))
    equal(page.state, "sealed", "an upload")
    equal(len(other.objects()), 1, "objects")


@suite.test("every key is honoured")
def _():
    other = Drop(site_name="Le Médiateur & <Fils>", max_message=7,
                 max_upload="2 MiB", max_visits=3)
    other.settings["store"] = f"dir:{other.store}"
    starts(other)
    page = other.get("/en/send").text()
    check("Le Médiateur &amp; &lt;Fils&gt;" in page, "site_name")
    check('maxlength="7"' in page, "max_message")
    check("<bdi>2 MB</bdi>" in page, "max_upload")
    other.idle()  # a visit that is just ending has a place still
    wires = [other.connect() for _ in range(3)]
    for wire in wires:
        wire.send(b"GET")
    equal(other.get("/en/").status, 503, "max_visits")
    for wire in wires:
        wire.close()
    other.ends_well()


@suite.test("IPv6 loopback works")
def _():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        raise Skip("this host has no IPv6 loopback") from None
    other = Drop(source_listen="tcp:[::1]:0")
    starts(other)
    equal(other.address[0], "::1", "address")
    other.ends_well()


@suite.test("other addresses of 127.0.0.0/8 work")
def _():
    other = Drop(source_listen="tcp:127.0.0.2:0")
    starts(other)
    equal(other.address[0], "127.0.0.2", "address")
    other.ends_well()


@suite.test("L32: a store or state that others may look into: 78, untouched")
def test_l32_modes():
    for key in ("store", "state"):
        for mode in (0o755, 0o750, 0o701, 0o777, 0o710):
            other = Drop()
            path = getattr(other, key)
            os.mkdir(path)
            with open(os.path.join(path, "note"), "wb"):
                pass
            os.chmod(path, mode)
            other.launch()
            equal(other.process.wait(30), 78, f"exit status for {mode:o}")
            other.stop()
            said = other.said()
            check(path in said and "chmod 700" in said, f"said {said!r}")
            equal(stat.S_IMODE(os.stat(path).st_mode), mode, "mode")
            equal(os.listdir(path), ["note"], "contents")


@suite.test("L32: an empty store or state that mkdir made is shut")
def test_l32_empty():
    other = Drop()
    for path in (other.store, other.state):
        os.mkdir(path)
        os.chmod(path, 0o755)
    starts(other)
    for path in (other.store, other.state):
        equal(stat.S_IMODE(os.stat(path).st_mode), 0o700, path)
    other.ends_well()


@suite.test("L32: what is made is 0700 and 0600 and below, with any umask")
def test_l32_made():
    other = Drop(unix=True)
    old = os.umask(0)
    try:
        starts(other)
    finally:
        os.umask(old)
    for where, directories, names in os.walk(other.server):
        for name in directories + names:
            path = os.path.join(where, name)
            if not path.startswith((other.store, other.state)):
                continue
            mode = stat.S_IMODE(os.lstat(path).st_mode)
            equal(mode & 0o077, 0, f"{path} is {mode:o}")
    other.ends_well()


@suite.test("L32: a store behind a symbolic link: 78")
def test_l32_link():
    other = Drop()
    elsewhere = os.path.join(other.server, "elsewhere")
    os.mkdir(elsewhere, 0o700)
    os.symlink(elsewhere, other.store)
    other.launch()
    equal(other.process.wait(30), 78, "exit status")
    check(other.store in other.said(), "names the directory")
    other.stop()
    equal(os.listdir(elsewhere), [], "contents")


@suite.test("a store that cannot be made, a store that is a file: 78")
def _():
    other = Drop()
    other.settings["store"] = os.path.join(other.server, "no", "such", "place")
    other.launch()
    equal(other.process.wait(30), 78, "exit status")
    other.stop()
    other = Drop()
    with open(other.store, "w", encoding="ascii"):
        pass
    other.launch()
    equal(other.process.wait(30), 78, "exit status")
    check(other.store in other.said(), "names it")
    other.stop()


@suite.test("a unix socket works, is no one's but the group's, and is removed")
def _():
    other = Drop(unix=True)
    starts(other)
    mode = os.stat(other.socket).st_mode
    check(stat.S_ISSOCK(mode), "it is a socket")
    equal(stat.S_IMODE(mode), 0o660, "mode")
    other.ends_well()
    check(not os.path.exists(other.socket), "the socket is left")


@suite.test("a stale unix socket is replaced; one in use, or a file, is not")
def _():
    other = Drop(unix=True)
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(other.socket)
    stale.close()
    starts(other)
    second = Drop(unix=True)
    second.settings["source_listen"] = f"unix:{other.socket}"
    second.launch()
    status = second.process.wait(30)
    check(status != 0, "a second service on the same socket")
    check(other.socket in second.said(), "names the socket")
    second.stop()
    equal(other.get("/en/").status, 200, "the first one")
    other.ends_well()
    with open(other.socket, "w", encoding="ascii") as f:
        f.write("a file")
    other.launch()
    check(other.process.wait(30) != 0, "it started on a file")
    other.stop()
    with open(other.socket, encoding="ascii") as f:
        equal(f.read(), "a file", "the file")


@suite.test("a port in use: an error that names it")
def _():
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        where = f"tcp:127.0.0.1:{busy.getsockname()[1]}"
        other = Drop(source_listen=where)
        other.launch()
        equal(other.process.wait(30), 71, "exit status")
        check(where in other.said(), "names the address")
        other.stop()


@suite.test("the instance's salt is 16 bytes, 0400, and survives a restart")
def _():
    other = Drop(unix=True)
    starts(other)
    path = os.path.join(other.state, "instance.salt")
    equal(sorted(os.listdir(other.state)), ["health", "instance.salt"],
          "state")
    status = os.stat(path)
    equal(stat.S_IMODE(status.st_mode), 0o400, "mode")
    with open(path, "rb") as f:
        salt = f.read()
    equal(len(salt), 16, "length")
    check(salt != bytes(16), "it is random")
    other.ends_well()
    other.start()
    with open(path, "rb") as f:
        equal(f.read(), salt, "after a restart")
    equal(os.stat(path).st_ino, status.st_ino, "the same file")
    other.ends_well()
    third = Drop()
    third.start()
    with open(os.path.join(third.state, "instance.salt"), "rb") as f:
        check(f.read() != salt, "two instances with one salt")
    third.ends_well()


@suite.test("a first start that ends within the salt's making leaves none")
def _():
    other = Drop(unix=True)
    other.write_config()
    # The signal of a file that grows over the limit ends it at its write.
    ended = run(
        KNOTHOLED, "-c", other.config,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8, 8)),
    )
    equal(ended.returncode, -signal.SIGXFSZ, "how it ended")
    starts(other)
    equal(sorted(os.listdir(other.state)), ["health", "instance.salt"],
          "state")
    other.ends_well()


@suite.test("a damaged salt is not replaced: 78, and says what to do")
def _():
    for damage in (b"", b"x" * 15, b"x" * 17):
        other = Drop()
        os.mkdir(other.state, 0o700)
        path = os.path.join(other.state, "instance.salt")
        with open(path, "wb") as f:
            f.write(damage)
        other.launch()
        equal(other.process.wait(30), 78, "exit status")
        check(path in other.said() and "backup" in other.said(), "says")
        other.stop()
        with open(path, "rb") as f:
            equal(f.read(), damage, "the file")


@suite.test("state is STORE.state unless it is given")
def _():
    other = Drop()
    del other.settings["state"]
    starts(other)
    equal(sorted(os.listdir(other.store + ".state")),
          ["health", "instance.salt"], "state")
    other.ends_well()


@suite.test("a restart keeps the objects, and takes no form from before")
def _():
    other = Drop(unix=True)
    starts(other)
    form = other.form().field("message", "from before")
    kept = other.objects()
    other.ends_well()
    other.start()
    equal(other.objects(), kept, "objects")
    equal(other.extract(kept[0]).message, b"hello", "message")
    page = other.post(form)
    equal((page.status, page.reason), (403, "token"), "an old form")
    equal(other.objects(), kept, "objects")
    other.ends_well()


@suite.test("a role that cannot start again is tried at growing intervals")
def _():
    other = Drop()
    other.start()
    os.chmod(other.store, 0o755)  # L32: what the store refuses
    began = time.monotonic()
    os.kill(other.role("store"), signal.SIGKILL)
    wait_for("a start fails", lambda: "did not start" in other.said())
    time.sleep(6)  # 1 and 2 seconds have passed, and some of the next 4
    failed = other.said().count("did not start")
    spent = time.monotonic() - began
    check(2 ** failed - 1 <= spent, f"{failed} starts in {spent:.1f} s")
    os.chmod(other.store, 0o700)
    wait_for("it is ready", lambda: "ready again" in other.said())
    page = other.post(other.form().field("message", "back"))
    equal(page.state, "sealed", "state")
    equal(other.stop(), 0, "exit status")


@suite.test("a card beside the others that is no card is not looked at")
def _():
    other = Drop()
    for name in ("README", "the-example-times.card.minisig", "key.asc"):
        with open(os.path.join(other.cards, name), "wb") as f:
            f.write(b"\0nonsense")
    starts(other)
    other.ends_well()
    shutil.rmtree(other.base, ignore_errors=True)


suite.run()
