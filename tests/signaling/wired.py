"""Builder: visits, calls, media hosts and recordings wired in one process, with real parts."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from media.host.host import LocalHost
from media.node import node as nodes
from media.node.node import Node
from media.records import manifest as manifests
from media.records.manifest import Manifest
from media.records.store import Store
from scheduling.record import Visit
from scheduling.visit import VisitId
from signaling.access import Identity, Role
from signaling.call import Call
from signaling.exchange import Exchange
from signaling.hub import Hub, Socket
from signaling.quality import Qualities
from signaling.recordings import Recordings
from signaling.switchboard import Switchboard
from tests.scheduling.office import CLERK, JIAXING, KIOSK, Office, office

AT_KIOSK = Identity(KIOSK, Role.KIOSK, JIAXING)
AT_DESK = Identity(CLERK, Role.CLERK, JIAXING)
DEADLINE_S = 15.0


def media_host(name: str, recordings: Path) -> LocalHost:
    """A media host on a free loopback port, not started."""

    def make_node(listener: Callable[[nodes.News], None]) -> Node:
        return Node(host="127.0.0.1", port=0, announce=["127.0.0.1"], listener=listener)

    return LocalHost(name, Store(recordings), make_node)


class Wired:
    """A switchboard with its desk, exchange and media hosts, and two open lines."""

    def __init__(self, at: Office, folder: Path, *hosts: LocalHost) -> None:
        self.at, self.hosts = at, hosts
        self.hub = Hub()
        self.sockets = {who.id: Socket(who) for who in (AT_KIOSK, AT_DESK)}
        for socket in self.sockets.values():
            self.hub.enter(socket)
        self.recordings = Recordings(Store(folder))
        self.qualities = Qualities(at.engine)
        self.exchange = Exchange(self.recordings, self._changed)
        self.switchboard = Switchboard(
            at.desk,
            at.board,
            self.hub,
            exchange=self.exchange,
            recordings=self.recordings,
            qualities=self.qualities,
        )
        self._change = asyncio.Event()

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

    def call(self, visit_id: str) -> Call:
        """The running call of a visit."""
        call = self.exchange.call_of(visit_id)
        assert call is not None
        return call

    async def until(self, wanted: Callable[[], bool]) -> None:
        """Wait until this holds after some change that a client was told of."""
        async with asyncio.timeout(DEADLINE_S):
            while not wanted():
                self._change.clear()
                await self._change.wait()

    async def visit(self, visit_id: str) -> Visit:
        return await self.at.visit(VisitId(visit_id))

    async def sealed(self, visit_id: str) -> Manifest:
        """The manifest once every file whose connection has ended is sealed."""
        for host in self.hosts:
            await host.recorder.settled()
        return manifests.read(self.recordings.folder(await self.visit(visit_id)))

    def _changed(self, clients: object) -> None:
        self.hub.wake(clients)  # type: ignore[arg-type]
        self._change.set()


@contextlib.asynccontextmanager
async def wired(world_file: Path, folder: Path, *names: str) -> AsyncIterator[Wired]:
    """Everything running, with media hosts of these names (one, if none is named)."""
    async with office(world_file) as at:
        hosts = [media_host(name, folder) for name in names or ("one",)]
        running = Wired(at, folder, *hosts)
        await running.exchange.start(hosts)
        await running.switchboard.start()
        try:
            yield running
        finally:
            await running.switchboard.stop()
            await running.exchange.stop()
