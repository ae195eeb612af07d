#!/usr/bin/env python3
"""Print a C file that defines the word list of the return codes.

The list is the EFF large list as Debian's package `diceware` installs it. It
is pinned by its hash: with any other list the codes that people have written
down would mean something else.
"""

import hashlib
import os
import re
import sys

DEFAULT = ("/usr/lib/python3/dist-packages/diceware/wordlists/"
           "wordlist_en_eff.txt")
COUNT = 7776
LONGEST = 9
# SHA-256 over every word followed by one LF.
SHA256 = "6d557f0693958fb5e650b68b5bee585eb82cf4da32965505c789e924743bc522"


def fail(text):
    print(f"wordlist.py: {text}", file=sys.stderr)
    sys.exit(1)


def read_words(path):
    """The words of `path`: lines of five dice, a tab and a word."""
    words = []
    try:
        with open(path, encoding="ascii") as f:
            lines = f.read().splitlines()
    except (OSError, UnicodeDecodeError) as err:
        fail(f"cannot read the EFF large list: {err}\n"
             "It comes with the Debian package `diceware` "
             "(apt-get install diceware).")
    for number, line in enumerate(lines, 1):
        m = re.fullmatch(r"[1-6]{5}\t([a-z][a-z-]*[a-z])", line)
        if m is None:
            fail(f"{path}:{number}: not five dice, a tab and a word")
        words.append(m.group(1))
    return words


def check(words, path):
    """Only the one list will do; say as well as we can why this is another."""
    if len(words) != COUNT:
        fail(f"{path}: {len(words)} words instead of {COUNT}")
    if any(a >= b for a, b in zip(words, words[1:])):
        fail(f"{path}: not sorted, or a word is there twice")
    if max(map(len, words)) > LONGEST:
        fail(f"{path}: a word has more than {LONGEST} characters")
    text = "".join(w + "\n" for w in words)
    if hashlib.sha256(text.encode("ascii")).hexdigest() != SHA256:
        fail(f"{path}: not the EFF large list of 2016 (its hash differs); "
             "another list would change every return code")


def main():
    path = os.environ.get("KNOTHOLE_WORDLIST") or DEFAULT
    words = read_words(path)
    check(words, path)
    out = ["/*",
           " * The EFF large list (Electronic Frontier Foundation, CC BY 3.0).",
           " * Made by lib/code/wordlist.py; not to be edited.",
           " */",
           '#include "lib/code/wordlist.h"',
           "",
           "const char kh_wordlist[KH_WORDLIST_N][KH_WORD_MAX + 1] = {"]
    out += [f'\t"{w}",' for w in words]
    out += ["};", ""]
    sys.stdout.write("\n".join(out))


main()
