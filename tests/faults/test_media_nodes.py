"""Media processes of their own: one is killed, one is drained, in the middle of a call (F1, F2)."""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from media.records import manifest as manifests
from media.records.manifest import Manifest
from signaling import protocol
from signaling.client import LineClient
from signaling.headless import HeadlessPeer
from tests.signaling.parties import Clerk, Resident, accepted, clerk, finish, person, resident
from tests.signaling.wired import SMALL, gets_more
from tests.support.service import MEDIA_TOKEN, MediaProcess, ServiceProcess

JIAXING = "330400"
MOST_SILENT_S = 5.0


@dataclass
class Seat:
    """A party that does what a page does: it answers every offer, and shows the newest."""

    line: LineClient[Any]
    peers: dict[str, HeadlessPeer] = field(default_factory=dict)

    async def follow(self) -> None:
        """Until cancelled."""
        seen: tuple[str, str] | None = None
        while True:
            state = await self.line.until(
                lambda s, before=seen: (
                    bool(s.connection and s.connection.offer)
                    and (s.connection.id, s.connection.offer) != before
                ),
                timeout_s=600,
            )
            seen = (state.connection.id, state.connection.offer)
            peer = self.peers.setdefault(seen[0], HeadlessPeer(SMALL))
            sdp = await peer.answer(seen[1])
            await self.line.command(protocol.Answer, connection=seen[0], sdp=sdp)

    @property
    def newest(self) -> HeadlessPeer:
        return list(self.peers.values())[-1]


@dataclass
class Running:
    """A call on one of two media processes, the other of which is idle."""

    service: ServiceProcess
    carrier: MediaProcess
    idle: MediaProcess
    visit: str
    at_kiosk: Resident
    at_desk: Clerk
    seats: list[Seat]

    async def media_again(self, before: list[HeadlessPeer]) -> float:
        """Seconds until both parties get picture and sound by a new connection."""
        began = time.monotonic()
        async with asyncio.timeout(30):
            while any(seat.newest in before for seat in self.seats):
                await asyncio.sleep(0.02)
        await gets_more(*(seat.newest for seat in self.seats), frames=1)
        return time.monotonic() - began

    async def finish(self) -> Manifest:
        """End the call; the manifest once its files are sealed."""
        await finish(self.at_kiosk, self.at_desk, self.visit)
        await self.service.sealed_record(self.visit)
        return manifests.read(self.service.folder(self.visit))


@contextlib.asynccontextmanager
async def two_processes(data: Path) -> AsyncIterator[tuple[ServiceProcess, list[MediaProcess]]]:
    """A service whose calls are carried by two media processes, both ready."""
    async with MediaProcess("a", data) as a, MediaProcess("b", data) as b:
        nodes = ",".join(process.address for process in (a, b))
        async with ServiceProcess(data, media_nodes=nodes) as service:
            async with person(service, "songjiang-admin") as admin, asyncio.timeout(10):
                while not all(host["ready"] for host in await admin.call("GET", "/api/media")):
                    await asyncio.sleep(0.05)
            yield service, [a, b]


@contextlib.asynccontextmanager
async def running_call(data: Path) -> AsyncIterator[Running]:
    """A recorded call in which both parties get picture and sound."""
    async with (
        two_processes(data) as (service, processes),
        resident(service) as at_kiosk,
        clerk(service, "jiaxing1") as at_desk,
    ):
        visit = await accepted(at_kiosk, at_desk, JIAXING)
        seats = [Seat(at_kiosk.line), Seat(at_desk.line)]
        following = [asyncio.create_task(seat.follow()) for seat in seats]
        try:
            await at_desk.line.until(lambda s: s.call is not None and s.call.far == "connected")
            await at_desk.line.until(lambda s: s.call.recording == "recording")  # type: ignore[union-attr]
            await gets_more(*(seat.newest for seat in seats))
            carries = [bool((await process.status())["calls"]) for process in processes]
            assert sorted(carries) == [False, True]
            carrier, idle = processes if carries[0] else reversed(processes)
            yield Running(service, carrier, idle, visit.id, at_kiosk, at_desk, seats)
        finally:
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)
            await asyncio.gather(*(p.close() for seat in seats for p in seat.peers.values()))


def files(manifest: Manifest) -> list[tuple[str, int, str]]:
    return sorted((s.party, s.number, s.state) for s in manifest.segments)


async def test_a_call_goes_on_when_its_media_process_is_killed(tmp_path: Path) -> None:
    async with running_call(tmp_path / "data") as call:
        before = [seat.newest for seat in call.seats]
        await call.carrier.kill()
        assert await call.media_again(before) < MOST_SILENT_S
        assert (await call.idle.status())["calls"] == 1
        manifest = await call.finish()
        assert files(manifest) == [
            (party, number, state)
            for party in ("clerk", "resident")
            for number, state in ((1, "recovered"), (2, "complete"))
        ]
        (interruption,) = manifest.interruptions
        assert interruption.reason == "media host lost"
        assert interruption.to is not None
        lasted_s = (interruption.to - interruption.since).total_seconds()
        assert 0 < lasted_s < MOST_SILENT_S
        record = await call.service.record(call.visit)
        assert [b["kind"] for b in record["breaks"]] == ["interruption"]
        assert manifests.verify(call.service.folder(call.visit)) == []
        assert "Traceback" not in call.service.log()


async def test_a_killed_media_process_that_comes_back_disturbs_nobody_and_takes_calls(
    tmp_path: Path,
) -> None:
    async with running_call(tmp_path / "data") as call:
        before = [seat.newest for seat in call.seats]
        await call.carrier.kill()
        await call.media_again(before)
        async with call.carrier:
            await gets_more(*(seat.newest for seat in call.seats))
            async with person(call.service, "songjiang-admin") as admin, asyncio.timeout(10):
                while not all(h["ready"] for h in await admin.call("GET", "/api/media")):
                    await asyncio.sleep(0.05)
            manifest = await call.finish()
            assert [s.state for s in manifest.segments if s.number == 2] == ["complete"] * 2
            assert manifests.verify(call.service.folder(call.visit)) == []
            await accepted(call.at_kiosk, call.at_desk, JIAXING)
            assert (await call.carrier.status())["calls"] == 1


async def test_a_media_process_that_is_told_to_end_moves_its_call_and_ends_by_itself(
    tmp_path: Path,
) -> None:
    async with running_call(tmp_path / "data") as call:
        before = [seat.newest for seat in call.seats]
        call.carrier.terminate()
        assert await call.media_again(before) < MOST_SILENT_S
        assert await call.carrier.ended() == 0
        assert (await call.idle.status())["calls"] == 1
        manifest = await call.finish()
        assert files(manifest) == [
            (party, number, "complete") for party in ("clerk", "resident") for number in (1, 2)
        ]
        assert manifest.interruptions == ()
        assert manifests.verify(call.service.folder(call.visit)) == []

        await accepted(call.at_kiosk, call.at_desk, JIAXING)
        assert (await call.idle.status())["calls"] == 1
        assert "Traceback" not in call.carrier.log() + call.service.log()


async def virtual_window(process: MediaProcess, *arguments: str) -> tuple[int, str, str]:
    """Exit code, output and errors of the command with this process's settings."""
    ran = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "deploy.cli",
        *arguments,
        env=process.environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(ran.communicate(), 20)
    return ran.returncode or 0, output.decode(), errors.decode()


async def test_a_media_process_says_how_it_is_doing_to_whoever_has_the_token(
    tmp_path: Path,
) -> None:
    async with MediaProcess("a", tmp_path / "data") as process:
        code, output, _ = await virtual_window(process, "media", "--status", "--json")
        told = json.loads(output)
        assert (code, told["ready"], told["calls"], told["connections"]) == (0, True, 0, [])
        code, output, _ = await virtual_window(process, "media", "--status")
        assert code == 0
        assert "ready: True" in output.splitlines()

        url = f"http://127.0.0.1:{process.settings.control_port}"
        async with aiohttp.ClientSession() as http:
            for path in ("/status", "/metrics", "/news"):
                async with http.get(url + path) as response:
                    assert response.status == 401
            headers = {"Authorization": f"Bearer {MEDIA_TOKEN}"}
            async with http.get(f"{url}/metrics", headers=headers) as response:
                assert "virtual_window_media_calls" in await response.text()
        await process.kill()
        code, output, errors = await virtual_window(process, "media", "--status")
        assert (code, output) == (1, "")
        assert "no media process answers" in errors
