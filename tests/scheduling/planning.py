"""Builders: what is planned ahead in the demo world, on a copy of its database."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy import database
from scheduling.booking import Booking, Contact
from scheduling.bookings import Bookings
from scheduling.calendar_tables import opening_hours, shifts
from scheduling.hours import OpeningHours
from scheduling.roster import Roster
from scheduling.rules import QueueId
from scheduling.tables import queues
from scheduling.visit import MatterCode
from tests.scheduling.office import JIAXING
from tests.scheduling.test_duty import at
from tests.support.worlds import World, copied

NOW = at("2026-11-25 08:00")  # a Wednesday
SLOT = at("2026-11-26 09:00")
QUEUE, MATTER = QueueId(f"{JIAXING}-medical-insurance"), MatterCode("YB-01")
CLERK, OTHER_CLERK, ELSEWHERE = "jiaxing1", "jiaxing2", "hangzhou1"
CONTACT = Contact("张伟民", "13812345678")


@dataclass
class Planning:
    """Everything that is planned ahead, and a clock that moves by hand."""

    engine: AsyncEngine
    hours: OpeningHours
    roster: Roster
    bookings: Bookings
    now: datetime = NOW

    async def book(self, slot: datetime = SLOT, contact: Contact = CONTACT) -> tuple[Booking, str]:
        return await self.bookings.book(
            queue=QUEUE,
            matter=MATTER,
            slot=slot,
            contact=contact,
            language="zh_CN",
            now=self.now,
        )

    async def free(self, slot: datetime = SLOT) -> int:
        """How many the half hour can still take."""
        found = await self.bookings.slots(QUEUE, self.now)
        return next(one.free for one in found if one.starts_at == slot)

    async def set_capacity(self, capacity: int) -> None:
        """Of the queue in which everything here is booked.

        Of no other: two who change every row at once can each wait for the other.
        """
        async with self.engine.begin() as connection:
            await connection.execute(
                sa.update(queues).where(queues.c.id == QUEUE).values(capacity=capacity)
            )

    async def shift(self, clerk: str = CLERK, start: str = "09:00", end: str = "11:30") -> str:
        """A shift of tomorrow; its id."""
        made = await self.roster.add(
            clerk=clerk,
            city=JIAXING,
            on=self.now.date() + timedelta(days=1),
            start=start,
            end=end,
            for_queues=None,
            now=self.now,
        )
        assert made.id is not None
        return made.id


@contextlib.asynccontextmanager
async def planning(world: World | Path, capacity: int = 2) -> AsyncIterator[Planning]:
    """The demo world with the usual hours and no shifts; a half hour takes so many."""
    source = copied(world) if isinstance(world, Path) else world.copy()
    async with source as place:
        engine = database.open_engine(place)
        try:
            town = Planning(engine, OpeningHours(engine), Roster(engine), Bookings(engine))
            async with engine.begin() as connection:
                await connection.execute(sa.delete(shifts))
                await connection.execute(sa.delete(opening_hours))
            await town.set_capacity(capacity)
            yield town
        finally:
            await engine.dispose()
