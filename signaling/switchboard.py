"""What joins a visit, a call, the media and the lines? The only place that knows all four.

Commands come in here, in any process; the desk decides, the exchange connects, the hub wakes those
whose state changed. Offers are made only where the office is. What time brings about is `clock.py`,
what passes between clerks `passing.py`.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Coroutine, Iterable
from datetime import UTC, datetime
from typing import Any

from media.host.api import Refused, Unknown
from scheduling import visit, window
from scheduling.board import Board
from scheduling.desk import Desk
from scheduling.dispatch import Dispatcher
from scheduling.offers import Offers
from scheduling.record import Consult, Visit
from scheduling.rows import Conflict, NotFound
from scheduling.rules import Priority
from scheduling.transfers import Transfers
from scheduling.visit import ClerkId, Outcome, SiteId, VisitId
from signaling.access import Identity, Role
from signaling.call import Call, Party
from signaling.calls import Calls
from signaling.exchange import NoHost
from signaling.guesses import Guesses
from signaling.hub import Hub
from signaling.protocol import Direction
from signaling.quality import Qualities, Sample
from signaling.recordings import Recordings

log = logging.getLogger(__name__)

RING_S = 20.0
LINES_LATER_S = 0.25
Look = Callable[[Collection[str], Collection[str]], None]


class BadAnswer(ValueError):  # noqa: N818
    """The SDP is not an answer to our offer; the text names the line at fault."""


class Switchboard:
    """Carries out what clients ask.

    `look` has the office look at visits and clerks that changed here, where it is elsewhere.
    """

    def __init__(
        self,
        desk: Desk,
        board: Board,
        hub: Hub,
        *,
        offers: Offers,
        transfers: Transfers,
        dispatcher: Dispatcher,
        exchange: Calls,
        recordings: Recordings,
        qualities: Qualities,
        look: Look = lambda visits, clerks: None,
        ring_s: float = RING_S,
    ) -> None:
        self._desk, self._board, self._hub = desk, board, hub
        self._offers, self._transfers, self._dispatcher = offers, transfers, dispatcher
        self._guesses = Guesses()
        self._exchange, self._recordings, self._qualities = exchange, recordings, qualities
        self._look = look
        self._tasks: set[asyncio.Task[None]] = set()
        self.ring_s = ring_s

    async def stop(self) -> None:
        """Let go of what is still being done; visits stay as they are, for the next office."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def looked(self, visit_ids: Collection[str], clerks: Collection[str]) -> None:
        """For the office: these have changed in another process."""
        self._spawn(self._look_at(visit_ids, clerks), "look again")

    def moved(self, who: Identity) -> None:
        """A client came to another process, or left it: what follows is the office's."""
        if self._exchange.mine:
            self._spawn(self._presence_changed(who), "client moved")

    def call_of(self, visit_id: str) -> Call | None:
        """The running call of a visit, once its parties are invited."""
        if self._exchange.is_preparing(visit_id):
            return None
        return self._exchange.call_of(visit_id)

    # The resident

    async def take_ticket(
        self,
        who: Identity,
        site: str,
        *,
        city: str,
        matter: str,
        language: str,
        notice: str,
        priority: Priority = Priority.ORDINARY,
        wish: str = "",
        earlier: tuple[str, str] | None = None,
    ) -> None:
        """Raises scheduling's UnknownMatter, Conflict and Closed, TooManyGuesses, ValueError."""
        if earlier is not None:
            self._guesses.check(who.id, time.monotonic())
        try:
            taken = await self._desk.take_ticket(
                kiosk=_kiosk(who),
                site=SiteId(site),
                city=city,
                matter=matter,
                language=language,
                notice_version=notice,
                now=_now(),
                priority=priority,
                wish=wish,
                earlier=earlier,
            )
        except ValueError:
            if earlier is not None:
                self._guesses.wrong(who.id, time.monotonic())
            raise
        await self.route(taken)

    async def check_in(
        self, who: Identity, site: str, code: str, *, language: str, notice: str, wish: str = ""
    ) -> None:
        """Begin the visit of an appointment. Raises NotFound, Conflict, TooManyGuesses."""
        self._guesses.check(who.id, time.monotonic())
        try:
            taken = await self._desk.check_in(
                code,
                kiosk=_kiosk(who),
                site=SiteId(site),
                language=language,
                notice_version=notice,
                now=_now(),
                wish=wish,
            )
        except NotFound:
            self._guesses.wrong(who.id, time.monotonic())
            raise
        await self.route(taken)

    async def set_stays(self, who: Identity, visit_id: str, *, stays: bool) -> None:
        """Raises NotFound, Conflict."""
        own = await self._own(who, visit_id)
        await self.route(await self._desk.set_stays(own.id, stays=stays, now=_now()))

    async def come_back_later(self, who: Identity, visit_id: str, contact: str) -> None:
        """The kiosk is free, the place is kept. Raises NotFound, Conflict, ValueError."""
        own = await self._own(who, visit_id)
        away = await self._desk.come_back_later(own.id, contact, _now())
        await self._exchange.cool(who.id)
        await self.route(away)

    async def come_back(self, who: Identity, site: str, ticket: str, code: str) -> None:
        """Raises NotFound, Conflict, TooManyGuesses."""
        self._guesses.check(who.id, time.monotonic())
        try:
            back = await self._desk.come_back(_kiosk(who), SiteId(site), ticket, code, _now())
        except NotFound:
            self._guesses.wrong(who.id, time.monotonic())
            raise
        await self.route(back)

    async def leave_line(self, who: Identity, visit_id: str) -> None:
        """Raises NotFound, Conflict."""
        left = await self._own(who, visit_id)
        after = await self._desk.leave(left.id, who.id, _now())
        await self._exchange.cool(who.id)
        self.changed(left)
        await self.route(after, clerks=[left.clerk])

    async def rate(self, who: Identity, visit_id: str, rating: int, reasons: list[str]) -> None:
        """Raises NotFound, Conflict."""
        rated = await self._own(who, visit_id)
        self.changed(await self._desk.rate(rated.id, rating, reasons, _now()))

    async def wipe(self, who: Identity, visit_id: str) -> None:
        """Raises NotFound, Conflict while the visit is not over."""
        shown = await self._own(who, visit_id)
        await self._exchange.cool(who.id)
        if shown.at_kiosk:
            self.changed(await self._desk.free_kiosk(shown.id))

    # The clerk

    async def set_window(self, who: Identity, step: str) -> None:
        """Raises Conflict."""
        await self._desk.set_window(ClerkId(who.id), window.Event(step), _now())
        if step != "be_ready":
            await self._exchange.cool(who.id)
        self._board.changed()  # a look of just before would say how many are ready
        self._hub.wake_city(who.city)
        await self.route(clerks=[who.id])

    async def accept(self, who: Identity, visit_id: str) -> None:
        """The clerk takes the visit, or joins the consult, that rings there. Raises Conflict."""
        about = await self._board.consult_of_clerk(ClerkId(who.id))
        if about is not None and about.visit == visit_id:
            await self.join_consult(
                await self._transfers.accept(about.visit, ClerkId(who.id), _now())
            )
            await self.route(await self.visit(visit_id), clerks=[who.id])
            return
        accepted = await self._offers.accept(VisitId(visit_id), ClerkId(who.id), _now())
        await self._serve(accepted)
        self._hub.wake([accepted.kiosk, accepted.clerk])
        self._spawn(self._tell_lines(accepted), "lines after an accept")

    async def _tell_lines(self, accepted: Visit) -> None:
        """Lines are looked at a moment later: the two who wait for each other's picture go first.

        The router knows already: the visit left its line and the clerk was busy with the offer.
        """
        await asyncio.sleep(LINES_LATER_S)
        self.changed(accepted)

    async def pull(self, who: Identity, visit_id: str) -> None:
        """The clerk takes a visit of their own choice. Raises NotFound, Conflict."""
        waiting = await self.visit(visit_id)
        if not self._hub.is_open(waiting.kiosk):
            raise Conflict("nobody is at the kiosk of this visit now")
        pulled = await self._offers.pull(waiting.id, ClerkId(who.id), _now())
        await self._serve(pulled)
        await self.route(pulled, clerks=[who.id])

    async def _serve(self, accepted: Visit) -> None:
        """Both parties are invited at once."""
        try:
            await self._exchange.begin(accepted)
        except NoHost as error:  # the visit is accepted: the office gives it a call by itself
            log.warning("- the call of visit %s begins later: %s", accepted.id, error)

    async def join_consult(self, about: Consult) -> None:
        """The clerk who was asked is in the call, with the resident on hold or not."""
        assert about.clerk is not None
        listens = self._exchange.party_of(about.visit, about.clerk)
        if listens is not None:  # a supervisor, who is a clerk in this call from now on
            await self._exchange.leave_part(about.visit, listens)
        await self._exchange.hold(about.visit, on_hold=not about.with_resident)
        call = self._exchange.call_of(about.visit)
        if call is None:
            return
        try:
            await self._exchange.take_part(about.visit, call.next_invited(), about.clerk, "party")
        except (Unknown, NoHost, Refused) as error:
            log.warning("- consult of visit %s: %s", about.visit, error)
        now = await self._board.consult_about(about.visit)
        if now is None or (now.state, now.clerk) != ("joined", about.clerk):
            await self.leave_consult(about)  # it ended meanwhile

    async def decline(self, who: Identity, visit_id: str, reason: str = "") -> None:
        """Raises Conflict, ValueError."""
        clerk = ClerkId(who.id)
        about = await self._board.consult_of_clerk(clerk)
        if about is not None and about.visit == visit_id:
            await self._transfers.decline(about.visit, clerk, _now(), reason)
            declined = await self.visit(visit_id)
        else:
            declined = await self._offers.decline(VisitId(visit_id), clerk, _now(), reason)
        self._hub.wake([who.id])
        await self.route(declined, clerks=[who.id])

    async def call_back(self, who: Identity, visit_id: str) -> None:
        """A resident who is away was called. Raises NotFound, Conflict."""
        away = await self.visit(visit_id)
        if not who.may_see(away.city) and not await self._board.serves(ClerkId(who.id), away):
            raise NotFound("no such visit here")
        self.changed(await self._desk.call_back(away.id, who.id, _now()))

    async def set_aside(self, who: Identity, visit_id: str, *, ready: bool) -> None:
        """Raises Conflict."""
        aside = await self._desk.set_aside(
            VisitId(visit_id), ClerkId(who.id), ready=ready, now=_now()
        )
        await self.route(aside, clerks=[who.id])

    async def keep_case(self, who: Identity, visit_id: str, notes: str, checked: list[str]) -> None:
        """Raises Conflict."""
        kept = await self._desk.keep_case(
            VisitId(visit_id), ClerkId(who.id), notes=notes, checked=checked
        )
        self._hub.wake([kept.clerk])

    async def close_visit(
        self, who: Identity, visit_id: str, outcome: str, *, ready: bool, answer: str = ""
    ) -> None:
        """Raises Conflict, ValueError."""
        closed = await self._desk.close(
            VisitId(visit_id),
            ClerkId(who.id),
            Outcome(outcome),
            ready=ready,
            now=_now(),
            answer=answer,
        )
        await self.route(closed, clerks=[who.id])

    # Both parties

    async def end_call(self, who: Identity, visit_id: str) -> None:
        """End the call of this visit and no other. Raises NotFound, Conflict."""
        ended = await self._own(who, visit_id)
        about = await self._board.consult_about(ended.id)
        by = "resident" if who.role is Role.KIOSK else "clerk"
        after = await self._desk.end(ended.id, by, _now())
        await self.hang_up(after)
        await self.route(after, clerks=[after.clerk, about.clerk if about else None])

    async def connect(self, who: Identity, call_id: str | None) -> None:
        """A new connection for this party, or a warm line. Raises NotFound, Conflict, NoHost."""
        if call_id is not None:
            served, _ = await self._own_call(who, call_id)
            await self._exchange.connect(served.id, self._party(who, served.id))
            self.changed(served)
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
        self.changed(served)

    async def set_sharing(self, who: Identity, call_id: str, *, sharing: bool) -> None:
        """The party shows its screen, or does no longer. Raises NotFound."""
        served, _ = await self._own_call(who, call_id)
        await self._exchange.share(served.id, self._party(who, served.id), sharing=sharing)

    async def report_quality(
        self, who: Identity, call_id: str, received: Direction, sent: Direction
    ) -> None:
        """Keep how a party receives and sends. Raises NotFound."""
        served, _ = await self._own_call(who, call_id)
        sample = Sample(party=self._party(who, served.id), at=_now(), received=received, sent=sent)
        await self._qualities.report(served.id, sample)
        self._hub.wake([served.kiosk, served.clerk])

    async def playing(self, who: Identity, call_id: str) -> None:
        """Put the first decoded picture on the visit's timeline, once a party. Raises NotFound."""
        served, call = await self._own_call(who, call_id)
        party = self._party(who, served.id)
        event = f"{party}_sees_{call.far_of(party)}"
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
        if who.role is not Role.KIOSK:
            await self.lose_clerk(ClerkId(who.id))
            return
        shown = await self._board.visit_at_kiosk(_kiosk(who))
        if shown is not None and shown.state is visit.State.SERVING:
            ended = await self._desk.end(shown.id, "withdrawn", _now())
            await self.hang_up(ended)
            await self.route(ended, clerks=[ended.clerk])

    async def _presence_changed(self, who: Identity) -> None:
        shown = (
            await self._board.visit_at_kiosk(_kiosk(who))
            if who.role is Role.KIOSK
            else await self._board.visit_of_clerk(ClerkId(who.id))
        )
        if shown is not None:
            self._hub.wake([shown.kiosk, shown.clerk])
            await self.route(shown)

    async def lose_clerk(self, clerk: ClerkId) -> None:
        """The clerk is gone: the visit returns to its place, or to a clerk who had joined."""
        before = await self._board.visit_of_clerk(clerk)
        about = await self._board.consult_about(before.id) if before is not None else None
        joined = await self._board.consult_of_clerk(clerk)
        returned = await self._offers.lose_clerk(clerk, _now())
        await self._exchange.cool(clerk)
        if returned is not None and returned.state is visit.State.SERVING:
            await self._exchange.hand_over(returned)
        elif returned is not None:
            await self.hang_up(returned)
        if joined is not None:
            await self.leave_consult(joined)
        clerks = [clerk, about.clerk if about is not None else None]
        await self.route(
            returned, await self.visit(joined.visit) if joined else None, clerks=clerks
        )

    async def leave_consult(self, about: Consult) -> None:
        """The clerk who was asked is in the call no longer; the resident is not on hold."""
        if about.state != "joined":
            return
        call = self._exchange.call_of(about.visit)
        if call is not None and call.consulted is not None:
            await self._exchange.leave_part(about.visit, call.consulted)
        await self._exchange.hold(about.visit, on_hold=False)

    async def hang_up(self, ended: Visit) -> None:
        """The call of this visit is over: connections and recordings end."""
        self._qualities.forget(ended.id)
        try:
            await self._exchange.hang_up(ended)
        except NoHost as error:  # the visit has ended: the office ends the call by itself
            log.warning("- the call of visit %s ends later: %s", ended.id, error)

    async def _may_be_warm(self, who: Identity) -> bool:
        """Whether this client may soon be in a call."""
        if who.role is Role.KIOSK:
            shown = await self._board.visit_at_kiosk(_kiosk(who))
            return shown is not None and shown.state in (visit.State.WAITING, visit.State.OFFERED)
        desk = await self._board.window(ClerkId(who.id))
        return desk is not None and desk.state in (window.State.READY, window.State.OFFERED)

    # Routing

    async def route(self, *changed: Visit | None, clerks: Iterable[str | None] = ()) -> None:
        """These have changed: wake whom it concerns, and make the offers that can be made now."""
        entries = [entry for entry in changed if entry is not None]
        desks = [clerk for clerk in clerks if clerk]
        self.changed(*entries)
        self._hub.wake(desks)
        visit_ids = [entry.id for entry in entries]
        if visit_ids or desks:
            await self._look_at(visit_ids, desks)

    async def rules_changed(self, city: str) -> None:
        """Queues, skills or rules of a city are others now: route by them from this moment."""
        self._board.changed()
        self._hub.wake_city(city)
        await self._look_at([], [])

    async def _look_at(self, visit_ids: Collection[str], clerks: Collection[str]) -> None:
        """Have the router look at these again; with none, at everything and the rules."""
        if not self._exchange.mine:
            self._look(visit_ids, clerks)
        elif visit_ids or clerks:
            await self.rung(await self._dispatcher.refresh(visit_ids, clerks, _now()))
        else:
            await self.rung(await self._dispatcher.load(_now()))

    async def rung(self, offered: Iterable[Visit]) -> None:
        """These ring now; one that is being served rings for a consult, perhaps in another city."""
        for entry in offered:
            self.changed(entry)
            if entry.state is visit.State.SERVING:
                about = await self._board.consult_about(entry.id)
                self._hub.wake([about.clerk if about is not None else None])

    def changed(self, *entries: Visit) -> None:
        """Wake everybody who sees one of these."""
        if entries:
            self._board.changed()
        for entry in entries:
            self._hub.wake([entry.kiosk, entry.clerk])
            for city in {entry.city, *(queue[:6] for queue in entry.listed)}:
                self._hub.wake_city(city)

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
        call = self._exchange.call_of(visit_id)
        party = self._exchange.party_of(visit_id, who.id)
        consulted = call is not None and party is not None and party == call.consulted
        served = await (self.visit(visit_id) if consulted else self._own(who, visit_id))
        if served.state is not visit.State.SERVING or call is None:
            raise NotFound("this call is over")
        return served, call

    def _party(self, who: Identity, visit_id: str) -> Party:
        """As whom somebody takes part in a call. Raises NotFound."""
        party = self._exchange.party_of(visit_id, who.id)
        if party is None:
            raise NotFound("this call is over")
        return party

    async def visit(self, visit_id: str) -> Visit:
        """Any visit. Raises NotFound."""
        found = await self._board.visit(visit_id)
        if found is None:
            raise NotFound("no such visit here")
        return found

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
