"""A courier API that keeps to its contract to the letter, and notes everything
that a client does otherwise; or breaks it on purpose, as a test asks it to.

It answers one request after the other on each connection, with a thread for
each. `change` is called with each request and the answer that is right, and
returns the answer to give: an Answer, or bytes that are sent as they are.
"""
import base64
import json
import os
import re
import socket
import threading
import time

TOKEN = base64.urlsafe_b64encode(bytes(range(32))).decode().rstrip("=")
ID = re.compile(r"[0-9a-f]{32}")
REASONS = {200: "OK", 201: "Created", 206: "Partial Content"}
LENGTHS = (4096, 16384, 65536)


class Request:
    def __init__(self, method, target, fields, body):
        self.method, self.target = method, target
        self.fields, self.body = fields, body
        self.path, _, self.query = target.partition("?")


class Answer:
    def __init__(self, status, body=b"", kind="application/json", **fields):
        self.status, self.body = status, body
        self.fields = {"Content-Type": kind, "Content-Length": str(len(body))}
        for name, value in fields.items():
            self.fields[name.replace("_", "-")] = value
        self.cut = None  # so many bytes of the body, then the end
        self.slow = None  # (bytes, seconds): a pause after each so many bytes
        self.version = "HTTP/1.1"

    def head(self):
        lines = [f"{self.version} {self.status} {REASONS.get(self.status, 'X')}"]
        lines += [f"{n}: {v}" for n, v in self.fields.items() if v is not None]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def as_json(status, value, **fields):
    return Answer(status, json.dumps(value).encode(), **fields)


def error(status, word, **fields):
    return as_json(status, {"error": word}, **fields)


class Fake:
    def __init__(self, unix=None, keep_alive=True):
        self.objects, self.replies, self.collected = {}, {}, set()
        self.requests, self.violations = [], []
        self.change = None
        self.health = {"version": "0.1.0", "up": True, "objects": "some"}
        self.keep_alive = keep_alive
        self.page = 1000
        self.connections = 0
        self.sent = 0  # bytes of objects
        self.lock = threading.Lock()
        self.open = set()
        if unix:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(unix)
            self.address = "unix:" + unix
        else:
            self.listener = socket.create_server(("127.0.0.1", 0))
            port = self.listener.getsockname()[1]
            self.address = f"http://127.0.0.1:{port}"
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    # --- connections ---

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                self.open.add(connection)
            threading.Thread(
                target=self.serve, args=(connection,), daemon=True
            ).start()

    def stop(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        with self.lock:
            for connection in self.open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def serve(self, connection):
        try:
            if connection.family == socket.AF_INET:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream = connection.makefile("rb")
            while self.exchange(connection, stream) and self.keep_alive:
                pass
        except OSError:
            pass
        with self.lock:
            self.open.discard(connection)
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        connection.close()

    def wrong(self, what):
        with self.lock:
            self.violations.append(what)

    def exchange(self, connection, stream):
        request = read_request(self, stream)
        if request is None:
            return False
        with self.lock:
            self.requests.append(request)
        answer = self.answer(request)
        if self.change:
            answer = self.change(request, answer)
        if isinstance(answer, bytes):
            connection.sendall(answer)
            return False
        if answer is None:
            return False
        return self.send(connection, request, answer)

    def send(self, connection, request, answer):
        if not self.keep_alive:
            answer.fields["Connection"] = "close"
        body = b"" if request.method == "HEAD" else answer.body
        if answer.cut is not None:
            body = body[: answer.cut]
        if answer.slow is None:
            connection.sendall(answer.head())
            connection.sendall(body)
        else:
            size, pause = answer.slow
            connection.sendall(answer.head())
            for i in range(0, len(body), size):
                connection.sendall(body[i : i + size])
                time.sleep(pause)
        if answer.fields.get("Content-Type") == "application/octet-stream":
            with self.lock:
                self.sent += len(body)
        return answer.cut is None

    # --- the API ---

    def answer(self, request):
        if request.fields.get("authorization") != f"Bearer {TOKEN}":
            return error(401, "unauthorized")
        self.inspect(request)
        path, method = request.path, request.method
        if path == "/v1/objects" and method == "GET":
            return self.list(request.query)
        if path == "/v1/health" and method == "GET":
            return as_json(200, self.health)
        if path == "/v1/collected" and method == "POST":
            return self.collect(request)
        if match := re.fullmatch("/v1/objects/([0-9a-f]{32})", path):
            if method in ("GET", "HEAD"):
                return self.object(request, match[1])
        if match := re.fullmatch(r"/v1/replies/([0-9a-f]{64})(?:\.age)?", path):
            if method == "PUT":
                return self.reply(request, match[1])
        self.wrong(f"{method} {request.target}")
        return error(404, "not_found")

    def inspect(self, request):
        known = {"host", "authorization", "accept", "range", "content-type",
                 "content-length", "connection"}
        if request.fields.get("connection") != "keep-alive":
            self.wrong("not asked to keep the connection")
        for name in set(request.fields) - known:
            self.wrong(f"field {name}: {request.fields[name]}")
        if request.query and request.path != "/v1/objects":
            self.wrong(f"query {request.target}")
        if TOKEN in request.target:
            self.wrong("the token is in the target")

    def list(self, query):
        after, limit = "", self.page
        for part in filter(None, query.split("&")):
            name, _, value = part.partition("=")
            if name == "after" and ID.fullmatch(value):
                after = value
            elif name == "limit" and re.fullmatch("[1-9][0-9]{0,3}", value):
                limit = min(int(value), self.page)
            else:
                self.wrong(f"query {query}")
        ids = sorted(i for i in self.objects if i > after)
        shown = ids[:limit]
        return as_json(200, {
            "objects": [{"id": i, "size": len(self.objects[i])} for i in shown],
            "next": shown[-1] if len(ids) > limit else None,
        })

    def object(self, request, name):
        if name not in self.objects:
            return error(404, "not_found")
        data = memoryview(self.objects[name])
        kind = "application/octet-stream"
        asked = request.fields.get("range")
        if asked is None:
            return Answer(200, data, kind, Accept_Ranges="bytes")
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", asked)
        if not match:
            self.wrong(f"range {asked}")
            return error(400, "malformed")
        first = int(match[1])
        last = min(int(match[2] or len(data)), len(data) - 1)
        if first >= len(data):
            return error(416, "range", Content_Range=f"bytes */{len(data)}")
        return Answer(
            206, data[first : last + 1], kind, Accept_Ranges="bytes",
            Content_Range=f"bytes {first}-{last}/{len(data)}",
        )

    def collect(self, request):
        try:
            value = json.loads(request.body)
            ids = value["ids"]
        except (ValueError, KeyError, TypeError):
            self.wrong(f"collected: {request.body[:100]!r}")
            return error(400, "malformed")
        if set(value) != {"ids"} or not 1 <= len(ids) <= 1000 or not all(
            ID.fullmatch(i) for i in ids
        ):
            self.wrong(f"collected: {len(ids)} ids")
            return error(400, "malformed")
        self.collected.update(ids)
        return as_json(200, {"collected": len(ids)})

    def reply(self, request, name):
        if len(request.body) not in LENGTHS:
            self.wrong(f"reply of {len(request.body)} bytes")
            return error(400, "length")
        if name in self.replies:
            return error(409, "taken")
        self.replies[name] = request.body
        return as_json(201, {"stored": True})

    def asked(self, method, start=""):
        return [r for r in self.requests
                if r.method == method and r.path.startswith(start)]


def read_request(fake, stream):
    """The next request of a connection, or None at its end."""
    line = stream.readline(8192)
    if not line:
        return None
    first = re.fullmatch(rb"(GET|HEAD|POST|PUT) (/\S*) HTTP/1\.1\r\n", line)
    if not first:
        fake.wrong(f"request line {line!r}")
        return None
    fields = {}
    while (line := stream.readline(8192)) != b"\r\n":
        match = re.fullmatch(rb"([!-9;-~]+): ?([ -~]*)\r\n", line)
        if not match:
            fake.wrong(f"field {line!r}")
            return None
        name = match[1].decode().lower()
        if name in fields:
            fake.wrong(f"twice: {name}")
        fields[name] = match[2].decode()
    length = int(fields.get("content-length", "0"))
    body = stream.read(length)
    if len(body) < length:
        return None
    return Request(first[1].decode(), first[2].decode(), fields, body)


class Socks:
    """A SOCKS5 proxy that knows one name, and notes how it was asked."""

    def __init__(self, known, to):
        self.known, self.to = known, to  # (name, port) to (host, port)
        self.asked = []  # (user, password, kind of address, host, port)
        self.refuse = None  # a reply code instead of a connection
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"socks5h://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(
                target=self.serve, args=(connection,), daemon=True
            ).start()

    def stop(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()

    def serve(self, connection):
        try:
            with connection:
                self.session(connection, connection.makefile("rb"))
        except OSError:
            pass

    def session(self, connection, stream):
        methods = stream.read(stream.read(2)[1])
        user = password = None
        if 2 in methods:
            connection.sendall(b"\x05\x02")
            stream.read(1)
            user = stream.read(stream.read(1)[0])
            password = stream.read(stream.read(1)[0])
            connection.sendall(b"\x01\x00")
        else:
            connection.sendall(b"\x05\x00")
        kind = stream.read(4)[3]
        if kind == 3:
            host = stream.read(stream.read(1)[0]).decode()
        else:
            host = socket.inet_ntop(
                socket.AF_INET if kind == 1 else socket.AF_INET6,
                stream.read(4 if kind == 1 else 16))
        port = int.from_bytes(stream.read(2), "big")
        self.asked.append((user, password, kind, host, port))
        code = self.refuse or (0 if (host, port) == self.known else 4)
        connection.sendall(bytes([5, code, 0, 1, 0, 0, 0, 0, 0, 0]))
        if code:
            return
        with socket.create_connection(self.to) as behind:
            back = threading.Thread(target=pump, args=(behind, connection))
            back.start()
            pump(connection, behind, stream)
            back.join()


def pump(source, sink, stream=None):
    read = stream.read1 if stream else lambda n: source.recv(n)
    try:
        while data := read(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def token_file(directory, mode=0o600, text=TOKEN + "\n"):
    path = os.path.join(directory, "courier.token")
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    os.chmod(path, mode)
    return path
