#!/usr/bin/env python3
"""What programs that are linked with libknothole.so rely on.

usage: lib/abi.py            print it, from the headers
       lib/abi.py --map FILE a version script for the linker from such a list

The list, lib/libknothole.abi, has a line for each public function, with its
version and its type, and one for each struct whose members are public, with
its size in bytes on amd64. Lines may be added. One that changes or goes makes
another library: programs that were linked with the old one would go wrong.
"""
import glob
import re
import subprocess
import sys
import tempfile

VERSION = "KNOTHOLE_0"


def headers():
    """All public headers as one text without comments and directives."""
    text = ""
    for path in sorted(glob.glob("include/knothole/*.h")):
        with open(path, encoding="utf-8") as f:
            text += re.sub(r"/\*.*?\*/", " ", f.read(), flags=re.S)
    return re.sub(r"^\s*#(?:.*\\\n)*.*$", "", text, flags=re.M)


def functions(text):
    """{name: prototype in one line}"""
    # What is between braces declares no function, though it may point to some.
    while "{" in text:
        text = re.sub(r"\{[^{}]*\}", " ", text)
    found = {}
    for statement in text.split(";"):
        line = " ".join(statement.replace("KH_CHECKED", "").split())
        m = re.match(r"[\w ]+?[ *]+(kh_\w+) ?\(", line)
        if m and not line.startswith("typedef"):
            found[m.group(1)] = re.sub(r"\( ", "(", line)
    return found


def sizes(text):
    """{struct: bytes} of those that a program can have on its own stack."""
    names = sorted(set(re.findall(r"^struct (kh_\w+) \{", text, re.M)))
    source = "#include <stdio.h>\n" + "".join(
        f'#include "{path[len("include/"):]}"\n'
        for path in sorted(glob.glob("include/knothole/*.h")))
    source += "int main(void) {\n" + "".join(
        f'printf("{n} %zu\\n", sizeof(struct {n}));\n' for n in names) + "}\n"
    with tempfile.TemporaryDirectory() as directory:
        program = f"{directory}/sizes"
        subprocess.run(["cc", "-D_GNU_SOURCE", "-Iinclude", "-x", "c", "-o",
                        program, "-"], input=source.encode(), check=True)
        out = subprocess.run([program], check=True, capture_output=True)
    return dict(line.split() for line in out.stdout.decode().splitlines())


def listed(path):
    """The names of the functions in such a list."""
    with open(path, encoding="utf-8") as f:
        return re.findall(rf"^{VERSION} (\w+) ", f.read(), re.M)


def main():
    if sys.argv[1:2] == ["--map"]:
        names = "".join(f"\t{name};\n" for name in listed(sys.argv[2]))
        print(f"{VERSION} {{\nglobal:\n{names}local:\n\t*;\n}};")
        return
    text = headers()
    for name, prototype in sorted(functions(text).items()):
        print(VERSION, name, prototype)
    for name, size in sorted(sizes(text).items()):
        print("struct", name, size)


if __name__ == "__main__":
    main()
