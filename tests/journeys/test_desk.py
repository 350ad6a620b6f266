"""A clerk's desk around the calls: a full line, residents who are away, records, answers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from playwright.async_api import Page, expect

from signaling import protocol
from tests.journeys.test_kiosk_screens import violations
from tests.signaling.parties import Resident, resident
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
from tests.support.desk_screens import FULL, full_line
from tests.support.likeness import CLERK, RESIDENT
from tests.support.service import ServiceProcess

JIAXING = "330400"


@contextlib.asynccontextmanager
async def desk(tmp_path: Path, login: str) -> AsyncIterator[tuple[ServiceProcess, Page]]:
    async with (
        ServiceProcess(tmp_path / "data", ring_s=600) as service,
        browsing(tmp_path, CLERK) as (browser,),
    ):
        yield service, await open_clerk(await context_of(browser, CLERK_SIZE), service.url, login)


async def test_a_full_line_is_read_at_once_and_moves_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path, "jiaxing1") as (service, clerk):
        places = "[...document.querySelectorAll('.column')].map((c) => c.getBoundingClientRect().x)"
        before = await clerk.evaluate(places)
        queues = await clerk.locator(".queues li").count()
        assert queues > 9
        async with full_line(service):
            rows = clerk.locator(".line li")
            await expect(rows).to_have_count(FULL)
            assert await clerk.evaluate(places) == before
            overflows = "document.documentElement.scrollHeight > innerHeight"
            assert not await clerk.evaluate(overflows)
            waits = await rows.evaluate_all("(rows) => rows.map((row) => row.textContent)")
            assert any("70 岁以上" in text for text in waits)
            assert any("手语" in text for text in waits)
            await clerk.evaluate("document.querySelector('.line').scrollTop = 700")
            await clerk.locator(".line button:not(:disabled)").first.focus()
            await clerk.wait_for_timeout(2200)  # two looks at the clock
            assert await clerk.evaluate("document.activeElement.closest('.line') !== null")
            for language in ("English", "中文"):
                assert await violations(clerk) == []
                await clerk.get_by_role("button", name=language).click()


async def test_a_resident_who_is_away_is_called_by_the_clerk(tmp_path: Path) -> None:
    async with desk(tmp_path, "jiaxing1") as (service, clerk), resident(service) as at_kiosk:
        visit = await at_kiosk.take(JIAXING)
        await at_kiosk.line.command(protocol.ComeBackLater, visit=visit.id, contact="139 5730 0101")
        row = clerk.locator(f".line [data-visit='{visit.id}']")
        await expect(row).to_contain_text("稍后回来 · 139 5730 0101")
        await clerk.keyboard.press("l")
        await clerk.keyboard.press("Enter")
        await expect(clerk.locator(".contact")).to_have_text("139 5730 0101")
        assert await violations(clerk) == []
        await clerk.click("#called-yes")
        await expect(row).to_contain_text("已致电 139 5730 0101")


async def escalated(at_kiosk: Resident) -> str:
    return (await at_kiosk.take(JIAXING, "QT-00")).id


async def test_a_supervisor_takes_a_chosen_visit_of_the_escalation_queue(tmp_path: Path) -> None:
    async with (
        desk(tmp_path, "jiaxing-supervisor") as (service, page),
        resident(service) as first,
        resident(service) as second,
    ):
        await escalated(first)
        chosen = await escalated(second)
        button = page.locator(f".line [data-visit='{chosen}'] button")
        await expect(button).to_have_text("接待此人")
        await expect(button).to_be_disabled()  # not before one is ready, and then one rings
        await be_ready_without_ring(page, first, second)
        await button.click()
        await page.click("#pull-yes")
        await expect(page.locator("#window-state")).to_have_attribute("data-state", "in_call")
        await second.state_of_visit("serving")


async def be_ready_without_ring(page: Page, *waiting: Resident) -> None:
    """Decline what rings at once, and be back while it is not offered again."""
    for _ in waiting:
        await page.click("#ready")
        await expect(page.locator("#accept")).to_be_focused()
        await page.keyboard.press("x")
        await page.keyboard.press("4")
        await page.click("#decline-yes")
        await expect(page.locator("#window-state")).to_have_attribute("data-state", "break")
    await be_ready(page)


async def test_a_record_is_set_aside_and_finished_later(tmp_path: Path) -> None:
    async with (
        ServiceProcess(tmp_path / "data") as service,
        browsing(tmp_path, RESIDENT, CLERK) as (at_kiosk, at_desk),
    ):
        kiosk = await open_kiosk(
            await context_of(at_kiosk, KIOSK_SIZE), service.url, await service.enrolment_code()
        )
        clerk = await open_clerk(await context_of(at_desk, CLERK_SIZE), service.url, "jiaxing1")
        await be_ready(clerk)
        await take_ticket(kiosk, "异地就医", "YB-01", JIAXING)
        await clerk.keyboard.press("a")
        await asyncio.gather(sees_far(kiosk), sees_far(clerk))
        await kiosk.click("#end")
        await kiosk.click("#confirm")
        await clerk.fill("#notes", "waits for a stamp")
        await expect(clerk.locator("#set-aside")).to_be_enabled()
        await expect(clerk.locator("#window-state")).to_have_attribute("data-state", "wrap_up")
        await clerk.locator("#set-aside").focus()
        await clerk.keyboard.press("g")
        await expect(clerk.locator("#window-state")).to_have_attribute("data-state", "ready")
        await clerk.click("#break")
        await clerk.locator(".record summary").click()
        assert await violations(clerk) == []
        await clerk.get_by_role("button", name="English").click()
        record = clerk.locator(".record")
        await expect(record.locator("textarea").first).to_have_value("waits for a stamp")
        await record.locator("select").select_option("accepted")
        await record.locator("[data-finish]").click()
        await expect(clerk.locator(".aside")).to_be_hidden()
        await expect(clerk.locator("#window-state")).to_have_attribute("data-state", "break")


async def test_a_visit_of_the_escalation_queue_is_closed_with_an_answer(tmp_path: Path) -> None:
    async with (
        desk(tmp_path, "jiaxing-supervisor") as (service, page),
        resident(service) as at_kiosk,
    ):
        await be_ready(page)
        visit = await escalated(at_kiosk)
        await page.click("#accept")
        await at_kiosk.state_of_visit("serving")
        await at_kiosk.line.command(protocol.EndCall, visit=visit)
        await page.select_option("#outcome", "advice_only")
        await page.click("#close-ready")
        await expect(page.locator("#answer")).to_be_focused()
        assert await violations(page) == []
        await page.fill("#answer", "The matter was passed on and is done by Friday.")
        await page.click("#close-ready")
        await expect(page.locator("#window-state")).to_have_attribute("data-state", "ready")
        await at_kiosk.state_of_visit("closed")
