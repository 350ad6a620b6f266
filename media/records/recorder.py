"""How do the packets of a running call become files? A tap for each party, one task, one thread.

A tap only appends to a bounded inbox; a few times a second the recorder's task makes frames of it,
and once a second a thread writes one whole cluster and syncs it to the disk. So a killed process
loses about a second, and a slow disk never slows a call: what it cannot take is counted and
stands in the manifest. A segment begins with the first packet and ends with the connection, with
a change of codec, or with a pause of the recording.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Literal, ParamSpec, TypeVar

from media.node.codecs import PAYLOAD_TYPES, Track
from media.node.rtcp import SenderReport
from media.records import manifest as manifests
from media.records.manifest import Manifest, Segment
from media.records.segment import Content, SegmentRecorder
from media.records.sequence import read_rtp
from media.records.store import Store
from media.records.timeline import PartyClock

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

INBOX_PACKETS = 20_000  # about 40 s of a 720p call
STEP_PACKETS, FEW_TAPS = 24, 4
TRY_AGAIN_S = 10.0
_TURN_S = 0.25

RecordingState = Literal["recording", "paused", "failed"]
_Entry = tuple[Track, bytes | SenderReport, float]


@dataclass(frozen=True, slots=True)
class Visit:
    """Whose call is recorded, and into which folder."""

    id: str
    call: str
    city: str
    taken_at: datetime


@dataclass(eq=False)
class PartyTap:
    """What one connection of one party sends, on its way to files. A `media.node.relay.Tap`."""

    visit: Visit
    party: str
    ask_key_frame: Callable[[Track], None]
    paused: bool = False
    state: RecordingState | None = None  # what was told last; None before its first file
    overflow: int = 0
    inbox: list[_Entry] = field(default_factory=list)
    segments: dict[Content, SegmentRecorder] = field(default_factory=dict)
    clock: PartyClock = field(default_factory=PartyClock)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    try_after_s: float = 0.0

    def missed(self, packets: int) -> None:
        """So many did not fit into the inbox."""
        self.overflow += packets

    def packet(self, track: Track, packet: bytes, arrived_monotonic_s: float) -> None:
        """Take one plain RTP packet; returns at once."""
        if self.paused:
            return
        if len(self.inbox) < INBOX_PACKETS:
            self.inbox.append((track, packet, arrived_monotonic_s))
        else:
            self.overflow += 1

    def report(self, track: Track, report: SenderReport, arrived_monotonic_s: float) -> None:
        """Take a sender report; returns at once."""
        if not self.paused and len(self.inbox) < INBOX_PACKETS:
            self.inbox.append((track, report, arrived_monotonic_s))


class Recorder:
    """Records what taps take into the store: one task makes frames, one thread writes.

    `listener` hears when the recording of a call begins, fails or pauses; `wrote` how many
    seconds each write took.
    """

    def __init__(
        self,
        store: Store,
        listener: Callable[[str, RecordingState], None] = lambda *_: None,
        wrote: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self.store = store
        self._listener, self._wrote = listener, wrote
        self._taps: set[PartyTap] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="recorder")
        self._task: asyncio.Task[None] | None = None
        self._paused: set[str] = set()
        self.bytes_written = 0
        self.failures = 0

    async def start(self) -> None:
        """Begin to work."""
        self._task = asyncio.create_task(self._run(), name="recorder")

    async def stop(self) -> None:
        """Finish everything that still runs, then end the thread."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for tap in list(self._taps):
            self.close(tap)
        await self.settled()
        self._thread.shutdown()

    async def settled(self) -> None:
        """Wait until all segments whose connection has ended are sealed."""
        while self._closing:
            await asyncio.gather(*self._closing)

    @property
    def running(self) -> int:
        """Segments that are being written now."""
        return sum(len(tap.segments) for tap in self._taps)

    def open(self, visit: Visit, party: str, ask_key_frame: Callable[[Track], None]) -> PartyTap:
        """A tap for a connection of this party; files begin with its first packets."""
        tap = PartyTap(visit, party, ask_key_frame, paused=visit.call in self._paused)
        self._taps.add(tap)
        return tap

    def close(self, tap: PartyTap) -> None:
        """The connection has ended: finish its files and note their hashes, in the background."""
        if tap in self._taps:
            self._taps.discard(tap)
            task = asyncio.create_task(self._close(tap), name="seal recording")
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def forget(self, call: str) -> None:
        """The call is over; a pause ends with it."""
        self._paused.discard(call)

    async def pause(self, call: str) -> None:
        """From now on nothing of this call is kept; what came before is written."""
        self._paused.add(call)
        for tap in self._of(call):
            async with tap.lock:
                await self._turn(tap, last=True, pause=True)
        self._listener(call, "paused")

    async def resume(self, call: str) -> None:
        """Keep what is sent from now on, in new files that begin with a key frame."""
        self._paused.discard(call)
        for tap in self._of(call):
            tap.inbox.clear()  # the compiled way put it there
            tap.paused = False
            tap.ask_key_frame("camera")
            tap.ask_key_frame("screen")
        self._listener(call, "recording")

    def _of(self, call: str) -> list[PartyTap]:
        return [tap for tap in self._taps if tap.visit.call == call]

    async def _run(self) -> None:
        """One tap after the other, spread over the time: a call's packets never wait for all."""
        while True:
            taps = list(self._taps)
            if not taps:
                await asyncio.sleep(_TURN_S)
            for tap in taps:
                await asyncio.sleep(_TURN_S / len(taps))
                async with tap.lock:
                    if tap in self._taps:
                        await self._turn(tap)

    async def _close(self, tap: PartyTap) -> None:
        async with tap.lock:
            await self._turn(tap, last=True)

    async def _turn(self, tap: PartyTap, *, last: bool = False, pause: bool = False) -> None:
        """One tap's trouble, also one nobody thought of, must not end the others."""
        inbox = [] if tap.paused else tap.inbox[:]
        tap.inbox.clear()  # never replaced: the compiled way holds this very list
        tap.paused = tap.paused or pause
        try:
            await self._absorb(tap, inbox, last=last)
        except Exception:
            log.exception("x recording of %s", tap.party)
            self._failed(tap)
        if last:
            for content in list(tap.segments):
                await self._seal(tap, tap.segments.pop(content))

    async def _absorb(self, tap: PartyTap, inbox: list[_Entry], *, last: bool) -> None:
        for number, (track, taken, arrived_s) in enumerate(inbox):
            if number % STEP_PACKETS == STEP_PACKETS - 1:
                await self._let_others()
            content: Content = "screen" if track == "screen" else "camera"
            segment = tap.segments.get(content)
            if isinstance(taken, SenderReport):
                if segment is not None:
                    segment.report(track, taken, arrived_s)
                continue
            if segment is not None and not segment.holds(taken):
                if PAYLOAD_TYPES[taken[1] & 0x7F].kind == "rtx":
                    continue  # it repairs the codec before
                await self._seal(tap, tap.segments.pop(content))
                segment = None
            if segment is None:
                if not _begins(taken):
                    continue
                if arrived_s < tap.try_after_s:
                    tap.overflow += 1
                    continue
                segment = await self._open(tap, content, arrived_s)
                if segment is None:
                    tap.overflow += 1
                    continue
                tap.segments[content] = segment
            segment.take(track, taken, arrived_s)
        await self._let_others()
        now = time.monotonic()
        for content, segment in list(tap.segments.items()):
            segment.overflow += tap.overflow
            tap.overflow = 0
            segment.absorb(now, last=last)
            await self._let_others()
            cluster = segment.take_cluster(now, last=last)
            if cluster:
                began_s = time.monotonic()
                await self._in_thread(segment.write, cluster)
                self._wrote(time.monotonic() - began_s)
                self.bytes_written += len(cluster)
            if segment.failed:
                await self._seal(tap, tap.segments.pop(content))
                self._failed(tap)

    async def _let_others(self) -> None:
        """The packets of other calls wait for one step of a turn at most."""
        if len(self._taps) > FEW_TAPS:
            await asyncio.sleep(0)

    def _failed(self, tap: PartyTap) -> None:
        """Try another file after a while; tell at once."""
        tap.try_after_s = time.monotonic() + TRY_AGAIN_S
        self.failures += 1
        if tap.state != "failed":
            tap.state = "failed"
            self._listener(tap.visit.call, "failed")

    async def _open(
        self, tap: PartyTap, content: Content, arrived_s: float
    ) -> SegmentRecorder | None:
        """Begin a file; None (and an alarm) if the disk does not take it."""
        ask = partial(tap.ask_key_frame, content)
        try:
            segment = await self._in_thread(self._make, tap, content, ask, arrived_s)
        except OSError as error:
            log.error("x no recording for call %s %s: %s", tap.visit.call, tap.party, error)
            self._failed(tap)
            return None
        if tap.state != "recording":
            tap.state = "recording"
            self._listener(tap.visit.call, "recording")
        tap.ask_key_frame(content)
        return segment

    def _make(
        self, tap: PartyTap, content: Content, ask: Callable[[], None], arrived_s: float
    ) -> SegmentRecorder:
        """In the thread: the next free file, and its name in the manifest. Raises OSError."""
        folder = self._folder(tap)
        name = tap.party if content == "camera" else f"{tap.party}-{content}"
        while True:
            number = self.store.next_number(folder, name)
            try:
                segment = SegmentRecorder(
                    self.store.segment_path(folder, name, number),
                    tap.party,
                    number,
                    ask,
                    content=content,
                    clock=tap.clock,
                    started_at=datetime.now(UTC) - timedelta(seconds=time.monotonic() - arrived_s),
                    started_monotonic_s=arrived_s,
                )
                break
            except FileExistsError:  # another media host was faster
                continue
        try:
            self._note(tap, segment.segment("recording"))
        except OSError:
            segment.abandon()
            raise
        return segment

    async def _seal(self, tap: PartyTap, segment: SegmentRecorder) -> None:
        """Write what is left, close the file, note its hash."""
        try:
            now = time.monotonic()
            segment.absorb(now, last=True)
            cluster = segment.take_cluster(now, last=True)
            if cluster:
                await self._in_thread(segment.write, cluster)
        except Exception as error:
            segment.fail(error)
        try:
            await self._in_thread(self._finish, tap, segment)
        except OSError:
            log.exception("x the recording %s could not be sealed", segment.path.name)

    def _finish(self, tap: PartyTap, segment: SegmentRecorder) -> None:
        """In the thread. A file without a frame is taken away. Raises OSError."""
        finished = segment.finish()
        folder = self._folder(tap)
        if not finished.audio_frames and not finished.video_frames:
            segment.path.unlink()
            manifests.change(folder, _empty(tap.visit), lambda m: m.without_segment(finished.file))
            return
        self._note(tap, manifests.sealed(folder, finished))

    def _note(self, tap: PartyTap, segment: Segment) -> None:
        manifests.change(
            self._folder(tap), _empty(tap.visit), lambda manifest: manifest.with_segment(segment)
        )

    def _folder(self, tap: PartyTap) -> Path:
        visit = tap.visit
        return self.store.folder(visit.city, visit.id, visit.taken_at)

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, partial(work, *args, **kwargs))


def _begins(packet: bytes) -> bool:
    """Whether a file is worth beginning: not for padding, which browsers send to probe a path."""
    if PAYLOAD_TYPES[packet[1] & 0x7F].kind == "rtx":
        return False
    parsed = read_rtp(packet, 0.0)
    return parsed is not None and len(parsed.payload) > 0


def _empty(visit: Visit) -> Manifest:
    return Manifest(visit=visit.id, call=visit.call, city=visit.city)
