"""The database: the migrated schema is the one the code means, and one process has it."""

import asyncio
import subprocess
import sys
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from deploy import database
from deploy.bench.postgres import PostgresServer
from deploy.settings import Settings
from scheduling import calendar_tables  # noqa: F401 - its tables join the metadata
from scheduling import tables as scheduling_tables
from scheduling.tables import visit_events
from signaling import tables as signaling_tables
from tests.support.service import ServiceProcess
from tests.support.worlds import PostgresWorld

T = TypeVar("T")


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | sa.URL:
    """Where a database may be made: a file that is not there, or an empty database."""
    if request.param == "sqlite":
        return tmp_path / "new.sqlite"
    server: PostgresServer = request.getfixturevalue("postgres")
    name = f"new_{uuid.uuid4().hex[:12]}"
    asyncio.run(server.execute(f"CREATE DATABASE {name}"))
    return Settings(database_url=server.url(name)).database


def looked_into(place: Path | sa.URL, look: Callable[[sa.Connection], T]) -> T:
    """What `look` sees in the database."""

    async def see() -> T:
        engine = database.open_engine(place)
        try:
            async with engine.connect() as connection:
                return await connection.run_sync(look)
        finally:
            await engine.dispose()

    return asyncio.run(see())


def schema(connection: sa.Connection) -> list[str]:
    """Every table, column and index, and which migration was the last."""
    found = sa.inspect(connection)
    revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return [str(revision)] + [
        str((table, found.get_columns(table), [i["name"] for i in found.get_indexes(table)]))
        for table in sorted(found.get_table_names())
    ]


def test_the_migrated_schema_is_what_the_tables_say(place: Path | sa.URL) -> None:
    database.migrate(place)
    together = sa.MetaData()
    for metadata in (scheduling_tables.metadata, signaling_tables.metadata):
        for table in metadata.tables.values():
            table.to_metadata(together)

    def differences(connection: sa.Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, together))

    assert looked_into(place, differences) == []


def test_the_partial_unique_indexes_are_migrated_with_their_conditions(
    place: Path | sa.URL,
) -> None:
    database.migrate(place)

    def indexes(connection: sa.Connection) -> dict[str, str]:
        query = (
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
            if isinstance(place, Path)
            else "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        )
        return {name: str(text) for name, text in connection.exec_driver_sql(query)}

    found = looked_into(place, indexes)
    assert "WHERE at_kiosk" in found["one_visit_at_a_kiosk"]
    assert "offered" in found["one_visit_at_a_clerk"].partition("WHERE")[2]
    assert "cancelled" in found["one_booking_in_a_seat"].partition("WHERE")[2]
    for name in ("one_visit_at_a_kiosk", "one_visit_at_a_clerk", "one_booking_in_a_seat"):
        assert found[name].startswith("CREATE UNIQUE INDEX")


def test_migrating_again_changes_nothing(place: Path | sa.URL) -> None:
    database.migrate(place)
    before = looked_into(place, schema)
    database.migrate(place)
    assert looked_into(place, schema) == before


def test_processes_that_start_at_once_on_postgresql_migrate_once(postgres: PostgresServer) -> None:
    asyncio.run(postgres.execute("CREATE DATABASE at_once"))
    place = Settings(database_url=postgres.url("at_once")).database
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(database.migrate, [place] * 4))
    assert looked_into(place, schema)


def test_a_second_process_on_the_same_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data" / "vw.sqlite"
    other = (
        "import sys, pathlib\nfrom deploy import database\n"
        "try:\n    database.lock(pathlib.Path(sys.argv[1]))\n"
        "except database.DatabaseInUse as error:\n    sys.exit(str(error))\n"
    )

    with database.lock(path):
        refused = subprocess.run(
            [sys.executable, "-c", other, str(path)], capture_output=True, text=True, check=False
        )
        assert refused.returncode == 1
        assert str(path) in refused.stderr
        assert "DATABASE_URL" in refused.stderr
        with pytest.raises(database.DatabaseInUse):
            database.lock(path)
    with database.lock(path):
        pass


async def test_a_second_service_on_sqlite_says_why_it_does_not_start(tmp_path: Path) -> None:
    async with ServiceProcess(tmp_path) as first:
        second = ServiceProcess(tmp_path)
        with pytest.raises(AssertionError, match="several processes need PostgreSQL and Redis"):
            await second.start()
        assert first.running


async def test_a_second_service_on_postgresql_without_redis_says_why_it_does_not_start(
    tmp_path: Path, postgres_world: PostgresWorld
) -> None:
    async with postgres_world.copy_url() as url:
        first = ServiceProcess(tmp_path / "one", database_url=url)
        await first.start()
        try:
            second = ServiceProcess(tmp_path / "two", database_url=url)
            with pytest.raises(AssertionError, match=r"another process.*REDIS_URL"):
                await second.start()
            assert first.running
        finally:
            await first.stop()
        await second.start()  # in good order the first has given it up
        await second.stop()


async def test_the_engine_holds_to_what_the_data_needs(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite"
    database.migrate(path)
    engine = database.open_engine(path)
    try:
        async with engine.connect() as connection:
            for pragma, wanted in (
                ("foreign_keys", 1),
                ("synchronous", 2),
                ("journal_mode", "wal"),
            ):
                answer = await connection.exec_driver_sql(f"PRAGMA {pragma}")
                assert answer.scalar() == wanted
    finally:
        await engine.dispose()


async def test_what_the_database_refuses_is_not_in_the_words_of_its_error(
    place: Path | sa.URL,
) -> None:
    """Such an error is logged, and what was to be written may be a clerk's notes."""
    await asyncio.to_thread(database.migrate, place)
    engine = database.open_engine(place)
    try:
        with pytest.raises(sa.exc.SQLAlchemyError) as refused:
            async with engine.begin() as connection:
                await connection.execute(
                    sa.insert(visit_events).values(visit="none", event="330402199901011234")
                )
        assert "330402199901011234" not in str(refused.value)
    finally:
        await engine.dispose()
