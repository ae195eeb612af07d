#!/usr/bin/env python3
"""deploy/tor and deploy/onionbalance: tor and onionbalance take them, every
line has a reason beside it, and what must and must not be there is so."""
import os
import re
import shutil
import subprocess
import tempfile

from net.network import ROOT, need_tor

from lib.tap import Skip, Suite, check, equal

need_tor()
suite = Suite()
DEPLOY = os.path.join(ROOT, "deploy")
FILES = ("tor/torrc", "tor/torrc.courier", "onionbalance/torrc",
         "onionbalance/torrc.backend")


def lines(name):
    with open(os.path.join(DEPLOY, name), encoding="ascii") as f:
        return f.read().splitlines()


def options(name):
    return [li.split(" ", 1) for li in lines(name) if li and li[0] != "#"]


def verify(name):
    """tor's opinion of a file, its directories elsewhere and there."""
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "torrc")
        text = "\n".join(lines(name)) + "\n"
        for root in ("/var/lib/tor", "/run/tor"):
            text = text.replace(root, place)
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        for directory in ("onion-auth", "knothole-source"):
            os.mkdir(os.path.join(place, directory), 0o700)
        with open(os.path.join(place, "knothole-source", "ob_config"), "w",
                  encoding="ascii") as f:
            f.write("MasterOnionAddress " + "2gzyxa5ihm7nsggfxnu52rck2vv4rvmd"
                    "lkiu3zzui5du4xyclen53wid.onion\n")
        return subprocess.run(
            ["tor", "--verify-config", "--hush", "--defaults-torrc",
             "/dev/null", "-f", path, "--DataDirectory",
             os.path.join(place, "data")], stdin=subprocess.DEVNULL,
            capture_output=True, check=False, timeout=60)


for each in FILES:
    @suite.test(f"{each}: tor takes it, and warns of nothing in it")
    def _(name=each):
        done = verify(name)
        said = (done.stdout + done.stderr).decode()
        equal(done.returncode, 0, said)
        warned = [li for li in said.splitlines() if "[warn]" in li
                  and "as root" not in li]
        equal(warned, [], "warnings")

    @suite.test(f"{each}: every line has its reason")
    def _(name=each):
        reason = False
        for line in lines(name):
            if not line:
                reason = False
            elif line[0] == "#":
                reason = True
            else:
                check(reason, f"no reason before {line!r}")


@suite.test("torrc: two services to unix sockets, one with circuit ids, neither "
            "with one hop")
def _():
    found = options("tor/torrc")
    services, service = {}, None
    for key, value in found:
        if key == "HiddenServiceDir":
            service = services.setdefault(value, {})
        elif key.startswith("HiddenService"):
            service[key] = value
    source, courier = services.values()
    for one in (source, courier):
        equal(one["HiddenServicePort"][:14], "80 unix:/run/k", "target")
        equal(one["HiddenServiceMaxStreamsCloseCircuit"], "0", "streams")
    equal(source["HiddenServiceExportCircuitID"], "haproxy", "circuit ids")
    check("HiddenServiceExportCircuitID" not in courier, "couriers' have them")
    equal(source["HiddenServicePoWDefensesEnabled"], "1", "proof of work")
    check(int(source["HiddenServicePoWQueueRate"]) >= 50, "its rate")
    whole = dict(found)
    equal(whole["SocksPort"], "0", "SocksPort")
    equal(whole["HiddenServiceSingleHopMode"], "0", "one hop")
    check("Sandbox" not in whole, "Sandbox loses uploads")


@suite.test("no torrc logs more than warnings, and none into a file")
def _():
    for name in FILES:
        logs = [value for key, value in options(name) if key == "Log"]
        equal(logs, ["warn syslog"], name)


@suite.test("knotholed.conf.example listens where torrc connects to")
def _():
    with open(os.path.join(DEPLOY, "knotholed.conf.example"),
              encoding="utf-8") as f:
        conf = f.read()
    targets = re.findall(r"^HiddenServicePort 80 (unix:\S+)",
                         "\n".join(lines("tor/torrc")), re.M)
    equal(re.search(r"^source_listen = (\S+)", conf, re.M)[1], targets[0],
          "source_listen")
    equal(re.search(r"^#?courier_listen = (\S+)", conf, re.M)[1], targets[1],
          "courier_listen")


@suite.test("onionbalance reads its configuration")
def _():
    if shutil.which("onionbalance") is None:
        raise Skip("onionbalance is not installed")
    python = subprocess.run(
        ["/usr/bin/python3", "-c",
         "import sys, yaml; c = yaml.safe_load(open(sys.argv[1])); "
         "print(sorted(c['services'][0]), len(c['services'][0]['instances']))",
         os.path.join(DEPLOY, "onionbalance", "config.yaml")],
        capture_output=True, check=False)
    equal(python.stdout.decode().strip(), "['instances', 'key'] 2",
          python.stderr.decode())


if __name__ == "__main__":
    suite.run()
