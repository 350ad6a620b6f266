"""What holds for every test.

None may be skipped, since every part it needs is installed; and none may leave its process in
real time: an encoder once did, and the browsers that were started later stopped the machine.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.bench.postgres import PostgresServer, postgres_server
from tests.support.redis import RedisServer, redis_server
from tests.support.worlds import PostgresWorld, SqliteWorld, World


@pytest.fixture(autouse=True)
def usual_scheduling() -> Iterator[None]:
    before = os.sched_getscheduler(0)
    yield
    assert os.sched_getscheduler(0) == before


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL for the session, if a test wants one."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """A Redis of the test's own, to break."""
    with redis_server() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_world(tmp_path_factory: pytest.TempPathFactory) -> SqliteWorld:
    """The demo world in a file that is closed."""
    return SqliteWorld(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def world_file(sqlite_world: SqliteWorld) -> Path:
    """That file."""
    return sqlite_world.file


@pytest.fixture(scope="session")
def postgres_world(postgres: PostgresServer) -> PostgresWorld:
    """The demo world in a database that is closed."""
    return PostgresWorld(postgres)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest) -> World:
    """The demo world on each engine: whoever takes this runs twice."""
    name = "sqlite_world" if request.param == "sqlite" else "postgres_world"
    found: World = request.getfixturevalue(name)
    return found


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("A skipped test counts as failed here.", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if exitstatus == 0 and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
