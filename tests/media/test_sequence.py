"""Packets in any order are given in the order of their sending, and what is missing is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.records.sequence import REPAIR_WAIT_S, RtpPacket, Sequencer, read_rtp, repaired
from tests.media.rtp import rtp, rtx

NOW = 100.0


def parsed(packet: bytes, arrived_s: float = NOW) -> RtpPacket:
    """A packet that has a payload."""
    found = read_rtp(packet, arrived_s)
    assert found is not None
    return found


def numbered(sequence: int, timestamp: int = 0, arrived_s: float = NOW) -> RtpPacket:
    return RtpPacket(sequence & 0xFFFF, timestamp & 0xFFFFFFFF, False, b"x", arrived_s)


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
