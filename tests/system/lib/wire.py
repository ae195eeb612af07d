"""HTTP by hand: bytes on a socket, so that a test decides every one of them."""
import fcntl
import re
import socket
import struct
import sys
import termios
import time
import urllib.parse

from lib.tap import wait_for

TIMEOUT = 60


class Response:
    def __init__(self, raw):
        self.raw = raw
        self.continued = 0
        self.whole = False
        self.status = 0
        self.headers = []
        self.body = b""
        rest = raw
        while True:
            head, blank, rest = rest.partition(b"\r\n\r\n")
            if not blank:
                return  # nothing, or a head that was cut
            lines = head.decode("latin-1").split("\r\n")
            match = re.fullmatch(r"HTTP/1\.1 (\d{3}) (.*)", lines[0])
            if not match:
                raise ValueError(f"not a status line: {lines[0]!r}")
            if match.group(1) != "100":
                break
            self.continued += 1
        self.status = int(match.group(1))
        self.headers = [tuple(line.split(": ", 1)) for line in lines[1:]]
        self.body = rest
        self.whole = len(rest) == int(self.header("Content-Length") or -1)

    def header(self, name):
        values = [v for n, v in self.headers if n.lower() == name.lower()]
        if len(values) > 1:
            raise ValueError(f"{name} twice")
        return values[0] if values else None

    def text(self):
        return self.body.decode("utf-8")

    def output(self, name):
        match = re.search(
            rf'<output id="{name}"[^>]*>([^<]*)</output>', self.text()
        )
        return match.group(1) if match else None

    def _outcome(self, attribute):
        match = re.search(r'<output id="outcome"([^>]*)>', self.text())
        if not match:
            return None
        match = re.search(rf' data-{attribute}="([^"]*)"', match.group(1))
        return match.group(1) if match else None

    @property
    def state(self):
        return self._outcome("state")

    @property
    def reason(self):
        return self._outcome("reason")

    def __repr__(self):
        return f"<{self.status} {self.state}/{self.reason} {len(self.raw)} B>"


class Wire:
    """One connection."""

    def __init__(self, address):
        if isinstance(address, str):
            self.socket = socket.socket(socket.AF_UNIX)
        elif ":" in address[0]:
            self.socket = socket.socket(socket.AF_INET6)
        else:
            self.socket = socket.socket(socket.AF_INET)
        self.socket.settimeout(TIMEOUT)
        self.socket.connect(address)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def send(self, data):
        self.socket.sendall(data)

    def offer(self, pieces, pause=0):
        """Send as much as the server takes; False when it hung up."""
        try:
            for piece in pieces:
                self.socket.sendall(piece)
                if pause:
                    time.sleep(pause)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        self.socket.close()

    def reset(self):
        """End with RST (TCP), once the other side's kernel has all of it."""
        left = bytearray(4)
        for _ in range(500):
            fcntl.ioctl(self.socket, termios.TIOCOUTQ, left)
            if not any(left):
                break
            time.sleep(0.01)
        self.socket.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self.socket.close()

    def unread(self):
        """How much of what was sent no process has read: the kernel has it, of
        this side or of the other."""
        left = bytearray(4)
        fcntl.ioctl(self.socket, termios.TIOCOUTQ, left)
        if any(left) or self.socket.family == socket.AF_UNIX:
            return int.from_bytes(left, sys.byteorder)
        ours, theirs = (f":{name()[1]:04X}" for name in (
            self.socket.getsockname, self.socket.getpeername))
        six = "6" if self.socket.family == socket.AF_INET6 else ""
        with open("/proc/net/tcp" + six, encoding="ascii") as f:
            for line in f:
                local, remote, _, queues = line.split()[1:5]
                if local.endswith(theirs) and remote.endswith(ours):
                    return int(queues.split(":")[1], 16)
        return 0  # its end is closed

    def taken(self):
        """Wait until the server has read all that was sent so far."""
        wait_for("all that was sent is read", lambda: self.unread() == 0, 60)

    def read_all(self, seconds=TIMEOUT):
        """Everything until the server closes."""
        self.socket.settimeout(seconds)
        parts = []
        try:
            while True:
                part = self.socket.recv(65536)
                if not part:
                    break
                parts.append(part)
        except ConnectionResetError:
            pass
        return b"".join(parts)

    def response(self, seconds=TIMEOUT):
        return Response(self.read_all(seconds))

    def ended(self, seconds=30):
        """Has the server closed, without a byte?"""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False


class Form:
    """A multipart/form-data body, part by part."""

    def __init__(self, token=None, boundary="----formboundary0123456789abcdef"):
        self.boundary = boundary
        self.pieces = []
        self.closed = False
        if token is not None:
            self.field("token", token)

    def raw(self, data):
        self.pieces.append(data)
        return self

    def part(self, head, *data):
        """A part with its head as given, which needs no CRLF at its end."""
        first = "" if not self.pieces else "\r\n"
        head = f"{first}--{self.boundary}\r\n{head}\r\n\r\n"
        self.pieces.append(head.encode("utf-8"))
        self.pieces.extend(data)
        return self

    def field(self, name, value):
        value = value if isinstance(value, bytes) else value.encode("utf-8")
        return self.part(
            f'Content-Disposition: form-data; name="{name}"', value
        )

    def file(self, name, *data, kind="application/octet-stream", field="file"):
        return self.part(
            f'Content-Disposition: form-data; name="{field}"; '
            f'filename="{name}"\r\nContent-Type: {kind}',
            *data,
        )

    def close(self):
        if not self.closed:
            first = "" if not self.pieces else "\r\n"
            self.pieces.append(f"{first}--{self.boundary}--\r\n".encode())
            self.closed = True
        return self

    def body(self):
        self.close()
        return b"".join(bytes(p) for p in self.pieces)

    def length(self):
        self.close()
        return sum(len(p) for p in self.pieces)

    def head(self, length=None, extra="", path="/en/send"):
        """The request's head for this body."""
        if length is None:
            length = self.length()
        return (
            f"POST {path} HTTP/1.1\r\nHost: drop.example\r\n"
            f"Content-Type: multipart/form-data; boundary={self.boundary}\r\n"
            f"Content-Length: {length}\r\n{extra}\r\n"
        ).encode()

    def request(self, **arguments):
        return self.head(**arguments) + self.body()


def small(path, extra="", **fields):
    """A POST of a form without files, as browsers send it."""
    body = urllib.parse.urlencode(fields).encode()
    return (
        f"POST {path} HTTP/1.1\r\nHost: drop.example\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n{extra}\r\n"
    ).encode() + body


class Stream:
    """An answer in chunks, each with the time at which it was there."""

    def __init__(self, wire, path, extra=""):
        self.wire = wire
        self.buffer = b""
        self.began = time.monotonic()
        self.chunks = []  # (seconds since the request, bytes)
        self.ended = False
        wire.send(get(path, extra=extra))
        head = []
        while line := self._line():
            head.append(line.decode("latin-1"))
        self.status = int(head[0].split(" ")[1]) if head else 0
        self.headers = [tuple(line.split(": ", 1)) for line in head[1:]]

    def _more(self):
        part = self.wire.socket.recv(65536)
        self.buffer += part
        return part != b""

    def _line(self):
        """A line without its end; empty when there is none any more."""
        while b"\r\n" not in self.buffer:
            if not self._more():
                return b""
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line

    def next(self, seconds=TIMEOUT):
        """The next chunk, or None when that was the last."""
        self.wire.socket.settimeout(seconds)
        line = self._line()
        if not line:
            return None  # cut
        n = int(line, 16)
        while len(self.buffer) < n + 2:
            if not self._more():
                return None
        data, ending = self.buffer[:n], self.buffer[n:n + 2]
        self.buffer = self.buffer[n + 2:]
        if ending != b"\r\n":
            raise ValueError(f"a chunk of {n} bytes ends with {ending!r}")
        if n == 0:
            self.ended = True
            return None
        self.chunks.append((time.monotonic() - self.began, data))
        return data

    def until(self, condition, seconds=TIMEOUT):
        """Read on until `condition(chunk)` is true; that chunk, or None."""
        end = time.monotonic() + seconds
        try:
            while (chunk := self.next(max(end - time.monotonic(), 0.01))):
                if condition(chunk):
                    return chunk
        except TimeoutError as e:
            last = self.chunks[-1] if self.chunks else (0.0, b"nothing")
            raise TimeoutError(
                f"after {seconds} s and {len(self.chunks)} chunks, "
                f"the last at {last[0]:.1f} s: {last[1][-300:]!r}") from e
        return None

    def rest(self, seconds=TIMEOUT):
        """Read to the end; all chunks."""
        self.until(lambda unused: False, seconds)
        return [data for _, data in self.chunks]


def get(path, method="GET", extra=""):
    return (
        f"{method} {path} HTTP/1.1\r\nHost: drop.example\r\n{extra}\r\n"
    ).encode()
