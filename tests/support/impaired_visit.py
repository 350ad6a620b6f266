"""A call of two browsers, each on a line of its own that can be made bad, listened to at both ends.

The resident plays the low band of chirps and the clerk the high one.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Page

from tests.support.browser import (
    CLERK_SIZE,
    KIOSK_SIZE,
    be_ready,
    browsing,
    context_of,
    open_clerk,
    open_kiosk,
    sees_far,
    take_ticket,
)
from tests.support.impairment import Line, connections_of, lead
from tests.support.likeness import MEASURED_CLERK, MEASURED_RESIDENT, Likeness
from tests.support.service import ServiceProcess
from tests.support.tap import Tap, listen


@dataclass(frozen=True)
class Party:
    """A page in the call: what it plays and what reaches it of the other one."""

    page: Page
    line: Line
    own: Tap
    far: Tap

    async def connections(self) -> int:
        """How many peer connections the page has been offered."""
        return await connections_of(self.page)


@dataclass(frozen=True)
class ImpairedVisit:
    """Both parties of a call."""

    service: ServiceProcess
    resident: Party
    clerk: Party
    seen_after_s: float  # from the clerk's accept until both saw each other

    @property
    def parties(self) -> dict[str, Party]:
        return {"resident": self.resident, "clerk": self.clerk}

    async def connections(self) -> int:
        """How many peer connections both pages have been offered."""
        return await self.resident.connections() + await self.clerk.connections()

    @property
    def folder(self) -> Path:
        return next((self.service.settings.recordings / "330400").glob("*/*"))


async def _listening(page: Page, line: Line, own: Likeness, far: Likeness) -> Party:
    assert own.band is not None
    assert far.band is not None
    return Party(
        page, line, await listen(page, "#own", own.band), await listen(page, "#far", far.band)
    )


@contextlib.asynccontextmanager
async def impaired_visit(
    tmp_path: Path, clips: Path, *, seed: int, udp_blocked: bool = False
) -> AsyncIterator[ImpairedVisit]:
    """A call under way over two good lines. `clips` is where the fake devices' files are kept.

    With `udp_blocked` the resident's line has never let a datagram pass.
    """
    async with (
        ServiceProcess(tmp_path / "data") as service,
        browsing(clips, MEASURED_RESIDENT, MEASURED_CLERK) as (at_kiosk, at_desk),
    ):
        media = service.settings.media_port
        with (
            Line(("127.0.0.1", media), seed=seed) as kiosk_line,
            Line(("127.0.0.1", media), seed=seed + 1000) as desk_line,
        ):
            kiosk_line.set(udp_blocked=udp_blocked)
            kiosk = await open_kiosk(
                await context_of(at_kiosk, KIOSK_SIZE), service.url, await service.enrolment_code()
            )
            clerk = await open_clerk(await context_of(at_desk, CLERK_SIZE), service.url, "jiaxing1")
            await asyncio.gather(
                lead(kiosk, {media: kiosk_line.port}), lead(clerk, {media: desk_line.port})
            )
            await be_ready(clerk)
            await take_ticket(kiosk, "异地就医", "YB-01", "330400")
            await clerk.click("#accept")
            accepted_s = time.monotonic()
            await asyncio.gather(sees_far(kiosk), sees_far(clerk))
            seen_after_s = time.monotonic() - accepted_s
            yield ImpairedVisit(
                service,
                await _listening(kiosk, kiosk_line, MEASURED_RESIDENT, MEASURED_CLERK),
                await _listening(clerk, desk_line, MEASURED_CLERK, MEASURED_RESIDENT),
                seen_after_s,
            )
