"""Which calls run, and how does any process act on them? The exchange, from wherever one asks.

The exchange itself runs in the office alone. Every process reads calls and lines from its replica,
the office's own too; what is to be done, the office does, and the others ask it to over the bus.
Such a request has a deadline and is never sent twice: whoever hears nothing is told `NoHost`, and
the office agrees with the database by itself a little later.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Literal, Protocol

from media.host.api import Refused, Unknown
from scheduling.record import Visit
from scheduling.visit import State
from signaling import between
from signaling.between import (
    Act,
    Ask,
    CallEntry,
    CallsTold,
    LineEntry,
    OfficeBeat,
    Post,
    Reply,
    TellCalls,
)
from signaling.call import Call, Mode, Party
from signaling.exchange import Exchange, Line, NoHost
from signaling.replica import Replica
from signaling.shared_desk import EMPTY, AnyChange, DeskRefused

log = logging.getLogger(__name__)

ANSWER_S = 4.0
BEAT_S = 1.5
SILENT_S = 6.0
STALE_S = 8.0  # a request that heard of the office so long ago was held up on the way


class Calls(Protocol):
    """What can be asked of the exchange, wherever it runs."""

    @property
    def mine(self) -> bool:
        """Whether the calls run in this process, at this moment."""

    def call_of(self, visit: str) -> Call | None:
        """The running call of a visit."""

    def is_preparing(self, visit: str) -> bool:
        """Whether the parties of a visit are being connected, so that its call is not whole yet."""

    def visit_of(self, call: str) -> str | None:
        """The visit of a running call."""

    def calls(self) -> list[Call]:
        """All running calls."""

    @property
    def here(self) -> Exchange | None:
        """The exchange itself, if it runs in this process."""

    def party_of(self, visit: str, client: str) -> Party | None:
        """As whom this client takes part in a call."""

    def guests(self, visit: str) -> dict[Party, str]:
        """The clients in a call beside resident and clerk."""

    def clients(self, visit: str) -> dict[Party, str]:
        """Everybody in a call."""

    def line_of(self, client: str) -> Line | None:
        """The client's warm line."""

    async def warm(self, client: str) -> None:
        """A new line for this client, in place of the one before. Raises NoHost."""

    async def cool(self, client: str) -> None:
        """This client needs no line any more."""

    async def begin(self, visit: Visit, *, paused: bool = False) -> None:
        """Connect the parties of a visit that is in `serving`. Raises NoHost."""

    async def hang_up(self, visit: Visit) -> None:
        """The call of a visit is over. Raises NoHost."""

    async def connect(self, visit: str, party: Party) -> None:
        """A new connection for this party; the old one plays until it is there. Raises NoHost."""

    async def answer(self, client: str, connection: str, sdp: str) -> None:
        """A client's SDP answer. Raises Unknown, Refused, NoHost."""

    async def record(self, visit: str, *, running: bool) -> None:
        """Pause a call's recording, or let it go on. Raises NoHost."""

    async def share(self, visit: str, party: Party, *, sharing: bool) -> None:
        """The party shows its screen, or does no longer. Raises NoHost."""

    async def change_desk(self, visit: str, party: Party, change: AnyChange) -> None:
        """The party changes the shared desk. Raises Unknown, DeskRefused, NoHost."""

    async def take_part(self, visit: str, party: Party, client: str, mode: Mode) -> None:
        """One more is in the call, or changes its mode. Raises Unknown, NoHost, Refused."""

    async def leave_part(self, visit: str, party: Party) -> None:
        """A guest leaves. Raises NoHost."""

    async def hold(self, visit: str, *, on_hold: bool) -> None:
        """Put the resident on hold while clerks consult, or take them back. Raises NoHost."""

    async def hand_over(self, visit: Visit) -> None:
        """The visit has another clerk, who is in its call already. Raises NoHost."""


class SharedCalls:
    """`Calls` for a service of one or more processes.

    `read` is a visit as the database has it; `over` hears of visits whose call is over.
    """

    def __init__(
        self,
        post: Post,
        read: Callable[[str], Awaitable[Visit | None]],
        over: Callable[[str], None] = lambda visit: None,
        *,
        answer_s: float = ANSWER_S,
    ) -> None:
        self._post, self._read, self._over, self._answer_s = post, read, over, answer_s
        self._known = Replica()
        self._exchange: Exchange | None = None
        self._held: Callable[[], bool] = lambda: False
        self._term = self._number = 0
        self._announced = False
        self._told: tuple[dict[str, CallEntry], dict[str, LineEntry]] = {}, {}
        self._waiting: dict[str, asyncio.Future[Reply]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        post.on(CallsTold, self._hear_calls)
        post.on(OfficeBeat, self._hear_beat)
        post.on(TellCalls, lambda message: self._tell_whole(message.sender))
        post.on(Ask, self._hear_ask)
        post.on(Reply, self._hear_reply)
        post.on_link(self._linked)

    # The office

    def open(self, term: int, exchange: Exchange, held: Callable[[], bool]) -> None:
        """The exchange runs here from now on; `held` says whether it may act at this moment.

        Until `announce` everybody keeps in sight what the office before has told.
        """
        self._exchange, self._held, self._term = exchange, held, term
        self._told, self._number, self._announced = ({}, {}), 0, False

    def announce(self) -> None:
        """The exchange has taken up its calls: tell everybody of them."""
        assert self._exchange is not None
        self._announced = True
        self._tell_whole()
        self._spawn(self._beat(self._exchange), "office beat")

    async def close(self) -> None:
        """The exchange does not run here any more."""
        self._exchange, self._announced = None, False
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def publish(self) -> None:
        """Tell everybody, this process first, what has changed in the exchange."""
        if self._exchange is None or not self._announced or not self._held():
            return
        before, lines_before = self._told
        calls, lines = _entries(self._exchange)
        changed = [entry for visit, entry in calls.items() if before.get(visit) != entry]
        changed += [CallEntry(visit, None) for visit in before if visit not in calls]
        moved = [line for client, line in lines.items() if lines_before.get(client) != line]
        moved += [LineEntry(client) for client in lines_before if client not in lines]
        if not changed and not moved:
            return
        self._told = calls, lines
        self._number += 1
        message = CallsTold(
            term=self._term, number=self._number, whole=False, calls=changed, lines=moved
        )
        self._apply(message)
        self._post.tell(message)

    def _tell_whole(self, to: str = "") -> None:
        if self._exchange is None or not self._announced or not self._held():
            return
        if to:
            self.publish()
        else:
            self._number += 1
        calls, lines = self._told = _entries(self._exchange)
        message = CallsTold(
            term=self._term,
            number=self._number,
            whole=True,
            calls=list(calls.values()),
            lines=list(lines.values()),
        )
        if not to:
            self._apply(message)
        self._post.tell(message, to)
        self._tell_beat(to)

    def _tell_beat(self, to: str = "") -> None:
        beat = OfficeBeat(term=self._term, number=self._number, moment_s=time.monotonic())
        self._post.tell(beat, to)

    async def _beat(self, exchange: Exchange) -> None:
        while self._exchange is exchange:
            if self._held():
                self.publish()
                self._tell_beat()
            await asyncio.sleep(BEAT_S)

    def _hear_ask(self, message: Ask) -> None:
        late = time.monotonic() - message.moment_s > STALE_S
        if self._exchange is None or not self._held() or message.term != self._term or late:
            return
        self._spawn(self._serve(self._exchange, message), "request to the office")

    async def _serve(self, exchange: Exchange, message: Ask) -> None:
        failure: Literal["", "no_host", "unknown", "refused", "refused_twice", "desk"] = ""
        text = ""
        try:
            await self._perform(exchange, message.act)
        except NoHost as error:
            failure, text = "no_host", str(error)
        except Unknown as error:
            failure, text = "unknown", str(error)
        except Refused as error:
            failure, text = "refused_twice" if error.twice else "refused", str(error)
        except DeskRefused as error:
            failure, text = "desk", str(error)
        except Exception:
            log.exception("x %s for another process", type(message.act).__name__)
            failure, text = "no_host", "the process that runs the calls failed"
        self.publish()
        self._post.tell(Reply(id=message.id, failure=failure, text=text), message.sender)

    async def _perform(self, exchange: Exchange, act: Act) -> None:
        match act:
            case between.Warm():
                await exchange.warm(act.client)
            case between.Cool():
                await exchange.cool(act.client)
            case between.Begin():
                visit = await self._read(act.visit)
                if visit is not None and visit.state is State.SERVING:
                    await exchange.begin(visit)
            case between.HangUp():
                visit = await self._read(act.visit)
                if visit is not None and visit.state is not State.SERVING:
                    await exchange.hang_up(visit)
            case between.Connect():
                await exchange.connect(act.visit, act.party)
            case between.Answer():
                await exchange.answer(act.client, act.connection, act.sdp)
            case between.Record():
                await exchange.record(act.visit, running=act.running)
            case between.Share():
                await exchange.share(act.visit, act.party, sharing=act.sharing)
            case between.ChangeDesk():
                await exchange.change_desk(act.visit, act.party, act.change)
            case between.TakePart():
                await exchange.take_part(act.visit, act.party, act.client, act.mode)
            case between.LeavePart():
                await exchange.leave_part(act.visit, act.party)
            case between.Hold():
                await exchange.hold(act.visit, on_hold=act.on_hold)
            case between.HandOver():
                visit = await self._read(act.visit)
                if visit is not None and visit.state is State.SERVING:
                    await exchange.hand_over(visit)

    # Every process reads

    @property
    def mine(self) -> bool:
        """Whether the calls run in this process, at this moment."""
        return self._exchange is not None and self._held()

    def call_of(self, visit: str) -> Call | None:
        """The running call of a visit."""
        entry = self._known.calls.get(visit)
        return entry.call if entry is not None else None

    def is_preparing(self, visit: str) -> bool:
        """Whether the parties of a visit are being connected."""
        entry = self._known.calls.get(visit)
        return entry is not None and entry.preparing

    def visit_of(self, call: str) -> str | None:
        """The visit of a running call."""
        return self._known.visit_of(call)

    def calls(self) -> list[Call]:
        """All running calls."""
        return [entry.call for entry in self._known.calls.values() if entry.call is not None]

    @property
    def here(self) -> Exchange | None:
        """The exchange itself, if it runs in this process."""
        return self._exchange

    def party_of(self, visit: str, client: str) -> Party | None:
        """As whom this client takes part in a call."""
        entry = self._known.calls.get(visit)
        clients = entry.clients if entry is not None else {}
        return next((party for party, other in clients.items() if other == client), None)

    def guests(self, visit: str) -> dict[Party, str]:
        """The clients in a call beside resident and clerk."""
        entry = self._known.calls.get(visit)
        return entry.guests if entry is not None else {}

    def clients(self, visit: str) -> dict[Party, str]:
        """Everybody in a call."""
        entry = self._known.calls.get(visit)
        return entry.clients if entry is not None else {}

    def line_of(self, client: str) -> Line | None:
        """The client's warm line."""
        line = self._known.lines.get(client)
        return Line(line.host, line.connection, line.offer, line.connected) if line else None

    # Every process acts

    async def warm(self, client: str) -> None:
        """A new line for this client, in place of the one before. Raises NoHost."""
        await self._do(between.Warm(client=client))

    async def cool(self, client: str) -> None:
        """This client needs no line any more; one that stays for want of an answer is harmless."""
        if self._exchange is None and client not in self._known.lines:
            return
        try:
            await self._do(between.Cool(client=client))
        except NoHost as error:
            log.info("- a warm line stays: %s", error)

    async def begin(self, visit: Visit, *, paused: bool = False) -> None:
        """Connect the parties of a visit that is in `serving`. Raises NoHost."""
        if self._exchange is not None and self._held():
            before = self.call_of(visit.id)
            desk = before.desk if before is not None else EMPTY
            await self._exchange.begin(visit, paused=paused, desk=desk)
            self.publish()
        else:
            await self._do(between.Begin(visit=visit.id))

    async def hang_up(self, visit: Visit) -> None:
        """The call of a visit is over. Raises NoHost."""
        if self._exchange is not None and self._held():
            await self._exchange.hang_up(visit)
            self.publish()
        else:
            await self._do(between.HangUp(visit=visit.id))

    async def connect(self, visit: str, party: Party) -> None:
        """A new connection for this party. Raises NoHost."""
        await self._do(between.Connect(visit=visit, party=party))

    async def answer(self, client: str, connection: str, sdp: str) -> None:
        """A client's SDP answer. Raises Unknown, Refused, NoHost."""
        await self._do(between.Answer(client=client, connection=connection, sdp=sdp))

    async def record(self, visit: str, *, running: bool) -> None:
        """Pause a call's recording, or let it go on. Raises NoHost."""
        await self._do(between.Record(visit=visit, running=running))

    async def share(self, visit: str, party: Party, *, sharing: bool) -> None:
        """The party shows its screen, or does no longer. Raises NoHost."""
        await self._do(between.Share(visit=visit, party=party, sharing=sharing))

    async def change_desk(self, visit: str, party: Party, change: AnyChange) -> None:
        """The party changes the shared desk. Raises Unknown, DeskRefused, NoHost."""
        await self._do(between.ChangeDesk(visit=visit, party=party, change=change))

    async def take_part(self, visit: str, party: Party, client: str, mode: Mode) -> None:
        """One more is in the call. Raises Unknown, NoHost, Refused."""
        await self._do(between.TakePart(visit=visit, party=party, client=client, mode=mode))

    async def leave_part(self, visit: str, party: Party) -> None:
        """A guest leaves. Raises NoHost."""
        await self._do(between.LeavePart(visit=visit, party=party))

    async def hold(self, visit: str, *, on_hold: bool) -> None:
        """Put the resident on hold while clerks consult, or take them back. Raises NoHost."""
        await self._do(between.Hold(visit=visit, on_hold=on_hold))

    async def hand_over(self, visit: Visit) -> None:
        """The visit has another clerk, who is in its call already. Raises NoHost."""
        await self._do(between.HandOver(visit=visit.id))

    async def _do(self, act: between.AnyAct) -> None:
        if self._exchange is None:
            await self._ask(act)
        elif self._held():
            try:
                await self._perform(self._exchange, act)
            finally:
                self.publish()
        else:
            raise NoHost("the database does not answer, so the calls stay as they are")

    async def _ask(self, act: between.AnyAct) -> None:
        silent_s = time.monotonic() - self._known.heard_s
        if not self._post.up or not self._known.office or silent_s > SILENT_S:
            raise NoHost("no process that runs the calls can be reached now")
        asked = Ask(
            id=secrets.token_hex(8), term=self._known.term, moment_s=self._known.moment_s, act=act
        )
        answered: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[asked.id] = answered
        self._post.tell(asked, self._known.office)
        try:
            async with asyncio.timeout(self._answer_s):
                reply = await answered
        except TimeoutError as error:
            raise NoHost("the process that runs the calls does not answer") from error
        finally:
            del self._waiting[asked.id]
        if reply.failure == "unknown":
            raise Unknown(reply.text)
        if reply.failure == "no_host":
            raise NoHost(reply.text)
        if reply.failure == "desk":
            raise DeskRefused(reply.text)
        if reply.failure:
            raise Refused(reply.text, twice=reply.failure == "refused_twice")

    def _hear_reply(self, message: Reply) -> None:
        answered = self._waiting.get(message.id)
        if answered is not None and not answered.done():
            answered.set_result(message)

    def _hear_calls(self, message: CallsTold) -> None:
        if self._exchange is None or not self._held():
            self._apply(message)

    def _hear_beat(self, message: OfficeBeat) -> None:
        if self._known.beat(message, time.monotonic()):
            self._post.tell(TellCalls(), message.sender)

    def _apply(self, message: CallsTold) -> None:
        missed, over = self._known.told(message, time.monotonic())
        if missed:
            self._post.tell(TellCalls(), message.sender)
        for visit in over:
            self._over(visit)

    def _linked(self, up: bool) -> None:
        if up:
            self._post.tell(TellCalls())
            self._tell_whole()

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _entries(exchange: Exchange) -> tuple[dict[str, CallEntry], dict[str, LineEntry]]:
    calls = {
        call.visit: CallEntry(
            call.visit,
            call,
            exchange.clients(call.visit),
            dict(exchange.guests(call.visit)),
            exchange.is_preparing(call.visit),
        )
        for call in exchange.calls()
    }
    lines = {
        client: LineEntry(client, line.host, line.connection, line.offer, line.connected)
        for client, line in exchange.lines().items()
    }
    return calls, lines
