"""Chromium, through the program in chromium.mjs."""
import json
import os
import subprocess

from web.browser import Browser, Gone

HERE = os.path.dirname(os.path.abspath(__file__))


class Chromium(Browser):
    name = "chromium"

    def __init__(self, profile, script="off", proxy=None):
        build = os.path.abspath(os.environ.get("KNOTHOLE_BUILD", "build"))
        self.process = subprocess.Popen(
            ["node", os.path.join(HERE, "chromium.mjs"),
             os.path.join(build, "browser"), profile, script,
             *([f"socks5://127.0.0.1:{proxy}"] if proxy else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def _do(self, verb, **arguments):
        self.process.stdin.write(json.dumps({"verb": verb, **arguments}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"chromium has ended ({verb})")
        answer = json.loads(line)
        if "error" in answer:
            raise Gone(f"{verb}: {answer['error'][:2000]}")
        return answer["value"]

    def version(self):
        return self._do("version")

    def _open(self, url):
        self._do("open", url=url)

    def _reload(self):
        self._do("reload")

    def _back(self):
        self._do("back")

    def url(self):
        return self._do("url")

    def evaluate(self, body, arg=None, frame=None):
        return self._do("evaluate", body=body, arg=arg, frame=frame)

    def click(self, css, nth=0, frame=None):
        self._do("click", css=css, nth=nth, frame=frame)

    def double_click(self, css):
        self._do("dblclick", css=css)

    def type(self, css, text, frame=None):
        self._do("type", css=css, text=text, frame=frame)

    def files(self, css, paths, nth=0):
        self._do("files", css=css, paths=paths, nth=nth)

    def key(self, key):
        self._do("key", key=key)

    def size(self, width, height=900):
        self._do("size", width=width, height=height)

    def media(self, scheme="light", media=None):
        self._do("media", scheme=scheme, media=media)

    def shot(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self._do("shot", path=path)

    def documents(self):
        """The HTML documents since the last call, as they arrived."""
        return self._do("documents")

    def axe(self, tags):
        return self._do("axe", tags=tags)

    def validate(self, html, config):
        return self._do("validate", html=html, config=config)

    def quit(self):
        self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
