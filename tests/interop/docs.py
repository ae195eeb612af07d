#!/usr/bin/env python3
"""The documents against the code: what they name must be there.

Prints TAP. Runs from the root of the repository; KNOTHOLE_BUILD names the build
directory (default: build). Python's own library only.
"""
import glob
import json
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


MAKEFILE = read("Makefile") + read("deploy/package.mk")


def table(text, heading):
    """The rows of the first table below a heading, without its head."""
    _, there, below = text.partition(f"\n{heading}\n")
    rows = re.search(r"(?:^\|.*\|\n)+", below, re.M) if there else None
    if not rows:
        return []
    return [[cell.strip() for cell in line.strip("|").split("|")]
            for line in rows[0].splitlines()[2:]]


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
    for pattern in ("lib/*/*.[ch]", "server/*/*.[ch]", "client/*.[ch]",
                    "client/*/*.[ch]",
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


def courier_errors():
    """docs/courier.md has a row for every error of the API, and no other."""
    code = re.findall(r'^    \{(\d+), "[^"]+", "(\w+)"\},',
                      read("server/courier/answer.c"), re.M)
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \|", read("docs/courier.md"), re.M)
    if not code or code != rows:
        yield f"{sorted(set(code) ^ set(rows))}"


def packages():
    """docs/dependencies.md names every package of the Makefile."""
    text = read("docs/dependencies.md")
    lists = re.findall(r"^DEPS_\w+ := ((?:.*\\\n)*.*)$", MAKEFILE, re.M)
    names = set(" ".join(lists).replace("\\", " ").split())
    if len(names) < 10:
        yield "no packages found in the Makefile"
    for name in sorted(names):
        if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text):
            yield name


def targets():
    """Every make target that a text names is there."""
    known = set(re.findall(r"^([\w-]+):(?!=)", MAKEFILE, re.M))
    for path in MARKDOWN:
        for name in re.findall(r"(?:`|^ {4})make ([a-z][\w-]*)", read(path),
                               re.M):
            if name not in known:
                yield f"{path}: make {name}"


def threats():
    """docs/THREATS.md: each row names a test that is there, or says why not."""
    code = tests()
    text, there, _ = read("docs/THREATS.md").partition("\n## The list")
    rows = re.findall(r"^\| (gets|not) \| (.*) \| (.*) \|$", text, re.M)
    if not there or len(rows) < 20:
        yield "no tables found"
    lines = [line for line in text.splitlines() if line.startswith("|")]
    if len(lines) != len(rows) + 2 * text.count("\n|---"):
        yield "a row of another form"
    for _, what, shown in rows:
        if shown.startswith("no test: "):
            continue
        names = re.findall(r"`([^`]+)`", shown)
        if not names or re.sub(r"`[^`]+`|, ", "", shown):
            yield f"{what}: {shown}"
        for name in names:
            if not (os.path.exists(name) or
                    re.search(rf"^(?:def )?{re.escape(name)}\(", code, re.M)):
                yield f"{what}: {name} is not there"


def seizure():
    """docs/THREATS.md lists what `knotholed drill` takes for listed."""
    text = read("docs/THREATS.md")
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(f"source_listen = tcp:127.0.0.1:0\n"
                    f"store = {directory}/store\n"
                    f"newsrooms = {directory}/newsrooms\n")
        said = subprocess.run(
            [os.path.join(BUILD, "bin", "knotholed"), "drill", "--json", "-c",
             path, "--proc", directory], capture_output=True, check=False)
        if said.returncode != 0:
            yield said.stderr.decode() + said.stdout.decode()
            return
    report = json.loads(said.stdout)
    listed = [[f"`{row['id']}`", f"`{row['name']}`", row["mode"], row["size"],
               row["tells"], row["hides"]] for row in report["list"]]
    elsewhere = [[f"`{row['id']}`", row["what"], row["tells"]]
                 for row in report["elsewhere"]]
    source = re.sub(r'"\s*\n\s*"', "", read("server/drill/list.c"))
    odd = [[f"`{name}`", what] for name, what in re.findall(
        r'\[KH_ODD_\w+\] = \{"([\w-]+)",\s*"([^"]*)"', source)]
    for heading, rows in (
            ("## The list: what a seizure may find", listed),
            ("### Beyond the list", odd),
            ("### Not Knothole's, and not looked at", elsewhere)):
        there = table(text, heading)
        if not rows:
            yield f"{heading}: the program has no rows"
        for row in rows:
            if row not in there:
                yield f"{heading}: missing: {row}"
        for row in there:
            if row not in rows:
                yield f"{heading}: not the program's: {row}"


CHECKS = [links, sources, functions, findings, configuration,
          example_is_accepted, messages, courier_errors,
          packages, targets, threats, seizure]


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
