"""How long it will take: what the expected wait says for any line and any clerks."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from scheduling.rules import QueueId
from scheduling.visit import ClerkId
from scheduling.waits import RECENT, Entry, ServiceTimes, expected_wait_s

CARDS, HOMES = QueueId("cards"), QueueId("homes")
SECONDS = st.floats(1, 7200)
LINES = st.lists(
    st.tuples(st.floats(0, 10_000), st.uuids().map(str)), max_size=30, unique_by=lambda e: e[1]
).map(sorted)
CLERKS = st.sets(st.sampled_from([ClerkId(f"clerk-{n}") for n in range(8)]))


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
) -> float | None:
    return expected_wait_s(
        CARDS,
        entry,
        lines={CARDS: cards, HOMES: homes or []},
        pools={CARDS: pool, HOMES: homes_pool or set()},
        idle=idle or set(),
        service={CARDS: ServiceTimes(cards_s), HOMES: ServiceTimes(homes_s)},
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
    assert alone == apart == 300.0
    assert shared == 300.0 + 2 * 1800.0 / 2


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
