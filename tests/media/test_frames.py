"""Packets in any order become the frames that were sent, and what is missing is said."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.records.frames import (
    REPAIR_WAIT_S,
    Frame,
    RtpPacket,
    Sequencer,
    Vp8Assembler,
    read_rtp,
    repaired,
)
from tests.media.rtp import delta_frame, key_frame, rtp, rtx, vp8_packets

NOW = 100.0


def parsed(packet: bytes, arrived_s: float = NOW) -> RtpPacket:
    """A packet that has a payload."""
    found = read_rtp(packet, arrived_s)
    assert found is not None
    return found


def numbered(sequence: int, timestamp: int = 0, arrived_s: float = NOW) -> RtpPacket:
    return RtpPacket(sequence & 0xFFFF, timestamp & 0xFFFFFFFF, False, b"x", arrived_s)


def described(descriptor: bytes, frame: bytes, *, marker: bool = True) -> RtpPacket:
    """A packet whose VP8 payload descriptor is given."""
    return RtpPacket(1, 0, marker, descriptor + frame, NOW)


@dataclass
class Picture:
    """A video track as the recorder reads it: sequencer, then assembler."""

    sequencer: Sequencer = field(default_factory=Sequencer)
    assembler: Vp8Assembler = field(default_factory=Vp8Assembler)
    frames: list[Frame] = field(default_factory=list)

    def take(self, packets: list[bytes], now: float = NOW) -> None:
        for packet in packets:
            found = parsed(packet, now)
            if packet[1] & 0x7F == 97:
                original = repaired(found)
                assert original is not None
                found = original
            self.sequencer.push(found)
        self.wait(now)

    def wait(self, now: float, *, last: bool = False) -> None:
        for packet, timestamp, gap in self.sequencer.pop(now, last=last):
            frame = self.assembler.push(packet, timestamp, gap)
            if frame is not None:
                self.frames.append(frame)

    @property
    def payloads(self) -> list[bytes]:
        return [frame.payload for frame in self.frames]


# Reading a packet


def test_a_packet_is_taken_apart() -> None:
    packet = parsed(rtp(7, b"payload", timestamp=900, marker=True), NOW)
    assert packet == RtpPacket(7, 900, True, b"payload", NOW)


def test_contributors_extension_and_padding_are_no_payload() -> None:
    packet = rtp(7, b"payload", csrcs=3, extension=b"\x10\x30\x00\x00", padding=5)
    assert parsed(packet).payload == b"payload"


@pytest.mark.parametrize(
    "packet",
    [
        rtp(7, b""),
        rtp(7, b"", extension=b"\x10\x30\x00\x00"),
        b"\x90" + rtp(7, b"")[1:],  # extension announced, not there
        b"\x8f" + rtp(7, b"abc")[1:],  # 15 contributors announced, not there
        b"\xa0" + rtp(7, b"abc\xff")[1:],  # more padding than packet
    ],
)
def test_a_packet_without_content_has_no_payload(packet: bytes) -> None:
    found = read_rtp(packet, NOW)
    assert found is None or found.payload == b""


def test_a_retransmission_carries_the_packet_it_repairs() -> None:
    again = repaired(parsed(rtx(50, 7, b"payload", timestamp=900, marker=True)))
    assert again == RtpPacket(7, 900, True, b"payload", NOW)


@pytest.mark.parametrize("body", [b"\x00", b"\x00\x07"])
def test_a_retransmission_without_a_packet_repairs_nothing(body: bytes) -> None:
    assert repaired(parsed(rtp(50, body))) is None


# Order


@pytest.mark.parametrize("first", [1000, 0xFFFC])
def test_disorder_is_put_in_order(first: int) -> None:
    sequencer = Sequencer()
    for offset in (0, 3, 1, 4, 2, 5):
        sequencer.push(numbered(first + offset))
    due = sequencer.pop(NOW)
    assert [p.sequence for p, _, _ in due] == [(first + n) & 0xFFFF for n in range(6)]
    assert not any(gap for _, _, gap in due)
    assert (sequencer.lost, sequencer.repeated) == (0, 0)


def test_a_repetition_is_counted_and_not_given_twice() -> None:
    sequencer = Sequencer()
    for sequence in (5, 6, 6):
        sequencer.push(numbered(sequence))
    assert len(sequencer.pop(NOW)) == 2
    sequencer.push(numbered(5))
    assert sequencer.pop(NOW) == []
    assert sequencer.repeated == 2


def test_a_missing_packet_is_waited_for() -> None:
    sequencer = Sequencer()
    for sequence in (5, 7, 8):
        sequencer.push(numbered(sequence))
    assert [p.sequence for p, _, _ in sequencer.pop(NOW + REPAIR_WAIT_S / 2)] == [5]
    sequencer.push(numbered(6, arrived_s=NOW + 0.6))
    assert [p.sequence for p, _, _ in sequencer.pop(NOW + 0.6)] == [6, 7, 8]
    assert sequencer.lost == 0


def test_after_the_wait_the_gap_is_counted_and_named() -> None:
    sequencer = Sequencer()
    for sequence in (5, 9, 10):
        sequencer.push(numbered(sequence))
    assert len(sequencer.pop(NOW)) == 1
    due = sequencer.pop(NOW + REPAIR_WAIT_S)
    assert [(p.sequence, gap) for p, _, gap in due] == [(9, True), (10, False)]
    assert sequencer.lost == 3


def test_what_comes_after_the_wait_comes_too_late() -> None:
    sequencer = Sequencer()
    for sequence in (5, 7):
        sequencer.push(numbered(sequence))
    sequencer.pop(NOW + REPAIR_WAIT_S)
    sequencer.push(numbered(6))
    assert sequencer.pop(NOW + REPAIR_WAIT_S) == []


def test_at_the_end_nothing_is_waited_for() -> None:
    sequencer = Sequencer()
    for sequence in (5, 7, 9):
        sequencer.push(numbered(sequence))
    assert [p.sequence for p, _, _ in sequencer.pop(NOW, last=True)] == [5, 7, 9]
    assert sequencer.lost == 2


def test_time_stamps_no_longer_overflow() -> None:
    sequencer = Sequencer()
    for number in range(4):
        sequencer.push(numbered(65_534 + number, 0xFFFF_F000 + 3_000 * number))
    times = [timestamp for _, timestamp, _ in sequencer.pop(NOW)]
    assert times == [0xFFFF_F000 + 3_000 * number for number in range(4)]


def test_a_long_call_passes_every_overflow() -> None:
    """200,000 packets: sequence numbers three times round, time stamps twice."""
    sequencer = Sequencer()
    step = 45_000
    times: list[int] = []
    for number in range(200_000):
        sequencer.push(numbered(60_000 + number, step * number))
        times += [timestamp for _, timestamp, _ in sequencer.pop(NOW)]
    assert times == [step * number for number in range(200_000)]
    assert (sequencer.lost, sequencer.repeated) == (0, 0)


@given(
    first=st.integers(0, 0xFFFF),
    lost=st.sets(st.integers(1, 58)),
    swaps=st.lists(st.integers(1, 57), max_size=20),
)
def test_any_disorder_and_loss_gives_the_rest_in_order(
    first: int, lost: set[int], swaps: list[int]
) -> None:
    order = list(range(1, 59))
    for at in swaps:
        order[at - 1], order[at] = order[at], order[at - 1]
    sequencer = Sequencer()
    for number in [0, *(n for n in order if n not in lost), 59]:
        sequencer.push(numbered(first + number))
    due = sequencer.pop(NOW, last=True)
    expected = [number for number in range(60) if number not in lost]
    assert [p.sequence for p, _, _ in due] == [(first + n) & 0xFFFF for n in expected]
    assert sequencer.lost == len(lost)


# Frames


def test_a_key_frame_says_its_size_and_when_it_came() -> None:
    picture = Picture()
    picture.take(vp8_packets(key_frame(1280, 720), 5, 900))
    assert picture.frames == [Frame(900, key_frame(1280, 720), True, NOW, 1280, 720)]
    assert not picture.assembler.needs_key


def test_scaling_bits_are_not_part_of_the_size() -> None:
    picture = Picture()
    picture.take(vp8_packets(key_frame(1280 | 0x4000, 720 | 0x8000), 5, 900))
    assert (picture.frames[0].width, picture.frames[0].height) == (1280, 720)


def test_a_frame_of_more_than_128_packets_comes_whole() -> None:
    frame = key_frame(body=bytes(range(256)) * 800)
    packets = vp8_packets(frame, 65_500, 900)
    assert len(packets) > 128
    picture = Picture()
    picture.take(list(reversed(packets))[-1:] + list(reversed(packets))[:-1])
    assert picture.payloads == [frame]


def test_a_frame_is_as_old_as_its_first_packet() -> None:
    first, second = vp8_packets(key_frame(body=b"y" * 1500), 5, 900)
    picture = Picture()
    picture.take([first], NOW)
    picture.take([second], NOW + 0.1)
    assert picture.frames[0].arrived_s == NOW


def test_a_retransmission_within_the_wait_repairs_the_frame() -> None:
    key = vp8_packets(key_frame(body=b"y" * 3000), 5, 900)
    delta = vp8_packets(delta_frame(), 8, 3900)
    picture = Picture()
    picture.take([key[0], key[2], *delta])
    assert picture.frames == []
    picture.take([rtx(50, 6, key[1][12:], timestamp=900)], NOW + 0.5)
    assert picture.payloads == [key_frame(body=b"y" * 3000), delta_frame()]
    assert picture.sequencer.lost == 0


def test_nothing_comes_before_the_first_key_frame() -> None:
    picture = Picture()
    picture.take(vp8_packets(delta_frame(), 5, 900))
    assert picture.frames == []
    assert picture.assembler.needs_key
    assert picture.assembler.skipped == 1


def test_after_a_gap_nothing_comes_until_a_key_frame() -> None:
    picture = Picture()
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
    picture = Picture()
    picture.take([packets[0], packets[1], packets[3]])
    picture.wait(NOW, last=True)
    assert picture.frames == []


def test_a_frame_that_never_ends_is_given_up() -> None:
    """A party that never sets the marker must not fill the server's memory."""
    assembler = Vp8Assembler()
    assembler.push(described(b"\x10", key_frame(), marker=False), 0, False)
    part = described(b"\x00", bytes(1100), marker=False)
    for _ in range(16_000):
        assembler.push(part, 0, False)
    assert assembler.push(described(b"\x00", bytes(1100)), 0, False) is None
    assert assembler.needs_key


def test_the_rest_of_a_frame_whose_beginning_is_gone_is_nothing() -> None:
    picture = Picture()
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
    frame = Vp8Assembler().push(described(descriptor, key_frame()), 0, False)
    assert frame is not None, what
    assert frame.payload == key_frame()


@pytest.mark.parametrize(
    "payload", [b"\x10", b"\x90\x80", b"\x90\x80\x91", b"\x90\x80\x91\x22", b"\x90\xf0\x91\x22\x05"]
)
def test_a_descriptor_cut_short_is_no_frame(payload: bytes) -> None:
    assert Vp8Assembler().push(RtpPacket(1, 0, True, payload, NOW), 0, False) is None


def test_another_partition_does_not_begin_a_frame() -> None:
    assembler = Vp8Assembler()
    assembler.push(described(b"\x10", key_frame(), marker=False), 0, False)
    frame = assembler.push(described(b"\x11", b"second partition"), 0, False)
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
    picture = Picture()
    picture.take([packets[0], *rest])
    assert picture.payloads == bodies
    assert [f.timestamp - timestamp for f in picture.frames] == [
        3000 * n for n in range(len(bodies))
    ]


# Anything at all

PACKETS = st.builds(
    lambda first, rest: bytes((0x80 | first,)) + rest,
    st.integers(0, 0x3F),
    st.binary(min_size=11, max_size=60),
)


@given(st.lists(st.tuples(PACKETS, st.booleans(), st.floats(0, 5)), max_size=30))
def test_arbitrary_packets_never_raise(packets: list[tuple[bytes, bool, float]]) -> None:
    sequencer, assembler = Sequencer(), Vp8Assembler()
    now = 0.0
    for packet, is_repair, elapsed_s in packets:
        now += elapsed_s
        found = read_rtp(packet, now)
        if found is not None and is_repair:
            found = repaired(found)
        if found is not None:
            sequencer.push(found)
        for due, timestamp, gap in sequencer.pop(now):
            assembler.push(due, timestamp, gap)
    for due, timestamp, gap in sequencer.pop(now, last=True):
        assembler.push(due, timestamp, gap)


@given(st.lists(st.tuples(st.binary(max_size=20), st.booleans(), st.booleans()), max_size=20))
def test_arbitrary_payloads_never_raise(payloads: list[tuple[bytes, bool, bool]]) -> None:
    assembler = Vp8Assembler()
    for payload, marker, gap in payloads:
        frame = assembler.push(RtpPacket(1, 0, marker, payload, NOW), 0, gap)
        assert frame is None or frame.payload
