"""Browsers that show text only: a person's keys, in a terminal of tmux's."""
import os
import re
import shutil
import subprocess
import time

from web.source import Site

from lib.drop import at_end, workplace
from lib.tap import Failure, Skip, Suite, equal, wait_for

suite = Suite()
site = Site().start()
base = workplace()
BUTTON = {"en": "^Send$", "he": "^שליחה$"}
MESSAGE = "From a text browser: שלום, مرحبا."


class Terminal:
    """A program in a terminal of its own."""

    opened = 0

    def __init__(self, *command):
        for program in ("tmux", command[0]):
            if not shutil.which(program):
                raise Skip(f"{program} is not installed")
        Terminal.opened += 1
        self.socket = os.path.join(base, f"tmux{Terminal.opened}")
        at_end(self.close)
        # Its editor writes the message and is gone.
        editor = os.path.join(base, "editor")
        with open(editor, "w", encoding="utf-8") as f:
            f.write('#!/bin/sh\nprintf "%s\\n" "$MESSAGE" >"$1"\n')
        os.chmod(editor, 0o700)
        environment = {
            "HOME": base, "PATH": os.environ["PATH"], "LANG": "C.UTF-8",
            "EDITOR": editor, "MESSAGE": MESSAGE, "TERM": "xterm",
        }
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y",
                  "200", *command, env=environment)

    def tmux(self, *arguments, env=None):
        done = subprocess.run(
            ["tmux", "-u", "-S", self.socket, *arguments], env=env,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
            check=False,
        )
        if done.returncode != 0:
            raise Failure(f"tmux {arguments}: {done.stderr.decode()}")
        return done.stdout.decode()

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def shows(self, pattern):
        """Wait until the screen shows this; the match."""
        try:
            return wait_for(pattern, lambda: re.search(pattern, self.screen()))
        except Failure as failure:
            raise Failure(f"{failure}:\n{self.screen()}") from None

    def settled(self):
        """The screen once it no longer changes."""
        before = None
        while (now := self.screen()) != before:
            before = now
            time.sleep(0.2)
        return now

    def find(self, pattern):
        """Move to the next place with this."""
        self.keys("/")
        self.settled()
        self.keys("-l", pattern)
        self.keys("Enter")
        self.settled()

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def close(self):
        try:
            self.tmux("kill-server")
        except Failure:
            pass  # it has ended


def code_on(terminal):
    """The eight words, which are on one line."""
    return terminal.shows(r"(?m)^\W*((?:[a-z-]+ ){7}[a-z-]+)\W*$")[1]


def w3m(path):
    """Send by w3m; the code that it shows."""
    terminal = Terminal("w3m", "-no-cookie", site.url + path)
    terminal.shows("The Example Drop")
    # The text field is the first thing to stop at. Enter opens the editor.
    terminal.keys("Tab", "Enter")
    terminal.shows(r"(?m)^\[From a text browser")
    terminal.find(BUTTON[path[1:3]])
    terminal.keys("Enter")
    code = code_on(terminal)
    terminal.close()
    return code


def lynx(path):
    """Send by lynx; the code that it shows."""
    settings = os.path.join(base, "lynx.cfg")
    with open(settings, "w", encoding="ascii") as f:
        f.write("HTTP_PROTOCOL:1.1\nCHARACTER_SET:utf-8\n")
    terminal = Terminal("lynx", "-cfg=" + settings, site.url + path)
    terminal.shows("The Example Drop")
    terminal.keys("Down")
    terminal.shows("Textarea")
    terminal.keys("-l", MESSAGE)
    for _ in range(60):
        terminal.keys("Down")
        # The last lines say what one is on.
        if "submit button" in terminal.settled():
            break
    terminal.keys("Enter")
    code = code_on(terminal)
    terminal.close()
    return code


def sends(browser, path):
    site.forget()
    code = browser(path)
    site.idle()
    (sealed,) = site.objects()
    for newsroom in range(len(site.newsrooms)):
        out = site.extract(sealed, newsroom)
        equal(out.message.decode().strip(), MESSAGE, "message")
        equal((out.names, out.manifest["complete"]), ([], True), "the rest")
    site.answer(code, 0, "received")  # it is a code: the check word fits


for each in ("/en/send", "/en/send?plain=1", "/he/send"):
    @suite.test(f"w3m sends a message by {each}, as it is")
    def _(path=each):
        site.relay.newer = False
        sends(w3m, path)

    @suite.test(f"w3m sends a message by {each}, its HTTP/1.0 made 1.1")
    def _(path=each):
        site.relay.newer = True
        sends(w3m, path)

    @suite.test(f"lynx sends a message by {each}, set to HTTP/1.1")
    def _(path=each):
        site.relay.newer = False
        sends(lynx, path)


suite.run()
