"""How does a visit pass from one clerk to another? Transfer, consult, three-way, hand-over.

Cold: the visit goes back to the line of a queue, or waits for one named clerk. Warm: a consult is
asked for and rings like a visit; who accepts joins the call while the resident is on hold, then
with the resident; then the first clerk leaves. The record of the visit goes along in every case.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from scheduling import visit, window
from scheduling.record import Consult, Visit
from scheduling.routing import SECOND_LOOK_S
from scheduling.rows import (
    Conflict,
    consult_row,
    held_by,
    move_window,
    note,
    note_refusal,
    put_back,
    update_visit,
)
from scheduling.rulebook import read_rules, read_skills
from scheduling.rules import QueueId, Rules
from scheduling.tables import consults, windows
from scheduling.visit import ClerkId, VisitId


class Transfers:
    """The transactions between clerks."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def transfer(
        self,
        visit_id: VisitId,
        by: ClerkId,
        *,
        queue: QueueId,
        only: ClerkId | None,
        ready: bool,
        now: datetime,
    ) -> Visit:
        """Cold: the visit waits again, with its old place, in `queue` or for one clerk.

        Raises NotFound, ValueError, Conflict.
        """
        async with self._engine.begin() as connection:
            served = await held_by(connection, visit_id, by)
            await _check_target(connection, await read_rules(connection), served, queue, only, by)
            await end_consult(connection, visit_id, now)
            event = window.Event.RELEASE if ready else window.Event.RELEASE_AND_REST
            await move_window(connection, by, event, now)
            return await put_back(
                connection,
                served,
                visit.Event.TRANSFER,
                now,
                queue=queue,
                only_clerk=only,
                waits_since=now,
                also=[],
                overflowed=[],
                allowed=[],
                not_by={by: (now + timedelta(seconds=SECOND_LOOK_S)).timestamp()},
            )

    async def ask(
        self,
        visit_id: VisitId,
        by: ClerkId,
        *,
        queue: QueueId,
        only: ClerkId | None,
        now: datetime,
    ) -> Consult:
        """Ask a queue, or one clerk, to join this call. Raises NotFound, ValueError, Conflict."""
        async with self._engine.begin() as connection:
            served = await held_by(connection, visit_id, by)
            if served.state is not visit.State.SERVING:
                raise Conflict("a consult is about a visit in its call")
            if await consult_row(connection, visit_id) is not None:
                raise Conflict("another clerk is asked already")
            await _check_target(connection, await read_rules(connection), served, queue, only, by)
            row = await connection.execute(
                sa.insert(consults)
                .values(
                    visit=visit_id,
                    asked_by=by,
                    asked_at=now,
                    queue=queue,
                    only_clerk=only,
                    state="asked",
                    with_resident=False,
                    not_by={by: now.timestamp() + 86_400},
                )
                .returning(*consults.c)
            )
            await note(connection, visit_id, now, "consult_asked", by)
            return Consult.of(row.one())

    async def offer(self, visit_id: VisitId, clerk: ClerkId, now: datetime) -> Consult:
        """The consult rings at a clerk who is ready. Raises Conflict."""
        try:
            async with self._engine.begin() as connection:
                asked = await _consult(connection, visit_id, "asked")
                await move_window(connection, clerk, window.Event.OFFER, now)
                return await _update(
                    connection, asked, state="offered", clerk=clerk, offered_at=now
                )
        except IntegrityError as error:
            raise Conflict("this clerk has another consult") from error

    async def accept(self, visit_id: VisitId, clerk: ClerkId, now: datetime) -> Consult:
        """The asked clerk joins, with the resident on hold. Raises Conflict."""
        async with self._engine.begin() as connection:
            offered = await _consult(connection, visit_id, "offered", clerk)
            await move_window(connection, clerk, window.Event.ACCEPT, now, misses=0)
            await note(connection, visit_id, now, "consult_joined", clerk)
            return await _update(connection, offered, state="joined")

    async def decline(
        self, visit_id: VisitId, clerk: ClerkId, now: datetime, reason: str = ""
    ) -> Consult:
        """The asked clerk refuses; another may be asked. Raises Conflict, ValueError."""
        async with self._engine.begin() as connection:
            offered = await _consult(connection, visit_id, "offered", clerk)
            await note_refusal(connection, visit_id, now, reason, clerk)
            return await _unring(connection, offered, window.Event.DECLINE, now)

    async def expire(self, ring_s: float, now: datetime) -> list[Consult]:
        """Consults that rang out, as they were: the clerk is "missed", another is asked."""
        async with self._engine.begin() as connection:
            rows = await connection.execute(
                sa.select(consults)
                .where(
                    consults.c.state == "offered",
                    consults.c.offered_at <= now - timedelta(seconds=ring_s),
                )
                .with_for_update(skip_locked=True)
            )
            rung_out = [Consult.of(row) for row in rows.all()]
            for about in rung_out:
                await _unring(connection, about, window.Event.MISS, now)
            return rung_out

    async def set_with_resident(
        self, visit_id: VisitId, by: ClerkId, *, with_resident: bool, now: datetime
    ) -> Consult:
        """Take the resident into the talk of the two clerks, or put them on hold again."""
        async with self._engine.begin() as connection:
            await held_by(connection, visit_id, by)
            joined = await _consult(connection, visit_id, "joined")
            event = "three_way" if with_resident else "consult_on_hold"
            await note(connection, visit_id, now, event, by)
            return await _update(connection, joined, with_resident=with_resident)

    async def leave(self, visit_id: VisitId, who: ClerkId, now: datetime) -> Consult:
        """The consult ends: taken back by who asked, or left by who joined. Raises Conflict."""
        async with self._engine.begin() as connection:
            about = await consult_row(connection, visit_id)
            if about is None or who not in (about.asked_by, about.clerk):
                raise Conflict("this consult is over")
            await note(connection, visit_id, now, "consult_ended", who)
            await end_consult(connection, visit_id, now)
            return about

    async def hand_over(
        self, visit_id: VisitId, by: ClerkId, *, ready: bool, now: datetime
    ) -> tuple[Visit, Consult]:
        """The first clerk leaves; the visit is the other's. Raises Conflict."""
        async with self._engine.begin() as connection:
            served = await held_by(connection, visit_id, by)
            joined = await _consult(connection, visit_id, "joined")
            event = window.Event.RELEASE if ready else window.Event.RELEASE_AND_REST
            await move_window(connection, by, event, now)
            return await give_to_consulted(connection, served, joined, now), joined


async def give_to_consulted(
    connection: AsyncConnection, served: Visit, joined: Consult, now: datetime
) -> Visit:
    """The visit is from now on that of the clerk who had joined."""
    assert joined.clerk is not None
    await connection.execute(sa.delete(consults).where(consults.c.visit == served.id))
    await note(connection, served.id, now, visit.Event.HAND_OVER, served.clerk or "")
    return await update_visit(connection, served, clerk=joined.clerk, served_queue=joined.queue)


async def end_consult(connection: AsyncConnection, visit_id: VisitId, now: datetime) -> None:
    """Whatever was asked about this visit is over; a clerk who rang or had joined is ready."""
    about = await consult_row(connection, visit_id)
    if about is None:
        return
    await connection.execute(sa.delete(consults).where(consults.c.visit == visit_id))
    if about.clerk is not None:
        event = window.Event.RELEASE if about.state == "joined" else window.Event.LEAVE
        await move_window(connection, about.clerk, event, now)


async def consult_at(connection: AsyncConnection, clerk: ClerkId) -> Consult | None:
    """The consult that rings at this clerk, or that they have joined."""
    row = (
        await connection.execute(
            sa.select(consults).where(
                consults.c.clerk == clerk, consults.c.state.in_(("offered", "joined"))
            )
        )
    ).one_or_none()
    return Consult.of(row) if row is not None else None


async def lose_consulted(
    connection: AsyncConnection, visit_id: VisitId, clerk: ClerkId, now: datetime
) -> bool:
    """The line of a clerk who rang for, or had joined, a consult is gone; whether it was so."""
    about = await consult_row(connection, visit_id)
    if about is None or about.clerk != clerk:
        return False
    if about.state == "offered":
        await _unring(connection, about, window.Event.LOSE, now)
        return True
    await connection.execute(sa.delete(consults).where(consults.c.visit == visit_id))
    await note(connection, visit_id, now, "consult_ended", clerk)
    await move_window(connection, clerk, window.Event.LOSE, now)
    return True


async def _unring(
    connection: AsyncConnection, about: Consult, event: window.Event, now: datetime
) -> Consult:
    assert about.clerk is not None
    missed = {"misses": windows.c.misses + 1} if event is window.Event.MISS else {}
    await move_window(connection, about.clerk, event, now, **missed)
    not_by = {**about.not_by, about.clerk: now.timestamp() + SECOND_LOOK_S}
    return await _update(
        connection, about, state="asked", clerk=None, offered_at=None, not_by=not_by
    )


async def _consult(
    connection: AsyncConnection, visit_id: VisitId, state: str, clerk: ClerkId | None = None
) -> Consult:
    about = await consult_row(connection, visit_id)
    if about is None or about.state != state or (clerk is not None and about.clerk != clerk):
        raise Conflict("this consult is over, or has gone on to somebody else")
    return about


async def _update(connection: AsyncConnection, before: Consult, **values: object) -> Consult:
    row = (
        await connection.execute(
            sa.update(consults)
            .where(consults.c.visit == before.visit, consults.c.state == before.state)
            .values(**values)
            .returning(*consults.c)
        )
    ).one_or_none()
    if row is None:
        raise Conflict("the consult has changed meanwhile")
    return Consult.of(row)


async def _check_target(
    connection: AsyncConnection,
    rules: Rules,
    served: Visit,
    queue: QueueId,
    only: ClerkId | None,
    by: ClerkId,
) -> None:
    """Raises ValueError for a queue or clerk that cannot take this visit."""
    target = rules.queues.get(queue)
    if target is None:
        raise ValueError(f"queue: there is no queue {queue}")
    of_the_visit = {served.queue, *served.also, *served.allowed}
    if target.city != served.city and queue not in of_the_visit:
        raise ValueError("queue: no agreement lets that city handle this matter")
    if only is None:
        return
    if only == by:
        raise ValueError("clerk: that is you")
    skills = (await read_skills(connection, [only])).get(only)
    if skills is None or queue not in skills.levels:
        raise ValueError("clerk: this clerk does not serve that queue")
