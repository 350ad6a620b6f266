"""What joins a visit, a call, the media and the lines? The only place that knows all four.

Commands and the clock come in here; the desk decides, the exchange connects, the hub wakes those
whose state changed. Running calls are in memory: after a restart a visit in `serving` gets a new
call and both pages ask for new connections.
"""

import asyncio
import logging
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, cast

from media.host.api import Refused, Unknown
from scheduling import visit, window
from scheduling.board import Board
from scheduling.desk import Conflict, Desk, NotFound
from scheduling.record import Visit
from scheduling.visit import ClerkId, Outcome, VisitId
from signaling.access import Identity, Role
from signaling.call import CLERK, RESIDENT, Call, Party, far_of
from signaling.exchange import Exchange
from signaling.hub import Hub
from signaling.protocol import Direction
from signaling.quality import Qualities, Sample
from signaling.recordings import Recordings

log = logging.getLogger(__name__)

RING_S = 20.0
CLERK_LEASE_S = 15.0
ABANDONED_S = 600.0  # a waiting ticket whose kiosk has been away so long is given back
_TICK_S = 0.5


class BadAnswer(ValueError):  # noqa: N818
    """The SDP is not an answer to our offer; the text names the line at fault."""


class Switchboard:
    """Carries out what clients ask, and what time brings about."""

    def __init__(
        self,
        desk: Desk,
        board: Board,
        hub: Hub,
        *,
        exchange: Exchange,
        recordings: Recordings,
        qualities: Qualities,
        ring_s: float = RING_S,
    ) -> None:
        self._desk, self._board, self._hub = desk, board, hub
        self._exchange, self._recordings, self._qualities = exchange, recordings, qualities
        self._preparing: set[str] = set()  # visits whose parties are being connected
        self._started_s = time.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()
        self.ring_s = ring_s

    async def start(self) -> None:
        """Take up the visits that were being served, and let time run."""
        self._started_s = time.monotonic()
        for served in await self._board.serving():
            paused = await self._recordings.is_paused(served)
            await self._exchange.begin(served, paused=paused)
        self._spawn(self._tick(), "switchboard ticker")

    async def stop(self) -> None:
        """Stop the clock; visits stay as they are, for the next process."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def call_of(self, visit_id: str) -> Call | None:
        """The running call of a visit, once its parties are invited."""
        return None if visit_id in self._preparing else self._exchange.call_of(visit_id)

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
        await self._exchange.cool(who.id)
        self._changed(left, after)
        await self._route(after)

    async def rate(self, who: Identity, visit_id: str, rating: int, reasons: list[str]) -> None:
        """Raises NotFound, Conflict."""
        rated = await self._own(who, visit_id)
        self._changed(await self._desk.rate(rated.id, rating, reasons, _now()))

    async def wipe(self, who: Identity, visit_id: str) -> None:
        """Raises NotFound, Conflict while the visit is not over."""
        shown = await self._own(who, visit_id)
        await self._exchange.cool(who.id)
        if shown.at_kiosk:
            self._changed(await self._desk.free_kiosk(shown.id))

    # The clerk

    async def set_window(self, who: Identity, step: str) -> None:
        """Raises Conflict."""
        await self._desk.set_window(ClerkId(who.id), window.Event(step), _now())
        if step != "be_ready":
            await self._exchange.cool(who.id)
        self._hub.wake_city(who.city)
        await self._route()

    async def accept(self, who: Identity, visit_id: str) -> None:
        """The clerk takes the visit: both parties are invited at once. Raises Conflict."""
        accepted = await self._desk.accept(VisitId(visit_id), ClerkId(who.id), _now())
        self._preparing.add(accepted.id)
        try:
            await self._exchange.begin(accepted)
        finally:
            self._preparing.discard(accepted.id)
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

    async def connect(self, who: Identity, call_id: str | None) -> None:
        """A new connection for this party, or a warm line. Raises NotFound, Conflict, NoHost."""
        if call_id is not None:
            served, _ = await self._own_call(who, call_id)
            await self._exchange.connect(served.id, self._party(who))
            self._changed(served)
            return
        if not await self._may_be_warm(who):
            raise Conflict("nobody waits here, so no line is needed")
        await self._exchange.warm(who.id)

    async def answer(self, who: Identity, connection: str, sdp: str) -> None:
        """Raises NotFound, Conflict, BadAnswer, NoHost."""
        try:
            await self._exchange.answer(who.id, connection, sdp)
        except Unknown as error:
            raise NotFound("this connection is not open any more") from error
        except Refused as error:
            if error.twice:
                raise Conflict(str(error)) from error
            raise BadAnswer(str(error)) from error
        self._hub.wake([who.id])

    async def set_recording(self, who: Identity, visit_id: str, *, running: bool) -> None:
        """Pause the recording, or let it go on. Raises NotFound, Conflict, NoHost."""
        served = await self._own(who, visit_id)
        call = self._exchange.call_of(served.id)
        if call is None:
            raise Conflict("this visit has no running call")
        if running == (call.recording != "paused"):
            return
        await self._exchange.record(served.id, running=running)
        event = "recording_resumed" if running else "recording_paused"
        at = _now()
        if running:
            await self._recordings.resume(served, call, at)
        else:
            await self._recordings.pause(served, call, who.id, at)
        await self._desk.note(served.id, event, who.id, at)
        self._changed(served)

    async def set_sharing(self, who: Identity, call_id: str, *, sharing: bool) -> None:
        """The party shows its screen, or does no longer. Raises NotFound."""
        served, _ = await self._own_call(who, call_id)
        self._exchange.share(served.id, self._party(who), sharing=sharing)

    async def report_quality(
        self, who: Identity, call_id: str, received: Direction, sent: Direction
    ) -> None:
        """Keep how a party receives and sends. Raises NotFound."""
        served, _ = await self._own_call(who, call_id)
        sample = Sample(party=self._party(who), at=_now(), received=received, sent=sent)
        await self._qualities.report(served.id, sample)
        self._hub.wake([served.kiosk, served.clerk])

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

    async def withdraw(self, who: Identity) -> None:
        """The rights of a client were withdrawn: its line and its running call end (T2, T6)."""
        await self._exchange.cool(who.id)
        if who.role is Role.CLERK:
            returned = await self._desk.lose_clerk(ClerkId(who.id), _now())
            if returned is not None:
                await self._hang_up(returned)
                self._changed(returned)
                await self._route()
            return
        shown = await self._board.visit_at_kiosk(_kiosk(who))
        if shown is not None and shown.state is visit.State.SERVING:
            ended = await self._desk.end(shown.id, "withdrawn", _now())
            await self._hang_up(ended)
            self._changed(ended)

    async def _presence_changed(self, who: Identity) -> None:
        shown = (
            await self._board.visit_at_kiosk(_kiosk(who))
            if who.role is Role.KIOSK
            else await self._board.visit_of_clerk(ClerkId(who.id))
        )
        if shown is not None:
            self._hub.wake([shown.kiosk, shown.clerk])
        await self._route()

    async def _hang_up(self, ended: Visit) -> None:
        call = await self._exchange.end(ended)
        self._qualities.forget(ended.id)
        if call is not None:
            at = ended.ended_at or _now()
            await self._recordings.span(ended, call, call.talking_since, at)

    async def _may_be_warm(self, who: Identity) -> bool:
        """Whether this client may soon be in a call."""
        if who.role is Role.KIOSK:
            shown = await self._board.visit_at_kiosk(_kiosk(who))
            return shown is not None and shown.state in (visit.State.WAITING, visit.State.OFFERED)
        desk = await self._board.window(ClerkId(who.id))
        return desk is not None and desk.state in (window.State.READY, window.State.OFFERED)

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
                await self._exchange.cool(clerk)
                if returned is not None:
                    lost.append(returned)
                    await self._hang_up(returned)
                self._hub.wake_city(desk.city)
        returned_tickets = []
        for waiting in await self._board.in_line():
            if self._hub.away_s(waiting.kiosk, self._started_s) > ABANDONED_S:
                returned_tickets.append(await self._desk.leave(waiting.id, "abandoned", _now()))
                await self._exchange.cool(waiting.kiosk)
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
        visit_id = self._exchange.visit_of(call_id)
        if visit_id is None:
            raise NotFound("this call is over")
        served = await self._own(who, visit_id)
        call = self._exchange.call_of(visit_id)
        if served.state is not visit.State.SERVING or call is None:
            raise NotFound("this call is over")
        return served, call

    def _party(self, who: Identity) -> Party:
        return RESIDENT if who.role is Role.KIOSK else CLERK

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
