"""`/api/visits`: what was recorded, for those who review it."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import msgspec
from aiohttp import web

from media.records import manifest as manifests
from media.records.manifest import Interruption, Manifest, NoManifest, Pause
from media.records.store import BadName
from scheduling.board import Board
from scheduling.record import Visit, Window
from scheduling.visit import ClerkId
from signaling.access import Role
from signaling.api.rest import Asked, Operation, Problem
from signaling.audit import Audit
from signaling.protocol import CityView, Direction, MatterView
from signaling.quality import Qualities
from signaling.recordings import Recordings
from signaling.world import World, city_view, matter_view

SUPERVISORS = frozenset({Role.SUPERVISOR})


class RecordedVisit(msgspec.Struct, kw_only=True):
    """One row of the list of recorded calls."""

    id: str
    ticket: str
    state: str
    city: CityView
    matter: MatterView
    site_zh: str
    site_en: str
    clerk_zh: str
    clerk_en: str
    accepted_at: datetime | None
    ended_at: datetime | None
    outcome: str | None
    rating: int | None


class RecordedSegment(msgspec.Struct, kw_only=True):
    """One file. `start_ms` is where it lies on the visit's time line, from the first segment."""

    party: str
    content: str
    number: int
    file: str
    state: str
    start_ms: int
    duration_ms: int
    width: int
    height: int
    lost_packets: int


class Break(msgspec.Struct, kw_only=True):
    """A stretch of the time line that is not recorded: `pause` by the clerk, or `interruption`."""

    kind: str
    start_ms: int
    end_ms: int


class QualitySample(msgspec.Struct, kw_only=True):
    """How a party received and sent in the five seconds before `start_ms`."""

    party: str
    start_ms: int
    received: Direction
    sent: Direction


class TimelineEvent(msgspec.Struct):
    """Something that happened, at `start_ms` on the visit's time line (negative: before it)."""

    event: str
    actor: str
    at: datetime
    start_ms: int | None


class VisitRecord(msgspec.Struct, kw_only=True):
    """All that is kept of one visit."""

    visit: RecordedVisit
    notes: str
    checked: list[str]
    rating_reasons: list[str]
    duration_ms: int
    segments: list[RecordedSegment]
    breaks: list[Break]
    quality: list[QualitySample]
    events: list[TimelineEvent]


class Finding(msgspec.Struct):
    """Something that is not as the manifest says."""

    file: str
    problem: str


class Verification(msgspec.Struct):
    """Whether the recording is what was recorded."""

    verified: bool
    findings: list[Finding]


class VisitsApi:
    """The supervisor's list and player. What another city owns is as unknown as nothing."""

    def __init__(
        self,
        world: World,
        board: Board,
        recordings: Recordings,
        qualities: Qualities,
        audit: Audit,
    ) -> None:
        self._world, self._board, self._qualities = world, board, qualities
        self._recordings, self._audit = recordings, audit

    def operations(self) -> list[Operation]:
        """The rows of this resource."""
        return [
            Operation(
                "GET", "/api/visits", "Recorded visits, newest first", SUPERVISORS,
                self.search_visits, None, list[RecordedVisit], ("q",),
            ),
            Operation(
                "GET", "/api/visits/{visit}", "One visit with its recordings and time line",
                SUPERVISORS, self.record, None, VisitRecord,
            ),
            Operation(
                "POST", "/api/visits/{visit}/verification", "Hold the files against the manifest",
                SUPERVISORS, self.verify, None, Verification,
            ),
            Operation(
                "GET", "/api/visits/{visit}/recordings/{file}", "A recording (WebM, ranges)",
                SUPERVISORS, self.recording, None, None, (), True,
            ),
        ]  # fmt: skip

    async def search_visits(self, asked: Asked) -> list[RecordedVisit]:
        """At most 200."""
        found = await self._board.recorded(
            city=None if asked.who.lead else asked.who.city, text=asked.query("q")
        )
        windows = await self._board.windows()
        return [self._row(visit, windows) for visit in found]

    async def record(self, asked: Asked) -> VisitRecord:
        """Opening a record is logged."""
        visit = await self._visit(asked)
        folder = self._recordings.folder(visit)
        try:
            manifest = await asyncio.to_thread(manifests.read, folder)
        except NoManifest:
            manifest = Manifest(visit=visit.id, call="", city=visit.city)
        segments = manifest.segments
        start = min((s.started_at for s in segments), default=None)

        def on_line(at: datetime) -> int | None:
            return round((at - start).total_seconds() * 1000) if start else None

        await self._audit.log(asked.who, "open_record", visit.id, asked.now)
        return VisitRecord(
            visit=self._row(visit, await self._board.windows()),
            notes=visit.notes,
            checked=visit.checked,
            rating_reasons=visit.rating_reasons,
            duration_ms=max(((on_line(manifests.ends_at(s)) or 0) for s in segments), default=0),
            segments=[
                RecordedSegment(
                    party=s.party,
                    content=s.content,
                    number=s.number,
                    file=s.file,
                    state=s.state,
                    start_ms=on_line(s.started_at) or 0,
                    duration_ms=s.duration_ms,
                    width=s.width,
                    height=s.height,
                    lost_packets=s.lost_packets,
                )
                for s in segments
            ],
            breaks=_breaks(manifest, on_line),
            quality=[
                QualitySample(
                    party=sample.party,
                    start_ms=on_line(sample.at) or 0,
                    received=sample.received,
                    sent=sample.sent,
                )
                for sample in await self._qualities.of(visit.id)
            ],
            events=[
                TimelineEvent(e.event, e.actor, e.at, on_line(e.at))
                for e in await self._board.events(visit.id)
            ],
        )

    async def verify(self, asked: Asked) -> Verification:
        """Reads every byte of the visit's recordings."""
        visit = await self._visit(asked)
        try:
            found = await asyncio.to_thread(manifests.verify, self._recordings.folder(visit))
        except NoManifest as error:
            raise Problem(404, "this visit has no recording") from error
        await self._audit.log(asked.who, "verify_record", visit.id, asked.now)
        return Verification(not found, [Finding(f.file, f.problem) for f in found])

    async def recording(self, asked: Asked) -> web.StreamResponse:
        """With ranges, for the player's seeking."""
        visit = await self._visit(asked)
        try:
            path = self._recordings.store.file(self._recordings.folder(visit), asked.part("file"))
        except BadName as error:
            raise Problem(404, "no such recording") from error
        if not path.is_file():
            raise Problem(404, "no such recording")
        return web.FileResponse(
            path, headers={"Content-Type": "video/webm", "Cache-Control": "private, no-store"}
        )

    async def _visit(self, asked: Asked) -> Visit:
        visit = await self._board.visit(asked.part("visit"))
        if visit is None or not asked.who.may_see(visit.city):
            raise Problem(404, "no such visit")
        return visit

    def _row(self, visit: Visit, windows: dict[ClerkId, Window]) -> RecordedVisit:
        clerk = windows.get(visit.clerk) if visit.clerk else None
        site = self._world.sites[visit.site]
        return RecordedVisit(
            id=visit.id,
            ticket=visit.ticket,
            state=visit.state.value,
            city=city_view(self._world.cities[visit.city]),
            matter=matter_view(self._world.catalogue.matter(visit.matter)),
            site_zh=site.name_zh,
            site_en=site.name_en,
            clerk_zh=clerk.name_zh if clerk else "",
            clerk_en=clerk.name_en if clerk else "",
            accepted_at=visit.accepted_at,
            ended_at=visit.ended_at,
            outcome=visit.outcome.value if visit.outcome else None,
            rating=visit.rating,
        )


def _breaks(manifest: Manifest, on_line: Callable[[datetime], int | None]) -> list[Break]:
    """What the manifest states as not recorded; one that has no end lasts to the call's end."""
    stated: list[tuple[str, Pause | Interruption]] = [
        *(("pause", pause) for pause in manifest.pauses),
        *(("interruption", interruption) for interruption in manifest.interruptions),
    ]
    found = []
    for kind, gap in stated:
        end = gap.to or manifest.call_ended_at or gap.since
        found.append(Break(kind=kind, start_ms=on_line(gap.since) or 0, end_ms=on_line(end) or 0))
    return sorted(found, key=lambda b: b.start_ms)
