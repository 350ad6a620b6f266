"""How well do picture and sound travel? Samples of each party, live as one level, kept for later.

The browsers report each five seconds; the newest sample of each side decides the level shown now,
every sample is kept with the visit. The bounds are those at which people notice: ITU-T G.114 for
delay, G.113 for lost sound with concealment, and what stands still long enough to be seen.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from signaling.call import Party
from signaling.protocol import Direction
from signaling.tables import quality

log = logging.getLogger(__name__)

Level = Literal["good", "fair", "poor"]
FRESH_S = 15.0
_ORDER: tuple[Level, ...] = ("good", "fair", "poor")
_FAIR = {"loss": 0.03, "jitter_ms": 40, "round_trip_ms": 300, "concealed": 0.03, "freezes": 1}
_POOR = {"loss": 0.10, "jitter_ms": 100, "round_trip_ms": 800, "concealed": 0.10, "freezes": 3}


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One party's report, and when the server heard it."""

    party: str
    at: datetime
    received: Direction
    sent: Direction


def level(direction: Direction) -> Level:
    """What somebody would say of it."""
    if any(getattr(direction, name) >= bound for name, bound in _POOR.items()):
        return "poor"
    if any(getattr(direction, name) >= bound for name, bound in _FAIR.items()):
        return "fair"
    return "good"


class Qualities:
    """The samples of running calls, and those that were kept. `tell` lets other processes hear."""

    def __init__(
        self,
        engine: AsyncEngine,
        clock: Callable[[], float] = time.monotonic,
        tell: Callable[[str, str, Level], None] = lambda visit, party, level: None,
    ) -> None:
        self._engine, self._clock, self._tell = engine, clock, tell
        self._newest: dict[str, dict[str, tuple[float, Level]]] = {}  # by visit, by party

    async def report(self, visit: str, sample: Sample) -> None:
        """Take one sample of a running call."""
        worst = max(level(sample.received), level(sample.sent), key=_ORDER.index)
        self.hear(visit, sample.party, worst)
        self._tell(visit, sample.party, worst)
        async with self._engine.begin() as connection:
            await connection.execute(
                quality.insert().values(
                    visit=visit,
                    party=sample.party,
                    at=sample.at,
                    received=msgspec.to_builtins(sample.received),
                    sent=msgspec.to_builtins(sample.sent),
                )
            )

    def hear(self, visit: str, party: str, level: Level) -> None:
        """A party's level now, as it reported it here or to another process."""
        self._newest.setdefault(visit, {})[party] = (self._clock(), level)

    def level(self, visit: str, party: Party) -> tuple[Level, Literal["own", "far"]] | None:
        """The worst level now as `party` sees it, and whose side it is; None without a report."""
        now = self._clock()
        fresh = {
            who: worst
            for who, (at, worst) in self._newest.get(visit, {}).items()
            if now - at < FRESH_S
        }
        if not fresh:
            return None
        worst = max(fresh.values(), key=_ORDER.index)
        return worst, "own" if fresh.get(party) == worst else "far"

    def forget(self, visit: str) -> None:
        """The call is over."""
        self._newest.pop(visit, None)

    async def of(self, visit: str) -> list[Sample]:
        """Every sample of a visit, oldest first."""
        query = sa.select(quality).where(quality.c.visit == visit).order_by(quality.c.id)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        return [
            Sample(
                party=row.party,
                at=row.at,
                received=msgspec.convert(row.received, Direction),
                sent=msgspec.convert(row.sent, Direction),
            )
            for row in rows
        ]
