"""Which shifts can be planned, and what does a plan from a spreadsheet say? Pure.

A shift is a clerk's time on duty on one day; a clerk has one at a time. Shifts are kept by
`roster.py`; whether a city is open at all is `duty.py`.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NewType

from scheduling.duty import LOCAL, BadHours, clock, minute
from scheduling.imports import Column, Row, Sheet, read
from scheduling.rules import QueueId
from scheduling.visit import CityCode, ClerkId

ShiftId = NewType("ShiftId", str)

MOST_BACK = timedelta(days=31)
MOST_AHEAD = timedelta(days=366)
COLUMNS = (
    Column("clerk", ("窗口人员", "工号", "登录名")),
    Column("date", ("日期",)),
    Column("start", ("开始", "上班")),
    Column("end", ("结束", "下班")),
    Column("queues", ("队列",), required=False),
)


class BadShift(ValueError):  # noqa: N818
    """A shift cannot be so; the text begins with the field."""


@dataclass(frozen=True, slots=True)
class Shift:
    """A clerk's time on duty, for these queues (None: all that the clerk serves)."""

    clerk: ClerkId
    city: CityCode
    starts_at: datetime
    ends_at: datetime
    queues: tuple[QueueId, ...] | None = None
    id: ShiftId | None = None  # none until it is kept

    def overlaps(self, other: "Shift") -> bool:
        """Whether one person would have to be in both."""
        return (
            self.clerk == other.clerk
            and self.starts_at < other.ends_at
            and other.starts_at < self.ends_at
        )

    def __str__(self) -> str:
        begins, ends = self.starts_at.astimezone(LOCAL), self.ends_at.astimezone(LOCAL)
        last = clock(24 * 60) if ends.date() > begins.date() else f"{ends:%H:%M}"
        return f"{begins:%Y-%m-%d %H:%M}–{last}"


def shift(
    *,
    clerk: str,
    city: str,
    on: date,
    start: str,
    end: str,
    queues: Collection[str] | None,
    today: date,
) -> Shift:
    """A shift as it is entered, times like `09:00`, at most `24:00`. Raises BadShift."""
    begins, ends = _minute(start, "start"), _minute(end, "end")
    if wrong := _wrong_day(on, today):
        raise BadShift(f"date: {wrong}")
    if ends <= begins:
        raise BadShift(f"end: {_END}")
    midnight = datetime.combine(on, time(0), LOCAL)
    return Shift(
        ClerkId(clerk),
        CityCode(city),
        midnight + timedelta(minutes=begins),
        midnight + timedelta(minutes=ends),
        None if queues is None else tuple(QueueId(queue) for queue in dict.fromkeys(queues)),
    )


def check_free(planned: Shift, others: Iterable[Shift]) -> None:
    """Raises BadShift if the clerk has another shift in this time."""
    for other in others:
        if planned.overlaps(other):
            raise BadShift(f"start: {planned.clerk} has another shift then, {other}")


def read_plan(
    content: bytes,
    *,
    city: str,
    clerks: Collection[str],
    queues: Collection[str],
    planned: Sequence[Shift],
    today: date,
) -> tuple[Sheet, list[Shift]]:
    """The shifts that a CSV file adds to those already `planned` for these clerks.

    Columns `clerk`, `date`, `start`, `end` and, if there is one, `queues` (divided by `;`; none:
    all that the clerk serves). Raises BadImport with everything that is wrong.
    """
    sheet = read(content, COLUMNS)
    taken: dict[tuple[str, date], list[tuple[Shift, int]]] = {}
    for known in planned:
        taken.setdefault(_day_of(known), []).append((known, 0))
    added = []
    for row in sheet.rows:
        found = _meaning(row, city, clerks, queues, today)
        if found is None:
            continue
        beside = taken.setdefault(_day_of(found), [])
        clash = next(((o, line) for o, line in beside if found.overlaps(o)), None)
        if clash is None:
            beside.append((found, row.line))
            added.append(found)
        else:
            other, line = clash
            where = f"the one in line {line}" if line else "one that is planned already"
            row.refuse("start", f"overlaps {where}, {other}")
    sheet.settle()
    return sheet, added


_END = "not after its start; a shift over midnight is two, one to 24:00 and one from 00:00"


def _minute(text: str, where: str) -> int:
    try:
        return minute(text, where)
    except BadHours as error:
        raise BadShift(str(error)) from error


def _wrong_day(on: date, today: date) -> str | None:
    if on < today - MOST_BACK:
        return "more than a month ago"
    if on > today + MOST_AHEAD:
        return "more than a year ahead"
    return None


def _day_of(planned: Shift) -> tuple[str, date]:
    return planned.clerk, planned.starts_at.astimezone(LOCAL).date()


def _meaning(
    row: Row, city: str, clerks: Collection[str], queues: Collection[str], today: date
) -> Shift | None:
    """The shift of a row; None, and faults at the row, where it is none."""

    def clerk(cell: str) -> str:
        if cell not in clerks:
            raise ValueError(f"there is no clerk {cell!r} in this city")
        return cell

    def day(cell: str) -> date:
        found = re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", cell)
        try:
            on = date(*map(int, found.groups())) if found else None
        except ValueError:
            on = None
        if on is None:
            raise ValueError(f"{cell!r} is no date like 2026-11-30")
        if wrong := _wrong_day(on, today):
            raise ValueError(wrong)
        return on

    def time_of(cell: str) -> str:
        try:
            return clock(minute(cell, "time"))
        except BadHours as error:
            raise ValueError(str(error).removeprefix("time: ")) from error

    def served(cell: str) -> tuple[str, ...] | None:
        named = tuple(name.strip() for name in re.split("[;；]", cell) if name.strip())
        if unknown := [name for name in named if name not in queues]:
            raise ValueError(f"there is no queue {unknown[0]!r}")
        return named or None

    who, on = row.read("clerk", clerk), row.read("date", day)
    start, end = row.read("start", time_of), row.read("end", time_of)
    for_queues = row.read("queues", served)
    if start is not None and end is not None and end <= start:
        row.refuse("end", _END)
    if row.faults or who is None or on is None or start is None or end is None:
        return None
    return shift(clerk=who, city=city, on=on, start=start, end=end, queues=for_queues, today=today)
