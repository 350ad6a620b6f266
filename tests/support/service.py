"""The real service as a process of its own, with the demo world, on free loopback ports."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

from deploy import demo_world
from deploy.settings import Settings
from signaling.client import Api, KioskKey

READY_DEADLINE_S = 30.0


def free_port(kind: socket.SocketKind) -> int:
    """A port that was free a moment ago."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ServiceProcess:
    """`virtual-window serve` in a process of its own. `async with`, or start and stop."""

    def __init__(self, data: Path, *, ring_s: float = 20.0) -> None:
        self.settings = Settings(
            port=free_port(socket.SOCK_STREAM),
            media_port=free_port(socket.SOCK_DGRAM),
            data=data,
            ring_s=ring_s,
        )
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self.settings.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def __aenter__(self) -> "ServiceProcess":
        await demo_world.load(self.settings)
        await self.start()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.stop()

    async def start(self) -> None:
        settings = self.settings
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "deploy.cli",
            "-v",
            "serve",
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith("VW_")},
                "VW_PORT": str(settings.port),
                "VW_MEDIA_PORT": str(settings.media_port),
                "VW_DATA": str(settings.data),
                "VW_RING_S": str(settings.ring_s),
            },
            stderr=(settings.data / "service.log").open("ab"),
        )
        async with Api(self.url) as api, asyncio.timeout(READY_DEADLINE_S):
            while True:
                try:
                    await api.call("GET", "/readyz")
                    return
                except OSError:
                    assert self._process.returncode is None, self.log()
                    await asyncio.sleep(0.05)

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
        return (self.settings.data / "service.log").read_text()

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
        async with Api(self.url) as api:
            await api.sign_in("songjiang-supervisor", demo_world.PASSWORD)
            return await api.call("GET", f"/api/visits/{visit_id}")

    async def sealed_record(self, visit_id: str) -> dict:
        """The same once no file is being written."""
        async with asyncio.timeout(15):
            while True:
                record = await self.record(visit_id)
                if all(s["state"] != "recording" for s in record["segments"]):
                    return record
                await asyncio.sleep(0.1)

    def folder(self, visit_id: str) -> Path:
        return next(self.settings.recordings.glob(f"*/*/{visit_id}"))
