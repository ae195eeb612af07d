#!/usr/bin/env python3
"""Stock minisign verifies the cards that `knothole keygen` writes.

Both ways: the signature beside the card over the whole file, and the one that
rides inside it over the lines above. A changed byte fails. Prints TAP.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

KNOTHOLE = Path(os.environ.get("KNOTHOLE_BUILD", "build")) / "bin" / "knothole"
NAME = "The Example Times"
STEM = "the-example-times"

results = []


def check(ok, what):
    results.append(bool(ok))
    print(f"{'ok' if ok else 'not ok'} {len(results)} - {what}", flush=True)


def verifies(path, key, signature=None):
    """Does stock minisign verify `path` under `key`?"""
    command = ["minisign", "-V", "-q", "-m", str(path), "-P", key]
    if signature is not None:
        command += ["-x", str(signature)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, timeout=60,
                          capture_output=True, check=False)
    return done.returncode == 0


def field(lines, key):
    """The one value of `key` among the lines of a card."""
    prefix = f"{key} = "
    found = [line[len(prefix):] for line in lines if line.startswith(prefix)]
    return found[0] if len(found) == 1 else ""


def check_card(card, tmp):
    data = card.read_bytes()
    lines = data.decode("utf-8").split("\n")
    key = field(lines, "signing_key")
    check(lines[-1] == "" and len(key) == 56, "the card names its key")
    check(field(lines, "name") == NAME, "and its newsroom")

    check(verifies(card, key), "minisign verifies the whole card")
    other = tmp / "other.card"
    signature = Path(f"{card}.minisig")
    missed = 0
    for i in range(0, len(data), 7):
        flipped = bytearray(data)
        flipped[i] ^= 1
        other.write_bytes(flipped)
        missed += verifies(other, key, signature)
    check(missed == 0, "a flipped byte of the card does not verify")

    at = data.index(b"untrusted comment: ")
    body, inner = tmp / "body", tmp / "body.minisig"
    body.write_bytes(data[:at])
    inner.write_bytes(data[at:])
    check(data[at:].count(b"\n") == 4, "the card ends with four lines")
    check(verifies(body, key), "minisign verifies the signature within")
    body.write_bytes(data[:at].replace(b"Times", b"Tames"))
    check(not verifies(body, key), "and refuses it over a changed name")
    body.write_bytes(data[:at])
    inner.write_bytes(data[at:].replace(b"\ntrusted comment: ",
                                        b"\ntrusted comment: x"))
    check(not verifies(body, key), "and with a changed trusted comment")


def main():
    if shutil.which("minisign") is None:
        print("1..0 # skip minisign is not installed")
        return 0
    with tempfile.TemporaryDirectory() as name:
        tmp = Path(name)
        made = subprocess.run(
            [str(KNOTHOLE), "keygen", "-o", str(tmp / "keys"),
             "--name", NAME, "--no-passphrase"],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
            check=False)
        check(made.returncode == 0, "keygen makes a newsroom")
        card = tmp / "keys" / f"{STEM}.card"
        there = card.is_file() and Path(f"{card}.minisig").is_file()
        check(there, "with a card and a signature beside it")
        if there:
            check_card(card, tmp)
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


sys.exit(main())
