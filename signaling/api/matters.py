"""`/api/matters`, `/api/cities`: what can be done, where, and how long one waits."""

import msgspec

from scheduling.board import Board
from scheduling.catalogue import UnknownMatter
from signaling.api.rest import EVERYONE, Asked, Operation, Problem
from signaling.protocol import CityView, MatterView
from signaling.world import World, city_view, matter_view


class CityWait(msgspec.Struct):
    """A competent city, its queue for the matter (whose half hours can be booked), and the wait.

    The wait is in seconds until a ticket taken now is called; null: nobody on duty.
    """

    city: CityView
    queue: str
    expected_wait_s: int | None
    waiting: int


class MattersApi:
    """The catalogue as the kiosk searches it."""

    def __init__(self, world: World, board: Board) -> None:
        self._world, self._board = world, board

    def operations(self) -> list[Operation]:
        """The rows of this resource."""
        return [
            Operation(
                "GET", "/api/matters", "Search matters by name, plain words or pinyin", EVERYONE,
                self.search_matters, None, list[MatterView], ("q",),
            ),
            Operation(
                "GET", "/api/matters/{matter}/cities", "The competent cities and their waits",
                EVERYONE, self.waits, None, list[CityWait],
            ),
            Operation(
                "GET", "/api/cities", "All cities", EVERYONE, self.cities, None, list[CityView],
            ),
        ]  # fmt: skip

    async def search_matters(self, asked: Asked) -> list[MatterView]:
        """Best first; everything for an empty query."""
        return [matter_view(m) for m in self._world.catalogue.search(asked.query("q"))]

    async def waits(self, asked: Asked) -> list[CityWait]:
        """In the order of the cities."""
        try:
            matter = self._world.catalogue.matter(asked.part("matter"))
        except UnknownMatter as error:
            raise Problem(404, str(error)) from error
        standing = await self._board.standing()
        found = []
        for code, city in self._world.cities.items():
            queue = standing.rules.queue_of(code, matter.code)
            if queue is not None:
                wait_s = standing.wait_s(queue.id, asked.now)
                found.append(
                    CityWait(city_view(city), queue.id, wait_s, standing.line(queue.id).waiting)
                )
        return found

    async def cities(self, asked: Asked) -> list[CityView]:
        """In the order of the table, the lead city first."""
        return [city_view(city) for city in self._world.cities.values()]
