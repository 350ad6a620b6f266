"""The real service as a process of its own, with the demo world, on free loopback ports."""

import asyncio
import itertools
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from deploy import demo_world, media_process
from deploy.settings import Settings, variable
from signaling.client import Api, KioskKey
from tests.support.worlds import load_world

READY_DEADLINE_S = 30.0
MEDIA_TOKEN = "a-token-for-tests"


_PORTS = 8_000  # for each worker, below those that the kernel gives to outgoing connections
_numbers = itertools.count(os.getpid() * 41)


def free_port() -> int:
    """A port that was free a moment ago, and that no other worker and no client will take.

    Free by UDP and TCP: media use one number for both.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw2").removeprefix("gw"))
    for number in itertools.islice(_numbers, _PORTS):
        port = 8_000 + worker % 3 * _PORTS + number % _PORTS
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return port
    raise RuntimeError("no port is free")


class Command:
    """`virtual-window COMMAND` in a process of its own, with these settings and no others."""

    def __init__(self, command: str, settings: Settings, log: Path) -> None:
        self.settings, self._command, self._log = settings, command, log
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def environment(self) -> dict[str, str]:
        """This process's own, with these settings and no others."""
        given = {variable(f.name): getattr(self.settings, f.name) for f in fields(Settings)}
        inherited = {
            k: v for k, v in os.environ.items() if not k.startswith("VW_") and k not in given
        }
        return inherited | {name: str(value) for name, value in given.items()}

    async def _run(self, ready: Callable[[], Awaitable[object]]) -> None:
        """Start it, and wait until `ready` raises nothing."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "deploy.cli",
            "-v",
            self._command,
            env=self.environment(),
            stderr=self._log.open("ab"),
        )
        async with asyncio.timeout(READY_DEADLINE_S):
            while True:
                try:
                    await ready()
                    return
                except OSError:
                    assert self._process.returncode is None, self.log()
                    await asyncio.sleep(0.05)

    def terminate(self) -> None:
        """Ask it to end; returns at once."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    async def ended(self) -> int:
        """Wait until it has ended by itself; its exit code."""
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), 40)

    async def stop(self) -> None:
        """Ask it to end, and wait."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """End it at once, as a power cut would."""
        await self._end(signal.SIGKILL)

    async def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(how)
            await asyncio.wait_for(self._process.wait(), 20)

    def log(self) -> str:
        return self._log.read_text()


class ServiceProcess(Command):
    """`virtual-window serve` in a process of its own. `async with`, or start and stop."""

    def __init__(
        self,
        data: Path,
        *,
        ring_s: float = 20.0,
        media_nodes: str = "",
        media_token: str = MEDIA_TOKEN,
        database_url: str = "",
        redis_url: str = "",
        origins: str = "",
        name: str = "service",
    ) -> None:
        settings = Settings(
            port=free_port(),
            media_port=free_port(),
            data=data,
            ring_s=ring_s,
            media_nodes=media_nodes,
            media_token=media_token,
            database_url=database_url,
            redis_url=redis_url,
            origins=origins,
        )
        super().__init__("serve", settings, data / f"{name}.log")

    @property
    def url(self) -> str:
        return f"http://localhost:{self.settings.port}"

    async def __aenter__(self) -> "ServiceProcess":
        await load_world(self.settings)
        await self.start()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.stop()

    async def start(self) -> None:
        async with Api(self.url) as api:
            await self._run(lambda: api.call("GET", "/readyz"))

    async def enrolment_code(self, site: str = demo_world.KIOSK_SITE) -> str:
        async with Api(self.url) as api:
            await api.sign_in("songjiang-admin", demo_world.PASSWORD)
            answer = await api.call("POST", "/api/enrolment-codes", {"site": site})
            return str(answer["code"])

    async def enrolled_kiosk(self, api: Api) -> KioskKey:
        """A headless kiosk with an access token in `api`."""
        key = KioskKey()
        await key.enrol(api, await self.enrolment_code())
        await key.authenticate(api)
        return key

    async def record(self, visit_id: str) -> dict:
        """What the supervisor of the lead city sees of a visit."""
        return await self._record_when(visit_id, lambda record: True)

    async def sealed_record(self, visit_id: str) -> dict:
        """The same once no file is being written."""
        return await self._record_when(
            visit_id,
            lambda record: all(s["state"] != "recording" for s in record["segments"]),
        )

    async def measured_record(self, visit_id: str, *parties: str) -> dict:
        """The same once each has told how its call is; a browser looks twice, 5 s apart."""
        return await self._record_when(
            visit_id,
            lambda record: {sample["party"] for sample in record["quality"]} >= set(parties),
            most_s=40,
        )

    async def _record_when(
        self, visit_id: str, wanted: Callable[[dict], bool], most_s: float = 15
    ) -> dict:
        async with Api(self.url) as api, asyncio.timeout(most_s):
            await api.sign_in("songjiang-supervisor", demo_world.PASSWORD)
            while True:
                record = await api.call("GET", f"/api/visits/{visit_id}")
                if wanted(record):
                    return record
                await asyncio.sleep(0.1)

    def folder(self, visit_id: str) -> Path:
        return next(self.settings.recordings.glob(f"*/*/{visit_id}"))


class MediaProcess(Command):
    """`virtual-window media` in a process of its own; it records beside a service."""

    def __init__(self, name: str, data: Path) -> None:
        settings = Settings(
            media_port=free_port(),
            data=data,
            control_port=free_port(),
            media_token=MEDIA_TOKEN,
        )
        super().__init__("media", settings, data / f"media-{name}.log")
        self.name = name

    @property
    def address(self) -> str:
        """How `VW_MEDIA_NODES` names it."""
        return f"{self.name}=http://127.0.0.1:{self.settings.control_port}"

    async def __aenter__(self) -> "MediaProcess":
        await self._run(self.status)
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.kill()

    async def status(self) -> dict[str, Any]:
        """What it counts. Raises OSError."""
        return await media_process.status(self.settings)
