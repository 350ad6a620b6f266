"""An hour's call in virtual time: counters wrap, clocks drift apart, packets get lost (F20).

The sound card's clock is not the camera's, and neither is the server's; sender reports tell how
they stand to the party's wall clock. Each frame carries its number, so that the recorded file says
where the sound and the picture of one moment lie.
"""

import heapq
import random
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import pytest

from media.node.codecs import Track
from media.node.rtcp import SenderReport
from media.records.segment import SegmentRecorder
from tests.media.encoded import take_turn
from tests.media.rtp import AUDIO_SSRC, VIDEO_SSRC, delta_frame, key_frame, opus, rtp

HOUR_S = 3600
APART_MS = 80.0
MOST_BLOCKS = 8_000  # of memory: of the 230,000 packets none may stay
PARTY_AHEAD_S = 1234.5
SETTLED_S = 120.0
TURN_S = 0.25
LOSS, JITTER_S = 0.005, 0.03

Arrival = tuple[float, int, Track, bytes | SenderReport]


@dataclass(frozen=True)
class Medium:
    """One track of the party: its frames a second, and the clock its time stamps count."""

    track: Track
    ssrc: int
    rate_hz: int
    clock_hz: float
    report_s: float
    way_s: float  # encoding and sending take so long

    @property
    def first_timestamp(self) -> int:
        """The time stamps wrap around in the middle of the hour."""
        return (1 << 32) - round(self.clock_hz * HOUR_S / 2)

    def timestamp(self, captured_s: float) -> int:
        return self.first_timestamp + round(captured_s * self.clock_hz) & 0xFFFFFFFF

    def packet(self, number: int) -> bytes:
        """Sequence numbers wrap around early, and then every 65,536 packets."""
        sequence, name = 65_500 + number & 0xFFFF, struct.pack("!I", number)
        timestamp = self.timestamp(number / self.rate_hz)
        if self.track == "audio":
            return opus(sequence, timestamp=timestamp, payload=b"\xfc" + name)
        frame = delta_frame(name) if number % (10 * self.rate_hz) else key_frame(body=name)
        return rtp(sequence, b"\x10" + frame, timestamp=timestamp, marker=True)

    def arrivals(self, draw: random.Random) -> Iterator[Arrival]:
        """In the order of their sending; late ones overtake nothing within a track."""
        report_at_s, last_s = 0.3, 0.0
        for number in range(HOUR_S * self.rate_hz):
            captured_s = number / self.rate_hz
            last_s = max(last_s, captured_s + self.way_s + draw.uniform(0, JITTER_S))
            if captured_s >= report_at_s:
                report_at_s += self.report_s
                ntp = round((captured_s + PARTY_AHEAD_S) * (1 << 32))
                report = SenderReport(self.ssrc, ntp, self.timestamp(captured_s))
                yield last_s, self.ssrc, self.track, report
            if draw.random() >= LOSS:
                yield last_s, self.ssrc, self.track, self.packet(number)


def media(sound_ppm: float, camera_ppm: float) -> tuple[Medium, Medium]:
    """Sound and a camera whose clocks run fast by so many millionths."""
    return (
        Medium("audio", AUDIO_SSRC, 50, 48_000 * (1 + sound_ppm / 1e6), 5.0, 0.02),
        Medium("camera", VIDEO_SSRC, 15, 90_000 * (1 + camera_ppm / 1e6), 1.0, 0.09),
    )


def record(path: Path, tracks: tuple[Medium, Medium]) -> int:
    """Record the hour; by how many blocks of memory the recorder grew once it ran evenly."""
    segment = SegmentRecorder(path, "resident", 1, lambda: None, started_monotonic_s=0.0)
    draw = random.Random(20)
    turn_s, settled = TURN_S, 0
    for at_s, _, track, found in heapq.merge(*(medium.arrivals(draw) for medium in tracks)):
        while at_s >= turn_s:
            take_turn(segment, turn_s)
            turn_s += TURN_S
            if turn_s == SETTLED_S:
                settled = sys.getallocatedblocks()
        if isinstance(found, SenderReport):
            segment.report(track, found, at_s)
        else:
            segment.take(track, found, at_s)
    grown = sys.getallocatedblocks() - settled
    take_turn(segment, turn_s, last=True)
    finished = segment.finish()
    assert finished.state == "complete"
    assert abs(finished.duration_ms - HOUR_S * 1000) < 1000
    return grown


def lies_late_ms(path: Path, tracks: tuple[Medium, Medium]) -> dict[Track, list[float]]:
    """By how much each frame lies behind its capture, by track, in the order of the file."""
    sound, camera = tracks
    late: dict[Track, list[float]] = {"audio": [], "camera": []}
    with av.open(str(path)) as container:
        for packet in container.demux():
            if not packet.size:
                continue
            medium = sound if packet.stream.type == "audio" else camera
            (number,) = struct.unpack("!I", bytes(packet)[-4:])
            at_ms = float((packet.pts or 0) * packet.time_base) * 1000
            late[medium.track].append(at_ms - 1000 * number / medium.rate_hz)
    return late


@pytest.mark.parametrize(
    ("sound_ppm", "camera_ppm"), [(0, 0), (80, -60), (-150, 0)], ids=["even", "apart", "slow"]
)
def test_after_an_hour_sound_and_picture_are_together_and_memory_has_not_grown(
    tmp_path: Path, sound_ppm: float, camera_ppm: float
) -> None:
    path, tracks = tmp_path / "resident-001.webm", media(sound_ppm, camera_ppm)
    assert record(path, tracks) < MOST_BLOCKS
    late = lies_late_ms(path, tracks)
    for medium in tracks:
        kept = len(late[medium.track]) / (HOUR_S * medium.rate_hz)
        assert kept > (0.98 if medium.track == "audio" else 0.5)  # a lost picture costs more
    for minute in (1, 30, 59):
        sound, camera = (
            late[medium.track][len(late[medium.track]) * minute // 60 :][: 20 * medium.rate_hz]
            for medium in tracks
        )
        assert max(sound) - min(camera) < APART_MS
        assert max(camera) - min(sound) < APART_MS
