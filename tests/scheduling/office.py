"""Builders: an office is a desk and a board on a real database with the demo world."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from deploy import database, demo_world
from scheduling import window
from scheduling.board import Board
from scheduling.codes import Codes
from scheduling.desk import Desk
from scheduling.dispatch import Dispatcher
from scheduling.offers import Offers
from scheduling.record import Visit
from scheduling.rulebook import Rulebook
from scheduling.rules import Priority
from scheduling.standing import Standings
from scheduling.transfers import Transfers
from scheduling.visit import ClerkId, KioskId, Outcome, SiteId, VisitId
from tests.support.worlds import World, copied

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai
JIAXING, HANGZHOU = "330400", "330100"
KIOSK, CLERK, OTHER_CLERK = KioskId("kiosk-1"), ClerkId("jiaxing1"), ClerkId("jiaxing2")
SITE = SiteId("songjiang-community")


@dataclass
class Office:
    """A desk, a board, and a clock that moves by hand."""

    engine: AsyncEngine
    desk: Desk
    offers: Offers
    transfers: Transfers
    board: Board
    codes: Codes
    now: datetime = NOON
    here: set[str] = field(default_factory=set)  # kiosks that have a line

    def __post_init__(self) -> None:
        self.rulebook = Rulebook(self.engine, demo_world.catalogue())
        self.begin_anew()

    def begin_anew(self) -> None:
        """A dispatcher that knows nothing yet, as after a restart."""
        self.dispatcher = Dispatcher(
            self.engine,
            demo_world.catalogue(),
            desk=self.desk,
            offers=self.offers,
            transfers=self.transfers,
            present=self.here.__contains__,
        )

    def later(self, seconds: float = 1.0) -> datetime:
        """Let time pass; the new time."""
        self.now += timedelta(seconds=seconds)
        return self.now

    async def take(
        self,
        kiosk: str = KIOSK,
        matter: str = "YB-01",
        city: str = JIAXING,
        priority: Priority = Priority.ORDINARY,
    ) -> Visit:
        """A ticket, one second after the last thing that happened."""
        return await self.desk.take_ticket(
            kiosk=KioskId(kiosk),
            site=SITE,
            city=city,
            matter=matter,
            language="zh_CN",
            notice_version="2026-11",
            now=self.later(),
            priority=priority,
        )

    async def ready(self, clerk: str = CLERK) -> None:
        await self.desk.set_window(ClerkId(clerk), window.Event.BE_READY, self.later())

    async def offer(self, *kiosks: str) -> list[Visit]:
        """Offer what can be offered, these kiosks being present (all, if none is named)."""
        self.here.clear()
        self.here.update(set(kiosks) or {v.kiosk for v in await self.board.in_line()})
        return await self.dispatcher.load(self.later())

    async def ringing(self, clerk: str = CLERK, kiosk: str = KIOSK) -> Visit:
        """A visit that rings at this clerk."""
        await self.ready(clerk)
        await self.take(kiosk)
        (offered,) = await self.offer(kiosk)
        assert offered.clerk == clerk
        return offered

    async def serving(self, clerk: str = CLERK, kiosk: str = KIOSK) -> Visit:
        """A visit in its call."""
        offered = await self.ringing(clerk, kiosk)
        return await self.offers.accept(offered.id, ClerkId(clerk), self.later())

    async def finished(self, clerk: str = CLERK, kiosk: str = KIOSK) -> Visit:
        """A visit whose call is over and whose record is open."""
        served = await self.serving(clerk, kiosk)
        return await self.desk.end(served.id, "clerk", self.later())

    async def closed(self, clerk: str = CLERK, kiosk: str = KIOSK) -> Visit:
        """A visit with its outcome; the clerk is on a break, the kiosk is free."""
        finished = await self.finished(clerk, kiosk)
        await self.desk.close(
            finished.id, ClerkId(clerk), Outcome.COMPLETED, ready=False, now=self.later()
        )
        return await self.desk.free_kiosk(finished.id)

    async def visit(self, visit_id: VisitId) -> Visit:
        found = await self.board.visit(visit_id)
        assert found is not None
        return found

    async def window_of(self, clerk: str = CLERK) -> window.State:
        found = await self.board.window(ClerkId(clerk))
        assert found is not None
        return found.state


@contextlib.asynccontextmanager
async def office(world: World | Path) -> AsyncIterator[Office]:
    """An office of its own on a copy of the demo world."""
    source = copied(world) if isinstance(world, Path) else world.copy()
    async with source as place:
        engine = database.open_engine(place)
        catalogue = demo_world.catalogue()
        try:
            codes = Codes(bytes(32))
            yield Office(
                engine,
                Desk(engine, catalogue, codes),
                Offers(engine),
                Transfers(engine),
                Board(engine, catalogue, Standings(engine, catalogue, fresh_s=0)),
                codes,
            )
        finally:
            await engine.dispose()
