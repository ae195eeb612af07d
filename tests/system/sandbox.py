"""What the kernel says of each running role, and that there is no start
without it."""
import os
import re
import shutil
import subprocess

from lib.drop import (BUILD, KNOTHOLED, Drop, need_root, processes,
                      workplace)
from lib.tap import Skip, Suite, check, equal, wait_for
from lib.wire import Form

suite = Suite()
drop = Drop(newsrooms=2).start()

if os.environ.get("KNOTHOLE_SANITIZED"):
    print("1..0 # skip sanitizers run without the sandbox")
    raise SystemExit(0)


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return dict(re.findall(r"^(\w+):\t(.*)$", f.read(), re.M))


def held(pid):
    """{descriptor: what it is}."""
    where = f"/proc/{pid}/fd"
    return {int(n): os.readlink(f"{where}/{n}") for n in os.listdir(where)}


class Visit:
    """A visit that has been let in and waits for its body."""

    def __enter__(self):
        form = Form(drop.token()).field("message", "m" * 100)
        drop.idle()
        self.wire = drop.connect()
        self.wire.send(form.head(length=100000))
        self.wire.send(form.pieces[0])
        self.wire.taken()  # by who is confined, and done with the head
        (pid,) = drop.visits()
        return pid

    def __exit__(self, *unused):
        self.wire.close()
        drop.idle()


def assert_confined(pid, filters):
    status = status_of(pid)
    equal(status["Seccomp"], "2", "seccomp mode")
    equal(status["Seccomp_filters"], filters, "filters")
    equal(status["NoNewPrivs"], "1", "no_new_privs")
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        equal(int(status[name], 16), 0, name)
    with open(f"/proc/{pid}/limits", encoding="ascii") as f:
        check(re.search(r"^Max core file size +0 +0 ", f.read(), re.M), "core")
    found = held(pid)
    for fd in (0, 1, 2):
        equal(found[fd], "/dev/null", f"descriptor {fd}")


@suite.test("L34 door, store and visit are confined, as /proc has it")
def confined():
    assert_confined(drop.role("door"), "1")
    assert_confined(drop.role("store"), "1")
    with Visit() as pid:
        assert_confined(pid, "2")


@suite.test("L31 the keeper has one way to say something, and keeps no core")
def keeper_descriptors():
    found = held(drop.process.pid)
    equal([found[fd] for fd in (0, 1)], ["/dev/null"] * 2, "input and output")
    equal(found[2], drop.messages, "errors")
    with open(f"/proc/{drop.process.pid}/limits", encoding="ascii") as f:
        check(re.search(r"^Max core file size +0 +0 ", f.read(), re.M), "core")


@suite.test("L33 a visit holds a connection, two channels and nothing else")
def visit_descriptors():
    with Visit() as pid:
        # libmicrohttpd has a second descriptor of the connection.
        kinds = sorted(re.sub(r"\[\d+\]", "", what) for what in
                       {what for fd, what in held(pid).items() if fd > 2})
        equal(kinds, ["/memfd:turns (deleted)", "socket:", "socket:"],
              "descriptors")


@suite.test("started as root, every role is another user, and none is root")
def users():
    need_root()
    door = status_of(drop.role("door"))["Uid"].split()
    store = status_of(drop.role("store"))["Uid"].split()
    equal(len(set(door)), 1, "the door's users")
    equal(len(set(store)), 1, "the store's users")
    check("0" not in door + store, "root")
    check(door != store, "one user for both")
    with Visit() as pid:
        equal(status_of(pid)["Uid"].split(), door, "the visit's users")
    owner = str(os.stat(os.path.join(drop.store, "objects")).st_uid)
    equal(owner, store[0], "owner of the store")


@suite.test("a store that root has made is given to the store's user")
def handed_over():
    need_root()
    other = Drop()
    os.makedirs(os.path.join(other.store, "objects"), mode=0o700)
    os.chmod(other.store, 0o700)
    path = os.path.join(other.store, "objects", "0" * 32 + ".age")
    with open(path, "wb") as f:
        f.write(b"x" * 65536)
    os.chmod(path, 0o400)
    other.start()
    owner = os.stat(other.store).st_uid
    check(owner != 0, "the store is root's")
    equal(os.stat(path).st_uid, owner, "owner of the object")
    equal(other.stop(), 0, "exit status")


@suite.test("L39 a program that its service could change does not start (78)")
def own_program():
    need_root()
    mine = os.path.join(workplace(), "bin")
    os.mkdir(mine, 0o755)
    program = os.path.join(mine, "knotholed")
    door = int(status_of(drop.role("door"))["Uid"].split()[0])
    for path, mode, owner, words in (
            (program, 0o757, 0, "chmod go-w"), (program, 0o755, door, "chown"),
            (program, 0o775, 0, None), (mine, 0o777, 0, "directory"),
            (mine, 0o1777, 0, None)):
        shutil.copy(KNOTHOLED, program)
        os.chmod(program, 0o755)
        os.chmod(path, mode)
        os.chown(path, owner, 0)
        other = Drop()
        other.write_config()
        with open(other.messages, "wb") as f:
            ran = subprocess.Popen([program, "-c", other.config], stdout=f,
                                   stderr=f, stdin=subprocess.DEVNULL)
        try:
            if words is None:
                wait_for("it is ready", lambda: "ready\n" in other.said())
                ran.terminate()
                equal(ran.wait(60), 0, f"{mode:o}")
            else:
                equal(ran.wait(60), 78, f"{mode:o}: {other.said()}")
                check(words in other.said() and program in other.said(),
                      other.said())
                equal(other.said().count("\n"), 1, other.said())
        finally:
            if ran.poll() is None:
                ran.kill()
                ran.wait()
        os.chown(path, 0, 0)
        os.chmod(mine, 0o755)


def start_without(call):
    """Exit status and messages of a start on a kernel that lacks a call."""
    other = Drop()
    other.write_config()
    ended = subprocess.run(
        [os.path.join(BUILD, "tests", "withhold"), call, KNOTHOLED, "-c",
         other.config],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False,
    )
    return ended.returncode, ended.stderr.decode()


@suite.test("L34 no Landlock, no start: exit 78 and one line that says so")
def without_landlock():
    for call in ("landlock_create_ruleset", "landlock_restrict_self"):
        status, said = start_without(call)
        equal(status, 78, f"exit status without {call}")
        lines = [line for line in said.splitlines() if "confined" in line]
        equal(len(lines), 1, said)
        check("Landlock" in lines[0], lines[0])
        check("ready" not in said, said)


@suite.test("L34 no seccomp, no start")
def without_seccomp():
    status, said = start_without("seccomp")
    equal(status, 78, "exit status")
    check("seccomp" in said and "ready" not in said, said)


@suite.test("L34 no dropping of capabilities, no start")
def without_capset():
    status, said = start_without("capset")
    equal(status, 78, "exit status")
    check("privileges" in said and "ready" not in said, said)


@suite.test("a visit's crash costs its own connection")
def crash():
    with Visit() as pid:
        door = drop.role("door")
        os.kill(pid, 11)
        wait_for("it is gone", lambda: pid not in processes(door))
        equal(drop.get("/en/").status, 200, "status")
    answer = drop.post(drop.form().field("message", "after"))
    equal((answer.status, answer.state), (200, "sealed"), "what follows")
    drop.forget()


@suite.test("nothing else has failed meanwhile")
def end():
    drop.ends_well()


suite.run()
