"""There is no code that formats a request for output: who prints is known object
file by object file, and it is the keeper, which reads no byte from outside."""
import os
import re
import shutil
import subprocess

from lib.drop import BUILD, KNOTHOLED
from lib.tap import Suite, check, equal

if shutil.which("nm") is None:
    print("1..0 # skip nm is not installed")
    raise SystemExit(0)

# Calls that put text somewhere. snprintf(3) is none: it fills a buffer.
PRINTS = (
    r"_*v?[fd]?printf(_chk)?|_*v?w?printf(_chk)?|v?asprintf|_*v?asprintf_chk|"
    r"f?puts(_unlocked)?|f?putw?[cs](_unlocked)?|putchar(_unlocked)?|_IO_putc|"
    r"fwrite(_unlocked)?|perror|psignal|psiginfo|v?warnx?|v?errx?|error|"
    r"error_at_line|v?syslog|_*v?syslog_chk|openlog|sd_journal_\w+|"
    r"fdopen|freopen(64)?|fopencookie|open_memstream|backtrace_symbols_fd|"
    r"std(out|err)|_IO_2_1_std(out|err)_"
)
# main.c: --help, --version, --check-config, wrong options; before any role.
# drill, setup: commands of their own, which run in no role.
PRINTERS = re.compile(r"server/main|server/(drill|setup)/\w+")
# Reading a file by stdio is no output; who does it is listed all the same.
READERS = {"server/keeper/swap_linux"}
VOICE = "server/keeper/say"

suite = Suite()


def wanted(path):
    """Symbols that an object file wants from others."""
    listed = subprocess.run(["nm", "-u", path], capture_output=True, text=True,
                            check=True)
    return set(re.findall(r"^ +[Uw] (\S+?)(?:@.*)?$", listed.stdout, re.M))


def objects(*directories):
    found = {}
    top = os.path.join(BUILD, "obj")
    for directory in directories:
        for where, _, names in os.walk(os.path.join(top, directory)):
            for name in names:
                if name.endswith(".o"):
                    path = os.path.join(where, name)
                    found[os.path.relpath(path, top)[:-2]] = wanted(path)
    return found


def printing(symbols):
    return {s for s in symbols if re.fullmatch(PRINTS, s)}


def source(*directories):
    for directory in directories:
        for where, _, names in os.walk(directory):
            for name in names:
                if name.endswith((".c", ".h")):
                    path = os.path.join(where, name)
                    with open(path, encoding="utf-8") as f:
                        yield path[:-2], f.read()


ours = objects("server", "lib", "gen")


@suite.test("the search finds what prints: the offline tool does, all over")
def _():
    tool = objects("client")
    check(sum(1 for s in tool.values() if printing(s)) > 5, f"{tool}")
    check(len(ours) > 60, f"only {len(ours)} object files")
    for name in ("vfprintf", "__fprintf_chk", "dprintf", "puts", "fputc",
                 "vsyslog", "perror", "stderr", "__vdprintf_chk"):
        check(printing({name}), name)
    check(not printing({"snprintf", "__vsnprintf_chk", "write"}), "too much")


@suite.test("L31 no object of server and library prints, but main's options")
def test_l31_objects():
    found = {name: printing(symbols) for name, symbols in ours.items()}
    equal({name: s for name, s in found.items()
           if s and not PRINTERS.fullmatch(name)},
          {}, "who prints")
    equal({name for name, s in ours.items() if any(
        x.startswith(("kh_drill", "kh_setup")) for x in s)
           and not PRINTERS.fullmatch(name)},
          set(), "who could call the two commands")
    equal({name for name, s in ours.items() if s & {"fopen", "fopen64"}
           and not PRINTERS.fullmatch(name)}, READERS,
          "who opens files by stdio")


@suite.test("L31 only the keeper's files can reach its voice")
def test_l31_voice():
    found = {name for name, symbols in ours.items() if "kh_say" in symbols}
    equal({name for name in found if not name.startswith("server/keeper/")
           and not PRINTERS.fullmatch(name)}, set(), "who says something")
    # Nor does anybody write to its descriptor without it.
    names = {name for name, text in source("server", "lib") if re.search(
        r"STD(OUT|ERR)_FILENO|\bstd(out|err)\b|/dev/(stderr|stdout|tty|log)",
        re.sub(r"/\*.*?\*/", "", text, flags=re.S))}
    equal({name for name in names if not PRINTERS.fullmatch(name)}, {VOICE},
          "who names descriptors 1 and 2")


@suite.test("L31 the HTTP library is given no way to log")
def test_l31_http():
    found = [name for name, text in source("server") if re.search(
        r"\bMHD_(USE_ERROR_LOG|USE_DEBUG|OPTION_EXTERNAL_LOGGER)\b", text)]
    equal(found, [], "who lets it")


@suite.test("L31 the program wants nothing that prints, but for its options")
def test_l31_program():
    if os.environ.get("KNOTHOLE_SANITIZED"):
        return  # the sanitizers print
    listed = subprocess.run(["nm", "-D", "-u", KNOTHOLED], capture_output=True,
                            text=True, check=True)
    found = printing(re.findall(r"^ +[Uw] (\S+?)(?:@.*)?$", listed.stdout, re.M))
    known = {s for name in ours if PRINTERS.fullmatch(name) for s in ours[name]}
    equal(found - known, set(), "symbols")


suite.run()
