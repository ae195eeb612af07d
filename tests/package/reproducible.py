#!/usr/bin/env python3
"""The archive and the packages, made a second time: in another folder, by
another user, in another locale and time zone, at another time, with another
umask. The same bytes."""
import glob
import hashlib
import os
import shutil
import subprocess
import tempfile

from place import BUILD, Suite, done, equal, tarball, version
from lib.tap import Skip, check

suite = Suite()
place = tempfile.mkdtemp(prefix="knothole-test-")
suite.cleanup(lambda: shutil.rmtree(place, ignore_errors=True))
NOBODY = 61199  # a user that no distribution gives out


def digests(pattern):
    found = {}
    for path in glob.glob(pattern):
        with open(path, "rb") as f:
            found[os.path.basename(path)] = hashlib.sha256(f.read()).hexdigest()
    return found


def otherwise(*command, directory, clock=True):
    """Run it as differently as can be arranged here."""
    if os.geteuid() != 0 or not shutil.which("faketime"):
        raise Skip("needs root and faketime")
    environment = {"PATH": "/usr/bin:/bin:/usr/sbin", "HOME": place,
                   "LANG": "C.UTF-8", "LC_ALL": "tr_TR.UTF-8", "LANGUAGE": "tr",
                   "TZ": "Pacific/Kiritimati", "USER": "somebody",
                   "XZ_OPT": "-9", "TAR_OPTIONS": "--format=pax",
                   "DEB_BUILD_OPTIONS": "nocheck parallel=3"}
    command = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY),
               "--clear-groups", "bash", "-c", 'umask 077; exec "$@"', "bash",
               *(["faketime", "-f", "+400d"] if clock else []), *command]
    done(*command, cwd=directory, env=environment)


def own(path):
    done("chown", "-R", f"{NOBODY}:{NOBODY}", path)


@suite.test("make dist: the same archive from another clone, and from itself")
def _():
    if not os.path.exists(".git"):
        raise Skip("not a git repository")
    clone = os.path.join(place, "a folder")
    os.chmod(place, 0o755)
    done("git", "-c", "safe.directory=*", "clone", "-q", ".", clone)
    done("git", "-C", clone, "config", "tar.umask", "user")
    done("git", "-C", clone, "config", "core.autocrlf", "true")
    own(clone)
    otherwise("deploy/release/dist", version(), "out.tar.xz", directory=clone)
    one = digests(tarball())
    check(one, "no archive; make dist")
    equal(list(digests(f"{clone}/out.tar.xz").values()), list(one.values()),
          "from a clone")
    unpacked = os.path.join(place, "unpacked")
    os.mkdir(unpacked)
    done("tar", "-xf", tarball(), "-C", unpacked)
    own(unpacked)
    otherwise("deploy/release/dist", version(), os.path.join(unpacked, "o.tar.xz"),
              directory=os.path.join(unpacked, f"knothole-{version()}"))
    equal(list(digests(f"{unpacked}/o.tar.xz").values()), list(one.values()),
          "from the archive itself")


@suite.test("make deb: the same packages, byte by byte")
def _():
    work = os.path.join(place, "Türkçe", "x" * 40)
    os.makedirs(work)
    os.chmod(place, 0o755)
    shutil.copy(tarball(), work)
    shutil.copy("deploy/release/deb", work)
    own(os.path.join(place, "Türkçe"))
    otherwise("./deb", os.path.basename(tarball()), "out", directory=work)
    first = digests(f"{BUILD}/deb/*.deb")
    check(len(first) >= 5, f"packages: {sorted(first)}")
    second = digests(f"{work}/out/*.deb")
    equal(sorted(second), sorted(first), "packages")
    for name, digest in first.items():
        if second[name] != digest:
            why = subprocess.run(
                ["cmp", f"{BUILD}/deb/{name}", f"{work}/out/{name}"],
                capture_output=True, check=False).stdout
            equal(second[name], digest, f"{name} ({why!r})")


suite.run()
