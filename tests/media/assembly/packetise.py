"""Really encoded pictures of every codec, and the RTP payloads a sender makes of them."""

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

import av
import numpy as np

from media.records.assembly.bits import leb128, read_leb128
from tests.media.rtp import rtp

WIDTH, HEIGHT, FRAMES_A_SECOND = 322, 180, 10  # no multiples of 16: H.264 crops
ENCODERS = {
    "VP8": ("libvpx", {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}),
    "VP9": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}),
    "H264": ("libx264", {"preset": "ultrafast", "tune": "zerolatency"}),
    "AV1": ("libsvtav1", {"preset": "12", "svtav1-params": "pred-struct=1:lookahead=0:lp=1"}),
}


@functools.cache
def encoded(
    codec: str, count: int = 12, *, pixels: str = "yuv420p", **options: str
) -> tuple[bytes, ...]:
    """A picture that moves, a key frame each half second."""
    with usual_scheduling():
        return _encoded(codec, count, pixels, options)


@contextmanager
def usual_scheduling() -> Iterator[None]:
    """Undo what SVT-AV1 does as root: it puts the thread that calls it into real time.

    Every process started from there then is, too, and two of them stop a machine of two cores.
    """
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, *before)


def _encoded(codec: str, count: int, pixels: str, options: dict[str, str]) -> tuple[bytes, ...]:
    name, defaults = ENCODERS[codec]
    encoder = av.CodecContext.create(name, "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, pixels
    encoder.time_base = Fraction(1, FRAMES_A_SECOND)
    encoder.framerate = Fraction(FRAMES_A_SECOND)
    encoder.gop_size = FRAMES_A_SECOND // 2
    encoder.options = {**defaults, **options}
    noise = np.random.default_rng(7).integers(0, 255, (HEIGHT, 2 * WIDTH, 3), np.uint8)
    packets = []
    for number in range(count):
        seen = np.ascontiguousarray(noise[:, 9 * number : 9 * number + WIDTH])
        frame = av.VideoFrame.from_ndarray(seen, format="rgb24").reformat(format=pixels)
        frame.pts, frame.time_base = number, Fraction(1, FRAMES_A_SECOND)
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return tuple(bytes(packet) for packet in packets)


def vp8_payloads(frame: bytes, most_bytes: int) -> list[bytes]:
    """The shortest descriptor (RFC 7741 section 4.2)."""
    parts = [frame[at : at + most_bytes] for at in range(0, len(frame), most_bytes)]
    return [(b"\x10" if number == 0 else b"\x00") + part for number, part in enumerate(parts)]


def vp9_payloads(frame: bytes, most_bytes: int, *, layer: int | None = None) -> list[bytes]:
    """A long picture id and, if given, a spatial layer (RFC 9628 section 4.2)."""
    parts = [frame[at : at + most_bytes] for at in range(0, len(frame), most_bytes)]
    payloads = []
    for number, part in enumerate(parts):
        first = 0x80 | (0x08 if number == 0 else 0) | (0x04 if number == len(parts) - 1 else 0)
        layers = b"" if layer is None else bytes((layer << 1, 5))
        payloads.append(bytes((first | (0x20 if layers else 0), 0x92, 0x34)) + layers + part)
    return payloads


def units(frame: bytes) -> list[bytes]:
    """The NAL units of an Annex B access unit."""
    found = frame.replace(b"\x00\x00\x00\x01", b"\x00\x00\x01").split(b"\x00\x00\x01")
    return [unit for unit in found if unit]


def h264_payloads(frame: bytes, most_bytes: int) -> list[bytes]:
    """Parameter sets and what else is small together, slices in parts (RFC 6184)."""
    payloads, small = [], [unit for unit in units(frame) if unit[0] & 0x1F > 5]
    if small:
        parts = (len(unit).to_bytes(2, "big") + unit for unit in small)
        payloads.append(b"\x78" + b"".join(parts))
    for unit in units(frame):
        if unit in small:
            continue
        if len(unit) <= most_bytes:
            payloads.append(unit)
            continue
        indicator, body = unit[0] & 0xE0 | 28, unit[1:]
        cuts = range(0, len(body), most_bytes)
        for at in cuts:
            place = (0x80 if at == 0 else 0) | (0x40 if at == cuts[-1] else 0)
            payloads.append(bytes((indicator, place | unit[0] & 0x1F)) + body[at : at + most_bytes])
    return payloads


def obus(unit: bytes) -> list[tuple[int, bytes]]:
    """The OBUs of a temporal unit: type, and the OBU without its size field."""
    found, at = [], 0
    while at < len(unit):
        header = unit[at]
        size, start = read_leb128(unit, at + 1)
        at = start + size
        found.append((header >> 3 & 0xF, bytes((header & ~0x02,)) + unit[start:at]))
    return found


def av1_payloads(unit: bytes, most_bytes: int, *, counted: bool = True) -> list[bytes]:
    """OBUs without size fields, packed one after the other and cut where a packet is full.

    `counted`: the aggregation header says how many elements there are (W), if there are few.
    """
    packets: list[list[bytes]] = [[]]
    cut_before: set[int] = set()
    for kind, obu in obus(unit):
        rest = obu if kind != 2 else b""
        while rest:
            room = most_bytes - sum(map(len, packets[-1]))
            if room <= 0:
                packets.append([])
                if len(rest) != len(obu):
                    cut_before.add(len(packets) - 1)
                continue
            packets[-1].append(rest[:room])
            rest = rest[room:]
    payloads = []
    for number, elements in enumerate(packets):
        count = len(elements) if counted and len(elements) <= 3 else 0
        header = (0x80 if number in cut_before else 0) | count << 4
        header |= 0x40 if number + 1 in cut_before else 0
        body = b"".join(
            element if count and at == count - 1 else leb128(len(element)) + element
            for at, element in enumerate(elements)
        )
        payloads.append(bytes((header,)) + body)
    return payloads


PAYLOADS = {
    "VP8": vp8_payloads,
    "VP9": vp9_payloads,
    "H264": h264_payloads,
    "AV1": av1_payloads,
}


def expected(codec: str, frame: bytes) -> bytes:
    """An encoder's frame in the form a file wants it."""
    if codec == "H264":
        return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units(frame))
    if codec == "AV1":
        return b"".join(
            bytes((obu[0] | 0x02,)) + leb128(len(obu) - 1) + obu[1:]
            for kind, obu in obus(frame)
            if kind != 2
        )
    return frame


def packets_of(codec: str, frames: tuple[bytes, ...], most_bytes: int = 1100) -> list[bytes]:
    """The RTP packets of encoded frames."""
    packets: list[bytes] = []
    for number, frame in enumerate(frames):
        payloads = PAYLOADS[codec](frame, most_bytes)
        packets += [
            rtp(
                (65_530 + len(packets) + at) & 0xFFFF,
                payload,
                timestamp=number * 90_000 // FRAMES_A_SECOND,
                marker=at == len(payloads) - 1,
            )
            for at, payload in enumerate(payloads)
        ]
    return packets
