"""Who is served by whom, and when: the router beside a plain one, under any order of events."""

import random
from dataclasses import replace
from itertools import count
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from scheduling.routing import SECOND_LOOK_S, Listed, Offer, Router, Waiting
from scheduling.rules import Level, Overflow, Queue, QueueId, Rules, Skills
from scheduling.visit import CityCode, ClerkId, MatterCode, VisitId
from tests.scheduling.plain_router import PlainRouter, taken, taker

SONGJIANG, JIAXING, SUZHOU = CityCode("310117"), CityCode("330400"), CityCode("320500")
CARDS, HOMES, THEIR_CARDS, FAR_CARDS = (
    QueueId(name) for name in ("sj-cards", "sj-homes", "jx-cards", "sz-cards")
)
CITY_OF = {CARDS: SONGJIANG, HOMES: SONGJIANG, THEIR_CARDS: JIAXING, FAR_CARDS: SUZHOU}
CLERKS = [ClerkId(f"clerk-{n}") for n in range(4)]
QUEUES = st.sampled_from(sorted(CITY_OF))
LANGUAGES = st.sampled_from(["cmn", "wuu", "csl"])
# Real clocks: sums of such seconds are not exact, as those since 1970 are not.
SECONDS = st.sampled_from([0.1, 7.3, 29.9, 60.1, 119.7, 300.2])
AFTER = st.sampled_from([0.0, 0.7, 60.1, 120.3, 600.7])
HEAD_STARTS = st.sampled_from([0.0, 300.0, 600.0])
WISHES = st.sampled_from(["", "", "", "wuu", "csl"])
ONLY = st.sampled_from([None, None, None, *CLERKS])
PRESENT = st.sampled_from([True, True, True, False])
PICKS = st.integers(0, 99)
LEVELS = st.dictionaries(QUEUES, st.sampled_from(Level), min_size=1, max_size=3)
SPOKEN = st.frozensets(LANGUAGES, max_size=2)
CAPACITIES = st.sampled_from([1, 1, 1, 0])


def queue(name: QueueId, **more: Any) -> Queue:
    return Queue(name, CITY_OF[name], name, name, "A", (MatterCode("SB-03"),), **more)


@st.composite
def all_rules(draw: st.DrawFn) -> Rules:
    """Four queues of three cities, and any rules of overflow between them."""
    queues = {
        name: queue(
            name,
            language_after_s=draw(AFTER),
            backup_after_s=draw(AFTER),
            named_after_s=draw(AFTER),
        )
        for name in CITY_OF
    }
    ways = st.sampled_from([(CARDS, THEIR_CARDS), (CARDS, FAR_CARDS), (THEIR_CARDS, FAR_CARDS)])
    kinds = st.one_of(
        st.tuples(st.just("waited"), AFTER),
        st.tuples(st.just("expected_wait"), AFTER),
        st.tuples(st.just("nobody_on_duty"), st.just(0.0)),
        st.tuples(st.just("service_level"), st.just(0.9)),
    )
    overflows = draw(st.lists(st.tuples(ways, kinds), max_size=4, unique=True))
    return Rules(queues, tuple(Overflow(*way, *kind) for way, kind in overflows))  # type: ignore[arg-type]


def skills_of(clerk: ClerkId) -> st.SearchStrategy[Skills]:
    return st.builds(Skills, st.just(clerk), LEVELS, SPOKEN, CAPACITIES)


# Explaining a failure takes minutes where finding and shrinking it takes seconds.
WITHOUT_EXPLAINING = [phase for phase in Phase if phase is not Phase.explain]


class Beside(RuleBasedStateMachine):
    """Every event goes to the router and to the plain one; they never differ."""

    @initialize(rules=all_rules(), skills=st.tuples(*map(skills_of, CLERKS)))
    def open(self, rules: Rules, skills: tuple[Skills, ...]) -> None:
        self.router, self.plain = Router(rules), PlainRouter(rules)
        self.now_s = 1764034000.3
        self.numbers = count()
        self.ringing: dict[VisitId, tuple[Waiting, ClerkId]] = {}
        self.known: dict[VisitId, Waiting] = {}
        self.over: set[VisitId] = set()
        self.listed: list[Listed] = []
        for one in skills:
            self._give(one)

    # What may happen

    @rule(
        queue=QUEUES,
        head_start=HEAD_STARTS,
        language=WISHES,
        also=st.booleans(),
        allowed=st.booleans(),
        only=ONLY,
        present=PRESENT,
    )
    def a_visit_arrives(
        self,
        queue: QueueId,
        head_start: float,
        language: str,
        also: bool,
        allowed: bool,
        only: ClerkId | None,
        present: bool,
    ) -> None:
        partner = FAR_CARDS if queue == HOMES else HOMES
        asked = Waiting(
            VisitId(f"v{next(self.numbers):04d}"),
            queue,
            self.now_s - head_start,
            self.now_s,
            language=language,
            also=(partner,) if also else (),
            allowed=tuple(q for q in (THEIR_CARDS, FAR_CARDS) if q != queue) if allowed else (),
            only=only,
            present=present,
        )
        self._arrive(asked)

    @rule(clerk=st.sampled_from(CLERKS), since=SECONDS)
    def a_clerk_is_ready(self, clerk: ClerkId, since: float) -> None:
        if not self._rings_at(clerk):
            self._ready(clerk, self.now_s - since)

    @rule(clerk=st.sampled_from(CLERKS), on_duty=st.booleans())
    def a_clerk_goes_on_a_break_or_is_busy(self, clerk: ClerkId, on_duty: bool) -> None:
        if not self._rings_at(clerk):
            self._stop(clerk, on_duty=on_duty)

    @precondition(lambda self: self.ringing)
    @rule(pick=PICKS, what=st.sampled_from(["accept", "decline", "miss", "leave"]))
    def an_offer_is_answered(self, pick: int, what: str) -> None:
        visit = sorted(self.ringing)[pick % len(self.ringing)]
        asked, clerk = self.ringing.pop(visit)
        if what == "accept":
            self.over.add(visit)
        elif what == "leave":
            self.over.add(visit)
            self._ready(clerk, self.now_s)
        else:
            self._stop(clerk, on_duty=False)
            if what == "decline":
                until = self.now_s + SECOND_LOOK_S
                asked = replace(asked, not_by={**(asked.not_by or {}), clerk: until})
            self._arrive(asked)

    @precondition(lambda self: self.plain.visits)
    @rule(pick=PICKS, what=st.sampled_from(["leave", "present", "stays", "transfer"]))
    def a_waiting_visit_changes(self, pick: int, what: str) -> None:
        visit = sorted(self.plain.visits)[pick % len(self.plain.visits)]
        plain = self.plain.visits[visit]
        asked = replace(self.known[visit], overflowed=plain.overflowed)
        if what == "leave":
            self.over.add(visit)
            self.router.remove(visit)
            del self.plain.visits[visit]
        elif what == "present":
            self._arrive(replace(asked, present=not asked.present))
        elif what == "stays":
            self._arrive(replace(asked, stays=True, overflowed=()))
        else:
            self._arrive(replace(asked, queue=HOMES, also=(), overflowed=()))

    @rule(clerk=st.sampled_from(CLERKS), levels=LEVELS, languages=SPOKEN, capacity=CAPACITIES)
    def a_clerk_learns(
        self,
        clerk: ClerkId,
        levels: dict[QueueId, Level],
        languages: frozenset[str],
        capacity: int,
    ) -> None:
        if not self._rings_at(clerk):
            self._give(Skills(clerk, levels, languages, capacity))
            self.time_is_looked_at()

    @rule(queue=QUEUES, share=st.sampled_from([0.5, 0.95]))
    def a_service_level_is_known(self, queue: QueueId, share: float) -> None:
        self.router.shares[queue] = self.plain.shares[queue] = share

    @rule(seconds=SECONDS)
    def time_passes_unseen(self, seconds: float) -> None:
        self.now_s += seconds

    @rule()
    def time_passes_until_something_is_due(self) -> None:
        due_s = self.router.next_due_s()
        if due_s is not None:
            self.now_s = max(self.now_s, due_s)
            self.time_is_looked_at()

    @rule()
    def time_is_looked_at(self) -> None:
        expected = self.plain.tick(
            self.now_s, lambda q, entry: self.router.wait_s(q, entry, self.now_s)
        )
        offers = self.router.tick(self.now_s)
        assert {(offer.visit, offer.clerk) for offer in offers} == expected
        for offer in offers:
            self._rings(offer)
        for visit in self.plain.visits.values():
            assert self.plain.best_clerk(visit, self.now_s) is None

    @rule(seed=st.integers(0, 2**32))
    def a_busy_hour(self, seed: int) -> None:
        """Far more than the steps of one example: a hundred events that chance brings."""
        chance = random.Random(seed)
        for clerk in CLERKS:
            self.a_clerk_is_ready(clerk, chance.choice([7.3, 60.1]))
        for _ in range(100):
            clerk, pick = chance.choice(CLERKS), chance.randrange(100)
            match chance.choice("vvvvvrrrrraaaaaacctttuuddb"):
                case "v":
                    self.a_visit_arrives(
                        chance.choice(sorted(CITY_OF)),
                        chance.choice([0.0, 0.0, 300.0, 600.0]),
                        chance.choice(["", "", "wuu", "csl"]),
                        chance.random() < 0.5,
                        chance.random() < 0.7,
                        clerk if chance.random() < 0.15 else None,
                        chance.random() < 0.9,
                    )
                case "r":
                    self.a_clerk_is_ready(clerk, chance.choice([0.0, 7.3, 60.1]))
                case "a" if self.ringing:
                    self.an_offer_is_answered(
                        pick, chance.choice(["accept", "decline", "miss", "leave"])
                    )
                case "c" if self.plain.visits:
                    self.a_waiting_visit_changes(
                        pick, chance.choice(["leave", "present", "stays", "transfer"])
                    )
                case "t":
                    self.time_passes_unseen(chance.choice([0.1, 7.3, 60.1, 119.7]))
                case "u":
                    self.time_is_looked_at()
                case "d":
                    self.time_passes_until_something_is_due()
                case "b":
                    self.a_clerk_goes_on_a_break_or_is_busy(clerk, chance.random() < 0.5)
            self.both_say_the_same()

    # What is always so

    @invariant()
    def both_say_the_same(self) -> None:
        assert set(self.router.waiting) == set(self.plain.visits)
        assert set(self.known) == {*self.plain.visits, *self.ringing, *self.over}
        for name, line in self.router.lines.items():
            assert line == self.plain.line(name)
            assert self.router.pools[name] == self.plain.pool(name)
            for entry in line:
                wait_s = self.router.wait_s(name, entry, self.now_s)
                assert wait_s is None if not self.plain.pool(name) else wait_s >= 0
        idle = {c for c, clerk in self.plain.clerks.items() if clerk.idle_since_s is not None}
        assert self.router.idle == idle
        self.listed += self.router.take_listed()
        assert set(self.listed) == set(self.plain.listed)

    # Inside

    def _rings_at(self, clerk: ClerkId) -> bool:
        return any(clerk == at for _, at in self.ringing.values())

    def _give(self, skills: Skills) -> None:
        self.router.set_skills(skills)
        self.plain.give(skills)

    def _arrive(self, asked: Waiting) -> None:
        self.known[asked.visit] = asked
        expected = self.plain.arrive(asked, self.now_s)
        offer = self.router.arrive(replace(asked), self.now_s)
        assert taker(offer) == expected
        self._rings(offer)

    def _ready(self, clerk: ClerkId, since_s: float) -> None:
        expected = self.plain.ready(clerk, self.now_s, since_s)
        offer = self.router.ready(clerk, self.now_s, since_s)
        assert taken(offer) == expected
        self._rings(offer)

    def _stop(self, clerk: ClerkId, *, on_duty: bool) -> None:
        self.plain.stop(clerk, on_duty=on_duty)
        (self.router.busy if on_duty else self.router.away)(clerk)

    def _rings(self, offer: Offer | None) -> None:
        if offer is None:
            return
        assert offer.visit not in self.ringing
        assert not self._rings_at(offer.clerk)
        overflowed = {
            listed.rule.partner for listed in self.plain.listed if listed.visit == offer.visit
        }
        asked = self.known[offer.visit]
        assert offer.queue in {asked.queue, *asked.also, *overflowed}
        self.ringing[offer.visit] = (asked, offer.clerk)


TestTheRouterBesideAPlainOne = Beside.TestCase
TestTheRouterBesideAPlainOne.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, phases=WITHOUT_EXPLAINING
)
