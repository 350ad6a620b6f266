"""Pictures of what passes between clerks, and of a full line: part of `make screens`.

Alone: `python -m tests.support.desk_screens FOLDER`.
"""

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from playwright.async_api import Browser, Page, expect

from deploy import demo_world
from scheduling.rules import Priority
from signaling import protocol
from signaling.client import Api, LineClient
from signaling.protocol import KioskState
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
from tests.support.camera import Camera
from tests.support.likeness import CLERK, RESIDENT
from tests.support.service import ServiceProcess

COLLEAGUE = replace(CLERK, name="colleague", u=90, v=90, tone_hz=1300)
JIAXING = "330400"
FULL, AWAY = 50, 3
CLAIMS = [p.value for p in Priority if p not in (Priority.BOOKED, Priority.RETURNING)]
WISHES = ["", "", "wuu", "", "en", "csl"]


async def take(camera: Camera, folder: Path) -> None:
    """A full line, then a visit that passes between two clerks, then one that wants an answer."""
    async with (
        ServiceProcess(folder / "desks", ring_s=600) as service,
        browsing(folder, RESIDENT, CLERK, COLLEAGUE) as (at_kiosk, at_desk, at_other),
    ):
        kiosk = await open_kiosk(
            await context_of(at_kiosk, KIOSK_SIZE), service.url, await service.enrolment_code()
        )
        clerk = await open_clerk(await context_of(at_desk, CLERK_SIZE), service.url, "jiaxing1")
        colleague = await open_clerk(
            await context_of(at_other, CLERK_SIZE), service.url, "jiaxing2"
        )
        await passing(camera, kiosk, clerk, colleague)
        await aside(camera, clerk, colleague)
        await escalation(camera, service, kiosk, at_desk)
        await clerk.click("#break")
        async with full_line(service):
            await clerk.click("#ready")
            await expect(clerk.locator("#accept")).to_be_visible()
            await camera.both(clerk, "clerk-line-full")


async def passing(camera: Camera, kiosk: Page, clerk: Page, colleague: Page) -> None:
    """From the call to three in it, and to the hand-over."""
    await be_ready(clerk)
    await take_ticket(kiosk, "fzgh", "BD-02", JIAXING)
    await clerk.click("#accept")
    await asyncio.gather(sees_far(kiosk), sees_far(clerk))
    await be_ready(colleague)
    await camera.both(clerk, "clerk-transfer", dialog="#transfer")
    await clerk.click("#transfer")
    await clerk.locator("[data-target='jiaxing2']").first.check()
    await clerk.click("#transfer-ask")
    await expect(colleague.locator("#accept")).to_be_visible()
    await camera.both(colleague, "clerk-offer-consult")
    await camera.both(colleague, "clerk-decline", dialog="#decline")
    await colleague.click("#accept")
    await expect(kiosk.locator(".held")).to_be_visible()
    await kiosk.wait_for_timeout(3000)
    await camera.both(clerk, "clerk-consult")
    await camera.both(kiosk, "kiosk-on-hold")
    await clerk.click("#three-way")
    await asyncio.gather(sees_far(kiosk), sees_far(clerk), sees_far(colleague))
    await clerk.wait_for_timeout(2000)
    await camera.both(clerk, "clerk-three-way")
    await camera.both(colleague, "clerk-consulted")
    await clerk.click("#hand-over")
    await clerk.click("#hand-over-ready")
    await sees_far(colleague)


async def aside(camera: Camera, clerk: Page, colleague: Page) -> None:
    """The record is set aside, and opened again."""
    await colleague.click("#end")
    await colleague.click("#end-yes")
    await colleague.fill("#notes", "等办事人补交买卖合同扫描件")
    await colleague.click("#set-aside")
    await colleague.locator(".record summary").click()
    await camera.both(colleague, "clerk-aside")
    await colleague.click("#break")
    await colleague.close()


async def escalation(
    camera: Camera, service: ServiceProcess, kiosk: Page, at_desk: Browser
) -> None:
    """A supervisor at the window of "can't get it done" closes with an answer."""
    page = await open_clerk(
        await context_of(at_desk, CLERK_SIZE), service.url, "jiaxing-supervisor"
    )
    await be_ready(page)
    await kiosk.click("#skip")
    await expect(kiosk.locator("#search")).to_be_visible()
    await take_ticket(kiosk, "办不成", "QT-00", JIAXING)
    await page.click("#accept")
    await asyncio.gather(sees_far(kiosk), sees_far(page))
    await page.click("#end")
    await page.click("#end-yes")
    await camera.both(page, "clerk-answer")
    await page.close()


@contextlib.asynccontextmanager
async def full_line(service: ServiceProcess) -> AsyncIterator[None]:
    """Fifty residents in line for one clerk, some of them away, some helped across cities."""
    matters = [m for m in demo_world.catalogue().all() if JIAXING in m.cities]
    async with contextlib.AsyncExitStack() as stack:
        for number in range(FULL):
            api = await stack.enter_async_context(Api(service.url))
            await service.enrolled_kiosk(api)
            line = await LineClient.open(api, KioskState)
            matter = matters[number * 7 % len(matters)]
            await line.command(
                protocol.TakeTicket,
                matter=matter.code,
                city=JIAXING,
                language="zh_CN",
                notice_version="2026-11",
                priority=CLAIMS[number % len(CLAIMS)],
                wish=WISHES[number % len(WISHES)],
            )
            if number < AWAY:
                state = await line.until(lambda s: s.visit is not None)
                assert state.visit is not None
                await line.command(
                    protocol.ComeBackLater, visit=state.visit.id, contact=f"139 5730 010{number}"
                )
            stack.push_async_callback(line.close)
        yield


async def _alone(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        await take(Camera(folder), Path(temporary))


if __name__ == "__main__":
    asyncio.run(_alone(Path(sys.argv[1])))
