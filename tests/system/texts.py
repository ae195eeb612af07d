"""The site's texts: what is wrong with a translation stops the build. Each test
spoils a copy of server/text/ and runs the compiler in it."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

from lib.tap import Skip, Suite, check, equal

HERE = "server/text"
HIDDEN = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e" \
         "\u2066\u2067\u2068\u2069"

suite = Suite()
scratch = tempfile.mkdtemp(prefix="knothole-texts-")


@suite.cleanup
def _():
    shutil.rmtree(scratch)


class Copy:
    made = 0

    def __init__(self):
        if shutil.which("msgfmt") is None:
            raise Skip("gettext is not installed")
        Copy.made += 1
        self.where = os.path.join(scratch, f"text{Copy.made}")
        shutil.copytree(HERE, self.where)

    def path(self, name):
        return os.path.join(self.where, name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as f:
            return f.read()

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)

    def entry(self, name, context):
        """The entry of this context, up to the empty line behind it."""
        text = self.read(name)
        found = re.search(
            rf'((?:#[^\n]*\n)*msgctxt "{re.escape(context)}"\n.*?)(?:\n\n|\Z)',
            text, re.S,
        )
        check(found, f"{context} is not in {name}")
        return found[1]

    def change(self, name, context, pattern, by):
        """Replace in one entry, in which the pattern must be once."""
        old = self.entry(name, context)
        new, n = re.subn(pattern, lambda unused: by, old, flags=re.S)
        equal(n, 1, f"places of {pattern!r} in {old!r}")
        check(new != old, "nothing has changed")
        self.write(name, self.read(name).replace(old, new))

    def translation(self, name, context, text):
        self.change(name, context, r'\nmsgstr ".*', f'\nmsgstr "{text}"')

    def compile(self):
        table, header = self.path("out.c"), self.path("out.h")
        done = subprocess.run(
            [sys.executable, self.path("compile.py"), table, header],
            stdin=subprocess.DEVNULL, capture_output=True, check=False,
            timeout=60,
        )
        said = done.stderr.decode() + done.stdout.decode()
        if done.returncode == 0:
            check(os.path.getsize(table) > 1000, "the table is there")
            check(os.path.getsize(header) > 1000, "the header is there")
        else:
            check(not os.path.exists(table), "a table in spite of it")
        return done.returncode, said

    def fails(self, *words):
        status, said = self.compile()
        check(status != 0, f"it was taken; it should have said {words}")
        for word in words:
            check(word in said, f"{word!r} is not in {said!r}")
        check("Traceback" not in said,
              f"it breaks instead of telling: {said}")

    def works(self):
        status, said = self.compile()
        equal(status, 0, f"exit status ({said})")
        with open(self.path("out.c"), encoding="utf-8") as f:
            return f.read()


@suite.test("as they are they compile, twice to the same bytes")
def _():
    table = Copy().works()
    equal(Copy().works(), table, "a second time")
    for lang in ("en", "he", "ar", "fr", "es", "de", "ru", "fa"):
        check(f'"{lang}"' in table, f"{lang} is in the table")


@suite.test("L30: a text that Hebrew or Arabic lack fails the build")
def test_l30_missing():
    for lang in ("he", "ar"):
        for context in ("receipt.leave", "send.go"):
            copy = Copy()
            copy.translation(lang + ".po", context, "")
            copy.fails(f"{lang}: not translated: {context}")
            # the whole entry is gone
            copy = Copy()
            text = copy.read(lang + ".po")
            copy.write(lang + ".po",
                       text.replace(copy.entry(lang + ".po", context), ""))
            copy.fails(f"{lang}: not translated: {context}")
            # and one that nobody has looked at since it changed
            copy = Copy()
            copy.change(lang + ".po", context, r"msgctxt", "#, fuzzy\nmsgctxt")
            copy.fails(f"{lang}: not translated: {context}")


@suite.test("in the other languages English stands for what is missing")
def _():
    for lang in ("fr", "es", "de", "ru", "fa"):
        copy = Copy()
        before = copy.works()
        english = "Destroy other notes about this."
        check(english in before, "the English text is in the table")
        copy.translation(lang + ".po", "leave.notes", "")
        equal(copy.works().count(english), before.count(english) + 1,
              f"{lang}: English stands for it")


@suite.test("L30: placeholders that differ fail the build")
def test_l30_placeholders():
    for lang in ("he", "ar", "fr", "es", "de", "ru", "fa"):
        for by in ("{nn}", "{}", "", "{n} {k}", "{N}"):
            copy = Copy()
            old = copy.entry(lang + ".po", "receipt.sealed")
            text = re.sub(r'(msgstr.*)\{n\}', lambda m, b=by: m[1] + b, old,
                          flags=re.S)
            check(text != old, "nothing has changed")
            copy.write(lang + ".po",
                       copy.read(lang + ".po").replace(old, text))
            copy.fails(f"{lang}.po")


@suite.test("every text with a placeholder is marked, so that msgfmt looks at it")
def _():
    copy = Copy()
    for name in sorted(os.listdir(copy.where)):
        if not name.endswith((".po", ".pot")):
            continue
        for entry in copy.read(name).split("\n\n"):
            found = re.search(r'^msgctxt "(.*)"$', entry, re.M)
            if found and re.search(r"^(msgid|msgstr)?.*\{\w+\}",
                                   entry[found.end():], re.M):
                check("python-brace-format" in entry,
                      f"{name}: {found[1]} is not marked")


@suite.test("L30: a hidden direction mark fails the build, whichever it is")
def test_l30_hidden():
    for i, mark in enumerate(HIDDEN):
        lang = ("he", "ar", "fr", "de")[i % 4]
        copy = Copy()
        copy.translation(lang + ".po", "send.go", f"a{mark}b")
        copy.fails(f"{lang}: send.go: a hidden direction mark")
    for mark in HIDDEN[:2]:
        copy = Copy()
        copy.change("knothole.pot", "receipt.leave", "Are you done",
                    f"Are {mark}you done")
        copy.fails("a")


@suite.test("L30: an entry for a text that has changed since fails the build")
def test_l30_outdated():
    for lang in ("he", "fr"):
        copy = Copy()
        copy.change(lang + ".po", "send.go", r'msgid "Send"', 'msgid "Sent"')
        copy.fails(f"{lang}.po", "not in knothole.pot as it is now", "send.go")
        copy = Copy()
        copy.write(lang + ".po", copy.read(lang + ".po")
                   + '\nmsgctxt "old.one"\nmsgid "Gone"\nmsgstr "x"\n')
        copy.fails("not in knothole.pot as it is now", "old.one")
    copy = Copy()
    copy.change("knothole.pot", "send.go", r'msgid "Send"', 'msgid "Submit"')
    copy.fails("not in knothole.pot as it is now", "send.go")


@suite.test("a long text that has changed is noticed too")
def _():
    copy = Copy()
    copy.change("knothole.pot", "help.can.no", "take from|person that watches",
                "person who watches")
    copy.fails("not in knothole.pot as it is now", "help.can.no")


@suite.test("a language without direction or name fails the build")
def _():
    for context, text, word in (("lang.dir", "up", "lang.dir"),
                                ("lang.dir", "", "lang.dir"),
                                ("lang.name", "", "lang.name")):
        copy = Copy()
        copy.translation("fr.po", context, text)
        copy.fails(word)


@suite.test("syntax that gettext does not take fails the build")
def _():
    copy = Copy()
    copy.write("he.po", copy.read("he.po") + '\nmsgid "x\nmsgstr "y"\n')
    copy.fails("he.po")


suite.run()
