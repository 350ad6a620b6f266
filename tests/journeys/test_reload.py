"""Whoever reloads a page in the middle of a call is back in the call, with the same ticket."""

import asyncio
from pathlib import Path

from playwright.async_api import Page, expect

from tests.support.browser import sees_far
from tests.support.cluster import Arranged
from tests.support.visit import visit_between, visit_in_call

BACK_WITHIN_MS = 5_000  # the bound, from the page's first byte to a moving picture


async def reload_and_see(page: Page) -> None:
    await page.reload(wait_until="commit")
    await sees_far(page, timeout_ms=BACK_WITHIN_MS)


async def test_reloading_either_page_brings_the_call_back_without_a_new_ticket(
    tmp_path: Path, arranged: Arranged
) -> None:
    async with visit_between(tmp_path, arranged.at_kiosk, arranged.at_desk) as visit:
        for page, other in ((visit.kiosk, visit.clerk), (visit.clerk, visit.kiosk)):
            await reload_and_see(page)
            await sees_far(other)
        await visit.clerk.fill("#notes", "重新连接后")
        await expect(visit.clerk.get_by_text("已保存")).to_be_visible()
        await visit.clerk.click("#end")
        await visit.clerk.click("#end-yes")
        await expect(visit.kiosk.locator(".faces")).to_be_visible()
        record = await visit.service.sealed_record(visit.folder.name)
        assert record["visit"]["ticket"] == visit.ticket
        numbers = sorted((s["party"], s["number"]) for s in record["segments"])
        assert numbers == [("clerk", 1), ("clerk", 2), ("resident", 1), ("resident", 2)]


async def test_a_change_of_language_keeps_the_call_and_what_was_typed(tmp_path: Path) -> None:
    async with visit_in_call(tmp_path) as visit:
        await visit.clerk.fill("#notes", "还没保存的字")
        await visit.clerk.get_by_role("button", name="English").click()
        await expect(visit.clerk.locator("#notes")).to_have_value("还没保存的字")
        await visit.kiosk.get_by_role("button", name="English").click()
        await asyncio.gather(sees_far(visit.kiosk), sees_far(visit.clerk))
        await expect(visit.kiosk.locator("#end")).to_have_text("End the call")
        await visit.kiosk.context.set_offline(True)
        await visit.kiosk.context.set_offline(False)
        await sees_far(visit.kiosk)
