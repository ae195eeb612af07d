"""Completions of bash, zsh and fish, and the manual: nothing that a program's
--help has may be missing from them."""
import os
import re
import shutil
import subprocess

from lib.drop import BUILD, run, workplace
from lib.tap import Skip, Suite, check, equal

suite = Suite()
place = workplace()
PAGES = {"knothole": "docs/man/knothole.1",
         "knothole-courier": "docs/man/knothole-courier.1",
         "knotholed": "docs/man/knotholed.8"}

for name in PAGES:
    said = run("deploy/completions/generate.py",
               os.path.join(BUILD, "bin", name), place)
    equal(said.returncode, 0, said.stderr.decode())
os.makedirs(os.path.join(place, "here", "directory"))
with open(os.path.join(place, "here", "file.age"), "wb"):
    pass


def help_of(name, *words):
    return run(os.path.join(BUILD, "bin", name), *words, "--help").stdout.decode()


def commands(text):
    """Of a help's list, or of knotholed's usage lines."""
    block = text.partition("\ncommands:\n")[2].split("\n\n")[0]
    listed = re.findall(r"^  ([a-z][\w-]*) ", block, re.M)
    return listed or re.findall(r"^ +knotholed ([a-z]\w*)", text, re.M)


def long_options(text):
    return re.findall(r"^ {2,6}(?:-\w, )?(--[a-z][\w-]*)", text, re.M)


def in_bash(*words):
    """What bash offers for the last of these words."""
    script = (f"source {place}/bash/{words[0]}; cd {place}/here; "
              'compopt() { :; }; '
              'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
              f"_{words[0].replace('-', '_')}; "
              'printf "%s\\n" "${COMPREPLY[@]}"')
    said = subprocess.run(["bash", "--norc", "-c", script, "bash", *words],
                          capture_output=True, check=False)
    equal((said.returncode, said.stderr), (0, b""), f"bash, {words}")
    return said.stdout.decode().split()


def in_fish(*words):
    if not shutil.which("fish"):
        raise Skip("fish is not installed")
    line = " ".join(words[:-1] + (words[-1] or "",))
    said = subprocess.run(
        ["fish", "--no-config", "-c",
         f"source {place}/fish/{words[0]}.fish; cd {place}/here; "
         f"complete -C '{line}'"],
        env=dict(os.environ, HOME=place), capture_output=True, check=False)
    equal((said.returncode, said.stderr), (0, b""), f"fish, {words}")
    return [line.split("\t")[0] for line in said.stdout.decode().splitlines()]


def in_zsh(*words):
    """As in_bash, on a terminal of zsh's own."""
    if not shutil.which("zsh"):
        raise Skip("zsh is not installed")
    name = words[0]
    # What is written before zsh waits for it would end the completion: so each
    # step waits for a word of the one before.
    script = f"""
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'PROMPT=; fpath=({place}/zsh $fpath); autoload -U compinit'
zpty -w z 'compinit -u -D; cd {place}/here; bindkey "^I" complete-word'
zpty -w z 'compadd() {{
	local -a found
	[[ ${{@[1,(i)(-|--)]}} == *-(O|A|D)* ]] || {{
		builtin compadd -O found "$@"
		print -r -l -- offered:$^found
	}}
	builtin compadd "$@"
}}'
zpty -w z 'whole() {{ _{name} "$@"; print -r -- comp"leted"; }}'
zpty -w z 'compdef whole {name}; print -r -- rea"dy"'
zpty -r z seen '*ready*'
zpty -w -n z {quote(' '.join(words))}$'\t'
zpty -r z seen '*completed*'
print -r -- $seen
"""
    said = subprocess.run(["zsh", "-f", "-c", script], capture_output=True,
                          check=False, timeout=60)
    return re.findall(r"offered:(\S+)", said.stdout.decode())


def quote(text):
    return "'" + text.replace("'", "'\\''") + "'"


def everything(complete, prefixes=("",)):
    """Each command of each program is offered, and each of its options."""
    for name in PAGES:
        text = help_of(name)
        wanted = set(commands(text))
        check(wanted, f"commands of {name}")
        equal(set(complete(name, "")), wanted, f"{name}: commands")
        for command in sorted(wanted):
            below = help_of(name, command)
            options = set(complete(name, command, "--"))
            missing = set(long_options(below)) - options
            equal(missing, set(), f"{name} {command}: options")
            if below != text and "\ncommands:\n" in below:
                subs = set(commands(below))
                equal(set(complete(name, command, "")), subs,
                      f"{name} {command}: commands")
                for sub in sorted(subs):
                    missing = set(long_options(help_of(name, command, sub))) - \
                        set(complete(name, command, sub, "--"))
                    equal(missing, set(), f"{name} {command} {sub}: options")


@suite.test("bash: every command and option of every --help")
def _():
    everything(in_bash)


@suite.test("bash: values are files, directories or nothing; prefixes")
def _():
    files = {"directory", "file.age"}
    equal(set(in_bash("knothole", "seal", "-r", "")), files, "a file")
    equal(in_bash("knothole", "--vault", ""), ["directory"], "a directory")
    equal(in_bash("knothole", "import", ""), ["directory"], "a stick")
    equal(in_bash("knothole", "keygen", "--name", ""), [], "a name")
    equal(in_bash("knothole", "keygen", "--output", "=", "d"), ["directory"],
          "--output=d")
    equal(in_bash("knothole", "ext"), ["extract"], "a prefix")
    # A value that is called as a command is none.
    check("keygen" in in_bash("knothole", "--vault", "seal", ""), "passed over")
    check("--json" in in_bash("knothole", "--vault", "seal", "list", "--"),
          "the command behind it")
    equal(in_bash("knotholed", "-c", "f"), ["file.age"], "a configuration")


@suite.test("fish: every command and option of every --help")
def _():
    everything(in_fish)


@suite.test("fish: values are files, directories or nothing")
def _():
    offered = in_fish("knothole", "seal", "--recipient", "")
    check({"directory/", "file.age"} <= set(offered), offered)
    equal(in_fish("knothole", "import", "d"), ["directory/"], "a stick")
    equal(in_fish("knothole", "keygen", "--name", ""), [], "a name")


@suite.test("zsh: the syntax, and what is offered on a terminal")
def _():
    if not shutil.which("zsh"):
        raise Skip("zsh is not installed")
    for name in PAGES:
        said = run("zsh", "-n", f"{place}/zsh/_{name}")
        equal((said.returncode, said.stderr), (0, b""), name)
    wanted = set(commands(help_of("knothole")))
    offered = set(in_zsh("knothole", ""))
    check(wanted <= offered, f"missing: {wanted - offered}")
    offered = set(in_zsh("knothole", "seal", "--"))
    check(set(long_options(help_of("knothole", "seal"))) <= offered, offered)


@suite.test("the manual pages have every command and option of --help")
def _():
    for name, path in PAGES.items():
        with open(path, encoding="utf-8") as f:
            page = f.read()
        text = help_of(name)
        for command in commands(text):
            check(re.search(rf"^\.(?:Cm|It Cm|Ss) {command}\b", page, re.M) or
                  re.search(rf"\bCm {command}\b", page), f"{path}: {command}")
            below = help_of(name, command)
            words = [(command,)] + [(command, sub) for sub in commands(below)
                                    if below != text]
            for each in words:
                check(all(re.search(rf"\b{re.escape(w)}\b", page)
                          for w in each), f"{path}: {each}")
                for option in long_options(help_of(name, *each)):
                    if option != "--help":
                        check(re.search(rf"Fl -{option[2:]}\b", page),
                              f"{path}: {' '.join(each)} {option}")


suite.run()
