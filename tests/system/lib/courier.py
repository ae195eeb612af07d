"""A courier of a newsroom's, by hand: every byte of a request is the test's."""
import json

from lib.tap import Failure
from lib.wire import Response, Wire


class Courier:
    def __init__(self, drop, newsroom=0, token=None):
        self.drop = drop
        self.token = token or drop.newsrooms[newsroom].token

    def head(self, method, path, body=None, extra="", token=True):
        lines = [f"{method} {path} HTTP/1.1", "Host: courier.example"]
        if token:
            lines.append(f"Authorization: Bearer {self.token}")
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        return ("\r\n".join(lines) + f"\r\n{extra}\r\n").encode()

    def connect(self):
        return Wire(self.drop.courier_address)

    def exchange(self, data):
        with self.connect() as wire:
            wire.offer([data])
            return wire.response()

    def ask(self, method, path, body=None, **arguments):
        head = self.head(method, path, body, **arguments)
        return self.exchange(head + (body or b""))

    def get(self, path, **arguments):
        return self.ask("GET", path, **arguments)

    def json(self, path):
        answer = self.get(path)
        if answer.status != 200 or not answer.whole:
            raise Failure(f"{path}: {answer!r} {answer.body!r}")
        return json.loads(answer.body)

    def collected(self, ids):
        return self.ask("POST", "/v1/collected",
                        json.dumps({"ids": ids}).encode())

    def put(self, name, body, **arguments):
        return self.ask("PUT", f"/v1/replies/{name}", body, **arguments)

    def put_card(self, name, body, **arguments):
        return self.ask("PUT", f"/v1/cards/{name}", body, **arguments)

    def ids(self, limit=None):
        """All of them, page by page."""
        found, after = [], ""
        while True:
            query = "&".join(
                ([f"limit={limit}"] if limit else [])
                + ([f"after={after}"] if after else [])
            )
            page = self.json("/v1/objects" + (f"?{query}" if query else ""))
            found += [entry["id"] for entry in page["objects"]]
            after = page["next"]
            if after is None:
                return found


def next_response(stream):
    """The next answer on a connection that stays open."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            return Response(head)
        head += line
    length = int(Response(head).header("Content-Length"))
    return Response(head + stream.read(length))
