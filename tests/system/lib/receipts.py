"""Receipts against objects, while something fails: what was shown to a source
against what is there."""
import concurrent.futures
import os
import subprocess
import tempfile

from lib.tap import check, equal, wait_for

# What may be said instead of a receipt; by a door that can let nobody in; by
# nobody, when the process that was to say it could not.
REFUSED = (("refused", "failed"), ("refused", "full"))
TURNED_AWAY = ("busy", "busy")
SILENCE = (None, None)


class Sent:
    def __init__(self, drop, number, size):
        self.text = f"{number:06} {os.urandom(8).hex()}"
        self.form = drop.form().field("message", self.text)
        self.data = os.urandom(size)
        self.form.file("f", self.data)
        self.page = None


def agree(drop, sent, refusals=REFUSED):
    """Objects are exactly those that were told to be; returns how many."""
    drop.idle()
    there = {}
    for path in drop.objects():
        out = drop.extract(path)
        text = out.message.decode()
        check(text not in there, "twice")
        there[text] = out
    for one in sent:
        state = one.page.state
        if state == "sealed":
            check(one.text in there, f"a receipt, and no object: {one.page}")
            check(there[one.text].manifest["complete"], "complete")
            check(there[one.text].read(0) == one.data, "the file differs")
        else:
            check((state, one.page.reason) in refusals, f"answer {one.page}")
            check(one.text not in there, f"refused, and kept: {one.page}")
    equal(len(there), sum(one.page.state == "sealed" for one in sent), "objects")
    drop.forget()
    return len(there)


def upload(drop, sent):
    def act(one):
        one.page = drop.post(one.form)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(act, sent))


class Fault:
    """System calls of a role, or of the door's visits, fail: (call, how, which of
    them) each. Another call is made instead, one that the role's filter lets
    pass. Each process is counted for itself."""

    def __init__(self, pid, *faults):
        inject = [part for call, how, when in faults for part in (
            "-e", f"inject={call}:{how}:syscall=getpid:when={when}")]
        self.said = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            ["strace", "-f", "-o", "/dev/null", "-p", str(pid), "-e",
             "trace=" + ",".join(call for call, _, _ in faults), *inject],
            stdin=subprocess.DEVNULL, stderr=self.said)
        # That it is the tracer is not enough: a call may still pass by it.
        wait_for("strace is attached", lambda: b" attached" in os.pread(
            self.said.fileno(), 4096, 0))

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.terminate()
        self.process.wait(60)
        self.said.close()


def no_drafts(top, what="drafts"):
    """All of them are gone, once all who had one are."""
    wait_for(f"no {what}", lambda: drafts(top) == 0)


def drafts(top):
    """Inodes in use without a name. ext4 has ten of its own, of which the root
    has a path."""
    used = os.statvfs(top)
    paths = sum(len(d) + len(f) for _, d, f in os.walk(top))
    return used.f_files - used.f_ffree - paths - 10
