"""How good and how fast is the routing? Its figures, one function each, in the order of `FIGURES`.

- `simulated_visits_per_cpu_s`: visits that one second of CPU simulates, statistics included, in an
  office of the size of the store's: 200 queues of ten cities, 1,000 clerks with five queues each,
  nine tenths busy. Of three runs the fastest, since other work on the machine only takes away; the
  wait is shown to every hundredth visit that has to wait.
- `simulated_visits_per_cpu_s_demo_day`: the same on the demo day, whose clerks have twelve queues.
- `expected_wait_error`: over five demo days (`deploy/simulation/demo_day.py`), the median of
  |shown - real| / real for every answered visit that had to wait; the real wait ends when the visit
  rings at the clerk who answers.
- `expected_wait_error_quiet_day`: the same with 0.85 of the visits. Lines are short there, and
  nobody can say when the next of a few clerks will be free; it explains, it has no target.
- `offers_*_vs_raw`, `ready_to_offer_p99_*`: the store on both engines (`store.py`).
"""

import time
from collections.abc import Callable

from deploy.bench.offers import CITIES, CLERKS_A_CITY, QUEUES_A_CITY, QUEUES_A_CLERK
from deploy.bench.report import Figure, at_least, at_most, figure
from deploy.bench.store import store_figures
from deploy.simulation.demo_day import HABITS, PATIENCE, PRIORITIES, WRAP_UP, demo_day
from scheduling.rules import Level, Queue, QueueId, Rules, Skills
from scheduling.scenario import SLOT_S, SLOTS, Demand, Lengths, Plan, Scenario
from scheduling.simulate import simulate
from scheduling.visit import CityCode, ClerkId, MatterCode

VISITS_PER_CPU_S = 50_000
ERROR = 0.25
QUIET = 0.85
DAYS = 5
BUSY = 0.9
_SEEDS = (1, 2, 3)
_CITIES = [CityCode(f"9{number:05d}") for number in range(CITIES)]


def routing_figures() -> list[Figure]:
    """Every figure of the routing, measured one after the other."""
    return [found for measure in FIGURES for found in measure()]


def simulated_visits_per_cpu_s() -> list[Figure]:
    """How fast virtual time passes."""
    name = "simulated_visits_per_cpu_s"
    return [
        at_least(name, _per_cpu_s(_office(), days=1), "visits", VISITS_PER_CPU_S),
        figure(f"{name}_demo_day", _per_cpu_s(demo_day(), days=3), "visits"),
    ]


def expected_wait_error() -> list[Figure]:
    """How far the shown wait is from the real one."""
    return [
        at_most("expected_wait_error", _error(1.0), "of the wait", ERROR),
        figure("expected_wait_error_quiet_day", _error(QUIET), "of the wait"),
    ]


FIGURES: tuple[Callable[[], list[Figure]], ...] = (
    simulated_visits_per_cpu_s,
    expected_wait_error,
    store_figures,
)


def _error(visits: float) -> float:
    found = simulate(demo_day(visits), days=DAYS).total.expected_wait_error
    return float("nan") if found is None else found


def _per_cpu_s(scenario: Scenario, days: int) -> float:
    fastest = 0.0
    for seed in _SEEDS:
        began_s = time.process_time()
        visits = simulate(scenario, days=days, seed=seed, shown_every=100).visits
        fastest = max(fastest, visits / (time.process_time() - began_s))
    return fastest


def _office() -> Scenario:
    """Ten cities with twenty queues and a hundred clerks each, around the clock."""
    queues = {
        queue: Queue(queue, city, queue, queue, "A", (MatterCode("M"),))
        for city in _CITIES
        for queue in _queues_of(city)
    }
    visit = Lengths(600.0)
    clerks = [
        Skills(
            ClerkId(f"{city}-{number}"),
            {
                _queues_of(city)[(number * 3 + place) % QUEUES_A_CITY]: Level.PRIMARY
                if place < QUEUES_A_CLERK - 2
                else Level.SECONDARY
                for place in range(QUEUES_A_CLERK)
            },
        )
        for city in _CITIES
        for number in range(CLERKS_A_CITY)
    ]
    work_s = visit.mean_s + WRAP_UP.mean_s
    per_half_hour = BUSY * len(clerks) / len(queues) * SLOT_S / work_s
    demand = Demand(
        visit,
        (per_half_hour,) * SLOTS,
        wrap_up=WRAP_UP,
        patience=PATIENCE,
        priorities=PRIORITIES,
    )
    return Scenario(
        Rules(queues),
        dict.fromkeys(queues, demand),
        tuple(Plan(skills) for skills in clerks),
        HABITS,
    )


def _queues_of(city: CityCode) -> list[QueueId]:
    return [QueueId(f"{city}-{number}") for number in range(QUEUES_A_CITY)]
