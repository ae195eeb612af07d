#!/usr/bin/env python3
"""The documents against the code: what they name must be there.

Prints TAP. Runs from the root of the repository; KNOTHOLE_BUILD names the build
directory (default: build). Python's own library only.
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

BUILD = os.path.abspath(os.environ.get("KNOTHOLE_BUILD", "build"))
MARKDOWN = sorted(glob.glob("*.md") + glob.glob("docs/*.md"))
EXAMPLE = "deploy/knotholed.conf.example"


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def tests():
    paths = glob.glob("tests/unit/*.c") + glob.glob("tests/*/*.py")
    return "\n".join(map(read, paths))


def links():
    """Links to files lead somewhere."""
    for path in MARKDOWN:
        for target in re.findall(r"\]\(([^)#:]+)\)", read(path)):
            if not os.path.exists(os.path.join(os.path.dirname(path), target)):
                yield f"{path}: {target}"


def sources():
    """Files of ours that a text names are there."""
    name = r"`((?:client|server|lib|include|tests|deploy|docs)/[\w./-]+)`"
    for path in MARKDOWN:
        for target in re.findall(name, read(path)):
            if "NAME" not in target and not os.path.exists(target):
                yield f"{path}: {target}"


def functions():
    """Functions that docs/KEYS.md names are there."""
    code = "\n".join(map(read, glob.glob("lib/*/*.c") +
                         glob.glob("server/**/*.c", recursive=True) +
                         glob.glob("client/**/*.c", recursive=True)))
    for name in set(re.findall(r"`([a-z]\w*)`", read("docs/KEYS.md"))):
        if not re.search(rf"\b{name}\(", code) and "_" in name and \
                not name.startswith("sodium_"):
            yield name


def findings():
    """Each test of the table of findings is there, and each is in it."""
    table = read("docs/TESTING.md")
    code = tests()
    for name in set(re.findall(r"`(test_l\d+\w*)`", table)):
        if not re.search(rf"\b{name}\b", code):
            yield f"not there: {name}"
    rows = re.findall(r"^\| (L\d+) \|(.*)\|(.*)\|$", table, re.M)
    explained = {row[0] for row in rows}
    tested = {row[0] for row in rows if "test_l" in row[2]}
    for name in set(re.findall(r"\btest_(l\d+)_\w+", code)):
        if name.upper() not in tested:
            yield f"tests without a row: {name}"
    for pattern in ("lib/*/*.[ch]", "server/*/*.[ch]", "client/*.[ch]", "client/*/*.[ch]",
                    "include/knothole/*.h"):
        for path in glob.glob(pattern):
            for name in set(re.findall(r"\bL\d{1,2}\b", read(path))):
                if name not in explained:
                    yield f"{path}: {name} is not explained"


def configuration():
    """Every key is in the example and in knotholed.conf(5), and no other."""
    keys = re.findall(r'^ {4}\{"(\w+)", (?:true|false),',
                      read("server/config/keys.c"), re.M)
    # A key that is set for nobody else stands behind a #.
    example = re.findall(r"^#?(\w+) = ", read(EXAMPLE), re.M)
    page = re.findall(r"^\.It Cm (\w+)$", read("docs/man/knotholed.conf.5"),
                      re.M)
    if not keys:
        yield "no keys found in server/config/keys.c"
    for name, there in ((EXAMPLE, example), ("knotholed.conf(5)", page)):
        if sorted(there) != sorted(keys):
            yield f"{name}: {there} instead of {keys}"


def example_is_accepted():
    """knotholed --check-config accepts the example."""
    with tempfile.TemporaryDirectory() as directory:
        said = subprocess.run(
            [os.path.join(BUILD, "bin", "knothole"), "keygen", "--name", "A",
             "--no-passphrase", "-o", os.path.join(directory, "keys")],
            capture_output=True, check=False)
        if said.returncode != 0:
            yield said.stderr.decode()
        path = os.path.join(directory, "conf")
        text = read(EXAMPLE).replace("/etc/knothole/newsrooms",
                                     os.path.join(directory, "keys"))
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        said = subprocess.run(
            [os.path.join(BUILD, "bin", "knotholed"), "-c", path,
             "--check-config"], capture_output=True, check=False)
        if said.returncode != 0:
            yield said.stderr.decode()


def messages():
    """docs/PRIVSEP.md has a row for every message, and no other."""
    there = re.findall(r"^\tKH_MSG_(\w+?)(?: = 1)?,", read("server/ipc/ipc.h"),
                       re.M)
    rows = re.findall(r"^\| ([A-Z_]+) \|", read("docs/PRIVSEP.md"), re.M)
    if not there or sorted(there) != sorted(rows):
        yield f"{sorted(set(there) ^ set(rows))}"


def packages():
    """docs/dependencies.md names every package of the Makefile."""
    text = read("docs/dependencies.md")
    lists = re.findall(r"^DEPS_\w+ := ((?:.*\\\n)*.*)$", read("Makefile"), re.M)
    names = set(" ".join(lists).replace("\\", " ").split())
    if len(names) < 10:
        yield "no packages found in the Makefile"
    for name in sorted(names):
        if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text):
            yield name


def targets():
    """Every make target that a text names is there."""
    known = set(re.findall(r"^([\w-]+):(?!=)", read("Makefile"), re.M))
    for path in MARKDOWN:
        for name in re.findall(r"(?:`|^ {4})make ([a-z][\w-]*)", read(path),
                               re.M):
            if name not in known:
                yield f"{path}: make {name}"


CHECKS = [links, sources, functions, findings, configuration,
          example_is_accepted, messages, packages, targets]


def main():
    failed = False
    print(f"1..{len(CHECKS)}")
    for number, check in enumerate(CHECKS, 1):
        wrong = list(check())
        for line in wrong:
            print("# " + line.strip().replace("\n", "\n# "))
        failed = failed or bool(wrong)
        print(f"{'not ok' if wrong else 'ok'} {number} - docs: {check.__doc__}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
