"""Two browsers in a call whose media process is killed (F1) or told to end (F2): what they hear and
see of it. What the service does then is in test_media_nodes.py.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from media.records import manifest as manifests
from media.records.manifest import Manifest
from tests.faults.test_media_nodes import files, two_processes
from tests.support.browser import (
    CLERK_SIZE,
    KIOSK_SIZE,
    be_ready,
    browsing,
    context_of,
    open_clerk,
    open_kiosk,
    sees_far,
    take_ticket,
)
from tests.support.likeness import MEASURED_CLERK, MEASURED_RESIDENT
from tests.support.service import MediaProcess
from tests.support.tap import Taken, Tap, listen
from tests.support.visit import RunningVisit

BACK_S = 5.0
MOVED_S = 1.0
MISSING_S = 1.0
TALK_S = 6.0
PARTIES = ("clerk", "resident")


@dataclass(frozen=True)
class CarriedVisit(RunningVisit):
    """Both pages in a call that this process carries, and what reaches each of the other."""

    carrier: MediaProcess
    idle: MediaProcess
    far: tuple[Tap, Tap]

    async def hears_and_sees(self) -> list[Taken]:
        """The kiosk and the clerk's page, from the beginning until now."""
        return [await tap.taken() for tap in self.far]

    async def finish(self) -> Manifest:
        """End the call; the manifest once its files are sealed."""
        await self.clerk.click("#end")
        await self.clerk.click("#end-yes")
        await self.service.sealed_record(self.folder.name)
        assert manifests.verify(self.folder) == []
        return manifests.read(self.folder)


@contextlib.asynccontextmanager
async def carried_visit(tmp_path: Path) -> AsyncIterator[CarriedVisit]:
    """A call under way on one of two media processes."""
    async with (
        two_processes(tmp_path / "data") as (service, processes),
        browsing(tmp_path, MEASURED_RESIDENT, MEASURED_CLERK) as (at_kiosk, at_desk),
    ):
        kiosk = await open_kiosk(
            await context_of(at_kiosk, KIOSK_SIZE), service.url, await service.enrolment_code()
        )
        clerk = await open_clerk(await context_of(at_desk, CLERK_SIZE), service.url, "jiaxing1")
        await be_ready(clerk)
        ticket = await take_ticket(kiosk, "异地就医", "YB-01", "330400")
        await clerk.click("#accept")
        await asyncio.gather(sees_far(kiosk), sees_far(clerk))
        assert MEASURED_CLERK.band is not None
        assert MEASURED_RESIDENT.band is not None
        far = (
            await listen(kiosk, "#far", MEASURED_CLERK.band),
            await listen(clerk, "#far", MEASURED_RESIDENT.band),
        )
        carries = [bool((await process.status())["calls"]) for process in processes]
        assert sorted(carries) == [False, True]
        carrier, idle = processes if carries[0] else reversed(processes)
        yield CarriedVisit(service, kiosk, clerk, ticket, carrier, idle, far)


async def talk(seconds: float) -> float:
    """The parties talk; returns when that ended, in seconds since the epoch."""
    await asyncio.sleep(seconds)  # the call itself
    return time.time()


def longest_still_s(taken: Taken, since_s: float, until_s: float) -> float:
    """The longest time without a new picture within a span, its edges included."""
    inside = [at_s for at_s, _ in taken.pictures.seen if since_s <= at_s < until_s]
    return max(later - earlier for earlier, later in pairwise([since_s, *inside, until_s]))


async def test_both_see_each_other_again_when_the_media_process_is_killed(tmp_path: Path) -> None:
    async with carried_visit(tmp_path) as visit:
        killed_s = await talk(TALK_S)
        await visit.carrier.kill()
        until_s = await talk(BACK_S + TALK_S) - 1
        for taken in await visit.hears_and_sees():
            assert longest_still_s(taken, killed_s, until_s) < BACK_S
            assert taken.sounds.longest_silence_s(killed_s, until_s) < BACK_S
        assert (await visit.idle.status())["calls"] == 1

        manifest = await visit.finish()
        assert files(manifest) == [
            (party, number, state)
            for party in PARTIES
            for number, state in ((1, "recovered"), (2, "complete"))
        ]
        (interruption,) = manifest.interruptions
        assert interruption.reason == "media host lost"
        assert interruption.to is not None
        for segment in manifest.segments:
            ends_s = manifests.ends_at(segment).timestamp()
            if segment.number == 1:
                assert killed_s - ends_s < MISSING_S
            else:
                assert segment.started_at.timestamp() - killed_s < BACK_S
                assert ends_s > until_s


async def test_a_call_moves_without_a_pause_when_its_media_process_is_told_to_end(
    tmp_path: Path,
) -> None:
    async with carried_visit(tmp_path) as visit:
        since_s = await talk(TALK_S)
        visit.carrier.terminate()
        assert await visit.carrier.ended() == 0
        until_s = await talk(TALK_S) - 1
        for taken in await visit.hears_and_sees():
            assert longest_still_s(taken, since_s, until_s) < MOVED_S
            assert taken.sounds.longest_silence_s(since_s, until_s) < MOVED_S
        assert (await visit.idle.status())["calls"] == 1

        manifest = await visit.finish()
        assert files(manifest) == [
            (party, number, "complete") for party in PARTIES for number in (1, 2)
        ]
        assert manifest.interruptions == ()
