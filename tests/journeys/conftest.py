"""Journeys that take `arranged` run twice: one process, and several with a party at each."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.cluster import Arranged, cluster
from tests.support.redis import RedisServer
from tests.support.service import ServiceProcess
from tests.support.worlds import PostgresWorld

Servers = tuple[PostgresWorld, RedisServer] | None


@pytest.fixture(params=["one process", "several processes"])
def servers(request: pytest.FixtureRequest) -> Servers:
    """What several processes need beneath them; one needs nothing."""
    if request.param == "one process":
        return None
    return request.getfixturevalue("postgres_world"), request.getfixturevalue("redis")


@pytest_asyncio.fixture
async def arranged(servers: Servers, tmp_path: Path) -> AsyncIterator[Arranged]:
    """The process of the kiosk and the process of the clerk."""
    data = tmp_path / "data"
    if servers is None:
        async with ServiceProcess(data) as service:
            yield Arranged(service, service)
        return
    async with cluster(data, *servers) as running:
        (other,) = await running.others()
        yield Arranged(other, await running.office())
