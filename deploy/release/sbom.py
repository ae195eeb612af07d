#!/usr/bin/env python3
"""Print what a release consists of and stands on, as SPDX 2.3 in JSON.

usage: sbom.py VERSION BIN_DIRECTORY FILE...

FILEs are what is given away (the source archive, packages), with their hashes.
BIN_DIRECTORY has the programs. What they are linked with is read from them, and
dpkg says which package and version that is; what is needed to build stands in
the Makefile's lists. The same source, tools and packages give the same bytes:
the time is the commit's, or SOURCE_DATE_EPOCH.
"""
import datetime
import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile

PROGRAMS = ("knotholed", "knothole", "knothole-courier")
# Debian's short names of licences (DEP-5) that SPDX has under another.
LICENCES = {"Expat": "MIT", "GPL-2+": "GPL-2.0-or-later",
            "GPL-3+": "GPL-3.0-or-later", "LGPL-2.1+": "LGPL-2.1-or-later",
            "LGPL-2+": "LGPL-2.0-or-later", "LGPL-3+": "LGPL-3.0-or-later",
            "ISC": "ISC", "Zlib": "Zlib", "zlib": "Zlib", "GPL-2": "GPL-2.0-only",
            "BSD-2-clause": "BSD-2-Clause", "BSD-3-clause": "BSD-3-Clause",
            "LGPL-2.1": "LGPL-2.1-only", "BSD-2-Clause": "BSD-2-Clause"}


def told(*command):
    return subprocess.run(command, check=True, capture_output=True,
                          env=dict(os.environ, LC_ALL="C.UTF-8")
                          ).stdout.decode()


def spdx_id(name):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def commit_and_time(files):
    """Of the source archive: the commit, and when it was made, in seconds."""
    archive = next(path for path in files if path.endswith(".tar.xz"))
    with tarfile.open(archive) as tar:
        top = tar.getnames()[0].split("/")[0]
        text = tar.extractfile(f"{top}/.commit").read().decode()
    commit, seconds = re.fullmatch(r"([0-9a-f]{40}) (\d+)\n", text).groups()
    return commit, int(os.environ.get("SOURCE_DATE_EPOCH", seconds))


def makefile_list(name):
    """The packages of one of the Makefile's lists."""
    with open("Makefile", encoding="utf-8") as f:
        m = re.search(rf"^{name} := ((?:.*\\\n)*.*)$", f.read(), re.M)
    return m[1].replace("\\", " ").split()


def linked(program):
    """Debian packages of the libraries that a program names itself."""
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]",
                        told("readelf", "-W", "-d", program))
    places = dict(re.findall(r"^\s*(\S+) => (/\S+)", told("ldd", program),
                             re.M))
    packages = set()
    for name in needed:
        path = places.get(name)
        if path:
            packages.add(owner(path))
    return sorted(packages)


def owner(path):
    """The package that has this file; dpkg may know it without /usr."""
    for each in (path, os.path.realpath(path),
                 os.path.realpath(path).removeprefix("/usr")):
        said = subprocess.run(["dpkg-query", "-S", each], capture_output=True,
                              check=False)
        if said.returncode == 0:
            return said.stdout.decode().split(":")[0]
    raise SystemExit(f"sbom.py: no package has {path}")


def licence(package):
    """Of most of its files, if the package says so in a form to be read."""
    try:
        with open(f"/usr/share/doc/{package}/copyright",
                  encoding="utf-8") as f:
            text = f.read()
    except OSError:
        return "NOASSERTION"
    m = re.search(r"^Files: \*\n(?:.+\n)*?License: *(\S+)$", text, re.M)
    return LICENCES.get(m[1], "NOASSERTION") if m else "NOASSERTION"


def debian_package(name):
    """An SPDX package for an installed Debian package."""
    form = "${Version}\t${Architecture}\t${source:Package}\t${Maintainer}"
    version, architecture, source, maintainer = told(
        "dpkg-query", "-W", "-f", form + "\n", name).splitlines()[0].split("\t")
    return {
        "SPDXID": spdx_id("deb-" + name),
        "name": name,
        "versionInfo": version,
        "supplier": "Organization: Debian",
        "originator": "Organization: " + re.sub(r" <.*", "", maintainer),
        "sourceInfo": f"Debian's source package {source}",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": licence(name),
        "copyrightText": "NOASSERTION",
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": f"pkg:deb/debian/{name}@"
                                f"{version.replace(':', '%3A').replace('+', '%2B')}"
                                f"?arch={architecture}&distro=bookworm",
        }],
    }


def our_package(name, version, purpose, **more):
    return {
        "SPDXID": spdx_id(name),
        "name": name,
        "versionInfo": version,
        "supplier": "Organization: The Knothole authors",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "primaryPackagePurpose": purpose,
        "licenseConcluded": "ISC",
        "licenseDeclared": "ISC",
        "copyrightText": "Copyright (c) 2026 The Knothole authors",
        **more,
    }


def hashed(path):
    with open(path, "rb") as f:
        digest = hashlib.sha256(f.read()).hexdigest()
    return [{"algorithm": "SHA256", "checksumValue": digest}]


def relation(one, kind, other):
    return {"spdxElementId": one, "relationshipType": kind,
            "relatedSpdxElement": other}


def contents(version, directory, files):
    """Packages and their relations."""
    root = spdx_id("knothole")
    packages = [our_package("knothole", version, "SOURCE")]
    relations = [relation("SPDXRef-DOCUMENT", "DESCRIBES", root)]
    for path in sorted(files, key=os.path.basename):
        name = os.path.basename(path)
        packages.append(our_package("file-" + name, version, "ARCHIVE",
                                    packageFileName=name,
                                    checksums=hashed(path)))
        relations.append(relation(root, "DISTRIBUTION_ARTIFACT",
                                  spdx_id("file-" + name)))
    used = set(makefile_list("DEPS_BUILD"))
    for package in sorted(used):
        relations.append(relation(spdx_id("deb-" + package),
                                  "BUILD_DEPENDENCY_OF", root))
    for program in PROGRAMS:
        name = "program-" + program
        packages.append(our_package(name, version, "APPLICATION"))
        relations.append(relation(spdx_id(name), "GENERATED_FROM", root))
        for package in linked(os.path.join(directory, program)):
            used.add(package)
            relations.append(relation(spdx_id(name), "DYNAMIC_LINK",
                                      spdx_id("deb-" + package)))
    return packages + [debian_package(name) for name in sorted(used)], relations


def main():
    version, directory, *files = sys.argv[1:]
    commit, seconds = commit_and_time(files)
    packages, relations = contents(version, directory, files)
    packages[0]["sourceInfo"] = f"commit {commit}"
    whole = hashlib.sha256(json.dumps([commit, packages]).encode()).hexdigest()
    created = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    json.dump({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"knothole-{version}",
        "documentNamespace":
            f"https://knothole.example/spdx/knothole-{version}-{whole[:32]}",
        "creationInfo": {
            "created": f"{created:%Y-%m-%dT%H:%M:%SZ}",
            "creators": ["Organization: The Knothole authors",
                         f"Tool: sbom.py-{version}"],
        },
        "packages": packages,
        "relationships": relations,
    }, sys.stdout, indent=1, ensure_ascii=True)
    print()


if __name__ == "__main__":
    main()
