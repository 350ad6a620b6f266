"""What is known of a visit, a window, a city and a site? The rows, as values that travel."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scheduling import visit, window
from scheduling.visit import CityCode, ClerkId, KioskId, MatterCode, SiteId, VisitId


@dataclass(frozen=True, slots=True)
class Visit:
    """One resident's errand from ticket to rating; the unit of record."""

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
        return Visit(**values)


@dataclass(frozen=True, slots=True)
class Window:
    """A clerk's desk."""

    clerk: ClerkId
    city: CityCode
    name_zh: str
    name_en: str
    state: window.State
    since: datetime

    @staticmethod
    def of(row: Any) -> "Window":
        """From a row of `tables.windows`."""
        values = dict(row._mapping)
        values["state"] = window.State(values["state"])
        return Window(**values)


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
