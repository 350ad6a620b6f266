"""Opening hours as they are kept: what is put in comes out, and what cannot be is refused."""

from collections.abc import AsyncIterator
from datetime import date

import pytest
import pytest_asyncio

from scheduling.duty import ALWAYS, USUAL, BadHours, Interval, SpecialDay
from tests.scheduling.office import HANGZHOU, JIAXING
from tests.scheduling.planning import Planning, planning
from tests.support.worlds import World

MORNING = (Interval(540, 690),)
DAY = date(2026, 12, 24)


@pytest_asyncio.fixture
async def town(world: World) -> AsyncIterator[Planning]:
    async with planning(world) as opened:
        yield opened


async def test_a_city_for_which_nothing_is_kept_has_the_usual_hours(town: Planning) -> None:
    assert await town.hours.of(JIAXING) == USUAL


async def test_hours_are_kept_as_they_are_put_and_put_again(town: Planning) -> None:
    week = [MORNING] * 6 + [()]
    kept = await town.hours.keep(JIAXING, week, MORNING)
    assert kept == await town.hours.of(JIAXING)
    assert (kept.week, kept.holidays) == (tuple(week), MORNING)
    await town.hours.keep(JIAXING, ALWAYS.week, ALWAYS.holidays)
    assert await town.hours.of(JIAXING) == ALWAYS
    assert await town.hours.of(HANGZHOU) == USUAL


async def test_special_days_are_kept_beside_the_week_and_dropped_again(town: Planning) -> None:
    closed = await town.hours.keep_day(JIAXING, DAY, [], reason_zh="培训", reason_en="Training")
    assert closed == SpecialDay(DAY, (), "培训", "Training")
    open_ = await town.hours.keep_day(JIAXING, DAY, MORNING, reason_zh="加班", reason_en="Extra")
    await town.hours.keep(JIAXING, USUAL.week, ())
    assert (await town.hours.of(JIAXING)).special == {DAY: open_}
    assert (await town.hours.of(HANGZHOU)).special == {}
    assert not await town.hours.drop_day(HANGZHOU, DAY)
    assert await town.hours.drop_day(JIAXING, DAY)
    assert (await town.hours.of(JIAXING)).special == {}


async def test_hours_that_cannot_be_are_refused_by_field_and_nothing_is_kept(
    town: Planning,
) -> None:
    bad = (Interval(690, 540),)
    for week, holidays, field in (
        ([MORNING] * 6, (), "week: seven days"),
        ([MORNING] * 6 + [bad], (), "week.sunday[0].closes: "),
        ([MORNING] * 7, bad, "holidays[0].closes: "),
    ):
        with pytest.raises(BadHours) as refused:
            await town.hours.keep(JIAXING, week, holidays)
        assert str(refused.value).startswith(field)
    for hours, zh, en, field in (
        (bad, "培训", "Training", "hours[0].closes: "),
        ((), " ", "Training", "reason_zh: "),
        ((), "培训", "x" * 101, "reason_en: "),
    ):
        with pytest.raises(BadHours) as refused:
            await town.hours.keep_day(JIAXING, DAY, hours, reason_zh=zh, reason_en=en)
        assert str(refused.value).startswith(field)
    assert await town.hours.of(JIAXING) == USUAL
