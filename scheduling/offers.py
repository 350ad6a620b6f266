"""What rings at whom? The transactions from offer to accept, and what becomes of offers that fail.

No answer, refusal and a lost connection are three different facts: a clerk who does not answer is
"missed" until they say they are back, one who declines is on a break, one whose line is lost is
off. In each case the visit has its old place again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from scheduling import visit, window
from scheduling.record import Visit
from scheduling.routing import SECOND_LOOK_S, Offer
from scheduling.rows import (
    Conflict,
    consult_row,
    held_by,
    move_visit,
    move_window,
    note_all,
    note_refusal,
    put_back,
    visit_row,
)
from scheduling.rulebook import read_skills
from scheduling.rules import QueueId
from scheduling.tables import queues, visits, windows
from scheduling.transfers import (
    consult_at,
    end_consult,
    give_to_consulted,
    lose_consulted,
)
from scheduling.visit import ClerkId, VisitId


class Missed(NamedTuple):
    """A visit that is in line again, and the clerk who did not answer."""

    after: Visit
    clerk: ClerkId


class Offers:
    """The transactions between line and window."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def make(self, wanted: Sequence[Offer], now: datetime) -> list[Visit]:
        """Offer visits that wait to clerks who are ready; returns those that now ring.

        All in one transaction of three statements, however many: a burst costs little more than
        one. An offer whose visit or clerk has changed meanwhile is left out, nothing is done by
        halves. No visit and no clerk may be named twice.
        """
        if not wanted:
            return []
        try:
            async with self._engine.begin() as connection:
                return await _ring(connection, wanted, now)
        except IntegrityError:  # another process has made one of them
            if len(wanted) == 1:
                return []
        return [made for offer in wanted for made in await self.make([offer], now)]

    async def accept(self, visit_id: VisitId, clerk: ClerkId, now: datetime) -> Visit:
        """The clerk takes the visit that was offered to them. Raises NotFound, Conflict."""
        async with self._engine.begin() as connection:
            offered = await held_by(connection, visit_id, clerk)
            await move_window(connection, clerk, window.Event.ACCEPT, now, misses=0)
            return await move_visit(
                connection,
                offered,
                visit.Event.ACCEPT,
                now,
                actor=clerk,
                accepted_at=now,
                response_s=_response_s(offered, now),
            )

    async def pull(self, visit_id: VisitId, clerk: ClerkId, now: datetime) -> Visit:
        """A clerk takes a visit of their own choice, where its queue allows it.

        Raises NotFound, Conflict.
        """
        async with self._engine.begin() as connection:
            # The window first, as where an offer is made: the other way round both could wait.
            await move_window(connection, clerk, window.Event.PULL, now)
            waiting = await visit_row(connection, visit_id)
            skills = (await read_skills(connection, [clerk])).get(clerk)
            served = [q for q in waiting.listed if skills is not None and q in skills.levels]
            may_pull = await connection.scalar(
                sa.select(sa.func.count()).where(queues.c.id.in_(served), queues.c.may_pull)
            )
            if not served or not may_pull:
                raise Conflict("visits of this queue are served in order")
            return await move_visit(
                connection,
                waiting,
                visit.Event.PULL,
                now,
                actor=clerk,
                clerk=clerk,
                offered_at=now,
                accepted_at=now,
                response_s=_response_s(waiting, now),
                served_queue=served[0],
            )

    async def decline(
        self, visit_id: VisitId, clerk: ClerkId, now: datetime, reason: str = ""
    ) -> Visit:
        """The clerk refuses and goes on a break; the visit is at its place again.

        It is not offered to them again for five minutes. Raises Conflict, ValueError.
        """
        async with self._engine.begin() as connection:
            offered = await held_by(connection, visit_id, clerk)
            await move_window(connection, clerk, window.Event.DECLINE, now)
            await note_refusal(connection, visit_id, now, reason, clerk)
            until = now.timestamp() + SECOND_LOOK_S
            return await put_back(
                connection,
                offered,
                visit.Event.DECLINE,
                now,
                not_by={**offered.not_by, clerk: until},
            )

    async def expire(self, ring_s: float, now: datetime) -> list[Missed]:
        """Offers that rang out, by their queue's time or `ring_s`: the clerk is "missed"."""
        async with self._engine.begin() as connection:
            rows = await connection.execute(
                sa.select(visits, queues.c.ring_s.label("queue_ring_s"))
                .join(queues, queues.c.id == visits.c.queue)
                .where(visits.c.state == visit.State.OFFERED)
                .with_for_update(skip_locked=True, of=visits)
            )
            missed = []
            for row in rows.all():
                longest = timedelta(seconds=min(ring_s, row.queue_ring_s))
                if row.offered_at <= now - longest:
                    clerk = ClerkId(row.clerk)
                    after = await self._miss(connection, VisitId(row.id), now)
                    missed.append(Missed(after, clerk))
            return missed

    async def lose_clerk(self, clerk: ClerkId, now: datetime) -> Visit | None:
        """The clerk's connection is gone: the window is off, its visit goes back to its place.

        A clerk who was consulted and is in the call takes it over. A window in wrap-up stays: its
        work is kept until the clerk is back.
        """
        async with self._engine.begin() as connection:
            held = await _visit_at(connection, clerk)
            if held is None:
                about = await consult_at(connection, clerk)
                if about is not None:
                    await visit_row(connection, about.visit)  # nobody hands it over from now on
                    if await lose_consulted(connection, about.visit, clerk, now):
                        return None
                held = await _visit_at(connection, clerk)  # handed over to them just now
            if held is None:
                states = [s for s, e in window.TRANSITIONS if e is window.Event.LOSE]
                await connection.execute(
                    sa.update(windows)
                    .where(windows.c.clerk == clerk, windows.c.state.in_(states))
                    .values(state=window.State.OFF, since=now)
                )
                return None
            await move_window(connection, clerk, window.Event.LOSE, now)
            about = await consult_row(connection, held.id)
            if about is not None and about.state == "joined":
                return await give_to_consulted(connection, held, about, now)
            await end_consult(connection, held.id, now)
            return await put_back(connection, held, visit.Event.LOSE_CLERK, now)

    async def _miss(self, connection: AsyncConnection, visit_id: VisitId, now: datetime) -> Visit:
        offered = await visit_row(connection, visit_id)
        assert offered.clerk is not None
        await move_window(
            connection, offered.clerk, window.Event.MISS, now, misses=windows.c.misses + 1
        )
        return await put_back(connection, offered, visit.Event.MISS, now)


async def _visit_at(connection: AsyncConnection, clerk: ClerkId) -> Visit | None:
    """What rings or is served at this clerk, locked."""
    row = await connection.execute(
        sa.select(visits)
        .where(visits.c.clerk == clerk, visits.c.state.in_(visit.WITH_CLERK))
        .with_for_update(key_share=True)
    )
    found = row.one_or_none()
    return Visit.of(found) if found is not None else None


async def _ring(connection: AsyncConnection, wanted: Sequence[Offer], now: datetime) -> list[Visit]:
    """Windows first, which locks them; then their visits; what found no visit is ready again."""
    by_clerk = {offer.clerk: offer for offer in wanted}
    taken = await connection.execute(
        sa.update(windows)
        .where(windows.c.clerk.in_(list(by_clerk)), windows.c.state == window.State.READY)
        .values(state=window.State.OFFERED, since=now)
        .returning(windows.c.clerk)
    )
    ready = [by_clerk[clerk] for clerk in taken.scalars()]
    if not ready:
        return []
    clerk_of: dict[str, ClerkId] = {offer.visit: offer.clerk for offer in ready}
    queue_of: dict[str, QueueId] = {offer.visit: offer.queue for offer in ready}
    rows = await connection.execute(
        sa.update(visits)
        .where(visits.c.id.in_(list(clerk_of)), visits.c.state == visit.State.WAITING)
        .values(
            state=visit.State.OFFERED,
            offered_at=now,
            clerk=sa.case(clerk_of, value=visits.c.id),
            served_queue=sa.case(queue_of, value=visits.c.id),
        )
        .returning(*visits.c)
    )
    ringing = [Visit.of(row) for row in rows]
    left = set(clerk_of.values()) - {made.clerk for made in ringing}
    if left:
        await connection.execute(
            sa.update(windows)
            .where(windows.c.clerk.in_(sorted(left)), windows.c.state == window.State.OFFERED)
            .values(state=window.State.READY)
        )
    if ringing:
        notes = [(made.id, visit.Event.OFFER.value, made.clerk or "") for made in ringing]
        await note_all(connection, notes, now)
    return ringing


def _response_s(answered: Visit, now: datetime) -> float:
    """Seconds from the begin of the wait to the first answer; later answers do not count."""
    if answered.response_s is not None:
        return answered.response_s
    return (now - answered.waits_since).total_seconds()
