#!/usr/bin/env python3
"""The packages in a Debian 12 of their own: installed, started as the unit
says, used, upgraded, removed, purged.

The Debian is made by debootstrap on a tmpfs, in a mount namespace that ends
with this program. Nothing is downloaded but Debian's own packages; apt, in
there, knows no other.
"""
import hashlib
import os
import re
import resource
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile

from place import BUILD, OURS, Suite, done, equal, one, read, tarball, version
from lib.tap import Failure, Skip, check, wait_for

NEXT = version() + "+next1"
suite = Suite()
# A tmpfs that only we see. It goes with its namespace: nothing in it is ever
# removed by name, so nothing that is mounted in it can be reached that way.
place = os.environ.get("KNOTHOLE_APART")
root = place and os.path.join(place, "root")
testbed = place and os.path.join(place, "testbed")
builder = place and os.path.join(place, "builder")
OBJECTS = "/var/lib/knothole/store/objects"
running = {}


def apart():
    """Run this program again where mounts and processes end with it. Returns
    why that cannot be, or None there."""
    if os.geteuid() != 0:
        return "needs root"
    if not shutil.which("debootstrap"):
        return "debootstrap is not installed"
    if place:
        done("mount", "-t", "tmpfs", "-o", "mode=755,size=3g", "none", place)
        return None
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child",
               "--propagation", "private"]
    empty = tempfile.mkdtemp(prefix="knothole-test-")
    try:
        if subprocess.run([*command, "mount", "-t", "tmpfs", "none", empty],
                          capture_output=True, check=False).returncode != 0:
            return "no mounts of its own here"
        sys.exit(subprocess.run(
            [*command, sys.executable, os.path.abspath(__file__)], check=False,
            env=dict(os.environ, KNOTHOLE_APART=empty)).returncode)
    finally:
        os.rmdir(empty)


WITHOUT = apart()


def needs_debian():
    if WITHOUT:
        raise Skip(WITHOUT)
    if not os.path.exists(os.path.join(root, "usr/bin/dpkg")):
        raise Skip("there is no Debian to try it in")


def there(path):
    return root + path


def inside(*command, **options):
    """Run it in the Debian, or in another; its standard output."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                   "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive",
                   **options.pop("env", {})}
    return done("chroot", options.pop("where", root), *command,
                env=environment, **options)


def apt(*words):
    return inside("apt-get", "-q", "-y", "--no-install-recommends", *words)


def mirror():
    """Where this machine's apt has bookworm from."""
    said = done("apt-get", "indextargets", "--format", "$(SITE)",
                "Codename: bookworm", "Created-By: Packages")
    if not said.split():
        raise Skip("apt has no bookworm here")
    return said.split()[0]


def needed():
    """Packages that ours depend on, but for ours."""
    names = set()
    for package in OURS:
        field = done("dpkg-deb", "-f", one(package), "Depends")
        names |= {re.match(r"[\w.+-]+", each.strip())[0]
                  for each in field.split(",")}
    return sorted(names - set(OURS))


@suite.test("a Debian 12 by debootstrap, with what the packages depend on")
def _():
    if WITHOUT:
        raise Skip(WITHOUT)
    os.makedirs(root)
    command = ["debootstrap", "--variant=minbase",
               "--include=" + ",".join(needed() + ["curl"]), "bookworm", root,
               mirror()]
    # A mirror may fail to give one file of a hundred; what has come is kept.
    if subprocess.run(command, capture_output=True, check=False).returncode:
        done(*command)
    check(os.path.exists(there("/dev/null")), "debootstrap made no devices")
    done("cp", "-a", root, testbed)
    done("mount", "-t", "proc", "none", there("/proc"))
    done("mount", "-t", "tmpfs", "none", there("/run"))
    os.mkdir(there("/packages"))
    # From now on apt knows no place to download from.
    with open(there("/etc/apt/sources.list"), "wb"):
        pass


def tests_of_debian():
    """{name: its paragraph} of debian/tests/control."""
    return {re.search(r"^Tests: (\S+)$", paragraph, re.M)[1]: paragraph
            for paragraph in read("debian/tests/control").split("\n\n")}


def prepare_testbed():
    """What the tests ask for but for ours, so that apt needs nothing more
    from anywhere; what autopkgtest itself would fetch, too. Before any of ours
    is there, it is copied for the builder."""
    asked = {"apt-utils", "dpkg-dev"}
    for paragraph in tests_of_debian().values():
        asked |= set(re.search(r"^Depends: (.*)$", paragraph, re.M)[1]
                     .split(", "))
    inside("sh", "-ec",
           "apt-get -q -y update; apt-get -q -y --no-install-recommends "
           "install \"$@\"; apt-get clean", "sh", *sorted(asked - set(OURS)),
           where=testbed)
    done("cp", "-a", testbed, builder)
    inside("mount", "-t", "proc", "none", "/proc", where=testbed)
    with open(os.path.join(testbed, "etc/apt/sources.list"), "wb"):
        pass


@suite.test("autopkgtest: each of debian/tests, with the packages as they are")
def _():
    needs_debian()
    prepare_testbed()
    if not shutil.which("autopkgtest"):
        raise Skip("autopkgtest is not installed")
    out = os.path.join(place, "autopkgtest")
    # Mounts and processes are its own here, which is all that the containers
    # are wanted for.
    done("autopkgtest", "--ignore-restrictions=isolation-container",
         f"--output-dir={out}", *(one(package) for package in OURS),
         os.path.join(BUILD, "deb", f"knothole_{version()}.dsc"), "--",
         "chroot", testbed)
    said = dict(line.split()[:2] for line in
                read(os.path.join(out, "summary")).splitlines())
    equal(said, {name: "PASS" for name in tests_of_debian()}, "summary")


def install(directory, *packages):
    for package in packages:
        shutil.copy(one(package, directory), there("/packages"))
    apt("install", *(f"/packages/{os.path.basename(one(p, directory))}"
                     for p in packages))


@suite.test("installed: users, directories, unit and profile are there")
def _():
    needs_debian()
    install(None, *OURS)
    equal(inside("dpkg", "--audit"), "", "dpkg --audit")
    for user in ("knotholed", "knotholed-door", "knotholed-store",
                 "knotholed-courier"):
        check("/usr/sbin/nologin" in inside("getent", "passwd", user), user)
    for path, mode in (("/var/lib/knothole", "700 knotholed knotholed"),
                       ("/run/knothole", "2750 knotholed debian-tor"),
                       ("/etc/knothole/newsrooms", "755 root root")):
        equal(inside("stat", "-c", "%a %U %G", path).strip(), mode, path)
    check(os.path.lexists(there("/etc/systemd/system/multi-user.target.wants/"
                                "knotholed.service")), "not enabled")
    for program in ("knotholed", "knothole", "knothole-courier"):
        said = inside(program, "--version")
        check(re.fullmatch(rf"{program} \S+ \([0-9a-f]{{12}}\)\n", said), said)
    said = inside("systemd-analyze", "verify", "--man=no",
                  "/lib/systemd/system/knotholed.service")
    equal(said, "", "systemd-analyze verify")


def configure():
    """As an administrator would, from the example."""
    text = read(there("/usr/share/doc/knotholed/examples/"
                      "knotholed.conf.example"))
    text = text.replace("#allow_swap = yes", "allow_swap = yes")
    with open(there("/etc/knothole/knotholed.conf"), "w",
              encoding="utf-8") as f:
        f.write(text)
    inside("knothole", "--i-am-online", "keygen", "-o", "/root/keys", "--name",
           "The Example Times", "--no-passphrase")
    inside("cp", "/root/keys/the-example-times.card",
           "/etc/knothole/newsrooms/")


def unit():
    """{key: [values]} of the unit as it was installed."""
    found = {}
    for line in read(there("/lib/systemd/system/knotholed.service")
                     ).splitlines():
        m = re.match(r"(\w+)=(.*)$", line)
        if m:
            found.setdefault(m[1], []).append(m[2])
    return found


def start():
    """What the unit says: command, user, mask, no capability, no way back."""
    says = unit()
    equal(says["Type"], ["notify"], "Type=")
    inside("systemd-tmpfiles", "--create", "knotholed.conf")
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(there("/run/notify"))
    os.chmod(there("/run/notify"), 0o666)
    notify.settimeout(1)
    # No more than this machine allows.
    files = min(int(says["LimitNOFILE"][0]),
                resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    limits = [f"--nofile={files}", "--core=0"]
    process = subprocess.Popen(
        ["prlimit", *limits, "chroot", root, "setpriv",
         "--reuid", says["User"][0], "--regid", says["Group"][0],
         "--clear-groups", "--no-new-privs", "--bounding-set=-all",
         "--inh-caps=-all", "sh", "-c",
         f"umask {says['UMask'][0]}; exec {says['ExecStart'][0]}"],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
             "NOTIFY_SOCKET": "/run/notify"},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    running["process"] = process

    def ready():
        check(process.poll() is None, "it ended")
        try:
            return b"READY=1" in notify.recv(4096)
        except TimeoutError:
            return False

    try:
        wait_for("READY=1", ready, 120)
    except Failure as failure:
        process.kill()
        raise Failure(f"{failure}: {process.communicate()[0]!r}")
    notify.close()
    os.unlink(there("/run/notify"))


def stop():
    process = running.pop("process")
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=120)[0]
    equal(process.returncode, 0, f"how it ended: {said!r}")


@suite.cleanup
def _end():
    if "process" in running:
        running["process"].kill()


def curl(*words):
    return inside("curl", "-fsS", "--unix-socket", "/run/knothole/source.sock",
                  *words)


def send(text):
    page = curl("http://drop/en/send")
    token = re.search(r'name="token" value="([^"]*)"', page)[1]
    answer = curl("-F", f"token={token}", "-F", f"message={text}",
                  "http://drop/en/send")
    check("receipt" in answer or "code" in answer, answer[:2000])


@suite.test("started as the unit says, before tor, and used")
def _():
    needs_debian()
    configure()
    inside("knotholed", "--check-config")
    start()
    where = os.stat(there("/run/knothole/source.sock"))
    tor = inside("getent", "group", "debian-tor").split(":")[2]
    equal(where.st_gid, int(tor), "the socket's group")
    check(stat.S_IMODE(where.st_mode) & 0o060 == 0o060, "tor may not write")
    send("one")
    equal(len(os.listdir(there(OBJECTS))), 1, "objects")
    stop()


def kept():
    """What is the administrator's and the sources': path, owner, mode, hash."""
    found = {}
    for top in ("/etc/knothole", "/var/lib/knothole"):
        for directory, _, names in os.walk(there(top)):
            for name in [""] + names:
                path = os.path.join(directory, name).rstrip("/")
                about = os.lstat(path)
                digest = None
                if stat.S_ISREG(about.st_mode):
                    with open(path, "rb") as f:
                        digest = hashlib.sha256(f.read()).hexdigest()
                found[path] = (about.st_uid, about.st_gid, about.st_mode, digest)
    return found


def build_next():
    """The same source under a later version, as whoever packages Debian builds
    it: where there is nothing but its Build-Depends, as a plain user, with its
    tests. Returns where the packages are."""
    work = os.path.join(builder, "build")
    os.makedirs(work)
    done("tar", "-xf", tarball(), "-C", work)
    path = os.path.join(work, f"knothole-{version()}", "debian", "changelog")
    text = read(path)
    entry = text.split("\n -- ")[0].replace(f"({version()})", f"({NEXT})")
    with open(path, "w", encoding="utf-8") as f:
        f.write(entry + "\n -- " + text.split("\n -- ", 1)[1].split("\n")[0] +
                "\n\n" + text)
    inside("mount", "-t", "proc", "none", "/proc", where=builder)
    inside("apt-get", "-q", "-y", "--no-install-recommends", "build-dep",
           f"/build/knothole-{version()}", where=builder)
    inside("sh", "-ec", "useradd packager; chown -R packager /build",
           where=builder)
    said = inside(
        "su", "packager", "-c", f"cd /build/knothole-{version()} && "
        "HOME=/build dpkg-buildpackage -us -uc 2>&1", where=builder,
        env={"DEB_BUILD_OPTIONS": f"noautodbgsym parallel={os.cpu_count()}"})
    check(re.search(r"^unit: \d{3,} passed, 0 failed", said, re.M), "no tests")
    return work


@suite.test("upgraded: configuration, cards, store and salt stay as they were")
def _():
    needs_debian()
    changed = "# The administrator's own line.\n"
    with open(there("/etc/apparmor.d/knotholed"), "a", encoding="utf-8") as f:
        f.write(changed)
    before = kept()
    check(len(before) > 8, f"too little to be kept: {sorted(before)}")
    install(build_next(), *OURS)
    for package in OURS:
        equal(inside("dpkg-query", "-W", "-f", "${Version} ${Status}", package),
              f"{NEXT} install ok installed", package)
    equal(kept(), before, "what was there")
    check(read(there("/etc/apparmor.d/knotholed")).endswith(changed),
          "the profile was replaced")
    start()
    send("two")
    equal(len(os.listdir(there(OBJECTS))), 2, "objects")
    stop()


@suite.test("and back to the version before, which knows what the later wrote")
def _():
    needs_debian()
    before = kept()
    way_back = re.search(r"^    apt-get install (-y --allow-downgrades) \./knotholed_",
                         read("docs/operations.md"), re.M)[1]
    earlier = f"/packages/{os.path.basename(one('knotholed'))}"
    inside("apt-get", "-q", "install", *way_back.split(), earlier)
    equal(inside("dpkg-query", "-W", "-f", "${Version} ${Status}", "knotholed"),
          f"{version()} install ok installed", "knotholed")
    equal(kept(), before, "what was there")
    start()
    send("three")
    equal(len(os.listdir(there(OBJECTS))), 3, "objects")
    stop()


@suite.test("removed: programs and unit are gone, the rest is not; and back")
def _():
    needs_debian()
    before = kept()
    apt("remove", *OURS)
    for path in ("/usr/sbin/knotholed", "/usr/bin/knothole",
                 "/usr/bin/knothole-courier",
                 "/lib/systemd/system/knotholed.service"):
        check(not os.path.exists(there(path)), f"{path} is there")
    equal(kept(), before, "what was there")
    install(os.path.join(builder, "build"), "knotholed")
    equal(kept(), before, "what was there, when it is back")
    start()
    equal(len(os.listdir(there(OBJECTS))), 3, "objects")
    stop()


@suite.test("purged: nothing is left but users")
def _():
    needs_debian()
    # The others went wholly when they were removed: they have no conffiles.
    apt("purge", "knotholed")
    left = inside("find", "/", "-xdev", "-name", "*knothole*", "-not", "-path",
                  "/packages/*", "-not", "-path", "/tmp/*", "-not", "-path",
                  "/root/*")
    equal(left, "", "left over")
    check(not os.path.exists(there("/run/knothole")), "/run/knothole is there")
    equal(inside("dpkg", "--audit"), "", "dpkg --audit")


if __name__ == "__main__":
    suite.run()
