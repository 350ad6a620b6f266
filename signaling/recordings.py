"""Which files belong to which connection? Opens, seals and finds the recordings of visits.

Joins the switchboard's calls to `media/records/`: a segment for each connection of each party,
and the manifest of the visit that names them all.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from weakref import WeakValueDictionary

import msgspec

from media.records import manifest as manifests
from media.records.manifest import Manifest, NoManifest
from media.records.recorder import Recorder, SegmentRecorder
from media.records.store import Store
from scheduling.record import Visit
from signaling.call import Call, Party

log = logging.getLogger(__name__)


class Recordings:
    """The recordings of running calls. `start` first finishes what a killed process left."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._recorder = Recorder()
        self._segments: dict[str, tuple[Path, SegmentRecorder]] = {}
        self._locks: WeakValueDictionary[Path, asyncio.Lock] = WeakValueDictionary()
        self._sealing: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Recover torn segments, then begin to record."""
        recovered = await asyncio.to_thread(self.store.recover)
        if recovered:
            log.warning("- finished the recordings of %d interrupted visits", recovered)
        await self._recorder.start()

    async def stop(self) -> None:
        """Seal everything that still runs."""
        await self.settled()
        for connection in list(self._segments):
            self.seal(connection)
        await self.settled()
        await self._recorder.stop()

    async def settled(self) -> None:
        """Wait until all segments that were ended are sealed."""
        while self._sealing:
            await asyncio.gather(*self._sealing)

    def folder(self, visit: Visit) -> Path:
        """Where the recordings of this visit lie."""
        return self.store.folder(visit.city, visit.id, visit.taken_at)

    async def open(
        self, visit: Visit, call: Call, party: Party, ask_key_frame: Callable[[], None]
    ) -> SegmentRecorder | None:
        """Begin a segment; None (and an alarm in the log) if the disk does not take it."""
        folder = self.folder(visit)
        segment: SegmentRecorder | None = None
        async with self._lock(folder):
            try:
                number = await asyncio.to_thread(self.store.next_number, folder, party)
                path = self.store.segment_path(folder, party, number)
                segment = SegmentRecorder(path, party, number, ask_key_frame)
                manifest = await self._read(folder, visit, call)
                changed = manifest.with_segment(segment.segment("recording"))
                await asyncio.to_thread(manifests.write, folder, changed)
            except OSError as error:
                log.error("x no recording for call %s %s: %s", call.id, party, error)
                if segment is not None:
                    segment.abandon()
                return None
        return segment

    def begin(self, connection: str, visit: Visit, segment: SegmentRecorder) -> None:
        """The segment is what this connection is recorded into."""
        self._segments[connection] = (self.folder(visit), segment)
        self._recorder.add(segment)

    def discard(self, visit: Visit, segment: SegmentRecorder) -> None:
        """The call ended before this segment had a connection: take its file away."""
        self._recorder.add(segment)
        self._finish(self.folder(visit), segment)

    def seal(self, connection: str) -> None:
        """The connection has ended: finish its file and note its hash, in the background."""
        entry = self._segments.pop(connection, None)
        if entry is not None:
            self._finish(*entry)

    def _finish(self, folder: Path, segment: SegmentRecorder) -> None:
        task = asyncio.create_task(self._seal(folder, segment), name="seal recording")
        self._sealing.add(task)
        task.add_done_callback(self._sealing.discard)

    async def span(
        self, visit: Visit, call: Call, started_at: datetime | None, ended_at: datetime
    ) -> None:
        """Note in the manifest from when to when the parties talked."""
        folder = self.folder(visit)
        async with self._lock(folder):
            manifest = await self._read(folder, visit, call)
            changed = msgspec.structs.replace(
                manifest,
                call_started_at=manifest.call_started_at or started_at,
                call_ended_at=ended_at,
            )
            try:
                await asyncio.to_thread(manifests.write, folder, changed)
            except OSError:  # the call ends all the same, and both parties must be told
                log.exception("x the manifest of call %s lacks its span", call.id)

    def _lock(self, folder: Path) -> asyncio.Lock:
        """The lock of a visit's manifest, there as long as somebody uses it."""
        return self._locks.setdefault(folder, asyncio.Lock())

    async def _read(self, folder: Path, visit: Visit, call: Call) -> Manifest:
        try:
            return await asyncio.to_thread(manifests.read, folder)
        except NoManifest:
            return Manifest(visit=visit.id, call=call.id, city=visit.city)

    async def _seal(self, folder: Path, segment: SegmentRecorder) -> None:
        finished = await self._recorder.finish(segment)
        async with self._lock(folder):
            try:
                if not finished.audio_frames and not finished.video_frames:  # never connected
                    manifest = await asyncio.to_thread(manifests.read, folder)
                    await asyncio.to_thread(
                        manifests.write, folder, manifest.without_segment(finished.file)
                    )
                    segment.path.unlink()
                    return
                sealed = await asyncio.to_thread(manifests.sealed, folder, finished)
                manifest = await asyncio.to_thread(manifests.read, folder)
                changed = manifest.with_segment(sealed)
                await asyncio.to_thread(manifests.write, folder, changed)
            except (OSError, NoManifest):
                log.exception("x the recording %s could not be sealed", segment.path.name)
