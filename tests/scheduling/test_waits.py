"""How long it will take: what the expected wait says for any line and any clerks."""

from itertools import pairwise
from math import log
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.rules import QueueId
from scheduling.visit import ClerkId
from scheduling.waits import RECENT, Entry, Residents, ServiceTimes, expected_wait_s

CARDS, HOMES = QueueId("cards"), QueueId("homes")
SECONDS = st.floats(1, 7200)
LINES = st.lists(
    st.tuples(st.floats(0, 10_000), st.uuids().map(str)), max_size=30, unique_by=lambda e: e[1]
).map(sorted)
CLERKS = st.sets(st.sampled_from([ClerkId(f"clerk-{n}") for n in range(8)]))

PATIENT = Residents()


def wait_s(
    entry: Entry,
    cards: list[Entry],
    pool: set[ClerkId],
    *,
    idle: set[ClerkId] | None = None,
    homes: list[Entry] | None = None,
    homes_pool: set[ClerkId] | None = None,
    cards_s: float = 600.0,
    homes_s: float = 1800.0,
    residents: Residents | None = None,
    **more: Any,
) -> float | None:
    return expected_wait_s(
        CARDS,
        entry,
        lines={CARDS: cards, HOMES: homes or []},
        pools={CARDS: pool, HOMES: homes_pool or set()},
        idle=idle or set(),
        service={CARDS: ServiceTimes(cards_s), HOMES: ServiceTimes(homes_s)},
        residents=residents or PATIENT,
        **more,
    )


def places(line: list[Entry]) -> list[Entry]:
    return [*line, (20_000.0, "last")]


@given(LINES, SECONDS)
def test_nobody_on_duty_means_no_expected_wait(line: list[Entry], service_s: float) -> None:
    assert all(wait_s(at, line, set(), cards_s=service_s) is None for at in places(line))


@given(LINES, CLERKS.filter(bool), SECONDS)
def test_a_free_clerk_for_everybody_ahead_means_no_wait(
    line: list[Entry], pool: set[ClerkId], service_s: float
) -> None:
    for ahead, at in enumerate(places(line)[: len(pool)]):
        assert ahead < len(pool)
        assert wait_s(at, line, pool, idle=pool, cards_s=service_s) == 0.0


@given(LINES, LINES, CLERKS.filter(bool), CLERKS, CLERKS, SECONDS, SECONDS)
def test_who_stands_further_behind_never_waits_shorter(
    cards: list[Entry],
    homes: list[Entry],
    pool: set[ClerkId],
    homes_pool: set[ClerkId],
    idle: set[ClerkId],
    cards_s: float,
    homes_s: float,
) -> None:
    waits = [
        wait_s(
            at,
            cards,
            pool,
            idle=idle,
            homes=homes,
            homes_pool=homes_pool,
            cards_s=cards_s,
            homes_s=homes_s,
        )
        for at in sorted([*places(cards), *homes])
    ]
    known = [wait for wait in waits if wait is not None]
    assert len(known) == len(waits)
    assert all(before <= after + 1e-6 for before, after in pairwise(known))


@given(LINES, CLERKS.filter(lambda clerks: len(clerks) > 1))
def test_one_more_clerk_never_makes_it_longer(line: list[Entry], pool: set[ClerkId]) -> None:
    fewer = set(sorted(pool)[1:])
    with_all, with_fewer = (wait_s(places(line)[-1], line, clerks) for clerks in (pool, fewer))
    assert with_all is not None
    assert with_fewer is not None
    assert with_all < with_fewer


def test_a_line_is_also_behind_the_visits_that_its_clerks_serve_elsewhere() -> None:
    pool = {ClerkId("li"), ClerkId("wang")}
    homes = [(1.0, "a"), (2.0, "b"), (9.0, "behind")]
    alone = wait_s((5.0, "me"), [], pool)
    shared = wait_s((5.0, "me"), [], pool, homes=homes, homes_pool={ClerkId("li")})
    apart = wait_s((5.0, "me"), [], pool, homes=homes, homes_pool={ClerkId("zhao")})
    assert alone == apart == pytest.approx(300.0)
    assert shared == pytest.approx(300.0 + 2 * 1800.0 / 2)


@given(st.lists(SECONDS, max_size=200), SECONDS)
def test_the_usual_length_gives_way_to_the_recent_ones(
    lengths: list[float], default_s: float
) -> None:
    service = ServiceTimes(default_s)
    for seconds in lengths:
        service.add(seconds)
    recent = lengths[-RECENT:]
    counted = [*recent, *[default_s] * (10 - len(recent))]
    assert abs(service.mean_s - sum(counted) / len(counted)) < 1e-6 * max(counted)


LI, WANG = ClerkId("li"), ClerkId("wang")
ME = (100.0, "me")


def test_the_more_residents_leave_the_shorter_is_the_wait_of_those_who_stay() -> None:
    line = [(float(n), str(n)) for n in range(9)]
    waits = [(600.0, False)] * 60 + [(600.0, True)] * 20
    impatient = Residents(waits=waits)
    assert impatient.patience_s == pytest.approx((80 * 600.0 + 3600.0) / 20)
    stays_s, leaves_s = (wait_s(ME, line, {LI, WANG}, residents=r) for r in (PATIENT, impatient))
    assert stays_s == pytest.approx(3000.0)
    assert leaves_s == pytest.approx(impatient.patience_s * log(1 + 3000.0 / impatient.patience_s))


def test_those_who_come_later_with_a_head_start_are_before_me() -> None:
    """A fifth of all come with 600 s: they take a fifth of the clerks' work for 600 s."""
    residents = Residents([0.0] * 80 + [600.0] * 20)
    assert residents.overtaken_s(400.0, 0.0) == pytest.approx(500.0)
    assert residents.overtaken_s(1000.0, 0.0) == pytest.approx(600.0 + (1000.0 - 480.0))
    assert residents.overtaken_s(400.0, 600.0) == pytest.approx(400.0)
    assert Residents().overtaken_s(400.0, 0.0) == 400.0


@given(
    st.lists(st.sampled_from([0.0, 300.0, 600.0, 7200.0]), max_size=500),
    st.floats(0, 20_000),
    st.floats(0, 20_000),
)
def test_overtaking_never_makes_a_wait_shorter_nor_endless(
    starts: list[float], wait: float, since: float
) -> None:
    overtaken_s = Residents(starts).overtaken_s(wait, since)
    assert wait - 1e-6 <= overtaken_s <= 7200.0 + 10.0 * wait
    assert overtaken_s <= Residents(starts).overtaken_s(wait + 1.0, since)


def test_a_wish_for_a_language_waits_for_its_speakers_until_it_falls_back() -> None:
    line = [(1.0, "a"), (2.0, "b")]
    among: dict[str, Any] = {"cards": line, "pool": {LI, WANG}, "language_after_s": 1200.0}
    assert wait_s(ME, **among) == pytest.approx(900.0)
    assert wait_s(ME, **among, speakers={LI}) == pytest.approx(1200.0)
    assert wait_s(ME, **among, speakers={LI}, cards_s=300.0) == pytest.approx(600.0)
    assert wait_s(ME, **among, speakers=set()) == pytest.approx(1200.0)
    assert wait_s(ME, line, {WANG}, speakers=set(), language_after_s=60.0) == pytest.approx(1800.0)
