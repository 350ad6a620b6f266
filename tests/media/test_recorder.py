"""A recorder keeps what taps take, tells what it cannot keep, and never disturbs anything else."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from media.node.codecs import VIDEO, Track
from media.records import manifest as manifests
from media.records import webm
from media.records.manifest import Segment
from media.records.recorder import (
    INBOX_PACKETS,
    TRY_AGAIN_S,
    PartyTap,
    Recorder,
    RecordingState,
    Visit,
)
from media.records.store import Store
from tests.media.disks import disk_full
from tests.media.encoded import decoded, picture, sound, vp8_frames
from tests.media.peers import until
from tests.media.rtp import delta_frame, opus, rtp, vp8_packets

CALL = "call-7"
VISIT = Visit("visit-7", CALL, "lanzhou", datetime(2026, 11, 23, 8, 30, tzinfo=UTC))


@dataclass
class Recording:
    """A recorder, what it told, and which key frames its taps asked for."""

    root: Path
    recorder: Recorder
    told: list[RecordingState]
    asked: list[tuple[str, Track]] = field(default_factory=list)

    def open(self, party: str = "resident") -> PartyTap:
        return self.recorder.open(VISIT, party, lambda track: self.asked.append((party, track)))

    async def sealed(self, tap: PartyTap) -> None:
        self.recorder.close(tap)
        await self.recorder.settled()

    @property
    def folder(self) -> Path:
        return self.recorder.store.folder(VISIT.city, VISIT.id, VISIT.taken_at)

    @property
    def segments(self) -> tuple[Segment, ...]:
        return manifests.read(self.folder).segments

    @property
    def files(self) -> list[tuple[str, str]]:
        return [(segment.file, segment.state) for segment in self.segments]

    def scan(self, file: str) -> webm.Scan:
        return webm.scan((self.folder / file).read_bytes())


@asynccontextmanager
async def recording(root: Path) -> AsyncIterator[Recording]:
    told: list[RecordingState] = []
    recorder = Recorder(Store(root), lambda _call, state: told.append(state))
    await recorder.start()
    try:
        yield Recording(root, recorder, told)
    finally:
        await recorder.stop()


def speak(tap: PartyTap, seconds: int = 1, *, began: int = 0, late_s: float = 0.0) -> None:
    """Sound, as if all had come now."""
    now = time.monotonic() + late_s
    for _, track, packet in sound(seconds, sequence=50 * began, timestamp=48_000 * began):
        tap.packet(track, packet, now)


def show(tap: PartyTap, track: Track = "camera", *, began: int = 0) -> None:
    """A second of picture, as if it had come now."""
    now = time.monotonic()
    for _, _, packet in picture(1, sequence=100 * began, timestamp=90_000 * began):
        tap.packet(track, packet, now)


# What is kept


async def test_what_comes_is_on_the_disk_while_the_call_runs(tmp_path: Path) -> None:
    async with recording(tmp_path) as running:
        tap = running.open()
        speak(tap)
        show(tap)
        await until(lambda: running.recorder.running == 1)
        assert running.files == [("resident-001.webm", "recording")]
        speak(tap, began=1)
        await until(lambda: running.recorder.bytes_written > 0)
        assert running.scan("resident-001.webm").audio_frames > 0
        await running.sealed(tap)
        (segment,) = running.segments
        assert (segment.state, segment.audio_frames, segment.video_frames) == ("complete", 100, 10)
        assert running.scan("resident-001.webm").finished
        assert manifests.verify(running.folder) == []


async def test_a_picture_that_begins_in_the_middle_is_asked_for_anew(tmp_path: Path) -> None:
    async with recording(tmp_path) as running:
        tap = running.open()
        for packet in vp8_packets(delta_frame(), 5, 0):
            tap.packet("camera", packet, time.monotonic())
        await until(lambda: running.asked.count(("resident", "camera")) >= 2)
        assert ("resident", "screen") not in running.asked


async def test_a_connection_that_never_carried_anything_leaves_no_file(tmp_path: Path) -> None:
    async with recording(tmp_path) as running:
        silent = running.open("clerk")
        await running.sealed(silent)
        undecodable = running.open("resident")
        for packet in vp8_packets(delta_frame(), 5, 0):
            undecodable.packet("camera", packet, time.monotonic())
        await until(lambda: running.recorder.running == 1)
        await running.sealed(undecodable)
        assert running.segments == ()
        assert not list(running.folder.glob("*.webm"))


async def test_stopping_finishes_what_still_runs(tmp_path: Path) -> None:
    async with recording(tmp_path) as running:
        running.open().packet("audio", opus(1), time.monotonic())
    found = running.scan("resident-001.webm")
    assert (found.finished, found.audio_frames) == (True, 1)


async def test_a_shared_screen_has_a_file_of_its_own(tmp_path: Path) -> None:
    async with recording(tmp_path) as running:
        tap = running.open("clerk")
        speak(tap)
        show(tap)
        show(tap, "screen")
        await running.sealed(tap)
        assert sorted(running.files) == [
            ("clerk-001.webm", "complete"),
            ("clerk-screen-001.webm", "complete"),
        ]
        screen = running.scan("clerk-screen-001.webm")
        assert (screen.audio_frames, screen.video_frames) == (0, 10)


async def test_a_party_that_comes_back_has_a_further_file(tmp_path: Path) -> None:
    async with recording(tmp_path) as running:
        for _ in range(2):
            tap = running.open()
            speak(tap)
            await running.sealed(tap)
        assert running.files == [
            ("resident-001.webm", "complete"),
            ("resident-002.webm", "complete"),
        ]


async def test_a_change_of_codec_begins_a_further_file(tmp_path: Path) -> None:
    async with recording(tmp_path) as running:
        tap = running.open()
        show(tap)
        speak(tap)
        sequence_parameters = bytes.fromhex("6742c01eda02802dd0800000030080000018478b175000")
        packet = rtp(1, sequence_parameters, payload_type=VIDEO["H264"], marker=True)
        tap.packet("camera", packet, time.monotonic())
        speak(tap, began=1)
        await running.sealed(tap)
        first, second = running.segments
        assert (first.video_codec, first.audio_frames, first.video_frames) == ("VP8", 50, 10)
        assert (second.video_codec, second.audio_frames) == ("H264", 50)


async def test_a_late_repair_of_the_codec_before_does_not_change_the_file(tmp_path: Path) -> None:
    async with recording(tmp_path) as running:
        tap = running.open()
        show(tap)
        repair = rtp(1, b"\x00\x05late", payload_type=VIDEO["H264"] + 1)
        tap.packet("camera", repair, time.monotonic())
        speak(tap)
        await running.sealed(tap)
        assert [s.video_codec for s in running.segments] == ["VP8"]


# Pauses


async def test_nothing_of_a_pause_is_kept_and_a_new_file_begins_with_a_key_frame(
    tmp_path: Path,
) -> None:
    async with recording(tmp_path) as running:
        tap = running.open()
        speak(tap)
        show(tap)
        await running.recorder.pause(CALL)
        assert running.files == [("resident-001.webm", "complete")]
        speak(tap, began=1)
        show(tap, began=1)
        assert tap.inbox == []
        running.asked.clear()
        await running.recorder.resume(CALL)
        assert ("resident", "camera") in running.asked
        speak(tap, began=2)
        show(tap, began=2)
        await running.sealed(tap)
        first, second = running.segments
        assert (first.audio_frames, first.video_frames) == (50, 10)
        assert (second.file, second.audio_frames, second.video_frames) == (
            "resident-002.webm",
            50,
            10,
        )
        assert running.told == ["recording", "paused", "recording"]
        pictures, sounds = decoded((running.folder / "resident-002.webm").read_bytes())
        assert (len(pictures), len(sounds)) == (10, 50)


async def test_who_comes_during_a_pause_is_not_recorded_either(tmp_path: Path) -> None:
    async with recording(tmp_path) as running:
        await running.recorder.pause(CALL)
        tap = running.open("clerk")
        speak(tap)
        await running.sealed(tap)
        assert not running.folder.exists()


async def test_a_pause_is_of_one_call_and_ends_with_it(tmp_path: Path) -> None:
    async with recording(tmp_path) as running:
        other = Visit("visit-8", "call-8", "lanzhou", VISIT.taken_at)
        await running.recorder.pause("call-8")
        tap = running.open()
        speak(tap)
        await running.sealed(tap)
        assert running.files == [("resident-001.webm", "complete")]
        assert running.recorder.open(other, "resident", lambda _: None).paused
        running.recorder.forget("call-8")
        assert not running.recorder.open(other, "resident", lambda _: None).paused


# Trouble


async def test_what_the_inbox_cannot_take_is_counted_as_lost(tmp_path: Path) -> None:
    async with recording(tmp_path) as running:
        tap, now = running.open(), time.monotonic()
        for number in range(INBOX_PACKETS + 7):
            tap.packet("audio", opus(number & 0xFFFF, timestamp=960 * number), now)
        assert len(tap.inbox) == INBOX_PACKETS
        await running.sealed(tap)
        (segment,) = running.segments
        assert (segment.audio_frames, segment.lost_packets) == (INBOX_PACKETS, 7)


async def test_a_full_disk_is_told_once_and_tried_again_after_a_while(tmp_path: Path) -> None:
    async with recording(tmp_path) as running:
        tap = running.open()
        speak(tap)
        await until(lambda: running.recorder.running == 1)
        disk_full(running.folder / "resident-001.webm")
        speak(tap, began=1)
        await until(lambda: tap.state == "failed")
        speak(tap, began=2)
        await until(lambda: tap.overflow == 50)
        assert running.told == ["recording", "failed"]
        speak(tap, began=3, late_s=TRY_AGAIN_S + 1)
        await until(lambda: tap.state == "recording")
        await running.sealed(tap)
        assert running.told == ["recording", "failed", "recording"]
        failed, second = running.segments
        assert (failed.state, failed.failure) == ("failed", "No space left on device")
        assert (second.state, second.audio_frames, second.lost_packets) == ("complete", 50, 50)


async def test_a_store_that_takes_no_file_is_told_and_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "lanzhou").write_text("a file where a folder should be")
    async with recording(tmp_path) as running:
        tap = running.open()
        speak(tap)
        await until(lambda: tap.state == "failed")
        assert (running.told, running.recorder.running) == (["failed"], 0)
        assert running.recorder.failures == 1
        await running.sealed(tap)


async def test_one_taps_trouble_does_not_end_the_recording_of_others(tmp_path: Path) -> None:
    """Whatever goes wrong with one party, also what nobody thought of."""

    def broken(track: Track) -> None:
        raise RuntimeError("no way to ask")

    async with recording(tmp_path) as running:
        troubled, good = running.recorder.open(VISIT, "clerk", broken), running.open()
        for tap in (troubled, good):
            show(tap)
        await until(lambda: troubled.state == "failed" and running.recorder.running > 0)
        await running.sealed(good)
        assert ("resident-001.webm", "complete") in running.files


@pytest.mark.parametrize("party", ["../../etc", "Resident", ""])
async def test_a_party_whose_name_is_none_of_ours_makes_no_file(tmp_path: Path, party: str) -> None:
    async with recording(tmp_path) as running:
        tap = running.open(party)
        speak(tap)
        await until(lambda: tap.state == "failed")
        await running.sealed(tap)
    assert not list(tmp_path.rglob("*.webm"))


async def test_files_of_two_recorders_in_one_folder_do_not_meet(tmp_path: Path) -> None:
    """Two media hosts may record one visit on a shared disk."""
    async with recording(tmp_path) as one, recording(tmp_path) as other:
        taps = [host.open() for host in (one, other)]
        for tap in taps:
            speak(tap)
        await asyncio.gather(*(h.sealed(t) for h, t in zip((one, other), taps, strict=True)))
        assert one.files == [("resident-001.webm", "complete"), ("resident-002.webm", "complete")]
        assert manifests.verify(one.folder) == []


def test_the_builders_make_what_they_say() -> None:
    assert len(vp8_frames(1)) == 10
