"""Which VP8 frames do these packets make? RFC 7741 (payload), RFC 6386 section 9.1 (key frame)."""

from dataclasses import dataclass

from media.records.assembly.bits import Malformed
from media.records.assembly.frame import Frame, Gathering, KeyFrame
from media.records.sequence import RtpPacket


@dataclass(slots=True)
class Vp8Assembler(Gathering):
    """Makes whole VP8 frames; a `media.records.assembly.frame.Assembler`."""

    def push(self, packet: RtpPacket, timestamp: int, gap: bool) -> Frame | None:
        """Take the next packet in order; a frame when this packet completes one."""
        if gap:
            self.give_up()
        payload = packet.payload
        if not payload:
            return None
        try:
            offset = _descriptor(payload)
            if payload[0] & 0x17 == 0x10:  # S set, partition 0: a frame begins
                self.begin(packet.arrived_s)
            elif not self.parts:
                return None
            self.add(self.parts, payload[offset:])
        except (Malformed, IndexError):
            self.give_up()
        if not packet.marker or not self.parts:
            return None
        whole = self.take()
        return self.frame(timestamp, whole, _key_frame(whole))


def _descriptor(payload: bytes) -> int:
    """Length of the payload descriptor (RFC 7741 section 4.2). Raises Malformed or IndexError."""
    offset = 1
    if payload[0] & 0x80:
        extension = payload[1]
        offset = 2
        if extension & 0x80:
            offset += 2 if payload[2] & 0x80 else 1
        if extension & 0x40:
            offset += 1
        if extension & 0x30:
            offset += 1
    if offset >= len(payload):
        raise Malformed("a descriptor without a frame")
    return offset


def _key_frame(frame: bytes) -> KeyFrame | None:
    if len(frame) < 10 or frame[0] & 1 or frame[3:6] != b"\x9d\x01\x2a":
        return None
    width = int.from_bytes(frame[6:8], "little") & 0x3FFF
    height = int.from_bytes(frame[8:10], "little") & 0x3FFF
    return KeyFrame(width, height) if width and height else None
