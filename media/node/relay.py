"""What does a party's packet become on its way to the others and to the recorder?

The hot path: an opened packet in, translated packets out, no decoding. A `Source` is what a party
sends, a `Leg` is what it receives: a slot for each far party, a `Stream` for each of its tracks.
Every stream has SSRCs of its own; as long as the source stays, sequence numbers and time stamps
pass unchanged; when it is replaced (reload, new path, other party) they go on where the last one
ended, so the receiver needs no new negotiation.

Between two parties everything passes, also repairs and the browsers' congestion numbers
(**direct**). Between more, several senders would mix on one path: the leg then numbers what it
sends, repairs come from its cache, and lost packets are asked for by the node (**managed**).
Knows nothing of sockets or encryption.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from media.node import rtcp, rtp
from media.node.codecs import (
    CLOCK_RATE_HZ,
    PICTURE,
    RED,
    REPAIR,
    SOUND,
    TRACKS,
    Track,
)
from media.node.congestion import Arrivals, Path
from media.node.reception import Reception
from media.node.sdp import Announced, SlotSsrcs

KEY_FRAME_INTERVAL_S = 1.0
CACHED_PACKETS = 512  # of one picture for one receiver: about 4 s at 1 Mbit/s
_HEADER = struct.Struct("!BBHII")
_REPAIRS = frozenset(REPAIR.values())


class Tap(Protocol):
    """Where a copy of what a party sends goes: the recorder of this party."""

    @property
    def inbox(self) -> list[Any] | None:
        """Where the compiled way may put (track, packet, arrival) itself; None if it must not."""

    def missed(self, packets: int) -> None:
        """So many did not fit into the inbox."""

    def packet(self, track: Track, packet: bytes, arrived_monotonic_s: float) -> None:
        """Take one plain RTP packet, media or repair; must return at once."""

    def report(self, track: Track, report: rtcp.SenderReport, arrived_monotonic_s: float) -> None:
        """Take what the party's sender report says of this track's clock."""


@dataclass(slots=True)
class Counts:
    """What happened to the packets of one connection."""

    received: int = 0
    received_bytes: int = 0
    forwarded: int = 0
    repeated: int = 0
    repaired: int = 0
    flooded: int = 0
    unknown_ssrc: int = 0
    unknown_payload_type: int = 0
    malformed: int = 0
    refused: int = 0
    unsent: int = 0


class Stream:
    """One track of one far party as one leg receives it."""

    def __init__(self, leg: "Leg", track: Track, ssrcs: SlotSsrcs) -> None:
        self.leg, self.track = leg, track
        self.ssrc, self.repair_ssrc = ssrcs.of(track)
        self.source: Incoming | None = None
        self.sequence_shift = self.timestamp_shift = self.repair_shift = 0
        self._head, self._repair_head = (s.to_bytes(4, "big") for s in ssrcs.of(track))
        self._passes = True  # unchanged but for the SSRC
        self._fed: Incoming | None = None
        self._repair_fed: Incoming | None = None
        self._last_sequence = self._last_timestamp = self._last_repair = 0
        self._last_monotonic_s = 0.0
        self.last: tuple[float, bytes] | None = None  # when and what was sent last
        self._cache: dict[int, bytes] = {}

    def take(self, packet: bytes, incoming: "Incoming", now: float) -> bool:
        """Send one packet of the source on, in this stream's numbers; False if it is truncated."""
        if self._fed is not incoming:
            self._follow(incoming, packet, now)
        if packet[1] & 0x7F == RED and not self.leg.reads_red:
            plain = rtp.without_redundancy(packet)
            if plain is None:
                return False
            packet = plain
        sequence = int.from_bytes(packet[2:4], "big") + self.sequence_shift & 0xFFFF
        if (sequence - self._last_sequence) & 0x8000 == 0:  # a late one is not the last
            self._last_sequence = sequence
            self._last_timestamp = int.from_bytes(packet[4:8], "big")
            self._last_monotonic_s = now
        if self._passes:
            packet = packet[:8] + self._head + packet[12:]
        else:
            first, second, _, timestamp, _ = _HEADER.unpack_from(packet)
            timestamp = timestamp + self.timestamp_shift & 0xFFFFFFFF
            packet = _HEADER.pack(first, second, sequence, timestamp, self.ssrc) + packet[12:]
        if self.leg.transport is None:
            self.last = now, packet
            self.leg.send(packet)
            return True
        if self.repair_ssrc:
            self._cache[sequence] = packet
            if len(self._cache) > CACHED_PACKETS:
                del self._cache[next(iter(self._cache))]
        self.leg.send_numbered(packet, now)
        return True

    def take_repair(self, packet: bytes, incoming: "Incoming", now: float) -> bool:
        """Send one RTX packet of the source on, where numbers pass from end to end.

        False if it repairs what this stream never had.
        """
        if self._fed is not incoming:
            return False
        first, second, sequence, timestamp, _ = _HEADER.unpack_from(packet)
        if self._repair_fed is not incoming:
            if self._repair_fed is None:
                self._last_repair = sequence
            else:  # SRTP seals no number twice and none far behind
                self.repair_shift = self._last_repair + 1 - sequence & 0xFFFF
            self._repair_fed = incoming
        sequence = sequence + self.repair_shift & 0xFFFF
        if (sequence - self._last_repair) & 0x8000 == 0:
            self._last_repair = sequence
        timestamp = timestamp + self.timestamp_shift & 0xFFFFFFFF
        body = packet[12:]
        if self.sequence_shift:
            body = _shift_original(packet, self.sequence_shift)
        self.leg.send(_HEADER.pack(first, second, sequence, timestamp, self.repair_ssrc) + body)
        return True

    def repair(self, sequences: Sequence[int], now: float) -> int:
        """Send again what the receiver misses and the cache holds; returns how many."""
        found = 0
        for sequence in sequences:
            packet = self._cache.get(sequence)
            if packet is not None:
                self._last_repair = self._last_repair + 1 & 0xFFFF
                repair = rtp.repair_of(packet, self._last_repair, self.repair_ssrc)
                self.leg.send_numbered(repair, now)
                found += 1
        return found

    def follows(self, incoming: "Incoming") -> bool:
        """Whether this stream's numbers are fixed for this source already."""
        return self._fed is incoming

    def last_sequence(self, *, repair: bool) -> int:
        """The newest number that was sent; -1 if there is none."""
        if repair:
            return self._last_repair if self._repair_fed is not None else -1
        return self._last_sequence

    def resume(
        self, sequence: int, timestamp: int, sent_s: float, head: bytes, *, repair: bool
    ) -> None:
        """The compiled way sent these numbers last; go on from there."""
        if repair:
            self._last_repair, self._repair_fed = sequence, self._fed
            return
        self._last_sequence, self._last_timestamp = sequence, timestamp
        self._last_monotonic_s = sent_s
        self.last = sent_s, head

    def interrupt(self) -> None:
        """What comes next does not follow what came last: number on from there."""
        self._fed = None

    def _follow(self, incoming: "Incoming", packet: bytes, now: float) -> None:
        """Continue with another source, without a jump that the receiver would see."""
        sequence, timestamp = struct.unpack_from("!HI", packet, 2)
        clock_hz = CLOCK_RATE_HZ[self.track]
        if self._last_monotonic_s:
            elapsed = int((now - self._last_monotonic_s) * clock_hz)
            shown = self._last_timestamp + self.timestamp_shift + elapsed
            self.sequence_shift = self._last_sequence + 1 - sequence & 0xFFFF
            self.timestamp_shift = shown - timestamp & 0xFFFFFFFF
            self._passes = False
            self._cache.clear()
        else:
            self._last_sequence = sequence
        self._fed = incoming


def _shift_original(packet: bytes, shift: int) -> bytes:
    """The body of an RTX packet with its original sequence number shifted (RFC 4588 section 4)."""
    offset = rtp.payload_offset(packet)
    if offset + 2 > len(packet):
        return packet[12:]
    original = (int.from_bytes(packet[offset : offset + 2], "big") + shift) & 0xFFFF
    return packet[12:offset] + original.to_bytes(2, "big") + packet[offset + 2 :]


@dataclass(slots=True)
class Transport:
    """The numbers that a managed leg gives its packets, and what its receiver says of them."""

    path: Path = field(default_factory=Path)
    sequence: int = 0


class Leg:
    """What one connection receives. `send` seals and sends one plain packet."""

    def __init__(self, slots: Sequence[SlotSsrcs], send: Callable[[bytes], None]) -> None:
        self.send = send
        self.send_report = send  # seals RTCP; set by the connection
        self.reads_red = True
        self.sound_only = False
        self.transport: Transport | None = None
        self.slots: list[dict[Track, Stream]] = []
        self.place_of: dict[str, int] = {}
        for ssrcs in slots:
            self.add_slot(ssrcs)

    def add_slot(self, ssrcs: SlotSsrcs) -> None:
        """One more far party can be received."""
        self.slots.append({track: Stream(self, track, ssrcs) for track in TRACKS})

    def streams(self) -> list[Stream]:
        """All streams of all slots."""
        return [stream for slot in self.slots for stream in slot.values()]

    def seat(self, heard: Sequence[str]) -> None:
        """Give each heard party a slot and keep it there; who is not heard leaves its slot.

        A party for whom there is no slot yet has none in `place_of`.
        """
        for party in [p for p in self.place_of if p not in heard]:
            del self.place_of[party]
        free = [n for n in range(len(self.slots)) if n not in self.place_of.values()]
        for party in heard:
            if party not in self.place_of and free:
                self.place_of[party] = free.pop(0)

    def manage(self) -> None:
        """From now on this leg numbers its packets itself, on from what it sent last."""
        if self.transport is None:
            last = max((s.last for s in self.streams() if s.last), default=(0.0, b""))[1]
            offset = rtp.transport_offset(last) if last else 0
            number = int.from_bytes(last[offset : offset + 2], "big") if offset else 0
            self.transport = Transport(sequence=number)

    def send_numbered(self, packet: bytes, now: float) -> None:
        """Send with the leg's own transport-wide number, if the packet carries one."""
        transport = self.transport
        offset = rtp.transport_offset(packet)
        if transport is not None and offset:
            transport.sequence = transport.sequence + 1 & 0xFFFF
            number = transport.sequence.to_bytes(2, "big")
            packet = packet[:offset] + number + packet[offset + 2 :]
            transport.path.sent(transport.sequence, len(packet), now)
        self.send(packet)


class Incoming:
    """One SSRC of a source: a track or its repair, and the streams it feeds."""

    def __init__(self, ssrc: int, announced: Announced) -> None:
        self.ssrc, self.track, self.is_repair = ssrc, announced.track, announced.repair
        media = SOUND if self.track == "audio" else PICTURE
        self.payload_types = _REPAIRS if self.is_repair else media
        self.media: Incoming | None = None  # what this one repairs
        self.streams: tuple[Stream, ...] = ()
        self.reception = self.new_reception()

    def new_reception(self) -> Reception:
        """As before the first packet."""
        return Reception(self.ssrc, CLOCK_RATE_HZ[self.track], self.track != "audio")


class Source:
    """What one connection sends: its announced SSRCs, and where its packets go."""

    def __init__(self, ssrcs: dict[int, Announced], tap: Tap | None) -> None:
        self.tap = tap
        self.counts = Counts()
        self.managed = True  # until it is in a call of two, whose receiver tells it all
        self.arrivals = Arrivals()
        self.incoming: dict[int, Incoming] = {}
        self._by_bytes: dict[bytes, Incoming] = {}
        self._key_frame_asked_monotonic_s = dict.fromkeys(TRACKS, -KEY_FRAME_INTERVAL_S)
        self.announce(ssrcs)

    def announce(self, ssrcs: dict[int, Announced]) -> None:
        """The peer sends these from now on; those it sent already stay as they are."""
        for ssrc, announced in ssrcs.items():
            known = self.incoming.get(ssrc)
            if known is None or (known.track, known.is_repair) != (
                announced.track,
                announced.repair,
            ):
                self.incoming[ssrc] = Incoming(ssrc, announced)
        for gone in self.incoming.keys() - ssrcs.keys():
            del self.incoming[gone]
        self._by_bytes = {ssrc.to_bytes(4, "big"): i for ssrc, i in self.incoming.items()}
        for incoming in self.incoming.values():
            if incoming.is_repair:
                incoming.media = self.of(incoming.track)

    def manage(self, managed: bool) -> None:
        """Whether the node itself says from now on how packets arrive; it notes them afresh."""
        if self.managed and not managed:
            self.arrivals = Arrivals()
            for incoming in self.incoming.values():
                incoming.reception = incoming.new_reception()
        self.managed = managed

    def of(self, track: Track) -> Incoming | None:
        """The SSRC that carries this track; None if the party does not send it."""
        return next(
            (i for i in self.incoming.values() if i.track == track and not i.is_repair), None
        )

    def packet(self, packet: bytes, now: float) -> None:
        """Take one plain RTP packet from this party: to the recorder and to the legs."""
        counts = self.counts
        counts.received += 1
        counts.received_bytes += len(packet)
        if len(packet) < 12 or packet[0] >> 6 != 2:
            counts.malformed += 1
            return
        incoming = self._by_bytes.get(packet[8:12])
        if incoming is None:
            counts.unknown_ssrc += 1
            return
        if packet[1] & 0x7F not in incoming.payload_types:
            counts.unknown_payload_type += 1
            return
        if self.tap is not None:
            self.tap.packet(incoming.track, packet, now)
        if self.managed:
            self._manage(incoming, packet, now)
        elif incoming.is_repair:
            media = incoming.media
            for stream in media.streams if media is not None else ():
                counts.forwarded += stream.take_repair(packet, media, now)  # type: ignore[arg-type]
        else:
            for stream in incoming.streams:
                counts.forwarded += stream.take(packet, incoming, now)

    def _manage(self, incoming: Incoming, packet: bytes, now: float) -> None:
        """Note how it arrived, restore what a repair carries, and send on what is new."""
        offset = rtp.transport_offset(packet)
        if offset:
            self.arrivals.add(int.from_bytes(packet[offset : offset + 2], "big"), now)
        if incoming.is_repair:
            media = incoming.media
            original = rtp.original_of_repair(packet, media.ssrc) if media is not None else None
            if media is None or original is None:
                return
            incoming, packet = media, original
            self.counts.repaired += 1
        sequence, timestamp = struct.unpack_from("!HI", packet, 2)
        if not incoming.reception.take(sequence, timestamp, now):
            self.counts.repeated += 1
            return
        for stream in incoming.streams:
            if stream.leg.sound_only and incoming.track != "audio":
                stream.interrupt()
            else:
                self.counts.forwarded += stream.take(packet, incoming, now)

    def key_frame_request(self, track: Track, now: float) -> bytes | None:
        """The RTCP that asks for a key frame; None if asked within the last second."""
        incoming = self.of(track)
        asked = self._key_frame_asked_monotonic_s
        if incoming is None or track == "audio" or now - asked[track] < KEY_FRAME_INTERVAL_S:
            return None
        asked[track] = now
        return rtcp.picture_loss_indication(rtcp.NODE_SSRC, incoming.ssrc)


def shifts(
    sender: Source, sender_leg: Leg, receiver: Source, receiver_leg: Leg
) -> dict[int, rtcp.Shift]:
    """How RTCP from `sender` reads at `receiver`, where both hear only each other.

    The sender's own SSRCs become those of the streams it feeds at the receiver; the SSRCs of the
    streams it hears become those of the receiver's sources, with their shifts taken back.
    """
    table: dict[int, rtcp.Shift] = {}
    for source, leg, back in ((sender, receiver_leg, False), (receiver, sender_leg, True)):
        for incoming in source.incoming.values():
            media = incoming.media if incoming.is_repair else incoming
            for stream in media.streams if media is not None else ():
                if stream.leg is not leg:
                    continue
                ssrc = stream.repair_ssrc if incoming.is_repair else stream.ssrc
                sequence = stream.repair_shift if incoming.is_repair else stream.sequence_shift
                if back:
                    table[ssrc] = rtcp.Shift(incoming.ssrc, -sequence, -stream.timestamp_shift)
                else:
                    table[incoming.ssrc] = rtcp.Shift(ssrc, sequence, stream.timestamp_shift)
    return table
