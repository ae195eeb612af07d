"""A disk of a test's own: an image with a file system, mounted where nobody else
sees it."""
import os
import shutil
import subprocess
import sys

from lib.drop import run
from lib.tap import Failure, wait_for

MARK = "KNOTHOLE_OWN_MOUNTS"


def own_mounts(*programs):
    """Go on in a mount namespace of our own, which takes its mounts and loop
    devices with it when the last process ends, however it ends. Says why not,
    and ends the program, where that cannot be."""
    missing = [p for p in ("unshare", "mkfs.ext4", *programs)
               if not shutil.which(p)]
    if os.environ.get("KNOTHOLE_SANITIZED"):
        why = "sanitizers need more memory and time than this has"
    elif os.geteuid() != 0:
        why = "mounting needs root"
    elif missing:
        why = f"{', '.join(missing)} not installed"
    elif os.environ.get(MARK):
        return
    else:
        tried = run("unshare", "--mount", "--propagation", "private", "true")
        if tried.returncode == 0:
            os.environ[MARK] = "1"
            os.execvp("unshare", [
                "unshare", "--mount", "--propagation", "private",
                sys.executable, *sys.argv])
        why = "no mount namespace can be made here"
    print(f"1..0 # skip {why}")
    sys.exit(0)


def must(*command):
    ended = run(*command)
    if ended.returncode != 0:
        raise Failure(f"{' '.join(command)}: {ended.stderr.decode()}")
    return ended.stdout


def make_image(path, size, *options):
    with open(path, "wb") as f:
        f.truncate(size)
    must("mkfs.ext4", "-q", "-F", "-m", "0", *options, path)


def mount(path, where, *options):
    os.makedirs(where, exist_ok=True)
    ended = subprocess.run(
        ["mount", "-o", ",".join(("loop", *options)), path, where],
        capture_output=True, check=False)
    if ended.returncode != 0:
        print("1..0 # skip no loop device can be mounted here: "
              + ended.stderr.decode().strip().replace("\n", " "))
        sys.exit(0)


def unmount(*where):
    """The last process that uses it may take a moment to end."""
    for path in where:
        wait_for(f"{path} is unmounted",
                 lambda p=path: run("umount", p).returncode == 0)


def written(path):
    """All of an image that was ever written, holes left out."""
    parts, at = [], 0
    with open(path, "rb") as f:
        end = os.fstat(f.fileno()).st_size
        while at < end:
            try:
                at = os.lseek(f.fileno(), at, os.SEEK_DATA)
            except OSError:
                break
            stop = os.lseek(f.fileno(), at, os.SEEK_HOLE)
            parts.append(os.pread(f.fileno(), stop - at, at))
            at = stop
    return b"".join(parts)
