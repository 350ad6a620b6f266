"""A real PostgreSQL on loopback, from the system's packages, for a benchmark or a test session.

The server refuses to run as root, as benchmarks and tests of a container often do; it then runs
as `postgres`.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg

READY_DEADLINE_S = 30.0


def _programs() -> Path:
    """Where `initdb` and `postgres` are: Debian keeps them out of the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise RuntimeError("PostgreSQL is missing: make packages")
    return Path(on_path).resolve().parent


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class PostgresServer:
    """One server, with `fsync` on; whoever uses it makes databases of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._programs = folder, _programs()
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._as: dict[str, Any] = {}
        if os.getuid() == 0:
            self._as = {"user": "postgres", "group": "postgres", "extra_groups": []}
            shutil.chown(folder, "postgres", "postgres")

    def url(self, database: str) -> str:
        return f"postgresql://vw@127.0.0.1:{self.port}/{database}"

    def make(self) -> None:
        """Make its data folder."""
        subprocess.run(  # noqa: S603 - PostgreSQL's own programs
            [
                self._programs / "initdb", "-D", "data", "-U", "vw", "-A", "trust",
                "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
            ],
            cwd=self._folder, stdout=subprocess.DEVNULL, check=True, **self._as,
        )  # fmt: skip

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [
                    self._programs / "postgres", "-D", "data", "-k", str(self._folder),
                    "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
                    "-c", "max_connections=200", "-c", "shared_buffers=64MB", "-c", "fsync=on",
                ],
                cwd=self._folder, stdout=log, stderr=log, **self._as,
            )  # fmt: skip
        asyncio.run(self._ready())

    async def _ready(self) -> None:
        async with asyncio.timeout(READY_DEADLINE_S):
            while True:
                try:
                    await self.execute("SELECT 1")
                    return
                except (OSError, asyncpg.PostgresError):
                    assert self._process is not None
                    assert self._process.poll() is None, (self._folder / "log").read_text()
                    await asyncio.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT throws everybody out, SIGQUIT is as good as a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(READY_DEADLINE_S)
            self._process = None

    async def execute(self, statement: str, database: str = "postgres") -> None:
        connection = await asyncpg.connect(self.url(database), timeout=5)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def fetch(self, query: str, database: str = "postgres") -> list[Any]:
        connection = await asyncpg.connect(self.url(database), timeout=5)
        try:
            return list(await connection.fetch(query))
        finally:
            await connection.close()


@contextlib.contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A running server in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="vw-postgres-", ignore_cleanup_errors=True) as folder:
        server = PostgresServer(Path(folder))
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()
