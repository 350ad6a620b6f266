"""Really encoded sound and picture, as RTP, and what a recorder makes of them."""

import functools
import tempfile
from collections.abc import Callable, Iterable
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import numpy as np

from media.node.codecs import Track
from media.records.manifest import Segment
from media.records.segment import SegmentRecorder
from tests.media.rtp import opus, vp8_packets

WIDTH, HEIGHT, FRAMES_A_SECOND = 160, 120, 10

Arrival = tuple[float, Track, bytes]


@functools.cache
def vp8_frames(seconds: int, width: int = WIDTH, height: int = HEIGHT) -> tuple[bytes, ...]:
    """A picture that changes, a key frame each second."""
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base = Fraction(1, FRAMES_A_SECOND)
    encoder.gop_size = FRAMES_A_SECOND
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    packets = []
    for number in range(seconds * FRAMES_A_SECOND):
        pixels = np.full((height, width, 3), number * 7 % 256, np.uint8)
        pixels[:, : width // 2, 0] = np.arange(height, dtype=np.uint8)[:, None]
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, FRAMES_A_SECOND)
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return tuple(bytes(packet) for packet in packets)


@functools.cache
def opus_frames(seconds: int) -> tuple[bytes, ...]:
    """A tone, in frames of 20 ms."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "stereo", "s16"
    packets = []
    for number in range(seconds * 50):
        times = (np.arange(960) + number * 960) / 48_000
        tone = (np.sin(2 * np.pi * 440 * times) * 8_000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(tone.repeat(2)[None, :], format="s16", layout="stereo")
        frame.sample_rate, frame.pts = 48_000, number * 960
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return tuple(bytes(packet) for packet in packets)[: seconds * 50]


def picture(
    seconds: int, *, sequence: int = 65_530, timestamp: int = 0xFFFF_0000
) -> Iterable[Arrival]:
    """The picture's packets with the second of their arrival; numbers wrap around early."""
    for number, frame in enumerate(vp8_frames(seconds)):
        stamp = timestamp + number * 90_000 // FRAMES_A_SECOND
        packets = vp8_packets(frame, sequence, stamp, most_bytes=500)
        sequence += len(packets)
        for packet in packets:
            yield number / FRAMES_A_SECOND, "camera", packet


def sound(
    seconds: int, *, sequence: int = 65_500, timestamp: int = 0xFFFF_F000
) -> Iterable[Arrival]:
    """The sound's packets with the second of their arrival."""
    for number, frame in enumerate(opus_frames(seconds)):
        stamp = (timestamp + number * 960) & 0xFFFFFFFF
        yield (
            number / 50,
            "audio",
            opus((sequence + number) & 0xFFFF, timestamp=stamp, payload=frame),
        )


def both(seconds: int) -> list[Arrival]:
    """Sound and picture in the order of their arrival."""
    return sorted([*picture(seconds), *sound(seconds)], key=lambda arrival: arrival[0])


def recorder(path: Path, ask_key_frame: Callable[[], None] = lambda: None) -> SegmentRecorder:
    """A recorder whose clock begins at 0."""
    return SegmentRecorder(path, "resident", 1, ask_key_frame, started_monotonic_s=0.0)


def feed(segment: SegmentRecorder, arrivals: Iterable[Arrival]) -> float:
    """Give packets at their time and take a turn each quarter second, as `Recorder` does."""
    turn_s, at_s = 0.25, 0.0
    for at_s, kind, packet in arrivals:
        while at_s >= turn_s:
            take_turn(segment, turn_s)
            turn_s += 0.25
        segment.take(kind, packet, at_s)
    take_turn(segment, turn_s)
    return turn_s


def take_turn(segment: SegmentRecorder, now: float, *, last: bool = False) -> None:
    segment.absorb(now, last=last)
    cluster = segment.take_cluster(now, last=last)
    if cluster:
        segment.write(cluster)


def finish(segment: SegmentRecorder, now: float) -> Segment:
    take_turn(segment, now, last=True)
    return segment.finish()


def recorded(path: Path, arrivals: Iterable[Arrival]) -> Segment:
    """A whole finished recording."""
    segment = recorder(path)
    return finish(segment, feed(segment, arrivals))


@functools.cache
def unfinished(seconds: int) -> bytes:
    """The bytes of a recording of both tracks whose process was killed after its last turn."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "resident-001.webm"
        segment = recorder(path)
        now = feed(segment, both(seconds))
        take_turn(segment, now, last=True)
        written = path.read_bytes()
        segment.finish()
    return written


def decoded(data: bytes) -> tuple[list[av.VideoFrame], list[av.AudioFrame]]:
    """Every frame of a file, each track from its beginning."""
    with av.open(BytesIO(data)) as container:
        pictures = list(container.decode(video=0))
    with av.open(BytesIO(data)) as container:
        sounds = list(container.decode(audio=0))
    return pictures, sounds


def packets_of(data: bytes) -> tuple[list[bytes], list[bytes]]:
    """The encoded frames of a file as another implementation reads them: picture, sound."""
    with av.open(BytesIO(data)) as container:
        found: dict[str, list[bytes]] = {"video": [], "audio": []}
        for packet in container.demux():
            if packet.size:
                found[packet.stream.type].append(bytes(packet))
    return found["video"], found["audio"]
