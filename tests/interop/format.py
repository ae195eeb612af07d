#!/usr/bin/env python3
"""A second decoder and encoder, written after docs/FORMAT.md alone.

It opens what a real knotholed sealed with stock age, checks every byte of it
against the document, and has the program open what it made itself. The numbers
that stand in the document are read from it and computed anew.

Prints TAP. Runs from the root of the repository; KNOTHOLE_BUILD names the build
directory (default: build). Python's own library, and stock age, unzip and
minisign; Argon2id, which Python has not, comes from libsodium through ctypes.
"""
import base64
import ctypes
import ctypes.util
import glob
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unicodedata
import zlib

BUILD = os.path.abspath(os.environ.get("KNOTHOLE_BUILD", "build"))
KNOTHOLE = os.path.join(BUILD, "bin", "knothole")
KNOTHOLED = os.path.join(BUILD, "bin", "knotholed")
DOCUMENT = "docs/FORMAT.md"
WORDLIST = ("/usr/lib/python3/dist-packages/diceware/wordlists/"
            "wordlist_en_eff.txt")
CHUNK, TAG, MAX32, BASE = 65536, 16, 0xFFFFFFFF, 7776
TESTS = []


class Skip(Exception):
    """This check needs something that is not installed."""


def test(fn):
    TESTS.append(fn)
    return fn


def need(*programs):
    for p in programs:
        if shutil.which(p) is None:
            raise Skip(f"{p} is not installed")


def same(is_, should, what):
    if is_ != should:
        raise AssertionError(f"{what}: {is_!r:.200} instead of {should!r:.200}")


def check(truth, what):
    if not truth:
        raise AssertionError(what)


def run(*args, expect=0, data=None):
    p = subprocess.run(args, input=data, capture_output=True, check=False)
    same(p.returncode, expect, f"{args[0]} {p.stderr.decode(errors='replace')}")
    return p.stdout


# --- section 7: return codes ------------------------------------------------

def words():
    path = os.environ.get("KNOTHOLE_WORDLIST") or WORDLIST
    if not os.path.exists(path):
        raise Skip("the word list (package diceware) is not installed")
    with open(path, encoding="ascii") as f:
        out = [line.split("\t")[1].strip() for line in f if "\t" in line]
    digest = hashlib.sha256("".join(w + "\n" for w in out).encode())
    check(digest.hexdigest() in document(), "the word list's hash")
    return out


def blake2b(data, size, key=b"", **kw):
    return hashlib.blake2b(data, digest_size=size, key=key, **kw).digest()


def canonical(digits):
    return b"".join(d.to_bytes(2, "big") for d in digits)


def check_index(digits):
    h = blake2b(canonical(digits), 32, b"knothole code check v1")
    return int.from_bytes(h[:8], "big") % BASE


def digits_of_words(text):
    index = [words().index(w) for w in text.split(" ")]
    same(len(index), 8, "words")
    same(index[7], check_index(index[:7]), "check word")
    return index[:7]


def decimal(digits):
    n = 0
    for d in digits:
        n = n * BASE + d
    check = 98 - n * 100 % 97
    same((n * 100 + check) % 97, 1, "MOD 97-10")
    text = f"{n:028d}{check:02d}"
    return " ".join(text[i:i + 5] for i in range(0, 30, 5))


def argon2id(password, salt):
    path = ctypes.util.find_library("sodium")
    if path is None:
        raise Skip("libsodium is not installed")
    lib = ctypes.CDLL(path)
    out = ctypes.create_string_buffer(32)
    check(lib.sodium_init() >= 0, "sodium_init")
    r = lib.crypto_pwhash(
        out, ctypes.c_ulonglong(32), password,
        ctypes.c_ulonglong(len(password)), salt, ctypes.c_ulonglong(3),
        ctypes.c_size_t(65536 * 1024), ctypes.c_int(2))
    same(r, 0, "Argon2id")
    return out.raw


def x25519_base(scalar):
    """RFC 7748, section 5: the ladder on the base point."""
    p, a24 = 2**255 - 19, 121665
    k = int.from_bytes(scalar, "little") & ((1 << 255) - 8) | (1 << 254)
    x1, x2, z2, x3, z3, swap = 9, 1, 0, 9, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % p, b * b % p, d * a % p, c * b % p
        e = aa - bb
        x3, z3 = (da + cb)**2 % p, x1 * (da - cb)**2 % p
        x2, z2 = aa * bb % p, e * (aa + a24 * e) % p
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, p - 2, p) % p).to_bytes(32, "little")


CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def polymod(values):
    chk = 1
    for v in values:
        top = chk >> 25
        chk = (chk & 0x1FFFFFF) << 5 ^ v
        for i, g in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD,
                               0x2A1462B3)):
            chk ^= g if top >> i & 1 else 0
    return chk


def bech32(prefix, key):
    """BIP 173, without its limit on the length."""
    hrp = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    bits = int.from_bytes(key, "big") << 4
    data = [bits >> (5 * i) & 31 for i in reversed(range(52))]
    chk = polymod(hrp + data + [0] * 6) ^ 1
    data += [chk >> (5 * i) & 31 for i in reversed(range(6))]
    return prefix + "1" + "".join(CHARSET[v] for v in data)


def recipient_text(pk):
    return bech32("age", pk)


def identity_text(sk):
    return bech32("age-secret-key-", sk).upper()


def recipient_key(text):
    same(len(text), 62, "length of a recipient")
    bits = 0
    for c in text[4:56]:
        bits = bits << 5 | CHARSET.index(c)
    key = (bits >> 4).to_bytes(32, "big")
    same(recipient_text(key), text, "recipient")
    return key


def derive(digits, salt):
    root = argon2id(canonical(digits), salt)
    reply = blake2b(b"knothole reply key v1", 32, root)
    return {
        "root": root.hex(),
        "mailbox": blake2b(b"knothole mailbox v1", 16, root).hex(),
        "reply": reply.hex(),
        "reply_to": recipient_text(x25519_base(reply)),
        "slot key": blake2b(b"knothole slot key v1", 32, root).hex(),
    }


# --- section 6: size --------------------------------------------------------

def padme(n):
    if n <= 65536:
        return 65536
    e = n.bit_length() - 1
    s = e.bit_length()  # floor(log2 E) + 1
    unit = 1 << (e - s)
    return (n + unit - 1) // unit * unit


def lengths(header, at_least):
    """The lengths that exist, upwards, each with its plaintext length."""
    n = padme(header + at_least + TAG * max(1, -(-at_least // CHUNK)))
    while True:
        full, rest = divmod(n - header, CHUNK + TAG)
        if rest == 0:
            yield n, full * CHUNK
        elif rest > TAG or (rest == TAG and full == 0):
            yield n, full * CHUNK + rest - TAG
        n = padme(n + 1)


def padding(header, offset, directory):
    at_least = offset + 101 + directory + 22
    for _, p in lengths(header, at_least):
        if p - directory - 22 <= MAX32:
            return p - offset - 101 - directory - 22
        if p >= at_least + 76 and p - directory - 98 > MAX32:
            return p - offset - 101 - directory - 98
    raise AssertionError("no length")


# --- section 3: the bundle --------------------------------------------------

EXTRA = bytes.fromhex("5554010000" "75780b000104000000000400000000")


def le(value, size):
    return value.to_bytes(size, "little")


def zip_flags(name):
    return 0x0808 if any(b > 0x7F for b in name) else 0x0008


def zip_local(name):
    return (b"PK\x03\x04" + le(45, 2) + le(zip_flags(name), 2) + le(0, 2) +
            le(0, 2) + le(0x21, 2) + le(0, 4) + b"\xff" * 8 +
            le(len(name), 2) + le(40, 2) + name + EXTRA +
            b"\x01\x00\x10\x00" + bytes(16))


def zip_descriptor(size, crc):
    return b"PK\x07\x08" + le(crc, 4) + le(size, 8) + le(size, 8)


def zip64_field(size, offset):
    if size <= MAX32 and offset <= MAX32:
        return b""
    body = le(size, 8) * 2 if size >= MAX32 else b""
    body += le(offset, 8) if offset >= MAX32 else b""
    return le(1, 2) + le(len(body), 2) + body


def zip_central(name, size, crc, offset):
    more = zip64_field(size, offset)
    return (b"PK\x01\x02" + le(0x032D, 2) + le(45, 2) +
            le(zip_flags(name), 2) + le(0, 2) + le(0, 2) + le(0x21, 2) +
            le(crc, 4) + le(min(size, MAX32), 4) * 2 + le(len(name), 2) +
            le(20 + len(more), 2) + le(0, 2) * 3 + le(0x81800000, 4) +
            le(min(offset, MAX32), 4) + name + EXTRA + more)


def zip_end(n, directory, offset):
    out = b""
    if offset > MAX32:
        out += (b"PK\x06\x06" + le(44, 8) + le(45, 2) * 2 + le(0, 4) * 2 +
                le(n, 8) * 2 + le(directory, 8) + le(offset, 8) +
                b"PK\x06\x07" + le(0, 4) + le(offset + directory, 8) +
                le(1, 4))
    return (out + b"PK\x05\x06" + le(0, 2) * 2 + le(n, 2) * 2 +
            le(directory, 4) + le(min(offset, MAX32), 4) + le(0, 2))


def bundle(entries, header):
    """The one archive that these (name, data) make, padding added."""
    body, central = b"", b""
    entries = [(name.encode(), data) for name, data in entries]
    n = len(entries) + 1
    for i in range(n):
        offset = len(body)
        if i == n - 1:
            directory = len(central) + 66 + 7 + len(zip64_field(0, offset))
            entries.append((b"padding", bytes(padding(header, offset,
                                                      directory))))
        name, data = entries[i]
        crc = zlib.crc32(data)
        body += zip_local(name) + data + zip_descriptor(len(data), crc)
        central += zip_central(name, len(data), crc, offset)
    return body + central + zip_end(n, len(central), len(body))


def read_bundle(plain):
    """(name, data) of every entry, walked from byte 0; layout not judged."""
    out, at = [], 0
    end = plain[-22:]
    same(end[:4], b"PK\x05\x06", "end record")
    n = int.from_bytes(end[10:12], "little")
    directory = int.from_bytes(end[16:20], "little")
    sizes, p = [], directory
    for _ in range(n):
        sizes.append(int.from_bytes(plain[p + 24:p + 28], "little"))
        p += 46 + sum(int.from_bytes(plain[p + i:p + i + 2], "little")
                      for i in (28, 30, 32))
    for size in sizes:
        length = int.from_bytes(plain[at + 26:at + 28], "little")
        name = plain[at + 30:at + 30 + length].decode()
        at += 70 + length
        out.append((name, plain[at:at + size]))
        at += size + 24
    same(at, directory, "where the directory begins")
    return out


# --- section 4: names -------------------------------------------------------

IGNORABLE = [(0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160),
             (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F),
             (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164),
             (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0),
             (0xFFF0, 0xFFFB), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A),
             (0xE0000, 0xE0FFF), (0xFDD0, 0xFDEF)]


def safe_character(c):
    if c in '"*:<>?|':
        return "_"
    if c == " ":
        return c
    cp = ord(c)
    if cp & 0xFFFE == 0xFFFE or any(a <= cp <= b for a, b in IGNORABLE):
        return ""
    category = unicodedata.category(c)
    if category in ("Cc", "Zs", "Zl", "Zp"):
        return " "
    return "" if category in ("Cf", "Cs") else c


def decode_utf8(raw, instead):
    out, i = "", 0
    while i < len(raw):
        for k in range(1, 5):
            try:
                out += raw[i:i + k].decode()
                i += k
                break
            except UnicodeDecodeError:
                continue
        else:
            out += instead
            i += 1
    return out


def safe_name(raw):
    raw = re.split(rb"[/\\]", raw)[-1]
    name = "".join(map(safe_character, decode_utf8(raw, "_")))
    name = unicodedata.normalize("NFC", name).lstrip(" .-").rstrip(" .")
    if not name:
        return "file"
    dot = name.rfind(".")
    ext = name[dot:] if dot > 0 and len(name[dot:].encode()) <= 20 else ""
    stem = name[:len(name) - len(ext)]
    while len((stem + ext).encode()) > 150:
        stem = stem[:-1]
    return stem + ext if ext else stem.rstrip(" .")


def entry_name(number, raw):
    for a, b in ((rb"%22", b'"'), (rb"%0[dD]", b"\r"), (rb"%0[aA]", b"\n")):
        raw = re.sub(a, b, raw)
    return f"files/{number:03d}-{safe_name(raw)}"


# --- section 2: the object --------------------------------------------------

def b64(raw):
    return base64.b64encode(raw).rstrip(b"=")


def header_len(obj, n):
    """Check the header of an object for `n` recipients; returns H."""
    lines = obj[:obj.index(b"\n--- ") + 49].split(b"\n")
    same(lines[0], b"age-encryption.org/v1", "version line")
    for i in range(n):
        check(re.fullmatch(rb"-> X25519 [A-Za-z0-9+/]{43}", lines[1 + 2 * i]),
              "stanza")
        check(re.fullmatch(rb"[A-Za-z0-9+/]{43}", lines[2 + 2 * i]), "body")
    start = 22 + 98 * n
    d = blake2b(obj[:start], 32, person=b"knothole check\0\0")
    same(lines[1 + 2 * n], b"-> knothole.example/check " + b64(d[:16]),
         "check stanza")
    same(lines[2 + 2 * n], b"", "its body")
    check(re.fullmatch(rb"--- [A-Za-z0-9+/]{43}", lines[3 + 2 * n]), "MAC line")
    same(len(b"\n".join(lines[:4 + 2 * n])) + 1 + 16, 136 + 98 * n, "H")
    return 136 + 98 * n


# --- section 5: the manifest ------------------------------------------------

def exactly(is_a, value, what):
    check(type(value) is is_a, f"{what} is {value!r:.80}")
    return value


def check_file(f, number, data, complete):
    members = {"entry", "name", "type", "size", "complete"}
    same(set(f) - {"name_hex"}, members, "members of a file")
    raw = (bytes.fromhex(f["name_hex"]) if "name_hex" in f
           else f["name"].encode())
    if "name_hex" in f:
        same(f["name"], decode_utf8(raw, "\ufffd").replace("\0", "\ufffd"),
             "name")
        check("\ufffd" in f["name"], "name_hex without need")
    same(f["entry"], entry_name(number, raw), "entry")
    same(exactly(int, f["size"], "size"), len(data), "size")
    check(re.fullmatch(r"[\x20-\x7e]{0,127}", f["type"]), "type")
    check(exactly(bool, f["complete"], "complete") or not complete, "complete")
    return raw


def check_manifest(raw, entries):
    check(re.fullmatch(rb"[\x20-\x7e\t\r\n]*", raw), "bytes of the manifest")
    m = json.loads(raw)
    same(list(m), ["knothole", "mailbox", "reply_to", "slot_key", "language",
                   "day", "complete", "recipients", "files"], "members")
    same(exactly(int, m["knothole"], "knothole"), 1, "version")
    check(re.fullmatch(r"[0-9a-f]{32}", m["mailbox"]), "mailbox")
    recipient_key(m["reply_to"])
    check(re.fullmatch(r"[0-9a-f]{64}", m["slot_key"]), "slot key")
    check(re.fullmatch(r"[a-z]{2,8}", m["language"]), "language")
    check(re.fullmatch(r"\d{4}-\d\d-\d\d", m["day"]), "day")
    exactly(bool, m["complete"], "complete")
    for text in m["recipients"]:
        recipient_key(text)
    same(len(m["files"]), len(entries), "files")
    names = []
    for i, (f, entry) in enumerate(zip(m["files"], entries)):
        same(f["entry"], entry[0], "entry")
        names.append(check_file(f, i + 1, entry[1], m["complete"]))
    return m, names


# --- section 8: cards -------------------------------------------------------

def parse_card(text):
    body, mark, rest = text.partition("untrusted comment: ")
    check(mark != "", "signature")
    lines = [line.split(" = ", 1) for line in body.splitlines()]
    keys = "".join(k[0] if k != "knothole-card" else "c" for k, _ in lines)
    check(re.fullmatch(r"cnl+sr+c?o?", keys), f"order of lines: {keys}")
    same(lines[0][1], "1", "version")
    fields = {"name": lines[1][1], "recipients": []}
    for key, value in lines:
        if key == "signing_key":
            raw = base64.b64decode(value)
            same((len(value), raw[:2]), (56, b"Ed"), "signing key")
            fields["signing_key"] = value
        if key == "recipient":
            to, first, last = value.split(" ")
            check(first <= last, "period")
            fields["recipients"].append(to)
        if key == "courier_token_hash":
            check(re.fullmatch(r"[0-9a-f]{64}", value), "hash of the token")
            fields["courier"] = value
        if key == "openpgp":
            key = base64.b64decode(value, validate=True)
            same(base64.b64encode(key).decode(), value, "one spelling")
            check(0 < len(key) <= 8192 and key[0] & 0x80, "OpenPGP key")
            fields["openpgp"] = key
    sig = (mark + rest).splitlines()
    same(len(sig), 4, "lines of the signature")
    same(base64.b64decode(sig[1])[:2], b"ED", "kind of signature")
    return fields, body, mark + rest


def fingerprint(card):
    recipients = b"".join(recipient_key(to) for to in card["recipients"])
    signing = base64.b64decode(card["signing_key"])[10:]
    data = b"knothole card fingerprint v1" + signing + recipients
    if "openpgp" in card:
        data = b"knothole card fingerprint v2" + signing
        data += bytes([len(card["recipients"])]) + recipients
        data += card["openpgp"]
    n = int.from_bytes(blake2b(data, 32), "big") >> (256 - 103)
    digits = [n // BASE**i % BASE for i in reversed(range(8))]
    return " ".join(words()[d] for d in digits)


def minisign_body(card, body, signature, directory):
    need("minisign")
    path = os.path.join(directory, "body")
    with open(path, "w", encoding="utf-8") as f:
        f.write(body)
    with open(path + ".minisig", "w", encoding="utf-8") as f:
        f.write(signature)
    run("minisign", "-V", "-q", "-m", path, "-P", card["signing_key"])


# --- section 10: answers ----------------------------------------------------

ANSWER_SIZES = (4096, 16384, 65536)
ANSWER_FORM = (
    rb"knothole-answer = 1\nmailbox = ([0-9a-f]{32})\n"
    rb"number = (0|[1-9][0-9]{0,2})\nkind = (received|answer)\n"
    rb"day = ([0-9]{4}-[0-9]{2}-[0-9]{2})\nlength = (0|[1-9][0-9]{0,4})\n\n")
ANSWER_SIGNATURE = (rb"untrusted comment: knothole answer\n([^\n]{100})\n"
                    rb"trusted comment: knothole answer\n([^\n]{88})\n")


def slot_name(key, public, n):
    return blake2b(b"knothole slot v1" + public + le(n, 8), 32, key).hex()


class Ed25519:
    """RFC 8032, by libsodium."""

    def __init__(self, seed):
        path = ctypes.util.find_library("sodium")
        if path is None:
            raise Skip("libsodium is not installed")
        self.lib = ctypes.CDLL(path)
        check(self.lib.sodium_init() >= 0, "sodium_init")
        public = ctypes.create_string_buffer(32)
        self.secret = ctypes.create_string_buffer(64)
        self.lib.crypto_sign_seed_keypair(public, self.secret, seed)
        self.public = public.raw

    def sign(self, data):
        out = ctypes.create_string_buffer(64)
        self.lib.crypto_sign_detached(out, None, data,
                                      ctypes.c_ulonglong(len(data)),
                                      self.secret)
        return out.raw

    def verify(self, signature, data):
        return self.lib.crypto_sign_verify_detached(
            signature, data, ctypes.c_ulonglong(len(data)), self.public) == 0


def encode_answer(key, key_id, mailbox, number, kind, day, text):
    body = (f"knothole-answer = 1\nmailbox = {mailbox}\nnumber = {number}\n"
            f"kind = {kind}\nday = {day}\nlength = {len(text)}\n\n").encode()
    body += text + b"\n"
    s1 = key.sign(blake2b(body, 64))
    return (body + b"untrusted comment: knothole answer\n" +
            base64.b64encode(b"ED" + key_id + s1) +
            b"\ntrusted comment: knothole answer\n" +
            base64.b64encode(key.sign(s1 + b"knothole answer")) + b"\n")


def decode_answer(plain, key, key_id):
    """(mailbox, number, kind, day, text), or an error."""
    head = re.match(ANSWER_FORM, plain)
    check(head is not None, "lines of an answer")
    mailbox, number, kind, day, length = head.groups()
    length = int(length)
    check(int(number) < 256, "number")
    check(length <= 64904 and (kind == b"answer") == (length > 0), "length")
    text = plain[head.end():head.end() + length]
    same(len(text), length, "length of the text")
    check("\0" not in text.decode(), "a NUL in the text")
    body = plain[:head.end() + length + 1]
    same(body[-1:], b"\n", "LF behind the text")
    sig = re.match(ANSWER_SIGNATURE, plain[len(body):])
    check(sig is not None, "form of the signature")
    same(sig.end(), 258, "its length")
    first, second = (base64.b64decode(s, validate=True) for s in sig.groups())
    same(first[:10], b"ED" + key_id, "whose signature")
    check(key.verify(first[10:], blake2b(body, 64)), "signature")
    check(key.verify(second, first[10:] + b"knothole answer"), "the second")
    same(plain[len(body) + 258:].strip(b"\0"), b"", "what follows it")
    return mailbox.decode(), int(number), kind.decode(), day.decode(), text


# --- a real newsroom and a real server --------------------------------------

class Site:
    """Two newsrooms and a knotholed, until it is closed."""

    def __init__(self, directory):
        self.dir = directory
        self.keys = {}
        self.process = None
        cards = self.path("cards")
        os.mkdir(cards)
        for name in ("The Example Times", "הארץ"):
            where = self.path(f"keys{len(self.keys)}")
            said = run(KNOTHOLE, "keygen", "-o", where, "--name", name,
                       "--no-passphrase").decode()
            card = glob.glob(where + "/*.card")[0]
            shutil.copy(card, cards)
            self.keys[card] = said
        self.start()

    def path(self, name):
        return os.path.join(self.dir, name)

    def identity(self, card):
        return os.path.join(os.path.dirname(card), "identity.txt")

    def start(self):
        config = self.path("knotholed.conf")
        with open(config, "w", encoding="ascii") as f:
            f.write("source_listen = tcp:127.0.0.1:0\n"
                    f"store = {self.path('store')}\n"
                    f"newsrooms = {self.path('cards')}\n")
        self.process = subprocess.Popen([KNOTHOLED, "-c", config],
                                        stderr=subprocess.PIPE, text=True)
        said = ""
        while "ready" not in said:
            line = self.process.stderr.readline()
            check(line != "", "knotholed did not start: " + said)
            said += line
        self.port = int(re.search(r"127\.0\.0\.1:(\d+)", said).group(1))

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def token(self):
        c = self.connect()
        c.request("GET", "/en/send")
        page = c.getresponse().read().decode()
        c.close()
        return re.search(r'name="token" value="([^"]+)"', page).group(1), page

    def objects(self):
        return set(glob.glob(self.path("store/objects/*")))


BOUNDARY = "an-interop-boundary"
KIND = {"Content-Type": "multipart/form-data; boundary=" + BOUNDARY}


def form(fields, end=True):
    """multipart/form-data: (name, None or file name, bytes)."""
    out = b""
    for name, filename, data in fields:
        out += (f"--{BOUNDARY}\r\nContent-Disposition: form-data; "
                f'name="{name}"').encode()
        if filename is not None:
            out += b'; filename="' + filename + b'"\r\nContent-Type: a/b'
        out += b"\r\n\r\n" + data + b"\r\n"
    return out + (f"--{BOUNDARY}--\r\n".encode() if end else b"")


NAMES = ["report.pdf".encode(), "דוח סודי.pdf".encode(),
         "تقرير.pdf".encode(), b"report.pdf", rb"..\..\x%22y%0d%0A.txt",
         b"caf\xe9.txt", "e\u0301\u202egnp.exe".encode(), b"-rf",
         "ש".encode() * 100 + b".html", b"x" * 200, b". .", b"a<b>:c|d?.doc"]
MESSAGE = "Line one\r\nשורה שתיים".encode()


@test
def vectors_of_return_codes():
    blocks = re.findall(r"^code .*?(?=\n\n|\n```)", document(), re.M | re.S)
    check(len(blocks) >= 3, "vectors in the document")
    for block in blocks:
        v = dict(re.split(r"  +| (?=[0-9a-f]{64}$)", line, maxsplit=1)
                 for line in block.splitlines())
        digits = digits_of_words(v["code"])
        same(canonical(digits).hex(), v["bytes"], "bytes")
        same(decimal(digits), v["digits"], "digits")
        for key, value in derive(digits, bytes(range(16))).items():
            same(value, v[key], key)


@test
def table_and_examples_of_sizes():
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", document(),
                      re.M)
    check(len(rows) == 4, "the table in the document")
    for row in rows:
        for n, p in (row[:2], row[2:]):
            same(padme(int(n)), int(p), f"P({n})")
    same(next(lengths(234, 65000)), (65536, 65286), "first example")
    same(padme(134088), 135168, "second example")
    same(next(lengths(4056, 130000)), (139264, 135160), "second example")
    for number in ("65,286", "139264", "135,160"):
        check(number in document(), f"{number} in the document")


@test
def card_in_the_document():
    text = re.search(r"```\n(knothole-card = 1\n.*?)```", document(), re.S)
    card, body, signature = parse_card(text.group(1))
    with tempfile.TemporaryDirectory() as directory:
        minisign_body(card, body, signature, directory)
    check(fingerprint(card) in re.sub(r"\s+", " ", document()), "fingerprint")
    token = re.search(r"```\n([0-9A-Za-z_-]{43})\n```", document())[1]
    same(blake2b(token.encode(), 32).hex(), card["courier"], "courier's token")


@test
def cards_of_keygen():
    need("minisign")
    _, page = SITE.token()
    for path, said in SITE.keys.items():
        run("minisign", "-V", "-q", "-m", path, "-p", path[:-5] + ".pub")
        with open(path, encoding="utf-8") as f:
            card, body, signature = parse_card(f.read())
        minisign_body(card, body, signature, SITE.dir)
        check(fingerprint(card) in said, "fingerprint as keygen says it")
        check(fingerprint(card) in page, "fingerprint as the form shows it")
        with open(os.path.dirname(path) + "/courier.token", "rb") as f:
            token = f.read()
        check(re.fullmatch(rb"[0-9A-Za-z_-]{43}\n", token), "a token, a line")
        same(blake2b(token[:-1], 32).hex(), card["courier"], "token's hash")


@test
def identity_file():
    for path in SITE.keys:
        with open(SITE.identity(path), encoding="utf-8") as f:
            lines = f.read().split("\n")
        with open(path, encoding="utf-8") as f:
            card = parse_card(f.read())[0]
        same(lines[0], "# created by knothole", "first line")
        same(lines[1], "# newsroom: " + card["name"], "second line")
        same(lines[2], "# public key: " + card["recipients"][0], "third line")
        signing = base64.b64decode(lines[3].removeprefix("# signing key: "))
        same(len(signing), 40, "signing key")
        same(signing[:8], base64.b64decode(card["signing_key"])[2:10], "key id")
        check(lines[4].startswith("AGE-SECRET-KEY-1"), "identity")
        same(lines[5:], [""], "end")


def open_and_check(path, cards):
    """An object of the server, down to the last byte."""
    with open(path, "rb") as f:
        obj = f.read()
    header = header_len(obj, len(cards))
    same(padme(len(obj)), len(obj), "Padmé length")
    plains = {run("age", "-d", "-i", SITE.identity(c), path) for c in cards}
    same(len(plains), 1, "what the newsrooms see")
    plain = plains.pop()
    same(len(obj), header + len(plain) + TAG * -(-len(plain) // CHUNK), "STREAM")
    entries = read_bundle(plain)
    same(entries[-1][0], "padding", "last entry")
    same(entries[-1][1].strip(b"\0"), b"", "padding")
    same(entries[-2][0], "manifest.json", "last entry but one")
    check(plain == bundle(entries[:-1], header), "every byte of the archive")
    files = [e for e in entries if e[0].startswith("files/")]
    m, names = check_manifest(entries[-2][1], files)
    return m, names, entries


@test
def a_submission_to_the_byte():
    need("age")
    before = SITE.objects()
    token, _ = SITE.token()
    bodies = [os.urandom(n) for n in (0, 1, 65535, 65536, 65537, 300000, 7, 8,
                                      9, 10, 11, 12)]
    fields = [("token", None, token.encode()), ("message", None, MESSAGE)]
    fields += [("file", n, b) for n, b in zip(NAMES, bodies)]
    c = SITE.connect()
    c.request("POST", "/en/send", form(fields), KIND)
    page = c.getresponse().read().decode()
    c.close()
    check('data-state="sealed"' in page, page[-500:])
    path, = SITE.objects() - before

    m, names, entries = open_and_check(path, list(SITE.keys))
    same(names, NAMES, "names as sent")
    same(entries[0], ("message.txt", MESSAGE), "message")
    same([e[1] for e in entries[1:-2]], bodies, "contents")
    check(m["complete"] and all(f["complete"] for f in m["files"]), "complete")
    same([f["type"] for f in m["files"]], ["a/b"] * len(NAMES), "types")

    code = re.search(r'id="code"[^>]*>([^<]+)<', page).group(1)
    number = re.search(r'id="code-digits"[^>]*>([^<]+)<', page).group(1)
    digits = digits_of_words(code)
    same(number, decimal(digits), "the two forms of the code")
    with open(SITE.path("store.state/instance.salt"), "rb") as f:
        keys = derive(digits, f.read())
    same(m["mailbox"], keys["mailbox"], "mailbox")
    same(m["reply_to"], keys["reply_to"], "reply_to")
    same(m["slot_key"], keys["slot key"], "slot key")


@test
def stock_unzip_opens_it():
    need("age", "unzip")
    card = next(iter(SITE.keys))
    archive = SITE.path("submission.zip")
    for path in SITE.objects():
        with open(archive, "wb") as f:
            f.write(run("age", "-d", "-i", SITE.identity(card), path))
        run("unzip", "-tqq", archive)


@test
def a_cut_submission():
    need("age")
    before = SITE.objects()
    token, _ = SITE.token()
    data = os.urandom(200000)
    body = form([("token", None, token.encode()), ("file", b"a", b"whole"),
                 ("file", b"b", data)], end=False)[:-100000]
    c = SITE.connect()
    c.putrequest("POST", "/en/send")
    c.putheader("Content-Type", KIND["Content-Type"])
    c.putheader("Content-Length", str(len(body) + 500000))
    c.endheaders()
    c.send(body)
    c.close()
    for _ in range(1200):
        if SITE.objects() - before:
            break
        time.sleep(0.05)
    path, = SITE.objects() - before
    m, _, entries = open_and_check(path, list(SITE.keys))
    same(m["complete"], False, "complete")
    same([f["complete"] for f in m["files"]], [True, False], "files")
    same(entries[0][1], b"whole", "the whole one")
    check(data.startswith(entries[1][1]), "the cut one")


@test
def chosen_outlet_and_late_message():
    need("age")
    before = SITE.objects()
    token, _ = SITE.token()
    card = sorted(SITE.keys)[-1]
    outlet = os.path.basename(card)[:-5].encode()
    fields = [("token", None, token.encode()), ("outlet", None, outlet),
              ("file", b"a", b"1"), ("message", None, MESSAGE)]
    c = SITE.connect()
    c.request("POST", "/en/send", form(fields), KIND)
    check('data-state="sealed"' in c.getresponse().read().decode(), "receipt")
    c.close()
    path, = SITE.objects() - before
    m, _, entries = open_and_check(path, [card])
    same([e[0] for e in entries], ["files/001-a", "message.txt",
                                   "manifest.json", "padding"], "order")
    with open(card, encoding="utf-8") as f:
        same(m["recipients"], parse_card(f.read())[0]["recipients"], "to")


@test
def objects_at_rest():
    check(len(SITE.objects()) >= 3, "objects")
    for path in SITE.objects():
        check(re.fullmatch(r"[0-9a-f]{32}\.age", os.path.basename(path)), path)
        st = os.stat(path)
        same(stat.S_IMODE(st.st_mode), 0o400, "mode")
        same(st.st_mtime_ns, 315532800 * 10**9, "modification time")
    st = os.stat(SITE.path("store.state/instance.salt"))
    same((stat.S_IMODE(st.st_mode), st.st_size), (0o400, 16), "salt")


def encode(manifest, entries, header=184):
    """An archive of ours; 184 is the header of stock age for one recipient."""
    raw = json.dumps(manifest).encode()
    return bundle(entries + [("manifest.json", raw)], header)


def manifest_for(to, files):
    return {"files": files, "recipients": [to], "complete": True,
            "day": "2026-11-21", "language": "he", "reply_to": to,
            "mailbox": "00" * 16, "slot_key": "0f" * 32,
            "knothole": 1, "of a later time": [None]}


def extract(plain, to, identity, expect=0):
    with tempfile.TemporaryDirectory(dir=SITE.dir) as directory:
        path = os.path.join(directory, "made.age")
        out = os.path.join(directory, "out")
        run("age", "-r", to, "-o", path, data=plain)
        size = os.path.getsize(path)
        run(KNOTHOLE, "--i-am-online", "extract", "-i", identity, "-o", out, path,
            expect=expect)
        got = {}
        top = os.path.join(out, "made")
        for where, _, names in os.walk(top):
            for name in names:
                full = os.path.join(where, name)
                with open(full, "rb") as f:
                    got[os.path.relpath(full, top)] = f.read()
        return size, got


def one_file():
    card = next(iter(SITE.keys))
    with open(card, encoding="utf-8") as f:
        to = parse_card(f.read())[0]["recipients"][0]
    entry = entry_name(1, "מסמך.txt".encode())
    files = [{"entry": entry, "name": "מסמך.txt", "type": "", "size": 5,
              "complete": True}]
    return to, SITE.identity(card), manifest_for(to, files), [(entry, b"hello")]


@test
def the_program_opens_what_this_encoder_made():
    need("age")
    to, identity, manifest, entries = one_file()
    plain = encode(manifest, [("message.txt", MESSAGE)] + entries)
    size, got = extract(plain, to, identity)
    same(size, padme(size), "Padmé length")
    same(got["message.txt"], MESSAGE, "message")
    same(got[entries[0][0]], b"hello", "file")


@test
def the_program_refuses_another_layout():
    need("age")
    to, identity, manifest, entries = one_file()
    good = encode(manifest, entries)
    late = good.replace(le(0x21, 2) + le(0, 4), le(0x22, 2) + le(0, 4), 1)
    deep = good.replace(b"files/001-", b"files/../x", 2)
    long = encode({**manifest, "day": "yesterday"}, entries)
    twice = encode(manifest, entries + entries)
    gap = good[:-22] + b"\0" + good[-22:]
    for bad in (late, deep, long, twice, gap):
        check(bad != good, "a change")
        same(extract(bad, to, identity, expect=65)[1], {}, "what came out")


ANSWERS = [(0, "received", ""), (1, "answer", "תודה.\nIs it yours?\r\n"),
           (9, "answer", "شكراً"), (100, "answer", "a" * 3465),
           (101, "answer", "a" * 3466), (254, "answer", "ש" * 7876),
           (255, "answer", "e" * 64904)]
CODE = "abacus abacus abacus abacus abacus abacus abacus variably"


@test
def vectors_of_answers():
    seed, key_id = b"\x17" * 32, b"\x42" * 8
    key = Ed25519(seed)
    text = base64.b64encode(b"Ed" + key_id + key.public).decode()
    check(f"`{text}`" in document(), "the signing key")
    keys = dict(re.findall(r"^code +(\w+) .*?^slot key +(\w+)$", document(),
                           re.M | re.S))
    rows = re.findall(r"^(\w+) +(\d+)  ([0-9a-f]{64})$", document(), re.M)
    same(len(rows), 9, "slots in the document")
    for word, n, name in rows:
        same(slot_name(bytes.fromhex(keys[word]), key.public, int(n)), name,
             f"slot {n} of {word}")
    block = re.search(r"```\n(knothole-answer = 1\n.*?)```", document(), re.S)
    plain = block.group(1).encode()
    fields = decode_answer(plain, key, key_id)
    same(fields, ("eaab20bf5b3140e6f8ee918d9c4aec50", 1, "answer",
                  "2026-11-23", "תודה.\nIs it yours?".encode()), "fields")
    same(encode_answer(key, key_id, *fields), plain, "the same again")
    longest = encode_answer(key, key_id, "0" * 32, 255, "answer", "2026-11-23",
                            b"a" * 64904)
    same(len(longest), 65536 - 250, "the longest")
    need("minisign")
    with tempfile.TemporaryDirectory() as directory:
        body, mark, rest = block.group(1).partition("untrusted comment: ")
        minisign_body({"signing_key": text}, body, mark + rest, directory)


class Source:
    """Somebody with the code CODE, and the newsroom that answers."""

    def __init__(self):
        self.salt = SITE.path("store.state/instance.salt")
        with open(self.salt, "rb") as f:
            self.keys = derive(digits_of_words(CODE), f.read())
        card = next(iter(SITE.keys))
        self.identity = SITE.identity(card)
        with open(self.identity, encoding="utf-8") as f:
            line = re.search("^# signing key: (.*)$", f.read(), re.M).group(1)
        raw = base64.b64decode(line)
        self.key_id, self.key = raw[:8], Ed25519(raw[8:])
        with open(card, encoding="utf-8") as f:
            signing = base64.b64decode(parse_card(f.read())[0]["signing_key"])
        same(signing[10:], self.key.public, "the card's signing key")
        self.reply = SITE.path("reply.txt")
        with open(self.reply, "w", encoding="ascii") as f:
            f.write(identity_text(bytes.fromhex(self.keys["reply"])) + "\n")

    def mkanswer(self, *args, **kw):
        return run(os.path.join(BUILD, "tests", "mkanswer"), "--salt",
                   self.salt, "--code", CODE, "--identity", self.identity,
                   *args, **kw)


@test
def answers_of_the_newsroom():
    need("age")
    source = Source()
    sizes = []
    for number, kind, text in ANSWERS:
        path = SITE.path("text")
        with open(path, "wb") as f:
            f.write(text.encode())
        args = ("--store", SITE.path("store"), "--number", str(number),
                "--kind", kind, "--day", "2026-11-23", "--text-file", path)
        name = source.mkanswer(*args).decode().strip()
        same(name, slot_name(bytes.fromhex(source.keys["slot key"]),
                             source.key.public, number), "slot")
        source.mkanswer(*args, expect=73)
        path = SITE.path("store/replies/" + name)
        with open(path, "rb") as f:
            sealed = f.read()
        st = os.stat(path)
        same((stat.S_IMODE(st.st_mode), st.st_mtime_ns),
             (0o400, 315532800 * 10**9), "at rest")
        same(header_len(sealed, 1), 234, "H")
        sizes.append(len(sealed))
        plain = run("age", "-d", "-i", source.reply, path)
        same(len(plain), len(sealed) - 250, "length of the plaintext")
        fields = decode_answer(plain, source.key, source.key_id)
        same(fields, (source.keys["mailbox"], number, kind, "2026-11-23",
                      text.encode()), "fields")
        same(encode_answer(source.key, source.key_id, *fields),
             plain.rstrip(b"\0"), "every byte")
    same(sizes, [4096, 4096, 4096, 4096, 16384, 16384, 65536], "sizes")


@test
def the_program_opens_answers_of_this_encoder():
    need("age")
    source = Source()
    path = SITE.path("answer.age")

    def read(plain, size, number, expect=0):
        plain += bytes(size - 200 - len(plain))
        if os.path.exists(path):
            os.remove(path)
        run("age", "-r", source.keys["reply_to"], "-o", path, data=plain)
        same(os.path.getsize(path), size, "sealed by stock age")
        return source.mkanswer("--read", path, "--number", str(number),
                               expect=expect)

    for size in ANSWER_SIZES:
        for number, kind, text in ANSWERS:
            plain = encode_answer(source.key, source.key_id,
                                  source.keys["mailbox"], number, kind,
                                  "2026-11-23", text.encode())
            if len(plain) <= size - 200:
                same(read(plain, size, number),
                     f"{kind} 2026-11-23\n{text}".encode(), "opened")
    plain = encode_answer(source.key, source.key_id, source.keys["mailbox"],
                          7, "answer", "2026-11-23", b"text")
    other = encode_answer(source.key, source.key_id, "0" * 32, 7, "answer",
                          "2026-11-23", b"text")
    read(plain, 4096, 7)
    for bad, size, number in ((plain, 4096, 8), (other, 4096, 7),
                              (plain + b"\n", 4096, 7), (plain, 4097, 7),
                              (plain.replace(b"text", b"tent"), 4096, 7)):
        same(read(bad, size, number, expect=65), b"", "refused")


def document():
    with open(DOCUMENT, encoding="utf-8") as f:
        return f.read()


def main():
    failed = 0
    print(f"1..{len(TESTS)}")
    for number, fn in enumerate(TESTS, 1):
        name = f"{number} - format: {fn.__name__}"
        try:
            fn()
            print(f"ok {name}")
        except Skip as why:
            print(f"ok {name} # SKIP {why}")
        except Exception as e:  # a failed check, or a decoder that tripped
            failed += 1
            print(f"not ok {name}\n# {type(e).__name__}: {e}")
        sys.stdout.flush()
    return 1 if failed else 0


def place():
    """A directory whose file system makes files without a name, or None."""
    for parent in (None, BUILD):
        try:
            os.close(os.open(parent or tempfile.gettempdir(),
                             os.O_TMPFILE | os.O_WRONLY, 0o600))
            return parent
        except OSError:
            continue
    raise SystemExit("no file system here makes files without a name")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=place()) as scratch:
        SITE = Site(scratch)
        try:
            status = main()
        finally:
            SITE.close()
    sys.exit(status)
