"""What a browser sent and what encoders made is, after a recording, decoded picture by picture."""

import functools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.records.sequence import REPAIR_WAIT_S
from tests.media.assembly.packetise import (
    HEIGHT,
    WIDTH,
    encoded,
    expected,
    packets_of,
)
from tests.media.assembly.track import CODECS, NOW, Track, corpus, decoded

every_codec = pytest.mark.parametrize("codec", CODECS)


@functools.cache
def pictures_in_corpus(codec: str) -> int:
    """How many pictures Chromium sent: each ends with a marked packet."""
    return sum(packet[1] >= 0x80 for packet in corpus(codec))


@functools.cache
def seen(codec: str) -> dict[int, int]:
    """What each picture of the corpus looks like, by its time stamp, when nothing is lost."""
    track = Track(codec)
    track.take(corpus(codec))
    return looks(track)


def looks(track: Track) -> dict[int, int]:
    pictures = decoded(track.file())
    pixels = [hash(picture.to_ndarray().tobytes()) for picture in pictures]
    return dict(zip((frame.timestamp for frame in track.frames), pixels, strict=True))


# From the real browser


@every_codec
def test_what_chromium_sends_is_recorded_and_decodes(codec: str) -> None:
    track = Track(codec)
    track.take(corpus(codec))
    assert [frame.key for frame in track.frames].count(True) == 2
    assert len(track.frames) == pictures_in_corpus(codec) > 30
    assert {(f.width, f.height) for f in track.frames if f.key} == {(320, 240)}
    pictures = decoded(track.file())
    assert len(pictures) == len(track.frames)
    assert {(picture.width, picture.height) for picture in pictures} == {(320, 240)}
    assert (track.assembler.skipped, track.sequencer.lost) == (0, 0)


@every_codec
@settings(max_examples=25)
@given(data=st.data())
def test_whatever_is_lost_what_is_recorded_decodes(codec: str, data: st.DataObject) -> None:
    """After a gap nothing comes until a key frame: every recorded picture looks as it was sent."""
    packets = corpus(codec)
    lost = data.draw(st.sets(st.integers(0, len(packets) - 1), max_size=4))
    track = Track(codec)
    for number, packet in enumerate(packets):
        if number not in lost:
            track.take([packet], NOW + 10 * REPAIR_WAIT_S * number)
    if not track.frames:
        return
    assert looks(track).items() <= seen(codec).items()
    assert len(track.frames) + track.assembler.skipped <= pictures_in_corpus(codec)


@every_codec
def test_a_loss_before_the_second_key_frame_costs_what_lies_between(codec: str) -> None:
    packets = corpus(codec)
    whole = Track(codec)
    whole.take(packets)
    second = [frame.key for frame in whole.frames].index(True, 1)
    marks = [number for number, packet in enumerate(packets) if packet[1] >= 0x80]
    track = Track(codec)
    track.take(packets[: marks[5]])
    assert len(track.frames) == 5
    assert not track.assembler.needs_key
    track.take(packets[marks[5] + 1 : marks[6] + 1], NOW + 1)
    track.wait(NOW + 1 + REPAIR_WAIT_S)
    assert track.assembler.needs_key
    track.take(packets[marks[6] + 1 :], NOW + 3)
    assert track.payloads == whole.payloads[:5] + whole.payloads[second:]
    assert not track.assembler.needs_key


# From encoders


@every_codec
@pytest.mark.parametrize("most_bytes", [300, 1100, 60_000])
def test_what_encoders_make_is_recorded_and_decodes(codec: str, most_bytes: int) -> None:
    frames = encoded(codec)
    track = Track(codec)
    track.take(packets_of(codec, frames, most_bytes))
    assert track.payloads == [expected(codec, frame) for frame in frames]
    assert [number for number, frame in enumerate(track.frames) if frame.key] == [0, 5, 10]
    assert (track.frames[0].width, track.frames[0].height) == (WIDTH, HEIGHT)
    pictures = decoded(track.file())
    assert len(pictures) == len(frames)
    assert {(picture.width, picture.height) for picture in pictures} == {(WIDTH, HEIGHT)}


@every_codec
def test_a_frame_is_as_old_as_its_first_packet(codec: str) -> None:
    packets = packets_of(codec, encoded(codec)[:1], 500)
    assert len(packets) > 3
    track = Track(codec)
    for number, packet in enumerate(packets):
        track.take([packet], NOW + number / 100)
    assert [frame.arrived_s for frame in track.frames] == [NOW]


@every_codec
def test_a_frame_without_its_key_frame_is_counted_and_not_given(codec: str) -> None:
    track = Track(codec)
    track.take(packets_of(codec, encoded(codec)[1:4]))
    assert track.frames == []
    assert track.assembler.skipped == 3
    assert track.assembler.needs_key


@every_codec
def test_a_key_frame_with_a_hole_is_never_given(codec: str) -> None:
    packets = packets_of(codec, encoded(codec)[:1], 500)
    for hole in range(len(packets)):
        track = Track(codec)
        track.take(packets[:hole] + packets[hole + 1 :])
        track.wait(NOW, last=True)
        assert track.frames == []
