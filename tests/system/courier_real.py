#!/usr/bin/env python3
"""`knothole-courier` and `knotholed` together: what sources sent, onto sticks of
two newsrooms; answers, and what was collected, back.

Prints TAP. KNOTHOLE_BUILD names the build directory (default: build). Runs from
the root of the repository.
"""
import json
import os
import random
import subprocess

from lib.drop import BUILD, Drop, run, workplace
from lib.tap import Suite, check, equal

COURIER = os.path.join(BUILD, "bin", "knothole-courier")
suite = Suite()
drop = Drop(newsrooms=2, courier_listen="tcp:127.0.0.1:0").start()
suite.cleanup(drop.stop)
base = workplace()
sticks = [os.path.join(base, f"stick{i}") for i in range(2)]
for stick in sticks:
    os.mkdir(stick)


def command(newsroom, what, *more):
    host, port = drop.courier_address
    return [COURIER, what, "--server", f"http://{host}:{port}", "--token-file",
            os.path.join(drop.newsrooms[newsroom].directory, "courier.token"),
            "--retries", "1", *more, sticks[newsroom]]


def courier(newsroom, what, *more, status=0):
    done = run(*command(newsroom, what, *more))
    equal(done.returncode, status, f"{what}: {done.stderr.decode()}")
    return done


def path(newsroom, *parts):
    return os.path.join(sticks[newsroom], "knothole-stick", *parts)


def at_rest():
    found = {}
    for where in drop.objects():
        with open(where, "rb") as f:
            found[os.path.basename(where)] = f.read()
    return found


def on_stick(newsroom):
    found = {}
    for name in os.listdir(path(newsroom, "objects")):
        with open(path(newsroom, "objects", name), "rb") as f:
            found[name] = f.read()
    return found


def send(text):
    page = drop.post(drop.form().field("message", text))
    equal(page.state, "sealed", "state")


@suite.test("what three sources sent is on both sticks, and opens")
def _fetch():
    for text in ("one", "two", "three"):
        send(text)
    for newsroom in (0, 1):
        courier(newsroom, "fetch")
        equal(on_stick(newsroom) == at_rest(), True, "objects on the stick")
        checked = run("sha256sum", "-c", "--strict", "--quiet", "SHA256SUMS",
                      cwd=path(newsroom))
        equal(checked.returncode, 0, "sha256sum -c")
        messages = {drop.extract(path(newsroom, "objects", name), newsroom).message
                    for name in on_stick(newsroom)}
        equal(len(messages), 3, "messages")


@suite.test("a second delivery: only that is moved")
def _again():
    send("four")
    before = json.loads(courier(0, "status", "--json").stdout)
    equal((before["objects"]["total"], before["objects"]["lacking"]), (4, 1), "status")
    equal(before["server"]["up"], True, "up")
    said = courier(0, "fetch").stderr
    check(b"1 of 1 new objects fetched" in said, f"said: {said}")
    equal(on_stick(0) == at_rest(), True, "objects on the stick")


@suite.test("fetch killed 20 times while it fetches large objects, then completes")
def _killed():
    owner = os.stat(os.path.join(drop.store, "objects"))
    for _ in range(40):
        where = os.path.join(drop.store, "objects", os.urandom(16).hex() + ".age")
        with open(where, "wb") as f:
            f.write(os.urandom(random.randrange(1, 4 << 20)))
        os.chown(where, owner.st_uid, owner.st_gid)
        os.chmod(where, 0o400)
    want = at_rest()
    for _ in range(20):
        process = subprocess.Popen(command(0, "fetch", "--quiet"))
        try:
            process.wait(random.uniform(0, 0.2))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for name, data in on_stick(0).items():
            check(name.startswith(".part-") or data == want[name], f"{name} is not whole")
    courier(0, "fetch")
    equal(on_stick(0) == want, True, "objects on the stick")


@suite.test("answers are in their slots; a second push finds them there")
def _push():
    replies = {os.urandom(32).hex(): os.urandom(size)
               for size in (4096, 16384, 65536)}
    os.makedirs(path(0, "replies"))
    for name, data in replies.items():
        with open(path(0, "replies", name + ".age"), "wb") as f:
            f.write(data)
    courier(0, "push", "--keep")
    said = courier(0, "push").stderr
    equal(said.count(b"was there already"), 3, "said")
    equal(os.listdir(path(0, "replies")), [], "replies left")
    found = {}
    for where, _, names in os.walk(os.path.join(drop.store, "replies")):
        for name in names:
            with open(os.path.join(where, name), "rb") as f:
                found[name.removesuffix(".age")] = f.read()
    equal(found == replies, True, "replies at rest")


@suite.test("objects go when both newsrooms have said that they collected them")
def _collected():
    ids = sorted(name[:-4] for name in at_rest())
    for newsroom in (0, 1):
        with open(path(newsroom, "collected.txt"), "w", encoding="ascii") as f:
            f.writelines(i + "\n" for i in ids)
    courier(0, "push")
    equal(len(at_rest()), len(ids), "objects after one newsroom")
    courier(1, "push")
    equal(len(at_rest()), 0, "objects after both")
    check(not os.path.exists(path(1, "collected.txt")), "collected.txt is left")
    courier(1, "fetch")
    courier(0, "fetch")


@suite.test("a token of another instance is refused (77)")
def _token():
    other = os.path.join(base, "other")
    made = run(os.path.join(BUILD, "bin", "knothole"), "keygen", "-o", other,
               "--name", "Other", "--no-passphrase")
    equal(made.returncode, 0, "keygen")
    words = command(0, "status")
    words[words.index("--token-file") + 1] = os.path.join(other, "courier.token")
    equal(run(*words).returncode, 77, "exit status")


@suite.test("a server that is down is not reached (69)")
def _down():
    drop.stop()
    courier(0, "status", status=69)


if __name__ == "__main__":
    suite.run()
