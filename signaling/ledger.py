"""Was this command carried out already, and what was the answer? One row, where the effect is.

While a command is carried out, the first transaction that it commits also writes its line in the
audit log and its answer. So a command whose effect is there has both, whatever dies when; and of
one command that is given twice at once, at whatever process, only one can commit.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from signaling.access import Identity
from signaling.protocol import Done, Refused
from signaling.tables import answers, audit_log

log = logging.getLogger(__name__)

KEPT = timedelta(hours=24)
_CLEAN_S = 3600.0
_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Done | Refused] = msgspec.json.Decoder(Done | Refused)


class Repeated(Exception):  # noqa: N818
    """This command was carried out already, by another process or socket; nothing was changed."""


@dataclass(slots=True)
class Entry:
    """One command under way. `action` and `obj` are for the audit log; no action, no line."""

    who: Identity
    command: str
    action: str
    obj: str
    answer: Done | Refused
    is_open: bool = True
    is_written: bool = False


_under_way: ContextVar[Entry | None] = ContextVar("command under way", default=None)


class Ledger:
    """The answers to commands, for a day, and the audit lines of those that did something."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._task: asyncio.Task[None] | None = None
        event.listen(engine.sync_engine, "commit", _write_along)

    async def start(self) -> None:
        """Forget old answers, now and then."""
        self._task = asyncio.create_task(self._clean(), name="ledger")

    async def stop(self) -> None:
        """Let them be."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def answer(self, client: str, command: str) -> Done | Refused | None:
        """The answer to a command of this client that was carried out."""
        async with self._engine.connect() as connection:
            text = await connection.scalar(
                sa.select(answers.c.answer).where(
                    answers.c.client == client, answers.c.command == command
                )
            )
        return _decoder.decode(text) if text is not None else None

    @contextlib.asynccontextmanager
    async def under_way(self, entry: Entry) -> AsyncIterator[None]:
        """The first transaction that commits within is this command's.

        It raises Repeated, undone, if the command was carried out meanwhile.
        """
        before = _under_way.set(entry)
        try:
            yield
        finally:
            entry.is_open = False
            _under_way.reset(before)

    async def keep(self, entry: Entry) -> None:
        """Write the answer of a command that has committed nothing. Raises Repeated."""
        async with self._engine.begin() as connection:
            await connection.run_sync(_write, entry)

    async def _clean(self) -> None:
        while True:
            await asyncio.sleep(_CLEAN_S)
            try:
                async with self._engine.begin() as connection:
                    old = answers.c.at < datetime.now(UTC) - KEPT
                    await connection.execute(sa.delete(answers).where(old))
            except (SQLAlchemyError, OSError):  # there is another hour
                log.exception("x old answers were not removed")


def _write_along(connection: sa.Connection) -> None:
    entry = _under_way.get()
    if entry is not None and entry.is_open and not entry.is_written:
        entry.is_written = True
        _write(connection, entry)


def _write(connection: sa.Connection, entry: Entry) -> None:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    now = datetime.now(UTC)
    written = connection.execute(
        insert(answers)
        .values(
            client=entry.who.id,
            command=entry.command,
            at=now,
            answer=_encoder.encode(entry.answer).decode(),
        )
        .on_conflict_do_nothing()
        .returning(answers.c.command)
    )
    if written.scalar() is None:
        raise Repeated(entry.command)
    if entry.action:
        connection.execute(
            sa.insert(audit_log).values(
                at=now,
                actor=entry.who.id,
                role=entry.who.role,
                city=entry.who.city,
                action=entry.action,
                object=entry.obj,
            )
        )
