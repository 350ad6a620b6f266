"""The demo world, loaded once for each engine; every test works on a copy of its own.

Its cities are open at all hours, since tests run at any.
"""

import asyncio
import contextlib
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

from deploy import database, demo_world
from deploy.bench.postgres import PostgresServer
from deploy.settings import Settings
from scheduling.duty import ALWAYS
from scheduling.hours import OpeningHours


async def load_world(settings: Settings) -> None:
    """The demo world in this database, every city open at all hours."""
    await demo_world.load(settings)
    with database.lock(settings.database):
        engine = database.open_engine(settings.database)
        hours = OpeningHours(engine)
        for city in demo_world.cities():
            await hours.keep(city.code, ALWAYS.week, ALWAYS.holidays)
        await engine.dispose()


class World(Protocol):
    """A database that nobody has open, to be copied."""

    def copy(self) -> contextlib.AbstractAsyncContextManager[Path | sa.URL]:
        """Where a copy is, until the block ends."""


@contextlib.asynccontextmanager
async def copied(file: Path) -> AsyncIterator[Path]:
    """A copy of a SQLite file."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "office.sqlite"
        shutil.copyfile(file, copy)
        yield copy


class SqliteWorld:
    """As a file."""

    def __init__(self, data: Path) -> None:
        asyncio.run(load_world(Settings(data=data)))
        self.file = data / "virtual-window.sqlite"

    @contextlib.asynccontextmanager
    async def copy(self) -> AsyncIterator[Path | sa.URL]:
        async with copied(self.file) as place:
            yield place


class PostgresWorld:
    """As a template of databases.

    Making one takes a third of a second, so one that a test is done with is put back as it was.
    """

    TEMPLATE = "world"

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self._free: list[str] = []
        self._put_back = ""
        asyncio.run(self._make())

    async def _make(self) -> None:
        await self.server.execute(f"CREATE DATABASE {self.TEMPLATE}")
        await load_world(Settings(database_url=self.server.url(self.TEMPLATE)))
        found = await self.server.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'", self.TEMPLATE
        )
        tables = [f'"{row[0]}"' for row in found]
        kept = "".join(f"CREATE TABLE seed.{t} AS TABLE public.{t};" for t in tables)
        await self.server.execute(f"CREATE SCHEMA seed; {kept}", self.TEMPLATE)
        self._put_back = "SET session_replication_role = replica;" + "".join(
            f"DELETE FROM public.{t}; INSERT INTO public.{t} SELECT * FROM seed.{t};"
            for t in tables
        )

    @contextlib.asynccontextmanager
    async def copy_url(self) -> AsyncIterator[str]:
        """The copy's `DATABASE_URL`."""
        if self._free:
            name = self._free.pop()
        else:
            name = f"copy_{uuid.uuid4().hex[:12]}"
            await self.server.execute(f"CREATE DATABASE {name} TEMPLATE {self.TEMPLATE}")
        yield self.server.url(name)
        await self.server.execute(self._put_back, name)
        self._free.append(name)

    @contextlib.asynccontextmanager
    async def copy(self) -> AsyncIterator[Path | sa.URL]:
        async with self.copy_url() as url:
            yield Settings(database_url=url).database
