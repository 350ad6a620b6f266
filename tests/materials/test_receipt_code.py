"""The code on a receipt: a public number and a check that only the service can make."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.materials import receipt_code
from media.materials.receipt_code import Facts, NotACode
from tests.materials.made import AT

SECRET = b"s" * 32
VISIT = "0193a8e2-0000-7000-8000-000000000001"
DAY = date(2026, 11, 25)
NUMBER = receipt_code.number(SECRET, VISIT, "310117", DAY)
FACTS = Facts(NUMBER, "JZ-02", "accepted", AT)


def test_a_number_tells_city_and_day_and_not_the_visit() -> None:
    city, day, letters = NUMBER.split("-")
    assert (city, day, len(letters)) == ("310117", "20261125", receipt_code.NUMBER_LETTERS)
    assert VISIT[:8] not in NUMBER
    assert receipt_code.number(b"t" * 32, VISIT, "310117", DAY) != NUMBER


def test_visits_of_a_day_have_different_numbers() -> None:
    numbers = {receipt_code.number(SECRET, f"visit-{n}", "310117", DAY) for n in range(2000)}
    assert len(numbers) == 2000


@pytest.mark.parametrize(
    "other",
    [
        replace(FACTS, number=NUMBER[:-1] + "2"),
        replace(FACTS, matter_code="JZ-01"),
        replace(FACTS, outcome="completed"),
        replace(FACTS, served_at=AT + timedelta(seconds=1)),
    ],
)
def test_other_facts_have_another_check(other: Facts) -> None:
    check = receipt_code.check(SECRET, FACTS)
    assert receipt_code.proves(SECRET, FACTS, check)
    assert not receipt_code.proves(SECRET, other, check)


def test_who_does_not_know_the_secret_cannot_make_a_check() -> None:
    assert not receipt_code.proves(SECRET, FACTS, receipt_code.check(b"t" * 32, FACTS))
    assert not receipt_code.proves(SECRET, FACTS, "")
    assert not receipt_code.proves(SECRET, FACTS, "校验码")


def test_the_text_of_the_code_is_read_back() -> None:
    check = receipt_code.check(SECRET, FACTS)
    assert receipt_code.read(f" {receipt_code.text(NUMBER, check)}\n") == (NUMBER, check)


@given(st.one_of(st.text(max_size=60), st.text(max_size=40).map(lambda t: f"VW1:{t}")))
def test_any_other_text_is_no_code(scanned: str) -> None:
    with pytest.raises(NotACode):
        receipt_code.read(scanned)
