#!/usr/bin/env python3
"""The program `knothole`, from outside: every command, every exit status.

Prints TAP. KNOTHOLE_BUILD names the build directory (default: build). Runs
from the root of the repository. Stock age, minisign and sha256sum check what
they can; without one of them its checks are skipped by name.
"""
import base64
import errno
import hashlib
import json
import os
import pty
import random
import re
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

from lib.drop import BUILD, DESK, KNOTHOLE, without_warning

MKOBJECT = os.path.join(BUILD, "tests", "mkobject")
PASS = "correct horse battery staple"
TESTS = []


class Skip(Exception):
    """This check needs a program that is not installed."""


def test(fn):
    TESTS.append(fn)
    return fn


def need(*programs):
    for p in programs:
        if shutil.which(p) is None:
            raise Skip(f"{p} is not installed")


def check(truth, what):
    if not truth:
        raise AssertionError(what)


def run(*args, data=b"", expect=0, pass_fd=None, program=KNOTHOLE, **kw):
    """Run without a terminal; stdout and stderr as bytes. `pass_fd`: what
    --passphrase-fd 9 shall read."""
    args = [os.fspath(a) for a in args]
    if program == KNOTHOLE:
        args = [*DESK[1:], *args]
    fds = ()
    setup = os.setsid
    if pass_fd is not None:
        r, w = os.pipe()
        os.write(w, pass_fd)
        os.close(w)
        fds = (9,)
        os.dup2(r, 9)
        os.close(r)
    try:
        p = subprocess.run([program, *args], input=data, capture_output=True,
                           preexec_fn=setup, pass_fds=fds, timeout=300, **kw)
    finally:
        if fds:
            os.close(9)
    p.stderr = without_warning(p.stderr)
    if expect is not None and p.returncode != expect:
        raise AssertionError(
            f"{' '.join(args)[:300]}: exit {p.returncode}, not {expect}: "
            f"{p.stderr[-600:]!r}")
    if p.returncode not in (0, 64, 65, 66, 73, 74, 77, 78, 1):
        raise AssertionError(f"undocumented exit status {p.returncode}")
    return p


def on_terminal(argv, answers=(), limit=60):
    """Run on a terminal of its own; `answers` are (prompt, line) in order.
    Returns exit status and all that the terminal showed."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "dumb"
        os.execv(argv[0], [os.fspath(a) for a in argv])
    shown, todo, end = b"", list(answers), time.monotonic() + limit
    while time.monotonic() < end:
        if not select.select([fd], [], [], 0.1)[0]:
            continue
        try:
            got = os.read(fd, 65536)
        except OSError as e:
            if e.errno != errno.EIO:
                raise
            got = b""
        if not got:
            break
        shown += got
        if todo and shown.rstrip(b" ").endswith(todo[0][0].rstrip(b" ")):
            time.sleep(0.05)  # echo is off before the prompt is shown
            os.write(fd, todo.pop(0)[1] + b"\n")
    else:
        os.kill(pid, signal.SIGKILL)
    os.close(fd)
    status = os.waitpid(pid, 0)[1]
    return os.waitstatus_to_exitcode(status), shown


def mk(out, *files, message=None, late=False, names=(), cut=False, to=None):
    args = []
    for r in to or [W.recipient]:
        args += ["-r", r]
    if message is not None:
        args += ["-m", message] + (["--late"] if late else [])
    for n in names:
        args += ["-n", n]
    if cut:
        args.append("--cut")
    run(*args, out, *files, program=MKOBJECT)
    return out


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)
    return path


def read(path):
    with open(path, "rb") as f:
        return f.read()


def fresh(name):
    path = os.path.join(W.dir, name)
    os.mkdir(path)
    return path


def tree(path):
    """Everything below `path`, as bytes, without following links."""
    found = []
    for top, dirs, files in os.walk(os.fsencode(path)):
        for n in dirs + files:
            found.append(os.path.relpath(os.path.join(top, n),
                                         os.fsencode(path)))
    return sorted(found)


def no_controls(data, what):
    bad = [c for c in data.decode("utf-8") if c != "\n" and (
        ord(c) < 32 or 0x7f <= ord(c) < 0xa0 or c in
        "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f"
        "\u2028\u2029\ufeff\u200b")]
    check(not bad, f"{what}: unescaped {bad!r}")


class World:
    """A newsroom, a second one, and a place to work in."""

    def __init__(self, path):
        self.dir = path
        self.key, self.recipient, self.card = self.newsroom("one", "One")
        self.key2, self.recipient2, self.card2 = self.newsroom("two", "Two")

    def newsroom(self, name, title):
        d = os.path.join(self.dir, "key-" + name)
        out = run("keygen", "-o", d, "--name", title, "--no-passphrase")
        r = re.search(rb"^recipient +(age1\S+)$", out.stdout, re.M)
        return (os.path.join(d, "identity.txt"), r.group(1).decode(),
                os.path.join(d, name + ".card"))


W = None


# --- keygen -----------------------------------------------------------------

@test
def keygen_makes_what_it_says():
    d = os.path.join(W.dir, "kg")
    p = run("keygen", "-o", d, "--name", "The Example Times", "--language",
            "en", "--language", "he", "--days", "30", "--passphrase-fd", "9",
            pass_fd=PASS.encode() + b"\nmore\n")
    check(tree(d) == [b"courier.token", b"identity.age",
                      b"the-example-times.card",
                      b"the-example-times.card.minisig",
                      b"the-example-times.pub"], f"files: {tree(d)}")
    check(stat.S_IMODE(os.stat(d).st_mode) == 0o700, "mode of the directory")
    mode = stat.S_IMODE(os.stat(d + "/identity.age").st_mode)
    check(mode == 0o600, f"mode of the identity: {mode:o}")
    mode = stat.S_IMODE(os.stat(d + "/courier.token").st_mode)
    check(mode == 0o600, f"mode of the token: {mode:o}")
    token = read(d + "/courier.token")
    check(re.fullmatch(rb"[A-Za-z0-9_-]{43}\n", token), "one token, one line")
    check(token.strip() not in p.stdout + p.stderr, "the token is not said")
    card = read(d + "/the-example-times.card").decode()
    check("language = en\nlanguage = he\n" in card, "languages")
    first, last = re.search(r"recipient = age1\S+ (\S+) (\S+)", card).groups()
    day = lambda t: time.strftime("%Y-%m-%d", time.gmtime(t))
    check(first == day(time.time() - 86400), f"first day {first}")
    check(last == day(time.time() + 30 * 86400), f"last day {last}")
    words = re.search(rb"^fingerprint +([a-z -]+)$", p.stdout, re.M)
    check(len(words.group(1).split(b" ")) == 8, "eight fingerprint words")
    check(p.stderr.count(b"knothole: ") >= 2, "hints on stderr")


@test
def keygen_identity_is_sealed_and_opens_with_its_passphrase():
    d = os.path.join(W.dir, "kg")
    check(read(d + "/identity.age").startswith(b"age-encryption.org/v1\n"
                                               b"-> scrypt "), "sealed")
    obj = os.path.join(W.dir, "kg.age")
    run("seal", "-r", d + "/the-example-times.card", "-o", obj, data=b"hello")
    p = run("unseal", "-i", d + "/identity.age", "--passphrase-fd", "9", obj,
            pass_fd=PASS.encode())
    check(p.stdout == b"hello", "what was sealed")
    run("unseal", "-i", d + "/identity.age", "--passphrase-fd", "9", obj,
        pass_fd=b"not the passphrase\n", expect=77)
    p = run("unseal", "-i", d + "/identity.age", obj, expect=64)
    check(b"--passphrase-fd" in p.stderr, "what to do without a terminal")
    # The same passphrase opens the sealed file itself, without -i.
    p = run("unseal", "--passphrase-fd", "9", d + "/identity.age",
            pass_fd=PASS.encode() + b"\n")
    lines = p.stdout.decode().splitlines()
    check(lines[0] == "# created by knothole", "first line")
    check(lines[1] == "# newsroom: The Example Times", "newsroom line")
    key = base64.b64decode(lines[3].removeprefix("# signing key: "))
    check(len(key) == 40, "key id and seed")
    check(lines[4].startswith("AGE-SECRET-KEY-1"), "secret key line")
    check(time.strftime("%Y") not in p.stdout.decode(), "no clock in it (L36)")


@test
def keygen_identity_opens_with_stock_age():
    need("age")
    d = os.path.join(W.dir, "kg")
    obj = os.path.join(W.dir, "kg.age")
    code, shown = on_terminal(
        [shutil.which("age"), "-d", "-i", d + "/identity.age", obj],
        [(b": ", PASS.encode())])
    check(code == 0 and b"hello" in shown, f"age: {code} {shown!r}")


@test
def keygen_card_verifies_with_stock_minisign():
    need("minisign")
    d = os.path.join(W.dir, "kg")
    card = d + "/the-example-times.card"
    run("-V", "-q", "-m", card, "-p", d + "/the-example-times.pub",
        program="minisign")
    key = re.search(r"signing_key = (\S+)", read(card).decode()).group(1)
    run("-V", "-q", "-m", card, "-P", key, program="minisign")
    # The four lines inside sign what is above them.
    lines = read(card).splitlines(keepends=True)
    inner = write(os.path.join(W.dir, "inner"), b"".join(lines[:-4]))
    write(inner + ".minisig", b"".join(lines[-4:]))
    run("-V", "-q", "-m", inner, "-P", key, program="minisign")
    write(inner, b"".join(lines[:-4]) + b"x")
    run("-V", "-q", "-m", inner, "-P", key, program="minisign", expect=1)


@test
def keygen_never_overwrites():
    d = fresh("kg2")
    for name in ("identity.txt", "b.card", "b.card.minisig", "b.pub",
                 "courier.token"):
        write(os.path.join(d, name), b"mine")
        p = run("keygen", "-o", d, "--name", "B", "--no-passphrase",
                expect=73)
        check(name.encode() in p.stderr, f"names {name}")
        check(tree(d) == [name.encode()], f"left {tree(d)}")
        check(read(os.path.join(d, name)) == b"mine", f"{name} is as it was")
        os.unlink(os.path.join(d, name))
    run("keygen", "-o", W.key, "--name", "B", "--no-passphrase", expect=73)
    run("keygen", "-o", d + "/no/such", "--name", "B", "--no-passphrase",
        expect=73)


@test
def keygen_in_clear_warns_loudly():
    d = fresh("kg3")
    p = run("keygen", "-o", d, "--name", "C", "--no-passphrase")
    check(b"WARNING" in p.stderr and b"WARNING" not in p.stdout, "warning")
    need("age-keygen")
    key = run("-y", d + "/identity.txt", program="age-keygen")
    check(key.stdout.strip() in p.stdout, "age-keygen -y agrees")


@test
def keygen_without_terminal_says_what_to_do():
    d = os.path.join(W.dir, "kg4")
    p = run("keygen", "-o", d, "--name", "D", expect=64)
    check(b"--passphrase-fd" in p.stderr and b"--no-passphrase" in p.stderr,
          "names both ways")
    check(not os.path.exists(d), "nothing was made")


@test
def keygen_refuses_bad_passphrases():
    d = os.path.join(W.dir, "kg5")
    for text in (b"", b"\n", b"short\n", b"with\0nul and more\n",
                 b"x" * 2000 + b"\n", "ééééééé\n".encode()):
        run("keygen", "-o", d, "--name", "E", "--passphrase-fd", "9",
            pass_fd=text, expect=64)
    run("keygen", "-o", d, "--name", "E", "--passphrase-fd", "77", expect=64)
    check(not os.path.exists(d), "nothing was made")
    p = run("keygen", "-o", d, "--name", "E", "--passphrase-fd", "9",
            pass_fd=b"ninechars\n")
    check(b"short" in p.stderr, "warned")


@test
def keygen_asks_twice_without_echo():
    d = os.path.join(W.dir, "kg6")
    word = PASS.encode()
    argv = [KNOTHOLE, "keygen", "-o", d, "--name", "F"]
    code, shown = on_terminal(argv, [
        (b"New passphrase: ", word), (b"The same again: ", b"something else"),
        (b"New passphrase: ", word), (b"The same again: ", word)])
    check(code == 0, f"exit {code}: {shown!r}")
    check(b"differ" in shown, "said that they differ")
    check(word not in shown and b"something else" not in shown, "no echo")
    obj = os.path.join(W.dir, "kg6.age")
    run("seal", "-r", d + "/f.card", "-o", obj, data=b"asked")
    code, shown = on_terminal(
        [*DESK, "unseal", "-o", "-", "-i", d + "/identity.age", obj],
        [(b"identity.age: ", word)])
    check(code == 0 and b"asked" in shown and word not in shown, f"{shown!r}")


@test
def keygen_interrupted_at_the_prompt_restores_the_terminal():
    d = os.path.join(W.dir, "kg7")
    code, shown = on_terminal(
        ["/bin/sh", "-c", 'trap : INT; "$@"; echo "rc $?"; stty -a', "sh",
         KNOTHOLE, "keygen", "-o", d, "--name", "G"],
        [(b"New passphrase: ", b"\x03")])
    check(b"rc 130" in shown, f"died of it: {shown!r}")
    check(b" echo " in shown and b"-echo " not in shown, f"echo: {shown!r}")
    check(not os.path.exists(d), "nothing was made")


# --- seal and unseal --------------------------------------------------------

@test
def seal_unseal_both_ways_with_stock_age():
    need("age")
    d = fresh("interop")
    for n in (0, 1, 65535, 65536, 65537, 131072, 200001):
        plain = write(os.path.join(d, "plain"), random.Random(n).randbytes(n))
        for flags in ((), ("-a",)):
            ours = os.path.join(d, "ours.age")
            run("seal", *flags, "-r", W.recipient, "-r", W.card2, "-o", ours,
                plain)
            for key in (W.key, W.key2):
                p = run("-d", "-i", key, ours, program="age")
                check(p.stdout == read(plain), f"age opens ours, {n}")
                p = run("unseal", "-i", key, ours)
                check(p.stdout == read(plain), f"we open ours, {n}")
            theirs = os.path.join(d, "theirs.age")
            run(*flags, "-r", W.recipient, "-o", theirs, plain,
                program="age")
            out = os.path.join(d, "out")
            run("unseal", "-i", W.key2, "-i", W.key, "-o", out, theirs)
            check(read(out) == read(plain), f"we open theirs, {n}")
            for f in (ours, theirs, out):
                os.unlink(f)


@test
def seal_streams_stdin_to_stdout():
    data = random.Random(1).randbytes(1 << 20)
    p = run("seal", "-r", W.recipient, data=data)
    check(run("unseal", "-i", W.key, data=p.stdout).stdout == data, "pipes")
    p = run("seal", "-a", "-r", W.recipient, "-o", "-", "-", data=data)
    check(p.stdout.startswith(b"-----BEGIN AGE ENCRYPTED FILE-----\n"), "armor")
    p = run("unseal", "-i", W.key, "-o", "-", "-", data=p.stdout)
    check(p.stdout == data, "armored pipes")
    check(p.stderr == b"", "silent when all is well")


@test
def options_after_operands_and_double_dash():
    d = fresh("dash")
    write(d + "/-odd", b"odd")
    run("seal", "-o", "x.age", "-r", W.recipient, "--", "-odd", cwd=d)
    p = run("unseal", "x.age", "-i", W.key, cwd=d)
    check(p.stdout == b"odd", "content")


@test
def output_never_replaces_and_follows_no_link():
    d = fresh("over")
    obj = os.path.join(d, "x.age")
    run("seal", "-r", W.recipient, "-o", obj, data=b"new")
    before = read(obj)
    run("seal", "-r", W.recipient, "-o", obj, data=b"newer", expect=73)
    check(read(obj) == before, "sealed object is as it was")
    mine = write(os.path.join(d, "mine"), b"mine")
    os.symlink("elsewhere", os.path.join(d, "link"))
    for out in (mine, os.path.join(d, "link"), d, os.path.join(d, "no/x"),
                d + "/", os.path.join(d, "x" * 256)):
        run("unseal", "-i", W.key, "-o", out, obj, expect=73)
    check(read(mine) == b"mine", "file is as it was")
    check(tree(d) == [b"link", b"mine", b"x.age"], f"left {tree(d)}")


@test
def test_l9_truncation_at_every_byte():
    d = fresh("trunc")
    whole = run("seal", "-r", W.recipient, data=b"forty-two bytes of "
                b"something that matters").stdout
    out = os.path.join(d, "out")
    for n in range(len(whole)):
        run("unseal", "-i", W.key, "-o", out, data=whole[:n], expect=65)
        check(tree(d) == [], f"cut at {n} left {tree(d)}")
    run("unseal", "-i", W.key, "-o", out, data=whole + b"\0", expect=65)
    check(tree(d) == [], f"trailing byte left {tree(d)}")
    run("unseal", "-i", W.key, "-o", out, data=whole)
    check(tree(d) == [b"out"], "the whole of it opens")


@test
def test_l9_truncation_at_chunk_edges():
    d = fresh("trunc2")
    whole = run("seal", "-r", W.recipient, data=bytes(5 * 65536)).stdout
    head = len(whole) - 5 * (65536 + 16)
    out = os.path.join(d, "out")
    for chunk in range(6):
        for off in (-1, 0, 1, 16, 17):
            n = head + chunk * (65536 + 16) + off
            if n >= len(whole):
                continue
            run("unseal", "-i", W.key, "-o", out, data=whole[:n], expect=65)
            check(tree(d) == [], f"cut at {n} left {tree(d)}")


@test
def every_bit_of_a_header_flipped():
    d = fresh("flip")
    # Nothing but itself covers the MAC's text. It shall have a '/': libsodium
    # 1.0.18 decodes every byte from 0x80 on as one, and 0xaf is a bit away.
    mac = b""
    while b"/" not in mac:
        whole = run("seal", "-r", W.recipient, data=b"x").stdout
        head = whole.index(b"\n--- ") + 5 + 43 + 1
        mac = whole[head - 44:head - 1]
    out = os.path.join(d, "out")
    for i in range(head * 8):
        bad = bytearray(whole)
        bad[i // 8] ^= 1 << (i % 8)
        p = run("unseal", "-i", W.key, "-o", out, data=bytes(bad),
                expect=None)
        check(p.returncode == 65, f"bit {i}: exit {p.returncode}, "
              f"{p.stderr!r}, {bytes(bad[:head])!r}")
    check(tree(d) == [], f"left {tree(d)}")


@test
def damage_in_the_middle_of_a_stream_is_said():
    whole = bytearray(run("seal", "-r", W.recipient,
                          data=bytes(300000)).stdout)
    whole[200000] ^= 1
    p = run("unseal", "-i", W.key, data=bytes(whole), expect=65)
    check(b"INCOMPLETE" in p.stderr, "what came out is incomplete")
    check(0 < len(p.stdout) < 300000 and not any(p.stdout),
          "only authenticated chunks came out")


@test
def exit_statuses_of_seal_and_unseal():
    d = fresh("codes")
    obj = os.path.join(d, "x.age")
    run("seal", "-r", W.recipient2, "-o", obj, data=b"x")
    garbage = write(os.path.join(d, "garbage"), b"\x1b[31mgarbage\n" * 10)
    run("unseal", "-i", W.key, obj, expect=77)
    run("unseal", "-i", W.key, os.path.join(d, "none"), expect=66)
    run("unseal", "-i", os.path.join(d, "none"), obj, expect=66)
    run("unseal", "-i", W.key, d, expect=66)
    run("unseal", "-i", W.key, garbage, expect=65)
    run("unseal", "-i", garbage, obj, expect=65)
    run("unseal", "-i", write(d + "/empty", b""), obj, expect=65)
    run("unseal", "-i", write(d + "/huge", b"#" * 300000), obj, expect=65)
    run("unseal", "-i", W.key, data=b"", expect=65)
    run("seal", "-r", garbage, data=b"", expect=65)
    run("seal", "-r", os.path.join(d, "none"), data=b"", expect=66)
    run("seal", "-r", W.recipient, os.path.join(d, "none"), expect=66)
    last = "p" if W.recipient.endswith("q") else "q"
    run("seal", "-r", W.recipient[:-1] + last, data=b"", expect=64)
    bad = bytearray(read(W.card))
    bad[bad.index(b"name = ") + 8] ^= 1
    run("seal", "-r", write(d + "/bad.card", bad), data=b"", expect=65)
    sealed_key = os.path.join(W.dir, "kg", "identity.age")
    damaged = bytearray(read(sealed_key))
    damaged[-1] ^= 1
    run("unseal", "-i", write(d + "/id.age", damaged), "--passphrase-fd",
        "9", obj, pass_fd=PASS.encode(), expect=65)


@test
def an_expired_card_is_a_configuration_error():
    need("minisign")
    d = fresh("expired")
    run("-G", "-W", "-f", "-p", d + "/p", "-s", d + "/s", program="minisign")
    key = read(d + "/p").split(b"\n")[1]

    def card(name, first, last):
        text = (b"knothole-card = 1\nname = Old\nlanguage = en\n"
                b"signing_key = " + key + b"\nrecipient = " +
                W.recipient.encode() + b" " + first + b" " + last + b"\n")
        path = write(os.path.join(d, name), text)
        run("-S", "-H", "-s", d + "/s", "-m", path, "-x", d + "/sig",
            program="minisign")
        return write(path, text + read(d + "/sig"))

    run("seal", "-r", card("now", b"2020-01-01", b"2199-12-31"), data=b"x")
    for first, last in ((b"2020-01-01", b"2020-12-31"),
                        (b"2199-01-01", b"2199-12-31")):
        p = run("seal", "-r", card("old" + last.decode(), first, last),
                data=b"x", expect=78)
        check(b"not valid today" in p.stderr and p.stdout == b"", "said so")


@test
def a_secret_key_is_no_recipient_and_is_not_repeated():
    secret = read(W.key).split(b"\n")[-2].decode()
    for text in (secret, secret.lower()):
        p = run("seal", "-r", text, data=b"x", expect=64)
        check(text.encode() not in p.stderr, "not repeated")


@test
def failing_outputs():
    with open("/dev/full", "wb") as full:
        p = subprocess.run([KNOTHOLE, "seal", "-r", W.recipient],
                           input=bytes(100000), stdout=full,
                           stderr=subprocess.PIPE)
        check(p.returncode == 74, f"/dev/full: {p.returncode}")
        p = subprocess.run([KNOTHOLE, "--help"], stdout=full,
                           stderr=subprocess.PIPE)
        check(p.returncode == 74, f"--help to /dev/full: {p.returncode}")
    r, w = os.pipe()
    os.close(r)
    p = subprocess.run([KNOTHOLE, "seal", "-r", W.recipient],
                       input=bytes(100000), stdout=w, stderr=subprocess.PIPE)
    os.close(w)
    check(p.returncode == 74, f"closed pipe: {p.returncode}")
    p = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" 1>&-', "sh", KNOTHOLE, "--help"],
        stderr=subprocess.PIPE)
    check(p.returncode == 74, f"closed stdout: {p.returncode}")


@test
def a_closed_stderr_never_writes_into_the_output():
    d = fresh("fds")
    out = os.path.join(d, "out")
    bad = run("seal", "-r", W.recipient, data=bytes(200000)).stdout[:-1]
    obj = write(os.path.join(d, "x.age"), bad)
    p = subprocess.run(["/bin/sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "sh",
                        *DESK, "unseal", "-i", W.key, "-o", out, obj])
    check(p.returncode == 65, f"exit {p.returncode}")
    check(tree(d) == [b"x.age"], f"left {tree(d)}")


@test
def a_terminal_gets_no_binary():
    d = fresh("tty")
    obj = os.path.join(d, "x.age")
    run("seal", "-r", W.recipient, "-o", obj, data=b"\x1b]0;evil\x07")
    code, shown = on_terminal([*DESK, "unseal", "-i", W.key, obj])
    check(code == 64 and b"\x1b" not in shown, f"unseal: {code} {shown!r}")
    code, shown = on_terminal([KNOTHOLE, "seal", "-r", W.recipient, obj])
    check(code == 64, f"seal: {code} {shown!r}")


# --- list and extract -------------------------------------------------------

HOSTILE = [
    "../../../../tmp/x", "/etc/passwd", "..", ".", "", "-rf", ".bashrc",
    "a\\x00b", "line\\x0abreak", "esc\\x1b[31mred\\x1b[0m", "bel\\x07",
    "back\\\\slash", "c\\x9bsi", "C:\\\\con.txt", "CON", "a" * 300 + ".pdf",
    "\u202egnp.exe", "\u2066iso\u2069", "zero\u200bwidth", "bom\ufeff",
    "bad\\xff\\xfe", "over\\xc0\\xaflong", "e\u0301.txt", "\u05e9\u05dc.pdf",
    "\u0645\u0644\u0641.pdf", "same.txt", "same.txt", " lead", "trail ",
    "dot.", "del\\x7f", "tab\\x09", "ls\u2028ps", "files/001-x", "~root",
    "$(id)", "`id`", "*", "message.txt", "manifest.json", "SHA256SUMS",
]


def hostile():
    d = os.path.join(W.dir, "hostile")
    if os.path.isdir(d):
        return d
    os.mkdir(d)
    files = [write(os.path.join(d, f"in{i}"), b"content %d\n" % i)
             for i in range(len(HOSTILE))]
    mk(os.path.join(d, "evil.age"), *files, names=HOSTILE,
       message=write(d + "/message", "שלום\n".encode()))
    for f in files:
        os.unlink(f)
    return d


@test
def test_l1_l2_hostile_names_stay_inside():
    d = hostile()
    out = os.path.join(d, "deep", "out")
    os.mkdir(os.path.dirname(out))
    run("extract", "-i", W.key, "-o", out, os.path.join(d, "evil.age"))
    check(os.listdir(out) == ["evil"], f"beside it: {os.listdir(out)}")
    check(os.listdir(os.path.dirname(out)) == ["out"], "nothing above")
    top = os.path.join(out, "evil")
    found = os.listdir(os.path.join(top, "files"))
    check(len(found) == len(HOSTILE), f"{len(found)} files")
    check(sorted(os.listdir(top)) == ["SHA256SUMS", "files", "manifest.json",
                                      "message.txt"], "at the top")
    for name in found:
        st = os.lstat(os.path.join(top, "files", name))
        check(stat.S_ISREG(st.st_mode), f"{name!r} is a regular file")
        check(stat.S_IMODE(st.st_mode) == 0o600, f"{name!r}: mode")
        check(len(os.fsencode(name)) <= 154, f"{name!r} is short")
        no_controls(os.fsencode(name), "a name")
        check("\\" not in name, "no backslash")
        i = int(name[:3]) - 1
        check(read(os.path.join(top, "files", name)) == b"content %d\n" % i,
              f"{name!r} has its content")
    for path in (top, os.path.join(top, "files")):
        check(stat.S_IMODE(os.stat(path).st_mode) == 0o700, "mode 0700")
    check(read(top + "/message.txt") == "שלום\n".encode(), "message")
    manifest = json.loads(read(top + "/manifest.json"))
    check(len(manifest["files"]) == len(HOSTILE), "manifest")


@test
def extract_sums_are_for_stock_sha256sum():
    need("sha256sum")
    top = os.path.join(hostile(), "deep", "out", "evil")
    p = run("-c", "--strict", "SHA256SUMS", program="sha256sum", cwd=top)
    check(p.stdout.count(b": OK\n") == len(HOSTILE) + 2, "every file")
    sums = read(top + "/SHA256SUMS").decode()
    h = hashlib.sha256(read(top + "/message.txt")).hexdigest()
    check(f"{h}  message.txt\n" in sums, "by Python's reckoning too")


@test
def armored_objects_are_not_called_damaged():
    d = fresh("armored")
    obj = d + "/x.age"
    run("seal", "-a", "-r", W.recipient, "-o", obj, data=b"x")
    for args in (["list"], ["extract", "-o", d + "/out"]):
        p = run(*args, "-i", W.key, obj, expect=65)
        check(b"armored" in p.stderr and b"unseal" in p.stderr, f"{p.stderr}")


@test
def test_message_behind_the_files():
    d = fresh("late")
    f = write(d + "/f", b"a file")
    obj = mk(d + "/late.age", f, message=f, late=True)
    got = json.loads(run("list", "--json", "-i", W.key, obj).stdout)
    check(got["message"] == len(b"a file"), f"{got}")
    p = run("list", "-i", W.key, obj)
    check(b"message   6 bytes" in p.stdout, "listed")
    run("extract", "-i", W.key, "-o", d + "/out", obj)
    check(read(d + "/out/late/message.txt") == b"a file", "extracted")


@test
def test_slot_key_is_extracted_and_never_listed():
    d = fresh("secret-key")
    f = write(d + "/f", b"a file")
    obj = mk(d + "/x.age", f)
    for more in ([], ["--json"]):
        p = run("list", *more, "-i", W.key, obj)
        check(b"a5" * 32 not in p.stdout + p.stderr, "not the key")
        check(b"slot" not in p.stdout + p.stderr, "nor its name")
    run("extract", "-i", W.key, "-o", d + "/out", obj)
    manifest = json.loads(read(d + "/out/x/manifest.json"))
    check(manifest["slot_key"] == "a5" * 32, "in the manifest")


@test
def test_l37_hostile_names_in_listings():
    d = hostile()
    obj = os.path.join(d, "evil.age")
    p = run("list", "-i", W.key, obj)
    no_controls(p.stdout + p.stderr, "list")
    text = p.stdout.decode()
    check(len(text.splitlines()) == len(HOSTILE) + 7, "a line for each file")
    for want in ("esc\\x1b[31mred", "line\\x0abreak", "a\\x00b", "שלום"[:2],
                 "../../../../tmp/x", "complete  yes", "day       2026-11-21",
                 "language  en"):
        check(want in text, f"{want!r} in the listing")
    p = run("list", "--json", "-i", W.key, obj)
    check(all(32 <= b < 127 or b == 10 for b in p.stdout), "ASCII")
    check(p.stdout.count(b"\n") == 1, "one line an object")
    got = json.loads(p.stdout)
    check(got["complete"] is True and got["day"] == "2026-11-21" and
          got["object"] == obj and got["size"] == os.stat(obj).st_size and
          got["message"] == len("שלום\n".encode()), f"{got}")
    check([f["size"] for f in got["files"]] ==
          [len(b"content %d\n" % i) for i in range(len(HOSTILE))], "sizes")
    check(got["files"][0]["name"] == "../../../../tmp/x", "verbatim name")
    check(got["files"][9]["name"] == "esc\x1b[31mred\x1b[0m", "verbatim ESC")


@test
def test_l37_hostile_arguments_in_messages():
    for args in (["\x1b[31m"], ["list", "--\x1b[31m"], ["seal", "-\x1b"],
                 ["list", "-i", W.key, "none\x1b[2J\u202e"],
                 ["seal", "-r", "age1\x1b[31m"], ["unseal", "-i", "\x9b1m"],
                 ["extract", "-i", W.key, "-o", "/no/\x1b/x", W.card],
                 ["keygen", "x\nknothole: forged"]):
        p = run(*args, expect=None)
        check(p.returncode in (64, 65, 66, 73), f"{args}: {p.returncode}")
        no_controls(p.stdout + p.stderr, f"{args}")
        check(b"\nknothole: forged" not in p.stderr, "no forged line")


@test
def test_l3_equal_and_non_latin_names_survive():
    d = fresh("l3")
    a, b, c = (write(os.path.join(d, n), n.encode()) for n in "abc")
    mk(d + "/x.age", a, b, c, names=["קובץ.pdf", "ملف.pdf", "ملف.pdf"])
    run("extract", "-i", W.key, "-o", d + "/out", d + "/x.age")
    check(sorted(os.listdir(d + "/out/x/files")) ==
          ["001-קובץ.pdf", "002-ملف.pdf", "003-ملف.pdf"], "three files")


@test
def test_l5_what_the_source_sealed_is_opened_too():
    d = fresh("l5")
    plain = write(d + "/report.pdf", random.Random(5).randbytes(200000))
    files = []
    for name, flags, to in (("report.pdf.age", (), W.recipient),
                            ("armored.age", ("-a",), W.recipient),
                            ("other.age", (), W.recipient2)):
        run("seal", *flags, "-r", to, "-o", os.path.join(d, name), plain)
        files.append(os.path.join(d, name))
    files.append(write(d + "/cut.age", read(files[0])[:-1]))
    files.append(write(d + "/fake", b"age-encryption.org/v1\nno"))
    mk(d + "/x.age", *files)
    p = run("extract", "-i", W.key, "-o", d + "/out", d + "/x.age")
    top = d + "/out/x"
    check(sorted(os.listdir(top + "/opened")) ==
          ["001-report.pdf", "002-armored"], "opened those for us")
    for name in os.listdir(top + "/opened"):
        check(read(f"{top}/opened/{name}") == read(plain), name)
    check(len(os.listdir(top + "/files")) == 5, "all are there as they came")
    check(p.stderr.count(b"could not be opened") == 3, "said so of the others")
    need("sha256sum")
    p = run("-c", "SHA256SUMS", program="sha256sum", cwd=top)
    check(p.stdout.count(b": OK\n") == 8, "sums of all")
    mk(d + "/y.age", files[2])
    run("extract", "-i", W.key, "-o", d + "/out", d + "/y.age")
    check("opened" not in os.listdir(d + "/out/y"), "no empty directory")


@test
def test_l5_sealed_file_that_begins_at_a_chunk_edge():
    # What comes before it decides where the first of its bytes are.
    d = fresh("l5-edge")
    plain = write(d + "/note", b"note")
    run("seal", "-r", W.recipient, "-o", d + "/note.age", plain)
    run("seal", "-a", "-r", W.recipient, "-o", d + "/armor.age", plain)
    for first in ("/note.age", "/armor.age"):
        mk(d + "/p.age", plain, d + first)
        run("unseal", "-i", W.key, "-o", d + "/p.zip", d + "/p.age")
        begins = read(d + "/p.zip").index(read(d + first)[:16])
        for k in (1, 18, 19, 33, 34):  # bytes of it in the first chunk
            write(d + "/pre", b"." * (65536 - k - begins + len(b"note")))
            # a name of the same length keeps its place
            mk(d + "/x.age", d + "/pre", d + first, names=["note"])
            run("extract", "-i", W.key, "-o", d + "/out", d + "/x.age")
            name = "002-" + first[1:-4]
            check(read(f"{d}/out/x/opened/{name}") == b"note", f"{k} {name}")
            shutil.rmtree(d + "/out")
            os.unlink(d + "/x.age")
        os.unlink(d + "/p.age")
        os.unlink(d + "/p.zip")


@test
def test_l9_file_that_may_not_grow():
    # Its signal would end the program before it could remove the plaintext.
    d = fresh("fsize")
    mk(d + "/x.age", write(d + "/f", b"f" * 3000000))
    limit = 'ulimit -f 1000; exec "$0" "$@"'
    p = run("-c", limit, *DESK, "extract", "-i", W.key, "-o", d + "/out",
            d + "/x.age", program="bash", expect=74)
    check(os.listdir(d + "/out") == [], "nothing stays")
    check(b"/out/x: File too large" in p.stderr, f"where: {p.stderr!r}")


@test
def a_passphrase_that_nobody_could_type():
    d = fresh("crlf")
    p = run("keygen", "-o", d + "/k", "--name", "X", "--passphrase-fd", "9",
            pass_fd=b"long enough to do\r\n", expect=64)
    check(b"carriage return" in p.stderr, f"{p.stderr!r}")
    check(not os.path.exists(d + "/k"), "no key")


@test
def an_object_given_as_identity():
    d = fresh("swapped")
    mk(d + "/x.age", write(d + "/f", b"f"))
    p = run("list", "-i", d + "/x.age", "--passphrase-fd", "9", W.key,
            expect=65, pass_fd=b"no\n")
    check(b"an object, and no identity" in p.stderr, f"{p.stderr!r}")


@test
def extract_leaves_what_exists_and_goes_on():
    d = fresh("again")
    f = write(d + "/f", b"f")
    for n in "abc":
        mk(f"{d}/{n}.age", f)
    out = d + "/out"
    os.makedirs(out + "/b")
    objects = [f"{d}/{n}.age" for n in "abc"]
    p = run("extract", "-i", W.key, "-o", out, *objects, expect=73)
    check(sorted(os.listdir(out)) == ["a", "b", "c"], "a and c")
    check(os.listdir(out + "/b") == [], "b is as it was")
    check(p.stdout.count(b"\n") == 2 and b"b: already exists" in p.stderr,
          "said so")
    write(d + "/bad.age", read(objects[0])[:-1])
    run("extract", "-i", W.key, "-o", out, d + "/bad.age", *objects,
        expect=65)
    run("extract", "-i", W.key, "-o", out, *objects, d + "/bad.age",
        expect=73)
    run("list", "-i", W.key, d + "/bad.age", *objects, expect=65)


@test
def test_l9_extract_all_or_nothing():
    d = fresh("l9")
    f = write(d + "/f", random.Random(9).randbytes(400000))
    whole = read(mk(d + "/x.age", f, message=f))
    bad = d + "/bad.age"
    cuts = {0, 1, 21, 22, 100, 150, 200, len(whole) - 1, len(whole) - 17}
    first = len(whole) % (65536 + 16)
    cuts |= {n for c in range(0, len(whole), 65552) for n in
             (c, first + c - 1, first + c, first + c + 1) if n < len(whole)}
    for n in sorted(cuts):
        write(bad, whole[:n])
        for cmd in (["list"], ["extract", "-o", d + "/out"]):
            run(*cmd, "-i", W.key, bad, expect=65)
    for i in range(0, len(whole), len(whole) // 60):
        write(bad, whole[:i] + bytes([whole[i] ^ 0x80]) + whole[i + 1:])
        run("extract", "-i", W.key, "-o", d + "/out", bad, expect=65)
    check(os.listdir(d + "/out") == [], f"left {tree(d + '/out')}")


@test
def list_reads_no_more_than_it_needs():
    d = fresh("lazy")
    f = write(d + "/f", random.Random(2).randbytes(2000000))
    whole = bytearray(read(mk(d + "/x.age", f)))
    whole[1000000] ^= 1
    write(d + "/mid.age", whole)
    run("list", "-i", W.key, d + "/mid.age")
    run("extract", "-i", W.key, "-o", d + "/out", d + "/mid.age", expect=65)
    # Padding holds nothing, and is checked all the same: 8 MiB and a bit
    # is followed by a good 200 KiB of it.
    with open(d + "/g", "wb") as g:
        g.truncate((8 << 20) + 1000)
    whole = bytearray(read(mk(d + "/pad.age", d + "/g")))
    check(len(whole) == 33 << 18, f"Padme length of {len(whole)}")
    whole[-150000] ^= 1
    write(d + "/pad.age", whole)
    run("list", "-i", W.key, d + "/pad.age")
    run("extract", "-i", W.key, "-o", d + "/out", d + "/pad.age", expect=65)
    check(os.listdir(d + "/out") == [], f"left {tree(d + '/out')}")


@test
def a_cut_submission_says_so():
    d = fresh("cut")
    a, b = write(d + "/a", b"a"), write(d + "/b", b"b")
    mk(d + "/x.age", a, b, cut=True)
    p = run("list", "-i", W.key, d + "/x.age")
    check(b"complete  NO" in p.stdout and p.stdout.count(b"CUT OFF") == 1,
          "listing")
    got = json.loads(run("list", "--json", "-i", W.key, d + "/x.age").stdout)
    check([got["complete"]] + [f["complete"] for f in got["files"]] ==
          [False, True, False], "json")
    p = run("extract", "-i", W.key, "-o", d + "/out", d + "/x.age")
    check(b"cut off" in p.stderr, "extract")


@test
def exit_statuses_of_list_and_extract():
    d = fresh("codes2")
    obj = mk(d + "/x.age", write(d + "/f", b"f"), to=[W.recipient2])
    plain = d + "/plain.age"
    run("seal", "-r", W.recipient, "-o", plain, data=b"not a ZIP")
    os.mkfifo(d + "/fifo")
    keep = os.open(d + "/fifo", os.O_RDWR)
    for cmd in (["list"], ["extract", "-o", d + "/out"]):
        run(*cmd, "-i", W.key, obj, expect=77)
        run(*cmd, "-i", W.key, d + "/none", expect=66)
        run(*cmd, "-i", W.key, d, expect=66)
        run(*cmd, "-i", W.key, d + "/fifo", expect=66)
        run(*cmd, "-i", W.key, plain, expect=65)
        run(*cmd, "-i", W.key, W.card, expect=65)
        run(*cmd, "-i", d + "/none", obj, expect=66)
        run(*cmd, "-i", W.card, obj, expect=65)
        run(*cmd, "-i", W.key, "-i", W.key2, obj)
        run(*cmd, "-i", W.key, expect=64)
        run(*cmd, obj, expect=64)
    os.close(keep)
    run("extract", "-i", W.key2, obj, expect=64)
    run("extract", "-i", W.key2, "-o", d + "/f", obj, expect=73)
    run("extract", "-i", W.key2, "-o", d + "/no/such", obj, expect=73)


@test
def every_recipient_opens_a_submission():
    d = fresh("many")
    rooms = [W.newsroom(f"m{i}", f"M{i}") for i in range(5)]
    obj = mk(d + "/x.age", write(d + "/f", b"for five"),
             to=[r for _, r, _ in rooms])
    for i, (key, _, _) in enumerate(rooms):
        run("extract", "-i", key, "-o", f"{d}/{i}", obj)
        check(read(f"{d}/{i}/x/files/001-f") == b"for five", f"room {i}")


@test
def names_of_objects_are_made_safe():
    d = fresh("stems")
    f = write(d + "/f", b"f")
    odd = mk(os.path.join(d, "-od\x1bd .age"), f)
    p = run("extract", "-i", W.key, "-o", d + "/out", "--", odd)
    name, = os.listdir(d + "/out")
    no_controls(p.stdout + p.stderr + name.encode(), "the name")
    check(not name.startswith("-"), f"{name!r}")
    run("extract", "-i", W.key, "-o", d + "/out", mk(d + "/plain", f))
    check(os.path.isdir(d + "/out/plain"), "no suffix to take off")


@test
def interrupted_extraction_leaves_nothing():
    d = fresh("int")
    with open(d + "/big", "wb") as f:
        f.truncate(400 << 20)
    obj = mk(d + "/x.age", d + "/big")
    os.unlink(d + "/big")
    out = d + "/out"

    def behind(sig):
        """Who looks on must not have to wait for whom it looks at."""
        signal.signal(sig, signal.SIG_DFL)
        os.nice(19)

    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        p = subprocess.Popen(
            [*DESK, "extract", "-i", W.key, "-o", out, obj],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=lambda s=sig: behind(s))
        end = time.monotonic() + 60
        while time.monotonic() < end and p.poll() is None:
            if os.path.isdir(out) and any(b"/" in n for n in tree(out)):
                break
            time.sleep(0.005)
        check(all(n.startswith(".knothole-") for n in os.listdir(out)),
              f"no final name yet: {os.listdir(out)}")
        p.send_signal(sig)
        p.communicate(timeout=60)
        check(p.returncode == -sig, f"{sig}: exit {p.returncode}")
        check(os.listdir(out) == [], f"{sig}: left {tree(out)}")
    os.unlink(obj)


@test
def progress_on_a_terminal_only():
    d = fresh("prog")
    with open(d + "/big", "wb") as f:
        f.truncate(300 << 20)
    obj = mk(d + "/x.age", d + "/big")
    code, shown = on_terminal(
        [*DESK, "extract", "-i", W.key, "-o", d + "/a", obj])
    check(code == 0 and b"extracting " in shown and b"/s" in shown and
          b"\x1b" not in shown, f"{code} {shown[-300:]!r}")
    p = run("extract", "-i", W.key, "-o", d + "/b", obj)
    check(p.stderr == b"", "silent without one")
    for path in (obj, d + "/a", d + "/b", d + "/big"):
        shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)


# --- the program ------------------------------------------------------------

@test
def help_and_version():
    for cmd in ("", "keygen", "seal", "unseal", "list", "extract"):
        for flag in ("--help", "-h"):
            p = run(*([cmd] if cmd else []), flag)
            check(p.stdout.startswith(b"usage: knothole") and
                  p.stderr == b"", f"{cmd} {flag}")
            check(all(len(x) <= 80 for x in p.stdout.split(b"\n")), "width")
    p = run("--version")
    check(re.fullmatch(rb"knothole \d+\.\d+\.\d+ \(([0-9a-f]{12}(-dirty)?|unknown)\)\n",
                       p.stdout), "version")


@test
def usage_errors():
    k = ["-i", W.key]
    for args in ([], ["nonsense"], ["--nonsense"], ["keygen"], ["seal"],
                 ["keygen", "-o", "x"], ["keygen", "--name", "x"],
                 ["seal", "-r"], ["seal", "-r", W.recipient, "a", "b"],
                 ["unseal"], ["unseal", *k, "a", "b"], ["unseal", "-x"],
                 ["unseal", "--passphrase-fd", "x"],
                 ["unseal", "--passphrase-fd", "-1"],
                 ["unseal", "--passphrase-fd", ""],
                 ["unseal", "--passphrase-fd", "99999999999999999999"],
                 ["list", *k], ["list", "--json=x", *k, "a"],
                 ["extract", *k, "a"], ["extract", *k, "-o", "x"],
                 ["seal", *["-r", W.recipient] * 65]):
        p = run(*args, expect=64)
        check(p.stderr != b"" and p.stdout == b"", f"{args}")
    base = ["keygen", "-o", os.path.join(W.dir, "nope"), "--no-passphrase"]
    for args in (["--name", ""], ["--name", "x" * 121], ["--name", "a\nb"],
                 ["--name", "a\x1bb"], ["--name", "a", "--days", "0"],
                 ["--name", "a", "--days", "99999"],
                 ["--name", "a", "--days", "1x"],
                 ["--name", "a", "--language", "EN"],
                 ["--name", "a", "--language", "e"],
                 ["--name", "a", "extra"],
                 ["--name", "a", "--passphrase-fd", "9"]):
        run(*base, *args, expect=64)
    check(not os.path.exists(base[2]), "nothing was made")


@test
def links_no_network_library():
    need("ldd")
    libs = run(KNOTHOLE, program="ldd").stdout
    for name in (b"microhttpd", b"curl", b"libssl", b"sqlite"):
        check(name not in libs, name.decode())


def main():
    global W
    missing = [p for p in (KNOTHOLE, MKOBJECT) if not os.access(p, os.X_OK)]
    if missing:
        print(f"Bail out! not built: {', '.join(missing)}")
        return 1
    only = sys.argv[1:]
    tests = [t for t in TESTS if not only or t.__name__ in only]
    print(f"1..{len(tests)}", flush=True)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="knothole-client-") as path:
        W = World(path)
        for i, t in enumerate(tests, 1):
            name = t.__name__.replace("_", " ")
            if t.__name__.startswith("test_"):
                name = t.__name__
            try:
                t()
                print(f"ok {i} - client: {name}", flush=True)
            except Skip as e:
                print(f"ok {i} - client: {name} # SKIP {e}", flush=True)
            except Exception as e:  # whatever it is, it is a failure
                failed += 1
                print(f"not ok {i} - client: {name}")
                for line in f"{type(e).__name__}: {e}".splitlines():
                    print(f"# {line}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
