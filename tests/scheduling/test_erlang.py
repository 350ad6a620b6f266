"""What the formulas of call centres say, against published values and against each other."""

from math import exp, inf, isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.erlang import erlang_a, erlang_b, erlang_c

MINUTE = 60.0


def test_one_line_and_two_as_in_every_textbook() -> None:
    """M/M/1 waits with probability rho, M/M/2 with 2·rho²/(1 + rho)."""
    one, two = erlang_c(0.5, 1.0, 1), erlang_c(1.0, 1.0, 2)
    assert isclose(one.waits, 0.5)
    assert isclose(one.mean_wait_s, 1.0)
    assert isclose(two.waits, 1 / 3)
    assert isclose(one.answered_within(2.0), 1 - 0.5 * exp(-1.0))
    assert isclose(erlang_b(2, 1.0), 0.2)


def test_erlang_c_gives_the_often_printed_example_of_360_calls_in_half_an_hour() -> None:
    """Calls of four minutes, 55 agents, 15 seconds (T. Page, "The Erlang-C formula")."""
    line = erlang_c(360 / 1800, 240.0, 55)
    assert round(line.waits, 3) == 0.239
    assert round(line.mean_wait_s, 1) == 8.2
    assert round(line.use, 3) == 0.873


def test_both_formulas_give_the_table_of_garnett_mandelbaum_and_reiman() -> None:
    """50 agents, 48 calls a minute of one minute each, patience of two (2002, table 1)."""
    rate = 48 / MINUTE
    patient, impatient = erlang_c(rate, MINUTE, 50), erlang_a(rate, MINUTE, 50, 2 * MINUTE)
    assert round(patient.mean_wait_s, 1) == 20.8
    assert round(patient.mean_wait_s * rate) == 17
    assert round(patient.answered_within(58.1), 2) == 0.90
    assert round(patient.use, 2) == 0.96
    assert round(impatient.leaves, 3) == 0.031
    assert round(impatient.mean_wait_s, 1) == 3.7
    assert round(impatient.mean_wait_s * rate) == 3
    assert round(impatient.use, 2) == 0.93


def test_more_work_than_clerks_has_no_mean_wait_unless_residents_leave() -> None:
    line = erlang_c(2.0, 1.0, 2)
    assert (line.waits, line.mean_wait_s, line.answered_within(60.0)) == (1.0, inf, 0.0)
    assert isclose(erlang_a(1000 / MINUTE, MINUTE, 500, 600.0).leaves, 0.5, rel_tol=1e-9)


LOADS = st.floats(0.05, 3.0)
CLERKS = st.integers(1, 600)


@given(LOADS, CLERKS, st.floats(0.1, 50.0))
def test_erlang_a_balances_for_any_load(use: float, servers: int, patience_s: float) -> None:
    """Who comes is answered or leaves; who is answered at any time at all is who does not leave."""
    line = erlang_a(use * servers, 1.0, servers, patience_s)
    assert 0.0 <= line.leaves <= line.waits <= 1.0
    assert 0.0 <= line.use <= 1.0 + 1e-9
    assert isclose(line.mean_wait_s, line.leaves * patience_s, rel_tol=1e-6, abs_tol=1e-12)
    assert line.answered_within(0.0) == pytest.approx(1.0 - line.waits)
    assert line.answered_within(20.0 * patience_s) == pytest.approx(1.0 - line.leaves, abs=1e-6)


@given(st.floats(0.05, 0.95), CLERKS)
def test_erlang_a_with_endless_patience_is_erlang_c(use: float, servers: int) -> None:
    patient = erlang_c(use * servers, 1.0, servers)
    almost = erlang_a(use * servers, 1.0, servers, 1e9)
    assert almost.waits == pytest.approx(patient.waits, rel=1e-4, abs=1e-12)
    assert almost.mean_wait_s == pytest.approx(patient.mean_wait_s, rel=1e-3, abs=1e-12)
    assert erlang_a(use * servers, 1.0, servers, inf) == patient


@given(st.floats(0.05, 2.0), st.integers(1, 300), st.floats(0.1, 20.0))
def test_one_more_clerk_never_makes_it_worse(use: float, servers: int, patience_s: float) -> None:
    fewer = erlang_a(use * servers, 1.0, servers, patience_s)
    more = erlang_a(use * servers, 1.0, servers + 1, patience_s)
    assert more.waits <= fewer.waits + 1e-12
    assert more.leaves <= fewer.leaves + 1e-12


@pytest.mark.parametrize(
    ("field", "numbers"),
    [
        ("rate", (0.0, 1.0, 1, 1.0)),
        ("rate", (float("nan"), 1.0, 1, 1.0)),
        ("service_s", (1.0, 0.0, 1, 1.0)),
        ("servers", (1.0, 1.0, 0, 1.0)),
        ("patience_s", (1.0, 1.0, 1, 0.0)),
    ],
)
def test_numbers_that_cannot_be_are_refused_with_their_name(
    field: str, numbers: tuple[float, float, int, float]
) -> None:
    with pytest.raises(ValueError, match=rf"^{field}: "):
        erlang_a(*numbers)
