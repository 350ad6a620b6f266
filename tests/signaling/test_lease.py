"""One process holds a lease at a time, on either engine, whatever their clocks say."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from signaling.lease import LENGTH_S, MARGIN_S, Sole, SqlLease, Taken
from signaling.tables import leases
from tests.scheduling.office import office
from tests.support.worlds import World


class Clock:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest_asyncio.fixture
async def engine(world: World) -> AsyncIterator[AsyncEngine]:
    """A database of the test's own."""
    async with office(world) as at:
        yield at.engine


def lease(engine: AsyncEngine, holder: str, clock: Clock | None = None) -> SqlLease:
    return SqlLease(engine, "office", holder, clock=clock or Clock())


async def run_out(engine: AsyncEngine) -> None:
    """The database's clock passes the end."""
    async with engine.begin() as connection:
        await connection.execute(sa.update(leases).values(until_s=leases.c.until_s - LENGTH_S))


async def test_the_first_who_asks_has_it_and_the_others_wait(engine: AsyncEngine) -> None:
    one, two = lease(engine, "one"), lease(engine, "two")
    assert await one.take() == 1
    assert await two.take() is None
    assert (one.held, two.held) == (True, False)
    assert await one.take() == 1, "whoever keeps it keeps the term"


async def test_of_many_who_ask_at_once_one_has_it(engine: AsyncEngine) -> None:
    asked = [lease(engine, f"holder-{number}") for number in range(12)]
    terms = await asyncio.gather(*(each.take() for each in asked))
    assert sorted(terms, key=str) == [1] + [None] * 11
    assert sum(each.held for each in asked) == 1


async def test_a_lease_that_ran_out_is_the_next_ones_with_a_new_term(engine: AsyncEngine) -> None:
    one, two = lease(engine, "one"), lease(engine, "two")
    await one.take()
    await run_out(engine)
    assert await two.take() == 2
    assert await one.take() is None
    assert not one.held


async def test_whoever_finds_it_run_out_but_untaken_keeps_the_term(engine: AsyncEngine) -> None:
    one = lease(engine, "one")
    await one.take()
    await run_out(engine)
    assert await one.take() == 1


async def test_the_holder_stops_before_another_may_begin(engine: AsyncEngine) -> None:
    clock = Clock()
    one = lease(engine, "one", clock)
    await one.take()
    clock.now_s += LENGTH_S - MARGIN_S - 0.1
    assert one.held
    clock.now_s += 0.2
    assert not one.held
    assert await lease(engine, "two").take() is None, "the row still stands"


async def test_a_lease_that_is_given_up_is_free_at_once(engine: AsyncEngine) -> None:
    one, two = lease(engine, "one"), lease(engine, "two")
    await one.take()
    await two.release()
    assert await two.take() is None, "it was not theirs to give up"
    await one.release()
    assert not one.held
    assert await two.take() == 2


async def test_a_claim_beside_a_living_holder_is_refused_with_its_name(
    engine: AsyncEngine,
) -> None:
    one = lease(engine, "the first process")
    await one.take()

    refused = asyncio.Event()

    async def lives() -> None:
        while not refused.is_set():
            await one.take()
            await asyncio.sleep(0.1)

    async def comes_late() -> None:
        with pytest.raises(Taken, match="the first process"):
            await lease(engine, "two").claim()
        refused.set()

    await asyncio.gather(lives(), comes_late())


async def test_a_claim_waits_for_the_end_of_a_lease_that_was_left_behind(
    engine: AsyncEngine,
) -> None:
    await lease(engine, "dead").take()
    claiming = asyncio.create_task(lease(engine, "two").claim())
    await asyncio.sleep(0)
    await lease(engine, "dead").release()
    assert await claiming == 2


async def test_who_has_no_rival_always_holds() -> None:
    assert await Sole().take() == 1
    assert Sole().held
