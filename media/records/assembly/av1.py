"""Which AV1 frames do these packets make? AOM's "RTP Payload Format For AV1", section 4.

The frames are temporal units as Matroska wants them: OBUs with a size field each, without temporal
delimiters; the sequence header stands in `private` too, as an av1C record. AV1 bitstream 5.3, 5.5.
"""

from dataclasses import dataclass

from media.records.assembly.bits import BitReader, Malformed, leb128, read_leb128
from media.records.assembly.frame import MOST_PRIVATE_BYTES, Frame, Gathering, KeyFrame
from media.records.sequence import RtpPacket

_SEQUENCE_HEADER, _FRAME_HEADER, _FRAME = 1, 3, 6
_KEPT = {_SEQUENCE_HEADER, _FRAME_HEADER, 4, 5, _FRAME, 7}  # and tile groups, metadata, repetitions


@dataclass(slots=True)
class Av1Assembler(Gathering):
    """Makes whole AV1 temporal units; a `media.records.assembly.frame.Assembler`."""

    _sequence: bytes = b""  # the sequence header of this temporal unit
    _starts_key: bool | None = None  # what the first frame is; None before it
    _described: bytes = b""
    _description: KeyFrame | None = None

    def push(self, packet: RtpPacket, timestamp: int, gap: bool) -> Frame | None:
        """Take the next packet in order; a frame when this packet completes one."""
        if gap:
            self.give_up()
        payload = packet.payload
        if not payload:
            return None
        if not self.parts and not self.fragments:
            self.begin(packet.arrived_s)
            self._sequence, self._starts_key = b"", None
        try:
            self._elements(payload)
            if packet.marker and self.fragments:
                raise Malformed("an OBU without its end")
        except Malformed:
            self.give_up()
        if not packet.marker or not self.parts:
            return None
        whole = self.take()
        if self._starts_key is None:  # no picture in it
            return None
        return self.frame(timestamp, whole, self._key_frame())

    def _elements(self, payload: bytes) -> None:
        """The OBUs and parts of OBUs in a packet, after its aggregation header."""
        header, at, end = payload[0], 1, len(payload)
        announced, number = header >> 4 & 3, 0
        if bool(header & 0x80) != bool(self.fragments):  # Z: the first goes on from before
            raise Malformed("an OBU without its beginning or without its end")
        while at < end:
            number += 1
            if number == announced:  # the last of so many has no length
                start, at = at, end
            else:
                size, start = read_leb128(payload, at)
                at = start + size
                if at > end:
                    raise Malformed("an OBU longer than its packet")
            goes_on = at == end and header & 0x40  # Y: the last one goes on in the next packet
            if goes_on or self.fragments:
                self.add(self.fragments, payload[start:at])
                if goes_on:
                    continue
                obu, self.fragments = b"".join(self.fragments), []
            else:
                obu = payload[start:at]
            if obu:
                self._obu(obu)
        if announced > number:
            raise Malformed("fewer OBUs than announced")

    def _obu(self, obu: bytes) -> None:
        kind = obu[0] >> 3 & 0xF
        if kind not in _KEPT:
            return
        at = 2 if obu[0] & 0x04 else 1
        if obu[0] & 0x02:
            size, start = read_leb128(obu, at)
            body = obu[start : start + size]
            if len(body) < size:
                raise Malformed("an OBU shorter than its size")
        else:
            body = obu[at:]
        head = bytes((obu[0] | 0x02,)) + obu[1:at] + leb128(len(body))
        if kind == _SEQUENCE_HEADER:
            self._sequence = head + body
        elif kind in (_FRAME, _FRAME_HEADER) and self._starts_key is None:
            # show_existing_frame 0, frame_type 0 (key), show_frame 1
            self._starts_key = bool(body) and body[0] & 0xF0 == 0x10
        self.add(self.parts, head)
        self.add(self.parts, body)

    def _key_frame(self) -> KeyFrame | None:
        if not self._starts_key or not self._sequence:
            return None
        if self._described != self._sequence:
            self._described = self._sequence
            self._description = _describe(self._sequence)
        return self._description


def _describe(sequence: bytes) -> KeyFrame | None:
    """Size and av1C record of a sequence header with its size field; None if it makes no sense."""
    if len(sequence) > MOST_PRIVATE_BYTES - 4:
        return None
    try:
        _, start = read_leb128(sequence, 2 if sequence[0] & 0x04 else 1)
        width, height, record = _read_sequence_header(BitReader(sequence[start:]))
    except Malformed:
        return None
    return KeyFrame(width, height, record + sequence)


def _read_sequence_header(reader: BitReader) -> tuple[int, int, bytes]:
    """Width, height and the av1C record's four bytes (AV1 section 5.5.1). Raises Malformed."""
    profile = reader.bits(3)
    if reader.bits(2):
        raise Malformed("a still picture")
    level, tier = _read_operating_points(reader)
    width_bits, height_bits = reader.bits(4) + 1, reader.bits(4) + 1
    width, height = reader.bits(width_bits) + 1, reader.bits(height_bits) + 1
    if reader.flag():  # frame ids
        reader.bits(7)
    reader.bits(3 + 4)  # superblock, filter and edge; inter-intra, masked, warped, dual filter
    ordered = reader.flag()
    if ordered:
        reader.bits(2)
    forced = 2 if reader.flag() else reader.bits(1)  # screen content tools
    if forced and not reader.flag():
        reader.bits(1)
    if ordered:
        reader.bits(3)
    reader.bits(3)  # super-resolution, CDEF, restoration
    return (
        width,
        height,
        bytes((0x81, profile << 5 | level, tier << 7 | _colour(reader, profile), 0)),
    )


def _read_operating_points(reader: BitReader) -> tuple[int, int]:
    """Level and tier of the first operating point, with the timing that stands before it."""
    delay_bits = 0
    if reader.flag():  # timing
        reader.bits(64)
        if reader.flag():
            reader.unsigned()
        if reader.flag():  # decoder model
            delay_bits = reader.bits(5) + 1
            reader.bits(32 + 5 + 5)
    displayed = reader.flag()
    points = []
    for _ in range(reader.bits(5) + 1):
        reader.bits(12)
        level = reader.bits(5)
        points.append((level, reader.bits(1) if level > 7 else 0))
        if delay_bits and reader.flag():
            reader.bits(2 * delay_bits + 1)
        if displayed and reader.flag():
            reader.bits(4)
    return points[0]


def _colour(reader: BitReader, profile: int) -> int:
    """The seven low bits of the av1C record's third byte (AV1 section 5.5.2)."""
    deep = reader.bits(1)
    twelve = reader.bits(1) if profile == 2 and deep else 0
    grey = 0 if profile == 1 else reader.bits(1)
    described = tuple(reader.bits(8) for _ in range(3)) if reader.flag() else ()
    across, down, position = 1, 1, 0
    if grey:
        reader.bits(1)
    elif described == (1, 13, 0):  # sRGB
        across = down = 0
    else:
        reader.bits(1)
        if profile == 1:
            across = down = 0
        elif profile == 2:
            across = reader.bits(1) if twelve else 1
            down = reader.bits(1) if twelve and across else 0
        if across and down:
            position = reader.bits(2)
    return deep << 6 | twelve << 5 | grey << 4 | across << 3 | down << 2 | position
