"""The day before which no clock is right comes from the source alone, so that two
builds of it are the same."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

GENERATOR = os.path.abspath("server/store/source_date.py")
CHANGES = "## [Unreleased]\n\n## [0.2.0] - 2027-02-03\n\n## [0.1.0] - 2026-11-21\n"
COMMIT = 1893456000 + 5000  # 2030-01-01, in the second hour


def generate(where, epoch=None):
    """(exit status, seconds, day)"""
    environment = {k: v for k, v in os.environ.items()
                   if k != "SOURCE_DATE_EPOCH"}
    if epoch is not None:
        environment["SOURCE_DATE_EPOCH"] = epoch
    told = subprocess.run([sys.executable, GENERATOR], cwd=where, text=True,
                          env=environment, capture_output=True, check=False)
    found = re.search(r"INT64_C\((\d+)\) /\* (\S+) \*/", told.stdout)
    return (told.returncode, *((int(found[1]), found[2]) if found else (0, "")))


def commit(where):
    environment = {**os.environ, "GIT_COMMITTER_DATE": f"{COMMIT} +0000",
                   "HOME": where}
    for command in (("init", "-q"), ("-c", "user.name=a", "-c", "user.email=a@b",
                                     "commit", "-q", "--allow-empty", "-m", "a")):
        subprocess.run(["git", *command], cwd=where, env=environment, check=True)


def main():
    with tempfile.TemporaryDirectory() as where:
        with open(os.path.join(where, "CHANGELOG.md"), "w", encoding="ascii") as f:
            f.write(CHANGES)
        results = [
            ("of the newest version, without a repository", generate(where),
             (0, 1801612800, "2027-02-03")),
            ("of SOURCE_DATE_EPOCH, before all else",
             generate(where, "1800000001"), (0, 1799971200, "2027-01-15")),
            ("not of nonsense", generate(where, "soon"), (1, 0, "")),
        ]
        if shutil.which("git"):
            commit(where)
            results.append(("of the last commit, whatever its hour",
                            generate(where), (0, 1893456000, "2030-01-01")))
        else:
            results.append(("of the last commit # skip there is no git", 0, 0))
    print(f"1..{len(results)}")
    for number, (text, got, wanted) in enumerate(results, 1):
        if got != wanted:
            print(f"# got {got}, not {wanted}")
        print(f"{'ok' if got == wanted else 'not ok'} {number} - {text}")
    return any(got != wanted for _, got, wanted in results)


sys.exit(main())
