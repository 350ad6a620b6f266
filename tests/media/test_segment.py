"""A file keeps what came and says what is missing."""

import resource
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media.node.codecs import SOUND, Track
from media.records import webm
from media.records.manifest import Gap
from media.records.segment import SegmentRecorder
from tests.media.disks import disk_full
from tests.media.encoded import (
    both,
    feed,
    finish,
    opus_frames,
    packets_of,
    recorder,
    sound,
    take_turn,
    unfinished,
    vp8_frames,
)
from tests.media.rtp import delta_frame, key_frame, opus, red, rtp, rtx, vp8_packets


def show(segment: SegmentRecorder, packets: list[bytes], at_s: float = 0.0) -> None:
    for packet in packets:
        segment.take("camera", packet, at_s)


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
        segment.take("audio", opus(number, timestamp=960 * number), number / 50)
    show(segment, vp8_packets(vp8_frames(1)[0], 5, 0), 0.2)
    finish(segment, 1.0)
    assert [len(frames) for frames in packets_of(path.read_bytes())] == [1, 10]


def test_lost_sound_is_taken_from_the_packets_that_repeat_it(tmp_path: Path) -> None:
    path = tmp_path / "resident-001.webm"
    segment = recorder(path)
    sounds = opus_frames(1)
    segment.take("audio", opus(10, timestamp=0, payload=sounds[0]), 0.0)
    segment.take("audio", red(13, sounds[1:3], sounds[3], timestamp=2_880), 0.06)
    told = finish(segment, 1.0)
    assert (told.audio_frames, told.lost_packets) == (4, 0)
    assert tuple(packets_of(path.read_bytes())[1]) == sounds[:4]


def test_a_silence_of_a_second_is_stated_as_a_gap(tmp_path: Path) -> None:
    segment = recorder(tmp_path / "resident-001.webm")
    for number in (0, 1, 150, 151):
        segment.take("audio", opus(number & 3, timestamp=960 * number), number / 50)
    told = finish(segment, 5.0)
    assert told.gaps == (Gap(track="audio", start_ms=20, end_ms=3_000),)


@pytest.mark.parametrize("turn_ms", [20, 250, 310, 440, 700, 880])
def test_a_killed_process_loses_less_than_a_second_however_often_the_recorder_comes(
    tmp_path: Path, turn_ms: int
) -> None:
    path = tmp_path / "resident-001.webm"
    segment = recorder(path)
    arrivals, missing_ms = both(6), []
    for turn in range(1, 6_000 // turn_ms):
        now_ms = turn * turn_ms
        while arrivals and arrivals[0][0] * 1000 < now_ms:
            at_s, kind, packet = arrivals.pop(0)
            segment.take(kind, packet, at_s)
        missing_ms.append(now_ms - webm.scan(path.read_bytes()).duration_ms)  # killed now
        take_turn(segment, now_ms / 1000)
    assert max(missing_ms) <= 920  # with the 20 ms of the newest sound
    finish(segment, 6.0)


def test_a_file_is_written_to_no_more_often_than_needed(tmp_path: Path) -> None:
    """A turn is a quarter of a second, and each cluster costs the disk a sync."""
    segment = recorder(tmp_path / "resident-001.webm")
    written_s = []
    for turn in range(1, 41):
        segment.take("audio", opus(turn, timestamp=12_000 * turn), turn / 4)
        segment.absorb(turn / 4)
        if segment.take_cluster(turn / 4):
            written_s.append(turn / 4)
    assert written_s == [0.75 * number for number in range(1, 14)]


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
    arrivals = both(4)
    feed(segment, [arrival for arrival in arrivals if arrival[0] < 2])
    before = path.read_bytes()
    disk_full(path)
    feed(segment, [arrival for arrival in arrivals if arrival[0] >= 2])
    told = finish(segment, 60.0)
    assert (told.state, told.failure) == ("failed", "No space left on device")
    assert path.read_bytes() == before
    assert webm.scan(before).video_frames > 0


def test_a_cluster_the_disk_took_only_half_of_is_stated(tmp_path: Path) -> None:
    """A nearly full disk writes short without an error, and may have room again later."""
    path = tmp_path / "resident-001.webm"
    segment = recorder(path)
    for at_s, kind, packet in sound(1):
        segment.take(kind, packet, at_s)
    segment.absorb(1.0)
    cluster = segment.take_cluster(1.0, last=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(webm.HEADER) + len(cluster) // 2, hard))
    try:
        segment.write(cluster)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert segment.finish().state == "failed"


SOUND_TYPES, PICTURE_TYPES = st.sampled_from(sorted(SOUND)), st.sampled_from([96, 97])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.one_of(
                st.tuples(st.just("audio"), SOUND_TYPES),
                st.tuples(st.just("camera"), PICTURE_TYPES),
            ),
            st.integers(0, 0x3F),
            st.binary(min_size=10, max_size=40),
            st.floats(0, 2),
        ),
        max_size=20,
    )
)
def test_whatever_a_party_sends_leaves_a_recording(
    tmp_path: Path, packets: list[tuple[tuple[Track, int], int, bytes, float]]
) -> None:
    path = tmp_path / "resident-001.webm"
    path.unlink(missing_ok=True)
    segment = recorder(path)
    now = 0.0
    for (track, payload_type), first, rest, elapsed_s in packets:
        now += elapsed_s
        segment.take(track, bytes((0x80 | first, payload_type)) + rest, now)
        take_turn(segment, now)
    told = finish(segment, now)
    found = webm.scan(path.read_bytes())
    assert told.state == "complete"
    assert found.finished
    assert (found.audio_frames, found.video_frames) == (told.audio_frames, told.video_frames)


def test_the_builders_make_what_they_say() -> None:
    assert webm.scan(unfinished(1)).video_frames == len(vp8_frames(1)) == 10
