"""How do the packets of a running call become files? One WebM per party and connection.

`packet` only appends to a bounded inbox; twice a second the owner's task makes frames of it, and
once a second a thread writes one whole cluster and syncs it to the disk. So a killed process
loses about a second, and a slow disk never slows a call: what it cannot take is counted and
stands in the manifest.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from media.node.sdp import CLOCK_RATE_HZ, Kind
from media.records import webm
from media.records.assembly import assembler
from media.records.manifest import Segment
from media.records.sequence import Sequencer, read_rtp, repaired

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

INBOX_PACKETS = 20_000  # about 40 s of a 720p call
CLUSTER_S = 1.0
LEAP_MS = 10_000  # a time stamp this far from its arrival is not about this moment
_TURN_S = 0.25


@dataclass(slots=True)
class _Timeline:
    """Where a track's RTP time stamps lie on the file's clock."""

    clock_hz: int
    first_timestamp: int | None = None
    first_ms: int = 0
    last_ms: int = 0

    def at_ms(self, timestamp: int, arrived_ms: int) -> int:
        if self.first_timestamp is None:
            self.first_timestamp, self.first_ms = timestamp, max(arrived_ms, 0)
        elapsed = (timestamp - self.first_timestamp) * 1000 // self.clock_hz
        if abs(self.first_ms + elapsed - arrived_ms) > LEAP_MS:  # the source's clock was reset
            self.first_timestamp, self.first_ms, elapsed = timestamp, max(arrived_ms, 0), 0
        self.last_ms = max(self.last_ms, self.first_ms + elapsed)
        return self.last_ms


@dataclass(eq=False)
class SegmentRecorder:
    """Records one connection of one party into one file. A `media.node.relay.Tap`.

    `ask_key_frame` is called when the picture cannot go on without one.
    """

    path: Path
    party: str
    number: int
    ask_key_frame: Callable[[], None]
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started_monotonic_s: float = field(default_factory=time.monotonic)
    overflow: int = 0
    failed: str = ""
    width: int = 0
    height: int = 0
    audio_frames: int = 0
    video_frames: int = 0

    def __post_init__(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o640)
        try:
            webm.write_whole(self._descriptor, webm.HEADER, 0)
        except OSError:
            self.abandon()
            raise
        self._size = len(webm.HEADER)
        self._inbox: list[tuple[Kind, bytes, float]] = []
        self._audio, self._video = Sequencer(), Sequencer()
        self._vp8 = assembler("VP8")
        self._audio_line = _Timeline(CLOCK_RATE_HZ["audio"])
        self._video_line = _Timeline(CLOCK_RATE_HZ["video"])
        self._blocks: list[webm.Block] = []
        self._cues: list[webm.Cue] = []
        self._cluster_began_s = 0.0
        self._picture: webm.Picture | None = None

    def packet(self, kind: Kind, packet: bytes, arrived_monotonic_s: float) -> None:
        """Take one plain RTP packet; returns at once."""
        if len(self._inbox) < INBOX_PACKETS:
            self._inbox.append((kind, packet, arrived_monotonic_s))
        else:
            self.overflow += 1

    def absorb(self, now: float, *, last: bool = False) -> None:
        """Make frames of what has come; `last` waits for no missing packet any more."""
        inbox, self._inbox = self._inbox, []
        for kind, packet, arrived_s in inbox:
            parsed = read_rtp(packet, arrived_s)
            if parsed is None:
                continue
            if kind == "audio":
                self._audio.push(parsed)
                continue
            if kind == "rtx":
                parsed = repaired(parsed)
            if parsed is not None:
                self._video.push(parsed)
        for parsed, timestamp, _ in self._audio.pop(now, last=last):
            if not parsed.payload:
                continue
            at_ms = self._audio_line.at_ms(timestamp, self._ms(parsed.arrived_s))
            self._add(webm.Block(webm.AUDIO_TRACK, at_ms, True, parsed.payload), now)
            self.audio_frames += 1
        pictures = self._video.pop(now, last=last)
        for parsed, timestamp, gap in pictures:
            frame = self._vp8.push(parsed, timestamp, gap)
            if frame is None:
                continue
            if frame.key and not self.width:
                self.width, self.height = frame.width, frame.height
                self._picture = webm.Picture("VP8", frame.width, frame.height)
            at_ms = self._video_line.at_ms(frame.timestamp, self._ms(frame.arrived_s))
            self._add(webm.Block(webm.VIDEO_TRACK, at_ms, frame.key, frame.payload), now)
            self.video_frames += 1
        if pictures and self._vp8.needs_key and not last:
            self.ask_key_frame()

    def take_cluster(self, now: float, *, last: bool = False) -> bytes:
        """The next cluster to write; b"" while it is not a second long yet."""
        if not self._blocks or not (last or now - self._cluster_began_s >= CLUSTER_S):
            return b""
        blocks, self._blocks = sorted(self._blocks, key=lambda b: b.time_ms), []
        encoded = bytearray()
        for part in webm.spans(blocks):
            if any(b.track == webm.VIDEO_TRACK and b.key for b in part) or not self._cues:
                position = webm.position_in_segment(self._size)
                self._cues.append(webm.Cue(part[0].time_ms, position))
            cluster = webm.cluster(part)
            encoded += cluster
            self._size += len(cluster)
        return bytes(encoded)

    def write(self, cluster: bytes) -> None:
        """Put one cluster on the disk (in a thread). A failure is kept in `failed`, once."""
        if self.failed:
            return
        try:
            if self._picture is not None:
                webm.describe(self._descriptor, audio=True, video=self._picture)
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
            state=state,
            started_at=self.started_at,
            duration_ms=duration_ms,
            width=self.width,
            height=self.height,
            audio_frames=self.audio_frames,
            video_frames=self.video_frames,
            lost_packets=self._audio.lost + self._video.lost + self.overflow,
            skipped_frames=self._vp8.skipped,
            failure=self.failed,
        )

    def _ms(self, monotonic_s: float) -> int:
        return round((monotonic_s - self.started_monotonic_s) * 1000)

    def _add(self, block: webm.Block, now: float) -> None:
        if not self._blocks:
            self._cluster_began_s = now
        self._blocks.append(block)


class Recorder:
    """Owns the running segments: one task makes frames, one thread writes.

    `stop` finishes what still runs.
    """

    def __init__(self) -> None:
        self._running: dict[SegmentRecorder, asyncio.Lock] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="recorder")
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to work."""
        self._task = asyncio.create_task(self._run(), name="recorder")

    async def stop(self) -> None:
        """Finish every running segment, then end the thread."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for segment in list(self._running):
            await self.finish(segment)
        self._thread.shutdown()

    def add(self, segment: SegmentRecorder) -> None:
        """Record this segment until `finish`."""
        self._running[segment] = asyncio.Lock()

    async def finish(self, segment: SegmentRecorder) -> Segment:
        """Write what is left and close the file. A segment is finished once."""
        lock = self._running.pop(segment)
        async with lock:
            await self._turn(segment, last=True)
            return await self._in_thread(segment.finish)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_TURN_S)
            for segment, lock in list(self._running.items()):
                async with lock:
                    if segment not in self._running:
                        continue
                    await self._turn(segment)

    async def _turn(self, segment: SegmentRecorder, *, last: bool = False) -> None:
        """One segment's trouble, also one nobody thought of, must not end the others."""
        now = time.monotonic()
        try:
            segment.absorb(now, last=last)
            cluster = segment.take_cluster(now, last=last)
        except Exception as error:
            segment.fail(error)
            return
        if cluster:
            await self._in_thread(segment.write, cluster)

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, partial(work, *args, **kwargs))
