"""Which lines are open here, and whose state has changed? Wakes clients, never waits for them.

A change only marks a client; its own writer then asks for the state as it is by then. So a burst
of changes costs one message, and a client that reads slowly has at most one state waiting.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator
from weakref import WeakValueDictionary

from signaling.access import Identity, Role
from signaling.line import Answers

KEPT_CLIENTS = 10_000


class Socket:
    """One open WebSocket as the hub sees it.

    Its tasks end by `gone`, never by cancellation: a task cancelled inside a transaction leaves
    the database's one connection behind, and everybody else waiting for its lock.
    """

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.changed = asyncio.Event()
        self.gone = asyncio.Event()
        self.closing: tuple[int, str] | None = None

    def close(self, code: int, reason: str) -> None:
        """Ask the writer to close the socket with this code."""
        if self.closing is None:
            self.closing = (code, reason)
        self.changed.set()

    def end(self) -> None:
        """The socket is closed: its tasks end when they next look."""
        self.gone.set()
        self.changed.set()


class Hub:
    """The open lines of this process, one for each client: the newest socket wins."""

    def __init__(self) -> None:
        self._open: dict[str, Socket] = {}
        self._answers: dict[str, Answers] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._away_since: dict[str, float] = {}

    def enter(self, socket: Socket) -> None:
        """Make this the client's line; an older one is closed with 4001."""
        client = socket.identity.id
        before = self._open.get(client)
        if before is not None:
            before.close(4001, "a newer page of this client took over")
        self._open[client] = socket
        self._away_since.pop(client, None)

    def leave(self, socket: Socket) -> bool:
        """The socket is gone; true if the client has no other."""
        client = socket.identity.id
        if self._open.get(client) is not socket:
            return False
        del self._open[client]
        self._away_since[client] = time.monotonic()
        return True

    def answers(self, client: str) -> Answers:
        """The stored answers of this client, kept between its sockets."""
        if client not in self._answers and len(self._answers) >= KEPT_CLIENTS:
            self._answers.pop(next(iter(self._answers)))
        return self._answers.setdefault(client, Answers())

    def turn(self, client: str) -> asyncio.Lock:
        """Held while a command of this client runs: one repeated on a new socket waits for it."""
        return self._turns.setdefault(client, asyncio.Lock())

    def wake(self, clients: Iterable[str | None]) -> None:
        """Have these clients told if their state has changed."""
        for client in clients:
            socket = self._open.get(client) if client else None
            if socket is not None:
                socket.changed.set()

    def wake_city(self, city: str) -> None:
        """Have every clerk of this city and every kiosk told if their state has changed."""
        for socket in self._open.values():
            if socket.identity.role is Role.KIOSK or socket.identity.city == city:
                socket.changed.set()

    def is_open(self, client: str | None) -> bool:
        """Whether this client has a line now."""
        return client in self._open

    def away_s(self, client: str, since_start_s: float) -> float:
        """Seconds this client has had no line; those never seen count from the start."""
        if client in self._open:
            return 0.0
        return time.monotonic() - self._away_since.get(client, since_start_s)

    def sockets(self) -> Iterator[Socket]:
        """All open lines."""
        return iter(list(self._open.values()))

    def present(self, role: Role) -> set[str]:
        """The clients of this role that have a line."""
        return {c for c, socket in self._open.items() if socket.identity.role is role}
