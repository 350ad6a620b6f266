"""Checking in with an appointment, and whoever comes to a closed city: on a real desk."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
import pytest_asyncio

from scheduling.appointments import EARLY
from scheduling.booking import Booking, Contact, State
from scheduling.bookings import Bookings
from scheduling.duty import HALF_HOUR, USUAL
from scheduling.hours import Closed, OpeningHours
from scheduling.record import Visit
from scheduling.rows import Conflict, NotFound
from scheduling.rules import HEAD_STARTS_S, Priority, QueueId
from scheduling.visit import KioskId, MatterCode
from tests.scheduling.office import CLERK, HANGZHOU, JIAXING, KIOSK, NOON, SITE, Office, office
from tests.scheduling.test_duty import at as local
from tests.support.worlds import World

QUEUE, MATTER = QueueId(f"{JIAXING}-medical-insurance"), MatterCode("YB-01")
SLOT = local("2026-11-23 14:30")  # two and a half hours after noon


@pytest_asyncio.fixture
async def at(world: World) -> AsyncIterator[Office]:
    """An office where nobody is yet, open at all hours."""
    async with office(world) as opened:
        yield opened


async def booked(at: Office, slot: datetime = SLOT) -> tuple[Booking, str]:
    return await Bookings(at.engine).book(
        queue=QUEUE,
        matter=MATTER,
        slot=slot,
        contact=Contact("", "13812345678"),
        language="zh_CN",
        now=NOON,
    )


async def check_in(at: Office, code: str, when: datetime, kiosk: str = KIOSK) -> Visit:
    return await at.desk.check_in(
        code,
        kiosk=KioskId(kiosk),
        site=SITE,
        language="zh_CN",
        notice_version="2026-11",
        now=when,
    )


async def test_on_time_the_ticket_is_that_of_the_half_hour(at: Office) -> None:
    booking, code = await booked(at)
    _, second = await booked(at)
    taken = await check_in(at, code, SLOT - EARLY)
    assert (taken.ticket, taken.priority) == ("C1430-1", Priority.BOOKED)
    assert taken.virtual_at == SLOT - timedelta(seconds=HEAD_STARTS_S[Priority.BOOKED])
    assert (taken.city, taken.matter, taken.queue) == (JIAXING, MATTER, QUEUE)
    assert (await check_in(at, second, SLOT, "kiosk-2")).ticket == "C1430-2"
    used = await Bookings(at.engine).find(code)
    assert (used.id, used.state, used.visit) == (booking.id, State.USED, taken.id)


async def test_who_is_on_time_is_offered_before_those_who_came_without_an_appointment(
    at: Office,
) -> None:
    at.now = SLOT - timedelta(minutes=40)
    for n in range(3):
        await at.take(f"k{n}")
    _, code = await booked(at)
    taken = await check_in(at, code, SLOT)
    at.now = SLOT
    await at.ready(CLERK)
    assert [v.id for v in await at.offer()] == [taken.id]


@pytest.mark.parametrize(
    "when", [SLOT - EARLY - timedelta(seconds=1), SLOT + HALF_HOUR], ids=["early", "late"]
)
async def test_early_or_late_it_is_an_ordinary_ticket(at: Office, when: datetime) -> None:
    _, code = await booked(at)
    taken = await check_in(at, code, when)
    assert (taken.ticket, taken.priority) == ("C001", Priority.ORDINARY)
    assert taken.virtual_at == when
    assert (await Bookings(at.engine).find(code)).state is State.USED


async def test_an_appointment_is_used_once_and_on_its_day(at: Office) -> None:
    _, code = await booked(at)
    _, tomorrow = await booked(at, SLOT + timedelta(days=1))
    with pytest.raises(Conflict, match="another day"):
        await check_in(at, tomorrow, SLOT)
    with pytest.raises(NotFound):
        await check_in(at, "23456789", SLOT)
    await check_in(at, code, SLOT)
    with pytest.raises(Conflict, match="already"):
        await check_in(at, code, SLOT, "kiosk-2")
    assert len(await at.board.in_line()) == 1


async def test_of_check_ins_at_once_exactly_one_begins_a_visit(at: Office) -> None:
    _, code = await booked(at)
    done = await asyncio.gather(
        *(check_in(at, code, SLOT, f"k{n}") for n in range(6)), return_exceptions=True
    )
    taken = [each for each in done if isinstance(each, Visit)]
    assert [v.ticket for v in taken] == ["C1430-1"]
    assert all(isinstance(each, Visit | Conflict) for each in done)


async def test_a_kiosk_that_holds_a_ticket_leaves_the_appointment_as_it_was(at: Office) -> None:
    _, code = await booked(at)
    await at.take()
    with pytest.raises(Conflict, match="already holds"):
        await check_in(at, code, SLOT)
    assert (await Bookings(at.engine).find(code)).state is State.BOOKED


async def test_a_closed_city_gives_no_ticket_and_says_when_it_opens(at: Office) -> None:
    await OpeningHours(at.engine).keep(HANGZHOU, USUAL.week, USUAL.holidays)
    at.now = local("2026-11-27 17:00")  # a Friday
    with pytest.raises(Closed, match="opens 2026-11-30 09:00"):
        await at.take(city=HANGZHOU)
    at.now = local("2026-11-30 08:59") + timedelta(seconds=59)
    assert (await at.take(city=HANGZHOU)).ticket == "C001"


async def test_a_closure_after_the_booking_leaves_the_appointment_as_it_was(at: Office) -> None:
    _, code = await booked(at)
    await OpeningHours(at.engine).keep_day(
        JIAXING, SLOT.date(), [], reason_zh="停电", reason_en="A power cut"
    )
    with pytest.raises(Closed):
        await check_in(at, code, SLOT)
    assert (await Bookings(at.engine).find(code)).state is State.BOOKED
