"""Who stands where in every line, and how long will it take? One look at all lines, and its reader.

A look is read from the database in four queries and serves every view of the next half second;
places and waits are computed from it by the same pure function as the router's (`waits.py`).
"""

import asyncio
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from scheduling import visit, window
from scheduling.catalogue import Catalogue
from scheduling.record import Visit
from scheduling.rulebook import read_rules
from scheduling.rules import Queue, QueueId, Rules
from scheduling.tables import skills, visits, windows
from scheduling.visit import ClerkId
from scheduling.waits import (
    RECENT,
    REMEMBERED,
    Entry,
    Residents,
    ServiceTimes,
    expected_wait_s,
)

FRESH_S = 0.5
SERVICE_FRESH_S = 10.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a visit stands: others before it, and seconds until an offer (None: nobody on duty)."""

    ahead: int
    expected_wait_s: int | None


@dataclass(frozen=True, slots=True)
class Line:
    """A queue's line now."""

    waiting: int
    longest_since: datetime | None
    ready: int
    on_duty: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Every line at one moment: visits in order, clerks on duty and idle for each queue."""

    at: datetime
    rules: Rules
    lines: Mapping[QueueId, Sequence[Entry]]
    pools: Mapping[QueueId, frozenset[ClerkId]]
    idle: frozenset[ClerkId]
    languages: Mapping[ClerkId, Sequence[str]]
    service: Mapping[QueueId, ServiceTimes]
    residents: Residents
    longest: Mapping[QueueId, datetime]

    def line(self, queue: QueueId) -> Line:
        """How a queue is doing."""
        pool = self.pools.get(queue, frozenset())
        return Line(
            len(self.lines.get(queue, ())),
            self.longest.get(queue),
            len(pool & self.idle),
            len(pool),
        )

    def place(self, waiting: Visit) -> Place:
        """Where a visit stands in its own queue, and its shortest wait over all its listings."""
        entry = _entry(waiting.virtual_at, waiting.id)
        ahead = bisect_left(self.lines.get(waiting.queue, ()), entry)
        waits_s = [self._wait_s(queue, entry, waiting.wish) for queue in waiting.listed]
        known = [wait_s for wait_s in waits_s if wait_s is not None]
        return Place(ahead, round(min(known)) if known else None)

    def wait_s(self, queue: QueueId, virtual_at: datetime) -> int | None:
        """Seconds a visit would wait that joined at this virtual arrival."""
        wait_s = self._wait_s(queue, _entry(virtual_at, "~"))
        return None if wait_s is None else round(wait_s)

    def _wait_s(self, queue: QueueId, entry: Entry, language: str = "") -> float | None:
        pool = self.pools.get(queue, frozenset())
        kin = {
            other: line
            for other, line in self.lines.items()
            if other == queue or not pool.isdisjoint(self.pools.get(other, ()))
        }
        return expected_wait_s(
            queue,
            entry,
            lines=kin,
            pools=self.pools,
            idle=self.idle,
            service=self.service,
            residents=self.residents,
            since_s=self.at.timestamp() - entry[0],
            speakers={c for c in pool if language in self.languages[c]} if language else None,
            language_after_s=self.rules.queues[queue].language_after_s,
        )


class Standings:
    """Looks at the lines, at most twice a second however many ask."""

    def __init__(self, engine: AsyncEngine, catalogue: Catalogue, fresh_s: float = FRESH_S) -> None:
        self._engine, self._catalogue, self._fresh_s = engine, catalogue, fresh_s
        self._last: Standing | None = None
        self._looked_s = self._served_s = float("-inf")
        self._service: dict[QueueId, ServiceTimes] = {}
        self._residents = Residents()
        self._turn = asyncio.Lock()

    async def now(self) -> Standing:
        """The lines as they are, or were half a second ago."""
        async with self._turn:
            if self._last is None or time.monotonic() - self._looked_s > self._fresh_s:
                self._last = await self._look()
                self._looked_s = time.monotonic()
            return self._last

    def forget(self) -> None:
        """Something has changed here: the next one who asks gets a new look."""
        self._looked_s = float("-inf")

    async def _look(self) -> Standing:
        async with self._engine.connect() as connection:
            rules = await read_rules(connection)
            if time.monotonic() - self._served_s > min(SERVICE_FRESH_S, 20 * self._fresh_s):
                self._service = await read_service_times(connection, rules, self._catalogue)
                self._residents = await read_residents(connection)
                self._served_s = time.monotonic()
            waiting = await connection.execute(
                sa.select(
                    visits.c.id, visits.c.queue, visits.c.also, visits.c.overflowed,
                    visits.c.virtual_at, visits.c.waits_since,
                ).where(visits.c.state.in_(visit.IN_LINE))
            )  # fmt: skip
            lines: dict[QueueId, list[Entry]] = {queue: [] for queue in rules.queues}
            longest: dict[QueueId, datetime] = {}
            for held in waiting:
                entry = _entry(held.virtual_at, held.id)
                for queue in (held.queue, *held.also, *held.overflowed):
                    lines.setdefault(queue, []).append(entry)
                since = longest.get(held.queue, held.waits_since)
                longest[held.queue] = min(since, held.waits_since)
            served = await connection.execute(
                sa.select(skills.c.clerk, skills.c.queue, windows.c.state, windows.c.languages)
                .join(windows, windows.c.clerk == skills.c.clerk)
                .where(windows.c.state.in_(window.ON_DUTY), windows.c.capacity > 0)
            )
            pools: dict[QueueId, set[ClerkId]] = {}
            idle: set[ClerkId] = set()
            languages: dict[ClerkId, Sequence[str]] = {}
            for row in served:
                languages[row.clerk] = row.languages
                pools.setdefault(row.queue, set()).add(row.clerk)
                if row.state == window.State.READY:
                    idle.add(row.clerk)
        for line in lines.values():
            line.sort()
        return Standing(
            datetime.now(UTC),
            rules,
            lines,
            {queue: frozenset(pool) for queue, pool in pools.items()},
            frozenset(idle),
            languages,
            self._service,
            self._residents,
            longest,
        )


async def read_service_times(
    connection: AsyncConnection, rules: Rules, catalogue: Catalogue
) -> dict[QueueId, ServiceTimes]:
    """The recent service times of each queue, from accept to the closed record."""
    newest = (
        sa.select(
            visits.c.served_queue,
            visits.c.accepted_at,
            sa.func.coalesce(visits.c.closed_at, visits.c.ended_at).label("free_at"),
            sa.func.row_number()
            .over(partition_by=visits.c.served_queue, order_by=visits.c.ended_at.desc())
            .label("age"),
        )
        .where(visits.c.ended_at.is_not(None), visits.c.accepted_at.is_not(None))
        .subquery()
    )
    rows = await connection.execute(
        sa.select(newest).where(newest.c.age <= RECENT).order_by(newest.c.age.desc())
    )
    times = {queue.id: ServiceTimes(usual_s(queue, catalogue)) for queue in rules.queues.values()}
    for row in rows:
        if row.served_queue in times:
            times[row.served_queue].add((row.free_at - row.accepted_at).total_seconds())
    return times


async def read_residents(connection: AsyncConnection) -> Residents:
    """What the residents of the newest tickets (ids rise with time) did: starts, waits, leaving."""
    rows = await connection.execute(
        sa.select(
            visits.c.state, visits.c.taken_at, visits.c.virtual_at, visits.c.waits_since,
            visits.c.response_s, visits.c.closed_at,
        ).order_by(visits.c.id.desc()).limit(REMEMBERED)
    )  # fmt: skip
    found = rows.all()[::-1]
    waits = []
    for row in found:
        if row.response_s is not None:
            waits.append((row.response_s, False))
        elif row.state == visit.State.LEFT and row.closed_at is not None:
            waits.append((max(0.0, (row.closed_at - row.waits_since).total_seconds()), True))
    return Residents(((r.taken_at - r.virtual_at).total_seconds() for r in found), waits)


def usual_s(queue: Queue, catalogue: Catalogue) -> float:
    """The catalogue's mean length of a queue's visits."""
    minutes = [m.minutes for m in catalogue.all() if m.code in queue.matters]
    return 60.0 * sum(minutes) / len(minutes) if minutes else 600.0


def _entry(virtual_at: datetime, visit_id: str) -> Entry:
    return (virtual_at.timestamp(), visit_id)
