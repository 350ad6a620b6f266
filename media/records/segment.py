"""How do packets become one file? Frames on the time line, in clusters of a second.

A file holds what one party sent over one connection: sound and camera, or a shared screen, each in
one codec. `take` and `absorb` run in the event loop, `write` and `finish` in the recorder's
thread; every number that the manifest states is counted here.
"""

import fcntl
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import Literal

from media.node.codecs import CLOCK_RATE_HZ, PAYLOAD_TYPES, RED, Track
from media.node.rtcp import SenderReport
from media.records import webm
from media.records.assembly import Assembler, assembler
from media.records.manifest import Gap, Segment
from media.records.sequence import RtpPacket, Sequencer, read_red, read_rtp, repaired
from media.records.timeline import PartyClock, Timeline

log = logging.getLogger(__name__)

CLUSTER_S = 0.9  # what a killed process loses; with its way to the disk, a second at most
GAP_MS = 1000  # a silence of a track that the manifest states
MOST_GAPS = 1000

_TIME = attrgetter("time_ms")

Content = Literal["camera", "screen"]


@dataclass(eq=False)
class SegmentRecorder:
    """Records into one file. `ask_key_frame` is called when the picture cannot go on without one.

    Raises OSError if the file cannot be made.
    """

    path: Path
    party: str
    number: int
    ask_key_frame: Callable[[], None]
    content: Content = "camera"
    clock: PartyClock = field(default_factory=PartyClock)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started_monotonic_s: float = field(default_factory=time.monotonic)
    overflow: int = 0
    failed: str = ""
    codec: str = ""
    width: int = 0
    height: int = 0
    audio_frames: int = 0
    video_frames: int = 0

    def __post_init__(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o640)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)  # says that it is being written
        try:
            webm.write_whole(self._descriptor, webm.HEADER, 0)
        except OSError:
            self.abandon()
            raise
        self._size = len(webm.HEADER)
        self._audio, self._video = Sequencer(), Sequencer()
        self._assembler: Assembler | None = None
        began_s = self.started_monotonic_s
        self._audio_line = Timeline(CLOCK_RATE_HZ["audio"], self.clock, began_s)
        self._video_line = Timeline(CLOCK_RATE_HZ["camera"], self.clock, began_s)
        self._blocks: list[webm.Block] = []
        self._cues: list[webm.Cue] = []
        self._taken_s = self._absorbed_s = self.started_monotonic_s
        self._turn_s = 0.0
        self._picture: webm.Picture | None = None
        self._last_ms: dict[webm.Track, int] = {}
        self._gaps: list[Gap] = []

    def holds(self, packet: bytes) -> bool:
        """Whether this packet can lie in this file: a file's picture has one codec."""
        described = PAYLOAD_TYPES[packet[1] & 0x7F]
        return described.codec == "opus" or self.codec in ("", described.codec)

    def take(self, track: Track, packet: bytes, arrived_s: float) -> None:
        """Take one plain RTP packet that this file `holds`."""
        described = PAYLOAD_TYPES[packet[1] & 0x7F]
        parsed = read_rtp(packet, arrived_s)
        if parsed is None:
            return
        if track == "audio":
            if described.number == RED:
                for sound in read_red(parsed):
                    self._audio.push(sound)
            else:
                self._audio.push(parsed)
            return
        if not self.codec:
            self.codec = described.codec
            self._assembler = assembler(described.codec)
        repair = repaired(parsed) if described.kind == "rtx" else parsed
        if repair is not None:
            self._video.push(repair)

    def report(self, track: Track, report: SenderReport, arrived_s: float) -> None:
        """The party said when this track's time stamps were."""
        line = self._audio_line if track == "audio" else self._video_line
        line.report(report, arrived_s)

    def absorb(self, now: float, *, last: bool = False) -> None:
        """Make frames of what has come; `last` waits for no missing packet any more."""
        self._turn_s, self._absorbed_s = now - self._absorbed_s, now
        for parsed, timestamp, _ in self._audio.pop(now, last=last):
            if parsed.payload:
                at_ms = self._audio_line.at_ms(timestamp, parsed.arrived_s)
                self._add(webm.Block(webm.AUDIO_TRACK, at_ms, True, parsed.payload))
                self.audio_frames += 1
        pictures = self._video.pop(now, last=last)
        if pictures and self._assembler is not None:
            self._make_frames(self._assembler, pictures)
            if self._assembler.needs_key and not last:
                self.ask_key_frame()

    def _make_frames(self, maker: Assembler, pictures: list[tuple[RtpPacket, int, bool]]) -> None:
        for parsed, timestamp, gap in pictures:
            frame = maker.push(parsed, timestamp, gap)
            if frame is None:
                continue
            if frame.key and not self.width:
                self.width, self.height = frame.width, frame.height
                self._picture = webm.Picture(self.codec, frame.width, frame.height, maker.private)
            at_ms = self._video_line.at_ms(frame.timestamp, frame.arrived_s)
            self._add(webm.Block(webm.VIDEO_TRACK, at_ms, frame.key, frame.payload))
            self.video_frames += 1

    def take_cluster(self, now: float, *, last: bool = False) -> bytes:
        """The next cluster to write; b"" while the next turn, as late as this one, will do."""
        due = last or now + self._turn_s - self._taken_s >= CLUSTER_S
        if not self._blocks or not due:
            return b""
        self._taken_s = now
        blocks, self._blocks = sorted(self._blocks, key=_TIME), []
        encoded: list[bytes] = []
        for part in webm.spans(blocks):
            if any(b.track == webm.VIDEO_TRACK and b.key for b in part) or not self._cues:
                position = webm.position_in_segment(self._size)
                self._cues.append(webm.Cue(part[0].time_ms, position))
            cluster = webm.cluster(part)
            encoded.append(cluster)
            self._size += len(cluster)
        return encoded[0] if len(encoded) == 1 else b"".join(encoded)

    def write(self, cluster: bytes) -> None:
        """Put one cluster on the disk (in a thread). A failure is kept in `failed`, once."""
        if self.failed:
            return
        try:
            if self._picture is not None:
                webm.describe(self._descriptor, audio=self.content == "camera", video=self._picture)
                self._picture = None
            webm.write_whole(self._descriptor, cluster, self._size - len(cluster))
            os.fdatasync(self._descriptor)
        except OSError as error:
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """Give this segment up, once, and say why; what is on the disk stays."""
        if self.failed:
            return
        self.failed = getattr(error, "strerror", None) or str(error) or type(error).__name__
        log.error("x recording %s stopped: %s", self.path.name, self.failed, exc_info=error)

    def finish(self) -> Segment:
        """Make the file seekable and close it (in a thread); returns what the manifest says."""
        duration_ms = max(self._audio_line.last_ms, self._video_line.last_ms)
        try:
            if not self.failed:
                webm.finish(self._descriptor, self._size, duration_ms, tuple(self._cues))
        except OSError as error:
            self.failed = error.strerror or str(error)
        finally:
            os.close(self._descriptor)
        return self.segment("failed" if self.failed else "complete", duration_ms)

    def abandon(self) -> None:
        """Close and take away a file that nothing was recorded into."""
        os.close(self._descriptor)
        self.path.unlink(missing_ok=True)

    def segment(self, state: str, duration_ms: int = 0) -> Segment:
        """This file as the manifest describes it."""
        return Segment(
            party=self.party,
            number=self.number,
            file=self.path.name,
            content=self.content,
            state=state,
            started_at=self.started_at,
            duration_ms=duration_ms,
            video_codec=self.codec,
            width=self.width,
            height=self.height,
            audio_frames=self.audio_frames,
            video_frames=self.video_frames,
            lost_packets=self._audio.lost + self._video.lost + self.overflow,
            skipped_frames=self._assembler.skipped if self._assembler is not None else 0,
            gaps=tuple(self._gaps),
            failure=self.failed,
        )

    def _add(self, block: webm.Block) -> None:
        self._blocks.append(block)
        before_ms = self._last_ms.get(block.track)
        self._last_ms[block.track] = block.time_ms
        if before_ms is not None and block.time_ms - before_ms > GAP_MS:
            track = "audio" if block.track == webm.AUDIO_TRACK else self.content
            if len(self._gaps) < MOST_GAPS:
                self._gaps.append(Gap(track=track, start_ms=before_ms, end_ms=block.time_ms))
