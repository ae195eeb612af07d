#!/usr/bin/env python3
"""Writes the seeds of fuzz_index into the directory given: an index as the
desk writes it, and ones that are wrong in one thing."""
import copy
import hashlib
import json
import os
import sys

ID = "00112233445566778899aabbccddee{:02x}"
KEY = "RWRZz9sgR8RA9G+Imnx6T1RUblUXeouNdRvPlmk7wVk30zETlmE9Ogty"
REPLY = "age1kejkltp632ts9492kez923mpexgnen7jmllylh68mq507nkpdeyqsw5jw5"


def entry(before, what, count, alias):
    line = f"2026-11-25 {what} {count} {alias}\n"
    digest = hashlib.blake2b(b"knothole custody log v1" + before +
                             line.encode(), digest_size=32)
    return digest.digest(), {"day": "2026-11-25", "what": what,
                             "alias": alias, "count": count,
                             "hash": digest.hexdigest()}


def index():
    head, first = entry(bytes(32), "init", 0, "")
    _, second = entry(head, "import", 1, "unpaired lung")
    sealed = {"id": ID.format(2), "sha256": "ab" * 32, "mark": ID.format(3),
              "size": 65536, "imported": "2026-11-25", "exported": True,
              "at": 2}
    opened = {**sealed, "id": ID.format(1), "mark": ID.format(1), "at": 0,
              "thread": 0, "day": "2026-11-24", "read": False,
              "complete": True, "keys_differ": False, "message": 5,
              "bytes": 9, "files": 3, "presealed": [1, 3]}
    return {
        "knothole_vault": 1, "signing_key": KEY, "order": 5,
        "threads": [{"mailbox": "00" * 16, "reply_to": REPLY,
                     "slot_key": "01" * 32, "language": "en"},
                    {"mailbox": "02" * 16, "reply_to": REPLY,
                     "slot_key": None, "language": "he"}],
        "objects": [opened, sealed],
        "answers": [{"thread": 0, "number": 0, "kind": "received",
                     "day": "2026-11-25", "exported": True, "at": 1,
                     "text": ""},
                    {"thread": 0, "number": 1, "kind": "answer",
                     "day": "2026-11-25", "exported": False, "at": 3,
                     "text": "שלום\n"}],
        "log": [first, second], "signed": 0, "signature": ""}


def main():
    good = index()
    seeds = {"good": good, "list": [good], "empty": {},
             "version": {**good, "knothole_vault": 2}}
    for name in ("threads", "objects", "answers", "log"):
        bad = copy.deepcopy(good)
        bad[name].append(bad[name][-1])
        seeds[f"twice-{name}"] = bad
        seeds[f"none-{name}"] = {**good, name: []}
    for where, member, value in (
            ("objects", "presealed", [3, 1]), ("objects", "files", 1000),
            ("objects", "thread", 9), ("answers", "number", 4),
            ("answers", "text", "\ud800"), ("log", "what", "x"),
            ("threads", "language", "")):
        bad = copy.deepcopy(good)
        bad[where][0][member] = value
        seeds[f"bad-{where}-{member}"] = bad
    texts = {k: json.dumps(v).encode() for k, v in seeds.items()}
    texts["cut"] = texts["good"][:-30]
    texts["sums"] = (f"{'ab' * 32}  objects/{ID.format(1)}.age\n"
                     f"{'ab' * 32}  collected.txt\n").encode()
    texts["sums-twice"] = texts["sums"] * 2
    os.makedirs(sys.argv[1], exist_ok=True)
    for name, text in texts.items():
        with open(os.path.join(sys.argv[1], name), "wb") as f:
            f.write(text)


if __name__ == "__main__":
    main()
