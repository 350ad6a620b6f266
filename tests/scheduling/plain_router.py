"""The router as slowly and plainly as can be: what the rules say, looked up anew at each event."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from scheduling.routing import Listed, Offer, Waiting
from scheduling.rules import Level, Overflow, QueueId, Rules, Skills
from scheduling.visit import ClerkId, VisitId

Entry = tuple[float, str]


@dataclass
class PlainClerk:
    skills: Skills
    on_duty: bool = False
    idle_since_s: float | None = None


@dataclass
class PlainVisit:
    """A waiting visit, and when time was last looked at for it."""

    asked: Waiting
    looked_s: float
    overflowed: tuple[QueueId, ...] = ()

    @property
    def entry(self) -> Entry:
        return (self.asked.virtual_s, self.asked.visit)

    @property
    def listings(self) -> tuple[QueueId, ...]:
        return (self.asked.queue, *self.asked.also, *self.overflowed)


@dataclass
class PlainRouter:
    rules: Rules
    clerks: dict[ClerkId, PlainClerk] = field(default_factory=dict)
    visits: dict[VisitId, PlainVisit] = field(default_factory=dict)
    shares: dict[QueueId, float] = field(default_factory=dict)
    listed: list[Listed] = field(default_factory=list)

    # Who may take what

    def levels(self, visit: PlainVisit, clerk_id: ClerkId, now_s: float) -> Iterator[int]:
        """At which levels the clerk may take the visit; none if they may not."""
        asked, clerk = visit.asked, self.clerks[clerk_id]
        if not asked.present or (asked.not_by or {}).get(clerk_id, now_s) > now_s:
            return

        def waited(seconds: float) -> bool:
            return visit.looked_s >= asked.since_s + seconds

        if asked.only == clerk_id:
            yield 0
        if asked.only is not None and not waited(self.rules.queues[asked.queue].named_after_s):
            return
        for queue_id in visit.listings:
            queue, level = self.rules.queues[queue_id], clerk.skills.levels.get(queue_id)
            if level is None or (level is Level.BACKUP and not waited(queue.backup_after_s)):
                continue
            understood = not asked.language or asked.language in clerk.skills.languages
            if understood or waited(queue.language_after_s):
                yield level

    def best_clerk(self, visit: PlainVisit, now_s: float) -> ClerkId | None:
        """Best level, then idle longest."""
        able = [
            (min(levels), clerk.idle_since_s, clerk_id)
            for clerk_id, clerk in self.clerks.items()
            if clerk.idle_since_s is not None
            if (levels := list(self.levels(visit, clerk_id, now_s)))
        ]
        return min(able)[2] if able else None

    def in_order(self) -> list[PlainVisit]:
        return sorted(self.visits.values(), key=lambda visit: visit.entry)

    def line(self, queue: QueueId) -> list[Entry]:
        return [visit.entry for visit in self.in_order() if queue in visit.listings]

    def pool(self, queue: QueueId) -> set[ClerkId]:
        return {
            c for c, clerk in self.clerks.items() if clerk.on_duty if queue in clerk.skills.levels
        }

    # Events

    def give(self, skills: Skills) -> None:
        self.clerks[skills.clerk] = PlainClerk(skills)

    def ready(self, clerk_id: ClerkId, now_s: float, since_s: float) -> VisitId | None:
        clerk = self.clerks[clerk_id]
        clerk.on_duty, clerk.idle_since_s = True, None
        if clerk.skills.capacity < 1:
            return None
        for visit in self.in_order():
            if list(self.levels(visit, clerk_id, now_s)):
                del self.visits[visit.asked.visit]
                return visit.asked.visit
        clerk.idle_since_s = since_s
        return None

    def stop(self, clerk_id: ClerkId, *, on_duty: bool) -> None:
        clerk = self.clerks[clerk_id]
        clerk.on_duty, clerk.idle_since_s = on_duty, None

    def arrive(self, asked: Waiting, now_s: float) -> ClerkId | None:
        visit = PlainVisit(replace(asked), now_s, asked.overflowed)
        self.visits[asked.visit] = visit
        self._overflow_by_wait(visit)
        return self._meet(visit, now_s)

    def tick(
        self, now_s: float, wait_s: Callable[[QueueId, Entry], float | None]
    ) -> set[tuple[VisitId, ClerkId]]:
        holding = [
            (visit, rule)
            for rule in self.rules.overflows
            for visit in self.in_order()
            if visit.asked.queue == rule.queue and self._holds(visit, rule, wait_s)
        ]
        for visit, rule in holding:
            self._overflow(visit, rule)
        for visit in self.visits.values():
            visit.looked_s = now_s
            self._overflow_by_wait(visit)
        return {
            (visit.asked.visit, clerk)
            for visit in self.in_order()
            if (clerk := self._meet(visit, now_s)) is not None
        }

    # Inside

    def _meet(self, visit: PlainVisit, now_s: float) -> ClerkId | None:
        clerk = self.best_clerk(visit, now_s)
        if clerk is not None:
            self.clerks[clerk].idle_since_s = None
            del self.visits[visit.asked.visit]
        return clerk

    def _holds(
        self, visit: PlainVisit, rule: Overflow, wait_s: Callable[[QueueId, Entry], float | None]
    ) -> bool:
        match rule.when:
            case "nobody_on_duty":
                return not self.pool(rule.queue)
            case "service_level":
                return self.shares.get(rule.queue, 1.0) < rule.threshold
            case "expected_wait":
                wait = wait_s(rule.queue, visit.entry)
                return wait is None or wait > rule.threshold
            case "waited":
                return False

    def _overflow_by_wait(self, visit: PlainVisit) -> None:
        for rule in self.rules.overflows:
            by_wait = rule.when == "waited" and rule.queue == visit.asked.queue
            if by_wait and visit.looked_s >= visit.asked.since_s + rule.threshold:
                self._overflow(visit, rule)

    def _overflow(self, visit: PlainVisit, rule: Overflow) -> None:
        asked = visit.asked
        if rule.partner not in asked.allowed or asked.stays or asked.only is not None:
            return
        if rule.partner not in visit.listings:
            visit.overflowed = (*visit.overflowed, rule.partner)
            self.listed.append(Listed(asked.visit, rule))


def taken(offer: Offer | None) -> VisitId | None:
    return offer.visit if offer else None


def taker(offer: Offer | None) -> ClerkId | None:
    return offer.clerk if offer else None
