"""What the tests of packages share: where they are, and building more."""
import glob
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "system"))
from lib.tap import Suite, equal  # noqa: E402

BUILD = os.path.abspath(os.environ.get("KNOTHOLE_BUILD", "build"))
OURS = ("knotholed", "knothole", "knothole-courier", "libknothole0",
        "libknothole-dev")

__all__ = ("BUILD", "OURS", "ROOT", "Suite", "done", "equal", "one", "read",
           "tarball", "version")


def done(*command, **options):
    """Run it, which must work; its standard output."""
    options.setdefault("stdin", subprocess.DEVNULL)
    said = subprocess.run(command, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, **options)
    equal(said.returncode, 0, f"{command}: {said.stderr[-3000:].decode()}"
          f"{said.stdout[-2000:].decode()}")
    return said.stdout.decode()


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def version():
    return re.search(r"^VERSION := (\S+)", read("Makefile"), re.M)[1]


def tarball():
    return os.path.join(BUILD, "dist", f"knothole-{version()}.tar.xz")


def one(package, directory=None):
    """The file of this package."""
    directory = directory or os.path.join(BUILD, "deb")
    found = glob.glob(os.path.join(directory, f"{package}_*.deb"))
    equal(len(found), 1, f"packages {package} in {directory}")
    return found[0]
