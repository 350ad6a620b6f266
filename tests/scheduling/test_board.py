"""What is read agrees with what happens: places, waits, and the list of recorded visits."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling import visit, window
from scheduling.rules import QueueId
from scheduling.visit import ClerkId, Outcome
from tests.scheduling.office import CLERK, HANGZHOU, JIAXING, KIOSK, OTHER_CLERK, Office, office
from tests.support.worlds import World

MEDICAL = QueueId("330400-medical-insurance")


@pytest_asyncio.fixture
async def at(world: World) -> AsyncIterator[Office]:
    """An office where nobody is yet."""
    async with office(world) as opened:
        yield opened


# Places and waits


async def test_nobody_on_duty_means_no_expected_wait(at: Office) -> None:
    taken = await at.take()
    place = (await at.board.standing()).place(taken)
    assert (place.ahead, place.expected_wait_s) == (0, None)
    assert (await at.board.standing()).wait_s(MEDICAL, at.now) is None


async def test_a_ready_window_means_no_wait(at: Office) -> None:
    await at.ready()
    assert (await at.board.standing()).wait_s(MEDICAL, at.now) == 0


async def test_the_line_of_a_city_counts_its_own_only(at: Office) -> None:
    first = await at.take("k1")
    await at.take("k2")
    await at.take("k3", city=HANGZHOU)
    await at.ready(CLERK)
    line = (await at.board.standing()).line(MEDICAL)
    assert (line.waiting, line.longest_since) == (2, first.taken_at)
    assert (line.ready, line.on_duty) == (1, 1)
    assert (await at.board.standing()).line(QueueId("330100-medical-insurance")).on_duty == 0


async def test_a_clerk_on_a_break_is_not_on_duty(at: Office) -> None:
    await at.desk.set_window(CLERK, window.Event.TAKE_BREAK, at.later())
    await at.take()
    assert ((await at.board.standing()).line(MEDICAL)).on_duty == 0


async def test_after_calls_the_wait_follows_how_long_they_took(at: Office) -> None:
    usual_s = 15 * 60  # the mean of the catalogue's minutes in this queue
    await at.ready()
    for number in range(1, 3):
        await at.take(f"k{number}")
        (offered,) = await at.offer()
        await at.offers.accept(offered.id, CLERK, at.later())
        await at.desk.end(offered.id, "clerk", at.later(90))
        await at.desk.close(offered.id, CLERK, Outcome.COMPLETED, ready=True, now=at.later(10))
    await at.take("k3")
    await at.offer()
    wait_s = (await at.board.standing()).wait_s(MEDICAL, at.now)
    assert wait_s == round((2 * 100 + 8 * usual_s) / 10)


ARRIVALS = st.lists(st.sampled_from(["take", "ready1", "ready2", "leave", "return"]), max_size=8)


@settings(max_examples=8)
@given(ARRIVALS)
def test_places_in_line_are_the_order_in_which_visits_are_offered(
    world_file: Path, steps: list[str]
) -> None:
    asyncio.run(places_agree(world_file, steps))


async def places_agree(world_file: Path, steps: list[str]) -> None:
    async with office(world_file) as at:
        count = 0
        for step in ("take", *steps):
            waiting = await at.board.line_of(CLERK)
            if step == "take":
                await at.take(f"k{(count := count + 1)}")
            elif step == "leave" and waiting:
                await at.desk.leave(waiting[-1].id, "k", at.later())
            elif step == "return" and waiting:  # offered and missed: back with the old time
                if await at.window_of("jiaxing1") in (window.State.OFF, window.State.MISSED):
                    await at.ready("jiaxing1")
                await at.offer()
                await at.offers.expire(0, at.later())
            elif step.startswith("ready"):
                clerk = f"jiaxing{step[-1]}"
                if await at.window_of(clerk) in (window.State.OFF, window.State.MISSED):
                    await at.ready(clerk)
        line = (await at.board.standing()).line(MEDICAL)
        places = {v.id: (await at.board.standing()).place(v) for v in await at.board.in_line()}
        waits = [p.expected_wait_s for p in sorted(places.values(), key=lambda p: p.ahead)]
        assert sorted(p.ahead for p in places.values()) == list(range(len(places)))
        assert waits == sorted(waits, key=lambda w: w or 0)
        for visit_id, place in places.items():
            assert (place.expected_wait_s == 0) == (place.ahead < line.ready), visit_id
        at_once = {i for i, p in places.items() if p.expected_wait_s == 0}
        assert {v.id for v in await at.offer()} == at_once
        order = [i for i, _ in sorted(places.items(), key=lambda item: item[1].ahead)]
        assert [i for i in order if i in at_once] == order[: len(at_once)]
        for visit_id in order[len(at_once) :]:
            await one_window_becomes_free(at)
            assert [v.id for v in await at.offer()] == [visit_id]


async def one_window_becomes_free(at: Office) -> None:
    held = await at.board.visit_of_clerk(CLERK)
    if held is None:
        await at.ready(CLERK)
        return
    await at.offers.accept(held.id, CLERK, at.later())
    await at.desk.end(held.id, "clerk", at.later())
    await at.desk.close(held.id, CLERK, Outcome.COMPLETED, ready=True, now=at.later())


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "take",
                "ready",
                "break",
                "off",
                "offer",
                "accept",
                "decline",
                "expire",
                "lose",
                "leave",
                "end",
                "close",
                "free",
            ]
        ),
        st.integers(0, 2),
    ),
    max_size=30,
)


@settings(max_examples=12)
@given(STEPS)
def test_whatever_is_done_in_whatever_order_windows_and_visits_agree(
    world_file: Path, steps: list[tuple[str, int]]
) -> None:
    asyncio.run(stays_consistent(world_file, steps))


async def stays_consistent(world_file: Path, steps: list[tuple[str, int]]) -> None:
    from scheduling.rows import Conflict

    clerks = [ClerkId("jiaxing1"), ClerkId("jiaxing2"), ClerkId("hangzhou1")]
    async with office(world_file) as at:
        for step, which in steps:
            clerk, kiosk = clerks[which], f"k{which}"
            held = await at.board.visit_of_clerk(clerk)
            shown = await at.board.visit_at_kiosk(kiosk)  # type: ignore[arg-type]
            try:
                match step:
                    case "take":
                        await at.take(kiosk)
                    case "ready" | "break" | "off":
                        event = {
                            "ready": window.Event.BE_READY,
                            "break": window.Event.TAKE_BREAK,
                            "off": window.Event.GO_OFF,
                        }[step]
                        await at.desk.set_window(clerk, event, at.later())
                    case "offer":
                        await at.offer("k0", "k1", "k2")
                    case "expire":
                        await at.offers.expire(20, at.later(21))
                    case "lose":
                        await at.offers.lose_clerk(clerk, at.later())
                    case "accept" if held:
                        await at.offers.accept(held.id, clerk, at.later())
                    case "decline" if held:
                        await at.offers.decline(held.id, clerk, at.later())
                    case "close" if held:
                        await at.desk.close(
                            held.id, clerk, Outcome.COMPLETED, ready=True, now=at.later()
                        )
                    case "leave" if shown:
                        await at.desk.leave(shown.id, kiosk, at.later())
                    case "end" if shown:
                        await at.desk.end(shown.id, "resident", at.later())
                    case "free" if shown:
                        await at.desk.free_kiosk(shown.id)
            except Conflict:
                pass
            await windows_match_visits(at, clerks)


WINDOW_OF_VISIT = {
    visit.State.OFFERED: window.State.OFFERED,
    visit.State.SERVING: window.State.IN_CALL,
    visit.State.FINISHED: window.State.WRAP_UP,
}


async def windows_match_visits(at: Office, clerks: list[ClerkId]) -> None:
    for clerk in clerks:
        held = await at.board.visit_of_clerk(clerk)
        state = await at.window_of(clerk)
        if held is None:
            assert state not in WINDOW_OF_VISIT.values()
        else:
            assert state is WINDOW_OF_VISIT[held.state]
    for waiting in await at.board.line_of(CLERK):
        assert (waiting.clerk, waiting.offered_at, waiting.accepted_at) == (None, None, None)


# The list of recorded visits


async def two_recorded(at: Office) -> None:
    """C001 of Zhang Weimin (YB-01, with notes) and C002 of Liu Fang (YB-01)."""
    await at.ready(CLERK)
    await at.take("k1")
    (first,) = await at.offer()
    await at.offers.accept(first.id, CLERK, at.later())
    await at.desk.keep_case(first.id, CLERK, notes="护照 100%_sure", checked=[])
    await at.desk.end(first.id, "clerk", at.later())
    await at.finished(OTHER_CLERK, "k2")


async def listed(at: Office, text: str, city: str | None = None) -> list[str]:
    return [v.ticket for v in await at.board.recorded(city=city, text=text)]


async def test_recorded_visits_are_listed_newest_first(at: Office) -> None:
    await two_recorded(at)
    assert await listed(at, "") == ["C002", "C001"]


async def test_a_visit_without_a_call_is_not_listed(at: Office) -> None:
    await at.ringing()
    assert await listed(at, "") == []


@pytest.mark.parametrize(
    ("text", "tickets"),
    [
        ("C001", ["C001"]),
        ("c002", ["C002"]),
        ("护照", ["C001"]),
        ("100%", ["C001"]),
        ("%_", ["C001"]),
        ("%", ["C001"]),
        ("张伟民", ["C001"]),
        ("Liu Fang", ["C002"]),
        ("liu", ["C002"]),
        ("异地就医", ["C002", "C001"]),
        ("ydjy", ["C002", "C001"]),
        ("YB-01", ["C002", "C001"]),
        ("houses", []),
        ("A999", []),
    ],
)
async def test_recorded_visits_are_found_by_ticket_notes_clerk_and_matter(
    at: Office, text: str, tickets: list[str]
) -> None:
    await two_recorded(at)
    assert await listed(at, text) == tickets


async def test_a_ticket_number_or_a_clerks_name_finds_no_visit_of_others(at: Office) -> None:
    """Words that only resemble a matter's name are no reason to show its visits."""
    await two_recorded(at)
    assert await listed(at, "A001") == []
    assert await listed(at, "Wang Min") == []


async def test_recorded_visits_of_other_cities_are_not_listed(at: Office) -> None:
    await two_recorded(at)
    assert await listed(at, "", JIAXING) == ["C002", "C001"]
    assert await listed(at, "", HANGZHOU) == []
    assert await listed(at, "C001", HANGZHOU) == []
    assert await listed(at, "YB-01", HANGZHOU) == []


async def test_at_most_as_many_as_asked_for_are_listed(at: Office) -> None:
    await two_recorded(at)
    assert len(await at.board.recorded(city=None, text="", limit=1)) == 1


async def test_a_visit_that_lost_its_clerk_and_left_is_still_listed(at: Office) -> None:
    """It had a call, and that call was recorded."""
    served = await at.serving()
    await at.offers.lose_clerk(CLERK, at.later())
    await at.desk.leave(served.id, KIOSK, at.later())
    assert await listed(at, "") == [served.ticket]
    assert await listed(at, "", HANGZHOU) == []
