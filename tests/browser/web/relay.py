"""A slow, breakable line between browser and server: TCP on loopback, which
passes on what the browser sends at a given rate, and can be cut."""
import re
import select
import socket
import struct
import threading
import time

STEP = 0.05  # seconds between two portions


class Line:
    """One connection that went through."""

    def __init__(self):
        self.head = b""  # how the browser's request began
        self.up = 0  # bytes passed on to the server
        self.head_at = None  # when the head had been passed on
        self.down = b""
        self.down_at = []  # (time, bytes so far)
        self.open = True

    @property
    def request(self):
        """Method and path."""
        return self.head.split(b" HTTP/", 1)[0].decode("latin-1")

    def when(self, needle):
        """When the answer had come as far as this; None if it has not."""
        at = self.down.find(needle)
        if at < 0:
            return None
        end = at + len(needle)
        return next(when for when, n in self.down_at if n >= end)


class Relay:
    def __init__(self, target, rate=None):
        self.target = target
        self.rate = rate  # bytes a second of a POST, or None
        self.newer = False  # HTTP/1.0 goes on as HTTP/1.1
        self.cut_at = None  # end a POST when so many bytes have passed
        self.lines = []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def base(self):
        return "http://%s:%d" % self.address

    def posts(self):
        with self.lock:
            return [li for li in self.lines if li.head.startswith(b"POST")]

    def requests(self, pattern):
        with self.lock:
            return [li for li in self.lines if re.match(pattern, li.request)]

    def clear(self):
        with self.lock:
            self.lines.clear()

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(
                target=self._pass, args=(near,), daemon=True
            ).start()

    def _pass(self, near):
        near.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        line = Line()
        with near:
            # Chromium opens connections to have them ready, and may never
            # use them. Those do not go on.
            try:
                if not near.recv(1, socket.MSG_PEEK):
                    return
            except OSError:
                return
            with self.lock:
                self.lines.append(line)
            try:
                with socket.create_connection(self.target) as far:
                    self._pump(line, near, far)
            except OSError:
                pass
            finally:
                line.open = False

    def _pump(self, line, near, far):
        sending = answering = True
        next_up = 0.0
        while sending or answering:
            slow = self.rate and line.head.startswith(b"POST")
            ready = [far] if answering else []
            if sending and (not slow or time.monotonic() >= next_up):
                ready.append(near)
            readable, _, _ = select.select(ready, [], [], STEP)
            if far in readable:
                answering = self._down(line, near, far)
            if near in readable:
                portion = max(1, int(self.rate * STEP)) if slow else 65536
                sending = self._up(line, near, far, portion)
                next_up = time.monotonic() + STEP
                if self._is_cut(line):
                    for each in (near, far):
                        each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                        struct.pack("ii", 1, 0))
                    return

    # An end in one direction is passed on as that: what is still under way
    # in the other goes on, as it would without a relay.

    def _down(self, line, near, far):
        data = far.recv(65536)
        if not data:
            near.shutdown(socket.SHUT_WR)
            return False
        with self.lock:
            line.down += data
            line.down_at.append((time.monotonic(), len(line.down)))
        near.sendall(data)
        return True

    def _up(self, line, near, far, portion):
        data = near.recv(portion)
        if not data:
            far.shutdown(socket.SHUT_WR)
            return False
        if self.newer and line.head_at is None:
            data = data.replace(b" HTTP/1.0\r\n", b" HTTP/1.1\r\n", 1)
        far.sendall(data)
        self._count(line, data)
        return True

    def _count(self, line, data):
        with self.lock:
            line.up += len(data)
            if len(line.head) < 65536 and line.head_at is None:
                line.head += data
                if b"\r\n\r\n" in line.head:
                    line.head_at = time.monotonic()

    def _is_cut(self, line):
        return (
            self.cut_at is not None
            and line.head.startswith(b"POST")
            and line.up >= self.cut_at
        )
