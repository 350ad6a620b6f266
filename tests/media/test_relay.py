"""A source's packets on the other leg: unchanged at first, without a jump when it is replaced."""

import struct
from dataclasses import dataclass, field

import pytest
from aiortc.rtp import RtcpPacket
from hypothesis import given
from hypothesis import strategies as st

from media.node.codecs import OPUS, RED, Track
from media.node.relay import KEY_FRAME_INTERVAL_S, Leg, Source, shifts
from media.node.rtcp import SenderReport
from media.node.sdp import Announced, SlotSsrcs
from tests.media.rtp import (
    AUDIO_SSRC,
    RTX,
    RTX_SSRC,
    SCREEN_SSRC,
    VIDEO_SSRC,
    VP8,
    opus,
    red,
    rtp,
    rtx,
)

SLOT = SlotSsrcs(audio=11, camera=12, camera_repair=13, screen=14, screen_repair=15)
OTHER_SLOT = SlotSsrcs(audio=21, camera=22, camera_repair=23, screen=24, screen_repair=25)
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
        return Leg([SLOT, OTHER_SLOT], self.packets.append)

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

    taken: list[tuple[Track, bytes, float]] = field(default_factory=list)

    def packet(self, track: Track, packet: bytes, arrived_monotonic_s: float) -> None:
        self.taken.append((track, packet, arrived_monotonic_s))

    def report(self, track: Track, report: SenderReport, arrived_monotonic_s: float) -> None:
        raise AssertionError("no report was given")


def feeds(source: Source, leg: Leg, place: int = 0) -> Source:
    """What the source sends is received in this slot of the leg, as `Call.wire` joins them."""
    for incoming in source.incoming.values():
        if not incoming.is_repair:
            stream = leg.slots[place][incoming.track]
            stream.source = incoming
            incoming.streams = (*incoming.streams, stream)
    return source


def first_source(leg: Leg | None = None, tap: Copies | None = None) -> Source:
    """A party that announced sound, camera with its repair, and a screen."""
    announced = {
        AUDIO_SSRC: Announced("audio", repair=False),
        VIDEO_SSRC: Announced("camera", repair=False),
        RTX_SSRC: Announced("camera", repair=True),
        SCREEN_SSRC: Announced("screen", repair=False),
    }
    source = Source(announced, tap)
    source.manage(False)
    return feeds(source, leg) if leg is not None else source


def next_source(leg: Leg | None) -> Source:
    """The same party after a reload: other SSRCs."""
    announced = {
        NEXT_VIDEO: Announced("camera", repair=False),
        NEXT_RTX: Announced("camera", repair=True),
    }
    source = Source(announced, None)
    source.manage(False)
    return feeds(source, leg) if leg is not None else source


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
        Sent(SLOT.camera, VP8, True, 7, 900, b"picture"),
        Sent(SLOT.audio, OPUS, False, 65_535, 960, b"sound"),
        Sent(SLOT.camera_repair, RTX, False, 3, 900, b"\x00\x06again"),
    ]


def test_extensions_contributors_and_padding_pass_untouched() -> None:
    far = Receiver()
    packet = rtp(7, b"picture", csrcs=2, extension=b"\x10\x30\x00\x00", padding=4)
    first_source(far.leg()).packet(packet, NOW)
    assert far.packets == [packet[:8] + SLOT.camera.to_bytes(4, "big") + packet[12:]]


def test_disorder_passes_as_it_is() -> None:
    far = Receiver()
    source = first_source(far.leg())
    for sequence in (10, 12, 11, 13):
        source.packet(rtp(sequence), NOW)
    assert [sent.sequence for sent in far.sent] == [10, 12, 11, 13]


def test_camera_and_screen_are_received_apart() -> None:
    far = Receiver()
    source = first_source(far.leg())
    source.packet(rtp(7, b"face"), NOW)
    source.packet(rtp(7, b"form", ssrc=SCREEN_SSRC), NOW)
    assert [(s.ssrc, s.body) for s in far.sent] == [(SLOT.camera, b"face"), (SLOT.screen, b"form")]


def test_one_source_is_received_by_several_legs_under_the_ssrcs_of_each() -> None:
    first, second = Receiver(), Receiver()
    source = feeds(first_source(first.leg()), second.leg(), place=1)
    source.packet(rtp(7), NOW)
    assert [s.ssrc for s in first.sent] == [SLOT.camera]
    assert [s.ssrc for s in second.sent] == [OTHER_SLOT.camera]
    assert source.counts.forwarded == 2


def test_redundant_sound_passes_whole_to_who_reads_it() -> None:
    far = Receiver()
    first_source(far.leg()).packet(red(7, [b"before"], b"now", timestamp=960), NOW)
    assert [(s.payload_type, s.body[-9:]) for s in far.sent] == [(RED, b"beforenow")]


def test_redundant_sound_is_made_plain_for_who_does_not_read_it() -> None:
    far = Receiver()
    leg = far.leg()
    leg.reads_red = False
    first_source(leg).packet(red(7, [b"older", b"before"], b"now", timestamp=960), NOW)
    assert far.sent == [Sent(SLOT.audio, OPUS, False, 7, 960, b"now")]


# A replaced source


def test_a_replaced_source_continues_sequence_and_time_stamp() -> None:
    far = Receiver()
    leg = far.leg()
    first_source(leg).packet(rtp(1000, timestamp=90_000), NOW)
    after = next_source(leg)
    after.packet(rtp(40_000, ssrc=NEXT_VIDEO, timestamp=5), NOW + 2)
    after.packet(rtp(40_001, ssrc=NEXT_VIDEO, timestamp=3_005), NOW + 2)
    assert [(s.ssrc, s.sequence, s.timestamp) for s in far.sent] == [
        (SLOT.camera, 1000, 90_000),
        (SLOT.camera, 1001, 90_000 + 2 * 90_000),
        (SLOT.camera, 1002, 90_000 + 2 * 90_000 + 3_000),
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
    assert [(s.sequence, s.timestamp) for s in far.sent if s.ssrc == SLOT.audio] == [
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
    assert repair.ssrc == SLOT.camera_repair
    assert repair.sequence == 51
    assert repair.body == (1001).to_bytes(2, "big") + b"again"
    assert repair.timestamp == far.sent[-2].timestamp


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
def test_the_repairs_of_a_replaced_source_continue_wherever_they_begin(
    last: int, begin: int
) -> None:
    """SRTP refuses to seal a number twice, or one far behind: none of them would arrive."""
    far = Receiver()
    leg = far.leg()
    before = first_source(leg)
    before.packet(rtp(1000), NOW)
    before.packet(rtx(last, 1000, b"again"), NOW)
    after = next_source(leg)
    after.packet(rtp(40_000, ssrc=NEXT_VIDEO), NOW)
    for number in range(2):
        after.packet(next_rtx(begin + number & 0xFFFF, 40_000, 7), NOW)
    repairs = [s.sequence for s in far.sent if s.ssrc == SLOT.camera_repair]
    assert repairs == [(last + number) & 0xFFFF for number in range(3)]


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
    assert len(far.packets) + dropped <= 2
    assert counts.forwarded == len(far.packets)


def test_a_repair_that_repairs_nothing_here_is_not_counted_as_passed() -> None:
    far = Receiver()
    source = first_source(far.leg())
    source.packet(rtx(3, 6, b"again"), NOW)
    assert (len(far.packets), source.counts.forwarded) == (0, 0)


# The recorder


def test_the_tap_gets_the_packet_as_it_came_even_while_nobody_listens() -> None:
    copies = Copies()
    packet = rtp(7, timestamp=900)
    source = first_source(None, copies)
    source.packet(packet, NOW)
    assert copies.taken == [("camera", packet, NOW)]
    assert (source.counts.received, source.counts.forwarded) == (1, 0)


# Key frames


def test_a_key_frame_is_asked_for_at_most_once_a_second() -> None:
    source = first_source()
    assert source.key_frame_request("camera", NOW) is not None
    assert source.key_frame_request("camera", NOW + KEY_FRAME_INTERVAL_S / 2) is None
    assert source.key_frame_request("camera", NOW + KEY_FRAME_INTERVAL_S) is not None


def test_sources_are_asked_independently() -> None:
    assert first_source().key_frame_request("camera", NOW) is not None
    assert next_source(None).key_frame_request("camera", NOW) is not None


def test_the_request_names_the_picture_of_the_party() -> None:
    request = first_source().key_frame_request("camera", NOW)
    assert request is not None
    assert RtcpPacket.parse(request)[-1].media_ssrc == VIDEO_SSRC


def test_a_party_without_a_picture_is_not_asked() -> None:
    listener = Source({AUDIO_SSRC: Announced("audio", repair=False)}, None)
    assert listener.key_frame_request("camera", NOW) is None
    assert listener.key_frame_request("audio", NOW) is None


def test_camera_and_screen_are_asked_independently() -> None:
    source = first_source()
    assert source.key_frame_request("camera", NOW) is not None
    request = source.key_frame_request("screen", NOW)
    assert request is not None
    assert RtcpPacket.parse(request)[-1].media_ssrc == SCREEN_SSRC


# Who is who in RTCP


def test_rtcp_is_told_in_the_numbers_of_the_one_it_goes_to() -> None:
    """After a reload of the sender, its receiver's loss reports name the new numbers."""
    clerk_leg = Receiver().leg()
    first_source(clerk_leg).packet(rtp(1000, timestamp=90_000), NOW)
    resident = next_source(clerk_leg)
    resident.packet(rtp(40_000, ssrc=NEXT_VIDEO, timestamp=7), NOW)
    resident_leg = Leg([OTHER_SLOT], lambda packet: None)
    clerk = first_source(resident_leg)

    from_clerk = shifts(clerk, clerk_leg, resident, resident_leg)
    assert from_clerk[VIDEO_SSRC].ssrc == 22
    assert from_clerk[SLOT.camera].ssrc == NEXT_VIDEO
    assert (1001 + from_clerk[SLOT.camera].sequence) & 0xFFFF == 40_000

    from_resident = shifts(resident, resident_leg, clerk, clerk_leg)
    assert from_resident[NEXT_VIDEO].ssrc == SLOT.camera
    assert (40_000 + from_resident[NEXT_VIDEO].sequence) & 0xFFFF == 1001
    assert (7 + from_resident[NEXT_VIDEO].timestamp) & 0xFFFFFFFF == 90_000


def test_reports_about_a_source_that_is_gone_reach_nobody() -> None:
    leg = Receiver().leg()
    first_source(leg).packet(rtp(1000), NOW)
    assert SLOT.camera not in shifts(first_source(), leg, next_source(None), Receiver().leg())
