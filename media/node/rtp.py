"""What can be read and changed in one RTP packet without decoding it? Pure: bytes in, bytes out.

RFC 3550 section 5.1 (header), RFC 8285 (header extensions), RFC 4588 (RTX), RFC 2198 (RED).
Everything read here came through SRTP, but a party may still be hostile: lengths are checked.
"""

from media.node.codecs import OPUS
from media.node.sdp import TRANSPORT_CC_EXTENSION


def payload_offset(packet: bytes) -> int:
    """Bytes before the payload of an RTP packet (RFC 3550 section 5.1).

    The result may lie past the end of a truncated packet; slices are then empty.
    """
    offset = 12 + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        offset += 4 + 4 * int.from_bytes(packet[offset + 2 : offset + 4], "big")
    return offset


def transport_offset(packet: bytes) -> int:
    """Where the transport-wide sequence number lies; 0 if the packet has none.

    One-byte header extensions only (RFC 8285 section 4.2), which is what our offer makes.
    """
    if not packet[0] & 0x10:
        return 0
    at = 12 + 4 * (packet[0] & 0x0F)
    if packet[at : at + 2] != b"\xbe\xde":
        return 0
    end = min(at + 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big"), len(packet))
    at += 4
    while at < end:
        head = packet[at]
        if not head:
            at += 1
            continue
        length = (head & 0x0F) + 1
        if head >> 4 == TRANSPORT_CC_EXTENSION:
            return at + 1 if length == 2 and at + 3 <= end else 0
        at += 1 + length
    return 0


def original_of_repair(repair: bytes, ssrc: int) -> bytes | None:
    """The packet that an RTX packet carries, under the SSRC of its medium; None if it is empty.

    An empty one is padding that a browser sends to probe the path.
    """
    offset = payload_offset(repair)
    padding = repair[-1] if repair[0] & 0x20 else 0
    if offset + 3 > len(repair) - padding:
        return None
    second = repair[1] & 0x80 | (repair[1] & 0x7F) - 1  # the repair of payload type n is n + 1
    return (
        repair[:1]
        + second.to_bytes(1, "big")
        + repair[offset : offset + 2]
        + repair[4:8]
        + ssrc.to_bytes(4, "big")
        + repair[12:offset]
        + repair[offset + 2 :]
    )


def repair_of(packet: bytes, sequence: int, ssrc: int) -> bytes:
    """The RTX packet that carries `packet` again (RFC 4588 section 4)."""
    offset = payload_offset(packet)
    second = packet[1] & 0x80 | (packet[1] & 0x7F) + 1
    return (
        packet[:1]
        + second.to_bytes(1, "big")
        + sequence.to_bytes(2, "big")
        + packet[4:8]
        + ssrc.to_bytes(4, "big")
        + packet[12:offset]
        + packet[2:4]
        + packet[offset:]
    )


def without_redundancy(packet: bytes) -> bytes | None:
    """The newest sound of a RED packet, as a plain Opus packet; None if it is truncated."""
    at = offset = payload_offset(packet)
    skipped = 0
    while True:
        if at >= len(packet):
            return None
        if not packet[at] & 0x80:
            break
        if at + 4 > len(packet):
            return None
        skipped += int.from_bytes(packet[at + 2 : at + 4], "big") & 0x3FF
        at += 4
    start = at + 1 + skipped
    if start > len(packet):
        return None
    second = packet[1] & 0x80 | OPUS
    return packet[:1] + second.to_bytes(1, "big") + packet[2:offset] + packet[start:]
