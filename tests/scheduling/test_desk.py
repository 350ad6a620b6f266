"""The desk's transactions on a real database: one wins, the other learns it, nothing is lost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from scheduling import visit, window
from scheduling.catalogue import UnknownMatter
from scheduling.duty import LOCAL
from scheduling.rows import Conflict
from scheduling.tables import visits
from scheduling.visit import ClerkId, KioskId, Outcome, VisitId
from tests.scheduling.office import (
    CLERK,
    HANGZHOU,
    JIAXING,
    KIOSK,
    NOON,
    OTHER_CLERK,
    Office,
    office,
)
from tests.support.worlds import World

RING_S = 20.0


@pytest_asyncio.fixture
async def at(world: World) -> AsyncIterator[Office]:
    """An office where nobody is yet."""
    async with office(world) as opened:
        yield opened


async def outcomes(*work: Awaitable[Any]) -> tuple[list[Any], list[BaseException]]:
    """What came of things done at once: results, and errors."""
    done = await asyncio.gather(*work, return_exceptions=True)
    errors = [d for d in done if isinstance(d, BaseException)]
    return [d for d in done if not isinstance(d, BaseException)], errors


def all_conflicts(errors: list[BaseException]) -> bool:
    return all(isinstance(error, Conflict) for error in errors)


# Tickets


async def test_tickets_are_numbered_by_city_and_letter(at: Office) -> None:
    tickets = [
        (await at.take(f"k{n}", matter, city)).ticket
        for n, (matter, city) in enumerate(
            [
                ("JZ-01", JIAXING),
                ("JZ-02", JIAXING),
                ("SB-01", JIAXING),
                ("JZ-01", HANGZHOU),
                ("JZ-03", JIAXING),
            ]
        )
    ]
    assert tickets == ["A001", "A002", "B001", "A001", "A003"]


async def test_ticket_numbers_begin_again_at_midnight_in_shanghai(at: Office) -> None:
    at.now = datetime(2026, 11, 23, 15, 59, 0, tzinfo=UTC)
    before = [(await at.take(f"k{n}", "JZ-01")).ticket for n in range(2)]
    at.now = datetime(2026, 11, 23, 16, 0, 0, tzinfo=UTC)
    after = (await at.take("k9", "JZ-01")).ticket
    assert (before, after) == (["A001", "A002"], "A001")


async def test_a_ticket_begins_a_waiting_visit_with_all_that_was_said(at: Office) -> None:
    taken = await at.take()
    assert taken.state is visit.State.WAITING
    assert (taken.city, taken.matter, taken.kiosk) == (JIAXING, "YB-01", KIOSK)
    assert (taken.language, taken.notice_version) == ("zh_CN", "2026-11")
    assert taken.taken_at == at.now
    assert await at.board.visit_at_kiosk(KIOSK) == taken
    assert [e.event for e in await at.board.events(taken.id)] == ["ticket_taken"]


async def test_a_kiosk_holds_one_ticket_at_a_time(at: Office) -> None:
    first = await at.take()
    with pytest.raises(Conflict, match=first.ticket):
        await at.take()
    assert [v.id for v in await at.board.in_line()] == [first.id]


async def test_of_tickets_taken_at_once_at_one_kiosk_exactly_one_is_given(at: Office) -> None:
    taken, refused = await outcomes(*(at.take() for _ in range(8)))
    assert len(taken) == 1
    assert all_conflicts(refused)
    assert (await at.take("kiosk-2")).ticket == "C002"  # no number was lost


async def test_no_ticket_is_given_for_what_a_city_does_not_do(at: Office) -> None:
    for matter, city in (("LS-01", JIAXING), ("XX-99", JIAXING), ("YB-01", "999999")):
        with pytest.raises(UnknownMatter):
            await at.take(matter=matter, city=city)
    assert await at.board.in_line() == []


async def test_a_time_without_a_zone_is_a_defect(at: Office) -> None:
    at.now = NOON.replace(tzinfo=None)
    with pytest.raises(sa.exc.StatementError, match="naive"):
        await at.take()


# Offers


async def test_only_kiosks_that_are_present_ring(at: Office) -> None:
    absent, present = await at.take("absent"), await at.take("present")
    await at.ready()
    (offered,) = await at.offer("present")
    assert offered.id == present.id
    assert (await at.visit(absent.id)).state is visit.State.WAITING


async def test_a_resident_who_was_absent_keeps_the_place_at_the_head(at: Office) -> None:
    absent = await at.take("absent")
    for n in range(3):
        await at.take(f"k{n}")
    await at.ready()
    (offered,) = await at.offer()
    assert offered.id == absent.id


async def test_a_visit_is_not_offered_in_another_city(at: Office) -> None:
    await at.take(city=HANGZHOU)
    await at.ready(CLERK)
    assert await at.offer() == []


async def test_a_clerk_on_a_break_is_offered_nothing(at: Office) -> None:
    await at.ready()
    await at.desk.set_window(CLERK, window.Event.TAKE_BREAK, at.later())
    await at.take()
    assert await at.offer() == []


async def test_offering_at_once_offers_each_visit_once(at: Office) -> None:
    await at.ready(CLERK)
    await at.ready(OTHER_CLERK)
    taken = [await at.take(f"k{n}") for n in range(3)]
    rounds, errors = await outcomes(*(at.offer("k0", "k1", "k2") for _ in range(6)))
    offered = [v.id for batch in rounds for v in batch]
    assert not errors
    assert sorted(offered) == sorted(v.id for v in taken[:2])


async def test_only_the_clerk_who_was_offered_can_accept(at: Office) -> None:
    offered = await at.ringing(CLERK)
    await at.ready(OTHER_CLERK)
    with pytest.raises(Conflict):
        await at.offers.accept(offered.id, OTHER_CLERK, at.later())
    assert (await at.visit(offered.id)).state is visit.State.OFFERED
    assert await at.window_of(OTHER_CLERK) is window.State.READY


async def test_of_two_clerks_accepting_at_once_one_wins(at: Office) -> None:
    offered = await at.ringing(CLERK)
    await at.ready(OTHER_CLERK)
    accepted, refused = await outcomes(
        at.offers.accept(offered.id, OTHER_CLERK, at.later()),
        at.offers.accept(offered.id, CLERK, at.later()),
    )
    assert [v.clerk for v in accepted] == [CLERK]
    assert len(refused) == 1
    assert all_conflicts(refused)


async def test_accepting_the_same_offer_many_times_begins_one_call(at: Office) -> None:
    offered = await at.ringing()
    accepted, refused = await outcomes(
        *(at.offers.accept(offered.id, CLERK, at.now) for _ in range(5))
    )
    assert len(accepted) == 1
    assert all_conflicts(refused)
    assert [e.event for e in await at.board.events(offered.id)].count("accept") == 1


async def test_an_offer_that_rings_out_makes_the_clerk_missed_and_keeps_the_ticket(
    at: Office,
) -> None:
    offered = await at.ringing(CLERK)
    behind = await at.take("kiosk-2")
    assert await at.offers.expire(RING_S, at.later(RING_S - 2)) == []
    ((back, missed),) = await at.offers.expire(RING_S, at.later(3))
    assert missed == CLERK
    assert await at.window_of(CLERK) is window.State.MISSED
    assert back.state is visit.State.WAITING
    assert (back.ticket, back.taken_at) == (offered.ticket, offered.taken_at)
    assert (back.clerk, back.offered_at) == (None, None)
    assert [v.id for v in await at.board.line_of(CLERK)] == [offered.id, behind.id]
    await at.ready(OTHER_CLERK)
    (again,) = await at.offer()
    assert (again.id, again.clerk) == (offered.id, OTHER_CLERK)


async def test_a_missed_clerk_is_offered_nothing_until_back(at: Office) -> None:
    await at.ringing(CLERK)
    await at.offers.expire(RING_S, at.later(RING_S + 1))
    assert await at.offer() == []
    await at.ready(CLERK)
    assert [v.clerk for v in await at.offer()] == [CLERK]


async def test_an_offer_cannot_be_accepted_after_it_rang_out(at: Office) -> None:
    offered = await at.ringing()
    await at.offers.expire(RING_S, at.later(RING_S + 1))
    with pytest.raises(Conflict):
        await at.offers.accept(offered.id, CLERK, at.later())


async def test_a_clerk_who_declines_is_on_a_break_and_the_visit_at_the_head(at: Office) -> None:
    offered = await at.ringing()
    await at.take("kiosk-2")
    back = await at.offers.decline(offered.id, CLERK, at.later())
    assert await at.window_of() is window.State.BREAK
    assert (back.state, back.ticket, back.taken_at) == (
        visit.State.WAITING,
        offered.ticket,
        offered.taken_at,
    )
    assert (await at.board.line_of(CLERK))[0].id == offered.id
    with pytest.raises(Conflict):
        await at.offers.decline(offered.id, CLERK, at.later())


# Lost clerks


@pytest.mark.parametrize("step", [window.Event.BE_READY, window.Event.TAKE_BREAK])
async def test_a_lost_clerk_without_a_visit_is_off(at: Office, step: window.Event) -> None:
    await at.desk.set_window(CLERK, step, at.later())
    assert await at.offers.lose_clerk(CLERK, at.later()) is None
    assert await at.window_of() is window.State.OFF


async def test_losing_a_clerk_who_is_off_changes_nothing(at: Office) -> None:
    assert await at.offers.lose_clerk(CLERK, at.later()) is None
    assert await at.window_of() is window.State.OFF


async def test_a_missed_clerk_who_is_lost_is_off(at: Office) -> None:
    await at.ringing()
    await at.offers.expire(RING_S, at.later(RING_S + 1))
    await at.offers.lose_clerk(CLERK, at.later())
    assert await at.window_of() is window.State.OFF


async def test_a_visit_that_rings_at_a_lost_clerk_returns_to_the_head_of_the_line(
    at: Office,
) -> None:
    offered = await at.ringing()
    await at.take("kiosk-2")
    back = await at.offers.lose_clerk(CLERK, at.later())
    assert back is not None
    assert (back.ticket, back.taken_at) == (offered.ticket, offered.taken_at)
    assert (await at.board.line_of(CLERK))[0].id == offered.id
    assert await at.window_of() is window.State.OFF


async def test_a_visit_that_loses_its_clerk_in_the_call_returns_to_the_head_of_the_line(
    at: Office,
) -> None:
    served = await at.serving()
    await at.take("kiosk-2")
    back = await at.offers.lose_clerk(CLERK, at.later())
    assert back is not None
    assert back.state is visit.State.WAITING
    assert (back.ticket, back.taken_at) == (served.ticket, served.taken_at)
    await at.ready(OTHER_CLERK)
    (again,) = await at.offer()
    assert (again.id, again.clerk) == (served.id, OTHER_CLERK)
    with pytest.raises(Conflict):  # the first clerk's late command reaches nothing
        await at.desk.keep_case(served.id, CLERK, notes="late", checked=[])


async def test_wrap_up_survives_a_lost_clerk(at: Office) -> None:
    finished = await at.finished()
    assert await at.offers.lose_clerk(CLERK, at.later()) is None
    assert await at.window_of() is window.State.WRAP_UP
    kept = await at.desk.keep_case(finished.id, CLERK, notes="written later", checked=[])
    assert kept.notes == "written later"
    closed = await at.desk.close(finished.id, CLERK, Outcome.ACCEPTED, ready=True, now=at.later())
    assert (closed.state, closed.outcome) == (visit.State.CLOSED, Outcome.ACCEPTED)
    assert await at.window_of() is window.State.READY


async def test_losing_an_unknown_clerk_changes_nothing(at: Office) -> None:
    assert await at.offers.lose_clerk(ClerkId("nobody"), at.later()) is None


# Leaving, ending, closing


async def test_a_resident_who_leaves_frees_the_kiosk(at: Office) -> None:
    taken = await at.take()
    left = await at.desk.leave(taken.id, KIOSK, at.later())
    assert (left.state, left.outcome) == (visit.State.LEFT, Outcome.LEFT)
    assert await at.board.visit_at_kiosk(KIOSK) is None
    assert (await at.take()).state is visit.State.WAITING


async def test_a_resident_who_leaves_while_it_rings_frees_the_clerk(at: Office) -> None:
    offered = await at.ringing()
    behind = await at.take("kiosk-2")
    await at.desk.leave(offered.id, KIOSK, at.later())
    assert await at.window_of() is window.State.READY
    assert await at.board.visit_of_clerk(CLERK) is None
    assert [v.id for v in await at.offer()] == [behind.id]


async def test_a_resident_in_a_call_ends_it_and_does_not_leave(at: Office) -> None:
    served = await at.serving()
    with pytest.raises(Conflict):
        await at.desk.leave(served.id, KIOSK, at.later())
    assert (await at.visit(served.id)).state is visit.State.SERVING


async def test_a_call_is_ended_once(at: Office) -> None:
    served = await at.serving()
    ended, refused = await outcomes(
        at.desk.end(served.id, "resident", at.later()), at.desk.end(served.id, "clerk", at.later())
    )
    assert len(ended) == 1
    assert all_conflicts(refused)
    assert (await at.visit(served.id)).ended_by == ended[0].ended_by
    assert await at.window_of() is window.State.WRAP_UP


async def test_a_visit_is_closed_after_its_call_only(at: Office) -> None:
    offered = await at.ringing()
    with pytest.raises(Conflict):
        await at.desk.close(offered.id, CLERK, Outcome.COMPLETED, ready=True, now=at.later())
    await at.offers.accept(offered.id, CLERK, at.later())
    with pytest.raises(Conflict):
        await at.desk.close(offered.id, CLERK, Outcome.COMPLETED, ready=True, now=at.later())
    assert await at.window_of() is window.State.IN_CALL


async def test_a_visit_is_closed_by_its_own_clerk_and_once(at: Office) -> None:
    finished = await at.finished()
    with pytest.raises(Conflict):
        await at.desk.close(finished.id, OTHER_CLERK, Outcome.COMPLETED, ready=True, now=at.later())
    await at.desk.close(finished.id, CLERK, Outcome.COMPLETED, ready=False, now=at.later())
    assert await at.window_of() is window.State.BREAK
    with pytest.raises(Conflict):
        await at.desk.close(finished.id, CLERK, Outcome.DECLINED, ready=True, now=at.later())
    assert (await at.visit(finished.id)).outcome is Outcome.COMPLETED


@pytest.mark.parametrize("step", list(window.Event))
async def test_no_step_leads_out_of_wrap_up_but_closing(at: Office, step: window.Event) -> None:
    await at.finished()
    with pytest.raises(Conflict):
        await at.desk.set_window(CLERK, step, at.later())
    assert await at.window_of() is window.State.WRAP_UP


async def test_a_clerk_keeps_notes_in_the_call_and_after_it_only(at: Office) -> None:
    offered = await at.ringing()
    with pytest.raises(Conflict):
        await at.desk.keep_case(offered.id, CLERK, notes="early", checked=[])
    await at.offers.accept(offered.id, CLERK, at.later())
    kept = await at.desk.keep_case(
        offered.id, CLERK, notes="in the call", checked=["居民身份证", "not on the list"]
    )
    assert (kept.notes, kept.checked) == ("in the call", ["居民身份证"])
    with pytest.raises(ValueError, match="notes"):
        await at.desk.keep_case(offered.id, CLERK, notes="x" * 10_001, checked=[])
    await at.desk.end(offered.id, "clerk", at.later())
    await at.desk.close(offered.id, CLERK, Outcome.COMPLETED, ready=True, now=at.later())
    with pytest.raises(Conflict):
        await at.desk.keep_case(offered.id, CLERK, notes="too late", checked=[])
    assert (await at.visit(offered.id)).notes == "in the call"


async def test_a_kiosk_is_freed_only_when_the_visit_is_over(at: Office) -> None:
    served = await at.serving()
    with pytest.raises(Conflict):
        await at.desk.free_kiosk(served.id)
    await at.desk.end(served.id, "resident", at.later())
    assert not (await at.desk.free_kiosk(served.id)).at_kiosk
    assert (await at.take()).ticket == "C002"


# Ratings


async def test_a_visit_is_rated_after_its_end_and_once(at: Office) -> None:
    served = await at.serving()
    with pytest.raises(Conflict):
        await at.desk.rate(served.id, 5, [], at.later())
    await at.desk.end(served.id, "clerk", at.later())
    rated = await at.desk.rate(served.id, 2, ["slow"], at.later())
    assert (rated.rating, rated.rating_reasons) == (2, ["slow"])
    with pytest.raises(Conflict):
        await at.desk.rate(served.id, 5, [], at.later())
    assert (await at.visit(served.id)).rating == 2


async def test_of_ratings_given_at_once_one_counts(at: Office) -> None:
    finished = await at.finished()
    rated, refused = await outcomes(
        *(at.desk.rate(finished.id, n, [], at.later()) for n in visit.RATINGS)
    )
    assert len(rated) == 1
    assert all_conflicts(refused)


@pytest.mark.parametrize("rating", [0, 6, -1, 100])
async def test_a_rating_is_one_to_five(at: Office, rating: int) -> None:
    finished = await at.finished()
    with pytest.raises(ValueError, match="rating"):
        await at.desk.rate(finished.id, rating, [], at.later())
    assert (await at.visit(finished.id)).rating is None


async def test_a_visit_that_left_before_its_call_is_not_rated(at: Office) -> None:
    taken = await at.take()
    await at.desk.leave(taken.id, KIOSK, at.later())
    with pytest.raises(Conflict):
        await at.desk.rate(taken.id, 5, [], at.later())


# What must never be, whatever the code does


async def test_the_database_refuses_a_second_visit_at_a_kiosk(at: Office) -> None:
    taken = await at.take()
    with pytest.raises(IntegrityError):
        await insert_copy(at, taken.id, id="second")
    await insert_copy(at, taken.id, id="another", kiosk="kiosk-2")
    await insert_copy(at, taken.id, id="earlier", at_kiosk=False)


@pytest.mark.parametrize("state", visit.WITH_CLERK)
async def test_the_database_refuses_a_second_visit_at_a_clerk(
    at: Office, state: visit.State
) -> None:
    offered = await at.ringing()
    with pytest.raises(IntegrityError):
        await insert_copy(at, offered.id, id="second", kiosk="kiosk-2", state=state)
    await insert_copy(at, offered.id, id="earlier", kiosk="kiosk-3", state=visit.State.CLOSED)


async def insert_copy(at: Office, visit_id: VisitId, **changes: Any) -> None:
    """Put a row into the table past the desk."""
    async with at.engine.begin() as connection:
        row = (await connection.execute(sa.select(visits).where(visits.c.id == visit_id))).one()
        await connection.execute(sa.insert(visits).values({**row._mapping, **changes}))


async def test_fifty_residents_and_eight_clerks_race_without_a_double_pair(at: Office) -> None:
    cities = {"jiaxing": JIAXING, "hangzhou": HANGZHOU, "suzhou": "320500", "huzhou": "330500"}
    clerks = {ClerkId(f"{name}{n}"): city for name, city in cities.items() for n in (1, 2)}
    kiosks = {KioskId(f"k{n}"): list(cities.values())[n % 4] for n in range(50)}
    arrived: set[str] = set()

    async def resident(kiosk: KioskId, city: str) -> None:
        """Press twice."""
        taken, refused = await outcomes(*(at.take(kiosk, city=city) for _ in range(2)))
        assert len(taken) == 1
        assert all_conflicts(refused)
        arrived.add(kiosk)

    async def clerk(name: ClerkId) -> list[VisitId]:
        """Serve until nobody comes any more; the visits served."""
        served = []
        await at.ready(name)
        while len(arrived) < len(kiosks) or any(
            v.city == clerks[name] for v in await at.board.in_line()
        ):
            await at.offer(*kiosks)
            held = await at.board.visit_of_clerk(name)
            if held is None:
                continue
            await at.offers.accept(held.id, name, at.later())
            await at.desk.end(held.id, "clerk", at.later())
            await at.desk.close(held.id, name, Outcome.COMPLETED, ready=True, now=at.later())
            served.append(held.id)
        return served

    async with asyncio.TaskGroup() as group:
        at_work = [group.create_task(clerk(name)) for name in clerks]
        for kiosk, city in kiosks.items():
            group.create_task(resident(kiosk, city))
    served = [visit_id for task in at_work for visit_id in task.result()]
    assert len(served) == len(set(served)) == len(kiosks)
    for kiosk, city in kiosks.items():
        shown = await at.board.visit_at_kiosk(kiosk)
        assert shown is not None
        assert (shown.city, shown.state) == (city, visit.State.CLOSED)
        events = [e.event for e in await at.board.events(shown.id)]
        assert events == ["ticket_taken", "offer", "accept", "end", "close"]
    for city in cities.values():
        numbers = sorted(int(v.ticket[1:]) for v in await at.board.recorded(city=city, text=""))
        assert numbers == list(range(1, len(numbers) + 1))


async def test_times_come_back_as_they_went_in(at: Office) -> None:
    at.now = datetime(2026, 11, 23, 20, 0, 0, 123456, tzinfo=LOCAL)
    taken = await at.take()
    assert (await at.visit(taken.id)).taken_at == at.now
    assert (await at.visit(taken.id)).taken_at.utcoffset() == timedelta(0)


async def test_misses_in_a_row_are_counted_until_an_answer_or_the_end_of_the_shift(
    world: World,
) -> None:
    async with office(world) as at:

        async def misses() -> int:
            found = await at.board.window(CLERK)
            assert found is not None
            return found.misses

        for number in range(1, 4):
            await at.ready()
            await at.take(f"kiosk-{number}")
            await at.offer(f"kiosk-{number}")
            await at.offers.expire(20.0, at.later(21))
            assert await misses() == number
        await at.ready()
        assert await misses() == 3
        await at.desk.set_window(CLERK, window.Event.GO_OFF, at.later())
        assert await misses() == 0
        await at.ready()
        (offered, *_) = await at.offer()
        await at.offers.expire(20.0, at.later(21))
        await at.ready()
        (offered, *_) = await at.offer()
        await at.offers.accept(offered.id, CLERK, at.later())
        assert await misses() == 0
