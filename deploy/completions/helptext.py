"""What a program's --help says about its commands and options.

The programs' help is the one table of what they take, so nothing can be in it
and not in the completions. Its form: usage lines up to the first blank line,
"commands:" with a name and a summary a line, options by two blanks or more.
"""
import re
import subprocess

OPTION = re.compile(
    r"^ {2,6}(?:(-\w), )?(--[a-z][\w-]*)(?: ([A-Z][\w|.-]*)(?=  |$))? +(.*)$")
COMMAND = re.compile(r"^ {2}([a-z][\w-]*) +(\S.*)$")
IN_USAGE = re.compile(r"(?<![\w-])(--[a-z][\w-]*)(?: ([A-Z]\w*))?")

# What stands for a value, and how it is completed. What is not listed is for
# the user alone: numbers, names, addresses, texts, aliases.
DIRECTORIES = {"DIR", "STICK"}
FILES = {"FILE", "IDENTITY", "CARD", "OBJECT", "R", "RECIPIENT", "KEY",
         "SHARE", "PUBKEY"}


class Option:
    def __init__(self, short, long, value, summary):
        self.names = [name for name in (short, long) if name]
        self.value = value
        self.summary = summary


class Command:
    """A program, or a command of one: its words, and what may follow them."""

    def __init__(self, words, summary, text):
        self.words = words
        self.summary = summary
        self.options = options(text, words)
        self.kind = kind_of(" ".join(positional(text)))
        self.commands = []

    def all(self):
        yield self
        for command in self.commands:
            yield from command.all()

    @property
    def path(self):
        return " ".join(self.words[1:])


def kind_of(value):
    """How to complete it: "files", "directories" or "nothing"."""
    words = set(re.findall(r"[A-Z]+", value or ""))
    if words & FILES:
        return "files"
    return "directories" if words & DIRECTORIES else "nothing"


def usage(text):
    """The usage as one string a form, without "usage:" and the program."""
    block = text.split("\n\n")[0].removeprefix("usage:")
    program = block.split()[0]
    forms = re.split(rf"(?:^|\n) *{re.escape(program)} ", block)
    return [" ".join(form.split()) for form in forms if form.split()]


def after(text, words):
    """Of each form of the usage that is for this command, what follows it."""
    for form in usage(text):
        tokens = form.split()
        if len(words) == 1:
            if not re.match(r"[a-z]", tokens[0]):
                yield form
            continue
        for number, token in enumerate(tokens):
            if words[-1] in token.split("|"):
                yield " ".join(tokens[number + 1:])
                break


def positional(text):
    """Words in capitals that are no option's value."""
    for form in usage(text):
        form = re.sub(r"-{1,2}[a-z][\w-]* [A-Z][\w|]*", " ", form)
        yield from re.findall(r"(?<![\w-])[A-Z]+", form)


def options(text, words):
    found = {}
    lines = text.splitlines()
    for number, line in enumerate(lines):
        m = OPTION.match(line)
        if not m:
            continue
        summary = m[4]
        for more in lines[number + 1:]:
            if not more.startswith(" " * 12) or OPTION.match(more):
                break
            summary += " " + more.strip()
        summary = re.split(r"[;.:(](?: |$)| \(", summary)[0].strip()
        found[m[2]] = Option(m[1], m[2], m[3], summary)
    for long, value in IN_USAGE.findall(" ".join(after(text, words))):
        found.setdefault(long, Option(None, long, value or None, ""))
    return list(found.values())


def named_commands(text, words):
    """(name, summary) of what may follow these words."""
    _, there, block = text.partition("\ncommands:\n")
    if there:
        for line in block.split("\n\n")[0].splitlines():
            m = COMMAND.match(line)
            if m:
                yield m.groups()
        return
    names = {}
    for form in usage(text):
        form = re.sub(r"\[[^]]*\]|--?[a-z][\w-]* [A-Z]\w*", " ", form).split()
        if form[:len(words) - 1] != words[1:]:
            continue
        after = form[len(words) - 1:]
        if after and re.fullmatch(r"[a-z][a-z-]*", after[0]):
            names[after[0]] = ""
    yield from names.items()


def read(program, words, summary="", above=""):
    """The program, with all its commands and theirs."""
    said = subprocess.run([program, *words[1:], "--help"], check=False,
                          capture_output=True, stdin=subprocess.DEVNULL)
    if said.returncode != 0:
        raise SystemExit(f"{' '.join(words)} --help: {said.stderr.decode()}")
    text = said.stdout.decode()
    command = Command(words, summary, text)
    # A command that shares its program's help has none below it.
    if text != above:
        for name, about in named_commands(text, words):
            command.commands.append(
                read(program, words + [name], about, text))
    return command
