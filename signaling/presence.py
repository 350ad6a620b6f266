"""Which clients have a line at the other processes? What those said of themselves, in time. Pure.

A process that is not heard for `SILENT_S` has lost its clients, from when it was heard last. While
this process hears nobody at all, it knows nothing new: everybody stays as they were, and for
`GRACE_S` after the bus is back, since the others may find it a little later.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from signaling.access import Identity
from signaling.between import Member

SILENT_S = 12.0  # longer than a bus needs to find out that it is lost
GRACE_S = 18.0


@dataclass(slots=True)
class _Process:
    number: int
    heard_s: float
    members: dict[str, Member] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lost:
    """A client who has no line elsewhere any more, and since when."""

    who: Identity
    since_s: float


class Presence:
    """The clients of all other processes. Times are monotonic seconds of this one."""

    def __init__(self) -> None:
        self._processes: dict[str, _Process] = {}
        self._where: dict[str, set[str]] = {}
        self._up = False

    def find(self, client: str) -> Member | None:
        """The client's newest line elsewhere."""
        name = self.process_of(client)
        return self._processes[name].members[client] if name is not None else None

    def process_of(self, client: str) -> str | None:
        """The process that has the client's newest line elsewhere."""
        return max(
            self._where.get(client, ()),
            key=lambda name: self._processes[name].members[client].entered_s,
            default=None,
        )

    def all(self) -> Iterator[Identity]:
        """Everybody who has a line elsewhere."""
        for client in list(self._where):
            member = self.find(client)
            if member is not None:
                yield member.who

    def beat(self, process: str, number: int, now_s: float) -> bool:
        """A process lives; true if something of it was missed."""
        known = self._heard(process, now_s)
        return known.number != number

    def entered(self, process: str, number: int, member: Member, now_s: float) -> bool:
        """A client is there; true if something was missed before."""
        known = self._heard(process, now_s)
        if number <= known.number:
            return False
        missed = number != known.number + 1
        if not missed:
            known.number = number
        self._put(process, known, member)
        return missed

    def left(self, process: str, number: int, client: str, now_s: float) -> tuple[bool, list[Lost]]:
        """A client is there no more; whether something was missed before, and who is lost."""
        known = self._heard(process, now_s)
        if number <= known.number:
            return False, []
        missed = number != known.number + 1
        if not missed:
            known.number = number
        return missed, self._drop(process, known, [client], now_s)

    def members(
        self, process: str, number: int, members: Iterable[Member], now_s: float
    ) -> list[Lost]:
        """All who are there; who is lost by that."""
        known = self._heard(process, now_s)
        if number < known.number:
            return []
        known.number = number
        here = {member.who.id: member for member in members}
        lost = self._drop(process, known, [c for c in known.members if c not in here], now_s)
        for member in here.values():
            self._put(process, known, member)
        return lost

    def gone(self, process: str, now_s: float) -> list[Lost]:
        """A process has ended; who is lost by that."""
        known = self._processes.get(process)
        if known is None:
            return []
        lost = self._drop(process, known, list(known.members), now_s)
        del self._processes[process]
        return lost

    def link(self, up: bool, now_s: float) -> None:
        """Nobody can be heard, or all can again."""
        self._up = up
        if up:
            for known in self._processes.values():
                known.heard_s = max(known.heard_s, now_s + GRACE_S - SILENT_S)

    def silent(self, now_s: float) -> list[Lost]:
        """Give up processes that were not heard for too long; who is lost by that."""
        if not self._up:
            return []
        lost = []
        for name, known in list(self._processes.items()):
            if now_s - known.heard_s > SILENT_S:
                lost += self.gone(name, known.heard_s)
        return lost

    def _heard(self, process: str, now_s: float) -> _Process:
        known = self._processes.setdefault(process, _Process(-1, now_s))
        known.heard_s = max(known.heard_s, now_s)
        return known

    def _put(self, process: str, known: _Process, member: Member) -> None:
        known.members[member.who.id] = member
        self._where.setdefault(member.who.id, set()).add(process)

    def _drop(
        self, process: str, known: _Process, clients: Iterable[str], now_s: float
    ) -> list[Lost]:
        lost = []
        for client in clients:
            member = known.members.pop(client, None)
            places = self._where.get(client, set())
            places.discard(process)
            if not places:
                self._where.pop(client, None)
                if member is not None:
                    lost.append(Lost(member.who, now_s))
        return lost
