"""A small ext4 image on a loop device, and what lies where in it."""
import os
import re
import shutil
import subprocess

from lib.drop import _stopping, need_root, run, workplace
from lib.tap import Failure, Skip

TOOLS = ("mkfs.ext4", "mount", "umount", "debugfs")


def tool(name):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/sbin:/usr/sbin")
    if path is None:
        raise Skip(f"{name} is not installed")
    return path


class Image:
    def __init__(self, megabytes, *options):
        need_root()
        for name in TOOLS:
            tool(name)
        base = workplace()
        self.file = os.path.join(base, "image")
        self.at = os.path.join(base, "mounted")
        os.mkdir(self.at)
        with open(self.file, "wb") as f:
            f.truncate(megabytes << 20)
        made = run(tool("mkfs.ext4"), "-q", "-F", "-m", "0", *options, self.file)
        if made.returncode != 0:
            raise Failure(f"mkfs.ext4: {made.stderr.decode()}")
        mounted = run(tool("mount"), "-o", "loop,noatime", self.file, self.at)
        if mounted.returncode != 0:
            raise Skip("no loop device can be mounted here")
        _stopping.append(self.unmount)

    def unmount(self):
        if self.unmount in _stopping:
            _stopping.remove(self.unmount)
        if run(tool("umount"), self.at).returncode != 0:
            run(tool("umount"), "-l", self.at)

    def debug(self, *requests):
        """What debugfs says of the image as it is on the disk."""
        subprocess.run(["sync", "-f", self.at], check=True)
        shown = subprocess.run(
            [tool("debugfs"), "-f", "-", self.file],
            input="".join(r + "\n" for r in requests).encode(),
            capture_output=True, timeout=120, check=True,
        )
        return shown.stdout.decode("utf-8", "replace")

    def names(self, directory):
        """{name: inode}, in the order in which they lie in the directory."""
        shown = self.debug(f"ls -l {directory}")
        return {
            m[2]: int(m[1])
            for m in re.finditer(r"^ *(\d+) +\d+ .* (\S+)$", shown, re.M)
            if m[2] not in (".", "..")
        }

    def inodes(self, numbers):
        """{inode: {attribute: a number}}."""
        numbers = list(numbers)
        shown = self.debug(*[f"stat <{n}>" for n in numbers])
        found = {}
        for text in shown.split("Inode: ")[1:]:
            number = int(text.split()[0])
            found[number] = {
                name: int(m[1], 16) + (int(m[2], 16) >> 2) / 1e9
                for name in ("ctime", "crtime")
                if (m := re.search(
                    rf"^ *{name}: 0x([0-9a-f]+):([0-9a-f]+)", text, re.M))
            }
            extent = re.search(r"\(0(?:-\d+)?\):(\d+)", text)
            found[number]["extent"] = int(extent[1]) if extent else 0
        return found
