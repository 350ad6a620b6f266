"""A recording keeps what came, says what is missing, and never disturbs anything else."""

import asyncio
import resource
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media.node.sdp import Kind
from media.records import webm
from media.records.recorder import INBOX_PACKETS, Recorder, SegmentRecorder
from tests.media.disks import disk_full
from tests.media.encoded import (
    both,
    feed,
    finish,
    packets_of,
    recorder,
    sound,
    take_turn,
    unfinished,
    vp8_frames,
)
from tests.media.rtp import delta_frame, key_frame, opus, rtp, rtx, vp8_packets


def show(segment: SegmentRecorder, packets: list[bytes], at_s: float = 0.0) -> None:
    for packet in packets:
        segment.packet("rtx" if packet[1] & 0x7F == 97 else "video", packet, at_s)


# What came, what is missing


def test_a_lost_packet_is_counted_and_a_key_frame_asked_for(tmp_path: Path) -> None:
    asked: list[str] = []
    segment = recorder(tmp_path / "resident-001.webm", lambda: asked.append("key frame"))
    show(segment, vp8_packets(key_frame(), 5, 0))
    show(segment, vp8_packets(delta_frame(), 7, 9_000))
    take_turn(segment, 0.25)
    assert asked == []
    take_turn(segment, 1.25)
    assert asked == ["key frame"]
    told = finish(segment, 2.0)
    assert (told.lost_packets, told.skipped_frames, told.video_frames) == (1, 1, 1)


def test_a_retransmission_fills_the_gap(tmp_path: Path) -> None:
    segment = recorder(tmp_path / "resident-001.webm")
    (missing,) = vp8_packets(delta_frame(b"missing"), 6, 9_000)
    show(segment, vp8_packets(key_frame(), 5, 0) + vp8_packets(delta_frame(), 7, 18_000))
    take_turn(segment, 0.25)
    show(segment, [rtx(50, 6, missing[12:], timestamp=9_000, marker=True)], 0.5)
    told = finish(segment, 1.0)
    assert (told.lost_packets, told.skipped_frames, told.video_frames) == (0, 0, 3)


def test_a_padding_only_packet_is_no_gap(tmp_path: Path) -> None:
    """Without RTX browsers probe the path with padding in the picture's own numbers."""
    segment = recorder(tmp_path / "resident-001.webm")
    show(segment, vp8_packets(key_frame(), 5, 0))
    show(segment, [rtp(6, b"", padding=255), rtp(7, b"", padding=255)])
    show(segment, vp8_packets(delta_frame(), 8, 9_000))
    told = finish(segment, 1.0)
    assert (told.lost_packets, told.skipped_frames, told.video_frames) == (0, 0, 2)


def test_sound_before_the_first_key_frame_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "resident-001.webm"
    segment = recorder(path)
    for number in range(10):
        segment.packet("audio", opus(number, timestamp=960 * number), number / 50)
    show(segment, vp8_packets(vp8_frames(1)[0], 5, 0), 0.2)
    finish(segment, 1.0)
    assert [len(frames) for frames in packets_of(path.read_bytes())] == [1, 10]


def test_what_the_inbox_cannot_take_is_counted_as_lost(tmp_path: Path) -> None:
    segment = recorder(tmp_path / "resident-001.webm")
    packet = opus(0)
    for _ in range(INBOX_PACKETS + 7):
        segment.packet("audio", packet, 0.0)
    assert segment.overflow == 7
    assert finish(segment, 1.0).lost_packets == 7


def test_a_cluster_is_written_once_a_second(tmp_path: Path) -> None:
    """So a killed process loses about a second."""
    path = tmp_path / "resident-001.webm"
    segment = recorder(path)
    now = feed(segment, both(3))
    assert webm.scan(path.read_bytes()).duration_ms >= 1_900
    finish(segment, now)


def test_a_segment_never_overwrites_a_file(tmp_path: Path) -> None:
    path = tmp_path / "resident-001.webm"
    path.write_bytes(b"evidence")
    with pytest.raises(FileExistsError):
        recorder(path)
    assert path.read_bytes() == b"evidence"


# Disks


def test_a_full_disk_is_stated_and_the_rest_of_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "resident-001.webm"
    segment = recorder(path)
    feed(segment, both(2))
    before = path.read_bytes()
    disk_full(path)
    feed(segment, both(2))
    told = finish(segment, 60.0)
    assert (told.state, told.failure) == ("failed", "No space left on device")
    assert path.read_bytes() == before
    assert webm.scan(before).video_frames > 0


def test_a_cluster_the_disk_took_only_half_of_is_stated(tmp_path: Path) -> None:
    """A nearly full disk writes short without an error, and may have room again later."""
    path = tmp_path / "resident-001.webm"
    segment = recorder(path)
    for at_s, kind, packet in sound(1):
        segment.packet(kind, packet, at_s)
    segment.absorb(1.0)
    cluster = segment.take_cluster(1.0, last=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(webm.HEADER) + len(cluster) // 2, hard))
    try:
        segment.write(cluster)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert segment.finish().state == "failed"


# All recordings of a process


async def test_what_comes_is_on_the_disk_while_the_call_runs(tmp_path: Path) -> None:
    path = tmp_path / "resident-001.webm"
    recordings = Recorder()
    await recordings.start()
    try:
        asked = asyncio.Event()
        segment = SegmentRecorder(path, "resident", 1, asked.set)
        recordings.add(segment)
        show(segment, vp8_packets(delta_frame(), 5, 0), segment.started_monotonic_s)
        async with asyncio.timeout(10):
            await asked.wait()
        for _, _, packet in sound(1):
            segment.packet("audio", packet, segment.started_monotonic_s)
        told = await recordings.finish(segment)
    finally:
        await recordings.stop()
    assert (told.state, told.audio_frames, told.skipped_frames) == ("complete", 50, 1)
    assert webm.scan(path.read_bytes()).finished


async def test_stopping_finishes_what_still_runs(tmp_path: Path) -> None:
    recordings = Recorder()
    await recordings.start()
    segment = SegmentRecorder(tmp_path / "resident-001.webm", "resident", 1, lambda: None)
    recordings.add(segment)
    segment.packet("audio", opus(1), segment.started_monotonic_s)
    await recordings.stop()
    found = webm.scan((tmp_path / "resident-001.webm").read_bytes())
    assert (found.finished, found.audio_frames) == (True, 1)


async def test_one_segments_trouble_does_not_end_the_recording_of_others(tmp_path: Path) -> None:
    """Whatever goes wrong in one party's segment, also what nobody thought of."""
    recordings = Recorder()
    await recordings.start()
    try:

        def broken() -> None:
            raise RuntimeError("no way to ask")

        troubled = SegmentRecorder(tmp_path / "clerk-001.webm", "clerk", 1, broken)
        asked = asyncio.Event()
        good = SegmentRecorder(tmp_path / "resident-001.webm", "resident", 1, asked.set)
        recordings.add(troubled)
        recordings.add(good)
        for segment in (troubled, good):
            show(segment, vp8_packets(delta_frame(), 5, 0), segment.started_monotonic_s)
        async with asyncio.timeout(2):
            await asked.wait()
    finally:
        await recordings.stop()


KINDS: list[Kind] = ["audio", "video", "rtx"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(KINDS),
            st.integers(0, 0x3F),
            st.binary(min_size=11, max_size=40),
            st.floats(0, 2),
        ),
        max_size=20,
    )
)
def test_whatever_a_party_sends_leaves_a_recording(
    tmp_path: Path, packets: list[tuple[Kind, int, bytes, float]]
) -> None:
    path = tmp_path / "resident-001.webm"
    path.unlink(missing_ok=True)
    segment = recorder(path)
    now = 0.0
    for kind, first, rest, elapsed_s in packets:
        now += elapsed_s
        segment.packet(kind, bytes((0x80 | first,)) + rest, now)
        take_turn(segment, now)
    told = finish(segment, now)
    found = webm.scan(path.read_bytes())
    assert told.state == "complete"
    assert found.finished
    assert (found.audio_frames, found.video_frames) == (told.audio_frames, told.video_frames)


def test_the_builders_make_what_they_say() -> None:
    assert webm.scan(unfinished(1)).video_frames == len(vp8_frames(1)) == 10
