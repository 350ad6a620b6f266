"""What can be asked of a media host, wherever it runs, and what does it tell?

A media host is a node (`media/node/`) with its recorder (`media/records/`). `host.py` is the one
in this process; `remote.py` speaks to one in a process of its own over `control.py`. The same
tests run against both.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

import msgspec


class HostLost(ConnectionError):  # noqa: N818
    """The media host does not answer; its calls must move."""


class Unknown(LookupError):  # noqa: N818
    """No such connection on this host: replaced, closed, or of an earlier process."""


class Refused(ValueError):  # noqa: N818
    """The host does not take this; the text says why. `twice`: this offer was answered already."""

    def __init__(self, text: str, *, twice: bool = False) -> None:
        super().__init__(text)
        self.twice = twice


class Invitation(msgspec.Struct, frozen=True):
    """A connection that waits for its party: hand `offer` (SDP) to the party's browser."""

    connection: str
    offer: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Which party of which call a connection carries, and whether it is recorded, and where."""

    call: str
    party: str
    visit: str
    city: str
    taken_at: datetime
    recorded: bool = True


Change = Literal[
    "connected",  # sealed, and playing if it is in a call
    "silent",  # nothing was heard for a while
    "heard",  # something is heard again
    "closed",
    "offer",  # the party must answer `offer`, on the same connection
    "sound_only",  # the party's path carries no picture now
    "picture",  # it does again
    "recording",  # the call is recorded
    "paused",  # its recording is paused
    "failed",  # its recording failed; the call goes on
    "draining",  # the host takes no new calls and wants to be rid of those it has
    "lost",  # the host does not answer
    "ready",  # the host answers again, or for the first time
]


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What changed: for a connection, a call's recording, or the host as a whole."""

    host: str
    change: Change
    call: str = ""
    party: str = ""
    connection: str = ""
    offer: str = ""


Listener = Callable[[News], None]
Table = Mapping[str, Sequence[str]]


class MediaHost(Protocol):
    """A node and its recorder. Every method raises HostLost where the host does not answer."""

    @property
    def name(self) -> str:
        """How operators call it."""

    @property
    def ready(self) -> bool:
        """Whether it takes new calls."""

    async def start(self, listener: Listener) -> None:
        """Begin; `listener` hears the news, in the event loop, and must return at once."""

    async def stop(self) -> None:
        """Let go of it; a host in this process ends its calls and seals their recordings."""

    async def invite(self, slots: int = 1) -> Invitation:
        """A connection that can hear so many others; until `join` it is a warm line."""

    async def answer(self, connection: str, sdp: str) -> None:
        """The party's SDP answer. Raises Unknown, Refused."""

    async def join(self, connection: str, plan: Plan) -> None:
        """From now on this connection carries a party of a call. Raises Unknown, Refused."""

    async def hear(self, call: str, table: Table) -> None:
        """Who hears whom in a call from now on."""

    async def leave(self, connection: str) -> None:
        """Close one connection."""

    async def close(self, call: str) -> None:
        """Close a call; its recordings are sealed."""

    async def record(self, call: str, *, running: bool) -> None:
        """Pause a call's recording, or let it go on."""

    async def status(self) -> dict[str, Any]:
        """Counts for operators."""
