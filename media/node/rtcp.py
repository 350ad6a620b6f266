"""How does a report or a request read on the other leg? RTCP with SSRCs and numbers translated.

A leg has SSRCs of its own (`sdp.SlotSsrcs`) and may shift sequence numbers and time stamps when a
source was replaced; feedback must be told in the numbers of the one it goes to. Where the node
itself gives and takes feedback, `split` reads and the builders below write it. Pure: bytes in,
bytes out. RFC 3550 section 6, RFC 4585 section 6, RFC 5104 (FIR), draft-alvestrand-rmcat-remb.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

SENDER_REPORT, RECEIVER_REPORT, DESCRIPTION = 200, 201, 202
TRANSPORT_FEEDBACK, PAYLOAD_FEEDBACK = 205, 206
NACK, TRANSPORT_CC = 1, 15
PLI, FIR, APPLICATION = 1, 4, 15
NODE_SSRC = 1


@dataclass(frozen=True, slots=True)
class Shift:
    """How one SSRC reads on the other leg: `there = here + shift`, modulo the field's width."""

    ssrc: int
    sequence: int = 0
    timestamp: int = 0


@dataclass(frozen=True, slots=True)
class SenderReport:
    """When a source's RTP time stamp was, by its own wall clock (64-bit NTP)."""

    ssrc: int
    ntp: int
    timestamp: int


@dataclass(frozen=True, slots=True)
class Reception:
    """One report block: how a receiver gets one SSRC (RFC 3550 section 6.4.1).

    `fraction_lost` in 1/256, `jitter` in time stamp units, `last_report` and `since_last` in
    1/65536 s.
    """

    ssrc: int
    fraction_lost: int
    lost: int
    highest: int
    jitter: int
    last_report: int
    since_last: int


class Malformed(ValueError):  # noqa: N818
    """The compound packet does not parse; drop it whole."""


def split(compound: bytes) -> list[bytearray]:
    """The packets of a plain RTCP compound, each at least 8 bytes. Raises Malformed."""
    found = []
    position = 0
    while position < len(compound):
        if position + 8 > len(compound) or compound[position] >> 6 != 2:
            raise Malformed("RTCP header")
        length = 4 * (int.from_bytes(compound[position + 2 : position + 4], "big") + 1)
        if length < 8 or position + length > len(compound):
            raise Malformed("RTCP length")
        found.append(bytearray(compound[position : position + length]))
        position += length
    return found


def translate(compound: bytes, shifts: Mapping[int, Shift]) -> bytes:
    """Rewrite a plain RTCP compound for the other leg.

    `shifts` has every SSRC both legs know; packets about unknown media are left out, unknown
    senders (Chromium's receive-only 1) stay as they are. Returns b"" when nothing is left.
    Raises Malformed.
    """
    out = bytearray()
    for packet in split(compound):
        try:
            keep = _rewrite(packet, shifts)
        except (struct.error, IndexError) as error:
            raise Malformed("RTCP body") from error
        if keep:
            out += packet
    return bytes(out)


def _rewrite(packet: bytearray, shifts: Mapping[int, Shift]) -> bool:
    """Translate one packet in place; False leaves it out."""
    count, kind = packet[0] & 0x1F, packet[1]
    (sender,) = struct.unpack_from("!I", packet, 4)
    if kind == DESCRIPTION:
        return False  # the canonical name of a leg is the node's, told in the offer
    if sender in shifts:
        struct.pack_into("!I", packet, 4, shifts[sender].ssrc)
    if kind == SENDER_REPORT:
        if sender not in shifts:
            return False
        (timestamp,) = struct.unpack_from("!I", packet, 16)
        shifted = (timestamp + shifts[sender].timestamp) & 0xFFFFFFFF
        struct.pack_into("!I", packet, 16, shifted)
        _rewrite_blocks(packet, 28, count, shifts)
        return True
    if kind == RECEIVER_REPORT:
        _rewrite_blocks(packet, 8, count, shifts)
        return True
    if kind == TRANSPORT_FEEDBACK:
        return _rewrite_transport_feedback(packet, count, shifts)
    if kind == PAYLOAD_FEEDBACK:
        return _rewrite_payload_feedback(packet, count, shifts)
    return False


def _rewrite_blocks(packet: bytearray, start: int, count: int, shifts: Mapping[int, Shift]) -> None:
    for offset in range(start, start + 24 * count, 24):
        ssrc, highest = struct.unpack_from("!I4xI", packet, offset)
        shift = shifts.get(ssrc)
        if shift is not None:
            low = (highest + shift.sequence) & 0xFFFF
            struct.pack_into("!I", packet, offset, shift.ssrc)
            struct.pack_into("!I", packet, offset + 8, (highest & 0xFFFF0000) | low)


def _rewrite_transport_feedback(packet: bytearray, form: int, shifts: Mapping[int, Shift]) -> bool:
    (media,) = struct.unpack_from("!I", packet, 8)
    shift = shifts.get(media)
    if shift is None:
        return form == TRANSPORT_CC  # its numbers are the sender's, whatever medium it names
    struct.pack_into("!I", packet, 8, shift.ssrc)
    if form == NACK:
        for offset in range(12, len(packet) - 3, 4):
            (lost,) = struct.unpack_from("!H", packet, offset)
            struct.pack_into("!H", packet, offset, (lost + shift.sequence) & 0xFFFF)
    return True


def _rewrite_payload_feedback(packet: bytearray, form: int, shifts: Mapping[int, Shift]) -> bool:
    if form == PLI:
        (media,) = struct.unpack_from("!I", packet, 8)
        if media not in shifts:
            return False
        struct.pack_into("!I", packet, 8, shifts[media].ssrc)
        return True
    if form == FIR:
        entries = range(12, len(packet) - 7, 8)
    elif form == APPLICATION and packet[12:16] == b"REMB":
        entries = range(20, min(20 + 4 * packet[16], len(packet) - 3), 4)
    else:
        return False
    for offset in entries:
        (media,) = struct.unpack_from("!I", packet, offset)
        if media in shifts:
            struct.pack_into("!I", packet, offset, shifts[media].ssrc)
    return True


def picture_loss_indication(sender_ssrc: int, media_ssrc: int) -> bytes:
    """A request for a key frame, led by the empty receiver report RFC 3550 6.1 wants."""
    return struct.pack("!BBHI", 0x80, RECEIVER_REPORT, 1, sender_ssrc) + struct.pack(
        "!BBHII", 0x80 | PLI, PAYLOAD_FEEDBACK, 2, sender_ssrc, media_ssrc
    )


def sender_reports(packets: Iterable[bytes | bytearray]) -> list[SenderReport]:
    """The sender reports among the packets of a compound."""
    return [
        SenderReport(*struct.unpack_from("!IQI", packet, 4))
        for packet in packets
        if packet[1] == SENDER_REPORT and len(packet) >= 28
    ]


def receptions(packets: Iterable[bytes | bytearray]) -> list[Reception]:
    """The report blocks in sender and receiver reports."""
    found = []
    for packet in packets:
        start = {SENDER_REPORT: 28, RECEIVER_REPORT: 8}.get(packet[1])
        if start is None:
            continue
        for at in range(start, start + 24 * (packet[0] & 0x1F), 24):
            if at + 24 > len(packet):
                break
            ssrc, lost, highest, jitter, last, since = struct.unpack_from("!IIIIII", packet, at)
            found.append(Reception(ssrc, lost >> 24, lost & 0xFFFFFF, highest, jitter, last, since))
    return found


def lost_sequences(packet: bytes | bytearray) -> list[int]:
    """The sequence numbers a generic NACK names (RFC 4585 section 6.2.1)."""
    found = []
    for at in range(12, len(packet) - 3, 4):
        first, mask = struct.unpack_from("!HH", packet, at)
        found.append(first)
        found += [(first + bit + 1) & 0xFFFF for bit in range(16) if mask >> bit & 1]
    return found


def nack(media_ssrc: int, lost: Sequence[int]) -> bytes:
    """A request to send these packets again (RFC 4585 section 6.2.1); `lost` in order."""
    entries: list[list[int]] = []
    for sequence in lost:
        ahead = (sequence - entries[-1][0] & 0xFFFF) if entries else 17
        if 1 <= ahead <= 16:
            entries[-1][1] |= 1 << ahead - 1
        else:
            entries.append([sequence, 0])
    body = b"".join(struct.pack("!HH", *entry) for entry in entries)
    head = struct.pack("!BBH", 0x80 | NACK, TRANSPORT_FEEDBACK, 2 + len(entries))
    return _led(head + struct.pack("!II", NODE_SSRC, media_ssrc) + body)


def sender_report(ssrc: int, ntp: int, timestamp: int) -> bytes:
    """A sender report without counts: the two clocks of a medium (RFC 3550 section 6.4.1)."""
    return struct.pack("!BBHIQIII", 0x80, SENDER_REPORT, 6, ssrc, ntp, timestamp, 0, 0)


def receiver_report(blocks: Sequence[Reception]) -> bytes:
    """A receiver report of the node, at most 31 blocks (RFC 3550 section 6.4.2)."""
    body = b"".join(
        struct.pack(
            "!IIIIII",
            block.ssrc,
            block.fraction_lost << 24 | block.lost & 0xFFFFFF,
            block.highest,
            block.jitter,
            block.last_report,
            block.since_last,
        )
        for block in blocks
    )
    head = struct.pack("!BBHI", 0x80 | len(blocks), RECEIVER_REPORT, 1 + 6 * len(blocks), NODE_SSRC)
    return head + body


def bitrate_limit(bitrate_bps: int, ssrcs: Sequence[int]) -> bytes:
    """A REMB: these SSRCs together may send so much (draft-alvestrand-rmcat-remb section 2.2)."""
    exponent = max(0, bitrate_bps.bit_length() - 18)
    packed = len(ssrcs) << 24 | exponent << 18 | bitrate_bps >> exponent
    head = struct.pack("!BBH", 0x80 | APPLICATION, PAYLOAD_FEEDBACK, 4 + len(ssrcs))
    body = struct.pack(f"!II4sI{len(ssrcs)}I", NODE_SSRC, 0, b"REMB", packed, *ssrcs)
    return _led(head + body)


def read_bitrate_limit(packet: bytes | bytearray) -> int | None:
    """The bitrate of a REMB in bit/s; None if it is none."""
    if packet[1] != PAYLOAD_FEEDBACK or packet[12:16] != b"REMB" or len(packet) < 20:
        return None
    (packed,) = struct.unpack_from("!I", packet, 16)
    return int((packed & 0x3FFFF) << (packed >> 18 & 0x3F))


def _led(packet: bytes) -> bytes:
    """Led by the empty receiver report that RFC 3550 section 6.1 wants."""
    return receiver_report([]) + packet
