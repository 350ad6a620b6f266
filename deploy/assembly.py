"""How do the parts become one running service? Builds every object once and wires them."""

import asyncio
import contextlib
import hmac
import logging
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

import msgspec
from aiohttp import web
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from clerk_console import pages as clerk_pages
from deploy import database
from deploy.arrangement import Arrangement
from deploy.office_work import OfficeWork
from deploy.settings import Settings
from kiosk_client import pages as kiosk_pages
from media.host.api import MediaHost
from media.host.host import LocalHost
from media.host.metrics import metrics_text
from media.records.store import Store
from scheduling.board import Board
from scheduling.bookings import Bookings
from scheduling.codes import Codes
from scheduling.desk import Desk
from scheduling.dispatch import Dispatcher
from scheduling.hours import OpeningHours
from scheduling.offers import Offers
from scheduling.registry import Registry
from scheduling.roster import Roster
from scheduling.rulebook import Rulebook
from scheduling.service_level import ServiceLevels
from scheduling.transfers import Transfers
from signaling.access import Tokens
from signaling.accounts import Accounts
from signaling.api import openapi
from signaling.api.appointments import AppointmentsApi
from signaling.api.calls import CallsApi
from signaling.api.identity import IdentityApi
from signaling.api.matters import MattersApi
from signaling.api.media import MediaApi, statuses
from signaling.api.opening import OpeningApi
from signaling.api.rest import MAX_BODY_BYTES, Operation, Rest, problems
from signaling.api.rules import RulesApi
from signaling.api.service_level import ServiceLevelApi
from signaling.api.shifts import ShiftsApi
from signaling.api.skills import SkillsApi
from signaling.api.transfer_targets import TransferTargets
from signaling.api.visits import VisitsApi
from signaling.audit import Audit
from signaling.between import Level
from signaling.call_backs import CallBacks
from signaling.calls import SharedCalls
from signaling.clock import Clock
from signaling.commands import Commands
from signaling.desk_parties import DeskParties
from signaling.endpoint import Endpoint
from signaling.hub import Hub
from signaling.ledger import Ledger
from signaling.line_views import LineViews
from signaling.passing import Passing
from signaling.quality import Level as Quality
from signaling.quality import Qualities
from signaling.recordings import Recordings
from signaling.switchboard import Switchboard
from signaling.views import Views
from signaling.web import add_pages, harden
from signaling.world import World

log = logging.getLogger(__name__)


class Service:
    """One process with everything in it. `start`, then `stop`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._engine: AsyncEngine | None = None
        self._ours: Arrangement | None = None
        self._runner: web.AppRunner | None = None
        self._endpoint: Endpoint | None = None
        self._hosts: list[MediaHost] = []  # whose status can be asked for here
        self._ending = contextlib.AsyncExitStack()

    async def start(self) -> None:
        """Open the database, the media port and the HTTP port, in this order.

        Raises database.DatabaseInUse, OSError for a port that is taken.
        """
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        settings, ending = self.settings, self._ending
        lock = await asyncio.to_thread(database.lock, settings.database)
        ending.callback(lock.close)
        await asyncio.to_thread(database.migrate, settings.database)
        engine = self._engine = database.open_engine(settings.database)
        ending.push_async_callback(engine.dispose)
        ours = self._ours = Arrangement(settings)
        ending.push_async_callback(ours.stop)
        registry = Registry(engine)
        catalogue = await registry.catalogue()
        board = Board(engine, catalogue)
        world = World(await board.cities(), await board.sites(), catalogue)
        accounts, audit, ledger = Accounts(engine), Audit(engine), Ledger(engine)
        secret = await asyncio.to_thread(settings.secret)
        tokens, codes = Tokens(secret), Codes(secret)
        hours, bookings = OpeningHours(engine), Bookings(engine)
        rulebook = Rulebook(engine, catalogue)
        hub = Hub(ours.post)
        recordings, qualities = Recordings(Store(settings.recordings)), _qualities(engine, ours)
        calls = SharedCalls(ours.post, board.visit, qualities.forget)
        desk, offers = Desk(engine, catalogue, codes), Offers(engine)
        transfers = Transfers(engine)
        dispatcher = Dispatcher(
            engine,
            catalogue,
            desk=desk,
            offers=offers,
            transfers=transfers,
            present=hub.is_open,
        )
        switchboard = Switchboard(
            desk,
            board,
            hub,
            offers=offers,
            transfers=transfers,
            dispatcher=dispatcher,
            exchange=calls,
            recordings=recordings,
            qualities=qualities,
            look=ours.office.look,
            ring_s=settings.ring_s,
        )
        clock = Clock(
            switchboard,
            board,
            hub,
            desk=desk,
            offers=offers,
            transfers=transfers,
            dispatcher=dispatcher,
            exchange=calls,
            recordings=recordings,
            qualities=qualities,
            call_backs=CallBacks(settings.call_back_url),
            missed=ours.office.missed,
        )
        work = OfficeWork(settings, ours, calls, switchboard, clock, recordings, hub)
        self._hosts = work.watched
        await ours.start()
        await ledger.start()
        ending.push_async_callback(ledger.stop)
        await hub.start(switchboard.moved, board.changed)
        ending.push_async_callback(switchboard.stop)
        ending.push_async_callback(work.stop)
        await work.start()
        ending.push_async_callback(hub.stop)
        lines = LineViews(world, board, ServiceLevels(engine))
        desks = DeskParties(calls, hub)
        endpoint = self._endpoint = Endpoint(
            origins=settings.allowed_origins,
            tokens=tokens,
            accounts=accounts,
            commands=Commands(
                switchboard,
                Passing(switchboard, transfers, board, calls),
                desks,
                accounts,
                ledger,
            ),
            desks=desks,
            switchboard=switchboard,
            views=Views(
                world,
                board,
                accounts,
                switchboard=switchboard,
                exchange=calls,
                qualities=qualities,
                hub=hub,
                lines=lines,
                codes=codes,
            ),
            hub=hub,
            epoch=ours.epoch,
        )
        identity = IdentityApi(
            world, accounts, tokens, audit, secure=settings.secure, is_online=hub.is_open
        )
        operations = [
            *identity.operations(),
            *MattersApi(world, board).operations(),
            *VisitsApi(world, board, recordings, qualities, audit).operations(),
            *CallsApi(world, board, calls, qualities, audit).operations(),
            *OpeningApi(world, hours, bookings, audit).operations(),
            *ShiftsApi(world, board, Roster(engine), audit).operations(),
            *AppointmentsApi(world, bookings, hours, audit).operations(),
            *RulesApi(world, rulebook, audit, switchboard.rules_changed).operations(),
            *SkillsApi(world, board, rulebook, audit, switchboard.rules_changed).operations(),
            *ServiceLevelApi(world, board, ServiceLevels(engine)).operations(),
            *TransferTargets(lines, board, rulebook).operations(),
            *MediaApi(self._hosts).operations(),
        ]
        app = web.Application(middlewares=[problems], client_max_size=MAX_BODY_BYTES)
        app.on_response_prepare.append(harden)
        Rest(tokens, accounts, settings.allowed_origins).add(app, operations)
        described = msgspec.json.encode(openapi.document(operations, version("virtual-window")))
        app.router.add_get("/api/openapi.json", _fixed(described))
        app.router.add_get("/line", endpoint.handle)
        app.router.add_get("/healthz", _fixed(b'{"ok":true}'))
        app.router.add_get("/readyz", self._ready)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/", _home)
        add_pages(app, [*kiosk_pages.PAGES, *clerk_pages.PAGES])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, settings.host, settings.port).start()
        log.info("- serving on %s:%d", settings.host, settings.port)

    async def stop(self) -> None:
        """Tell the clients, seal the recordings, close the database."""
        if self._endpoint is not None:
            self._endpoint.close_all()
        if self._runner is not None:
            await self._runner.cleanup()
        await self._ending.aclose()

    async def _ready(self, request: web.Request) -> web.Response:
        """Whether the database answers; also whether this is the office, and the bus is up."""
        if self._engine is None or self._ours is None:
            raise web.HTTPServiceUnavailable
        async with self._engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        return web.json_response(
            {"ok": True, "office": self._ours.office.active, "bus": self._ours.post.up}
        )

    async def _metrics(self, request: web.Request) -> web.Response:
        """For Prometheus, which shows the media token; without one set, for nobody."""
        token = self.settings.media_token
        shown = request.headers.get("Authorization", "")
        if not token or not hmac.compare_digest(shown.encode(), f"Bearer {token}".encode()):
            raise web.HTTPUnauthorized(text="the media token is missing or wrong")
        own = next((host for host in self._hosts if isinstance(host, LocalHost)), None)
        timings = own.timings if own is not None else None
        return web.Response(text=metrics_text(await statuses(self._hosts), timings))


def _qualities(engine: AsyncEngine, ours: Arrangement) -> Qualities:
    """The samples of calls, with the levels that parties report to other processes."""

    def tell(visit: str, party: str, level: Quality) -> None:
        ours.post.tell(Level(visit=visit, party=party, level=level))

    qualities = Qualities(engine, tell=tell)
    ours.post.on(Level, lambda heard: qualities.hear(heard.visit, heard.party, heard.level))
    return qualities


def all_operations() -> list[Operation]:
    """The route table without a running service, for the documents."""
    unbuilt: Any = None
    apis = (
        IdentityApi(unbuilt, unbuilt, unbuilt, unbuilt, secure=True, is_online=unbuilt),
        MattersApi(unbuilt, unbuilt),
        VisitsApi(unbuilt, unbuilt, unbuilt, unbuilt, unbuilt),
        CallsApi(unbuilt, unbuilt, unbuilt, unbuilt, unbuilt),
        OpeningApi(unbuilt, unbuilt, unbuilt, unbuilt),
        ShiftsApi(unbuilt, unbuilt, unbuilt, unbuilt),
        AppointmentsApi(unbuilt, unbuilt, unbuilt, unbuilt),
        RulesApi(unbuilt, unbuilt, unbuilt, unbuilt),
        SkillsApi(unbuilt, unbuilt, unbuilt, unbuilt, unbuilt),
        ServiceLevelApi(unbuilt, unbuilt, unbuilt),
        TransferTargets(unbuilt, unbuilt, unbuilt),
        MediaApi(unbuilt),
    )
    return [operation for api in apis for operation in api.operations()]


def _fixed(body: bytes) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def serve(request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    return serve


async def _home(request: web.Request) -> web.Response:
    raise web.HTTPFound("/kiosk")
