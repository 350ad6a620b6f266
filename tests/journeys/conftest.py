"""Journeys that take `arranged` run twice: one process, and several with a party at each."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.cluster import Arranged, cluster
from tests.support.service import ServiceProcess


@pytest_asyncio.fixture(params=["one process", "several processes"])
async def arranged(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Arranged]:
    """The process of the kiosk and the process of the clerk."""
    if request.param == "one process":
        async with ServiceProcess(tmp_path / "data") as service:
            yield Arranged(service, service)
        return
    world, redis = (request.getfixturevalue(name) for name in ("postgres_world", "redis"))
    async with cluster(tmp_path / "data", world, redis) as running:
        (other,) = await running.others()
        yield Arranged(other, await running.office())
