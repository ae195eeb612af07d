#!/usr/bin/env python3
"""How long the desk takes with 5,000 objects of 2,500 sources, and
whether it keeps to its limits (import 60 s, inbox 1 s). The identity is in clear: the passphrase's
key derivation takes a second more, by design.

usage: tests/bench/desk.py [--objects N]
"""
import argparse
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "system"))
from lib.desk import World  # noqa: E402
from lib.drop import workplace  # noqa: E402

LIMITS = {"import": 60, "inbox": 1}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--objects", type=int, default=5000)
    n = parser.parse_args().objects
    world = World(workplace())
    desk, stick = world.desk(), world.stick()
    world.mk(stick.at("objects"), desk.newsroom, message=b"words " * 100,
             many=n)
    failed = False
    for name, command in (
            ("import", ("import", stick.path)),
            ("import again", ("import", stick.path)),
            ("inbox", ("inbox",)),
            ("inbox --json", ("inbox", "--json")),
            ("reply", ("reply", "-m", "words", "010000005a")),
            ("show", ("show", "010000005a")),
            ("export", ("export", stick.path)),
            ("export again", ("export", stick.path))):
        before = os.times()
        began = time.monotonic()
        desk.run(*command)
        wall = time.monotonic() - began
        after = os.times()
        cpu = (after.children_user - before.children_user +
               after.children_system - before.children_system)
        limit = LIMITS.get(name)
        over = limit is not None and wall > limit
        failed = failed or over
        print(f"{name:14} {n} objects  {wall:7.2f} s  cpu {cpu:6.2f} s"
              + (f"  limit {limit} s" if limit else "")
              + ("  TOO SLOW" if over else ""), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
