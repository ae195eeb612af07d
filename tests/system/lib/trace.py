"""What a service asks the kernel to write, as strace(1) saw it."""
import codecs
import os
import re

from lib.tap import wait_for

# Everything by which a process could leave something behind, or tell it to
# somebody.
CALLS = (
    "write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,sendmmsg,sendfile,"
    "splice,tee,vmsplice,copy_file_range,open,openat,openat2,creat,rename,"
    "renameat,renameat2,link,linkat,symlink,symlinkat,mkdir,mkdirat,mknod,"
    "mknodat,truncate,ftruncate,fallocate,memfd_create,shmget,msgget,msgsnd,"
    "mq_open,io_uring_setup,setxattr,fsetxattr,lsetxattr,connect,socket,bind,"
    "accept,accept4,execve,execveat,unlink,unlinkat,rmdir"
)
LINE = re.compile(rb"(\d+) +(\w+)\((.*)", re.S)
RESUMED = re.compile(rb"(\d+) +<\.\.\. (\w+) resumed>(.*)", re.S)
RESULT = re.compile(rb"\) += (-?\d+)(?:<([^>]*)>)?")
DESCRIPTOR = re.compile(rb"(\d+|AT_FDCWD)<((?:[^>\\]|\\.)*)>")
STRING = re.compile(rb'"((?:[^"\\]|\\.)*)"')


def command(path):
    """In front of a program: run it, and write to `path` what it and all that
    come from it ask for. It keeps its pid."""
    return ["strace", "-D", "-f", "-q", "-y", "-s", "4000000", "-e",
            "signal=none", "-e", f"trace={CALLS}", "-o", path]


def tracer(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"^TracerPid:\t(\d+)$", f.read(), re.M)[1])


def finished(pid):
    """Wait until the tracer has written all it knows."""
    wait_for("strace has ended", lambda: not os.path.exists(f"/proc/{pid}"), 60)


def unescape(data):
    return codecs.escape_decode(data)[0] if b"\\" in data else data


class Call:
    def __init__(self, name, rest):
        self.name = name.decode()
        self.rest = rest
        self.failed = False
        heads = DESCRIPTOR.match(rest)
        self.on = unescape(heads[2]).decode("latin-1") if heads else None
        self.strings = [unescape(s) for s in STRING.findall(rest)]

    def path(self):
        """The path that it names: the last one, of two."""
        (base, name) = [(None, None), *re.findall(
            rb'(?:(?:\d+|AT_FDCWD)<((?:[^>\\]|\\.)*)>, )?'
            rb'"((?:[^"\\]|\\.)*)"', self.rest)][-1]
        if name is None:
            return None
        base, name = unescape(base).decode(), unescape(name).decode()
        return os.path.normpath(os.path.join(base or "/", name))

    def __repr__(self):
        return f"{self.name}({self.rest[:200]!r}"


def calls(path):
    """(calls in their order, names of the connections that were accepted)."""
    found, connections, pending = [], set(), {}
    with open(path, "rb") as f:
        for line in f:
            again = RESUMED.match(line)
            if again:
                call = pending.pop(again[1], None)
                rest = again[3]
            else:
                begun = LINE.match(line)
                if not begun:
                    continue  # an exit or a signal
                call = Call(begun[2], begun[3])
                found.append(call)
                rest = begun[3]
                if line.rstrip().endswith(b"<unfinished ...>"):
                    pending[begun[1]] = call
                    continue
            result = (RESULT.findall(rest) or [None])[-1]
            if call is None or result is None:
                continue
            call.failed = result[0].startswith(b"-")
            if call.name.startswith("accept") and not call.failed:
                connections.add(result[1].decode())
    return found, connections
