"""How would a day go under these rules? The router in virtual time, thousands of times faster.

Pure: it knows neither files nor terminals, and who shows progress is called back. The `Router` is
the very one that serves residents (`routing.py`). Who comes is `arrivals.py`, what there is to set
`scenario.py`, what is counted `tally.py`.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import Any

from scheduling.arrivals import Guest, arrivals, chance_of
from scheduling.attendance import Desk, duty_of, opening_of, use_of
from scheduling.routing import SECOND_LOOK_S, Offer, Router
from scheduling.rules import QueueId
from scheduling.scenario import DAY_S, Scenario
from scheduling.tally import ClerkResult, Result, Tally, total
from scheduling.visit import VisitId

PROGRESS_EVERY = 2000  # visits between two calls back
Progress = Callable[[float], None]  # share of the virtual time that has passed


def simulate(
    scenario: Scenario,
    *,
    days: int = 1,
    seed: int = 1,
    warm_up_s: float = 0.0,
    shown_every: int = 1,
    progress: Progress | None = None,
) -> Result:
    """Run so many days of it; visits that come before `warm_up_s` are served but not counted.

    The expected wait is computed for every `shown_every`-th visit that has to wait (0: for none).
    Raises BadScenario.
    """
    scenario.check()
    return _Run(scenario, days, seed, warm_up_s, shown_every).run(progress)


class _Run:
    """One simulation under way: what is due next, and who is where."""

    def __init__(
        self, scenario: Scenario, days: int, seed: int, warm_up_s: float, shown_every: int
    ) -> None:
        self._scenario, self._days, self._seed = scenario, days, seed
        self._warm_up_s, self._shown_every = warm_up_s, shown_every
        self._now_s, self._end_s = 0.0, days * DAY_S
        self._router = Router(
            scenario.rules,
            {
                queue: demand.service.mean_s + demand.wrap_up.mean_s
                for queue, demand in scenario.demand.items()
            },
        )
        self._tallies = {
            queue.id: Tally(queue.target_s) for queue in scenario.rules.queues.values()
        }
        self._habits, self._chance = scenario.habits, chance_of(seed, "clerks")
        self._wrap_ups = {
            queue: demand.wrap_up.drawing(self._chance) for queue, demand in scenario.demand.items()
        }
        self._desks = {plan.skills.clerk: Desk(plan.skills.clerk) for plan in scenario.clerks}
        self._guests: dict[VisitId, Guest] = {}
        self._waited, self._open = 0, False
        self._shares_of = {r.queue for r in scenario.rules.overflows if r.when == "service_level"}
        by_state = any(rule.when != "waited" for rule in scenario.rules.overflows)
        self._looks_s = scenario.look_s if by_state else inf
        self._looks_again_s = self._looks_s
        self._due: list[tuple[float, int, Callable[[Any], None], Any]] = []
        self._order = count()
        for plan in scenario.clerks:
            self._router.set_skills(plan.skills)
        self._plan_duty()

    def run(self, progress: Progress | None) -> Result:
        """Until every visit is over."""
        due, next_due_s, waiting = self._due, self._router.next_due_s, self._router.waiting
        guests = arrivals(self._scenario, self._days, self._seed)
        guest = next(guests, None)
        come = 0
        while due or guest is not None:
            due_s = due[0][0] if due else inf
            comes_s = guest.since_s if guest is not None else inf
            now_s = comes_s if comes_s < due_s else due_s
            look_s = next_due_s()
            if waiting and (look_s is None or look_s > self._looks_again_s):
                look_s = max(self._looks_again_s, self._now_s)
            if look_s is not None and look_s <= now_s:
                self._now_s = look_s
                self._look()
            elif guest is not None and comes_s < due_s:
                self._now_s = now_s
                self._arrive(guest)
                guest = next(guests, None)
                come += 1
                if progress is not None and come % PROGRESS_EVERY == 0:
                    progress(min(1.0, now_s / self._end_s))
            else:
                self._now_s, _, act, subject = heappop(due)
                act(subject)
        if progress is not None:
            progress(1.0)
        return self._result(come)

    def _look(self) -> None:
        """Tell the router the time: something is due, or rules about a queue's state may hold."""
        router, now_s = self._router, self._now_s
        self._looks_again_s = now_s + self._looks_s
        for queue in self._shares_of:
            tally = self._tallies[queue]
            if tally.today:
                router.shares[queue] = tally.today_in_time / tally.today
        for offer in router.tick(now_s):
            self._ring(offer)
        router.take_listed()

    def _at(self, when_s: float, act: Callable[[Any], None], subject: Any) -> None:
        heappush(self._due, (when_s, next(self._order), act, subject))

    # Visits

    def _arrive(self, guest: Guest) -> None:
        if not self._open:
            self._counted(guest, 0.0, "sent_home")
            return
        self._guests[guest.visit] = guest
        self._router.residents.came(guest.since_s - guest.virtual_s)
        if self._line_up(guest):
            return
        self._waited += 1
        if self._shown_every and self._waited % self._shown_every == 0:
            entry = (guest.virtual_s, guest.visit)
            waits_s = [
                self._router.wait_s(q, entry, self._now_s, guest.language)
                for q in (guest.queue, *guest.also)
            ]
            guest.shown_s = min((s for s in waits_s if s is not None), default=None)

    def _line_up(self, guest: Guest) -> bool:
        """Whether the visit rings at once."""
        offer = self._router.arrive(guest, self._now_s)
        if offer is not None:
            self._ring(offer)
            return True
        if guest.leaves_s < inf:
            self._at(guest.leaves_s, self._leave, guest)
        return False

    def _leave(self, guest: Guest) -> None:
        if self._router.waiting.get(guest.visit) is guest:
            self._router.remove(guest.visit)
            self._router.residents.waited(self._now_s - guest.since_s, left=True)
            self._over(guest, "left")

    def _over(self, guest: Guest, how: str) -> None:
        del self._guests[guest.visit]
        self._counted(guest, self._now_s - guest.since_s, how)

    def _counted(self, guest: Guest, wait_s: float, how: str) -> None:
        if guest.since_s >= self._warm_up_s:
            tally = self._tallies[guest.queue]
            tally.waited(guest.since_s, wait_s, answered=False)
            setattr(tally, how, getattr(tally, how) + 1)

    # Offers

    def _ring(self, offer: Offer) -> None:
        """What becomes of an offer is known when it rings: chance has decided."""
        now_s, habits = self._now_s, self._habits
        guest, desk = self._guests[offer.visit], self._desks[offer.clerk]
        desk.busy = True
        desk.busy_since_s = now_s
        refused = habits.missed + habits.declined
        luck = self._chance.random() if refused else 1.0
        if luck < habits.missed:
            until_s = now_s + self._scenario.rules.queues[offer.queue].ring_s
        else:
            until_s = now_s + (
                habits.accept_s * 2.0 * self._chance.random() if habits.accept_s else 0.0
            )
        if guest.leaves_s <= until_s:
            self._at(max(now_s, guest.leaves_s), self._left_ringing, (guest, desk))
        elif luck < refused:
            if luck >= habits.missed:
                guest.not_by = {**(guest.not_by or {}), desk.clerk: until_s + SECOND_LOOK_S}
            self._at(until_s, self._refused, (guest, desk))
        else:
            self._answered(guest, desk, offer.queue, until_s)

    def _answered(self, guest: Guest, desk: Desk, queue: QueueId, at_s: float) -> None:
        del self._guests[guest.visit]
        rang_s = self._now_s - guest.since_s
        self._router.residents.waited(rang_s, left=False)
        if guest.since_s >= self._warm_up_s:
            wait_s = at_s - guest.since_s
            tally = self._tallies[guest.queue]
            tally.waited(guest.since_s, wait_s, answered=True)
            if queue != guest.queue:
                tally.elsewhere += 1
            if guest.shown_s is not None and rang_s > 0.0:
                tally.errors.append(abs(guest.shown_s - rang_s) / rang_s)
        desk.visits += 1
        length_s = guest.service_s + self._wrap_ups[guest.queue]()
        heappush(
            self._due,
            (at_s + length_s, next(self._order), self._finished, (desk, queue, length_s)),
        )

    def _finished(self, subject: tuple[Desk, QueueId, float]) -> None:
        desk, queue, length_s = subject
        self._router.service[queue].add(length_s)
        self._free(desk)

    def _refused(self, subject: tuple[Guest, Desk]) -> None:
        guest, desk = subject
        desk.refused += 1
        desk.away = True
        self._at(self._now_s + self._habits.back_s, self._back, desk)
        self._free(desk)
        self._line_up(guest)

    def _left_ringing(self, subject: tuple[Guest, Desk]) -> None:
        guest, desk = subject
        self._over(guest, "left")
        self._free(desk)

    # Clerks

    def _free(self, desk: Desk) -> None:
        desk.busy = False
        desk.busy_s += self._now_s - desk.busy_since_s
        self._look_for_work(desk)

    def _back(self, desk: Desk) -> None:
        desk.away = False
        if not desk.busy:
            self._look_for_work(desk)

    def _look_for_work(self, desk: Desk) -> None:
        """Ready if on their shift and not away; gone home if the shift is over."""
        if desk.on_shift and not desk.away:
            offer = self._router.ready(desk.clerk, self._now_s)
            if offer is not None:
                self._ring(offer)
            return
        self._router.away(desk.clerk)
        if not desk.on_shift and desk.duty_since_s is not None:
            desk.duty_s += self._now_s - desk.duty_since_s
            desk.duty_since_s = None

    def _begin_shift(self, desk: Desk) -> None:
        desk.on_shift = True
        if desk.duty_since_s is None:
            desk.duty_since_s = self._now_s
        if not desk.busy:
            self._look_for_work(desk)

    def _end_shift(self, desk: Desk) -> None:
        desk.on_shift = False
        if not desk.busy:
            self._look_for_work(desk)

    def _set_open(self, is_open: bool) -> None:
        self._open = is_open
        if is_open:
            return
        for visit in list(self._router.waiting):
            self._router.remove(visit)
            self._over(self._guests[visit], "sent_home")
        for tally in self._tallies.values():
            tally.today = tally.today_in_time = 0
        self._router.shares.clear()

    def _plan_duty(self) -> None:
        for plan in self._scenario.clerks:
            desk = self._desks[plan.skills.clerk]
            for begin_s, end_s in duty_of(plan, self._days):
                self._at(begin_s, self._begin_shift, desk)
                self._at(end_s, self._end_shift, desk)
        for begin_s, end_s in opening_of(self._scenario.clerks, self._days):
            self._at(begin_s, self._set_open, True)
            self._at(end_s, self._set_open, False)

    # The end

    def _result(self, come: int) -> Result:
        desks = list(self._desks.values())
        return Result(
            days=self._days,
            seed=self._seed,
            visits=come,
            total=total(list(self._tallies.values()), use_of(desks)),
            queues={
                queue: tally.result(
                    queue,
                    use_of(
                        self._desks[plan.skills.clerk]
                        for plan in self._scenario.clerks
                        if queue in plan.skills.levels
                    ),
                )
                for queue, tally in self._tallies.items()
            },
            clerks=tuple(
                ClerkResult(d.clerk, d.duty_s, d.busy_s, d.visits, d.refused) for d in desks
            ),
        )
