"""Backup and restore: a site on another host with the same address, where old
return codes lead to their answers and the newsroom opens what had come."""
import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "system"))

from lib.drop import KNOTHOLED, Drop, run
from lib.tap import Suite, check, equal
from lib.thread import enter

BACKUP = os.path.abspath("deploy/knotholed-backup")
RESTORE = os.path.abspath("deploy/knotholed-restore")
for program in ("age", "age-keygen"):
    if not shutil.which(program):
        print(f"1..0 # skip {program} is not installed")
        raise SystemExit(0)

suite = Suite()
drop = Drop(newsrooms=2, courier_listen="unix:", unix=True)
drop.settings["courier_listen"] = f"unix:{drop.courier_socket}"
drop.start()
away = os.path.join(drop.base, "away")
os.makedirs(away)
torrc = os.path.join(away, "torrc")
backup = os.path.join(away, "site.backup")
identity = os.path.join(away, "identity")
KEYS = {"hs_ed25519_secret_key": b"== ed25519v1-secret: type0 ==\0" + b"k" * 64,
        "hostname": b"a" * 56 + b".onion\n"}


def prepare():
    run("age-keygen", "-o", identity)
    for name in ("source", "courier"):
        where = os.path.join(away, "tor", name)
        os.makedirs(os.path.join(where, "authorized_clients"))
        for key, data in KEYS.items():
            with open(os.path.join(where, key), "wb") as f:
                f.write(data + name.encode())
    with open(torrc, "w", encoding="ascii") as f:
        f.write(f"""SocksPort 0
HiddenServiceDir {away}/tor/other
HiddenServicePort 80 unix:{drop.socket}.other
  hiddenservicedir "{away}/tor/source"   # the sources
HiddenServicePort 80 unix:{drop.socket}  # their socket
HiddenServiceDir {away}/tor/courier/
HiddenServicePort 80 unix:"{drop.courier_socket}"
""")


def recipient():
    with open(identity, encoding="ascii") as f:
        return re.search(r"age1\w+", f.read())[0]


def back_up(to=backup, *options):
    return run(BACKUP, "-r", recipient(), "-o", to, "-c", drop.config,
               "--torrc", torrc, *options)


def restore(*options, key=identity):
    return run(RESTORE, "-i", key, *options)


def elsewhere():
    """Another host: what Drop makes, with what is restored into it."""
    other = Drop(newsrooms=0)
    shutil.rmtree(other.server)
    return other


prepare()
code = drop.post(drop.form().field("message", "before the fire"))
words = re.search(r'<output id="code"[^>]*>([^<]*)<', code.text())[1]
drop.answer(words, 0, text="We have it.")
drop.settings["site_name"] = "kept"


@suite.test("a backup is made while the service runs, and is sealed")
def made():
    done = back_up()
    equal(done.returncode, 0, done.stderr.decode())
    equal(stat.S_IMODE(os.stat(backup).st_mode), 0o600, "mode")
    with open(backup, "rb") as f:
        data = f.read()
    check(data.startswith(b"age-encryption.org/v1\n"), "no age file")
    with open(os.path.join(drop.state, "instance.salt"), "rb") as f:
        salt = f.read()
    for secret in (salt, b"k" * 64, b"Example Times"):
        check(secret not in data, f"{secret!r} in clear")
    equal(sorted(os.listdir(away)), ["identity", "site.backup", "tor",
                                     "torrc"], "files")


@suite.test("all that makes the site is in it, with no time and no owner")
def holds():
    opened = subprocess.run(["age", "-d", "-i", identity, backup],
                            capture_output=True, check=True).stdout
    path = os.path.join(away, "opened.tar")
    with open(path, "wb") as f:
        f.write(opened)
    with tarfile.open(path) as tar:
        members = tar.getmembers()
    os.unlink(path)
    names = {m.name for m in members}
    for name in ("knotholed.conf", "state/instance.salt",
                 "newsrooms/the-example-times.card", "meta/onion-source",
                 "onion-source/hs_ed25519_secret_key",
                 "onion-courier/hostname"):
        check(name in names, f"no {name} in {sorted(names)}")
    check("state/health" not in names, "the health file")
    equal({(m.mtime, m.uid, m.gid) for m in members}, {(315532800, 0, 0)},
          "times and owners")
    objects = [n for n in names if n.startswith("store/objects/")]
    equal(len(objects), len(drop.objects()), "objects")


@suite.test("on another host an old code shows its answer, and objects open")
def elsewhere_it_works():
    other = elsewhere()
    done = restore("--into", other.server, backup)
    equal(done.returncode, 0, done.stderr.decode())
    with open(other.config, encoding="utf-8") as f:
        text = f.read()
    check(drop.server not in text, f"the old host's places: {text}")
    done = run(KNOTHOLED, "-c", other.config, "--check-config")
    equal(done.returncode, 0, done.stderr.decode())
    other.settings = dict(re.findall(r"^(\w+) = (.*)$", text, re.M))
    other.newsrooms = drop.newsrooms
    for name in ("tmp", "cwd", "home"):
        os.mkdir(os.path.join(other.server, name))
    other.start()
    thread = enter(other, words)
    equal([said for _, said in thread.answers], ["We have it."], "answers")
    (path,) = other.objects()
    equal(other.extract(path).message, b"before the fire", "message")
    answer = other.post(other.form().field("message", "and after"))
    equal(answer.state, "sealed", "a new one")
    equal(other.stop(), 0, "exit status")
    for name in ("source", "courier"):
        with open(os.path.join(other.server, f"onion-{name}",
                               "hs_ed25519_secret_key"), "rb") as f:
            equal(f.read(), KEYS["hs_ed25519_secret_key"] + name.encode(),
                  f"the key of {name}")


@suite.test("what is restored is on the drill's list: names, modes, times")
def drilled():
    other = elsewhere()
    equal(restore("--into", other.server, "--no-onion", backup).returncode, 0,
          "exit status")
    empty = os.path.join(away, "proc")
    os.makedirs(empty, exist_ok=True)
    done = run(KNOTHOLED, "drill", "-c", other.config, "--proc", empty)
    equal(done.returncode, 0, done.stdout.decode())
    check(not os.path.exists(os.path.join(other.server, "onion-source")),
          "onion keys")


@suite.test("nothing is overwritten, by neither of them")
def no_overwriting():
    with open(backup, "rb") as f:
        before = f.read()
    equal(back_up().returncode, 73, "the backup's status")
    other = elsewhere()
    os.makedirs(other.state)
    salt = os.path.join(other.state, "instance.salt")
    with open(salt, "wb") as f:
        f.write(b"another instance's")
    done = restore("--into", other.server, backup)
    equal(done.returncode, 73, done.stderr.decode())
    with open(salt, "rb") as f:
        equal(f.read(), b"another instance's", "the salt")
    equal(os.listdir(other.server), ["state"], "what else was made")
    with open(backup, "rb") as f:
        equal(f.read(), before, "the backup")


@suite.test("damaged, cut, foreign and hostile files restore nothing")
def hostile():
    with open(backup, "rb") as f:
        data = f.read()
    archive = os.path.join(away, "hostile.tar")
    outside = os.path.join(away, "outside")
    link = tarfile.TarInfo("store")
    link.type, link.linkname = tarfile.SYMTYPE, away
    with tarfile.open(archive, "w") as tar:
        tar.addfile(link)
        tar.addfile(tarfile.TarInfo("store/outside"))
        tar.addfile(tarfile.TarInfo("../outside"))
    sealed = subprocess.run(["age", "-r", recipient(), archive],
                            capture_output=True, check=True).stdout
    flipped = bytearray(data)
    flipped[-20] ^= 1
    path = os.path.join(away, "bad")
    for name, bad in (("flipped", flipped), ("cut", data[:-40]),
                      ("half", data[: len(data) // 2]), ("empty", b""),
                      ("hostile", sealed)):
        with open(path, "wb") as f:
            f.write(bad)
        other = elsewhere()
        done = restore("--into", other.server, path)
        equal(done.returncode, 65, f"{name}: {done.stderr.decode()}")
        equal(os.listdir(other.server), [], name)
        equal(restore("--check", path).returncode, 65, f"{name}: check")
    check(not os.path.exists(outside), "a file outside")
    key = os.path.join(away, "wrong")
    run("age-keygen", "-o", key)
    equal(restore("--check", backup, key=key).returncode, 77, "wrong identity")
    equal(restore("--check", backup).returncode, 0, "the good one")
    os.unlink(path)


@suite.test("objects that come meanwhile neither stop it nor break it")
def meanwhile():
    ending = threading.Event()

    def send():
        while not ending.is_set():
            drop.post(drop.form().field("message", "again"))

    before = {os.path.basename(p) for p in drop.objects()}
    sender = threading.Thread(target=send)
    sender.start()
    try:
        done = back_up(os.path.join(away, "busy"))
    finally:
        ending.set()
        sender.join()
    equal(done.returncode, 0, done.stderr.decode())
    other = elsewhere()
    done = restore("--into", other.server, os.path.join(away, "busy"))
    equal(done.returncode, 0, done.stderr.decode())
    there = {os.path.basename(p) for p in other.objects()}
    check(before <= there, f"{before - there} are not in it")
    for path in other.objects():
        equal(drop.extract_status(path)[0].returncode, 0, path)


@suite.test("keys alone; and what is missing is said")
def parts():
    small = os.path.join(away, "small")
    equal(back_up(small, "--keys-only").returncode, 0, "keys only")
    other = elsewhere()
    equal(restore("--into", other.server, small).returncode, 0, "restored")
    equal(os.listdir(other.store), [], "objects")
    equal(back_up(small + "2", "--torrc", "/nonexistent").returncode, 66,
          "no torrc")
    equal(back_up(small + "2", "--no-onion", "--torrc", "/nonexistent"
                  ).returncode, 0, "without onion keys")
    equal(run(BACKUP, "-o", small + "3").returncode, 64, "no recipient")
    equal(run(BACKUP, "-r", "age1nonsense", "-o", small + "3", "-c",
              drop.config, "--torrc", torrc).returncode, 64,
          "a wrong recipient")
    check(not os.path.exists(small + "3"), "half a backup")
    equal(run(RESTORE, "-i", identity).returncode, 64, "no file")
    equal(run(BACKUP, "--help").returncode, 0, "help")
    equal(run(RESTORE, "--help").returncode, 0, "help")


suite.run()
