"""The offline tool with passphrases on descriptors, and at a terminal."""
import os
import shutil
import subprocess

from lib.drop import DESK, without_warning
from lib.tap import Skip, equal
from lib.terminal import converse

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
    status, shown, todo = converse(lambda: os.execv(command[0], command),
                                   answers, limit, command[-1])
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
