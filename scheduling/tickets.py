"""Which number stands on a ticket? Its queue's letter, the head start, and a count of the day.

`B012`, `BE003` of somebody over 70, `B0930-1` of an appointment at half past nine. Within a series
numbers and virtual arrivals rise together, so that the number agrees with the place in line.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling.duty import LOCAL
from scheduling.rules import Priority, Queue
from scheduling.tables import ticket_counters

# What leads the number of a ticket with a head start, after its queue's letter.
_MARKS = {
    Priority.ORDINARY: "",
    Priority.ELDERLY: "E",
    Priority.DISABLED: "D",
    Priority.VETERAN: "V",
    Priority.INFANT: "F",
    Priority.RETURNING: "R",
}


@dataclass(frozen=True, slots=True)
class Series:
    """What its tickets begin with, and how their count is written."""

    name: str
    number: str = "{:03d}"


def of_priority(queue: Queue, priority: Priority) -> Series:
    """The tickets of those who come without an appointment."""
    return Series(queue.letter + _MARKS[priority])


def of_slot(queue: Queue, starts_at: datetime) -> Series:
    """The tickets of an appointment's half hour."""
    return Series(f"{queue.letter}{starts_at.astimezone(LOCAL):%H%M}", "-{}")


async def next_ticket(
    connection: AsyncConnection, city: str, series: Series, virtual_at: datetime, now: datetime
) -> tuple[str, datetime]:
    """The next number of this city, day and series, and the virtual arrival that goes with it.

    The two rise together also where an admin has changed a head start meanwhile.
    """
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    new = insert(ticket_counters).values(
        city=city,
        day=now.astimezone(LOCAL).date(),
        series=series.name,
        last=1,
        last_virtual_at=virtual_at,
    )
    before = ticket_counters.c.last_virtual_at
    later = sa.case(
        (new.excluded.last_virtual_at > before, new.excluded.last_virtual_at), else_=before
    )
    counted = await connection.execute(
        new.on_conflict_do_update(
            index_elements=["city", "day", "series"],
            set_={"last": ticket_counters.c.last + 1, "last_virtual_at": later},
        ).returning(ticket_counters.c.last, ticket_counters.c.last_virtual_at)
    )
    row = counted.one()
    return series.name + series.number.format(row.last), row.last_virtual_at
