"""When are the cities of the demo world open, and who is on duty? Hours from CSV, and shifts.

The two cities of `make demo` are open at all hours, since it is shown at any hour; the others keep
office hours, some with Saturday mornings. Every clerk is planned for the working days of this week
and the next.
"""

import csv
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from scheduling import workdays
from scheduling.duty import LOCAL, DayHours, Hours, Interval, day_hours, minute
from scheduling.hours import OpeningHours
from scheduling.roster import Roster
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


async def load(engine: AsyncEngine, clerks: Mapping[str, Sequence[str]], now: datetime) -> None:
    """Put them into the database, with shifts for the clerks of each city that has none."""
    kept, roster = OpeningHours(engine), Roster(engine)
    for city, found in hours().items():
        await kept.keep(city, found.week, found.holidays)
    today = now.astimezone(LOCAL).date()
    for place, people in clerks.items():
        planned = [await roster.week(place, day) for day in (today, today + timedelta(days=7))]
        if not any(planned):
            await roster.take_in(place, _plan(people, today), dry_run=False, now=now)


def _plan(clerks: Sequence[str], today: date) -> bytes:
    """A fortnight of mornings and afternoons, as an admin's spreadsheet would say it."""
    monday = today - timedelta(days=today.weekday())
    days = [monday + timedelta(days=number) for number in range(14)]
    return "\n".join(
        [
            "clerk,date,start,end",
            *(
                f"{clerk},{day},{start},{end}"
                for clerk in clerks
                for day in days
                if workdays.day(day).kind in (workdays.Kind.WORKING, workdays.Kind.MAKE_UP)
                for start, end in (("09:00", "11:30"), ("13:30", "17:00"))
            ),
        ]
    ).encode()


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
