"""A video track as the recorder reads it: packets, sequencer, assembler, frames."""

from media.records.assembly import Assembler, Frame, assembler
from media.records.sequence import RtpPacket, Sequencer, read_rtp, repaired
from tests.media.rtp import RTX

NOW = 100.0


class Track:
    """Takes RTP packets of one codec and keeps the frames they make."""

    def __init__(self, codec: str) -> None:
        self.sequencer = Sequencer()
        self.assembler = assembler(codec)
        self.frames: list[Frame] = []

    def take(self, packets: list[bytes], now: float = NOW) -> None:
        for packet in packets:
            found = read_rtp(packet, now)
            assert found is not None
            if packet[1] & 0x7F == RTX:
                found = repaired(found)
                assert found is not None
            self.sequencer.push(found)
        self.wait(now)

    def wait(self, now: float, *, last: bool = False) -> None:
        for packet, timestamp, gap in self.sequencer.pop(now, last=last):
            frame = self.assembler.push(packet, timestamp, gap)
            if frame is not None:
                self.frames.append(frame)

    @property
    def payloads(self) -> list[bytes]:
        return [frame.payload for frame in self.frames]


def framed(codec: str, payloads: list[bytes], *, gap: bool = False) -> Frame | None:
    """What a new assembler makes of these payloads of one frame; the last one is marked."""
    return pushed(assembler(codec), payloads, gap=gap)


def pushed(under_test: Assembler, payloads: list[bytes], *, gap: bool = False) -> Frame | None:
    """What this assembler makes of these payloads of one frame; the last one is marked."""
    found = None
    for number, payload in enumerate(payloads):
        packet = RtpPacket(number, 900, number == len(payloads) - 1, payload, NOW + number)
        found = under_test.push(packet, 900, gap and number == 0)
    return found
