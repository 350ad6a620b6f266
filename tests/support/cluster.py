"""Several service processes as one: real PostgreSQL, Redis and media processes beneath them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from deploy.bench.postgres import PostgresServer
from signaling.client import Api
from tests.signaling.parties import person
from tests.support.redis import RedisServer
from tests.support.service import MediaProcess, ServiceProcess
from tests.support.worlds import PostgresWorld


@dataclass
class Cluster:
    """Processes that serve one database."""

    services: list[ServiceProcess]
    media: MediaProcess
    redis: RedisServer
    postgres: PostgresServer
    database_url: str

    async def fetch(self, query: str) -> list[asyncpg.Record]:
        """What the database says."""
        connection = await asyncpg.connect(self.database_url)
        try:
            return list(await connection.fetch(query))
        finally:
            await connection.close()

    async def office(self) -> ServiceProcess:
        """The process that is the office now."""
        async with asyncio.timeout(30):
            while True:
                for service in self.services:
                    if service.running and (await ready(service))["office"]:
                        return service
                await asyncio.sleep(0.05)

    async def others(self) -> list[ServiceProcess]:
        """Those that are not."""
        office = await self.office()
        return [service for service in self.services if service is not office]

    def logs(self) -> str:
        """Everything that the services wrote."""
        return "".join(service.log() for service in self.services)


@dataclass(frozen=True)
class Arranged:
    """Where the kiosk's line is, and where the clerk's: at one process, or at two."""

    at_kiosk: ServiceProcess
    at_desk: ServiceProcess


async def ready(service: ServiceProcess) -> dict[str, bool]:
    """What a process says of itself."""
    async with Api(service.url) as api:
        return dict(await api.call("GET", "/readyz"))


@contextlib.asynccontextmanager
async def cluster(
    data: Path, world: PostgresWorld, redis: RedisServer, *, count: int = 2, origins: str = ""
) -> AsyncIterator[Cluster]:
    """So many processes that started at once, all ready."""
    async with world.copy_url() as url, MediaProcess("a", data) as media:
        services = [
            ServiceProcess(
                data,
                origins=origins,
                media_nodes=media.address,
                database_url=url,
                redis_url=redis.url,
                name=f"service-{number}",
            )
            for number in range(count)
        ]
        try:
            await asyncio.gather(*(service.start() for service in services))
            for service in services:
                async with person(service, "songjiang-admin") as admin, asyncio.timeout(10):
                    while not all(h["ready"] for h in await admin.call("GET", "/api/media")):
                        await asyncio.sleep(0.05)
            yield Cluster(services, media, redis, world.server, url)
        finally:
            await asyncio.gather(*(service.stop() for service in services))
