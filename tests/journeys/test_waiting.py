"""In line at a real kiosk: who is before whom, coming back later, another city, being passed on."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from playwright.async_api import Browser, Page, expect

from signaling import protocol
from tests.journeys.test_kiosk_screens import violations
from tests.signaling.parties import Clerk, clerk
from tests.support.browser import KIOSK_SIZE, browsing, context_of, open_kiosk, take_ticket
from tests.support.likeness import RESIDENT
from tests.support.service import ServiceProcess

NARROW = {"width": 320, "height": 640}
TICKET_MS = 20_000
SONGJIANG, JIAXING = "310117", "330400"


@contextlib.asynccontextmanager
async def hall(tmp_path: Path) -> AsyncIterator[tuple[ServiceProcess, Browser]]:
    """A service, and a browser for as many kiosks as a test needs."""
    async with (
        ServiceProcess(tmp_path / "data", ring_s=600) as service,
        browsing(tmp_path, RESIDENT) as (browser,),
    ):
        yield service, browser


async def kiosk_in(service: ServiceProcess, browser: Browser, size: dict[str, int]) -> Page:
    context = await context_of(browser, size)
    return await open_kiosk(context, service.url, await service.enrolment_code())


async def to_the_claims(kiosk: Page, city: str = JIAXING) -> None:
    """From the welcome screen to "Does one of these apply?"."""
    await kiosk.fill("#search", "失业登记")
    await kiosk.click("[data-matter='JY-01']")
    await kiosk.click(f"[data-city='{city}']")
    await kiosk.locator(".matter .actions .primary").click()
    await kiosk.click("#agree")


async def ticket_on(kiosk: Page) -> tuple[str, str]:
    """The number and the code that it shows."""
    number = kiosk.locator(".ticket .number").first
    await expect(number).not_to_be_empty(timeout=TICKET_MS)
    code = await kiosk.locator(".ticket .ticket-code").text_content()
    return str(await number.text_content()), str(code).replace(" ", "")


async def press_keys(kiosk: Page, keys: str) -> None:
    """On the screen, as nobody has a keyboard there."""
    for key in keys:
        await kiosk.locator(".pad").get_by_role("button", name=key, exact=True).click()


async def hand_in(kiosk: Page, ticket: str, code: str) -> None:
    """From "I have a ticket" on, with the keys on the screen."""
    await kiosk.click("#have-ticket")
    await press_keys(kiosk, ticket)
    await kiosk.click("#next")
    await press_keys(kiosk, code)
    await kiosk.click("#next")


async def fits(page: Page) -> bool:
    """Whether nothing has to be moved sideways."""
    return bool(await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


async def too_small(page: Page) -> list[str]:
    """The buttons that a finger misses."""
    return list(
        await page.evaluate(
            """() => [...document.querySelectorAll("button")]
                .filter((button) => button.checkVisibility())
                .filter((button) => {
                    const { width, height } = button.getBoundingClientRect();
                    return width < 64 || height < 64;
                }).map((button) => button.textContent)"""
        )
    )


async def test_somebody_over_70_goes_before_by_rule_and_both_screens_say_so(
    tmp_path: Path,
) -> None:
    async with hall(tmp_path) as (service, browser):
        first = await kiosk_in(service, browser, KIOSK_SIZE)
        ordinary = await take_ticket(first, "失业登记", "JY-01", JIAXING)
        await expect(first.locator(".ticket .place")).to_have_text("下一位就是您")

        second = await kiosk_in(service, browser, KIOSK_SIZE)
        await to_the_claims(second)
        await second.click("[data-claim='elderly']")
        await second.click("[data-wish='cmn']")
        elderly, _ = await ticket_on(second)

        await expect(second.locator(".ticket .place")).to_have_text("下一位就是您")
        assert await too_small(second) == []
        await expect(second.locator(".ticket .about")).to_contain_text("70 岁以上")
        await expect(second.locator(".ticket .about")).to_contain_text("普通话")
        await expect(first.locator(".ticket .place")).to_have_text("您前面还有 1 位")
        async with clerk(service, "jiaxing2") as at_desk:
            await at_desk.step("be_ready")
            rung = await at_desk.rung()
            assert (rung.ticket, rung.wish) == (elderly, "cmn")
            assert ordinary != elderly


async def test_a_resident_goes_away_and_comes_back_at_another_kiosk_to_the_same_place(
    tmp_path: Path,
) -> None:
    async with hall(tmp_path) as (service, browser):
        first = await kiosk_in(service, browser, KIOSK_SIZE)
        await take_ticket(first, "失业登记", "JY-01", JIAXING)
        ticket, code = await ticket_on(first)
        await first.click("#later")
        await expect(first.locator("#go-away")).to_be_disabled()
        await press_keys(first, "13812345678")
        assert await too_small(first) == []
        await first.click("#go-away")
        assert await ticket_on(first) == (ticket, code)
        await expect(first.locator(".kept")).to_contain_text("****5678")
        await expect(first.locator(".kept")).not_to_contain_text("13812345678")
        await first.click("#written")
        await expect(first.locator(".wiped")).to_be_visible()
        await expect(first.locator(".tiles")).to_be_visible()
        for told in (ticket, code, "5678"):
            assert told not in await first.evaluate("document.body.innerText")

        await take_ticket(first, "失业登记", "JY-01", JIAXING)
        second = await kiosk_in(service, browser, KIOSK_SIZE)
        await hand_in(second, ticket, code)
        assert await ticket_on(second) == (ticket, code)
        await expect(second.locator(".ticket .place")).to_have_text("下一位就是您")
        await expect(first.locator(".ticket .place")).to_have_text("您前面还有 1 位")


async def test_a_number_that_was_left_half_typed_is_forgotten_and_the_ticket_stays(
    tmp_path: Path,
) -> None:
    async with hall(tmp_path) as (service, browser):
        kiosk = await (await context_of(browser, KIOSK_SIZE)).new_page()
        await kiosk.clock.install()
        await kiosk.goto(f"{service.url}/kiosk")
        await kiosk.fill("#code", await service.enrolment_code())
        await kiosk.click("button[type=submit]")
        await to_the_claims(kiosk)
        await kiosk.click("#skip")
        ticket = await ticket_on(kiosk)
        await kiosk.click("#later")
        await press_keys(kiosk, "138")
        await kiosk.clock.fast_forward(65_000)
        await kiosk.clock.fast_forward(30_000)
        assert await ticket_on(kiosk) == ticket
        await kiosk.click("#later")
        await expect(kiosk.locator("#phone")).to_have_value("")
        await press_keys(kiosk, "13812345678")
        await kiosk.click("#go-away")
        await expect(kiosk.locator(".kept")).to_be_visible()
        await kiosk.clock.fast_forward(65_000)
        await expect(kiosk.locator("#stay")).to_be_visible()
        await kiosk.clock.fast_forward(30_000)
        await expect(kiosk.locator(".wiped")).to_be_visible()
        assert ticket[1] not in await kiosk.evaluate("document.body.innerText")


async def test_a_wrong_code_is_refused_in_words_and_guessing_is_stopped(tmp_path: Path) -> None:
    async with hall(tmp_path) as (service, browser):
        kiosk = await kiosk_in(service, browser, NARROW)
        await kiosk.click("#have-ticket")
        assert await fits(kiosk)
        await kiosk.keyboard.press("Tab")
        await kiosk.fill("#ticket-number", "b 012")
        await expect(kiosk.locator("#ticket-number")).to_have_value("B012")
        await kiosk.keyboard.press("Enter")
        await kiosk.fill("#ticket-code", "k7m2qx")
        for _ in range(5):
            await kiosk.click("#next")
            await expect(kiosk.locator("[role=alert]")).to_contain_text("没有用这个号码")
            await expect(kiosk.locator("#next")).to_be_enabled()
        assert await violations(kiosk) == []
        await kiosk.click("#next")
        await expect(kiosk.locator("[role=alert]")).to_contain_text("请等一分钟")
        assert await fits(kiosk)
        await kiosk.click("#back")
        await kiosk.click("#have-ticket")
        await expect(kiosk.locator("#ticket-number")).to_have_value("")


async def test_a_claim_to_return_is_proven_or_corrected(tmp_path: Path) -> None:
    async with hall(tmp_path) as (service, browser):
        kiosk = await kiosk_in(service, browser, KIOSK_SIZE)
        await to_the_claims(kiosk)
        await kiosk.click("[data-claim='returning']")
        await press_keys(kiosk, "B012")
        await kiosk.click("#next")
        await press_keys(kiosk, "K7M2QX")
        await kiosk.click("#next")
        await kiosk.click("[data-wish='any']")
        await expect(kiosk.locator("[role=alert]")).to_contain_text(
            "没有用这个号码", timeout=TICKET_MS
        )
        await expect(kiosk.locator("#ticket-code")).to_have_value("K7M2QX")
        await kiosk.click("#back")
        await kiosk.click("#skip")
        await ticket_on(kiosk)


async def test_another_city_is_offered_refused_and_taken_after_all(tmp_path: Path) -> None:
    async with hall(tmp_path) as (service, browser):
        kiosk = await kiosk_in(service, browser, NARROW)
        await take_ticket(kiosk, "失业登记", "JY-01", SONGJIANG)
        asked = kiosk.locator(".elsewhere")
        await expect(asked).to_contain_text("如果嘉兴市更快")
        await expect(asked).to_contain_text("上海市松江区目前无人值班")
        assert await violations(kiosk) == []
        assert await fits(kiosk)
        await kiosk.click("#own-city")
        await expect(asked).to_contain_text("您选择等候上海市松江区的窗口人员")
        async with clerk(service, "jiaxing1") as at_desk:
            await at_desk.step("be_ready")
            await kiosk.click("#other-city")
            rung = await at_desk.rung()
            assert rung.city.code == SONGJIANG
            await expect(kiosk.locator(".ticket .place")).to_contain_text("正在呼叫")
            await expect(asked).to_be_hidden()


async def test_a_visit_that_is_passed_on_says_to_whom_and_keeps_its_place(tmp_path: Path) -> None:
    async with hall(tmp_path) as (service, browser):
        kiosk = await kiosk_in(service, browser, KIOSK_SIZE)
        ticket = await take_ticket(kiosk, "失业登记", "JY-01", JIAXING)
        async with clerk(service, "jiaxing1") as at_desk:
            await _pass_on(at_desk, "330400-social-insurance")
            passed = kiosk.locator(".ticket .passed")
            await expect(passed).to_contain_text("嘉兴市 · 社会保险")
            await expect(passed).to_contain_text("您的位置保留")
            assert (await ticket_on(kiosk))[0] == ticket
            assert await violations(kiosk) == []


async def _pass_on(at_desk: Clerk, queue: str) -> None:
    """Accept what rings, and send it to another queue."""
    await at_desk.step("be_ready")
    rung = await at_desk.rung()
    await at_desk.line.command(protocol.Accept, visit=rung.id)
    await at_desk.line.until(lambda s: s.call is not None)
    await at_desk.line.command(protocol.Transfer, visit=rung.id, queue=queue, ready=False)
