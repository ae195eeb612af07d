"""A knotholed of its own for each test program, and the newsrooms' desk."""
import atexit
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile

from lib.kernel import not_accepted, processes, sleeps, started
from lib.tap import Failure, Skip, equal, wait_for
from lib.wire import Form, Wire, get, small

BUILD = os.path.abspath(os.environ.get("KNOTHOLE_BUILD", "build"))
KNOTHOLED = os.path.join(BUILD, "bin", "knotholed")
# The same with minutes that last a second.
HASTY = os.path.join(BUILD, "tests", "hasty", "knotholed")
KNOTHOLE = os.path.join(BUILD, "bin", "knothole")
# Where tests run there is a network: without its option, everything that opens
# secrets would refuse (airgap.py tests that it does).
DESK = (KNOTHOLE, "--i-am-online")
MKANSWER = os.path.join(BUILD, "tests", "mkanswer")
LANGUAGES = ("en", "he", "ar", "fr", "es", "de", "ru", "fa")

_stopping = []  # drops that are running, and directories to remove


def _end_all():
    for end in reversed(_stopping):
        end()
    _stopping.clear()


def at_end(function):
    """Do this when the program ends, whichever way; the last one first."""
    _stopping.append(function)


atexit.register(_end_all)
signal.signal(signal.SIGTERM, lambda *unused: os._exit(_end_all() or 1))


def workplace():
    """A new directory on a file system that has O_TMPFILE."""
    for parent in (None, BUILD):
        path = tempfile.mkdtemp(prefix="knothole-test-", dir=parent)
        _stopping.append(lambda p=path: shutil.rmtree(p, ignore_errors=True))
        try:
            os.close(os.open(path, os.O_TMPFILE | os.O_WRONLY, 0o600))
            return path
        except OSError:
            continue
    raise Failure("no file system here can make files without a name")


def run(*command, **options):
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=300,
        check=False,
        **options,
    )


def desk(*arguments, **options):
    """Run a command of the offline tool."""
    done = run(*DESK, *arguments, **options)
    done.stderr = without_warning(done.stderr)
    return done


def without_warning(said):
    """What the offline tool said, but for the warning of --i-am-online."""
    return b"".join(
        line for line in said.splitlines(keepends=True)
        if b"--i-am-online: WARNING: THE AIR GAP IS NOT CHECKED" not in line
    )


def address_of(pattern, said):
    """Where it listens, for connect(2)."""
    where = re.search(pattern, said)
    if where[1] == "unix":
        return where[2]
    host, port = where[2].rsplit(":", 1)
    return host.strip("[]"), int(port)


class Newsroom:
    def __init__(self, directory, name, *options):
        made = run(
            KNOTHOLE, "keygen", "-o", directory, "--name", name,
            "--no-passphrase", *options,
        )
        if made.returncode != 0:
            raise Failure(f"keygen: {made.stderr.decode()}")
        self.directory = directory
        self.identity = os.path.join(directory, "identity.txt")
        (card,) = [n for n in os.listdir(directory) if n.endswith(".card")]
        self.id = card[: -len(".card")]
        self.card = os.path.join(directory, card)
        with open(self.card, encoding="utf-8") as f:
            self.recipient = re.search(r"recipient = (age1\S+)", f.read())[1]
        with open(os.path.join(directory, "courier.token"), "rb") as f:
            self.token = f.read().decode().strip()


class Opened:
    """A submission that `knothole extract` has opened."""

    def __init__(self, directory):
        self.directory = directory
        with open(os.path.join(directory, "manifest.json"), "rb") as f:
            self.manifest_bytes = f.read()
        self.manifest = json.loads(self.manifest_bytes)
        path = os.path.join(directory, "message.txt")
        self.message = None
        if os.path.exists(path):
            with open(path, "rb") as f:
                self.message = f.read()
        self.records = self.manifest["files"]
        self.names = [record["name"] for record in self.records]

    def read(self, index):
        record = self.records[index]
        with open(os.path.join(self.directory, record["entry"]), "rb") as f:
            return f.read()

    def on_disk(self):
        return sorted(
            os.path.relpath(os.path.join(where, name), self.directory)
            for where, _, names in os.walk(self.directory)
            for name in names
        )


class Drop:
    """
    A knotholed with everything it needs in one directory:

        server/  all that it can write to: store, state, TMPDIR, working
                 directory, its configuration, its messages
        desk/    keys and what was opened

    `server` is another directory for the first of them, `wrap` a command that
    becomes knotholed.
    """

    def __init__(self, newsrooms=1, unix=False, server=None, wrap=(),
                 **settings):
        self.base = workplace()
        self.server = server or os.path.join(self.base, "server")
        self.wrap = list(wrap)
        self.desk = os.path.join(self.base, "desk")
        self.store = os.path.join(self.server, "store")
        self.state = os.path.join(self.server, "state")
        self.cards = os.path.join(self.server, "newsrooms")
        self.config = os.path.join(self.server, "knotholed.conf")
        self.messages = os.path.join(self.server, "stderr")
        self.socket = os.path.join(self.server, "source.sock")
        self.courier_socket = os.path.join(self.server, "courier.sock")
        for name in ("", "newsrooms", "tmp", "cwd", "home"):
            os.makedirs(os.path.join(self.server, name), exist_ok=True)
        os.makedirs(self.desk)
        names = ["The Example Times", "Zeitung", "Third"][:newsrooms]
        self.newsrooms = [
            Newsroom(os.path.join(self.desk, f"keys{i}"), name)
            for i, name in enumerate(names)
        ]
        for newsroom in self.newsrooms:
            shutil.copy(newsroom.card, self.cards)
        self.settings = {
            "source_listen": f"unix:{self.socket}" if unix
            else "tcp:127.0.0.1:0",
            "store": self.store,
            "state": self.state,
            "newsrooms": self.cards,
            "allow_swap": "yes",  # of whatever machine this is
            **settings,
        }
        self.program = KNOTHOLED  # or HASTY
        self.process = None
        self.address = None
        self.courier_address = None
        self.opened = 0

    # --- the service ---

    def write_config(self, text=None):
        if text is None:
            text = "".join(f"{k} = {v}\n" for k, v in self.settings.items())
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(text)

    def said(self):
        with open(self.messages, encoding="utf-8") as f:
            return f.read()

    def launch(self):
        self.write_config()
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "TMPDIR": os.path.join(self.server, "tmp"),
            "HOME": os.path.join(self.server, "home"),
        }
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                environment[name] = os.environ[name]
        with open(self.messages, "wb") as f:
            self.process = subprocess.Popen(
                [*self.wrap, self.program, "-c", self.config],
                stdin=subprocess.DEVNULL,
                stdout=f,
                stderr=f,
                cwd=os.path.join(self.server, "cwd"),
                env=environment,
            )
        _stopping.append(self.stop)

    def start(self):
        self.launch()

        def ready():
            if self.process.poll() is not None:
                raise Failure(f"knotholed did not start: {self.said()}")
            return "knotholed: ready\n" in self.said()

        wait_for("the service is ready", ready)
        self.address = address_of(r"listening on (\w+):(\S+),", self.said())
        if "courier_listen" in self.settings:
            self.courier_address = address_of(
                r"couriers on (\w+):(\S+)\n", self.said()
            )
        return self

    def stop(self, how=signal.SIGTERM):
        """End it; its exit status."""
        if self.stop in _stopping:
            _stopping.remove(self.stop)
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            status = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure("knotholed did not end within 60 s") from None
        self.process = None
        return status

    def ends_well(self):
        """All visits end, then the service; nothing has failed meanwhile."""
        self.idle()
        said = self.said().splitlines()
        equal(self.stop(), 0, "exit status")
        wanted = 2 + ("courier_listen" in self.settings)
        equal(len(said), wanted, f"what it said: {said}")

    def roles(self, name):
        """The pids of all processes of a role, the newest last: of doors there
        are several while one that was replaced has visits."""
        found = [p for p, n in processes(self.process.pid).items() if n == name]
        return sorted(found, key=started)

    def role(self, name):
        """The pid of the door or the store."""
        found = self.roles(name)
        return found[-1] if found else None

    def visits(self):
        return {pid for door in self.roles("door") for pid in processes(door)}

    def health(self):
        """What the health file says, by name."""
        with open(os.path.join(self.state, "health"), encoding="ascii") as f:
            text = f.read()
        return dict(line.split(" = ") for line in text.split("\n")
                    if line.strip())

    def all_let_in(self):
        """Whoever has come is a visit, or was turned away. In this order: who is
        accepted is one of them before the door rests again."""
        return not (self.address and not_accepted(self.address)) and all(
            sleeps(door) for door in self.roles("door"))

    def at_rest(self):
        """No visit is left, nor a connection that will be one, and the door and
        the store know it."""
        return (not self.visits() and self.all_let_in()
                and not any(processes(door, zombies=True)
                            for door in self.roles("door"))
                and all(sleeps(store) for store in self.roles("store")))

    def idle(self):
        """Wait until no visit is left."""
        wait_for("all visits have ended", self.at_rest)

    # --- its visitors ---

    def connect(self):
        return Wire(self.address)

    def exchange(self, data):
        with self.connect() as wire:
            wire.offer([data])
            return wire.response()

    def get(self, path):
        return self.exchange(get(path))

    def token(self, lang="en"):
        page = self.get(f"/{lang}/send?plain=1").text()
        return re.search(r'name="token" value="([^"]*)"', page)[1]

    def tokens(self, lang="en"):
        """Of the form with frames: its own, and that in its addresses."""
        page = self.get(f"/{lang}/send").text()
        own = re.search(r'name="token" value="([^"]*)"', page)[1]
        shown = re.search(r' src="/\w\w/status\?u=([^"]*)"', page)[1]
        return own, shown

    def form(self, **arguments):
        """A form with a token, to be filled in."""
        return Form(self.token(), **arguments)

    def post(self, form, **arguments):
        length = form.length()
        with self.connect() as wire:
            wire.offer([form.head(length=length, **arguments), *form.pieces])
            return wire.response()

    def post_small(self, path, **fields):
        return self.exchange(small(path, **fields))

    def answer(self, code, number, kind="answer", text=None, newsroom=0,
               day="2026-11-24", salt=None):
        """Put an answer into a slot, as the courier will; its path."""
        command = [
            MKANSWER, "--store", self.store, "--salt",
            salt or os.path.join(self.state, "instance.salt"), "--code", code,
            "--identity", self.newsrooms[newsroom].identity,
            "--number", str(number), "--kind", kind, "--day", day,
        ]
        if text is not None:
            path = os.path.join(self.desk, f"answer{newsroom}-{number}.txt")
            with open(path, "wb") as f:
                f.write(text if isinstance(text, bytes) else text.encode())
            command += ["--text-file", path]
        made = run(*command)
        if made.returncode != 0:
            raise Failure(f"mkanswer: {made.stderr.decode()}")
        return os.path.join(self.store, "replies", made.stdout.decode().strip())

    # --- what rests ---

    def replies(self):
        where = os.path.join(self.store, "replies")
        return sorted(os.path.join(where, name) for name in os.listdir(where))

    def objects(self):
        where = os.path.join(self.store, "objects")
        return sorted(os.path.join(where, name) for name in os.listdir(where))

    def snapshot(self):
        """Every path and every byte that the service could have written."""
        found = {}
        for where, directories, names in os.walk(self.server):
            for name in directories + names:
                path = os.path.join(where, name)
                found[os.path.relpath(path, self.server)] = (
                    fingerprint(path) if os.path.isfile(path) else None
                )
        return found

    def scan(self, *needles):
        """Files under server/ that hold one of these byte strings, in their
        contents or in their name."""
        found = []
        for where, directories, names in os.walk(self.server):
            for name in directories + names:
                path = os.path.join(where, name)
                data = name.encode("utf-8", "surrogateescape")
                if os.path.isfile(path):
                    with open(path, "rb") as f:
                        data += b"\0" + f.read()
                found += [path for needle in needles if needle in data]
        return sorted(set(found))

    # --- the desk ---

    def list(self, path, newsroom=0):
        shown = desk(
            "list", "--json", "-i",
            self.newsrooms[newsroom].identity, path,
        )
        if shown.returncode != 0:
            raise Failure(f"list {path}: {shown.stderr.decode()}")
        return json.loads(shown.stdout)

    def extract_status(self, path, newsroom=0):
        """Open an object; exit status and where it came out."""
        self.opened += 1
        to = os.path.join(self.desk, f"opened{self.opened}")
        status = desk(
            "extract", "-i", self.newsrooms[newsroom].identity,
            "-o", to, path,
        )
        name = os.path.basename(path).removesuffix(".age")
        return status, os.path.join(to, name)

    def extract(self, path, newsroom=0):
        status, where = self.extract_status(path, newsroom)
        if status.returncode != 0:
            raise Failure(f"extract {path}: {status.stderr.decode()}")
        return Opened(where)

    def unseal(self, path, newsroom=0):
        """The ZIP archive inside."""
        out = desk("unseal", "-i", self.newsrooms[newsroom].identity, path)
        if out.returncode != 0:
            raise Failure(f"unseal {path}: {out.stderr.decode()}")
        return out.stdout

    def forget(self):
        """Remove all objects: a clean store for the next test."""
        for path in self.objects():
            os.unlink(path)


def fingerprint(path):
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        while piece := f.read(1 << 20):
            digest.update(piece)
    return os.stat(path).st_size, digest.hexdigest()


def need_root():
    if os.geteuid() != 0:
        raise Skip("needs root")
