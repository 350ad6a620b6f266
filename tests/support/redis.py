"""A real Redis on loopback, which can be paused and killed."""

import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator

from redis.asyncio import Redis

from tests.support.service import free_port

READY_DEADLINE_S = 10.0


class RedisServer:
    """One server without a disk, as the service needs it."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        program = shutil.which("redis-server")
        assert program is not None, "Redis is missing: make packages"
        self._process = subprocess.Popen(
            [
                program, "--bind", "127.0.0.1", "--port", str(self.port), "--save", "",
                "--appendonly", "no", "--dir", self._folder,
            ],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        deadline_s = time.monotonic() + READY_DEADLINE_S
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            except OSError:
                assert time.monotonic() < deadline_s, "Redis does not answer"
                time.sleep(0.02)

    def pause(self) -> None:
        """It stands still; its connections stay open."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """It goes on as if nothing had been."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """It is gone at once, with all that it kept."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(READY_DEADLINE_S)
            self._process = None

    async def execute(self, *words: str) -> object:
        """What Redis answers to a command."""
        client = Redis.from_url(self.url)
        try:
            return await client.execute_command(*words)
        finally:
            await client.aclose()

    def _signal(self, which: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(which)


@contextlib.contextmanager
def redis_server() -> Iterator[RedisServer]:
    """A running server in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="vw-redis-") as folder:
        server = RedisServer(folder)
        server.start()
        try:
            yield server
        finally:
            server.kill()
