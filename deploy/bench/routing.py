"""How good and how fast is the routing? Its figures, one function each, in the order of `FIGURES`.

- `simulated_visits_per_cpu_s`: visits of the demo day (`deploy/simulation/demo_day.py`) that one
  second of CPU simulates, statistics included; of five runs the fastest, since other work on the
  machine only takes away. The wait is shown to every hundredth visit that has to wait.
- `expected_wait_error`: over those days, the median of |shown - real| / real for every answered
  visit that had to wait; the real wait ends when the visit rings at the clerk who answers.
- `expected_wait_error_quiet_day`: the same with 0.85 of the visits. Lines are short there, and
  nobody can say when the next of a few clerks will be free; it explains, it has no target.
- `offers_*_vs_raw`, `ready_to_offer_p99_*`: the store on both engines (`store.py`).
"""

import time
from collections.abc import Callable

from deploy.bench.report import Figure, at_least, at_most, figure
from deploy.bench.store import store_figures
from deploy.simulation.demo_day import demo_day
from scheduling.simulate import simulate

VISITS_PER_CPU_S = 50_000
ERROR = 0.25
QUIET = 0.85
DAYS = 5
_SEEDS = (1, 2, 3, 4, 5)


def routing_figures() -> list[Figure]:
    """Every figure of the routing, measured one after the other."""
    return [found for measure in FIGURES for found in measure()]


def simulated_visits_per_cpu_s() -> list[Figure]:
    """How fast virtual time passes."""
    scenario = demo_day()
    fastest = 0.0
    for seed in _SEEDS:
        began_s = time.process_time()
        visits = simulate(scenario, days=2, seed=seed, shown_every=100).visits
        fastest = max(fastest, visits / (time.process_time() - began_s))
    return [at_least("simulated_visits_per_cpu_s", fastest, "visits", VISITS_PER_CPU_S)]


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
