"""Somebody at a terminal: what is shown is read, and answered when it is what
was waited for."""
import errno
import os
import pty
import select
import signal
import time

from lib.tap import Failure


def converse(begin, answers, limit, what):
    """Run `begin` (which execs) on a terminal of its own. `answers` are (what
    is shown, what is typed then), in order. Returns exit status, all that was
    shown, and the answers that were not asked for."""
    pid, fd = pty.fork()
    if pid == 0:
        try:
            os.environ["TERM"] = "dumb"
            begin()
        finally:
            os._exit(127)
    shown, todo, seen = b"", list(answers), 0
    end = time.monotonic() + limit
    while True:
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise Failure(f"{what}: no end after {limit} s: {shown[-800:]}")
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
    return status, shown, todo
