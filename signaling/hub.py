"""Which lines are open, and whose state has changed? Wakes clients, never waits for them.

A change only marks a client; its own writer then asks for the state as it is by then. So a burst
of changes costs one message, and a client that reads slowly has at most one state waiting.

Several processes are one hub: each tells the others who has a line with it (`presence.py` keeps
what was heard) and whom to wake. While the bus is down, everybody here looks every `BEAT_S`.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from weakref import WeakValueDictionary

from signaling.access import Identity, Role
from signaling.between import (
    Beat,
    Entered,
    Gone,
    Left,
    Member,
    Members,
    Passed,
    Post,
    Wake,
    WakeCity,
    WhoIsThere,
)
from signaling.bus import LocalBus
from signaling.line import Answers
from signaling.presence import Lost, Presence
from signaling.protocol import Gestured

KEPT_CLIENTS = 10_000
BEAT_S, ASK_AGAIN_S = 2.0, 1.0
STIR_S = 0.5
KIOSKS = ""  # as a crowd that is woken together; the others are the clerks of a city
TAKEN_OVER = "a newer page of this client took over"
Moved = Callable[[Identity], None]


class Socket:
    """One open WebSocket as the hub sees it.

    Its tasks end by `gone`, never by cancellation: a task cancelled inside a transaction leaves
    the database's one connection behind, and everybody else waiting for its lock. `entered_s` is
    when its ticket was taken, by one clock for all processes: the database's.
    """

    def __init__(self, identity: Identity, entered_s: float | None = None) -> None:
        self.identity = identity
        self.entered_s = time.time() if entered_s is None else entered_s
        self.changed = asyncio.Event()
        self.gone = asyncio.Event()
        self.closing: tuple[int, str] | None = None
        self.is_welcomed = False
        self.passed = asyncio.Event()
        self._gestures: dict[tuple[str, str], Gestured] = {}

    def pass_on(self, gesture: Gestured) -> None:
        """Have this sent, in place of an earlier one of its kind that still waits."""
        if self.is_welcomed:
            kind = (gesture.party, type(gesture.made).__name__)
            self._gestures.pop(kind, None)
            self._gestures[kind] = gesture
            self.passed.set()

    def gestures(self) -> list[Gestured]:
        """What waits to be sent, oldest first; from then on it does not."""
        waiting = list(self._gestures.values())
        self._gestures.clear()
        return waiting

    def close(self, code: int, reason: str) -> None:
        """Ask the writer to close the socket with this code."""
        if self.closing is None:
            self.closing = (code, reason)
        self.changed.set()

    def end(self) -> None:
        """The socket is closed: its tasks end when they next look."""
        self.gone.set()
        self.changed.set()
        self.passed.set()


class Hub:
    """The open lines, one for each client: the newest socket wins, wherever it is.

    `post` joins it with the hubs of other processes; without one there is no other.
    """

    def __init__(self, post: Post | None = None) -> None:
        self._post = post or Post(LocalBus("alone"))
        self._open: dict[str, Socket] = {}
        self._answers: dict[str, Answers] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._away_since: dict[str, float] = {}
        self._stirred_s: dict[str, float] = {}  # when each crowd was last woken
        self._to_stir: set[str] = set()
        self._presence = Presence()
        self._number = 0  # of what was told last about the lines here
        self._asked_s: dict[str, float] = {}
        self._moved: Moved = lambda who: None
        self._touched: Callable[[], None] = lambda: None
        self._task: asyncio.Task[None] | None = None
        self._post.on(Beat, self._hear_beat)
        self._post.on(Entered, self._hear_entered)
        self._post.on(Left, self._hear_left)
        self._post.on(Members, self._hear_members)
        self._post.on(WhoIsThere, self._hear_question)
        self._post.on(Gone, self._hear_gone)
        self._post.on(Wake, self._hear_wake)
        self._post.on(WakeCity, self._hear_wake_city)
        self._post.on(Passed, self._hear_passed)
        self._post.on_link(self._linked)

    async def start(self, moved: Moved, touched: Callable[[], None] = lambda: None) -> None:
        """Follow the other hubs.

        `moved` hears of clients who came or went elsewhere, `touched` before clients here are woken
        by others: what was read before may be out of date.
        """
        self._moved, self._touched = moved, touched
        self._task = asyncio.create_task(self._follow(), name="hub")

    async def stop(self) -> None:
        """Tell the others that all lines here are gone."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._post.tell(Gone())

    def enter(self, socket: Socket) -> None:
        """Make this the client's line; an older one is closed with 4001."""
        client = socket.identity.id
        before = self._open.get(client)
        if before is not None:
            before.close(4001, TAKEN_OVER)
        elsewhere = self._presence.find(client)
        if elsewhere is not None and elsewhere.entered_s > socket.entered_s:
            socket.close(4001, TAKEN_OVER)
        self._open[client] = socket
        self._away_since.pop(client, None)
        self._number += 1
        self._post.tell(Entered(number=self._number, member=_member(socket)))

    def leave(self, socket: Socket) -> bool:
        """The socket is gone; true if the client has no other, here or elsewhere."""
        client = socket.identity.id
        if self._open.get(client) is not socket:
            return False
        del self._open[client]
        self._number += 1
        self._post.tell(Left(number=self._number, client=client))
        if self._presence.find(client) is not None:
            return False
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
        elsewhere = self._wake(clients)
        if elsewhere:
            self._post.tell(Wake(clients=elsewhere))

    def wake_city(self, city: str) -> None:
        """Have every clerk of this city and every kiosk told if their state has changed.

        At once, but at most every `STIR_S`: lines move with each ticket, and hundreds watch them.
        """
        for crowd in (city, KIOSKS):
            due_in_s = self._stirred_s.get(crowd, float("-inf")) + STIR_S - time.monotonic()
            if due_in_s <= 0:
                self._stir(crowd)
            elif crowd not in self._to_stir:
                self._to_stir.add(crowd)
                asyncio.get_running_loop().call_later(due_in_s, self._stir, crowd)

    def pass_on(self, clients: Iterable[str], gesture: Gestured) -> None:
        """Show a gesture to these clients, wherever they are; whoever is slow sees the newest."""
        elsewhere: dict[str, list[str]] = {}
        for client in clients:
            if client in self._open:
                self._open[client].pass_on(gesture)
            elif (process := self._presence.process_of(client)) is not None:
                elsewhere.setdefault(process, []).append(client)
        for process, there in elsewhere.items():
            passed = Passed(clients=there, party=gesture.party, made=gesture.made)
            self._post.tell(passed, process)

    def is_open(self, client: str | None) -> bool:
        """Whether this client has a line now, here or elsewhere."""
        return client is not None and (
            client in self._open or self._presence.find(client) is not None
        )

    def away_s(self, client: str, since_start_s: float) -> float:
        """Seconds this client has had no line; those never seen count from the start."""
        if self.is_open(client):
            return 0.0
        return time.monotonic() - self._away_since.get(client, since_start_s)

    def sockets(self) -> Iterator[Socket]:
        """All lines that are open in this process."""
        return iter(list(self._open.values()))

    def present(self, role: Role) -> set[str]:
        """The clients of this role that have a line, here or elsewhere."""
        here = {c for c, socket in self._open.items() if socket.identity.role is role}
        return here | {who.id for who in self._presence.all() if who.role is role}

    def _wake(self, clients: Iterable[str | None]) -> list[str]:
        """Wake those who are here; the others."""
        others = []
        for client in clients:
            socket = self._open.get(client) if client else None
            if socket is not None:
                socket.changed.set()
            elif client:
                others.append(client)
        return others

    def _stir(self, crowd: str) -> None:
        self._to_stir.discard(crowd)
        self._stirred_s[crowd] = time.monotonic()
        self._wake_crowd(crowd)
        self._post.tell(WakeCity(city=crowd))

    def _wake_crowd(self, crowd: str) -> None:
        """The kiosks, or the clerks of a city."""
        for socket in self._open.values():
            who = socket.identity
            if (KIOSKS if who.role is Role.KIOSK else who.city) == crowd:
                socket.changed.set()

    def _wake_all(self) -> None:
        self._touched()
        for socket in self._open.values():
            socket.changed.set()

    async def _follow(self) -> None:
        looked_s = time.monotonic()
        while True:
            await asyncio.sleep(BEAT_S)
            now_s = time.monotonic()
            if now_s - looked_s > 2 * BEAT_S:  # this process stood still, and heard nobody then
                self._presence.link(self._post.up, now_s)
            looked_s = now_s
            self._post.tell(Beat(number=self._number))
            self._lost(self._presence.silent(now_s))
            if not self._post.up:
                self._wake_all()  # nobody tells us: everybody looks at the truth

    def _linked(self, up: bool) -> None:
        self._presence.link(up, time.monotonic())
        if up:
            self._post.tell(WhoIsThere())
            self._post.tell(self._all_members())
            self._wake_all()

    def _hear_wake(self, message: Wake) -> None:
        self._touched()
        self._wake(message.clients)

    def _hear_wake_city(self, message: WakeCity) -> None:
        self._touched()
        self._wake_crowd(message.city)

    def _hear_passed(self, message: Passed) -> None:
        for client in message.clients:
            if client in self._open:
                self._open[client].pass_on(Gestured(message.party, message.made))

    def _hear_beat(self, message: Beat) -> None:
        if self._presence.beat(message.sender, message.number, time.monotonic()):
            self._ask(message.sender)

    def _hear_entered(self, message: Entered) -> None:
        if self._presence.entered(message.sender, message.number, message.member, time.monotonic()):
            self._ask(message.sender)
        self._give_way(message.member)
        self._moved(message.member.who)

    def _hear_left(self, message: Left) -> None:
        missed, lost = self._presence.left(
            message.sender, message.number, message.client, time.monotonic()
        )
        if missed:
            self._ask(message.sender)
        self._lost(lost)

    def _hear_members(self, message: Members) -> None:
        before = {m.who.id for m in message.members if self.is_open(m.who.id)}
        self._lost(
            self._presence.members(
                message.sender, message.number, message.members, time.monotonic()
            )
        )
        for member in message.members:
            self._give_way(member)
            if member.who.id not in before:
                self._moved(member.who)

    def _hear_gone(self, message: Gone) -> None:
        self._asked_s.pop(message.sender, None)
        self._lost(self._presence.gone(message.sender, time.monotonic()))

    def _ask(self, process: str) -> None:
        """Something of this process was missed; asked once until it has had time to answer."""
        now_s = time.monotonic()
        if now_s - self._asked_s.get(process, 0.0) > ASK_AGAIN_S:
            self._asked_s[process] = now_s
            self._post.tell(WhoIsThere(), process)

    def _hear_question(self, message: WhoIsThere) -> None:
        self._post.tell(self._all_members(), message.sender)

    def _all_members(self) -> Members:
        return Members(
            number=self._number, members=[_member(socket) for socket in self._open.values()]
        )

    def _give_way(self, elsewhere: Member) -> None:
        """A newer line of the same client closes the one here."""
        socket = self._open.get(elsewhere.who.id)
        if socket is not None and elsewhere.entered_s > socket.entered_s:
            socket.close(4001, TAKEN_OVER)

    def _lost(self, lost: Iterable[Lost]) -> None:
        for client in lost:
            if client.who.id not in self._open:
                self._away_since[client.who.id] = client.since_s
                self._moved(client.who)


def _member(socket: Socket) -> Member:
    return Member(socket.identity, socket.entered_s)
