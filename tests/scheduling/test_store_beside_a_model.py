"""The store beside a plain model: whatever is done in whatever order, both agree on every visit.

The model is a few dictionaries and the two sentences of `routing.py`. The store is the real one on
each engine, with its dispatcher told of every change, or begun anew in the middle.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from scheduling import window
from scheduling.record import Visit
from scheduling.rows import Conflict
from scheduling.rules import Level, Priority, QueueId, Skills
from scheduling.visit import ClerkId, KioskId, Outcome, State, VisitId
from tests.scheduling.office import NOON, Office, office
from tests.support.worlds import World

MEDICAL, RESIDENCE = QueueId("330400-medical-insurance"), QueueId("330400-residence")
MATTERS = {MEDICAL: "YB-01", RESIDENCE: "JZ-03"}
CLERKS = [ClerkId(name) for name in ("jiaxing1", "jiaxing2", "hangzhou1")]
LEVELS = {
    CLERKS[0]: {MEDICAL: Level.PRIMARY},
    CLERKS[1]: {MEDICAL: Level.SECONDARY, RESIDENCE: Level.PRIMARY},
    CLERKS[2]: {MEDICAL: Level.PRIMARY, RESIDENCE: Level.SECONDARY},
}
KIOSKS = [KioskId(f"kiosk-{number}") for number in range(5)]
PRIORITIES = (Priority.ORDINARY, Priority.ELDERLY, Priority.VETERAN)
CLERK, KIOSK = st.sampled_from(CLERKS), st.sampled_from(KIOSKS)
QUEUE = st.sampled_from(list(MATTERS))


@dataclass
class Place:
    """A visit as the model knows it."""

    queue: QueueId
    virtual: datetime
    state: str = "waiting"
    clerk: ClerkId | None = None
    only: ClerkId | None = None
    not_by: dict[ClerkId, datetime] = field(default_factory=dict)


@dataclass
class Seat:
    """A clerk as the model knows them."""

    state: str = "off"
    since: datetime = NOON


class Model:
    """What should be so."""

    def __init__(self) -> None:
        self.visits: dict[VisitId, Place] = {}
        self.clerks = {clerk: Seat() for clerk in CLERKS}

    def may(self, place: Place, clerk: ClerkId, now: datetime) -> bool:
        if place.state != "waiting" or self.clerks[clerk].state != "ready":
            return False
        if place.only is not None and place.only != clerk:
            return False
        return place.queue in LEVELS[clerk] and place.not_by.get(clerk, now) <= now

    def match(self, now: datetime) -> None:
        """Visits in order, each to the best level and the longest idle who may take it."""
        for _, place in sorted(self.visits.items(), key=lambda v: (v[1].virtual, v[0])):
            able = [clerk for clerk in CLERKS if self.may(place, clerk, now)]
            if able:
                named = place.only is not None
                best = min(
                    able,
                    key=lambda c: (
                        0 if named else LEVELS[c][place.queue], self.clerks[c].since, c,
                    ),
                )  # fmt: skip
                place.state, place.clerk = "offered", best
                self.seat(best, "offered", now)

    def seat(self, clerk: ClerkId, state: str, now: datetime) -> None:
        self.clerks[clerk] = Seat(state, now)

    def put_back(self, visit_id: VisitId) -> None:
        place = self.visits[visit_id]
        place.state, place.clerk = "waiting", None


class Beside(RuleBasedStateMachine):
    """Every step is done to both; what the store refuses does not happen in the model."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = contextlib.AsyncExitStack()
        self.at: Office = self.run(self.stack.enter_async_context(office(self.world)))
        self.run(self.teach())
        self.model = Model()
        self.changed: list[tuple[list[str], list[str]]] = []

    async def teach(self) -> None:
        await self.at.rulebook.put_skills(
            [Skills(clerk, levels) for clerk, levels in LEVELS.items()]
        )
        self.at.here.update(KIOSKS)

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    def teardown(self) -> None:
        self.run(self.stack.aclose())
        self.runner.close()

    # Steps

    @initialize(
        line=st.lists(st.sampled_from(PRIORITIES), max_size=4), order=st.permutations(CLERKS)
    )
    def some_wait_before_the_hall_opens(self, line: list[Priority], order: list[ClerkId]) -> None:
        for kiosk, priority in zip(KIOSKS, line, strict=False):
            self.take_ticket(kiosk, MEDICAL, priority)
        for clerk in order:
            self.set_window(clerk, "be_ready")

    @rule(kiosk=KIOSK, queue=QUEUE, priority=st.sampled_from(PRIORITIES))
    def take_ticket(self, kiosk: KioskId, queue: QueueId, priority: Priority) -> None:
        taken = self.do(self.at.take(kiosk, matter=MATTERS[queue], priority=priority))
        if taken is not None:
            self.model.visits[taken.id] = Place(queue, taken.virtual_at)
            self.tell([taken.id], [])

    @rule(clerk=CLERK, step=st.sampled_from(["be_ready", "take_break", "go_off"]))
    def set_window(self, clerk: ClerkId, step: str) -> None:
        event = window.Event(step)
        if self.do(self.at.desk.set_window(clerk, event, self.at.later())) is not None:
            state = {"be_ready": "ready", "take_break": "break", "go_off": "off"}[step]
            self.model.seat(clerk, state, self.at.now)
            self.tell([], [clerk])

    @rule(clerk=CLERK)
    def accept(self, clerk: ClerkId) -> None:
        held = self.held(clerk, "offered")
        if held and self.do(self.at.offers.accept(held, clerk, self.at.later())):
            self.model.visits[held].state = "serving"
            self.model.seat(clerk, "in_call", self.at.now)
            self.tell([held], [clerk])

    @rule(clerk=CLERK)
    def decline(self, clerk: ClerkId) -> None:
        held = self.held(clerk, "offered")
        if held and self.do(self.at.offers.decline(held, clerk, self.at.later(), "busy")):
            self.model.put_back(held)
            until = self.at.now + timedelta(seconds=300)
            self.model.visits[held].not_by[clerk] = until
            self.model.seat(clerk, "break", self.at.now)
            self.tell([held], [clerk])

    @rule()
    def ring_out(self) -> None:
        for missed in self.do(self.at.offers.expire(20, self.at.later(25))):
            self.model.put_back(missed.after.id)
            self.model.seat(missed.clerk, "missed", self.at.now)
            self.tell([missed.after.id], [missed.clerk])

    @rule(clerk=CLERK)
    def lose_clerk(self, clerk: ClerkId) -> None:
        returned = self.do(self.at.offers.lose_clerk(clerk, self.at.later()))
        if returned is not None:
            self.model.put_back(returned.id)
        if self.model.clerks[clerk].state != "wrap_up":
            self.model.seat(clerk, "off", self.at.now)
        self.tell([returned.id] if returned else [], [clerk])

    @rule(kiosk=KIOSK)
    def leave(self, kiosk: KioskId) -> None:
        held = self.at_kiosk(kiosk)
        if held and self.do(self.at.desk.leave(held.id, "resident", self.at.later())):
            self.model.visits[held.id].state = "left"
            if held.clerk is not None and held.state is State.OFFERED:
                self.model.seat(held.clerk, "ready", self.at.now)
            self.tell([held.id], [held.clerk] if held.clerk else [])

    @rule(kiosk=KIOSK)
    def come_back_later(self, kiosk: KioskId) -> None:
        held = self.at_kiosk(kiosk)
        if held and self.do(self.at.desk.come_back_later(held.id, "021 5555", self.at.later())):
            self.model.visits[held.id].state = "away"
            self.tell([held.id], [])

    @rule(kiosk=KIOSK)
    def come_back(self, kiosk: KioskId) -> None:
        for visit_id, place in self.model.visits.items():
            if place.state == "away":
                ticket = self.run(self.at.visit(visit_id)).ticket
                back = self.at.desk.come_back(
                    kiosk, "songjiang-community", ticket, self.at.codes.of(visit_id),
                    self.at.later(),
                )  # fmt: skip
                if self.do(back) is not None:
                    place.state = "waiting"
                    self.tell([visit_id], [])
                return

    @rule(clerk=CLERK, queue=QUEUE, named=st.booleans(), other=CLERK)
    def transfer(self, clerk: ClerkId, queue: QueueId, named: bool, other: ClerkId) -> None:
        held = self.held(clerk, "serving")
        only = other if named else None
        if held is None or (only is not None and (only == clerk or queue not in LEVELS[only])):
            return
        passed = self.at.transfers.transfer(
            held, clerk, queue=queue, only=only, ready=True, now=self.at.later()
        )
        if self.do(passed) is not None:
            self.model.put_back(held)
            place = self.model.visits[held]
            place.queue, place.only = queue, only
            place.not_by = {clerk: self.at.now + timedelta(seconds=300)}
            self.model.seat(clerk, "ready", self.at.now)
            self.tell([held], [clerk])

    @rule(clerk=CLERK, ready=st.booleans())
    def end_and_close(self, clerk: ClerkId, ready: bool) -> None:
        held = self.held(clerk, "serving")
        if held is not None:
            self.do(self.at.desk.end(held, "clerk", self.at.later()))
            self.do(
                self.at.desk.close(held, clerk, Outcome.COMPLETED, ready=ready, now=self.at.later())
            )
            self.do(self.at.desk.free_kiosk(held))
            self.model.visits[held].state = "closed"
            self.model.seat(clerk, "ready" if ready else "break", self.at.now)
            self.tell([held], [clerk])

    @rule()
    def restart(self) -> None:
        self.at.begin_anew()
        self.run(self.at.dispatcher.load(self.at.now))

    # The store, and what both say

    def do(self, work: Any) -> Any:
        try:
            return self.run(work)
        except Conflict:
            return None

    def tell(self, visits: list[str], clerks: list[str]) -> None:
        self.run(self.at.dispatcher.refresh(visits, clerks, self.at.now))
        self.model.match(self.at.now)

    def held(self, clerk: ClerkId, state: str) -> VisitId | None:
        return next(
            (v for v, p in self.model.visits.items() if p.clerk == clerk and p.state == state),
            None,
        )

    def at_kiosk(self, kiosk: KioskId) -> Visit | None:
        found: Visit | None = self.run(self.at.board.visit_at_kiosk(kiosk))
        return found

    @invariant()
    def both_agree(self) -> None:
        for visit_id, place in self.model.visits.items():
            kept = self.run(self.at.visit(visit_id))
            shown = (kept.state.value, kept.queue, kept.virtual_at)
            assert shown == (place.state, place.queue, place.virtual), kept.ticket
            if place.state in ("offered", "serving"):
                assert kept.clerk == place.clerk, kept.ticket
        windows = self.run(self.at.board.windows())
        states = {clerk: windows[clerk].state.value for clerk in CLERKS}
        assert states == {clerk: seat.state for clerk, seat in self.model.clerks.items()}


@pytest.mark.timeout(600)
def test_the_store_agrees_with_a_plain_model(world: World) -> None:
    machine = type("BesideHere", (Beside,), {"world": world})
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=15,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
