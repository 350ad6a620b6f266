"""Which opening hours does each city keep? Reads and writes of hours and special days.

The only writer of its two tables. What the hours mean is `duty.py`; a city for which nothing is
kept has the usual office hours.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from scheduling.calendar_tables import opening_hours, special_days
from scheduling.duty import (
    LOCAL,
    USUAL,
    WEEKDAYS,
    BadHours,
    DayHours,
    Hours,
    Interval,
    SpecialDay,
    is_open,
    next_opening,
)
from scheduling.duty import day_hours as checked
from scheduling.rows import Conflict

MAX_REASON = 100


class Closed(Conflict):
    """No ticket is given now; the text says when the city opens next."""


class OpeningHours:
    """The hours of the cities."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def of(self, city: str) -> Hours:
        """The hours of this city with all its special days."""
        async with self._engine.connect() as connection:
            return await hours_of(connection, city)

    async def keep(
        self, city: str, week: Sequence[Sequence[Interval]], holidays: Sequence[Interval]
    ) -> Hours:
        """The city's week from Monday to Sunday and its public holidays. Raises BadHours."""
        if len(week) != len(WEEKDAYS):
            raise BadHours("week: seven days, Monday to Sunday")
        days = [checked(day, f"week.{name}") for name, day in zip(WEEKDAYS, week, strict=True)]
        values = {
            "week": [_rows(day) for day in days],
            "holidays": _rows(checked(holidays, "holidays")),
        }
        async with self._engine.begin() as connection:
            await _put(connection, opening_hours, {"city": city}, values)
            return await hours_of(connection, city)

    async def keep_day(
        self, city: str, on: date, hours: Sequence[Interval], *, reason_zh: str, reason_en: str
    ) -> SpecialDay:
        """Other hours on one date, or none: a closure. Raises BadHours."""
        reasons = {"reason_zh": reason_zh.strip(), "reason_en": reason_en.strip()}
        for name, reason in reasons.items():
            if not 1 <= len(reason) <= MAX_REASON:
                raise BadHours(f"{name}: residents read it; 1 to {MAX_REASON} characters")
        special = SpecialDay(on, checked(hours, "hours"), **reasons)
        async with self._engine.begin() as connection:
            values = {"hours": _rows(special.hours), **reasons}
            await _put(connection, special_days, {"city": city, "day": on}, values)
        return special

    async def drop_day(self, city: str, on: date) -> bool:
        """The date is as any other again; whether it was a special one."""
        async with self._engine.begin() as connection:
            dropped = await connection.execute(
                sa.delete(special_days).where(special_days.c.city == city, special_days.c.day == on)
            )
            return dropped.rowcount > 0


async def hours_of(connection: AsyncConnection, city: str) -> Hours:
    """The hours of a city, inside somebody's transaction."""
    kept = (
        await connection.execute(sa.select(opening_hours).where(opening_hours.c.city == city))
    ).one_or_none()
    days = await connection.execute(sa.select(special_days).where(special_days.c.city == city))
    special = {
        row.day: SpecialDay(row.day, _hours(row.hours), row.reason_zh, row.reason_en)
        for row in days
    }
    if kept is None:
        return Hours(USUAL.week, USUAL.holidays, special)
    return Hours(tuple(map(_hours, kept.week)), _hours(kept.holidays), special)


async def check_open(connection: AsyncConnection, city: str, now: datetime) -> None:
    """Raises Closed out of the city's hours."""
    hours = await hours_of(connection, city)
    if is_open(hours, now):
        return
    opens = next_opening(hours, now)
    when = f"opens {opens.astimezone(LOCAL):%Y-%m-%d %H:%M}" if opens else "opens no day soon"
    raise Closed(f"city: closed now; {when}")


def _rows(hours: DayHours) -> list[list[int]]:
    return [[interval.opens, interval.closes] for interval in hours]


def _hours(rows: Sequence[Sequence[int]]) -> DayHours:
    return tuple(Interval(opens, closes) for opens, closes in rows)


async def _put(
    connection: AsyncConnection, table: sa.Table, key: dict[str, Any], values: dict[str, Any]
) -> None:
    where = sa.and_(*(table.c[name] == value for name, value in key.items()))
    changed = await connection.execute(sa.update(table).where(where).values(**values))
    if changed.rowcount == 0:
        await connection.execute(sa.insert(table).values(**key, **values))
