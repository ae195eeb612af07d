#!/usr/bin/env python3
"""The packages as they are: lintian, what they need and hold, and that the
Makefile and debian/ do not contradict each other."""
import os
import re
import shutil
import tempfile

from place import BUILD, OURS, Suite, done, equal, one, read, version
from lib.tap import check

suite = Suite()
DEB = os.path.join(BUILD, "deb")


@suite.test("lintian has no errors and no warnings, nor has the source any")
def _():
    said = done("lintian", "--fail-on", "error,warning", "--allow-root",
                os.path.join(DEB, f"knothole_{version()}_"
                             f"{done('dpkg', '--print-architecture').strip()}"
                             ".changes"))
    equal(re.findall(r"^[EW]: .*", said, re.M), [], "lintian")


@suite.test("what is built with: debian/control and the Makefile agree")
def _():
    field = re.search(r"^Build-Depends:\n((?: .*\n)+)", read("debian/control"),
                      re.M)[1]
    control = set(re.findall(r"^ ([\w.+-]+)", field, re.M))
    lists = {name: set(words.replace("\\", " ").split()) for name, words in
             re.findall(r"^(DEPS_\w+) := ((?:.*\\\n)*.*)$", read("Makefile"),
                        re.M)}
    essential = {"gcc", "libc6-dev", "make"}  # build-essential has them
    packaging = {"debhelper-compat", "dh-apparmor"}
    for_tests = set(re.findall(r"^ ([\w.+-]+) <!nocheck>", field, re.M))
    equal(control - packaging - for_tests, lists["DEPS_BUILD"] - essential,
          "needs")
    check(for_tests <= lists["DEPS_TEST"], f"{for_tests} in DEPS_TEST")
    check({"debhelper", "dh-apparmor"} | for_tests <= lists["DEPS_DEB"],
          "DEPS_DEB")
    equal(re.match(r"knothole \((\S+?)\)", read("debian/changelog"))[1],
          version(), "version in debian/changelog")


@suite.test("each package has its program, and needs no other's libraries")
def _():
    for package in OURS:
        files = set(re.findall(r"^-\S+ \S+ +\d+ \S+ \S+ \.(\S+)",
                               done("dpkg-deb", "-c", one(package)), re.M))
        wanted = {"knotholed": {"/usr/sbin/knotholed",
                                "/lib/systemd/system/knotholed.service",
                                "/usr/lib/sysusers.d/knotholed.conf",
                                "/usr/lib/tmpfiles.d/knotholed.conf",
                                "/etc/apparmor.d/knotholed",
                                "/usr/share/man/man5/knotholed.conf.5.gz",
                                "/usr/share/man/man8/knotholed.8.gz"},
                  "knothole": {"/usr/bin/knothole",
                               "/usr/share/doc/knothole/FORMAT.md",
                               "/usr/share/man/man5/knothole-format.5.gz"},
                  "knothole-courier": {"/usr/bin/knothole-courier"},
                  "libknothole-dev": {"/usr/include/knothole/age.h"}
                  }.get(package, set())
        equal(wanted - files, set(), f"{package} lacks")
        if package in ("knotholed", "knothole", "knothole-courier"):
            for path in (f"bash-completion/completions/{package}",
                         f"fish/vendor_completions.d/{package}.fish",
                         f"zsh/vendor-completions/_{package}"):
                check(f"/usr/share/{path}" in files, path)
        needs = done("dpkg-deb", "-f", one(package), "Depends")
        for library in {"knothole": ("curl", "microhttpd", "seccomp"),
                        "knotholed": ("curl", "gfshare", "qrencode"),
                        "knothole-courier": ("gpgme", "microhttpd", "archive")
                        }.get(package, ()):
            check(library not in needs, f"{package} needs {library}")


@suite.test("programs in packages say the commit of the archive")
def _():
    place = tempfile.mkdtemp(prefix="knothole-test-")
    try:
        done("tar", "-xf", os.path.join(
            BUILD, "dist", f"knothole-{version()}.tar.xz"), "-C", place)
        commit = read(os.path.join(place, f"knothole-{version()}",
                                   ".commit"))[:12]
        for package, path in (("knotholed", "usr/sbin/knotholed"),
                              ("knothole", "usr/bin/knothole"),
                              ("knothole-courier", "usr/bin/knothole-courier")):
            done("dpkg-deb", "-x", one(package), place)
            equal(done(os.path.join(place, path), "--version"),
                  f"{package} {version()} ({commit})\n", "version")
    finally:
        shutil.rmtree(place)


@suite.test("debian/tests/library, against the unpacked library packages")
def _():
    place = tempfile.mkdtemp(prefix="knothole-test-")
    try:
        for package in ("libknothole0", "libknothole-dev"):
            done("dpkg-deb", "-x", one(package), place)
        libraries = os.path.join(place, "usr/lib", done(
            "dpkg-architecture", "-qDEB_HOST_MULTIARCH").strip())
        done("debian/tests/library", env=dict(
            os.environ, AUTOPKGTEST_TMP=place, LD_LIBRARY_PATH=libraries,
            PKG_CONFIG_PATH=os.path.join(libraries, "pkgconfig"),
            PKG_CONFIG_SYSROOT_DIR=place))
    finally:
        shutil.rmtree(place)


suite.run()
