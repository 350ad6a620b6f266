"""Visits that pass from clerk to clerk: each way from one state to the next, on both engines."""

from collections.abc import AsyncIterator
from typing import Literal

import pytest
import pytest_asyncio

from scheduling import visit, window
from scheduling.record import Consult, Visit
from scheduling.routing import SECOND_LOOK_S
from scheduling.rows import MAX_REASON, Conflict
from scheduling.rules import QueueId
from scheduling.visit import ClerkId
from tests.scheduling.office import CLERK, KIOSK, OTHER_CLERK, Office, office
from tests.scheduling.test_desk import RING_S, all_conflicts, outcomes
from tests.support.worlds import World

MEDICAL = QueueId("330400-medical-insurance")
REAL_ESTATE = QueueId("330400-real-estate")
HANGZHOU_MEDICAL = QueueId("330100-medical-insurance")
HANGZHOU_REAL_ESTATE = QueueId("330100-real-estate")
THIRD, SUPERVISOR = ClerkId("hangzhou1"), ClerkId("jiaxing-supervisor")
ConsultState = Literal["asked", "offered", "joined"]
STATES: tuple[ConsultState, ...] = ("asked", "offered", "joined")


@pytest_asyncio.fixture
async def at(world: World) -> AsyncIterator[Office]:
    """An office where nobody is yet."""
    async with office(world) as opened:
        yield opened


async def transferred(
    at: Office, served: Visit, queue: QueueId = MEDICAL, only: ClerkId | None = None
) -> Visit:
    """Cold, by the clerk who serves; they are ready again."""
    return await at.transfers.transfer(
        served.id, CLERK, queue=queue, only=only, ready=True, now=at.later()
    )


async def asked(
    at: Office, served: Visit, queue: QueueId = MEDICAL, only: ClerkId | None = None
) -> Consult:
    return await at.transfers.ask(served.id, CLERK, queue=queue, only=only, now=at.later())


async def consulting(at: Office, state: ConsultState) -> Visit:
    """A visit in its call, about which a colleague is asked, and has come as far as this."""
    served = await at.serving()
    if state != "asked":
        await at.ready(OTHER_CLERK)
    await asked(at, served)
    await at.offer(KIOSK)
    if state == "joined":
        await at.transfers.accept(served.id, OTHER_CLERK, at.later())
    about = await at.board.consult_about(served.id)
    assert about is not None
    assert about.state == state
    return served


async def states(at: Office) -> tuple[window.State, window.State]:
    """The windows of the clerk who served and of the colleague."""
    return await at.window_of(CLERK), await at.window_of(OTHER_CLERK)


async def events(at: Office, of: Visit) -> list[tuple[str, str]]:
    return [(e.event, e.actor) for e in await at.board.events(of.id)]


# Cold


async def test_a_transferred_visit_keeps_its_ticket_its_place_and_its_record(at: Office) -> None:
    served = await at.serving()
    await at.take("kiosk-2", "BD-01")
    await at.desk.keep_case(served.id, CLERK, notes="asks for a deed", checked=["居民身份证"])
    passed = await transferred(at, served, REAL_ESTATE)
    assert (passed.state, passed.clerk, passed.queue) == (visit.State.WAITING, None, REAL_ESTATE)
    assert (passed.ticket, passed.virtual_at) == (served.ticket, served.virtual_at)
    assert (passed.notes, passed.checked) == ("asks for a deed", ["居民身份证"])
    assert passed.response_s == served.response_s  # it was answered already
    assert (await at.board.line_of(OTHER_CLERK))[0].id == served.id
    assert await at.window_of() is window.State.READY


async def test_who_transfers_may_take_a_break(at: Office) -> None:
    served = await at.serving()
    await at.transfers.transfer(
        served.id, CLERK, queue=MEDICAL, only=None, ready=False, now=at.later()
    )
    assert await at.window_of() is window.State.BREAK


async def test_a_transferred_visit_goes_to_somebody_else_first(at: Office) -> None:
    served = await at.serving()
    await transferred(at, served)
    assert await at.offer() == []
    await at.ready(OTHER_CLERK)
    assert [(v.id, v.clerk) for v in await at.offer()] == [(served.id, OTHER_CLERK)]


async def test_without_anybody_else_it_comes_back_after_a_while(at: Office) -> None:
    served = await at.serving()
    await transferred(at, served)
    at.later(SECOND_LOOK_S)
    assert [(v.id, v.clerk) for v in await at.offer()] == [(served.id, CLERK)]


async def test_a_visit_transferred_to_a_clerk_rings_there_alone(at: Office) -> None:
    served = await at.serving()
    await at.ready(OTHER_CLERK)
    await transferred(at, served, only=OTHER_CLERK)
    await at.take("kiosk-2")
    offered = await at.offer()
    assert {(v.kiosk, v.clerk) for v in offered} == {(KIOSK, OTHER_CLERK), ("kiosk-2", CLERK)}


async def test_a_named_clerk_who_does_not_come_is_replaced_after_a_while(at: Office) -> None:
    served = await at.serving()
    passed = await transferred(at, served, only=OTHER_CLERK)
    assert passed.only_clerk == OTHER_CLERK
    assert await at.offer() == []
    at.later(SECOND_LOOK_S)
    assert [v.clerk for v in await at.offer()] == [CLERK]


async def test_a_partner_city_takes_what_an_agreement_lets_it(at: Office) -> None:
    served = await at.serving()
    assert HANGZHOU_MEDICAL in served.allowed
    passed = await transferred(at, served, HANGZHOU_MEDICAL, THIRD)
    await at.ready(THIRD)
    (offered,) = await at.offer()
    assert (offered.clerk, offered.city) == (THIRD, passed.city)
    again = await at.offers.accept(offered.id, THIRD, at.later())
    back = await at.transfers.transfer(
        again.id, THIRD, queue=MEDICAL, only=None, ready=True, now=at.later()
    )
    assert back.queue == MEDICAL


@pytest.mark.parametrize(
    ("queue", "only", "field"),
    [
        ("nowhere", None, "queue"),
        (HANGZHOU_REAL_ESTATE, None, "queue"),
        (MEDICAL, CLERK, "clerk"),
        (MEDICAL, "nobody", "clerk"),
        (MEDICAL, THIRD, "clerk"),
        (MEDICAL, SUPERVISOR, "clerk"),
    ],
)
async def test_who_cannot_take_a_visit_is_neither_given_it_nor_asked(
    at: Office, queue: QueueId, only: ClerkId | None, field: str
) -> None:
    served = await at.serving()
    with pytest.raises(ValueError, match=f"^{field}: "):
        await transferred(at, served, queue, only)
    with pytest.raises(ValueError, match=f"^{field}: "):
        await asked(at, served, queue, only)
    assert await at.visit(served.id) == served
    assert await at.window_of() is window.State.IN_CALL
    assert await at.board.consult_about(served.id) is None


async def test_only_a_call_of_ones_own_is_transferred(at: Office) -> None:
    offered = await at.ringing()
    with pytest.raises(Conflict):
        await transferred(at, offered)
    assert await at.window_of() is window.State.OFFERED
    await at.offers.accept(offered.id, CLERK, at.later())
    with pytest.raises(Conflict):
        await at.transfers.transfer(
            offered.id, OTHER_CLERK, queue=MEDICAL, only=None, ready=True, now=at.later()
        )
    await at.desk.end(offered.id, "clerk", at.later())
    with pytest.raises(Conflict):
        await transferred(at, offered)
    assert await at.window_of() is window.State.WRAP_UP


@pytest.mark.parametrize("state", STATES)
async def test_a_transfer_ends_the_consult(at: Office, state: ConsultState) -> None:
    served = await consulting(at, state)
    other = await at.window_of(OTHER_CLERK)
    await transferred(at, served, REAL_ESTATE)
    assert await at.board.consult_about(served.id) is None
    left = window.State.READY if state != "asked" else other
    assert await states(at) == (window.State.READY, left)


# Asked


async def test_a_consult_rings_at_a_colleague_and_leaves_the_visit_where_it_is(at: Office) -> None:
    served = await at.serving()
    await at.ready(OTHER_CLERK)
    about = await asked(at, served)
    assert (about.state, about.clerk, about.asked_by) == ("asked", None, CLERK)
    assert [v.id for v in await at.offer(KIOSK)] == [served.id]
    rings = await at.board.consult_of_clerk(OTHER_CLERK)
    assert rings is not None
    assert (rings.visit, rings.state) == (served.id, "offered")
    assert await at.visit(served.id) == served
    assert await states(at) == (window.State.IN_CALL, window.State.OFFERED)


async def test_a_consult_comes_before_visits_that_came_later(at: Office) -> None:
    served = await at.serving()
    await at.take("kiosk-2")
    await asked(at, served)
    await at.ready(OTHER_CLERK)
    assert [v.id for v in await at.offer(KIOSK, "kiosk-2")] == [served.id]


async def test_a_consult_for_one_clerk_rings_at_nobody_else(at: Office) -> None:
    served = await at.serving()
    await asked(at, served, only=OTHER_CLERK)
    await at.desk.set_window(SUPERVISOR, window.Event.BE_READY, at.later())
    at.later(3600)
    assert await at.offer(KIOSK) == []
    await at.ready(OTHER_CLERK)
    assert [v.id for v in await at.offer(KIOSK)] == [served.id]


async def test_one_colleague_is_asked_at_a_time_and_only_in_a_call(at: Office) -> None:
    offered = await at.ringing()
    with pytest.raises(Conflict):
        await asked(at, offered)
    served = await at.offers.accept(offered.id, CLERK, at.later())
    await asked(at, served)
    with pytest.raises(Conflict, match="already"):
        await asked(at, served, REAL_ESTATE)
    await at.desk.end(served.id, "clerk", at.later())
    with pytest.raises(Conflict):
        await asked(at, served)


async def test_a_colleague_who_joins_is_in_the_call_with_the_resident_on_hold(at: Office) -> None:
    served = await consulting(at, "offered")
    with pytest.raises(Conflict):
        await at.transfers.accept(served.id, CLERK, at.later())
    about = await at.transfers.accept(served.id, OTHER_CLERK, at.later())
    assert (about.state, about.clerk, about.with_resident) == ("joined", OTHER_CLERK, False)
    assert await states(at) == (window.State.IN_CALL, window.State.IN_CALL)
    assert ("consult_joined", OTHER_CLERK) in await events(at, served)
    with pytest.raises(Conflict):
        await at.transfers.accept(served.id, OTHER_CLERK, at.later())


async def test_a_colleague_who_declines_is_on_a_break_and_says_why(at: Office) -> None:
    served = await consulting(at, "offered")
    with pytest.raises(ValueError, match="reason"):
        await at.transfers.decline(served.id, OTHER_CLERK, at.later(), "x" * (MAX_REASON + 1))
    about = await at.transfers.decline(served.id, OTHER_CLERK, at.later(), "not my field")
    assert (about.state, about.clerk, about.offered_at) == ("asked", None, None)
    assert await states(at) == (window.State.IN_CALL, window.State.BREAK)
    assert ("declined: not my field", OTHER_CLERK) in await events(at, served)
    await at.ready(OTHER_CLERK)
    assert await at.offer(KIOSK) == []  # not at once again
    at.later(SECOND_LOOK_S)
    assert [v.id for v in await at.offer(KIOSK)] == [served.id]


async def test_a_consult_that_rings_out_makes_the_colleague_missed(at: Office) -> None:
    served = await consulting(at, "offered")
    assert await at.transfers.expire(RING_S, at.later(RING_S - 2)) == []
    (rung_out,) = await at.transfers.expire(RING_S, at.later(3))
    assert (rung_out.visit, rung_out.clerk) == (served.id, OTHER_CLERK)
    about = await at.board.consult_about(served.id)
    assert about is not None
    assert (about.state, about.clerk) == ("asked", None)
    desk = await at.board.window(OTHER_CLERK)
    assert desk is not None
    assert (desk.state, desk.misses) == (window.State.MISSED, 1)
    assert await at.transfers.expire(RING_S, at.later(RING_S)) == []


@pytest.mark.parametrize("state", STATES)
async def test_what_was_asked_can_be_taken_back(at: Office, state: ConsultState) -> None:
    served = await consulting(at, state)
    before = await at.window_of(OTHER_CLERK)
    about = await at.transfers.leave(served.id, CLERK, at.later())
    assert about.state == state
    assert await at.board.consult_about(served.id) is None
    left = before if state == "asked" else window.State.READY
    assert await states(at) == (window.State.IN_CALL, left)
    with pytest.raises(Conflict):
        await at.transfers.leave(served.id, CLERK, at.later())
    await asked(at, served)  # and asked again


async def test_a_colleague_who_joined_may_leave_and_a_stranger_may_end_nothing(at: Office) -> None:
    served = await consulting(at, "joined")
    with pytest.raises(Conflict):
        await at.transfers.leave(served.id, THIRD, at.later())
    await at.transfers.leave(served.id, OTHER_CLERK, at.later())
    assert await states(at) == (window.State.IN_CALL, window.State.READY)
    assert (await at.visit(served.id)).clerk == CLERK


async def test_who_serves_says_whether_the_resident_hears(at: Office) -> None:
    served = await consulting(at, "joined")
    with pytest.raises(Conflict):
        await at.transfers.set_with_resident(
            served.id, OTHER_CLERK, with_resident=True, now=at.later()
        )
    for with_resident in (True, False):
        about = await at.transfers.set_with_resident(
            served.id, CLERK, with_resident=with_resident, now=at.later()
        )
        assert about.with_resident is with_resident
    assert [e for e, _ in await events(at, served)][-2:] == ["three_way", "consult_on_hold"]


@pytest.mark.parametrize("state", ["asked", "offered"])
async def test_nobody_is_with_the_resident_before_joining(at: Office, state: ConsultState) -> None:
    served = await consulting(at, state)
    with pytest.raises(Conflict):
        await at.transfers.set_with_resident(served.id, CLERK, with_resident=True, now=at.later())
    with pytest.raises(Conflict):
        await at.transfers.hand_over(served.id, CLERK, ready=True, now=at.later())
    assert (await at.visit(served.id)).clerk == CLERK
    assert await at.window_of() is window.State.IN_CALL


@pytest.mark.parametrize("ready", [True, False])
async def test_a_visit_is_handed_over_with_its_record(at: Office, ready: bool) -> None:
    served = await consulting(at, "joined")
    await at.desk.keep_case(served.id, CLERK, notes="as discussed", checked=[])
    passed, about = await at.transfers.hand_over(served.id, CLERK, ready=ready, now=at.later())
    assert (passed.state, passed.clerk, about.clerk) == (
        visit.State.SERVING,
        OTHER_CLERK,
        OTHER_CLERK,
    )
    assert (passed.notes, passed.accepted_at) == ("as discussed", served.accepted_at)
    left = window.State.READY if ready else window.State.BREAK
    assert await states(at) == (left, window.State.IN_CALL)
    assert await at.board.consult_about(served.id) is None
    with pytest.raises(Conflict):
        await at.desk.keep_case(served.id, CLERK, notes="not mine any more", checked=[])
    await at.desk.end(served.id, "clerk", at.later())
    assert await states(at) == (left, window.State.WRAP_UP)


async def test_who_took_over_may_ask_the_one_who_left(at: Office) -> None:
    served = await consulting(at, "joined")
    await at.transfers.hand_over(served.id, CLERK, ready=True, now=at.later())
    await at.transfers.ask(served.id, OTHER_CLERK, queue=MEDICAL, only=CLERK, now=at.later())
    assert [v.id for v in await at.offer(KIOSK)] == [served.id]
    await at.transfers.accept(served.id, CLERK, at.later())
    passed, _ = await at.transfers.hand_over(served.id, OTHER_CLERK, ready=True, now=at.later())
    assert passed.clerk == CLERK


@pytest.mark.parametrize("state", STATES)
async def test_the_end_of_the_call_ends_the_consult(at: Office, state: ConsultState) -> None:
    served = await consulting(at, state)
    before = await at.window_of(OTHER_CLERK)
    await at.desk.end(served.id, "resident", at.later())
    assert await at.board.consult_about(served.id) is None
    left = before if state == "asked" else window.State.READY
    assert await states(at) == (window.State.WRAP_UP, left)


# Lost lines


@pytest.mark.parametrize("state", ["asked", "offered"])
async def test_a_lost_asker_gives_the_visit_back_and_asks_nobody(
    at: Office, state: ConsultState
) -> None:
    served = await consulting(at, state)
    before = await at.window_of(OTHER_CLERK)
    returned = await at.offers.lose_clerk(CLERK, at.later())
    assert returned is not None
    assert (returned.id, returned.state) == (served.id, visit.State.WAITING)
    assert await at.board.consult_about(served.id) is None
    left = before if state == "asked" else window.State.READY
    assert await states(at) == (window.State.OFF, left)


async def test_a_lost_asker_leaves_the_visit_to_who_had_joined(at: Office) -> None:
    served = await consulting(at, "joined")
    returned = await at.offers.lose_clerk(CLERK, at.later())
    assert returned is not None
    assert (returned.state, returned.clerk) == (visit.State.SERVING, OTHER_CLERK)
    assert await states(at) == (window.State.OFF, window.State.IN_CALL)
    assert await at.board.consult_about(served.id) is None
    assert ("hand_over", CLERK) in await events(at, served)


async def test_a_lost_colleague_who_rang_is_off_and_another_is_asked(at: Office) -> None:
    served = await consulting(at, "offered")
    assert await at.offers.lose_clerk(OTHER_CLERK, at.later()) is None
    about = await at.board.consult_about(served.id)
    assert about is not None
    assert (about.state, about.clerk) == ("asked", None)
    assert await states(at) == (window.State.IN_CALL, window.State.OFF)


async def test_a_lost_colleague_who_had_joined_leaves_the_visit_with_who_asked(at: Office) -> None:
    served = await consulting(at, "joined")
    assert await at.offers.lose_clerk(OTHER_CLERK, at.later()) is None
    assert await at.board.consult_about(served.id) is None
    assert await states(at) == (window.State.IN_CALL, window.State.OFF)
    assert (await at.visit(served.id)).clerk == CLERK


# At once


async def test_a_clerk_has_one_consult_at_a_time(at: Office) -> None:
    first = await consulting(at, "joined")
    await at.ready(THIRD)
    await at.take("kiosk-2", city="330100")
    (other,) = await at.offer("kiosk-2")
    second = await at.offers.accept(other.id, THIRD, at.later())
    await at.transfers.ask(
        second.id, THIRD, queue=HANGZHOU_MEDICAL, only=ClerkId("hangzhou2"), now=at.later()
    )
    with pytest.raises(Conflict):
        await at.transfers.offer(second.id, OTHER_CLERK, at.later())
    about = await at.board.consult_of_clerk(OTHER_CLERK)
    assert about is not None
    assert about.visit == first.id


async def test_of_joining_and_taking_back_at_once_both_agree_on_one(at: Office) -> None:
    served = await consulting(at, "offered")
    done, refused = await outcomes(
        at.transfers.accept(served.id, OTHER_CLERK, at.later()),
        at.transfers.leave(served.id, CLERK, at.later()),
    )
    assert done
    assert all_conflicts(refused)
    assert await at.board.consult_about(served.id) is None
    assert await states(at) == (window.State.IN_CALL, window.State.READY)


async def test_of_leaving_and_handing_over_at_once_one_counts(at: Office) -> None:
    served = await consulting(at, "joined")
    done, refused = await outcomes(
        at.transfers.hand_over(served.id, CLERK, ready=True, now=at.later()),
        at.transfers.leave(served.id, OTHER_CLERK, at.later()),
    )
    assert len(done) == len(refused) == 1
    assert all_conflicts(refused)
    serves = (await at.visit(served.id)).clerk
    ends = (window.State.IN_CALL, window.State.READY)
    assert await states(at) == (ends if serves == CLERK else ends[::-1])


@pytest.mark.parametrize("state", ["offered", "joined"])
async def test_of_both_lines_lost_at_once_nothing_is_left_behind(
    at: Office, state: ConsultState
) -> None:
    served = await consulting(at, state)
    _, errors = await outcomes(
        at.offers.lose_clerk(CLERK, at.later()), at.offers.lose_clerk(OTHER_CLERK, at.later())
    )
    assert not [e for e in errors if not isinstance(e, Conflict)]
    for clerk in (CLERK, OTHER_CLERK):  # as the lease does at its next look
        await at.offers.lose_clerk(clerk, at.later())
    assert (await at.visit(served.id)).state is visit.State.WAITING
    assert await at.board.consult_about(served.id) is None
    assert await states(at) == (window.State.OFF, window.State.OFF)


async def test_whatever_is_done_at_once_the_windows_agree_with_the_visit(at: Office) -> None:
    for round_ in range(6):
        kiosk = f"round-{round_}"
        for clerk in (CLERK, OTHER_CLERK):
            if await at.window_of(clerk) is not window.State.READY:
                await at.ready(clerk)
        await at.take(kiosk)
        (offered,) = await at.offer(kiosk)
        assert offered.clerk is not None
        first = offered.clerk
        second = OTHER_CLERK if first == CLERK else CLERK
        served = await at.offers.accept(offered.id, first, at.later())
        await at.transfers.ask(served.id, first, queue=MEDICAL, only=None, now=at.later())
        await at.offer(kiosk)
        await at.transfers.accept(served.id, second, at.later())
        steps = [
            lambda s=served, c=first: at.transfers.hand_over(s.id, c, ready=True, now=at.now),
            lambda s=served, c=second: at.transfers.leave(s.id, c, at.now),
            lambda s=served: at.desk.end(s.id, "resident", at.now),
            lambda s=served, c=first: at.transfers.transfer(
                s.id, c, queue=REAL_ESTATE, only=None, ready=True, now=at.now
            ),
            lambda c=first: at.offers.lose_clerk(c, at.now),
            lambda c=second: at.offers.lose_clerk(c, at.now),
        ]
        _, errors = await outcomes(*(step() for step in steps[round_:] + steps[:round_]))
        assert all_conflicts(errors), errors
        after = await at.visit(served.id)
        about = await at.board.consult_about(served.id)
        for clerk in (CLERK, OTHER_CLERK):
            in_call = after.state is visit.State.SERVING and after.clerk == clerk
            in_call |= about is not None and about.clerk == clerk and about.state == "joined"
            wrap_up = after.state is visit.State.FINISHED and after.clerk == clerk
            found = await at.window_of(clerk)
            assert (found is window.State.IN_CALL) == in_call
            assert (found is window.State.WRAP_UP) == wrap_up
        if after.state is visit.State.SERVING:
            after = await at.desk.end(after.id, "clerk", at.later())
        if after.state is visit.State.FINISHED:
            assert after.clerk is not None
            await at.desk.close(
                after.id, after.clerk, visit.Outcome.COMPLETED, ready=True, now=at.later()
            )
        elif after.state is visit.State.WAITING:
            await at.desk.leave(after.id, kiosk, at.later())
