"""Appointments on a real database: a half hour is never booked twice, a code opens one of them."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
import pytest_asyncio
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from deploy import demo_world
from scheduling.appointments import Arrival, BadSlot
from scheduling.booking import BadBooking, Contact, State, contact
from scheduling.bookings import CODE_LENGTH, Bookings, SlotFull, became, use
from scheduling.calendar_tables import bookings
from scheduling.codes import ALPHABET
from scheduling.duty import HALF_HOUR
from scheduling.hours import OpeningHours
from scheduling.roster import Roster
from scheduling.rows import Conflict, NotFound
from scheduling.rulebook import Rulebook
from scheduling.rules import BadRule
from scheduling.visit import VisitId
from tests.scheduling.office import HANGZHOU, JIAXING, office
from tests.scheduling.planning import CONTACT, MATTER, NOW, QUEUE, SLOT, Planning, planning
from tests.scheduling.test_duty import at
from tests.support.worlds import World

LATER = SLOT + HALF_HOUR


@pytest_asyncio.fixture
async def town(world: World) -> AsyncIterator[Planning]:
    """A queue that takes two appointments in half an hour; nothing is booked."""
    async with planning(world, capacity=2) as opened:
        yield opened


async def kept(town: Planning) -> list[tuple[datetime, int]]:
    """Slot and seat of every appointment that holds one, in order."""
    async with town.engine.connect() as connection:
        rows = await connection.execute(
            sa.select(bookings.c.starts_at, bookings.c.seat)
            .where(bookings.c.state != State.CANCELLED)
            .order_by(bookings.c.starts_at, bookings.c.seat)
        )
        return [(row.starts_at, row.seat) for row in rows]


async def check_in(town: Planning, code: str, now: datetime) -> Arrival:
    async with town.engine.begin() as connection:
        return (await use(connection, code, now)).arrival(now)


# Booking


async def test_an_appointment_has_a_code_that_is_told_once(town: Planning) -> None:
    booking, code = await town.book()
    assert len(code) == CODE_LENGTH
    assert set(code) <= set(ALPHABET)
    assert not set(code) & set("01ILOU")
    assert (booking.city, booking.queue, booking.matter) == (JIAXING, QUEUE, MATTER)
    assert (booking.starts_at, booking.ends_at) == (SLOT, SLOT + HALF_HOUR)
    assert (booking.state, booking.visit) == (State.BOOKED, None)
    assert await town.bookings.find(code) == booking


async def test_the_code_is_not_in_the_database(town: Planning) -> None:
    _, code = await town.book()
    async with town.engine.connect() as connection:
        row = (await connection.execute(sa.select(bookings))).one()
    assert code not in repr(row)


async def test_a_code_is_found_as_people_type_it(town: Planning) -> None:
    booking, code = await town.book()
    for typed in (code.lower(), f" {code[:4]} {code[4:]} ", f"{code[:4]}-{code[4:]}"):
        assert await town.bookings.find(typed) == booking
    for wrong in ("", code[:-1], f"{code}2", "22222222", "%", "\x00"):
        with pytest.raises(NotFound):
            await town.bookings.find(wrong)


async def test_a_half_hour_takes_as_many_as_its_queue_says_and_no_more(town: Planning) -> None:
    assert await town.free() == 2
    await town.book()
    assert await town.free() == 1
    await town.book()
    assert await town.free() == 0
    with pytest.raises(SlotFull, match=r"^slot: "):
        await town.book()
    assert await kept(town) == [(SLOT, 1), (SLOT, 2)]
    assert await town.free(LATER) == 2


async def test_of_many_who_book_one_half_hour_at_once_as_many_get_it_as_there_are_seats(
    town: Planning,
) -> None:
    done = await asyncio.gather(*(town.book() for _ in range(12)), return_exceptions=True)
    assert sum(isinstance(one, SlotFull) for one in done) == 10
    assert await kept(town) == [(SLOT, 1), (SLOT, 2)]


async def test_the_database_itself_refuses_a_seat_twice(town: Planning) -> None:
    await town.book()
    async with town.engine.connect() as connection:
        row = dict((await connection.execute(sa.select(bookings))).one()._mapping)
    with pytest.raises(IntegrityError):
        async with town.engine.begin() as connection:
            await connection.execute(
                sa.insert(bookings).values(**row | {"id": "other", "code_hash": "other"})
            )


async def test_only_half_hours_that_can_be_booked_are(town: Planning) -> None:
    for slot in (NOW - HALF_HOUR, SLOT + timedelta(minutes=5), SLOT + timedelta(days=15)):
        with pytest.raises(BadSlot, match=r"^slot: "):
            await town.book(slot)
    assert await kept(town) == []


async def test_a_closure_takes_its_half_hours_away_and_tells_whom_it_displaces(
    town: Planning,
) -> None:
    displaced, _ = await town.book()
    await town.book(SLOT + timedelta(days=1))
    await town.hours.keep_day(JIAXING, SLOT.date(), [], reason_zh="培训", reason_en="Training")
    with pytest.raises(BadSlot, match=r"^slot: not a half hour"):
        await town.book()
    assert SLOT not in {s.starts_at for s in await town.bookings.slots(QUEUE, town.now)}
    assert await town.bookings.displaced(JIAXING, town.now) == [displaced]
    assert await town.bookings.displaced(HANGZHOU, town.now) == []


async def test_a_queue_that_takes_no_appointments_is_not_booked(town: Planning) -> None:
    await town.set_capacity(0)
    with pytest.raises(BadSlot, match=r"^queue: "):
        await town.book()
    assert {slot.free for slot in await town.bookings.slots(QUEUE, town.now)} == {0}


async def test_a_capacity_that_is_lowered_keeps_those_who_booked_and_takes_no_others(
    town: Planning,
) -> None:
    _, first = await town.book()
    _, second = await town.book()
    await town.set_capacity(1)
    assert await town.free() == 0
    await town.bookings.cancel(first, town.now)
    with pytest.raises(SlotFull):
        await town.book()
    assert (await town.bookings.find(second)).state is State.BOOKED


async def test_unknown_queues_and_matters_are_refused(town: Planning) -> None:
    with pytest.raises(NotFound):
        await town.bookings.slots("nowhere", town.now)
    for queue, matter, error in (("nowhere", MATTER, NotFound), (QUEUE, "XX-99", BadBooking)):
        with pytest.raises(error):
            await town.bookings.book(
                queue=queue,
                matter=matter,
                slot=SLOT,
                contact=CONTACT,
                language="en",
                now=town.now,
            )


# Who booked


@pytest.mark.parametrize(
    ("name", "phone", "wanted"),
    [
        (" 张  伟民 ", "138 1234-5678", Contact("张 伟民", "13812345678")),
        ("", "(0573) 8212345", Contact("", "05738212345")),
        ("Li", "+86 13812345678", Contact("Li", "+8613812345678")),
        ("", "", Contact()),
    ],
)
def test_a_contact_is_at_most_a_name_and_a_number(name: str, phone: str, wanted: Contact) -> None:
    assert contact(name, phone) == wanted


@pytest.mark.parametrize("phone", ["12", "x", "138123456789012345", "1381234567x", "110;drop"])
def test_a_number_that_is_none_is_refused(phone: str) -> None:
    with pytest.raises(BadBooking, match=r"^phone: "):
        contact("", phone)
    with pytest.raises(BadBooking, match=r"^name: "):
        contact("x" * 41, "")


def test_a_contact_is_masked_in_lists() -> None:
    assert CONTACT.masked == "张** ****5678"
    assert (Contact("", "13812345678").masked, Contact().masked) == ("****5678", "")


async def test_a_city_sees_its_own_days(town: Planning) -> None:
    first, code = await town.book()
    await town.book(LATER)
    await town.bookings.cancel(code, town.now)
    listed = await town.bookings.of_day(JIAXING, SLOT.date())
    assert [(one.id == first.id, one.state) for one in listed] == [
        (True, State.CANCELLED),
        (False, State.BOOKED),
    ]
    assert await town.bookings.of_day(JIAXING, NOW.date()) == []
    assert await town.bookings.of_day(HANGZHOU, SLOT.date()) == []


# Moving and cancelling


async def test_an_appointment_that_is_moved_keeps_its_code_and_frees_its_seat(
    town: Planning,
) -> None:
    booking, code = await town.book()
    moved = await town.bookings.move(code, LATER, town.now)
    assert (moved.id, moved.starts_at) == (booking.id, LATER)
    assert await town.bookings.find(code) == moved
    assert await kept(town) == [(LATER, 1)]


async def test_an_appointment_stays_where_it_is_when_it_cannot_be_moved(town: Planning) -> None:
    booking, code = await town.book()
    await town.book(LATER)
    await town.book(LATER)
    with pytest.raises(SlotFull):
        await town.bookings.move(code, LATER, town.now)
    with pytest.raises(BadSlot):
        await town.bookings.move(code, SLOT + timedelta(minutes=1), town.now)
    assert await town.bookings.find(code) == booking
    assert await town.bookings.move(code, SLOT, town.now) == booking


async def test_moving_to_one_free_seat_at_once_succeeds_once(town: Planning) -> None:
    await town.set_capacity(4)
    codes = [(await town.book())[1] for _ in range(4)]
    await town.set_capacity(1)
    done = await asyncio.gather(
        *(town.bookings.move(code, LATER, town.now) for code in codes), return_exceptions=True
    )
    assert sum(isinstance(one, SlotFull) for one in done) == 3
    assert Counter(slot for slot, _ in await kept(town)) == {SLOT: 3, LATER: 1}


async def test_a_cancelled_appointment_frees_its_seat_and_forgets_who_it_was(
    town: Planning,
) -> None:
    _, code = await town.book()
    await town.book()
    cancelled = await town.bookings.cancel(code, town.now)
    assert (cancelled.state, cancelled.contact) == (State.CANCELLED, Contact())
    assert (await town.book())[0].seat == 1
    for late in (
        town.bookings.cancel(code, town.now),
        town.bookings.move(code, LATER, town.now),
        check_in(town, code, SLOT),
    ):
        with pytest.raises(Conflict, match="cancelled"):
            await late


async def test_an_appointment_that_is_over_is_neither_moved_nor_cancelled(town: Planning) -> None:
    _, code = await town.book()
    over = SLOT + HALF_HOUR
    for late in (
        town.bookings.cancel(code, over),
        town.bookings.move(code, LATER + timedelta(hours=1), over),
    ):
        with pytest.raises(Conflict, match="is over"):
            await late


async def test_moving_and_cancelling_at_once_leaves_one_of_both(town: Planning) -> None:
    _, code = await town.book()
    await asyncio.gather(
        town.bookings.cancel(code, town.now),
        town.bookings.move(code, LATER, town.now),
        return_exceptions=True,
    )
    found = await town.bookings.find(code)
    holds = await kept(town)
    assert holds == ([] if found.state is State.CANCELLED else [(LATER, 1)])


# Coming


@pytest.mark.parametrize(
    ("now", "wanted"),
    [
        ("2026-11-26 08:45", Arrival.ON_TIME),
        ("2026-11-26 09:29", Arrival.ON_TIME),
        ("2026-11-26 08:44", Arrival.EARLY),
        ("2026-11-26 09:30", Arrival.LATE),
    ],
)
async def test_a_code_checks_in_on_its_day_and_tells_whether_on_time(
    town: Planning, now: str, wanted: Arrival
) -> None:
    _, code = await town.book()
    assert await check_in(town, code, at(now)) is wanted
    assert (await town.bookings.find(code)).state is State.USED


async def test_a_code_opens_nothing_on_another_day(town: Planning) -> None:
    _, code = await town.book()
    for now in (NOW, SLOT + timedelta(days=1)):
        with pytest.raises(Conflict, match="2026-11-26 09:00"):
            await check_in(town, code, now)
    assert (await town.bookings.find(code)).state is State.BOOKED


async def test_a_code_checks_in_exactly_once(town: Planning) -> None:
    _, code = await town.book()
    done = await asyncio.gather(
        *(check_in(town, code, SLOT) for _ in range(6)), return_exceptions=True
    )
    assert done.count(Arrival.ON_TIME) == 1
    assert sum(isinstance(one, Conflict) for one in done) == 5
    with pytest.raises(Conflict, match="already"):
        await town.bookings.move(code, LATER, town.now)
    assert await kept(town) == [(SLOT, 1)]  # the seat is not given to somebody else


async def test_a_check_in_is_undone_with_the_transaction_that_takes_the_ticket(
    town: Planning,
) -> None:
    _, code = await town.book()

    async def take_ticket() -> None:
        async with town.engine.begin() as connection:
            await use(connection, code, SLOT)
            raise Conflict("this kiosk already holds ticket C001")

    with pytest.raises(Conflict, match="this kiosk"):
        await take_ticket()
    assert (await town.bookings.find(code)).state is State.BOOKED


async def test_a_booking_names_only_a_visit_that_is_there(town: Planning) -> None:
    _, code = await town.book()

    async def take_ticket() -> None:
        async with town.engine.begin() as connection:
            await became(connection, await use(connection, code, SLOT), VisitId("none"))

    with pytest.raises(IntegrityError):
        await take_ticket()
    assert (await town.bookings.find(code)).visit is None


async def test_a_used_appointment_names_the_visit_that_it_became(world: World) -> None:
    async with office(world) as at:
        town = Planning(
            at.engine, OpeningHours(at.engine), Roster(at.engine), Bookings(at.engine), at.now
        )
        slot = at.now + HALF_HOUR
        _, code = await town.book(slot)
        taken = await at.take()
        async with at.engine.begin() as connection:
            used = await use(connection, code, slot)
            await became(connection, used, taken.id)
        found = await town.bookings.find(code)
        assert (found.state, found.visit) == (State.USED, taken.id)


async def test_a_queue_with_appointments_is_not_deleted(town: Planning) -> None:
    await town.book()
    rulebook = Rulebook(town.engine, demo_world.catalogue())
    with pytest.raises(BadRule, match=r"^queue: appointments were made"):
        await rulebook.delete_queue(QUEUE)


# Whatever people do at once

_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["book", "move", "cancel", "use", "capacity"]),
        st.integers(0, 9),
        st.sampled_from([SLOT, LATER]),
    ),
    min_size=1,
    max_size=20,
)


@settings(max_examples=30)
@given(rounds=st.lists(_STEPS, min_size=1, max_size=4))
def test_no_half_hour_is_ever_overbooked_and_no_seat_held_twice(
    world: World,
    rounds: list[list[tuple[str, int, datetime]]],
) -> None:
    """Rounds of things done at once; after each, the database agrees with what was answered."""

    async def step(town: Planning, codes: list[str], what: str, who: int, slot: datetime) -> None:
        try:
            if what == "book":
                codes.append((await town.book(slot))[1])
            elif what == "capacity":
                await town.set_capacity(who % 4)
            elif codes:
                code = codes[who % len(codes)]
                match what:
                    case "move":
                        await town.bookings.move(code, slot, town.now)
                    case "cancel":
                        await town.bookings.cancel(code, town.now)
                    case _:
                        await check_in(town, code, slot)
        except (Conflict, BadSlot):
            pass

    async def all_rounds() -> None:
        async with planning(world, capacity=3) as town:
            codes: list[str] = []
            for steps in rounds:
                await asyncio.gather(*(step(town, codes, *one) for one in steps))
                held = await kept(town)
                assert len(set(held)) == len(held)
                assert all(count <= 3 for count in Counter(slot for slot, _ in held).values())
                found = [await town.bookings.find(code) for code in codes]
                assert sorted(
                    (b.starts_at, b.seat) for b in found if b.state is not State.CANCELLED
                ) == [tuple(one) for one in held]

    asyncio.run(all_rounds())


def test_codes_have_no_look_alikes() -> None:
    assert len(set(ALPHABET)) == len(ALPHABET)
    assert not re.search("[01ILOU]", ALPHABET)
