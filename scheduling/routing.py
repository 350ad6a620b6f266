"""Who is served by whom, and when? The router: arrivals, clerks and time in, offers out. Pure.

Two rules hold after every event, and are what the tests prove:

- nobody waits while a clerk who may take the visit is idle;
- a clerk who becomes ready gets, of all visits they may take, the one of earliest virtual arrival;
  a visit that finds idle clerks gets the best level among them, then the one idle longest.

`dispatch.py` feeds it from the database and turns offers into transactions; `simulate.py` runs the
same router in virtual time. All times are seconds on one clock that the caller chooses.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import NamedTuple

from scheduling.rules import Level, Overflow, QueueId, Rules, Skills
from scheduling.visit import ClerkId, VisitId
from scheduling.waits import Entry, Residents, ServiceTimes, expected_wait_s

ANY = ""  # no wish for a language, or a wish that has fallen back
SECOND_LOOK_S = 300.0  # a declined visit is offered to the same clerk again after so long


@dataclass(slots=True, eq=False)
class Waiting:
    """A visit that waits. `virtual_s` is its arrival less its head start, and orders the line.

    It is listed in its own `queue`, at once in `also` (agreements), and by overflow in those of
    `allowed`, unless the resident `stays`. `only` names the clerk it was transferred to; `not_by`
    the clerks who declined it, and until when. One that is not `present` keeps its place but does
    not ring.
    """

    visit: VisitId
    queue: QueueId
    virtual_s: float
    since_s: float
    language: str = ANY
    also: Sequence[QueueId] = ()
    allowed: Sequence[QueueId] = ()
    overflowed: tuple[QueueId, ...] = ()
    stays: bool = False
    only: ClerkId | None = None
    not_by: Mapping[ClerkId, float] | None = None
    present: bool = True
    lanes: "list[_Lane] | None" = None


class Offer(NamedTuple):
    """A visit that rings at a clerk; `queue` is the listing through which it came."""

    visit: VisitId
    clerk: ClerkId
    queue: QueueId


class Listed(NamedTuple):
    """A visit that is now also listed in a partner queue, and by which rule."""

    visit: VisitId
    rule: Overflow


class _Lane:
    """Visits and idle clerks that may meet: one queue, one language or any, backups or not.

    Clerks stand in the lane for any language alone (`wide`): wishes are rare, and a clerk who has
    many queues and languages would have to stand in all of them. That lane knows those for one
    language (`tongues`).
    """

    __slots__ = ("entries", "idle", "language", "queue", "tongues", "wide")

    def __init__(self, queue: QueueId, language: str, wide: "_Lane | None") -> None:
        self.queue, self.language = queue, language
        self.wide = self if wide is None else wide
        self.entries: list[Entry] = []
        self.idle: list[tuple[int, float, ClerkId]] = []
        self.tongues: dict[str, _Lane] = {}


@dataclass(slots=True, eq=False)
class _Clerk:
    """A clerk as the router knows them; `idle_since_s` is set while they are ready."""

    skills: Skills
    stands: list[tuple[int, _Lane]] = field(default_factory=list)
    on_duty: bool = False
    idle_since_s: float | None = None


class Router:
    """The lines of all queues, and the clerks who serve them."""

    def __init__(self, rules: Rules, service_s: Mapping[QueueId, float] | None = None) -> None:
        self._rules = rules
        self._lanes: dict[tuple[str, str, bool], _Lane] = {}
        self._clerks: dict[ClerkId, _Clerk] = {}
        self._waiting: dict[VisitId, Waiting] = {}
        self._wishes = 0  # listings in lanes for one language
        self._due: list[tuple[float, int, Waiting]] = []
        self._dues = count()
        self._kin: dict[QueueId, set[QueueId]] = {}
        self._backed: set[QueueId] = set()
        self._by_wait: dict[QueueId, list[Overflow]] = {}
        self._by_state: dict[QueueId, list[Overflow]] = {}
        for rule in rules.overflows:
            kind = self._by_wait if rule.when == "waited" else self._by_state
            kind.setdefault(rule.queue, []).append(rule)
        self.lines: dict[QueueId, list[Entry]] = {queue: [] for queue in rules.queues}
        self.pools: dict[QueueId, set[ClerkId]] = {queue: set() for queue in rules.queues}
        self.idle: set[ClerkId] = set()
        self.service = {
            queue: ServiceTimes((service_s or {}).get(queue, 600.0)) for queue in rules.queues
        }
        self.residents = Residents()
        self.shares: dict[QueueId, float] = {}  # answered in time, where it is known
        self._listed: list[Listed] = []

    # Clerks

    def set_skills(self, skills: Skills) -> None:
        """A new clerk, or new skills of one who is not ready now."""
        before = self._clerks.get(skills.clerk)
        if before is not None:
            self.away(skills.clerk)
        self._kin.clear()
        clerk = self._clerks[skills.clerk] = _Clerk(skills)
        clerk.stands.append((0, self._lane("", skills.clerk, False)))
        for queue in sorted(skills.levels):
            level = skills.levels[queue]
            backup = level is Level.BACKUP
            if backup and queue not in self._backed:
                self._backed.add(queue)
                self._open_to_backups(queue)
            clerk.stands.append((level, self._lane(queue, ANY, backup)))

    def knows(self, clerk_id: ClerkId) -> bool:
        """Whether this clerk's skills were told."""
        return clerk_id in self._clerks

    def ready(self, clerk_id: ClerkId, now_s: float, since_s: float | None = None) -> Offer | None:
        """The clerk is ready, since `since_s` (now): the visit to offer, or they are idle."""
        clerk = self._clerks[clerk_id]
        if clerk.idle_since_s is not None:
            self._busy(clerk_id, clerk)
        if not clerk.on_duty:
            self._set_duty(clerk_id, clerk, on_duty=True)
        if clerk.skills.capacity < 1:
            return None
        best: Entry | None = None
        via: _Lane | None = None
        lanes = [lane for _, lane in clerk.stands if lane.entries]
        if self._wishes:
            lanes += self._heard(clerk)
        for lane in lanes:
            if best is None or lane.entries[0] < best:
                entry = self._first_for(clerk_id, lane, now_s)
                if entry is not None and (best is None or entry < best):
                    best, via = entry, lane
        if best is not None and via is not None:
            waiting = self._waiting[VisitId(best[1])]
            self.remove(waiting.visit)
            return Offer(waiting.visit, clerk_id, via.queue or waiting.queue)
        since = now_s if since_s is None else since_s
        clerk.idle_since_s = since
        self.idle.add(clerk_id)
        for level, lane in clerk.stands:
            insort(lane.idle, (level, since, clerk_id))
        return None

    def busy(self, clerk_id: ClerkId) -> None:
        """The clerk is on duty and has a visit: in a call, offered one, or in wrap-up."""
        clerk = self._clerks[clerk_id]
        if clerk.idle_since_s is not None:
            self._busy(clerk_id, clerk)
        if not clerk.on_duty:
            self._set_duty(clerk_id, clerk, on_duty=True)

    def away(self, clerk_id: ClerkId) -> None:
        """The clerk is on a break, missed an offer, or went off duty."""
        clerk = self._clerks[clerk_id]
        if clerk.idle_since_s is not None:
            self._busy(clerk_id, clerk)
        if clerk.on_duty:
            self._set_duty(clerk_id, clerk, on_duty=False)

    # Visits

    def arrive(self, waiting: Waiting, now_s: float) -> Offer | None:
        """A visit joins the line at its virtual arrival: the clerk to offer it to, or it waits.

        One that is known already is taken anew, with what has changed.
        """
        if waiting.visit in self._waiting:
            self.remove(waiting.visit)
        return self._list(waiting, now_s)

    def remove(self, visit: VisitId) -> None:
        """The visit waits no more here: it left, was offered, or was pulled."""
        waiting = self._waiting.pop(visit, None)
        if waiting is None:
            return
        entry = (waiting.virtual_s, waiting.visit)
        for lane in waiting.lanes or ():
            _take(lane.entries, entry)
            if lane.language:
                self._wishes -= 1
        for queue in (waiting.queue, *waiting.also, *waiting.overflowed):
            _take(self.lines[queue], entry)

    def tick(self, now_s: float) -> list[Offer]:
        """What time brings: fallbacks that are due, and overflow by the state of a queue."""
        changed: dict[Entry, Waiting] = {}
        while self._due and self._due[0][0] <= now_s:
            _, _, waiting = heappop(self._due)
            if self._waiting.get(waiting.visit) is waiting:
                changed[waiting.virtual_s, waiting.visit] = waiting
        held = [
            (entry, rule)
            for queue, rules in self._by_state.items()
            if self.lines[queue]
            for rule in rules
            for entry in self._overflowing(queue, rule, now_s)
        ]
        for entry, rule in held:
            waiting = changed.get(entry) or self._waiting[VisitId(entry[1])]
            if self._may_overflow(waiting, rule):
                self._overflow(waiting, rule)
                changed[entry] = waiting
        offers: list[Offer] = []
        for _, waiting in sorted(changed.items()):  # in line order, however late the look
            self.remove(waiting.visit)
            offer = self._list(waiting, now_s)
            if offer is not None:
                offers.append(offer)
        return offers

    def take_listed(self) -> list[Listed]:
        """What overflow has listed since this was last asked."""
        taken, self._listed = self._listed, []
        return taken

    def next_due_s(self) -> float | None:
        """When `tick` has something to do next, apart from overflow by state."""
        return self._due[0][0] if self._due else None

    @property
    def waiting(self) -> Mapping[VisitId, Waiting]:
        """The visits in line."""
        return self._waiting

    # Waits

    def wait_s(
        self, queue: QueueId, entry: Entry, now_s: float, language: str = ANY
    ) -> float | None:
        """The expected wait of a visit at this place, with this wish for a language."""
        pool, speakers = self.pools[queue], None
        if language:
            speakers = {c for c in pool if language in self._clerks[c].skills.languages}
        return expected_wait_s(
            queue,
            entry,
            lines={kin: line for kin in self._kin_of(queue) if (line := self.lines[kin])},
            pools=self.pools,
            idle=self.idle,
            service=self.service,
            residents=self.residents,
            since_s=now_s - entry[0],
            speakers=speakers,
            language_after_s=self._rules.queues[queue].language_after_s,
        )

    def _kin_of(self, queue: QueueId) -> set[QueueId]:
        """This queue and all that share a clerk with it."""
        kin = self._kin.get(queue)
        if kin is None:
            kin = self._kin[queue] = {queue}
            for clerk in self._clerks.values():
                if queue in clerk.skills.levels:
                    kin.update(clerk.skills.levels)
        return kin

    # Inside

    def _lane(self, queue: str, language: str, backup: bool) -> _Lane:
        key = (queue, language, backup)
        lane = self._lanes.get(key)
        if lane is None:
            wide = self._lane(queue, ANY, backup) if queue and language else None
            lane = self._lanes[key] = _Lane(QueueId(queue), language if queue else ANY, wide)
            if wide is not None:
                wide.tongues[language] = lane
        return lane

    def _heard(self, clerk: _Clerk) -> list[_Lane]:
        """The lanes of visits that wish for a language the clerk speaks, of their queues."""
        return [
            lane
            for _, wide in clerk.stands
            if wide.tongues
            for language in clerk.skills.languages
            if (lane := wide.tongues.get(language)) is not None and lane.entries
        ]

    def _set_duty(self, clerk_id: ClerkId, clerk: _Clerk, *, on_duty: bool) -> None:
        clerk.on_duty = on_duty
        for queue in clerk.skills.levels:
            if on_duty:
                self.pools[queue].add(clerk_id)
            else:
                self.pools[queue].discard(clerk_id)

    def _busy(self, clerk_id: ClerkId, clerk: _Clerk) -> None:
        """Take an idle clerk out of every lane."""
        since = clerk.idle_since_s
        assert since is not None
        for level, lane in clerk.stands:
            idle = lane.idle
            del idle[bisect_left(idle, (level, since, clerk_id))]
        clerk.idle_since_s = None
        self.idle.discard(clerk_id)

    def _first_for(self, clerk: ClerkId, lane: _Lane, now_s: float) -> Entry | None:
        """The first visit of a lane that this clerk has not declined a short while ago."""
        for entry in lane.entries:
            not_by = self._waiting[VisitId(entry[1])].not_by
            if not not_by or not_by.get(clerk, now_s) <= now_s:
                return entry
        return None

    def _list(self, waiting: Waiting, now_s: float) -> Offer | None:
        for rule in self._by_wait.get(waiting.queue, ()):
            if waiting.since_s + rule.threshold <= now_s and self._may_overflow(waiting, rule):
                self._overflow(waiting, rule)
        lanes = waiting.lanes = self._lanes_of(waiting, now_s) if waiting.present else []
        offer = self._meet(waiting, lanes, now_s)
        if offer is not None:
            waiting.lanes = None
            return offer
        self._waiting[waiting.visit] = waiting
        entry = (waiting.virtual_s, waiting.visit)
        for lane in lanes:
            insort(lane.entries, entry)
            if lane.language:
                self._wishes += 1
        for queue in (waiting.queue, *waiting.also, *waiting.overflowed):
            insort(self.lines[queue], entry)
        due = self._next_change_s(waiting, now_s)
        if due is not None:
            heappush(self._due, (due, next(self._dues), waiting))
        return None

    def _open_to_backups(self, queue: QueueId) -> None:
        """The queue has its first backup: look at who waits there already when that is due."""
        after_s = self._rules.queues[queue].backup_after_s
        for _, visit in self.lines[queue]:
            waiting = self._waiting[VisitId(visit)]
            heappush(self._due, (waiting.since_s + after_s, next(self._dues), waiting))

    def _meet(self, waiting: Waiting, lanes: Iterable[_Lane], now_s: float) -> Offer | None:
        """The best idle clerk of these lanes, taken out of them."""
        best: tuple[int, float, ClerkId] | None = None
        via: _Lane | None = None
        for lane in lanes:
            for idle in lane.wide.idle:
                if waiting.not_by and waiting.not_by.get(idle[2], now_s) > now_s:
                    continue
                if lane.language and lane.language not in self._clerks[idle[2]].skills.languages:
                    continue
                if best is None or idle < best:
                    best, via = idle, lane
                break
        if best is None or via is None:
            return None
        self._busy(best[2], self._clerks[best[2]])
        return Offer(waiting.visit, best[2], via.queue or waiting.queue)

    def _lanes_of(self, waiting: Waiting, now_s: float) -> list[_Lane]:
        """Every lane that is open to this visit by now.

        Moments are compared as `_next_change_s` gives them: with a difference of two times, a
        rounded one, a visit could miss the moment it was due.
        """
        if not (
            waiting.language or waiting.also or waiting.overflowed
            or waiting.only is not None or waiting.queue in self._backed
        ):  # fmt: skip
            return [self._lane(waiting.queue, ANY, False)]
        queues, since_s = self._rules.queues, waiting.since_s
        lanes = []
        if waiting.only is not None:
            lanes.append(self._lane("", waiting.only, False))
            if now_s < since_s + queues[waiting.queue].named_after_s:
                return lanes
        for queue_id in (waiting.queue, *waiting.also, *waiting.overflowed):
            queue = queues[queue_id]
            fallen_back = now_s >= since_s + queue.language_after_s
            language = ANY if fallen_back else waiting.language
            lanes.append(self._lane(queue_id, language, False))
            if queue_id in self._backed and now_s >= since_s + queue.backup_after_s:
                lanes.append(self._lane(queue_id, language, True))
        return lanes

    def _next_change_s(self, waiting: Waiting, now_s: float) -> float | None:
        """When more lanes open to this visit, or a rule lists it elsewhere."""
        if not (
            waiting.language
            or waiting.not_by
            or waiting.only is not None
            or self._backed
            or waiting.queue in self._by_wait
        ):
            return None
        moments = [
            waiting.since_s + rule.threshold
            for rule in self._by_wait.get(waiting.queue, ())
            if self._may_overflow(waiting, rule)
        ]
        if waiting.only is not None:
            moments.append(waiting.since_s + self._rules.queues[waiting.queue].named_after_s)
        for queue_id in (waiting.queue, *waiting.also, *waiting.overflowed):
            queue = self._rules.queues[queue_id]
            if queue_id in self._backed:
                moments.append(waiting.since_s + queue.backup_after_s)
            if waiting.language:
                moments.append(waiting.since_s + queue.language_after_s)
        if waiting.not_by:
            moments.extend(waiting.not_by.values())
        return min((moment for moment in moments if now_s < moment < inf), default=None)

    def _may_overflow(self, waiting: Waiting, rule: Overflow) -> bool:
        return (
            rule.partner in waiting.allowed
            and not waiting.stays
            and waiting.only is None
            and rule.partner not in waiting.overflowed
            and rule.partner not in waiting.also
        )

    def _overflow(self, waiting: Waiting, rule: Overflow) -> None:
        """List it in the partner queue too, from the next listing on."""
        if waiting.visit in self._waiting:
            self.remove(waiting.visit)
        waiting.overflowed = (*waiting.overflowed, rule.partner)
        self._listed.append(Listed(waiting.visit, rule))

    def _overflowing(self, queue: QueueId, rule: Overflow, now_s: float) -> list[Entry]:
        """The visits of this queue for which a rule about the queue's state holds now."""
        line = self.lines[queue]
        if (
            not line
            or (rule.when == "nobody_on_duty" and self.pools[queue])
            or (rule.when == "service_level" and self.shares.get(queue, 1.0) >= rule.threshold)
        ):
            return []
        own = [e for e in line if self._waiting[VisitId(e[1])].queue == queue]
        if rule.when != "expected_wait":
            return own
        # The further behind, the longer the wait: the first that waits too long, and all after it.
        return own[
            bisect_left(own, True, key=lambda entry: self._waits_over(queue, entry, rule, now_s)) :
        ]

    def _waits_over(self, queue: QueueId, entry: Entry, rule: Overflow, now_s: float) -> bool:
        wait_s = self.wait_s(queue, entry, now_s)
        return wait_s is None or wait_s > rule.threshold


def _take(sorted_list: list, item: object) -> None:  # type: ignore[type-arg]
    """Remove an item from a sorted list where it is; nothing if it is not there."""
    at = bisect_left(sorted_list, item)
    if at < len(sorted_list) and sorted_list[at] == item:
        del sorted_list[at]
