"""Tests that print TAP: a plan, a line for each test, and why one failed."""
import sys
import time
import traceback


class Skip(Exception):
    """This test cannot run here; the text says why."""


class Failure(AssertionError):
    """Something is not as it must be."""


def check(condition, what):
    if not condition:
        raise Failure(what)


def equal(got, wanted, what):
    if got != wanted:
        raise Failure(f"{what}: got {shorten(got)}, not {shorten(wanted)}")


def shorten(value, limit=400):
    text = repr(value)
    return text if len(text) <= limit else text[:limit] + "..."


def wait_for(what, condition, seconds=30):
    """Poll until `condition()` is true; its value. Fails after `seconds`,
    which is a bound against hanging, not a claim about speed."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(0.02)


class Suite:
    def __init__(self):
        self.tests = []
        self.cleanups = []

    def test(self, text):
        def add(function):
            self.tests.append((text, function))
            return function

        return add

    def cleanup(self, function):
        self.cleanups.append(function)
        return function

    def figure(self, text):
        """A figure that the runner shows."""
        print("## " + text, flush=True)

    def run(self):
        failed = 0
        print(f"1..{len(self.tests)}", flush=True)
        for number, (text, function) in enumerate(self.tests, 1):
            line, why = f"ok {number} - {text}", ""
            began = time.monotonic()
            try:
                function()
            except Skip as skip:
                line += f" # skip {skip}"
            except Failure as failure:
                why = str(failure)
                where = traceback.extract_tb(failure.__traceback__)
                why += "".join(f"\n{f.filename}:{f.lineno}" for f in where)
            except Exception:  # a test that breaks has failed
                why = traceback.format_exc()
            if why:
                failed += 1
                line = "not " + line
            print(line, flush=True)
            for part in why.splitlines():
                print("# " + part, flush=True)
            spent = time.monotonic() - began
            if spent > 5:
                print(f"# took {spent:.1f} s", flush=True)
        for function in reversed(self.cleanups):
            function()
        sys.exit(1 if failed else 0)
