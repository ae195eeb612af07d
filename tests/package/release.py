#!/usr/bin/env python3
"""What is published beside the packages: the SBOM, held against SPDX 2.3 and
against what was built; hashes, and signatures by a throw-away key."""
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile

from place import BUILD, Suite, done, equal, read, tarball, version
from lib.tap import Skip, check

suite = Suite()
place = tempfile.mkdtemp(prefix="knothole-test-")
suite.cleanup(lambda: shutil.rmtree(place, ignore_errors=True))
SBOM = os.path.join(BUILD, "dist", f"knothole-{version()}.spdx.json")
PROGRAMS = ("knotholed", "knothole", "knothole-courier")
# SPDX 2.3, clause 11.1, as far as we use them.
RELATIONS = {"DESCRIBES", "DISTRIBUTION_ARTIFACT", "BUILD_DEPENDENCY_OF",
             "GENERATED_FROM", "DYNAMIC_LINK"}


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def document():
    return json.loads(read(SBOM))


@suite.test("the SBOM has the form of SPDX 2.3")
def _():
    d = document()
    equal((d["spdxVersion"], d["dataLicense"], d["SPDXID"]),
          ("SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT"), "clause 6.1 to 6.3")
    check(re.fullmatch(r"https://[^\s#]+", d["documentNamespace"]), "6.5")
    check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
                       d["creationInfo"]["created"]), "6.9")
    for creator in d["creationInfo"]["creators"]:
        check(re.match(r"(Person|Organization|Tool): \S", creator), "6.8")
    seen = {"SPDXRef-DOCUMENT"}
    for p in d["packages"]:
        check(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", p["SPDXID"]), p["SPDXID"])
        check(p["SPDXID"] not in seen, f"{p['SPDXID']} twice")
        seen.add(p["SPDXID"])
        check(p["name"] and p["versionInfo"], p["SPDXID"])
        equal(p["downloadLocation"], "NOASSERTION", "7.7")
        equal(p["filesAnalyzed"], False, "7.8")
        for key in ("licenseConcluded", "licenseDeclared"):
            check(re.fullmatch(r"[A-Za-z0-9.-]+", p[key]), p[key])
        check(re.match(r"(Person|Organization): \S", p["supplier"]), "7.5")
        for c in p.get("checksums", []):
            equal(c["algorithm"], "SHA256", "7.10")
            check(re.fullmatch("[0-9a-f]{64}", c["checksumValue"]), "7.10")
        for r in p.get("externalRefs", []):
            equal((r["referenceCategory"], r["referenceType"]),
                  ("PACKAGE-MANAGER", "purl"), "7.21")
            check(re.fullmatch(r"pkg:deb/debian/[a-z0-9.+-]+@[^@\s:+]+\?\S+",
                               r["referenceLocator"]), r["referenceLocator"])
    for r in d["relationships"]:
        check(r["relationshipType"] in RELATIONS, r["relationshipType"])
        for key in ("spdxElementId", "relatedSpdxElement"):
            check(r[key] in seen, f"{r[key]} is described nowhere")
    equal([r["relatedSpdxElement"] for r in d["relationships"]
           if r["relationshipType"] == "DESCRIBES"], ["SPDXRef-knothole"],
          "what is described")


@suite.test("the SBOM has what is linked, what is built with, what is given")
def _():
    d = document()
    by_id = {p["SPDXID"]: p for p in d["packages"]}
    for name in PROGRAMS:
        linked = {by_id[r["relatedSpdxElement"]]["name"]
                  for r in d["relationships"]
                  if r["spdxElementId"] == f"SPDXRef-program-{name}" and
                  r["relationshipType"] == "DYNAMIC_LINK"}
        loaded = len(re.findall(r"\(NEEDED\)", done(
            "readelf", "-d", os.path.join(BUILD, "bin", name))))
        check(loaded - 1 <= len(linked) <= loaded, f"{name}: {linked}")
        check({"libsodium23", "libc6"} <= linked, f"{name}: {linked}")
    for p in d["packages"]:
        if p["SPDXID"].startswith("SPDXRef-deb-"):
            equal(p["versionInfo"],
                  done("dpkg-query", "-W", "-f", "${Version}\n",
                       p["name"]).splitlines()[0], p["name"])
    given = [tarball(), *glob.glob(f"{BUILD}/deb/*.deb")]
    equal({p["packageFileName"]: p["checksums"][0]["checksumValue"]
           for p in d["packages"] if "packageFileName" in p},
          {os.path.basename(path): sha256(path) for path in given}, "files")


@suite.test("the SBOM is the same when it is made again, elsewhere")
def _():
    again = done("deploy/release/sbom.py", version(),
                 os.path.join(BUILD, "bin"), tarball(),
                 *sorted(glob.glob(f"{BUILD}/deb/*.deb")),
                 env=dict(os.environ, TZ="Asia/Tehran", LC_ALL="C"))
    equal(again, read(SBOM), "the SBOM")


@suite.test("make sign: hashes and detached signatures that stock minisign, and "
            "nobody else's key, verifies")
def _():
    if not shutil.which("minisign"):
        raise Skip("minisign is not installed")
    key, public = (os.path.join(place, name) for name in ("key", "key.pub"))
    for name in ("", "other."):
        # -W: without a passphrase
        done("minisign", "-G", "-W", "-p", os.path.join(place, name + "key.pub"),
             "-s", os.path.join(place, name + "key"))
    out = os.path.join(place, "out")
    files = [tarball(), *glob.glob(f"{BUILD}/deb/*.deb"), SBOM]
    commit = "0123456789ab"
    done("deploy/release/sign", key, version(), commit, out, *files)
    names = sorted(map(os.path.basename, files))
    equal(re.findall(r"^[0-9a-f]{64}  (.*)$",
                     read(os.path.join(out, "SHA256SUMS")), re.M), names, "sums")
    done("sha256sum", "--strict", "-c", "SHA256SUMS", cwd=out)
    for name in ("SHA256SUMS", os.path.basename(tarball())):
        path = os.path.join(out, name)
        said = done("minisign", "-V", "-p", public, "-m", path)
        check(f"Trusted comment: knothole {version()} {commit}" in said, said)
        wrong = subprocess.run(
            ["minisign", "-V", "-p", os.path.join(place, "other.key.pub"), "-m",
             path], capture_output=True, check=False)
        check(wrong.returncode != 0, "another key verifies it")
        with open(path, "ab") as f:
            f.write(b"\n")
        wrong = subprocess.run(["minisign", "-V", "-p", public, "-m", path],
                               capture_output=True, check=False)
        check(wrong.returncode != 0, "what was altered verifies")


@suite.test("nothing is signed without a key, or from sources that are no "
            "commit")
def _():
    for key, commit in (("nowhere", "0123456789ab"), ("", "0123456789ab"),
                        (os.path.join(place, "key"), "0123456789ab-dirty"),
                        (os.path.join(place, "key"), "unknown")):
        said = subprocess.run(
            ["deploy/release/sign", key, version(), commit,
             os.path.join(place, "none"), tarball()], capture_output=True,
            check=False)
        check(said.returncode != 0 and said.stderr, f"{key} {commit}")
        check(not os.path.exists(os.path.join(place, "none")), "made something")


suite.run()
