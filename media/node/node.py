"""Which calls does this node carry, and which datagram belongs to which party?

Opens and closes calls and connections, admits addresses, runs their timers. What a packet becomes
is `relay.py`; who is who is decided by the caller, who alone hears our news through `Listener`.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

from media.node import relay, stun
from media.node.connection import MAX_ADDRESSES, Call, CallId, Connection, ConnectionId
from media.node.sdp import read_answer, write_offer
from media.node.secure import Certificate, HandshakeError
from media.node.socket import Address, UdpSocket

__all__ = [
    "AnswerTwice",
    "CallId",
    "ConnectionId",
    "Invitation",
    "News",
    "Node",
    "UnknownConnection",
]

log = logging.getLogger(__name__)

CONNECT_DEADLINE_S = 30.0  # from the offer to sealed media; the pages ask anew after 8 s
SILENCE_S = 5.0  # nothing authentic heard: browsers check a path every 2.5 s
_TICK_S = 0.5


class UnknownConnection(LookupError):  # noqa: N818
    """No such connection here: it was replaced, closed, or belonged to an earlier process."""


class AnswerTwice(ValueError):  # noqa: N818
    """This connection's offer was answered already."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """A connection that waits for its party: hand `offer` (SDP) to the party's browser."""

    connection: ConnectionId
    offer: str


Change = Literal["connected", "silent", "heard", "closed"]


@dataclass(frozen=True, slots=True)
class News:
    """What changed for a party: `connected`, `silent` (5 s), `heard` again, or `closed`."""

    call: CallId
    party: str
    connection: ConnectionId
    change: Change


@dataclass(slots=True)
class NodeCounts:
    """Datagrams that reached no connection, by reason."""

    stun_malformed: int = 0
    stun_unknown: int = 0
    stun_forged: int = 0
    stranger: int = 0
    answered: int = 0
    not_media: int = 0


class Node:
    """A media node: one UDP port, any number of two-party calls.

    `announce` is the host that parties are told to send to. `listener` hears of changes, in the
    event loop, and must return at once.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        announce: str,
        listener: Callable[[News], None],
    ) -> None:
        self._host, self._port, self._announce = host, port, announce
        self._listener = listener
        self._certificate = Certificate()
        self._context = self._certificate.context()
        self._calls: dict[CallId, Call] = {}
        self._by_id: dict[ConnectionId, Connection] = {}
        self._by_ufrag: dict[str, Connection] = {}
        self._by_address: dict[Address, Connection] = {}
        self._socket: UdpSocket | None = None
        self._ticker: asyncio.Task[None] | None = None
        self.counts = NodeCounts()

    async def start(self) -> None:
        """Open the UDP port. Raises OSError if it is taken."""
        self._socket = UdpSocket(self._host, self._port, self._receive)
        self._ticker = asyncio.create_task(self._tick(), name="media node ticker")

    async def stop(self) -> None:
        """Close every call and free the port."""
        for call in list(self._calls):
            self.close(call)
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.gather(self._ticker, return_exceptions=True)
        if self._socket is not None:
            self._socket.close()

    @property
    def port(self) -> int:
        """The UDP port in use."""
        return self._wire.port

    def invite(self, call: CallId, party: str, tap: relay.Tap | None) -> Invitation:
        """Prepare a connection for a party and make its SDP offer.

        If the party already has one, that one plays on until the new one is connected; an older
        one that never connected is closed. `tap` gets a copy of what the party sends.
        """
        record = self._calls.setdefault(call, Call(call))
        for other in list(record.connections.values()):
            if other.party == party and other is not record.playing.get(party):
                self._drop(other)
        connection = Connection(record, party, context=self._context, wire=self._wire.send, tap=tap)
        record.connections[connection.id] = connection
        self._by_id[connection.id] = connection
        self._by_ufrag[connection.ufrag] = connection
        offer = write_offer(
            session_id=secrets.randbits(62),
            ufrag=connection.ufrag,
            password=connection.password,
            fingerprint=self._certificate.fingerprint,
            address=(self._announce, self.port),
            leg=connection.ssrcs,
        )
        return Invitation(connection.id, offer)

    def answer(self, connection: ConnectionId, sdp: str) -> None:
        """Take the party's SDP answer.

        Raises UnknownConnection, AnswerTwice, sdp.BadAnswer; HandshakeError if the certificate
        that is already there is another one (the connection is closed then).
        """
        party = self._by_id.get(connection)
        if party is None:
            raise UnknownConnection(connection)
        if party.source is not None:
            raise AnswerTwice(connection)
        answer = read_answer(sdp)
        party.source = relay.Source(answer.kind_of_ssrc, party.tap)
        try:
            party.transport.expect(answer.fingerprint)
        except HandshakeError:
            self._drop(party)
            raise
        self._promote(party)

    def leave(self, connection: ConnectionId) -> None:
        """Close one connection; unknown ones are already closed."""
        party = self._by_id.get(connection)
        if party is not None:
            self._drop(party)

    def close(self, call: CallId) -> None:
        """Close a call and all its connections; unknown ones are already closed."""
        record = self._calls.get(call)
        if record is None:
            return
        for connection in list(record.connections.values()):
            self._drop(connection)
        self._calls.pop(call, None)

    def request_key_frame(self, call: CallId, party: str) -> None:
        """Ask a party for a key frame, at most once a second."""
        record = self._calls.get(call)
        connection = record.playing.get(party) if record else None
        if connection is not None and connection.source is not None:
            request = connection.source.key_frame_request(time.monotonic())
            if request is not None:
                connection.send_control(request)

    def status(self) -> dict[str, object]:
        """Counts for operators: strangers' datagrams by reason, and packets per connection."""
        return {
            "calls": len(self._calls),
            "refused": asdict(self.counts),
            "connections": [
                {
                    "call": c.call.id,
                    "party": c.party,
                    "connected": c.connected,
                    "silent": c.silent,
                    **(asdict(c.source.counts) if c.source else {}),
                }
                for c in self._by_id.values()
            ],
        }

    @property
    def _wire(self) -> UdpSocket:
        if self._socket is None:
            raise RuntimeError("the media node is not started")
        return self._socket

    # What arrives

    def _receive(self, datagram: bytes, address: Address) -> None:
        """Sort a datagram by its first byte (RFC 7983) and by who has proved this address."""
        if not datagram:
            return
        first = datagram[0]
        if first < 4:
            self._receive_stun(datagram, address)
            return
        party = self._by_address.get(address)
        if party is None:
            self.counts.stranger += 1
        elif 127 < first < 192:
            control = len(datagram) >= 2 and 192 <= datagram[1] <= 223
            if party.take_rtcp(datagram) if control else party.take_rtp(datagram):
                self._heard(party)
        elif 19 < first < 64:
            self._receive_dtls(party, datagram)
        else:
            self.counts.not_media += 1

    def _receive_stun(self, datagram: bytes, address: Address) -> None:
        request = stun.parse_binding_request(datagram)
        if request is None:
            self.counts.stun_malformed += 1
            return
        party = self._by_ufrag.get(request.local_ufrag)
        if party is None:
            self.counts.stun_unknown += 1
            return
        if not request.is_signed_with(party.password):
            self.counts.stun_forged += 1
            return
        self.counts.answered += 1
        self._admit(party, address, nominated=request.nominated)
        party.heard_monotonic_s = time.monotonic()
        self._heard(party)
        self._wire.send(stun.binding_response(request, address, party.password), address)

    def _admit(self, party: Connection, address: Address, *, nominated: bool) -> None:
        """From now on this address may speak for the party; a nominated one is also spoken to."""
        previous = self._by_address.get(address)
        if previous is not party:
            if previous is not None:
                previous.addresses.discard(address)
            if len(party.addresses) >= MAX_ADDRESSES:  # an old path makes room for the new one
                spare = next(a for a in party.addresses if a != party.address)
                party.addresses.discard(spare)
                self._by_address.pop(spare, None)
            party.addresses.add(address)
            self._by_address[address] = party
        if nominated or party.address is None:
            party.address = address

    def _receive_dtls(self, party: Connection, datagram: bytes) -> None:
        try:
            party.transport.receive(datagram)
        except HandshakeError as error:
            log.info("x call %s %s: %s", party.call.id, party.party, error)
            self._drop(party)
            return
        self._arm(party)
        self._promote(party)

    def _heard(self, party: Connection) -> None:
        if party.silent:
            party.silent = False
            self._tell(party, "heard")

    # Who plays

    def _promote(self, party: Connection) -> None:
        """Let a connection carry its party once it is sealed, in place of the one before it."""
        if party.connected or party.source is None or not party.transport.ready:
            return
        party.connected = True
        record = party.call
        before = record.playing.get(party.party)
        record.playing[party.party] = party
        far = party.far
        if far is not None and far.source is not None:
            far.source.leg = party.leg
            party.source.leg = far.leg
        if before is not None:
            self._drop(before)
        for name in list(record.playing):
            self.request_key_frame(record.id, name)
        self._tell(party, "connected")

    def _drop(self, party: Connection) -> None:
        if self._by_id.pop(party.id, None) is None:
            return
        party.transport.close()
        if party.timer is not None:
            party.timer.cancel()
        self._by_ufrag.pop(party.ufrag, None)
        for address in party.addresses:
            self._by_address.pop(address, None)
        record = party.call
        record.connections.pop(party.id, None)
        if record.playing.get(party.party) is party:
            del record.playing[party.party]
            far = party.far
            if far is not None and far.source is not None:
                far.source.leg = None
        if party.source is not None:
            party.source.leg = None
        self._tell(party, "closed")

    def _tell(self, party: Connection, change: Change) -> None:
        self._listener(News(party.call.id, party.party, party.id, change))

    # Time

    def _arm(self, party: Connection) -> None:
        """Set the timer of the DTLS handshake to what OpenSSL asks for."""
        if party.timer is not None:
            party.timer.cancel()
            party.timer = None
        wait_s = party.transport.retransmit_in_s()
        if wait_s is not None:
            loop = asyncio.get_running_loop()
            party.timer = loop.call_later(max(wait_s, 0.01), self._retransmit, party)

    def _retransmit(self, party: Connection) -> None:
        party.transport.retransmit()
        self._arm(party)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            now = time.monotonic()
            for party in list(self._by_id.values()):
                if not party.connected:
                    if now - party.opened_monotonic_s > CONNECT_DEADLINE_S:
                        self._drop(party)
                elif not party.silent and now - party.heard_monotonic_s > SILENCE_S:
                    party.silent = True
                    self._tell(party, "silent")
