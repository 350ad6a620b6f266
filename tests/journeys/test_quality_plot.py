"""What a record shows beside the pictures: the connection's plot, breaks, and a shared screen."""

from pathlib import Path
from typing import Any

from playwright.async_api import Page, expect

from tests.journeys.test_kiosk_screens import violations
from tests.journeys.test_supervisor import settled, sign_in
from tests.support.browser import CLERK_SIZE, context_of, sees_far
from tests.support.visit import RunningVisit, visit_in_call

SHARED_MS = PAUSED_MS = 2500
_POSITION = "parseFloat(document.querySelector('.player').style.getPropertyValue('--position'))"


async def eventful(visit: RunningVisit) -> dict[str, Any]:
    """A call with a shared screen and a pause; what is kept of it."""
    clerk = visit.clerk
    await clerk.click("#share")
    await visit.kiosk.wait_for_function("() => document.querySelector('.shared')?.videoWidth > 0")
    await clerk.wait_for_timeout(SHARED_MS)  # the call itself
    await clerk.click("#share")
    await clerk.click("#record")
    await expect(clerk.locator(".recording")).to_have_attribute("data-state", "paused")
    await clerk.wait_for_timeout(PAUSED_MS)
    await clerk.click("#record")
    await expect(clerk.locator(".recording")).to_have_attribute("data-state", "recording")
    await sees_far(clerk)
    await visit.service.measured_record(visit.folder.name, "resident", "clerk")
    await clerk.click("#end")
    await clerk.click("#end-yes")
    await clerk.select_option("#outcome", "completed")
    await clerk.click("#close-ready")
    return await visit.service.sealed_record(visit.folder.name)


async def seek(page: Page, at_ms: float) -> None:
    await page.evaluate(
        """(at) => {
            const seek = document.querySelector("#seek");
            seek.value = at;
            seek.dispatchEvent(new Event("input"));
        }""",
        at_ms,
    )


async def left_of(page: Page, selector: str) -> float:
    box = await page.locator(selector).first.bounding_box()
    assert box is not None
    return box["x"]


async def test_a_record_shows_quality_breaks_and_the_shared_screen_on_one_time_line(
    tmp_path: Path,
) -> None:
    async with visit_in_call(tmp_path) as visit:
        record = await eventful(visit)
        (pause,) = record["breaks"]
        (screen,) = [s for s in record["segments"] if s["content"] == "screen"]
        browser = visit.clerk.context.browser
        assert browser is not None
        page = await (await context_of(browser, CLERK_SIZE)).new_page()
        await sign_in(page, visit.service.url, "supervisor", "jiaxing-supervisor")
        await page.locator("[data-visit]").click()

        figures = page.locator(".quality-plot figure")
        await expect(figures).to_have_count(4)
        names = ["办事人:接收", "办事人:发送", "窗口人员:接收", "窗口人员:发送"]
        await expect(page.locator(".quality-plot figcaption")).to_have_text(names)
        for curve in await page.locator(".quality-plot path").all():
            assert "H" in str(await curve.get_attribute("d"))
        await page.locator(".quality-plot summary").click()
        await expect(page.locator(".quality-plot tbody tr")).to_have_count(12)
        await expect(page.locator(".breaks-told")).to_contain_text("录像暂停")
        await expect(page.locator(".breaks li")).to_contain_text("录像暂停")
        shaded = await left_of(page, ".lane rect")
        assert abs(shaded - await left_of(page, ".breaks li")) < 2
        assert await violations(page) == []

        await seek(page, screen["start_ms"] + screen["duration_ms"] / 2)
        await page.wait_for_function(
            "() => { const v = document.querySelector('video[data-content=screen]');"
            " return !v.hidden && v.videoWidth > 0 && !v.seeking; }"
        )
        for party in ("resident", "clerk"):
            await expect(page.locator(f"video[data-party={party}]")).to_be_visible()
        await seek(page, pause["start_ms"])
        share = 100 * pause["start_ms"] / record["duration_ms"]
        assert abs(await page.evaluate(_POSITION) - share) < 1
        await seek(page, (pause["start_ms"] + pause["end_ms"]) / 2)
        await expect(page.locator(".gap").first).to_contain_text("录像暂停")
        await expect(page.locator("video[data-content=screen]")).to_be_hidden()
        assert await violations(page) == []
        await seek(page, pause["end_ms"] + 500)
        await settled(page)
