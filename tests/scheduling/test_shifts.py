"""Shifts: what can be planned, and how a plan from a spreadsheet is read."""

from datetime import date, timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.duty import clock
from scheduling.imports import BadImport
from scheduling.shifts import BadShift, Shift, check_free, read_plan, shift
from tests.scheduling.office import JIAXING
from tests.scheduling.test_duty import at

TODAY = date(2026, 11, 25)
CLERKS, QUEUES = {"jiaxing1", "jiaxing2"}, {"q1", "q2"}


def planned(
    clerk: str = "jiaxing1", start: str = "09:00", end: str = "11:30", on: date = TODAY
) -> Shift:
    return shift(clerk=clerk, city=JIAXING, on=on, start=start, end=end, queues=None, today=TODAY)


def plan(text: str, *known: Shift) -> list[Shift]:
    """What the rows of a plan add to the shifts that are known."""
    content = f"clerk,date,start,end,queues\n{text}\n".encode()
    _, added = read_plan(
        content, city=JIAXING, clerks=CLERKS, queues=QUEUES, planned=known, today=TODAY
    )
    return added


def faults(text: str, *known: Shift) -> list[tuple[int, str, str]]:
    """Everything that is wrong with the rows of a plan."""
    with pytest.raises(BadImport) as refused:
        plan(text, *known)
    return [(fault.line, fault.column, fault.reason) for fault in refused.value.faults]


# One shift


def test_a_shift_is_a_time_of_one_day_in_china() -> None:
    made = planned(start="13:30", end="24:00")
    assert (made.starts_at, made.ends_at) == (at("2026-11-25 13:30"), at("2026-11-26 00:00"))
    assert str(made) == "2026-11-25 13:30–24:00"


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        ("09:00", "08:00", "end: not after its start; a shift over midnight is two"),
        ("22:00", "06:00", "end: not after its start"),
        ("09:00", "09:00", "end: "),
        ("9", "10:00", "start: "),
        ("09:00", "24:30", "end: "),
    ],
)
def test_a_shift_that_cannot_be_is_refused_by_its_field(start: str, end: str, field: str) -> None:
    with pytest.raises(BadShift) as refused:
        planned(start=start, end=end)
    assert str(refused.value).startswith(field)


def test_a_date_that_is_far_off_is_taken_for_a_slip() -> None:
    for days in (-32, 367):
        with pytest.raises(BadShift, match=r"^date: "):
            planned(on=TODAY + timedelta(days=days))
    for days in (-31, 366):
        planned(on=TODAY + timedelta(days=days))


def test_shifts_of_one_clerk_may_touch_but_not_overlap() -> None:
    morning = planned()
    check_free(planned(start="11:30", end="12:00"), [morning])
    check_free(planned(clerk="jiaxing2"), [morning])
    check_free(planned(on=TODAY + timedelta(days=1)), [morning])
    for start, end in (
        ("11:29", "12:00"),
        ("08:00", "09:01"),
        ("10:00", "10:30"),
        ("00:00", "24:00"),
    ):
        with pytest.raises(BadShift, match=r"^start: .*09:00–11:30"):
            check_free(planned(start=start, end=end), [morning])


# A plan from a spreadsheet


def test_a_plan_is_read_as_people_write_it() -> None:
    added = plan("jiaxing1,2026/11/30,9:00,11:30,q1;q2\njiaxing2,2026年12月1日,13:30,24:00,")
    assert [(s.clerk, str(s), s.queues) for s in added] == [
        ("jiaxing1", "2026-11-30 09:00–11:30", ("q1", "q2")),
        ("jiaxing2", "2026-12-01 13:30–24:00", None),
    ]


def test_a_plan_may_have_chinese_headings_and_no_queues() -> None:
    content = "日期,窗口人员,开始,结束\n2026-11-30,jiaxing1,09:00,11:30\n".encode("gb18030")
    sheet, (added,) = read_plan(
        content, city=JIAXING, clerks=CLERKS, queues=QUEUES, planned=[], today=TODAY
    )
    assert (sheet.encoding, added.queues) == ("gb18030", None)


def test_every_bad_row_is_told_with_its_line_and_column() -> None:
    text = """jiaxing1,2026-11-30,09:00,11:30,
hangzhou1,2026-11-30,09:00,11:30,
jiaxing1,2026-13-30,9 Uhr,11:30,q1;q9
jiaxing2,2026-11-30,17:00,09:00,
,2062-11-30,,11:30,
jiaxing1,2026-12-01,09:00,11:30,
=cmd(),2026-12-01,13:30,17:00,"""
    assert faults(text) == [
        (3, "clerk", "there is no clerk 'hangzhou1' in this city"),
        (4, "date", "'2026-13-30' is no date like 2026-11-30"),
        (4, "queues", "there is no queue 'q9'"),
        (4, "start", "a time is written like 09:00"),
        (5, "end", "not after its start; a shift over midnight is two, one to 24:00 and one"
         " from 00:00"),
        (6, "clerk", "is empty"),
        (6, "date", "more than a year ahead"),
        (6, "start", "is empty"),
        (8, "clerk", "there is no clerk '=cmd()' in this city"),
    ]  # fmt: skip


def test_shifts_that_overlap_in_the_plan_or_with_what_is_planned_are_told() -> None:
    text = """jiaxing1,2026-11-25,09:00,11:30,
jiaxing1,2026-11-30,09:00,17:00,
jiaxing1,2026-11-30,10:00,11:00,
jiaxing2,2026-11-30,10:00,11:00,
jiaxing1,2026-11-30,16:59,18:00,
jiaxing1,2026-11-30,17:00,18:00,"""
    assert faults(text, planned(start="11:00", end="12:00")) == [
        (2, "start", "overlaps one that is planned already, 2026-11-25 11:00–12:00"),
        (4, "start", "overlaps the one in line 3, 2026-11-30 09:00–17:00"),
        (6, "start", "overlaps the one in line 3, 2026-11-30 09:00–17:00"),
    ]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(CLERKS)),
            st.integers(0, 2),
            st.integers(0, 1440).map(clock),
            st.integers(0, 1440).map(clock),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_a_plan_that_is_taken_in_has_no_overlap_and_every_row(
    rows: list[tuple[str, int, str, str]],
) -> None:
    text = "\n".join(
        f"{clerk},{TODAY + timedelta(days=day)},{start},{end}," for clerk, day, start, end in rows
    )
    lines = set(range(2, len(rows) + 2))
    try:
        added = plan(text)
    except BadImport as error:
        bad = {fault.line for fault in error.faults}
    else:
        bad = set()
        assert len(added) == len(rows)
        assert not any(one.overlaps(other) for one, other in combinations(added, 2))
    assert bad <= lines
