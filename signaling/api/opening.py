"""`/api/cities/{city}/opening`, `/hours`, `/special-days`: when a city is open.

Everybody may ask whether a city is open; its hours are changed by its admins. Times of the day are
`09:00` up to `24:00`, instants have the offset of China.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

import msgspec

from scheduling import workdays
from scheduling.bookings import Bookings
from scheduling.duty import (
    LOCAL,
    WEEKDAYS,
    BadHours,
    DayHours,
    Hours,
    Interval,
    clock,
    day,
    minute,
    opening,
)
from scheduling.hours import OpeningHours
from signaling.access import Role
from signaling.api.rest import EVERYONE, Asked, Operation, Problem
from signaling.audit import Audit
from signaling.world import World

ADMINS = frozenset({Role.ADMIN})
Time = Annotated[str, msgspec.Meta(max_length=5)]
Reason = Annotated[str, msgspec.Meta(max_length=200)]


class HoursView(msgspec.Struct, forbid_unknown_fields=True):
    """Open from `opens` until just before `closes`, like `09:00`; a day ends at `24:00`."""

    opens: Time
    closes: Time


class OpeningView(msgspec.Struct, kw_only=True):
    """Whether a city is open now, since and until when; null beyond what is looked back or ahead.

    `until` of a closed city is its next opening. `why` it is closed is `night`, `break`,
    `weekend`, `day_off`, `holiday` or `closure`; the latter two have a reason. Not `certain`: this
    rests on a year whose public holidays are not announced yet.
    """

    is_open: bool
    since: datetime | None
    until: datetime | None
    why: str | None
    reason_zh: str
    reason_en: str
    today: list[HoursView]
    certain: bool


class WeekBody(msgspec.Struct, forbid_unknown_fields=True):
    """The hours of Monday to Sunday, and of public holidays (usually none)."""

    week: list[list[HoursView]]
    holidays: list[HoursView]


class SpecialDayBody(msgspec.Struct, forbid_unknown_fields=True):
    """Hours of one date, none for a closure, and the reason that residents read."""

    hours: list[HoursView]
    reason_zh: Reason
    reason_en: Reason


class SpecialDayView(msgspec.Struct):
    """A date with hours of its own."""

    day: date
    hours: list[HoursView]
    reason_zh: str
    reason_en: str


class CityHoursView(msgspec.Struct, kw_only=True):
    """All hours of a city.

    After `calendar_until` public holidays are not announced and days go by the week. `displaced`
    is how many appointments stand in half hours in which the city is not open any more.
    """

    week: list[list[HoursView]]
    holidays: list[HoursView]
    special_days: list[SpecialDayView]
    calendar_until: date
    displaced: int


class OpeningApi:
    """Opening hours of the cities."""

    def __init__(self, world: World, hours: OpeningHours, bookings: Bookings, audit: Audit) -> None:
        self._world, self._hours = world, hours
        self._bookings, self._audit = bookings, audit

    def operations(self) -> list[Operation]:
        """The rows of this resource."""
        return [
            Operation(
                "GET", "/api/cities/{city}/opening", "Whether a city is open, and why not",
                EVERYONE, self.city_opening, None, OpeningView,
            ),
            Operation(
                "GET", "/api/cities/{city}/hours", "All hours of a city", ADMINS,
                self.city_hours, None, CityHoursView,
            ),
            Operation(
                "PUT", "/api/cities/{city}/hours", "Change the week and the holidays", ADMINS,
                self.change_hours, WeekBody, CityHoursView,
            ),
            Operation(
                "PUT", "/api/cities/{city}/special-days/{day}", "Close or open on one date",
                ADMINS, self.put_special_day, SpecialDayBody, CityHoursView,
            ),
            Operation(
                "DELETE", "/api/cities/{city}/special-days/{day}", "A date as any other", ADMINS,
                self.drop_special_day, None, CityHoursView,
            ),
        ]  # fmt: skip

    async def city_opening(self, asked: Asked) -> OpeningView:
        """Of any city: residents are served by others than their own."""
        city = asked.part("city")
        if city not in self._world.cities:
            raise Problem(404, "no such city")
        hours = await self._hours.of(city)
        now = opening(hours, asked.now)
        today = day(hours, asked.now.astimezone(LOCAL).date())
        return OpeningView(
            is_open=now.is_open,
            since=now.since,
            until=now.until,
            why=now.why,
            reason_zh=now.reason_zh,
            reason_en=now.reason_en,
            today=_shown(today.hours),
            certain=now.certain,
        )

    async def city_hours(self, asked: Asked) -> CityHoursView:
        """With its special days, past ones too."""
        city = own_city(self._world, asked)
        return await self._view(city, await self._hours.of(city), asked.now)

    async def change_hours(self, asked: Asked) -> CityHoursView:
        """From now on; appointments that stand are kept and counted."""
        city = own_city(self._world, asked)
        try:
            week = [
                _read(hours, f"week.{WEEKDAYS[number] if number < 7 else number}")
                for number, hours in enumerate(asked.body.week)
            ]
            holidays = _read(asked.body.holidays, "holidays")
            kept = await self._hours.keep(city, week, holidays)
        except BadHours as error:
            raise Problem(422, str(error)) from error
        await self._audit.log(asked.who, "change_hours", city, asked.now)
        return await self._view(city, kept, asked.now)

    async def put_special_day(self, asked: Asked) -> CityHoursView:
        """Today or later."""
        city = own_city(self._world, asked)
        on = date_of(asked.part("day"), "day")
        if on < asked.now.astimezone(LOCAL).date():
            raise Problem(422, "day: is over")
        try:
            await self._hours.keep_day(
                city,
                on,
                _read(asked.body.hours, "hours"),
                reason_zh=asked.body.reason_zh,
                reason_en=asked.body.reason_en,
            )
        except BadHours as error:
            raise Problem(422, str(error)) from error
        await self._audit.log(asked.who, "put_special_day", f"{city} {on}", asked.now)
        return await self._view(city, await self._hours.of(city), asked.now)

    async def drop_special_day(self, asked: Asked) -> CityHoursView:
        """The week and the calendar hold on it again."""
        city = own_city(self._world, asked)
        on = date_of(asked.part("day"), "day")
        if not await self._hours.drop_day(city, on):
            raise Problem(404, "no such special day")
        await self._audit.log(asked.who, "drop_special_day", f"{city} {on}", asked.now)
        return await self._view(city, await self._hours.of(city), asked.now)

    async def _view(self, city: str, hours: Hours, now: datetime) -> CityHoursView:
        return CityHoursView(
            week=[_shown(one) for one in hours.week],
            holidays=_shown(hours.holidays),
            special_days=[
                SpecialDayView(one.on, _shown(one.hours), one.reason_zh, one.reason_en)
                for _, one in sorted(hours.special.items())
            ],
            calendar_until=date(workdays.known_years()[1], 12, 31),
            displaced=len(await self._bookings.displaced(city, now)),
        )


def own_city(world: World, asked: Asked) -> str:
    """The city of the path, if it is the caller's to see; another is as unknown as none."""
    city = asked.part("city")
    if city not in world.cities or not asked.who.may_see(city):
        raise Problem(404, "no such city")
    return city


def date_of(text: str, where: str) -> date:
    """A date of this century like 2026-11-30; a Problem that names the field if it is none."""
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise Problem(422, f"{where}: a date like 2026-11-30") from error
    if not 2000 <= found.year < 2100:
        raise Problem(422, f"{where}: a date of this century")
    return found


def _shown(hours: DayHours) -> list[HoursView]:
    return [HoursView(clock(interval.opens), clock(interval.closes)) for interval in hours]


def _read(hours: Sequence[HoursView], where: str) -> list[Interval]:
    return [
        Interval(
            minute(one.opens, f"{where}[{number}].opens"),
            minute(one.closes, f"{where}[{number}].closes"),
        )
        for number, one in enumerate(hours)
    ]
