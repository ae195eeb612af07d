"""The offline tool with passphrases on descriptors, and at a terminal."""
import errno
import os
import pty
import select
import shutil
import signal
import subprocess
import time

from lib.drop import DESK, without_warning
from lib.tap import Failure, Skip, equal

PASS = b"correct horse battery staple"


def need(*programs):
    for program in programs:
        if shutil.which(program) is None:
            raise Skip(f"{program} is not installed")


def knothole(*arguments, fds=None, expect=0, data=None, env=None, cwd=None):
    """Run a command without a terminal; `fds` are the bytes that each
    descriptor has. Returns what came out."""
    pipes = {}
    for number, given in (fds or {}).items():
        reading, writing = os.pipe()
        os.write(writing, given)
        os.close(writing)
        os.dup2(reading, number)
        os.close(reading)
        pipes[number] = given
    try:
        done = subprocess.run(
            [*DESK, *map(os.fspath, arguments)], capture_output=True,
            check=False, timeout=300, input=data, cwd=cwd,
            stdin=subprocess.DEVNULL if data is None else None,
            pass_fds=tuple(pipes), start_new_session=True,
            env=None if env is None else {**os.environ, **env})
    finally:
        for number in pipes:
            os.close(number)
    done.stderr = without_warning(done.stderr)
    if expect is not None:
        equal(done.returncode, expect,
              f"{' '.join(map(str, arguments))[:200]}: "
              f"{done.stderr[-800:]}")
    return done


def at_terminal(arguments, answers, limit=60):
    """Run on a terminal of its own. `answers` are (what is shown, what is
    typed then), in order. Returns exit status and all that was shown."""
    command = [*DESK, *map(os.fspath, arguments)]
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "dumb"
        os.execv(command[0], command)
    shown, todo, end = b"", list(answers), time.monotonic() + limit
    seen = 0
    while True:
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise Failure(f"no end after {limit} s: {shown[-800:]}")
        if todo and todo[0][0] in shown[seen:]:
            seen = len(shown)
            time.sleep(0.05)  # the prompt is there; now it reads
            os.write(fd, todo.pop(0)[1] + b"\n")
        if not select.select([fd], [], [], 0.1)[0]:
            continue
        try:
            got = os.read(fd, 65536)
        except OSError as e:
            if e.errno != errno.EIO:
                raise
            got = b""
        if not got:
            break
        shown += got
    # First its end: a terminal that goes away would end it.
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(fd)
    equal(todo, [], f"everything was asked for: {shown[-800:]}")
    return status, shown


def age(*arguments, data=None, expect=0):
    """Stock age."""
    need("age")
    done = subprocess.run(["age", *arguments], input=data, check=False,
                          capture_output=True, timeout=120,
                          start_new_session=True)
    if expect is not None:
        equal(done.returncode, expect, f"age: {done.stderr}")
    return done


def age_keygen(path):
    """A key of stock age in `path`; its public half."""
    need("age-keygen")
    subprocess.run(["age-keygen", "-o", path], check=True,
                   capture_output=True)
    return subprocess.run(["age-keygen", "-y", path], check=True,
                          capture_output=True).stdout.decode().strip()
