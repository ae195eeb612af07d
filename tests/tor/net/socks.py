"""HTTP by hand through a tor client's SOCKS port. A user name is a circuit: tor
keeps streams of different ones apart (IsolateSOCKSAuth, on by default)."""
import re
import socket
import struct

from lib.tap import Failure
from lib.wire import Form, Wire, get, small

# RFC 1928, and tor's own (socks-extensions, ExtendedErrors).
FAILED, NO_DESCRIPTOR, NO_KEY, WRONG_KEY = 0x01, 0xF0, 0xF4, 0xF5


class Refused(Failure):
    def __init__(self, code):
        super().__init__(f"SOCKS reply {code:#04x}")
        self.code = code


class OnionWire(Wire):
    """One connection to an onion service."""

    def __init__(self, port, host, user="one", seconds=120, to=80):
        # Not that of the base class: that one connects directly.
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.settimeout(seconds)
        name = user.encode()
        self.socket.sendall(b"\x05\x01\x02")
        self._expect(b"\x05\x02")
        self.socket.sendall(bytes([1, len(name)]) + name + b"\x01x")
        self._expect(b"\x01\x00")
        self.socket.sendall(b"\x05\x01\x00\x03" + bytes([len(host)])
                            + host.encode() + struct.pack(">H", to))
        answer = self._take(4)
        if answer[1] != 0:
            self.socket.close()
            raise Refused(answer[1])
        self._take({1: 4, 4: 16}[answer[3]] + 2)

    def _take(self, n):
        data = b""
        while len(data) < n:
            part = self.socket.recv(n - len(data))
            if not part:
                raise Failure("the SOCKS port hung up")
            data += part
        return data

    def _expect(self, data):
        got = self._take(len(data))
        if got != data:
            raise Failure(f"SOCKS: {got!r}, not {data!r}")


class Visitor:
    """Somebody with a tor client, on a circuit of their own."""

    def __init__(self, port, host, user="one"):
        self.port, self.host, self.user = port, host, user

    def connect(self, seconds=120):
        return OnionWire(self.port, self.host, self.user, seconds)

    def named(self, data):
        return data.replace(b"Host: drop.example",
                            b"Host: " + self.host.encode(), 1)

    def exchange(self, data, seconds=120):
        with self.connect() as wire:
            wire.offer([self.named(data)])
            return wire.response(seconds)

    def get(self, path, extra=""):
        return self.exchange(get(path, extra=extra))

    def post_small(self, path, **fields):
        return self.exchange(small(path, **fields))

    def form(self, **arguments):
        page = self.get("/en/send?plain=1").text()
        return Form(re.search(r'name="token" value="([^"]*)"', page)[1],
                    **arguments)

    def tokens(self):
        page = self.get("/en/send").text()
        return (re.search(r'name="token" value="([^"]*)"', page)[1],
                re.search(r' src="/\w\w/status\?u=([^"]*)"', page)[1])

    def post(self, form, seconds=600, **arguments):
        length = form.length()
        with self.connect(seconds) as wire:
            wire.offer([self.named(form.head(length=length, **arguments)),
                        *form.pieces])
            return wire.response(seconds)
