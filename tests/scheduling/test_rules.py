"""Which rules are refused: each with the field that is wrong."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.rules import (
    HEAD_STARTS_S,
    MAX_HEAD_START_S,
    BadRule,
    Level,
    Overflow,
    Priority,
    Queue,
    QueueId,
    Rules,
    Skills,
    check_head_starts,
    check_overflows,
    check_queue,
    check_skills,
)
from scheduling.visit import CityCode, ClerkId, MatterCode

SONGJIANG, JIAXING, SUZHOU = CityCode("310117"), CityCode("330400"), CityCode("320500")
CARDS, PENSIONS = MatterCode("SB-03"), MatterCode("SB-01")
KNOWN = {CARDS, PENSIONS}
NAN = float("nan")


def queue(name: str, city: CityCode = SONGJIANG, *matters: MatterCode, **more: Any) -> Queue:
    letter = more.pop("letter", "A")
    return Queue(QueueId(name), city, "社保", name, letter, matters or (CARDS,), **more)


SJ, JX, SZ = queue("sj"), queue("jx", JIAXING), queue("sz", SUZHOU)
QUEUES = {one.id: one for one in (SJ, JX, SZ)}


def over(queue: Queue, partner: Queue, when: Any = "waited", threshold: float = 60.0) -> Overflow:
    return Overflow(queue.id, partner.id, when, threshold)


def refused(field: str) -> Any:
    return pytest.raises(BadRule, match=rf"^{field}: ".replace("[", r"\[").replace("]", r"\]"))


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("name", {"name_zh": " "}),
        ("name", {"name_en": ""}),
        ("letter", {"letter": "a"}),
        ("letter", {"letter": "AB"}),
        ("letter", {"letter": "甲"}),
        ("letter", {"letter": ""}),
        ("matters", {"matters": ()}),
        ("matters", {"matters": (CARDS, MatterCode("XX-99"))}),
        ("language_after_s", {"language_after_s": -1.0}),
        ("backup_after_s", {"backup_after_s": 90_000.0}),
        ("named_after_s", {"named_after_s": NAN}),
        ("ring_s", {"ring_s": 0.0}),
        ("ring_s", {"ring_s": 301.0}),
        ("target_s", {"target_s": 0.0}),
        ("target_share", {"target_share": 1.1}),
        ("capacity", {"capacity": -1}),
    ],
)
def test_a_queue_that_cannot_be_is_refused_with_its_field(field: str, wrong: dict) -> None:  # type: ignore[type-arg]
    check_queue(SJ, (), KNOWN)
    with refused(field):
        check_queue(replace(SJ, **wrong), (), KNOWN)


def test_two_queues_of_a_city_share_neither_letter_nor_matter() -> None:
    with refused("letter"):
        check_queue(queue("other", SONGJIANG, PENSIONS), [SJ], KNOWN)
    with refused("matters"):
        check_queue(queue("other", SONGJIANG, CARDS, PENSIONS, letter="B"), [SJ], KNOWN)
    check_queue(queue("other", SONGJIANG, PENSIONS, letter="B"), [SJ], KNOWN)
    check_queue(JX, [SJ], KNOWN)
    check_queue(SJ, [SJ], KNOWN)


def test_a_head_start_under_which_others_starve_is_refused() -> None:
    check_head_starts(HEAD_STARTS_S)
    for wrong in (-1.0, MAX_HEAD_START_S + 1, float("inf"), NAN):
        with refused("head_starts_s.elderly"):
            check_head_starts({Priority.ELDERLY: wrong})
    with refused("head_starts_s.ordinary"):
        check_head_starts({Priority.ORDINARY: 1.0})


def test_a_city_has_head_starts_of_its_own() -> None:
    rules = Rules(QUEUES, head_starts_s={JIAXING: {Priority.ELDERLY: 900.0}})
    assert rules.head_start_s(JIAXING, Priority.ELDERLY) == 900.0
    assert rules.head_start_s(JIAXING, Priority.INFANT) == HEAD_STARTS_S[Priority.INFANT]
    assert rules.head_start_s(SONGJIANG, Priority.ELDERLY) == HEAD_STARTS_S[Priority.ELDERLY]


def test_a_matter_leads_to_the_queue_of_its_city() -> None:
    rules = Rules(QUEUES)
    assert rules.queue_of(JIAXING, CARDS) == JX
    assert rules.queue_of(JIAXING, PENSIONS) is None


@pytest.mark.parametrize(
    ("field", "rule"),
    [
        ("overflows[1].queue", Overflow(QueueId("nowhere"), JX.id, "waited", 60.0)),
        ("overflows[1].partner", Overflow(SJ.id, QueueId("nowhere"), "waited", 60.0)),
        ("overflows[1].partner", over(SJ, SJ)),
        ("overflows[1].threshold", over(SJ, JX, threshold=-1.0)),
        ("overflows[1].threshold", over(SJ, JX, threshold=NAN)),
        ("overflows[1].threshold", over(SJ, JX, "service_level", 1.5)),
        ("overflows[1].when", over(SJ, SZ)),
    ],
)
def test_an_overflow_that_cannot_be_is_refused_with_its_field(field: str, rule: Overflow) -> None:
    with refused(field):
        check_overflows([over(SJ, SZ), rule], QUEUES)


def test_a_partner_must_serve_one_of_the_matters() -> None:
    pensions = queue("jx-pensions", JIAXING, PENSIONS)
    with refused("overflows[0].partner"):
        check_overflows([over(SJ, pensions)], QUEUES | {pensions.id: pensions})


def test_two_queues_of_one_city_do_not_overflow_into_each_other() -> None:
    near = queue("near", SONGJIANG, CARDS, letter="B")
    with refused("overflows[0].partner"):
        check_overflows([over(SJ, near)], QUEUES | {near.id: near})


def test_rules_that_lead_back_to_the_first_city_are_refused() -> None:
    check_overflows([over(SJ, JX), over(JX, SZ), over(SJ, SZ)], QUEUES)
    with pytest.raises(BadRule, match=r"^overflows\[1\]\.partner: .*jx → sj → jx"):
        check_overflows([over(SJ, JX), over(JX, SJ)], QUEUES)
    with pytest.raises(BadRule, match=r"^overflows\[2\]\.partner: .*sz → sj → jx → sz"):
        check_overflows([over(SJ, JX), over(JX, SZ, "nobody_on_duty"), over(SZ, SJ)], QUEUES)


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20, unique=True))
def test_a_circle_is_found_exactly_where_no_order_of_cities_fits(ways: list[Any]) -> None:
    queues = {one.id: one for one in (queue(f"q{n}", CityCode(f"{310100 + n}")) for n in range(8))}
    ways = [(f"q{a}", f"q{b}") for a, b in ways if a != b]
    left = {name: {b for a, b in ways if a == name} for name in queues}
    while ends := [name for name, further in left.items() if not further & left.keys()]:
        for name in ends:
            del left[name]
    rules = [Overflow(QueueId(a), QueueId(b), "waited", 60.0) for a, b in ways]
    if left:
        with pytest.raises(BadRule, match="circle"):
            check_overflows(rules, queues)
    else:
        check_overflows(rules, queues)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("levels", {"levels": {QueueId("nowhere"): Level.PRIMARY}}),
        ("languages", {"languages": frozenset(("cmn", "tlh"))}),
        ("capacity", {"capacity": 6}),
        ("capacity", {"capacity": -1}),
    ],
)
def test_skills_that_cannot_be_are_refused_with_their_field(field: str, wrong: dict) -> None:  # type: ignore[type-arg]
    skills = Skills(ClerkId("li"), {SJ.id: Level.PRIMARY}, frozenset(("cmn", "wuu")))
    check_skills(skills, QUEUES)
    with refused(field):
        check_skills(replace(skills, **wrong), QUEUES)
