"""In which state is one call and each of its paths? Pure: event in, new call out.

A call begins with the accept and lasts until somebody ends it; connections come and go below it.
It talks once both parties were connected, and is never un-begun by a lost path.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, NewType

CallId = NewType("CallId", str)
Party = Literal["resident", "clerk"]
PathState = Literal["connecting", "connected", "silent", "away"]
PARTIES: tuple[Party, Party] = ("resident", "clerk")


@dataclass(frozen=True, slots=True)
class Path:
    """A party's way to the media node: its newest connection, and how it is doing.

    `offer` waits for the party's answer; `playing` is the connection that carries media now.
    """

    state: PathState = "connecting"
    connection: str | None = None
    offer: str | None = None
    playing: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One call of one visit."""

    id: CallId
    visit: str
    city: str
    paths: dict[Party, Path] = field(default_factory=lambda: {p: Path() for p in PARTIES})
    talking_since: datetime | None = None

    def invited(self, party: Party, connection: str, offer: str) -> "Call":
        """A new connection waits for this party; an old one plays on until it is replaced."""
        path = self.paths[party]
        state: PathState = path.state if path.playing else "connecting"
        return self._with(party, replace(path, state=state, connection=connection, offer=offer))

    def answered(self, party: Party) -> "Call":
        """The party took the offer."""
        return self._with(party, replace(self.paths[party], offer=None))

    def connected(self, party: Party, connection: str, now: datetime) -> "Call":
        """The connection is sealed; the call talks from when both are."""
        path = replace(self.paths[party], state="connected", playing=connection)
        changed = self._with(party, path)
        if changed.talking_since is None and all(p.playing for p in changed.paths.values()):
            changed = replace(changed, talking_since=now)
        return changed

    def heard(self, party: Party, connection: str, *, silent: bool) -> "Call":
        """Nothing was heard on the playing connection for a while, or something is again."""
        path = self.paths[party]
        if path.playing != connection:
            return self
        return self._with(party, replace(path, state="silent" if silent else "connected"))

    def closed(self, party: Party, connection: str) -> "Call":
        """A connection is gone; the path is away if it was the one that played."""
        path = self.paths[party]
        if path.connection == connection:
            path = replace(path, connection=None, offer=None)
        if path.playing == connection:
            path = replace(path, playing=None, state="away")
        return self._with(party, path)

    def _with(self, party: Party, path: Path) -> "Call":
        return replace(self, paths={**self.paths, party: path})


def far_of(party: Party) -> Party:
    """The other party."""
    return "clerk" if party == "resident" else "resident"
