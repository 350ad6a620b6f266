"""What stands on the board? Everything that is read of visits, windows, cities and sites.

Never writes. Places in line and expected waits are `standing.py`'s.
"""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from scheduling import visit
from scheduling.catalogue import Catalogue
from scheduling.record import City, Consult, EventRecord, Site, Visit, Window
from scheduling.rules import Level, QueueId
from scheduling.standing import Standing, Standings
from scheduling.tables import cities, consults, sites, skills, visit_events, visits, windows
from scheduling.visit import ClerkId, KioskId, VisitId

MAX_RESULTS = 200


class Board:
    """Reads of the scheduling tables."""

    def __init__(
        self, engine: AsyncEngine, catalogue: Catalogue, standings: Standings | None = None
    ) -> None:
        self._engine = engine
        self._catalogue = catalogue
        self._standings = standings or Standings(engine, catalogue)

    async def visit(self, visit_id: str) -> Visit | None:
        """One visit by id."""
        return await self._one_visit(visits.c.id == visit_id)

    async def visit_at_kiosk(self, kiosk: KioskId) -> Visit | None:
        """The visit this kiosk shows, from its ticket until the screen is wiped."""
        return await self._one_visit(sa.and_(visits.c.kiosk == kiosk, visits.c.at_kiosk))

    async def visit_of_clerk(self, clerk: ClerkId) -> Visit | None:
        """The visit on this clerk's desk: offered, served, or finished and not yet closed."""
        states = (*visit.WITH_CLERK, visit.State.FINISHED)
        return await self._one_visit(
            sa.and_(visits.c.clerk == clerk, visits.c.state.in_(states), ~visits.c.aside)
        )

    async def aside_of_clerk(self, clerk: ClerkId) -> list[Visit]:
        """The records this clerk has set aside, oldest first."""
        return await self._visits(
            sa.select(visits)
            .where(visits.c.clerk == clerk, visits.c.state == visit.State.FINISHED, visits.c.aside)
            .order_by(visits.c.ended_at)
        )

    async def consult_about(self, visit_id: VisitId) -> Consult | None:
        """The consult about a visit, if there is one."""
        return await self._one_consult(consults.c.visit == visit_id)

    async def consult_of_clerk(self, clerk: ClerkId) -> Consult | None:
        """The consult that rings at this clerk, or that they have joined."""
        return await self._one_consult(
            sa.and_(consults.c.clerk == clerk, consults.c.state.in_(("offered", "joined")))
        )

    async def joined_consults(self) -> set[VisitId]:
        """The visits in whose calls an asked clerk takes part."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                sa.select(consults.c.visit).where(consults.c.state == "joined")
            )
            return {VisitId(row.visit) for row in rows}

    async def away(self) -> list[Visit]:
        """Visits whose residents come back later, in order."""
        return await self._visits(
            sa.select(visits)
            .where(visits.c.state == visit.State.AWAY)
            .order_by(visits.c.virtual_at, visits.c.id)
        )

    async def kiosks_in_line(self) -> list[KioskId]:
        """The kiosks whose visits wait or ring."""
        states = (visit.State.WAITING, visit.State.OFFERED)
        async with self._engine.connect() as connection:
            query = sa.select(visits.c.kiosk).where(visits.c.state.in_(states), visits.c.at_kiosk)
            return [KioskId(kiosk) for kiosk in await connection.scalars(query)]

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

    async def standing(self) -> Standing:
        """Every line as it is now."""
        return await self._standings.now()

    def changed(self) -> None:
        """Visits or windows have changed here: lines are looked at anew."""
        self._standings.forget()

    async def skills_of(self, clerk: ClerkId) -> dict[QueueId, Level]:
        """The queues that this clerk serves."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                sa.select(skills.c.queue, skills.c.level).where(skills.c.clerk == clerk)
            )
            return {row.queue: Level(row.level) for row in rows}

    async def serves(self, clerk: ClerkId, waiting: Visit) -> bool:
        """Whether this clerk serves a queue in which the visit is listed."""
        return not (await self.skills_of(clerk)).keys().isdisjoint(waiting.listed)

    async def line_of(self, clerk: ClerkId, limit: int = 50) -> list[Visit]:
        """The visits in line in the queues that this clerk serves, in order."""
        served = await self.skills_of(clerk)
        standing = await self.standing()
        entries = sorted({e for queue in served for e in standing.lines.get(queue, ())[:limit]})
        return await self._visits(
            sa.select(visits)
            .where(
                visits.c.id.in_([visit_id for _, visit_id in entries[:limit]]),
                visits.c.state.in_(visit.IN_LINE),
            )
            .order_by(visits.c.virtual_at, visits.c.id)
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

    async def _one_visit(self, condition: sa.ColumnElement[bool]) -> Visit | None:
        async with self._engine.connect() as connection:
            row = (await connection.execute(sa.select(visits).where(condition))).one_or_none()
        return Visit.of(row) if row else None

    async def _one_consult(self, condition: sa.ColumnElement[bool]) -> Consult | None:
        async with self._engine.connect() as connection:
            row = (await connection.execute(sa.select(consults).where(condition))).one_or_none()
        return Consult.of(row) if row else None

    async def _visits(self, query: sa.Select[tuple[object, ...]]) -> list[Visit]:
        async with self._engine.connect() as connection:
            return [Visit.of(row) for row in await connection.execute(query)]
