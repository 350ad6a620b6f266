"""Half hours: which can be booked, how many seats they have, and who is on time."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.appointments import (
    Arrival,
    BadSlot,
    arrival,
    check_slot,
    free_seat,
    last_day,
    slots,
)
from scheduling.duty import ALWAYS, HALF_HOUR, USUAL, is_open
from tests.scheduling.test_duty import any_hours, at

NOW = at("2026-11-25 10:10")


def test_half_hours_from_now_until_a_fortnight_ahead_can_be_booked() -> None:
    found = slots(USUAL, capacity=2, booked={}, now=NOW)
    assert found[0].starts_at == at("2026-11-25 10:30")
    assert found[-1].starts_at == at("2026-12-09 16:30")
    assert {slot.free for slot in found} == {2}


def test_what_is_booked_is_not_free_and_full_half_hours_are_shown() -> None:
    booked = {at("2026-11-25 10:30"): 2, at("2026-11-25 11:00"): 1, at("2026-11-25 13:30"): 5}
    free = {s.starts_at: s.free for s in slots(USUAL, capacity=2, booked=booked, now=NOW)}
    assert [free[begins] for begins in booked] == [0, 1, 0]


@pytest.mark.parametrize(
    ("slot", "reason"),
    [
        ("2026-11-25 10:00", "has begun"),
        ("2026-11-25 10:10", "has begun"),
        ("2026-11-25 10:45", "not a half hour"),
        ("2026-11-25 12:00", "not a half hour"),
        ("2026-11-28 10:00", "not a half hour"),
        ("2026-12-10 10:00", "more than 14 days"),
        ("2126-11-25 10:00", "more than 14 days"),
    ],
)
def test_other_times_cannot_be_booked(slot: str, reason: str) -> None:
    with pytest.raises(BadSlot, match=f"^slot: {reason}"):
        check_slot(USUAL, at(slot), NOW)


@given(any_hours(), st.integers(0, 30 * 24 * 60))
def test_what_is_shown_can_be_booked_and_lies_in_the_hours(hours: object, minutes: int) -> None:
    now = at("2026-02-01 00:00") + timedelta(minutes=minutes)
    for slot in slots(hours, capacity=1, booked={}, now=now):  # type: ignore[arg-type]
        check_slot(hours, slot.starts_at, now)  # type: ignore[arg-type]
        assert is_open(hours, slot.starts_at)  # type: ignore[arg-type]
        assert is_open(hours, slot.starts_at + HALF_HOUR - timedelta(minutes=1))  # type: ignore[arg-type]


def test_a_city_that_is_always_open_has_every_half_hour() -> None:
    assert len(slots(ALWAYS, capacity=1, booked={}, now=at("2026-11-25 00:00"))) == 15 * 48 - 1
    assert last_day(at("2026-11-25 00:00")) == date(2026, 12, 9)


# Seats


@given(st.integers(0, 5), st.sets(st.integers(1, 8)))
def test_a_seat_is_given_only_while_fewer_are_taken_than_there_are(
    capacity: int, taken: set[int]
) -> None:
    seat = free_seat(capacity, taken)
    if len(taken) >= capacity:
        assert seat is None
    else:
        assert seat is not None
        assert seat not in taken
        assert 1 <= seat <= capacity
        assert all(lower in taken for lower in range(1, seat))


# Coming


@pytest.mark.parametrize(
    ("now", "wanted"),
    [
        ("2026-11-25 09:44", Arrival.EARLY),
        ("2026-11-25 09:45", Arrival.ON_TIME),
        ("2026-11-25 10:00", Arrival.ON_TIME),
        ("2026-11-25 10:29", Arrival.ON_TIME),
        ("2026-11-25 10:30", Arrival.LATE),
        ("2026-11-25 23:59", Arrival.LATE),
        ("2026-11-24 10:00", Arrival.OTHER_DAY),
        ("2026-11-26 10:00", Arrival.OTHER_DAY),
    ],
)
def test_one_is_on_time_from_a_quarter_before_until_the_end(now: str, wanted: Arrival) -> None:
    assert arrival(at("2026-11-25 10:00"), at(now)) is wanted


def test_one_who_comes_before_midnight_for_a_half_hour_after_it_is_on_time() -> None:
    slot: datetime = at("2026-11-25 00:00")
    assert arrival(slot, at("2026-11-24 23:50")) is Arrival.ON_TIME
    assert arrival(slot, at("2026-11-24 23:40")) is Arrival.OTHER_DAY
