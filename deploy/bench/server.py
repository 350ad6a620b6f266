"""How does a benchmark speak with the server it measures? JSON lines over stdin and stdout.

Both ends are here: `ServerProcess` starts a server in a process of its own and gives orders,
`serve` carries them out there. The server says itself what CPU time its process has used, all
threads together, so that the load is never counted. Knows no media; see `node_server.py` and
`aiortc_server.py`.
"""

import asyncio
import resource
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal, Protocol

import msgspec

PARTIES = ("resident", "clerk")
REPLY_DEADLINE_S = 60.0  # an encoding server answers late
END_DEADLINE_S = 15.0


class Recorded(msgspec.Struct, frozen=True):
    """What the server's recording of one party holds."""

    party: str
    bytes: int
    audio_frames: int
    video_frames: int


class Order(msgspec.Struct, frozen=True):
    """`describe`: take these descriptions, give yours; `mark`: tell the time; `finish`: record."""

    what: Literal["describe", "mark", "finish"]
    sdp: dict[str, str] = {}


class Mark(msgspec.Struct, frozen=True):
    """CPU seconds (user and system) of the whole process so far, and the moment."""

    cpu_s: float
    monotonic_s: float


class Outcome(msgspec.Struct, frozen=True):
    """The end of the call: RTP packets taken from the parties, connections that are still up."""

    received_packets: int
    connected: int
    recorded: tuple[Recorded, ...]


class Reply(msgspec.Struct, frozen=True):
    """The answer to an order; what was not asked for is empty."""

    sdp: dict[str, str] = {}
    mark: Mark | None = None
    outcome: Outcome | None = None


class ServerFailed(Exception):  # noqa: N818
    """The server's process ended or did not reply in time; its words are on stderr."""


class ServedCall(Protocol):
    """A two-party call as a server under measurement carries it."""

    async def describe(self, sdp: dict[str, str]) -> dict[str, str]:
        """Take SDP by party, as far as there is any, and return ours."""

    async def finish(self) -> Outcome:
        """Count, then finish the recordings; nothing more is sent by then."""


async def serve(call: ServedCall) -> None:
    """Carry out orders from stdin until it closes."""
    lines = asyncio.StreamReader(limit=1 << 20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        order = msgspec.json.decode(line, type=Order)
        if order.what == "describe":
            reply = Reply(sdp=await call.describe(order.sdp))
        elif order.what == "mark":
            reply = Reply(mark=_mark())
        else:
            reply = Reply(outcome=await call.finish())
        sys.stdout.buffer.write(msgspec.json.encode(reply) + b"\n")
        sys.stdout.buffer.flush()


def _mark() -> Mark:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Mark(used.ru_utime + used.ru_stime, time.monotonic())


class ServerProcess:
    """The benchmark's end: one method per order. Each raises ServerFailed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def describe(self, sdp: dict[str, str]) -> dict[str, str]:
        """Give descriptions by party and get the server's."""
        return (await self._ask(Order("describe", sdp))).sdp

    async def mark(self) -> Mark:
        """What the server has used until now."""
        mark = (await self._ask(Order("mark"))).mark
        if mark is None:
            raise ServerFailed("no mark in the reply")
        return mark

    async def finish(self) -> Outcome:
        """End the recordings and learn what is in them."""
        outcome = (await self._ask(Order("finish"))).outcome
        if outcome is None:
            raise ServerFailed("no outcome in the reply")
        return outcome

    async def _ask(self, order: Order) -> Reply:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(msgspec.json.encode(order) + b"\n")
            line = await asyncio.wait_for(stdout.readline(), REPLY_DEADLINE_S)
            return msgspec.json.decode(line, type=Reply)
        except (TimeoutError, OSError, msgspec.DecodeError) as error:
            raise ServerFailed(f"no reply to {order.what!r}: {error!r}") from error

    async def end(self) -> None:
        """Close its stdin, which ends it; kill it if that takes too long."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), END_DEADLINE_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def started(module: str, folder: Path) -> AsyncIterator[ServerProcess]:
    """`python -m module folder` as a server that records into `folder`; ends it at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", module, str(folder)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    server = ServerProcess(process)
    try:
        yield server
    finally:
        await server.end()
