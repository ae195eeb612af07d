"""A disk that remembers the order of what was written to it and when it was told
to make that last, so that a power cut can be had at any moment, and as often as
one likes: every write since the last flush may then be there or not.

It is one file in a FUSE file system of our own, for a loop device. Needs root
and a mount namespace of our own (disk.own_mounts).
"""
import ctypes
import errno
import mmap
import os
import stat
import struct

from lib.tap import Failure

HEAD = struct.Struct("<IIQQIIIHH")
RECORD = struct.Struct("<QI")
FLUSH = (1 << 64) - 1  # an offset that stands for a flush
FORGET, BATCH_FORGET, INTERRUPT, DESTROY = 2, 42, 36, 38


class Server:
    """The other end of /dev/fuse."""

    def __init__(self, fd, image, log, clock):
        self.fd, self.image, self.log, self.clock = fd, image, log, clock
        self.calls = {
            1: self.lookup, 3: self.getattr, 14: self.open, 15: self.read,
            16: self.write, 17: self.statfs, 18: self.done, 20: self.flush,
            25: self.done, 26: self.init, 27: self.open, 29: self.done,
            34: self.done,
        }

    def attributes(self, node):
        size = len(self.image) if node == 2 else 0
        mode = stat.S_IFREG | 0o600 if node == 2 else stat.S_IFDIR | 0o700
        return struct.pack("<6Q10I", node, size, size // 512, 0, 0, 0, 0, 0, 0,
                           mode, 1, 0, 0, 0, 4096, 0)

    def init(self, _, body):
        return struct.pack("<4I2H2I2H8I", 7, 31, 1 << 17, 1 << 5 | 1 << 22, 16,
                           12, 1 << 20, 1, 256, 0, *[0] * 8)

    def lookup(self, _, body):
        if body.rstrip(b"\0") != b"disk":
            return -errno.ENOENT
        return struct.pack("<4Q2I", 2, 0, 3600, 3600, 0, 0) + self.attributes(2)

    def getattr(self, node, _):
        return struct.pack("<Q2I", 3600, 0, 0) + self.attributes(node)

    def open(self, *_):
        return struct.pack("<Q2I", 0, 1, 0)  # past the page cache

    def read(self, _, body):
        _, at, n = struct.unpack_from("<2QI", body)
        return bytes(self.image[at : at + n])

    def note(self, at, data):
        os.write(self.log, RECORD.pack(at, len(data)) + data)
        self.clock[:8] = (int.from_bytes(self.clock[:8], "little") + 1
                          ).to_bytes(8, "little")

    def write(self, _, body):
        _, at, n = struct.unpack_from("<2QI", body)
        data = body[40 : 40 + n]
        self.image[at : at + n] = data
        self.note(at, data)
        return struct.pack("<2I", n, 0)

    def flush(self, *_):
        self.note(FLUSH, b"")
        return b""

    def statfs(self, *_):
        return struct.pack("<5Q4I6I", 0, 0, 0, 0, 0, 4096, 255, 4096, 0,
                           *[0] * 6)

    def done(self, *_):
        return b""

    def serve(self):
        while True:
            try:
                packet = os.read(self.fd, (1 << 20) + 65536)
            except OSError:
                return  # unmounted
            head = HEAD.unpack_from(packet)
            code, unique, node = head[1], head[2], head[3]
            if code in (FORGET, BATCH_FORGET, INTERRUPT):
                continue
            call = self.calls.get(code)
            out = call(node, packet[HEAD.size :]) if call else -errno.ENOSYS
            error, out = (out, b"") if isinstance(out, int) else (0, out)
            os.write(self.fd, struct.pack("<IiQ", 16 + len(out), error, unique)
                     + out)
            if code == DESTROY:
                return


class Disk:
    """`image` is what it holds at first; `path` is the file for a loop device,
    `clock` a file that holds the number of records so far."""

    def __init__(self, place, image):
        self.base = image
        self.where = os.path.join(place, "remembers")
        self.path = os.path.join(self.where, "disk")
        self.clock = os.path.join(place, "clock")
        self.log = os.path.join(place, "log")
        os.mkdir(self.where)
        with open(self.clock, "wb") as f:
            f.write(bytes(4096))
        fd = os.open("/dev/fuse", os.O_RDWR)
        pid = os.fork()
        if pid == 0:
            try:
                self.child(fd)
            finally:
                os._exit(0)
        libc = ctypes.CDLL(None, use_errno=True)
        options = f"fd={fd},rootmode=40700,user_id=0,group_id=0"
        failed = libc.mount(b"knothole", os.fsencode(self.where), b"fuse", 6,
                            options.encode())
        os.close(fd)
        if failed:
            raise Failure(f"mount: {os.strerror(ctypes.get_errno())}")
        self.pid = pid

    def child(self, fd):
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with open(self.clock, "r+b") as f:
            clock = mmap.mmap(f.fileno(), 4096)
        Server(fd, bytearray(self.base), log, clock).serve()

    def records(self):
        """[(offset or FLUSH, data)] in the order of their arrival."""
        with open(self.log, "rb") as f:
            data = f.read()
        found, at = [], 0
        while at < len(data):
            offset, n = RECORD.unpack_from(data, at)
            at += RECORD.size
            found.append((offset, data[at : at + n]))
            at += n
        return found


class Cuts:
    """The disk after power cuts, one after the other, in ascending order."""

    def __init__(self, disk):
        self.log = disk.records()
        self.lasting = bytearray(disk.base)
        self.at = 0  # records that are in it

    def cut(self, when, survives):
        """After `when` records; survives() says of each write that was not
        flushed whether it is there."""
        flushed = max((i for i in range(self.at, when)
                       if self.log[i][0] == FLUSH), default=self.at - 1) + 1
        for offset, data in self.log[self.at : flushed]:
            if offset != FLUSH:
                self.lasting[offset : offset + len(data)] = data
        self.at = flushed
        after = bytearray(self.lasting)
        for offset, data in self.log[flushed:when]:
            if survives():
                after[offset : offset + len(data)] = data
        return after
