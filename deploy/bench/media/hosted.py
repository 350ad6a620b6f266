"""How does a measured server in Python take its orders? Questions about one call at a time.

The benchmark's end is `HostedServer` in `servers.py`; `serve` is the server's.
"""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

import msgspec

PARTIES = ("resident", "clerk")
_LINE_BYTES = 1 << 20


class Question(msgspec.Struct, frozen=True):
    """`describe`: take these descriptions by party, give yours; `finish`: end the recordings."""

    what: Literal["ready", "describe", "finish"]
    call: int = 0
    sdp: dict[str, str] = {}


class Ended(msgspec.Struct, frozen=True):
    """The end of calls: RTP packets taken from the parties, whole pictures in the recordings."""

    taken: int
    pictures: int


class Answer(msgspec.Struct, frozen=True):
    """What was asked for; the rest is empty."""

    sdp: dict[str, str] = {}
    ended: Ended | None = None


class HostedCall(Protocol):
    """A recorded two-party call as a server under measurement carries it."""

    async def describe(self, sdp: dict[str, str]) -> dict[str, str]:
        """Take SDP by party, as far as there is any, and return ours."""

    async def finish(self) -> Ended:
        """Finish the recordings and count; nothing more is sent by then."""


async def serve(make_call: Callable[[int], HostedCall]) -> None:
    """Answer questions from stdin until it closes."""
    lines = asyncio.StreamReader(limit=_LINE_BYTES)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    calls: dict[int, HostedCall] = {}
    while line := await lines.readline():
        question = msgspec.json.decode(line, type=Question)
        answer = Answer()
        if question.what != "ready":
            if question.call not in calls:
                calls[question.call] = make_call(question.call)
            call = calls[question.call]
            if question.what == "describe":
                answer = Answer(sdp=await call.describe(question.sdp))
            else:
                answer = Answer(ended=await call.finish())
        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
        sys.stdout.buffer.flush()


def folder_argument() -> Path:
    """Where to record: the only argument of a hosted server."""
    return Path(sys.argv[1])
