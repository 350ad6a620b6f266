"""No packets of a party, be they what they may, make an assembler raise or grow."""

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.records.assembly import assembler
from media.records.assembly.bits import leb128
from media.records.assembly.frame import MOST_FRAME_BYTES, MOST_PRIVATE_BYTES
from media.records.sequence import RtpPacket, Sequencer, read_rtp, repaired
from tests.media.assembly.track import CODECS, NOW, corpus, framed

every_codec = pytest.mark.parametrize("codec", CODECS)
PACKETS = st.builds(
    lambda first, rest: bytes((0x80 | first,)) + rest,
    st.integers(0, 0x3F),
    st.binary(min_size=11, max_size=60),
)


def take(codec: str, packets: list[tuple[bytes, bool, float]]) -> None:
    """Read packets as the recorder does; each may be a repair and has its time after the last."""
    sequencer, under_test = Sequencer(), assembler(codec)
    now = 0.0
    for packet, is_repair, elapsed_s in [*packets, (b"", False, 60.0)]:
        now += elapsed_s
        found = read_rtp(packet, now) if len(packet) >= 12 else None
        if found is not None and is_repair:
            found = repaired(found)
        if found is not None:
            sequencer.push(found)
        for due, timestamp, gap in sequencer.pop(now):
            frame = under_test.push(due, timestamp, gap)
            assert frame is None or 0 < len(frame.payload) <= MOST_FRAME_BYTES
            assert frame is None or not frame.key or 0 < frame.width * frame.height < 1 << 32
            assert len(under_test.private) <= MOST_PRIVATE_BYTES


@every_codec
@given(packets=st.lists(st.tuples(PACKETS, st.booleans(), st.floats(0, 5)), max_size=30))
def test_arbitrary_packets_never_raise(
    codec: str, packets: list[tuple[bytes, bool, float]]
) -> None:
    take(codec, packets)


@every_codec
@given(
    payloads=st.lists(st.tuples(st.binary(max_size=40), st.booleans(), st.booleans()), max_size=20)
)
def test_arbitrary_payloads_never_raise(
    codec: str, payloads: list[tuple[bytes, bool, bool]]
) -> None:
    under_test = assembler(codec)
    for payload, marker, gap in payloads:
        frame = under_test.push(RtpPacket(1, 0, marker, payload, NOW), 0, gap)
        assert frame is None or 0 < len(frame.payload) <= MOST_FRAME_BYTES


@every_codec
@settings(max_examples=150)
@given(data=st.data())
def test_what_chromium_sends_cut_anywhere_never_raises(codec: str, data: st.DataObject) -> None:
    packets = [(packet, False, 0.01) for packet in corpus(codec)[:20]]
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, 19))
        packet = packets[at][0]
        end = data.draw(st.integers(0, min(len(packet), 60)))
        packets[at] = packet[:end], False, 0.01
    take(codec, packets)


@every_codec
@settings(max_examples=150)
@given(data=st.data())
def test_what_chromium_sends_with_bytes_overwritten_never_raises(
    codec: str, data: st.DataObject
) -> None:
    """Headers are where it matters: the first bytes of payloads, the key frame's most of all."""
    packets = [(packet, False, 0.01) for packet in corpus(codec)[:20]]
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.one_of(st.just(0), st.integers(0, 19)))
        packet = packets[at][0]
        start = data.draw(st.integers(12, min(len(packet), 72) - 1))
        noise = data.draw(st.binary(min_size=1, max_size=4))
        packets[at] = packet[:start] + noise + packet[start + len(noise) :], False, 0.01
    take(codec, packets)


# How a frame begins and goes on, and never ends.
ENDLESS = {
    "VP8": (b"\x10", b"\x00"),
    "VP9": (b"\x08", b"\x00"),
    "H264": (b"\x7c\x81", b"\x7c\x01"),
    "AV1": (b"\x50\x30", b"\xd0"),
}


@every_codec
@pytest.mark.parametrize("size", [1, 1100])
def test_a_frame_that_never_ends_is_given_up(codec: str, size: int) -> None:
    """A party that never sets the marker must not fill the server's memory."""
    under_test = assembler(codec)
    under_test.needs_key = False
    begins, goes_on = ENDLESS[codec]
    tracemalloc.start()
    try:
        for number in range(20_000 if size > 1 else 150_000):
            head = goes_on if number else begins
            payload = head + number.to_bytes(4, "big") + bytes(size)
            under_test.push(RtpPacket(number & 0xFFFF, 0, False, payload, NOW), 0, False)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * MOST_FRAME_BYTES
    assert under_test.needs_key


@pytest.mark.parametrize(("codec", "payload"), [("H264", b"\x41unit"), ("AV1", b"\x10\x30unit")])
def test_units_without_end_are_given_up(codec: str, payload: bytes) -> None:
    """Whole small units, as many as one likes, are a frame without end too."""
    under_test = assembler(codec)
    under_test.needs_key = False
    for _ in range(80_000):
        assert under_test.push(RtpPacket(1, 0, False, payload, NOW), 0, False) is None
    assert under_test.needs_key


@given(st.binary(max_size=60), st.binary(max_size=20))
def test_arbitrary_parameter_sets_never_raise(sps: bytes, pps: bytes) -> None:
    frame = framed("H264", [b"\x67" + sps, b"\x68" + pps, b"\x65\x88"])
    assert frame is None or (0 < frame.width <= 0xFFFF and 0 < frame.height <= 0xFFFF)


@given(st.binary(max_size=60))
def test_arbitrary_sequence_headers_never_raise(sequence: bytes) -> None:
    frame = framed(
        "AV1", [b"\x00" + leb128(len(sequence) + 1) + b"\x08" + sequence, b"\x10\x30\x10"]
    )
    assert frame is None or (0 < frame.width <= 1 << 16 and 0 < frame.height <= 1 << 16)
