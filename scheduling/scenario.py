"""What is simulated? Demand, clerks and habits beside the rules, as plain values. Pure.

A scenario is checked when it is made: `BadScenario` names the field. `simulate.py` runs it.
"""

import random
from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import exp, inf, isfinite, log, log1p, sqrt
from typing import Literal, TypeVar

from scheduling.rules import LANGUAGES, Priority, QueueId, Rules, Skills

DAY_S = 86_400.0
SLOT_S = 1800.0
SLOTS = 48
T = TypeVar("T")


class BadScenario(ValueError):  # noqa: N818
    """A scenario cannot be right; the text begins with the field."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long something takes: a distribution of seconds.

    `cv` is the standard deviation over the mean (lognormal only); `recorded` are drawn from as
    they are, and then `mean_s` is their mean.
    """

    mean_s: float
    kind: Literal["lognormal", "exponential", "fixed", "recorded"] = "lognormal"
    cv: float = 0.6
    recorded: tuple[float, ...] = ()

    @staticmethod
    def of(recorded: Sequence[float]) -> "Lengths":
        """Drawn from recorded ones."""
        return Lengths(sum(recorded) / len(recorded), "recorded", recorded=tuple(recorded))

    def drawing(self, chance: random.Random) -> Callable[[], float]:
        """What draws one length after the other."""
        mean_s = self.mean_s
        if self.kind == "recorded":
            return lambda: chance.choice(self.recorded)
        if self.kind == "fixed" or mean_s == 0.0:
            return lambda: mean_s
        if self.kind == "exponential":
            return lambda: -log(1.0 - chance.random()) * mean_s
        sigma = sqrt(log1p(self.cv**2))
        mu = log(mean_s) - sigma**2 / 2
        return lambda: exp(chance.gauss(mu, sigma))

    def check(self, where: str) -> None:
        """Raises BadScenario."""
        if self.kind == "recorded" and not self.recorded:
            raise BadScenario(f"{where}.recorded: at least one recorded length")
        if not all(0 <= seconds < DAY_S for seconds in self.recorded):
            raise BadScenario(f"{where}.recorded: seconds from 0 to a day")
        if not 0 <= self.mean_s <= DAY_S:
            raise BadScenario(f"{where}.mean_s: 0 seconds to a day")
        if not 0 <= self.cv <= 10:
            raise BadScenario(f"{where}.cv: 0 to 10")


@dataclass(frozen=True, slots=True)
class Demand:
    """Who comes to a queue, and how long their visits last.

    Visits come by chance at `per_half_hour` (48 means of a day, from midnight), or as `recorded`:
    seconds since the midnight before the first day, with the service seconds where known.
    `patience` is how long a resident waits before they leave (None: for ever). `priorities` and
    `languages` are shares of visits with a head start or a wish; `also` and `allowed` the partner
    queues of agreements, `stay` the share of residents who refuse another city.
    """

    service: Lengths
    per_half_hour: tuple[float, ...] = ()
    recorded: tuple[tuple[float, float | None], ...] | None = None
    wrap_up: Lengths = Lengths(0.0, "fixed")
    patience: Lengths | None = None
    priorities: Mapping[Priority, float] = field(default_factory=dict)
    languages: Mapping[str, float] = field(default_factory=dict)
    also: tuple[QueueId, ...] = ()
    allowed: tuple[QueueId, ...] = ()
    stay: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """A clerk, and when they are on duty each day: spans in seconds from midnight, breaks apart."""

    skills: Skills
    spans: tuple[tuple[float, float], ...] = ((0.0, DAY_S),)


@dataclass(frozen=True, slots=True)
class Habits:
    """How clerks answer: `accept_s` on average, and what share of offers they miss or decline.

    After a missed offer or a declined one they are ready again `back_s` later.
    """

    accept_s: float = 0.0
    missed: float = 0.0
    declined: float = 0.0
    back_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that a simulated day is made of.

    `look_s` is how often rules about a queue's state are looked at, as the running service does.
    """

    rules: Rules
    demand: Mapping[QueueId, Demand]
    clerks: tuple[Plan, ...]
    habits: Habits = Habits()
    look_s: float = 10.0

    def check(self) -> None:
        """Raises BadScenario. Rules and skills have checks of their own in `rules.py`."""
        queues = self.rules.queues
        if not queues:
            raise BadScenario("queues: at least one queue")
        for queue, demand in self.demand.items():
            if queue not in queues:
                raise BadScenario(f"demand.{queue}: there is no such queue")
            _check_demand(f"demand.{queue}", demand, queues)
        names: set[str] = set()
        for plan in self.clerks:
            where = f"clerks.{plan.skills.clerk}"
            if plan.skills.clerk in names:
                raise BadScenario(f"{where}: this clerk is there twice")
            names.add(plan.skills.clerk)
            _check_spans(where, plan.spans)
        for name in ("missed", "declined"):
            if not 0 <= getattr(self.habits, name) <= 1:
                raise BadScenario(f"habits.{name}: a share from 0 to 1")
        if self.habits.missed + self.habits.declined >= 1:
            raise BadScenario("habits.missed: with the declined ones less than all offers")
        for name in ("accept_s", "back_s"):
            if not 0 <= getattr(self.habits, name) <= DAY_S:
                raise BadScenario(f"habits.{name}: 0 seconds to a day")
        if not 0.1 <= self.look_s <= DAY_S:
            raise BadScenario("look_s: a tenth of a second to a day")


def _check_demand(where: str, demand: Demand, queues: Collection[QueueId]) -> None:
    if demand.recorded is None and len(demand.per_half_hour) != SLOTS:
        raise BadScenario(f"{where}.per_half_hour: {SLOTS} numbers, one for each half hour")
    if not all(0 <= rate <= 1e6 for rate in demand.per_half_hour):
        raise BadScenario(f"{where}.per_half_hour: visits from 0 to a million")
    for at_s, service_s in demand.recorded or ():
        if not (isfinite(at_s) and at_s >= 0):
            raise BadScenario(f"{where}.recorded: times from 0")
        if service_s is not None and not 0 <= service_s <= DAY_S:
            raise BadScenario(f"{where}.recorded: service from 0 seconds to a day")
    demand.service.check(f"{where}.service")
    demand.wrap_up.check(f"{where}.wrap_up")
    if demand.patience is not None:
        demand.patience.check(f"{where}.patience")
    for name, shares in (("priorities", demand.priorities), ("languages", demand.languages)):
        if not all(0 <= share <= 1 for share in shares.values()) or sum(shares.values()) > 1 + 1e-9:
            raise BadScenario(f"{where}.{name}: shares from 0 to 1, together at most 1")
    for language in demand.languages:
        if language not in LANGUAGES:
            raise BadScenario(f"{where}.languages: {language} is none of {', '.join(LANGUAGES)}")
    for name in ("also", "allowed"):
        for partner in getattr(demand, name):
            if partner not in queues:
                raise BadScenario(f"{where}.{name}: there is no queue {partner}")
    if not 0 <= demand.stay <= 1:
        raise BadScenario(f"{where}.stay: a share from 0 to 1")


def _check_spans(where: str, spans: Sequence[tuple[float, float]]) -> None:
    end_before = -inf
    for begin, end in sorted(spans):
        if not 0 <= begin < end <= DAY_S:
            raise BadScenario(f"{where}.spans: from a time to a later one of the same day")
        if begin < end_before:
            raise BadScenario(f"{where}.spans: two of them overlap")
        end_before = end


def sharing(shares: Mapping[T, float], rest: T, chance: random.Random) -> Callable[[], T]:
    """What draws from shares; `rest` where they leave something over."""
    chosen = [key for key, share in shares.items() if share > 0]
    if not chosen:
        return lambda: rest
    bounds = list(accumulate(shares[key] for key in chosen))
    drawn, most = chance.random, bounds[-1]

    def draw() -> T:
        share = drawn()
        return rest if share >= most else chosen[bisect_right(bounds, share)]

    return draw
