"""How does a report or a request read on the other leg? RTCP with SSRCs and numbers translated.

A leg has SSRCs of its own (`sdp.LegSsrcs`) and may shift sequence numbers and time stamps when a
source was replaced; feedback must be told in the numbers of the one it goes to. Pure: bytes in,
bytes out. RFC 3550 section 6, RFC 4585 section 6, RFC 5104 (FIR), draft-alvestrand-rmcat-remb.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

SENDER_REPORT, RECEIVER_REPORT, DESCRIPTION = 200, 201, 202
TRANSPORT_FEEDBACK, PAYLOAD_FEEDBACK = 205, 206
_NACK, _TRANSPORT_CC = 1, 15
_PLI, _FIR, _APPLICATION = 1, 4, 15


@dataclass(frozen=True, slots=True)
class Shift:
    """How one SSRC reads on the other leg: `there = here + shift`, modulo the field's width."""

    ssrc: int
    sequence: int = 0
    timestamp: int = 0


class Malformed(ValueError):  # noqa: N818
    """The compound packet does not parse; drop it whole."""


def translate(compound: bytes, shifts: Mapping[int, Shift]) -> bytes:
    """Rewrite a plain RTCP compound for the other leg.

    `shifts` has every SSRC both legs know; packets about unknown media are left out, unknown
    senders (Chromium's receive-only 1) stay as they are. Returns b"" when nothing is left.
    Raises Malformed.
    """
    out = bytearray()
    position = 0
    while position < len(compound):
        if position + 8 > len(compound) or compound[position] >> 6 != 2:
            raise Malformed("RTCP header")
        length = 4 * (int.from_bytes(compound[position + 2 : position + 4], "big") + 1)
        if length < 8 or position + length > len(compound):
            raise Malformed("RTCP length")
        packet = bytearray(compound[position : position + length])
        position += length
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
        return form == _TRANSPORT_CC  # its numbers are the sender's, whatever medium it names
    struct.pack_into("!I", packet, 8, shift.ssrc)
    if form == _NACK:
        for offset in range(12, len(packet) - 3, 4):
            (lost,) = struct.unpack_from("!H", packet, offset)
            struct.pack_into("!H", packet, offset, (lost + shift.sequence) & 0xFFFF)
    return True


def _rewrite_payload_feedback(packet: bytearray, form: int, shifts: Mapping[int, Shift]) -> bool:
    if form == _PLI:
        (media,) = struct.unpack_from("!I", packet, 8)
        if media not in shifts:
            return False
        struct.pack_into("!I", packet, 8, shifts[media].ssrc)
        return True
    if form == _FIR:
        entries = range(12, len(packet) - 7, 8)
    elif form == _APPLICATION and packet[12:16] == b"REMB":
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
        "!BBHII", 0x80 | _PLI, PAYLOAD_FEEDBACK, 2, sender_ssrc, media_ssrc
    )
