"""Pictures of the main pages for docs/screens/: `make screens`, in both languages."""

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Page, expect

from deploy import demo_world
from tests.support.browser import (
    CLERK_SIZE,
    KIOSK_SIZE,
    browsing,
    context_of,
    open_clerk,
    open_kiosk,
    sees_far,
)
from tests.support.likeness import CLERK, RESIDENT
from tests.support.service import ServiceProcess


class Camera:
    """Takes the same page in both languages."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def both(self, page: Page, name: str) -> None:
        """A picture in Chinese and one in English; the page is left in Chinese."""
        await page.wait_for_timeout(300)
        await page.screenshot(path=self._folder / f"{name}.zh_CN.png")
        await page.get_by_role("button", name="English").click()
        await page.wait_for_timeout(300)
        await page.screenshot(path=self._folder / f"{name}.en.png")
        await page.get_by_role("button", name="中文").click()
        await page.wait_for_timeout(300)


async def take(folder: Path) -> None:
    """One visit, photographed."""
    folder.mkdir(parents=True, exist_ok=True)
    camera = Camera(folder)
    with tempfile.TemporaryDirectory() as temporary:
        tmp = Path(temporary)
        async with (
            ServiceProcess(tmp / "data", ring_s=600) as service,
            browsing(tmp, RESIDENT, CLERK) as (at_kiosk, at_desk),
        ):
            kiosk = await open_kiosk(
                await context_of(at_kiosk, KIOSK_SIZE), service.url, await service.enrolment_code()
            )
            await expect(kiosk.locator(".tiles")).to_be_visible()
            await camera.both(kiosk, "kiosk-welcome")
            desk = await context_of(at_desk, CLERK_SIZE)
            clerk = await open_clerk(desk, service.url, "jiaxing1")
            await kiosk.fill("#search", "fzgh")
            await kiosk.click("[data-matter='BD-02']")
            await kiosk.click("[data-city='330400']")
            await camera.both(kiosk, "kiosk-matter")
            await kiosk.click("[data-city='330400']")
            await kiosk.locator(".matter .actions .primary").click()
            await camera.both(kiosk, "kiosk-notice")
            await kiosk.click("#agree")
            await expect(kiosk.locator(".ticket .number")).not_to_be_empty()
            await camera.both(kiosk, "kiosk-ticket")
            await camera.both(clerk, "clerk-line")
            await clerk.click("#ready")
            await expect(clerk.locator("#accept")).to_be_visible()
            await camera.both(clerk, "clerk-offer")
            await clerk.click("#accept")
            await asyncio.gather(sees_far(kiosk), sees_far(clerk))
            await camera.both(kiosk, "kiosk-call")
            await camera.both(clerk, "clerk-call")
            await clerk.click("#end")
            await clerk.click("#end-yes")
            await camera.both(kiosk, "kiosk-rating")
            await camera.both(clerk, "clerk-wrap-up")
            await kiosk.click("[data-rating='5']")
            await kiosk.click("#rate")
            await clerk.select_option("#outcome", "completed")
            await clerk.click("#close-ready")
            await service.sealed_record(
                next(service.settings.recordings.glob("*/*/*/manifest.json")).parent.name
            )
            for role in ("supervisor", "admin"):
                page = await desk.new_page()
                await page.goto(f"{service.url}/{role}")
                if await page.get_by_role("button", name="退出登录").count():
                    await page.get_by_role("button", name="退出登录").click()
                await page.fill("#login", f"songjiang-{role}")
                await page.fill("#password", demo_world.PASSWORD)
                await page.click("button[type=submit]")
                await page.wait_for_timeout(1500)
                await camera.both(page, role)
                if role == "supervisor":
                    await page.keyboard.press("Tab")
                    await page.locator("[data-visit]").first.click()
                    await page.wait_for_timeout(2500)
                    await camera.both(page, "supervisor-record")


if __name__ == "__main__":
    asyncio.run(take(Path(sys.argv[1])))
