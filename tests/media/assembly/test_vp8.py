"""VP8 packets become the frames that were sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.records.assembly import Frame, assembler
from media.records.sequence import REPAIR_WAIT_S, RtpPacket
from tests.media.assembly.track import NOW, Track
from tests.media.rtp import delta_frame, key_frame, rtx, vp8_packets


def described(descriptor: bytes, frame: bytes, *, marker: bool = True) -> RtpPacket:
    """A packet whose VP8 payload descriptor is given."""
    return RtpPacket(1, 0, marker, descriptor + frame, NOW)


# Frames


def test_a_key_frame_says_its_size_and_when_it_came() -> None:
    picture = Track("VP8")
    picture.take(vp8_packets(key_frame(1280, 720), 5, 900))
    assert picture.frames == [Frame(900, key_frame(1280, 720), True, NOW, 1280, 720)]
    assert not picture.assembler.needs_key


def test_scaling_bits_are_not_part_of_the_size() -> None:
    picture = Track("VP8")
    picture.take(vp8_packets(key_frame(1280 | 0x4000, 720 | 0x8000), 5, 900))
    assert (picture.frames[0].width, picture.frames[0].height) == (1280, 720)


@pytest.mark.parametrize(("width", "height"), [(0, 240), (320, 0)])
def test_a_key_frame_without_a_size_is_none(width: int, height: int) -> None:
    picture = Track("VP8")
    picture.take(vp8_packets(key_frame(width, height), 5, 900))
    assert picture.frames == []
    assert picture.assembler.needs_key


def test_a_frame_of_more_than_128_packets_comes_whole() -> None:
    frame = key_frame(body=bytes(range(256)) * 800)
    packets = vp8_packets(frame, 65_500, 900)
    assert len(packets) > 128
    picture = Track("VP8")
    picture.take(list(reversed(packets))[-1:] + list(reversed(packets))[:-1])
    assert picture.payloads == [frame]


def test_a_frame_is_as_old_as_its_first_packet() -> None:
    first, second = vp8_packets(key_frame(body=b"y" * 1500), 5, 900)
    picture = Track("VP8")
    picture.take([first], NOW)
    picture.take([second], NOW + 0.1)
    assert picture.frames[0].arrived_s == NOW


def test_a_retransmission_within_the_wait_repairs_the_frame() -> None:
    key = vp8_packets(key_frame(body=b"y" * 3000), 5, 900)
    delta = vp8_packets(delta_frame(), 8, 3900)
    picture = Track("VP8")
    picture.take([key[0], key[2], *delta])
    assert picture.frames == []
    picture.repair(rtx(50, 6, key[1][12:], timestamp=900), NOW + 0.5)
    assert picture.payloads == [key_frame(body=b"y" * 3000), delta_frame()]
    assert picture.sequencer.lost == 0


def test_nothing_comes_before_the_first_key_frame() -> None:
    picture = Track("VP8")
    picture.take(vp8_packets(delta_frame(), 5, 900))
    assert picture.frames == []
    assert picture.assembler.needs_key
    assert picture.assembler.skipped == 1


def test_after_a_gap_nothing_comes_until_a_key_frame() -> None:
    picture = Track("VP8")
    picture.take(vp8_packets(key_frame(), 5, 0))
    picture.take(vp8_packets(delta_frame(b"after the gap"), 7, 6000))
    picture.wait(NOW + REPAIR_WAIT_S)
    assert picture.assembler.needs_key
    picture.take(vp8_packets(delta_frame(), 8, 9000), NOW + REPAIR_WAIT_S)
    picture.take(vp8_packets(key_frame(640, 480), 9, 12_000), NOW + REPAIR_WAIT_S)
    picture.take(vp8_packets(delta_frame(b"again"), 10, 15_000), NOW + REPAIR_WAIT_S)
    assert picture.payloads == [key_frame(), key_frame(640, 480), delta_frame(b"again")]
    assert picture.assembler.skipped == 2
    assert picture.sequencer.lost == 1


def test_a_frame_with_a_hole_is_never_given() -> None:
    packets = vp8_packets(key_frame(body=b"y" * 4000), 5, 900)
    picture = Track("VP8")
    picture.take([packets[0], packets[1], packets[3]])
    picture.wait(NOW, last=True)
    assert picture.frames == []


def test_a_frame_that_never_ends_is_given_up() -> None:
    """A party that never sets the marker must not fill the server's memory."""
    vp8 = assembler("VP8")
    vp8.push(described(b"\x10", key_frame(), marker=False), 0, False)
    part = described(b"\x00", bytes(1100), marker=False)
    for _ in range(16_000):
        vp8.push(part, 0, False)
    assert vp8.push(described(b"\x00", bytes(1100)), 0, False) is None
    assert vp8.needs_key


def test_the_rest_of_a_frame_whose_beginning_is_gone_is_nothing() -> None:
    picture = Track("VP8")
    picture.take(vp8_packets(key_frame(body=b"y" * 3000), 5, 900)[1:])
    assert picture.frames == []


@pytest.mark.parametrize(
    ("what", "descriptor"),
    [
        ("shortest", b"\x10"),
        ("not a reference", b"\x30"),
        ("short picture id", b"\x90\x80\x11"),
        ("long picture id", b"\x90\x80\x91\x22"),
        ("TL0PICIDX", b"\x90\x40\x05"),
        ("temporal layer", b"\x90\x20\x40"),
        ("key index", b"\x90\x10\x05"),
        ("both in one byte", b"\x90\x30\x45"),
        ("everything", b"\x90\xf0\x91\x22\x05\x45"),
        ("an empty extension", b"\x90\x00"),
    ],
)
def test_every_payload_descriptor_is_taken_off(what: str, descriptor: bytes) -> None:
    frame = assembler("VP8").push(described(descriptor, key_frame()), 0, False)
    assert frame is not None, what
    assert frame.payload == key_frame()


@pytest.mark.parametrize(
    "payload", [b"\x10", b"\x90\x80", b"\x90\x80\x91", b"\x90\x80\x91\x22", b"\x90\xf0\x91\x22\x05"]
)
def test_a_descriptor_cut_short_is_no_frame(payload: bytes) -> None:
    assert assembler("VP8").push(RtpPacket(1, 0, True, payload, NOW), 0, False) is None


def test_another_partition_does_not_begin_a_frame() -> None:
    vp8 = assembler("VP8")
    vp8.push(described(b"\x10", key_frame(), marker=False), 0, False)
    frame = vp8.push(described(b"\x11", b"second partition"), 0, False)
    assert frame is not None
    assert frame.payload == key_frame() + b"second partition"


@given(
    frames=st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=12),
    first=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    most_bytes=st.integers(1, 30),
    seed=st.randoms(use_true_random=False),
)
def test_whatever_the_disorder_the_frames_are_those_that_were_sent(
    frames: list[bytes], first: int, timestamp: int, most_bytes: int, seed: object
) -> None:
    bodies = [key_frame(), *(delta_frame(body) for body in frames)]
    packets: list[bytes] = []
    for number, body in enumerate(bodies):
        packets += vp8_packets(body, first + len(packets), timestamp + 3000 * number, most_bytes)
    rest = packets[1:]
    seed.shuffle(rest)  # type: ignore[attr-defined]
    picture = Track("VP8")
    picture.take([packets[0], *rest])
    assert picture.payloads == bodies
    assert [f.timestamp - timestamp for f in picture.frames] == [
        3000 * n for n in range(len(bodies))
    ]
