"""What a resident meets before and around a visit: search, refusal, idle, wipe, second page."""

import json
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.support.browser import (
    CLERK_SIZE,
    KIOSK_SIZE,
    be_ready,
    browsing,
    context_of,
    open_clerk,
    open_kiosk,
    take_ticket,
)
from tests.support.likeness import CLERK, RESIDENT
from tests.support.service import ServiceProcess

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"


async def violations(page: Page) -> list[str]:
    """What axe finds on the page as it stands."""
    await page.evaluate(AXE.read_text())
    found = await page.evaluate("axe.run()")
    return [f"{v['id']}: {json.dumps(v['nodes'][0]['html'])}" for v in found["violations"]]


@pytest.mark.parametrize("language", ["中文", "English"])
async def test_every_screen_passes_axe(tmp_path: Path, language: str) -> None:
    async with (
        ServiceProcess(tmp_path / "data", ring_s=600) as service,
        browsing(tmp_path, RESIDENT, CLERK) as (at_kiosk, at_desk),
    ):
        context = await context_of(at_kiosk, KIOSK_SIZE)
        fresh = await context.new_page()
        await fresh.goto(f"{service.url}/kiosk")
        await expect(fresh.locator("#code")).to_be_visible()
        assert await violations(fresh) == []
        await fresh.close()
        kiosk = await open_kiosk(context, service.url, await service.enrolment_code())
        clerk_context = await context_of(at_desk, CLERK_SIZE)
        signing_in = await clerk_context.new_page()
        await signing_in.goto(f"{service.url}/clerk")
        await expect(signing_in.locator("#login")).to_be_visible()
        assert await violations(signing_in) == []
        clerk = await open_clerk(clerk_context, service.url, "jiaxing1")
        if language == "English":
            await kiosk.get_by_text("English").click()
            await clerk.get_by_text("English").click()
        await kiosk.get_by_text("Large type" if language == "English" else "大字").click()
        await expect(kiosk.locator(".tiles")).to_be_visible()
        assert await violations(kiosk) == []
        await kiosk.fill("#search", "zzzzzz")
        await expect(kiosk.locator(".results .note")).to_be_visible()
        assert await violations(kiosk) == []
        await kiosk.fill("#search", "fzgh")
        await kiosk.click("[data-matter='BD-02']")
        await kiosk.click("[data-city='330400']")
        assert await violations(kiosk) == []
        await kiosk.locator(".matter .actions .primary").click()
        await expect(kiosk.locator("#agree")).to_be_visible()
        assert await violations(kiosk) == []
        await kiosk.click("#agree")
        await expect(kiosk.locator("[data-claim='elderly']")).to_be_visible()
        assert await violations(kiosk) == []
        await kiosk.click("[data-claim='elderly']")
        await expect(kiosk.locator("[data-wish='wuu']")).to_be_visible()
        assert await violations(kiosk) == []
        await kiosk.click("[data-wish='any']")
        await expect(kiosk.locator(".ticket .number")).not_to_be_empty()
        assert await violations(kiosk) == []
        await expect(clerk.locator(".line li")).to_have_count(1)
        assert await violations(clerk) == []
        await clerk.click("#ready")
        await expect(clerk.locator("#accept")).to_be_visible()
        assert await violations(clerk) == []
        await clerk.click("#accept")
        await expect(kiosk.locator(".call .who")).not_to_be_empty()
        await expect(clerk.locator(".checklist")).to_be_visible()
        assert await violations(kiosk) == []
        assert await violations(clerk) == []
        await clerk.click("#devices")
        assert await violations(clerk) == []
        await clerk.keyboard.press("Escape")
        await clerk.click("#end")
        assert await violations(clerk) == []
        await clerk.click("#end-yes")
        await expect(kiosk.locator(".faces")).to_be_visible()
        await expect(clerk.locator("#outcome")).to_be_visible()
        assert await violations(kiosk) == []
        assert await violations(clerk) == []


async def test_an_idle_kiosk_warns_and_then_wipes_the_visit(tmp_path: Path) -> None:
    async with (
        ServiceProcess(tmp_path / "data") as service,
        browsing(tmp_path, RESIDENT) as (browser,),
    ):
        context = await context_of(browser, KIOSK_SIZE)
        page = await context.new_page()
        await page.clock.install()
        await page.goto(f"{service.url}/kiosk")
        await page.fill("#code", await service.enrolment_code())
        await page.click("button[type=submit]")
        await page.fill("#search", "失业登记")
        await page.click("[data-matter='JY-01']")
        await expect(page.locator("[data-city='330400']")).to_be_visible()
        await page.clock.fast_forward(65_000)
        await expect(page.locator("#stay")).to_be_visible()
        await page.click("#stay")
        await page.clock.fast_forward(65_000)
        await expect(page.locator("#stay")).to_be_visible()
        await page.clock.fast_forward(30_000)
        await expect(page.locator(".wiped")).to_be_visible()
        await page.clock.fast_forward(5_000)
        await expect(page.locator(".tiles")).to_be_visible()
        assert await page.input_value("#search") == ""
        assert await page.evaluate("sessionStorage.length") == 0


async def test_the_device_key_cannot_leave_the_browser(tmp_path: Path) -> None:
    async with (
        ServiceProcess(tmp_path / "data") as service,
        browsing(tmp_path, RESIDENT) as (browser,),
    ):
        context = await context_of(browser, KIOSK_SIZE)
        page = await open_kiosk(context, service.url, await service.enrolment_code())
        said = await page.evaluate(
            """async () => {
                const module = await import("/static/kiosk_client/enrolment.js");
                const { keys } = await module.device();
                if (keys.privateKey.extractable) return "extractable";
                return crypto.subtle.exportKey("pkcs8", keys.privateKey).catch((e) => e.name);
            }"""
        )
        assert said == "InvalidAccessError"


async def test_a_used_enrolment_code_is_refused_in_words(tmp_path: Path) -> None:
    async with (
        ServiceProcess(tmp_path / "data") as service,
        browsing(tmp_path, RESIDENT, CLERK) as (first, second),
    ):
        code = await service.enrolment_code()
        await open_kiosk(await context_of(first, KIOSK_SIZE), service.url, code)
        page = await (await context_of(second, KIOSK_SIZE)).new_page()
        await page.goto(f"{service.url}/kiosk")
        await page.fill("#code", code)
        await page.click("button[type=submit]")
        await expect(page.locator("[role=alert]")).to_contain_text("没有登记成功")


async def test_a_second_page_of_one_kiosk_takes_over_and_the_first_stays_away(
    tmp_path: Path,
) -> None:
    async with (
        ServiceProcess(tmp_path / "data") as service,
        browsing(tmp_path, RESIDENT) as (browser,),
    ):
        context = await context_of(browser, KIOSK_SIZE)
        first = await open_kiosk(context, service.url, await service.enrolment_code())
        ticket = await take_ticket(first, "失业登记", "JY-01", "330400")
        second = await context.new_page()
        await second.goto(f"{service.url}/kiosk")
        await expect(second.locator(".ticket .number")).to_have_text(ticket)
        await expect(first.locator("h1")).to_have_text("本终端已在另一个页面打开")


async def test_an_unanswered_offer_goes_to_the_next_clerk(tmp_path: Path) -> None:
    async with (
        ServiceProcess(tmp_path / "data", ring_s=2) as service,
        browsing(tmp_path, RESIDENT, CLERK) as (at_kiosk, at_desk),
    ):
        first = await open_clerk(await context_of(at_desk, CLERK_SIZE), service.url, "jiaxing1")
        await be_ready(first)
        second = await open_clerk(await context_of(at_desk, CLERK_SIZE), service.url, "jiaxing2")
        await be_ready(second)
        kiosk = await open_kiosk(
            await context_of(at_kiosk, KIOSK_SIZE), service.url, await service.enrolment_code()
        )
        await take_ticket(kiosk, "失业登记", "JY-01", "330400")
        await expect(first.locator(".offer")).to_be_visible()
        await expect(second.locator(".offer")).to_be_visible(timeout=10_000)
        await expect(first.locator("#window-state")).to_have_attribute("data-state", "missed")
        await second.click("#accept")
        await expect(kiosk.locator("body")).to_have_attribute("data-screen", "call")
