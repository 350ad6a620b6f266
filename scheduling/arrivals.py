"""Who comes, when, and with what fate? The residents of a scenario, in order of their coming. Pure.

The same seed brings the same residents whatever the rules, skills and shifts are, so that two
scenarios are compared on the same days: all that is a resident's own is drawn before they come.
"""

import random
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import accumulate, count
from math import inf, log

from scheduling.routing import ANY, Waiting
from scheduling.rules import Priority, QueueId
from scheduling.scenario import DAY_S, SLOT_S, SLOTS, Scenario, sharing
from scheduling.visit import VisitId


@dataclass(slots=True, eq=False)
class Guest(Waiting):
    """A visit with what fate holds for it."""

    service_s: float = 0.0
    leaves_s: float = inf
    shown_s: float | None = None


def chance_of(seed: int, what: str) -> random.Random:
    """A stream of chance of its own for each purpose."""
    return random.Random(f"{seed} {what}")  # noqa: S311 - visits, not secrets


def arrivals(scenario: Scenario, days: int, seed: int) -> Iterator[Guest]:
    """Every visit in order of its coming, with all that is the resident's own drawn beforehand."""
    chance = chance_of(seed, "residents")
    makers = {queue: _guests(scenario, queue, chance) for queue in scenario.demand}
    numbers = count(1)
    for at_s, queue, service_s in _moments(scenario, days, seed):
        yield makers[queue](VisitId(f"{next(numbers):09d}"), at_s, service_s)


def _guests(
    scenario: Scenario, queue: QueueId, chance: random.Random
) -> Callable[[VisitId, float, float | None], Guest]:
    """What makes visits of one queue."""
    demand, rules = scenario.demand[queue], scenario.rules
    service = demand.service.drawing(chance)
    patience = demand.patience.drawing(chance) if demand.patience else None
    city = rules.queues[queue].city
    priority = sharing(demand.priorities, Priority.ORDINARY, chance)
    starts_s = {each: rules.head_start_s(city, each) for each in Priority}
    language = sharing(demand.languages, ANY, chance)
    stays = sharing({True: demand.stay}, False, chance)

    def guest(visit: VisitId, at_s: float, service_s: float | None) -> Guest:
        return Guest(
            visit,
            queue,
            at_s - starts_s[priority()],
            at_s,
            language(),
            demand.also,
            demand.allowed,
            (),
            stays(),
            service_s=service() if service_s is None else service_s,
            leaves_s=inf if patience is None else at_s + patience(),
        )

    return guest


def _moments(
    scenario: Scenario, days: int, seed: int
) -> Iterator[tuple[float, QueueId, float | None]]:
    """When which queue gets a visit, and its service seconds where they are recorded."""
    recorded = sorted(
        (at_s, queue, service_s)
        for queue, demand in scenario.demand.items()
        for at_s, service_s in demand.recorded or ()
        if at_s < days * DAY_S
    )
    by_chance = {q: d.per_half_hour for q, d in scenario.demand.items() if d.recorded is None}
    drawn = _by_chance(by_chance, days, chance_of(seed, "arrivals"))
    return merge(recorded, drawn) if recorded else drawn


def _by_chance(
    rates: Mapping[QueueId, Sequence[float]], days: int, chance: random.Random
) -> Iterator[tuple[float, QueueId, float | None]]:
    """Poisson arrivals whose rates are constant within a half hour."""
    queues = list(rates)
    sums = [list(accumulate(rates[queue][slot] for queue in queues)) for slot in range(SLOTS)]
    for slot in range(days * SLOTS):
        bounds = sums[slot % SLOTS]
        if not bounds or bounds[-1] <= 0.0:
            continue
        total_rate = bounds[-1]
        mean_s = SLOT_S / total_rate
        at_s, end_s = slot * SLOT_S, (slot + 1) * SLOT_S
        while (at_s := at_s - log(1.0 - chance.random()) * mean_s) < end_s:
            place = bisect_right(bounds, chance.random() * total_rate)
            yield at_s, queues[min(place, len(queues) - 1)], None
