"""When are the cities of the demo world open? Their week and holidays, from CSV.

The two cities of `make demo` are open at all hours, since it is shown at any hour; the others keep
office hours, some with Saturday mornings.
"""

import csv
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from scheduling.duty import DayHours, Hours, Interval, day_hours, minute
from scheduling.hours import OpeningHours
from scheduling.visit import CityCode

FILE = Path(__file__).parent / "world" / "hours.csv"


def hours() -> dict[CityCode, Hours]:
    """The hours of each city."""
    found = {}
    with FILE.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            day = {name: _day(text) for name, text in row.items() if name != "city"}
            week = (*[day["weekdays"]] * 5, day["saturday"], day["sunday"])
            found[CityCode(row["city"])] = Hours(week, day["holidays"])
    return found


async def load(engine: AsyncEngine) -> None:
    """Put them into the database."""
    kept = OpeningHours(engine)
    for city, found in hours().items():
        await kept.keep(city, found.week, found.holidays)


def _day(text: str) -> DayHours:
    """`09:00-11:30;13:30-17:00`."""
    return day_hours(
        [
            Interval(*(minute(time, FILE.name) for time in interval.split("-")))
            for interval in text.split(";")
            if interval
        ],
        FILE.name,
    )
