"""Who holds what only one process may have at a time? A row with a holder and an end.

The end is by the database's clock, so that clocks of machines need not agree. The holder counts by
its own monotonic clock, from before it asked and less a margin: it stops before another may begin,
also when the database cannot be reached any more.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from signaling.tables import database_s, leases

LENGTH_S, MARGIN_S = 10.0, 1.5
_LOOK_S = 1.0


class Taken(RuntimeError):  # noqa: N818
    """Another process holds the lease; the text names it."""


class Lease(Protocol):
    """Something to hold."""

    @property
    def held(self) -> bool:
        """Whether it is ours at this moment."""

    async def take(self) -> int | None:
        """Take or keep it: the number of our term, or None while another holds it."""

    async def release(self) -> None:
        """Give it up at once."""


class Sole:
    """The lease of a process that can have no rival: it alone has the SQLite file."""

    held = True

    async def take(self) -> int | None:
        """There is one term."""
        return 1

    async def release(self) -> None:
        """Nobody waits for it."""


class SqlLease:
    """A lease in the database. `holder` is unlike that of any other process, past or present.

    Every method raises SQLAlchemyError or OSError where the database does not answer.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        name: str,
        holder: str,
        *,
        length_s: float = LENGTH_S,
        margin_s: float = MARGIN_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine, self._name, self._holder = engine, name, holder
        self._length_s, self._margin_s, self._clock = length_s, margin_s, clock
        self._until_s = float("-inf")

    @property
    def held(self) -> bool:
        """Whether it is ours at this moment, by our own clock."""
        return self._clock() < self._until_s

    async def take(self) -> int | None:
        """Take or keep it: the number of our term, or None while another holds it.

        A holder whose lease ran out keeps its term if nobody took it meanwhile.
        """
        asked_s = self._clock()
        term = await self._take()
        self._until_s = (
            asked_s + self._length_s - self._margin_s if term is not None else float("-inf")
        )
        return term

    async def claim(self) -> int:
        """Take it, waiting for the end of one that was left behind. Raises Taken."""
        seen: float | None = None
        while (term := await self.take()) is None:
            async with self._engine.connect() as connection:
                query = sa.select(leases.c.holder, leases.c.until_s).where(
                    leases.c.name == self._name
                )
                holder, until_s = (await connection.execute(query)).one()
            if seen is not None and until_s != seen:
                raise Taken(holder)
            seen = until_s
            await asyncio.sleep(_LOOK_S)
        return term

    async def release(self) -> None:
        """Give it up at once."""
        self._until_s = float("-inf")
        async with self._engine.begin() as connection:
            await connection.execute(
                sa.update(leases)
                .where(leases.c.name == self._name, leases.c.holder == self._holder)
                .values(until_s=0.0)
            )

    async def _take(self) -> int | None:
        ours = leases.c.holder == self._holder
        move = (
            sa.update(leases)
            .where(leases.c.name == self._name, sa.or_(ours, leases.c.until_s < database_s()))
            .values(
                holder=self._holder,
                until_s=database_s() + self._length_s,
                term=sa.case((ours, leases.c.term), else_=leases.c.term + 1),
            )
            .returning(leases.c.term)
        )
        async with self._engine.begin() as connection:
            term = (await connection.execute(move)).scalar()
            if term is None:
                insert = (
                    postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
                )
                await connection.execute(  # for the first who ever asks
                    insert(leases)
                    .values(name=self._name, holder="", until_s=0.0, term=0)
                    .on_conflict_do_nothing()
                )
                term = (await connection.execute(move)).scalar()
            return None if term is None else int(term)
