"""Which half hours can be booked, and is somebody who comes on time? Pure.

A queue takes so many appointments in each half hour of its city's opening hours (`duty.py`); each
has a seat, numbered from 1, and the seats are what keeps a half hour from being booked twice.
Bookings are kept by `bookings.py`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from scheduling.duty import HALF_HOUR, LOCAL, Hours, half_hours

DAYS_AHEAD = 14
EARLY = timedelta(minutes=15)
_FAR = f"slot: more than {DAYS_AHEAD} days ahead"


class BadSlot(ValueError):  # noqa: N818
    """This half hour cannot be booked; the text begins with the field."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A half hour and how many appointments it can still take."""

    starts_at: datetime
    free: int


class Arrival(StrEnum):
    """When somebody with an appointment comes.

    Who is on time, from 15 minutes before the half hour until its end, is served within it by
    the head start of the booked. Who is early or late on the same day takes an ordinary place,
    by the time they came. On another day the appointment opens nothing.
    """

    ON_TIME = "on_time"
    EARLY = "early"
    LATE = "late"
    OTHER_DAY = "other_day"


def slots(
    hours: Hours, *, capacity: int, booked: Mapping[datetime, int], now: datetime
) -> list[Slot]:
    """The half hours that begin after `now`, today and in the next 14 days; full ones too."""
    today = now.astimezone(LOCAL).date()
    return [
        Slot(begins, max(0, capacity - booked.get(begins, 0)))
        for ahead in range(DAYS_AHEAD + 1)
        for begins in half_hours(hours, today + timedelta(days=ahead))
        if begins > now
    ]


def check_slot(hours: Hours, starts_at: datetime, now: datetime) -> None:
    """Raises BadSlot unless this is a half hour that can be booked, full or not."""
    if starts_at <= now:
        raise BadSlot("slot: has begun already")
    if starts_at >= now + timedelta(days=DAYS_AHEAD + 1):
        raise BadSlot(_FAR)
    on = starts_at.astimezone(LOCAL).date()
    if on > last_day(now):
        raise BadSlot(_FAR)
    if starts_at not in half_hours(hours, on):
        raise BadSlot("slot: not a half hour in which the city is open")


def last_day(now: datetime) -> date:
    """The last day that can be booked."""
    return now.astimezone(LOCAL).date() + timedelta(days=DAYS_AHEAD)


def free_seat(capacity: int, taken: Collection[int]) -> int | None:
    """The lowest seat that is free; None if the half hour is full.

    Two that look at once choose the same seat, so only one of them gets it. When a capacity is
    lowered, seats beyond it stay with those who have them and count.
    """
    if len(taken) >= capacity:
        return None
    return next(seat for seat in range(1, capacity + 1) if seat not in taken)


def arrival(starts_at: datetime, now: datetime) -> Arrival:
    """Whether somebody who comes now is on time for this half hour."""
    if starts_at - EARLY <= now < starts_at + HALF_HOUR:
        return Arrival.ON_TIME
    if now.astimezone(LOCAL).date() != starts_at.astimezone(LOCAL).date():
        return Arrival.OTHER_DAY
    return Arrival.EARLY if now < starts_at else Arrival.LATE
