"""How does a call pass from one clerk to another? Transfer, consult, three-way, hand-over.

What is decided is in `scheduling/transfers.py`; here the call follows: who is in it, who is on
hold, who leaves.
"""

from datetime import UTC, datetime

from scheduling.board import Board
from scheduling.rules import QueueId
from scheduling.transfers import Transfers
from scheduling.visit import ClerkId, VisitId
from signaling import protocol
from signaling.access import Identity
from signaling.calls import Calls
from signaling.switchboard import Switchboard


class Passing:
    """Carries out what clerks do with each other."""

    def __init__(
        self,
        switchboard: Switchboard,
        transfers: Transfers,
        board: Board,
        exchange: Calls,
    ) -> None:
        self._switchboard, self._transfers = switchboard, transfers
        self._board, self._exchange = board, exchange

    async def transfer(self, who: Identity, wanted: protocol.Transfer) -> None:
        """The call ends, the visit waits elsewhere. Raises Conflict, ValueError."""
        before = await self._board.consult_about(VisitId(wanted.visit))
        passed = await self._transfers.transfer(
            VisitId(wanted.visit),
            ClerkId(who.id),
            queue=QueueId(wanted.queue),
            only=ClerkId(wanted.clerk) if wanted.clerk else None,
            ready=wanted.ready,
            now=_now(),
        )
        await self._switchboard.hang_up(passed)
        await self._switchboard.route(passed, clerks=[who.id, before.clerk if before else None])

    async def ask(self, who: Identity, wanted: protocol.AskConsult) -> None:
        """It rings at the other clerk; nothing changes in the call yet. Raises Conflict."""
        about = await self._transfers.ask(
            VisitId(wanted.visit),
            ClerkId(who.id),
            queue=QueueId(wanted.queue),
            only=ClerkId(wanted.clerk) if wanted.clerk else None,
            now=_now(),
        )
        await self._switchboard.route(await self._switchboard.visit(about.visit))

    async def set_three_way(self, who: Identity, wanted: protocol.SetThreeWay) -> None:
        """The resident hears both clerks, or is on hold. Raises Conflict."""
        about = await self._transfers.set_with_resident(
            VisitId(wanted.visit),
            ClerkId(who.id),
            with_resident=wanted.with_resident,
            now=_now(),
        )
        await self._exchange.hold(about.visit, on_hold=not about.with_resident)
        await self._switchboard.route(await self._switchboard.visit(about.visit))

    async def end(self, who: Identity, visit_id: str) -> None:
        """Nobody is asked any more; who had joined leaves the call. Raises Conflict."""
        about = await self._transfers.leave(VisitId(visit_id), ClerkId(who.id), _now())
        await self._switchboard.leave_consult(about)
        visit = await self._switchboard.visit(visit_id)
        await self._switchboard.route(visit, clerks=[about.asked_by, about.clerk])

    async def hand_over(self, who: Identity, wanted: protocol.HandOver) -> None:
        """The other clerk serves from now on; this one leaves the call. Raises Conflict."""
        passed, about = await self._transfers.hand_over(
            VisitId(wanted.visit), ClerkId(who.id), ready=wanted.ready, now=_now()
        )
        await self._exchange.hand_over(passed)
        await self._switchboard.route(passed, clerks=[who.id, about.clerk])


def _now() -> datetime:
    return datetime.now(UTC)
