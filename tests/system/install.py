"""What `make install` gives: programs that say their commit, a shared library
with exactly the public calls, and what others need to build with it."""
import glob
import os
import re
import shutil
import subprocess

from lib.drop import BUILD, run, workplace
from lib.tap import Skip, Suite, check, equal

suite = Suite()
place = workplace()
PREFIX = os.path.join(place, "prefix")
LIBRARY = os.path.join(PREFIX, "lib", "libknothole.so")
ABI = "lib/libknothole.abi"


def done(*command, **options):
    """Run it, which must work; its standard output."""
    said = run(*command, **options)
    equal(said.returncode, 0, f"{command}: {said.stderr[-2000:]!r}")
    return said.stdout.decode()


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def in_list():
    return set(re.findall(r"^KNOTHOLE_0 (\w+) ", read(ABI), re.M))


@suite.test("make install PREFIX=...: programs, manual, completions, library")
def _():
    done("make", "-s", "install", f"BUILD={os.path.relpath(BUILD)}",
         f"PREFIX={PREFIX}", "DESTDIR=")
    for path in ("bin/knothole", "bin/knothole-courier", "sbin/knotholed",
                 "share/man/man1/knothole.1", "share/man/man8/knotholed.8",
                 "share/man/man5/knothole-format.5",
                 "share/bash-completion/completions/knothole",
                 "share/zsh/site-functions/_knothole-courier",
                 "share/fish/vendor_completions.d/knotholed.fish",
                 "include/knothole/age.h", "lib/libknothole.so.0",
                 "lib/pkgconfig/libknothole.pc",
                 "share/doc/knothole/FORMAT.md"):
        check(os.path.exists(os.path.join(PREFIX, path)), path)


@suite.test("--version says the commit that was built")
def _():
    if not os.path.exists(".git"):
        raise Skip("not a git repository")
    commit = done("git", "-c", "safe.directory=*", "rev-parse", "HEAD")[:12]
    for program in ("bin/knothole", "bin/knothole-courier", "sbin/knotholed"):
        said = done(os.path.join(PREFIX, program), "--version")
        m = re.fullmatch(r"(\S+) \d+\.\d+\.\d+ \((\w+)(-dirty)?\)\n", said)
        check(m, said)
        equal((m[1], m[2]), (os.path.basename(program), commit), "version")


def commit_of(tree):
    return done(os.path.join(tree, "deploy/release/commit")).strip()


@suite.test("the commit: from git, from an archive's .commit, or unknown; and "
            "whether the sources are as there")
def _():
    tree = os.path.join(place, "tree")
    os.makedirs(os.path.join(tree, "deploy/release"))
    shutil.copy("deploy/release/commit", os.path.join(tree, "deploy/release"))
    shutil.copy(".commit", tree)
    equal(commit_of(tree), "unknown", "without a repository")
    git = ("git", "-C", tree, "-c", "user.name=a", "-c", "user.email=a@b.c")
    for path in ("lib/a.c", "docs/a.md"):
        os.makedirs(os.path.dirname(os.path.join(tree, path)))
        with open(os.path.join(tree, path), "w", encoding="utf-8") as f:
            f.write("a")
    for name in ("Makefile", "client", "include", "server"):
        with open(os.path.join(tree, name), "w", encoding="utf-8") as f:
            f.write("a")
    done(*git, "init", "-q")
    done(*git, "add", "-A")
    done(*git, "commit", "-qm", "one")
    commit = done(*git, "rev-parse", "HEAD")[:12]
    equal(commit_of(tree), commit, "in a repository")
    with open(os.path.join(tree, "docs/a.md"), "w", encoding="utf-8") as f:
        f.write("b")
    equal(commit_of(tree), commit, "another document")
    with open(os.path.join(tree, "lib/a.c"), "w", encoding="utf-8") as f:
        f.write("b")
    equal(commit_of(tree), commit + "-dirty", "another source")
    # An archive's tree, unpacked within somebody's repository.
    with open(os.path.join(tree, ".commit"), "w", encoding="utf-8") as f:
        f.write("0123456789abcdef" * 2 + "01234567 1790000000\n")
    equal(commit_of(tree), "0123456789ab", "from .commit")


@suite.test("the library exports the calls of lib/libknothole.abi, no other")
def _():
    symbols = done("nm", "-D", "--defined-only", "--with-symbol-versions",
                   LIBRARY)
    found = set(re.findall(r" T (\S+)", symbols))
    equal(found, {f"{name}@@KNOTHOLE_0" for name in in_list()}, "symbols")
    others = set(re.findall(r"^\w+ [^T] (\S+)", symbols, re.M))
    equal(others, {"KNOTHOLE_0"}, "what is no function")
    header = done("readelf", "-W", "-d", LIBRARY)
    check("[libknothole.so.0]" in header, "soname")
    check("TEXTREL" not in header and "RUNPATH" not in header, header)


@suite.test("lib/libknothole.abi is what the public headers declare")
def _():
    if os.uname().machine != "x86_64":
        raise Skip("the list has the sizes of amd64")
    now = done("lib/abi.py").splitlines()
    listed = read(ABI).splitlines()
    check(len(in_list()) > 100, "a list of more than 100 calls")
    equal(sorted(set(now) ^ set(listed)), [],
          "lines that differ; see docs/release.md, then lib/abi.py > " + ABI)


PROGRAM = r"""
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <knothole/card.h>
#include <knothole/code.h>
#include <knothole/secret.h>

int
main(int argc, char **argv)
{
	static char text[1 << 16];
	char words[KH_CODE_WORDS_TEXT_LEN];
	struct kh_card card;
	unsigned line;
	size_t n;

	if (kh_init() != KH_OK)
		return 1;
	n = fread(text, 1, sizeof(text), stdin);
	if (kh_card_read(text, n, &card, &line) != KH_OK)
		return 65;
	kh_card_fingerprint(&card, words);
	printf("%s\n%s\n", card.name, words);
	return 0;
}
"""


@suite.test("a program is built with pkg-config against it, and reads a card")
def _():
    # No other library's file is to be found: whoever builds with this one
    # need not have what it was built with.
    environment = dict(os.environ, LD_LIBRARY_PATH=f"{PREFIX}/lib",
                       PKG_CONFIG_LIBDIR=f"{PREFIX}/lib/pkgconfig")
    flags = done("pkg-config", "--cflags", "--libs", "libknothole",
                 env=environment).split()
    equal(done("pkg-config", "--modversion", "libknothole",
               env=environment).strip(),
          re.search(r"^VERSION := (\S+)", read("Makefile"), re.M)[1],
          "version")
    source = os.path.join(place, "a.c")
    program = os.path.join(place, "a")
    with open(source, "w", encoding="utf-8") as f:
        f.write(PROGRAM)
    done("cc", "-std=c11", "-Wall", "-Wextra", "-Wno-unused-parameter",
         "-Werror", "-o", program, source, *flags)
    check("libknothole.so.0" in done("readelf", "-d", program), "not linked")
    keys = os.path.join(place, "keys")
    done(f"{PREFIX}/bin/knothole", "--i-am-online", "keygen", "-o", keys,
         "--name", "The Example Times", "--no-passphrase")
    card = glob.glob(f"{keys}/*.card")[0]
    with open(card, "rb") as f:
        said = subprocess.run([program], stdin=f, env=environment, check=False,
                              capture_output=True)
    equal(said.returncode, 0, "exit status")
    name, words = said.stdout.decode().splitlines()
    equal(name, "The Example Times", "name")
    check(len(words.split()) >= 8, words)
    said = subprocess.run([program], input=b"knothole-card = 1\n", check=False,
                          env=environment)
    equal(said.returncode, 65, "half a card")


@suite.test("each header stands alone, after installation")
def _():
    headers = sorted(os.listdir(f"{PREFIX}/include/knothole"))
    equal(headers, sorted(os.listdir("include/knothole")), "headers")
    for header in headers:
        source = os.path.join(place, "header.c")
        with open(source, "w", encoding="utf-8") as f:
            f.write(f"#include <knothole/{header}>\nint kh_one;\n")
        done("cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
             f"-I{PREFIX}/include", source)


suite.run()
