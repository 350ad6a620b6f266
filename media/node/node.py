"""Which calls does this node carry? Opens, joins, rewires and closes, and lets time run.

Which datagram belongs to whom is `admission.py`, who hears whom `call.py`, what a packet becomes
`relay.py`. Who may be in a call is decided by the caller, who alone hears our news.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from media.node import codecs, feedback, relay
from media.node.admission import Admission
from media.node.call import Call, CallId, Table, TooManyParties
from media.node.codecs import CODECS, Codec
from media.node.connection import Connection, ConnectionId
from media.node.fast import FastPath
from media.node.sdp import BadAnswer, read_answer, write_offer
from media.node.secure import Certificate, HandshakeError
from media.node.socket import UdpSocket
from media.node.tcp import TcpListener

__all__ = [
    "AnswerTwice",
    "BadAnswer",
    "CallId",
    "ConnectionId",
    "HandshakeError",
    "Invitation",
    "News",
    "Node",
    "TooManyParties",
    "UnknownConnection",
]

log = logging.getLogger(__name__)

CONNECT_DEADLINE_S = 30.0  # from the offer to sealed media; the pages ask anew after 8 s
SILENCE_S = 2.0  # of a party that sends sound: 100 packets are missing
WARM_SILENCE_S = 6.0  # of one that sends no media: browsers check a path every 2.5 s
_TICK_S = 0.25  # where no feedback is the node's to give
_TRIES = 10  # for a port that is free for UDP and for TCP


class UnknownConnection(LookupError):  # noqa: N818
    """No such connection here: it was replaced, closed, or belonged to an earlier process."""


class AnswerTwice(ValueError):  # noqa: N818
    """This connection's offer was answered already."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """A connection that waits for its party: hand `offer` (SDP) to the party's browser."""

    connection: ConnectionId
    offer: str


Change = Literal["connected", "silent", "heard", "closed", "offer", "sound_only", "picture"]


@dataclass(frozen=True, slots=True)
class News:
    """What changed for a connection; `call` and `party` are "" while it is a warm line.

    `connected`: sealed; `silent` and `heard` again; `closed`; `offer`: it needs a new answer to
    `offer`; `sound_only`: its path carries no picture; `picture`: it does again.
    """

    call: CallId
    party: str
    connection: ConnectionId
    change: Change
    offer: str = ""


class Node:
    """A media node: one port, any number of calls of up to six parties.

    `announce` are the hosts that parties are told to send to. `listener` hears of changes, in the
    event loop, and must return at once. With `hot` the compiled module carries calls of two where
    it is there.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        announce: Sequence[str],
        listener: Callable[[News], None],
        preference: Sequence[Codec] = CODECS,
        tcp: bool = True,
        hot: bool = True,
    ) -> None:
        self._host, self._port, self._announce = host, port, tuple(announce)
        self._listener, self._preference, self._tcp_offered = listener, tuple(preference), tcp
        self._certificate = Certificate()
        self._context = self._certificate.context()
        self._calls: dict[CallId, Call] = {}
        self._by_id: dict[ConnectionId, Connection] = {}
        self._socket: UdpSocket | None = None
        self._tcp: TcpListener | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._hot = hot
        self._fast: FastPath | None = None
        self._admission = Admission(
            self._send, self._receive_dtls, self._heard, self._retire_call_of
        )

    async def start(self) -> None:
        """Open the port, UDP and TCP; any that is free for port 0. Raises OSError if taken."""
        for tries_left in range(_TRIES if self._port == 0 else 1, 0, -1):
            try:
                await self._open()
                break
            except OSError:
                if tries_left == 1:
                    raise
        if self._socket is not None and self._socket.is_hot:
            self._fast = FastPath(self._socket)
        self._ticker = asyncio.create_task(self._tick(), name="media node ticker")

    async def _open(self) -> None:
        """Both sockets, or none. Raises OSError."""
        udp = UdpSocket(self._host, self._port, self._admission.receive, hot=self._hot)
        if self._tcp_offered:
            listener = TcpListener(self._admission.receive, self._admission.gone)
            try:
                await listener.start(self._host, udp.port)
            except OSError:
                udp.close()
                raise
            self._tcp = listener
        self._socket = udp

    async def stop(self) -> None:
        """Close everything and free the port."""
        for connection in list(self._by_id.values()):
            self._drop(connection)
        self._calls.clear()
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.gather(self._ticker, return_exceptions=True)
        if self._tcp is not None:
            await self._tcp.stop()
        if self._socket is not None:
            self._socket.close()

    @property
    def port(self) -> int:
        """The port in use, UDP and TCP."""
        if self._socket is None:
            raise RuntimeError("the media node is not started")
        return self._socket.port

    @property
    def carries_calls(self) -> bool:
        """Whether any connection is in a call."""
        return any(c.call is not None for c in self._by_id.values())

    # Connections

    def invite(self, slots: int = 1) -> Invitation:
        """Prepare a connection that can hear `slots` others and make its SDP offer.

        Until `join` it is a warm line: nothing is passed on, and a sender is told how it arrives.
        """
        connection = Connection(self._context, max(1, slots), hot=self._fast is not None)
        self._by_id[connection.id] = connection
        self._admission.expect(connection)
        return Invitation(connection.id, self._offer(connection, self._preference))

    def answer(self, connection: ConnectionId, sdp: str) -> None:
        """Take the party's SDP answer to the last offer.

        Raises UnknownConnection, AnswerTwice, BadAnswer; HandshakeError if the certificate that
        is there is another one (the connection is closed then).
        """
        answered = self._known(connection)
        if not answered.offer_open:
            raise AnswerTwice(connection)
        answer = read_answer(sdp, answered.offered_slots)
        try:
            answered.transport.expect(answer.fingerprint)
        except HandshakeError:
            self._drop(answered)
            raise
        answered.offer_open = False
        answered.answer = answer
        answered.reads |= answer.codecs
        answered.leg.reads_red = answer.reads_red
        if answered.source is None:
            answered.source = relay.Source(answer.ssrcs, None)
        else:
            answered.source.announce(answer.ssrcs)
        if answered.call is not None:
            answered.source.tap = answered.tap
        if answered.connected:
            self._rewire(answered.call)
        else:
            self._promote(answered)

    def join(
        self, connection: ConnectionId, call: CallId, party: str, tap: relay.Tap | None
    ) -> None:
        """From now on this connection carries a party of a call, as soon as it is connected.

        What carried the party before plays on until then; an older connection that never
        connected is closed. `tap` gets a copy of what the party sends. Raises UnknownConnection,
        TooManyParties.
        """
        joined = self._known(connection)
        record = self._calls.get(call) or Call(call)
        record.admit(joined, party)
        self._calls[call] = record
        for other in list(record.connections.values()):
            if (
                other is not joined
                and other.party == party
                and other is not record.playing.get(party)
            ):
                self._drop(other)
        self._retire_call_of(joined)
        joined.call, joined.party, joined.tap = record, party, tap
        joined.heard_monotonic_s = time.monotonic()  # a call has less patience than a warm line
        if joined.source is not None:
            joined.source.tap = tap
        if joined.connected:
            self._play(joined)

    def hear(self, call: CallId, table: Table) -> None:
        """Say who hears whom from now on, also before the first party joins; until `close`."""
        record = self._calls.setdefault(call, Call(call))
        record.table = {party: tuple(heard) for party, heard in table.items()}
        self._rewire(record)

    def leave(self, connection: ConnectionId) -> None:
        """Close one connection; unknown ones are already closed."""
        left = self._by_id.get(connection)
        if left is not None:
            self._drop(left)

    def close(self, call: CallId) -> None:
        """Close a call and all its connections; unknown ones are already closed."""
        record = self._calls.pop(call, None)
        if record is not None:
            for connection in list(record.connections.values()):
                self._drop(connection)

    def request_key_frame(self, call: CallId, party: str, track: codecs.Track = "camera") -> None:
        """Ask a party for a key frame, at most once a second."""
        record = self._calls.get(call)
        connection = record.playing.get(party) if record else None
        if connection is not None:
            connection.ask_key_frame(track, time.monotonic())

    def status(self) -> dict[str, object]:
        """Counts for operators: strangers' datagrams by reason, and packets per connection."""
        if self._fast is not None:
            self._fast.settle()
        return {
            "calls": len(self._calls),
            "refused": {
                **asdict(self._admission.counts),
                "oversized": self._socket.oversized if self._socket is not None else 0,
            },
            "unsent": self._socket.unsent if self._socket is not None else 0,
            "tcp_refused": self._tcp.refused if self._tcp is not None else 0,
            "connections": [
                {
                    "call": c.call.id if c.call is not None else "",
                    "party": c.party,
                    "connected": c.connected,
                    "silent": c.silent,
                    "managed": c.call is not None and c.call.managed,
                    **(asdict(c.source.counts) if c.source else {}),
                }
                for c in self._by_id.values()
            ],
        }

    def _known(self, connection: ConnectionId) -> Connection:
        known = self._by_id.get(connection)
        if known is None:
            raise UnknownConnection(connection)
        return known

    def _offer(self, connection: Connection, preference: Sequence[Codec]) -> str:
        connection.version += 1
        connection.offered_slots = len(connection.slots)
        connection.offered_codecs = tuple(preference)
        connection.offer_open = True
        return write_offer(
            session_id=connection.session,
            version=connection.version,
            ufrag=connection.ufrag,
            password=connection.password,
            fingerprint=self._certificate.fingerprint,
            addresses=[(host, self.port) for host in self._announce],
            tcp=self._tcp_offered,
            slots=connection.slots,
            codecs=preference,
        )

    # What arrives

    def _send(self, datagram: bytes, address: tuple[str, int]) -> bool:
        return self._socket is not None and self._socket.send(datagram, address)

    def _receive_dtls(self, connection: Connection, datagram: bytes) -> None:
        try:
            connection.transport.receive(datagram)
        except HandshakeError as error:
            call = connection.call.id if connection.call is not None else "-"
            log.info("x call %s %s: %s", call, connection.party, error)
            self._drop(connection)
            return
        if connection.transport.is_over:  # the page has hung up, and says so
            self._drop(connection)
            return
        self._arm(connection)
        self._promote(connection)

    def _heard(self, connection: Connection) -> None:
        if connection.silent:
            connection.silent = False
            self._tell(connection, "heard")

    # Who plays

    def _promote(self, connection: Connection) -> None:
        """A connection that is sealed and answered is connected, and plays if it is in a call."""
        if (
            connection.connected
            or connection.source is None
            or connection.id not in self._by_id
            or not connection.transport.ready
        ):
            return
        connection.connected = True
        if connection.call is not None:
            self._play(connection)
        else:
            self._tell(connection, "connected")

    def _play(self, connection: Connection) -> None:
        """Let a connection carry its party, in place of the one before it."""
        record = connection.call
        assert record is not None
        before = record.playing.get(connection.party)
        record.playing[connection.party] = connection
        if before is not None and before is not connection:
            record.unwire(before)
            self._drop(before)
        self._rewire(record)
        self._tell(connection, "connected")

    def _rewire(self, record: Call | None) -> None:
        """Join the legs anew; offer again to whom slots or the call's codec are missing."""
        if record is None:
            return
        self._retire(record)
        short = record.wire(time.monotonic())
        playing = list(record.playing.values())
        reads = [c.reads for c in playing if c.answer is not None]
        chosen = codecs.common(self._preference, reads)
        for connection in playing:
            if connection.answer is None or connection.offer_open:
                continue
            sends = codecs.common(connection.offered_codecs, [connection.answer.codecs])
            if chosen is not None and sends != chosen:
                self._offer_again(connection, (chosen,))
            elif connection in short:
                self._offer_again(connection, connection.offered_codecs)

    def _offer_again(self, connection: Connection, preference: Sequence[Codec]) -> None:
        self._tell(connection, "offer", self._offer(connection, preference))

    def _drop(self, connection: Connection) -> None:
        if self._by_id.pop(connection.id, None) is None:
            return
        self._retire_call_of(connection)
        connection.transport.close()
        if connection.timer is not None:
            connection.timer.cancel()
        self._admission.forget(connection)
        record = connection.call
        if record is not None:
            record.connections.pop(connection.id, None)
            record.unwire(connection)
            if record.playing.get(connection.party) is connection:
                del record.playing[connection.party]
                self._rewire(record)
        self._tell(connection, "closed")

    def _retire(self, record: Call) -> None:
        """Before anything about a call changes, all its media go the plain way again."""
        if self._fast is not None:
            for connection in record.connections.values():
                self._fast.retire(connection)

    def _retire_call_of(self, connection: Connection) -> None:
        if connection.call is not None:
            self._retire(connection.call)

    def _tell(self, connection: Connection, change: Change, offer: str = "") -> None:
        call = connection.call.id if connection.call is not None else CallId("")
        self._listener(News(call, connection.party, connection.id, change, offer))

    # Time

    def _arm(self, connection: Connection) -> None:
        """Set the timer of the DTLS handshake to what OpenSSL asks for."""
        if connection.timer is not None:
            connection.timer.cancel()
            connection.timer = None
        wait_s = connection.transport.retransmit_in_s()
        if wait_s is not None:
            loop = asyncio.get_running_loop()
            connection.timer = loop.call_later(max(wait_s, 0.01), self._retransmit, connection)

    def _retransmit(self, connection: Connection) -> None:
        connection.transport.retransmit()
        self._arm(connection)

    async def _tick(self) -> None:
        before = time.monotonic()
        while True:
            tells = any(feedback.is_owed(connection) for connection in self._by_id.values())
            await asyncio.sleep(feedback.FEEDBACK_S if tells else _TICK_S)
            now = time.monotonic()
            for connection in list(self._by_id.values()):
                try:
                    self._pass_time(connection, now, now - before)
                except Exception:  # one connection's trouble must not stop the others' clock
                    log.exception("x media node tick")
            before = now

    def _pass_time(self, connection: Connection, now: float, elapsed_s: float) -> None:
        connection.refill(elapsed_s)
        if self._fast is not None and connection.connected:
            self._fast.refresh(connection)
            if connection.silent and now - connection.heard_monotonic_s < SILENCE_S:
                self._heard(connection)
        if not connection.connected:
            if now - connection.opened_monotonic_s > CONNECT_DEADLINE_S:
                self._drop(connection)
            return
        source = connection.source
        sends = source is not None and source.counts.received > 0
        limit_s = SILENCE_S if sends and connection.call is not None else WARM_SILENCE_S
        if not connection.silent and now - connection.heard_monotonic_s > limit_s:
            connection.silent = True
            self._tell(connection, "silent")
        feedback.tell(connection, now)
        managed = connection.call is not None and connection.call.managed
        if managed and feedback.adapt(connection, now):
            self._tell(connection, "sound_only" if connection.leg.sound_only else "picture")
