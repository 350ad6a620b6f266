"""A real Chromium whose camera and microphone are files, and the pages as people use them."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Page, Playwright, async_playwright, expect

from deploy import demo_world
from deploy.bench import chromium
from tests.support.likeness import Likeness, write_wav, write_y4m

KIOSK_SIZE = {"width": 1920, "height": 1080}
CLERK_SIZE = {"width": 1440, "height": 900}


async def launch(playwright: Playwright, folder: Path, likeness: Likeness | None = None) -> Browser:
    """A headless Chromium; with a likeness its camera and microphone play that."""
    arguments = list(chromium.ARGUMENTS)
    if likeness is not None:
        video, sound = folder / f"{likeness.name}.y4m", folder / f"{likeness.name}.wav"
        if not video.exists():
            write_y4m(video, likeness)
            write_wav(sound, likeness)
        arguments += [
            f"--use-file-for-fake-video-capture={video}",
            f"--use-file-for-fake-audio-capture={sound}",
        ]
    return await playwright.chromium.launch(executable_path=chromium.PATH, args=arguments)


@contextlib.asynccontextmanager
async def browsing(folder: Path, *likenesses: Likeness | None) -> AsyncIterator[list[Browser]]:
    """One browser for each likeness. An error that a page did not catch fails the test."""
    uncaught.clear()
    async with async_playwright() as playwright:
        browsers = [await launch(playwright, folder, likeness) for likeness in likenesses]
        try:
            yield browsers
        finally:
            for browser in browsers:
                await browser.close()
    assert uncaught == [], uncaught


uncaught: list[str] = []


async def context_of(browser: Browser, size: dict[str, int]) -> BrowserContext:
    context = await browser.new_context(
        viewport={"width": size["width"], "height": size["height"]}, locale="zh-CN"
    )
    context.on("weberror", lambda error: uncaught.append(str(error.error)))
    return context


async def open_kiosk(context: BrowserContext, url: str, code: str) -> Page:
    """A page on `/kiosk`, enrolled with this code, on the welcome screen."""
    page = await context.new_page()
    await page.goto(f"{url}/kiosk")
    await page.fill("#code", code)
    await page.click("button[type=submit]")
    await expect(page.locator("#search")).to_be_visible()
    return page


async def open_clerk(context: BrowserContext, url: str, login: str) -> Page:
    """A page on `/clerk`, signed in, off duty."""
    page = await context.new_page()
    await page.goto(f"{url}/clerk")
    await page.fill("#login", login)
    await page.fill("#password", demo_world.PASSWORD)
    await page.click("button[type=submit]")
    await expect(page.locator("#window-state")).to_be_visible()
    return page


async def be_ready(clerk: Page) -> None:
    await clerk.click("#ready")
    await expect(clerk.locator("#window-state")).to_have_attribute("data-state", "ready")


async def take_ticket(kiosk: Page, query: str, matter: str, city: str) -> str:
    """From the welcome screen to the ticket; returns its number."""
    await kiosk.fill("#search", query)
    await kiosk.click(f"[data-matter='{matter}']")
    await kiosk.click(f"[data-city='{city}']")
    await kiosk.locator(".matter .actions .primary").click()
    await kiosk.click("#agree")
    await kiosk.click("#skip")
    number = kiosk.locator(".ticket .number")
    await expect(number).not_to_be_empty(timeout=20_000)  # the devices are checked before
    return str(await number.text_content())


async def sees_far(page: Page, timeout_ms: float = 20_000) -> None:
    """Wait until the other party's picture moves on this page."""
    await page.wait_for_function(
        """() => {
            const far = document.querySelector("#far");
            if (!far || !far.videoWidth) return false;
            const frames = far.getVideoPlaybackQuality().totalVideoFrames;
            window.framesBefore ??= frames;
            return frames > window.framesBefore + 3;
        }""",
        timeout=timeout_ms,
    )
    await page.evaluate("() => { delete window.framesBefore; }")
