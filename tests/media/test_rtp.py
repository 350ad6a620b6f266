"""What is changed in a packet without decoding it is as another implementation reads it."""

import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import (
    HeaderExtensionsMap,
    RtpPacket,
    unwrap_rtx,
    wrap_rtx,
)
from hypothesis import given
from hypothesis import strategies as st

from media.node import rtp
from media.node.codecs import OPUS, REPAIR, VIDEO
from tests.media import rtp as build
from tests.media.rtp import RTX_SSRC, VIDEO_SSRC

TRANSPORT = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"

PACKETS = st.builds(
    build.rtp,
    st.integers(0, 0xFFFF),
    st.binary(min_size=1, max_size=60),
    timestamp=st.integers(0, 0xFFFFFFFF),
    payload_type=st.sampled_from(sorted(VIDEO.values())),
    marker=st.booleans(),
    csrcs=st.integers(0, 15),
    padding=st.integers(0, 20),
    extension=st.none() | st.integers(0, 5).map(lambda words: bytes(4 * words)),
)


def extensions() -> HeaderExtensionsMap:
    """The extensions of our offer, for the other implementation."""
    known = HeaderExtensionsMap()
    named = [
        RTCRtpHeaderExtensionParameters(id=2, uri=SEND_TIME),
        RTCRtpHeaderExtensionParameters(id=3, uri=TRANSPORT),
    ]
    known.configure(RTCRtpParameters(headerExtensions=named))
    return known


def numbered(number: int, *, before: bytes = b"", after: bytes = b"") -> bytes:
    """A packet with a transport-wide number between other extensions."""
    body = before + b"\x31" + number.to_bytes(2, "big") + after
    return build.rtp(7, extension=body + bytes(-len(body) % 4), csrcs=1)


# Repairs


@given(PACKETS, st.integers(0, 0xFFFF))
def test_what_a_repair_carries_is_the_packet_again(packet: bytes, sequence: int) -> None:
    assert rtp.original_of_repair(rtp.repair_of(packet, sequence, RTX_SSRC), VIDEO_SSRC) == packet


@given(PACKETS, st.integers(0, 0xFFFF))
def test_a_repair_is_what_another_implementation_makes(packet: bytes, sequence: int) -> None:
    parsed = RtpPacket.parse(packet)
    theirs = wrap_rtx(
        parsed, payload_type=REPAIR[parsed.payload_type], sequence_number=sequence, ssrc=RTX_SSRC
    )
    ours = RtpPacket.parse(rtp.repair_of(packet, sequence, RTX_SSRC))
    assert (ours.payload, ours.payload_type, ours.ssrc) == (
        theirs.payload,
        theirs.payload_type,
        RTX_SSRC,
    )
    assert (ours.sequence_number, ours.timestamp) == (sequence, parsed.timestamp)
    original = unwrap_rtx(ours, payload_type=parsed.payload_type, ssrc=VIDEO_SSRC)
    assert (original.payload, original.sequence_number, original.marker) == (
        parsed.payload,
        parsed.sequence_number,
        parsed.marker,
    )


@pytest.mark.parametrize("padding", [0, 1, 200])
def test_a_repair_of_nothing_is_a_probe_of_the_path(padding: int) -> None:
    probe = build.rtp(3, b"", ssrc=RTX_SSRC, payload_type=build.RTX, padding=padding)
    assert rtp.original_of_repair(probe, VIDEO_SSRC) is None


def test_a_repair_of_an_empty_packet_is_nothing() -> None:
    bare = build.rtp(3, b"\x00\x05", ssrc=RTX_SSRC, payload_type=build.RTX)
    assert rtp.original_of_repair(bare, VIDEO_SSRC) is None


# Transport-wide numbers


@pytest.mark.parametrize("before", [b"", b"\x22abc", b"\x00", b"\x22abc\x00\x10x"])
@pytest.mark.parametrize("after", [b"", b"\x22abc", b"\x10x"])
def test_a_transport_wide_number_is_found_among_other_extensions(
    before: bytes, after: bytes
) -> None:
    packet = numbered(0xABCD, before=before, after=after)
    offset = rtp.transport_offset(packet)
    assert packet[offset : offset + 2] == b"\xab\xcd"


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFF))
def test_it_is_found_where_another_implementation_puts_it(number: int, sent: int) -> None:
    made = RtpPacket(payload_type=OPUS, sequence_number=7, timestamp=9, ssrc=4, payload=b"sound")
    made.extensions.transport_sequence_number = number
    made.extensions.abs_send_time = sent
    packet = made.serialize(extensions())
    offset = rtp.transport_offset(packet)
    assert int.from_bytes(packet[offset : offset + 2], "big") == number


@pytest.mark.parametrize(
    "packet",
    [
        build.rtp(7),
        build.rtp(7, extension=b""),
        build.rtp(7, extension=b"\x22abc"),
        build.rtp(7, extension=b"\x30a\x00\x00"),  # too short for a number
        build.rtp(7, extension=b"\x32abc"),  # too long for one
        numbered(5)[:-9],  # cut off in the extension
        numbered(5).replace(b"\xbe\xde", b"\x10\x00"),  # two-byte headers are not offered
    ],
)
def test_where_there_is_no_number_none_is_found(packet: bytes) -> None:
    assert rtp.transport_offset(packet) == 0


# Redundancy


@given(
    st.lists(st.binary(min_size=1, max_size=40), max_size=4),
    st.binary(min_size=1, max_size=40),
    st.integers(0, 0xFFFF),
)
def test_without_its_repetitions_a_packet_is_its_newest_sound(
    before: list[bytes], now: bytes, sequence: int
) -> None:
    packet = build.red(sequence, before, now, timestamp=4_800)
    assert rtp.without_redundancy(packet) == build.opus(sequence, timestamp=4_800, payload=now)


@pytest.mark.parametrize("kept", [0, 1, 3, 4, 9])
def test_truncated_redundancy_is_nothing(kept: int) -> None:
    whole = build.red(7, [b"before"], b"now")
    assert rtp.without_redundancy(whole[: 12 + kept]) is None


# Whatever comes


@given(st.binary(min_size=12, max_size=80), st.sampled_from([0x80, 0x90, 0x9F, 0xA0, 0xB1]))
def test_arbitrary_bytes_never_raise_and_places_lie_in_the_packet(body: bytes, first: int) -> None:
    packet = bytes((first, body[1] & 0x80 | build.RTX)) + body[2:]
    assert rtp.payload_offset(packet) >= 12
    offset = rtp.transport_offset(packet)
    assert offset == 0 or 12 < offset <= len(packet) - 2
    original = rtp.original_of_repair(packet, VIDEO_SSRC)
    assert original is None or len(original) == len(packet) - 2
    plain = rtp.without_redundancy(packet)
    assert plain is None or 12 <= len(plain) < len(packet)


@given(PACKETS, st.integers(0, 80))
def test_a_truncated_packet_never_raises(packet: bytes, kept: int) -> None:
    cut = packet[: max(12, kept)]
    rtp.transport_offset(cut)
    rtp.original_of_repair(cut, VIDEO_SSRC)
    rtp.without_redundancy(cut)
    assert len(rtp.repair_of(cut, 1, RTX_SSRC)) >= len(cut)
