"""What joins visits, calls, media and recordings, in one process with real parts."""

import asyncio
from pathlib import Path

import pytest

from scheduling import visit
from scheduling.rows import Conflict
from tests.signaling.wired import AT_DESK, AT_KIOSK, wired


async def test_a_call_that_ends_while_it_is_being_prepared_leaves_no_recording_open(
    world_file: Path, tmp_path: Path
) -> None:
    async with wired(world_file, tmp_path) as running:
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
        assert (await running.locals[0].status())["connections"] == []
        assert running.switchboard.call_of(visit_id) is None
        ended = await running.visit(visit_id)
        assert ended.state is visit.State.FINISHED
        assert (await running.sealed(visit_id)).segments == ()
        assert list(running.recordings.folder(ended).glob("*.webm")) == []


async def test_a_call_that_nobody_joined_leaves_no_recording(
    world_file: Path, tmp_path: Path
) -> None:
    async with wired(world_file, tmp_path) as running:
        visit_id = await running.accepted()
        call = running.call(visit_id)
        assert all(path.offer for path in call.paths.values())
        await running.switchboard.end_call(AT_DESK, visit_id)
        assert (await running.sealed(visit_id)).segments == ()


async def test_asking_for_connections_again_and_again_keeps_one_a_party(
    world_file: Path, tmp_path: Path
) -> None:
    async with wired(world_file, tmp_path) as running:
        visit_id = await running.accepted()
        call = running.call(visit_id)
        for _ in range(5):
            await running.switchboard.connect(AT_DESK, call.id)
        await asyncio.gather(*(running.switchboard.connect(AT_KIOSK, call.id) for _ in range(5)))
        connections = (await running.locals[0].status())["connections"]
        assert sorted(c["party"] for c in connections) == ["clerk", "resident"]


async def test_a_second_accept_changes_nothing(world_file: Path, tmp_path: Path) -> None:
    async with wired(world_file, tmp_path) as running:
        visit_id = await running.accepted()
        before = running.switchboard.call_of(visit_id)
        with pytest.raises(Conflict):
            await running.switchboard.accept(AT_DESK, visit_id)
        assert running.switchboard.call_of(visit_id) == before
