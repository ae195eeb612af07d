"""A machine of a test's own: this system's files under an overlay, with
systemd as the first process, in namespaces that end with it."""
import os
import shutil
import signal
import subprocess
import tempfile

from lib.disk import must, own_mounts
from lib.drop import at_end, run
from lib.tap import Failure, wait_for

SYSTEMD = "/usr/lib/systemd/systemd"
# In the new namespaces, as their first process. Nothing of the kernel can be
# set from there, no device is seen, and it is no chroot: in one, the kernel
# gives nobody a name space of users.
INIT = """set -e
cd "$1"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 none sys/fs/cgroup
for where in run tmp dev; do
	mount -t tmpfs -o mode=755 tmpfs "$where"
done
chmod 1777 tmp
for name in null zero full random urandom tty; do
	touch "dev/$name"
	mount --bind "/dev/$name" "dev/$name"
done
ln -s pts/ptmx dev/ptmx
mkdir dev/shm dev/pts dev/mqueue tmp/old
pivot_root . tmp/old
umount -l /tmp/old
rmdir /tmp/old
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    %s --unit=basic.target --log-target=journal --show-status=0
""" % SYSTEMD


class Machine:
    def __init__(self):
        own_mounts("systemctl", "nsenter", "chroot")
        self.init = None
        self.base = tempfile.mkdtemp(prefix="knothole-machine-")
        at_end(self.remove)
        self.root = os.path.join(self.base, "root")
        self.groups = os.path.join(self.base, "cgroup")
        over = os.path.join(self.base, "over")
        for path in (self.root, self.groups, over):
            os.mkdir(path)
        must("mount", "-t", "tmpfs", "tmpfs", over)
        for name in ("upper", "work"):
            os.mkdir(os.path.join(over, name))
        must("mount", "-t", "overlay", "overlay", "-o",
             f"lowerdir=/,upperdir={over}/upper,workdir={over}/work",
             self.root)
        must("mount", "-t", "cgroup2", "none", self.groups)
        self.group = os.path.join(
            self.groups, os.path.basename(self.base))
        os.mkdir(self.group)
        # What this system would start is not what is tested.
        for where in ("etc/systemd/system", "run/systemd/system"):
            shutil.rmtree(self.path(where), ignore_errors=True)
            os.makedirs(self.path(where), exist_ok=True)

    def path(self, name):
        return os.path.join(self.root, name.lstrip("/"))

    def install(self, source, name, mode=0o644):
        target = self.path(name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(source, target)
        os.chmod(target, mode)

    def inside(self, *command):
        """A command with this root, before or beside the machine."""
        return run("chroot", self.root, *command)

    def boot(self):
        def join():
            with open(os.path.join(self.group, "cgroup.procs"), "w",
                      encoding="ascii") as f:
                f.write("0")

        self.unshare = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--net", "--uts", "--ipc",
             "--cgroup", "--fork", "--propagation", "private", "sh", "-c",
             INIT, "sh", self.root],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, preexec_fn=join)
        self.init = wait_for("the first process", self.first)
        wait_for("it has booted", lambda: self.ctl(
            "is-system-running").stdout.strip() in (b"running", b"degraded"),
            60)

    def first(self):
        if self.unshare.poll() is not None:
            raise Failure("no machine: "
                          + self.unshare.stderr.read().decode().strip())
        path = f"/proc/{self.unshare.pid}/task/{self.unshare.pid}/children"
        with open(path, encoding="ascii") as f:
            children = f.read().split()
        return int(children[0]) if children else None

    def enter(self, *command):
        """A command in the machine, once it has booted."""
        return run("nsenter", "-t", str(self.init), "-m", "-p", "-n", "-u",
                   "-i", "-C", "-r", "-w", *command)

    def ctl(self, *command):
        return self.enter("systemctl", *command)

    def show(self, unit, name):
        return self.ctl("show", "--value", "-p", name, unit
                        ).stdout.decode().strip()

    def remove(self):
        if self.init is not None:
            try:
                os.kill(self.init, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.unshare.wait()
            self.init = None
        for where, _, _ in os.walk(getattr(self, "group", "/nowhere"),
                                   topdown=False):
            try:
                os.rmdir(where)
            except OSError:
                pass
        for name in ("root", "cgroup", "over"):
            run("umount", "-l", os.path.join(self.base, name))
        shutil.rmtree(self.base, ignore_errors=True)
