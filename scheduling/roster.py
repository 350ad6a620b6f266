"""Who is planned to be on duty, and when? The transactions on shifts; their only writer.

What a shift may be is `shifts.py`. Changes of one city's shifts queue up behind its row, so that
two at once cannot give a clerk two shifts at the same time.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from uuid_utils import uuid7

from scheduling.calendar_tables import shifts
from scheduling.duty import LOCAL
from scheduling.rules import QueueId
from scheduling.shifts import BadShift, Shift, ShiftId, check_free, read_plan, shift
from scheduling.tables import cities, queues, windows
from scheduling.visit import CityCode, ClerkId


class Roster:
    """The shifts of the cities."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def week(self, city: str, of: date) -> list[Shift]:
        """The city's shifts of the week, Monday to Sunday, in which this date lies."""
        monday = of - timedelta(days=of.weekday())
        begins = datetime.combine(monday, time(0), LOCAL)
        ends = begins + timedelta(days=7)
        async with self._engine.connect() as connection:
            return await _select(
                connection,
                shifts.c.city == city,
                shifts.c.starts_at < ends,
                shifts.c.ends_at > begins,
            )

    async def on_duty(self, city: str, at: datetime) -> list[Shift]:
        """The city's shifts at this instant."""
        async with self._engine.connect() as connection:
            return await _select(
                connection,
                shifts.c.city == city,
                shifts.c.starts_at <= at,
                shifts.c.ends_at > at,
            )

    async def add(
        self,
        *,
        clerk: str,
        city: str,
        on: date,
        start: str,
        end: str,
        for_queues: Sequence[str] | None,
        now: datetime,
    ) -> Shift:
        """Plan a shift; times like `09:00`. Raises BadShift."""
        today = now.astimezone(LOCAL).date()
        planned = shift(
            clerk=clerk, city=city, on=on, start=start, end=end, queues=for_queues, today=today
        )
        async with self._engine.begin() as connection:
            await _take_turns(connection, city)
            if clerk not in await _clerks(connection, city):
                raise BadShift(f"clerk: there is no clerk {clerk} in this city")
            known = await _queues(connection)
            if unknown := [queue for queue in planned.queues or () if queue not in known]:
                raise BadShift(f"queues: there is no queue {unknown[0]}")
            check_free(planned, await _select(connection, shifts.c.clerk == clerk))
            return (await _insert(connection, [planned]))[0]

    async def remove(self, city: str, shift_id: str) -> bool:
        """Take a shift out of the plan; whether the city had it."""
        async with self._engine.begin() as connection:
            removed = await connection.execute(
                sa.delete(shifts).where(shifts.c.city == city, shifts.c.id == shift_id)
            )
            return removed.rowcount > 0

    async def take_in(
        self, city: str, content: bytes, *, dry_run: bool, now: datetime
    ) -> tuple[str, list[Shift]]:
        """Add the shifts of a CSV file, or only say what would be added; with its encoding.

        All or nothing. Raises BadImport with every fault.
        """
        async with self._engine.begin() as connection:
            await _take_turns(connection, city)
            clerks = await _clerks(connection, city)
            sheet, added = await asyncio.to_thread(  # a large plan takes a quarter of a second
                read_plan,
                content,
                city=city,
                clerks=clerks,
                queues=await _queues(connection),
                planned=await _select(connection, shifts.c.city == city),
                today=now.astimezone(LOCAL).date(),
            )
            return sheet.encoding, added if dry_run else await _insert(connection, added)


async def _take_turns(connection: AsyncConnection, city: str) -> None:
    """Wait until nobody else changes this city's shifts; visits of the city go on meanwhile."""
    row = sa.select(cities.c.code).where(cities.c.code == city)
    await connection.execute(row.with_for_update(key_share=True))


async def _clerks(connection: AsyncConnection, city: str) -> set[str]:
    rows = await connection.execute(sa.select(windows.c.clerk).where(windows.c.city == city))
    return {row.clerk for row in rows}


async def _queues(connection: AsyncConnection) -> set[str]:
    return {row.id for row in await connection.execute(sa.select(queues.c.id))}


async def _select(connection: AsyncConnection, *conditions: sa.ColumnElement[bool]) -> list[Shift]:
    rows = await connection.execute(
        sa.select(shifts).where(*conditions).order_by(shifts.c.starts_at, shifts.c.clerk)
    )
    return [
        Shift(
            clerk=ClerkId(row.clerk),
            city=CityCode(row.city),
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            queues=None if row.queues is None else tuple(map(QueueId, row.queues)),
            id=ShiftId(row.id),
        )
        for row in rows
    ]


async def _insert(connection: AsyncConnection, planned: Sequence[Shift]) -> list[Shift]:
    kept = [replace(one, id=ShiftId(str(uuid7()))) for one in planned]
    await connection.execute(
        sa.insert(shifts),
        [
            {
                "id": one.id,
                "clerk": one.clerk,
                "city": one.city,
                "starts_at": one.starts_at,
                "ends_at": one.ends_at,
                "queues": None if one.queues is None else list(one.queues),
            }
            for one in kept
        ],
    )
    return kept
