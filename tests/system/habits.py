#!/usr/bin/env python3
"""What people do who have the help text and little time: options in another
order or left out, the wrong directory, a name that is not quite one, a page that
was open overnight. What they meant happens, or they are told what to do.

Prints TAP. KNOTHOLE_BUILD names the build directory (default: build). Runs from
the root of the repository.
"""
import os
import pty
import re
import shlex
import subprocess

from lib.desk import World, read, tree, write
from lib.drop import BUILD, DESK, KNOTHOLE, Drop, need_root, run, workplace
from lib.tap import Suite, check, equal
from lib.thread import enter

suite = Suite()
W = World(workplace())
drop = Drop(newsrooms=1, courier_listen="tcp:127.0.0.1:0").start()
suite.cleanup(drop.stop)
COURIER = os.path.join(BUILD, "bin", "knothole-courier")


def desk_with(message=b"x", source=0):
    """A desk, a stick, and the alias of the source that wrote."""
    desk, stick = W.desk(), W.stick()
    W.mk(stick.object(1), desk.newsroom, source=source, message=message)
    desk.imported(stick)
    return desk, stick, desk.alias(source)


def said(desk, alias):
    return [i["text"] for i in desk.show(alias)["items"]
            if i["kind"] == "answer"]


def courier(what, *more, status=0):
    host, port = drop.courier_address
    done = run(COURIER, what, "--server", f"http://{host}:{port}",
               "--token-file", os.path.join(drop.newsrooms[0].directory,
                                            "courier.token"),
               "--retries", "0", *more)
    equal(done.returncode, status, f"{what}: {done.stderr.decode()}")
    return done.stderr.decode()


# --- answering --------------------------------------------------------------

@suite.test("an answer without an option comes from standard input")
def _stdin():
    desk, _, alias = desk_with()
    desk.run("reply", alias, data="תודה\nرسالة\n".encode())
    desk.run("reply", "--", alias, data=b"behind --")
    desk.run("reply", *alias.split(), data=b"two words")
    equal(said(desk, alias), ["תודה\nرسالة\n", "behind --", "two words"],
          "answers")
    done = desk.run("reply", alias, expect=64)
    check(b"-m TEXT" in done.stderr and b"--file" in done.stderr,
          f"{done.stderr}")
    equal(len(said(desk, alias)), 3, "nothing more")


@suite.test("the options stand before or behind the source, in each spelling")
def _order():
    desk, _, alias = desk_with()
    path = W.file(b"from a file")
    for n, words in enumerate((
            [alias, "-m", "a"], ["-m", "a", alias], ["-ma", alias],
            [alias, "--message", "a"], ["--message=a", alias],
            ["-m", "a", "--", alias], ["-m", "a", *alias.split()],
            ["-m", "a", alias.replace(" ", "-").upper()],
            ["-m", "a", "eaab20bf"], ["-m", "a", "EAAB20BF5B"],
            [alias, "-f", path], [f"--file={path}", alias])):
        desk.run("reply", *words)
        equal(len(said(desk, alias)), n + 1, f"{words}")


@suite.test("blanks alone are no answer and take no place")
def _blank():
    desk, _, alias = desk_with()
    before = tree(desk.vault)
    for text in (b"\n", b" \t\r\n ", b""):
        done = desk.run("reply", "--file", W.file(text), alias, expect=65)
        check(b"is empty" in done.stderr, f"{done.stderr}")
        desk.run("reply", "-m", text.decode(), alias, expect=65)
    desk.run("reply", alias, data=b" \n", expect=65)
    equal(tree(desk.vault), before, "the vault")


@suite.test("a wrong name is said before the answer is read, not after")
def _read_last():
    desk, _, _ = desk_with()
    reading, writing = os.pipe()  # whoever reads this waits for ever
    try:
        done = subprocess.run(
            desk.command("reply", "no-body"), stdin=reading,
            capture_output=True, check=False, timeout=120)
    finally:
        os.close(writing)
        os.close(reading)
    equal(done.returncode, 66, f"{done.stderr}")
    check(b"no such source" in done.stderr, f"{done.stderr}")


@suite.test("on a terminal it is said how an answer ends")
def _terminal():
    desk, _, alias = desk_with()
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(desk.command("reply", alias), stdin=theirs,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            seen = b""
            while b"Ctrl-D" not in seen:
                line = process.stderr.readline()
                check(line != b"", f"{seen}")
                seen += line
            os.write(ours, b"typed\n\x04")
            process.communicate(timeout=120)
            equal(process.returncode, 0, "status")
    finally:
        os.close(theirs)
        os.close(ours)
    equal(said(desk, alias), ["typed\n"], "answer")


@suite.test("an import says that answers wait, until they were exported")
def _waiting():
    desk, stick = W.desk(), W.stick()
    done = desk.run("import", stick.path)
    check(b"wait" not in done.stderr, f"{done.stderr}")
    for n in (1, 2):
        W.mk(stick.object(n), desk.newsroom, source=n, message=b"x")
    for _ in range(2):
        done = desk.run("import", stick.path)
        check(b"2 answers wait" in done.stderr and
              b"`knothole export`" in done.stderr, f"{done.stderr}")
    desk.run("export", stick.path)
    done = desk.run("import", stick.path)
    check(b"wait" not in done.stderr, f"{done.stderr}")


@suite.test("a vault that has lost its index is not made anew over the rest")
def _lost_index():
    desk, stick, alias = desk_with()
    desk.run("reply", "-m", "a", alias)
    index = read(os.path.join(desk.vault, "index.age"))
    os.unlink(os.path.join(desk.vault, "index.age"))
    before = tree(desk.vault)
    for command in (["inbox"], ["import", stick.path], ["show", alias]):
        done = desk.run(*command, expect=66)
        check(b"restore index.age from a copy" in done.stderr and
              b"init" not in done.stderr, f"{done.stderr}")
    done = desk.run("init", "-i", desk.newsroom.identity, expect=73)
    check(b"lost its index.age" in done.stderr, f"{done.stderr}")
    equal(tree(desk.vault), before, "unchanged")
    write(os.path.join(desk.vault, "index.age"), index)
    equal(said(desk, alias), ["a"], "with the copy")
    # One that was only begun is made whole, as ever.
    begun = W.desk()
    os.unlink(os.path.join(begun.vault, "index.age"))
    done = begun.run("inbox", expect=66)
    check(b"`knothole init` makes one" in done.stderr, f"{done.stderr}")
    begun.run("init", "-i", begun.newsroom.identity)
    begun.imported(stick)


# --- naming what is to be extracted -----------------------------------------

@suite.test("an object's id in capitals; what is no name of anything is said so")
def _names():
    desk, stick = W.desk(), W.stick()
    id_ = "0123456789abcdef0123456789abcdef"
    W.mk(stick.at("objects", f"{id_}.age"), desk.newsroom, message=b"x")
    desk.imported(stick)
    for n, arguments in enumerate((
            [id_, "-o", "OUT"], ["-o", "OUT", id_.upper()],
            ["--output=OUT", stick.at("objects", f"{id_}.age")],
            ["-o", "OUT", "--", id_])):
        out = W.path(f"out{n}")
        desk.run("extract", *[a.replace("OUT", out) for a in arguments])
        equal(sorted(tree(out)), [f"{id_}/{name}" for name in (
            "SHA256SUMS", "manifest.json", "message.txt")], "extracted")
    for name in ("nobody-here", "f" * 32, "word"):
        done = desk.run("extract", "-o", W.path("out"), name, expect=66)
        check(b"neither a source" in done.stderr and
              b"knothole inbox" in done.stderr, f"{done.stderr}")
    done = desk.run("extract", "-o", W.path("out"), "/no/such", expect=66)
    check(b"nor a file" in done.stderr, f"{done.stderr}")


@suite.test("--vault may stand behind the command; --i-am-online may not")
def _behind():
    desk, _, alias = desk_with()
    other = W.desk()
    for words in (["inbox", "--vault", desk.vault, "--json"],
                  ["inbox", f"--vault={desk.vault}", "--json"],
                  ["--vault", other.vault, "inbox", "--json", "--vault",
                   desk.vault]):
        done = run(*DESK, *words, env={**os.environ, "KNOTHOLE_VAULT": "/no"})
        check(alias.encode() in done.stdout, f"{words}: {done}")
    done = run(*DESK, "extract", alias, "-o", W.path("out"), "--vault",
               desk.vault)
    equal(done.returncode, 0, f"extract: {done.stderr}")
    done = run(KNOTHOLE, "--vault", desk.vault, "inbox", "--i-am-online")
    check(done.returncode in (64, 69), f"{done}")


# --- the wrong directory ----------------------------------------------------

@suite.test("the directory knothole-stick itself is not taken for a stick")
def _inner():
    desk, stick, alias = desk_with()
    desk.run("reply", "-m", "a", alias)
    before = tree(stick.path), tree(desk.vault)
    for path in (stick.top, stick.top + "/", os.path.join(stick.top, ".")):
        for command in ("import", "export"):
            done = desk.run(command, path, expect=66)
            check(b"give the one that it is in" in done.stderr,
                  f"{done.stderr}")
        for command in ("fetch", "push", "status"):
            told = courier(command, path, status=66)
            check("give the one that it is in" in told, told)
    equal((tree(stick.path), tree(desk.vault)), before, "unchanged")
    desk.run("export", stick.path)
    equal(len(stick.replies()), 2, "answers, where they belong")


@suite.test("a stick whose label is knothole-stick is one")
def _label():
    desk, _, alias = desk_with()
    desk.run("reply", "-m", "a", alias)
    labelled = os.path.join(W.path("media"), "knothole-stick")
    os.makedirs(labelled)
    for _ in range(2):
        desk.run("export", labelled)
        desk.run("import", labelled)
        courier("fetch", labelled)
        # What else somebody keeps there does not matter.
        os.makedirs(os.path.join(labelled, "objects"), exist_ok=True)
    inner = os.path.join(labelled, "knothole-stick")
    equal(len(os.listdir(os.path.join(inner, "replies"))), 2, "answers")


@suite.test("a stick that is read-only: said before anything is written")
def _read_only():
    need_root()
    desk, _, alias = desk_with()
    stick = W.path("mounted")
    os.mkdir(stick)
    knothole = shlex.join(desk.command("export", stick))
    for first in ("", f"{knothole} && "):
        done = run("unshare", "-m", "sh", "-c",
                   f"mount -t tmpfs none {stick} && {first}"
                   f"mount -o remount,ro {stick} && {knothole}")
        equal(done.returncode, 73, f"{done}")
        check(b"it must be writable" in done.stderr, f"{done.stderr}")
        check(b"same disk" not in done.stderr, f"{done.stderr}")
        desk.run("reply", "-m", "a", alias)
    waiting = [i for i in desk.show(alias)["items"]
               if not i.get("exported", True)]
    equal(len(waiting), 1, "what was written after the one that went well")


@suite.test("a stick that was not mounted: the vault's own disk is noticed")
def _not_mounted():
    desk, stick, _ = desk_with()
    done = desk.run("export", stick.path)
    check(b"same disk as the vault" in done.stderr and
          b"--all" in done.stderr, f"{done.stderr}")


@suite.test("a push from a stick on which nothing waits says so")
def _nothing_waits():
    empty = W.path("empty")
    os.mkdir(empty)
    check("nothing waits on this stick" in courier("push", empty), "said")
    check("nothing waits" not in courier("status", empty), "status")
    equal(courier("push", "--quiet", empty), "", "quiet")


@suite.test("a courier that was given no stick, or two, says what is missing")
def _no_stick():
    for command in ("fetch", "push", "status"):
        for sticks in ([], [W.base, W.base]):
            told = courier(command, *sticks, status=64)
            check("one STICK" in told and "usage:" not in told, told)
    told = courier("fetsch", W.base, status=64)
    check("fetch, push and status" in told, told)
    equal(run(COURIER).returncode, 64, "nothing at all")


@suite.test("a second export with --all says how much is there again")
def _again():
    desk, stick, alias = desk_with()
    desk.run("reply", "-m", "a", alias)
    equal(desk.json("export", "--json", stick.path)["again"], 0, "first")
    other = W.stick()
    got = desk.json("export", "--json", "--all", other.path)
    equal((got["answers"], got["again"]), (0, 2), "again")
    done = desk.run("export", "--all", other.path)
    check(b"again      2 answers" in done.stdout, f"{done.stdout}")
    done = desk.run("export", stick.path)
    check(b"again" not in done.stdout, f"{done.stdout}")


# --- the source's site ------------------------------------------------------

@suite.test("every item of the list of answers is an answer")
def _list():
    page = drop.post(drop.form().field("message", "hello"))
    code = page.output("code")
    for n in range(2):
        thread = enter(drop, code)
        listed = re.search(r'<ol id="answers">(.*?)</ol>', thread.text,
                           re.S)[1]
        equal(listed.count("<li"), n, "items")
        equal("No answers." in thread.text, n == 0, "said when there is none")
        drop.answer(code, n, text=b"there you are")


@suite.test("a page of answers that is too old leads back to the code")
def _old():
    for path, fields in (("/en/return", {"token": "x" * 200}),
                         ("/en/return", {}), ("/en/forget", {}),
                         ("/en/forget", {"token": "x" * 200})):
        page = drop.post_small(path, **fields)
        equal((page.status, page.reason), (403, "token"), path)
        body = page.text()
        check("Enter your return code again." in body, "what to do")
        check('<p class="links"><a href="/en/return">' in body, "the way")
    page = drop.post(drop.form().field("message", "x"), path="/en/send?u=x")
    equal((page.status, page.reason), (403, "token"), "of a form")
    check("return code again" not in page.text(), "another way")


suite.run()
