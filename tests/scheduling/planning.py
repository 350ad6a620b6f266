"""Builders: a town with a queue, two clerks and nothing planned yet, on a real database file."""

import contextlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy import database
from scheduling import window
from scheduling.booking import Booking, Contact
from scheduling.bookings import Bookings
from scheduling.hours import OpeningHours
from scheduling.roster import Roster
from scheduling.rules import Queue, QueueId
from scheduling.tables import cities, matters, queues, windows
from scheduling.visit import CityCode, MatterCode
from tests.scheduling.office import HANGZHOU, JIAXING
from tests.scheduling.test_duty import at

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
        async with self.engine.begin() as connection:
            await connection.execute(sa.update(queues).values(capacity=capacity))

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


async def settle(engine: AsyncEngine, capacity: int) -> None:
    """Two cities, a queue of Jiaxing, two clerks there and one elsewhere."""
    queue = Queue(QUEUE, CityCode(JIAXING), "医保", "Medical", "C", (MATTER,), capacity=capacity)
    async with engine.begin() as connection:
        for code, name in ((JIAXING, "嘉兴"), (HANGZHOU, "杭州")):
            await connection.execute(
                sa.insert(cities).values(
                    code=code, name_zh=name, name_en=name, province_zh="浙江省", lead=False
                )
            )
        await connection.execute(
            sa.insert(matters).values(
                code=MATTER,
                position=1,
                group="medical-insurance",
                name_zh="备案",
                name_en="Registration",
                department_zh="医疗保障局",
                minutes=10,
                cities=[JIAXING],
                materials=[],
                words=[],
            )
        )
        await connection.execute(
            sa.insert(queues).values(position=1, **asdict(queue) | {"matters": [MATTER]})
        )
        for clerk, city in ((CLERK, JIAXING), (OTHER_CLERK, JIAXING), (ELSEWHERE, HANGZHOU)):
            await connection.execute(
                sa.insert(windows).values(
                    clerk=clerk,
                    city=city,
                    name_zh=clerk,
                    name_en=clerk,
                    state=window.State.OFF,
                    since=NOW,
                    languages=["cmn"],
                    capacity=1,
                    misses=0,
                )
            )


@contextlib.asynccontextmanager
async def planning(capacity: int = 2) -> AsyncIterator[Planning]:
    """A town of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "planning.sqlite"
        database.migrate(path)
        engine = database.open_engine(path)
        try:
            await settle(engine, capacity)
            yield Planning(engine, OpeningHours(engine), Roster(engine), Bookings(engine))
        finally:
            await engine.dispose()
