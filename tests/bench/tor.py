#!/usr/bin/env python3
"""What tor leaves of the server's speed, and what its scheduler does to that.

usage: tests/bench/tor.py [--build DIR] [--rounds N] [--size MB]

In a private network on loopback, through a real knotholed: one upload in one
circuit; one object fetched by a courier in one circuit; four uploads in four
circuits; and the time of a page beside those. In turn, round after round: with
tor's default scheduler (KIST) in the service's tor, with "Schedulers Vanilla" in
it, and with that in every tor, which nobody can have. Medians. The absolute
figures are no forecast for the real network: all tors share this machine.
"""
import argparse
import concurrent.futures
import os
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tor"))

MB = 1000 * 1000


def parsed():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=50, help="MB")
    return parser.parse_args()


class Service:
    """A knotholed behind two onion services of one network."""

    def __init__(self, network, name, *torrc):
        from lib.drop import Drop
        from net.network import torrc_of
        from net.socks import Visitor

        self.name = name
        self.drop = Drop(unix=True, circuit_id="haproxy")
        self.drop.settings["courier_listen"] = f"unix:{self.drop.courier_socket}"
        self.drop.start()
        lines = [*torrc_of("source"), *torrc]
        host = network.onion(f"{name}-source", f"unix:{self.drop.socket}",
                             torrc=lines)
        fetch = network.onion(f"{name}-courier",
                              f"unix:{self.drop.courier_socket}", torrc=torrc)
        self.source = lambda user: Visitor(network.port, host, user)
        self.courier = Visitor(network.port, fetch, "courier")
        self.figures = {}

    def note(self, what, value):
        self.figures.setdefault(what, []).append(value)

    def upload(self, user, size):
        visitor = self.source(user)
        block = os.urandom(MB)
        form = visitor.form().field("message", "m")
        form.file("f", *[block] * size)
        began = time.monotonic()
        page = visitor.post(form)
        if page.state != "sealed":
            raise RuntimeError(f"{page}")
        return size / (time.monotonic() - began)

    def fetch(self):
        path = max(self.drop.objects(), key=os.path.getsize)
        name = os.path.basename(path).removesuffix(".age")
        request = (f"GET /v1/objects/{name} HTTP/1.1\r\nHost: c\r\n"
                   f"Authorization: Bearer {self.drop.newsrooms[0].token}\r\n"
                   "Connection: close\r\n\r\n").encode()
        began = time.monotonic()
        raw = self.courier.exchange(request, 600).body
        if len(raw) != os.path.getsize(path):
            raise RuntimeError(f"{len(raw)} bytes came")
        return len(raw) / MB / (time.monotonic() - began)

    def page(self, user):
        visitor = self.source(user)
        visitor.get("/en/")  # the circuit is there
        began = time.monotonic()
        if visitor.get("/en/").status != 200:
            raise RuntimeError("no page")
        return (time.monotonic() - began) * 1000

    def round(self, number, size):
        self.note("upload MB/s", self.upload(f"up{number}", size))
        self.note("fetch MB/s", self.fetch())
        self.note("page ms, idle", self.page(f"idle{number}"))
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            began = time.monotonic()
            jobs = [pool.submit(self.upload, f"four{number}-{i}", size // 2)
                    for i in range(4)]
            time.sleep(1)
            self.note("page ms, beside four", self.page(f"beside{number}"))
            for job in jobs:
                job.result()
        self.note("four uploads MB/s",
                  4 * (size // 2) / (time.monotonic() - began))
        self.drop.forget()


def main():
    options = parsed()
    os.environ["KNOTHOLE_BUILD"] = os.path.abspath(options.build)
    from net.network import Network, alone, need_tor

    need_tor()
    alone()
    vanilla = "Schedulers Vanilla"
    normal = Network()
    everywhere = Network(TORNET_EXTRA=vanilla)
    services = [Service(normal, "kist"), Service(normal, "vanilla", vanilla),
                Service(everywhere, "all")]
    for number in range(options.rounds):
        for service in services:
            service.round(number, options.size)
    width = max(len(what) for what in services[0].figures)
    print(f"{'':{width}}  " + "".join(f"{s.name:>10}" for s in services))
    for what in services[0].figures:
        print(f"{what:{width}}  " + "".join(
            f"{statistics.median(s.figures[what]):10.1f}" for s in services))
    for service in services:
        service.drop.stop()
    normal.stop()
    everywhere.stop()


if __name__ == "__main__":
    main()
