"""A report or request reads on the other leg in that leg's numbers."""

import itertools
import struct

import pytest
from aiortc.rtp import (
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
    pack_remb_fci,
    unpack_remb_fci,
)
from hypothesis import given
from hypothesis import strategies as st

from media.node import rtcp
from media.node.rtcp import Malformed, Shift, picture_loss_indication, translate

HERE, THERE = 1002, 22  # the video as one leg and as the other knows it
OWN, THEIRS = 2001, 31  # the medium of the one who reports
UNKNOWN = 9999


def shifted(sequence: int = 0, timestamp: int = 0) -> dict[int, Shift]:
    """A table that knows both directions."""
    return {HERE: Shift(THERE, sequence, timestamp), OWN: Shift(THEIRS)}


def read(compound: bytes) -> list[object]:
    return list(RtcpPacket.parse(compound))


def report_block(ssrc: int = HERE, highest: int = 1000) -> RtcpReceiverInfo:
    """A reception report block."""
    return RtcpReceiverInfo(
        ssrc=ssrc,
        fraction_lost=3,
        packets_lost=17,
        highest_sequence=highest,
        jitter=5,
        lsr=77,
        dlsr=88,
    )


def sender_report(
    ssrc: int = HERE, rtp_timestamp: int = 90_000, reports: list[RtcpReceiverInfo] | None = None
) -> bytes:
    """A sender report about `ssrc`."""
    info = RtcpSenderInfo(
        ntp_timestamp=1 << 40, rtp_timestamp=rtp_timestamp, packet_count=4, octet_count=5
    )
    return bytes(RtcpSrPacket(ssrc=ssrc, sender_info=info, reports=reports or []))


def receiver_report(*blocks: RtcpReceiverInfo, ssrc: int = OWN) -> bytes:
    return bytes(RtcpRrPacket(ssrc=ssrc, reports=list(blocks)))


def nack(*lost: int, also: int = 0, media: int = HERE) -> bytes:
    """A request for packets, one entry each; `also` is the bit mask of those that follow it."""
    entries = b"".join(struct.pack("!HH", sequence, also) for sequence in lost)
    return struct.pack("!BBHII", 0x81, 205, 2 + len(lost), OWN, media) + entries


def payload_feedback(form: int, media: int, fci: bytes = b"") -> bytes:
    return bytes(RtcpPsfbPacket(fmt=form, ssrc=OWN, media_ssrc=media, fci=fci))


def transport_cc(media: int) -> bytes:
    """A congestion report; its body is told in the sender's own numbers, for all media."""
    body = struct.pack("!HHI", 100, 2, 7 << 8) + b"\x20\x02\x10\x20"
    header = struct.pack("!BBHII", 0x80 | 15, 205, 2 + len(body) // 4, OWN, media)
    return header + body


# Each kind of packet


def test_a_sender_report_tells_the_far_ssrc_and_the_shifted_time_stamp() -> None:
    (packet,) = read(translate(sender_report(), shifted(timestamp=500)))
    assert packet.ssrc == THERE
    assert packet.sender_info.rtp_timestamp == 90_500
    assert packet.sender_info.ntp_timestamp == 1 << 40
    assert (packet.sender_info.packet_count, packet.sender_info.octet_count) == (4, 5)


@pytest.mark.parametrize(
    ("timestamp", "shift", "told"),
    [(0xFFFFFFF0, 0x20, 0x10), (0x10, -0x20, 0xFFFFFFF0), (5, 0xFFFFFFFF, 4)],
)
def test_time_stamps_wrap_around(timestamp: int, shift: int, told: int) -> None:
    report = sender_report(rtp_timestamp=timestamp)
    (packet,) = read(translate(report, shifted(timestamp=shift)))
    assert packet.sender_info.rtp_timestamp == told


def test_the_blocks_of_a_sender_report_are_translated_too() -> None:
    compound = sender_report(OWN, reports=[report_block()])
    (packet,) = read(translate(compound, shifted(sequence=10)))
    assert packet.ssrc == THEIRS
    assert [(b.ssrc, b.highest_sequence) for b in packet.reports] == [(THERE, 1010)]


def test_a_receiver_report_tells_the_highest_sequence_in_the_far_numbers() -> None:
    (packet,) = read(translate(receiver_report(report_block()), shifted(sequence=-10)))
    block = packet.reports[0]
    assert (block.ssrc, block.highest_sequence) == (THERE, 990)
    assert (block.fraction_lost, block.packets_lost, block.jitter) == (3, 17, 5)
    assert (block.lsr, block.dlsr) == (77, 88)


def test_the_cycles_of_the_highest_sequence_stay() -> None:
    report = receiver_report(report_block(highest=0x0003_FFFE))
    (packet,) = read(translate(report, shifted(sequence=4)))
    assert packet.reports[0].highest_sequence == 0x0003_0002


def test_a_block_about_unknown_media_is_left_as_it_is() -> None:
    blocks = report_block(UNKNOWN, 5), report_block(HERE, 5)
    (packet,) = read(translate(receiver_report(*blocks), shifted(sequence=1)))
    assert [(b.ssrc, b.highest_sequence) for b in packet.reports] == [(UNKNOWN, 5), (THERE, 6)]


def test_a_request_for_lost_packets_names_them_as_the_sender_knows_them() -> None:
    (packet,) = read(translate(nack(100, 130, also=0b101), shifted(sequence=7)))
    assert isinstance(packet, RtcpRtpfbPacket)
    assert (packet.ssrc, packet.media_ssrc) == (THEIRS, THERE)
    assert packet.lost == [107, 108, 110, 137, 138, 140]


def test_lost_packets_wrap_around() -> None:
    (packet,) = read(translate(nack(65_535, 0, 1), shifted(sequence=1)))
    assert packet.lost == [0, 1, 2]


def test_a_picture_loss_names_the_far_ssrc() -> None:
    (packet,) = read(translate(payload_feedback(1, HERE), shifted()))
    assert (packet.ssrc, packet.media_ssrc) == (THEIRS, THERE)


def test_a_full_intra_request_names_the_far_ssrc_in_each_entry() -> None:
    entries = struct.pack("!IIII", HERE, 4 << 24, UNKNOWN, 5 << 24)
    (packet,) = read(translate(payload_feedback(4, 0, entries), shifted()))
    assert packet.fci == struct.pack("!IIII", THERE, 4 << 24, UNKNOWN, 5 << 24)


def test_an_estimated_bitrate_names_the_far_ssrcs() -> None:
    remb = payload_feedback(15, 0, pack_remb_fci(1_000_000, [HERE, UNKNOWN]))
    (packet,) = read(translate(remb, shifted()))
    assert unpack_remb_fci(packet.fci)[1] == [THERE, UNKNOWN]
    assert unpack_remb_fci(packet.fci)[0] == pytest.approx(1_000_000, rel=0.01)


def test_congestion_feedback_passes_with_its_numbers() -> None:
    translated = translate(transport_cc(HERE), shifted(sequence=7))
    assert translated[8:12] == THERE.to_bytes(4, "big")
    assert translated[12:] == transport_cc(HERE)[12:]


def test_congestion_feedback_passes_whatever_medium_it_names() -> None:
    assert translate(transport_cc(UNKNOWN), {}) == transport_cc(UNKNOWN)


def test_canonical_names_stay_on_their_leg() -> None:
    names = bytes(RtcpSdesPacket(chunks=[RtcpSourceInfo(ssrc=HERE, items=[(1, b"near")])]))
    assert translate(sender_report() + names, shifted()) == translate(sender_report(), shifted())


@pytest.mark.parametrize(
    "about_unknown_media",
    [
        sender_report(UNKNOWN),
        nack(1, media=UNKNOWN),
        payload_feedback(1, UNKNOWN),
        payload_feedback(2, HERE),  # slice loss: nobody here sends it
        payload_feedback(15, HERE, b"AFB?"),
        struct.pack("!BBHI", 0x80, 204, 1, HERE),  # APP
        struct.pack("!BBHI", 0x81, 203, 1, HERE),  # BYE: a leg outlives its source
    ],
)
def test_what_means_nothing_on_the_other_leg_is_left_out(about_unknown_media: bytes) -> None:
    assert translate(about_unknown_media, shifted()) == b""


def test_a_sender_nobody_knows_stays_as_it_is() -> None:
    """Chromium reports as SSRC 1 while it only receives."""
    (packet,) = read(translate(receiver_report(report_block(), ssrc=1), shifted()))
    assert packet.ssrc == 1


def test_a_compound_is_translated_packet_by_packet() -> None:
    compound = receiver_report(report_block()) + nack(5) + payload_feedback(1, HERE)
    parts = [receiver_report(report_block()), nack(5), payload_feedback(1, HERE)]
    table = shifted(sequence=3)
    assert translate(compound, table) == b"".join(translate(part, table) for part in parts)


def test_nothing_translates_to_nothing() -> None:
    assert translate(b"", shifted()) == b""


def test_our_own_request_for_a_key_frame_parses_elsewhere() -> None:
    report, request = read(picture_loss_indication(1, HERE))
    assert isinstance(report, RtcpRrPacket)
    assert (request.fmt, request.ssrc, request.media_ssrc) == (1, 1, HERE)


# What the node itself says and understands


@given(st.integers(0, 0xFFFF), st.lists(st.integers(1, 60), max_size=60))
def test_a_request_for_lost_packets_is_read_as_it_was_meant(first: int, steps: list[int]) -> None:
    lost = list(itertools.accumulate(steps, initial=first))
    lost = [sequence & 0xFFFF for sequence in lost]
    compound = rtcp.nack(HERE, lost)
    lead, request = RtcpPacket.parse(compound)
    assert isinstance(lead, RtcpRrPacket)
    assert isinstance(request, RtcpRtpfbPacket)
    assert (request.media_ssrc, [n & 0xFFFF for n in request.lost]) == (HERE, lost)
    assert rtcp.lost_sequences(rtcp.split(compound)[1]) == lost


def test_a_clock_told_on_is_read_as_it_was_meant() -> None:
    compound = rtcp.sender_report(HERE, 0x0123_4567_89AB_CDEF, 90_000)
    (packet,) = read(compound)
    assert (packet.ssrc, packet.sender_info.rtp_timestamp) == (HERE, 90_000)
    assert packet.sender_info.ntp_timestamp == 0x0123_4567_89AB_CDEF
    assert rtcp.sender_reports(rtcp.split(compound)) == [
        rtcp.SenderReport(HERE, 0x0123_4567_89AB_CDEF, 90_000)
    ]


BLOCKS = st.builds(
    rtcp.Reception,
    *(st.integers(0, most) for most in (0xFFFFFFFF, 255, 0x7FFFFF)),
    *[st.integers(0, 0xFFFFFFFF)] * 4,
)


@given(st.lists(BLOCKS, max_size=31))
def test_a_report_is_read_as_it_was_meant(blocks: list[rtcp.Reception]) -> None:
    compound = rtcp.receiver_report(blocks)
    assert rtcp.receptions(rtcp.split(compound)) == blocks
    (packet,) = read(compound)
    assert [(b.ssrc, b.fraction_lost, b.packets_lost) for b in packet.reports] == [
        (b.ssrc, b.fraction_lost, b.lost) for b in blocks
    ]
    assert [(b.highest_sequence, b.jitter, b.lsr, b.dlsr) for b in packet.reports] == [
        (b.highest, b.jitter, b.last_report, b.since_last) for b in blocks
    ]


@given(st.integers(0, 1 << 40), st.lists(st.integers(0, 0xFFFFFFFF), max_size=4))
def test_a_bitrate_limit_is_read_as_it_was_meant(bitrate: int, ssrcs: list[int]) -> None:
    compound = rtcp.bitrate_limit(bitrate, ssrcs)
    found = rtcp.read_bitrate_limit(rtcp.split(compound)[1])
    _, packet = read(compound)
    assert unpack_remb_fci(packet.fci) == (found, ssrcs)
    assert found == pytest.approx(bitrate, rel=1e-4)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_understood_or_malformed(compound: bytes) -> None:
    try:
        packets = rtcp.split(compound)
    except Malformed:
        return
    rtcp.sender_reports(packets)
    rtcp.receptions(packets)
    for packet in packets:
        rtcp.lost_sequences(packet)
        rtcp.read_bitrate_limit(packet)


# What does not parse


@pytest.mark.parametrize(
    ("reason", "compound"),
    [
        ("a header cut short", receiver_report()[:7]),
        ("another version", b"\x00" + receiver_report()[1:]),
        ("a length of one word", b"\x80\xc9\x00\x00\x00\x00\x00\x01"),
        ("longer than the datagram", b"\x80\xc9\x00\x09\x00\x00\x00\x01"),
        ("fewer blocks than counted", b"\x81\xc9\x00\x01\x00\x00\x00\x01"),
        ("a sender report without sender", b"\x80\xc8\x00\x01" + HERE.to_bytes(4, "big")),
        ("feedback without medium", b"\x81\xcd\x00\x01\x00\x00\x00\x01"),
        ("a picture loss without medium", b"\x81\xce\x00\x01\x00\x00\x00\x01"),
        ("a bitrate without a count", b"\x8f\xce\x00\x03" + bytes(8) + b"REMB"),
        ("rubbish behind a good packet", receiver_report() + b"\xff"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_parse_is_dropped_whole(reason: str, compound: bytes) -> None:
    with pytest.raises(Malformed):
        translate(compound, shifted())


TABLES = st.dictionaries(
    st.sampled_from([0, 1, HERE, OWN, UNKNOWN]),
    st.builds(
        Shift,
        st.integers(0, 0xFFFFFFFF),
        st.integers(-(1 << 16), 1 << 16),
        st.integers(-5, 1 << 32),
    ),
)


def translates_or_refuses(compound: bytes, table: dict[int, Shift]) -> None:
    try:
        translated = translate(compound, table)
    except Malformed:
        return
    assert len(translated) <= len(compound)


@given(st.binary(max_size=200), TABLES)
def test_arbitrary_bytes_are_translated_or_malformed(
    compound: bytes, table: dict[int, Shift]
) -> None:
    translates_or_refuses(compound, table)


@given(
    st.lists(
        st.tuples(st.integers(0, 31), st.integers(198, 208), st.binary(max_size=60)), max_size=4
    ),
    TABLES,
)
def test_arbitrary_bodies_behind_good_headers_are_translated_or_malformed(
    packets: list[tuple[int, int, bytes]], table: dict[int, Shift]
) -> None:
    compound = b""
    for count, kind, body in packets:
        body += bytes(-len(body) % 4)
        compound += struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body
    translates_or_refuses(compound, table)


@given(st.data())
def test_a_mutated_compound_is_translated_or_malformed(data: st.DataObject) -> None:
    compound = sender_report(reports=[report_block()]) + nack(5, 6, 90) + transport_cc(HERE)
    at = data.draw(st.integers(0, len(compound) - 1))
    value = data.draw(st.integers(0, 255))
    translates_or_refuses(compound[:at] + bytes((value,)) + compound[at + 1 :], shifted(1, 2))


# The way back


@given(
    lost=st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=20),
    highest=st.integers(0, 0xFFFFFFFF),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
)
def test_translating_there_and_back_changes_nothing(
    lost: list[int], highest: int, sequence: int, timestamp: int
) -> None:
    there = shifted(sequence, timestamp)
    back = {
        shift.ssrc: Shift(ssrc, -shift.sequence, -shift.timestamp) for ssrc, shift in there.items()
    }
    compound = (
        sender_report(reports=[report_block(OWN, highest)])
        + receiver_report(report_block(HERE, highest))
        + nack(*lost)
        + payload_feedback(1, HERE)
    )
    assert translate(translate(compound, there), back) == compound
