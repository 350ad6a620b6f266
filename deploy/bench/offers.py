"""How fast are offers decided and committed? The dispatcher beside a bare loop of one-row updates.

A made-up office: 200 queues in ten cities, 1,000 clerks with five queues each, 10,000 or 100,000
visits in line. **Offers**: all clerks become ready at once; the dispatcher reads what has changed,
decides, and commits every offer with its window and its note on the timeline. **Bare**: as many
one-row `UPDATE … RETURNING` transactions through the same driver, without SQLAlchemy. **Ready to
offer**: one clerk after another says "ready", until the offer is committed.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import aiosqlite
import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy import database
from scheduling import window
from scheduling.catalogue import Catalogue, Matter
from scheduling.codes import Codes
from scheduling.desk import Desk
from scheduling.dispatch import Dispatcher
from scheduling.offers import Offers
from scheduling.record import City, Site
from scheduling.registry import Registry
from scheduling.tables import queues, skills, visits, windows
from scheduling.transfers import Transfers
from scheduling.visit import CityCode, ClerkId, MatterCode, SiteId

CITIES, QUEUES_A_CITY, CLERKS_A_CITY, QUEUES_A_CLERK = 10, 20, 100, 5
CLERKS = [ClerkId(f"clerk-{n:04d}") for n in range(CITIES * CLERKS_A_CITY)]
_CODES = [CityCode(f"9{city:05d}") for city in range(CITIES)]
_CHUNK = 500  # rows of one insert


@dataclass(frozen=True, slots=True)
class Measured:
    """One round: offers and bare updates a second."""

    offers_per_s: float
    bare_per_s: float


class Office:
    """The made-up office on one database."""

    def __init__(self, place: Path | sa.URL, waiting: int) -> None:
        self._place, self._waiting = place, waiting
        self._engine: AsyncEngine = database.open_engine(place)
        matter = Matter(MatterCode("M"), "g", "事项", "Matter", "局", 10, tuple(_CODES), (), ())
        catalogue = Catalogue([matter])
        self._catalogue = catalogue
        self._desk = Desk(self._engine, catalogue, Codes(bytes(32)))
        self._dispatcher = Dispatcher(
            self._engine,
            catalogue,
            desk=self._desk,
            offers=Offers(self._engine),
            transfers=Transfers(self._engine),
            present=lambda kiosk: True,
        )

    async def close(self) -> None:
        """Let go of the database."""
        await self._engine.dispose()

    async def fill(self) -> None:
        """Make the office: the same one each time."""
        now = datetime.now(UTC)
        await Registry(self._engine).load(
            [City(code, "市", f"City {code}", "省", False) for code in _CODES],
            [Site(SiteId(f"site-{code}"), code, "点", "Site") for code in _CODES],
            self._catalogue,
        )
        chance = random.Random(4)  # noqa: S311 - the same office each time
        await self._insert(
            queues, [_queue(city, number) for city in _CODES for number in range(20)]
        )
        await self._insert(
            windows,
            [
                {
                    "clerk": clerk, "city": _CODES[n // CLERKS_A_CITY], "name_zh": "员",
                    "name_en": "Clerk", "state": window.State.OFF, "since": now,
                    "languages": ["cmn"], "capacity": 1, "misses": 0,
                }
                for n, clerk in enumerate(CLERKS)
            ],
        )  # fmt: skip
        await self._insert(
            skills,
            [
                {
                    "clerk": clerk,
                    "queue": f"{_CODES[n // CLERKS_A_CITY]}-{(n + k) % QUEUES_A_CITY:02d}",
                    "level": 1 + k // 3,
                }
                for n, clerk in enumerate(CLERKS)
                for k in range(QUEUES_A_CLERK)
            ],
        )
        await self._insert(
            visits, [_visit(n, now, self._waiting, chance) for n in range(self._waiting)]
        )

    async def offers(self, rounds: int) -> list[Measured]:
        """Rounds of offers to all clerks, each beside a round of bare updates."""
        measured = []
        for _ in range(rounds):
            await self._begin_anew(window.State.READY)
            begun = time.perf_counter()
            made = await asyncio.gather(
                *(self._dispatcher.refresh([], [clerk], datetime.now(UTC)) for clerk in CLERKS)
            )
            took_s = time.perf_counter() - begun
            if (count := sum(map(len, made))) != len(CLERKS):
                raise RuntimeError(f"{count} offers instead of {len(CLERKS)}")
            measured.append(Measured(count / took_s, await self._bare_per_s()))
        return measured

    async def ready_to_offer_ms(self) -> list[float]:
        """Milliseconds from a clerk's "ready" to the committed offer, for each clerk."""
        await self._begin_anew(window.State.OFF)
        took = []
        for clerk in CLERKS:
            begun = time.perf_counter()
            await self._desk.set_window(clerk, window.Event.BE_READY, datetime.now(UTC))
            made = await self._dispatcher.refresh([], [clerk], datetime.now(UTC))
            took.append((time.perf_counter() - begun) * 1000)
            if [offered.clerk for offered in made] != [clerk]:
                raise RuntimeError(f"{clerk} was offered nothing")
        return took

    async def _begin_anew(self, state: window.State) -> None:
        """Everybody waits again; the dispatcher knows all clerks as off."""
        async with self._engine.begin() as connection:
            await connection.execute(
                sa.update(visits)
                .where(visits.c.clerk.is_not(None))
                .values(state="waiting", clerk=None, offered_at=None, served_queue=None)
            )
            await connection.execute(sa.update(windows).values(state=window.State.OFF))
        await self._dispatcher.load(datetime.now(UTC))
        async with self._engine.begin() as connection:
            await connection.execute(sa.update(windows).values(state=state))

    async def _bare_per_s(self) -> float:
        """One-row updates of waiting visits, each a transaction of its own, through the driver."""
        count = len(CLERKS)
        if isinstance(self._place, Path):
            await self._engine.dispose()  # the only connection that may write
            async with aiosqlite.connect(self._place, isolation_level=None) as connection:
                for pragma in ("journal_mode=WAL", "synchronous=FULL"):
                    await connection.execute(f"PRAGMA {pragma}")
                update = "UPDATE visits SET offered_at = ? WHERE id = ? RETURNING id"
                sqlite = connection.execute_fetchall
                now = "2026-11-25 04:00:00.000000"
                return await _per_s(count, lambda n: sqlite(update, (now, f"visit-{n:06d}")))
        pool = await asyncpg.connect(
            self._place.set(drivername="postgresql").render_as_string(hide_password=False)
        )
        try:
            at = datetime.now(UTC)
            update = "UPDATE visits SET offered_at = $1 WHERE id = $2 RETURNING id"
            return await _per_s(count, lambda n: pool.fetchrow(update, at, f"visit-{n:06d}"))
        finally:
            await pool.close()

    async def _insert(self, table: sa.Table, rows: list[dict[str, Any]]) -> None:
        async with self._engine.begin() as connection:
            for begin in range(0, len(rows), _CHUNK):
                await connection.execute(sa.insert(table), rows[begin : begin + _CHUNK])


async def _per_s(count: int, update: Callable[[int], Awaitable[Any]]) -> float:
    begun = time.perf_counter()
    for number in range(count):
        if not await update(number):
            raise RuntimeError(f"row {number} was not there")
    return count / (time.perf_counter() - begun)


def _queue(city: str, number: int) -> dict[str, Any]:
    return {
        "id": f"{city}-{number:02d}", "city": city, "position": number, "name_zh": "队列",
        "name_en": "Queue", "letter": chr(ord("A") + number), "matters": ["M"],
        "kind": "ordinary", "ring_s": 20.0, "language_after_s": 120.0, "backup_after_s": 60.0,
        "named_after_s": 120.0, "may_pull": False, "target_s": 60.0, "target_share": 0.9,
        "capacity": 2,
    }  # fmt: skip


def _visit(number: int, now: datetime, count: int, chance: random.Random) -> dict[str, Any]:
    city = chance.choice(_CODES)
    taken_at = now - timedelta(hours=1) + timedelta(seconds=3600 * number / count)
    return {
        "id": f"visit-{number:06d}", "city": city, "matter": "M", "group": "g",
        "site": f"site-{city}", "kiosk": f"kiosk-{number}", "at_kiosk": True,
        "ticket": f"A{number}", "language": "zh_CN", "notice_version": "1", "state": "waiting",
        "taken_at": taken_at, "queue": f"{city}-{chance.randrange(QUEUES_A_CITY):02d}",
        "priority": "ordinary", "wish": "", "virtual_at": taken_at, "waits_since": taken_at,
        "also": [], "allowed": [], "overflowed": [], "stays": False, "not_by": {}, "contact": "",
        "aside": False, "answer": "", "notes": "", "checked": [], "rating_reasons": [],
    }  # fmt: skip


async def measure_offers(place: Path | sa.URL, waiting: int, rounds: int) -> Measured:
    """The medians of so many rounds."""
    office = Office(place, waiting)
    try:
        await office.fill()
        measured = await office.offers(rounds)
    finally:
        await office.close()
    return Measured(
        median(one.offers_per_s for one in measured), median(one.bare_per_s for one in measured)
    )


async def measure_ready_to_offer(
    places: Sequence[Path | sa.URL], waiting: Sequence[int], rounds: int
) -> list[float]:
    """For each place with so many waiting the 99th percentile in milliseconds, rounds in turn."""
    offices = [Office(place, count) for place, count in zip(places, waiting, strict=True)]
    p99: list[list[float]] = [[] for _ in offices]
    try:
        for office in offices:
            await office.fill()
        for _ in range(rounds):
            for office, found in zip(offices, p99, strict=True):
                found.append(quantiles(await office.ready_to_offer_ms(), n=100)[98])
    finally:
        for office in offices:
            await office.close()
    return [median(found) for found in p99]
