"""What joins visits, calls, media and recordings, in one process with real parts."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from media.node.node import Node
from media.records import manifest as manifests
from media.records.store import Store
from scheduling import visit
from scheduling.desk import Conflict
from signaling.access import Identity, Role
from signaling.hub import Hub, Socket
from signaling.recordings import Recordings
from signaling.switchboard import Switchboard
from tests.scheduling.office import CLERK, JIAXING, KIOSK, Office, office

AT_KIOSK = Identity(KIOSK, Role.KIOSK, JIAXING)
AT_DESK = Identity(CLERK, Role.CLERK, JIAXING)


class Exchange:
    """A switchboard with its desk, node and recordings, and two open lines."""

    def __init__(self, at: Office, folder: Path) -> None:
        self.at = at
        self.hub = Hub()
        self.recordings = Recordings(Store(folder))
        self.switchboard = Switchboard(at.desk, at.board, self.hub, self.recordings)
        self.node = Node(
            host="127.0.0.1", port=0, announce="127.0.0.1", listener=self.switchboard.hear
        )

    async def ringing(self) -> str:
        """A visit that rings at the clerk."""
        await self.switchboard.set_window(AT_DESK, "be_ready")
        await self.switchboard.take_ticket(
            AT_KIOSK,
            "songjiang-community",
            city=JIAXING,
            matter="YB-01",
            language="zh_CN",
            notice="2026-11",
        )
        held = await self.at.board.visit_of_clerk(CLERK)
        assert held is not None
        return held.id


@contextlib.asynccontextmanager
async def exchange(world_file: Path, folder: Path) -> AsyncIterator[Exchange]:
    async with office(world_file) as at:
        running = Exchange(at, folder)
        for who in (AT_KIOSK, AT_DESK):
            running.hub.enter(Socket(who))
        await running.recordings.start()
        await running.node.start()
        await running.switchboard.start(running.node)
        try:
            yield running
        finally:
            await running.switchboard.stop()
            await running.node.stop()
            await running.recordings.stop()


async def test_a_call_that_ends_while_it_is_being_prepared_leaves_no_recording_open(
    world_file: Path, tmp_path: Path
) -> None:
    async with exchange(world_file, tmp_path) as running:
        visit_id = await running.ringing()

        async def end_as_soon_as_it_began() -> None:
            while True:
                try:
                    await running.switchboard.end_call(AT_KIOSK, visit_id)
                    return
                except Conflict:
                    await asyncio.sleep(0)

        await asyncio.gather(
            running.switchboard.accept(AT_DESK, visit_id), end_as_soon_as_it_began()
        )
        await running.recordings.settled()
        assert running.node.status()["connections"] == []
        assert running.switchboard.call_of(visit_id) is None
        ended = await running.at.board.visit(visit_id)  # type: ignore[arg-type]
        assert ended is not None
        assert ended.state is visit.State.FINISHED
        kept = manifests.read(running.recordings.folder(ended))
        assert [s.file for s in kept.segments if s.state == "recording"] == []
        assert list(running.recordings.folder(ended).glob("*.webm")) == []


async def test_a_call_that_nobody_joined_leaves_no_recording(
    world_file: Path, tmp_path: Path
) -> None:
    async with exchange(world_file, tmp_path) as running:
        visit_id = await running.ringing()
        await running.switchboard.accept(AT_DESK, visit_id)
        call = running.switchboard.call_of(visit_id)
        assert call is not None
        assert all(path.offer for path in call.paths.values())
        await running.switchboard.end_call(AT_DESK, visit_id)
        await running.recordings.settled()
        ended = await running.at.board.visit(visit_id)  # type: ignore[arg-type]
        assert ended is not None
        assert manifests.read(running.recordings.folder(ended)).segments == ()


async def test_asking_for_connections_again_and_again_keeps_one_a_party(
    world_file: Path, tmp_path: Path
) -> None:
    async with exchange(world_file, tmp_path) as running:
        visit_id = await running.ringing()
        await running.switchboard.accept(AT_DESK, visit_id)
        call = running.switchboard.call_of(visit_id)
        assert call is not None
        for _ in range(5):
            await running.switchboard.connect(AT_DESK, call.id)
        await asyncio.gather(*(running.switchboard.connect(AT_KIOSK, call.id) for _ in range(5)))
        connections = running.node.status()["connections"]
        assert sorted(c["party"] for c in connections) == ["clerk", "resident"]  # type: ignore[attr-defined]


async def test_a_second_accept_changes_nothing(world_file: Path, tmp_path: Path) -> None:
    async with exchange(world_file, tmp_path) as running:
        visit_id = await running.ringing()
        await running.switchboard.accept(AT_DESK, visit_id)
        before = running.switchboard.call_of(visit_id)
        with pytest.raises(Conflict):
            await running.switchboard.accept(AT_DESK, visit_id)
        assert running.switchboard.call_of(visit_id) == before
