"""What does a party's packet become on its way to the other party and to the recorder?

The hot path: an opened packet in, a translated packet out, no decoding. Each receiving leg has
SSRCs of its own; as long as the source stays, sequence numbers and time stamps pass unchanged;
when the source is replaced (reload, new path) they go on where the last one ended, so the
receiver needs no new negotiation. Knows nothing of sockets or encryption.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from media.node import rtcp
from media.node.sdp import CLOCK_RATE_HZ, KIND_OF_PAYLOAD_TYPE, Kind, LegSsrcs

KEY_FRAME_INTERVAL_S = 1.0
_HEADER = struct.Struct("!BBHII")


class Tap(Protocol):
    """Where a copy of what a party sends goes: the recorder of this party."""

    def packet(self, kind: Kind, packet: bytes, arrived_monotonic_s: float) -> None:
        """Take one plain RTP packet; must return at once."""


@dataclass(slots=True)
class _Stream:
    """One outgoing SSRC of a leg and where its numbers stand."""

    ssrc: int
    clock_hz: int
    source: int | None = None
    sequence_shift: int = 0
    timestamp_shift: int = 0
    last_sequence: int = 0
    last_timestamp: int = 0
    last_monotonic_s: float = 0.0

    def follow(self, source: int, sequence: int, timestamp: int, now: float) -> None:
        """Continue with another source, without a jump that the receiver would see."""
        if self.source is not None:
            elapsed = int((now - self.last_monotonic_s) * self.clock_hz)
            self.sequence_shift = (self.last_sequence + 1 - sequence) & 0xFFFF
            self.timestamp_shift = (self.last_timestamp + elapsed - timestamp) & 0xFFFFFFFF
        else:
            self.last_sequence = sequence
        self.source = source


class Leg:
    """What one connection receives: the streams under its own SSRCs, made from the far party."""

    def __init__(self, ssrcs: LegSsrcs, send: Callable[[bytes], None]) -> None:
        self.send = send
        kinds: tuple[Kind, ...] = ("audio", "video", "rtx")
        self._streams: dict[Kind, _Stream] = {
            kind: _Stream(ssrcs.of(kind), CLOCK_RATE_HZ[kind]) for kind in kinds
        }

    def stream(self, kind: Kind) -> _Stream:
        """The outgoing stream of this kind."""
        return self._streams[kind]

    def forward(self, kind: Kind, source: int, packet: bytes, now: float) -> None:
        """Send one plain RTP packet of the far party on, in this leg's numbers."""
        stream = self._streams[kind]
        first, second, sequence, timestamp, _ = _HEADER.unpack_from(packet)
        if stream.source != source:
            stream.follow(source, sequence, timestamp, now)
        if kind == "rtx":  # repairs carry the time stamps of the video they repair
            stream.timestamp_shift = self._streams["video"].timestamp_shift
        sequence = (sequence + stream.sequence_shift) & 0xFFFF
        timestamp = (timestamp + stream.timestamp_shift) & 0xFFFFFFFF
        if (sequence - stream.last_sequence) & 0x8000 == 0:  # a late one is not the last
            stream.last_sequence = sequence
            stream.last_timestamp = timestamp
            stream.last_monotonic_s = now
        body = packet[12:]
        if kind == "rtx" and self._streams["video"].sequence_shift:
            body = _shift_original(packet, self._streams["video"].sequence_shift)
        self.send(_HEADER.pack(first, second, sequence, timestamp, stream.ssrc) + body)


def payload_offset(packet: bytes) -> int:
    """Bytes before the payload of an RTP packet (RFC 3550 section 5.1).

    The result may lie past the end of a truncated packet; slices are then empty.
    """
    offset = 12 + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        offset += 4 + 4 * int.from_bytes(packet[offset + 2 : offset + 4], "big")
    return offset


def _shift_original(packet: bytes, shift: int) -> bytes:
    """The body of an RTX packet with its original sequence number shifted (RFC 4588 section 4)."""
    offset = payload_offset(packet)
    if offset + 2 > len(packet):
        return packet[12:]
    original = (int.from_bytes(packet[offset : offset + 2], "big") + shift) & 0xFFFF
    return packet[12:offset] + original.to_bytes(2, "big") + packet[offset + 2 :]


@dataclass(slots=True)
class Counts:
    """What happened to the packets of one party."""

    received: int = 0
    received_bytes: int = 0
    forwarded: int = 0
    unknown_ssrc: int = 0
    unknown_payload_type: int = 0
    malformed: int = 0
    refused: int = 0
    unsent: int = 0


@dataclass(slots=True)
class Source:
    """What one connection sends: its announced SSRCs, and where its packets go."""

    kind_of_ssrc: dict[int, Kind]
    tap: Tap | None
    counts: Counts = field(default_factory=Counts)
    leg: Leg | None = None
    key_frame_asked_monotonic_s: float = -KEY_FRAME_INTERVAL_S

    def packet(self, packet: bytes, now: float) -> None:
        """Take one plain RTP packet from this party: to the recorder and to the other leg."""
        counts = self.counts
        counts.received += 1
        counts.received_bytes += len(packet)
        if len(packet) < 12 or packet[0] >> 6 != 2:
            counts.malformed += 1
            return
        ssrc = int.from_bytes(packet[8:12], "big")
        kind = self.kind_of_ssrc.get(ssrc)
        if kind is None:
            counts.unknown_ssrc += 1
            return
        if KIND_OF_PAYLOAD_TYPE.get(packet[1] & 0x7F) != kind:
            counts.unknown_payload_type += 1
            return
        if self.tap is not None:
            self.tap.packet(kind, packet, now)
        if self.leg is not None:
            self.leg.forward(kind, ssrc, packet, now)
            counts.forwarded += 1

    def key_frame_request(self, now: float) -> bytes | None:
        """The RTCP that asks this party for a key frame; None if asked within the last second."""
        ssrc = next((s for s, kind in self.kind_of_ssrc.items() if kind == "video"), None)
        if ssrc is None or now - self.key_frame_asked_monotonic_s < KEY_FRAME_INTERVAL_S:
            return None
        self.key_frame_asked_monotonic_s = now
        return rtcp.picture_loss_indication(1, ssrc)


def shifts(
    sender: Source, sender_leg: Leg, receiver: Source, receiver_leg: Leg
) -> dict[int, rtcp.Shift]:
    """How RTCP from `sender` reads at `receiver`.

    The sender's own SSRCs become those of the receiver's leg; the SSRCs of the sender's leg
    become those of the receiver's sources, with the leg's shifts taken back.
    """
    table: dict[int, rtcp.Shift] = {}
    for ssrc, kind in sender.kind_of_ssrc.items():
        stream = receiver_leg.stream(kind)
        if stream.source in (None, ssrc):
            table[ssrc] = rtcp.Shift(stream.ssrc, stream.sequence_shift, stream.timestamp_shift)
    for ssrc, kind in receiver.kind_of_ssrc.items():
        stream = sender_leg.stream(kind)
        if stream.source in (None, ssrc):
            table[stream.ssrc] = rtcp.Shift(ssrc, -stream.sequence_shift, -stream.timestamp_shift)
    return table
