"""Limits of a process that runs, changed from outside: as who it is, which needs
no privilege over others."""
import os
import re
import resource

from lib.tap import Failure


def _ids(pid, what):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(rf"^{what}:\t(\d+)", f.read(), re.M)[1])


def limit(pid, which, soft):
    """Set the soft limit (RLIMIT_...), None: to the hard one again."""
    gid, uid = _ids(pid, "Gid"), _ids(pid, "Uid")
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setresgid(gid, gid, gid)
                os.setresuid(uid, uid, uid)
            hard = resource.prlimit(pid, which)[1]
            resource.prlimit(pid, which, (hard if soft is None else soft, hard))
            os._exit(0)
        finally:
            os._exit(1)
    if os.waitpid(child, 0)[1] != 0:
        raise Failure(f"cannot limit process {pid}")


def runs(pid):
    """False: it has ended, even if nobody has noticed yet."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            return not re.search(r"^State:\t[ZX]", f.read(), re.M)
    except OSError:
        return False


class Limited:
    """While this lasts."""

    def __init__(self, pid, which, soft):
        self.pid, self.which, self.soft = pid, which, soft

    def __enter__(self):
        limit(self.pid, self.which, self.soft)
        return self

    def __exit__(self, *unused):
        try:
            limit(self.pid, self.which, None)
        except (Failure, OSError):
            if runs(self.pid):
                raise
