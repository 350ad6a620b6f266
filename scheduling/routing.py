"""Who comes next, and how long will it take? Pure: the line and the windows in, pairs out.

First come, first served within a city; the window that has been ready longest is offered first.
A visit that comes back keeps the time at which it took its ticket, so it stands at the head again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from scheduling.visit import CityCode, ClerkId, VisitId


@dataclass(frozen=True, slots=True)
class Waiting:
    """A visit in line."""

    visit: VisitId
    city: CityCode
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class Ready:
    """A window that can be offered a visit, ready since `since`."""

    clerk: ClerkId
    city: CityCode
    since: datetime


def in_order(line: Sequence[Waiting]) -> list[Waiting]:
    """The line as it will be served; equal times by id, which is made in time order (UUIDv7)."""
    return sorted(line, key=lambda waiting: (waiting.taken_at, waiting.visit))


def pair(line: Sequence[Waiting], windows: Sequence[Ready]) -> list[tuple[VisitId, ClerkId]]:
    """The offers to make now: each visit and each clerk at most once."""
    free = sorted(windows, key=lambda window: (window.since, window.clerk))
    offers = []
    for waiting in in_order(line):
        window = next((w for w in free if w.city == waiting.city), None)
        if window is not None:
            free.remove(window)
            offers.append((waiting.visit, window.clerk))
    return offers


def expected_wait_s(*, ahead: int, service_s: float, ready: int, on_duty: int) -> int | None:
    """Seconds until a visit with `ahead` others before it is offered; None if nobody is on duty.

    `service_s` is the usual length of a call with its wrap-up. Windows that are ready now take the
    first of the line at once; the others become free evenly over a service time.
    """
    if on_duty == 0:
        return None
    if ahead < ready:
        return 0
    return round((ahead - ready + 1) * service_s / on_duty)
