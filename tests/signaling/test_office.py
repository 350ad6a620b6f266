"""Which of two processes is the office: at the start, at the end, and when the database is lost."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from signaling.between import Post
from signaling.bus import LocalBus, Wire
from signaling.lease import SqlLease
from signaling.office import Office
from signaling.tables import leases
from tests.scheduling.office import office
from tests.support.worlds import World

LENGTH_S, MARGIN_S, RENEW_S = 1.0, 0.2, 0.1
DEADLINE_S = 15.0


@dataclass
class Process:
    """A process that may be the office, and what it did."""

    office: Office
    lease: SqlLease
    bus: LocalBus
    did: list[str] = field(default_factory=list)
    looked: list[str] = field(default_factory=list)
    fails: bool = False

    async def open(self, term: int) -> None:
        self.did.append(f"open {term}")
        if self.fails:
            raise OSError("a port is taken")

    async def close(self) -> None:
        self.did.append("close")

    def look(self, visits: Collection[str], clerks: Collection[str]) -> None:
        self.looked += [*visits, *clerks]

    async def start(self) -> None:
        await self.office.start(self.open, self.close, self.look)


@dataclass
class Pair:
    """Two processes on one database."""

    engine: AsyncEngine
    one: Process
    two: Process

    async def run_out(self, holder: str | None = None) -> None:
        """The lease ends now; with a holder it is theirs for an hour."""
        values = {"until_s": 0.0} if holder is None else {"until_s": 1e12, "holder": holder}
        async with self.engine.begin() as connection:
            await connection.execute(
                sa.update(leases).values(term=leases.c.term + int(holder is not None), **values)
            )


@pytest_asyncio.fixture
async def pair(world: World) -> AsyncIterator[Pair]:
    """Two processes, not started."""
    wire = Wire()
    async with office(world) as at, contextlib.AsyncExitStack() as ending:
        made = []
        for name in ("one", "two"):
            bus = LocalBus(name, wire)
            post = Post(bus)
            lease = SqlLease(at.engine, "office", name, length_s=LENGTH_S, margin_s=MARGIN_S)
            process = Process(Office(lease, post, renew_s=RENEW_S), lease, bus)
            await post.start()
            ending.push_async_callback(process.office.stop)
            made.append(process)
        yield Pair(at.engine, *made)


async def until(wanted: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not wanted():
            await asyncio.sleep(0.01)


async def test_the_first_is_the_office_and_keeps_it(pair: Pair) -> None:
    await pair.one.start()
    await pair.two.start()
    assert pair.one.office.active
    await asyncio.sleep(3 * LENGTH_S)  # it is renewed meanwhile
    assert (pair.one.did, pair.two.did) == (["open 1"], [])
    assert pair.one.office.active


async def test_an_office_that_ends_is_followed_at_once_by_word_of_it(pair: Pair) -> None:
    await pair.one.start()
    await pair.two.start()
    await pair.one.office.stop()
    await until(lambda: pair.two.office.active)
    assert pair.one.did == ["open 1", "close"]
    assert pair.two.did == ["open 2"]


async def test_an_office_whose_lease_another_took_closes(pair: Pair) -> None:
    await pair.one.start()
    await pair.run_out("somebody else")
    await until(lambda: pair.one.did == ["open 1", "close"])
    assert not pair.one.office.active


async def test_an_office_whose_lease_ran_out_goes_on_where_it_was_if_nobody_took_it(
    pair: Pair,
) -> None:
    await pair.one.start()
    await pair.run_out()
    await asyncio.sleep(LENGTH_S)  # renewals
    assert pair.one.office.active
    assert pair.one.did == ["open 1"]


async def test_what_cannot_be_opened_is_tried_again(pair: Pair) -> None:
    await pair.one.start()
    pair.two.fails = True
    await pair.two.start()
    await pair.one.office.stop()
    await until(lambda: pair.two.did.count("open 2") > 1)
    assert not pair.two.office.active
    pair.two.fails = False
    await until(lambda: pair.two.office.active)


async def test_the_first_opening_fails_loudly(pair: Pair) -> None:
    pair.one.fails = True
    with pytest.raises(OSError, match="a port is taken"):
        await pair.one.start()


async def test_what_has_changed_is_looked_at_by_the_office_wherever_it_is(pair: Pair) -> None:
    await pair.one.start()
    await pair.two.start()
    pair.one.office.look(visits=["v1"])
    pair.two.office.look(clerks=["c1"])
    await until(lambda: pair.one.looked == ["v1", "c1"])
    assert pair.two.looked == []


async def test_after_a_cut_and_during_it_changes_may_have_been_missed_once(pair: Pair) -> None:
    await pair.one.start()
    assert pair.one.office.missed(), "before the first look"
    assert not pair.one.office.missed()
    pair.one.bus.cut(True)
    assert pair.one.office.missed()
    assert pair.one.office.missed()
    pair.one.bus.cut(False)
    assert pair.one.office.missed()
    assert not pair.one.office.missed()
