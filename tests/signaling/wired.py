"""Builder: visits, calls, media hosts and recordings wired in one process, with real parts."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path

from aiohttp import web

from deploy import demo_world
from media.host.api import MediaHost
from media.host.control import Control
from media.host.host import LocalHost
from media.host.remote import RemoteHost
from media.node import node as nodes
from media.node.node import Node
from media.records import manifest as manifests
from media.records.manifest import Manifest
from media.records.store import Store
from scheduling.dispatch import Dispatcher
from scheduling.record import Visit
from scheduling.service_level import ServiceLevels
from scheduling.visit import VisitId
from signaling.access import Identity, Role
from signaling.accounts import Accounts
from signaling.call import RESIDENT, Call, Party
from signaling.call_backs import CallBacks
from signaling.clock import Clock
from signaling.exchange import Exchange
from signaling.headless import HeadlessPeer, Likeness
from signaling.hub import Hub, Socket
from signaling.line_views import LineViews
from signaling.quality import Qualities
from signaling.recordings import Recordings
from signaling.switchboard import Switchboard
from signaling.views import Views
from signaling.world import World
from tests.scheduling.office import CLERK, JIAXING, KIOSK, Office, office
from tests.support.service import free_port

AT_KIOSK = Identity(KIOSK, Role.KIOSK, JIAXING)
AT_DESK = Identity(CLERK, Role.CLERK, JIAXING)
SMALL = Likeness("testsrc2=size=160x120:rate=10", "sine=frequency=440:sample_rate=48000")
DEADLINE_S = 15.0
TOKEN = "0123456789abcdef"


def local_host(name: str, recordings: Path) -> LocalHost:
    """A media host on a free loopback port, not started."""

    def make_node(listener: Callable[[nodes.News], None]) -> Node:
        return Node(host="127.0.0.1", port=0, announce=["127.0.0.1"], listener=listener)

    return LocalHost(name, Store(recordings), make_node)


class DistantHost:
    """A media host reached over its control interface; it can begin late and be lost."""

    def __init__(self, name: str, recordings: Path) -> None:
        self.port = free_port()
        self.remote = RemoteHost(name, f"http://127.0.0.1:{self.port}", TOKEN)
        self.local = local_host(name, recordings)
        self._control = Control(self.local, TOKEN)
        self._runner: web.AppRunner | None = None
        self._runs = False

    async def begin(self) -> None:
        """Start it, and its control interface."""
        await self.local.start(self._control.hear)
        self._runs = True
        await self.answer()

    async def answer(self) -> None:
        """Its control interface can be reached, again."""
        self._runner = web.AppRunner(self._control.application(), shutdown_timeout=0.01)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def cut(self) -> None:
        """Its control interface answers no more; media goes on."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def end(self) -> None:
        """It is gone, with all its connections."""
        await self.cut()
        if self._runs:
            self._runs = False
            await self.local.stop()


class Page:
    """What a page does about its connection, without a browser: one peer a connection."""

    def __init__(self, running: "Wired", who: Identity, party: Party) -> None:
        self._running, self.who, self.party = running, who, party
        self.peers: dict[str, HeadlessPeer] = {}

    async def take(self, connection: str, offer: str | None) -> HeadlessPeer:
        """Answer this offer, with a new peer if the connection is new."""
        assert offer, "there is no offer to answer"
        peer = self.peers.setdefault(connection, HeadlessPeer(SMALL))
        sdp = await peer.answer(offer)
        await self._running.exchange.answer(self.who.id, connection, sdp)
        return peer

    async def warm_up(self) -> str:
        """Hold a connected warm line; its connection."""
        await self._running.switchboard.connect(self.who, None)
        line = self._running.exchange.line_of(self.who.id)
        assert line is not None
        await self.take(line.connection, line.offer)
        await self._running.until(lambda: line.connected)
        return line.connection

    async def join(self, visit_id: str) -> HeadlessPeer:
        """Answer the offer that waits in the call, and be connected by it."""
        path = self._running.call(visit_id).paths[self.party]
        connection = path.connection
        assert connection is not None
        peer = await self.take(connection, path.offer)
        await self._running.until(
            lambda: self._running.call(visit_id).paths[self.party].playing == connection
        )
        return peer

    async def close(self) -> None:
        """Hang up, without a word to the server."""
        await asyncio.gather(*(peer.close() for peer in self.peers.values()))


class Wired:
    """A switchboard with its desk, exchange and media hosts, and two open lines."""

    def __init__(
        self,
        at: Office,
        folder: Path,
        locals_: Sequence[LocalHost],
        call_back_url: str = "",
    ) -> None:
        self.at, self.locals = at, locals_
        self.hub = Hub()
        for who in (AT_KIOSK, AT_DESK):
            self.hub.enter(Socket(who))
        self.recordings = Recordings(Store(folder))
        self.qualities = Qualities(at.engine)
        self.exchange = Exchange(self.recordings, self._changed)
        dispatcher = Dispatcher(
            at.engine,
            demo_world.catalogue(),
            desk=at.desk,
            offers=at.offers,
            transfers=at.transfers,
            present=self.hub.is_open,
        )
        self.switchboard = Switchboard(
            at.desk,
            at.board,
            self.hub,
            offers=at.offers,
            transfers=at.transfers,
            dispatcher=dispatcher,
            exchange=self.exchange,
            recordings=self.recordings,
            qualities=self.qualities,
        )
        self.clock = Clock(
            self.switchboard,
            at.board,
            self.hub,
            desk=at.desk,
            offers=at.offers,
            transfers=at.transfers,
            dispatcher=dispatcher,
            exchange=self.exchange,
            recordings=self.recordings,
            qualities=self.qualities,
            call_backs=CallBacks(call_back_url),
        )
        self.kiosk = Page(self, AT_KIOSK, RESIDENT)
        self.desk = Page(self, AT_DESK, Party("clerk"))
        self.told: list[str] = []

    async def ringing(self) -> VisitId:
        """A visit that rings at the clerk."""
        await self.switchboard.set_window(AT_DESK, "be_ready")
        await self.switchboard.take_ticket(
            AT_KIOSK,
            "songjiang-community",
            city=JIAXING,
            matter="YB-01",
            language="zh_CN",
            notice="2026-11",
        )
        held = await self.at.board.visit_of_clerk(CLERK)
        assert held is not None
        return held.id

    async def accepted(self) -> VisitId:
        """A visit in its call; whoever has no warm line is invited."""
        visit_id = await self.ringing()
        await self.switchboard.accept(AT_DESK, visit_id)
        return visit_id

    async def talking(self) -> VisitId:
        """A visit in its call, with both parties connected by new connections."""
        visit_id = await self.accepted()
        await asyncio.gather(self.kiosk.join(visit_id), self.desk.join(visit_id))
        return visit_id

    def call(self, visit_id: str) -> Call:
        """The running call of a visit."""
        call = self.exchange.call_of(visit_id)
        assert call is not None
        return call

    async def until(self, wanted: Callable[[], bool]) -> None:
        """Wait for something that not every change announces."""
        async with asyncio.timeout(DEADLINE_S):
            while not wanted():
                await asyncio.sleep(0.01)

    async def views(self) -> Views:
        """What the clients see."""
        board, accounts = self.at.board, Accounts(self.at.engine)
        world = World(await board.cities(), await board.sites(), demo_world.catalogue())
        return Views(
            world,
            board,
            accounts,
            switchboard=self.switchboard,
            exchange=self.exchange,
            qualities=self.qualities,
            hub=self.hub,
            lines=LineViews(world, board, ServiceLevels(self.at.engine)),
            codes=self.at.codes,
        )

    async def ticket(self) -> Visit:
        """The visit at the kiosk."""
        shown = await self.at.board.visit_at_kiosk(KIOSK)
        assert shown is not None
        return shown

    async def visit(self, visit_id: str) -> Visit:
        return await self.at.visit(VisitId(visit_id))

    async def sealed(self, visit_id: str) -> Manifest:
        """The manifest once every file whose connection has ended is sealed."""
        for host in self.locals:
            await host.recorder.settled()
        return manifests.read(self.recordings.folder(await self.visit(visit_id)))

    def _changed(self, clients: Iterable[str | None]) -> None:
        clients = list(clients)
        self.told += [client for client in clients if client]
        self.hub.wake(clients)


@contextlib.asynccontextmanager
async def wired(
    world_file: Path, folder: Path, *given: LocalHost | DistantHost
) -> AsyncIterator[Wired]:
    """Everything running with these media hosts, or one; distant ones are begun by the test."""
    hosts = given or (local_host("one", folder),)
    used: list[MediaHost] = [h.remote if isinstance(h, DistantHost) else h for h in hosts]
    distant = [h for h in hosts if isinstance(h, DistantHost)]
    async with office(world_file) as at:
        running = Wired(at, folder, [h.local if isinstance(h, DistantHost) else h for h in hosts])
        await running.exchange.start(used)
        await running.clock.start()
        try:
            yield running
        finally:
            await asyncio.gather(running.kiosk.close(), running.desk.close())
            await running.clock.stop()
            await running.switchboard.stop()
            await running.exchange.stop()
            for host in distant:
                await host.end()


async def gets_more(*peers: HeadlessPeer, frames: int = 5) -> None:
    """Wait until each of these has received more sound and more picture."""
    before = [dict(peer.frames) for peer in peers]
    async with asyncio.timeout(DEADLINE_S):
        while not all(
            peer.frames[kind] > had[kind] + frames
            for peer, had in zip(peers, before, strict=True)
            for kind in had
        ):
            await asyncio.sleep(0.02)
