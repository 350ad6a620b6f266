"""How do processes on several machines tell each other things? A bus over Redis publish/subscribe.

Redis is asked for nothing but to pass messages on: no lock, no key, nothing that could be lost
with it. A subscriber can die without a sign, so each one pings itself through its own channel; the
bus is up when that comes back, and lost when it has not for `lost_s`.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from signaling.bus import Heard, Link

log = logging.getLogger(__name__)

CHANNEL = "virtual-window"
PING_S, LOST_S = 1.5, 5.0
TRY_AGAIN_S = 0.5
WAITING = 10_000
_AT_ONCE = 200
_LAST_WORDS_S = 0.5
_PING = b"ping"


class RedisBus:
    """A `signaling.bus.Bus` through the Redis at `url`."""

    def __init__(
        self, url: str, name: str, *, ping_s: float = PING_S, lost_s: float = LOST_S
    ) -> None:
        self._url, self._name = url, name
        self._ping_s, self._lost_s = ping_s, lost_s
        self._heard: Heard = lambda message: None
        self._link: Link = lambda up: None
        self._up = False
        self._heard_s = 0.0
        self._outbox: deque[tuple[str, bytes]] = deque(maxlen=WAITING)
        self._told, self._silent = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """How others address this process."""
        return self._name

    @property
    def up(self) -> bool:
        """Whether this process hears itself."""
        return self._up

    async def start(self, heard: Heard, link: Link) -> None:
        """Connect, and stay so; returns at once."""
        self._heard, self._link = heard, link
        self._task = asyncio.create_task(self._live(), name="bus")

    async def stop(self) -> None:
        """Send what was told, if Redis takes it, and let go."""
        if self._up:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._silent.wait(), _LAST_WORDS_S)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._up = False

    def tell(self, message: bytes, to: str = "") -> None:
        """Tell every other process, or the one of this name."""
        if self._up:
            self._put(f"{CHANNEL}:{to}" if to else CHANNEL, message)

    def _put(self, channel: str, message: bytes) -> None:
        self._outbox.append((channel, self._name.encode() + b"\n" + message))
        self._silent.clear()
        self._told.set()

    async def _live(self) -> None:
        while True:
            try:
                await self._connected()
            except (RedisError, OSError, TimeoutError) as error:
                log.info("x bus: %s", error or type(error).__name__)
            finally:
                self._lose()
            await asyncio.sleep(TRY_AGAIN_S)

    async def _connected(self) -> None:
        client = Redis.from_url(
            self._url,
            socket_timeout=self._lost_s,
            socket_connect_timeout=self._lost_s,
            retry=Retry(NoBackoff(), 0),  # what could not be sent is stale by the next try
        )
        ears = client.pubsub(ignore_subscribe_messages=True)
        tasks: list[asyncio.Task[None]] = []
        try:
            async with asyncio.timeout(self._lost_s):
                await ears.subscribe(CHANNEL, f"{CHANNEL}:{self._name}")
            self._heard_s = time.monotonic()
            self._outbox.clear()
            for work in (self._listen(ears), self._speak(client), self._ping()):
                tasks.append(asyncio.create_task(work, name="bus part"))
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await ears.aclose()  # type: ignore[no-untyped-call]
                    await client.aclose()

    async def _listen(self, ears: PubSub) -> None:
        while True:
            message = await ears.get_message(timeout=self._ping_s)
            if message is None or message["type"] != "message":
                continue
            sender, _, body = message["data"].partition(b"\n")
            if sender != self._name.encode():
                self._heard(body)
            elif body == _PING:
                self._heard_s = time.monotonic()
                self._find()

    async def _speak(self, client: Redis) -> None:
        while True:
            await self._told.wait()
            self._told.clear()
            while self._outbox:
                async with client.pipeline(transaction=False) as batch:
                    for _ in range(min(len(self._outbox), _AT_ONCE)):
                        batch.publish(*self._outbox.popleft())
                    await batch.execute()
            self._silent.set()

    async def _ping(self) -> None:
        while True:
            self._put(f"{CHANNEL}:{self._name}", _PING)
            await asyncio.sleep(self._ping_s)
            if time.monotonic() - self._heard_s > self._lost_s:
                raise ConnectionError(f"nothing came back for {self._lost_s:.0f} s")

    def _find(self) -> None:
        if not self._up:
            self._up = True
            log.warning("- bus is up")
            self._link(True)

    def _lose(self) -> None:
        self._outbox.clear()
        if self._up:
            self._up = False
            log.warning("x bus is lost")
            self._link(False)
