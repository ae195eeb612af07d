"""The health file: of one size, replaced whole, with nothing of any source."""
import os
import shutil
import stat
import time

from lib.courier import Courier
from lib.drop import Drop, Newsroom
from lib.tap import Suite, check, equal

LEN = 512
KEYS = ["crash_loop", "disk_quarters_free", "key_epochs_left",
        "key_weeks_left", "selftest", "up", "version"]

suite = Suite()
drop = Drop().start()
path = os.path.join(drop.state, "health")


def status():
    found = os.stat(path)
    equal(found.st_size, LEN, "size")
    equal(stat.S_IMODE(found.st_mode), 0o600, "mode")
    equal(found.st_mtime, 315532800, "mtime")
    return found.st_ino, found.st_ctime_ns


@suite.test("what it says, and how")
def says():
    status()
    said = drop.health()
    equal(sorted(said), KEYS, "keys")
    equal(said["up"], "yes", "up")
    equal(said["selftest"], "ok", "selftest")
    equal(said["crash_loop"], "no", "crash_loop")
    check(said["disk_quarters_free"] in "01234", "quarters")
    check(0 < int(said["key_weeks_left"]) <= 52, "weeks")
    equal(said["key_epochs_left"], "1", "epochs")
    with open(path, "rb") as f:
        data = f.read()
    check(data.endswith(b"\n") and data.isascii(), "text")
    equal(os.listdir(os.path.dirname(path)).count("health.new"), 0, "left over")


@suite.test("submissions, refusals, returns and cuts do not change it")
def unchanged():
    before = status(), drop.health()
    for i in range(20):
        equal(drop.post(drop.form().field("message", f"{i}")).state, "sealed",
              "answer")
    drop.post(drop.form().field("nothing", "x"))
    drop.get("/en/return")
    with drop.connect() as wire:
        wire.send(drop.form().field("message", "cut").request()[:-20])
    drop.idle()
    time.sleep(1)
    equal((status(), drop.health()), before, "the file")


@suite.test("it is where the configuration says, and says so when it is down")
def elsewhere():
    other = Drop()
    place = os.path.join(other.server, "elsewhere")
    os.mkdir(place)
    other.settings["health"] = os.path.join(place, "knothole")
    other.start()
    equal(os.listdir(place), ["knothole"], "files")
    mode = os.stat(os.path.join(place, "knothole")).st_mode
    equal(stat.S_IMODE(mode), 0o644, "mode")
    equal(os.listdir(other.state), ["instance.salt"], "state")
    equal(other.stop(), 0, "exit status")
    with open(os.path.join(place, "knothole"), encoding="ascii") as f:
        text = f.read()
    equal(len(text), LEN, "size")
    check("up = no\n" in text, text)


@suite.test("a directory that is not there prevents the start, and is named")
def nowhere():
    other = Drop()
    other.settings["health"] = os.path.join(other.server, "none", "health")
    other.launch()
    equal(other.process.wait(30), 78, "exit status")
    check("health = " in other.said(), other.said())
    other.stop()


@suite.test("the courier is told the same")
def courier():
    other = Drop(courier_listen="tcp:127.0.0.1:0")
    other.start()
    answer = Courier(other).json("/v1/health")
    said = other.health()
    for key in ("selftest", "version"):
        equal(answer[key], said[key], key)
    for key in ("disk_quarters_free", "key_weeks_left", "key_epochs_left"):
        equal(answer[key], int(said[key]), key)
    equal(answer["crash_loop"], False, "crash_loop")
    other.stop()


@suite.test("the weeks of key that are left: those of whom has least")
def weeks():
    other = Drop()
    short = Newsroom(os.path.join(other.desk, "short"), "Short", "--days", "31")
    shutil.copy(short.card, other.cards)
    other.start()
    equal(other.health()["key_weeks_left"], "4", "weeks")
    equal(other.health()["selftest"], "ok", "selftest")
    other.stop()


@suite.test("nothing else has failed meanwhile")
def end():
    drop.ends_well()


suite.run()
