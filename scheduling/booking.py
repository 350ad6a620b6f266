"""What is an appointment? Values, and what is kept of whoever booked; pure.

Which half hours can be booked is `appointments.py`, how one is booked `bookings.py`.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from scheduling.appointments import Arrival, arrival
from scheduling.duty import HALF_HOUR
from scheduling.rules import QueueId
from scheduling.visit import CityCode, MatterCode, VisitId

BookingId = NewType("BookingId", str)

MAX_NAME = 40


class BadBooking(ValueError):  # noqa: N818
    """Something given with a booking is wrong; the text begins with the field."""


class State(StrEnum):
    """Where an appointment stands."""

    BOOKED = "booked"
    CANCELLED = "cancelled"
    USED = "used"


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach whoever booked: at most a name and a phone number, either may be empty."""

    name: str = ""
    phone: str = ""

    @property
    def masked(self) -> str:
        """As it is shown in lists: the first character of the name, the last four digits."""
        name = f"{self.name[0]}**" if self.name else ""
        phone = f"****{self.phone[-4:]}" if self.phone else ""
        return " ".join(part for part in (name, phone) if part)


@dataclass(frozen=True, slots=True)
class Booking:
    """One appointment. `visit` is what it became at the kiosk."""

    id: BookingId
    city: CityCode
    queue: QueueId
    matter: MatterCode
    starts_at: datetime
    seat: int
    state: State
    contact: Contact
    language: str
    booked_at: datetime
    visit: VisitId | None

    @property
    def ends_at(self) -> datetime:
        """The end of its half hour."""
        return self.starts_at + HALF_HOUR

    def arrival(self, now: datetime) -> Arrival:
        """Whether somebody who comes now is on time."""
        return arrival(self.starts_at, now)


def contact(name: str, phone: str) -> Contact:
    """A name and a phone number as somebody typed them. Raises BadBooking."""
    name = " ".join(name.split())
    if len(name) > MAX_NAME:
        raise BadBooking(f"name: at most {MAX_NAME} characters")
    digits = re.sub(r"[\s()-]", "", phone)
    if digits and not re.fullmatch(r"\+?[0-9]{5,15}", digits):
        raise BadBooking("phone: a phone number of 5 to 15 digits, or nothing")
    return Contact(name, digits)
