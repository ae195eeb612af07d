#!/usr/bin/env python3
"""Write the seeds of fuzz_bundle, fuzz_manifest and fuzz_name.

usage: tests/fuzz/seed_bundle.py [tests/fuzz/corpus]

A second writer of the bundle's ZIP, made from its description alone. The names
of the seeds say what the reader makes of them: good-* or bad-*.
"""
import json
import os
import struct
import sys
import zlib

EXTRA = b"UT\x01\x00\x00" + b"ux\x0b\x00\x01\x04" + bytes(4) + b"\x04" + bytes(4)
KEY = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"


def local(name, flags):
    return (
        struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 45, flags, 0, 0, 0x21, 0,
                    0xFFFFFFFF, 0xFFFFFFFF, len(name), 40)
        + name + EXTRA + struct.pack("<HHQQ", 1, 16, 0, 0)
    )


def archive(entries):
    out, directory = b"", b""
    for name, data in entries:
        raw = name.encode()
        flags = 8 if name.isascii() else 8 | 1 << 11
        crc = zlib.crc32(data)
        directory += struct.pack(
            "<4sHHHHHHIIIHHHHHII", b"PK\1\2", 3 << 8 | 45, 45, flags, 0, 0, 0x21,
            crc, len(data), len(data), len(raw), len(EXTRA), 0, 0, 0,
            0o100600 << 16, len(out)) + raw + EXTRA
        out += local(raw, flags) + data
        out += struct.pack("<4sIQQ", b"PK\7\10", crc, len(data), len(data))
    n = len(entries)
    return out + directory + struct.pack(
        "<4sHHHHIIH", b"PK\5\6", 0, 0, n, n, len(directory), len(out), 0)


def manifest(files, complete=True, **more):
    return json.dumps({
        "knothole": 1, "mailbox": "00112233445566778899aabbccddeeff",
        "reply_to": KEY, "slot_key": "0f" * 32, "language": "he",
        "day": "2026-11-21",
        "complete": complete, "recipients": [KEY],
        "files": [{"entry": e, "name": n, "type": t, "size": s, "complete": c}
                  for e, n, t, s, c in files], **more}, indent=1).encode()


def bundles():
    he, ar = "files/001-שלום.pdf", "files/002-سلام.txt"
    files = [(he, "../שלום.pdf", "application/pdf", 3, True),
             (ar, "سلام.txt", "text/plain", 0, False)]
    both = [(he, b"abc"), (ar, b"")]
    m = ("manifest.json", manifest(files, False))
    message, padding = ("message.txt", b"a tip"), ("padding", bytes(9))
    none = ("manifest.json", manifest([]))
    yield "good-message", archive([message, none, padding])
    yield "good-empty", archive([none, ("padding", b"")])
    yield "good-files", archive(both + [m, padding])
    yield "good-all", archive([message] + both + [m, padding])
    yield "good-late", archive(both + [message, m, padding])
    yield "bad-order", archive([m] + both + [padding])
    yield "bad-twice", archive([message, message, none, padding])
    yield "bad-missing", archive(both[:1] + [m, padding])
    yield "bad-name", archive([("files/001-../x", b"abc"), both[1], m, padding])
    yield "bad-padding", archive([none, ("padding", b"\1")])
    yield "bad-cut", archive([message, none, padding])[:-1]
    yield "bad-gap", b"\0" + archive([message, none, padding])
    yield "bad-end", b"PK\5\6" + bytes(18)


def manifests():
    yield "good-none", manifest([])
    yield "good-one", manifest([("files/001-a", "a", "", 7, True)])
    yield "good-cut", manifest([("files/001-a", "a", "x/y", 7, False)], False)
    yield "good-later", manifest([], later={"a": [1, None, 1.5]})
    hexed = json.loads(manifest([("files/001-_", "\ufffd", "", 0, True)]))
    hexed["files"][0]["name_hex"] = "ff"
    yield "good-hex", json.dumps(hexed).encode()
    yield "bad-version", manifest([]).replace(b": 1,", b": 2,", 1)
    yield "bad-slot-key", manifest([]).replace(b"0f0f", b"0F0f", 1)
    yield "bad-entry", manifest([("files/002-a", "a", "", 7, True)])
    yield "bad-json", manifest([])[:-1]
    yield "names-mixed", b"\0a.pdf\xfe\xd7\xa9\xfe\xff\xfe%22%0d%0A\xfe\xfe\x7f\\\""
    yield "names-hostile", b"\0../../x\xfeC:\\y\xfea\0b\xfe\x1b[2J\xfe\xe2\x80\xae"


def names():
    for i, raw in enumerate((
            b"report.pdf", b"../../etc/passwd", b"C:\\x\\y.doc", b"...", b"-rf",
            "שלום.pdf".encode(), "سلام.txt".encode(), b"a\0b\nc\x1b[2J",
            "gpj.\u202eexe".encode(), "e\u0301\u200d\u0323.txt".encode(),
            b"\xff\xc0\xaf\xed\xa0\x80", b"x" * 200 + b".tar.gz",
            "文".encode() * 80, "\U0001d160".encode() * 40 + b". ")):
        yield f"{i:02}", raw


def main():
    top = sys.argv[1] if len(sys.argv) > 1 else "tests/fuzz/corpus"
    for kind, seeds in (("bundle", bundles), ("manifest", manifests),
                        ("name", names)):
        folder = os.path.join(top, kind)
        os.makedirs(folder, exist_ok=True)
        for name, data in seeds():
            with open(os.path.join(folder, name), "wb") as f:
                f.write(data)


if __name__ == "__main__":
    main()
