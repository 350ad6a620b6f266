"""How is a media host in a process of its own spoken to? Its control interface over HTTP.

Bearer token on everything. `GET /news` is a WebSocket: the host's news, and a beat each second
both ways; the host that hears no beat for a while is on its own and says so in its log, and the
server that hears none for `LEASE_S` takes the host for lost. Calls of an earlier server are closed
some seconds after a new one has come. From then on the earlier one is refused: it may not know yet
that it is the server no longer.
"""

import asyncio
import hmac
import logging
from collections.abc import Coroutine
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from media.host.api import News, Plan, Refused, Unknown
from media.host.host import LocalHost
from media.host.metrics import metrics_text

log = logging.getLogger(__name__)

BEAT_S, LEASE_S = 1.0, 3.0
ORPHANS_S = 15.0
MAX_BODY_BYTES = 128 * 1024
WAITING_NEWS = 10_000
KEPT_EPOCHS = 1000
EPOCH_HEADER = "VW-Epoch"
SUPERSEDED = 4001

_encoder = msgspec.json.Encoder()


class Slots(msgspec.Struct, forbid_unknown_fields=True):
    """How many others a connection can hear."""

    slots: int = 1


class Sdp(msgspec.Struct, forbid_unknown_fields=True):
    """An SDP answer."""

    sdp: str


class Running(msgspec.Struct, forbid_unknown_fields=True):
    """Whether a call is recorded."""

    running: bool


class Control:
    """The HTTP application of one local host. `token` is what the server must show."""

    def __init__(self, host: LocalHost, token: str) -> None:
        self._host, self._token = host, token
        self._readers: dict[asyncio.Queue[News], web.WebSocketResponse] = {}
        self._epoch = ""
        self._past: dict[str, None] = {}  # epochs that a newer one followed, in order
        self._calls: dict[str, str] = {}  # the epoch in which a call was begun
        self._orphans: asyncio.TimerHandle | None = None
        self._closing: set[asyncio.Task[object]] = set()

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application(middlewares=[self._guard], client_max_size=MAX_BODY_BYTES)
        app.add_routes(
            [
                web.post("/connections", self._invite),
                web.post("/connections/{connection}/answer", self._answer),
                web.post("/connections/{connection}/join", self._join),
                web.delete("/connections/{connection}", self._leave),
                web.put("/calls/{call}/hears", self._hears),
                web.put("/calls/{call}/recording", self._record),
                web.delete("/calls/{call}", self._close),
                web.get("/status", self._status),
                web.get("/metrics", self._metrics),
                web.get("/news", self._news),
            ]
        )
        return app

    def hear(self, news: News) -> None:
        """What the host tells goes to every server that listens."""
        for queue in self._readers:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(news)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        shown = request.headers.get("Authorization", "")
        if not hmac.compare_digest(shown.encode(), f"Bearer {self._token}".encode()):
            return _problem(401, "the media token is missing or wrong")
        if request.headers.get(EPOCH_HEADER) in self._past:
            return _problem(410, "another server has taken over")
        try:
            answer: web.StreamResponse = await handler(request)
        except Unknown:
            return _problem(404, "no such connection")
        except Refused as error:
            return _problem(409 if error.twice else 422, str(error))
        except msgspec.MsgspecError as error:
            return _problem(400, str(error))
        return answer

    async def _invite(self, request: web.Request) -> web.Response:
        wanted = msgspec.json.decode(await request.read(), type=Slots)
        return _json(await self._host.invite(min(max(wanted.slots, 1), 5)))

    async def _answer(self, request: web.Request) -> web.Response:
        body = msgspec.json.decode(await request.read(), type=Sdp)
        await self._host.answer(request.match_info["connection"], body.sdp)
        return _json({})

    async def _join(self, request: web.Request) -> web.Response:
        plan = msgspec.json.decode(await request.read(), type=Plan)
        await self._host.join(request.match_info["connection"], plan)
        self._calls[plan.call] = self._epoch
        return _json({})

    async def _leave(self, request: web.Request) -> web.Response:
        await self._host.leave(request.match_info["connection"])
        return _json({})

    async def _hears(self, request: web.Request) -> web.Response:
        table = msgspec.json.decode(await request.read(), type=dict[str, list[str]])
        await self._host.hear(request.match_info["call"], table)
        return _json({})

    async def _record(self, request: web.Request) -> web.Response:
        body = msgspec.json.decode(await request.read(), type=Running)
        await self._host.record(request.match_info["call"], running=body.running)
        return _json({})

    async def _close(self, request: web.Request) -> web.Response:
        self._calls.pop(request.match_info["call"], None)
        await self._host.close(request.match_info["call"])
        return _json({})

    async def _status(self, _request: web.Request) -> web.Response:
        return _json(await self._host.status())

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(text=metrics_text([await self._host.status()], self._host.timings))

    async def _news(self, request: web.Request) -> web.StreamResponse:
        ws = web.WebSocketResponse(max_msg_size=1024, receive_timeout=LEASE_S)
        await ws.prepare(request)
        queue: asyncio.Queue[News] = asyncio.Queue(WAITING_NEWS)
        self._take_over(request.headers.get(EPOCH_HEADER, ""))
        self._readers[queue] = ws
        first = "ready" if self._host.ready else "draining"
        queue.put_nowait(News(host=self._host.name, change=first))  # type: ignore[arg-type]
        writer = asyncio.create_task(self._write(ws, queue), name="media news")
        try:
            async for message in ws:
                if message.type is not WSMsgType.TEXT:
                    break
        except TimeoutError:
            log.warning("x no beat of the server for %.0f s", LEASE_S)
        finally:
            self._readers.pop(queue, None)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return ws

    async def _write(self, ws: web.WebSocketResponse, queue: asyncio.Queue[News]) -> None:
        while True:
            try:
                async with asyncio.timeout(BEAT_S):
                    text = _encoder.encode(await queue.get()).decode()
            except TimeoutError:
                text = "null"
            await ws.send_str(text)

    def _take_over(self, epoch: str) -> None:
        """A new server process has come: what the one before began ends soon."""
        if epoch == self._epoch:
            return
        if self._epoch:
            self._past[self._epoch] = None
            while len(self._past) > KEPT_EPOCHS:
                del self._past[next(iter(self._past))]
        self._epoch = epoch
        for ws in self._readers.values():
            self._spawn(ws.close(code=SUPERSEDED, message=b"another server has taken over"))
        if self._orphans is not None:
            self._orphans.cancel()
        loop = asyncio.get_running_loop()
        self._orphans = loop.call_later(ORPHANS_S, self._close_orphans)

    def _close_orphans(self) -> None:
        for call in [c for c, epoch in self._calls.items() if epoch != self._epoch]:
            del self._calls[call]
            self._spawn(self._host.close(call))

    def _spawn(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(work, name="close what an earlier server left")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _json(body: object) -> web.Response:
    return web.Response(body=_encoder.encode(body), content_type="application/json")


def _problem(status: int, detail: str) -> web.Response:
    return web.Response(
        status=status, body=_encoder.encode({"detail": detail}), content_type="application/json"
    )
