"""Who did what to which object, and when? The audit log; rows are only ever added.

The lines of commands are written by `ledger.py`, with what the commands do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from signaling.access import Identity
from signaling.patience import patiently
from signaling.tables import audit_log


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log; `detail` says what changed, before and after, where there is that."""

    at: datetime
    actor: str
    role: str
    city: str
    action: str
    object: str
    detail: dict[str, Any] | None = None


class Audit:
    """Writes and reads the audit log."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def log(
        self,
        who: Identity,
        action: str,
        obj: str,
        now: datetime,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Add one line; a database that restarts is waited for, since it was done already.

        `detail` holds plain values, as JSON has them.
        """
        line = sa.insert(audit_log).values(
            at=now,
            actor=who.id,
            role=who.role,
            city=who.city,
            action=action,
            object=obj,
            detail=None if detail is None else dict(detail),
        )

        async def write() -> None:
            async with self._engine.begin() as connection:
                await connection.execute(line)

        await patiently(write)

    async def about(self, obj: str) -> Sequence[Entry]:
        """All lines about one object, oldest first."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                sa.select(audit_log).where(audit_log.c.object == obj).order_by(audit_log.c.id)
            )
            return [
                Entry(r.at, r.actor, r.role, r.city, r.action, r.object, r.detail) for r in rows
            ]
