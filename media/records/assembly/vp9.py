"""Which VP9 frames do these packets make? RFC 9628 (payload), VP9 bitstream section 6.2 (header).

The spatial layers of one picture become one superframe (VP9 bitstream, annex B), as a decoder
wants them from a file.
"""

from dataclasses import dataclass, field

from media.records.assembly.bits import BitReader, Malformed
from media.records.assembly.frame import Frame, Gathering, KeyFrame
from media.records.sequence import RtpPacket

_MOST_LAYERS = 8  # as many as a superframe's index can hold
_HEADER_BYTES = 16  # the uncompressed header up to the picture's size is at most 13 bytes long
_SYNC_CODE = 0x498342
_SRGB = 7


@dataclass(slots=True)
class Vp9Assembler(Gathering):
    """Makes whole VP9 pictures; a `media.records.assembly.frame.Assembler`."""

    _layers: list[int] = field(default_factory=list)  # at which part each layer's frame begins
    _resolutions: bytes = b""  # of the layers: width and height, 16 bits each

    def push(self, packet: RtpPacket, timestamp: int, gap: bool) -> Frame | None:
        """Take the next packet in order; a frame when this packet completes one."""
        if gap:
            self.give_up()
        if not packet.payload:
            return None
        try:
            self._part(packet.payload, packet.arrived_s)
        except (Malformed, IndexError):
            self.give_up()
        if not packet.marker or not self.parts:
            return None
        if len(self._layers) > 1:
            return self._superframe(timestamp)
        whole = self.take()
        return self.frame(timestamp, whole, _key_frame(whole))

    def _part(self, payload: bytes, arrived_s: float) -> None:
        offset, layer, resolutions = _descriptor(payload)
        if offset >= len(payload):
            raise Malformed("a descriptor without a frame")
        begins = payload[0] & 0x08  # B: a layer's frame begins
        if begins and layer == 0:
            self.begin(arrived_s)
            self._layers = [0]
        elif not self.parts:
            return
        elif begins:
            self._layers.append(len(self.parts))
        if resolutions:
            self._resolutions = resolutions
        self.add(self.parts, payload[offset:])

    def _superframe(self, timestamp: int) -> Frame | None:
        """A picture of several layers: as big as its last one, a key frame if its first one is."""
        count = len(self._layers)
        if count > _MOST_LAYERS:
            self.give_up()
            return None
        ends = [*self._layers[1:], len(self.parts)]
        marker = bytes((0xC0 | 3 << 3 | count - 1,))
        sizes = b"".join(
            sum(map(len, self.parts[start:end])).to_bytes(4, "little")
            for start, end in zip(self._layers, ends, strict=True)
        )
        whole = self.take()
        key = _key_frame(whole)
        last = self._resolutions[4 * count - 4 : 4 * count]
        width, height = int.from_bytes(last[:2], "big"), int.from_bytes(last[2:], "big")
        if key is not None and width and height:
            key = KeyFrame(width, height)
        return self.frame(timestamp, whole + marker + sizes + marker, key)


def _descriptor(payload: bytes) -> tuple[int, int, bytes]:
    """Length of the payload descriptor (RFC 9628 section 4.2), spatial layer, layers' sizes.

    Raises IndexError if it is truncated.
    """
    first = payload[0]
    at, layer, resolutions = 1, 0, b""
    if first & 0x80:  # I: picture id
        at += 2 if payload[at] & 0x80 else 1
    if first & 0x20:  # L: layer indices
        layer = payload[at] >> 1 & 7
        at += 1 if first & 0x10 else 2  # TL0PICIDX only if not in flexible mode
    if first & 0x50 == 0x50:  # P and F: what this picture refers to
        for _ in range(3):
            at += 1
            if not payload[at - 1] & 1:
                break
    if first & 0x02:  # V: scalability structure
        structure = payload[at]
        at += 1
        if structure & 0x10:  # Y: a size for each layer
            end = at + 4 * ((structure >> 5) + 1)
            at, resolutions = end, payload[at:end]
        if structure & 0x08:  # G: pictures of a group
            pictures = payload[at]
            at += 1
            for _ in range(pictures):
                at += 1 + (payload[at] >> 2 & 3)
    return at, layer, resolutions


def _key_frame(frame: bytes) -> KeyFrame | None:
    header = BitReader(frame[:_HEADER_BYTES])
    try:
        if header.bits(2) != 2:
            return None
        profile = header.bits(1) | header.bits(1) << 1
        if profile == 3:
            header.bits(1)
        if header.bits(2) != 0:  # show_existing_frame, or not a key frame
            return None
        header.bits(2)
        if header.bits(24) != _SYNC_CODE:
            return None
        if profile >= 2:
            header.bits(1)
        if header.bits(3) != _SRGB:
            header.bits(4 if profile & 1 else 1)
        elif profile & 1:
            header.bits(1)
        return KeyFrame(header.bits(16) + 1, header.bits(16) + 1)
    except Malformed:
        return None
