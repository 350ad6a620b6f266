"""`make demo` as a newcomer meets it: alone, once as JSON, and ended with Ctrl-C."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
from playwright.async_api import expect

from deploy.demo import Outcome
from tests.support.browser import (
    CLERK_SIZE,
    KIOSK_SIZE,
    browsing,
    context_of,
    open_clerk,
    open_kiosk,
    sees_far,
    take_ticket,
)
from tests.support.likeness import CLERK, RESIDENT
from tests.support.service import free_port

DEADLINE_S = 120


@contextlib.asynccontextmanager
async def demo(
    folder: Path, *arguments: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """`virtual-window demo` on free ports, and its address."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "deploy.cli",
        "demo",
        *arguments,
        env={
            **os.environ,
            "VW_PORT": str(port),
            "VW_MEDIA_PORT": str(free_port()),
            "VW_DATA": str(folder),
        },
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process, f"http://localhost:{port}"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def read_until(process: asyncio.subprocess.Process, wanted: str) -> str:
    """What it has printed once `wanted` stands in it."""
    assert process.stdout is not None
    text = ""
    async with asyncio.timeout(DEADLINE_S):
        while wanted not in text:
            line = await process.stdout.readline()
            assert line, f"ended before {wanted!r}: {text}"
            text += line.decode()
    return text


async def interrupt(process: asyncio.subprocess.Process) -> int:
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    async with asyncio.timeout(30):
        await process.stdout.read()
        return await process.wait()


async def test_once_as_json_prints_the_timeline_and_verified_recordings(tmp_path: Path) -> None:
    async with demo(tmp_path, "--once", "--json") as (process, _), asyncio.timeout(DEADLINE_S):
        output, _ = await process.communicate()
        assert process.returncode == 0
    outcome = msgspec.json.decode(output, type=Outcome)
    events = [step.event for step in outcome.timeline]
    assert events[:3] == ["ticket_taken", "offer", "accept"]
    assert {"resident_sees_clerk", "clerk_sees_resident", "end", "verified"} <= set(events)
    times = [step.at_s for step in outcome.timeline]
    assert times[0] == 0
    assert times == sorted(times)
    assert outcome.verified
    assert len(outcome.recordings) == 2
    assert all(Path(path).stat().st_size > 10_000 for path in outcome.recordings)


async def test_a_person_alone_is_served_by_a_simulated_clerk(tmp_path: Path) -> None:
    async with (
        demo(tmp_path / "data", "--with-clerk") as (process, url),
        browsing(tmp_path, RESIDENT) as (browser,),
    ):
        said = await read_until(process, "simulated clerk is ready")
        found = re.search(r"with the code (\S+)", said)
        assert found
        context = await context_of(browser, KIOSK_SIZE)
        kiosk = await open_kiosk(context, url, found[1])
        await take_ticket(kiosk, "失业登记", "JY-01", "330400")
        await sees_far(kiosk, timeout_ms=60_000)
        assert await interrupt(process) == 0


async def test_a_person_alone_serves_a_simulated_resident(tmp_path: Path) -> None:
    async with (
        demo(tmp_path / "data", "--with-resident") as (process, url),
        browsing(tmp_path, CLERK) as (browser,),
    ):
        await read_until(process, "simulated resident takes tickets")
        context = await context_of(browser, CLERK_SIZE)
        clerk = await open_clerk(context, url, "songjiang1")
        await clerk.click("#ready")
        await clerk.click("#accept", timeout=60_000)
        await sees_far(clerk, timeout_ms=60_000)
        await expect(clerk.locator(".recording")).to_be_visible()
        assert await interrupt(process) == 0
