"""In which state is one call and each of its paths? Pure: event in, new call out.

A call begins with the accept and lasts until somebody ends it; connections come and go below it,
and it may move to another media host. It talks once resident and clerk were both connected, and
is never un-begun by a lost path. Who hears whom follows from the mode in which each is there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, NewType

from signaling.shared_desk import EMPTY, SharedDesk

CallId = NewType("CallId", str)
Party = NewType("Party", str)
PathState = Literal["connecting", "connected", "silent", "away"]
Mode = Literal["party", "listen", "whisper"]
RecordingState = Literal["starting", "recording", "paused", "failed"]
RESIDENT, CLERK, INVITED = Party("resident"), Party("clerk"), Party("invited_clerk")
PARTIES: tuple[Party, Party] = (RESIDENT, CLERK)
# Of two who were invited one after the other, the first may serve by then.
_INVITED: tuple[Party, Party] = (INVITED, Party(f"{INVITED}-2"))


def kept_seats(
    before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]]
) -> dict[str, list[str]] | None:
    """The parties of a new table that stand where they stood; None if nobody's place changes.

    A media node lets a party that goes on being heard keep its slot. So where one is to have
    another slot, it is told this in between: then the slots are in the order of the table.
    """
    kept = {
        party: [
            far for far, stood in zip(heard, before.get(party, ()), strict=False) if far == stood
        ]
        for party, heard in after.items()
    }
    moved = any(
        far in before.get(party, ()) and far not in kept[party]
        for party, heard in after.items()
        for far in heard
    )
    return kept if moved else None


@dataclass(frozen=True, slots=True)
class Path:
    """A party's way to the media host: its newest connection, and how it is doing.

    `offer` waits for the party's answer; `playing` is the connection that carries media now;
    `sound_only` says that the party's path carries no picture.
    """

    mode: Mode = "party"
    state: PathState = "connecting"
    connection: str | None = None
    offer: str | None = None
    playing: str | None = None
    sound_only: bool = False
    sharing: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One call of one visit, on one media host ("" while there is none to carry it).

    `clerk` is the party that serves: after a hand-over the one who was invited. With the resident
    `on_hold` the clerks talk alone. The `desk` is before all of them.
    """

    id: CallId
    visit: str
    city: str
    host: str = ""
    paths: Mapping[Party, Path] = field(default_factory=lambda: {p: Path() for p in PARTIES})
    talking_since: datetime | None = None
    recording: RecordingState = "starting"
    lost_since: datetime | None = None
    clerk: Party = CLERK
    on_hold: bool = False
    desk: SharedDesk = EMPTY

    def joined(self, party: Party, mode: Mode) -> "Call":
        """One more is in the call, or the same one in another mode."""
        return self._with(party, replace(self.paths.get(party, Path()), mode=mode))

    def left(self, party: Party) -> "Call":
        """A party that is neither resident nor clerk is gone."""
        return replace(self, paths={p: path for p, path in self.paths.items() if p != party})

    def held(self, *, on_hold: bool) -> "Call":
        """The resident hears nobody and is heard by nobody, or takes part again."""
        return replace(self, on_hold=on_hold)

    def handed_over(self, party: Party) -> "Call":
        """The clerk leaves; another party of the call serves from now on."""
        paths = {p: path for p, path in self.paths.items() if p != self.clerk}
        return replace(self, paths=paths, clerk=party, on_hold=False)

    def invited(self, party: Party, connection: str, offer: str | None) -> "Call":
        """A new connection waits for this party; an old one plays on until it is replaced.

        Without an offer it is a warm line, which the party has answered already.
        """
        path = self.paths[party]
        state: PathState = path.state if path.playing else "connecting"
        return self._with(party, replace(path, state=state, connection=connection, offer=offer))

    def answered(self, party: Party) -> "Call":
        """The party took the offer."""
        return self._with(party, replace(self.paths[party], offer=None))

    def offered(self, party: Party, connection: str, offer: str) -> "Call":
        """The party must answer again, on the same connection."""
        path = self.paths[party]
        return (
            self._with(party, replace(path, offer=offer)) if path.connection == connection else self
        )

    def connected(self, party: Party, connection: str, now: datetime) -> "Call":
        """The connection is sealed; the call talks from when resident and clerk are there."""
        path = replace(self.paths[party], state="connected", playing=connection)
        changed = self._with(party, path)
        if changed.talking_since is None and changed.is_whole:
            changed = replace(changed, talking_since=now)
        return changed

    def heard(self, party: Party, connection: str, *, silent: bool) -> "Call":
        """Nothing was heard on the playing connection for a while, or something is again."""
        path = self.paths[party]
        if path.playing != connection:
            return self
        return self._with(party, replace(path, state="silent" if silent else "connected"))

    def carried(self, party: Party, connection: str, *, sound_only: bool) -> "Call":
        """The party's path carries no picture any more, or does again."""
        path = self.paths[party]
        if path.playing != connection:
            return self
        return self._with(party, replace(path, sound_only=sound_only))

    def shares(self, party: Party, *, sharing: bool) -> "Call":
        """The party shows its screen, or does no longer."""
        return self._with(party, replace(self.paths[party], sharing=sharing))

    def laid(self, desk: SharedDesk) -> "Call":
        """Something has changed on the shared desk."""
        return replace(self, desk=desk)

    def closed(self, party: Party, connection: str) -> "Call":
        """A connection is gone; the path is away if it was the one that played."""
        path = self.paths[party]
        if path.connection == connection:
            path = replace(path, connection=None, offer=None)
        if path.playing == connection:
            path = replace(path, playing=None, state="away")
        return self._with(party, path)

    def moved(self, host: str) -> "Call":
        """The call goes on at another host; what plays there is not known yet."""
        return replace(self, host=host)

    def host_lost(self, now: datetime) -> "Call":
        """The host does not answer: nothing plays any more."""
        paths = {
            party: replace(path, state="away", connection=None, offer=None, playing=None)
            for party, path in self.paths.items()
        }
        return replace(self, host="", paths=paths, lost_since=self.lost_since or now)

    def found(self) -> "Call":
        """All are connected again after a host was lost."""
        return replace(self, lost_since=None)

    def records(self, state: RecordingState) -> "Call":
        """How the recording is doing."""
        return replace(self, recording=state)

    @property
    def pair(self) -> tuple[Party, Party]:
        """The resident and the party that serves."""
        return (RESIDENT, self.clerk)

    def far_of(self, party: Party) -> Party:
        """Whom this party talks with: the resident with the clerk, everybody else the resident."""
        return self.clerk if party == RESIDENT else RESIDENT

    @property
    def consulted(self) -> Party | None:
        """The clerk who was asked and has joined, beside the one who serves."""
        return next((p for p in _INVITED if p in self.paths and p != self.clerk), None)

    def next_invited(self) -> Party:
        """What the next clerk who joins is called: one who has taken over keeps the name."""
        return next(p for p in _INVITED if p not in self.paths)

    def keeps(self, party: Party) -> bool:
        """Whether a party has its place also while its path is away."""
        return party in self.pair or party in _INVITED

    @property
    def is_whole(self) -> bool:
        """Whether resident and clerk are both connected."""
        return all(self.paths[party].playing for party in self.pair)

    @property
    def table(self) -> dict[str, list[str]]:
        """Who hears whom: parties each other, listeners all of them, the clerk also whispers.

        Resident and serving clerk come first, whoever joined before whom.
        """
        order = sorted(self.paths, key=lambda p: p not in self.pair)  # stable
        talking = [p for p in order if self.paths[p].mode == "party"]
        if self.on_hold:
            talking.remove(RESIDENT)
        whispering: list[str] = [p for p, path in self.paths.items() if path.mode == "whisper"]
        table: dict[str, list[str]] = {}
        for party in self.paths:
            heard: list[str] = [far for far in talking if far != party]
            table[party] = heard + (whispering if party == self.clerk else [])
        if self.on_hold:
            table[RESIDENT] = []
        return table

    def _with(self, party: Party, path: Path) -> "Call":
        return replace(self, paths={**self.paths, party: path})
