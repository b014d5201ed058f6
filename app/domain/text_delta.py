"""Store a text as what differs from another one, compressed.

A delta has the lengths of the common beginning and end, a checksum, and the middle,
compressed with the end of the other's middle as a dictionary. It is made in linear
time, and is correct for any two texts.
"""

import struct
import zlib

#: The lengths of the common beginning and end, and the checksum of the text.
_HEADER = struct.Struct(">III")
#: Bytes of a dictionary that zlib looks at.
_WINDOW = 32 * 1024
#: Without the header and the checksum of zlib, which doesn't cover the base.
_RAW = -zlib.MAX_WBITS
#: Configurations become about as small as at the highest level, in half the time.
_LEVEL = 4
#: The memory level of zlib for texts of up to `_SHORT` bytes, and for longer ones. To
#: initialize the memory of the usual level takes longer than to compress a short text.
_SHORT = 16 * 1024
_SHORT_MEMORY, _LONG_MEMORY = 5, zlib.DEF_MEM_LEVEL

_WRONG_BASE = "the delta is of another text"


def encode(text: str, base: str = "") -> bytes:
    """Return the delta from which `decode` makes the text, given the same base."""
    content, other = _encoded(text), _encoded(base)
    shorter = min(len(content), len(other))
    start = _common(content, other, shorter)
    end = _common(content[::-1], other[::-1], shorter - start)
    middle = _compress(_middle(content, start, end), _middle(other, start, end))
    return _HEADER.pack(start, end, zlib.crc32(content)) + middle


def decode(delta: bytes, base: str = "") -> str:
    """Return the text of a delta. Raises ValueError for another base."""
    other = _encoded(base)
    start, end, checksum = _HEADER.unpack_from(delta)
    known = _middle(other, start, end)
    decompressor = zlib.decompressobj(_RAW, zdict=known[-_WINDOW:])
    try:
        middle = decompressor.decompress(delta[_HEADER.size :]) + decompressor.flush()
    except zlib.error:
        raise ValueError(_WRONG_BASE) from None
    content = other[:start] + middle + other[len(other) - end :]
    if zlib.crc32(content) != checksum:
        raise ValueError(_WRONG_BASE)
    return content.decode(errors="surrogatepass")


def _compress(content: bytes, known: bytes) -> bytes:
    known = known[-_WINDOW:]
    is_short = len(content) + len(known) <= _SHORT
    memory = _SHORT_MEMORY if is_short else _LONG_MEMORY
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW, memory, zdict=known)
    return compressor.compress(content) + compressor.flush()


def _encoded(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _middle(content: bytes, start: int, end: int) -> bytes:
    return content[start : len(content) - end]


def _common(one: bytes, other: bytes, most: int) -> int:
    """Return the length of the common beginning, at most `most`."""
    low = 0
    while low < most:
        half = (low + most + 1) // 2
        if one[low:half] == other[low:half]:
            low = half
        else:
            most = half - 1
    return low
