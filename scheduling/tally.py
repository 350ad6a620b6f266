"""How did the visits of a queue fare? Waits, answers and leaving, added up cheaply. Pure.

`simulate.py` counts here once for each visit, so the counting is plain and the summing up is left
to the end.
"""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from scheduling.rules import QueueId
from scheduling.visit import ClerkId

HOURS = 24


@dataclass(frozen=True, slots=True)
class Hour:
    """The visits that came in one hour of the day, over all days.

    `in_time` is the share answered within the queue's target (60 s where nothing else was set).
    """

    hour: int
    visits: int
    mean_wait_s: float
    in_time: float


@dataclass(frozen=True, slots=True)
class QueueResult:
    """How a queue did.

    A wait lasts until the visit is answered or leaves; `sent_home` are those still in line when
    the last clerk of the day went. `expected_wait_error` is the median of |shown - real| / real
    over answered visits that had to wait and were shown a wait, `shown` how many those are.
    `clerk_use` is the share of duty time that the queue's clerks were busy, with whatever queue.
    """

    queue: QueueId
    visits: int
    answered: int
    left: int
    sent_home: int
    elsewhere: int
    mean_wait_s: float
    p50_wait_s: float
    p90_wait_s: float
    p99_wait_s: float
    in_time: float
    left_share: float
    clerk_use: float
    shown: int
    expected_wait_error: float | None
    by_hour: tuple[Hour, ...]


@dataclass(frozen=True, slots=True)
class ClerkResult:
    """What a clerk did: seconds on duty and busy, visits served, offers missed or declined."""

    clerk: ClerkId
    duty_s: float
    busy_s: float
    visits: int
    refused: int


@dataclass(frozen=True, slots=True)
class Result:
    """What a simulation found."""

    days: int
    seed: int
    visits: int
    total: QueueResult
    queues: Mapping[QueueId, QueueResult]
    clerks: tuple[ClerkResult, ...]


class Tally:
    """The counts of one queue while visits come and go."""

    __slots__ = (
        "answered",
        "elsewhere",
        "errors",
        "hour_in_time",
        "hour_visits",
        "hour_wait_s",
        "left",
        "sent_home",
        "target_s",
        "today",
        "today_in_time",
        "waits",
    )  # fmt: skip

    def __init__(self, target_s: float) -> None:
        self.target_s = target_s
        self.waits = array("d")
        self.errors = array("d")
        self.answered = self.left = self.sent_home = self.elsewhere = 0
        self.today = self.today_in_time = 0
        self.hour_visits = [0] * HOURS
        self.hour_in_time = [0] * HOURS
        self.hour_wait_s = [0.0] * HOURS

    def waited(self, since_s: float, wait_s: float, *, answered: bool) -> None:
        """A visit that came at `since_s` was answered, or not."""
        hour = int(since_s / 3600.0) % HOURS
        self.waits.append(wait_s)
        self.hour_visits[hour] += 1
        self.hour_wait_s[hour] += wait_s
        self.today += 1
        if answered:
            self.answered += 1
            if wait_s <= self.target_s:
                self.hour_in_time[hour] += 1
                self.today_in_time += 1

    def result(self, queue: QueueId, clerk_use: float) -> QueueResult:
        """Everything of this queue, summed up."""
        waits = sorted(self.waits)
        visits = len(waits)
        return QueueResult(
            queue=queue,
            visits=visits,
            answered=self.answered,
            left=self.left,
            sent_home=self.sent_home,
            elsewhere=self.elsewhere,
            mean_wait_s=sum(waits) / visits if visits else 0.0,
            p50_wait_s=_at(waits, 0.5),
            p90_wait_s=_at(waits, 0.9),
            p99_wait_s=_at(waits, 0.99),
            in_time=sum(self.hour_in_time) / visits if visits else 1.0,
            left_share=self.left / visits if visits else 0.0,
            clerk_use=clerk_use,
            shown=len(self.errors),
            expected_wait_error=median(self.errors) if self.errors else None,
            by_hour=tuple(
                Hour(hour, count, self.hour_wait_s[hour] / count, self.hour_in_time[hour] / count)
                for hour, count in enumerate(self.hour_visits)
                if count
            ),
        )


def total(tallies: Sequence[Tally], clerk_use: float) -> QueueResult:
    """All queues as one."""
    whole = Tally(0.0)
    for tally in tallies:
        whole.waits.extend(tally.waits)
        whole.errors.extend(tally.errors)
        for name in ("answered", "left", "sent_home", "elsewhere"):
            setattr(whole, name, getattr(whole, name) + getattr(tally, name))
        for hour in range(HOURS):
            whole.hour_visits[hour] += tally.hour_visits[hour]
            whole.hour_in_time[hour] += tally.hour_in_time[hour]
            whole.hour_wait_s[hour] += tally.hour_wait_s[hour]
    return whole.result(QueueId(""), clerk_use)


def _at(ordered: Sequence[float], share: float) -> float:
    """The value that this share of all is at most."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
