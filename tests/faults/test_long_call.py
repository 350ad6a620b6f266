"""An hour's call in virtual time: counters wrap, clocks drift apart, packets get lost (F20).

The sound card's clock is not the camera's, and neither is the server's; sender reports tell how
they stand to the party's wall clock. Each frame carries its number, so that the recorded file says
where the sound and the picture of one moment lie. The packets of an hour also pass a real media
process, as fast as it takes them, and its memory is read before and after.
"""

import heapq
import os
import random
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import av
import pytest

from deploy.bench.media.usage import resident_mb
from media.host.api import Plan
from media.host.remote import RemoteHost
from media.node.codecs import OPUS, VIDEO, Track
from media.node.node import Invitation
from media.node.rtcp import SenderReport
from media.records.segment import SegmentRecorder
from tests.media.encoded import take_turn
from tests.media.light import At, LightParty
from tests.media.rtp import AUDIO_SSRC, VIDEO_SSRC, delta_frame, key_frame, opus, rtp
from tests.support.service import MEDIA_TOKEN, MediaProcess

HOUR_S = 3600
APART_MS = 80.0
MOST_BLOCKS = 8_000  # of memory: of the 230,000 packets none may stay
MOST_MB = 20.0
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


def record(path: Path, tracks: tuple[Medium, Medium]) -> tuple[int, float]:
    """Record the hour; by how many blocks and megabytes of memory it grew once it ran evenly."""
    segment = SegmentRecorder(path, "resident", 1, lambda: None, started_monotonic_s=0.0)
    draw = random.Random(20)
    turn_s, settled, settled_mb = TURN_S, 0, 0.0
    for at_s, _, track, found in heapq.merge(*(medium.arrivals(draw) for medium in tracks)):
        while at_s >= turn_s:
            take_turn(segment, turn_s)
            turn_s += TURN_S
            if turn_s == SETTLED_S:
                settled, settled_mb = sys.getallocatedblocks(), resident_mb(os.getpid())
        if isinstance(found, SenderReport):
            segment.report(track, found, at_s)
        else:
            segment.take(track, found, at_s)
    grown = sys.getallocatedblocks() - settled, resident_mb(os.getpid()) - settled_mb
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
    blocks, megabytes = record(path, tracks)
    assert blocks < MOST_BLOCKS
    assert megabytes < MOST_MB
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


# Through a media process

SOUNDS, PICTURES = 50, 15  # a second
EACH = SOUNDS + PICTURES
AT_ONCE_S = 2  # of the call; what a socket's buffer holds
RUN_IN_S = 300


class Counting(LightParty):
    """A party that only counts the media it gets."""

    got = 0

    def receive(self, datagram: bytes) -> None:
        if 127 < datagram[0] < 192 and not 192 <= datagram[1] <= 223:
            self.got += 1
            self.arrived.set()
        else:
            super().receive(datagram)

    async def got_all(self, second: int) -> None:
        """Wait for what the other one has sent until this second."""
        await self.until(lambda: self.got == (second + 1) * EACH)

    def live(self, second: int) -> None:
        """Send what a party sends in this second of the call."""
        now_s = time.monotonic()
        for place in range(SOUNDS):
            self.send(
                rtp(
                    second * SOUNDS + place & 0xFFFF,
                    b"\xfcsound",
                    timestamp=round(now_s * 48_000) + place & 0xFFFFFFFF,
                    ssrc=self.ssrc("audio"),
                    payload_type=OPUS,
                )
            )
        for place in range(PICTURES):
            self.send(
                rtp(
                    second * PICTURES + place & 0xFFFF,
                    b"\x10" + (delta_frame() if second % 10 or place else key_frame()),
                    timestamp=round(now_s * 90_000) + place & 0xFFFFFFFF,
                    ssrc=self.ssrc("camera"),
                    payload_type=VIDEO["VP8"],
                    marker=True,
                )
            )


async def test_the_packets_of_an_hour_leave_a_media_process_its_memory(tmp_path: Path) -> None:
    taken_at = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
    async with MediaProcess("a", tmp_path / "data") as process:
        url = f"http://127.0.0.1:{process.settings.control_port}"
        host = RemoteHost("a", url, MEDIA_TOKEN)
        await host.start(lambda news: None)
        parties: list[Counting] = []
        try:
            for number, name in enumerate(("resident", "clerk")):
                made = await host.invite()
                party = Counting(Invitation(made.connection, made.offer), number + 1)  # type: ignore[arg-type]
                parties.append(party)
                await host.answer(party.connection, party.answer())
                plan = Plan(
                    call="call-7", party=name, visit="visit-7", city="lanzhou", taken_at=taken_at
                )
                await host.join(party.connection, plan)
                await party.connect(At(process.settings.media_port))
            run_in_mb = 0.0
            one, other = parties
            for second in range(HOUR_S):
                one.live(second)
                other.live(second)
                if second % AT_ONCE_S == 0:
                    await one.got_all(second)
                    await other.got_all(second)
                if second == RUN_IN_S:
                    run_in_mb = resident_mb(process.pid)
            grown_mb = resident_mb(process.pid) - run_in_mb
            counted = (await process.status())["connections"]
            passed = [(c["received"], c["forwarded"]) for c in counted]
            assert passed == [(HOUR_S * EACH, HOUR_S * EACH)] * 2
            assert grown_mb < MOST_MB
            await host.close("call-7")
        finally:
            for party in parties:
                await party.hang_up()
            await host.stop()
