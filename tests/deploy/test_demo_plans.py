"""The demo world's plans: it can be shown at any hour, and loading again changes nothing."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from deploy import database, demo_plans, demo_world
from deploy.settings import Settings
from scheduling.duty import ALWAYS, LOCAL
from scheduling.hours import OpeningHours
from scheduling.roster import Roster
from scheduling.shifts import Shift
from tests.scheduling.office import HANGZHOU, JIAXING

SONGJIANG = "310117"


def test_every_city_has_hours_and_the_two_that_are_shown_are_always_open() -> None:
    hours = demo_plans.hours()
    assert set(hours) == {city.code for city in demo_world.cities()}
    assert hours[SONGJIANG] == hours[JIAXING] == ALWAYS
    assert hours[HANGZHOU].week[5]
    assert not hours[HANGZHOU].holidays


def test_clerks_are_planned_for_a_fortnight_once(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    before = asyncio.run(planned(settings))
    assert {shift.clerk for shift in before} == {"jiaxing1", "jiaxing2"}
    assert asyncio.run(planned(settings)) == before


async def planned(settings: Settings) -> list[Shift]:
    """Jiaxing's shifts of this week and the next, once the demo world was loaded."""
    await demo_world.load(settings)
    engine = database.open_engine(settings.database)
    try:
        roster, today = Roster(engine), datetime.now(LOCAL).date()
        assert await OpeningHours(engine).of(SONGJIANG) == ALWAYS
        this = await roster.week(JIAXING, today)
        return this + await roster.week(JIAXING, today + timedelta(days=7))
    finally:
        await engine.dispose()
