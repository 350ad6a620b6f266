"""Which encoded frames do these RTP packets make? Reordering, repair and VP8/Opus assembly.

Pure: packets and the time go in, frames come out. Nothing is decoded; of VP8 only the payload
descriptor and the key frame's first ten bytes are read.
RFC 3550 (RTP), RFC 4588 (RTX), RFC 7741 (VP8), RFC 7587 (Opus), RFC 6386 section 9.1.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from media.node.relay import payload_offset

MOST_DISORDER = 3000  # packets; a larger jump is a restart of the source once it is confirmed
REPAIR_WAIT_S = 1.0  # how long a missing packet may still come as a retransmission
MOST_FRAME_BYTES = 4 << 20  # far more than any camera sends; a frame that never ends is no frame


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """The parts of an RTP packet a frame is made of; `sequence` and `timestamp` as on the wire."""

    sequence: int
    timestamp: int
    marker: bool
    payload: bytes
    arrived_s: float


@dataclass(frozen=True, slots=True)
class Frame:
    """One encoded frame with its unwrapped RTP timestamp and the arrival of its first packet."""

    timestamp: int
    payload: bytes
    key: bool
    arrived_s: float
    width: int = 0
    height: int = 0


def read_rtp(packet: bytes, arrived_s: float) -> RtpPacket | None:
    """Take an RTP packet apart; None if it is truncated.

    A padding-only packet has an empty payload: it fills its sequence number.
    """
    start, end = payload_offset(packet), len(packet)
    if packet[0] & 0x20:
        end -= packet[-1]
    if start > end:
        return None
    return RtpPacket(
        int.from_bytes(packet[2:4], "big"),
        int.from_bytes(packet[4:8], "big"),
        bool(packet[1] & 0x80),
        packet[start:end],
        arrived_s,
    )


def repaired(rtx: RtpPacket) -> RtpPacket | None:
    """The video packet that a retransmission carries (RFC 4588 section 4)."""
    if len(rtx.payload) < 3:
        return None
    original = int.from_bytes(rtx.payload[:2], "big")
    return RtpPacket(original, rtx.timestamp, rtx.marker, rtx.payload[2:], rtx.arrived_s)


@dataclass(slots=True)
class Sequencer:
    """Puts one stream's packets in order, waits `REPAIR_WAIT_S` for missing ones.

    Sequence numbers and time stamps are unwrapped: they no longer overflow.
    """

    _next: int | None = None
    _timestamp: int | None = None
    _waiting: dict[int, RtpPacket] = field(default_factory=dict)
    _restart: int | None = None
    _restarted: bool = False
    lost: int = 0
    repeated: int = 0

    def push(self, packet: RtpPacket) -> None:
        """Take one packet as it comes."""
        if self._next is None:
            self._next = packet.sequence
        jump = _signed16(packet.sequence - self._next)
        if abs(jump) > MOST_DISORDER and not self._restarts_at(packet.sequence):
            return
        sequence = self._next + _signed16(packet.sequence - self._next)
        if sequence < self._next or sequence in self._waiting:
            self.repeated += 1
            return
        self._waiting[sequence] = packet

    def _restarts_at(self, sequence: int) -> bool:
        """Two packets in a row far from the rest are a restarted source (RFC 3550 A.1).

        One alone is a stray, and must not make all that follow look late.
        """
        if sequence != self._restart:
            self._restart = (sequence + 1) & 0xFFFF
            return False
        if self._next is not None:
            self._waiting.clear()
            self._restarted = True
            self._next += _signed16(sequence - self._next)
        return True

    def pop(self, now: float, *, last: bool = False) -> list[tuple[RtpPacket, int, bool]]:
        """The packets that are due, each with its unwrapped time stamp and "follows a gap".

        With `last` nothing is waited for any more.
        """
        due: list[tuple[RtpPacket, int, bool]] = []
        ahead: Iterator[int] | None = None  # sorted once: `min` at each gap would be quadratic
        while self._waiting and self._next is not None:
            packet = self._waiting.pop(self._next, None)
            gap, self._restarted = self._restarted, False
            if packet is None:
                if ahead is None:
                    ahead = iter(sorted(self._waiting))
                following = next(number for number in ahead if number in self._waiting)
                if not last and now - self._waiting[following].arrived_s < REPAIR_WAIT_S:
                    break
                self.lost += following - self._next
                packet, gap = self._waiting.pop(following), True
                self._next = following
            self._next += 1
            if self._timestamp is None:
                self._timestamp = packet.timestamp
            self._timestamp += _signed32(packet.timestamp - self._timestamp)
            due.append((packet, self._timestamp, gap))
        return due


def _signed16(difference: int) -> int:
    return (difference + 0x8000 & 0xFFFF) - 0x8000


def _signed32(difference: int) -> int:
    return (difference + 0x80000000 & 0xFFFFFFFF) - 0x80000000


@dataclass(slots=True)
class Vp8Assembler:
    """Makes whole VP8 frames; after a gap nothing until the next key frame.

    `needs_key` asks the owner to request one.
    """

    needs_key: bool = True
    skipped: int = 0
    _parts: list[bytes] = field(default_factory=list)
    _bytes: int = 0
    _arrived_s: float = 0.0

    def push(self, packet: RtpPacket, timestamp: int, gap: bool) -> Frame | None:
        """Take the next packet in order; a frame when this packet completes one."""
        if gap:
            self._parts.clear()
            self.needs_key = True
        offset = _vp8_descriptor(packet.payload)
        if offset is None:
            return None
        if packet.payload[0] & 0x17 == 0x10:  # S set, partition 0: a frame begins
            self._parts = [packet.payload[offset:]]
            self._bytes = len(packet.payload)
            self._arrived_s = packet.arrived_s
        elif self._parts:
            self._parts.append(packet.payload[offset:])
            self._bytes += len(packet.payload)
            if self._bytes > MOST_FRAME_BYTES:
                self._parts = []
                self.needs_key = True
        if not packet.marker or not self._parts:
            return None
        payload = b"".join(self._parts)
        self._parts = []
        key = len(payload) >= 10 and not payload[0] & 1 and payload[3:6] == b"\x9d\x01\x2a"
        if self.needs_key and not key:
            self.skipped += 1
            return None
        self.needs_key = False
        if not key:
            return Frame(timestamp, payload, False, self._arrived_s)
        width = int.from_bytes(payload[6:8], "little") & 0x3FFF
        height = int.from_bytes(payload[8:10], "little") & 0x3FFF
        return Frame(timestamp, payload, True, self._arrived_s, width, height)


def _vp8_descriptor(payload: bytes) -> int | None:
    """Length of the VP8 payload descriptor (RFC 7741 section 4.2); None if truncated."""
    if len(payload) < 2:
        return None
    offset = 1
    if payload[0] & 0x80:
        extension = payload[1]
        offset = 2
        if extension & 0x80:
            if len(payload) < 3:
                return None
            offset += 2 if payload[2] & 0x80 else 1
        if extension & 0x40:
            offset += 1
        if extension & 0x30:
            offset += 1
    return offset if offset < len(payload) else None
