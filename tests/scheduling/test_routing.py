"""Who comes next: the rules of the router, for any line and any windows."""

from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from scheduling.routing import Ready, Waiting, expected_wait_s, in_order, pair
from scheduling.visit import CityCode, ClerkId, VisitId
from tests.scheduling.office import NOON

CITIES = st.sampled_from([CityCode(c) for c in ("310117", "330400", "330100")])
MOMENTS = st.integers(0, 20).map(lambda s: NOON + timedelta(seconds=s))
LINES = st.lists(
    st.builds(Waiting, st.uuids().map(lambda u: VisitId(str(u))), CITIES, MOMENTS),
    max_size=30,
    unique_by=lambda waiting: waiting.visit,
)
WINDOWS = st.lists(
    st.builds(Ready, st.uuids().map(lambda u: ClerkId(str(u))), CITIES, MOMENTS),
    max_size=10,
    unique_by=lambda ready: ready.clerk,
)


@given(LINES, WINDOWS)
def test_no_visit_and_no_clerk_is_paired_twice(line: list[Waiting], windows: list[Ready]) -> None:
    pairs = pair(line, windows)
    assert len({visit for visit, _ in pairs}) == len(pairs)
    assert len({clerk for _, clerk in pairs}) == len(pairs)


@given(LINES, WINDOWS)
def test_a_visit_is_offered_to_clerks_of_its_city_only(
    line: list[Waiting], windows: list[Ready]
) -> None:
    city_of_visit = {w.visit: w.city for w in line}
    city_of_clerk = {w.clerk: w.city for w in windows}
    for visit, clerk in pair(line, windows):
        assert city_of_visit[visit] == city_of_clerk[clerk]


@given(LINES, WINDOWS)
def test_as_many_pairs_are_made_as_a_city_has_visits_and_windows(
    line: list[Waiting], windows: list[Ready]
) -> None:
    pairs = dict(pair(line, windows))
    for city in {w.city for w in line}:
        here = [w for w in line if w.city == city]
        free = [w for w in windows if w.city == city]
        assert sum(w.visit in pairs for w in here) == min(len(here), len(free))


@given(LINES, WINDOWS)
def test_within_a_city_who_came_first_is_served_first(
    line: list[Waiting], windows: list[Ready]
) -> None:
    offered = {visit for visit, _ in pair(line, windows)}
    for city in {w.city for w in line}:
        here = in_order([w for w in line if w.city == city])
        served = [w.visit in offered for w in here]
        assert served == sorted(served, reverse=True)


@given(LINES, WINDOWS)
def test_within_a_city_the_window_ready_longest_is_offered_first(
    line: list[Waiting], windows: list[Ready]
) -> None:
    clerk_of = dict(pair(line, windows))
    for city in {w.city for w in line}:
        chosen = [
            clerk_of[w.visit] for w in in_order(line) if w.city == city and w.visit in clerk_of
        ]
        longest = sorted((w for w in windows if w.city == city), key=lambda w: (w.since, w.clerk))
        assert chosen == [w.clerk for w in longest][: len(chosen)]


@given(LINES, WINDOWS, st.randoms(use_true_random=False))
def test_the_order_in_which_the_database_answers_does_not_matter(
    line: list[Waiting], windows: list[Ready], chance: object
) -> None:
    shuffled_line, shuffled_windows = line[:], windows[:]
    chance.shuffle(shuffled_line)  # type: ignore[attr-defined]
    chance.shuffle(shuffled_windows)  # type: ignore[attr-defined]
    assert pair(shuffled_line, shuffled_windows) == pair(line, windows)


SERVICE_S = st.floats(0, 7200)
COUNT = st.integers(0, 200)


@given(COUNT, SERVICE_S)
def test_nobody_on_duty_means_no_expected_wait(ahead: int, service_s: float) -> None:
    assert expected_wait_s(ahead=ahead, service_s=service_s, ready=0, on_duty=0) is None


@given(COUNT, SERVICE_S, st.integers(1, 50), st.integers(0, 50))
def test_a_free_window_for_everybody_in_line_means_no_wait(
    ahead: int, service_s: float, spare: int, busy: int
) -> None:
    ready = ahead + spare
    wait_s = expected_wait_s(ahead=ahead, service_s=service_s, ready=ready, on_duty=ready + busy)
    assert wait_s == 0


@given(SERVICE_S, st.integers(0, 20), st.integers(0, 20))
def test_who_stands_further_behind_never_waits_shorter(
    service_s: float, ready: int, busy: int
) -> None:
    waits = [
        expected_wait_s(ahead=ahead, service_s=service_s, ready=ready, on_duty=ready + busy)
        for ahead in range(60)
    ]
    if ready + busy == 0:
        assert waits == [None] * 60
        return
    assert all(wait is not None and wait >= 0 for wait in waits)
    assert all(before <= after for before, after in pairwise(waits))  # type: ignore[operator]
