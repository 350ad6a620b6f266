"""What stands on the board? Everything that is read of visits, windows, cities and sites.

Never writes. Places in line and expected waits are computed here from the same pure functions
that the router uses, so what a resident sees agrees with what happens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from scheduling import routing, visit, window
from scheduling.catalogue import Catalogue
from scheduling.record import City, EventRecord, Site, Visit, Window
from scheduling.tables import cities, sites, visit_events, visits, windows
from scheduling.visit import ClerkId, KioskId, VisitId

RECENT_VISITS = 20
MAX_RESULTS = 200


@dataclass(frozen=True, slots=True)
class Place:
    """Where a visit stands: others before it, and seconds until an offer (None: nobody on duty)."""

    ahead: int
    expected_wait_s: int | None


@dataclass(frozen=True, slots=True)
class Line:
    """A city's line now."""

    waiting: int
    longest_since: datetime | None
    ready: int
    on_duty: int


class Board:
    """Reads of the scheduling tables."""

    def __init__(self, engine: AsyncEngine, catalogue: Catalogue) -> None:
        self._engine = engine
        self._catalogue = catalogue

    async def visit(self, visit_id: str) -> Visit | None:
        """One visit by id."""
        return await self._one_visit(visits.c.id == visit_id)

    async def visit_at_kiosk(self, kiosk: KioskId) -> Visit | None:
        """The visit this kiosk shows, from its ticket until the screen is wiped."""
        return await self._one_visit(sa.and_(visits.c.kiosk == kiosk, visits.c.at_kiosk))

    async def visit_of_clerk(self, clerk: ClerkId) -> Visit | None:
        """The visit on this clerk's desk: offered, served, or finished and not yet closed."""
        states = (*visit.WITH_CLERK, visit.State.FINISHED)
        return await self._one_visit(sa.and_(visits.c.clerk == clerk, visits.c.state.in_(states)))

    async def in_line(self) -> list[Visit]:
        """All visits that wait or ring, in every city."""
        states = (visit.State.WAITING, visit.State.OFFERED)
        return await self._visits(sa.select(visits).where(visits.c.state.in_(states)))

    async def serving(self) -> list[Visit]:
        """All visits in a call, in every city."""
        return await self._visits(sa.select(visits).where(visits.c.state == visit.State.SERVING))

    async def events(self, visit_id: VisitId) -> list[EventRecord]:
        """The timeline of a visit."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                sa.select(visit_events.c.at, visit_events.c.event, visit_events.c.actor)
                .where(visit_events.c.visit == visit_id)
                .order_by(visit_events.c.id)
            )
            return [EventRecord(*row) for row in rows]

    async def recorded(
        self, *, city: str | None, text: str, limit: int = MAX_RESULTS
    ) -> list[Visit]:
        """Visits that had a call, newest first; `text` looks in ticket, matter, clerk and notes.

        `city` None means every city (the lead city's supervisors).
        """
        begun = (  # also calls whose clerk was lost: the visit itself has forgotten those
            sa.select(visit_events.c.visit, sa.func.max(visit_events.c.id).label("last"))
            .where(visit_events.c.event == visit.Event.ACCEPT)
            .group_by(visit_events.c.visit)
            .subquery()
        )
        query = (
            sa.select(visits)
            .join(begun, begun.c.visit == visits.c.id)
            .join(windows, windows.c.clerk == visits.c.clerk, isouter=True)
            .order_by(begun.c.last.desc())
            .limit(min(limit, MAX_RESULTS))
        )
        if city is not None:
            query = query.where(visits.c.city == city)
        if text:
            codes = [m.code for m in self._catalogue.named(text)]
            query = query.where(
                sa.or_(
                    visits.c.ticket.icontains(text, autoescape=True),
                    visits.c.notes.icontains(text, autoescape=True),
                    windows.c.name_zh.icontains(text, autoescape=True),
                    windows.c.name_en.icontains(text, autoescape=True),
                    visits.c.matter.in_(codes),
                )
            )
        return await self._visits(query)

    async def place(self, waiting: Visit) -> Place:
        """How long this visit still has to wait."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                sa.select(visits.c.id, visits.c.city, visits.c.taken_at).where(
                    visits.c.city == waiting.city, visits.c.state == visit.State.WAITING
                )
            )
            line = [routing.Waiting(VisitId(r.id), r.city, r.taken_at) for r in rows]
        order = [entry.visit for entry in routing.in_order(line)]
        ahead = order.index(waiting.id) if waiting.id in order else 0
        return Place(ahead, await self._wait_s(waiting.city, waiting.group, ahead))

    async def expected_wait_s(self, city: str, group: str) -> int | None:
        """Seconds a visit would wait that took its ticket now."""
        return await self._wait_s(city, group, (await self.line(city)).waiting)

    async def line(self, city: str) -> Line:
        """The city's line and its windows now."""
        async with self._engine.connect() as connection:
            waiting, longest = (
                await connection.execute(
                    sa.select(sa.func.count(), sa.func.min(visits.c.taken_at)).where(
                        visits.c.city == city, visits.c.state == visit.State.WAITING
                    )
                )
            ).one()
            states = [
                row.state
                for row in await connection.execute(
                    sa.select(windows.c.state).where(windows.c.city == city)
                )
            ]
        return Line(
            waiting,
            longest,
            sum(state == window.State.READY for state in states),
            sum(state in window.ON_DUTY for state in states),
        )

    async def queue(self, city: str, limit: int = 50) -> list[Visit]:
        """The visits in line in this city, in order."""
        return await self._visits(
            sa.select(visits)
            .where(visits.c.city == city, visits.c.state == visit.State.WAITING)
            .order_by(visits.c.taken_at, visits.c.id)
            .limit(limit)
        )

    async def window(self, clerk: ClerkId) -> Window | None:
        """One clerk's window."""
        async with self._engine.connect() as connection:
            row = (
                await connection.execute(sa.select(windows).where(windows.c.clerk == clerk))
            ).one_or_none()
        return Window.of(row) if row else None

    async def windows(self) -> dict[ClerkId, Window]:
        """All windows."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(sa.select(windows))
            return {found.clerk: found for found in map(Window.of, rows)}

    async def cities(self) -> dict[str, City]:
        """All cities, by code."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(sa.select(cities).order_by(cities.c.lead.desc()))
            return {row.code: City(**row._mapping) for row in rows}

    async def sites(self) -> dict[str, Site]:
        """All sites, by id."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(sa.select(sites).order_by(sites.c.id))
            return {row.id: Site(**row._mapping) for row in rows}

    async def _wait_s(self, city: str, group: str, ahead: int) -> int | None:
        line = await self.line(city)
        return routing.expected_wait_s(
            ahead=ahead,
            service_s=await self._service_s(city, group),
            ready=line.ready,
            on_duty=line.on_duty,
        )

    async def _service_s(self, city: str, group: str) -> float:
        """The mean length of the last calls of this queue; the catalogue's minutes before that."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                sa.select(visits.c.accepted_at, visits.c.ended_at)
                .where(
                    visits.c.city == city, visits.c.group == group, visits.c.ended_at.is_not(None)
                )
                .order_by(visits.c.ended_at.desc())
                .limit(RECENT_VISITS)
            )
            lengths: list[float] = [
                (end - start).total_seconds() for start, end in rows if start is not None
            ]
        if lengths:
            return sum(lengths) / len(lengths)
        minutes: Sequence[int] = [m.minutes for m in self._catalogue.all() if m.group == group]
        return 60.0 * sum(minutes) / max(len(minutes), 1)

    async def _one_visit(self, condition: sa.ColumnElement[bool]) -> Visit | None:
        async with self._engine.connect() as connection:
            row = (await connection.execute(sa.select(visits).where(condition))).one_or_none()
        return Visit.of(row) if row else None

    async def _visits(self, query: sa.Select[tuple[object, ...]]) -> list[Visit]:
        async with self._engine.connect() as connection:
            return [Visit.of(row) for row in await connection.execute(query)]
