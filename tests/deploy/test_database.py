"""The database: the migrated schema is the one the code means, and one process has it."""

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from deploy import database
from scheduling import tables as scheduling_tables
from scheduling.tables import visit_events
from signaling import tables as signaling_tables


def test_the_migrated_schema_is_what_the_tables_say(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite"
    database.migrate(path)
    together = sa.MetaData()
    for metadata in (scheduling_tables.metadata, signaling_tables.metadata):
        for table in metadata.tables.values():
            table.to_metadata(together)
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, together) == []
    engine.dispose()


def test_the_partial_unique_indexes_are_migrated_with_their_conditions(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite"
    database.migrate(path)
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        )
        indexes = {row.name: row.sql for row in rows}
    engine.dispose()
    assert "WHERE at_kiosk" in indexes["one_visit_at_a_kiosk"]
    assert "WHERE state IN ('offered', 'serving')" in indexes["one_visit_at_a_clerk"]
    for name in ("one_visit_at_a_kiosk", "one_visit_at_a_clerk"):
        assert indexes[name].startswith("CREATE UNIQUE INDEX")


def test_migrating_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite"
    database.migrate(path)
    before = path.read_bytes()
    database.migrate(path)
    assert path.read_bytes() == before


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
        with pytest.raises(database.DatabaseInUse):
            database.lock(path)
    with database.lock(path):
        pass


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


async def test_what_the_database_refuses_is_not_in_the_words_of_its_error(tmp_path: Path) -> None:
    """Such an error is logged, and what was to be written may be a clerk's notes."""
    path = tmp_path / "new.sqlite"
    database.migrate(path)
    engine = database.open_engine(path)
    try:
        with pytest.raises(sa.exc.SQLAlchemyError) as refused:
            async with engine.begin() as connection:
                await connection.execute(
                    sa.insert(visit_events).values(visit="none", event="330402199901011234")
                )
        assert "330402199901011234" not in str(refused.value)
    finally:
        await engine.dispose()
