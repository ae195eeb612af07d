#!/usr/bin/env python3
"""Stock age and knothole open each other's objects.

Both directions, with sizes at every chunk boundary, 1, 2 and 5 recipients
(opened as each), armor, and passphrases. `--large` adds 5 GiB through a sparse
file. Prints TAP.
"""

import hashlib
import os
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

KNOTHOLE = Path(os.environ.get("KNOTHOLE_BUILD", "build")) / "bin" / "knothole"
SIZES = (0, 1, 65535, 65536, 65537, 131072)
PEOPLE = (1, 2, 5)
LARGE = 5 << 30
PASSPHRASE = "knothole over the stick"
LIMIT = 120  # seconds for any one command

results = []


def check(ok, what):
    results.append(bool(ok))
    print(f"{'ok' if ok else 'not ok'} {len(results)} - {what}", flush=True)


def run(*command, data=None, secret=None, limit=LIMIT):
    """Run a command; a passphrase goes through a descriptor of its own."""
    command = [str(part) for part in command]
    fds = ()
    if secret is not None:
        reading, writing = os.pipe()
        os.write(writing, secret.encode() + b"\n")
        os.close(writing)
        command += ["--passphrase-fd", str(reading)]
        fds = (reading,)
    try:
        return subprocess.run(
            command, input=b"" if data is None else data, timeout=limit,
            capture_output=True, check=False, pass_fds=fds)
    finally:
        for fd in fds:
            os.close(fd)


def on_terminal(*command, answers):
    """Run a command that asks on its terminal; True if it ended well."""
    pid, fd = pty.fork()
    if pid == 0:
        try:
            os.execvp(command[0], [str(part) for part in command])
        finally:
            os._exit(127)
    answers = list(answers)
    seen = b""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        if not select.select([fd], [], [], 1)[0]:
            continue
        try:
            got = os.read(fd, 4096)
        except OSError:  # the terminal's other end is closed
            break
        if not got:
            break
        seen += got
        if answers and b"passphrase" in seen.lower() and b": " in seen:
            os.write(fd, answers.pop(0).encode() + b"\n")
            seen = b""
    else:
        os.kill(pid, 9)
    os.close(fd)
    return os.waitpid(pid, 0)[1] == 0 and not answers


def pattern(n):
    """`n` bytes that tell their place, the same each time."""
    block = hashlib.shake_256(b"knothole").digest(65537)
    return (block * (n // len(block) + 1))[:n]


def make_people(tmp):
    """Identities of stock age-keygen: (file, recipient) for each."""
    people = []
    for i in range(max(PEOPLE)):
        path = tmp / f"identity-{i}.txt"
        run("age-keygen", "-o", path)
        people.append((path, run("age-keygen", "-y", path).stdout.decode()
                       .strip()))
    return people


def recipients(people):
    return [part for _, who in people for part in ("-r", who)]


def one_object(people, plain, armor):
    """Seal with each tool, open with the other as each recipient."""
    flags = ["-a"] if armor else []
    ours = run(KNOTHOLE, "seal", *recipients(people), *flags, data=plain)
    theirs = run("age", *recipients(people), *flags, data=plain)
    fine = ours.returncode == 0 and theirs.returncode == 0
    begin = b"-----BEGIN AGE " if armor else b"age-encryption.org/v1\n"
    fine = fine and ours.stdout.startswith(begin)
    for path, _ in people:
        done = run("age", "-d", "-i", path, data=ours.stdout)
        fine = fine and done.returncode == 0 and done.stdout == plain
        done = run(KNOTHOLE, "--i-am-online", "unseal", "-i", path, data=theirs.stdout)
        fine = fine and done.returncode == 0 and done.stdout == plain
    return fine


def check_recipients(people):
    for armor in (False, True):
        for n in PEOPLE:
            for size in SIZES:
                what = (f"{size} bytes, {n} recipient(s)"
                        f"{', armored' if armor else ''}: both ways")
                check(one_object(people[:n], pattern(size), armor), what)


def check_refusals(people):
    """Exit codes: 77 not for this key, 65 damaged."""
    sealed = run(KNOTHOLE, "seal", "-r", people[0][1], data=b"x").stdout
    done = run(KNOTHOLE, "--i-am-online", "unseal", "-i", people[1][0], data=sealed)
    check(done.returncode == 77 and not done.stdout,
          "an object for somebody else: 77")
    theirs = run("age", "-r", people[0][1], data=b"x").stdout
    done = run(KNOTHOLE, "--i-am-online", "unseal", "-i", people[1][0], data=theirs)
    check(done.returncode == 77, "one of stock age: 77")
    done = run(KNOTHOLE, "--i-am-online", "unseal", "-i", people[0][0], data=theirs[:-1])
    check(done.returncode == 65 and not done.stdout, "a cut one: 65")
    done = run("age", "-d", "-i", people[0][0], data=sealed[:-1])
    check(done.returncode != 0, "stock age refuses a cut one of ours")


def check_passphrases(people, tmp):
    plain = pattern(70000)
    source = tmp / "plain"
    source.write_bytes(plain)
    sealed = tmp / "theirs.age"
    asked = on_terminal("age", "-p", "-o", sealed, source,
                        answers=[PASSPHRASE, PASSPHRASE])
    done = run(KNOTHOLE, "--i-am-online", "unseal", sealed, secret=PASSPHRASE)
    check(asked and done.returncode == 0 and done.stdout == plain,
          "knothole opens what stock age sealed under a passphrase")
    done = run(KNOTHOLE, "--i-am-online", "unseal", sealed, secret=PASSPHRASE + "x")
    check(done.returncode == 77 and not done.stdout,
          "and not with another passphrase: 77")

    done = run(KNOTHOLE, "keygen", "-o", tmp / "room", "--name", "Example",
               secret=PASSPHRASE)
    identity = tmp / "room" / "identity.age"
    check(done.returncode == 0 and identity.exists(), "knothole keygen")
    opened = tmp / "identity.txt"
    asked = on_terminal("age", "-d", "-o", opened, identity,
                        answers=[PASSPHRASE])
    check(asked and b"AGE-SECRET-KEY-1" in opened.read_bytes(),
          "stock age opens its identity under the passphrase")
    who = run("age-keygen", "-y", opened).stdout.decode().split()
    check(len(who) > 0, "stock age-keygen reads it")
    theirs = run("age", *[part for r in who for part in ("-r", r)],
                 data=plain).stdout
    done = run(KNOTHOLE, "--i-am-online", "unseal", "-i", identity, data=theirs,
               secret=PASSPHRASE)
    check(done.returncode == 0 and done.stdout == plain,
          "knothole opens with the identity under its passphrase")
    ours = tmp / "ours.age"
    ours.write_bytes(run(KNOTHOLE, "seal", "-r", who[0], "-r", people[0][1],
                         data=plain).stdout)
    out = tmp / "out"
    asked = on_terminal("age", "-d", "-i", identity, "-o", out, ours,
                        answers=[PASSPHRASE])
    check(asked and out.read_bytes() == plain,
          "and so does stock age")


def digest_of(path):
    sha = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(1 << 20):
            sha.update(block)
    return sha.digest()


def check_large(people, tmp):
    """5 GiB: counters beyond 32 bits, without as much plaintext on disk."""
    path, who = people[0]
    plain = tmp / "sparse"
    with open(plain, "wb") as f:
        f.truncate(LARGE)
        for at in (0, 1 << 31, (1 << 32) - 3, LARGE - 5):
            f.seek(at)
            f.write(b"marks")
    want = digest_of(plain)
    sealed, out = tmp / "large.age", tmp / "large.out"
    for ours in (True, False):
        seal = [KNOTHOLE, "seal"] if ours else ["age"]
        unseal = ["age", "-d"] if ours else [KNOTHOLE, "--i-am-online", "unseal"]
        a = run(*seal, "-r", who, "-o", sealed, plain, limit=3600)
        b = run(*unseal, "-i", path, "-o", out, sealed, limit=3600)
        check(a.returncode == 0 and b.returncode == 0 and
              digest_of(out) == want,
              f"5 GiB sealed by {'knothole' if ours else 'stock age'}")
        sealed.unlink(missing_ok=True)
        out.unlink(missing_ok=True)


def main():
    for tool in ("age", "age-keygen"):
        if shutil.which(tool) is None:
            print(f"1..0 # SKIP {tool} is not installed")
            return 0
    # Large files: not in a temporary file system that is memory.
    where = "/var/tmp" if "--large" in sys.argv[1:] else None
    with tempfile.TemporaryDirectory(dir=where) as name:
        tmp = Path(name)
        people = make_people(tmp)
        check_recipients(people)
        check_refusals(people)
        check_passphrases(people, tmp)
        if "--large" in sys.argv[1:]:
            check_large(people, tmp)
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
