"""What is one party's path to this node? Its credentials, its sealed transport, what it sends and
receives.

Takes datagrams that `admission.py` has found to be this connection's, hands plain packets to
`relay.py`, and seals what leaves. A connection without a call is a **warm line**: sealed and
ready, but what arrives on it goes nowhere, and nothing is sent but how it arrived.
"""

import secrets
import time
from asyncio import TimerHandle
from collections.abc import Callable
from typing import TYPE_CHECKING, NewType

from OpenSSL import SSL

from media.node import feedback, relay, rtcp
from media.node.codecs import Codec, Track
from media.node.sdp import Answer, SlotSsrcs
from media.node.secure import SecureTransport, SrtpError
from media.node.socket import Address

if TYPE_CHECKING:
    from media.node.call import Call

ConnectionId = NewType("ConnectionId", str)
Send = Callable[[bytes], object]

MOST_BYTES_A_SECOND = 2_000_000  # a party's three tracks at their most, twice (T20)


class Connection:
    """One connection of one party."""

    def __init__(self, context: SSL.Context, slots: int, *, hot: bool) -> None:
        self.id = ConnectionId(secrets.token_hex(8))
        self.call: Call | None = None
        self.party = ""
        self.tap: relay.Tap | None = None
        self.session = secrets.randbits(62)
        self.version = 0
        self.ufrag, self.password = secrets.token_hex(4), secrets.token_hex(16)
        self.slots = [_slot() for _ in range(slots)]
        self.transport = SecureTransport(context, self._send, hot=hot)
        self.leg = relay.Leg(self.slots, self.send_media)
        self.leg.send_report = self.send_control
        self.source: relay.Source | None = None
        self.answer: Answer | None = None
        self.reads: frozenset[Codec] = frozenset()  # that any of its answers named
        self.send: Send | None = None  # to the address that was nominated
        self.remote: Address | None = None  # that address, if it is a UDP one
        self.opened_monotonic_s = self.heard_monotonic_s = time.monotonic()
        self.reported_s = 0.0
        self.adaptation = feedback.Adaptation()
        self.receptions: dict[int, rtcp.Reception] = {}
        self.connected = self.silent = False
        self.offered_slots = slots
        self.offered_codecs: tuple[Codec, ...] = ()
        self.offer_open = False
        self.timer: TimerHandle | None = None
        self._budget = float(MOST_BYTES_A_SECOND)

    def take_rtp(self, datagram: bytes, now: float) -> bool:
        """Open an SRTP packet and pass it on; False if it was not authentic."""
        source = self.source
        if source is None or not self.transport.ready:
            return False
        if not self._affords(datagram, source):
            return False
        try:
            packet = self.transport.unprotect(datagram)
        except (SrtpError, ValueError):
            source.counts.refused += 1
            return False
        self.heard_monotonic_s = now
        source.packet(packet, now)
        return True

    def take_rtcp(self, datagram: bytes, now: float) -> bool:
        """Open an SRTCP packet and act on it; False if it was not authentic."""
        source = self.source
        if source is None or not self.transport.ready:
            return False
        if not self._affords(datagram, source):
            return False
        try:
            compound = self.transport.unprotect_rtcp(datagram)
        except (SrtpError, ValueError):
            source.counts.refused += 1
            return False
        self.heard_monotonic_s = now
        try:
            feedback.take(self, compound, now)
        except rtcp.Malformed:
            source.counts.malformed += 1
        return True

    def _affords(self, datagram: bytes, source: relay.Source) -> bool:
        """Whether the party may send this much now; what it may not is counted (T20)."""
        if self._budget < len(datagram):
            source.counts.flooded += 1
            return False
        self._budget -= len(datagram)
        return True

    def refill(self, seconds: float) -> None:
        """Time passed: the party may send again."""
        most = MOST_BYTES_A_SECOND
        self._budget = min(self._budget + seconds * most, float(most))

    def share_budget(self, spent: int) -> int:
        """So much was spent the compiled way; returns what the party may still send."""
        self._budget -= spent
        return int(self._budget)

    def send_media(self, packet: bytes) -> None:
        """Seal and send one plain RTP packet."""
        send = self.send
        if send is None or not self.connected:
            return
        try:
            send(self.transport.protect(packet))
        except (SrtpError, ValueError):
            self._count_unsent()

    def send_control(self, compound: bytes) -> None:
        """Seal and send one plain RTCP compound."""
        if self.send is None or not self.connected:
            return
        try:
            self.send(self.transport.protect_rtcp(compound))
        except (SrtpError, ValueError):
            self._count_unsent()

    def note_receptions(self, blocks: list[rtcp.Reception], now: float) -> None:
        """Keep the newest report about each stream this party receives."""
        streams = {stream.ssrc for stream in self.leg.streams()}
        for block in blocks:
            if block.ssrc in streams:
                self.receptions[block.ssrc] = block

    def ask_key_frame_of(self, stream: relay.Stream, now: float) -> None:
        """Ask the party that feeds this stream for a key frame, at most once a second."""
        call = self.call
        fed_by = stream.source
        if call is None or fed_by is None:
            return
        for far in call.playing.values():
            if far.source is not None and far.source.of(stream.track) is fed_by:
                far.ask_key_frame(stream.track, now)

    def ask_key_frame(self, track: Track, now: float) -> None:
        """Ask this party for a key frame, at most once a second."""
        request = self.source.key_frame_request(track, now) if self.source is not None else None
        if request is not None:
            self.send_control(request)

    def add_slots(self, wanted: int) -> None:
        """Make room for more far parties; the next offer announces it."""
        while len(self.slots) < wanted:
            slot = _slot()
            self.slots.append(slot)
            self.leg.add_slot(slot)

    def _send(self, datagram: bytes) -> None:
        if self.send is not None:
            self.send(datagram)

    def _count_unsent(self) -> None:
        if self.source is not None:
            self.source.counts.unsent += 1


def _slot() -> SlotSsrcs:
    return SlotSsrcs(*(secrets.randbits(31) + 1 for _ in range(5)))
