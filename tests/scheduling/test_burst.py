"""Five hundred residents and fifty clerks at once: no double pair, no lost ticket (F13)."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy import database, demo_world
from scheduling.board import Board
from scheduling.codes import Codes
from scheduling.desk import Desk
from scheduling.offers import Offers
from scheduling.record import Visit
from scheduling.registry import Registry
from scheduling.rulebook import Rulebook
from scheduling.rules import Level, Skills
from scheduling.tables import visit_events
from scheduling.transfers import Transfers
from scheduling.visit import CityCode, ClerkId, MatterCode, Outcome
from tests.scheduling.office import JIAXING, NOON, Office
from tests.support.worlds import SqliteWorld, World

RESIDENTS, CLERKS = 500, 50


class Said(NamedTuple):
    """Something of a visit, in the order in which it was committed."""

    visit: str
    event: str
    actor: str
    at: datetime


@dataclass
class Hall:
    """The office, and a second process at which the residents are, if the engine allows one."""

    office: Office
    residents: Office
    clerks: list[ClerkId]
    served: int = 0
    expected: int = 0

    def __post_init__(self) -> None:
        self.rung: dict[ClerkId, asyncio.Queue[Visit | None]] = {
            clerk: asyncio.Queue() for clerk in self.clerks
        }

    async def arrive(self, number: int) -> Visit:
        """A ticket, and the office looks."""
        kiosk = f"kiosk-{number:03d}"
        self.office.here.add(kiosk)
        taken = await self.residents.take(kiosk)
        await self.look(visit=taken.id)
        return taken

    async def begin_duty(self, clerk: ClerkId) -> None:
        await self.residents.ready(clerk)
        await self.look(clerk=clerk)

    async def look(self, visit: str = "", clerk: str = "") -> None:
        """The office looks; whatever is offered by that rings."""
        changed = [visit] if visit else []
        for offered in await self.office.dispatcher.refresh(
            changed, [clerk] if clerk else [], self.office.later()
        ):
            assert offered.clerk is not None
            self.rung[offered.clerk].put_nowait(offered)

    async def serve(self, clerk: ClerkId) -> None:
        """Accept, end and close whatever rings here, until the hall closes."""
        at = self.residents
        while (held := await self.rung[clerk].get()) is not None:
            await at.offers.accept(held.id, clerk, at.later())
            await at.desk.end(held.id, "clerk", at.later())
            await at.desk.close(held.id, clerk, Outcome.COMPLETED, ready=True, now=at.later())
            await self.look(held.id, clerk)
            self.served += 1
            if self.served == self.expected:
                for rung in self.rung.values():
                    rung.put_nowait(None)

    async def serve_all(self, count: int) -> None:
        """Let all clerks serve until so many visits are closed."""
        self.expected = count
        async with asyncio.TaskGroup() as group:
            for clerk in self.clerks:
                group.create_task(self.serve(clerk))
        assert all(rung.empty() for rung in self.rung.values())

    async def said(self) -> list[Said]:
        async with self.office.engine.connect() as connection:
            rows = await connection.execute(
                sa.select(
                    visit_events.c.visit,
                    visit_events.c.event,
                    visit_events.c.actor,
                    visit_events.c.at,
                ).order_by(visit_events.c.id)
            )
            return [Said(*row) for row in rows]


def office_on(engine: AsyncEngine) -> Office:
    catalogue = demo_world.catalogue()
    codes = Codes(bytes(32))
    return Office(
        engine,
        Desk(engine, catalogue, codes),
        Offers(engine),
        Transfers(engine),
        Board(engine, catalogue),
        codes,
    )


@pytest_asyncio.fixture
async def hall(world: World) -> AsyncIterator[Hall]:
    """Fifty clerks who serve one queue, off duty."""
    async with contextlib.AsyncExitStack() as ending:
        place = await ending.enter_async_context(world.copy())
        engines = [database.open_engine(place)]
        if not isinstance(world, SqliteWorld):
            engines.append(database.open_engine(place))
        for engine in engines:
            ending.push_async_callback(engine.dispose)
        clerks = [ClerkId(f"clerk-{number:02d}") for number in range(CLERKS)]
        registry, rulebook = Registry(engines[0]), Rulebook(engines[0], demo_world.catalogue())
        for clerk in clerks:
            await registry.add_window(
                clerk=clerk, city=JIAXING, name_zh="员", name_en="Clerk", now=NOON
            )
        queue = (await rulebook.rules()).queue_of(CityCode(JIAXING), MatterCode("YB-01"))
        assert queue is not None
        await rulebook.put_skills(Skills(clerk, {queue.id: Level.PRIMARY}) for clerk in clerks)
        yield Hall(office_on(engines[0]), office_on(engines[-1]), clerks)


def served_once_each(said: list[Said], count: int) -> None:
    """Every visit was accepted and closed once, and no clerk had two at a time."""
    for event in ("ticket_taken", "accept", "end", "close"):
        counted = Counter(each.visit for each in said if each.event == event)
        assert len(counted) == count, event
        assert set(counted.values()) == {1}, event
    held: dict[str, str] = {}
    for each in said:
        if each.event == "offer":
            assert each.actor not in held, "a clerk was offered a second visit"
            assert each.visit not in held.values(), "a visit was offered to a second clerk"
            held[each.actor] = each.visit
        elif each.event == "close":
            assert held.pop(each.actor) == each.visit


async def test_five_hundred_residents_and_fifty_clerks_who_come_at_once_are_paired_without_fault(
    hall: Hall,
) -> None:
    arriving = [hall.arrive(number) for number in range(RESIDENTS)]
    beginning = [hall.begin_duty(clerk) for clerk in hall.clerks]
    taken, _ = await asyncio.gather(asyncio.gather(*arriving), asyncio.gather(*beginning))
    await hall.serve_all(RESIDENTS)
    served_once_each(await hall.said(), RESIDENTS)
    tickets = sorted(visit.ticket for visit in taken)
    assert tickets == [f"C{number:03d}" for number in range(1, RESIDENTS + 1)]


async def test_a_line_is_served_in_its_order_by_fifty_clerks_who_come_at_once(hall: Hall) -> None:
    taken = await asyncio.gather(*(hall.arrive(number) for number in range(RESIDENTS // 2)))
    await asyncio.gather(*map(hall.begin_duty, hall.clerks))
    await hall.serve_all(len(taken))
    said = await hall.said()
    served_once_each(said, len(taken))
    place = {visit.id: (visit.virtual_at, visit.id) for visit in taken}
    offers = [each for each in said if each.event == "offer"]
    offers.sort(key=lambda each: (each.at, place[each.visit]))  # those of one moment are equal
    assert [each.visit for each in offers] == sorted(place, key=place.__getitem__)
