"""Are residents answered within a minute? Shares by queue, today and by hour, and who is at risk.

A visit counts from when its wait began, in the hour in which its ticket was taken. It was answered
in time if a clerk took it within its queue's `target_s`; it was missed if it was answered later,
left later, or still waits beyond it. Who left before that, or went away to come back later and
did not, counts for nothing. A day begins at midnight in China.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from scheduling import visit
from scheduling.duty import LOCAL
from scheduling.rulebook import read_rules
from scheduling.rules import Queue, QueueId, Rules
from scheduling.tables import visits

FRESH_S = 2.0
WARN_AT = 2 / 3  # of the target: a visit that still waits by then is at risk
_WAITS = (visit.State.WAITING, visit.State.OFFERED)


@dataclass(frozen=True, slots=True)
class Level:
    """Of `counted` visits `in_time` were answered within the target."""

    counted: int = 0
    in_time: int = 0

    @property
    def share(self) -> float | None:
        """1.0 is all of them; None where nothing was counted."""
        return self.in_time / self.counted if self.counted else None

    def plus(self, in_time: bool) -> "Level":
        """One more."""
        return Level(self.counted + 1, self.in_time + in_time)


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """One queue today: altogether, by hour of the day, and visits about to miss the target."""

    queue: QueueId
    target_s: float
    target_share: float
    today: Level
    hours: Mapping[int, Level]
    at_risk: int

    @property
    def warns(self) -> bool:
        """Whether somebody should act: a visit is about to miss, or the day's share is too low."""
        share = self.today.share
        return self.at_risk > 0 or (share is not None and share < self.target_share)


class ServiceLevels:
    """Reads them."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._recent: dict[QueueId, ServiceLevel] = {}
        self._looked_s = float("-inf")
        self._turn = asyncio.Lock()

    async def recent(self, now: datetime) -> Mapping[QueueId, ServiceLevel]:
        """Every queue as it was at most two seconds ago, for the many pages that show it."""
        async with self._turn:
            if time.monotonic() - self._looked_s > FRESH_S:
                self._recent = {level.queue: level for level in await self.today(now)}
                self._looked_s = time.monotonic()
            return self._recent

    async def today(self, now: datetime, cities: Iterable[str] | None = None) -> list[ServiceLevel]:
        """Every queue of these cities (all), in their order."""
        async with self._engine.connect() as connection:
            rules = await read_rules(connection)
            wanted = set(cities) if cities is not None else None
            queues = [q for q in rules.queues.values() if wanted is None or q.city in wanted]
            return await _levels(connection, queues, now)


async def read_shares(
    connection: AsyncConnection, rules: Rules, now: datetime
) -> dict[QueueId, float]:
    """Each queue's share of today, where one is known; inside a transaction."""
    levels = await _levels(connection, rules.queues.values(), now)
    return {level.queue: s for level in levels if (s := level.today.share) is not None}


async def _levels(
    connection: AsyncConnection, queues: Iterable[Queue], now: datetime
) -> list[ServiceLevel]:
    midnight = now.astimezone(LOCAL).replace(hour=0, minute=0, second=0, microsecond=0)
    of = {queue.id: queue for queue in queues}
    today: dict[str, Level] = {}
    hours: dict[str, dict[int, Level]] = {}
    at_risk: dict[str, int] = {}
    rows = await connection.execute(
        sa.select(
            visits.c.queue, visits.c.state, visits.c.waits_since, visits.c.response_s,
            visits.c.closed_at, visits.c.taken_at,
        ).where(
            sa.or_(visits.c.taken_at >= midnight, visits.c.state.in_(_WAITS)),
            visits.c.queue.in_(list(of)),
        )
    )  # fmt: skip
    for row in rows:
        target_s = of[row.queue].target_s
        waiting = row.state in _WAITS
        if row.response_s is not None:
            in_time = row.response_s <= target_s
        elif waiting or row.state == visit.State.LEFT:
            until = now if waiting else row.closed_at
            waited_s = (until - row.waits_since).total_seconds()
            if waiting and WARN_AT * target_s <= waited_s <= target_s:
                at_risk[row.queue] = at_risk.get(row.queue, 0) + 1
            if waited_s <= target_s:
                continue
            in_time = False
        else:
            continue
        if row.taken_at < midnight:
            continue
        hour = row.taken_at.astimezone(LOCAL).hour
        today[row.queue] = today.get(row.queue, Level()).plus(in_time)
        by_hour = hours.setdefault(row.queue, {})
        by_hour[hour] = by_hour.get(hour, Level()).plus(in_time)
    return [
        ServiceLevel(
            queue.id,
            queue.target_s,
            queue.target_share,
            today.get(queue.id, Level()),
            dict(sorted(hours.get(queue.id, {}).items())),
            at_risk.get(queue.id, 0),
        )
        for queue in of.values()
    ]
