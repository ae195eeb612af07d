"""Somebody with OpenPGP keys: a GNUPGHOME and an agent of their own."""
import os
import subprocess

from lib.drop import BUILD, at_end, run
from lib.tap import Failure

MKCARD = os.path.join(BUILD, "tests", "mkcard")

# Name, primary key, subkey.
KINDS = (
    ("rsa3072", "rsa3072", "rsa3072"),
    ("rsa4096", "rsa4096", "rsa4096"),
    ("nistp256", "nistp256", "nistp256"),
    ("nistp384", "nistp384", "nistp384"),
    ("cv25519", "ed25519", "cv25519"),
)


class Person:
    def __init__(self, home):
        os.makedirs(home, mode=0o700)
        self.home = home
        self.environment = {**os.environ, "GNUPGHOME": home, "LC_ALL": "C.UTF-8"}
        at_end(self.end)

    def end(self):
        """End the agent that this home's gpg has started, and no other."""
        subprocess.run(
            ["gpgconf", "--homedir", self.home, "--kill", "all"],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
            check=False,
        )

    def gpg(self, *arguments, given=b""):
        done = subprocess.run(
            ["gpg", "-q", "--batch", "--no-tty", "--pinentry-mode", "loopback",
             "--passphrase", "", *arguments],
            input=given, capture_output=True, timeout=300, check=False,
            env=self.environment,
        )
        if done.returncode != 0:
            raise Failure(f"gpg {arguments}: {done.stderr.decode()}")
        return done.stdout

    def fingerprint(self, name):
        listed = self.gpg("--with-colons", "--list-keys", "=" + name)
        for line in listed.decode().splitlines():
            if line.startswith("fpr:"):
                return line.split(":")[9]
        raise Failure(f"no key {name}")

    def make(self, name, primary="ed25519", sub="cv25519", ends="2y", options=()):
        """A key that signs, and maybe a subkey that encrypts; its
        fingerprint."""
        self.gpg(*options, "--quick-gen-key", name, primary, "cert,sign", ends)
        fpr = self.fingerprint(name)
        if sub:
            self.gpg(*options, "--quick-add-key", fpr, sub, "encrypt", ends)
        return fpr

    def revoke(self, name):
        fpr = self.fingerprint(name)
        path = os.path.join(self.home, "openpgp-revocs.d", fpr + ".rev")
        with open(path, "rb") as f:
            self.gpg("--import", given=f.read().replace(b"\n:---", b"\n---"))

    def export(self, name, path, *options):
        with open(path, "wb") as f:
            f.write(self.gpg(*options, "--export-options", "export-minimal",
                             "--export", "=" + name))
        return path


def add_key(newsroom, key, to=None):
    """Put a key on a newsroom's card, whether or not it is any good."""
    made = run(MKCARD, newsroom.identity, newsroom.card,
               newsroom.card + ".new", "--openpgp", key)
    if made.returncode != 0:
        raise Failure(f"mkcard: {made.stderr.decode()}")
    os.rename(newsroom.card + ".new", newsroom.card)
    if to is not None:
        with open(newsroom.card, "rb") as f, open(
                os.path.join(to, newsroom.id + ".card"), "wb") as g:
            g.write(f.read())
