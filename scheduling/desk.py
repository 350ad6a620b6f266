"""The resident's and the clerk's transactions: from ticket or check-in to record, close and rate.

Each public method is one transaction that moves the visit and the window together, by the tables
in `visit.py` and `window.py`; whoever comes second gets `Conflict` and nothing has changed. What
rings at whom is `offers.py`, what passes between clerks `transfers.py`; reading is `board.py`.
"""

import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from uuid_utils import uuid7

from scheduling import tickets, visit, window
from scheduling.appointments import Arrival
from scheduling.bookings import became, use
from scheduling.catalogue import Catalogue, Matter, UnknownMatter
from scheduling.codes import Codes
from scheduling.duty import LOCAL
from scheduling.hours import check_open
from scheduling.record import Visit, Window
from scheduling.rows import (
    Conflict,
    NotFound,
    held_by,
    move_visit,
    move_window,
    note,
    update_visit,
    visit_row,
    window_row,
)
from scheduling.rulebook import listings, read_rules
from scheduling.rules import LANGUAGES, Priority, Queue, QueueId, Rules
from scheduling.tables import queues, visits
from scheduling.transfers import end_consult
from scheduling.visit import ClerkId, KioskId, Outcome, SiteId, VisitId

MAX_NOTES = 10_000
MAX_CONTACT = 40


class Desk:
    """Changes to visits and windows. Times are given by the caller, aware."""

    def __init__(self, engine: AsyncEngine, catalogue: Catalogue, codes: Codes) -> None:
        self._engine = engine
        self._catalogue = catalogue
        self._codes = codes

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
        priority: Priority = Priority.ORDINARY,
        wish: str = "",
        earlier: tuple[str, str] | None = None,
    ) -> Visit:
        """Begin a visit. `earlier` is ticket and code of today's visit that a resident returns for.

        `wish` is the language the resident would like to be served in ("" for any). Raises
        UnknownMatter, ValueError, Closed, Conflict if this kiosk has a visit already.
        """
        found = self._catalogue.matter(matter, city)
        _check_wish(wish)
        async with _one_at_a_kiosk(), self._engine.begin() as connection:
            await _kiosk_is_free(connection, kiosk)
            rules = await read_rules(connection)
            queue = rules.queue_of(city, matter)
            if queue is None:
                raise UnknownMatter(f"no queue serves {matter} in {city}")
            await check_open(connection, city, now)
            if priority is Priority.BOOKED:
                raise ValueError("priority: a booked visit checks in with its appointment")
            if priority is Priority.RETURNING:
                await self._proven_today(connection, earlier, now)
            virtual_at = now - timedelta(seconds=rules.head_start_s(city, priority))
            return await self._begin(
                connection,
                now,
                rules=rules,
                queue=queue,
                series=tickets.of_priority(queue, priority),
                virtual_at=virtual_at,
                matter=found,
                site=site,
                kiosk=kiosk,
                language=language,
                notice_version=notice_version,
                priority=priority,
                wish=wish,
            )

    async def check_in(
        self,
        code: str,
        *,
        kiosk: KioskId,
        site: SiteId,
        language: str,
        notice_version: str,
        now: datetime,
        wish: str = "",
    ) -> Visit:
        """Begin the visit of an appointment, which is used by it.

        Who is on time is placed by the half hour and its head start; who is early or late takes
        an ordinary ticket. Raises NotFound, ValueError, Closed, Conflict: the appointment is then
        as it was.
        """
        _check_wish(wish)
        async with _one_at_a_kiosk(), self._engine.begin() as connection:
            await _kiosk_is_free(connection, kiosk)
            booking = await use(connection, code, now)
            await check_open(connection, booking.city, now)
            rules = await read_rules(connection)
            queue = rules.queues[booking.queue]
            on_time = booking.arrival(now) is Arrival.ON_TIME
            priority = Priority.BOOKED if on_time else Priority.ORDINARY
            arrival = booking.starts_at if on_time else now
            taken = await self._begin(
                connection,
                now,
                rules=rules,
                queue=queue,
                series=tickets.of_slot(queue, booking.starts_at)
                if on_time
                else tickets.of_priority(queue, priority),
                virtual_at=arrival - timedelta(seconds=rules.head_start_s(queue.city, priority)),
                matter=self._catalogue.matter(booking.matter),
                site=site,
                kiosk=kiosk,
                language=language,
                notice_version=notice_version,
                priority=priority,
                wish=wish,
            )
            await became(connection, booking, taken.id)
            return taken

    async def leave(self, visit_id: VisitId, actor: str, now: datetime) -> Visit:
        """The resident gives the ticket back before being served; the kiosk is free."""
        async with self._engine.begin() as connection:
            held = await visit_row(connection, visit_id)
            if held.state is visit.State.OFFERED and held.clerk is not None:
                await move_window(connection, held.clerk, window.Event.LEAVE, now)
            waited_until_now = held.state is not visit.State.AWAY  # who is away waits for nobody
            return await move_visit(
                connection,
                held,
                visit.Event.LEAVE,
                now,
                actor=actor,
                at_kiosk=False,
                closed_at=now,
                outcome=Outcome.LEFT,
                contact="",
                waits_since=held.waits_since if waited_until_now else now,
            )

    async def set_stays(self, visit_id: VisitId, *, stays: bool, now: datetime) -> Visit:
        """The resident waits for their own city, or may be served by another after all."""
        async with self._engine.begin() as connection:
            waiting = await visit_row(connection, visit_id)
            if waiting.state is not visit.State.WAITING:
                raise Conflict(f"a visit that is {waiting.state} does not wait")
            await note(
                connection, visit_id, now, "stays" if stays else "may_go_elsewhere", waiting.kiosk
            )
            left: dict[str, Any] = {"overflowed": []} if stays else {}
            return await update_visit(connection, waiting, stays=stays, **left)

    async def come_back_later(self, visit_id: VisitId, contact: str, now: datetime) -> Visit:
        """The resident goes away and keeps the place; `contact` is where to call them.

        Raises ValueError, Conflict.
        """
        contact = contact.strip()
        if not 5 <= len(contact) <= MAX_CONTACT or not any(c.isdigit() for c in contact):
            raise ValueError(f"contact: a telephone number of 5 to {MAX_CONTACT} characters")
        async with self._engine.begin() as connection:
            waiting = await visit_row(connection, visit_id)
            return await move_visit(
                connection,
                waiting,
                visit.Event.COME_BACK_LATER,
                now,
                actor=waiting.kiosk,
                at_kiosk=False,
                contact=contact,
                called_at=None,
            )

    async def come_back(
        self, kiosk: KioskId, site: SiteId, ticket: str, code: str, now: datetime
    ) -> Visit:
        """The resident is back, at this kiosk; the place is as it was. Raises NotFound, Conflict.

        Also for a visit that still waits at a kiosk which failed.
        """
        async with _one_at_a_kiosk(), self._engine.begin() as connection:
            held = await self._of_ticket(connection, ticket, code, now)
            if held.kiosk == kiosk and held.at_kiosk:
                return held
            await _kiosk_is_free(connection, kiosk)
            moved = {
                "kiosk": kiosk,
                "site": site,
                "at_kiosk": True,
                "contact": "",
                "called_at": None,
                "waits_since": now,
            }
            if held.state is visit.State.WAITING:
                await note(connection, held.id, now, "moved_kiosk", kiosk)
                return await update_visit(connection, held, **moved)
            return await move_visit(
                connection, held, visit.Event.COME_BACK, now, actor=kiosk, **moved
            )

    async def call_back(self, visit_id: VisitId, actor: str, now: datetime) -> Visit:
        """The resident who is away was told that it is nearly their turn."""
        async with self._engine.begin() as connection:
            away = await visit_row(connection, visit_id)
            if away.state is not visit.State.AWAY:
                raise Conflict("this resident is back, or gave the ticket back")
            await note(connection, visit_id, now, "called_back", actor)
            return await update_visit(connection, away, called_at=now)

    async def end(self, visit_id: VisitId, by: str, now: datetime) -> Visit:
        """The call is over; the clerk's window goes to wrap-up. Raises Conflict if it was."""
        async with self._engine.begin() as connection:
            served = await visit_row(connection, visit_id)
            ended = await move_visit(
                connection, served, visit.Event.END, now, actor=by, ended_at=now, ended_by=by
            )
            if served.clerk is not None:
                await move_window(connection, served.clerk, window.Event.END, now)
            await end_consult(connection, visit_id, now)
            return ended

    async def keep_case(
        self, visit_id: VisitId, clerk: ClerkId, *, notes: str, checked: Sequence[str]
    ) -> Visit:
        """Keep the clerk's notes and ticked materials, during the call and in wrap-up."""
        if len(notes) > MAX_NOTES:
            raise ValueError(f"notes: at most {MAX_NOTES} characters")
        async with self._engine.begin() as connection:
            served = await held_by(connection, visit_id, clerk)
            if served.state not in (visit.State.SERVING, visit.State.FINISHED):
                raise Conflict(f"the record of a visit that is {served.state} cannot be changed")
            names = {m.name for m in self._catalogue.matter(served.matter).materials}
            return await update_visit(
                connection, served, notes=notes, checked=[c for c in checked if c in names]
            )

    async def close(
        self,
        visit_id: VisitId,
        clerk: ClerkId,
        outcome: Outcome,
        *,
        ready: bool,
        now: datetime,
        answer: str = "",
    ) -> Visit:
        """End the record with an outcome; the clerk is ready again or on a break.

        A visit of an escalation queue needs an `answer` to the resident. Raises ValueError.
        """
        if len(answer) > MAX_NOTES:
            raise ValueError(f"answer: at most {MAX_NOTES} characters")
        async with self._engine.begin() as connection:
            finished = await held_by(connection, visit_id, clerk)
            kind = await connection.scalar(
                sa.select(queues.c.kind).where(queues.c.id == finished.queue)
            )
            if kind == "escalation" and not answer.strip():
                raise ValueError("answer: a visit of this queue is closed with an answer")
            closed = await move_visit(
                connection,
                finished,
                visit.Event.CLOSE,
                now,
                actor=clerk,
                closed_at=now,
                outcome=outcome,
                answer=answer.strip(),
                aside=False,
            )
            if not finished.aside:
                await move_window(connection, clerk, _after_record(ready), now)
            return closed

    async def set_aside(
        self, visit_id: VisitId, clerk: ClerkId, *, ready: bool, now: datetime
    ) -> Visit:
        """Finish this record later, as far as the clerk's capacity goes. Raises Conflict."""
        async with self._engine.begin() as connection:
            finished = await held_by(connection, visit_id, clerk)
            if finished.state is not visit.State.FINISHED or finished.aside:
                raise Conflict("only the record of a visit that has just ended can be set aside")
            open_records = await connection.scalar(
                sa.select(sa.func.count()).where(
                    visits.c.clerk == clerk, visits.c.state == visit.State.FINISHED
                )
            )
            desk = await window_row(connection, clerk)
            if (open_records or 0) >= desk.capacity:
                raise Conflict(f"at most {desk.capacity} records may be open; finish one first")
            await note(connection, visit_id, now, "set_aside", clerk)
            await move_window(connection, clerk, _after_record(ready), now)
            return await update_visit(connection, finished, aside=True)

    async def rate(
        self, visit_id: VisitId, rating: int, reasons: Sequence[str], now: datetime
    ) -> Visit:
        """The resident's word on the service, once. Raises ValueError, Conflict."""
        if rating not in visit.RATINGS:
            raise ValueError("rating: 1 to 5")
        async with self._engine.begin() as connection:
            served = await visit_row(connection, visit_id)
            if served.ended_at is None:
                raise Conflict("a visit is rated after its call")
            if served.rating is not None:
                raise Conflict("this visit is rated already")
            await note(connection, visit_id, now, "rated", served.kiosk)
            return await update_visit(
                connection, served, rating=rating, rating_reasons=list(reasons)[:10]
            )

    async def free_kiosk(self, visit_id: VisitId) -> Visit:
        """The kiosk has wiped this visit and may take the next ticket."""
        async with self._engine.begin() as connection:
            shown = await visit_row(connection, visit_id)
            if shown.state in visit.OPEN:
                raise Conflict("the visit is not over")
            return await update_visit(connection, shown, at_kiosk=False)

    async def set_window(self, clerk: ClerkId, step: window.Event, now: datetime) -> Window:
        """A clerk is ready, takes a break or goes off. Raises NotFound, Conflict.

        Offers missed in a row are counted until one is accepted or the shift ends (F12): saying
        "ready" again is no answer.
        """
        async with self._engine.begin() as connection:
            desk = await window_row(connection, clerk)
            if desk.state is window.State.WRAP_UP:
                raise Conflict("finish the record of the last visit first")
            new_shift = window.State.OFF is desk.state or step is window.Event.GO_OFF
            known = {"misses": 0} if new_shift else {}
            return await move_window(connection, clerk, step, now, **known)

    async def note(self, visit_id: VisitId, event: str, actor: str, now: datetime) -> None:
        """Put something that happened on the visit's timeline."""
        async with self._engine.begin() as connection:
            await note(connection, visit_id, now, event, actor)

    async def note_overflow(self, visit_id: VisitId, partner: QueueId, now: datetime) -> Visit:
        """A rule has listed the visit in a partner queue too. Raises Conflict."""
        async with self._engine.begin() as connection:
            waiting = await visit_row(connection, visit_id)
            if waiting.state not in visit.IN_LINE or waiting.stays:
                raise Conflict("the visit is not in line any more, or stays with its city")
            if partner in waiting.overflowed:
                return waiting
            await note(connection, visit_id, now, "overflowed", partner)
            return await update_visit(
                connection, waiting, overflowed=[*waiting.overflowed, partner]
            )

    async def _begin(
        self,
        connection: AsyncConnection,
        now: datetime,
        *,
        rules: Rules,
        queue: Queue,
        series: tickets.Series,
        virtual_at: datetime,
        matter: Matter,
        **values: Any,
    ) -> Visit:
        """A visit of this queue's city, with its number and everything that may list it."""
        also, allowed = await listings(
            connection, rules, queue.city, matter.code, now.astimezone(LOCAL).date()
        )
        ticket, virtual_at = await tickets.next_ticket(
            connection, queue.city, series, virtual_at, now
        )
        row = await connection.execute(
            sa.insert(visits)
            .values(
                id=str(uuid7()),
                queue=queue.id,
                city=queue.city,
                matter=matter.code,
                group=matter.group,
                ticket=ticket,
                virtual_at=virtual_at,
                also=also,
                allowed=allowed,
                at_kiosk=True,
                state=visit.State.WAITING,
                taken_at=now,
                waits_since=now,
                overflowed=[],
                stays=False,
                not_by={},
                contact="",
                aside=False,
                answer="",
                notes="",
                checked=[],
                rating_reasons=[],
                **values,
            )
            .returning(*visits.c)
        )
        taken = Visit.of(row.one())
        await note(connection, taken.id, now, "ticket_taken", taken.kiosk)
        return taken

    async def _proven_today(
        self, connection: AsyncConnection, earlier: tuple[str, str] | None, now: datetime
    ) -> None:
        if earlier is None:
            raise ValueError("earlier: ticket and code of the visit you come back for")
        ticket, code = earlier
        for before in await _tickets_today(connection, ticket, now):
            if before.ended_at is not None and self._codes.proves(before.id, code):
                return
        raise ValueError("earlier: no visit of today has this ticket and code")

    async def _of_ticket(
        self, connection: AsyncConnection, ticket: str, code: str, now: datetime
    ) -> Visit:
        for held in await _tickets_today(connection, ticket, now):
            if held.state in visit.IN_LINE and self._codes.proves(held.id, code):
                return held
        raise NotFound("no ticket of today that waits has this number and code")


def _check_wish(wish: str) -> None:
    if wish and wish not in LANGUAGES:
        raise ValueError(f"wish: {wish} is none of {', '.join(LANGUAGES)}")


@contextlib.asynccontextmanager
async def _one_at_a_kiosk() -> AsyncIterator[None]:
    """Of two tickets at one kiosk at once the index lets one through. Raises Conflict."""
    try:
        yield
    except IntegrityError as error:
        raise Conflict("this kiosk already holds a ticket") from error


async def _kiosk_is_free(connection: AsyncConnection, kiosk: KioskId) -> None:
    held = await connection.execute(
        sa.select(visits.c.ticket).where(visits.c.kiosk == kiosk, visits.c.at_kiosk)
    )
    if (ticket := held.scalar()) is not None:
        raise Conflict(f"this kiosk already holds ticket {ticket}")


async def _tickets_today(connection: AsyncConnection, ticket: str, now: datetime) -> list[Visit]:
    """Visits of today with this number; several cities may have given the same one."""
    midnight = now.astimezone(LOCAL).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = await connection.execute(
        sa.select(visits).where(
            visits.c.ticket == ticket.strip().upper(), visits.c.taken_at >= midnight
        )
    )
    return [Visit.of(row) for row in rows]


def _after_record(ready: bool) -> window.Event:
    return window.Event.BE_READY if ready else window.Event.TAKE_BREAK


__all__ = ["Conflict", "Desk", "NotFound", "UnknownMatter"]
