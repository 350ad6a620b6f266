"""How does this process stand to others? Alone, or one of several: its name, bus, post and lease.

Alone on SQLite nothing else can be; alone on PostgreSQL the lease keeps a second one away; with
Redis the processes of one service find each other and share one office.
"""

import os
import secrets
import socket
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from deploy import database
from deploy.settings import Settings
from signaling.between import Post
from signaling.bus import Bus, LocalBus
from signaling.lease import Lease, Sole, SqlLease, Taken
from signaling.office import Office
from signaling.redis_bus import RedisBus

LEASE = "office"


class Arrangement:
    """What joins this process with others, by its settings. Raises BadSetting."""

    def __init__(self, settings: Settings) -> None:
        self.shared = settings.redis is not None
        name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        bus: Bus = RedisBus(settings.redis, name) if settings.redis else LocalBus(name)
        self.post = Post(bus)
        self._engine: AsyncEngine | None = None
        lease: Lease = Sole()
        if not isinstance(settings.database, Path):
            self._engine = database.open_engine(settings.database)  # never waits for the others'
            lease = SqlLease(self._engine, LEASE, name)
        self.lease = lease
        self.office = Office(lease, self.post, shared=self.shared)

    @property
    def epoch(self) -> str:
        """The line's epoch where a client may change processes and keep its media; else none."""
        return "together" if self.shared else ""

    async def start(self) -> None:
        """Find the others, or make sure that there are none. Raises database.DatabaseInUse."""
        if isinstance(self.lease, SqlLease) and not self.shared:
            try:
                await self.lease.claim()
            except Taken as error:
                raise database.DatabaseInUse(
                    f"the database is served by another process ({error}); several processes also"
                    " need Redis (REDIS_URL)"
                ) from error
        await self.post.start()

    async def stop(self) -> None:
        """Leave the others."""
        await self.post.stop()
        if self._engine is not None:
            await self._engine.dispose()
