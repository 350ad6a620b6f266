"""Who has an appointment? The transactions: book, move, cancel, use; the only writer of bookings.

Which half hours there are is `appointments.py`, what an appointment is `booking.py`. Whoever has
the code has the appointment; it is told once and only its hash is kept. Two bookings never have
one seat, because a unique index says so; who books in one queue at the same time queues up behind
its row.
"""

import hashlib
import re
import secrets
from datetime import date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from uuid_utils import uuid7

from scheduling.appointments import Arrival, BadSlot, Slot, check_slot, free_seat, slots
from scheduling.booking import BadBooking, Booking, BookingId, Contact, State
from scheduling.calendar_tables import bookings
from scheduling.codes import ALPHABET
from scheduling.duty import LOCAL, half_hours
from scheduling.hours import hours_of
from scheduling.rows import Conflict, NotFound
from scheduling.rules import QueueId
from scheduling.tables import queues
from scheduling.visit import CityCode, MatterCode, VisitId

CODE_LENGTH = 8
_ATTEMPTS = 5


class SlotFull(Conflict):
    """Nobody else can book this half hour."""


class Bookings:
    """The appointments of every queue."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def slots(self, queue: str, now: datetime) -> list[Slot]:
        """The half hours of a queue in the next 14 days, full ones too. Raises NotFound."""
        async with self._engine.connect() as connection:
            found = await _queue(connection, queue)
            taken = await connection.execute(
                sa.select(bookings.c.starts_at, sa.func.count().label("many"))
                .where(
                    bookings.c.queue == queue,
                    bookings.c.starts_at > now,
                    bookings.c.state != State.CANCELLED,
                )
                .group_by(bookings.c.starts_at)
            )
            return slots(
                await hours_of(connection, found.city),
                capacity=found.capacity,
                booked={row.starts_at: row.many for row in taken},
                now=now,
            )

    async def book(
        self,
        *,
        queue: str,
        matter: str,
        slot: datetime,
        contact: Contact,
        language: str,
        now: datetime,
    ) -> tuple[Booking, str]:
        """The appointment and its code, which cannot be asked for again.

        Raises NotFound for an unknown queue, BadBooking, BadSlot, SlotFull.
        """
        for _ in range(_ATTEMPTS):
            code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
            try:
                async with self._engine.begin() as connection:
                    found = await _queue(connection, queue, lock=True)
                    if matter not in found.matters:
                        raise BadBooking(f"matter: this queue does not serve {matter}")
                    row = await connection.execute(
                        sa.insert(bookings)
                        .values(
                            id=str(uuid7()),
                            code_hash=_hash(code),
                            city=found.city,
                            queue=queue,
                            matter=matter,
                            starts_at=slot,
                            seat=await _seat(connection, found, slot, now),
                            state=State.BOOKED,
                            name=contact.name,
                            phone=contact.phone,
                            language=language,
                            booked_at=now,
                        )
                        .returning(*bookings.c)
                    )
                    return _booking(row.one()), code
            except IntegrityError:  # the seat went to somebody meanwhile, or the code is in use
                continue
        raise SlotFull("slot: many book here at this moment; try again")

    async def move(self, code: str, slot: datetime, now: datetime) -> Booking:
        """To another half hour of the same queue; the code stays.

        Raises NotFound, Conflict, BadSlot, SlotFull; the appointment is then as it was.
        """
        for _ in range(_ATTEMPTS):
            try:
                async with self._engine.begin() as connection:
                    before = _still_to_come(await _by_code(connection, code), now)
                    if before.starts_at == slot:
                        return before
                    found = await _queue(connection, before.queue, lock=True)
                    seat = await _seat(connection, found, slot, now)
                    return await _change(connection, before, starts_at=slot, seat=seat)
            except IntegrityError:
                continue
        raise SlotFull("slot: many book here at this moment; try again")

    async def cancel(self, code: str, now: datetime) -> Booking:
        """Give the half hour back; the contact is forgotten. Raises NotFound, Conflict."""
        async with self._engine.begin() as connection:
            before = _still_to_come(await _by_code(connection, code), now)
            return await _change(connection, before, state=State.CANCELLED, name="", phone="")

    async def find(self, code: str) -> Booking:
        """The appointment with this code, whatever became of it. Raises NotFound."""
        async with self._engine.connect() as connection:
            return await _by_code(connection, code)

    async def of_day(self, city: str, on: date) -> list[Booking]:
        """The city's appointments on one day, cancelled ones too."""
        begins = datetime.combine(on, time(0), LOCAL)
        return await self._of_city(
            city,
            bookings.c.starts_at >= begins,
            bookings.c.starts_at < begins + timedelta(days=1),
        )

    async def displaced(self, city: str, now: datetime) -> list[Booking]:
        """The appointments to come in half hours in which the city is not open any more."""
        async with self._engine.connect() as connection:
            hours = await hours_of(connection, city)
        coming = await self._of_city(
            city, bookings.c.starts_at > now, bookings.c.state == State.BOOKED
        )
        return [
            booking
            for booking in coming
            if booking.starts_at
            not in half_hours(hours, booking.starts_at.astimezone(LOCAL).date())
        ]

    async def _of_city(self, city: str, *conditions: sa.ColumnElement[bool]) -> list[Booking]:
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                sa.select(bookings)
                .where(bookings.c.city == city, *conditions)
                .order_by(bookings.c.starts_at, bookings.c.queue, bookings.c.seat)
            )
            return [_booking(row) for row in rows]


async def use(connection: AsyncConnection, code: str, now: datetime) -> Booking:
    """Check in, exactly once, inside the transaction that takes the ticket.

    The caller gives the booked head start if `arrival(now)` of what comes back is on time, and
    says with `became` which visit it is. Raises NotFound, Conflict.
    """
    found = await _by_code(connection, code)
    if found.state is not State.BOOKED:
        raise Conflict(_OVER[found.state])
    if found.arrival(now) is Arrival.OTHER_DAY:
        day = found.starts_at.astimezone(LOCAL)
        raise Conflict(f"this appointment is for another day, {day:%Y-%m-%d %H:%M}")
    return await _change(connection, found, state=State.USED)


async def became(connection: AsyncConnection, used: Booking, visit: VisitId) -> None:
    """Note the visit that a used appointment became, once that visit is in the database."""
    await connection.execute(
        sa.update(bookings).where(bookings.c.id == used.id).values(visit=visit)
    )


_OVER = {
    State.CANCELLED: "this appointment was cancelled",
    State.USED: "somebody has checked in with this appointment already",
}


def _hash(code: str) -> str:
    typed = re.sub(r"[\s-]", "", code).upper()
    return hashlib.sha256(b"appointment:" + typed.encode()).hexdigest()


def _booking(row: Any) -> Booking:
    return Booking(
        id=BookingId(row.id),
        city=CityCode(row.city),
        queue=QueueId(row.queue),
        matter=MatterCode(row.matter),
        starts_at=row.starts_at,
        seat=row.seat,
        state=State(row.state),
        contact=Contact(row.name, row.phone),
        language=row.language,
        booked_at=row.booked_at,
        visit=row.visit,
    )


async def _queue(connection: AsyncConnection, queue: str, *, lock: bool = False) -> Any:
    query = sa.select(queues).where(queues.c.id == queue)
    if lock:  # not against those who only refer to the queue, as every new visit does
        query = query.with_for_update(key_share=True)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound(f"no queue {queue}")
    return row


async def _seat(connection: AsyncConnection, queue: Any, slot: datetime, now: datetime) -> int:
    """A free seat in this half hour. Raises BadSlot, SlotFull."""
    if queue.capacity == 0:
        raise BadSlot("queue: takes no appointments")
    check_slot(await hours_of(connection, queue.city), slot, now)
    rows = await connection.execute(
        sa.select(bookings.c.seat).where(
            bookings.c.queue == queue.id,
            bookings.c.starts_at == slot,
            bookings.c.state != State.CANCELLED,
        )
    )
    seat = free_seat(queue.capacity, {row.seat for row in rows})
    if seat is None:
        raise SlotFull("slot: this half hour is full")
    return seat


async def _by_code(connection: AsyncConnection, code: str) -> Booking:
    row = (
        await connection.execute(sa.select(bookings).where(bookings.c.code_hash == _hash(code)))
    ).one_or_none()
    if row is None:
        raise NotFound("no appointment has this code")
    return _booking(row)


def _still_to_come(booking: Booking, now: datetime) -> Booking:
    if booking.state is not State.BOOKED:
        raise Conflict(_OVER[booking.state])
    if now >= booking.ends_at:
        raise Conflict("the time of this appointment is over; book another one")
    return booking


async def _change(connection: AsyncConnection, before: Booking, **values: Any) -> Booking:
    """Change an appointment that is as it was read. Raises Conflict."""
    row = (
        await connection.execute(
            sa.update(bookings)
            .where(
                bookings.c.id == before.id,
                bookings.c.state == before.state,
                bookings.c.starts_at == before.starts_at,
            )
            .values(**values)
            .returning(*bookings.c)
        )
    ).one_or_none()
    if row is None:
        raise Conflict("the appointment has changed meanwhile")
    return _booking(row)
