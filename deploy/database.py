"""How is the database opened? SQLite with one writing connection, migrated at start.

One connection and `BEGIN IMMEDIATE`: transactions of this process queue up instead of failing,
and SQLite before 3.51.3 is safe (its WAL-reset bug needs several writing processes).

A task inside a transaction must not be cancelled: its connection is then replaced while it still
holds the lock, and everybody waits for it.
"""

import fcntl
import os
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

MIGRATIONS = Path(__file__).parent / "migrations"


class DatabaseInUse(RuntimeError):  # noqa: N818
    """Another process has this SQLite file; several processes need PostgreSQL."""


def lock(path: Path) -> IO[str]:
    """Make this the only process on the file; held until it ends. Raises DatabaseInUse."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.with_suffix(".lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise DatabaseInUse(f"{path} is in use by another process") from error
    file.write(str(os.getpid()))
    file.flush()
    return file


def migrate(path: Path) -> None:
    """Bring the file to the newest schema; a missing one is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = sa.create_engine(f"sqlite:///{path}")
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def open_engine(path: Path) -> AsyncEngine:
    """The engine of this process."""
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path}",
        pool_size=1,
        max_overflow=0,
        pool_timeout=30,
        hide_parameters=True,  # errors are logged, and what was to be written may be notes
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
