"""What does a clerk see of lines, colleagues and open records? Parts of the clerk's state.

Which queues they serve and how those are doing, who waits there in order, who is asked about the
visit on the desk, which records were set aside. The visit and its call are in `views.py`.
"""

from datetime import UTC, datetime
from typing import Literal

from scheduling.board import Board
from scheduling.record import Consult, Visit
from scheduling.rules import Level, Queue, QueueId
from scheduling.service_level import ServiceLevel, ServiceLevels
from scheduling.standing import Standing
from scheduling.visit import ClerkId, State
from signaling.protocol import (
    AsideView,
    CityView,
    ConsultView,
    QueueEntry,
    QueueStatus,
    QueueView,
)
from signaling.world import World, city_view

LEVELS: dict[Level, Literal["primary", "secondary", "backup"]] = {
    Level.PRIMARY: "primary",
    Level.SECONDARY: "secondary",
    Level.BACKUP: "backup",
}


class LineViews:
    """Makes them."""

    def __init__(self, world: World, board: Board, levels: ServiceLevels) -> None:
        self._world, self._board, self._levels = world, board, levels

    def queue(self, queue: Queue) -> QueueView:
        """A queue as pages see it."""
        return QueueView(
            queue.id,
            city_view(self._world.cities[queue.city]),
            queue.name_zh,
            queue.name_en,
            queue.kind,
        )

    async def queues(self, clerk: ClerkId) -> list[QueueStatus]:
        """The queues this clerk serves, the best level first."""
        levels = await self._board.skills_of(clerk)
        standing = await self._board.standing()
        served = [standing.rules.queues[q] for q in levels if q in standing.rules.queues]
        now = datetime.now(UTC)
        today = await self._levels.recent(now)
        order = list(standing.rules.queues)
        served.sort(key=lambda queue: (levels[queue.id], order.index(queue.id)))
        return [
            self._status(queue, levels[queue.id], standing, today[queue.id], now)
            for queue in served
            if queue.id in today  # one that is newer is shown with the next look
        ]

    async def line(self, clerk: ClerkId, city: str) -> list[QueueEntry]:
        """Who waits in these queues, in the order in which they will be offered."""
        standing = await self._board.standing()
        served = await self._board.skills_of(clerk)
        return [
            self._entry(waiting, standing, city, served)
            for waiting in await self._board.line_of(clerk)
        ]

    async def aside(self, clerk: ClerkId) -> list[AsideView]:
        """The records this clerk finishes later."""
        standing = await self._board.standing()
        found = []
        for held in await self._board.aside_of_clerk(clerk):
            matter = self._world.catalogue.matter(held.matter)
            found.append(
                AsideView(
                    visit=held.id,
                    ticket=held.ticket,
                    matter_zh=matter.name_zh,
                    matter_en=matter.name_en,
                    kind=standing.rules.queues[held.queue].kind,
                    ended_at=held.ended_at,
                    notes=held.notes,
                    checked=held.checked,
                )
            )
        return found

    async def consult(self, about: Consult, clerk: ClerkId) -> ConsultView:
        """A consult as one of its two clerks sees it."""
        standing = await self._board.standing()
        asker = about.asked_by == clerk
        other = about.clerk or about.only_clerk if asker else about.asked_by
        desk = await self._board.window(other) if other else None
        return ConsultView(
            role="asker" if asker else "asked",
            state=about.state,
            queue=self.queue(standing.rules.queues[about.queue]),
            other_zh=desk.name_zh if desk else "",
            other_en=desk.name_en if desk else "",
            since=about.offered_at or about.asked_at,
            with_resident=about.with_resident,
        )

    def _status(
        self,
        queue: Queue,
        level: Level,
        standing: Standing,
        today: ServiceLevel,
        now: datetime,
    ) -> QueueStatus:
        line = standing.line(queue.id)
        return QueueStatus(
            queue=self.queue(queue),
            level=LEVELS[level],
            waiting=line.waiting,
            longest_since=line.longest_since,
            on_duty=line.on_duty,
            ready=line.ready,
            expected_wait_s=standing.wait_s(queue.id, now),
            target_s=queue.target_s,
            target_share=queue.target_share,
            share=today.today.share,
            counted=today.today.counted,
            at_risk=today.at_risk,
            warns=today.warns,
        )

    def _entry(
        self, waiting: Visit, standing: Standing, city: str, served: dict[QueueId, Level]
    ) -> QueueEntry:
        matter = self._world.catalogue.matter(waiting.matter)
        site = self._world.sites[waiting.site]
        listed = [standing.rules.queues[q] for q in waiting.listed if q in served]
        far: CityView | None = None
        if waiting.city != city:
            far = city_view(self._world.cities[waiting.city])
        away = waiting.state is State.AWAY
        return QueueEntry(
            visit=waiting.id,
            ticket=waiting.ticket,
            queue=listed[0].id if listed else waiting.queue,
            priority=waiting.priority.value,
            wish=waiting.wish,
            away=away,
            called=waiting.called_at is not None,
            contact=waiting.contact if away else "",
            may_pull=not away and any(queue.may_pull for queue in listed),
            far=far,
            expected_wait_s=standing.place(waiting).expected_wait_s,
            matter_zh=matter.name_zh,
            matter_en=matter.name_en,
            site_zh=site.name_zh,
            site_en=site.name_en,
            taken_at=waiting.taken_at,
        )
