"""How long will it take? The expected wait of a queue, from who is before and who serves. Pure.

Clerks take the earliest visit of all queues they serve, so who waits is also behind visits of other
queues: behind those that the same clerks will serve. The same estimate is shown to residents and
clerks, decides overflow, and is measured in the simulation.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence

from scheduling.rules import QueueId
from scheduling.visit import ClerkId

RECENT = 50
Entry = tuple[float, str]  # virtual arrival in seconds, visit: the order of a line


class ServiceTimes:
    """The mean length of a queue's recent visits with their wrap-up, in seconds."""

    __slots__ = ("_default_s", "_recent", "_sum")

    def __init__(self, default_s: float, recent: Iterable[float] = ()) -> None:
        self._default_s = default_s
        self._recent: deque[float] = deque(recent, RECENT)
        self._sum = sum(self._recent)

    def add(self, seconds: float) -> None:
        """One more visit was served."""
        if len(self._recent) == RECENT:
            self._sum -= self._recent[0]
        self._recent.append(seconds)
        self._sum += seconds

    @property
    def mean_s(self) -> float:
        """Of the last 50; while there are few, the usual length counts as if it were ten more."""
        weight = max(0, 10 - len(self._recent))
        return (self._sum + weight * self._default_s) / (len(self._recent) + weight)


def expected_wait_s(
    queue: QueueId,
    entry: Entry,
    *,
    lines: Mapping[QueueId, Sequence[Entry]],
    pools: Mapping[QueueId, Collection[ClerkId]],
    idle: Collection[ClerkId],
    service: Mapping[QueueId, ServiceTimes],
) -> float | None:
    """Seconds until a visit at `entry` of this queue's line is offered; None if nobody serves it.

    `lines` are the waiting visits, in order, of this queue and of those that share clerks with it;
    `pools` the clerks on duty for each, `idle` those of them who are ready. With n clerks whose
    visits last m on average, one of them becomes free every m/n seconds; before this visit come
    those of its own queue and, of each queue that shares clerks with it, the share that those
    clerks will serve.
    """
    pool = set(pools.get(queue, ()))
    if not pool:
        return None
    spare = len(pool.intersection(idle))
    work_s, ahead = 0.0, 0.0
    for other, line in lines.items():
        before = bisect_left(line, entry) if line else 0
        if before:
            share = 1.0
            if other != queue:
                servers = pools.get(other, ())
                share = len(pool.intersection(servers)) / len(servers) if servers else 0.0
            ahead += before * share
            work_s += before * share * service[other].mean_s
    if ahead < spare:
        return 0.0
    if ahead:
        work_s *= 1.0 - spare / ahead
    return (work_s + service[queue].mean_s) / len(pool)
