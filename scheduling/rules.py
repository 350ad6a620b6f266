"""Which rules does routing follow? Queues, skills, head starts, overflow, as values an admin sets.

Pure. `check` refuses what would route in circles or let somebody starve, and names the field.
What the rules lead to is `routing.py`; where they are kept is `rulebook.py`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Literal, NewType

from scheduling.visit import CityCode, ClerkId, MatterCode

QueueId = NewType("QueueId", str)

MAX_HEAD_START_S = 4 * 3600.0
MAX_WAIT_S = 24 * 3600.0
MAX_RING_S = 300.0
MAX_OPEN_RECORDS = 5
Language = Literal["", "cmn", "en", "wuu", "yue", "csl"]
# BCP 47: Mandarin, English, Shanghainese and its kin, Cantonese, Chinese sign language.
LANGUAGES: tuple[Language, ...] = ("cmn", "en", "wuu", "yue", "csl")


class BadRule(ValueError):  # noqa: N818
    """A rule cannot be right; the text begins with the field."""


class Level(IntEnum):
    """How a clerk serves a queue; a backup only after the queue's `backup_after_s`."""

    PRIMARY = 1
    SECONDARY = 2
    BACKUP = 3


class Priority(StrEnum):
    """Why a visit gets a head start."""

    BOOKED = "booked"
    ELDERLY = "elderly"
    DISABLED = "disabled"
    VETERAN = "veteran"
    INFANT = "infant"
    RETURNING = "returning"
    ORDINARY = "ordinary"


HEAD_STARTS_S: Mapping[Priority, float] = {
    Priority.BOOKED: 7200.0,
    Priority.ELDERLY: 600.0,
    Priority.DISABLED: 600.0,
    Priority.VETERAN: 300.0,
    Priority.INFANT: 300.0,
    Priority.RETURNING: 900.0,
    Priority.ORDINARY: 0.0,
}


@dataclass(frozen=True, slots=True)
class Queue:
    """A group of matters of one competent city, and how its visits are served.

    After `language_after_s` of waiting a wish for a language falls back to any clerk; after
    `backup_after_s` backups are offered the visit too, after `named_after_s` a visit transferred
    to one clerk goes to all. `target_share` of visits should be answered within `target_s`. An
    `escalation` queue ("can't get it done") is closed with an answer. `capacity` is how many
    appointments a half hour takes.
    """

    id: QueueId
    city: CityCode
    name_zh: str
    name_en: str
    letter: str
    matters: tuple[MatterCode, ...]
    kind: Literal["ordinary", "escalation"] = "ordinary"
    ring_s: float = 20.0
    language_after_s: float = 120.0
    backup_after_s: float = 60.0
    named_after_s: float = 120.0
    may_pull: bool = False
    target_s: float = 60.0
    target_share: float = 0.9
    capacity: int = 2


@dataclass(frozen=True, slots=True)
class Skills:
    """What a clerk can do. `capacity` is how many records may be open at once (0: no offers)."""

    clerk: ClerkId
    levels: Mapping[QueueId, Level]
    languages: frozenset[str] = frozenset(("cmn",))
    capacity: int = 1


When = Literal["waited", "expected_wait", "nobody_on_duty", "service_level"]


@dataclass(frozen=True, slots=True)
class Overflow:
    """When visits of `queue` are also listed in `partner`.

    `threshold` is seconds (`waited`, `expected_wait`), a share of visits answered in time below
    which it holds (`service_level`), or nothing (`nobody_on_duty`).
    """

    queue: QueueId
    partner: QueueId
    when: When
    threshold: float = 0.0


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything an admin sets about routing."""

    queues: Mapping[QueueId, Queue]
    overflows: tuple[Overflow, ...] = ()
    head_starts_s: Mapping[CityCode, Mapping[Priority, float]] | None = None

    def head_start_s(self, city: str, priority: Priority) -> float:
        """The city's head start for this priority, or the usual one."""
        of_city = (self.head_starts_s or {}).get(CityCode(city), {})
        return of_city.get(priority, HEAD_STARTS_S[priority])

    def queue_of(self, city: str, matter: str) -> Queue | None:
        """The queue that serves this matter for this city."""
        for queue in self.queues.values():
            if queue.city == city and matter in queue.matters:
                return queue
        return None


def check_head_starts(starts_s: Mapping[Priority, float]) -> None:
    """Raises BadRule for a head start under which ordinary visits would starve."""
    for priority, seconds in starts_s.items():
        if not 0 <= seconds <= MAX_HEAD_START_S:
            raise BadRule(
                f"head_starts_s.{priority}: 0 to {MAX_HEAD_START_S:.0f} seconds; more would let"
                " ordinary visits starve"
            )
    if starts_s.get(Priority.ORDINARY, 0.0) != 0.0:
        raise BadRule("head_starts_s.ordinary: ordinary visits have no head start")


def check_queue(queue: Queue, others: Iterable[Queue], known_matters: Collection[str]) -> None:
    """Raises BadRule."""
    if not queue.name_zh.strip() or not queue.name_en.strip():
        raise BadRule("name: a queue has a Chinese and an English name")
    if not (len(queue.letter) == 1 and queue.letter.isascii() and queue.letter.isupper()):
        raise BadRule("letter: one capital letter, which leads its ticket numbers")
    if not queue.matters:
        raise BadRule("matters: a queue serves at least one matter")
    for matter in queue.matters:
        if matter not in known_matters:
            raise BadRule(f"matters: there is no matter {matter}")
    for name in ("language_after_s", "backup_after_s", "named_after_s"):
        if not 0 <= getattr(queue, name) <= MAX_WAIT_S:
            raise BadRule(f"{name}: 0 to {MAX_WAIT_S:.0f} seconds")
    if not 1 <= queue.ring_s <= MAX_RING_S:
        raise BadRule(f"ring_s: 1 to {MAX_RING_S:.0f} seconds")
    if not 1 <= queue.target_s <= MAX_WAIT_S:
        raise BadRule(f"target_s: 1 to {MAX_WAIT_S:.0f} seconds")
    if not 0 <= queue.target_share <= 1:
        raise BadRule("target_share: 0 to 1")
    if not 0 <= queue.capacity <= 100:
        raise BadRule("capacity: 0 to 100 appointments in half an hour")
    for other in others:
        if other.id == queue.id or other.city != queue.city:
            continue
        if other.letter == queue.letter:
            raise BadRule(f"letter: {queue.letter} is the letter of {other.name_en}")
        if both := set(other.matters) & set(queue.matters):
            raise BadRule(f"matters: {min(both)} is served by {other.name_en}")


def check_overflows(
    overflows: Iterable[Overflow],
    queues: Mapping[QueueId, Queue],
    beside: Iterable[Overflow] = (),
) -> None:
    """Raises BadRule for an unknown queue, a threshold that cannot be, and a circle of cities.

    `beside` are the rules of other cities, which are right already.
    """
    partners: dict[QueueId, set[QueueId]] = {}
    for rule in beside:
        partners.setdefault(rule.queue, set()).add(rule.partner)
    seen = set()
    for number, rule in enumerate(overflows):
        where = f"overflows[{number}]"
        for name in ("queue", "partner"):
            if getattr(rule, name) not in queues:
                raise BadRule(f"{where}.{name}: there is no queue {getattr(rule, name)}")
        queue, partner = queues[rule.queue], queues[rule.partner]
        if queue.city == partner.city:
            raise BadRule(f"{where}.partner: a queue of another city")
        if not set(queue.matters) & set(partner.matters):
            raise BadRule(f"{where}.partner: it serves none of the queue's matters")
        limit = 1.0 if rule.when == "service_level" else MAX_WAIT_S
        if not 0 <= rule.threshold <= limit:
            raise BadRule(f"{where}.threshold: 0 to {limit:g}")
        if (rule.queue, rule.partner, rule.when) in seen:
            raise BadRule(f"{where}.when: this rule is there twice")
        seen.add((rule.queue, rule.partner, rule.when))
        partners.setdefault(queue.id, set()).add(partner.id)
        if circle := _way_back(queue.id, partners):
            raise BadRule(f"{where}.partner: the rules form a circle: {' → '.join(circle)}")


def check_skills(skills: Skills, queues: Collection[QueueId]) -> None:
    """Raises BadRule."""
    for queue in skills.levels:
        if queue not in queues:
            raise BadRule(f"levels: there is no queue {queue}")
    for language in skills.languages:
        if language not in LANGUAGES:
            raise BadRule(f"languages: {language} is none of {', '.join(LANGUAGES)}")
    if not 0 <= skills.capacity <= MAX_OPEN_RECORDS:
        raise BadRule(f"capacity: 0 to {MAX_OPEN_RECORDS} open records")


def _way_back(queue: QueueId, partners: Mapping[QueueId, set[QueueId]]) -> list[QueueId]:
    """The way from a queue back to itself over its partners' partners; empty if there is none."""
    ways = [[queue, partner] for partner in sorted(partners.get(queue, ()))]
    seen: set[QueueId] = set()
    while ways:
        way = ways.pop()
        if way[-1] == queue:
            return way
        if way[-1] not in seen:
            seen.add(way[-1])
            ways.extend([*way, further] for further in sorted(partners.get(way[-1], ())))
    return []
