"""The recording is paused and let go on by the clerk; who loses their rights loses the call."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from media.records import manifest as manifests
from scheduling import visit, window
from scheduling.rows import NotFound
from tests.scheduling.office import CLERK
from tests.signaling.wired import AT_DESK, AT_KIOSK, Wired, gets_more, wired


async def events(running: Wired, visit_id: str) -> list[tuple[str, str]]:
    found = await running.at.board.events((await running.visit(visit_id)).id)
    return [(e.event, e.actor) for e in found if e.event.startswith("recording_")]


CLOCK = timedelta(milliseconds=300)  # a report moves a track by the way it took, on a busy machine


async def test_a_pause_is_stated_and_nothing_of_it_is_kept(
    world_file: Path, tmp_path: Path
) -> None:
    async with wired(world_file, tmp_path) as running:
        visit_id = await running.talking()
        recorder = running.locals[0].recorder
        await running.until(lambda: recorder.running == 2)
        await running.switchboard.set_recording(AT_DESK, visit_id, running=False)
        assert running.call(visit_id).recording == "paused"
        assert recorder.running == 0
        written = recorder.bytes_written
        await gets_more(*running.kiosk.peers.values(), *running.desk.peers.values(), frames=15)
        assert recorder.bytes_written == written
        await running.switchboard.set_recording(AT_DESK, visit_id, running=True)
        assert running.call(visit_id).recording == "recording"
        await running.until(lambda: recorder.running == 2)
        await running.switchboard.end_call(AT_DESK, visit_id)
        manifest = await running.sealed(visit_id)
        (pause,) = manifest.pauses
        assert (pause.by, pause.to is not None) == (CLERK, True)
        assert pause.to is not None
        firsts = [s for s in manifest.segments if s.number == 1]
        seconds = [s for s in manifest.segments if s.number == 2]
        assert (len(firsts), len(seconds)) == (2, 2)
        assert all(manifests.ends_at(s) <= pause.since + CLOCK for s in firsts)
        assert all(s.started_at >= pause.since - CLOCK for s in seconds)
        assert await events(running, visit_id) == [
            ("recording_paused", CLERK),
            ("recording_resumed", CLERK),
        ]


async def test_pausing_twice_is_one_pause_and_it_ends_with_the_call(
    world_file: Path, tmp_path: Path
) -> None:
    async with wired(world_file, tmp_path) as running:
        visit_id = await running.talking()
        await running.switchboard.set_recording(AT_DESK, visit_id, running=True)  # as it is
        for _ in range(2):
            await running.switchboard.set_recording(AT_DESK, visit_id, running=False)
        await running.switchboard.end_call(AT_DESK, visit_id)
        manifest = await running.sealed(visit_id)
        (pause,) = manifest.pauses
        assert pause.to == manifest.call_ended_at
        assert await events(running, visit_id) == [("recording_paused", CLERK)]


async def test_a_pause_outlives_a_restart_of_the_server(world_file: Path, tmp_path: Path) -> None:
    async with wired(world_file, tmp_path) as running:
        visit_id = await running.accepted()
        await running.switchboard.set_recording(AT_DESK, visit_id, running=False)
        served = await running.visit(visit_id)
        assert await running.recordings.is_paused(served)
        await running.exchange.end(served)  # its calls are in memory alone
        await running.clock.start()
        assert running.call(visit_id).recording == "paused"
        await asyncio.gather(running.kiosk.join(visit_id), running.desk.join(visit_id))
        await gets_more(*running.kiosk.peers.values(), *running.desk.peers.values(), frames=15)
        assert running.locals[0].recorder.running == 0


async def test_only_the_clerk_of_the_call_pauses_its_recording(
    world_file: Path, tmp_path: Path
) -> None:
    from msgspec.structs import replace

    async with wired(world_file, tmp_path) as running:
        visit_id = await running.accepted()
        with pytest.raises(NotFound):
            await running.switchboard.set_recording(
                replace(AT_DESK, id="jiaxing2"), visit_id, running=False
            )
        assert running.call(visit_id).recording == "starting"


# Rights that were withdrawn


async def test_the_call_of_a_suspended_kiosk_ends(world_file: Path, tmp_path: Path) -> None:
    async with wired(world_file, tmp_path) as running:
        visit_id = await running.talking()
        await running.switchboard.withdraw(AT_KIOSK)
        ended = await running.visit(visit_id)
        assert (ended.state, ended.ended_by) == (visit.State.FINISHED, "withdrawn")
        assert running.exchange.calls() == []
        assert running.locals[0].node.status()["connections"] == []
        assert await running.at.window_of() is window.State.WRAP_UP
        assert (await running.sealed(visit_id)).call_ended_at is not None


async def test_the_call_of_a_suspended_clerk_ends(world_file: Path, tmp_path: Path) -> None:
    async with wired(world_file, tmp_path) as running:
        visit_id = await running.talking()
        await running.switchboard.withdraw(AT_DESK)
        assert running.exchange.calls() == []
        assert running.locals[0].node.status()["connections"] == []
        assert (await running.visit(visit_id)).state is not visit.State.SERVING


async def test_the_warm_line_of_a_suspended_kiosk_is_closed(
    world_file: Path, tmp_path: Path
) -> None:
    async with wired(world_file, tmp_path) as running:
        await running.ringing()
        await running.kiosk.warm_up()
        await running.switchboard.withdraw(AT_KIOSK)
        assert running.exchange.line_of(AT_KIOSK.id) is None
        assert running.locals[0].node.status()["connections"] == []
