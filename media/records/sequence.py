"""In which order were these RTP packets sent, and which are missing? Reordering and repair.

Pure: packets and the time go in, packets in order come out. What they carry is not looked at;
`assembly/` makes frames of it. RFC 3550 (RTP), RFC 4588 (RTX).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from media.node.rtp import payload_offset

MOST_DISORDER = 3000  # packets; a larger jump is a restart of the source once it is confirmed
REPAIR_WAIT_S = 1.0  # how long a missing packet may still come as a retransmission


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """The parts of an RTP packet a frame is made of; `sequence` and `timestamp` as on the wire."""

    sequence: int
    timestamp: int
    marker: bool
    payload: bytes
    arrived_s: float


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
    _highest: int = 0  # far ahead of `_next` when many packets wait for one turn
    _timestamp: int | None = None
    _waiting: dict[int, RtpPacket] = field(default_factory=dict)
    _restart: int | None = None
    _restarted: bool = False
    lost: int = 0
    repeated: int = 0

    def push(self, packet: RtpPacket) -> None:
        """Take one packet as it comes."""
        if self._next is None:
            self._next = self._highest = packet.sequence
        jump = _signed16(packet.sequence - self._highest)
        if abs(jump) > MOST_DISORDER and not self._restarts_at(packet.sequence):
            return
        sequence = self._highest + _signed16(packet.sequence - self._highest)
        self._highest = max(self._highest, sequence)
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
            self.lost += len(self._waiting)
            self._waiting.clear()
            self._restarted = True
            self._next += _signed16(sequence - self._next)
            self._highest = self._next
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


def read_red(packet: RtpPacket) -> list[RtpPacket]:
    """The sounds in a RED packet, oldest first; the last is the packet's own (RFC 2198).

    The blocks before it repeat the packets before it, one each. Empty if it is truncated.
    """
    payload, at = packet.payload, 0
    lengths: list[tuple[int, int]] = []  # time stamp offset and bytes of each repetition
    while True:
        if at >= len(payload):
            return []
        if not payload[at] & 0x80:
            break
        if at + 4 > len(payload):
            return []
        packed = int.from_bytes(payload[at + 1 : at + 4], "big")
        lengths.append((packed >> 10, packed & 0x3FF))
        at += 4
    at += 1
    found = []
    for place, (offset, length) in enumerate(lengths):
        sound = payload[at : at + length]
        at += length
        if sound and at <= len(payload):
            found.append(
                RtpPacket(
                    packet.sequence - len(lengths) + place & 0xFFFF,
                    packet.timestamp - offset & 0xFFFFFFFF,
                    False,
                    sound,
                    packet.arrived_s - offset / 48_000,
                )
            )
    if at > len(payload):
        return []
    found.append(
        RtpPacket(packet.sequence, packet.timestamp, packet.marker, payload[at:], packet.arrived_s)
    )
    return found
