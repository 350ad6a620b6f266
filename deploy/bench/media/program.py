"""What does each party send, and when? The clip, played over and over, as a browser sends it.

The packets of one frame leave in a burst, `BURST_GAP_S` apart (measured from Chromium), a frame of
the picture each 33 ms and one of sound each 20 ms. Parties begin one after the other within
`STAGGER_S`, evenly also within the time of one frame, so that neither frames nor key frames of
different parties meet. Knows neither keys nor sockets.
"""

import random
import struct
from collections.abc import Iterator
from typing import Literal, NamedTuple

from deploy.bench.clip import Clip, ClipPacket

BURST_GAP_S = 0.0001
STAGGER_S = 2.0
_FRAME_S = 1 / 30
_CLOCK_HZ = {"audio": 48_000, "video": 90_000}
REPORT_S = 1.0  # between two sender reports of a stream
_NTP_EPOCH_S = 2_208_988_800  # from 1900 to 1970
_REPORT = struct.Struct("!BBHIQIII")


class Leaving(NamedTuple):
    """One RTP packet without its SRTP seal; `at_s` since the load began to play."""

    at_s: float
    clip: ClipPacket
    rtp: bytes


def timetable(clip: Clip) -> list[tuple[float, ClipPacket]]:
    """The clip's packets in order, each with when it leaves since the clip began."""
    table: list[tuple[float, ClipPacket]] = []
    frame, part = -1, 0
    for packet in clip.packets:
        at_s = packet.timestamp / _CLOCK_HZ[packet.kind]
        if packet.kind == "video":
            part = part + 1 if packet.timestamp == frame else 0
            frame = packet.timestamp
            at_s += part * BURST_GAP_S
        table.append((at_s, packet))
    return sorted(table, key=lambda entry: entry[0])


def begins_s(number: int, parties: int) -> float:
    """When a party begins, since the load began to play."""
    share = number / parties
    return share * STAGGER_S + share * _FRAME_S


class Stream:
    """One SSRC of a party: `first` is the sequence number of the first packet.

    Numbers begin low enough that a run of some minutes does not wrap, so that a packet's place
    can be told from its number.
    """

    def __init__(
        self, kind: Literal["audio", "video"], ssrc: int, payload_type: int, source: random.Random
    ) -> None:
        self.kind, self.ssrc, self.payload_type = kind, ssrc, payload_type
        self.first, self._timestamp = source.randrange(1, 1 << 12), source.getrandbits(31)
        self._packets = self._octets = 0

    def packet(self, marker: bool, elapsed: int, payload: bytes) -> bytes:
        """The next packet (RFC 3550 section 5.1); `elapsed` in ticks of its clock."""
        sequence = self.first + self._packets
        self._packets += 1
        self._octets += len(payload)
        return b"".join(
            (
                bytes((0x80, marker << 7 | self.payload_type)),
                (sequence & 0xFFFF).to_bytes(2, "big"),
                (self._timestamp + elapsed & 0xFFFFFFFF).to_bytes(4, "big"),
                self.ssrc.to_bytes(4, "big"),
                payload,
            )
        )

    def report(self, elapsed_s: float, wall_s: float) -> bytes:
        """A sender report (RFC 3550 section 6.4.1): what the stream's clock was at `wall_s`."""
        timestamp = self._timestamp + int(elapsed_s * _CLOCK_HZ[self.kind]) & 0xFFFFFFFF
        ntp = int((wall_s + _NTP_EPOCH_S) * (1 << 32))
        return _REPORT.pack(
            0x80, 200, 6, self.ssrc, ntp, timestamp, self._packets, self._octets & 0xFFFFFFFF
        )


def packets(
    table: list[tuple[float, ClipPacket]],
    clip_s: int,
    streams: dict[str, Stream],
    begin_s: float,
    end_s: float,
) -> Iterator[Leaving]:
    """What one party sends from `begin_s` until `end_s`. The last frame is sent whole."""
    past = 0
    while True:
        for at_s, packet in table:
            leaves_s = begin_s + past + at_s
            # by its frame, not by its place in the burst
            if begin_s + past + packet.timestamp / _CLOCK_HZ[packet.kind] >= end_s:
                return
            elapsed = past * _CLOCK_HZ[packet.kind] + packet.timestamp
            rtp = streams[packet.kind].packet(packet.marker, elapsed, packet.payload)
            yield Leaving(leaves_s, packet, rtp)
        past += clip_s
