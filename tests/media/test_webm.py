"""A recording plays elsewhere, whole or torn at any byte."""

import os
import struct
from io import BytesIO
from pathlib import Path

import av
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from media.records import tracks, webm
from tests.media.encoded import (
    HEIGHT,
    WIDTH,
    both,
    decoded,
    opus_frames,
    packets_of,
    recorded,
    recorder,
    sound,
    take_turn,
    unfinished,
    vp8_frames,
)
from tests.media.rtp import key_frame, vp8_packets

SECONDS = 3


def finished(data: bytes, found: webm.Scan, folder: Path) -> bytes:
    """The file after recovery of what `scan` found."""
    path = folder / "torn.webm"
    path.write_bytes(data)
    descriptor = os.open(path, os.O_RDWR)
    try:
        size = webm.finish(descriptor, found.size, found.duration_ms, found.cues)
    finally:
        os.close(descriptor)
    recovered = path.read_bytes()
    assert len(recovered) == size
    return recovered


def cluster_of(*bodies: bytes) -> bytes:
    """A recording with one cluster of raw element bytes."""
    body = b"".join(bodies)
    size = (len(body) | 1 << 28).to_bytes(4, "big")
    return webm.HEADER + b"\x1f\x43\xb6\x75" + size + body


# A finished recording


def test_what_was_sent_is_what_another_implementation_reads(tmp_path: Path) -> None:
    path = tmp_path / "resident-001.webm"
    segment = recorded(path, both(SECONDS))
    pictures, sounds = packets_of(path.read_bytes())
    assert tuple(pictures) == vp8_frames(SECONDS)
    assert tuple(sounds) == opus_frames(SECONDS)
    assert (segment.state, segment.failure, segment.lost_packets) == ("complete", "", 0)
    assert (segment.video_frames, segment.audio_frames) == (len(pictures), len(sounds))


def test_a_recording_decodes_completely(tmp_path: Path) -> None:
    path = tmp_path / "resident-001.webm"
    recorded(path, both(SECONDS))
    pictures, sounds = decoded(path.read_bytes())
    assert len(pictures) == len(vp8_frames(SECONDS))
    assert {(frame.width, frame.height) for frame in pictures} == {(WIDTH, HEIGHT)}
    heard = sum(frame.samples for frame in sounds) / 48_000
    assert heard == pytest.approx(SECONDS, abs=0.05)
    times = [frame.time for frame in pictures]
    assert times == pytest.approx([n / 10 for n in range(len(pictures))], abs=0.002)


def test_the_header_says_size_of_picture_and_length(tmp_path: Path) -> None:
    path = tmp_path / "resident-001.webm"
    segment = recorded(path, both(SECONDS))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (segment.width, segment.height) == (WIDTH, HEIGHT)
        assert container.duration == segment.duration_ms * 1000
        assert container.streams.audio[0].rate == 48_000
    assert segment.duration_ms == 2_980  # the last sound begins 20 ms before the end


def test_the_size_of_the_first_key_frame_stays_in_the_header(tmp_path: Path) -> None:
    """Browsers send small pictures on a bad path; the decoder is told by each key frame."""
    segment = recorder(tmp_path / "resident-001.webm")
    for number, (width, height) in enumerate([(640, 480), (320, 240)]):
        for packet in vp8_packets(key_frame(width, height), number, 9_000 * number):
            segment.take("camera", packet, number / 10)
    take_turn(segment, 1.0, last=True)
    assert (segment.finish().width, segment.width) == (640, 640)


def test_the_index_points_at_clusters_that_begin_with_a_key_frame(tmp_path: Path) -> None:
    path = tmp_path / "resident-001.webm"
    recorded(path, both(SECONDS))
    data = path.read_bytes()
    found = webm.scan(data)
    assert found.finished
    assert len(found.cues) > 1
    inside = data.index(b"\x18\x53\x80\x67") + 12  # the Segment's id and size
    for cue in found.cues:
        assert data[inside + cue.position :].startswith(b"\x1f\x43\xb6\x75")


def test_another_implementation_seeks_by_the_index(tmp_path: Path) -> None:
    path = tmp_path / "resident-001.webm"
    recorded(path, both(SECONDS))
    with av.open(str(path)) as container:
        container.seek(2_500_000)  # microseconds
        frame = next(container.decode(video=0))
        assert frame.key_frame
        assert 1.5 <= frame.time <= 2.5


def test_the_whole_file_is_inside_its_segment(tmp_path: Path) -> None:
    path = tmp_path / "resident-001.webm"
    recorded(path, both(1))
    data = path.read_bytes()
    at = data.index(b"\x18\x53\x80\x67") + 4
    size = int.from_bytes(data[at : at + 8], "big") & ((1 << 56) - 1)
    assert at + 8 + size == len(data)


def test_sound_alone_is_a_recording(tmp_path: Path) -> None:
    path = tmp_path / "resident-001.webm"
    segment = recorded(path, sound(2))
    assert packets_of(path.read_bytes()) == ([], list(opus_frames(2)))
    assert (segment.video_frames, segment.width) == (0, 0)
    assert webm.scan(path.read_bytes()).audio_frames == 100


def test_nothing_at_all_is_a_recording_of_no_length(tmp_path: Path) -> None:
    path = tmp_path / "resident-001.webm"
    segment = recorded(path, [])
    found = webm.scan(path.read_bytes())
    assert (segment.state, segment.duration_ms) == ("complete", 0)
    assert (found.finished, found.cues, found.audio_frames) == (True, (), 0)


# What the header says


def described(
    path: Path, blocks: list[webm.Block], *, audio: bool, video: webm.Picture | None
) -> bytes:
    """A finished file of one cluster, described after it was begun."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    cluster = webm.cluster(blocks)
    try:
        webm.write_whole(descriptor, webm.HEADER + cluster, 0)
        webm.describe(descriptor, audio=audio, video=video)
        size = len(webm.HEADER) + len(cluster)
        cue = webm.Cue(blocks[0].time_ms, webm.position_in_segment(len(webm.HEADER)))
        webm.finish(descriptor, size, blocks[-1].time_ms, (cue,))
    finally:
        os.close(descriptor)
    return path.read_bytes()


def pictures(seconds: int) -> list[webm.Block]:
    return [
        webm.Block(webm.VIDEO_TRACK, 100 * number, number % 10 == 0, frame)
        for number, frame in enumerate(vp8_frames(seconds))
    ]


def sounds(seconds: int) -> list[webm.Block]:
    return [
        webm.Block(webm.AUDIO_TRACK, 20 * number, True, frame)
        for number, frame in enumerate(opus_frames(seconds))
    ]


def streams_of(data: bytes) -> list[tuple[str, str]]:
    with av.open(BytesIO(data)) as container:
        return [(stream.type, stream.codec_context.name) for stream in container.streams]


def track_of_index(data: bytes) -> int:
    return data[data.index(b"\xf7\x81", webm.scan(data).size) + 2]


def test_a_file_of_a_picture_alone_has_no_sound(tmp_path: Path) -> None:
    video = webm.Picture("VP8", WIDTH, HEIGHT)
    data = described(tmp_path / "screen.webm", pictures(1), audio=False, video=video)
    assert [kind for kind, _ in streams_of(data)] == ["video"]
    with av.open(BytesIO(data)) as container:
        assert len(list(container.decode(video=0))) == 10
    assert webm.scan(data).finished
    assert track_of_index(data) == webm.VIDEO_TRACK


def test_a_file_of_sound_alone_has_no_picture(tmp_path: Path) -> None:
    data = described(tmp_path / "sound.webm", sounds(1), audio=True, video=None)
    assert [kind for kind, _ in streams_of(data)] == ["audio"]
    assert track_of_index(data) == webm.AUDIO_TRACK


def test_a_file_may_be_described_anew(tmp_path: Path) -> None:
    path = tmp_path / "both.webm"
    video = webm.Picture("AV1", 1280, 720, private=bytes(400))
    described(path, pictures(1), audio=True, video=video)
    video = webm.Picture("VP8", WIDTH, HEIGHT)
    data = described(path, pictures(1), audio=True, video=video)
    assert [kind for kind, _ in streams_of(data)] == ["audio", "video"]
    with av.open(BytesIO(data)) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (
            WIDTH,
            HEIGHT,
        )


@pytest.mark.parametrize(
    ("codec", "name"), [("VP8", "vp8"), ("VP9", "vp9"), ("H264", "h264"), ("AV1", "av1")]
)
def test_the_header_names_every_codec(tmp_path: Path, codec: str, name: str) -> None:
    private = b"\x01\x42\xe0\x1f\xff\xe0\x00" if codec == "H264" else b""
    video = webm.Picture(codec, 1920, 1080, private)
    path = tmp_path / "begun.webm"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    webm.write_whole(descriptor, webm.HEADER + webm.cluster(pictures(1)[:1]), 0)
    webm.describe(descriptor, audio=False, video=video)
    os.close(descriptor)
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        assert av.Codec(context.name, "r").id == av.Codec(name, "r").id
        assert (context.width, context.height) == (1920, 1080)
        assert (context.extradata or b"") == private
    assert webm.scan(path.read_bytes()).video_frames == 1


@given(st.integers(0, 400), st.booleans(), st.integers(1, 0xFFFF), st.integers(1, 0xFFFF))
def test_whatever_is_described_no_byte_behind_the_header_moves(
    private: int, audio: bool, width: int, height: int
) -> None:
    video = webm.Picture("H264", width, height, bytes(private))
    assert len(tracks.element(audio=audio, video=video)) == tracks.BYTES


def test_a_configuration_that_has_no_room_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "begun.webm").open("w+b") as file:
        webm.write_whole(file.fileno(), webm.HEADER, 0)
        with pytest.raises(ValueError, match="void"):
            webm.describe(
                file.fileno(), audio=True, video=webm.Picture("AV1", 640, 480, bytes(1_000))
            )
        assert file.read() == webm.HEADER


def test_a_file_killed_before_it_was_described_plays_its_sound(tmp_path: Path) -> None:
    torn = webm.HEADER + webm.cluster(sounds(1))
    found = webm.scan(torn)
    assert (found.audio_frames, found.video_frames, found.finished) == (50, 0, False)
    data = finished(torn, found, tmp_path)
    with av.open(BytesIO(data)) as container:
        assert sum(1 for packet in container.demux() if packet.size) == 50
    assert track_of_index(data) == webm.AUDIO_TRACK


FIRST_TRACKS = bytes.fromhex(  # as version 0.1.0 wrote them, 640x480
    "1654ae6bedaec7d7810173c581018381029c81008686415f4f50555356aa83632ea056bb8404c4b40063a2934f707573"
    "486561640102380180bb0000000000e18db58840e77000000000009f8102aea2d7810273c581028381019c8100868556"
    "5f565038e08cb08400000280ba84000001e0"
)


def test_a_recording_of_the_first_version_is_still_read_and_finished(tmp_path: Path) -> None:
    header = webm.HEADER[: -tracks.BYTES] + FIRST_TRACKS
    torn = header + webm.cluster(pictures(1))
    found = webm.scan(torn)
    assert (found.video_frames, found.finished) == (10, False)
    data = finished(torn + b"torn", found, tmp_path)
    assert webm.scan(data).finished
    assert track_of_index(data) == webm.VIDEO_TRACK
    with av.open(BytesIO(data)) as container:
        assert len(list(container.decode(video=0))) == 10


def test_a_header_whose_length_was_overwritten_is_refused() -> None:
    """Recovery cuts a file where `scan` says: it must not believe a damaged header."""
    at = len(webm.HEADER) - tracks.BYTES + 4
    damaged = webm.HEADER[:at] + b"\x41\x00" + webm.HEADER[at + 2 :]
    with pytest.raises(webm.NotWebm, match="not as it was written"):
        webm.scan(damaged + webm.cluster(sounds(1)))


# A torn one


def test_an_unfinished_recording_plays_as_it_is() -> None:
    data = unfinished(SECONDS)
    assert not webm.scan(data).finished
    pictures, sounds = packets_of(data)
    assert tuple(pictures) == vp8_frames(SECONDS)
    assert tuple(sounds) == opus_frames(SECONDS)


@settings(max_examples=60)
@given(st.integers(len(webm.HEADER), len(unfinished(SECONDS))))
@example(len(webm.HEADER))
@example(len(unfinished(SECONDS)))
def test_a_recording_cut_at_any_byte_recovers_all_its_whole_clusters(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    torn = unfinished(SECONDS)[:cut]
    found = webm.scan(torn)
    assert not found.finished
    assert found.size <= cut
    # Nothing whole is left behind: what is cut off is less than one more cluster.
    whole = webm.scan(unfinished(SECONDS))
    ends = [len(webm.HEADER), *(_ends_of_clusters(unfinished(SECONDS)))]
    assert found.size == max(end for end in ends if end <= cut)
    assert found.cues == whole.cues[: len(found.cues)]

    data = finished(torn, found, tmp_path_factory.mktemp("cut"))
    again = webm.scan(data)
    assert again.finished
    assert (again.size, again.cues, again.duration_ms) == (
        found.size,
        found.cues,
        found.duration_ms,
    )
    if found.video_frames:
        pictures, sounds = packets_of(data)
        assert tuple(pictures) == vp8_frames(SECONDS)[: found.video_frames]
        assert tuple(sounds) == opus_frames(SECONDS)[: found.audio_frames]
        assert len(decoded(data)[0]) == found.video_frames
        with av.open(BytesIO(data)) as container:
            assert container.duration == found.duration_ms * 1000


def _ends_of_clusters(data: bytes) -> list[int]:
    """Where each cluster of an unfinished recording ends; walks by the clusters' sizes alone."""
    ends, at = [], len(webm.HEADER)
    while at < len(data):
        assert data[at : at + 4] == b"\x1f\x43\xb6\x75"
        width = 9 - data[at + 4].bit_length()
        size = int.from_bytes(data[at + 4 : at + 4 + width], "big") & ((1 << 7 * width) - 1)
        at += 4 + width + size
        ends.append(at)
    return ends


def test_a_recording_cut_in_its_index_is_finished_anew(
    tmp_path: Path,
) -> None:
    whole = finished(unfinished(SECONDS), webm.scan(unfinished(SECONDS)), tmp_path)
    found = webm.scan(whole[:-1])
    assert not found.finished
    assert finished(whole[:-1], found, tmp_path) == whole


def test_a_recording_killed_between_index_and_header_is_not_finished(tmp_path: Path) -> None:
    """`finish` writes the index first and the Segment's size last: only then is it seekable."""
    whole = finished(unfinished(SECONDS), webm.scan(unfinished(SECONDS)), tmp_path)
    killed = unfinished(SECONDS)[: len(webm.HEADER)] + whole[len(webm.HEADER) :]
    found = webm.scan(killed)
    assert not found.finished
    assert finished(killed, found, tmp_path) == whole


def test_zeros_behind_the_last_cluster_are_torn_bytes() -> None:
    """What a file system leaves after a loss of power."""
    data = unfinished(SECONDS)
    assert webm.scan(data + bytes(5_000)) == webm.scan(data)


# Time


def test_a_leap_in_time_stamps_is_still_a_recording(tmp_path: Path) -> None:
    """A block lies at most 32.767 s behind its cluster's start (16 bits of milliseconds)."""
    path = tmp_path / "resident-001.webm"
    segment = recorder(path)
    for number, stamp in enumerate([0, 3_000, 60 * 90_000]):
        for packet in vp8_packets(vp8_frames(1)[number], 10 + number, stamp, most_bytes=10_000):
            segment.take("camera", packet, number / 10)
    take_turn(segment, 1.0, last=True)
    assert segment.finish().state == "complete"
    assert packets_of(path.read_bytes())[0] == list(vp8_frames(1)[:3])


def test_a_disk_that_stood_still_for_a_minute_costs_nothing(tmp_path: Path) -> None:
    """What came meanwhile is in the inbox, and makes more than one cluster."""
    path = tmp_path / "resident-001.webm"
    segment = recorder(path)
    for second in range(60):
        for at_s, kind, packet in sound(1, sequence=50 * second, timestamp=48_000 * second):
            segment.take(kind, packet, second + at_s)
    take_turn(segment, 60.0)
    take_turn(segment, 61.0, last=True)
    assert segment.finish().audio_frames == 3_000
    assert len(packets_of(path.read_bytes())[1]) == 3_000


# What is no recording


@pytest.mark.parametrize("cut", range(0, len(webm.HEADER), 7))
def test_a_file_without_its_whole_header_is_no_recording(cut: int) -> None:
    with pytest.raises(webm.NotWebm):
        webm.scan(webm.HEADER[:cut])


@given(st.binary(max_size=2_000))
def test_garbage_is_no_recording(data: bytes) -> None:
    with pytest.raises(webm.NotWebm):
        webm.scan(data)


def scans_or_refuses(data: bytes) -> None:
    """Anything but NotWebm fails the test; what is found lies inside the file."""
    try:
        found = webm.scan(data)
    except webm.NotWebm:
        return
    assert len(webm.HEADER) <= found.size <= len(data)
    assert found.duration_ms < 1 << 63


def simple_block(body: bytes) -> bytes:
    return b"\xa3" + (len(body) | 0x80).to_bytes(1, "big") + body


TIMESTAMP = b"\xe7\x81\x00"


@pytest.mark.parametrize(
    ("reason", "data"),
    [
        ("no time stamp", cluster_of(simple_block(b"\x81\x00\x00\x80x"))),
        ("an empty cluster", cluster_of()),
        ("an empty block at the end", cluster_of(TIMESTAMP, simple_block(b""))),
        ("a block of three bytes", cluster_of(TIMESTAMP, simple_block(b"\x81\x00\x00"))),
        ("a track nobody declared", cluster_of(TIMESTAMP, simple_block(b"\x87\x00\x00\x80x"))),
        ("no track", cluster_of(TIMESTAMP, simple_block(b"\x80\x00\x00\x80x"))),
        ("a time of a thousand bytes", cluster_of(b"\xe7\x43\xe8" + b"\xff" * 1000)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_broken_cluster_is_scanned_or_refused(reason: str, data: bytes) -> None:
    scans_or_refuses(data)


ELEMENTS = st.builds(
    lambda identifier, body: identifier + (len(body) | 0x4000).to_bytes(2, "big") + body,
    st.sampled_from([b"\xe7", b"\xa3", b"\xec", b"\x1f\x43\xb6\x75", b"\x1c\x53\xbb\x6b"]),
    st.binary(max_size=12),
)


@given(st.lists(ELEMENTS, max_size=6), st.binary(max_size=12))
def test_clusters_of_any_content_are_scanned_or_refused(elements: list[bytes], rest: bytes) -> None:
    scans_or_refuses(cluster_of(*elements, rest))
    scans_or_refuses(webm.HEADER + b"".join(elements) + rest)


@given(st.data())
def test_a_recording_with_bytes_overwritten_is_scanned_or_refused(data: st.DataObject) -> None:
    original = unfinished(1)
    at = data.draw(st.integers(0, len(original)))
    noise = data.draw(st.binary(min_size=1, max_size=16))
    scans_or_refuses(original[:at] + noise + original[at + len(noise) :])


@given(
    st.lists(
        st.tuples(st.sampled_from([1, 2]), st.integers(0, 30_000), st.binary(max_size=300)),
        min_size=1,
        max_size=20,
    ),
    st.integers(0, 1 << 40),
)
def test_what_a_cluster_is_made_of_is_what_is_scanned(
    blocks: list[tuple[webm.Track, int, bytes]], start_ms: int
) -> None:
    ordered = sorted(blocks, key=lambda block: block[1])
    made = [webm.Block(track, start_ms + ms, True, payload) for track, ms, payload in ordered]
    found = webm.scan(webm.HEADER + webm.cluster(made))
    assert found.size == len(webm.HEADER) + len(webm.cluster(made))
    assert found.duration_ms == made[-1].time_ms
    assert found.audio_frames == sum(block.track == webm.AUDIO_TRACK for block in made)
    assert found.video_frames == sum(block.track == webm.VIDEO_TRACK for block in made)
    assert found.cues[0].time_ms == made[0].time_ms


def test_a_duration_is_a_float_of_eight_bytes_where_it_was_kept_free(tmp_path: Path) -> None:
    data = finished(webm.HEADER, webm.scan(webm.HEADER), tmp_path)
    at = data.index(b"\x44\x89\x88")
    assert struct.unpack_from("!d", data, at + 3) == (0.0,)
