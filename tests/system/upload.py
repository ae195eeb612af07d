"""What is sent through the form rests sealed, and comes out as it was."""
import io
import os
import random
import re
import stat
import struct
import time
import zipfile

from lib.drop import Drop
from lib.sealed import header_length, padme, wanted_length, without_padding
from lib.tap import Suite, check, equal
from lib.wire import Form

HEBREW = "שלום עולם"
ARABIC = "تقرير سري"

suite = Suite()
noise = random.Random(1)
drop = Drop(newsrooms=2).start()


def sent(form, **arguments):
    """Post; the page must say sealed, and exactly one object be new."""
    before = set(drop.objects())
    page = drop.post(form, **arguments)
    equal((page.status, page.state), (200, "sealed"), "answer")
    new = set(drop.objects()) - before
    equal(len(new), 1, "new objects")
    return page, new.pop()


def opened(form, newsroom=0):
    return drop.extract(sent(form)[1], newsroom)


def same_files(out, files):
    """`files`: (name, data) in their order."""
    equal(out.names, [name for name, _ in files], "names")
    for i, (name, data) in enumerate(files):
        check(out.read(i) == data, f"file {i} {name!r} differs")
        equal(out.records[i]["size"], len(data), f"size of {name!r}")
        equal(out.records[i]["complete"], True, f"{name!r} complete")
    equal(out.manifest["complete"], True, "complete")


@suite.test("the form has a fresh token each time, the fields and the outlets")
def _():
    page = drop.get("/en/send")
    equal(page.status, 200, "status")
    equal(page.whole, True, "whole")
    tokens = [drop.token() for _ in range(5)]
    equal(len(set(tokens)), 5, "different tokens")
    for token in tokens:
        check(re.fullmatch(r"[A-Za-z0-9_-]{180}", token), "token's shape")
    for text in (
        'action="/en/send?u=', 'enctype="multipart/form-data"',
        'name="message"', 'type="file"', 'name="file"', 'name="outlet"',
        'value="the-example-times"', 'value="zeitung"', 'autocomplete="off"',
    ):
        check(text in page.text(), f"form lacks {text}")
    check("<script" not in page.text(), "a script")
    check("http://" not in page.text(), "something from elsewhere")
    check("https://" not in page.text(), "something from elsewhere")


@suite.test("a message alone")
def _():
    out = opened(drop.form().field("message", "They dump at night.\r\n"))
    equal(out.message, b"They dump at night.\r\n", "message")
    same_files(out, [])
    equal(out.on_disk(), ["SHA256SUMS", "manifest.json", "message.txt"], "out")


@suite.test("files alone; an empty message makes no message.txt")
def _():
    data = noise.randbytes(123456)
    out = opened(drop.form().field("message", "").file("a.bin", data))
    equal(out.message, None, "message")
    same_files(out, [("a.bin", data)])
    out = opened(drop.form().file("b.bin", data))
    equal(out.message, None, "message")
    same_files(out, [("b.bin", data)])


@suite.test("200 files arrive in their order, each byte the same")
def _():
    files = [
        (f"part {i}.bin", noise.randbytes(noise.choice((0, 1, 17, 9000))))
        for i in range(200)
    ]
    form = drop.form().field("message", "many")
    for name, data in files:
        form.file(name, data)
    out = opened(form)
    same_files(out, files)
    equal(out.message, b"many", "message")


@suite.test("L3: equal names, Hebrew and Arabic names survive as entries")
def test_l3_names():
    names = ["report.pdf", "report.pdf", "דוח.pdf", "דוח.pdf", "تقرير.pdf",
             "שלום.pdf", "pdf", "تقرير.pdf"]
    files = [(name, f"contents {i}".encode()) for i, name in enumerate(names)]
    form = drop.form()
    for name, data in files:
        form.file(name, data)
    out = opened(form)
    same_files(out, files)
    entries = [record["entry"] for record in out.records]
    equal(
        entries,
        [f"files/{i:03}-{name}" for i, name in enumerate(names, 1)],
        "entries",
    )
    equal(len(set(entries)), len(names), "distinct entries")


@suite.test("L1: hostile names stay in the manifest, entries are safe")
def test_l1_hostile_names():
    names = ["../../etc/passwd", "/etc/shadow", "..", ".", ".bashrc", "-rf",
             "C:\\Users\\me\\x.doc", "a\u202egpj.exe", "x" * 300, " ",
             "tab\tbell\x07.txt", "\x1b[31mred\x7f.txt", "\x01"]
    form = drop.form()
    for name in names:
        form.file(name, b"x")
    out = opened(form)
    equal(out.names, names, "verbatim names")
    for record in out.records:
        entry = record["entry"]
        equal(entry.count("/"), 1, f"slashes in {entry!r}")
        check(re.match(r"files/\d{3}-[^.\-]", entry), f"entry {entry!r}")
        check("\u202e" not in entry, "a direction override")
        check(entry.isprintable(), f"a control in {entry!r}")
        check(len(entry.encode()) <= 160, "entry's length")


@suite.test("outlets: none chosen means all, each can open it")
def _():
    page, path = sent(drop.form().field("message", "to all"))
    for newsroom in (0, 1):
        equal(drop.extract(path, newsroom).message, b"to all", "message")


@suite.test("outlets: one of two can open it, the other cannot (77)")
def _():
    for chosen, other in ((0, 1), (1, 0)):
        form = drop.form().field("message", "to one")
        form.field("outlet", drop.newsrooms[chosen].id)
        _, path = sent(form)
        out = drop.extract(path, chosen)
        equal(out.message, b"to one", "message")
        equal(out.manifest["recipients"], [drop.newsrooms[chosen].recipient],
              "recipients")
        status, where = drop.extract_status(path, other)
        equal(status.returncode, 77, "exit status of the other")
        check(not os.path.exists(where), "something came out")


@suite.test("outlets: both, and one of them twice")
def _():
    form = drop.form().field("message", "to both")
    for i in (1, 0, 1):
        form.field("outlet", drop.newsrooms[i].id)
    _, path = sent(form)
    for newsroom in (0, 1):
        out = drop.extract(path, newsroom)
        equal(out.message, b"to both", "message")
        equal(sorted(out.manifest["recipients"]),
              sorted(n.recipient for n in drop.newsrooms), "recipients")


def refused(form, status, reason):
    before = drop.snapshot()
    page = drop.post(form)
    equal((page.status, page.reason), (status, reason), "answer")
    check("Nothing was kept" in page.text(), "says what was kept")
    equal(drop.snapshot(), before, "disk")


@suite.test("outlets: unknown, empty or with another case are refused")
def _():
    for name in ("nobody", "", "Zeitung", "zeitung ", "zeit", "zeitungen"):
        form = drop.form().field("message", "x").field("outlet", name)
        refused(form, 400, "form")


@suite.test("outlets: one after the first file is refused")
def _():
    form = drop.form().file("a", b"data").field("outlet", "zeitung")
    refused(form, 400, "form")
    # After a file field that was left empty it is in time.
    form = drop.form().file("", b"").field("outlet", "zeitung")
    form.field("message", "in time")
    equal(opened(form, 1).message, b"in time", "message")


@suite.test("the token may stand anywhere before the first file, not after")
def _():
    form = Form().field("message", "m").field("outlet", "zeitung")
    form.field("token", drop.token()).file("f", b"data")
    out = opened(form, 1)
    equal((out.message, out.read(0)), (b"m", b"data"), "contents")
    form = Form().field("message", "only").field("token", drop.token())
    equal(opened(form).message, b"only", "message")
    form = Form().file("f", b"data").field("token", drop.token())
    refused(form, 403, "token")


@suite.test("a message after the files is kept")
def _():
    form = drop.form().file("f", b"data").field("message", "late")
    out = opened(form)
    equal((out.message, out.read(0)), (b"late", b"data"), "contents")


@suite.test("a file field left empty is passed over, a zero-byte file is kept")
def _():
    form = drop.form().field("message", "m")
    form.file("", b"").file("empty.txt", b"").file("", b"").file("x", b"x")
    same_files(opened(form), [("empty.txt", b""), ("x", b"x")])
    same_files(opened(drop.form().file("only.txt", b"")), [("only.txt", b"")])


@suite.test("a file without a name but with bytes is kept")
def _():
    same_files(opened(drop.form().file("", b"bytes")), [("", b"bytes")])


@suite.test("bytes that look like delimiters stay data")
def _():
    boundary = "----formboundary0123456789abcdef"
    tricky = (
        b"\r\n--" + boundary[:-1].encode() + b"\r\n--\r\n\r\n--\r\r\n-" +
        boundary.encode() + b"\r\n\r\n--" + boundary[:-1].encode() + b"X\r\n"
    ) * 50
    files = [("a", tricky), ("b", b"\r"), ("c", b"\r\n--"), ("d", b"\n")]
    form = drop.form()
    for name, data in files:
        form.file(name, data)
    same_files(opened(form), files)


@suite.test("the body of Firefox, of Chromium and of curl")
def _():
    pdf = b"%PDF-1.4\r\n" + noise.randbytes(3000)
    shapes = {
        "-----------------------------735323031399963166993862150": "\u00e9",
        "----WebKitFormBoundary7MA4YWxkTrZu0gW3": "\u00e9",
        "------------------------a6b5c4d3e2f10908": "\u00e9",
    }
    for boundary, accent in shapes.items():
        form = Form(boundary=boundary)
        form.field("token", drop.token())
        form.field("message", f"caf{accent}\r\nline two")
        form.field("outlet", "the-example-times").field("outlet", "zeitung")
        form.file("scan %22a%22.pdf", pdf, kind="application/pdf")
        page, path = sent(form, extra=(
            "User-Agent: Mozilla/5.0 (Windows NT 10.0; rv:128.0) "
            "Gecko/20100101 Firefox/128.0\r\nAccept: text/html,*/*;q=0.8\r\n"
            "Accept-Language: en-US,en;q=0.5\r\n"
            "Accept-Encoding: gzip, deflate, br\r\nOrigin: null\r\n"
            "Connection: keep-alive\r\nUpgrade-Insecure-Requests: 1\r\n"
            "Sec-Fetch-Dest: document\r\nPriority: u=0, i\r\n"
        ))
        out = drop.extract(path)
        equal(out.message, f"caf{accent}\r\nline two".encode(), "message")
        equal(out.records[0]["type"], "application/pdf", "type")
        check(out.read(0) == pdf, "file")
        check('"' not in out.records[0]["entry"], "a quote in the entry")


@suite.test("any split of the bytes on the wire gives the same object")
def _():
    data = noise.randbytes(3000)
    for seed in range(4):
        form = drop.form().field("message", "split").file("f.bin", data)
        request = form.request()
        cuts = random.Random(seed)
        before = set(drop.objects())
        with drop.connect() as wire:
            at = 0
            while at < len(request):
                n = cuts.choice((1, 2, 3, 50, 700))
                wire.send(request[at:at + n])
                at += n
                if cuts.random() < 0.02:
                    time.sleep(0.005)
            page = wire.response()
        equal(page.state, "sealed", "state")
        (path,) = set(drop.objects()) - before
        out = drop.extract(path)
        equal(out.message, b"split", "message")
        same_files(out, [("f.bin", data)])


@suite.test("L10: sizes around a chunk, opened as each of two newsrooms")
def test_l10_sizes():
    for size in (0, 1, 65535, 65536, 65537, 131071, 131072, 1 << 20, 3000001):
        data = noise.randbytes(size)
        _, path = sent(drop.form().file("sized.bin", data))
        for newsroom in (0, 1):
            same_files(drop.extract(path, newsroom), [("sized.bin", data)])


@suite.test("every object has exactly the Padmé length of what is in it")
def _():
    check(len(drop.objects()) > 25, "too few objects to look at")
    for path in drop.objects():
        with open(path, "rb") as f:
            data = f.read()
        equal(padme(len(data)), len(data), "not a Padmé length")
        check(len(data) >= 65536, "below the floor")
        header = header_length(data)
        try:
            archive = drop.unseal(path, 0)
        except AssertionError:
            archive = drop.unseal(path, 1)
        plain = without_padding(archive)
        equal(len(data), wanted_length(header, plain), "length")


@suite.test("L11: English, Hebrew and Arabic messages rest at the same size")
def test_l11_languages():
    sizes = set()
    for text in ("Hello, all of it!", HEBREW, ARABIC):
        text = (text * 500)[:4000]
        equal(len(text), 4000, "characters")
        out = sent(drop.form().field("message", text))
        equal(drop.extract(out[1]).message, text.encode(), "message")
        sizes.add(os.path.getsize(out[1]))
    equal(sizes, {65536}, "sizes")


@suite.test("one time stamp, one mode and 32 random digits for all")
def _():
    drop.idle()
    where = os.path.join(drop.store, "objects")
    names = os.listdir(where)
    for name in names:
        check(re.fullmatch(r"[0-9a-f]{32}\.age", name), f"name {name}")
        status = os.stat(os.path.join(where, name))
        equal(status.st_mtime_ns, 315532800 * 10**9, "mtime")
        equal(stat.S_IMODE(status.st_mode), 0o400, "mode")
        equal(status.st_nlink, 1, "links")
    equal(len({name[:2] for name in names}) > 10, True, "random names")
    for directory in (drop.store, where, os.path.join(drop.store, "replies")):
        status = os.stat(directory)
        equal(status.st_mtime_ns, 315532800 * 10**9, f"mtime of {directory}")
        equal(stat.S_IMODE(status.st_mode), 0o700, "directory's mode")


@suite.test("L4: no name, type, message or text of the form is on disk")
def test_l4_nothing_in_clear():
    marker = noise.randbytes(16).hex()
    form = drop.form().field("message", f"message {marker}")
    form.file(f"{marker}.pdf", marker.encode() * 9, kind=f"x/{marker}")
    _, path = sent(form)
    needles = [marker.encode(), b"manifest.json", b"PK\x03\x04",
               b"message.txt", "דוח".encode()]
    equal(drop.scan(*needles), [], "files with something in clear")
    # and the search can find: the archive itself has all of them
    archive = drop.unseal(path)
    planted = os.path.join(drop.server, "tmp", "planted")
    with open(planted, "wb") as f:
        f.write(archive)
    equal(drop.scan(marker.encode()), [planted], "planted archive")
    os.unlink(planted)


# libarchive's: "UT" without a time in it, "ux" with user and group 0.
NO_TIMES = b"UT\1\0\0" + b"ux\x0b\0\1\4" + bytes(4) + b"\4" + bytes(4)


def clocks(now):
    """How today could stand in an archive: name and bytes."""
    day = time.gmtime(now)
    dos_date = (day.tm_year - 1980) << 9 | day.tm_mon << 5 | day.tm_mday
    yield "DOS date", struct.pack("<H", dos_date)
    yield "Unix time, high 3 bytes", struct.pack("<I", int(now))[1:]
    yield "Unix time, big endian", struct.pack(">I", int(now))[:3]
    yield "NTFS time", struct.pack("<Q", int((now + 11644473600) * 10**7))[5:7]
    for form in ("%Y%m%d", "%Y/%m/%d", "%d.%m.%Y", "%b %d", "%d %b", "%H:%M"):
        yield form, time.strftime(form, day).encode()


@suite.test("L36: no clock in the plaintext but the manifest's day")
def test_l36_no_clock():
    began = time.time()
    form = drop.form().field("message", "no clock")
    for i in range(5):
        form.file(f"f{i}", b"\xaa" * 1000)
    _, path = sent(form)
    archive = drop.unseal(path)
    with zipfile.ZipFile(io.BytesIO(archive)) as z:
        for info in z.infolist():
            equal(info.date_time, (1980, 1, 1, 0, 0, 0), info.filename)
            equal(info.extra, NO_TIMES, f"extra field of {info.filename}")
            equal(info.comment, b"", f"comment of {info.filename}")
            equal(info.compress_type, zipfile.ZIP_STORED, info.filename)
        equal(z.comment, b"", "archive's comment")
        equal(z.testzip(), None, "CRCs")
        manifest = z.read("manifest.json")
        names = z.namelist()
    equal(names, ["message.txt", *(f"files/{i + 1:03}-f{i}" for i in range(5)),
                  "manifest.json", "padding"], "entries")
    now = time.time()
    days = {
        time.strftime('"day": "%Y-%m-%d"', time.gmtime(moment)).encode()
        for moment in (began, now)  # midnight may lie between them
    }
    day = re.search(rb'"day": "[^"]*"', manifest)[0]
    check(day in days, f"the day in the manifest: {day!r}")
    # Random text of the manifest, and CRCs, may hold two or three bytes of
    # anything: without them the rest is the archive's own.
    rest = archive.replace(manifest, b"")
    with zipfile.ZipFile(io.BytesIO(archive)) as z:
        for info in z.infolist():
            crc = struct.pack("<I", info.CRC)
            rest = rest.replace(crc, b"")
    for moment in (began, now):
        for name, needle in clocks(moment):
            check(needle not in rest, f"{name} {needle!r} in the archive")
    plain = manifest.replace(day, b"").decode()
    for field in ("mailbox", "reply_to", "slot_key"):
        plain = re.sub(rf'"{field}": "[^"]*"', "", plain)
    plain = re.sub(r'"age1[^"]*"', "", plain)
    check(not re.search(r"\d\d:\d\d|20\d\d|19\d\d", plain),
          f"a time in the manifest: {plain}")


@suite.test("return code: eight words, thirty digits in six groups, new")
def _():
    seen = set()
    for i in range(3):
        page, _ = sent(drop.form().field("message", f"code {i}"))
        words = page.output("code").split(" ")
        equal(len(words), 8, "words")
        for word in words:
            check(re.fullmatch(r"[a-z-]{3,9}", word), f"word {word!r}")
        digits = page.output("code-digits")
        check(re.fullmatch(r"\d{5}( \d{5}){5}", digits), f"digits {digits!r}")
        seen.add((page.output("code"), digits))
    equal(len(seen), 3, "different codes")


@suite.test("the code is in no object, and not in the service's own files")
def _():
    page, path = sent(drop.form().field("message", "where is my code"))
    words, digits = page.output("code"), page.output("code-digits")
    archive = drop.unseal(path)
    for text in (words, digits, digits.replace(" ", ""), words.split(" ")[0]
                 + " " + words.split(" ")[1]):
        check(text.encode() not in archive, "the code is in the archive")
    equal(drop.scan(words.encode(), digits.encode()), [], "code on disk")


@suite.test("two codes lead to two mailboxes and two reply keys")
def _():
    listed = [
        drop.list(sent(drop.form().field("message", "x"))[1])
        for _ in range(2)
    ]
    for key in ("mailbox", "reply_to"):
        check(listed[0][key] != listed[1][key], f"the same {key}")
    check(re.fullmatch(r"[0-9a-f]{32}", listed[0]["mailbox"]), "mailbox")
    check("slot_key" not in listed[0], "the slot key is listed")


@suite.test("nothing failed meanwhile; the service ends with 0 at SIGTERM")
def _():
    drop.ends_well()


suite.run()
