"""knotholed-health: its status is that of the service."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "system"))

from lib.drop import Drop, run
from lib.tap import Suite, check, equal

HEALTH = os.path.abspath("deploy/knotholed-health")
suite = Suite()
drop = Drop().start()
path = os.path.join(drop.state, "health")


def health(*options):
    return run(HEALTH, "-c", drop.config, *options)


@suite.test("while it runs all is well, and is told")
def well():
    done = health("--wait", "30")
    equal(done.returncode, 0, done.stderr.decode())
    equal(done.stdout.decode(), "".join(
        f"{k} = {v}\n" for k, v in drop.health().items()), "what it prints")


@suite.test("each thing that is wrong is named")
def wrong():
    with open(path, encoding="ascii") as f:
        good = f.read()
    for line, other in (("up = yes", "up = no"),
                        ("selftest = ok", "selftest = disk"),
                        ("crash_loop = no", "crash_loop = yes")):
        check(line in good, line)
        with open(path, "w", encoding="ascii") as f:
            f.write(good.replace(line, other))
        done = health()
        equal(done.returncode, 69, other)
        check(line in done.stderr.decode(), done.stderr.decode())
        check(other in done.stdout.decode(), done.stdout.decode())
    with open(path, "w", encoding="ascii") as f:
        f.write(good)
    equal(health().returncode, 0, "as it was")


@suite.test("after its end it says so; without a file too; wrong use is 64")
def ended():
    equal(drop.stop(), 0, "exit status")
    equal(health().returncode, 69, "after the end")
    os.unlink(path)
    equal(health("--wait", "1").returncode, 69, "without a file")
    equal(health("--wait", "soon").returncode, 64, "seconds")
    equal(health("stray").returncode, 64, "stray")
    equal(run(HEALTH, "-c", "/nonexistent").returncode, 66, "no configuration")
    equal(run(HEALTH, "--help").returncode, 0, "help")


suite.run()
