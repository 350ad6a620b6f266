"""What is noted in a visit's manifest beside its files? From when to when they talked, and breaks.

The files themselves and their hashes are the media host's (`media/records/recorder.py`).
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from media.records import manifest as manifests
from media.records.manifest import Interruption, Manifest, NoManifest, Pause
from media.records.store import Store
from scheduling.record import Visit
from signaling.call import Call

log = logging.getLogger(__name__)


class Recordings:
    """The folders of visits, and what signalling knows about their recordings."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def folder(self, visit: Visit) -> Path:
        """Where the recordings of this visit lie."""
        return self.store.folder(visit.city, visit.id, visit.taken_at)

    async def span(
        self, visit: Visit, call: Call, started_at: datetime | None, ended_at: datetime
    ) -> None:
        """Note from when to when the parties talked."""

        def alter(manifest: Manifest) -> Manifest:
            return msgspec.structs.replace(
                manifest,
                call_started_at=manifest.call_started_at or started_at,
                call_ended_at=ended_at,
                pauses=tuple(_ended(pause, ended_at) for pause in manifest.pauses),
            )

        await self._change(visit, call, alter)

    async def is_paused(self, visit: Visit) -> bool:
        """Whether the clerk stopped the recording and has not let it go on."""
        try:
            manifest = await asyncio.to_thread(manifests.read, self.folder(visit))
        except NoManifest:
            return False
        return any(pause.to is None for pause in manifest.pauses)

    async def pause(self, visit: Visit, call: Call, by: str, at: datetime) -> None:
        """Note that the clerk stopped the recording."""
        await self._change(
            visit,
            call,
            lambda m: msgspec.structs.replace(m, pauses=(*m.pauses, Pause(by=by, since=at))),
        )

    async def resume(self, visit: Visit, call: Call, at: datetime) -> None:
        """Note that the recording goes on."""
        await self._change(
            visit,
            call,
            lambda m: msgspec.structs.replace(m, pauses=tuple(_ended(p, at) for p in m.pauses)),
        )

    async def interrupted(
        self, visit: Visit, call: Call, reason: str, since: datetime, to: datetime
    ) -> None:
        """Note that media was lost for a while, and finish the files of a host that is gone."""
        found = Interruption(reason=reason, since=since, to=to)
        await self._change(
            visit,
            call,
            lambda m: msgspec.structs.replace(m, interruptions=(*m.interruptions, found)),
        )
        try:
            await asyncio.to_thread(manifests.recover, self.folder(visit))
        except (NoManifest, OSError):  # they stay as they are until a media host starts again
            log.exception("x the recordings of call %s could not be finished", call.id)

    async def _change(
        self, visit: Visit, call: Call, alter: Callable[[Manifest], Manifest]
    ) -> None:
        empty = Manifest(visit=visit.id, call=call.id, city=visit.city)
        try:
            await asyncio.to_thread(manifests.change, self.folder(visit), empty, alter)
        except OSError:  # the call goes on or ends all the same, and both parties must be told
            log.exception("x the manifest of call %s could not be changed", call.id)


def _ended(pause: Pause, at: datetime) -> Pause:
    return pause if pause.to is not None else msgspec.structs.replace(pause, to=at)
