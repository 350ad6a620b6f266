"""No packets of a party, be they what they may, make an assembler raise or grow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.records.assembly import assembler
from media.records.assembly.frame import MOST_FRAME_BYTES
from media.records.sequence import RtpPacket, Sequencer, read_rtp, repaired
from tests.media.assembly.track import NOW

CODECS = ("VP8", "VP9", "H264", "AV1")
PACKETS = st.builds(
    lambda first, rest: bytes((0x80 | first,)) + rest,
    st.integers(0, 0x3F),
    st.binary(min_size=11, max_size=60),
)


@pytest.mark.parametrize("codec", CODECS)
@given(packets=st.lists(st.tuples(PACKETS, st.booleans(), st.floats(0, 5)), max_size=30))
def test_arbitrary_packets_never_raise(
    codec: str, packets: list[tuple[bytes, bool, float]]
) -> None:
    sequencer, under_test = Sequencer(), assembler(codec)
    now = 0.0
    for packet, is_repair, elapsed_s in packets:
        now += elapsed_s
        found = read_rtp(packet, now)
        if found is not None and is_repair:
            found = repaired(found)
        if found is not None:
            sequencer.push(found)
        for due, timestamp, gap in sequencer.pop(now):
            under_test.push(due, timestamp, gap)
    for due, timestamp, gap in sequencer.pop(now, last=True):
        under_test.push(due, timestamp, gap)


@pytest.mark.parametrize("codec", CODECS)
@given(
    payloads=st.lists(st.tuples(st.binary(max_size=20), st.booleans(), st.booleans()), max_size=20)
)
def test_arbitrary_payloads_never_raise(
    codec: str, payloads: list[tuple[bytes, bool, bool]]
) -> None:
    under_test = assembler(codec)
    for payload, marker, gap in payloads:
        frame = under_test.push(RtpPacket(1, 0, marker, payload, NOW), 0, gap)
        assert frame is None or 0 < len(frame.payload) <= MOST_FRAME_BYTES
