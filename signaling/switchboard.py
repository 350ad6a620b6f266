"""What joins a visit, a call, the media node and the lines? The only place that knows all four.

Commands and the clock come in here; the desk decides, the node connects, the hub wakes those whose
state changed. Running calls are in memory: after a restart a visit in `serving` gets a new call
and both pages ask for new connections.
"""

import asyncio
import logging
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, cast

from uuid_utils import uuid7

from media.node.node import AnswerTwice, ConnectionId, News, Node, UnknownConnection
from media.node.node import CallId as NodeCall
from media.node.sdp import BadAnswer
from media.node.secure import HandshakeError
from scheduling import visit, window
from scheduling.board import Board
from scheduling.desk import Conflict, Desk, NotFound
from scheduling.record import Visit
from scheduling.visit import ClerkId, Outcome, VisitId
from signaling.access import Identity, Role
from signaling.call import PARTIES, Call, CallId, Party, far_of
from signaling.hub import Hub
from signaling.recordings import Recordings

log = logging.getLogger(__name__)

RING_S = 20.0
CLERK_LEASE_S = 15.0
ABANDONED_S = 600.0  # a waiting ticket whose kiosk has been away so long is given back
_TICK_S = 0.5


class Switchboard:
    """Carries out what clients ask, and what time and the media node bring about."""

    def __init__(
        self, desk: Desk, board: Board, hub: Hub, recordings: Recordings, *, ring_s: float = RING_S
    ) -> None:
        self._desk, self._board, self._hub = desk, board, hub
        self._recordings = recordings
        self._node: Node | None = None
        self._calls: dict[str, Call] = {}  # by visit
        self._visit_of_call: dict[str, str] = {}
        self._preparing: set[str] = set()
        self._started_s = time.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()
        self.ring_s = ring_s

    async def start(self, node: Node) -> None:
        """Take up the visits that were being served, and let time run."""
        self._node = node
        self._started_s = time.monotonic()
        for served in await self._board.serving():
            self._begin(served)
        self._spawn(self._tick(), "switchboard ticker")

    async def stop(self) -> None:
        """Stop the clock; visits stay as they are, for the next process."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def call_of(self, visit_id: str) -> Call | None:
        """The running call of a visit, once its parties are invited."""
        call = self._calls.get(visit_id)
        return None if call is None or call.id in self._preparing else call

    # The resident

    async def take_ticket(
        self, who: Identity, site: str, *, city: str, matter: str, language: str, notice: str
    ) -> None:
        """Raises scheduling's UnknownMatter and Conflict."""
        taken = await self._desk.take_ticket(
            kiosk=_kiosk(who),
            site=cast(Any, site),
            city=city,
            matter=matter,
            language=language,
            notice_version=notice,
            now=_now(),
        )
        await self._route(taken)

    async def leave_line(self, who: Identity, visit_id: str) -> None:
        """Raises NotFound, Conflict."""
        left = await self._own(who, visit_id)
        after = await self._desk.leave(left.id, who.id, _now())
        self._changed(left, after)
        await self._route(after)

    async def rate(self, who: Identity, visit_id: str, rating: int, reasons: list[str]) -> None:
        """Raises NotFound, Conflict."""
        rated = await self._own(who, visit_id)
        self._changed(await self._desk.rate(rated.id, rating, reasons, _now()))

    async def wipe(self, who: Identity, visit_id: str) -> None:
        """Raises NotFound, Conflict while the visit is not over."""
        shown = await self._own(who, visit_id)
        if shown.at_kiosk:
            self._changed(await self._desk.free_kiosk(shown.id))

    # The clerk

    async def set_window(self, who: Identity, step: str) -> None:
        """Raises Conflict."""
        await self._desk.set_window(ClerkId(who.id), window.Event(step), _now())
        self._hub.wake_city(who.city)
        await self._route()

    async def accept(self, who: Identity, visit_id: str) -> None:
        """The clerk takes the visit: both parties are invited at once. Raises Conflict."""
        accepted = await self._desk.accept(VisitId(visit_id), ClerkId(who.id), _now())
        call = self._begin(accepted)
        self._preparing.add(call.id)
        try:
            await asyncio.gather(*(self._invite(accepted, call.id, party) for party in PARTIES))
        finally:
            self._preparing.discard(call.id)
        self._changed(accepted)

    async def decline(self, who: Identity, visit_id: str) -> None:
        """Raises Conflict."""
        declined = await self._desk.decline(VisitId(visit_id), ClerkId(who.id), _now())
        self._hub.wake([who.id])
        await self._route(declined)

    async def keep_case(self, who: Identity, visit_id: str, notes: str, checked: list[str]) -> None:
        """Raises Conflict."""
        kept = await self._desk.keep_case(
            VisitId(visit_id), ClerkId(who.id), notes=notes, checked=checked
        )
        self._hub.wake([kept.clerk])

    async def close_visit(self, who: Identity, visit_id: str, outcome: str, *, ready: bool) -> None:
        """Raises Conflict."""
        closed = await self._desk.close(
            VisitId(visit_id), ClerkId(who.id), Outcome(outcome), ready=ready, now=_now()
        )
        self._changed(closed)
        await self._route()

    # Both parties

    async def end_call(self, who: Identity, visit_id: str) -> None:
        """End the call of this visit and no other. Raises NotFound, Conflict."""
        ended = await self._own(who, visit_id)
        by = self._party(who)
        after = await self._desk.end(ended.id, by, _now())
        await self._hang_up(after)
        self._changed(after)

    async def connect(self, who: Identity, call_id: str) -> None:
        """A new connection for this party. Raises NotFound."""
        served, _ = await self._own_call(who, call_id)
        await self._invite(served, CallId(call_id), self._party(who))
        self._changed(served)

    async def answer(self, who: Identity, connection: str, sdp: str) -> None:
        """Raises NotFound, Conflict, BadAnswer."""
        party = self._party(who)
        call = next(
            (c for c in self._calls.values() if c.paths[party].connection == connection), None
        )
        if call is None:
            raise NotFound("this connection is not open any more")
        await self._own(who, call.visit)
        try:
            self._media.answer(ConnectionId(connection), sdp)
        except UnknownConnection as error:
            raise NotFound("this connection is not open any more") from error
        except AnswerTwice as error:
            raise Conflict("this offer was answered already") from error
        except HandshakeError as error:
            raise BadAnswer(str(error)) from error
        self._update(self._calls[call.visit].answered(party))

    async def playing(self, who: Identity, call_id: str) -> None:
        """Put the first decoded picture on the visit's timeline, once a party. Raises NotFound."""
        served, _ = await self._own_call(who, call_id)
        event = f"{self._party(who)}_sees_{far_of(self._party(who))}"
        if all(e.event != event for e in await self._board.events(served.id)):
            await self._desk.note(served.id, event, who.id, _now())

    # Lines

    def line_opened(self, who: Identity) -> None:
        """A client is back: its visit may ring now, the other party may see it."""
        self._spawn(self._presence_changed(who), "line opened")

    def line_closed(self, who: Identity) -> None:
        """A client's last socket is gone; the lease decides what that means."""
        self._spawn(self._presence_changed(who), "line closed")

    async def _presence_changed(self, who: Identity) -> None:
        shown = (
            await self._board.visit_at_kiosk(_kiosk(who))
            if who.role is Role.KIOSK
            else await self._board.visit_of_clerk(ClerkId(who.id))
        )
        if shown is not None:
            self._hub.wake([shown.kiosk, shown.clerk])
        await self._route()

    # Calls

    def _begin(self, served: Visit) -> Call:
        call = Call(CallId(str(uuid7())), served.id, served.city)
        self._calls[served.id] = call
        self._visit_of_call[call.id] = served.id
        return call

    async def _invite(self, served: Visit, call_id: CallId, party: Party) -> None:
        segment = await self._recordings.open(
            served,
            self._calls[served.id],
            party,
            lambda: self._media.request_key_frame(NodeCall(call_id), party),
        )
        call = self._calls.get(served.id)
        if call is None or call.id != call_id:  # ended while the disk was busy
            if segment is not None:
                self._recordings.discard(served, segment)
            return
        invitation = self._media.invite(NodeCall(call_id), party, segment)
        if segment is not None:
            self._recordings.begin(invitation.connection, served, segment)
        self._update(self._calls[served.id].invited(party, invitation.connection, invitation.offer))

    async def _hang_up(self, ended: Visit) -> None:
        call = self._calls.pop(ended.id, None)
        if call is None:
            return
        self._visit_of_call.pop(call.id, None)
        self._media.close(NodeCall(call.id))
        await self._recordings.span(ended, call, call.talking_since, ended.ended_at or _now())

    def hear(self, news: News) -> None:
        """What the media node tells; called in the event loop."""
        if news.change == "closed":
            self._recordings.seal(news.connection)
        call = self._calls.get(self._visit_of_call.get(news.call, ""))
        if call is None:
            return
        party = cast(Party, news.party)
        if news.change == "connected":
            self._update(call.connected(party, news.connection, _now()))
        elif news.change == "closed":
            self._update(call.closed(party, news.connection))
        else:
            silent = news.change == "silent"
            self._update(call.heard(party, news.connection, silent=silent))
        self._spawn(self._wake_parties(call.visit), "tell parties")

    async def _wake_parties(self, visit_id: str) -> None:
        told = await self._board.visit(visit_id)
        if told is not None:
            self._hub.wake([told.kiosk, told.clerk])

    def _update(self, call: Call) -> None:
        if call.visit in self._calls:
            self._calls[call.visit] = call

    # Routing and time

    async def _route(self, changed: Visit | None = None) -> None:
        """Make the offers that can be made now; wake whom they and `changed` concern."""
        offered = await self._desk.offer_all(self._hub.present(Role.KIOSK), _now())
        for entry in (*offered, *([changed] if changed else [])):
            self._changed(entry)

    def _changed(self, *entries: Visit) -> None:
        for entry in entries:
            self._hub.wake([entry.kiosk, entry.clerk])
            self._hub.wake_city(entry.city)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            try:
                await self._pass_time()
            except Exception:  # the clock must not stop; what failed is tried at the next tick
                log.exception("x switchboard tick")

    async def _pass_time(self) -> None:
        missed = await self._desk.expire_offers(self.ring_s, _now())
        lost = []
        for clerk, desk in (await self._board.windows()).items():
            if (
                desk.state not in (window.State.OFF, window.State.WRAP_UP)
                and self._hub.away_s(clerk, self._started_s) > CLERK_LEASE_S
            ):
                returned = await self._desk.lose_clerk(clerk, _now())
                if returned is not None:
                    lost.append(returned)
                    await self._hang_up(returned)
                self._hub.wake_city(desk.city)
        returned_tickets = []
        for waiting in await self._board.in_line():
            if self._hub.away_s(waiting.kiosk, self._started_s) > ABANDONED_S:
                returned_tickets.append(await self._desk.leave(waiting.id, "abandoned", _now()))
        if missed or lost or returned_tickets:
            self._changed(*missed, *lost, *returned_tickets)
            await self._route()

    # Who and what

    async def _own(self, who: Identity, visit_id: str) -> Visit:
        """The visit, if it is this party's; somebody else's is as unknown as none."""
        found = await self._board.visit(visit_id)
        if found is None or who.id not in (found.kiosk, found.clerk):
            raise NotFound("no such visit here")
        if who.role is Role.KIOSK and not found.at_kiosk:
            raise NotFound("no such visit here")
        return found

    async def _own_call(self, who: Identity, call_id: str) -> tuple[Visit, Call]:
        visit_id = self._visit_of_call.get(call_id)
        if visit_id is None:
            raise NotFound("this call is over")
        served = await self._own(who, visit_id)
        if served.state is not visit.State.SERVING:
            raise NotFound("this call is over")
        return served, self._calls[visit_id]

    def _party(self, who: Identity) -> Party:
        return "resident" if who.role is Role.KIOSK else "clerk"

    @property
    def _media(self) -> Node:
        if self._node is None:
            raise RuntimeError("the switchboard is not started")
        return self._node

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("x %s: %s", task.get_name(), error, exc_info=error)


def _now() -> datetime:
    return datetime.now(UTC)


def _kiosk(who: Identity) -> Any:
    return who.id
