"""Codes of tickets: always the same, never another's, typed as people type."""

import re
import uuid

from hypothesis import given
from hypothesis import strategies as st

from scheduling.codes import ALPHABET, LENGTH, Codes
from scheduling.visit import VisitId

CODES = Codes(b"s" * 32)
VISIT = VisitId("0193a8e2-0000-7000-8000-000000000001")


def test_a_visit_has_the_same_code_whenever_it_is_asked_for() -> None:
    assert CODES.of(VISIT) == Codes(b"s" * 32).of(VISIT)
    assert len(CODES.of(VISIT)) == LENGTH


def test_a_code_has_no_letters_that_look_alike() -> None:
    assert len(set(ALPHABET)) == len(ALPHABET)
    assert not set(ALPHABET) & set("01OIL")
    for _ in range(200):
        assert set(CODES.of(VisitId(str(uuid.uuid4())))) <= set(ALPHABET)


def test_visits_of_a_day_have_different_codes() -> None:
    codes = {CODES.of(VisitId(f"visit-{number}")) for number in range(2000)}
    assert len(codes) == 2000


def test_another_service_makes_other_codes() -> None:
    assert Codes(b"t" * 32).of(VISIT) != CODES.of(VISIT)
    assert not Codes(b"t" * 32).proves(VISIT, CODES.of(VISIT))


def test_small_letters_blanks_and_hyphens_are_as_people_type_them() -> None:
    code = CODES.of(VISIT)
    for typed in (
        code.lower(),
        f" {code} ",
        f"{code[:3]} {code[3:]}",
        f"{code[:3]}-{code[3:]}",
        f"{code[:2]}\u3000{code[2:]}\n",
    ):
        assert CODES.proves(VISIT, typed), typed


def test_the_code_of_another_visit_proves_nothing() -> None:
    assert not CODES.proves(VISIT, CODES.of(VisitId("another")))


@given(st.text(max_size=20))
def test_any_other_text_proves_nothing(text: str) -> None:
    typed = re.sub(r"[\s-]", "", text.upper())
    assert CODES.proves(VISIT, text) == (typed == CODES.of(VISIT))
