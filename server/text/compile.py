#!/usr/bin/env python3
"""Compile the site's texts into a C table: the host needs no locale.

usage: compile.py OUT.c OUT.h

Reads knothole.pot, LINGUAS and one XX.po for each language named there but
English, which is the template itself. msgfmt checks syntax and placeholders.
COMPLETE languages must have every text: a missing one is an error. In the
others English stands for what is missing.
"""
import gettext
import os
import re
import subprocess
import sys
import tempfile

COMPLETE = ("en", "he", "ar")
HERE = os.path.dirname(os.path.abspath(__file__))
TEMPLATE = os.path.join(HERE, "knothole.pot")
HIDDEN = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def catalog(po, scratch):
    """{msgctxt: text} of what is translated and not fuzzy."""
    mo = os.path.join(scratch, "texts.mo")
    subprocess.run(
        ["msgfmt", "--check-format", "--check-domain", "-o", mo, po], check=True
    )
    with open(mo, "rb") as f:
        entries = gettext.GNUTranslations(f)._catalog
    return {
        key.split("\4")[0]: text
        for key, text in entries.items()
        if isinstance(key, str) and "\4" in key
    }


def outdated(po, template):
    """Contexts whose msgid in a .po file is not the template's any more."""
    return set(catalog_ids(po)) - set(catalog_ids(template))


def catalog_ids(po):
    """(msgctxt, msgid) pairs, from msgcat's own canonical output."""
    out = subprocess.run(
        ["msgcat", "--no-wrap", "--no-location", po],
        check=True, stdout=subprocess.PIPE,
    ).stdout.decode()
    return re.findall(r'^msgctxt "(.*)"\nmsgid "(.*)"$', out, re.M)


def load(scratch):
    english = os.path.join(scratch, "en.po")
    subprocess.run(["msgen", "-o", english, TEMPLATE], check=True)
    texts = {"en": catalog(english, scratch)}
    with open(os.path.join(HERE, "LINGUAS"), encoding="ascii") as f:
        languages = f.read().split()
    for lang in languages[1:]:
        po = os.path.join(HERE, lang + ".po")
        old = outdated(po, TEMPLATE)
        if old:
            names = ", ".join(sorted(context for context, _ in old))
            sys.exit(f"{po}: not in knothole.pot as it is now: {names}")
        texts[lang] = catalog(po, scratch)
    return languages, texts


def check(languages, texts):
    for lang in languages:
        missing = sorted(set(texts["en"]) - set(texts[lang]))
        if lang in COMPLETE and missing:
            sys.exit(f"{lang}: not translated: {', '.join(missing)}")
        for context, text in texts[lang].items():
            if HIDDEN.search(text):
                sys.exit(f"{lang}: {context}: a hidden direction mark")
        if texts[lang].get("lang.dir") not in ("ltr", "rtl"):
            sys.exit(f"{lang}: lang.dir must be ltr or rtl")
        if not texts[lang].get("lang.name"):
            sys.exit(f"{lang}: lang.name is missing")


def c_string(text):
    quoted = []
    for byte in text.encode("utf-8"):
        if byte in b'"\\' or not 0x20 <= byte < 0x7F:
            quoted.append(f"\\{byte:03o}")
        else:
            quoted.append(chr(byte))
    return '"' + "".join(quoted) + '"'


def identifier(context):
    return re.sub(r"[^A-Z0-9]", "_", context.upper())


def write_header(out, languages, contexts):
    out.write("/* Made by server/text/compile.py. */\n")
    out.write("#ifndef KNOTHOLED_TEXT_IDS_H\n#define KNOTHOLED_TEXT_IDS_H\n\n")
    out.write("enum kh_lang {\n")
    for lang in languages:
        out.write(f"\tKH_LANG_{lang.upper()},\n")
    out.write("\tKH_LANG_N\n};\n\nenum kh_text {\n")
    for context in contexts:
        out.write(f"\tKH_T_{identifier(context)},\n")
    out.write("\tKH_TEXT_N\n};\n\n#endif\n")


def write_table(out, languages, contexts, texts):
    out.write("/* Made by server/text/compile.py. */\n")
    out.write('#include "server/text/text.h"\n\n')
    out.write("const char *const kh_lang_codes[KH_LANG_N] = {")
    out.write(", ".join(f'"{lang}"' for lang in languages) + "};\n\n")
    out.write("const char *const kh_texts[KH_LANG_N][KH_TEXT_N] = {\n")
    for lang in languages:
        out.write("{\n")
        for context in contexts:
            text = texts[lang].get(context, texts["en"][context])
            out.write(f"\t{c_string(text)},\n")
        out.write("},\n")
    out.write("};\n")


def main():
    table, header = sys.argv[1:]
    with tempfile.TemporaryDirectory() as scratch:
        try:
            languages, texts = load(scratch)
        except subprocess.CalledProcessError as error:  # it has said why
            sys.exit(f"{error.cmd[0]} does not take {error.cmd[-1]}")
    check(languages, texts)
    contexts = sorted(texts["en"])
    with open(header, "w", encoding="ascii") as out:
        write_header(out, languages, contexts)
    with open(table, "w", encoding="ascii") as out:
        write_table(out, languages, contexts, texts)


if __name__ == "__main__":
    main()
