"""Who hears whom in one call? Its connections, and the table by which their legs are joined.

The table may change while the call runs: legs are joined anew, nobody negotiates. Only a party
that is to hear more others than its last offer had slots for gets a new offer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NewType

from media.node.codecs import TRACKS
from media.node.connection import Connection, ConnectionId
from media.node.relay import Incoming, Stream
from media.node.sdp import MAX_PARTIES, MAX_SLOTS

CallId = NewType("CallId", str)
Table = Mapping[str, Sequence[str]]


class TooManyParties(ValueError):  # noqa: N818
    """A call has at most six parties."""


@dataclass(slots=True)
class Call:
    """A call's connections; `playing` is the one that carries each party now.

    `table` names for each party whom it hears, in order; without one everybody hears all others.
    """

    id: CallId
    connections: dict[ConnectionId, Connection] = field(default_factory=dict)
    playing: dict[str, Connection] = field(default_factory=dict)
    table: Table | None = None
    managed: bool = False

    def admit(self, connection: Connection, party: str) -> None:
        """A connection of this party belongs to the call. Raises TooManyParties."""
        parties = {c.party for c in self.connections.values()} | {party}
        if len(parties) > MAX_PARTIES:
            raise TooManyParties(f"a call has at most {MAX_PARTIES} parties")
        self.connections[connection.id] = connection

    def seated(self, party: str) -> list[str]:
        """Who has a slot at this party, in order, also while nothing comes from them."""
        wanted = self.playing if self.table is None else self.table.get(party, ())
        return [name for name in wanted if name != party][:MAX_SLOTS]

    def heard(self, party: str) -> list[str]:
        """Whom this party hears now."""
        return [name for name in self.seated(party) if name in self.playing]

    def other(self, connection: Connection) -> Connection | None:
        """The only far party of a call that is not managed."""
        playing = self.playing
        return next((c for name, c in playing.items() if name != connection.party), None)

    def wire(self, now: float) -> list[Connection]:
        """Join the legs as the table says; returns who needs an offer with more slots."""
        feeds: dict[Incoming, list[Stream]] = {}
        short = []
        pairs = {(name, far) for name in self.playing for far in self.heard(name)}
        mutual = all((far, name) in pairs for name, far in pairs)
        if len(self.playing) > 2 or not mutual:
            self.managed = True  # and stays so: a receiver has begun to count our numbers
        for name, connection in self.playing.items():
            seated = self.seated(name)
            connection.leg.seat(seated)
            if len(seated) > len(connection.slots):
                connection.add_slots(len(seated))
                connection.leg.seat(seated)
            if len(connection.slots) > connection.offered_slots:
                short.append(connection)
            if self.managed:
                connection.leg.manage()
            self._feed(connection, feeds)
        for connection in self.playing.values():
            if connection.source is not None:
                connection.source.manage(self.managed)
                for incoming in connection.source.incoming.values():
                    incoming.streams = tuple(feeds.get(incoming, ()))
        for connection in self.playing.values():
            connection.ask_key_frame("camera", now)
            connection.ask_key_frame("screen", now)
        return short

    def _feed(self, connection: Connection, feeds: dict[Incoming, list[Stream]]) -> None:
        """Say what feeds each stream of this leg."""
        leg = connection.leg
        party_at = {place: party for party, place in leg.place_of.items()}
        for place, slot in enumerate(leg.slots):
            far = self.playing.get(party_at.get(place, ""))
            for track in TRACKS:
                stream = slot[track]
                stream.source = far.source.of(track) if far is not None and far.source else None
                if stream.source is not None:
                    feeds.setdefault(stream.source, []).append(stream)

    def unwire(self, connection: Connection) -> None:
        """What this connection sends goes nowhere any more."""
        if connection.source is not None:
            for incoming in connection.source.incoming.values():
                incoming.streams = ()
