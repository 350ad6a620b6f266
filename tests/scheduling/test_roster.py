"""Shifts on a real database: one at a time for each clerk, and plans all or nothing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest
import pytest_asyncio

from scheduling.imports import BadImport
from scheduling.shifts import BadShift, Shift
from tests.scheduling.office import HANGZHOU, JIAXING
from tests.scheduling.planning import CLERK, NOW, OTHER_CLERK, QUEUE, Planning, planning
from tests.scheduling.test_duty import at
from tests.support.worlds import World

TOMORROW = NOW.date() + timedelta(days=1)


@pytest_asyncio.fixture
async def town(world: World) -> AsyncIterator[Planning]:
    async with planning(world) as opened:
        yield opened


async def week(town: Planning, of: date = TOMORROW) -> list[tuple[str, str]]:
    return [(shift.clerk, str(shift)) for shift in await town.roster.week(JIAXING, of)]


async def take_in(town: Planning, text: str, *, dry_run: bool = False) -> list[Shift]:
    content = f"clerk,date,start,end,queues\n{text}\n".encode()
    _, added = await town.roster.take_in(JIAXING, content, dry_run=dry_run, now=town.now)
    return added


async def test_the_week_of_a_city_is_listed_in_order(town: Planning) -> None:
    await town.shift(start="13:30", end="17:00")
    await town.shift(OTHER_CLERK)
    await town.shift()
    assert await week(town) == [
        (CLERK, "2026-11-26 09:00–11:30"),
        (OTHER_CLERK, "2026-11-26 09:00–11:30"),
        (CLERK, "2026-11-26 13:30–17:00"),
    ]
    assert await week(town, date(2026, 11, 23)) == await week(town, date(2026, 11, 29))
    assert await week(town, date(2026, 11, 30)) == []
    assert await town.roster.week(HANGZHOU, TOMORROW) == []


async def test_who_is_on_duty_is_known_at_any_instant(town: Planning) -> None:
    await town.shift()
    for when, wanted in (
        ("2026-11-26 08:59", []),
        ("2026-11-26 09:00", [CLERK]),
        ("2026-11-26 11:29", [CLERK]),
        ("2026-11-26 11:30", []),
    ):
        found = await town.roster.on_duty(JIAXING, at(when))
        assert [shift.clerk for shift in found] == wanted


async def test_overlapping_shifts_of_one_clerk_are_refused(town: Planning) -> None:
    await town.shift()
    with pytest.raises(BadShift, match=r"^start: .*2026-11-26 09:00–11:30"):
        await town.shift(start="11:00", end="12:00")
    await town.shift(start="11:30", end="12:00")
    await town.shift(OTHER_CLERK, start="11:00", end="12:00")


async def test_of_overlapping_shifts_made_at_once_one_is_kept(town: Planning) -> None:
    ends = [f"{hour}:00" for hour in range(10, 16)]
    done = await asyncio.gather(*(town.shift(end=end) for end in ends), return_exceptions=True)
    assert sum(isinstance(one, BadShift) for one in done) == len(ends) - 1
    assert len(await week(town)) == 1


@pytest.mark.parametrize(
    ("clerk", "queues", "field"),
    [
        ("nobody", None, "clerk: "),
        ("hangzhou1", None, "clerk: "),
        (CLERK, [QUEUE, "nowhere"], "queues: "),
    ],
)
async def test_unknown_clerks_and_queues_are_refused(
    town: Planning, clerk: str, queues: list[str] | None, field: str
) -> None:
    with pytest.raises(BadShift) as refused:
        await town.roster.add(
            clerk=clerk,
            city=JIAXING,
            on=TOMORROW,
            start="09:00",
            end="10:00",
            for_queues=queues,
            now=town.now,
        )
    assert str(refused.value).startswith(field)


async def test_a_shift_is_removed_by_its_own_city_alone(town: Planning) -> None:
    shift = await town.shift()
    assert not await town.roster.remove(HANGZHOU, shift)
    assert await town.roster.remove(JIAXING, shift)
    assert not await town.roster.remove(JIAXING, shift)
    assert await week(town) == []


async def test_a_plan_is_taken_in_with_its_queues(town: Planning) -> None:
    added = await take_in(
        town, f"{CLERK},2026-11-26,09:00,11:30,{QUEUE}\n{OTHER_CLERK},2026-11-26,09:00,11:30,"
    )
    assert await town.roster.week(JIAXING, TOMORROW) == added
    assert [(shift.clerk, shift.queues) for shift in added] == [
        (CLERK, (QUEUE,)),
        (OTHER_CLERK, None),
    ]
    assert all(shift.id for shift in added)


async def test_a_plan_with_bad_rows_changes_nothing_and_tells_each_by_its_line(
    town: Planning,
) -> None:
    await town.shift(start="10:00", end="11:00")
    before = await week(town)
    with pytest.raises(BadImport) as refused:
        await take_in(
            town,
            f"""{OTHER_CLERK},2026-11-26,09:00,11:30,
{CLERK},2026-11-26,09:00,11:30,
hangzhou1,2026-11-26,09:00,11:30,
{CLERK},2026-11-27,09:00,11:30,{QUEUE};nowhere""",
        )
    assert [(fault.line, fault.column) for fault in refused.value.faults] == [
        (3, "start"),
        (4, "clerk"),
        (5, "queues"),
    ]
    assert await week(town) == before


async def test_a_dry_run_tells_what_would_be_added_and_adds_nothing(town: Planning) -> None:
    row = f"{CLERK},2026-11-26,09:00,11:30,"
    (added,) = await take_in(town, row, dry_run=True)
    assert (str(added), added.id) == ("2026-11-26 09:00–11:30", None)
    assert await week(town) == []
    await take_in(town, row)
    assert len(await week(town)) == 1


async def test_of_plans_taken_in_at_once_one_is_kept_whole(town: Planning) -> None:
    rows = "\n".join(f"{CLERK},2026-11-{day},09:00,11:30," for day in (26, 27, 28))
    done = await asyncio.gather(*(take_in(town, rows) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(one, BadImport) for one in done) == 3
    assert len(await week(town)) == 3
