"""When is which simulated clerk there, and how busy are they? Spans of duty over many days. Pure.

`simulate.py` sends clerks to their desks by it; real shifts are in `shifts.py`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scheduling.scenario import DAY_S, Plan
from scheduling.visit import ClerkId

Span = tuple[float, float]  # from, until, in seconds


@dataclass(slots=True, eq=False)
class Desk:
    """A clerk at work; `duty_since_s` is set until they have left after their shift."""

    clerk: ClerkId
    on_shift: bool = False
    busy: bool = False
    away: bool = False
    busy_since_s: float = 0.0
    duty_since_s: float | None = None
    duty_s: float = 0.0
    busy_s: float = 0.0
    visits: int = 0
    refused: int = 0


def duty_of(plan: Plan, days: int) -> list[Span]:
    """Every span of a clerk's duty; one that begins when another ends is the same."""
    return _joined(
        (day * DAY_S + begin_s, day * DAY_S + end_s)
        for day in range(days)
        for begin_s, end_s in plan.spans
    )


def opening_of(plans: Sequence[Plan], days: int) -> list[Span]:
    """Every day from the first clerk's coming to the last one's going, lunch or not."""
    spans = [span for plan in plans for span in plan.spans]
    if not spans:
        return []
    first_s, last_s = min(begin_s for begin_s, _ in spans), max(end_s for _, end_s in spans)
    return _joined((day * DAY_S + first_s, day * DAY_S + last_s) for day in range(days))


def use_of(desks: Iterable[Desk]) -> float:
    """The share of their duty that these clerks were busy."""
    busy_s, duty_s = 0.0, 0.0
    for desk in desks:
        busy_s += desk.busy_s
        duty_s += desk.duty_s
    return busy_s / duty_s if duty_s else 0.0


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, those that touch made one: a shift until midnight goes on after it."""
    joined: list[Span] = []
    for begin_s, end_s in sorted(spans):
        if joined and begin_s <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end_s, joined[-1][1]))
        else:
            joined.append((begin_s, end_s))
    return joined
