"""When is a city open, and what is a resident told when it is not? Opening hours; pure.

A week of hours, hours of public holidays (usually none), and special days by date, laid over the
working-day calendar in `workdays.py`. A make-up working day has the hours of the Friday or Monday
that it lies beside. Hours are minutes of the day in China, from 0 (0:00) to 1440 (24:00); nothing
goes over midnight, but a day that ends at 24:00 runs on into one that begins at 0:00.
Where hours are kept is `hours.py`, who is on duty when is `shifts.py`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from scheduling import workdays

LOCAL = ZoneInfo("Asia/Shanghai")
DAY_MINUTES = 24 * 60
HALF_HOUR = timedelta(minutes=30)
MAX_INTERVALS = 8
# The longest closure by law is nine days; who is closed for longer is told no day.
LOOK_AHEAD = timedelta(days=60)
LOOK_BACK = timedelta(days=30)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONDAY, _FRIDAY, _SATURDAY = 0, 4, 5


class BadHours(ValueError):  # noqa: N818
    """Hours cannot be so; the text begins with the field."""


class Why(StrEnum):
    """Why a city is closed."""

    NIGHT = "night"
    BREAK = "break"
    WEEKEND = "weekend"
    DAY_OFF = "day_off"
    HOLIDAY = "holiday"
    CLOSURE = "closure"


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """Open from `opens` until just before `closes`, in minutes of the day."""

    opens: int
    closes: int


DayHours = tuple[Interval, ...]


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A date with hours of its own; without any it is a closure. The reason is shown."""

    on: date
    hours: DayHours
    reason_zh: str
    reason_en: str


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours of one city: Monday to Sunday, public holidays, and special days."""

    week: tuple[DayHours, ...]
    holidays: DayHours = ()
    special: Mapping[date, SpecialDay] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Day:
    """What holds on one date. `why` and its names are there when it is closed all day."""

    on: date
    hours: DayHours
    why: Why | None
    reason_zh: str
    reason_en: str
    certain: bool


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether a city is open at an instant, since when and until when.

    `since` and `until` are None beyond what is looked back and ahead (round the clock, or closed
    for months). `why` is there when it is closed, the reason where it has a name (a holiday, a
    closure). Not `certain`: a day that this rests on is in a year whose holidays are not known.
    """

    is_open: bool
    since: datetime | None
    until: datetime | None
    why: Why | None
    reason_zh: str
    reason_en: str
    certain: bool


_OFFICE = (Interval(9 * 60, 11 * 60 + 30), Interval(13 * 60 + 30, 17 * 60))
USUAL = Hours((_OFFICE,) * 5 + ((), ()))
_WHOLE_DAY = (Interval(0, DAY_MINUTES),)
ALWAYS = Hours((_WHOLE_DAY,) * 7, _WHOLE_DAY)


def minute(text: str, where: str) -> int:
    """The minute of the day of `9:00`, `09:00`, up to `24:00`. Raises BadHours."""
    found = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})", text.strip())
    if found is None:
        raise BadHours(f"{where}: a time is written like 09:00")
    hour, past = int(found[1]), int(found[2])
    if past > 59 or hour * 60 + past > DAY_MINUTES:
        raise BadHours(f"{where}: a time is between 00:00 and 24:00")
    return hour * 60 + past


def clock(minute_of_day: int) -> str:
    """A minute of the day as `09:00`."""
    return f"{minute_of_day // 60:02d}:{minute_of_day % 60:02d}"


def day_hours(intervals: Sequence[Interval], where: str) -> DayHours:
    """The hours of a day in order; those that touch become one. Raises BadHours."""
    if len(intervals) > MAX_INTERVALS:
        raise BadHours(f"{where}: at most {MAX_INTERVALS} intervals a day")
    joined: list[Interval] = []
    for number, interval in sorted(enumerate(intervals), key=lambda numbered: numbered[1]):
        place = f"{where}[{number}]"
        if not 0 <= interval.opens < DAY_MINUTES:
            raise BadHours(f"{place}.opens: between 00:00 and 23:59")
        if interval.closes > DAY_MINUTES:
            raise BadHours(f"{place}.closes: over midnight; end at 24:00 and begin the next day")
        if interval.closes == interval.opens:
            raise BadHours(f"{place}.closes: the same as its beginning")
        if interval.closes < interval.opens:
            raise BadHours(
                f"{place}.closes: before its beginning; hours over midnight end at 24:00 and"
                " begin again the next day"
            )
        if joined and interval.opens < joined[-1].closes:
            raise BadHours(f"{place}.opens: overlaps the hours until {clock(joined[-1].closes)}")
        if joined and interval.opens == joined[-1].closes:
            joined[-1] = Interval(joined[-1].opens, interval.closes)
        else:
            joined.append(interval)
    return tuple(joined)


def day(hours: Hours, on: date) -> Day:
    """What holds on this date: a special day before a holiday before the day of the week."""
    calendar = workdays.day(on)
    if special := hours.special.get(on):
        why = None if special.hours else Why.CLOSURE
        return Day(on, special.hours, why, special.reason_zh, special.reason_en, certain=True)
    if calendar.kind is workdays.Kind.HOLIDAY and calendar.holiday is not None:
        named = calendar.holiday
        why = None if hours.holidays else Why.HOLIDAY
        return Day(on, hours.holidays, why, named.name_zh, named.name_en, calendar.certain)
    usual = hours.week[_row(on, calendar.kind)]
    closed = Why.WEEKEND if calendar.kind is workdays.Kind.WEEKEND else Why.DAY_OFF
    return Day(on, usual, None if usual else closed, "", "", calendar.certain)


def is_open(hours: Hours, at: datetime) -> bool:
    """Whether the city is open at this instant."""
    local = at.astimezone(LOCAL)
    return _interval_at(day(hours, local.date()).hours, local) is not None


def next_opening(hours: Hours, after: datetime) -> datetime | None:
    """The first instant from `after` on at which the city is open; None within 60 days."""
    first = after.astimezone(LOCAL).date()
    for begins, ends in _openings(hours, first, first + LOOK_AHEAD):
        if ends > after:
            return max(begins, after)
    return None


def opening(hours: Hours, at: datetime) -> Opening:
    """What a resident is told at this instant."""
    local = at.astimezone(LOCAL)
    today = local.date()
    earliest, latest = today - LOOK_BACK, today + LOOK_AHEAD
    since: datetime | None = None
    until: datetime | None = None
    found = False
    for begins, ends in _openings(hours, earliest, latest):
        if ends <= at:
            since = ends
        elif begins <= at:
            since = None if begins == _midnight(earliest) else begins
            until = None if ends == _midnight(latest + timedelta(days=1)) else ends
            found = True
            break
        else:
            until = begins
            break
    now = day(hours, today)
    end_day = day(hours, until.date()) if until is not None else now
    certain = now.certain and end_day.certain
    if found:
        return Opening(True, since, until, None, "", "", certain)
    why = _why_closed(hours, now, local)
    named = why in (Why.HOLIDAY, Why.CLOSURE)
    reasons = (now.reason_zh, now.reason_en) if named else ("", "")
    return Opening(False, since, until, why, *reasons, certain)


def half_hours(hours: Hours, on: date) -> list[datetime]:
    """The beginnings of the half hours, at :00 and :30, that lie wholly in the opening hours."""
    step = int(HALF_HOUR.total_seconds() // 60)
    return [
        _midnight(on) + timedelta(minutes=begin)
        for interval in day(hours, on).hours
        for begin in range(-(-interval.opens // step) * step, interval.closes - step + 1, step)
    ]


def _row(on: date, kind: workdays.Kind) -> int:
    """Which row of the week holds: a make-up Saturday is a Friday, a make-up Sunday a Monday."""
    weekday = on.weekday()
    if kind is not workdays.Kind.MAKE_UP:
        return weekday
    return _FRIDAY if weekday == _SATURDAY else _MONDAY


def _interval_at(hours: DayHours, local: datetime) -> Interval | None:
    now = local.hour * 60 + local.minute
    return next((i for i in hours if i.opens <= now < i.closes), None)


def _why_closed(hours: Hours, today: Day, local: datetime) -> Why:
    if today.why is not None:
        return today.why
    if today.on in hours.special:  # closed by its own hours where it would have been open
        usual = Hours(hours.week, hours.holidays)
        if _interval_at(day(usual, today.on).hours, local) is not None:
            return Why.CLOSURE
    now = local.hour * 60 + local.minute
    between = today.hours[0].closes <= now < today.hours[-1].opens
    return Why.BREAK if between else Why.NIGHT


def _openings(hours: Hours, first: date, last: date) -> Iterator[tuple[datetime, datetime]]:
    """Begin and end of each opening from the first day to the last; midnight is no break."""
    current: tuple[datetime, datetime] | None = None
    for number in range((last - first).days + 1):
        on = first + timedelta(days=number)
        for interval in day(hours, on).hours:
            begins = _midnight(on) + timedelta(minutes=interval.opens)
            ends = _midnight(on) + timedelta(minutes=interval.closes)
            if current is not None and current[1] == begins:
                current = (current[0], ends)
                continue
            if current is not None:
                yield current
            current = (begins, ends)
    if current is not None:
        yield current


def _midnight(on: date) -> datetime:
    return datetime.combine(on, time(0), LOCAL)
