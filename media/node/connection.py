"""What is one party's path to this node? Its credentials, its sealed transport, what it sends and
receives.

Takes datagrams that `node.py` has found to be this party's, hands plain packets to `relay.py`, and
seals what leaves. Which address belongs to whom, and who plays, is `node.py`'s business.
"""

import secrets
import time
from asyncio import TimerHandle
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NewType

from OpenSSL import SSL

from media.node import relay, rtcp
from media.node.sdp import LegSsrcs
from media.node.secure import SecureTransport, SrtpError
from media.node.socket import Address

ConnectionId = NewType("ConnectionId", str)
CallId = NewType("CallId", str)
Wire = Callable[[bytes, Address], bool]

MAX_ADDRESSES = 16  # paths a browser tries; more is not a browser


class Connection:
    """One connection of one party. `wire` puts a datagram on the network."""

    def __init__(
        self,
        call: "Call",
        party: str,
        *,
        context: SSL.Context,
        wire: Wire,
        tap: relay.Tap | None,
    ) -> None:
        self.id = ConnectionId(secrets.token_hex(8))
        self.call, self.party, self.tap = call, party, tap
        self.ufrag, self.password = secrets.token_hex(4), secrets.token_hex(16)
        self.ssrcs = LegSsrcs(*(secrets.randbits(31) + 1 for _ in range(3)))
        self.transport = SecureTransport(context, self._send)
        self.leg = relay.Leg(self.ssrcs, self.send_media)
        self.source: relay.Source | None = None
        self.addresses: set[Address] = set()
        self.address: Address | None = None
        self.opened_monotonic_s = self.heard_monotonic_s = time.monotonic()
        self.connected = self.silent = False
        self.timer: TimerHandle | None = None
        self._wire = wire

    @property
    def far(self) -> "Connection | None":
        """The connection of the other party that plays now."""
        playing = self.call.playing
        return next((c for name, c in playing.items() if name != self.party), None)

    def take_rtp(self, datagram: bytes) -> bool:
        """Open an SRTP packet and pass it on; False if it was not authentic."""
        source = self.source
        if source is None or not self.transport.ready:
            return False
        try:
            packet = self.transport.unprotect(datagram)
        except (SrtpError, ValueError):
            source.counts.refused += 1
            return False
        self.heard_monotonic_s = time.monotonic()
        source.packet(packet, self.heard_monotonic_s)
        return True

    def take_rtcp(self, datagram: bytes) -> bool:
        """Open an SRTCP packet and tell the other party; False if it was not authentic."""
        source = self.source
        if source is None or not self.transport.ready:
            return False
        try:
            compound = self.transport.unprotect_rtcp(datagram)
        except (SrtpError, ValueError):
            source.counts.refused += 1
            return False
        self.heard_monotonic_s = time.monotonic()
        far = self.far
        if far is None or far.source is None:
            return True
        try:
            told = rtcp.translate(compound, relay.shifts(source, self.leg, far.source, far.leg))
        except rtcp.Malformed:
            source.counts.malformed += 1
            return True
        if told:
            far.send_control(told)
        return True

    def send_media(self, packet: bytes) -> None:
        """Seal and send one plain RTP packet."""
        address = self.address
        if address is None or not self.connected:
            return
        try:
            sealed = self.transport.protect(packet)
        except (SrtpError, ValueError):
            self._count_unsent()
            return
        self._wire(sealed, address)

    def send_control(self, compound: bytes) -> None:
        """Seal and send one plain RTCP compound."""
        if self.address is None or not self.connected:
            return
        try:
            self._wire(self.transport.protect_rtcp(compound), self.address)
        except (SrtpError, ValueError):
            self._count_unsent()

    def _send(self, datagram: bytes) -> None:
        if self.address is not None:
            self._wire(datagram, self.address)

    def _count_unsent(self) -> None:
        if self.source is not None:
            self.source.counts.unsent += 1


@dataclass(slots=True)
class Call:
    """A call's connections; `playing` is the one that carries each party now."""

    id: CallId
    connections: dict[ConnectionId, Connection] = field(default_factory=dict)
    playing: dict[str, Connection] = field(default_factory=dict)
