"""The working-day calendar: what the State Council announced, and what holds before it has."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling import workdays
from scheduling.workdays import Day, Holiday, Kind


@pytest.mark.parametrize(
    ("on", "kind"),
    [
        (date(2026, 2, 13), Kind.WORKING),
        (date(2026, 2, 14), Kind.MAKE_UP),  # a Saturday worked for the Spring Festival
        (date(2026, 2, 28), Kind.MAKE_UP),
        (date(2026, 3, 7), Kind.WEEKEND),
        (date(2026, 10, 10), Kind.MAKE_UP),
        (date(2026, 11, 25), Kind.WORKING),
    ],
)
def test_weekends_and_make_up_days_are_told_apart(on: date, kind: Kind) -> None:
    assert workdays.day(on) == Day(kind, None, certain=True)


@pytest.mark.parametrize(
    ("on", "name_zh", "name_en"),
    [
        (date(2026, 1, 2), "元旦", "New Year's Day"),
        (date(2026, 2, 21), "春节", "Spring Festival"),  # also the Saturday within it
        (date(2026, 4, 6), "清明节", "Tomb-sweeping Day"),
        (date(2026, 5, 5), "劳动节", "Labour Day"),
        (date(2026, 6, 19), "端午节", "Dragon Boat Festival"),
        (date(2026, 9, 25), "中秋节", "Mid-autumn Festival"),
        (date(2026, 10, 7), "国庆节", "National Day"),
    ],
)
def test_a_public_holiday_has_its_name_on_each_of_its_days(
    on: date, name_zh: str, name_en: str
) -> None:
    assert workdays.day(on) == Day(Kind.HOLIDAY, Holiday(name_zh, name_en), certain=True)


def unannounced() -> date:
    """1 January of a year for which there is no notice."""
    return date(workdays.known_years()[1] + 3, 1, 1)


def test_a_year_without_a_notice_goes_by_weekdays_and_says_so() -> None:
    days = [workdays.day(unannounced() + timedelta(days=number)) for number in range(365)]
    assert not any(day.certain for day in days)
    assert not any(day.kind is Kind.MAKE_UP for day in days)
    for number, day in enumerate(days):
        on = unannounced() + timedelta(days=number)
        if day.kind is not Kind.HOLIDAY:
            assert (day.kind is Kind.WEEKEND) == (on.weekday() >= 5)


def test_holidays_whose_dates_the_law_fixes_hold_before_any_notice() -> None:
    year = unannounced().year
    held = [
        (on.month, on.day)
        for on in (unannounced() + timedelta(days=number) for number in range(365))
        if workdays.day(on).kind is Kind.HOLIDAY
    ]
    assert held == [(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)]
    assert workdays.day(date(year, 10, 1)).holiday == Holiday("国庆节", "National Day")


@given(st.dates(date(2004, 1, 1), date(2040, 12, 31)))
def test_every_day_is_of_one_kind_and_only_holidays_have_names(on: date) -> None:
    day = workdays.day(on)
    assert (day.holiday is not None) == (day.kind is Kind.HOLIDAY)
    if day.kind in (Kind.MAKE_UP, Kind.WEEKEND):
        assert on.weekday() >= 5
    first, last = workdays.known_years()
    assert day.certain == (first <= on.year <= last)
