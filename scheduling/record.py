"""What is known of a visit, a window, a city and a site? The rows, as values that travel."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from scheduling import visit, window
from scheduling.rules import Language, Priority, QueueId
from scheduling.visit import CityCode, ClerkId, KioskId, MatterCode, SiteId, VisitId


@dataclass(frozen=True, slots=True)
class Visit:
    """One resident's errand from ticket to rating; the unit of record.

    `virtual_at` orders the line; `waits_since` is when this wait began, `response_s` how long it
    took until a clerk first answered. It is listed in `queue`, in `also` by agreement and in
    `overflowed` by rule; `allowed` are the queues that rules may list it in, unless it `stays`.
    `only_clerk` is whom it was transferred to, `not_by` who declined it, until when (epoch
    seconds). `served_queue` is the listing through which its clerk got it; an `aside` record
    waits to be finished later.
    """

    id: VisitId
    city: CityCode
    matter: MatterCode
    group: str
    site: SiteId
    kiosk: KioskId
    at_kiosk: bool
    ticket: str
    language: str
    notice_version: str
    state: visit.State
    taken_at: datetime
    queue: QueueId
    priority: Priority
    wish: Language
    virtual_at: datetime
    waits_since: datetime
    response_s: float | None
    also: list[QueueId]
    allowed: list[QueueId]
    overflowed: list[QueueId]
    stays: bool
    only_clerk: ClerkId | None
    not_by: dict[ClerkId, float]
    contact: str
    called_at: datetime | None
    served_queue: QueueId | None
    aside: bool
    answer: str
    clerk: ClerkId | None
    offered_at: datetime | None
    accepted_at: datetime | None
    ended_at: datetime | None
    closed_at: datetime | None
    ended_by: str | None
    outcome: visit.Outcome | None
    notes: str
    checked: list[str]
    rating: int | None
    rating_reasons: list[str]

    @staticmethod
    def of(row: Any) -> "Visit":
        """From a row of `tables.visits`."""
        values = dict(row._mapping)
        values["state"] = visit.State(values["state"])
        values["outcome"] = visit.Outcome(values["outcome"]) if values["outcome"] else None
        values["priority"] = Priority(values["priority"])
        return Visit(**values)

    @property
    def listed(self) -> list[QueueId]:
        """Every queue in which it is listed while it waits."""
        return [self.queue, *self.also, *self.overflowed]


@dataclass(frozen=True, slots=True)
class Window:
    """A clerk's desk."""

    clerk: ClerkId
    city: CityCode
    name_zh: str
    name_en: str
    state: window.State
    since: datetime
    languages: list[str]
    capacity: int
    misses: int

    @staticmethod
    def of(row: Any) -> "Window":
        """From a row of `tables.windows`."""
        values = dict(row._mapping)
        values["state"] = window.State(values["state"])
        return Window(**values)


ConsultState = Literal["asked", "offered", "joined"]


@dataclass(frozen=True, slots=True)
class Consult:
    """A clerk asks another about a visit in its call, before or beside the resident.

    `state` is `asked` (in line), `offered` (rings at `clerk`) or `joined`.
    """

    visit: VisitId
    asked_by: ClerkId
    asked_at: datetime
    queue: QueueId
    only_clerk: ClerkId | None
    state: ConsultState
    clerk: ClerkId | None
    offered_at: datetime | None
    with_resident: bool
    not_by: dict[ClerkId, float]

    @staticmethod
    def of(row: Any) -> "Consult":
        """From a row of `tables.consults`."""
        return Consult(**row._mapping)


@dataclass(frozen=True, slots=True)
class City:
    """Who is competent; the tenant of all data."""

    code: CityCode
    name_zh: str
    name_en: str
    province_zh: str
    lead: bool


@dataclass(frozen=True, slots=True)
class Site:
    """Where kiosks stand."""

    id: SiteId
    city: CityCode
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class EventRecord:
    """Something that happened to a visit, and who did it."""

    at: datetime
    event: str
    actor: str
