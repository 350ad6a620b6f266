"""Calls of two browsers over bad lines, measured in what is heard and seen: F6, F7, F8 of the
faults to survive, and a new NAT mapping. `make lines`; minutes long, one after the other.
"""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from media.records import manifest as manifests
from tests.support.impaired_visit import ImpairedVisit, impaired_visit
from tests.support.impairment_link import Link
from tests.support.likeness import MEASURED_CLERK, MEASURED_RESIDENT
from tests.support.measured import measure_file

pytestmark = pytest.mark.lines

TALK_S = 8.0  # until the browsers have found out what the line carries
RECONNECTING = "恢复|重新连接|重连"
NARROW_BPS = 300_000


@dataclass
class Report:
    """What was measured against what was promised; every value is told, also when all is well."""

    lines: list[str] = field(default_factory=list)
    broken: int = 0

    def at_most(self, what: str, value: float, bound: float) -> None:
        kept = value <= bound
        self.broken += not kept
        self.lines.append(f"{'' if kept else 'BROKEN '}{what}: {value:.3f}, at most {bound}")

    def at_least(self, what: str, value: float, bound: float) -> None:
        kept = value >= bound
        self.broken += not kept
        self.lines.append(f"{'' if kept else 'BROKEN '}{what}: {value:.3f}, at least {bound}")

    def conclude(self) -> None:
        told = "\n".join(self.lines)
        print(told)
        assert not self.broken, told


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the files of the fake devices are kept for all tests."""
    return tmp_path_factory.mktemp("clips")


async def talk(lasts_s: float) -> float:
    """Let the call go on; returns the time of its end, in seconds since the epoch."""
    await asyncio.sleep(lasts_s)
    return time.time()


async def test_three_seconds_without_udp_are_over_half_a_second_after_the_return(
    tmp_path: Path, clips: Path
) -> None:
    report = Report()
    async with impaired_visit(tmp_path, clips, seed=6) as visit:
        await talk(TALK_S)
        before = await visit.connections()
        spans = []
        for pause_s in (6.0, 6.13, 6.26):  # the return meets the chirps at different moments
            spans.append(visit.resident.line.outage(3.0))
            await talk(3.0 + pause_s)
        for name, party in visit.parties.items():
            far = await party.far.taken()
            for span in spans:
                silent_s = far.sounds.longest_silence_s(span.began_s, span.ends_s)
                report.at_least(f"{name}: silence in the outage, s", silent_s, 2.0)
                back_s = far.sounds.back_after_s(span.ends_s)
                report.at_most(f"{name}: sound back after the return, s", back_s, 0.5)
        report.at_most("new connections", await visit.connections() - before, 0)
    report.conclude()


async def test_twenty_seconds_without_udp_are_told_and_over_two_seconds_after_the_return(
    tmp_path: Path, clips: Path
) -> None:
    report = Report()
    async with impaired_visit(tmp_path, clips, seed=6) as visit:
        await talk(TALK_S)
        span = visit.resident.line.outage(20.0)
        ended_s = await talk(20.0 + 15.0)
        for name, party in visit.parties.items():
            far = await party.far.taken()
            told_s = far.words_after_s(span.began_s, RECONNECTING)
            report.at_most(f"{name}: 'reconnecting' shown after the cut, s", told_s, 2.5)
            sound_s = far.sounds.back_after_s(span.ends_s)
            report.at_most(f"{name}: sound back after the return, s", sound_s, 2.0)
            picture_s = far.pictures.back_after_s(span.ends_s)
            report.at_most(f"{name}: picture back after the return, s", picture_s, 2.0)
            lost = far.sounds.lost_share(ended_s - 6.0, ended_s - 1.0)
            report.at_most(f"{name}: chirps lost 10 s after the return", lost, 0.0)
            late_words = far.words_after_s(ended_s - 1.0, RECONNECTING)
            report.at_least(f"{name}: 'reconnecting' shown no longer", late_words, 1.0)
    report.conclude()


@pytest.mark.parametrize(
    ("loss", "most_lost", "most_frozen"),
    [(0.05, 0.05, 0.05), (0.10, 0.10, 0.10), (0.20, 0.25, 0.30)],
)
async def test_loss_and_jitter_leave_most_of_sound_and_picture(
    tmp_path: Path, clips: Path, loss: float, most_lost: float, most_frozen: float
) -> None:
    report = Report()
    async with impaired_visit(tmp_path, clips, seed=7) as visit:
        await talk(TALK_S)
        before = await visit.connections()
        visit.resident.line.set(loss=loss, jitter_ms=50)
        since_s = time.time()
        until_s = await talk(40.0)
        await talk(1.5)
        for name, party in visit.parties.items():
            far = await party.far.taken()
            lost = far.sounds.lost_share(since_s, until_s)
            report.at_most(f"{name}: chirps lost at {loss:.0%}", lost, most_lost)
            frozen = far.pictures.frozen_share(since_s, until_s)
            report.at_most(f"{name}: picture frozen at {loss:.0%}", frozen, most_frozen)
        report.at_most("new connections", await visit.connections() - before, 0)
    report.conclude()


def _fits_after_s(link: Link, since_s: float, until_s: float) -> float:
    """When three seconds begin in which no more is offered than a narrow line carries."""
    for tenth in range(round((until_s - since_s - 3) * 10)):
        at_s = since_s + tenth / 10
        if link.offered_bps(at_s, at_s + 3) <= NARROW_BPS:
            return at_s - since_s
    return float("inf")


def _wide_after_s(link: Link, since_s: float, until_s: float) -> float:
    """When two seconds have passed in which twice as much was offered as the narrow line took."""
    for tenth in range(round((until_s - since_s - 2) * 10)):
        at_s = since_s + tenth / 10
        if link.offered_bps(at_s, at_s + 2) >= 2 * NARROW_BPS:
            return at_s + 2 - since_s
    return float("inf")


async def test_a_narrow_line_carries_the_sound_and_a_picture_that_fits(
    tmp_path: Path, clips: Path
) -> None:
    report = Report()
    async with impaired_visit(tmp_path, clips, seed=8) as visit:
        await talk(TALK_S)
        line = visit.resident.line
        line.set(rate_bps=NARROW_BPS, queue_bytes=20_000)
        since_s, narrow_from = time.time(), time.monotonic()
        until_s = await talk(50.0)
        line.set(rate_bps=None)
        wide_from = time.monotonic()
        await talk(25.0)
        for name, party in visit.parties.items():
            far = await party.far.taken()
            lost = far.sounds.lost_share(since_s, until_s)
            report.at_most(f"{name}: chirps lost at 300 kbit/s", lost, 0.01)
            frozen = far.pictures.frozen_share(since_s + 5, until_s)
            report.at_most(f"{name}: picture frozen once it fits", frozen, 0.10)
        for direction, link in (("up", line.up), ("down", line.down)):
            fits_s = _fits_after_s(link, narrow_from, wide_from)
            report.at_most(f"{direction}: picture fits after, s", fits_s, 5.0)
            wide_s = _wide_after_s(link, wide_from, time.monotonic())
            report.at_most(f"{direction}: picture twice as rich after, s", wide_s, 20.0)
    report.conclude()


async def test_a_new_nat_mapping_is_followed_without_a_new_call(
    tmp_path: Path, clips: Path
) -> None:
    report = Report()
    async with impaired_visit(tmp_path, clips, seed=9) as visit:
        await talk(TALK_S)
        before = await visit.connections()
        moments = []
        for pause_s in (8.0, 9.1, 10.3):  # at different moments between two checks of the path
            moments.append(time.time())
            visit.resident.line.remap()
            await talk(pause_s)
        for name, party in visit.parties.items():
            far = await party.far.taken()
            for moment_s in moments:
                silent_s = far.sounds.longest_silence_s(moment_s, moment_s + 7)
                report.at_most(f"{name}: silence after a new mapping, s", silent_s, 3.0)
        report.at_most("new connections", await visit.connections() - before, 0)
    report.conclude()


async def _ended(visit: ImpairedVisit) -> manifests.Manifest:
    await visit.clerk.page.click("#end")
    await visit.clerk.page.click("#end-yes")
    await visit.service.sealed_record(visit.folder.name)
    return manifests.read(visit.folder)


async def test_a_recording_is_whole_and_in_step_with_what_was_played(
    tmp_path: Path, clips: Path
) -> None:
    report = Report()
    async with impaired_visit(tmp_path, clips, seed=10) as visit:
        since_s = time.time() + 1
        until_s = await talk(20.0)
        own = {name: await party.own.taken() for name, party in visit.parties.items()}
        recorded = await _ended(visit)
        for segment in recorded.segments:
            likeness = {"resident": MEASURED_RESIDENT, "clerk": MEASURED_CLERK}[segment.party]
            assert likeness.band is not None
            measured = measure_file(visit.folder / segment.file, likeness.band)
            began_s = segment.started_at.timestamp()
            span = since_s - began_s, until_s - began_s
            played_ms = own[segment.party].picture_late_ms(since_s, until_s)
            beside_ms = abs(measured.picture_late_ms(*span) - played_ms)
            report.at_most(f"{segment.party}: picture beside the sound, ms", beside_ms, 40)
            report.at_most(f"{segment.party}: chirps lost", measured.sounds.lost_share(*span), 0)
            frozen = measured.pictures.frozen_share(*span)
            report.at_most(f"{segment.party}: picture frozen", frozen, 0.01)
    report.conclude()
