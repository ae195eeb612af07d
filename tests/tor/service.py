#!/usr/bin/env python3
"""knotholed behind a real tor: source site and couriers as two onion services
with the lines of deploy/tor/torrc, in a private network on loopback; the whole
circle through them by hand, and what goes wrong on the way.

Prints TAP. KNOTHOLE_BUILD names the build directory (default: build),
KNOTHOLE_NIGHTLY=1 adds twenty minutes of being up. Runs from the root of the
repository.
"""
import base64
import hashlib
import os
import random
import shutil
import signal
import subprocess
import time

from net.network import Network, alone, need_tor, torrc_of
from net.socks import (FAILED, NO_DESCRIPTOR, NO_KEY, WRONG_KEY, OnionWire,
                       Refused, Visitor)

from lib.desk import Desk
from lib.drop import BUILD, Drop, processes, run, workplace
from lib.tap import Failure, Skip, Suite, check, equal, wait_for
from lib.thread import enter
from lib.wire import get

MiB = 1 << 20
COURIER = os.path.join(BUILD, "bin", "knothole-courier")
MAX_STREAMS = 32  # of deploy/tor/torrc
AT_ONCE, BURST = 16, 32  # visits and forms of one circuit (limits.h)
MARK = b"planted-marker-7f3a"

need_tor()
alone()
suite = Suite()
noise = random.Random(7)
began = time.monotonic()
network = Network()
suite.cleanup(network.stop)
drop = Drop(newsrooms=2, unix=True, circuit_id="haproxy")
drop.settings["courier_listen"] = f"unix:{drop.courier_socket}"
plain = Drop(unix=True)  # without circuit_id
suite.cleanup(drop.stop)
suite.cleanup(plain.stop)
source_site = network.onion("source", f"unix:{drop.socket}",
                            torrc=torrc_of("source"))
courier_site = network.onion("courier", f"unix:{drop.courier_socket}",
                             "--client-auth", torrc=torrc_of("courier"))
drop.settings["onion_address"] = source_site
drop.start()
source = Visitor(network.port, source_site, "source")
suite.figure(f"network and two onion services: up after "
             f"{time.monotonic() - began:.0f} s")


class Trip:
    code = stick = None


trip = Trip()


def refused(port, host, user="x", seconds=120, to=80):
    """With which SOCKS reply; None if it connected."""
    try:
        OnionWire(port, host, user, seconds, to).close()
    except Refused as error:
        return error.code
    return None


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def courier(what, *more, port=None, newsroom=0, status=0):
    done = run(COURIER, what, "--server", f"http://{courier_site}", "--proxy",
               f"socks5h://127.0.0.1:{port or network.port}", "--token-file",
               os.path.join(drop.newsrooms[newsroom].directory,
                            "courier.token"),
               "--retries", "0", *more, trip.stick)
    equal(done.returncode, status, f"{what}: {done.stderr.decode()}")
    return done


# --- a source's way -----------------------------------------------------------


@suite.test("the site answers on its address, and on no other port")
def _():
    page = source.get("/")
    equal((page.status, page.whole), (200, True), "the first page")
    equal(source.get("/en/").status, 200, "the check")
    check(refused(network.port, source_site, "source", to=81) is not None,
          "port 81")
    # Who comes under another name is told so (L27): tor passes names on.
    other = Visitor(network.port, source_site).get
    equal(other("/en/", extra="X-Tor2web: 1\r\n").status, 403, "a proxy")


@suite.test("a form with files: sealed; Expect: 100-continue is answered")
def _():
    data = noise.randbytes(300000)
    form = source.form().field("message", b"over tor " + MARK)
    form.file("סיכום.pdf", data)
    page = source.post(form, extra="Expect: 100-continue\r\n")
    equal((page.status, page.state), (200, "sealed"), "answer")
    equal(page.continued, 1, "100 Continue")
    trip.code = page.output("code")
    (path,) = drop.objects()
    for newsroom in (0, 1):
        out = drop.extract(path, newsroom)
        equal(out.message, b"over tor " + MARK, "message")
        equal(sha256(out.read(0)), sha256(data), "file")


@suite.test("a chunked body is refused, and leaves nothing")
def _():
    before = drop.objects()
    form = source.form().field("message", "m")
    head = source.named(form.head()).replace(
        b"Content-Length: %d" % form.length(), b"Transfer-Encoding: chunked")
    with source.connect() as wire:
        wire.offer([head, b"5\r\nhello\r\n0\r\n\r\n"])
        equal(wire.response().status, 501, "status")
    equal(drop.objects(), before, "objects")


@suite.test("the display of progress beside an upload, through one circuit")
def _():
    own, shown = source.tokens()
    form = source.form()
    form.pieces.clear()
    form.field("token", own).field("message", "seen").file("f", b"1" * 400000)
    body = form.body()
    with source.connect() as wire, source.connect() as display:
        wire.send(source.named(form.head(path=f"/en/send?u={shown}"))
                  + body[:200000])
        display.send(source.named(get(f"/en/status?u={shown}")))
        display.socket.settimeout(60)
        seen = b""
        while b'data-state="arriving"' not in seen:
            part = display.socket.recv(65536)
            check(part, f"the display ended: {seen[-500:]}")
            seen += part
        wire.send(body[200000:])
        equal(wire.response().state, "sealed", "the upload")
        check(b"sealed" in display.read_all(60), "the display's last word")


@suite.test("bytes are the same for every browser and language; no script, "
            "SVG, font or Onion-Location")
def _():
    agents = (
        "",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 "
        "Firefox/128.0\r\nAccept-Language: en-US,en;q=0.5\r\nSec-GPC: 1\r\n"
        "Upgrade-Insecure-Requests: 1\r\nSec-Fetch-Dest: document\r\n"
        "Sec-Fetch-Mode: navigate\r\nPriority: u=0, i\r\n",
        "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) "
        "Gecko/20100101 Firefox/140.0\r\nAccept-Language: he,en;q=0.3\r\n"
        "Accept-Encoding: gzip, deflate, br\r\n",
    )
    lengths = set()
    for path in ("/", "/en/", "/he/", "/en/help", "/ar/return", "/en/leave"):
        seen = {source.get(path, extra=agent).raw for agent in agents}
        equal(len(seen), 1, f"answers to {path}")
        (raw,) = seen
        lengths.add(len(raw.partition(b"\r\n\r\n")[2]))
        for word in (b"<script", b"<svg", b"@font-face", b"nion-Location",
                     b"Set-Cookie", b"\r\nDate:", b"\r\nServer:"):
            check(word.lower() not in raw.lower(), f"{word} in {path}")
    equal(len(lengths), 1, f"lengths of pages: {lengths}")


# --- circuits -------------------------------------------------------------------


@suite.test("L22: tor's line is the circuit: one user's flood is not another's")
def _():
    greedy = Visitor(network.port, source_site, "greedy")
    form = greedy.named(greedy.form().field("message", "again").request())
    states = [greedy.exchange(form).status for _ in range(BURST + 6)]
    check(503 in states, f"forms without end: {states}")
    equal(greedy.get("/en/").status, 200, "its pages")
    again = Visitor(network.port, source_site, "greedy")
    # A form comes back every four seconds; a circuit of its own would have all.
    states = [again.exchange(form).status for _ in range(6)]
    check(503 in states, f"the same circuit again: {states}")
    other = Visitor(network.port, source_site, "modest")
    equal(other.post(other.form().field("message", "another")).state,
          "sealed", "another circuit")


@suite.test("L22: more visits at once than one has: a page that says so comes "
            "through tor")
def _():
    many = Visitor(network.port, source_site, "many")
    wires = [many.connect() for _ in range(AT_ONCE)]
    wait_for("they are let in", lambda: len(drop.visits()) >= AT_ONCE)
    pages = [many.get("/en/") for _ in range(4)]
    equal([(p.status, p.reason, p.whole) for p in pages],
          [(503, "busy", True)] * 4, "one more")
    # With a body on its way the answer is the same.
    form = source.form().field("message", "m").file("f", b"1" * 200000)
    seen = many.post(form)
    equal((seen.status, seen.reason), (503, "busy"), "a form more")
    equal(source.get("/en/").status, 200, "another circuit")
    for wire in wires:
        wire.close()
    drop.idle()


@suite.test("what does not begin with tor's line is closed; tor goes on")
def _():
    with drop.connect() as wire:
        wire.send(get("/en/"))
        check(wire.ended(), "a request without the line was answered")
    equal(source.get("/en/").status, 200, "through tor")


@suite.test("33 streams in one circuit: one is refused, 32 uploads complete")
def _():
    plain.start()
    host = network.onion(
        "plain", f"unix:{plain.socket}",
        torrc=[li for li in torrc_of("source") if "ExportCircuit" not in li])
    one = Visitor(network.port, host, "all in one")
    forms = [Visitor(network.port, host, f"form{i % 4}").form()
             .field("message", f"stream {i}").file("f", noise.randbytes(40000))
             for i in range(MAX_STREAMS)]
    wires = []
    for form in forms:
        wires.append(one.connect())
        wires[-1].send(one.named(form.head()) + form.body()[:20000])
    code = refused(network.port, host, "all in one")
    check(code is not None, "one more stream")
    for wire, form in zip(wires, forms):
        wire.send(form.body()[20000:])
    equal([w.response().state for w in wires], ["sealed"] * MAX_STREAMS,
          "the others")
    equal(len(plain.objects()), MAX_STREAMS, "objects")
    for wire in wires:
        wire.close()
    equal(one.get("/en/").status, 200, "the circuit goes on")
    plain.idle()
    equal(plain.stop(), 0, "exit status")
    network.kill("onion-plain")


# --- what is cut, and what comes back ------------------------------------------


@suite.test("an upload cut by the end of the source's tor: what came is kept, "
            "nothing is said, nothing lies about")
def _():
    port, name = network.client()
    victim = Visitor(port, source_site)
    before, said = set(drop.objects()), drop.said()
    data = noise.randbytes(3 * MiB)
    form = victim.form().field("message", b"cut " + MARK).file("whole", data)
    form.file("part", data)
    body = form.body()
    wire = victim.connect()
    wire.send(victim.named(form.head()) + body[:-MiB])
    # As much as is certainly there; the rest may still be within tor.
    wait_for("it arrives", drop.visits)
    time.sleep(2)
    network.kill(name)
    (path,) = wait_for("what came is sealed",
                       lambda: set(drop.objects()) - before, 60)
    out = drop.extract(path)
    equal(out.manifest["complete"], False, "complete")
    equal(out.message, b"cut " + MARK, "message")
    for i, record in enumerate(out.records):
        got = out.read(i)
        check(data.startswith(got), f"file {i} differs")
        equal(record["complete"], len(got) == len(data), f"file {i}")
    wire.close()
    drop.idle()
    equal(drop.said(), said, "what the service said")
    equal(drop.scan(MARK), [], "files with what was sent")


def not_there():
    """A well-formed address (rend-spec-v3, 6) that nobody has."""
    key = subprocess.run(
        "openssl genpkey -algorithm ed25519 -outform DER | openssl pkey "
        "-inform DER -pubout -outform DER", shell=True, check=True,
        capture_output=True).stdout[-32:]
    check_sum = hashlib.sha3_256(b".onion checksum" + key + b"\3").digest()
    return base64.b32encode(key + check_sum[:2] + b"\3").decode().lower() \
        + ".onion"


@suite.test("a descriptor that is not there: F0; one whose service has gone: "
            "not reached, and again when it is back, under the same address")
def _():
    equal(refused(network.port, not_there()), NO_DESCRIPTOR, "nobody's")
    port, name = network.client()
    network.kill("onion-source", signal.SIGTERM)
    try:
        check(refused(port, source_site, "lost", 20) is not None,
              "it answers without a tor")
    except TimeoutError:
        pass  # tor tries each introduction point for long
    equal(network.onion("source", f"unix:{drop.socket}",
                        torrc=torrc_of("source")), source_site, "address")
    network.newnym(name)

    def again(port):
        try:
            return Visitor(port, source_site, f"again {time.monotonic()}") \
                .get("/en/").status == 200
        except (Failure, OSError):
            return False

    wait_for("a client that had the old descriptor", lambda: again(port), 150)
    wait_for("another client", lambda: again(network.port), 150)
    check(source.get("/en/").status == 200, "the same user")


@suite.test("the server is down: SOCKS reply 01; up again: it answers")
def _():
    equal(drop.stop(), 0, "exit status")
    equal(refused(network.port, source_site, "down"), FAILED, "down")
    drop.start()
    equal(source.get("/en/").status, 200, "up")


@suite.test("a HUP of the service's tor in an upload: it completes")
def _():
    data = noise.randbytes(2 * MiB)
    form = source.form().field("message", "hup").file("f", data)
    body = form.body()
    before = set(drop.objects())
    with source.connect() as wire:
        wire.send(source.named(form.head()) + body[:MiB])
        network.hup("onion-source")
        time.sleep(1)
        wire.send(body[MiB:])
        equal(wire.response().state, "sealed", "state")
    (path,) = set(drop.objects()) - before
    equal(sha256(drop.extract(path).read(0)), sha256(data), "file")


@suite.test("200 MB in one upload: every byte")
def _():
    before = set(drop.objects())
    block = noise.randbytes(10 * 1000 * 1000)
    form = source.form().field("message", "large")
    form.file("recording.wav", *[block] * 20)
    start = time.monotonic()
    page = source.post(form)
    spent = time.monotonic() - start
    equal((page.status, page.state), (200, "sealed"), "answer")
    suite.figure(f"200 MB through tor, one circuit: {200 / spent:.1f} MB/s")
    (path,) = set(drop.objects()) - before
    out = drop.extract(path)
    equal(sha256(out.read(0)), sha256(block * 20), "SHA-256")
    os.unlink(path)  # the couriers have enough to carry
    shutil.rmtree(out.directory)


# --- couriers -------------------------------------------------------------------


@suite.test("knothole-courier, through tor with its key: objects to the stick")
def _():
    trip.stick = os.path.join(workplace(), "stick")
    os.mkdir(trip.stick)
    courier("status")
    courier("fetch")
    where = os.path.join(trip.stick, "knothole-stick", "objects")
    names = {os.path.basename(p) for p in drop.objects()}
    check(len(names) >= 5, f"{len(names)} objects")
    equal(set(os.listdir(where)), names, "objects on the stick")
    for name in names:
        with open(os.path.join(where, name), "rb") as f, \
                open(os.path.join(drop.store, "objects", name), "rb") as g:
            check(f.read() == g.read(), f"{name} differs")


@suite.test("an answer goes back, and the source reads it with the code")
def _():
    room = drop.newsrooms[0]
    desk = Desk(os.path.join(drop.desk, "vault"), room)
    got = desk.json("import", "--json", trip.stick)
    equal(got["refused"], [], "refused")
    said = f"to the one over tor {noise.random()}"
    for opened in got["opened"]:
        items = desk.show(opened["alias"])["items"]
        if any(i.get("text", "").startswith("over tor") for i in items):
            desk.run("reply", "-m", said, opened["alias"])
    desk.run("export", trip.stick)
    courier("push")
    thread = enter(source, trip.code)
    equal((thread.state, thread.answers), ("answered", [(room.id, said)]),
          "what the source sees")


@suite.test("a client without the key reaches nothing: F4; a wrong one: F5")
def _():
    port, name = network.client()
    served = drop.visits() | errands()
    equal(refused(port, courier_site), NO_KEY, "no key")
    secret = subprocess.run(["openssl", "rand", "32"], capture_output=True,
                            check=True).stdout
    wrong = base64.b32encode(secret).decode().rstrip("=")
    path = network.path(name, "onion-auth", "courier.auth_private")
    with open(path, "w", encoding="ascii") as f:
        f.write(f"{courier_site.removesuffix('.onion')}:descriptor:x25519:"
                f"{wrong}\n")
    network.hup(name)
    time.sleep(1)
    network.newnym(name)
    equal(refused(port, courier_site, "wrong"), WRONG_KEY, "a wrong key")
    courier("status", port=port, status=69)
    equal(errands() - served, set(), "connections of couriers")
    # The right key, put there: the same client is let in.
    shutil.copy(network.path("onion-courier", "client.auth_private"), path)
    network.hup(name)
    time.sleep(1)
    network.newnym(name)
    courier("status", port=port)


@suite.test("the key without the token is refused (77)")
def _():
    other = os.path.join(workplace(), "other")
    made = run(os.path.join(BUILD, "bin", "knothole"), "keygen", "-o", other,
               "--name", "Other", "--no-passphrase")
    equal(made.returncode, 0, "keygen")
    done = run(COURIER, "status", "--server", f"http://{courier_site}",
               "--proxy", f"socks5h://127.0.0.1:{network.port}",
               "--token-file", os.path.join(other, "courier.token"),
               "--retries", "0", trip.stick)
    equal(done.returncode, 77, done.stderr.decode())


def errands():
    role = drop.role("courier")
    return set(processes(role)) if role else set()


# --- afterwards -----------------------------------------------------------------


@suite.test("twenty minutes up: it answers all the time")
def _():
    if not os.environ.get("KNOTHOLE_NIGHTLY"):
        raise Skip("twenty minutes: with KNOTHOLE_NIGHTLY=1")
    end = time.monotonic() + 1200
    failed = asked = 0
    while time.monotonic() < end:
        visitor = Visitor(network.port, source_site, f"long{asked}")
        asked += 1
        try:
            failed += visitor.get("/en/").status != 200
        except (Failure, OSError):
            failed += 1
        time.sleep(15)
    suite.figure(f"twenty minutes: {asked - failed} of {asked} pages")
    check(failed <= asked // 20, f"{failed} of {asked} failed")


@suite.test("L31: after all this tor and knotholed have said nothing of it")
def _():
    drop.idle()
    for node in ("onion-source", "onion-courier"):
        with open(network.path(node, "notice.log"), "rb") as f:
            log = f.read()
        for word in (MARK, b"/en/", b"PROXY", b"POST", b"GET "):
            check(word not in log, f"{word} in the log of {node}")
    equal(drop.scan(MARK), [], "files")
    drop.ends_well()


if __name__ == "__main__":
    suite.run()
