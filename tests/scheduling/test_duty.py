"""Opening hours: when a city is open, when it opens next, and what is said in between."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling import workdays
from scheduling.duty import (
    ALWAYS,
    DAY_MINUTES,
    LOCAL,
    USUAL,
    BadHours,
    Hours,
    Interval,
    Opening,
    SpecialDay,
    Why,
    clock,
    day_hours,
    half_hours,
    is_open,
    minute,
    next_opening,
    opening,
)

SATURDAY_MORNING = (Interval(9 * 60, 12 * 60),)
WITH_SATURDAY = Hours((*USUAL.week[:5], SATURDAY_MORNING, ()))


def at(text: str) -> datetime:
    """A time in China, as `2026-11-25 09:00`."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=LOCAL)


def special(
    on: str, *hours: tuple[int, int], zh: str = "系统维护", en: str = "Maintenance"
) -> Hours:
    """The usual hours with one special day."""
    day = date.fromisoformat(on)
    kept = SpecialDay(day, tuple(Interval(*interval) for interval in hours), zh, en)
    return Hours(USUAL.week, USUAL.holidays, {day: kept})


# Open or not


@pytest.mark.parametrize(
    ("when", "wanted"),
    [
        ("2026-11-25 08:59", False),
        ("2026-11-25 09:00", True),
        ("2026-11-25 11:29", True),
        ("2026-11-25 11:30", False),
        ("2026-11-25 13:30", True),
        ("2026-11-25 17:00", False),
        ("2026-11-28 10:00", False),  # a Saturday
        ("2026-02-14 10:00", True),  # a Saturday worked for the Spring Festival
        ("2026-02-17 10:00", False),  # the Spring Festival
        ("2026-02-28 16:59", True),
    ],
)
def test_an_office_keeps_the_working_day_calendar(when: str, wanted: bool) -> None:
    assert is_open(USUAL, at(when)) is wanted


def test_the_time_zone_of_the_question_does_not_matter() -> None:
    assert is_open(USUAL, at("2026-11-25 09:00").astimezone(UTC))
    assert not is_open(USUAL, datetime(2026, 11, 25, 9, 30, tzinfo=UTC))


def test_a_make_up_saturday_has_the_hours_of_a_friday_not_of_a_saturday() -> None:
    assert is_open(WITH_SATURDAY, at("2026-11-28 11:45"))
    assert not is_open(WITH_SATURDAY, at("2026-02-14 11:45"))
    assert is_open(WITH_SATURDAY, at("2026-02-14 15:00"))


def test_a_make_up_sunday_has_the_hours_of_a_monday() -> None:
    monday_only = Hours((USUAL.week[0], (), (), (), (), (), ()))
    assert is_open(monday_only, at("2026-09-20 10:00"))  # worked for the National Day
    assert not is_open(monday_only, at("2026-02-14 10:00"))


def test_a_city_can_be_open_at_all_hours_also_on_holidays() -> None:
    for when in ("2026-02-17 00:00", "2026-10-01 23:59", "2026-11-29 03:00"):
        told = opening(ALWAYS, at(when))
        assert is_open(ALWAYS, at(when))
        assert (told.is_open, told.since, told.until, told.why) == (True, None, None, None)


def test_a_special_day_comes_before_holidays_and_weekends() -> None:
    assert is_open(special("2026-02-17", (540, 720)), at("2026-02-17 10:00"))
    assert is_open(special("2026-11-28", (540, 720)), at("2026-11-28 10:00"))
    assert not is_open(special("2026-11-25"), at("2026-11-25 10:00"))


# What is said


@pytest.mark.parametrize(
    ("when", "why", "since", "until"),
    [
        ("2026-11-25 12:00", Why.BREAK, "2026-11-25 11:30", "2026-11-25 13:30"),
        ("2026-11-25 03:00", Why.NIGHT, "2026-11-24 17:00", "2026-11-25 09:00"),
        ("2026-11-27 18:00", Why.NIGHT, "2026-11-27 17:00", "2026-11-30 09:00"),
        ("2026-11-28 10:00", Why.WEEKEND, "2026-11-27 17:00", "2026-11-30 09:00"),
        ("2026-10-01 10:00", Why.HOLIDAY, "2026-09-30 17:00", "2026-10-08 09:00"),
        ("2026-02-13 20:00", Why.NIGHT, "2026-02-13 17:00", "2026-02-14 09:00"),
    ],
)
def test_out_of_hours_one_is_told_why_since_when_and_until_when(
    when: str, why: Why, since: str, until: str
) -> None:
    told = opening(USUAL, at(when))
    assert (told.is_open, told.why) == (False, why)
    assert (told.since, told.until) == (at(since), at(until))
    assert told.certain


def test_a_holiday_is_called_by_its_name() -> None:
    told = opening(USUAL, at("2026-02-17 10:00"))
    assert (told.why, told.reason_zh, told.reason_en) == (Why.HOLIDAY, "春节", "Spring Festival")


def test_a_closure_is_told_with_its_reason() -> None:
    told = opening(special("2026-11-25"), at("2026-11-25 10:00"))
    assert (told.why, told.reason_zh, told.reason_en) == (Why.CLOSURE, "系统维护", "Maintenance")
    assert told.until == at("2026-11-26 09:00")


def test_a_day_that_is_cut_short_tells_its_reason_only_where_it_would_have_been_open() -> None:
    short = special("2026-11-25", (9 * 60, 11 * 60 + 30), zh="培训", en="Training")
    assert opening(short, at("2026-11-25 14:00")).reason_en == "Training"
    assert opening(short, at("2026-11-25 14:00")).why is Why.CLOSURE
    for when in ("2026-11-25 12:00", "2026-11-25 20:00"):
        told = opening(short, at(when))
        assert (told.why, told.reason_en) == (Why.NIGHT, "")


def test_a_weekday_without_hours_is_a_day_off() -> None:
    no_wednesdays = Hours((*USUAL.week[:2], (), *USUAL.week[3:]))
    assert opening(no_wednesdays, at("2026-11-25 10:00")).why is Why.DAY_OFF


def test_an_open_city_tells_until_when() -> None:
    assert opening(USUAL, at("2026-11-25 10:00")) == Opening(
        True, at("2026-11-25 09:00"), at("2026-11-25 11:30"), None, "", "", certain=True
    )


def test_hours_that_meet_at_midnight_are_one_opening() -> None:
    late = Hours(((), (), (), (), (Interval(1200, DAY_MINUTES),), (Interval(0, 120),), ()))
    told = opening(late, at("2026-11-28 01:00"))
    assert (told.since, told.until) == (at("2026-11-27 20:00"), at("2026-11-28 02:00"))
    assert not is_open(late, at("2026-11-28 02:00"))


def test_a_city_that_never_opens_is_told_no_day() -> None:
    told = opening(Hours(((),) * 7), at("2026-11-25 10:00"))
    assert (told.since, told.until, told.why) == (None, None, Why.DAY_OFF)
    assert next_opening(Hours(((),) * 7), at("2026-11-25 10:00")) is None


def test_what_rests_on_a_year_without_a_notice_is_not_certain() -> None:
    last = workdays.known_years()[1]
    eve = datetime(last, 12, 31, 23, 0, tzinfo=LOCAL)
    assert not opening(USUAL, eve).certain  # the next opening is in the year after
    assert not opening(USUAL, datetime(last + 1, 6, 7, 10, 0, tzinfo=LOCAL)).certain
    assert opening(USUAL, datetime(last, 6, 17, 10, 0, tzinfo=LOCAL)).certain


# Half hours


def test_half_hours_lie_wholly_in_the_hours_of_the_day() -> None:
    found = [f"{begins:%H:%M}" for begins in half_hours(USUAL, date(2026, 11, 25))]
    assert found == [
        "09:00", "09:30", "10:00", "10:30", "11:00",
        "13:30", "14:00", "14:30", "15:00", "15:30", "16:00", "16:30",
    ]  # fmt: skip
    odd = special("2026-11-25", (9 * 60 + 10, 10 * 60 + 40), (14 * 60, 14 * 60 + 29))
    assert [f"{b:%H:%M}" for b in half_hours(odd, date(2026, 11, 25))] == ["09:30", "10:00"]
    assert len(half_hours(ALWAYS, date(2026, 10, 1))) == 48
    assert half_hours(USUAL, date(2026, 10, 1)) == []


# What is refused


@pytest.mark.parametrize(
    ("intervals", "field"),
    [
        ([Interval(600, 540)], "monday[0].closes: before its beginning"),
        ([Interval(540, 540)], "monday[0].closes"),
        ([Interval(1320, 1500)], "monday[0].closes: over midnight"),
        ([Interval(-1, 60)], "monday[0].opens"),
        ([Interval(1440, 1440)], "monday[0].opens"),
        ([Interval(540, 700), Interval(690, 1000)], "monday[1].opens: overlaps"),
        ([Interval(690, 1000), Interval(540, 700)], "monday[0].opens: overlaps"),
        ([Interval(540, 700), Interval(540, 700)], "monday[1].opens: overlaps"),
        ([Interval(n, n + 1) for n in range(0, 20, 2)], "monday: at most 8"),
    ],
)
def test_hours_that_cannot_be_are_refused_by_their_field(
    intervals: list[Interval], field: str
) -> None:
    with pytest.raises(BadHours) as refused:
        day_hours(intervals, "monday")
    assert str(refused.value).startswith(field)


@pytest.mark.parametrize(
    "text", ["", "9", "9:5", "24:01", "25:00", "09:60", "-1:00", "9:00pm", "٠٩:٠٠"]
)
def test_a_time_that_is_none_is_refused_by_its_field(text: str) -> None:
    with pytest.raises(BadHours, match=r"^opens: "):
        minute(text, "opens")


def test_hours_are_put_in_order_and_those_that_touch_are_one() -> None:
    given = [Interval(780, 1020), Interval(540, 700), Interval(700, 720)]
    assert day_hours(given, "monday") == (Interval(540, 720), Interval(780, 1020))


# What always holds

_MOMENTS = st.integers(0, 4 * 365 * 24 * 60).map(
    lambda minutes: at("2025-01-01 00:00") + timedelta(minutes=minutes)
)


@st.composite
def intervals(draw: st.DrawFn) -> tuple[Interval, ...]:
    edges = draw(st.lists(st.integers(0, DAY_MINUTES), unique=True, max_size=6))
    edges = sorted(edges)[: len(edges) // 2 * 2]
    return tuple(map(Interval, edges[::2], edges[1::2]))


@st.composite
def any_hours(draw: st.DrawFn) -> Hours:
    days = draw(
        st.dictionaries(st.dates(date(2026, 1, 1), date(2026, 3, 31)), intervals(), max_size=8)
    )
    return Hours(
        tuple(draw(intervals()) for _ in range(7)),
        draw(intervals()),
        {on: SpecialDay(on, hours, "原因", "Reason") for on, hours in days.items()},
    )


@given(any_hours(), _MOMENTS)
def test_the_next_opening_is_open_and_nothing_before_it_is(hours: Hours, after: datetime) -> None:
    found = next_opening(hours, after)
    horizon = found if found is not None else after + timedelta(days=59)
    if found is not None:
        assert found >= after
        assert is_open(hours, found)
    step = max(timedelta(minutes=1), (horizon - after) / 200)
    moment = after
    while moment < horizon:
        assert not is_open(hours, moment)
        moment += step


@given(any_hours(), _MOMENTS)
def test_what_is_told_agrees_with_the_hours(hours: Hours, now: datetime) -> None:
    told = opening(hours, now)
    assert told.is_open == is_open(hours, now)
    assert (told.why is None) == told.is_open
    assert told.since is None or told.since <= now
    if told.until is not None:
        assert told.until > now
        assert is_open(hours, told.until) != told.is_open
        assert is_open(hours, told.until - timedelta(minutes=1)) == told.is_open
    if not told.is_open:
        assert told.until == next_opening(hours, now)
    assert (told.reason_zh != "") == (told.why in (Why.HOLIDAY, Why.CLOSURE))


@given(any_hours(), st.dates(date(2026, 1, 1), date(2026, 12, 31)))
def test_a_city_is_open_during_all_of_each_half_hour(hours: Hours, on: date) -> None:
    for begins in half_hours(hours, on):
        assert begins.minute in (0, 30)
        for minutes in (0, 15, 29):
            assert is_open(hours, begins + timedelta(minutes=minutes))


@given(st.integers(0, DAY_MINUTES))
def test_a_time_is_read_as_it_is_written(minutes: int) -> None:
    assert minute(clock(minutes), "opens") == minutes


@given(st.lists(st.builds(Interval, st.integers(-60, 1600), st.integers(-60, 1600)), max_size=9))
def test_hours_that_are_accepted_do_not_overlap(given_hours: list[Interval]) -> None:
    try:
        kept = day_hours(given_hours, "monday")
    except BadHours:
        return
    assert sum(i.closes - i.opens for i in kept) == sum(i.closes - i.opens for i in given_hours)
    assert all(0 <= i.opens < i.closes <= DAY_MINUTES for i in kept)
    assert all(a.closes < b.opens for a, b in pairwise(kept))
