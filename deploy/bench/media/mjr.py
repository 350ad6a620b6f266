"""How many whole pictures are in a recording of Janus? Its .mjr files hold the RTP packets as sent.

"MJR00002", the length and text of a JSON header; then for each packet "MEET", a time in
milliseconds (32 bits), a length (16 bits) and the packet. A picture is whole if no packet between
the first of its VP8 partition and its marker is missing. RFC 3550 section 5.1, RFC 7741 section
4.2.
"""

from collections.abc import Iterator
from pathlib import Path

_START, _PACKET = b"MJR00002", b"MEET"


class NotMjr(ValueError):  # noqa: N818
    """The file is not a recording of Janus."""


def whole_pictures(path: Path) -> int:
    """Whole pictures in a recording of VP8. Raises NotMjr."""
    packets = sorted(_unwrapped(_packets(path.read_bytes())))
    pictures, expected = 0, -1
    for number, packet in packets:
        payload = packet[_payload_offset(packet) :]
        if payload and payload[0] & 0x1F == 0x10:  # S set, partition 0: a picture begins
            expected = number
        if number != expected:
            expected = -1
            continue
        expected = number + 1
        if packet[1] & 0x80:
            pictures += 1
            expected = -1
    return pictures


def _packets(data: bytes) -> Iterator[bytes]:
    if not data.startswith(_START):
        raise NotMjr("no MJR00002 at the beginning")
    at = 10 + int.from_bytes(data[8:10], "big")
    while at + 10 <= len(data):
        if data[at : at + 4] != _PACKET:
            raise NotMjr(f"no packet at byte {at}")
        end = at + 10 + int.from_bytes(data[at + 8 : at + 10], "big")
        if end > len(data):
            return
        yield data[at + 10 : end]
        at = end


def _unwrapped(packets: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """Each packet with its sequence number, which goes on beyond 16 bits."""
    last: int | None = None
    for packet in packets:
        sequence = int.from_bytes(packet[2:4], "big")
        if last is not None:
            sequence = last + (sequence - last + 0x8000 & 0xFFFF) - 0x8000
        last = sequence
        yield sequence, packet


def _payload_offset(packet: bytes) -> int:
    offset = 12 + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        offset += 4 + 4 * int.from_bytes(packet[offset + 2 : offset + 4], "big")
    return offset
