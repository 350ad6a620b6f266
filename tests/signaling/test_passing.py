"""Calls that pass between clerks: who is in them, who hears whom, and what each page is told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa

from scheduling import visit, window
from scheduling.rows import Conflict, NotFound
from scheduling.visit import ClerkId
from signaling import protocol
from signaling.access import Identity, Role
from signaling.call import CLERK, INVITED, RESIDENT, Party
from signaling.hub import Socket
from signaling.passing import Passing
from signaling.protocol import ClerkState, KioskState
from signaling.tables import kiosks
from tests.scheduling.office import CLERK as ASKER
from tests.scheduling.office import HANGZHOU, JIAXING, OTHER_CLERK
from tests.signaling.test_exchange import open_at, sources
from tests.signaling.wired import AT_DESK, AT_KIOSK, Page, Wired, gets_more, wired

COLLEAGUE = Identity(OTHER_CLERK, Role.CLERK, JIAXING)
FAR_COLLEAGUE = Identity("hangzhou1", Role.CLERK, HANGZHOU)
MEDICAL, HANGZHOU_MEDICAL = "330400-medical-insurance", "330100-medical-insurance"
STILL = 3  # frames that may be on their way when somebody is put on hold


class Office:
    """A running call, a colleague at their desk, and what passes between the two clerks."""

    def __init__(self, running: Wired, visit_id: str, colleague: Identity) -> None:
        self.running, self.visit_id, self.who = running, visit_id, colleague
        self.passing = Passing(
            running.switchboard, running.at.transfers, running.at.board, running.exchange
        )
        self.socket = Socket(colleague)
        running.hub.enter(self.socket)
        self.colleague = Page(running, colleague, INVITED)

    async def ask(self, queue: str = MEDICAL, clerk: str | None = None) -> None:
        """The consult rings at the colleague, if they are ready."""
        await self.passing.ask(
            AT_DESK, protocol.AskConsult(id="1", visit=self.visit_id, queue=queue, clerk=clerk)
        )

    async def rung(self) -> None:
        await self.running.switchboard.set_window(self.who, "be_ready")
        await self.ask()

    async def joined(self, *, with_resident: bool = False) -> None:
        """The colleague is in the call, with media."""
        await self.rung()
        await self.running.switchboard.accept(self.who, self.visit_id)
        await self.colleague.join(self.visit_id)
        if with_resident:
            await self.three_way(with_resident=True)

    async def three_way(self, *, with_resident: bool) -> None:
        await self.passing.set_three_way(
            AT_DESK,
            protocol.SetThreeWay(id="2", visit=self.visit_id, with_resident=with_resident),
        )
        await self.settled()

    async def hand_over(self, who: Identity = AT_DESK) -> None:
        await self.passing.hand_over(who, protocol.HandOver(id="3", visit=self.visit_id))
        await self.settled()

    async def settled(self) -> None:
        """Everybody has taken the offers that more slots need."""
        pages = {RESIDENT: self.running.kiosk, CLERK: self.running.desk}
        for party, path in self.running.call(self.visit_id).paths.items():
            page = pages.get(party, self.colleague)
            if path.offer and path.connection in page.peers:
                await page.take(path.connection, path.offer)

    async def clerk_state(self, who: Identity) -> ClerkState:
        state = await (await self.running.views()).state(who)
        assert isinstance(state, ClerkState)
        return state

    async def kiosk_state(self) -> KioskState:
        state = await (await self.running.views()).state(AT_KIOSK)
        assert isinstance(state, KioskState)
        return state

    async def hear(self, party: str, whom: Sequence[str]) -> None:
        """Wait until this party is sent just these, each in its slot."""
        await self.running.until(lambda: sources(self.running, party) == list(whom))

    async def window_of(self, who: Identity) -> window.State:
        return await self.running.at.window_of(who.id)


@contextlib.asynccontextmanager
async def office(
    world_file: Path, folder: Path, colleague: Identity = COLLEAGUE
) -> AsyncIterator[Office]:
    """Resident and clerk talk."""
    async with wired(world_file, folder) as running:
        async with running.at.engine.begin() as connection:
            await connection.execute(
                sa.insert(kiosks).values(
                    id=AT_KIOSK.id,
                    site="songjiang-community",
                    city=AT_KIOSK.city,
                    public_key="{}",
                    active=True,
                    enrolled_at=running.at.now,
                )
            )
        opened = Office(running, await running.talking(), colleague)
        try:
            yield opened
        finally:
            await opened.colleague.close()


def frames(page: Page) -> dict[str, int]:
    (peer,) = page.peers.values()
    return dict(peer.frames)


# Cold


async def test_a_transfer_ends_the_call_and_rings_at_the_named_clerk(
    world_file: Path, tmp_path: Path
) -> None:
    async with office(world_file, tmp_path) as at:
        await at.running.switchboard.set_window(at.who, "be_ready")
        await at.passing.transfer(
            AT_DESK,
            protocol.Transfer(id="1", visit=at.visit_id, queue=MEDICAL, clerk=OTHER_CLERK),
        )
        assert at.running.exchange.calls() == []
        state = await at.clerk_state(at.who)
        assert state.visit is not None
        assert (state.visit.id, state.visit.state) == (at.visit_id, "offered")
        assert (state.visit.for_clerk_en, state.visit.served_before) == ("Liu Fang", True)
        assert (await at.clerk_state(AT_DESK)).visit is None
        assert await at.window_of(AT_DESK) is window.State.READY
        shown = (await at.kiosk_state()).visit
        assert shown is not None
        assert (shown.state, shown.for_clerk_en) == ("offered", "Liu Fang")
        await at.running.switchboard.accept(at.who, at.visit_id)
        peers = await asyncio.gather(
            at.running.kiosk.join(at.visit_id),
            Page(at.running, at.who, CLERK).join(at.visit_id),
        )
        await gets_more(*peers)
        await peers[1].close()


async def test_a_transfer_lets_go_of_a_colleague_who_had_joined(
    world_file: Path, tmp_path: Path
) -> None:
    async with office(world_file, tmp_path) as at:
        await at.joined()
        await at.passing.transfer(
            AT_DESK, protocol.Transfer(id="1", visit=at.visit_id, queue=MEDICAL)
        )
        assert open_at(at.running, 0) == []
        state = await at.clerk_state(at.who)
        assert state.window.state == "offered"  # ready, and the next who may take the visit
        assert state.consult is None


# Consult


async def test_nothing_changes_in_the_call_until_the_colleague_joins(
    world_file: Path, tmp_path: Path
) -> None:
    async with office(world_file, tmp_path) as at:
        at.socket.changed.clear()
        await at.rung()
        assert at.socket.changed.is_set()
        asker, asked = await at.clerk_state(AT_DESK), await at.clerk_state(at.who)
        assert asker.consult is not None
        assert (asker.consult.role, asker.consult.state) == ("asker", "offered")
        assert asker.consult.other_en == "Liu Fang"
        assert asked.consult is not None
        assert (asked.consult.role, asked.consult.state) == ("asked", "offered")
        assert (asked.consult.other_en, asked.window.state) == ("Zhang Weimin", "offered")
        assert asked.visit is not None
        assert (asked.visit.id, asked.call) == (at.visit_id, None)
        assert sources(at.running, "resident") == ["clerk"]
        assert not (await at.kiosk_state()).on_hold


async def test_who_is_rung_sees_a_line_of_their_own_and_not_the_askers(
    world_file: Path, tmp_path: Path
) -> None:
    async with office(world_file, tmp_path) as at:
        await at.running.switchboard.set_window(at.who, "be_ready")
        line = await at.colleague.warm_up()
        await at.ask()
        shown = (await at.clerk_state(at.who)).connection
        assert shown is not None
        assert shown.id == line
        await at.running.switchboard.accept(at.who, at.visit_id)
        assert at.running.call(at.visit_id).paths[INVITED].playing == line
        shown = (await at.clerk_state(at.who)).connection
        assert shown is not None
        assert shown.id == line


async def test_a_colleague_in_another_city_is_told_that_it_rings(
    world_file: Path, tmp_path: Path
) -> None:
    async with office(world_file, tmp_path, FAR_COLLEAGUE) as at:
        await at.running.switchboard.set_window(at.who, "be_ready")
        at.socket.changed.clear()
        await at.ask(HANGZHOU_MEDICAL)
        assert at.socket.changed.is_set()
        assert (await at.clerk_state(at.who)).window.state == "offered"
        at.socket.changed.clear()
        await at.passing.end(AT_DESK, at.visit_id)
        assert at.socket.changed.is_set()
        assert (await at.clerk_state(at.who)).window.state == "ready"


async def test_while_clerks_consult_the_resident_sees_and_hears_nobody(
    world_file: Path, tmp_path: Path
) -> None:
    async with office(world_file, tmp_path) as at:
        await at.joined()
        await at.hear("clerk", ["invited_clerk"])
        await at.hear("invited_clerk", ["clerk"])
        assert sources(at.running, "resident") == []
        assert (await at.kiosk_state()).on_hold
        asker = await at.clerk_state(AT_DESK)
        assert asker.call is not None
        assert asker.call.hears == ["invited_clerk"]
        assert [(o.party, o.name_en) for o in asker.call.others] == [("invited_clerk", "Liu Fang")]
        asked = await at.clerk_state(at.who)
        assert asked.call is not None
        assert (asked.call.hears, asked.call.far_name_en) == (["clerk"], "Resident")
        assert [(o.party, o.name_en) for o in asked.call.others] == [("clerk", "Zhang Weimin")]
        assert asked.case is not None
        before = frames(at.running.kiosk)
        await gets_more(*at.running.desk.peers.values(), *at.colleague.peers.values(), frames=20)
        after = frames(at.running.kiosk)
        assert all(after[kind] - before[kind] <= STILL for kind in before)


async def test_in_three_way_everybody_has_the_slot_that_the_state_names(
    world_file: Path, tmp_path: Path
) -> None:
    async with office(world_file, tmp_path) as at:
        await at.joined()
        for with_resident in (True, False, True):
            await at.three_way(with_resident=with_resident)
            for party, whom in at.running.call(at.visit_id).table.items():
                await at.hear(party, whom)
        kiosk = await at.kiosk_state()
        assert kiosk.call is not None
        assert kiosk.call.hears == ["clerk", "invited_clerk"]
        assert not kiosk.on_hold
        asker = await at.clerk_state(AT_DESK)
        assert asker.call is not None
        assert asker.call.hears == ["resident", "invited_clerk"]
        await gets_more(
            *at.running.kiosk.peers.values(),
            *at.running.desk.peers.values(),
            *at.colleague.peers.values(),
        )


async def test_a_call_is_handed_over_without_a_new_connection(
    world_file: Path, tmp_path: Path
) -> None:
    async with office(world_file, tmp_path) as at:
        await at.joined(with_resident=True)
        before = {p: path.playing for p, path in at.running.call(at.visit_id).paths.items()}
        await at.hand_over()
        call = at.running.call(at.visit_id)
        assert {p: path.playing for p, path in call.paths.items()} == {
            RESIDENT: before[RESIDENT],
            INVITED: before[INVITED],
        }
        assert open_at(at.running, 0) == ["invited_clerk", "resident"]
        await at.hear("resident", ["invited_clerk"])  # in the first slot, which is shown large
        await at.hear("invited_clerk", ["resident"])
        await gets_more(*at.running.kiosk.peers.values(), *at.colleague.peers.values())
        kiosk = await at.kiosk_state()
        assert kiosk.call is not None
        assert (kiosk.call.far_name_en, kiosk.call.others) == ("Liu Fang", [])
        state = await at.clerk_state(at.who)
        assert state.call is not None
        assert (state.consult, state.window.state) == (None, "in_call")
        assert (await at.clerk_state(AT_DESK)).visit is None
        await at.running.switchboard.end_call(at.who, at.visit_id)
        manifest = await at.running.sealed(at.visit_id)
        assert {s.party for s in manifest.segments} == {"resident", "clerk", "invited_clerk"}


async def test_a_call_is_handed_over_out_of_hold(world_file: Path, tmp_path: Path) -> None:
    async with office(world_file, tmp_path) as at:
        await at.joined()
        await at.hand_over()
        assert not (await at.kiosk_state()).on_hold
        await at.hear("resident", ["invited_clerk"])
        await gets_more(*at.running.kiosk.peers.values(), *at.colleague.peers.values())


async def test_a_call_that_was_handed_over_can_be_handed_back(
    world_file: Path, tmp_path: Path
) -> None:
    async with office(world_file, tmp_path) as at:
        await at.joined()
        await at.hand_over()
        await at.passing.ask(
            at.who, protocol.AskConsult(id="4", visit=at.visit_id, queue=MEDICAL, clerk=ASKER)
        )
        await at.running.switchboard.accept(AT_DESK, at.visit_id)
        again = Page(at.running, AT_DESK, Party("invited_clerk-2"))
        peer = await again.join(at.visit_id)
        assert (await at.kiosk_state()).on_hold
        await gets_more(peer, *at.colleague.peers.values())
        await at.hand_over(at.who)
        await at.hear("resident", ["invited_clerk-2"])
        await gets_more(peer, *at.running.kiosk.peers.values())
        kiosk = await at.kiosk_state()
        assert kiosk.call is not None
        assert kiosk.call.far_name_en == "Zhang Weimin"
        await again.close()


async def test_a_colleague_who_leaves_gives_the_resident_back(
    world_file: Path, tmp_path: Path
) -> None:
    async with office(world_file, tmp_path) as at:
        await at.joined()
        await at.passing.end(at.who, at.visit_id)
        assert open_at(at.running, 0) == ["clerk", "resident"]
        await at.hear("resident", ["clerk"])
        await at.hear("clerk", ["resident"])
        state = await at.clerk_state(at.who)
        assert (state.visit, state.call, state.window.state) == (None, None, "ready")
        await gets_more(*at.running.kiosk.peers.values(), *at.running.desk.peers.values())


async def test_a_colleague_may_do_nothing_to_the_visit_but_leave(
    world_file: Path, tmp_path: Path
) -> None:
    async with office(world_file, tmp_path) as at:
        await at.joined()
        board = at.running.switchboard
        with pytest.raises(NotFound):
            await board.end_call(at.who, at.visit_id)
        with pytest.raises(NotFound):
            await board.set_recording(at.who, at.visit_id, running=False)
        with pytest.raises(Conflict):
            await board.keep_case(at.who, at.visit_id, "mine", [])
        with pytest.raises(Conflict):
            await at.hand_over(at.who)
        assert (await at.running.visit(at.visit_id)).clerk == ASKER


async def test_a_colleague_whose_page_is_loaded_anew_keeps_the_place(
    world_file: Path, tmp_path: Path
) -> None:
    async with office(world_file, tmp_path) as at:
        await at.joined()
        connection = at.running.call(at.visit_id).paths[INVITED].playing
        assert connection is not None
        await at.running.locals[0].leave(connection)  # as when nothing is heard of it any more
        await at.running.until(lambda: at.running.call(at.visit_id).paths[INVITED].state == "away")
        state = await at.clerk_state(at.who)
        assert state.call is not None
        await at.running.switchboard.connect(at.who, state.call.id)
        peer = await at.colleague.join(at.visit_id)
        await gets_more(peer, *at.running.desk.peers.values())


async def test_a_supervisor_who_listens_and_is_asked_is_a_clerk_of_the_call(
    world_file: Path, tmp_path: Path
) -> None:
    async with office(world_file, tmp_path) as at:
        await at.running.exchange.take_part(at.visit_id, Party("supervisor"), OTHER_CLERK, "listen")
        await at.rung()
        await at.running.switchboard.accept(at.who, at.visit_id)
        assert set(at.running.call(at.visit_id).paths) == {RESIDENT, CLERK, INVITED}


async def test_the_end_of_the_call_sends_everybody_home(world_file: Path, tmp_path: Path) -> None:
    async with office(world_file, tmp_path) as at:
        await at.joined()
        at.socket.changed.clear()
        await at.running.switchboard.end_call(AT_KIOSK, at.visit_id)
        assert at.socket.changed.is_set()
        assert open_at(at.running, 0) == []
        state = await at.clerk_state(at.who)
        assert (state.visit, state.consult, state.window.state) == (None, None, "ready")
        assert (await at.clerk_state(AT_DESK)).window.state == "wrap_up"


# Lost lines


async def test_a_lost_asker_leaves_the_call_to_the_colleague(
    world_file: Path, tmp_path: Path
) -> None:
    async with office(world_file, tmp_path) as at:
        await at.joined()
        await at.running.switchboard.withdraw(AT_DESK)
        assert open_at(at.running, 0) == ["invited_clerk", "resident"]
        await at.hear("resident", ["invited_clerk"])
        kiosk = await at.kiosk_state()
        assert kiosk.call is not None
        assert (kiosk.on_hold, kiosk.call.far_name_en) == (False, "Liu Fang")
        assert (await at.running.visit(at.visit_id)).state is visit.State.SERVING


async def test_a_lost_colleague_gives_the_resident_back(world_file: Path, tmp_path: Path) -> None:
    async with office(world_file, tmp_path) as at:
        await at.joined()
        await at.running.switchboard.withdraw(at.who)
        assert open_at(at.running, 0) == ["clerk", "resident"]
        await at.hear("resident", ["clerk"])
        assert (await at.clerk_state(AT_DESK)).consult is None


async def test_an_asker_lost_while_the_colleague_joins_leaves_them_the_call(
    world_file: Path, tmp_path: Path
) -> None:
    async with office(world_file, tmp_path) as at:
        await at.rung()
        await at.running.at.transfers.accept(
            at.running.call(at.visit_id).visit, ClerkId(OTHER_CLERK), at.running.at.later()
        )
        await at.running.switchboard.withdraw(AT_DESK)  # before the colleague is in the call
        assert set(at.running.call(at.visit_id).paths) == {RESIDENT, INVITED}
        peer = await at.colleague.join(at.visit_id)
        await gets_more(peer, *at.running.kiosk.peers.values())


async def test_a_consult_that_ended_while_the_colleague_joined_leaves_nobody_on_hold(
    world_file: Path, tmp_path: Path
) -> None:
    async with office(world_file, tmp_path) as at:
        await at.rung()
        joined = await at.running.at.transfers.accept(
            at.running.call(at.visit_id).visit, ClerkId(OTHER_CLERK), at.running.at.later()
        )
        await at.passing.end(AT_DESK, at.visit_id)
        await at.running.switchboard.join_consult(joined)
        assert open_at(at.running, 0) == ["clerk", "resident"]
        assert not (await at.kiosk_state()).on_hold
        await at.hear("resident", ["clerk"])
