"""`virtual-window media`: a media host in a process of its own, and how it is doing.

SIGTERM drains it: no new call, the running ones move, then it ends. A second signal ends it now.
"""

import asyncio
import contextlib
import logging
import signal

import aiohttp
from aiohttp import web

from deploy.media_host import local_host, settle
from deploy.settings import Settings
from media.host.control import Control
from media.host.host import LocalHost

log = logging.getLogger(__name__)

DRAIN_S = 30.0
_LOOK_S = 0.2


async def run(settings: Settings) -> None:
    """Serve until told to stop. Raises OSError for a port that is taken, BadSetting."""
    token = settings.shared_token()
    host = local_host(settings)
    control = Control(host, token)
    stop, at_once = asyncio.Event(), asyncio.Event()

    def asked() -> None:
        (at_once if stop.is_set() else stop).set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked)

    await host.start(control.hear)
    runner = web.AppRunner(control.application(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.control_host, settings.control_port).start()
        settle()
        log.info("- media on port %d, control on %d", host.node.port, settings.control_port)
        await stop.wait()
        host.drain()
        await _drained(host, at_once)
    finally:
        await host.stop()
        await runner.cleanup()


async def _drained(host: LocalHost, at_once: asyncio.Event) -> None:
    """Wait until nothing runs any more, `DRAIN_S` at most."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_S):
            while host.busy and not at_once.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(at_once.wait(), _LOOK_S)


async def status(settings: Settings) -> dict[str, object]:
    """What the media process of these settings counts. Raises OSError, BadSetting."""
    url = f"http://{settings.control_host}:{settings.control_port}/status"
    headers = {"Authorization": f"Bearer {settings.shared_token()}"}
    timeout = aiohttp.ClientTimeout(total=5)
    try:
        async with (
            aiohttp.ClientSession(headers=headers, timeout=timeout) as http,
            http.get(url) as response,
        ):
            response.raise_for_status()
            answer: dict[str, object] = await response.json()
            return answer
    except (aiohttp.ClientError, TimeoutError) as error:
        raise OSError(f"no media process answers at {url}: {error}") from error


def table(counted: dict[str, object], indent: str = "") -> list[str]:
    """The status as lines for a terminal."""
    lines = []
    for key, value in counted.items():
        if isinstance(value, dict):
            lines += [f"{indent}{key}:", *table(value, indent + "  ")]
        elif isinstance(value, list):
            lines.append(f"{indent}{key}: {len(value)}")
            for entry in value:
                shown = " ".join(f"{k}={v}" for k, v in entry.items() if v not in (0, "", False))
                lines.append(f"{indent}  {shown}")
        else:
            lines.append(f"{indent}{key}: {value}")
    return lines
