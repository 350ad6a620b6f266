"""How does the server speak to a media host in another process? The client of `control.py`.

One WebSocket brings its news and a beat each second; no beat for `LEASE_S` and the host is lost
until it is heard again. Commands are HTTP requests with a deadline shorter than the lease.
"""

import asyncio
import contextlib
import logging
import secrets
import time
from typing import Any

import aiohttp
import msgspec

from media.host.api import HostLost, Invitation, Listener, News, Plan, Refused, Table, Unknown
from media.host.control import BEAT_S, EPOCH_HEADER, LEASE_S, SUPERSEDED

log = logging.getLogger(__name__)

COMMAND_S = 2.5
TRY_AGAIN_S = 0.3


class RemoteHost:
    """A `media.host.api.MediaHost` behind `url`, e.g. `http://10.0.0.7:7088`."""

    def __init__(self, name: str, url: str, token: str) -> None:
        self._name, self._url = name, url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"}
        self._listener: Listener = lambda news: None
        self._http: aiohttp.ClientSession | None = None
        self._task: asyncio.Task[None] | None = None
        self._ready = self._lost = False

    @property
    def name(self) -> str:
        """How operators call it."""
        return self._name

    @property
    def ready(self) -> bool:
        """Whether it takes new calls."""
        return self._ready

    async def start(self, listener: Listener) -> None:
        """Connect, and stay so until another server takes over; returns at once."""
        self._listener = listener
        self._headers[EPOCH_HEADER] = secrets.token_hex(8)
        self.look()
        self._task = asyncio.create_task(self._follow(), name=f"media host {self._name}")

    def look(self) -> None:
        """Without `start`: only its status is asked for, and its server is another process."""
        self._http = aiohttp.ClientSession(
            headers=self._headers, timeout=aiohttp.ClientTimeout(total=COMMAND_S)
        )

    async def stop(self) -> None:
        """Let go of it; its calls go on until another server process comes."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    async def invite(self, slots: int = 1) -> Invitation:
        """A connection; a warm line until `join`."""
        body = await self._ask("POST", "/connections", {"slots": slots})
        return msgspec.convert(body, Invitation)

    async def answer(self, connection: str, sdp: str) -> None:
        """The party's SDP answer. Raises Unknown, Refused."""
        await self._ask("POST", f"/connections/{connection}/answer", {"sdp": sdp})

    async def join(self, connection: str, plan: Plan) -> None:
        """From now on this connection carries a party. Raises Unknown, Refused."""
        await self._ask("POST", f"/connections/{connection}/join", plan)

    async def hear(self, call: str, table: Table) -> None:
        """Who hears whom from now on."""
        named = {party: list(heard) for party, heard in table.items()}
        await self._ask("PUT", f"/calls/{call}/hears", named)

    async def leave(self, connection: str) -> None:
        """Close one connection."""
        await self._ask("DELETE", f"/connections/{connection}")

    async def close(self, call: str) -> None:
        """Close a call; its recordings are sealed."""
        await self._ask("DELETE", f"/calls/{call}")

    async def record(self, call: str, *, running: bool) -> None:
        """Pause a call's recording, or let it go on."""
        await self._ask("PUT", f"/calls/{call}/recording", {"running": running})

    async def status(self) -> dict[str, Any]:
        """Counts for operators."""
        status: dict[str, Any] = await self._ask("GET", "/status")
        return status

    async def _ask(self, method: str, path: str, body: object = None) -> Any:
        if self._http is None or self._lost:
            raise HostLost(f"media host {self._name} is lost")
        try:
            async with self._http.request(
                method,
                self._url + path,
                data=None if body is None else msgspec.json.encode(body),
            ) as response:
                answer = msgspec.json.decode(await response.read())
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.MsgspecError) as error:
            raise HostLost(f"media host {self._name}: {error}") from error
        if response.status < 300:
            return answer
        detail = str(answer.get("detail", "")) if isinstance(answer, dict) else ""
        if response.status == 404:
            raise Unknown(path)
        if response.status in (409, 422):
            raise Refused(detail, twice=response.status == 409)
        raise HostLost(f"media host {self._name}: {response.status} {detail}")

    async def _follow(self) -> None:
        while True:
            try:
                if await self._listen() == SUPERSEDED:
                    log.warning("- media host %s has another server now", self._name)
                    self._ready, self._lost = False, True
                    return
            except (aiohttp.ClientError, TimeoutError, OSError, msgspec.MsgspecError) as error:
                log.info("x media host %s: %s", self._name, error or type(error).__name__)
            self._lose()
            await asyncio.sleep(TRY_AGAIN_S)

    async def _listen(self) -> int | None:
        """Hear its news until it closes; its reason."""
        assert self._http is not None
        timeout = aiohttp.ClientWSTimeout(ws_close=1.0)
        async with self._http.ws_connect(f"{self._url}/news", timeout=timeout) as ws:
            beat = asyncio.create_task(self._beat(ws), name=f"beat of {self._name}")
            try:
                while True:
                    message = await ws.receive(timeout=LEASE_S)
                    if message.type is not aiohttp.WSMsgType.TEXT:
                        return ws.close_code
                    news = msgspec.json.decode(message.data, type=News | None)
                    if news is not None:
                        self._hear(news)
            finally:
                beat.cancel()
                await asyncio.gather(beat, return_exceptions=True)

    async def _beat(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await ws.send_str(str(time.monotonic()))
                await asyncio.sleep(BEAT_S)

    def _hear(self, news: News) -> None:
        if news.change == "ready":
            self._ready, self._lost = True, False
        elif news.change == "draining":
            self._ready, self._lost = False, False
        self._listener(msgspec.structs.replace(news, host=self._name))

    def _lose(self) -> None:
        self._ready = False
        if not self._lost:
            self._lost = True
            self._listener(News(host=self._name, change="lost"))
