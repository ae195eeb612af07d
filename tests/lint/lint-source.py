#!/usr/bin/env python3
"""What compilers do not check: the rules of how the code reads.

Functions of at most 60 lines, files of at most 500; no unbounded or
locale-bound libc calls; no hidden bidi marks; each public call documented; no
unfinished work left in a comment.
"""
import re
import subprocess
import sys

FUNCTION_MAX = 60
FILE_MAX = 500
FORBIDDEN = re.compile(
    r"(?<![\w.>])(strcpy|strcat|strncpy|strncat|stpcpy|sprintf|vsprintf|gets|"
    r"sscanf|fscanf|scanf|strtok|strtok_r|strtol|strtoul|strtoll|strtoull|"
    r"atoi|atol|atoll|alloca|system|popen|tmpnam|tempnam|mktemp|syslog)\s*\("
)
BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b")


def tracked(*patterns):
    out = subprocess.run(
        ["git", "ls-files", "--", *patterns], check=True, capture_output=True
    )
    return out.stdout.decode().split()


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def without_comments(text):
    """Blank comments and string literals, keeping the line structure."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def long_functions(paths):
    for path in paths:
        start = name = None
        for number, line in enumerate(read(path).splitlines(), 1):
            if re.match(r"^[a-z_]\w*\(", line):
                name = line
            if line == "{":
                start = number
            if line == "}" and start is not None:
                if number - start > FUNCTION_MAX:
                    yield f"{path}:{start}: {number - start} lines: {name}"
                start = None


def long_files(paths):
    for path in paths:
        n = len(read(path).splitlines())
        if n > FILE_MAX:
            yield f"{path}: {n} lines"


def forbidden_calls(paths):
    for path in paths:
        text = without_comments(read(path))
        for number, line in enumerate(text.splitlines(), 1):
            m = FORBIDDEN.search(line)
            if m:
                yield f"{path}:{number}: {m.group(1)}"


def hidden_marks(paths):
    for path in paths:
        try:
            text = read(path)
        except UnicodeDecodeError:
            continue  # a binary seed
        for number, line in enumerate(text.splitlines(), 1):
            if BIDI.search(line):
                yield f"{path}:{number}: a hidden bidi mark"


def unfinished(paths):
    for path in paths:
        for number, line in enumerate(read(path).splitlines(), 1):
            if UNFINISHED.search(line):
                yield f"{path}:{number}: {line.strip()}"


def undocumented(paths):
    """A prototype must follow a comment, or another prototype of its group."""
    for path in paths:
        documented = False
        inside = False
        for number, line in enumerate(read(path).splitlines(), 1):
            if line.startswith("/*"):
                documented = True
            if line.strip() == "" and not inside:
                documented = False
            if re.match(r"^[a-zA-Z_].*\bkh_\w+\($|^[a-zA-Z_].*\bkh_\w+\(.*[,;]", line):
                trailing = "/*" in line
                if not (documented or trailing) and not line.startswith("#"):
                    yield f"{path}:{number}: {line.strip()}"


def ends(paths):
    for path in paths:
        text = read(path)
        if not text.endswith("\n") or text.endswith("\n\n"):
            yield f"{path}: does not end with one line end"


# Who includes nothing of whom, and what of it all the same.
APART = [
    ("lib/", ("server/", "client/"), ()),
    ("include/", ("server/", "client/", "lib/"), ()),
    ("server/", ("client/",), ()),
    ("client/", ("server/",), ()),
    ("server/page/", ("server/visit/", "server/door/", "server/store/"), ()),
    ("server/role/", ("server/visit/", "server/door/", "server/store/",
                      "server/page/", "server/keeper/"), ()),
    ("server/ipc/", ("server/",), ("server/ipc/",)),
    ("client/courier/", ("client/",),
     ("client/courier/", "client/args.h", "client/exit.h", "client/progress.h",
      "client/signals.h", "client/start.h", "client/sticktop.h")),
]


def included(path):
    return re.findall(r'^#include "([^"]+)"', read(path), re.M)


def upward(paths):
    """An #include that docs/ARCHITECTURE.md says there is none of."""
    for path in paths:
        for name in included(path):
            for folder, others, but in APART:
                if (path.startswith(folder) and name.startswith(others)
                        and not (but and name.startswith(but))):
                    yield f"{path}: includes {name}"


def unmapped(paths):
    """Folders of code that docs/ARCHITECTURE.md does not name."""
    text = read("docs/ARCHITECTURE.md")
    for folder in sorted({path.rsplit("/", 1)[0] for path in paths}):
        if f"`{folder}`" not in text and "/" in folder:
            yield f"{folder}: not in docs/ARCHITECTURE.md"


CHECKS = [
    ("functions are short", long_functions, ("lib/*.c", "server/*.c", "client/*.c", "tests/*.c")),
    ("files are short", long_files, ("*.c", "*.h")),
    ("no forbidden calls", forbidden_calls, ("lib/*.[ch]", "server/*.[ch]", "client/*.[ch]", "include/*.h")),
    ("no hidden bidi marks", hidden_marks, ("*.c", "*.h", "*.py", "*.md", "Makefile")),
    ("nothing unfinished", unfinished, ("lib/*", "server/*", "client/*", "include/*")),
    ("public calls are documented", undocumented, ("include/knothole/*.h",)),
    ("files end with a line end", ends, ("*.c", "*.h", "*.py", "*.md")),
    ("folders keep to their side", upward, ("lib/*.[ch]", "server/*.[ch]", "client/*.[ch]", "include/*.h")),
    ("every folder is on the map", unmapped, ("lib/*.c", "server/*.c", "client/*.c")),
]


def main():
    print(f"1..{len(CHECKS)}")
    failed = False
    for i, (name, check, patterns) in enumerate(CHECKS, 1):
        found = list(check(tracked(*patterns)))
        for line in found:
            print("# " + line)
        print(f"{'not ok' if found else 'ok'} {i} - {name}")
        failed = failed or bool(found)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
