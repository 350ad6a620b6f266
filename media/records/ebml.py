"""How is a Matroska element written, and which one begins at this byte? RFC 8794 (EBML).

Ids are written as in the specification, with their length marker. What the elements mean is
`webm.py`'s business.
"""

import mmap

Bytes = bytes | mmap.mmap

VOID = 0xEC
UNKNOWN_SIZE = b"\x01" + b"\xff" * 7


def identifier(element_id: int) -> bytes:
    """An element's id as bytes."""
    return element_id.to_bytes((element_id.bit_length() + 7) // 8, "big")


def size(length: int) -> bytes:
    """A length in as few bytes as it needs."""
    for width in range(1, 9):
        if length < (1 << 7 * width) - 1:
            return (length | 1 << 7 * width).to_bytes(width, "big")
    raise ValueError("EBML size")


def element(element_id: int, *bodies: bytes) -> bytes:
    """An element with these bodies one after the other."""
    body = b"".join(bodies)
    return identifier(element_id) + size(len(body)) + body


def uint(element_id: int, value: int, width: int = 0) -> bytes:
    """An element that holds a number, in `width` bytes if given."""
    return element(element_id, value.to_bytes(width or max(1, (value.bit_length() + 7) // 8)))


def text(element_id: int, value: str) -> bytes:
    """An element that holds words."""
    return element(element_id, value.encode())


def void(length: int) -> bytes:
    """An element of `length` bytes in all, at least 2, that means nothing: room kept free."""
    for width in range(1, 9):
        body = length - 1 - width
        if 0 <= body < (1 << 7 * width) - 1:
            return identifier(VOID) + (body | 1 << 7 * width).to_bytes(width, "big") + bytes(body)
    raise ValueError("EBML void")


def read(data: Bytes, position: int) -> tuple[int, int, int] | None:
    """Id, body start and end of the element at `position`; None if it is torn."""
    if position >= len(data) or data[position] == 0:
        return None
    id_bytes = 9 - data[position].bit_length()
    at = position + id_bytes
    if id_bytes > 4 or at >= len(data) or data[at] == 0:
        return None
    size_bytes = 9 - data[at].bit_length()
    length = int.from_bytes(data[at : at + size_bytes], "big") & ((1 << 7 * size_bytes) - 1)
    start = at + size_bytes
    if start + length > len(data):
        return None
    return int.from_bytes(data[position:at], "big"), start, start + length
