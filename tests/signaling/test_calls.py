"""The exchange from elsewhere: what a process without it reads, asks for, and is refused."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from media.host.api import Refused, Unknown
from signaling.between import Ask, Post, Warm
from signaling.bus import LocalBus, Wire
from signaling.call import CLERK, RESIDENT, Party
from signaling.calls import STALE_S, SharedCalls
from signaling.exchange import Exchange, NoHost
from signaling.headless import HeadlessPeer
from signaling.shared_desk import AddMark, DeskRefused, Mark, OpenPage, Page, TurnPage
from tests.signaling.wired import AT_DESK, AT_KIOSK, SMALL, Wired, gets_more, wired

SUPERVISOR = Party("supervisor")
DEADLINE_S = 15.0


@dataclass
class Two:
    """The office's process with its exchange, and another one."""

    running: Wired
    office: SharedCalls
    elsewhere: SharedCalls
    wire: Wire
    post: Post
    over: list[str]

    async def until(self, wanted: Callable[[], object]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not wanted():
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def two(world_file: Path, folder: Path, *, announced: bool = True) -> AsyncIterator[Two]:
    """Both hear each other; the office runs the calls."""
    wire, over = Wire(), []
    async with wired(world_file, folder) as running:
        posts = [Post(LocalBus(name, wire)) for name in ("a", "b")]
        read = running.at.board.visit
        office = SharedCalls(posts[0], read)
        elsewhere = SharedCalls(posts[1], read, over.append, answer_s=0.5)
        for post in posts:
            await post.start()
        office.open(1, running.exchange, lambda: True)
        made = Two(running, office, elsewhere, wire, posts[1], over)
        if announced:
            office.announce()
            await made.until(lambda: elsewhere._known.office)
        try:
            yield made
        finally:
            await office.close()
            await elsewhere.close()


async def warmed(at: Two, client: str) -> HeadlessPeer:
    """A connected warm line of this client, asked for elsewhere."""
    await at.elsewhere.warm(client)
    line = at.elsewhere.line_of(client)
    assert line is not None
    assert line.offer
    peer = HeadlessPeer(SMALL)
    await at.elsewhere.answer(client, line.connection, await peer.answer(line.offer))
    await at.until(lambda: (line := at.elsewhere.line_of(client)) and line.connected)
    return peer


async def test_a_call_is_begun_joined_paused_and_ended_from_elsewhere(
    world_file: Path, tmp_path: Path
) -> None:
    async with two(world_file, tmp_path) as at:
        visit_id = await at.running.ringing()
        peers = [await warmed(at, who.id) for who in (AT_KIOSK, AT_DESK)]
        accepted = await at.running.at.offers.accept(visit_id, AT_DESK.id, at.running.at.later())
        await at.elsewhere.begin(accepted)
        call = at.elsewhere.call_of(visit_id)
        assert call is not None
        assert call.talking_since is not None
        assert at.elsewhere.calls() == [call] == at.office.calls()
        assert at.elsewhere.visit_of(call.id) == visit_id
        assert at.elsewhere.party_of(visit_id, AT_DESK.id) == CLERK
        assert at.elsewhere.line_of(AT_KIOSK.id) is None
        await gets_more(*peers)

        await at.elsewhere.share(visit_id, RESIDENT, sharing=True)
        await at.elsewhere.hold(visit_id, on_hold=True)
        await at.elsewhere.take_part(visit_id, SUPERVISOR, "s1", "listen")
        await at.until(lambda: at.running.call(visit_id).recording == "recording")
        await at.elsewhere.record(visit_id, running=False)
        changed = at.elsewhere.call_of(visit_id)
        assert changed is not None
        assert changed.paths[RESIDENT].sharing
        assert changed.on_hold
        assert changed.recording == "paused"
        assert changed.paths[SUPERVISOR].offer
        assert at.elsewhere.guests(visit_id) == {SUPERVISOR: "s1"}
        await at.elsewhere.connect(visit_id, CLERK)
        again = at.elsewhere.call_of(visit_id)
        assert again is not None
        assert again.paths[CLERK].offer
        await at.elsewhere.leave_part(visit_id, SUPERVISOR)
        assert at.elsewhere.guests(visit_id) == {}

        await at.elsewhere.hang_up(accepted)
        assert at.elsewhere.calls() != [], "the visit is in its call, whatever is asked for"
        ended = await at.running.at.desk.end(visit_id, "clerk", at.running.at.later())
        await at.elsewhere.hang_up(ended)
        assert at.elsewhere.calls() == []
        assert at.over == [visit_id]


async def test_what_the_exchange_refuses_is_refused_in_the_same_words_elsewhere(
    world_file: Path, tmp_path: Path
) -> None:
    async with two(world_file, tmp_path) as at:
        with pytest.raises(Unknown):
            await at.elsewhere.answer(AT_KIOSK.id, "no-such-connection", "v=0")
        await at.elsewhere.warm(AT_KIOSK.id)
        line = at.elsewhere.line_of(AT_KIOSK.id)
        assert line is not None
        with pytest.raises(Refused) as refused:
            await at.elsewhere.answer(AT_KIOSK.id, line.connection, "nonsense")
        assert not refused.value.twice
        peer = HeadlessPeer(SMALL)
        sdp = await peer.answer(line.offer or "")
        await at.elsewhere.answer(AT_KIOSK.id, line.connection, sdp)
        with pytest.raises(Refused) as refused:
            await at.elsewhere.answer(AT_KIOSK.id, line.connection, sdp)
        assert refused.value.twice
        with pytest.raises(Unknown):
            await at.elsewhere.take_part("no-such-visit", SUPERVISOR, "s1", "listen")
        await peer.close()


async def test_the_shared_desk_is_changed_from_elsewhere_and_outlives_the_office(
    world_file: Path, tmp_path: Path
) -> None:
    async with two(world_file, tmp_path) as at:
        visit_id = await at.running.accepted()
        at.office.publish()
        page, mark = Page("page-1", 2480, 3508), AddMark("page-1", "m1", "pen", [0.25, 0.5])
        await at.elsewhere.change_desk(visit_id, RESIDENT, OpenPage(page))
        await at.elsewhere.change_desk(visit_id, RESIDENT, mark)
        with pytest.raises(DeskRefused, match="not lie on the desk"):
            await at.elsewhere.change_desk(visit_id, CLERK, TurnPage("page-2", 90))
        with pytest.raises(Unknown):
            await at.elsewhere.change_desk("no-such-visit", CLERK, OpenPage(page))
        with pytest.raises(Unknown):
            await at.elsewhere.change_desk(visit_id, SUPERVISOR, OpenPage(page))
        calls = [each.call_of(visit_id) for each in (at.office, at.elsewhere)]
        assert calls[0] is not None
        assert calls[0] == calls[1]
        desk = calls[0].desk
        assert (desk.version, desk.view.page) == (2, page)
        assert desk.view.marks == (Mark("m1", RESIDENT, "pen", (0.25, 0.5)),)

        await at.office.close()
        next_exchange = Exchange(at.running.recordings, lambda clients: None)
        at.elsewhere.open(2, next_exchange, lambda: True)
        await at.elsewhere.begin(await at.running.visit(visit_id))
        begun = next_exchange.call_of(visit_id)
        assert begun is not None
        assert begun.id != calls[0].id
        assert begun.desk == desk


async def test_without_an_office_that_answers_there_is_no_host(
    world_file: Path, tmp_path: Path
) -> None:
    async with two(world_file, tmp_path) as at:
        at.wire.ends["a"].cut(True)
        with pytest.raises(NoHost, match="does not answer"):
            await at.elsewhere.warm(AT_KIOSK.id)
        at.wire.ends["b"].cut(True)
        with pytest.raises(NoHost, match="can be reached"):
            await at.elsewhere.warm(AT_KIOSK.id)
        await at.elsewhere.cool(AT_KIOSK.id)  # for want of an answer it stays, and nobody minds


async def test_before_any_office_was_heard_there_is_no_host(
    world_file: Path, tmp_path: Path
) -> None:
    async with two(world_file, tmp_path, announced=False) as at:
        with pytest.raises(NoHost):
            await at.elsewhere.warm(AT_KIOSK.id)


async def test_a_request_that_was_held_up_on_the_way_is_not_carried_out(
    world_file: Path, tmp_path: Path
) -> None:
    async with two(world_file, tmp_path) as at:
        for late_s, client in ((STALE_S + 1, "late"), (0, "in time")):
            at.post.tell(
                Ask(id="1", term=1, moment_s=time.monotonic() - late_s, act=Warm(client=client)),
                "a",
            )
        await at.until(lambda: at.running.exchange.line_of("in time"))
        assert at.running.exchange.line_of("late") is None


async def test_what_was_missed_while_the_bus_was_down_is_asked_for(
    world_file: Path, tmp_path: Path
) -> None:
    async with two(world_file, tmp_path) as at:
        await at.office.warm("c1")
        await at.until(lambda: at.elsewhere.line_of("c1"))
        at.wire.ends["b"].cut(True)
        await at.office.cool("c1")
        await at.office.warm("c2")
        assert at.elsewhere.line_of("c1") is not None
        at.wire.ends["b"].cut(False)
        await at.until(lambda: at.elsewhere.line_of("c2"))
        assert at.elsewhere.line_of("c1") is None


async def test_a_new_office_is_heard_once_it_has_taken_up_its_calls(
    world_file: Path, tmp_path: Path
) -> None:
    async with two(world_file, tmp_path) as at:
        await at.office.warm("c1")
        await at.until(lambda: at.elsewhere.line_of("c1"))
        await at.office.close()
        await at.running.exchange.cool("c1")
        at.elsewhere.open(2, at.running.exchange, lambda: True)
        await at.elsewhere.warm("c2")
        assert at.elsewhere.line_of("c1") is not None, "what the old one told is in sight"
        assert at.elsewhere.line_of("c2") is None
        at.elsewhere.announce()
        assert at.elsewhere.line_of("c1") is None
        await at.until(lambda: at.office.line_of("c2"))
        assert not at.office.mine


async def test_an_office_that_may_not_act_does_nothing(world_file: Path, tmp_path: Path) -> None:
    async with two(world_file, tmp_path) as at:
        await at.office.close()
        held = [True]
        at.office.open(1, at.running.exchange, lambda: held[0])
        at.office.announce()
        held[0] = False
        assert not at.office.mine
        with pytest.raises(NoHost):
            await at.office.warm("c1")
        with pytest.raises(NoHost):
            await at.elsewhere.warm("c1")
        assert at.running.exchange.line_of("c1") is None
