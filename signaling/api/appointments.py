"""`/api/appointments`, `/api/queues/{queue}/slots`: booking at a kiosk, and a city's day.

A code is a secret, so it is in bodies and never in an address, and a kiosk may guess few of them
(`guesses.py`). Checking in is taking a ticket, on the line.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated

import msgspec

from scheduling.appointments import EARLY, BadSlot
from scheduling.booking import BadBooking, Booking, contact
from scheduling.bookings import Bookings
from scheduling.duty import LOCAL, half_hours
from scheduling.hours import OpeningHours
from scheduling.rows import Conflict, NotFound
from signaling.access import Role
from signaling.api.opening import date_of, own_city
from signaling.api.rest import EVERYONE, Asked, Operation, Problem
from signaling.audit import Audit
from signaling.guesses import Guesses, TooManyGuesses
from signaling.protocol import CityView, Language, MatterView
from signaling.world import World, city_view, matter_view

KIOSKS = frozenset({Role.KIOSK})
READERS = frozenset({Role.ADMIN, Role.SUPERVISOR})
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Typed = Annotated[str, msgspec.Meta(max_length=100)]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class SlotView(msgspec.Struct):
    """A half hour and how many appointments it can still take."""

    starts_at: datetime
    free: int


class AppointmentBody(msgspec.Struct, forbid_unknown_fields=True):
    """What to book; a name and a phone number may be given, to be called by."""

    queue: Text
    matter: Text
    slot: Instant
    language: Language
    name: Typed = ""
    phone: Typed = ""


class CodeBody(msgspec.Struct, forbid_unknown_fields=True):
    """The code that was told when the appointment was booked."""

    code: Code


class MoveBody(msgspec.Struct, forbid_unknown_fields=True):
    """The code, and the half hour to move to."""

    code: Code
    slot: Instant


class AppointmentView(msgspec.Struct, kw_only=True):
    """An appointment, `booked`, `cancelled` or `used`.

    `arrival` is what coming now would be: `on_time` (from `on_time_from` until `ends_at`, served
    within the half hour), `early` or `late` (an ordinary place by the time of coming), or
    `other_day` (the code opens nothing).
    """

    city: CityView
    queue: str
    matter: MatterView
    on_time_from: datetime
    starts_at: datetime
    ends_at: datetime
    state: str
    arrival: str
    contact: str
    language: str


class BookedView(msgspec.Struct):
    """A new appointment and its code, which is told this once."""

    code: str
    appointment: AppointmentView


class AppointmentLine(msgspec.Struct, kw_only=True):
    """An appointment in a city's list; `displaced`: the city is not open then any more."""

    starts_at: datetime
    queue: str
    matter: MatterView
    state: str
    contact: str
    visit: str | None
    displaced: bool


class AppointmentsApi:
    """Appointments as kiosks make them and cities see them."""

    def __init__(self, world: World, bookings: Bookings, hours: OpeningHours, audit: Audit) -> None:
        self._world, self._bookings = world, bookings
        self._hours, self._audit = hours, audit
        self._guesses = Guesses()
        self._looking = asyncio.Lock()  # so that guesses at once are counted one by one

    def operations(self) -> list[Operation]:
        """The rows of this resource."""
        return [
            Operation(
                "GET", "/api/queues/{queue}/slots", "The half hours of the next 14 days",
                EVERYONE, self.slots, None, list[SlotView],
            ),
            Operation(
                "POST", "/api/appointments", "Book a half hour", KIOSKS,
                self.book_appointment, AppointmentBody, BookedView,
            ),
            Operation(
                "POST", "/api/appointments/find", "The appointment with a code", KIOSKS,
                self.find_appointment, CodeBody, AppointmentView,
            ),
            Operation(
                "POST", "/api/appointments/move", "Move to another half hour", KIOSKS,
                self.move_appointment, MoveBody, AppointmentView,
            ),
            Operation(
                "POST", "/api/appointments/cancel", "Give the half hour back", KIOSKS,
                self.cancel_appointment, CodeBody, AppointmentView,
            ),
            Operation(
                "GET", "/api/cities/{city}/appointments", "A city's appointments of a day",
                READERS, self.appointments, None, list[AppointmentLine], ("day",),
            ),
        ]  # fmt: skip

    async def slots(self, asked: Asked) -> list[SlotView]:
        """Full ones too; of any city's queue."""
        try:
            found = await self._bookings.slots(asked.part("queue"), asked.now)
        except NotFound as error:
            raise Problem(404, "no such queue") from error
        return [SlotView(slot.starts_at.astimezone(LOCAL), slot.free) for slot in found]

    async def book_appointment(self, asked: Asked) -> BookedView:
        """The code is in this answer alone."""
        body: AppointmentBody = asked.body
        try:
            booking, code = await self._bookings.book(
                queue=body.queue,
                matter=body.matter,
                slot=body.slot,
                contact=contact(body.name, body.phone),
                language=body.language,
                now=asked.now,
            )
        except NotFound as error:
            raise Problem(404, "no such queue") from error
        except Conflict as error:
            raise Problem(409, str(error)) from error
        except (BadBooking, BadSlot) as error:
            raise Problem(422, str(error)) from error
        await self._audit.log(asked.who, "book_appointment", booking.id, asked.now)
        return BookedView(code, self._view(booking, asked.now))

    async def find_appointment(self, asked: Asked) -> AppointmentView:
        """Also one that was cancelled or used."""
        async with self._guess(asked):
            found = await self._bookings.find(asked.body.code)
        return self._view(found, asked.now)

    async def move_appointment(self, asked: Asked) -> AppointmentView:
        """Within its queue; the code stays."""
        async with self._guess(asked):
            moved = await self._bookings.move(asked.body.code, asked.body.slot, asked.now)
        await self._audit.log(asked.who, "move_appointment", moved.id, asked.now)
        return self._view(moved, asked.now)

    async def cancel_appointment(self, asked: Asked) -> AppointmentView:
        """Before its half hour is over."""
        async with self._guess(asked):
            cancelled = await self._bookings.cancel(asked.body.code, asked.now)
        await self._audit.log(asked.who, "cancel_appointment", cancelled.id, asked.now)
        return self._view(cancelled, asked.now)

    async def appointments(self, asked: Asked) -> list[AppointmentLine]:
        """Of today if no day is named; contacts are masked."""
        city = own_city(self._world, asked)
        named = asked.query("day")
        day = date_of(named, "day") if named else asked.now.astimezone(LOCAL).date()
        open_then = half_hours(await self._hours.of(city), day)
        return [
            AppointmentLine(
                starts_at=one.starts_at.astimezone(LOCAL),
                queue=one.queue,
                matter=matter_view(self._world.catalogue.matter(one.matter)),
                state=one.state,
                contact=one.contact.masked,
                visit=one.visit,
                displaced=one.starts_at not in open_then,
            )
            for one in await self._bookings.of_day(city, day)
        ]

    @asynccontextmanager
    async def _guess(self, asked: Asked) -> AsyncIterator[None]:
        """Around work on a code; one that opens nothing counts as a wrong guess."""
        async with self._looking:
            try:
                self._guesses.check(asked.who.id, time.monotonic())
                yield
            except TooManyGuesses as error:
                raise Problem(429, str(error)) from error
            except NotFound as error:
                self._guesses.wrong(asked.who.id, time.monotonic())
                raise Problem(404, str(error)) from error
            except Conflict as error:
                raise Problem(409, str(error)) from error
            except BadSlot as error:
                raise Problem(422, str(error)) from error

    def _view(self, booking: Booking, now: datetime) -> AppointmentView:
        starts_at = booking.starts_at.astimezone(LOCAL)
        return AppointmentView(
            city=city_view(self._world.cities[booking.city]),
            queue=booking.queue,
            matter=matter_view(self._world.catalogue.matter(booking.matter)),
            on_time_from=starts_at - EARLY,
            starts_at=starts_at,
            ends_at=booking.ends_at.astimezone(LOCAL),
            state=booking.state,
            arrival=booking.arrival(now),
            contact=booking.contact.masked,
            language=booking.language,
        )
