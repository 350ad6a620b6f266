"""How long will it take? The expected wait of a queue, from who is before and who serves. Pure.

Clerks take the earliest visit of all queues they serve, so who waits is also behind visits of other
queues: behind those that the same clerks will serve. The same estimate is shown to residents and
clerks, decides overflow, and is measured in the simulation.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Mapping, Sequence, Set
from math import inf, log1p

from scheduling.rules import QueueId
from scheduling.visit import ClerkId

RECENT = 50  # service times of a queue
REMEMBERED = 400  # residents
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


class Residents:
    """What residents did of late: which head starts they came with, and how long they stayed.

    `recent` are head starts, `waits` pairs of seconds waited and whether the visit left.
    """

    __slots__ = ("_came", "_left", "_starts", "_waited_s", "_waits")

    def __init__(
        self, recent: Iterable[float] = (), waits: Iterable[tuple[float, bool]] = ()
    ) -> None:
        self._came: deque[float] = deque()
        self._starts: dict[float, int] = {}
        self._waits: deque[tuple[float, bool]] = deque()
        self._waited_s, self._left = 0.0, 0
        for head_start_s in recent:
            self.came(head_start_s)
        for seconds, left in waits:
            self.waited(seconds, left=left)

    def came(self, head_start_s: float) -> None:
        """One more visit joined a line."""
        start_s = head_start_s // 60.0 * 60.0
        came, starts = self._came, self._starts
        came.append(start_s)
        starts[start_s] = starts.get(start_s, 0) + 1
        if len(came) > REMEMBERED:
            starts[came.popleft()] -= 1

    def waited(self, seconds: float, *, left: bool) -> None:
        """One more wait is over: the visit was offered, or it left."""
        self._waits.append((seconds, left))
        self._waited_s += seconds
        self._left += left
        if len(self._waits) > REMEMBERED:
            oldest_s, had_left = self._waits.popleft()
            self._waited_s -= oldest_s
            self._left -= had_left

    @property
    def patience_s(self) -> float:
        """Mean patience: all time waited, and an hour for the first days, over those who left."""
        return (self._waited_s + 3600.0) / self._left if self._left else inf

    def overtaken_s(self, wait_s: float, since_s: float) -> float:
        """The wait of a visit that would be served after `wait_s` if nobody came later.

        Those overtake it who come within their head start of its virtual arrival, `since_s` ago:
        where there is a line, about as many come as are served, so their share of those who come
        is the share of the clerks' work that goes to them.
        """
        starts = sorted((s - since_s, n) for s, n in self._starts.items() if n and s > since_s)
        share = sum(n for _, n in starts) / max(len(self._came), 1)
        passed_s, left_s = 0.0, wait_s
        for until_s, number in starts:
            spared_s = (until_s - passed_s) * (1.0 - share)
            if spared_s >= left_s:
                break
            passed_s, left_s = until_s, left_s - spared_s
            share -= number / len(self._came)
        return passed_s + left_s / max(1.0 - share, 0.1)


def expected_wait_s(
    queue: QueueId,
    entry: Entry,
    *,
    lines: Mapping[QueueId, Sequence[Entry]],
    pools: Mapping[QueueId, Set[ClerkId]],
    idle: Set[ClerkId],
    service: Mapping[QueueId, ServiceTimes],
    residents: Residents,
    since_s: float = 0.0,
    speakers: Set[ClerkId] | None = None,
    language_after_s: float = 0.0,
) -> float | None:
    """Seconds until a visit at `entry` of this queue's line is offered; None if nobody serves it.

    `lines` are the waiting visits, in order, of this queue and of those that share clerks with it;
    `pools` the clerks on duty for each, `idle` those of them who are ready. The visit's virtual
    arrival was `since_s` ago. Who wishes for a language waits for the pool's `speakers` alone, or
    for any clerk once `language_after_s` are over.

    With n clerks whose visits last m on average, one of them becomes free every m/n seconds; before
    this visit come those of its own queue and, of each queue that shares clerks with it, the share
    that those clerks will serve. Some will come later and overtake it, and some of those ahead
    will leave: with patience p, a wait of t shrinks to p·ln(1 + t/p).
    """

    def wait_s(pool: Set[ClerkId]) -> float | None:
        bare_s = _bare_wait_s(queue, entry, pool, lines, pools, idle, service)
        if not bare_s:
            return bare_s
        overtaken_s, patience_s = residents.overtaken_s(bare_s, since_s), residents.patience_s
        return overtaken_s if patience_s == inf else patience_s * log1p(overtaken_s / patience_s)

    anyones_s = wait_s(pools.get(queue, frozenset()))
    if speakers is None or anyones_s is None:
        return anyones_s
    theirs_s, anyones_s = wait_s(speakers), max(anyones_s, language_after_s)
    return anyones_s if theirs_s is None else min(theirs_s, anyones_s)


def _bare_wait_s(
    queue: QueueId,
    entry: Entry,
    pool: Set[ClerkId],
    lines: Mapping[QueueId, Sequence[Entry]],
    pools: Mapping[QueueId, Set[ClerkId]],
    idle: Set[ClerkId],
    service: Mapping[QueueId, ServiceTimes],
) -> float | None:
    """The wait for these clerks if nobody came any more and nobody left."""
    if not pool:
        return None
    spare = len(pool & idle)
    work_s, ahead = 0.0, 0.0
    for other, line in lines.items():
        before = bisect_left(line, entry) if line else 0
        if before:
            servers = pools.get(other, frozenset())
            share = len(pool & servers) / len(servers) if servers else 0.0
            ahead += before * share
            work_s += before * share * service[other].mean_s
    if ahead < spare:
        return 0.0
    if ahead:
        work_s *= 1.0 - spare / ahead
    return (work_s + service[queue].mean_s) / len(pool)
