"""What a visit costs and holds: the time of a page through a fresh one, and how
long plaintext stays in its memory. Part of run.py."""
import os
import socket
import statistics
import time

PAGES = 300
PAGE_GOAL_MS = 5.0
CHUNK = 65536  # of the sealed object: what is sealed at once
RATE = 512 << 10  # bytes a second that the measured upload arrives with
CHUNKS = 24
HEAD = (b"POST /en/send HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
        b"multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n")
PART = b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'


def connect(server):
    s = socket.socket(socket.AF_UNIX)
    s.connect(str(server.socket))
    return s


def page_ms(server):
    """Connection, fork, sandbox, page, end: milliseconds of each of many."""
    found = []
    for _ in range(PAGES):
        began = time.perf_counter()
        with connect(server) as s:
            s.sendall(b"GET /en/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
            page = s.recv(65536)
            while s.recv(65536):
                pass
        if not page.startswith(b"HTTP/1.1 200 "):
            raise SystemExit("the page cannot be had")
        found.append((time.perf_counter() - began) * 1e3)
        time.sleep(0.002)  # the site is idle otherwise
    return sorted(found)


def held(pid):
    """All private memory of a process that can be read."""
    parts = []
    with open(f"/proc/{pid}/maps", encoding="latin-1") as maps, open(
            f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in maps:
            fields = line.split()
            if "w" not in fields[1] or "[v" in line:
                continue
            at, end = (int(x, 16) for x in fields[0].split("-"))
            try:
                mem.seek(at)
                parts.append(mem.read(end - at))
            except OSError:
                continue
    return b"".join(parts)


class Residence:
    """An upload at a steady rate, each chunk of it with a marker."""

    def __init__(self, server, children):
        self.marks = [os.urandom(16) for _ in range(CHUNKS)]
        self.sent, self.gone = {}, {}
        self.most = 0  # markers in memory at once
        token = server.token()
        server.idle()
        first = PART % (b"token", b"", token.encode())
        first += PART.removesuffix(b"%s\r\n") % (b"file", b'; filename="f"')
        last = b"\r\n--b--\r\n"
        with connect(server) as s:
            s.sendall(HEAD % (len(first) + CHUNKS * CHUNK + len(last)) + first)
            pids = []
            while not pids:
                pids = children(server.roles["door"])
            time.sleep(0.5)  # it has derived its keys by then
            self.send(s, pids[0])
            s.sendall(last)
            while s.recv(65536):
                pass

    def send(self, s, pid):
        piece = 4096
        began = time.monotonic()
        for at in range(0, CHUNKS * CHUNK, piece):
            data = os.urandom(piece)
            if at % CHUNK == 0:
                mark = self.marks[at // CHUNK]
                data = mark + data[16:]
                self.sent[mark] = time.monotonic()
            s.sendall(data)
            self.look(pid)
            left = began + (at + piece) / RATE - time.monotonic()
            time.sleep(max(left, 0))

    def look(self, pid):
        memory = held(pid)
        now = time.monotonic()
        there = 0
        for mark in self.sent.keys() - self.gone.keys():
            if mark in memory:
                there += 1
            elif now - self.sent[mark] > 0.02:  # it has been read by then
                self.gone[mark] = now
        self.most = max(self.most, there)

    def ms(self):
        """Of each chunk whose end was seen."""
        return sorted((gone - self.sent[mark]) * 1e3
                      for mark, gone in self.gone.items())


def report(server, children):
    pages = page_ms(server)
    p50 = statistics.median(pages)
    p99 = pages[int(len(pages) * 0.99)]
    print(f"\na page through a fresh visit: p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    verdict = "reached" if p50 < PAGE_GOAL_MS else "missed"
    print(f"goal {verdict}: a page through a fresh visit, p50: {p50:.1f} ms "
          f"(goal < {PAGE_GOAL_MS:.0f} ms)")
    if os.geteuid() != 0:
        print("plaintext in memory: not measured, which needs root")
        return
    stay = Residence(server, children)
    ms = stay.ms()
    arrives = CHUNK / RATE * 1e3
    print(f"plaintext in memory, upload at {RATE >> 10} KiB/s: a chunk of "
          f"{CHUNK} bytes, which takes {arrives:.0f} ms to arrive, stays "
          f"{statistics.median(ms):.0f} ms, {ms[-1]:.0f} ms at most: "
          f"{CHUNK * ms[-1]:.2e} bytes x ms; {stay.most} chunks at once")
