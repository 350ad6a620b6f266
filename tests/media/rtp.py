"""Builders of RTP packets and VP8 payloads, as a browser puts them on the wire."""

from collections.abc import Sequence

from media.node.codecs import OPUS, RED, REPAIR, VIDEO

VP8 = VIDEO["VP8"]
RTX = REPAIR[VP8]

AUDIO_SSRC, VIDEO_SSRC, RTX_SSRC, SCREEN_SSRC = 1001, 1002, 1003, 1004


def rtp(
    sequence: int,
    payload: bytes = b"payload",
    *,
    timestamp: int = 0,
    ssrc: int = VIDEO_SSRC,
    payload_type: int = VP8,
    marker: bool = False,
    padding: int = 0,
    csrcs: int = 0,
    extension: bytes | None = None,
) -> bytes:
    """One RTP packet; `extension` is the body of a header extension, a multiple of 4 bytes."""
    first = 0x80 | (0x20 if padding else 0) | (0x10 if extension is not None else 0) | csrcs
    packet = bytes((first, (0x80 if marker else 0) | payload_type))
    packet += sequence.to_bytes(2, "big") + timestamp.to_bytes(4, "big") + ssrc.to_bytes(4, "big")
    packet += bytes(4 * csrcs)
    if extension is not None:
        packet += b"\xbe\xde" + (len(extension) // 4).to_bytes(2, "big") + extension
    packet += payload
    if padding:
        packet += bytes(padding - 1) + bytes((padding,))
    return packet


def opus(sequence: int, *, timestamp: int = 0, payload: bytes = b"\xfc\xff\xfe") -> bytes:
    """An Opus packet; its payload is 20 ms of silence unless given."""
    return rtp(sequence, payload, timestamp=timestamp, ssrc=AUDIO_SSRC, payload_type=OPUS)


def red(sequence: int, before: Sequence[bytes], now: bytes, *, timestamp: int = 0) -> bytes:
    """A RED packet: the sounds before this one, 20 ms apart, oldest first (RFC 2198)."""
    heads = b""
    for age, sound in zip(range(len(before), 0, -1), before, strict=True):
        heads += bytes((0x80 | OPUS,)) + (960 * age << 10 | len(sound)).to_bytes(3, "big")
    body = heads + bytes((OPUS,)) + b"".join(before) + now
    return rtp(sequence, body, timestamp=timestamp, ssrc=AUDIO_SSRC, payload_type=RED)


def rtx(sequence: int, original: int, payload: bytes, **header: int | bool | bytes) -> bytes:
    """A retransmission of the video packet `original` (RFC 4588)."""
    body = original.to_bytes(2, "big") + payload
    return rtp(sequence, body, ssrc=RTX_SSRC, payload_type=RTX, **header)  # type: ignore[arg-type]


def key_frame(width: int = 320, height: int = 240, body: bytes = b"picture") -> bytes:
    """An undescribed VP8 key frame that begins as RFC 6386 section 9.1 wants; does not decode."""
    size = width.to_bytes(2, "little") + height.to_bytes(2, "little")
    return b"\x10\x00\x00\x9d\x01\x2a" + size + body


def delta_frame(body: bytes = b"picture") -> bytes:
    """A VP8 frame that needs the one before it."""
    return b"\x11\x00\x00" + body


def vp8_payloads(frame: bytes, most_bytes: int = 1100) -> list[bytes]:
    """The RTP payloads of one VP8 frame, with the shortest descriptor (RFC 7741 section 4.2)."""
    parts = [frame[at : at + most_bytes] for at in range(0, len(frame), most_bytes)]
    return [(b"\x10" if number == 0 else b"\x00") + part for number, part in enumerate(parts)]


def vp8_packets(frame: bytes, sequence: int, timestamp: int, most_bytes: int = 1100) -> list[bytes]:
    """The RTP packets of one VP8 frame, the last one marked."""
    payloads = vp8_payloads(frame, most_bytes)
    return [
        rtp(
            (sequence + number) & 0xFFFF,
            payload,
            timestamp=timestamp & 0xFFFFFFFF,
            marker=number == len(payloads) - 1,
        )
        for number, payload in enumerate(payloads)
    ]
