"""Which media may take the compiled way, and what did it do with them?

`_hot.c` does for a call of two what `relay.py` does for all, at a fraction of the cost. Here is
decided which streams it gets: those between two parties that pass end to end, over UDP, once
their first packet has gone the plain way and fixed the stream's numbers. Before anything about a
call changes, its routes are taken back and the streams told where their numbers stand, so that
the plain way goes on from there. Where the module is not built, nothing is ever routed and all
goes the plain way.
"""

from dataclasses import dataclass

from media.node.codecs import RED
from media.node.connection import Connection
from media.node.relay import Incoming, Stream
from media.node.socket import UdpSocket
from media.node.srtp import compiled

_COUNTS = ("received", "received_bytes", "forwarded", "refused", "flooded", "unsent")
Row = tuple[Incoming, Stream, tuple[int, ...]]


@dataclass(slots=True)
class _Routed:
    """A connection's route and the rows in it."""

    route: "compiled.Route"
    rows: list[Row]
    budget: int  # what the route was given last


class FastPath:
    """The compiled routes of one socket."""

    def __init__(self, socket: UdpSocket) -> None:
        self._socket = socket
        self._routed: dict[Connection, _Routed] = {}

    def refresh(self, connection: Connection) -> None:
        """Count what the route did; make or change it if more of the media may take it now."""
        routed = self._routed.get(connection)
        if routed is not None:
            self._count(connection, routed)
        rows = self._rows(connection)
        if rows == (routed.rows if routed is not None else []):
            return
        self.retire(connection)
        if rows:
            self._make(connection, rows)

    def settle(self) -> None:
        """Bring all counts up to now."""
        for connection, routed in self._routed.items():
            self._count(connection, routed)

    def retire(self, connection: Connection) -> None:
        """Take the route back: the streams go on from where it left them."""
        routed = self._routed.pop(connection, None)
        if routed is None:
            return
        self._socket.unroute(routed.route)
        self._count(connection, routed)
        for incoming, stream, _ in routed.rows:
            last = routed.route.last(incoming.ssrc)
            if last is not None:
                stream.resume(*last, repair=incoming.is_repair)

    def _count(self, connection: Connection, routed: _Routed) -> None:
        source, route = connection.source, routed.route
        if source is not None:
            for name in _COUNTS:
                counted = getattr(route, name)
                if counted:
                    setattr(source.counts, name, getattr(source.counts, name) + counted)
                    setattr(route, name, 0)
        if route.overflow and connection.tap is not None:
            connection.tap.missed(route.overflow)
            route.overflow = 0
        connection.heard_monotonic_s = max(connection.heard_monotonic_s, route.heard_s)
        route.budget = routed.budget = connection.share_budget(routed.budget - route.budget)

    def _rows(self, connection: Connection) -> list[Row]:
        """What of this connection's media may take the compiled way now."""
        call, source = connection.call, connection.source
        if compiled is None or call is None or source is None or call.managed:
            return []
        far = call.other(connection)
        if (
            far is None
            or call.playing.get(connection.party) is not connection
            or (connection.tap is not None and connection.tap.inbox is None)
            or connection.remote is None
            or far.remote is None
            or not (connection.transport.is_compiled and far.transport.is_compiled)
        ):
            return []
        rows: list[Row] = []
        for incoming in source.incoming.values():
            media = incoming.media if incoming.is_repair else incoming
            if media is None or len(media.streams) != 1:
                continue
            (stream,) = media.streams
            if not stream.follows(media) or (incoming.is_repair and stream.sequence_shift):
                continue
            types = set(incoming.payload_types)
            if not stream.leg.reads_red:
                types.discard(RED)
            rows.append((incoming, stream, tuple(sorted(types))))
        return rows

    def _make(self, connection: Connection, rows: list[Row]) -> None:
        assert connection.call is not None
        far = connection.call.other(connection)
        assert far is not None
        assert connection.remote is not None
        assert far.remote is not None
        inbox = connection.tap.inbox if connection.tap is not None else None
        route = self._socket.route(
            connection.remote,
            connection.transport.inbound,
            far.remote,
            far.transport.outbound,
            inbox,
        )
        for incoming, stream, types in rows:
            repair = incoming.is_repair
            route.add(
                incoming.ssrc,
                types,
                incoming.track,
                stream.repair_ssrc if repair else stream.ssrc,
                stream.repair_shift if repair else stream.sequence_shift,
                stream.timestamp_shift,
                stream.last_sequence(repair=repair),
            )
        route.budget = budget = connection.share_budget(0)
        self._routed[connection] = _Routed(route, rows, budget)
