"""What do these bits say? A reader of codec headers, which are not made of whole bytes.

Headers are short (`frame.MOST_PRIVATE_BYTES`), so the reader keeps them as one integer.
ITU-T H.264 section 9.1 (Exp-Golomb), AV1 section 4.10 (uvlc, leb128).
"""

_MOST_ZEROS = 32
_MOST_LEB128_BYTES = 8


class Malformed(ValueError):  # noqa: N818 - named for what it is
    """Bytes that are not what their place demands; the frame they belong to is given up."""


class BitReader:
    """Reads big-endian bit fields from the front."""

    __slots__ = ("_left", "_value")

    def __init__(self, header: bytes) -> None:
        self._value = int.from_bytes(header, "big")
        self._left = 8 * len(header)

    def bits(self, width: int) -> int:
        """The next `width` bits as a number. Raises Malformed."""
        if width > self._left:
            raise Malformed(f"{width} bits wanted, {self._left} left")
        self._left -= width
        return self._value >> self._left & (1 << width) - 1

    def flag(self) -> bool:
        """The next bit. Raises Malformed."""
        return bool(self.bits(1))

    def unsigned(self) -> int:
        """An unsigned Exp-Golomb number: ue(v) of H.264, uvlc() of AV1. Raises Malformed."""
        zeros = 0
        while not self.bits(1):
            zeros += 1
            if zeros > _MOST_ZEROS:
                raise Malformed("a number of more than 32 bits")
        return (1 << zeros) - 1 + self.bits(zeros)

    def signed(self) -> int:
        """A signed Exp-Golomb number: se(v) of H.264. Raises Malformed."""
        number = self.unsigned()
        return (number + 1) // 2 if number & 1 else -(number // 2)


def read_leb128(payload: bytes, at: int) -> tuple[int, int]:
    """The number at `at` and where it ends. Raises Malformed."""
    value = 0
    for number, byte in enumerate(payload[at : at + _MOST_LEB128_BYTES]):
        value |= (byte & 0x7F) << 7 * number
        if byte < 0x80:
            return value, at + number + 1
    raise Malformed("a length without an end")


def leb128(value: int) -> bytes:
    """A number as AV1 writes lengths."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
