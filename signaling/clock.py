"""What does time bring about? Where the office is: rings, leases, kept places, and agreement.

Each half second: offers that rang out, clerks whose line is gone, what the router has waited for.
Every two seconds the running calls are brought to agree with the visits in `serving`: calls are in
memory, so after a restart, or with a new office, such a visit gets a new call and both pages are
offered connections. Every five, abandoned tickets are given back and residents called.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

from scheduling import visit, window
from scheduling.board import Board
from scheduling.desk import Desk
from scheduling.dispatch import Dispatcher
from scheduling.offers import Offers
from scheduling.record import Visit
from scheduling.transfers import Transfers
from scheduling.visit import VisitId
from signaling.call import Party
from signaling.call_backs import CallBacks
from signaling.calls import Calls
from signaling.hub import Hub
from signaling.quality import Qualities
from signaling.recordings import Recordings
from signaling.switchboard import Switchboard

log = logging.getLogger(__name__)

TICK_S, AGREE_S, REVIEW_S = 0.5, 2.0, 5.0
CLERK_LEASE_S = 15.0
ABANDONED_S = 600.0  # a waiting ticket whose kiosk has been away so long is given back
AWAY_AT_MOST = timedelta(hours=12)  # then a kept place is given back


class Clock:
    """Lets time pass for the office.

    `missed` says whether changes elsewhere may have been missed since it was asked last.
    """

    def __init__(
        self,
        switchboard: Switchboard,
        board: Board,
        hub: Hub,
        *,
        desk: Desk,
        offers: Offers,
        transfers: Transfers,
        dispatcher: Dispatcher,
        exchange: Calls,
        recordings: Recordings,
        qualities: Qualities,
        call_backs: CallBacks,
        missed: Callable[[], bool] = lambda: False,
    ) -> None:
        self._switchboard, self._board, self._hub = switchboard, board, hub
        self._desk, self._offers, self._transfers = desk, offers, transfers
        self._dispatcher, self._exchange = dispatcher, exchange
        self._recordings, self._qualities = recordings, qualities
        self._call_backs, self._missed = call_backs, missed
        self._started_s = self._agreed_s = self._reviewed_s = time.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Take up the visits that are being served, and let time run."""
        self._started_s = time.monotonic()
        await self._agree()
        await self._switchboard.rung(await self._dispatcher.load(_now()))
        self._spawn(self._tick(), "clock")

    async def stop(self) -> None:
        """Time stands still; visits stay as they are, for the next office."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            try:
                await self._pass_time()
            except Exception:  # the clock must not stop; what failed is tried at the next tick
                log.exception("x tick of the clock")

    async def _pass_time(self) -> None:
        if not self._exchange.mine:
            return
        now = _now()
        if time.monotonic() - self._agreed_s > AGREE_S:
            await self._agree()
            if self._missed():
                await self._switchboard.rung(await self._dispatcher.load(now))
        for missed in await self._offers.expire(self._switchboard.ring_s, now):
            await self._switchboard.route(missed.after, clerks=[missed.clerk])
        for rung_out in await self._transfers.expire(self._switchboard.ring_s, now):
            await self._switchboard.route(
                await self._switchboard.visit(rung_out.visit), clerks=[rung_out.clerk]
            )
        for clerk, desk in (await self._board.windows()).items():
            if (
                desk.state not in (window.State.OFF, window.State.WRAP_UP)
                and self._hub.away_s(clerk, self._started_s) > CLERK_LEASE_S
            ):
                await self._switchboard.lose_clerk(clerk)
                self._hub.wake_city(desk.city)
        if time.monotonic() - self._reviewed_s > REVIEW_S:
            self._reviewed_s = time.monotonic()
            await self._review_line(now)
        await self._switchboard.rung(await self._dispatcher.tick(now))

    async def _review_line(self, now: datetime) -> None:
        """Give back abandoned tickets, and call residents who are away when it is their turn."""
        for kiosk in await self._board.kiosks_in_line():
            if self._hub.away_s(kiosk, self._started_s) > ABANDONED_S:
                abandoned = await self._board.visit_at_kiosk(kiosk)
                if abandoned is not None and abandoned.state is not visit.State.SERVING:
                    await self._give_back(abandoned)
        for away in await self._board.away():
            if now - away.taken_at > AWAY_AT_MOST:
                await self._give_back(away)
                continue
            wait_s = (await self._board.standing()).place(away).expected_wait_s
            if wait_s is not None and self._call_backs.is_due(away, wait_s, time.monotonic()):
                self._spawn(self._post_call_back(away, wait_s), f"call-back of {away.id}")

    async def _post_call_back(self, away: Visit, wait_s: int) -> None:
        if await self._call_backs.post(away, wait_s, time.monotonic()):
            self._switchboard.changed(await self._desk.call_back(away.id, "message", _now()))

    async def _give_back(self, abandoned: Visit) -> None:
        left = await self._desk.leave(abandoned.id, "abandoned", _now())
        await self._exchange.cool(abandoned.kiosk)
        await self._switchboard.route(left, clerks=[abandoned.clerk])

    async def _agree(self) -> None:
        """Every visit in `serving` has a call with its clerks, and no other visit has one.

        Commands bring this about at once; this is for those whose process, or whose request to
        the office, was lost on the way, and for a new office.
        """
        self._agreed_s = time.monotonic()
        exchange = self._exchange.here
        if exchange is None:
            return
        begun = exchange.begun()  # before the database is asked: what begins later is right
        serving = {entry.id: entry for entry in await self._board.serving()}
        joined = await self._board.joined_consults()
        for before in begun:
            now = serving.get(before.id)
            if now is None:
                after = await self._switchboard.visit(before.id)
                if after.state is not visit.State.SERVING:
                    await exchange.hang_up(after, before)
                    self._qualities.forget(after.id)
                    self._switchboard.changed(after)
            elif now.accepted_at != before.accepted_at:
                await exchange.hang_up(before, before)
            elif now.clerk != before.clerk:
                await self._exchange.hand_over(now)
                if before in exchange.begun():  # the new clerk was not in it
                    await exchange.hang_up(before, before)
        running = {entry.id for entry in exchange.begun()}
        for served in serving.values():
            if served.id not in running:
                paused = await self._recordings.is_paused(served)
                await self._exchange.begin(served, paused=paused)
                self._switchboard.changed(served)
            call = exchange.call_of(served.id)
            there = call.consulted if call is not None else None
            if (served.id in joined) != (there is not None):
                await self._agree_on_consult(served.id, there)

    async def _agree_on_consult(self, visit_id: VisitId, there: Party | None) -> None:
        about = await self._board.consult_about(visit_id)
        joined = about is not None and about.state == "joined"
        if about is not None and joined and there is None:
            await self._switchboard.join_consult(about)
        elif there is not None and not joined:
            await self._exchange.leave_part(visit_id, there)
            await self._exchange.hold(visit_id, on_hold=False)

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
