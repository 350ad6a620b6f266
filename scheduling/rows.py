"""How does one row change? The steps that the transactions of this folder are made of.

Each update names the state it starts from, so of two that race only one wins; the other gets
`Conflict` and its transaction is undone. Nothing here begins or ends a transaction.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import visit, window
from scheduling.record import Consult, Visit, Window
from scheduling.tables import consults, visit_events, visits, windows
from scheduling.visit import ClerkId, VisitId

MAX_REASON = 200


class Conflict(Exception):  # noqa: N818
    """Somebody else was first, or this cannot be done now; nothing was changed."""


class NotFound(LookupError):  # noqa: N818
    """There is no such visit or window for this caller."""


async def visit_row(connection: AsyncConnection, visit_id: VisitId) -> Visit:
    """Raises NotFound."""
    row = await _locked(connection, visits, visits.c.id == visit_id)
    if row is None:
        raise NotFound(f"no visit {visit_id}")
    return Visit.of(row)


async def held_by(connection: AsyncConnection, visit_id: VisitId, clerk: ClerkId) -> Visit:
    """The visit, if it is this clerk's; somebody else's gives the same Conflict as none."""
    row = await _locked(connection, visits, visits.c.id == visit_id)
    if row is None or row.clerk != clerk:
        raise Conflict("this visit is not yours any more")
    return Visit.of(row)


async def window_row(connection: AsyncConnection, clerk: ClerkId) -> Window:
    """Raises NotFound."""
    row = await _locked(connection, windows, windows.c.clerk == clerk)
    if row is None:
        raise NotFound(f"no window {clerk}")
    return Window.of(row)


async def consult_row(connection: AsyncConnection, visit_id: VisitId) -> Consult | None:
    """The consult about a visit, if there is one."""
    row = await _locked(connection, consults, consults.c.visit == visit_id)
    return Consult.of(row) if row else None


async def move_visit(
    connection: AsyncConnection,
    before: Visit,
    event: visit.Event,
    now: datetime,
    *,
    actor: str,
    **values: Any,
) -> Visit:
    """Apply one event to a visit, and note it. Raises Conflict."""
    try:
        state = visit.after(before.state, event)
    except visit.IllegalTransition as error:
        raise Conflict(str(error)) from error
    await note(connection, before.id, now, event, actor)
    return await update_visit(connection, before, state=state, **values)


async def update_visit(connection: AsyncConnection, before: Visit, **values: Any) -> Visit:
    """Change a visit that is as it was read. Raises Conflict."""
    row = (
        await connection.execute(
            sa.update(visits)
            .where(visits.c.id == before.id, visits.c.state == before.state)
            .values(**values)
            .returning(*visits.c)
        )
    ).one_or_none()
    if row is None:
        raise Conflict("the visit has changed meanwhile")
    return Visit.of(row)


async def move_window(
    connection: AsyncConnection,
    clerk: ClerkId,
    event: window.Event,
    now: datetime,
    **values: Any,
) -> Window:
    """Apply one event to a window. Raises NotFound, Conflict."""
    before = await window_row(connection, clerk)
    try:
        state = window.after(before.state, event)
    except window.IllegalTransition as error:
        raise Conflict(str(error)) from error
    row = (
        await connection.execute(
            sa.update(windows)
            .where(windows.c.clerk == clerk, windows.c.state == before.state)
            .values(state=state, since=now, **values)
            .returning(*windows.c)
        )
    ).one_or_none()
    if row is None:
        raise Conflict("the window has changed meanwhile")
    return Window.of(row)


async def put_back(
    connection: AsyncConnection,
    held: Visit,
    event: visit.Event,
    now: datetime,
    **values: Any,
) -> Visit:
    """Take a visit from its clerk; it keeps its ticket and its place in line."""
    if held.clerk is None:
        raise Conflict("the visit has no clerk")
    return await move_visit(
        connection,
        held,
        event,
        now,
        actor=held.clerk,
        clerk=None,
        offered_at=None,
        accepted_at=None,
        served_queue=None,
        **values,
    )


async def note(
    connection: AsyncConnection, visit_id: VisitId, now: datetime, event: str, actor: str
) -> None:
    """Put something that happened on the visit's timeline."""
    await note_all(connection, [(visit_id, event, actor)], now)


async def note_refusal(
    connection: AsyncConnection, visit_id: VisitId, now: datetime, reason: str, clerk: str
) -> None:
    """Put why a clerk declined on the visit's timeline, if they said so. Raises ValueError."""
    if len(reason) > MAX_REASON:
        raise ValueError(f"reason: at most {MAX_REASON} characters")
    if reason:
        await note(connection, visit_id, now, f"declined: {reason}", clerk)


async def note_all(
    connection: AsyncConnection, notes: Iterable[tuple[VisitId, str, str]], now: datetime
) -> None:
    """The same for several visits."""
    await connection.execute(
        sa.insert(visit_events),
        [{"visit": of, "at": now, "event": event, "actor": actor} for of, event, actor in notes],
    )


async def _locked(
    connection: AsyncConnection, table: sa.Table, which: sa.ColumnElement[bool]
) -> sa.Row[Any] | None:
    """The row, which nobody else changes before this transaction ends.

    Rows of other tables may go on referring to it meanwhile: with the stronger lock, a transaction
    that notes something on a visit would wait for one that waits for its consult.
    """
    query = sa.select(table).where(which).with_for_update(key_share=True)
    return (await connection.execute(query)).one_or_none()
