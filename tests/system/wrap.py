"""The process that runs gpg: what it may, and that whatever gpg does nothing is
ever sealed without a newsroom's OpenPGP key (L7, L12, L13). As root, in its
sandbox; gpg is replaced by build/tests/fakegpg."""
import errno
import os
import shutil
import signal
import subprocess
import time

from lib.drop import BUILD, HASTY, KNOTHOLED, Drop, need_root, processes, workplace
from lib.pgp import Person, add_key
from lib.tap import Suite, check, equal, wait_for
from lib.wire import Form

FAKE = os.path.join(BUILD, "tests", "fakegpg")
GPG = "/usr/bin/gpg"
WRAP_UID = 61106
SOON = 60  # for what is tried again four times a minute

suite = Suite()
base = workplace()
copies = []  # of gpg, to be replaced


def checks():
    """Directories of --check-config."""
    return {n for n in os.listdir("/tmp") if n.startswith("knotholed-check-")}


others = checks()  # of an end that came between, or of somebody else
person = Person(os.path.join(base, "person"))
person.make("good")
person.make("good2", "rsa3072", "rsa3072")


def key_file(name):
    return person.export(name, os.path.join(base, name + ".pgp"))


def make_drop(*keys, newsrooms=1, **settings):
    """A drop whose first cards have these keys."""
    made = Drop(newsrooms=newsrooms, **settings)
    for room, key in zip(made.newsrooms, keys):
        add_key(room, key_file(key), made.cards)
    return made


def in_place(source, path):
    """Other contents, the same file: what Landlock allows is this file. It
    cannot be written to while it runs."""
    def written():
        try:
            with open(source, "rb") as f, open(path, "wb") as g:
                shutil.copyfileobj(f, g)
        except OSError as e:
            if e.errno != errno.ETXTBSY:
                raise
            return False
        return True

    wait_for(f"{path} is not running", written, SOON)


def own_gpg(name):
    """A copy of gpg under a name that tells fakegpg what to do."""
    path = os.path.join(workplace(), name)
    shutil.copy(GPG, path)
    os.chmod(path, 0o755)
    os.chmod(os.path.dirname(path), 0o755)
    copies.append(path)
    return path


def submit(drop, text="hello"):
    return drop.post(Form(drop.token()).field("message", text)).status


def has_bridge(path):
    with open(path, "rb") as f:
        return b"\n-> knothole.example/openpgp " in f.read(1 << 19)


def refused_at_start(drop, *words):
    """It does not start, says why in one line, and so does --check-config."""
    drop.launch()
    equal(drop.process.wait(90), 78, f"status; it said {drop.said()}")
    lines = [line for line in drop.said().splitlines() if "OpenPGP" in line]
    equal(len(lines), 1, f"lines: {drop.said()}")
    for word in words:
        check(word in lines[0], f"{word}: {lines[0]}")
    drop.stop()
    checked = subprocess.run(
        [KNOTHOLED, "-c", drop.config, "--check-config"],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=90, check=False)
    equal(checked.returncode, 78, "--check-config")
    check(lines[0] in checked.stderr.decode(), checked.stderr.decode())
    check(not os.path.exists(os.path.join(drop.store, "objects"))
          or drop.objects() == [], "objects")


# One whose key ends while the service runs, but not before it has started, which
# may take long here. It is looked at again when the other tests have passed.
brief_began = time.monotonic()
person.make("rehearsal")
make_drop("rehearsal").start().stop()
brief_lasts = 30 + int(5 * (time.monotonic() - brief_began))
brief_began = time.monotonic()
person.make("brief", ends=f"seconds={brief_lasts}")
brief = make_drop("brief", selftest_minutes="60").start()
brief_token = None


@suite.test("a key that ends within the minute: the form is open")
def before_the_end():
    global brief_token
    if time.monotonic() - brief_began < 0.6 * brief_lasts:
        equal(submit(brief), 200, "before")
    if time.monotonic() - brief_began < 0.7 * brief_lasts:
        brief_token = brief.token()


@suite.test("no card with an OpenPGP key: no such process, and no gpg is needed")
def none():
    drop = Drop(gpg="/nonexistent/gpg").start()
    equal(sorted(processes(drop.process.pid).values()), ["door", "store"],
          "roles")
    check("openpgp_keys" not in drop.health(), "health")
    equal(submit(drop), 200, "submission")
    drop.ends_well()


@suite.test("with one: another user, no rights, and the health file says so")
def confined():
    need_root()
    drop = make_drop("good").start()
    equal(sorted(processes(drop.process.pid).values()),
          ["door", "store", "wrap"], "roles")
    pid = drop.role("wrap")
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        status = dict(line.split(":\t", 1) for line in f.read().splitlines()
                      if ":\t" in line)
    equal(status["Uid"].split(), [str(WRAP_UID)] * 4, "user")
    equal(status["NoNewPrivs"], "1", "no_new_privs")
    equal(status["Seccomp"], "2", "seccomp")
    for name in ("CapEff", "CapPrm", "CapInh", "CapBnd"):
        equal(int(status[name], 16), 0, name)
    said = drop.health()
    equal(said["selftest"], "ok", "selftest")
    equal(said["openpgp_keys"], "ok", "openpgp_keys")
    equal(os.path.getsize(os.path.join(drop.state, "health")), 512, "size")
    for number in range(12):
        equal(submit(drop), 200, f"submission {number}")
    check(all(has_bridge(path) for path in drop.objects()), "bridges")
    equal(len(drop.objects()), 12, "objects")
    drop.ends_well()


for kind, word, options in (
    ("expired", "expired", {"options": (
        "--faked-system-time", "20200101T000000")}),
    ("signonly", "signing only", {"sub": None}),
    ("weak", "3072", {"primary": "rsa2048", "sub": "rsa2048"}),
    ("sha1", "SHA-1", {"options": ("--cert-digest-algo", "SHA1")}),
    ("revoked", "revoked", {}),
):
    @suite.test(f"{kind}: no start, with the reason")
    def bad_key(kind=kind, word=word, options=options):
        person.make(kind, **options)
        if kind == "revoked":
            person.revoke(kind)
        drop = make_drop("good", kind, newsrooms=3)
        refused_at_start(drop, word, drop.newsrooms[1].id + ".card",
                         person.fingerprint(kind))


@suite.test("a key that ends soon: a start, a warning, and the health file's")
def ending():
    person.make("soon", ends="20d")
    drop = make_drop("soon").start()
    check(drop.said().startswith("knotholed: listening"), "what it said first")
    lines = [line for line in drop.said().splitlines() if "warning" in line]
    equal(len(lines), 1, drop.said())
    check("ends on" in lines[0] and drop.newsrooms[0].id in lines[0], lines[0])
    said = drop.health()
    equal(said["openpgp_keys"], "ending", "openpgp_keys")
    equal(said["selftest"], "ok", "selftest")
    equal(said["key_weeks_left"], "2", "weeks")
    equal(submit(drop), 200, "submission")
    equal(drop.stop(), 0, "exit status")


@suite.test("gpg that is not there, or that others may change: no start")
def no_gpg():
    drop = make_drop("good", gpg="/nonexistent/gpg")
    refused_at_start(drop, "/nonexistent/gpg")
    path = own_gpg("gpg")
    os.chmod(path, 0o777)
    drop = make_drop("good", gpg=path)
    drop.launch()
    equal(drop.process.wait(30), 78, "status")
    check("may change this program" in drop.said(), drop.said())
    drop.stop()


for lie in ("false", "die", "silent", "garbage", "empty", "deaf", "mute",
            "other", "hang"):
    @suite.test(f"gpg that is \"{lie}\" from the start: no start")
    def lies_at_start(lie=lie):
        path = own_gpg(lie)
        in_place(FAKE, path)
        refused_at_start(make_drop("good", gpg=path), "gpg")


def closes(drop, allowed):
    """Submissions until one is refused: those before it are whole."""
    accepted = 0
    end = time.monotonic() + SOON
    while time.monotonic() < end:
        page = drop.get("/en/send")
        if page.status == 503:
            break
        status = submit(drop)
        if status != 200:
            equal(status, 503, "a submission that is refused")
            break
        accepted += 1
    check(accepted <= allowed, f"{accepted} were accepted")
    wait_for("the health file says so",
             lambda: drop.health()["selftest"] == "openpgp", SOON)
    wait_for("the form is closed",
             lambda: drop.get("/en/send").status == 503, SOON)
    return accepted


# The first one with the minutes of the product: 15 seconds between two tries.
for lie in ("false", "die", "garbage", "mute", "late"):
    @suite.test(f"gpg that becomes \"{lie}\": closed before a byte is sent; and "
                "open again when it is itself")
    def lies_later(lie=lie):
        path = own_gpg(lie)
        drop = make_drop("good", "good2", newsrooms=3, gpg=path)
        if lie != "false":
            drop.program = HASTY
            drop.settings["selftest_minutes"] = "600"  # not before it is over
        drop.start()
        held = drop.token()
        in_place(FAKE, path)
        # No more than were ready, and one that is being made.
        accepted = closes(drop, 6)
        equal(len(drop.objects()), accepted, "objects")
        check(all(has_bridge(p) for p in drop.objects()), "bridges")
        # The head alone is answered: nothing of the body was asked for.
        form = Form(held).field("message", "a secret")
        with drop.connect() as wire:
            wire.offer([form.head(length=form.length())])
            equal(wire.response().status, 503, "from the head")
        equal(len(drop.objects()), accepted, "objects after that")
        in_place(GPG, path)
        wait_for("open again", lambda: drop.get("/en/send").status == 200, SOON)
        wait_for("the health file", lambda: drop.health()["selftest"] == "ok",
                 SOON)
        equal(drop.post(form).status, 200, "the form that was held")
        equal(len(drop.objects()), accepted + 1, "objects")
        check(all(has_bridge(p) for p in drop.objects()), "bridges")
        equal(drop.stop(), 0, "exit status")


@suite.test("a file in gpg's place, under its name, is not run at all")
def another_file():
    path = own_gpg("gpg")
    drop = make_drop("good", gpg=path).start()
    shutil.copy(GPG, path + ".new")
    os.rename(path + ".new", path)
    accepted = closes(drop, 6)
    check(all(has_bridge(p) for p in drop.objects()), "bridges")
    equal(len(drop.objects()), accepted, "objects")
    equal(drop.stop(), 0, "exit status")


@suite.test("killed: closed until there is another, and forms go on")
def killed():
    drop = make_drop("good").start()
    held = drop.token()
    wrap = drop.role("wrap")
    os.kill(wrap, signal.SIGKILL)
    wait_for("another", lambda: drop.role("wrap") not in (None, wrap), SOON)
    # It is refused for as long as there is none, and not lost then.
    form = Form(held).field("message", "x")
    wait_for("the form that was held is taken",
             lambda: drop.post(form).status == 200, SOON)
    equal(len(drop.objects()), 1, "objects")
    check(all(has_bridge(p) for p in drop.objects()), "bridges")
    check("the wrap has ended: starting it again" in drop.said(), drop.said())
    equal(drop.stop(), 0, "exit status")


@suite.test("stopped: a submission waits, and none goes without")
def stopped():
    drop = make_drop("good").start()
    wrap = drop.role("wrap")
    os.kill(wrap, signal.SIGSTOP)
    try:
        form = Form(drop.token()).field("message", "x")
        with drop.connect() as wire:
            wire.offer([form.head(length=form.length()), *form.pieces])
            time.sleep(2)
            equal(drop.objects(), [], "while it is stopped")
            os.kill(wrap, signal.SIGCONT)
            equal(wire.response().status, 200, "then")
    finally:
        os.kill(wrap, signal.SIGCONT)
    check(all(has_bridge(p) for p in drop.objects()), "bridges")
    equal(drop.stop(), 0, "exit status")


@suite.test("the store's end takes it along, and both come again")
def store_ends():
    drop = make_drop("good").start()
    wrap = drop.role("wrap")
    os.kill(drop.role("store"), signal.SIGKILL)
    wait_for("ready again", lambda: "ready again" in drop.said(), SOON)
    check(drop.role("wrap") != wrap, "another")
    equal(submit(drop), 200, "submission")
    check(all(has_bridge(p) for p in drop.objects()), "bridges")
    equal(drop.stop(), 0, "exit status")


@suite.test("a key that ends while the service runs closes the form")
def ends():
    drop = brief
    wait_for("the health file says so",
             lambda: drop.health()["selftest"] == "openpgp",
             brief_lasts + 120)
    equal(drop.health()["openpgp_keys"], "unusable", "openpgp_keys")
    equal(drop.get("/en/send").status, 503, "the form")
    equal(drop.get("/en/help").status, 200, "the other pages")
    before = len(drop.objects())
    if brief_token:
        form = Form(brief_token).field("message", "too late")
        equal(drop.post(form).status, 503, "a form from before")
    equal(len(drop.objects()), before, "objects")
    equal(drop.stop(), 0, "exit status")


@suite.test("nothing of it is left: no process, no directory")
def left():
    def running():
        found = []
        for entry in os.listdir("/proc"):
            try:
                found.append(os.readlink(f"/proc/{entry}/exe"))
            except OSError:
                continue  # none, or it has ended
        return found

    check(copies, "a test of nothing")
    wait_for("none of them runs", lambda: not set(copies) & set(running()))
    # Another test may be checking a configuration just now.
    wait_for("no directory of --check-config is left",
             lambda: checks() <= others)


suite.run()
