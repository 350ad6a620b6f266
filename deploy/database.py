"""How is the database opened? A SQLite file or a PostgreSQL database, migrated at start.

**SQLite** with one connection and `BEGIN IMMEDIATE`: transactions of this process queue up instead
of failing, and SQLite before 3.51.3 is safe (its WAL-reset bug needs several writing processes).
A task inside a transaction must not be cancelled: its connection is then replaced while it still
holds the lock, and everybody waits for it.

**PostgreSQL** with a pool. A server that restarts is waited for where a connection is opened, so
that whoever reads or writes at that time is late and not refused.
"""

import asyncio
import contextlib
import fcntl
import os
import time
from pathlib import Path
from typing import Any

import asyncpg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATING = 0x7657_696E  # the advisory lock of whoever migrates
POOL, MORE = 8, 8
CONNECT_S, COMMAND_S = 5.0, 30.0
PATIENCE_S = 8.0
_TRY_AGAIN_S = 0.2
# What a server says, or does not, while it stops and starts.
_RESTARTING = (
    OSError,
    TimeoutError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.ConnectionDoesNotExistError,
)


class DatabaseInUse(RuntimeError):  # noqa: N818
    """Another process has this database, and the two could not work together."""


def lock(place: Path | sa.URL) -> contextlib.ExitStack:
    """Make this the only process on a SQLite file; held until closed. Raises DatabaseInUse.

    On PostgreSQL processes do not exclude each other here, but by the office's lease.
    """
    held = contextlib.ExitStack()
    if not isinstance(place, Path):
        return held
    place.parent.mkdir(parents=True, exist_ok=True)
    file = held.enter_context(place.with_suffix(".lock").open("w"))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        held.close()
        raise DatabaseInUse(
            f"{place} is in use by another process; several processes need PostgreSQL and Redis"
            " (DATABASE_URL, REDIS_URL)"
        ) from error
    file.write(str(os.getpid()))
    file.flush()
    return held


def migrate(place: Path | sa.URL) -> None:
    """Bring the database to the newest schema; a missing SQLite file is made.

    Blocks; call it in a thread. Processes that start at once on PostgreSQL do it one by one.
    """
    if isinstance(place, Path):
        place.parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(f"sqlite:///{place}")
        try:
            with engine.begin() as connection:
                _upgrade(connection)
        finally:
            engine.dispose()
    else:
        asyncio.run(_migrate_postgresql(place))


async def _migrate_postgresql(url: sa.URL) -> None:
    engine = create_async_engine(url, poolclass=NullPool, connect_args=_CONNECTING)
    try:
        async with engine.begin() as connection:
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATING)))
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _upgrade(connection: sa.Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def open_engine(place: Path | sa.URL) -> AsyncEngine:
    """The engine of this process. Errors do not tell what was to be written: it may be notes."""
    return _open_sqlite(place) if isinstance(place, Path) else _open_postgresql(place)


def _open_postgresql(url: sa.URL) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=POOL,
        max_overflow=MORE,
        pool_timeout=60,  # a burst waits here; the office must not fail behind it
        pool_pre_ping=True,
        connect_args={**_CONNECTING, "command_timeout": COMMAND_S},
        hide_parameters=True,
    )


async def _connect(*arguments: Any, **options: Any) -> Any:
    """A connection, also while the server restarts: then some seconds later. Raises OSError."""
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return await asyncpg.connect(*arguments, **options)
        except _RESTARTING as error:
            if time.monotonic() > deadline_s:
                raise ConnectionError(f"PostgreSQL does not answer: {error}") from error
            await asyncio.sleep(_TRY_AGAIN_S)
        except asyncpg.PostgresError as error:
            raise ConnectionError(f"PostgreSQL: {error}") from error


# A process that stands still in a transaction must not hold its rows for ever.
_CONNECTING: dict[str, Any] = {
    "async_creator_fn": _connect,
    "timeout": CONNECT_S,
    "server_settings": {
        "application_name": "virtual-window",
        "idle_in_transaction_session_timeout": "10000",
    },
}


def _open_sqlite(path: Path) -> AsyncEngine:
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path}",
        pool_size=1,
        max_overflow=0,
        pool_timeout=30,
        hide_parameters=True,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy begins transactions, see below
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON",
        ):  # fmt: skip
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
