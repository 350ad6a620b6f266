"""A source's packets on the other leg: unchanged at first, without a jump when it is replaced."""

import struct
from dataclasses import dataclass, field

import pytest
from aiortc.rtp import RtcpPacket
from hypothesis import given
from hypothesis import strategies as st

from media.node.relay import KEY_FRAME_INTERVAL_S, Leg, Source, payload_offset, shifts
from media.node.sdp import OPUS, RTX, VP8, Kind, LegSsrcs
from tests.media.rtp import AUDIO_SSRC, RTX_SSRC, VIDEO_SSRC, opus, rtp, rtx

LEG = LegSsrcs(audio=11, video=12, rtx=13)
NEXT_VIDEO, NEXT_RTX = 5002, 5003
NOW = 100.0


@dataclass
class Sent:
    """An RTP packet as the far party gets it."""

    ssrc: int
    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    body: bytes


@dataclass
class Receiver:
    """The far end of a leg."""

    packets: list[bytes] = field(default_factory=list)

    def leg(self) -> Leg:
        return Leg(LEG, self.packets.append)

    @property
    def sent(self) -> list[Sent]:
        found = []
        for packet in self.packets:
            _, second, sequence, timestamp, ssrc = struct.unpack_from("!BBHII", packet)
            found.append(Sent(ssrc, second & 0x7F, second > 127, sequence, timestamp, packet[12:]))
        return found


@dataclass
class Copies:
    """A tap that keeps what it is told."""

    taken: list[tuple[Kind, bytes, float]] = field(default_factory=list)

    def packet(self, kind: Kind, packet: bytes, arrived_monotonic_s: float) -> None:
        self.taken.append((kind, packet, arrived_monotonic_s))


def first_source(leg: Leg | None = None, tap: Copies | None = None) -> Source:
    """A party that announced sound, picture and repair."""
    kinds: dict[int, Kind] = {AUDIO_SSRC: "audio", VIDEO_SSRC: "video", RTX_SSRC: "rtx"}
    return Source(kinds, tap, leg=leg)


def next_source(leg: Leg | None) -> Source:
    """The same party after a reload: other SSRCs."""
    return Source({NEXT_VIDEO: "video", NEXT_RTX: "rtx"}, None, leg=leg)


def next_rtx(sequence: int, original: int, timestamp: int) -> bytes:
    body = original.to_bytes(2, "big") + b"again"
    return rtp(sequence, body, ssrc=NEXT_RTX, payload_type=RTX, timestamp=timestamp)


# The first source


def test_the_first_source_passes_with_its_own_numbers_under_the_legs_ssrc() -> None:
    far = Receiver()
    source = first_source(far.leg())
    source.packet(rtp(7, b"picture", timestamp=900, marker=True), NOW)
    source.packet(opus(65_535, timestamp=960, payload=b"sound"), NOW)
    source.packet(rtx(3, 6, b"again", timestamp=900), NOW)
    assert far.sent == [
        Sent(LEG.video, VP8, True, 7, 900, b"picture"),
        Sent(LEG.audio, OPUS, False, 65_535, 960, b"sound"),
        Sent(LEG.rtx, RTX, False, 3, 900, b"\x00\x06again"),
    ]


def test_extensions_contributors_and_padding_pass_untouched() -> None:
    far = Receiver()
    packet = rtp(7, b"picture", csrcs=2, extension=b"\x10\x30\x00\x00", padding=4)
    first_source(far.leg()).packet(packet, NOW)
    assert far.packets == [packet[:8] + LEG.video.to_bytes(4, "big") + packet[12:]]


def test_disorder_passes_as_it_is() -> None:
    far = Receiver()
    source = first_source(far.leg())
    for sequence in (10, 12, 11, 13):
        source.packet(rtp(sequence), NOW)
    assert [sent.sequence for sent in far.sent] == [10, 12, 11, 13]


# A replaced source


def test_a_replaced_source_continues_sequence_and_time_stamp() -> None:
    far = Receiver()
    leg = far.leg()
    first_source(leg).packet(rtp(1000, timestamp=90_000), NOW)
    after = next_source(leg)
    after.packet(rtp(40_000, ssrc=NEXT_VIDEO, timestamp=5), NOW + 2)
    after.packet(rtp(40_001, ssrc=NEXT_VIDEO, timestamp=3_005), NOW + 2)
    assert [(s.ssrc, s.sequence, s.timestamp) for s in far.sent] == [
        (LEG.video, 1000, 90_000),
        (LEG.video, 1001, 90_000 + 2 * 90_000),
        (LEG.video, 1002, 90_000 + 2 * 90_000 + 3_000),
    ]


def test_a_replaced_source_continues_over_both_wrap_arounds() -> None:
    far = Receiver()
    leg = far.leg()
    first_source(leg).packet(rtp(0xFFFF, timestamp=0xFFFFFFFF), NOW)
    next_source(leg).packet(rtp(9, ssrc=NEXT_VIDEO, timestamp=9), NOW + 1)
    assert (far.sent[1].sequence, far.sent[1].timestamp) == (0, 89_999)


def test_sound_continues_while_the_picture_is_replaced() -> None:
    far = Receiver()
    leg = far.leg()
    source = first_source(leg)
    source.packet(opus(5, timestamp=50), NOW)
    next_source(leg).packet(rtp(9, ssrc=NEXT_VIDEO), NOW)
    source.packet(opus(6, timestamp=1010), NOW)
    assert [(s.sequence, s.timestamp) for s in far.sent if s.ssrc == LEG.audio] == [
        (5, 50),
        (6, 1010),
    ]


@given(st.permutations(range(1000, 1008)))
def test_a_replaced_source_never_reuses_a_number(arrivals: list[int]) -> None:
    """Also when the last packets of the one before came in disorder: SRTP refuses repetitions."""
    far = Receiver()
    leg = far.leg()
    before = first_source(leg)
    for sequence in arrivals:
        before.packet(rtp(sequence, timestamp=90 * sequence), NOW)
    next_source(leg).packet(rtp(3, ssrc=NEXT_VIDEO, timestamp=3), NOW)
    assert far.sent[-1].sequence == 1008
    assert far.sent[-1].timestamp >= 90 * 1007


def test_a_repair_names_the_packet_as_the_far_party_knows_it() -> None:
    far = Receiver()
    leg = far.leg()
    before = first_source(leg)
    before.packet(rtp(1000, timestamp=90_000), NOW)
    before.packet(rtx(50, 999, b"old", timestamp=87_000), NOW)
    after = next_source(leg)
    after.packet(rtp(40_000, ssrc=NEXT_VIDEO, timestamp=7), NOW)
    after.packet(next_rtx(3, 40_000, 7), NOW)
    repair = far.sent[-1]
    assert repair.ssrc == LEG.rtx
    assert repair.sequence == 51
    assert repair.body == (1001).to_bytes(2, "big") + b"again"
    assert repair.timestamp == far.sent[-2].timestamp


def test_a_repair_is_found_behind_a_header_extension() -> None:
    far = Receiver()
    leg = far.leg()
    first_source(leg).packet(rtp(1000), NOW)
    after = next_source(leg)
    after.packet(rtp(40_000, ssrc=NEXT_VIDEO), NOW)
    body = (40_000).to_bytes(2, "big") + b"again"
    after.packet(
        rtp(3, body, ssrc=NEXT_RTX, payload_type=RTX, csrcs=1, extension=b"\x10\x31\x00\x00"), NOW
    )
    assert far.packets[-1].endswith((1001).to_bytes(2, "big") + b"again")


def test_a_repair_without_a_payload_passes_as_it_is() -> None:
    far = Receiver()
    leg = far.leg()
    first_source(leg).packet(rtp(1000), NOW)
    after = next_source(leg)
    after.packet(rtp(40_000, ssrc=NEXT_VIDEO), NOW)
    after.packet(rtp(3, b"", ssrc=NEXT_RTX, payload_type=RTX), NOW)
    assert far.sent[-1].body == b""


def test_a_repair_that_comes_first_does_not_fix_the_time_of_later_repairs() -> None:
    """Chromium probes a new path with padding on the RTX stream before any picture."""
    far = Receiver()
    leg = far.leg()
    first_source(leg).packet(rtp(1000, timestamp=90_000), NOW)
    after = next_source(leg)
    after.packet(rtp(2, b"", ssrc=NEXT_RTX, payload_type=RTX, padding=200), NOW)
    after.packet(rtp(40_000, ssrc=NEXT_VIDEO, timestamp=7), NOW)
    after.packet(next_rtx(3, 40_000, 7), NOW)
    video, repair = far.sent[-2:]
    assert repair.timestamp == video.timestamp


# What is not media


def test_an_unknown_ssrc_is_dropped_and_counted() -> None:
    far, copies = Receiver(), Copies()
    source = first_source(far.leg(), copies)
    source.packet(rtp(1, ssrc=4711), NOW)
    assert not far.packets
    assert not copies.taken
    assert source.counts.unknown_ssrc == 1


@pytest.mark.parametrize("payload_type", [0, OPUS, RTX, 127])
def test_a_wrong_payload_type_is_dropped_and_counted(payload_type: int) -> None:
    far, copies = Receiver(), Copies()
    source = first_source(far.leg(), copies)
    source.packet(rtp(1, payload_type=payload_type), NOW)
    assert not far.packets
    assert not copies.taken
    assert source.counts.unknown_payload_type == 1


@pytest.mark.parametrize("packet", [b"", b"\x80\x60", rtp(1, b"")[:11], b"\x40" + rtp(1)[1:]])
def test_what_is_no_rtp_is_dropped_and_counted(packet: bytes) -> None:
    far = Receiver()
    source = first_source(far.leg())
    source.packet(packet, NOW)
    assert not far.packets
    assert source.counts.malformed == 1


@given(st.binary(max_size=64), st.sampled_from([AUDIO_SSRC, VIDEO_SSRC, RTX_SSRC]))
def test_arbitrary_bytes_are_counted_once_and_never_raise(body: bytes, ssrc: int) -> None:
    far = Receiver()
    source = first_source(far.leg(), Copies())
    counts = source.counts
    source.packet(body, NOW)
    source.packet(b"\xb1" + body[:1] + bytes(6) + ssrc.to_bytes(4, "big") + body, NOW)
    dropped = counts.malformed + counts.unknown_ssrc + counts.unknown_payload_type
    assert counts.received == 2
    assert counts.forwarded + dropped == 2
    assert counts.forwarded == len(far.packets)


@given(st.binary(min_size=12, max_size=64))
def test_the_payload_of_any_packet_has_a_place(packet: bytes) -> None:
    assert payload_offset(packet) >= 12


# The recorder


def test_the_tap_gets_the_packet_as_it_came_even_while_nobody_listens() -> None:
    copies = Copies()
    packet = rtp(7, timestamp=900)
    source = first_source(None, copies)
    source.packet(packet, NOW)
    assert copies.taken == [("video", packet, NOW)]
    assert (source.counts.received, source.counts.forwarded) == (1, 0)


# Key frames


def test_a_key_frame_is_asked_for_at_most_once_a_second() -> None:
    source = first_source()
    assert source.key_frame_request(NOW) is not None
    assert source.key_frame_request(NOW + KEY_FRAME_INTERVAL_S / 2) is None
    assert source.key_frame_request(NOW + KEY_FRAME_INTERVAL_S) is not None


def test_sources_are_asked_independently() -> None:
    assert first_source().key_frame_request(NOW) is not None
    assert next_source(None).key_frame_request(NOW) is not None


def test_the_request_names_the_picture_of_the_party() -> None:
    request = first_source().key_frame_request(NOW)
    assert request is not None
    assert RtcpPacket.parse(request)[-1].media_ssrc == VIDEO_SSRC


def test_a_party_without_a_picture_is_not_asked() -> None:
    assert Source({AUDIO_SSRC: "audio"}, None).key_frame_request(NOW) is None


# Who is who in RTCP


def test_rtcp_is_told_in_the_numbers_of_the_one_it_goes_to() -> None:
    """After a reload of the sender, its receiver's loss reports name the new numbers."""
    clerk_leg = Receiver().leg()
    first_source(clerk_leg).packet(rtp(1000, timestamp=90_000), NOW)
    resident = next_source(clerk_leg)
    resident.packet(rtp(40_000, ssrc=NEXT_VIDEO, timestamp=7), NOW)
    clerk, resident_leg = first_source(), Leg(LegSsrcs(21, 22, 23), lambda packet: None)

    from_clerk = shifts(clerk, clerk_leg, resident, resident_leg)
    assert from_clerk[VIDEO_SSRC].ssrc == 22
    assert from_clerk[LEG.video].ssrc == NEXT_VIDEO
    assert (1001 + from_clerk[LEG.video].sequence) & 0xFFFF == 40_000

    from_resident = shifts(resident, resident_leg, clerk, clerk_leg)
    assert from_resident[NEXT_VIDEO].ssrc == LEG.video
    assert (40_000 + from_resident[NEXT_VIDEO].sequence) & 0xFFFF == 1001
    assert (7 + from_resident[NEXT_VIDEO].timestamp) & 0xFFFFFFFF == 90_000


def test_reports_about_a_source_that_is_gone_reach_nobody() -> None:
    leg = Receiver().leg()
    first_source(leg).packet(rtp(1000), NOW)
    assert LEG.video not in shifts(first_source(), leg, next_source(None), Receiver().leg())
