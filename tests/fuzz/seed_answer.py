#!/usr/bin/env python3
"""Write the seeds of fuzz_answer.

usage: tests/fuzz/seed_answer.py [tests/fuzz/corpus/answer]

They are bodies, which the fuzzer signs itself, and one that the key of the
fuzzer has signed. The names say what the reader makes of them: good-* or bad-*.
"""
import os
import sys

MAILBOX = "eaab20bf5b3140e6f8ee918d9c4aec50"


def body(text=b"", number="1", kind="answer", day="2026-11-23", length=None,
         version="1", mailbox=MAILBOX, end=b"\n"):
    length = len(text) if length is None else length
    return (f"knothole-answer = {version}\nmailbox = {mailbox}\n"
            f"number = {number}\nkind = {kind}\nday = {day}\n"
            f"length = {length}\n\n").encode() + text + end


# Of good-signed, by seed 17 17 17 ... and key id 42 42 42 ...
SIGNATURE = b"""untrusted comment: knothole answer
RURCQkJCQkJCQvr0WHtabP2sbytvYuXicVvbWeehF3bd2rC+da1WMyR7tt0re3CBztXEMffHGYeiAppfJa6ttpN7/GgBLZ0HDQc=
trusted comment: knothole answer
svhGpycgIwdCildC9Spkw/I3W0fKkM8TPFrIcaRVGwhOZR2IUgq0Jv2c1wA3Z4+mSrnGLUNyWFzEp18fQ5XnAQ==
"""


def seeds():
    yield "good-received", body(kind="received")
    yield "good-hebrew", body("תודה.\nIs it yours?".encode(), number="0")
    yield "good-arabic", body("شكراً. هل لديكم الملحق؟".encode(), "255")
    yield "good-long", body(b"x" * 3500)
    yield "good-signed", (body("תודה.\nIs it yours?".encode()) + SIGNATURE +
                          bytes(30))
    yield "bad-version", body(b"a", version="2")
    yield "bad-mailbox", body(b"a", mailbox=MAILBOX.upper())
    yield "bad-number", body(b"a", number="256")
    yield "bad-zeros", body(b"a", number="01")
    yield "bad-kind", body(b"a", kind="received")
    yield "bad-day", body(b"a", day="2026-02-29")
    yield "bad-length", body(b"abc", length=4)
    yield "bad-limit", body(b"abc", length=64905)
    yield "bad-utf8", body(b"\xff\xc0\xaf")
    yield "bad-nul", body(b"a\0b")
    yield "bad-end", body(b"abc", end=b"")
    yield "bad-crlf", body(b"a").replace(b"\n", b"\r\n")


def main():
    top = sys.argv[1] if len(sys.argv) > 1 else "tests/fuzz/corpus/answer"
    os.makedirs(top, exist_ok=True)
    for name, data in seeds():
        with open(os.path.join(top, name), "wb") as f:
            f.write(data)


if __name__ == "__main__":
    main()
