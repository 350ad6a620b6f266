"""Who is served by whom, and when: the rules of the router one by one, to read."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.routing import SECOND_LOOK_S, Router, Waiting
from scheduling.rules import Level, Overflow, Queue, QueueId, Rules, Skills
from scheduling.visit import CityCode, ClerkId, MatterCode, VisitId
from tests.scheduling.plain_router import taken, taker

CARDS, HOMES, THEIR_CARDS = QueueId("sj-cards"), QueueId("sj-homes"), QueueId("jx-cards")
CITY_OF = {CARDS: CityCode("310117"), HOMES: CityCode("310117"), THEIR_CARDS: CityCode("330400")}


def queue(name: QueueId, **more: Any) -> Queue:
    return Queue(name, CITY_OF[name], name, name, "A", (MatterCode("SB-03"),), **more)


def a_router(*clerks: Skills, overflows: tuple[Overflow, ...] = (), **more: Any) -> Router:
    router = Router(Rules({name: queue(name, **more) for name in CITY_OF}, overflows))
    for skills in clerks:
        router.set_skills(skills)
    return router


def serves(
    clerk: str, level: Level = Level.PRIMARY, *languages: str, at: QueueId = CARDS
) -> Skills:
    return Skills(ClerkId(clerk), {at: level}, frozenset(languages or ("cmn",)))


def visit(name: str, at_s: float, *, head_start_s: float = 0.0, **more: Any) -> Waiting:
    return Waiting(VisitId(name), CARDS, at_s - head_start_s, at_s, **more)


def test_a_clerk_who_becomes_ready_gets_the_earliest_virtual_arrival() -> None:
    router = a_router(serves("li"))
    router.arrive(visit("first", 0.0), 0.0)
    router.arrive(visit("elderly", 300.0, head_start_s=600.0), 300.0)
    assert router.ready(ClerkId("li"), 301.0) == ("elderly", "li", CARDS)
    assert router.ready(ClerkId("li"), 302.0) == ("first", "li", CARDS)


def test_a_visit_goes_to_the_best_level_then_to_the_clerk_idle_longest() -> None:
    router = a_router(
        serves("backup", Level.BACKUP), serves("second", Level.SECONDARY), serves("a"), serves("b")
    )
    for clerk, since_s in (("backup", 0.0), ("second", 1.0), ("a", 3.0), ("b", 2.0)):
        router.ready(ClerkId(clerk), since_s)
    rung = [taker(router.arrive(visit(f"v{n}", 10.0), 10.0)) for n in range(4)]
    assert rung == ["b", "a", "second", None]
    assert router.next_due_s() == 70.0
    assert [offer.clerk for offer in router.tick(70.0)] == ["backup"]


def test_a_wish_for_a_language_is_kept_until_it_falls_back() -> None:
    router = a_router(serves("li"), serves("shen", Level.SECONDARY, "wuu"))
    router.ready(ClerkId("li"), 0.0)
    assert router.arrive(visit("v1", 1.0, language="wuu"), 1.0) is None
    assert router.ready(ClerkId("shen"), 2.0) == ("v1", "shen", CARDS)
    assert router.arrive(visit("v2", 3.0, language="wuu"), 3.0) is None
    assert router.tick(122.9) == []
    assert router.tick(123.0) == [("v2", "li", CARDS)]


def test_a_visit_transferred_to_a_clerk_waits_for_them_and_then_for_all_with_them() -> None:
    router = a_router(serves("li"), serves("wang", at=HOMES))
    router.ready(ClerkId("li"), 0.0)
    router.arrive(visit("v1", 0.0, only=ClerkId("wang")), 0.0)
    assert router.ready(ClerkId("wang"), 1.0) == ("v1", "wang", CARDS)
    router.arrive(visit("v2", 2.0, only=ClerkId("wang")), 2.0)
    assert router.tick(122.0) == [("v2", "li", CARDS)]
    router.arrive(visit("v3", 130.0, only=ClerkId("wang")), 130.0)
    router.tick(260.0)
    assert router.ready(ClerkId("wang"), 261.0) == ("v3", "wang", CARDS)


def test_a_declined_visit_is_offered_to_others_and_later_to_the_same_clerk_again() -> None:
    router = a_router(serves("li"), serves("wang"))
    again_s = 10.0 + SECOND_LOOK_S
    assert router.arrive(visit("v1", 0.0, not_by={ClerkId("li"): again_s}), 10.0) is None
    assert router.ready(ClerkId("li"), 11.0) is None
    assert router.tick(again_s - 1) == []
    assert router.tick(again_s) == [("v1", "li", CARDS)]


def test_a_visit_that_is_not_there_keeps_its_place_and_does_not_ring() -> None:
    router = a_router(serves("li"))
    router.arrive(visit("gone", 0.0, present=False), 0.0)
    router.arrive(visit("here", 1.0), 1.0)
    assert [name for _, name in router.lines[CARDS]] == ["gone", "here"]
    assert taken(router.ready(ClerkId("li"), 2.0)) == "here"
    router.arrive(visit("later", 3.0), 3.0)
    router.arrive(visit("gone", 0.0), 4.0)
    assert taken(router.ready(ClerkId("li"), 5.0)) == "gone"


def test_a_visit_that_came_back_late_from_an_offer_overflows_at_once() -> None:
    rule = Overflow(CARDS, THEIR_CARDS, "waited", 60.0)
    router = a_router(serves("zhang", at=THEIR_CARDS), overflows=(rule,))
    router.ready(ClerkId("zhang"), 0.0)
    offer = router.arrive(visit("v1", 0.0, allowed=(THEIR_CARDS,)), 61.0)
    assert offer == ("v1", "zhang", THEIR_CARDS)
    assert router.take_listed() == [("v1", rule)]


def test_a_resident_who_stays_is_not_listed_elsewhere() -> None:
    router = a_router(overflows=(Overflow(CARDS, THEIR_CARDS, "nobody_on_duty"),))
    router.arrive(visit("stays", 0.0, allowed=(THEIR_CARDS,), stays=True), 0.0)
    router.arrive(visit("goes", 0.0, allowed=(THEIR_CARDS,)), 0.0)
    router.tick(1.0)
    assert [name for _, name in router.lines[THEIR_CARDS]] == ["goes"]
    assert [name for _, name in router.lines[CARDS]] == ["goes", "stays"]


def test_a_late_look_at_the_time_still_takes_the_visits_in_order() -> None:
    router = a_router(serves("backup", Level.BACKUP))
    router.ready(ClerkId("backup"), 0.0)
    router.arrive(visit("first", 0.0), 0.0)
    router.arrive(visit("elderly", 1.0, head_start_s=600.0), 1.0)
    assert [offer.visit for offer in router.tick(100.0)] == ["elderly"]


def test_the_first_backup_of_a_queue_is_offered_what_waits_there_already() -> None:
    router = a_router()
    router.arrive(visit("v1", 0.0), 0.0)
    router.tick(100.0)
    router.set_skills(serves("backup", Level.BACKUP))
    assert router.ready(ClerkId("backup"), 101.0) is None
    assert router.tick(101.0) == [("v1", "backup", CARDS)]


@given(
    st.lists(
        st.tuples(st.floats(0, 20_000), st.sampled_from([0.0, 300.0, 600.0, 900.0, 7200.0])),
        min_size=2,
        max_size=60,
    )
)
def test_nobody_starves(arrivals: list[tuple[float, float]]) -> None:
    """Who has waited longer than the largest head start is overtaken by no later arrival."""
    router = a_router(serves("li"))
    since_s = {}
    for number, (at_s, head_start_s) in enumerate(sorted(arrivals)):
        since_s[f"{number:03d}"] = at_s
        router.arrive(visit(f"{number:03d}", at_s, head_start_s=head_start_s), at_s)
    served: list[VisitId] = []
    while (offer := router.ready(ClerkId("li"), 30_000.0)) is not None:
        served.append(offer.visit)
    assert len(served) == len(arrivals)
    for place, later in enumerate(served):
        for earlier in served[place + 1 :]:
            assert since_s[earlier] >= since_s[later] - 7200.0


@pytest.mark.parametrize("again", [True, False])
def test_a_visit_that_arrives_twice_is_in_line_once(again: bool) -> None:
    router = a_router(serves("li"))
    waiting = visit("v1", 0.0)
    router.arrive(waiting, 0.0)
    router.arrive(waiting if again else visit("v1", 0.0), 5.0)
    assert router.lines[CARDS] == [(0.0, "v1")]
    assert taken(router.ready(ClerkId("li"), 6.0)) == "v1"
    assert router.ready(ClerkId("li"), 7.0) is None
