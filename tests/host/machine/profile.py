"""An AppArmor profile's rules for files, as regular expressions: enough of
apparmor.d(5) to say what a profile would have refused. apparmor_parser reads
the same profile in units.py; this does not replace it."""
import glob
import os
import re

ETC = "/etc/apparmor.d"
RULE = re.compile(
    r'^\s*(?P<words>(?:(?:audit|owner|allow|deny)\s+)*)'
    r'"?(?P<path>(?:/|@\{)[^\s"]*)"?\s+(?P<rights>[a-zA-Z]+)\s*,')
INCLUDE = re.compile(r'^\s*#?include\s+(?:if\s+exists\s+)?[<"]([^>"]+)[>"]')
VARIABLE = re.compile(r"^\s*(@\{\w+\})\s*\+?=\s*(.*)$")


def lines_of(path):
    """Of a file and of all that it includes."""
    with open(path, encoding="utf-8") as f:
        for line in f:
            included = INCLUDE.match(line)
            if not included:
                yield line
                continue
            where = os.path.join(ETC, included[1])
            for name in (sorted(glob.glob(where + "/*"))
                         if os.path.isdir(where) else [where]):
                if os.path.isfile(name):
                    yield from lines_of(name)


class Profile:
    def __init__(self, path):
        self.values = {}
        self.rules = []
        for line in lines_of(path):
            self.take(line)

    def take(self, line):
        variable = VARIABLE.match(line)
        if variable:
            values = re.findall(r'"[^"]*"|\S+', variable[2].split(" #")[0])
            self.values.setdefault(variable[1], []).extend(
                v.strip('"') for v in values)
            return
        rule = RULE.match(line)
        if rule:
            self.rules.append((re.compile(self.expression(rule["path"])),
                               set(rule["rights"]),
                               "deny" in rule["words"].split()))

    def expression(self, text):
        """The text of a path with its globs, as a regular expression."""
        found = re.sub("//+", "/", self.expand(text))
        out, depth = "", 0
        for part in re.findall(r"\*\*|\[[^\]]*\]|\\.|.", found):
            if part == "{":
                depth += 1
                out += "(?:"
            elif part == "}":
                depth -= 1
                out += ")"
            elif part == "," and depth:
                out += "|"
            elif part in ("*", "**", "?"):
                out += {"*": "[^/]*", "**": ".*", "?": "[^/]"}[part]
            elif part[0] == "[":
                out += part.replace("[^", "[^/")
            else:
                out += re.escape(part[-1])
        return out + r"\Z"

    def expand(self, text):
        for name in re.findall(r"@\{\w+\}", text):
            values = [self.expand(v.rstrip("/"))
                      for v in self.values.get(name, ())]
            if values:
                text = text.replace(name, "{%s}" % ",".join(values))
        return text

    def lacks(self, path, wanted):
        """Those of the wanted rights that it does not give."""
        given, taken = set(), set()
        for expression, rights, deny in self.rules:
            if expression.match(path):
                (taken if deny else given).update(rights)
        return set(wanted) - (given - taken)
