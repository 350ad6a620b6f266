"""What a path carries is told and understood as the browsers do."""

import pytest
from aiortc.rtp import RtcpPacket, RtcpRtpfbPacket
from hypothesis import given
from hypothesis import strategies as st

from media.node.congestion import (
    HIGH_DELAY_S,
    LEAST_BPS,
    MOST_BPS,
    MOST_PACKETS,
    START_BPS,
    Arrivals,
    Path,
    read_feedback,
)
from media.node.rtcp import Malformed

SSRC = 1002
TICK_S = 0.00025
MTU = 1200


def arrived(numbers: list[tuple[int, float]]) -> Arrivals:
    arrivals = Arrivals()
    for number, now in numbers:
        arrivals.add(number & 0xFFFF, now)
    return arrivals


def told(arrivals: Arrivals) -> dict[int, float | None]:
    """What the next feedback says, by transport-wide number."""
    message = arrivals.feedback(SSRC)
    assert message is not None
    return dict(read_feedback(message))


# Telling


@given(
    st.integers(0, 0xFFFF),
    st.lists(st.tuples(st.booleans(), st.floats(0, 0.4)), min_size=1, max_size=300),
)
def test_what_is_told_is_what_arrived(first: int, packets: list[tuple[bool, float]]) -> None:
    came: dict[int, float] = {}
    now = 5_000.0
    for number, (comes, wait_s) in enumerate(packets):
        now += wait_s
        if comes or number == 0:
            came[first + number & 0xFFFF] = now
    found = told(arrived(list(came.items())))
    assert {number for number, at in found.items() if at is not None} == came.keys()
    began = came[first]
    for number, at in found.items():
        if at is not None:
            elapsed_s = at - (found[first] or 0.0)
            assert elapsed_s == pytest.approx(came[number] - began, abs=2 * TICK_S)


@given(st.integers(0, 0xFFFF), st.sets(st.integers(1, 900), max_size=200))
def test_another_implementation_reads_its_length_and_number(first: int, rest: set[int]) -> None:
    message = arrived([(first + n, 10 + n / 100) for n in sorted({0, *rest})]).feedback(SSRC)
    assert message is not None
    (packet,) = RtcpPacket.parse(message)
    assert isinstance(packet, RtcpRtpfbPacket)
    assert (packet.fmt, packet.ssrc, packet.media_ssrc) == (15, 1, SSRC)


def test_numbers_wrap_around() -> None:
    arrivals = arrived([(0xFFFE, 1.0), (0xFFFF, 1.1), (1, 1.2)])
    found = told(arrivals)
    assert list(found) == [0xFFFE, 0xFFFF, 0, 1]
    assert found[0] is None
    assert found[1] is not None


def test_disorder_within_one_message_is_told_as_it_was() -> None:
    found = told(arrived([(5, 1.0), (7, 1.1), (6, 1.2)]))
    assert found[6] is not None
    assert found[7] is not None
    assert found[6] > found[7]


def test_each_packet_is_told_of_once_and_messages_are_counted() -> None:
    arrivals = arrived([(5, 1.0), (6, 1.1)])
    first = arrivals.feedback(SSRC)
    assert arrivals.feedback(SSRC) is None
    arrivals.add(9, 1.2)
    second = arrivals.feedback(SSRC)
    assert first is not None
    assert second is not None
    assert [message[19] for message in (first, second)] == [0, 1]
    assert [number for number, _ in read_feedback(second)] == [7, 8, 9]


def test_a_packet_that_was_told_as_lost_stays_so() -> None:
    arrivals = arrived([(5, 1.0), (7, 1.1)])
    assert told(arrivals)[6] is None
    arrivals.add(6, 1.2)
    assert arrivals.feedback(SSRC) is None


def test_more_than_a_message_holds_is_told_in_the_next() -> None:
    arrivals = arrived([(number, 1 + number / 1000) for number in range(MOST_PACKETS + 200)])
    assert [number for number, _ in told(arrivals).items()] == list(range(MOST_PACKETS))
    assert list(told(arrivals)) == list(range(MOST_PACKETS, MOST_PACKETS + 200))


@pytest.mark.parametrize("jump", [20_000, 40_000])
def test_a_jump_of_the_numbers_is_followed(jump: int) -> None:
    arrivals = arrived([(5, 1.0)])
    told(arrivals)
    arrivals.add(jump, 1.1)
    arrivals.add(jump + 1, 1.2)
    assert list(told(arrivals)) == [jump, jump + 1]


def test_a_flood_between_two_messages_takes_bounded_memory() -> None:
    arrivals = arrived([(number, 1.0) for number in range(30_000)])
    messages = 0
    while arrivals.feedback(SSRC) is not None:
        messages += 1
    assert messages <= 4


def test_nothing_came_and_nothing_is_told() -> None:
    assert Arrivals().feedback(SSRC) is None


# Understanding


def test_every_kind_of_chunk_is_understood() -> None:
    """A run of two, one-bit symbols, two-bit symbols, and a delta back in time."""
    head = b"\x8f\xcd\x00\x00" + bytes(8)
    chunks = b"\x20\x02" + b"\xa0\x00" + b"\xd8\x00"
    deltas = b"\x04\x08" + b"\x0c" + b"\x10\xff\xf8"
    body = b"\x00\x0a" + b"\x00\x12" + b"\x00\x00\x01\x00" + chunks + deltas
    found = read_feedback(head + body)
    assert [number for number, at in found if at is not None] == [10, 11, 12, 26, 27]
    ticks = [round((at - 0.064) / TICK_S) for _, at in found if at is not None]
    assert ticks == [4, 12, 24, 40, 32]
    assert len(found) == 18


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_read_or_malformed(body: bytes) -> None:
    try:
        found = read_feedback(b"\x8f\xcd" + body)
    except Malformed:
        return
    assert len(found) <= 0xFFFF


def test_a_message_that_promises_more_than_it_holds_is_malformed() -> None:
    whole = arrived([(n, 1 + n / 10) for n in range(20)]).feedback(SSRC)
    assert whole is not None
    for kept in range(len(whole) - 3):
        with pytest.raises(Malformed):
            read_feedback(whole[:kept])


# Judging a path


class Receiver:
    """Sends packets over a path and tells every 100 ms how they came, as a browser does."""

    def __init__(self) -> None:
        self.path = Path()
        self.now = 100.0
        self.sequence = 0

    def run(
        self,
        seconds: float,
        rate_bps: float,
        *,
        loses_every: int = 0,
        queue_grows_s: float = 0.0,
        clock_ahead_s: float = -7_000.0,
    ) -> float:
        """`queue_grows_s` longer per second; returns the estimate."""
        interval_s = 8 * MTU / rate_bps
        results: list[tuple[int, float | None]] = []
        began = tell_s = self.now
        while self.now < began + seconds:
            self.sequence = self.sequence + 1 & 0xFFFF
            self.path.sent(self.sequence, MTU, self.now)
            lost = loses_every and self.sequence % loses_every == 0
            delay_s = 0.05 + queue_grows_s * (self.now - began)
            came_s = None if lost else self.now + delay_s + clock_ahead_s
            results.append((self.sequence, came_s))
            self.now += interval_s
            if self.now - tell_s >= 0.1:
                self.path.told(results, self.now)
                results, tell_s = [], self.now
        return self.path.estimate_bps


def test_a_path_that_carries_all_is_tried_with_more_and_not_beyond_what_is_sent() -> None:
    receiver = Receiver()
    before = receiver.run(5, 1_000_000)
    after = receiver.run(20, 1_000_000)
    assert START_BPS <= before < after <= 1.5 * 1_000_000 + 200_000


def test_heavy_loss_brings_the_estimate_below_what_is_sent() -> None:
    receiver = Receiver()
    receiver.run(3, 1_000_000)
    assert receiver.run(10, 1_000_000, loses_every=4) < 800_000
    assert receiver.path.loss == pytest.approx(0.25, abs=0.05)


def test_a_little_loss_is_what_radio_does() -> None:
    receiver = Receiver()
    before = receiver.run(3, 1_000_000)
    assert receiver.run(10, 1_000_000, loses_every=30) >= before


def test_a_growing_queue_brings_the_estimate_down_before_anything_is_lost() -> None:
    receiver = Receiver()
    receiver.run(3, 1_000_000)
    before = receiver.path.estimate_bps
    receiver.run(3, 1_000_000, queue_grows_s=0.2)
    assert receiver.path.queue_s > HIGH_DELAY_S
    assert receiver.path.estimate_bps < before


def test_a_recovered_path_rises_again() -> None:
    receiver = Receiver()
    low = receiver.run(10, 1_000_000, loses_every=3)
    assert receiver.run(20, 1_000_000) > low


@given(
    st.lists(
        st.tuples(st.floats(20_000, 5_000_000), st.integers(0, 10), st.floats(-0.1, 1)), max_size=5
    )
)
def test_an_estimate_stays_within_its_bounds(stretches: list[tuple[float, int, float]]) -> None:
    receiver = Receiver()
    for rate_bps, loses_every, grows in stretches:
        receiver.run(1, rate_bps, loses_every=loses_every, queue_grows_s=grows)
        assert LEAST_BPS <= receiver.path.estimate_bps <= MOST_BPS
        assert 0 <= receiver.path.loss <= 1


def test_what_the_receiver_itself_allows_is_taken_within_bounds() -> None:
    path = Path()
    for said, taken in ((300_000, 300_000), (0, LEAST_BPS), (1 << 60, MOST_BPS)):
        path.limited(said, 5.0)
        assert path.estimate_bps == taken
    assert path.heard_s == 5.0


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.none() | st.floats(0, 1e6)), max_size=50))
def test_feedback_about_what_was_never_sent_changes_nothing(
    results: list[tuple[int, float | None]],
) -> None:
    path = Path()
    path.told(results, 5.0)
    assert (path.estimate_bps, path.heard_s) == (START_BPS, None)


def test_packets_nobody_tells_of_take_bounded_memory() -> None:
    receiver = Receiver()
    for number in range(50_000):
        receiver.path.sent(number & 0xFFFF, MTU, 1.0)
    receiver.path.told([(number, None) for number in range(0x10000)], 2.0)
    assert receiver.path.loss == 1.0
