"""Two clerks and a resident in real browsers: a visit passes from one clerk to the other."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.journeys.test_kiosk_screens import violations
from tests.support import chirps
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
from tests.support.chirps import Band
from tests.support.likeness import CLERK, MEASURED_CLERK, MEASURED_RESIDENT
from tests.support.service import ServiceProcess
from tests.support.tap import listen

# A band between those of resident and clerk, so that at the resident's each clerk is told by sound.
MIDDLE = Band(2_900, 4_200)
COLLEAGUE = replace(CLERK, name="colleague", u=60, v=60, band=MIDDLE)
HOLD_S = 6.0
ON_THE_WAY_S = 0.5  # what was sent before the hold and is played out by then


@dataclass(frozen=True)
class Three:
    """Resident and clerk talk; the colleague is ready."""

    service: ServiceProcess
    kiosk: Page
    clerk: Page
    colleague: Page
    ticket: str


@contextlib.asynccontextmanager
async def three(tmp_path: Path) -> AsyncIterator[Three]:
    likenesses = (MEASURED_RESIDENT, MEASURED_CLERK, COLLEAGUE)
    async with (
        ServiceProcess(tmp_path / "data") as service,
        browsing(tmp_path, *likenesses) as browsers,
    ):
        sizes = (KIOSK_SIZE, CLERK_SIZE, CLERK_SIZE)
        contexts = [await context_of(b, s) for b, s in zip(browsers, sizes, strict=True)]
        kiosk = await open_kiosk(contexts[0], service.url, await service.enrolment_code())
        clerk = await open_clerk(contexts[1], service.url, "jiaxing1")
        colleague = await open_clerk(contexts[2], service.url, "jiaxing2")
        await be_ready(clerk)
        ticket = await take_ticket(kiosk, "异地就医", "YB-01", "330400")
        await clerk.click("#accept")
        await asyncio.gather(sees_far(kiosk), sees_far(clerk))
        await be_ready(colleague)
        yield Three(service, kiosk, clerk, colleague, ticket)


async def choose(clerk: Page, typed: str, target: str) -> None:
    """Open the dialog by its key, search, and choose."""
    await clerk.keyboard.press("t")
    await clerk.fill("#transfer-search", typed)
    await clerk.locator(f"[data-target='{target}']").first.check()


async def moves(page: Page, selector: str) -> None:
    """Wait until the picture in this video goes on."""
    await page.wait_for_function(
        """(selector) => {
            const video = document.querySelector(selector);
            if (!video?.videoWidth) return false;
            const frames = video.getVideoPlaybackQuality().totalVideoFrames;
            const before = (window.moved ??= new Map());
            if (!before.has(selector)) before.set(selector, frames);
            return frames > before.get(selector) + 3;
        }""",
        arg=selector,
        timeout=20_000,
    )
    await page.evaluate("() => { delete window.moved; }")


@pytest.mark.parametrize("language", ["中文", "English"])
async def test_a_visit_is_passed_on_to_a_named_clerk_by_keyboard(
    tmp_path: Path, language: str
) -> None:
    async with three(tmp_path) as at:
        if language == "English":
            await at.clerk.get_by_text("English").click()
            await at.colleague.get_by_text("English").click()
        await at.clerk.fill("#notes", "asks for the certificate")
        await at.clerk.locator("#mute").focus()
        await at.clerk.keyboard.press("t")
        await expect(at.clerk.locator(".targets")).to_contain_text(
            "Liu Fang" if language == "English" else "刘芳"
        )
        assert await violations(at.clerk) == []
        await at.clerk.fill("#transfer-search", "刘芳")
        await at.clerk.locator("[data-target='jiaxing2']").first.check()
        await at.clerk.click("#transfer-rest")
        await expect(at.clerk.locator("#window-state")).to_have_attribute("data-state", "break")
        offer = at.colleague.locator(".offer")
        await expect(offer).to_contain_text(at.ticket)
        await expect(offer).to_contain_text(
            "to you by name" if language == "English" else "指名转接给您"
        )
        assert await violations(at.colleague) == []
        await at.colleague.keyboard.press("a")
        await asyncio.gather(sees_far(at.kiosk), sees_far(at.colleague))
        await expect(at.colleague.locator("#notes")).to_have_value("asks for the certificate")
        await expect(at.kiosk.locator(".who")).to_contain_text("刘芳")


async def test_while_clerks_consult_the_resident_hears_nothing_and_then_both_and_then_the_new_one(
    tmp_path: Path,
) -> None:
    async with three(tmp_path) as at:
        first = await listen(at.kiosk, "#far", MEASURED_CLERK.band or MIDDLE)
        await choose(at.clerk, "刘芳", "jiaxing2")
        await at.clerk.keyboard.press("Enter")
        await expect(at.clerk.locator(".consult")).to_contain_text("正在呼叫 刘芳")
        await expect(at.colleague.locator(".offer")).to_contain_text("张伟民 请您会商")
        await at.colleague.keyboard.press("a")
        await expect(at.kiosk.locator(".held")).to_be_visible()
        held_s = await _now_s(at.kiosk)
        assert await violations(at.kiosk) == []
        await asyncio.gather(moves(at.clerk, "#beside"), moves(at.colleague, "#beside"))
        await expect(at.clerk.locator(".stage .held")).to_be_visible()
        await expect(at.colleague.locator("#notes")).to_have_attribute("readonly", "")
        await expect(at.colleague.locator("#end")).to_be_disabled()
        for page in (at.clerk, at.colleague):
            assert await violations(page) == []
        await at.kiosk.wait_for_timeout(HOLD_S * 1000)
        until_s = await _now_s(at.kiosk)
        heard = await first.taken()
        silent = (held_s + ON_THE_WAY_S, until_s)
        assert heard.sounds.longest_silence_s(*silent) > 0.95 * (silent[1] - silent[0])
        assert heard.pictures.rate_hz(*silent) == 0

        second = await listen(at.kiosk, "#far", MIDDLE)
        await at.clerk.keyboard.press("w")
        await expect(at.kiosk.locator(".held")).to_be_hidden()
        await asyncio.gather(
            sees_far(at.kiosk),
            sees_far(at.clerk),
            sees_far(at.colleague),
            moves(at.clerk, "#beside"),
            moves(at.colleague, "#beside"),
        )
        await expect(at.clerk.locator(".colleague")).to_contain_text("刘芳")
        await expect(at.colleague.locator(".colleague")).to_contain_text("张伟民")
        await expect(at.kiosk.locator(".who")).to_contain_text("刘芳 也在通话中")

        await at.clerk.keyboard.press("h")
        await at.clerk.click("#hand-over-ready")
        await expect(at.clerk.locator("#window-state")).to_have_attribute("data-state", "ready")
        passed_s = await _now_s(at.kiosk)
        await expect(at.kiosk.locator(".who")).to_contain_text("刘芳")
        await asyncio.gather(sees_far(at.kiosk), sees_far(at.colleague))
        await at.kiosk.wait_for_timeout(4000)
        ended_s = await _now_s(at.kiosk)
        now = await second.taken()
        assert now.pictures.back_after_s(passed_s) < ended_s - passed_s
        assert now.sounds.longest_silence_s(ended_s - 2, ended_s - 0.5) < chirps.PERIOD_S
        await expect(at.colleague.locator("#end")).to_be_enabled()
        await at.colleague.keyboard.press("e")
        await at.colleague.click("#end-yes")
        await at.colleague.select_option("#outcome", "completed")
        await at.colleague.click("#close-ready")
        await expect(at.colleague.locator("#window-state")).to_have_attribute("data-state", "ready")


async def test_a_consult_is_taken_back_left_and_ended(tmp_path: Path) -> None:
    async with three(tmp_path) as at:
        await choose(at.clerk, "刘芳", "jiaxing2")
        await at.clerk.click("#transfer-ask")
        await expect(at.colleague.locator(".offer")).to_be_visible()
        await expect(at.clerk.locator(".consult")).to_be_visible()  # the key is there with it
        await at.clerk.keyboard.press("c")
        await expect(at.colleague.locator(".offer")).to_be_hidden()
        await expect(at.clerk.locator(".consult")).to_be_hidden()

        await choose(at.clerk, "刘芳", "jiaxing2")
        await at.clerk.click("#transfer-ask")
        await at.colleague.click("#accept")
        await moves(at.clerk, "#beside")
        await expect(at.colleague.locator(".consult")).to_be_visible()
        await at.colleague.keyboard.press("c")
        await at.colleague.click("#consult-end-yes")
        await asyncio.gather(sees_far(at.kiosk), sees_far(at.clerk))
        await expect(at.kiosk.locator(".held")).to_be_hidden()

        await choose(at.clerk, "刘芳", "jiaxing2")
        await at.clerk.click("#transfer-ask")
        await expect(at.colleague.locator("#accept")).to_be_focused()
        await at.colleague.keyboard.press("x")
        await at.colleague.keyboard.press("1")
        await at.colleague.click("#decline-yes")
        await expect(at.colleague.locator("#window-state")).to_have_attribute("data-state", "break")
        await expect(at.clerk.locator(".consult")).to_contain_text("等待应答")


async def _now_s(page: Page) -> float:
    return float(await page.evaluate("() => (performance.timeOrigin + performance.now()) / 1000"))
