"""What the processes of a service hold: in memory, and in files that only a
descriptor leads to."""
import os
import stat

from lib.drop import processes

PIECE = 4 << 20


def family(pid):
    """{pid: name} of a process and of all that come from it."""
    with open(f"/proc/{pid}/comm", encoding="ascii") as f:
        found = {pid: f.read().strip()}
    for child in processes(pid):
        try:
            found.update(family(child))
        except OSError:
            continue  # it has ended
    return found


def pieces(f, at, end, overlap):
    """The bytes from `at` to `end` in pieces that overlap; a hole is nothing
    to read, and what lies behind it is read all the same."""
    while at < end:
        n = min(PIECE + overlap, end - at)
        try:
            f.seek(at)
            yield f.read(n)
        except (OSError, ValueError, OverflowError):
            # Pages without access, or of a device.
            if n > 4096:
                half = (n // 2 + 4095) & ~4095
                yield from pieces(f, at, at + half, overlap)
                yield from pieces(f, at + half, at + n, overlap)
        at += PIECE


def found_in(data, needles, already):
    for name, needle in needles.items():
        if name not in already and needle in data:
            already.add(name)


def in_memory(pid, needles):
    """Names of the needles that this process has in its memory: all of its
    mappings, whatever their protection."""
    already = set()
    overlap = max(len(n) for n in needles.values())
    try:
        with open(f"/proc/{pid}/maps", encoding="latin-1") as f:
            maps = f.read().splitlines()
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as f:
            for line in maps:
                if line.endswith(("[vvar]", "[vvar_vclock]", "[vsyscall]")):
                    continue
                at, end = (int(x, 16) for x in line.split(" ")[0].split("-"))
                for data in pieces(f, at, end, overlap):
                    found_in(data, needles, already)
    except (FileNotFoundError, ProcessLookupError):
        pass  # it has ended
    return already


def in_descriptors(pid, needles):
    """The same for the files that it has open: memory files, files without a
    name, and those with one. Also its command line and environment."""
    already = set()
    where = f"/proc/{pid}/fd"
    try:
        paths = [os.path.join(where, n) for n in os.listdir(where)]
    except OSError:
        return already
    for path in (f"/proc/{pid}/cmdline", f"/proc/{pid}/environ", *paths):
        try:
            if path in paths and not stat.S_ISREG(os.stat(path).st_mode):
                continue
            with open(path, "rb") as f:
                found_in(f.read(), needles, already)
        except OSError:
            continue  # closed meanwhile
    return already


def holders(pids, needles):
    """{pid: names of needles in its memory} of those that hold any."""
    found = {pid: in_memory(pid, needles) for pid in pids}
    return {pid: names for pid, names in found.items() if names}
