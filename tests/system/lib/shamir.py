"""A second encoder and decoder of key shares, written after docs/FORMAT.md."""
import hashlib
import os

from lib.tap import Skip, check, equal

WORDLIST = ("/usr/lib/python3/dist-packages/diceware/wordlists/"
            "wordlist_en_eff.txt")
BASE, ROWS, ROW_BITS, LENGTH = 7776, 4, 90, 45
MARK = "KNOTHOLE-SHARE:"


def words():
    path = os.environ.get("KNOTHOLE_WORDLIST") or WORDLIST
    if not os.path.exists(path):
        raise Skip("the word list (package diceware) is not installed")
    with open(path, encoding="ascii") as f:
        return [line.split("\t")[1].strip() for line in f if "\t" in line]


def _hash(message, key):
    return hashlib.blake2b(message, digest_size=32, key=key).digest()


def _check_word(row, digits):
    message = bytes([row]) + b"".join(d.to_bytes(2, "big") for d in digits)
    h = _hash(message, b"knothole share row v1")
    return int.from_bytes(h[:8], "big") % BASE


def complete(head):
    """The 45 bytes of a share whose first 42 are given."""
    return head + _hash(head, b"knothole share v1")[:3]


def text_of(data):
    """A share's bytes as its four rows of words."""
    equal(len(data), LENGTH, "bytes")
    known, number, rows = words(), int.from_bytes(data, "big"), []
    for row in range(ROWS):
        value = number >> ROW_BITS * (ROWS - 1 - row) & (1 << ROW_BITS) - 1
        digits = []
        for _ in range(7):
            digits.insert(0, value % BASE)
            value //= BASE
        digits.append(_check_word(row, digits))
        rows.append(" ".join(known[d] for d in digits))
    return "\n".join(rows)


def data_of(typed):
    """The bytes of a share from its 32 words."""
    known = {word: i for i, word in enumerate(words())}
    digits = [known[word] for word in typed]
    equal(len(digits), 32, "words")
    number = 0
    for row in range(ROWS):
        part, checked = digits[8 * row:8 * row + 7], digits[8 * row + 7]
        equal(checked, _check_word(row, part), f"row {row + 1}")
        value = 0
        for digit in part:
            value = value * BASE + digit
        check(value < 1 << ROW_BITS, "90 bits")
        number = number << ROW_BITS | value
    data = number.to_bytes(LENGTH, "big")
    equal(complete(data[:42]), data, "the share's check")
    return data


def line_of(data):
    return MARK + data.hex().upper()


def set_of(public):
    """The set's bytes and its two words."""
    first = _hash(public, b"knothole share set v1")[:6]
    number, known = int.from_bytes(first, "big"), words()
    return first, f"{known[number % BASE]} {known[number // BASE % BASE]}"


def _multiply(a, b):
    """In GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & 0x100:
            a ^= 0x11d
        b >>= 1
    return product


def _invert(a):
    result = 1
    for _ in range(254):
        result = _multiply(result, a)
    return result


def join(shares):
    """The 32 bytes that were split, from the bytes of enough shares."""
    points = []
    for data in shares:
        equal(complete(data[:42]), data, "the share's check")
        equal(data[0], 1, "version")
        points.append((data[3], data[10:42]))
    secret = bytearray(32)
    for x, value in points:
        factor = 1
        for other, _ in points:
            if other != x:
                factor = _multiply(
                    factor, _multiply(other, _invert(other ^ x)))
        for i in range(32):
            secret[i] ^= _multiply(value[i], factor)
    return bytes(secret)


def _polymod(values):
    chk = 1
    for v in values:
        top = chk >> 25
        chk = (chk & 0x1ffffff) << 5 ^ v
        for i, g in enumerate(
                (0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3)):
            chk ^= g if top >> i & 1 else 0
    return chk


def identity_text(secret):
    """AGE-SECRET-KEY-1..., by Bech32."""
    alphabet, prefix = "qpzry9x8gf2tvdw0s3jn54khce6mua7l", "age-secret-key-"
    number, bits = int.from_bytes(secret, "big") << 4, 8 * 32 + 4
    data = [number >> shift & 31 for shift in range(bits - 5, -1, -5)]
    expanded = [ord(c) >> 5 for c in prefix] + [0] + \
        [ord(c) & 31 for c in prefix]
    checksum = _polymod(expanded + data + [0] * 6) ^ 1
    data += [checksum >> 5 * (5 - i) & 31 for i in range(6)]
    return (prefix + "1" + "".join(alphabet[d] for d in data)).upper()
