"""`/api/transfer-targets`: to whom can the visit on this desk be passed, or who can be asked?

The queues of the visit's city and those of partner cities that an agreement names, with how each
is doing and who serves it. What is then done is a command on the line (`passing.py`), which checks
again.
"""

from datetime import datetime
from typing import Literal

import msgspec

from scheduling import visit
from scheduling.board import Board
from scheduling.record import Visit, Window
from scheduling.rulebook import Rulebook
from scheduling.rules import Level, Queue, QueueId, Skills
from scheduling.standing import Standing
from scheduling.visit import ClerkId
from signaling.access import Role
from signaling.api.rest import Asked, Operation, Problem
from signaling.line_views import LEVELS, LineViews
from signaling.protocol import QueueView

DESKS = frozenset({Role.CLERK, Role.SUPERVISOR})
_NEAREST = ("ready", "wrap_up", "offered", "in_call", "missed", "break", "off")


class TargetClerk(msgspec.Struct, kw_only=True):
    """A clerk of a queue, and since when their window is in this state."""

    id: str
    name_zh: str
    name_en: str
    level: Literal["primary", "secondary", "backup"]
    state: Literal["off", "ready", "break", "offered", "in_call", "wrap_up", "missed"]
    since: datetime


class TargetQueue(msgspec.Struct, kw_only=True):
    """A queue that may take the visit; `clerks` with who may answer soonest first."""

    queue: QueueView
    waiting: int
    on_duty: int
    ready: int
    expected_wait_s: int | None
    clerks: list[TargetClerk]


class TransferTargets:
    """Answers whoever has the visit on the desk, in its call; to others it is unknown."""

    def __init__(self, lines: LineViews, board: Board, rulebook: Rulebook) -> None:
        self._lines, self._board, self._rulebook = lines, board, rulebook

    def operations(self) -> list[Operation]:
        """The rows of this resource."""
        return [
            Operation(
                "GET", "/api/transfer-targets", "Queues and clerks a visit can be passed to",
                DESKS, self.targets, None, list[TargetQueue], ("visit",),
            ),
        ]  # fmt: skip

    async def targets(self, asked: Asked) -> list[TargetQueue]:
        """The visit's own city first, then in the order of the cities and their queues."""
        served = await self._board.visit(asked.query("visit"))
        mine = served is not None and served.clerk == asked.who.id
        if served is None or not mine or served.state is not visit.State.SERVING:
            raise Problem(404, "no such visit on your desk")
        standing = await self._board.standing()
        windows = await self._board.windows()
        skills = await self._rulebook.skills()
        found = [
            self._target(queue, served, standing, windows, skills)
            for queue in standing.rules.queues.values()
            if _may_take(queue, served)
        ]
        return sorted(found, key=lambda target: target.queue.city.code != served.city)

    def _target(
        self,
        queue: Queue,
        served: Visit,
        standing: Standing,
        windows: dict[ClerkId, Window],
        skills: dict[ClerkId, Skills],
    ) -> TargetQueue:
        line = standing.line(queue.id)
        clerks = [
            _clerk(windows[one.clerk], one.levels[queue.id])
            for one in skills.values()
            if queue.id in one.levels and one.clerk in windows and one.clerk != served.clerk
        ]
        clerks.sort(key=lambda clerk: (_NEAREST.index(clerk.state), clerk.since))
        return TargetQueue(
            queue=self._lines.queue(queue),
            waiting=line.waiting,
            on_duty=line.on_duty,
            ready=line.ready,
            expected_wait_s=standing.wait_s(queue.id, served.virtual_at),
            clerks=clerks,
        )


def _may_take(queue: Queue, served: Visit) -> bool:
    agreed: set[QueueId] = {served.queue, *served.also, *served.allowed}
    return queue.city == served.city or queue.id in agreed


def _clerk(desk: Window, level: Level) -> TargetClerk:
    return TargetClerk(
        id=desk.clerk,
        name_zh=desk.name_zh,
        name_en=desk.name_en,
        level=LEVELS[level],
        state=desk.state.value,
        since=desk.since,
    )
