"""What the simulation finds: the formulas where there are some, the rules where there are none."""

from dataclasses import replace
from typing import Any

import pytest

from scheduling.erlang import erlang_a, erlang_c
from scheduling.rules import Level, Overflow, Priority, Queue, QueueId, Rules, Skills
from scheduling.scenario import SLOTS, BadScenario, Demand, Habits, Lengths, Plan, Scenario
from scheduling.simulate import simulate
from scheduling.tally import Result
from scheduling.visit import CityCode, ClerkId, MatterCode

CARDS, HOMES, THEIRS = QueueId("cards"), QueueId("homes"), QueueId("jx-cards")
MINUTE, HOUR = 60.0, 3600.0


def queue(name: QueueId, city: str = "310117", **more: Any) -> Queue:
    return Queue(name, CityCode(city), name, name, "A", (MatterCode("SB-03"),), **more)


def clerk(name: str, *queues: QueueId, **more: Any) -> Plan:
    levels = dict.fromkeys(queues or (CARDS,), Level.PRIMARY)
    return Plan(Skills(ClerkId(name), levels), **more)


def one_line(
    clerks: int, use: float, patience: Lengths | None = None, service_s: float = MINUTE
) -> Scenario:
    """Poisson arrivals, exponential service, one line: what the formulas are about."""
    rate = use * clerks / service_s
    return Scenario(
        Rules({CARDS: queue(CARDS)}),
        {
            CARDS: Demand(
                Lengths(service_s, "exponential"), (rate * 1800.0,) * SLOTS, patience=patience
            )
        },
        tuple(clerk(f"clerk-{n}") for n in range(clerks)),
    )


def recorded(*arrivals: tuple[float, float | None], **more: Any) -> Demand:
    return Demand(Lengths(600.0, "fixed"), recorded=arrivals, **more)


def run(scenario: Scenario, visits: int, seed: int = 1) -> Result:
    """So many visits after a day that does not count."""
    a_day = sum(scenario.demand[CARDS].per_half_hour)
    days = round(visits / a_day) + 1
    return simulate(scenario, days=days, seed=seed, warm_up_s=24 * HOUR, shown_every=0)


@pytest.mark.parametrize(
    ("clerks", "use", "visits"), [(1, 0.5, 400_000), (4, 0.7, 400_000), (40, 0.9, 400_000)]
)
def test_residents_who_wait_for_ever_wait_as_erlang_c_says(
    clerks: int, use: float, visits: int
) -> None:
    found = run(one_line(clerks, use), visits).total
    line = erlang_c(use * clerks / MINUTE, MINUTE, clerks)
    assert found.mean_wait_s == pytest.approx(line.mean_wait_s, rel=0.02)
    assert found.in_time == pytest.approx(line.answered_within(MINUTE), rel=0.02)
    assert found.clerk_use == pytest.approx(line.use, rel=0.02)
    assert found.left == 0


@pytest.mark.parametrize(
    ("clerks", "use", "patience_s"), [(1, 1.2, 90.0), (8, 0.95, 120.0), (50, 1.1, 300.0)]
)
def test_residents_who_lose_patience_wait_and_leave_as_erlang_a_says(
    clerks: int, use: float, patience_s: float
) -> None:
    scenario = one_line(clerks, use, Lengths(patience_s, "exponential"))
    found = run(scenario, 300_000).total
    line = erlang_a(use * clerks / MINUTE, MINUTE, clerks, patience_s)
    assert found.mean_wait_s == pytest.approx(line.mean_wait_s, rel=0.02)
    assert found.left_share == pytest.approx(line.leaves, rel=0.02)
    assert found.in_time == pytest.approx(line.answered_within(MINUTE), rel=0.02)
    assert found.clerk_use == pytest.approx(line.use, rel=0.02)


def test_the_same_seed_gives_the_same_days_and_another_seed_others() -> None:
    scenario = one_line(3, 0.9)
    assert simulate(scenario, seed=7) == simulate(scenario, seed=7)
    assert simulate(scenario, seed=7) != simulate(scenario, seed=8)


def test_the_same_residents_come_whatever_the_clerks_do() -> None:
    few, many = one_line(3, 0.9), one_line(3, 0.9)
    many = replace(many, clerks=(*many.clerks, clerk("extra")), habits=Habits(3.0, 0.1))
    before, after = simulate(few, seed=3).total, simulate(many, seed=3).total
    assert [h.visits for h in before.by_hour] == [h.visits for h in after.by_hour]
    assert after.mean_wait_s < before.mean_wait_s


def test_recorded_visits_are_served_in_order_of_their_coming() -> None:
    demand = recorded((0.0, 100.0), (10.0, 200.0), (20.0, 50.0))
    found = simulate(Scenario(Rules({CARDS: queue(CARDS)}), {CARDS: demand}, (clerk("li"),))).total
    assert (found.visits, found.answered) == (3, 3)
    assert found.mean_wait_s == pytest.approx((0.0 + 90.0 + 280.0) / 3)
    assert found.p99_wait_s == 280.0
    assert found.in_time == pytest.approx(1 / 3)


def test_a_head_start_and_the_clerks_wrap_up_count() -> None:
    demand = recorded(
        (0.0, 100.0),
        (10.0, 100.0),
        wrap_up=Lengths(20.0, "fixed"),
        priorities={Priority.ELDERLY: 1},
    )
    scenario = Scenario(
        Rules({CARDS: queue(CARDS), HOMES: queue(HOMES)}),
        {CARDS: demand, HOMES: recorded((5.0, 100.0))},
        (clerk("li", CARDS, HOMES),),
    )
    found = simulate(scenario)
    assert found.queues[CARDS].mean_wait_s == pytest.approx((0.0 + 110.0) / 2)
    assert found.queues[HOMES].mean_wait_s == pytest.approx(100 + 20 + 100 + 20 - 5)
    assert found.clerks[0].busy_s == pytest.approx(340.0)


def test_a_missed_offer_rings_at_the_next_clerk_and_the_first_is_away_for_a_while() -> None:
    scenario = Scenario(
        Rules({CARDS: queue(CARDS, ring_s=20.0)}),
        {CARDS: recorded((0.0, 100.0))},
        (clerk("li"),),
        Habits(missed=0.999999, back_s=60.0),
    )
    found = simulate(replace(scenario, clerks=(clerk("li", spans=((0.0, HOUR),)),)))
    assert found.total.sent_home == 1
    assert found.clerks[0].refused == 45  # rung for 20 s, and the visit rings again 60 s later


def test_a_clerk_at_lunch_finishes_the_visit_and_the_line_waits_until_they_are_back() -> None:
    spans = ((9 * HOUR, 12 * HOUR), (13 * HOUR, 17 * HOUR))
    demand = recorded((12 * HOUR - 60.0, 600.0), (12 * HOUR + 60.0, 300.0), (18 * HOUR, 300.0))
    scenario = Scenario(Rules({CARDS: queue(CARDS)}), {CARDS: demand}, (clerk("li", spans=spans),))
    found = simulate(scenario)
    assert found.total.answered == 2
    assert found.total.sent_home == 1
    assert found.total.p99_wait_s == pytest.approx(HOUR - 60.0)
    assert found.clerks[0].duty_s == pytest.approx(7 * HOUR + 540.0)


def test_who_still_waits_at_closing_time_is_sent_home() -> None:
    demand = recorded((HOUR - 10.0, 60.0), (HOUR - 5.0, 60.0))
    scenario = Scenario(
        Rules({CARDS: queue(CARDS)}), {CARDS: demand}, (clerk("li", spans=((0.0, HOUR),)),)
    )
    assert (found := simulate(scenario).total).answered == 1
    assert found.sent_home == 1


@pytest.mark.parametrize(
    ("when", "threshold", "elsewhere"),
    [("waited", 120.0, 1), ("waited", 9000.0, 0), ("nobody_on_duty", 0.0, 0)],
)
def test_overflow_sends_a_visit_to_another_city_by_rule(
    when: Any, threshold: float, elsewhere: int
) -> None:
    scenario = Scenario(
        Rules(
            {CARDS: queue(CARDS), THEIRS: queue(THEIRS, "330400")},
            (Overflow(CARDS, THEIRS, when, threshold),),
        ),
        {CARDS: recorded((0.0, 3000.0), (1.0, 60.0), allowed=(THEIRS,))},
        (clerk("li"), clerk("zhang", THEIRS)),
    )
    found = simulate(scenario)
    assert found.queues[CARDS].elsewhere == elsewhere
    assert found.queues[CARDS].answered == 2


def test_the_shown_wait_is_held_against_the_real_one() -> None:
    """One clerk, fixed lengths: who comes when the first visit begins waits exactly its length."""
    demand = recorded((0.0, 600.0), (0.0, 600.0), (0.0, 600.0))
    scenario = Scenario(Rules({CARDS: queue(CARDS)}), {CARDS: demand}, (clerk("li"),))
    found = simulate(scenario).total
    assert found.shown == 2
    assert found.expected_wait_error == pytest.approx(0.1, abs=0.1)
    assert simulate(scenario, shown_every=0).total.expected_wait_error is None


def test_progress_is_told_and_ends_with_all_of_it() -> None:
    told: list[float] = []
    simulate(one_line(20, 0.5), progress=told.append)
    assert told[-1] == 1.0
    assert told == sorted(told)
    assert len(told) > 3


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("demand.nowhere", {"demand": {QueueId("nowhere"): recorded()}}),
        ("demand.cards.per_half_hour", {"demand": {CARDS: Demand(Lengths(60.0), (1.0,))}}),
        ("demand.cards.per_half_hour", {"demand": {CARDS: Demand(Lengths(60.0), (-1.0,) * 48)}}),
        ("demand.cards.recorded", {"demand": {CARDS: recorded((float("nan"), None))}}),
        ("demand.cards.recorded", {"demand": {CARDS: recorded((0.0, -1.0))}}),
        ("demand.cards.service.mean_s", {"demand": {CARDS: Demand(Lengths(-1.0), recorded=())}}),
        ("demand.cards.service.cv", {"demand": {CARDS: Demand(Lengths(1, cv=99), recorded=())}}),
        ("demand.cards.patience.mean_s", {"demand": {CARDS: recorded(patience=Lengths(-5.0))}}),
        ("demand.cards.priorities", {"demand": {CARDS: recorded(priorities={"elderly": 1.5})}}),
        ("demand.cards.languages", {"demand": {CARDS: recorded(languages={"tlh": 0.5})}}),
        ("demand.cards.allowed", {"demand": {CARDS: recorded(allowed=("nowhere",))}}),
        ("demand.cards.stay", {"demand": {CARDS: recorded(stay=2.0)}}),
        ("clerks.li", {"clerks": (clerk("li"), clerk("li"))}),
        ("clerks.li.spans", {"clerks": (clerk("li", spans=((9.0, 8.0),)),)}),
        ("clerks.li.spans", {"clerks": (clerk("li", spans=((1.0, 8.0), (7.0, 9.0))),)}),
        ("habits.missed", {"habits": Habits(missed=1.5)}),
        ("habits.missed", {"habits": Habits(missed=0.6, declined=0.4)}),
        ("habits.back_s", {"habits": Habits(back_s=-1.0)}),
        ("look_s", {"look_s": 0.0}),
        ("queues", {"rules": Rules({})}),
    ],
)
def test_a_scenario_that_cannot_be_is_refused_with_its_field(
    field: str, change: dict[str, Any]
) -> None:
    with pytest.raises(BadScenario) as refused:
        simulate(replace(one_line(1, 0.5), **change))
    assert str(refused.value).startswith(f"{field}: ")
