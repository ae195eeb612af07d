"""Firefox, through its own Marionette protocol: JSON with a length before it,
over TCP on loopback. It works with javascript.enabled=false, as what it runs
in a page it runs with the browser's own rights."""
import base64
import json
import os
import socket
import subprocess
import time

from web.browser import Browser, Gone

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Space": " "}
CENTRE = """
const e = document.querySelectorAll(arg[0])[arg[1]];
e.scrollIntoView({block: "center"});
const box = e.getBoundingClientRect();
return [box.left + box.width / 2, box.top + box.height / 2];
"""
CORNER = """
const box = document.querySelector(arg).getBoundingClientRect();
return [box.left, box.top];
"""
PREFERENCES = {
    "javascript.enabled": False,
    "marionette.port": 0,
    "network.proxy.type": 0,
    # It keeps to itself.
    "app.update.enabled": False,
    "app.normandy.enabled": False,
    "app.shield.optoutstudies.enabled": False,
    "browser.newtabpage.enabled": False,
    "browser.safebrowsing.blockedURIs.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.safebrowsing.downloads.enabled": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.server": "data:,",
    # Dark or light as the test says, whatever the desktop.
    "layout.css.prefers-color-scheme.content-override": 1,
}

# As Tor Browser does it: names, .onion ones too, are the proxy's business.
THROUGH_TOR = {
    "network.proxy.type": 1,
    "network.proxy.socks": "127.0.0.1",
    "network.proxy.socks_version": 5,
    "network.proxy.socks_remote_dns": True,
    "network.dns.blockDotOnion": False,
    "dom.securecontext.allowlist_onions": True,
}


class Firefox(Browser):
    name = "firefox"

    def __init__(self, profile, proxy=None):
        preferences = dict(PREFERENCES)
        if proxy:
            preferences |= {**THROUGH_TOR, "network.proxy.socks_port": proxy}
        with open(os.path.join(profile, "user.js"), "w", encoding="utf-8") as f:
            for name, value in preferences.items():
                f.write(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n")
        self.process = subprocess.Popen(
            [os.environ.get("FIREFOX", "/usr/bin/firefox-esr"), "--headless",
             "--no-remote", "--marionette", "--profile", profile],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": profile},
        )
        self.last = 0
        self.wire = self._connect(os.path.join(profile, "MarionetteActivePort"))
        self.reader = self.wire.makefile("rb")
        self._receive()  # its greeting
        session = self._do("WebDriver:NewSession", pageLoadStrategy="none",
                           unhandledPromptBehavior="accept")
        self.agent = session["capabilities"]["browserVersion"]

    def _connect(self, path):
        end = time.monotonic() + 120
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            if os.path.exists(path):
                with open(path, encoding="ascii") as f:
                    port = f.read()
                if port:
                    wire = socket.create_connection(("127.0.0.1", int(port)))
                    wire.settimeout(120)
                    return wire
            time.sleep(0.1)
        raise RuntimeError("firefox did not start")

    def _receive(self):
        length = b""
        while (byte := self.reader.read(1)) != b":":
            if not byte:
                raise RuntimeError("firefox has ended")
            length += byte
        return json.loads(self.reader.read(int(length)))

    def _do(self, command, **arguments):
        self.last += 1
        data = json.dumps([0, self.last, command, arguments]).encode()
        self.wire.sendall(str(len(data)).encode() + b":" + data)
        _, number, error, value = self._receive()
        if number != self.last:
            raise RuntimeError(f"firefox answers out of order: {command}")
        if error:
            raise Gone(f"{command}: {error['error']}: {error['message']}")
        return value

    def _switch(self, frame):
        self._do("WebDriver:SwitchToFrame", id=None)
        if frame:
            found = self._do("WebDriver:FindElement", using="css selector",
                             value=frame)
            self._do("WebDriver:SwitchToFrame",
                     element=found["value"][ELEMENT])

    def _element(self, css, nth, frame):
        self._switch(frame)
        found = self._do("WebDriver:FindElements", using="css selector",
                         value=css)
        if len(found) <= nth:
            raise Gone(f"no {css}")
        return found[nth][ELEMENT]

    def version(self):
        return "Firefox " + self.agent

    def _open(self, url):
        self._switch(None)
        self._do("WebDriver:Navigate", url=url)

    def _reload(self):
        self._switch(None)
        self._do("WebDriver:Refresh")

    def _back(self):
        self._switch(None)
        self._do("WebDriver:Back")

    def url(self):
        self._switch(None)
        return self._do("WebDriver:GetCurrentURL")["value"]

    def evaluate(self, body, arg=None, frame=None):
        self._switch(frame)
        script = f"const arg = arguments[0]; {body}"
        return self._do("WebDriver:ExecuteScript", script=script,
                        args=[arg])["value"]

    def click(self, css, nth=0, frame=None):
        element = self._element(css, nth, frame)
        if not frame:
            self._do("WebDriver:ElementClick", id=element)
            return
        # Marionette's click does not reach a frame that is still arriving; a
        # real one, on the page around it, does.
        inner = self.evaluate(CENTRE, [css, nth], frame)
        outer = self.evaluate(CORNER, frame)
        self._switch(None)
        self._pointer({"x": round(outer[0] + inner[0]),
                       "y": round(outer[1] + inner[1])}, 1)

    def _pointer(self, where, clicks):
        press = [{"type": "pointerDown", "button": 0},
                 {"type": "pointerUp", "button": 0}]
        self._do("WebDriver:PerformActions", actions=[
            {"type": "pointer", "id": "mouse",
             "actions": [{"type": "pointerMove", **where}] + press * clicks}
        ])

    def double_click(self, css):
        element = self._element(css, 0, None)
        self.evaluate("document.querySelector(arg).scrollIntoView()", css)
        self._pointer({"x": 0, "y": 0, "origin": {ELEMENT: element}}, 2)

    def type(self, css, text, frame=None):
        element = self._element(css, 0, frame)
        self._do("WebDriver:ElementClear", id=element)
        self._do("WebDriver:ElementSendKeys", id=element, text=text)

    def files(self, css, paths, nth=0):
        self._do("WebDriver:ElementSendKeys",
                 id=self._element(css, nth, None), text="\n".join(paths))

    def key(self, key):
        self._switch(None)
        value = KEYS.get(key, key)
        self._do("WebDriver:PerformActions", actions=[
            {"type": "key", "id": "keyboard", "actions": [
                {"type": "keyDown", "value": value},
                {"type": "keyUp", "value": value}]}
        ])

    def size(self, width, height=900):
        self._do("WebDriver:SetWindowRect", width=width, height=height)

    def shot(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self._switch(None)
        data = self._do("WebDriver:TakeScreenshot", full=True)["value"]
        with open(path, "wb") as f:
            f.write(base64.b64decode(data))

    def quit(self):
        try:
            self._do("Marionette:Quit", flags=["eForceQuit"])
            self.process.wait(30)
        except (Gone, RuntimeError, OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
