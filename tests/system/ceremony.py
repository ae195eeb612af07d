#!/usr/bin/env python3
"""Shares of a newsroom's key, from outside: keygen --shares, the pages on both
papers, and recover from files, words, QR codes and a keyboard.

Prints TAP. Stock age opens what shares open; zbarimg and pdftoppm look at the
pages as a camera and a printer do. Without one of them its checks are skipped.
"""
import itertools
import os
import re
import shutil
import stat
import subprocess

from lib import shamir
from lib.desk import read, tree, write
from lib.drop import DESK, workplace
from lib.offline import PASS, age, at_terminal, knothole, need
from lib.tap import Suite, check, equal

suite = Suite()
test = suite.test
HERE = workplace()
COUNT = itertools.count()


def place():
    path = os.path.join(HERE, str(next(COUNT)))
    os.mkdir(path)
    return path


def keygen(*options, fds=None, expect=0, directory=None):
    """A newsroom with shares; (its directory, what was said)."""
    directory = directory or os.path.join(place(), "keys")
    done = knothole("keygen", "-o", directory, "--name", "The Example Times",
                    *options, fds=fds, expect=expect)
    return directory, done


def shares(directory, suffix="txt"):
    pages = os.path.join(directory, "shares")
    return [os.path.join(pages, name) for name in sorted(os.listdir(pages))
            if name.endswith(suffix)]


def words(page):
    """The words of a text page, by row."""
    text = read(page).decode()
    rows = re.findall(r"^(\d) +([a-z -]+)\n +([a-z -]+)\n", text, re.M)
    equal([row[0] for row in rows], ["1", "2", "3", "4"], "rows")
    return [f"{row[1]} {row[2]}" for row in rows]


def sealed_for(directory):
    """An object for the newsroom; (path, content)."""
    (card,) = [n for n in os.listdir(directory) if n.endswith(".card")]
    path = os.path.join(place(), "object.age")
    data = b"what a source sent"
    knothole("seal", "-r", os.path.join(directory, card), "-o", path, "-",
             data=data)
    return path, data


def opens(identity, sealed, passphrase=PASS):
    path, data = sealed
    got = knothole("unseal", "-i", identity, "--passphrase-fd", "9", "-o", "-",
                   path, fds={9: passphrase + b"\n"}).stdout
    equal(got, data, "the submission")


def recover(directory, *given, expect=0, options=("--passphrase-fd", "9"),
            fds=None, **more):
    return knothole("recover", "-o", directory, *options, *given,
                    fds={9: PASS + b"\n"} if fds is None else fds,
                    expect=expect, **more)


K, K_SAID = keygen("--shares", "5", "--threshold", "3")
K_OBJECT = sealed_for(K)


def copy():
    """The newsroom of five, to be changed."""
    path = os.path.join(place(), "keys")
    shutil.copytree(K, path)
    return path


@test("keygen writes five pages, for nobody else to read, and says what to do")
def _():
    pages = shares(K)
    equal([os.path.basename(p) for p in pages],
          [f"share-{i}-of-5.txt" for i in range(1, 6)], "names")
    for path in pages + [os.path.join(K, "identity.age")]:
        equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, path)
    equal(stat.S_IMODE(os.stat(os.path.join(K, "shares")).st_mode), 0o700,
          "directory")
    check(b"only 3 shares open it" in K_SAID.stderr, K_SAID.stderr)
    check(b"\nshare set    " in K_SAID.stdout, K_SAID.stdout)
    for path in pages:
        text = read(path).decode()
        check(len(text.splitlines()) < 60, "fits a page")
        check(max(map(len, text.splitlines())) <= 80, "80 columns")
        check("AGE-SECRET-KEY" not in text, "no key")


@test("any three of the five open the identity, and no two do")
def _():
    pages = shares(K)
    for some in itertools.combinations(pages, 3):
        directory = copy()
        done = recover(directory, *some, options=("--no-passphrase",), fds={})
        check(b"identity.age" in done.stdout, done.stdout)
        identity = os.path.join(directory, "identity.txt")
        equal(knothole("unseal", "-i", identity, "-o", "-",
                       K_OBJECT[0]).stdout, K_OBJECT[1], "the submission")
    for some in itertools.combinations(pages, 2):
        directory = copy()
        before = tree(directory)
        done = recover(directory, *some, expect=77)
        check(b"too few: 2" in done.stderr and b"bring 1 more" in done.stderr,
              done.stderr)
        equal(tree(directory), before, "nothing was changed")
    recover(copy(), *pages)  # more than enough is fine


@test("after recover the passphrase opens it, and the shares still do")
def _():
    directory = copy()
    pages = shares(directory)
    recover(directory, *pages[:3])
    knothole("unseal", "-i", os.path.join(directory, "identity.age"),
             "--passphrase-fd", "9", "-o", "-", K_OBJECT[0],
             fds={9: b"another passphrase\n"}, expect=77)
    recover(directory, *pages[2:], fds={9: b"a second passphrase\n"})
    opens(os.path.join(directory, "identity.age"), K_OBJECT,
          b"a second passphrase")


@test("a passphrase beside the shares: either of them opens")
def _():
    directory, _ = keygen("--shares", "3", "--threshold", "2",
                          "--passphrase-fd", "9", fds={9: PASS + b"\n"})
    sealed = sealed_for(directory)
    opens(os.path.join(directory, "identity.age"), sealed)
    check(os.path.exists(os.path.join(directory, "identity-recovery.age")),
          "a file for the shares")
    recover(directory, *shares(directory)[1:],
            fds={9: b"when the first is lost\n"})
    opens(os.path.join(directory, "identity.age"), sealed,
          b"when the first is lost")


@test("threshold and count have sensible bounds; the majority is the default")
def _():
    _, done = keygen("--shares", "4")
    check(b"any 3 of 4" in done.stdout, done.stdout)
    for options, said in (
            (("--shares", "1"), b"2 to 16"), (("--shares", "17"), b"2 to 16"),
            (("--shares", "3", "--threshold", "4"), b"nobody could"),
            (("--shares", "3", "--threshold", "1"), b"2 to 16"),
            (("--threshold", "3"), b"--shares"),
            (("--format", "pdf"), b"--shares"),
            (("--shares", "3", "--format", "svg"), b"text or pdf"),
            (("--shares", "3", "--paper", "a5"), b"a4 or letter")):
        directory, done = keygen(*options, expect=64)
        check(said in done.stderr, done.stderr)
        check(not os.path.exists(directory), "nothing is made")


@test("pages that are there already are not replaced, and nothing else is made")
def _():
    directory = os.path.join(place(), "keys")
    os.makedirs(os.path.join(directory, "shares"))
    path = os.path.join(directory, "shares", "share-2-of-3.txt")
    write(path, b"another one's")
    keygen("--shares", "3", expect=73, directory=directory)
    equal(tree(directory), {"shares/share-2-of-3.txt": b"another one's"},
          "as before")


@test("words as people type them: capitals, dashes, one long line, numbers")
def _():
    pages = shares(K)
    one = words(pages[0])
    texts = ["\n".join(one).upper(), "-".join("-".join(one).split()),
             "".join(f"{i + 1}. {row}\r\n" for i, row in enumerate(one))]
    for text in texts:
        typed = write(os.path.join(place(), "typed"), text.encode())
        recover(copy(), typed, *pages[1:3])
    together = "\n".join(sum((words(p) for p in pages[:3]), []))
    recover(copy(), data=together.encode())
    recover(copy(), "-", data=together.encode())


@test("a word that is none of the list is named, with its place")
def _():
    pages = shares(K)
    rows = words(pages[0])
    parts = rows[2].split(" ")
    parts[4] = "qwertz"
    rows[2] = " ".join(parts)
    typed = write(os.path.join(place(), "typed"), "\n".join(rows).encode())
    done = recover(copy(), typed, *pages[1:3], expect=65)
    check(b'row 3, word 5, "qwertz", is not in the list' in done.stderr,
          done.stderr)
    check(b"typed" in done.stderr, "which file")


@test("a word that is another word of the list: its row is named")
def _():
    pages = shares(K)
    rows = words(pages[0])
    parts = rows[1].split(" ")
    parts[0] = "zoom" if parts[0] != "zoom" else "abacus"
    rows[1] = " ".join(parts)
    typed = write(os.path.join(place(), "typed"), "\n".join(rows).encode())
    done = recover(copy(), typed, *pages[1:3], expect=65)
    check(b"row 2 does not fit its last word" in done.stderr, done.stderr)
    typed = write(os.path.join(place(), "typed"),
                  "\n".join(rows[2:] + rows[:2]).encode())
    done = recover(copy(), typed, *pages[1:3], expect=65)
    check(b"rows are not in their order" in done.stderr, done.stderr)
    typed = write(os.path.join(place(), "typed"), rows[3].encode())
    done = recover(copy(), typed, *pages[1:3], expect=65)
    check(b"8 words, and a share has 32" in done.stderr, done.stderr)


@test("a share twice, and one of another set, are refused by name")
def _():
    pages = shares(K)
    directory = copy()
    before = tree(directory)
    done = recover(directory, pages[0], pages[1], pages[0], expect=65)
    check(b"share-1-of-5.txt: share 1 is there already" in done.stderr,
          done.stderr)
    other, said = keygen("--shares", "5", "--threshold", "3")
    sets = [re.search(rb"share set +([a-z -]+),", d.stdout)[1]
            for d in (K_SAID, said)]
    done = recover(directory, pages[0], shares(other)[1], pages[2], expect=65)
    check(b"share of another set" in done.stderr, done.stderr)
    check(all(name in done.stderr for name in sets), done.stderr)
    # A whole set, but of another key than the file's.
    done = recover(directory, *shares(other)[:3], expect=77)
    check(b"not sealed to this set" in done.stderr, done.stderr)
    equal(tree(directory), before, "nothing was changed")
    done = recover(directory, pages[0], os.path.join(K, "identity.age"),
                   pages[1], expect=65)
    check(b"holds no whole share" in done.stderr or
          b"not in the list" in done.stderr, done.stderr)
    recover(directory, pages[0], "/nonexistent", expect=66)


def data_of(page):
    return shamir.data_of(" ".join(words(page)).split(" "))


def line_of(page):
    """The line of its QR code, from the words by way of a second encoder."""
    return shamir.line_of(data_of(page))


@test("a forged share whose checks fit does not give a key, and changes nothing")
def _():
    pages = shares(K)
    head = bytearray(data_of(pages[0])[:42])
    head[20] ^= 1
    forged = write(os.path.join(place(), "forged"), shamir.text_of(
        shamir.complete(bytes(head))).encode())
    directory = copy()
    before = tree(directory)
    done = recover(directory, forged, *pages[1:3], expect=65)
    check(b"forged" in done.stderr, done.stderr)
    equal(tree(directory), before, "nothing was changed")
    # One bit without making the check anew.
    text = line_of(pages[0])
    text = text[:60] + ("0" if text[60] != "0" else "1") + text[61:]
    broken = write(os.path.join(place(), "broken"), text.encode())
    done = recover(directory, broken, *pages[1:3], expect=65)
    check(b"check does not fit" in done.stderr, done.stderr)


@test("the shares are Shamir's: a second decoder joins them, stock age opens")
def _():
    pages = shares(K)
    for some in ((0, 1, 2), (4, 2, 0)):
        key = shamir.identity_text(
            shamir.join([data_of(pages[i]) for i in some]))
        path = write(os.path.join(place(), "key.txt"), key.encode() + b"\n")
        inside = age("-d", "-i", path, os.path.join(K, "identity.age")).stdout
        check(b"AGE-SECRET-KEY-1" in inside, "the newsroom's identity")
        identity = write(os.path.join(place(), "identity.txt"), inside)
        equal(age("-d", "-i", identity, K_OBJECT[0]).stdout, K_OBJECT[1],
              "with stock age all the way")
        check(re.search(rb"^# shares: age1\w+ 3 of 5$", inside, re.M),
              "its comment")


def picture(page):
    """A text page's QR code as a grey picture (PGM)."""
    rows = [line[6:] for line in read(page).decode().splitlines()
            if re.fullmatch(r" {6}[ █▀▄]+", line)]
    check(len(rows) > 15, "a code of half blocks")
    width = max(map(len, rows))
    dark = []
    for row in rows:
        row = row.ljust(width)
        dark.append([c in "█▀" for c in row])
        dark.append([c in "█▄" for c in row])
    quiet, scale = 4, 8
    size_x, size_y = width + 2 * quiet, len(dark) + 2 * quiet
    lines = []
    for y in range(size_y):
        line = b""
        for x in range(size_x):
            inside = (quiet <= y < quiet + len(dark) and
                      quiet <= x < quiet + width)
            black = inside and dark[y - quiet][x - quiet]
            line += (b"\0" if black else b"\xff") * scale
        lines.append(line * scale)
    return (f"P5\n{size_x * scale} {size_y * scale}\n255\n".encode() +
            b"".join(lines))


def scanned(path):
    done = subprocess.run(["zbarimg", "--raw", "-q", path], check=False,
                          capture_output=True, timeout=120)
    equal(done.returncode, 0, f"zbarimg: {done.stderr}")
    return done.stdout


@test("a QR reader reads the text pages, and recover takes what it prints")
def _():
    need("zbarimg")
    lines = b""
    for page in shares(K)[1:4]:
        path = write(os.path.join(place(), "page.pgm"), picture(page))
        got = scanned(path)
        equal(got.strip().decode(), line_of(page), "the code's text")
        lines += got
    recover(copy(), write(os.path.join(place(), "scans"), lines))


@test("PDF pages: paper, one page, words to read, a code to scan")
def _():
    need("pdfinfo", "pdftotext", "pdftoppm", "zbarimg")
    for paper, size in (("a4", "595.28 x 841.89 pts (A4)"),
                        ("letter", "612 x 792 pts (letter)")):
        directory, _ = keygen("--shares", "3", "--threshold", "2", "--format",
                              "pdf", "--paper", paper)
        pages = shares(directory, "pdf")
        equal([os.path.basename(p) for p in pages],
              [f"share-{i}-of-3.pdf" for i in (1, 2, 3)], "names")
        scans = b""
        for page in pages:
            info = subprocess.run(["pdfinfo", page], check=True,
                                  capture_output=True)
            equal(info.stderr, b"", "a clean file")
            check(size in info.stdout.decode(), info.stdout.decode())
            check(b"Pages:           1" in info.stdout, info.stdout)
            check(b"Date" not in info.stdout, "no clock")
            text = subprocess.run(["pdftotext", "-layout", page, "-"],
                                  check=True, capture_output=True).stdout
            rows = re.findall(r"^ *[1-4]? +((?:[a-z-]+ ){3}[a-z-]+)$",
                              text.decode(), re.M)
            equal(len(rows), 8, "rows of words")
            stem = os.path.join(place(), "page")
            subprocess.run(["pdftoppm", "-r", "150", "-gray", page, stem],
                           check=True, capture_output=True)
            got = scanned(stem + "-1.pgm")
            check(got.strip() in text, "the line below the code is the code's")
            equal(got.strip().decode(), shamir.line_of(
                shamir.data_of(" ".join(rows).split(" "))),
                  "words and code are the same share")
            scans += got
        sealed = sealed_for(directory)
        for given in (pages[:2], pages[1:]):
            again = os.path.join(place(), "keys")
            shutil.copytree(directory, again)
            recover(again, *given)
            opens(os.path.join(again, "identity.age"), sealed)


@test("typed at a terminal: mistakes are named and asked for again")
def _():
    pages = shares(K)
    typed = []
    for number, page in enumerate(pages[:3], 1):
        for row, text in enumerate(words(page), 1):
            prompt = f"Page {number}, row {row}: ".encode()
            if (number, row) == (1, 2):
                typed.append((prompt, b"no such words"))
                typed.append((prompt, text.rsplit(" ", 1)[0].encode()))
            typed.append((prompt, text.upper().encode()))
    typed += [(b"New passphrase: ", PASS), (b"The same again: ", PASS)]
    directory = copy()
    status, shown = at_terminal(("recover", "-o", directory), typed)
    equal(status, 0, shown)
    check(b"is not in the list" in shown, shown)
    check(b"7 words, and a row has 8" in shown, shown)
    check(b"2 of 3 are there" in shown, shown)
    check(PASS not in shown, "the passphrase is not shown")
    opens(os.path.join(directory, "identity.age"), K_OBJECT)


@test("the line of a QR code may be typed in place of a page's first row")
def _():
    typed = [(f"Page {n}, row 1: ".encode(), line_of(page).encode())
             for n, page in enumerate(shares(K)[2:], 1)]
    typed.insert(1, (b"Page 2, row 1: ", typed[0][1]))  # the same again
    typed += [(b"New passphrase: ", PASS), (b"The same again: ", PASS)]
    status, shown = at_terminal(("recover", "-o", copy()), typed)
    equal(status, 0, shown)
    check(b"share 3 is there already" in shown, shown)


@test("-o and -i: where the identity is, and where the new one goes")
def _():
    pages = shares(K)[:3]
    directory = copy()
    shutil.rmtree(os.path.join(directory, "shares"))
    identity = os.path.join(directory, "identity.age")
    recover(identity, *pages)  # a file, replaced
    opens(identity, K_OBJECT)
    fresh = os.path.join(place(), "new")
    recover(fresh, "-i", os.path.join(K, "identity.age"), *pages)
    opens(os.path.join(fresh, "identity.age"), K_OBJECT)
    fresh = os.path.join(place(), "new")
    recover(fresh, *pages)  # found one directory above the shares
    opens(os.path.join(fresh, "identity.age"), K_OBJECT)
    done = recover(fresh, "-i", os.path.join(K, "identity.age"), *pages,
                   expect=73)
    check(b"nothing was replaced" in done.stderr, done.stderr)
    recover(os.path.join(place(), "none", "new.age"), "-i",
            os.path.join(K, "identity.age"), *pages, expect=73)
    lonely = place()
    for page in pages:
        shutil.copy(page, lonely)
    done = recover(os.path.join(lonely, "out"),
                   *[os.path.join(lonely, os.path.basename(p)) for p in pages],
                   expect=66)
    check(b"give the sealed one with -i" in done.stderr, done.stderr)
    check(not os.path.exists(os.path.join(lonely, "out")), "nothing is made")


@test("--no-passphrase writes it in clear, beside, and warns")
def _():
    directory = copy()
    before = read(os.path.join(directory, "identity.age"))
    done = recover(directory, *shares(K)[:3], options=("--no-passphrase",),
                   fds={})
    check(b"NOT UNDER A PASSPHRASE" in done.stderr, done.stderr)
    path = os.path.join(directory, "identity.txt")
    equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, "mode")
    equal(read(os.path.join(directory, "identity.age")), before, "stays")
    equal(knothole("unseal", "-i", path, "-o", "-", K_OBJECT[0]).stdout,
          K_OBJECT[1], "opens")
    recover(directory, *shares(K)[:3], options=("--no-passphrase",), fds={},
            expect=73)


@test("a new passphrase that is refused, or not given, changes nothing")
def _():
    directory = copy()
    before = tree(directory)
    recover(directory, *shares(K)[:3], fds={9: b"short\n"}, expect=64)
    recover(directory, *shares(K)[:3], options=(), fds={}, expect=64)
    equal(tree(directory), before, "as before")


@test("a full disk, or a directory that may not be written, changes nothing")
def _():
    directory = copy()
    before = tree(directory)
    script = 'ulimit -f 0; exec "$@"'
    done = subprocess.run(
        ["bash", "-c", script, "-", *DESK, "recover", "-o", directory,
         "--passphrase-fd", "0", *shares(K)[:3]],
        input=PASS + b"\n", capture_output=True, check=False, timeout=120)
    equal(done.returncode, 74, done.stderr)
    equal(tree(directory), before, "as before")


@test("epochs and shares go together")
def _():
    directory, _ = keygen("--shares", "3", "--epochs", "4")
    sealed = sealed_for(directory)
    recover(directory, *shares(directory)[:2])
    opens(os.path.join(directory, "identity.age"), sealed)
    inside = knothole("unseal", "-i", os.path.join(directory, "identity.age"),
                      "--passphrase-fd", "9", "-o", "-",
                      sealed[0], fds={9: PASS + b"\n"}).stdout
    equal(inside, sealed[1], "again")


@test("the numbers of docs/FORMAT.md, by the second encoder")
def _():
    section = read("docs/FORMAT.md").decode().partition("### Key shares\n")[2]
    rows = re.search(r"```\n((?:[a-z -]+\n){4})(KNOTHOLE-SHARE:\w+)\n",
                     section)
    check(rows, "a vector in the document")
    data = shamir.data_of(rows[1].split())
    equal(shamir.line_of(data), rows[2], "line")
    equal(shamir.text_of(data) + "\n", rows[1], "words")
    public = re.search(r"public key `([0-9a-f]{64})`", section)
    first, name = shamir.set_of(bytes.fromhex(public[1]))
    equal(first, data[4:10], "set")
    check(f"`{name}`" in section, name)


if __name__ == "__main__":
    suite.run()
