#!/usr/bin/env python3
"""Print a C header with the day of this source: no clock is right before it.

That of SOURCE_DATE_EPOCH if it is set, else of the last commit (a released
archive has it in .commit), else of the newest version in CHANGELOG.md: the same source gives the same day. To be called
in the source's top directory.
"""
import datetime
import os
import re
import subprocess
import sys

DAY = 86400
CHANGELOG = "CHANGELOG.md"


def of_environment():
    text = os.environ.get("SOURCE_DATE_EPOCH")
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,12}", text):
        sys.exit("source_date.py: SOURCE_DATE_EPOCH: not a number of seconds")
    return int(text)


def of_commit():
    """Of this repository; not of one that the source has been put into."""
    if not os.path.exists(".git"):
        return None
    try:
        told = subprocess.run(["git", "log", "-1", "--format=%ct"],
                              capture_output=True, text=True, check=False)
    except OSError:
        return None
    return int(told.stdout) if told.returncode == 0 and told.stdout else None


def of_archive():
    try:
        with open(".commit", encoding="ascii") as f:
            told = re.fullmatch(r"[0-9a-f]{40} ([0-9]{1,12})\n", f.read())
    except OSError:
        return None
    return int(told[1]) if told else None


def of_changelog():
    with open(CHANGELOG, encoding="utf-8") as f:
        days = re.findall(r"^## \[[\d.]+\] - (\d{4}-\d\d-\d\d)$", f.read(), re.M)
    if not days:
        sys.exit(f"source_date.py: {CHANGELOG}: no version has a date")
    day = datetime.datetime.fromisoformat(max(days))
    return int(day.replace(tzinfo=datetime.timezone.utc).timestamp())


def main():
    for found in (of_environment, of_archive, of_commit,
                  of_changelog):
        when = found()
        if when is not None:
            break
    when -= when % DAY
    day = datetime.datetime.fromtimestamp(when, datetime.timezone.utc)
    print(f"""/* Made by server/store/source_date.py. */
#define KH_SOURCE_DATE INT64_C({when}) /* {day:%Y-%m-%d} */""")


main()
