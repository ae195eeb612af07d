"""What a sealed object's length must be, worked out without its code."""
import io
import zipfile

CHUNK = 65536
TAG = 16
NONCE = 16
FLOOR = 65536


def padme(n):
    """Nikitin et al., section 4: the E - S low bits of n rounded up to 0."""
    if n < 2:
        return n
    e = n.bit_length() - 1
    s = e.bit_length()
    low = max(e - s, 0)
    return (n + (1 << low) - 1) >> low << low


def header_length(data):
    """Bytes of the age header: up to the line that begins with "---"."""
    at = data.index(b"\n--- ") + 1
    return data.index(b"\n", at) + 1


def sealed_length(header, plain):
    chunks = max(1, -(-plain // CHUNK))
    return header + NONCE + plain + chunks * TAG


def possible(header, sealed):
    """Is there a plaintext whose sealed form has this length?"""
    payload = sealed - header - NONCE
    rest = payload % (CHUNK + TAG)
    return payload >= TAG and (rest == 0 or rest > TAG)


def wanted_length(header, plain):
    """The Padmé length for at least `plain` bytes of plaintext."""
    length = max(sealed_length(header, plain), FLOOR)
    while True:
        length = padme(length)
        if possible(header, length):
            return length
        length += 1


def without_padding(archive):
    """Bytes of the archive, were its padding empty."""
    with zipfile.ZipFile(io.BytesIO(archive)) as z:
        return len(archive) - z.getinfo("padding").file_size
