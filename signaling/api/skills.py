"""`/api/cities/{city}/skills`: which clerk serves which queues, and skills from spreadsheets.

A city's admin gives its clerks its own queues; a level in another city's queue is the lead city's
to give, and stays when the city's admin changes something else.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

import msgspec

from scheduling.board import Board
from scheduling.imports import BadImport
from scheduling.rulebook import Rulebook
from scheduling.rules import Level, QueueId, Skills
from scheduling.versions import version_of
from scheduling.visit import ClerkId
from signaling.api.opening import own_city
from signaling.api.rest import Asked, Operation, Problem
from signaling.api.rules import ADMINS, Changed, Text, Version, plain, refused
from signaling.api.shifts import FaultView
from signaling.audit import Audit
from signaling.world import World

LevelName = Literal["primary", "secondary", "backup"]
_NAMES: Mapping[Level, LevelName] = {
    Level.PRIMARY: "primary",
    Level.SECONDARY: "secondary",
    Level.BACKUP: "backup",
}
_LEVELS = {name: level for level, name in _NAMES.items()}


class ClerkSkillsBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What one clerk can do; `version` is of what was seen."""

    clerk: Text
    version: Version
    levels: dict[Text, LevelName]
    languages: Annotated[list[Text], msgspec.Meta(max_length=20)]
    capacity: int


class SkillsBody(msgspec.Struct, forbid_unknown_fields=True):
    """The skills of one clerk or several: all of them are changed, or none."""

    clerks: Annotated[list[ClerkSkillsBody], msgspec.Meta(max_length=1000)]


class ClerkSkills(msgspec.Struct, kw_only=True):
    """What one clerk can do, and its version."""

    clerk: str
    name_zh: str
    name_en: str
    version: str
    levels: dict[str, LevelName]
    languages: list[str]
    capacity: int


class SkillChange(msgspec.Struct, kw_only=True):
    """One thing that an import changes: `queue` (which), `languages` or `capacity`."""

    clerk: str
    name_zh: str
    name_en: str
    what: Literal["level", "languages", "capacity"]
    queue: str
    before: str
    after: str


class SkillsReport(msgspec.Struct, kw_only=True):
    """What came of an import. With any fault nothing is kept; a dry run keeps nothing either."""

    kept: bool
    encoding: str
    changes: list[SkillChange]
    faults: list[FaultView]


class SkillsApi:
    """The matrix of clerks and queues. `changed` makes it act at once."""

    def __init__(
        self, world: World, board: Board, rulebook: Rulebook, audit: Audit, changed: Changed
    ) -> None:
        self._world, self._board, self._rulebook = world, board, rulebook
        self._audit, self._changed = audit, changed

    def operations(self) -> list[Operation]:
        """The rows of this resource."""
        return [
            Operation(
                "GET", "/api/cities/{city}/skills", "The skills of a city's clerks", ADMINS,
                self.skills, None, list[ClerkSkills],
            ),
            Operation(
                "PUT", "/api/cities/{city}/skills", "Change skills, all or nothing", ADMINS,
                self.put_skills, SkillsBody, list[ClerkSkills],
            ),
            Operation(
                "POST", "/api/cities/{city}/skills/import",
                "Take in a CSV file, all or nothing (dry_run=yes: only say what changes)", ADMINS,
                self.import_skills, bytes, SkillsReport, ("dry_run",),
            ),
        ]  # fmt: skip

    async def skills(self, asked: Asked) -> list[ClerkSkills]:
        """Everybody who has a window, by name."""
        return await self._views(own_city(self._world, asked))

    async def put_skills(self, asked: Asked) -> list[ClerkSkills]:
        """Clerks that are not named stay as they are."""
        city = own_city(self._world, asked)
        body: SkillsBody = asked.body
        await self._check_own(asked, city, body.clerks)
        wanted = [
            Skills(
                ClerkId(one.clerk),
                {QueueId(queue): _LEVELS[level] for queue, level in one.levels.items()},
                frozenset(one.languages),
                one.capacity,
            )
            for one in body.clerks
        ]
        with refused():
            before = await self._rulebook.put_skills(
                wanted, seen={ClerkId(one.clerk): one.version for one in body.clerks}
            )
        await self._act(asked, city, "put_skills", before, wanted)
        return await self._views(city)

    async def import_skills(self, asked: Asked) -> SkillsReport:
        """Columns `clerk`, `queue`, `level` and, if wanted, `languages`, `capacity`."""
        city = own_city(self._world, asked)
        dry_run = asked.query("dry_run").lower() in ("yes", "true", "1")
        try:
            sheet, before, after = await self._rulebook.take_in_skills(
                city, asked.body, dry_run=dry_run
            )
        except BadImport as error:
            faults = [FaultView(one.line, one.column, one.reason) for one in error.faults]
            return SkillsReport(kept=False, encoding="", changes=[], faults=faults)
        if not dry_run:
            await self._act(asked, city, "import_skills", before, after)
        return SkillsReport(
            kept=not dry_run,
            encoding=sheet.encoding,
            changes=await self._changes(before, after),
            faults=[],
        )

    async def _check_own(self, asked: Asked, city: str, given: Iterable[ClerkSkillsBody]) -> None:
        """Clerks and queues of other cities are as unknown as none. Raises Problem."""
        windows, rules = await self._board.windows(), await self._rulebook.rules()
        before = await self._rulebook.skills()
        for one in given:
            window = windows.get(ClerkId(one.clerk))
            if window is None or window.city != city:
                raise Problem(422, f"clerk: there is no clerk {one.clerk} in this city")
            for name, level in one.levels.items():
                queue = rules.queues.get(QueueId(name))
                as_before = before[window.clerk].levels.get(QueueId(name)) == _LEVELS[level]
                if queue is None or not (asked.who.may_see(queue.city) or as_before):
                    raise Problem(422, f"levels: there is no queue {name}")

    async def _act(
        self,
        asked: Asked,
        city: str,
        action: str,
        before: Mapping[ClerkId, Skills],
        after: Iterable[Skills],
    ) -> None:
        for one in after:
            if one != before[one.clerk]:
                detail = {"before": plain(before[one.clerk]), "after": plain(one)}
                await self._audit.log(asked.who, action, one.clerk, asked.now, detail)
        await self._changed(city)

    async def _views(self, city: str) -> list[ClerkSkills]:
        windows, skills = await self._board.windows(), await self._rulebook.skills()
        return [
            ClerkSkills(
                clerk=window.clerk,
                name_zh=window.name_zh,
                name_en=window.name_en,
                version=version_of(skills[window.clerk]),
                levels={q: _NAMES[lv] for q, lv in sorted(skills[window.clerk].levels.items())},
                languages=sorted(skills[window.clerk].languages),
                capacity=skills[window.clerk].capacity,
            )
            for window in sorted(windows.values(), key=lambda w: (w.name_en, w.clerk))
            if window.city == city
        ]

    async def _changes(
        self, before: Mapping[ClerkId, Skills], after: Iterable[Skills]
    ) -> list[SkillChange]:
        windows = await self._board.windows()
        found = []
        for now in after:
            window, was = windows[now.clerk], before[now.clerk]
            told: list[tuple[Literal["level", "languages", "capacity"], str, str, str]] = [
                ("level", queue, _named(was, queue), _named(now, queue))
                for queue in sorted({*was.levels, *now.levels})
            ]
            for name in ("languages", "capacity"):
                told.append((name, "", _text(was, name), _text(now, name)))
            found += [
                SkillChange(
                    clerk=now.clerk,
                    name_zh=window.name_zh,
                    name_en=window.name_en,
                    what=what,
                    queue=queue,
                    before=old,
                    after=new,
                )
                for what, queue, old, new in told
                if old != new
            ]
        return found


def _named(skills: Skills, queue: QueueId) -> str:
    level = skills.levels.get(queue)
    return "none" if level is None else _NAMES[level]


def _text(skills: Skills, name: Literal["languages", "capacity"]) -> str:
    return ";".join(sorted(skills.languages)) if name == "languages" else str(skills.capacity)
