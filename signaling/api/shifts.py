"""`/api/cities/{city}/shifts`: who is planned to be on duty, and plans from spreadsheets."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated

import msgspec

from scheduling.board import Board
from scheduling.duty import LOCAL
from scheduling.imports import BadImport
from scheduling.roster import Roster
from scheduling.shifts import BadShift, Shift
from signaling.access import Role
from signaling.api.opening import Time, date_of, own_city
from signaling.api.rest import Asked, Nothing, Operation, Problem
from signaling.audit import Audit
from signaling.world import World

ADMINS = frozenset({Role.ADMIN})
READERS = frozenset({Role.ADMIN, Role.SUPERVISOR})
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class ShiftBody(msgspec.Struct, forbid_unknown_fields=True):
    """A clerk's time on duty on one day; `queues` null: all that the clerk serves."""

    clerk: Text
    day: date
    start: Time
    end: Time
    queues: Annotated[list[Text], msgspec.Meta(max_length=200)] | None = None


class ShiftView(msgspec.Struct, kw_only=True):
    """A shift; one that is not kept (dry run) has no `id`."""

    id: str | None
    clerk: str
    clerk_zh: str
    clerk_en: str
    starts_at: datetime
    ends_at: datetime
    queues: list[str] | None


class FaultView(msgspec.Struct):
    """What is wrong at a place of a file; lines count from 1, column "" is the whole line."""

    line: int
    column: str
    reason: str


class PlanReport(msgspec.Struct, kw_only=True):
    """What came of an import. With any fault nothing is kept; a dry run keeps nothing either."""

    kept: bool
    encoding: str
    shifts: list[ShiftView]
    faults: list[FaultView]


class ShiftsApi:
    """The shifts of the cities."""

    def __init__(self, world: World, board: Board, roster: Roster, audit: Audit) -> None:
        self._world, self._board = world, board
        self._roster, self._audit = roster, audit

    def operations(self) -> list[Operation]:
        """The rows of this resource."""
        return [
            Operation(
                "GET", "/api/cities/{city}/shifts", "The shifts of the week of a day", READERS,
                self.shifts, None, list[ShiftView], ("day",),
            ),
            Operation(
                "POST", "/api/cities/{city}/shifts", "Plan a shift", ADMINS,
                self.add_shift, ShiftBody, ShiftView,
            ),
            Operation(
                "DELETE", "/api/cities/{city}/shifts/{shift}", "Take a shift out", ADMINS,
                self.remove_shift,
            ),
            Operation(
                "POST", "/api/cities/{city}/shifts/import",
                "Add the shifts of a CSV file, all or nothing (dry_run=yes: only say what)", ADMINS,
                self.import_shifts, bytes, PlanReport, ("dry_run",),
            ),
        ]  # fmt: skip

    async def shifts(self, asked: Asked) -> list[ShiftView]:
        """Monday to Sunday; of this week if no day is named."""
        city = own_city(self._world, asked)
        named = asked.query("day")
        day = date_of(named, "day") if named else asked.now.astimezone(LOCAL).date()
        return await self._views(await self._roster.week(city, day))

    async def add_shift(self, asked: Asked) -> ShiftView:
        """Of a clerk of the city, who has no other one at that time."""
        city = own_city(self._world, asked)
        body: ShiftBody = asked.body
        try:
            added = await self._roster.add(
                clerk=body.clerk,
                city=city,
                on=body.day,
                start=body.start,
                end=body.end,
                for_queues=body.queues,
                now=asked.now,
            )
        except BadShift as error:
            raise Problem(422, str(error)) from error
        await self._audit.log(asked.who, "add_shift", f"{body.clerk} {added}", asked.now)
        return (await self._views([added]))[0]

    async def remove_shift(self, asked: Asked) -> Nothing:
        """Whether it has begun or not."""
        city = own_city(self._world, asked)
        shift = asked.part("shift")
        if not await self._roster.remove(city, shift):
            raise Problem(404, "no such shift")
        await self._audit.log(asked.who, "remove_shift", shift, asked.now)
        return Nothing()

    async def import_shifts(self, asked: Asked) -> PlanReport:
        """Columns `clerk`, `date`, `start`, `end`, `queues` (divided by `;`, may be missing)."""
        city = own_city(self._world, asked)
        dry_run = asked.query("dry_run").lower() in ("yes", "true", "1")
        try:
            encoding, added = await self._roster.take_in(
                city, asked.body, dry_run=dry_run, now=asked.now
            )
        except BadImport as error:
            faults = [FaultView(one.line, one.column, one.reason) for one in error.faults]
            return PlanReport(kept=False, encoding="", shifts=[], faults=faults)
        if not dry_run:
            await self._audit.log(
                asked.who, "import_shifts", f"{city} {len(added)} shifts", asked.now
            )
        shown = await self._views(added)
        return PlanReport(kept=not dry_run, encoding=encoding, shifts=shown, faults=[])

    async def _views(self, shifts: Iterable[Shift]) -> list[ShiftView]:
        windows = await self._board.windows()
        return [
            ShiftView(
                id=one.id,
                clerk=one.clerk,
                clerk_zh=windows[one.clerk].name_zh,
                clerk_en=windows[one.clerk].name_en,
                starts_at=one.starts_at.astimezone(LOCAL),
                ends_at=one.ends_at.astimezone(LOCAL),
                queues=None if one.queues is None else list(one.queues),
            )
            for one in shifts
        ]
