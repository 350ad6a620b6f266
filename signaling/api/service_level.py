"""`/api/service-level`: where is the minute missed? Shares by queue and hour, who is at risk."""

from datetime import datetime

import msgspec

from scheduling import window
from scheduling.board import Board
from scheduling.duty import LOCAL
from scheduling.service_level import ServiceLevel, ServiceLevels
from scheduling.standing import Standing
from signaling.access import Role
from signaling.api.rest import Asked, Operation
from signaling.protocol import CityView
from signaling.world import World, city_view

READERS = frozenset({Role.SUPERVISOR, Role.ADMIN})
MISSES = 3  # offers in a row that a clerk did not answer; then somebody should look


class HourLevel(msgspec.Struct):
    """Of `counted` visits whose tickets were taken in this hour, `in_time` were answered so."""

    hour: int
    counted: int
    in_time: int


class QueueLevel(msgspec.Struct, kw_only=True):
    """One queue today; `share` null: nothing counted yet. `at_risk` are about to miss it."""

    queue: str
    city: CityView
    name_zh: str
    name_en: str
    kind: str
    target_s: float
    target_share: float
    counted: int
    in_time: int
    share: float | None
    at_risk: int
    warns: bool
    waiting: int
    on_duty: int
    longest_since: datetime | None
    hours: list[HourLevel]


class MissingClerk(msgspec.Struct, kw_only=True):
    """A clerk who let several offers in a row ring out."""

    clerk: str
    city: CityView
    name_zh: str
    name_en: str
    misses: int


class ServiceLevelView(msgspec.Struct, kw_only=True):
    """Today in China until `at`, an instant with China's offset."""

    at: datetime
    queues: list[QueueLevel]
    clerks: list[MissingClerk]


class ServiceLevelApi:
    """The day's service level of one's city; of all for the lead city."""

    def __init__(self, world: World, board: Board, levels: ServiceLevels) -> None:
        self._world, self._board, self._levels = world, board, levels

    def operations(self) -> list[Operation]:
        """The rows of this resource."""
        return [
            Operation(
                "GET", "/api/service-level", "Residents answered in time, today and by hour",
                READERS, self.service_level, None, ServiceLevelView,
            ),
        ]  # fmt: skip

    async def service_level(self, asked: Asked) -> ServiceLevelView:
        """Queues in their order; clerks with three misses in a row."""
        cities = [code for code in self._world.cities if asked.who.may_see(code)]
        standing = await self._board.standing()
        levels = await self._levels.today(asked.now, cities)
        return ServiceLevelView(
            at=asked.now.astimezone(LOCAL),
            queues=[
                self._queue(level, standing)
                for level in levels
                if level.queue in standing.rules.queues
            ],
            clerks=[
                MissingClerk(
                    clerk=desk.clerk,
                    city=city_view(self._world.cities[desk.city]),
                    name_zh=desk.name_zh,
                    name_en=desk.name_en,
                    misses=desk.misses,
                )
                for desk in (await self._board.windows()).values()
                if desk.city in cities
                and desk.misses >= MISSES
                and desk.state is not window.State.OFF
            ],
        )

    def _queue(self, level: ServiceLevel, standing: Standing) -> QueueLevel:
        queue, line = standing.rules.queues[level.queue], standing.line(level.queue)
        return QueueLevel(
            queue=queue.id,
            city=city_view(self._world.cities[queue.city]),
            name_zh=queue.name_zh,
            name_en=queue.name_en,
            kind=queue.kind,
            target_s=level.target_s,
            target_share=level.target_share,
            counted=level.today.counted,
            in_time=level.today.in_time,
            share=level.today.share,
            at_risk=level.at_risk,
            warns=level.warns,
            waiting=line.waiting,
            on_duty=line.on_duty,
            longest_since=line.longest_since,
            hours=[
                HourLevel(hour, of_hour.counted, of_hour.in_time)
                for hour, of_hour in level.hours.items()
            ],
        )
