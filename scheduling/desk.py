"""The transactions: take a ticket, offer, accept, return, end, close, rate.

The only writer of this folder's tables. Each public method is one transaction that moves the
visit and the window together, by the tables in `visit.py` and `window.py`; whoever comes second
gets `Conflict` and nothing has changed. Reading is `board.py`.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from uuid_utils import uuid7

from scheduling import routing, visit, window
from scheduling.catalogue import Catalogue, UnknownMatter
from scheduling.record import Visit, Window
from scheduling.tables import ticket_counters, visit_events, visits, windows
from scheduling.visit import ClerkId, KioskId, Outcome, SiteId, VisitId

LOCAL = ZoneInfo("Asia/Shanghai")
MAX_NOTES = 10_000


class Conflict(Exception):  # noqa: N818
    """Somebody else was first, or this cannot be done now; nothing was changed."""


class NotFound(LookupError):  # noqa: N818
    """There is no such visit or window for this caller."""


class Desk:
    """All changes to visits and windows. Times are given by the caller, aware."""

    def __init__(self, engine: AsyncEngine, catalogue: Catalogue) -> None:
        self._engine = engine
        self._catalogue = catalogue

    async def take_ticket(
        self,
        *,
        kiosk: KioskId,
        site: SiteId,
        city: str,
        matter: str,
        language: str,
        notice_version: str,
        now: datetime,
    ) -> Visit:
        """Begin a visit. Raises UnknownMatter, Conflict if this kiosk has one already."""
        found = self._catalogue.matter(matter, city)
        letter = self._catalogue.letter(found.group)
        try:
            async with self._engine.begin() as connection:
                held = await connection.execute(
                    sa.select(visits.c.ticket).where(visits.c.kiosk == kiosk, visits.c.at_kiosk)
                )
                if (ticket := held.scalar()) is not None:
                    raise Conflict(f"this kiosk already holds ticket {ticket}")
                number = await _next_number(connection, city, letter, now)
                row = await connection.execute(
                    sa.insert(visits)
                    .values(
                        id=str(uuid7()),
                        city=city,
                        matter=found.code,
                        group=found.group,
                        site=site,
                        kiosk=kiosk,
                        at_kiosk=True,
                        ticket=f"{letter}{number:03d}",
                        language=language,
                        notice_version=notice_version,
                        state=visit.State.WAITING,
                        taken_at=now,
                        notes="",
                        checked=[],
                        rating_reasons=[],
                    )
                    .returning(*visits.c)
                )
                taken = Visit.of(row.one())
                await _note(connection, taken.id, now, "ticket_taken", kiosk)
                return taken
        except IntegrityError as error:  # two at once: the index lets one through
            raise Conflict("this kiosk already holds a ticket") from error

    async def offer_all(self, present: Collection[str], now: datetime) -> list[Visit]:
        """Offer every visit in line for which a window is ready; returns those offered.

        Only visits whose kiosk is `present` ring; the others keep their place.
        """
        async with self._engine.begin() as connection:
            free = [  # locked, so that of several who offer at once one has them
                routing.Ready(ClerkId(row.clerk), row.city, row.since)
                for row in await connection.execute(
                    sa.select(windows.c.clerk, windows.c.city, windows.c.since)
                    .where(windows.c.state == window.State.READY)
                    .order_by(windows.c.clerk)
                    .with_for_update()
                )
            ]
            line = [
                routing.Waiting(VisitId(row.id), row.city, row.taken_at)
                for row in await connection.execute(
                    sa.select(visits.c.id, visits.c.city, visits.c.taken_at, visits.c.kiosk).where(
                        visits.c.state == visit.State.WAITING
                    )
                )
                if row.kiosk in present
            ]
            offered = []
            for visit_id, clerk in routing.pair(line, free):
                await _move_window(connection, clerk, window.Event.OFFER, now)
                offered.append(
                    await _move_visit(
                        connection,
                        await _visit(connection, visit_id),
                        visit.Event.OFFER,
                        now,
                        actor=clerk,
                        clerk=clerk,
                        offered_at=now,
                    )
                )
            return offered

    async def accept(self, visit_id: VisitId, clerk: ClerkId, now: datetime) -> Visit:
        """The clerk takes the visit that was offered to them. Raises NotFound, Conflict."""
        async with self._engine.begin() as connection:
            offered = await _held_by(connection, visit_id, clerk)
            await _move_window(connection, clerk, window.Event.ACCEPT, now)
            return await _move_visit(
                connection, offered, visit.Event.ACCEPT, now, actor=clerk, accepted_at=now
            )

    async def decline(self, visit_id: VisitId, clerk: ClerkId, now: datetime) -> Visit:
        """The clerk refuses and goes on a break; the visit is at the head of the line again."""
        async with self._engine.begin() as connection:
            offered = await _held_by(connection, visit_id, clerk)
            return await _put_back(
                connection, offered, visit.Event.DECLINE, window.Event.DECLINE, now
            )

    async def expire_offers(self, ring_s: float, now: datetime) -> list[Visit]:
        """Offers that rang out: the clerk is "missed", the visit is back at the head."""
        async with self._engine.begin() as connection:
            rows = await connection.execute(
                sa.select(visits)
                .where(
                    visits.c.state == visit.State.OFFERED,
                    visits.c.offered_at <= now - timedelta(seconds=ring_s),
                )
                .with_for_update(skip_locked=True)
            )
            return [
                await _put_back(connection, Visit.of(row), visit.Event.MISS, window.Event.MISS, now)
                for row in rows.all()
            ]

    async def lose_clerk(self, clerk: ClerkId, now: datetime) -> Visit | None:
        """The clerk's connection is gone: the window is off, its visit goes back to the head.

        A window in wrap-up stays: its work is kept until the clerk is back.
        """
        async with self._engine.begin() as connection:
            held = await _locked(
                connection,
                sa.and_(visits.c.clerk == clerk, visits.c.state.in_(visit.WITH_CLERK)),
            )
            if held is not None:
                return await _put_back(
                    connection, Visit.of(held), visit.Event.LOSE_CLERK, window.Event.LOSE, now
                )
            desk = await _window(connection, clerk)
            if (desk.state, window.Event.LOSE) in window.TRANSITIONS:
                await _move_window(connection, clerk, window.Event.LOSE, now)
            return None

    async def leave(self, visit_id: VisitId, actor: str, now: datetime) -> Visit:
        """The resident gives the ticket back before being served; the kiosk is free."""
        async with self._engine.begin() as connection:
            held = await _visit(connection, visit_id)
            if held.state is visit.State.OFFERED and held.clerk is not None:
                await _move_window(connection, held.clerk, window.Event.LEAVE, now)
            return await _move_visit(
                connection,
                held,
                visit.Event.LEAVE,
                now,
                actor=actor,
                at_kiosk=False,
                closed_at=now,
                outcome=Outcome.LEFT,
            )

    async def end(self, visit_id: VisitId, by: str, now: datetime) -> Visit:
        """The call is over; the clerk's window goes to wrap-up. Raises Conflict if it was."""
        async with self._engine.begin() as connection:
            served = await _visit(connection, visit_id)
            ended = await _move_visit(
                connection, served, visit.Event.END, now, actor=by, ended_at=now, ended_by=by
            )
            if served.clerk is not None:
                await _move_window(connection, served.clerk, window.Event.END, now)
            return ended

    async def keep_case(
        self, visit_id: VisitId, clerk: ClerkId, *, notes: str, checked: Sequence[str]
    ) -> Visit:
        """Keep the clerk's notes and ticked materials, during the call and in wrap-up."""
        if len(notes) > MAX_NOTES:
            raise ValueError(f"notes: at most {MAX_NOTES} characters")
        async with self._engine.begin() as connection:
            served = await _held_by(connection, visit_id, clerk)
            if served.state not in (visit.State.SERVING, visit.State.FINISHED):
                raise Conflict(f"the record of a visit that is {served.state} cannot be changed")
            names = {m.name for m in self._catalogue.matter(served.matter).materials}
            return await _update(
                connection, served, notes=notes, checked=[c for c in checked if c in names]
            )

    async def close(
        self, visit_id: VisitId, clerk: ClerkId, outcome: Outcome, *, ready: bool, now: datetime
    ) -> Visit:
        """End the wrap-up with an outcome; the clerk is ready again or on a break."""
        async with self._engine.begin() as connection:
            finished = await _held_by(connection, visit_id, clerk)
            closed = await _move_visit(
                connection,
                finished,
                visit.Event.CLOSE,
                now,
                actor=clerk,
                closed_at=now,
                outcome=outcome,
            )
            next_step = window.Event.BE_READY if ready else window.Event.TAKE_BREAK
            await _move_window(connection, clerk, next_step, now)
            return closed

    async def rate(
        self, visit_id: VisitId, rating: int, reasons: Sequence[str], now: datetime
    ) -> Visit:
        """The resident's word on the service, once. Raises ValueError, Conflict."""
        if rating not in visit.RATINGS:
            raise ValueError("rating: 1 to 5")
        async with self._engine.begin() as connection:
            served = await _visit(connection, visit_id)
            if served.ended_at is None:
                raise Conflict("a visit is rated after its call")
            if served.rating is not None:
                raise Conflict("this visit is rated already")
            await _note(connection, visit_id, now, "rated", served.kiosk)
            return await _update(
                connection, served, rating=rating, rating_reasons=list(reasons)[:10]
            )

    async def free_kiosk(self, visit_id: VisitId) -> Visit:
        """The kiosk has wiped this visit and may take the next ticket."""
        async with self._engine.begin() as connection:
            shown = await _visit(connection, visit_id)
            if shown.state in visit.OPEN:
                raise Conflict("the visit is not over")
            return await _update(connection, shown, at_kiosk=False)

    async def set_window(self, clerk: ClerkId, step: window.Event, now: datetime) -> Window:
        """A clerk is ready, takes a break or goes off. Raises NotFound, Conflict."""
        async with self._engine.begin() as connection:
            desk = await _window(connection, clerk)
            if desk.state is window.State.WRAP_UP:
                raise Conflict("finish the record of the last visit first")
            return await _move_window(connection, clerk, step, now)

    async def note(self, visit_id: VisitId, event: str, actor: str, now: datetime) -> None:
        """Put something that happened on the visit's timeline."""
        async with self._engine.begin() as connection:
            await _note(connection, visit_id, now, event, actor)


async def _next_number(connection: AsyncConnection, city: str, letter: str, now: datetime) -> int:
    """The next ticket number of this city, day and letter; the row is its lock."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    day = now.astimezone(LOCAL).date()
    counted = await connection.execute(
        insert(ticket_counters)
        .values(city=city, day=day, letter=letter, last=1)
        .on_conflict_do_update(
            index_elements=["city", "day", "letter"], set_={"last": ticket_counters.c.last + 1}
        )
        .returning(ticket_counters.c.last)
    )
    return int(counted.scalar_one())


async def _visit(connection: AsyncConnection, visit_id: VisitId) -> Visit:
    row = await _locked(connection, visits.c.id == visit_id)
    if row is None:
        raise NotFound(f"no visit {visit_id}")
    return Visit.of(row)


async def _held_by(connection: AsyncConnection, visit_id: VisitId, clerk: ClerkId) -> Visit:
    """The visit, if it is this clerk's; somebody else's gives the same Conflict as none."""
    row = await _locked(connection, visits.c.id == visit_id)
    if row is None or row.clerk != clerk:
        raise Conflict("this visit is not yours any more")
    return Visit.of(row)


async def _locked(connection: AsyncConnection, which: sa.ColumnElement[bool]) -> sa.Row[Any] | None:
    """The row, which nobody else changes before this transaction ends."""
    query = sa.select(visits).where(which).with_for_update()
    return (await connection.execute(query)).one_or_none()


async def _window(connection: AsyncConnection, clerk: ClerkId) -> Window:
    row = (
        await connection.execute(sa.select(windows).where(windows.c.clerk == clerk))
    ).one_or_none()
    if row is None:
        raise NotFound(f"no window {clerk}")
    return Window.of(row)


async def _move_visit(
    connection: AsyncConnection,
    before: Visit,
    event: visit.Event,
    now: datetime,
    *,
    actor: str,
    **values: Any,
) -> Visit:
    """Apply one event; the update names the state it started from, so only one can win."""
    try:
        state = visit.after(before.state, event)
    except visit.IllegalTransition as error:
        raise Conflict(str(error)) from error
    await _note(connection, before.id, now, event, actor)
    return await _update(connection, before, state=state, **values)


async def _update(connection: AsyncConnection, before: Visit, **values: Any) -> Visit:
    row = (
        await connection.execute(
            sa.update(visits)
            .where(visits.c.id == before.id, visits.c.state == before.state)
            .values(**values)
            .returning(*visits.c)
        )
    ).one_or_none()
    if row is None:
        raise Conflict("the visit has changed meanwhile")
    return Visit.of(row)


async def _move_window(
    connection: AsyncConnection, clerk: ClerkId, event: window.Event, now: datetime
) -> Window:
    before = await _window(connection, clerk)
    try:
        state = window.after(before.state, event)
    except window.IllegalTransition as error:
        raise Conflict(str(error)) from error
    row = (
        await connection.execute(
            sa.update(windows)
            .where(windows.c.clerk == clerk, windows.c.state == before.state)
            .values(state=state, since=now)
            .returning(*windows.c)
        )
    ).one_or_none()
    if row is None:
        raise Conflict("the window has changed meanwhile")
    return Window.of(row)


async def _put_back(
    connection: AsyncConnection,
    held: Visit,
    event: visit.Event,
    window_event: window.Event,
    now: datetime,
) -> Visit:
    """Take a visit from its clerk; it keeps its ticket and the time it was taken."""
    clerk = held.clerk
    if clerk is None:
        raise Conflict("the visit has no clerk")
    await _move_window(connection, clerk, window_event, now)
    return await _move_visit(
        connection,
        held,
        event,
        now,
        actor=clerk,
        clerk=None,
        offered_at=None,
        accepted_at=None,
    )


async def _note(
    connection: AsyncConnection, visit_id: VisitId, now: datetime, event: str, actor: str
) -> None:
    await connection.execute(
        sa.insert(visit_events).values(visit=visit_id, at=now, event=event, actor=actor)
    )


__all__ = ["Conflict", "Desk", "NotFound", "UnknownMatter"]
