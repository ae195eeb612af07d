"""docs/install.md, as a new administrator follows it: its commands, from the
document. What needs a network or builds packages has a stand-in; the rest is run in
a machine of its own, to a page behind an onion address."""
import os
import re
import shutil
import subprocess

from machine import admin
from machine.admin import fenced
from machine.machine import Machine

from lib.disk import must
from lib.drop import BUILD, Newsroom, run, workplace
from lib.tap import Skip, Suite, check, equal, wait_for
from lib.wire import Wire, get

DOCUMENT = "docs/install.md"
MOST = 10
SOCKET = "/run/knothole/source.sock"
# Lines that fetch or build: what stands in for them is in `prepare`.
ELSEWHERE = re.compile(r"apt-get |make deb$")

suite = Suite()
machine = Machine()
desk = workplace()
newsrooms = [Newsroom(os.path.join(desk, f"keys{i}"), name)
             for i, name in enumerate(("The Times", "Zeitung"))]


def commands(title):
    return fenced(DOCUMENT, title)


SERVER = commands("The server")


def inside(path):
    return admin.inside(machine, path)


def follow(command):
    return admin.follow(machine, command)


def prepare():
    admin.prepare(machine, [newsroom.card for newsroom in newsrooms])


@suite.test(f"from a fresh system to a live onion in {MOST} commands at most")
def few():
    suite.figure(f"the server takes {len(SERVER)} commands")
    check(5 <= len(SERVER) <= MOST, f"{len(SERVER)} commands")


@suite.test("every command of the document is one")
def syntax():
    for section in ("The desk", "The server", "The courier's machine"):
        for line in commands(section):
            done = run("bash", "-n", "-c", line)
            equal(done.returncode, 0, f"{line}: {done.stderr.decode()}")


@suite.test("every option that they give to our programs is there")
def options():
    for section in ("The desk", "The server", "The courier's machine"):
        for line in commands(section):
            words = line.split()
            name = os.path.basename(words[0])
            if name not in ("knotholed", "knothole", "knothole-courier"):
                continue
            said = run(os.path.join(BUILD, "bin", name), *(
                words[1:2] if not words[1].startswith("-") else []),
                "--help")
            equal(said.returncode, 0, f"{name} --help")
            for option in re.findall(r" (--[a-z-]+)", line):
                check(option in said.stdout.decode(), f"{line}: {option}")


@suite.test("the server's commands, one after the other, in a machine")
def server():
    if not shutil.which("tor"):
        raise Skip("tor is not installed")
    prepare()
    first = SERVER.index(next(
        line for line in SERVER if line.startswith("knotholed setup")))
    for line in SERVER[:first]:
        check(ELSEWHERE.match(line), f"nothing stands in for: {line}")
    said = ""
    for line in SERVER[first:]:
        check(not ELSEWHERE.match(line), f"not run: {line}")
        if line.startswith("systemctl enable --now knotholed"):
            admin.allow_swap(machine)
        said = follow(line) if "setup" in line else (follow(line), said)[1]
    with open(inside("/var/lib/tor/knothole-source/hostname"),
              encoding="ascii") as f:
        onion = f.read().strip()
    check(f"http://{onion}" in said, f"the address is not shown: {said}")
    equal(machine.show("knotholed", "ActiveState"), "active", "the service")
    equal(machine.show("tor@default", "ActiveState"), "active", "tor")
    equal(machine.ctl("is-enabled", "knotholed").stdout, b"enabled\n",
          "at the next boot")


@suite.test("then there is a page, which tor's user can get, with all newsrooms")
def page():
    link = os.path.join(desk, "s")
    os.symlink(inside(SOCKET), link)

    with open(inside("/var/lib/tor/knothole-source/hostname"), "rb") as f:
        onion = f.read().strip()

    def load(path):
        with Wire(link) as wire:
            wire.offer([b"PROXY TCP6 fc00:dead:beef:4dad::0:1d ::1 29 80\r\n"
                        + get(path).replace(b"drop.example", onion)])
            return wire.response()

    check("The Example Times" in load("/en/").text(), "the site's name")
    form = load("/en/send?plain=1").text()
    for name in ("The Times", "Zeitung"):
        check(name in form, f"no {name}")
    follow("setpriv --reuid debian-tor --regid debian-tor --clear-groups "
           f"test -w {SOCKET}")
    done = machine.enter("setpriv", "--reuid", "nobody", "--clear-groups",
                         "test", "-w", SOCKET)
    check(done.returncode != 0, "anybody may")
    equal(follow("knotholed-health --wait 30").count("selftest = ok"), 1,
          "health")


@suite.test("setup has nothing more to say than what only people can do")
def settled():
    said = follow("knotholed setup --json")
    check('"changed": false' in said, said)
    for word in ("systemctl", "cp ", "swapoff"):
        steps = said.split('"steps"')[1]
        check(word not in steps or "allow_swap" in steps, said)


@suite.test("a backup, a new host, the same address")
def moved():
    if not shutil.which("age"):
        raise Skip("age is not installed")
    key = os.path.join(desk, "identity")
    run("age-keygen", "-o", key)
    with open(key, encoding="ascii") as f:
        recipient = re.search(r"age1\w+", f.read())[0]
    shutil.copy(key, inside("/root/identity"))
    with open(inside("/var/lib/tor/knothole-source/hs_ed25519_secret_key"),
              "rb") as f:
        before = f.read()
    follow(f"knotholed-backup -r {recipient} -o /root/site.backup")
    follow("systemctl stop knotholed tor; rm -rf /var/lib/tor/knothole-* "
           "/var/lib/knothole/* /etc/knothole")
    follow("knotholed-restore -i /root/identity /root/site.backup")
    with open(inside("/var/lib/tor/knothole-source/hs_ed25519_secret_key"),
              "rb") as f:
        equal(f.read(), before, "the onion key")
    follow("systemctl start tor knotholed; knotholed-health --wait 30")


def bare_root(root):
    """A shell, what a starter needs, and the C library; nothing else."""
    bare = {"/bin/sh": "/bin/sh"}
    for name in ("readlink", "dirname", "basename"):
        bare[f"/usr/bin/{name}"] = shutil.which(name)
    needed = set()
    for program in list(bare.values()) + ["/usr/bin/ldd"]:
        out = run("ldd", program).stdout.decode()
        needed |= set(re.findall(r"(/\S+\.so\S*)", out))
    # The C library's, and no other.
    for name in ("libm.so.6", "libpthread.so.0", "libresolv.so.2"):
        needed |= set(re.findall(
            rf"=> (/\S*/{re.escape(name)})", run("ldconfig", "-p"
                                                 ).stdout.decode())[:1])
    for target, source in [*bare.items(), *((n, n) for n in needed)]:
        path = root + target
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copy(source, path)
    os.makedirs(root + "/proc")
    must("mount", "-t", "proc", "proc", root + "/proc")


@suite.test("the courier's machine: tor looks for keys, and offers SOCKS")
def courier_machine():
    lines = commands("The courier's machine")
    ours = [i for i, line in enumerate(lines)
            if line.startswith("knothole-courier")]
    for line in lines[:ours[0]]:
        if not ELSEWHERE.match(line):
            follow(line)
    equal(machine.show("tor@default", "ActiveState"), "active", "tor")
    follow("exec 3<>/dev/tcp/127.0.0.1/9050")
    # Its group's mark comes from the directory above.
    check(follow("stat -c '%U %a' /var/lib/tor/onion-auth") in
          ("debian-tor 700\n", "debian-tor 2700\n"), "the directory of keys")
    # The pairs of docs/tor.md are what tor takes.
    with open("docs/tor.md", encoding="utf-8") as f:
        made = re.findall(r"^(openssl .*)$", f.read(), re.M)
    check(len(made) == 3, f"{made}")
    follow(made[0])
    secret, public = (follow(line) for line in made[1:])
    check(re.fullmatch(r"[A-Z2-7]{52}", secret) and secret != public and
          re.fullmatch(r"[A-Z2-7]{52}", public), "keys of 52 letters")


def command_line(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as f:
        return f.read()


NOBODY = ("setpriv", "--reuid", "60000", "--regid", "60000", "--clear-groups")


@suite.test("the folder runs where nothing of it is installed, for a plain user "
            "without a network")
def folder():
    made = run("make", "folder", f"BUILD={os.path.relpath(BUILD)}")
    equal(made.returncode, 0, made.stderr.decode()[-2000:])
    root = workplace()
    os.chmod(root, 0o755)
    bare_root(root)
    home = "/home/anybody"
    away = f"{home}/another name, \u05db\u05df \u00f1"
    stick = f"{home}/stick"
    for path in (away, stick):
        os.makedirs(root + path)
    # A stick as desktops mount it, with what the document puts there.
    must("mount", "-t", "tmpfs", "-o", "noexec,nosuid,nodev", "stick",
         root + stick)
    archive = os.path.join(BUILD, "folder", "knothole.tar")
    told = commands("The desk")
    for line in ("cp build/folder/knothole.tar /media/stick/",
                 "tar -xf /media/stick/knothole.tar -C ~/Persistent"):
        check(line in told, f"the document has no {line}")
    shutil.copy(archive, root + stick)
    must("chown", "-R", "60000:60000", root + home)
    must(*NOBODY, "tar", "-xf", f"{root}{stick}/knothole.tar", "-C",
         root + away)
    os.symlink(f"{away}/knothole/knothole", f"{root}{home}/kn")

    def away_from_all(*command):
        return ["unshare", "--net", "chroot", "--userspec=60000:60000",
                "--groups=60000", root, *command]

    for program in ("knothole", "knothole-courier"):
        done = run(*away_from_all(f"{away}/knothole/{program}", "--version"))
        equal(done.returncode, 0, done.stderr.decode())
    done = run(*away_from_all(f"{home}/kn", "--version"))
    equal(done.returncode, 0, f"by a link: {done.stderr.decode()}")
    done = run(*away_from_all(
        f"{away}/knothole/knothole", "keygen", "-o", f"{stick}/keys", "--name",
        "Away", "--no-passphrase"))
    equal(done.returncode, 0, done.stderr.decode())
    check(os.path.exists(f"{root}{stick}/keys/away.card"), "no card")
    done = run(*away_from_all(f"{away}/knothole/bin/knothole", "--version"))
    check(done.returncode != 0, "it would run without its libraries")
    # What it starts must not get its libraries: gpg has its own.
    waiting = subprocess.Popen(
        away_from_all(f"{away}/knothole/knothole", "keygen", "-o",
                      f"{home}/more", "--name", "More", "--passphrase-fd",
                      "0"), stdin=subprocess.PIPE)
    try:
        wait_for("it has begun", lambda: b"/bin/knothole\0keygen\0" in
                 command_line(waiting.pid))
        with open(f"/proc/{waiting.pid}/environ", "rb") as f:
            check(b"LD_" not in f.read(), "libraries for whatever it starts")
    finally:
        waiting.kill()
        waiting.communicate()
    must("umount", root + stick)
    must("umount", root + "/proc")


suite.run()
