"""A video track from its packets to a file that plays: sequencer, assembler, WebM, decoder."""

import tempfile
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import av
import av.logging

from media.records import webm
from media.records.assembly import Assembler, Frame, assembler
from media.records.sequence import RtpPacket, Sequencer, read_rtp, repaired

NOW = 100.0
CODECS = ("VP8", "VP9", "H264", "AV1")
CORPORA = Path(__file__).parent.parent / "packets"
CLOCK_HZ = 90_000


def corpus(codec: str) -> list[bytes]:
    """What Chromium sent (`tests/support/record_packets.py`)."""
    data = (CORPORA / f"{codec.lower()}.rtp").read_bytes()
    packets, at = [], 0
    while at < len(data):
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        packets.append(data[start:at])
    return packets


class Track:
    """Takes RTP packets of one codec, as the recorder does, and keeps the frames they make."""

    def __init__(self, codec: str) -> None:
        self.codec = codec
        self.sequencer = Sequencer()
        self.assembler = assembler(codec)
        self.frames: list[Frame] = []
        self.private = b""

    def take(self, packets: Iterable[bytes], now: float = NOW) -> None:
        for packet in packets:
            found = read_rtp(packet, now)
            assert found is not None
            self.sequencer.push(found)
        self.wait(now)

    def repair(self, packet: bytes, now: float = NOW) -> None:
        """Take a retransmission."""
        found = read_rtp(packet, now)
        assert found is not None
        original = repaired(found)
        assert original is not None
        self.sequencer.push(original)
        self.wait(now)

    def wait(self, now: float, *, last: bool = False) -> None:
        for packet, timestamp, gap in self.sequencer.pop(now, last=last):
            frame = self.assembler.push(packet, timestamp, gap)
            if frame is not None:
                self.private = self.private or self.assembler.private
                self.frames.append(frame)

    @property
    def payloads(self) -> list[bytes]:
        return [frame.payload for frame in self.frames]

    def file(self) -> bytes:
        """A finished WebM file of the frames; it begins with a key frame."""
        first = self.frames[0]
        blocks = [
            webm.Block(
                webm.VIDEO_TRACK,
                (frame.timestamp - first.timestamp) * 1000 // CLOCK_HZ,
                frame.key,
                frame.payload,
            )
            for frame in self.frames
        ]
        cluster = webm.cluster(blocks)
        with tempfile.TemporaryFile() as file:
            descriptor = file.fileno()
            webm.write_whole(descriptor, webm.HEADER + cluster, 0)
            picture = webm.Picture(self.codec, first.width, first.height, self.private)
            webm.describe(descriptor, audio=False, video=picture)
            cue = webm.Cue(0, webm.position_in_segment(len(webm.HEADER)))
            size = len(webm.HEADER) + len(cluster)
            webm.finish(descriptor, size, blocks[-1].time_ms, (cue,))
            file.seek(0)
            return file.read()


def decoded(file: bytes) -> list[av.VideoFrame]:
    """Every picture of a file. What the decoder complains about fails the test."""
    before = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture(local=False) as complaints, av.open(BytesIO(file)) as container:
            container.streams.video[0].codec_context.thread_count = 1
            pictures = list(container.decode(video=0))
    finally:
        av.logging.set_level(before)
    assert complaints == []
    assert not any(picture.is_corrupt for picture in pictures)
    return pictures


def framed(codec: str, payloads: list[bytes]) -> Frame | None:
    """What a new assembler makes of these payloads of one frame; the last one is marked."""
    return pushed(assembler(codec), payloads)


def pushed(under_test: Assembler, payloads: list[bytes], *, gap: bool = False) -> Frame | None:
    """What this assembler makes of these payloads of one frame; the last one is marked."""
    found = None
    for number, payload in enumerate(payloads):
        packet = RtpPacket(number, 900, number == len(payloads) - 1, payload, NOW + number)
        found = under_test.push(packet, 900, gap and number == 0)
    return found
