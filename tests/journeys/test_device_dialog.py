"""The clerk chooses devices: what is remembered, what happens when one is gone, what is heard."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from deploy.bench import chromium
from tests.journeys.test_kiosk_screens import violations
from tests.support.browser import CLERK_SIZE, be_ready, context_of, open_clerk, sees_far
from tests.support.service import ServiceProcess
from tests.support.visit import visit_in_call

FAKE_DEVICES = "--use-fake-device-for-media-stream"
OWN = "document.querySelector('#own').srcObject"


@contextlib.asynccontextmanager
async def browser_with_cameras(count: int) -> AsyncIterator[Browser]:
    """A Chromium in which so many fake cameras are plugged in."""
    arguments = [a for a in chromium.ARGUMENTS if a != FAKE_DEVICES]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium.PATH,
            args=[*arguments, f"{FAKE_DEVICES}=device-count={count}"],
        )
        try:
            yield browser
        finally:
            await browser.close()


async def clerk_page(browser: Browser, service: ServiceProcess, storage: Any = None) -> Page:
    """A clerk signed in, off duty; `storage` is what an earlier browser remembered."""
    context = await context_of(browser, CLERK_SIZE)
    if storage is not None:
        await context.add_init_script(
            f"if (!localStorage.length) localStorage.setItem('vw-devices', {storage!r})"
        )
    return await open_clerk(context, service.url, "jiaxing1")


async def own_label(clerk: Page, kind: str) -> str:
    """The device that the clerk's own stream comes from, once it is open."""
    of_kind = f"{OWN}?.getTracks().find((track) => track.kind === '{kind}')"
    await clerk.wait_for_function(f"() => {of_kind}?.readyState === 'live'")
    return str(await clerk.evaluate(f"{of_kind}.label"))


async def shows_level(page: Page, meter: str) -> None:
    await page.wait_for_function(
        "(meter) => Number(document.querySelector(meter)?.getAttribute('aria-valuenow')) > 3",
        arg=meter,
    )


async def test_the_dialog_opens_by_key_before_duty_and_closes_the_camera_again(
    tmp_path: Path,
) -> None:
    async with ServiceProcess(tmp_path / "data") as service, browser_with_cameras(2) as browser:
        clerk = await clerk_page(browser, service)
        await clerk.keyboard.press("d")
        await expect(clerk.locator("#videoinput option")).to_have_count(3)
        await expect(clerk.locator("#audiooutput option")).to_have_count(3)
        await clerk.wait_for_function(
            "() => document.querySelector('.device-dialog video').videoWidth > 0"
        )
        await shows_level(clerk, "#dialog-level")
        await clerk.click("#tone")
        await expect(clerk.locator(".device-dialog [role=status]")).to_be_hidden()
        await clerk.evaluate(f"() => {{ window.before = {OWN}; }}")
        await clerk.keyboard.press("Escape")
        await expect(clerk.locator(".device-dialog")).to_be_hidden()
        await clerk.wait_for_function(
            "() => window.before.getTracks().every((track) => track.readyState === 'ended')"
        )


async def test_a_choice_is_remembered_and_used_when_on_duty(tmp_path: Path) -> None:
    async with ServiceProcess(tmp_path / "data") as service, browser_with_cameras(2) as browser:
        clerk = await clerk_page(browser, service)
        await clerk.click("#devices")
        await clerk.select_option("#videoinput", label="fake_device_1")
        await clerk.select_option("#audioinput", label="Fake Audio Input 2")
        await clerk.select_option("#audiooutput", label="Fake Audio Output 1")
        await clerk.uncheck("#cleaning")
        await clerk.click("#devices-close")
        await clerk.reload()
        await be_ready(clerk)
        assert await own_label(clerk, "video") == "fake_device_1"
        assert await own_label(clerk, "audio") == "Fake Audio Input 2"
        settings = f"{OWN}.getAudioTracks()[0].getSettings()"
        assert await clerk.evaluate(f"{settings}.echoCancellation") is False
        assert await clerk.evaluate(f"{settings}.noiseSuppression") is False
        await clerk.click("#devices")
        await expect(clerk.locator("#cleaning")).not_to_be_checked()
        chosen = await clerk.eval_on_selector("#audiooutput", "(s) => [s.value, s.selectedIndex]")
        assert chosen[1] > 0
        assert await clerk.evaluate("document.querySelector('#far').sinkId") == chosen[0]
        await clerk.check("#cleaning")
        await clerk.wait_for_function(f"() => {settings}?.echoCancellation === true")


async def test_a_chosen_camera_is_known_by_its_name_and_its_loss_is_told(tmp_path: Path) -> None:
    async with ServiceProcess(tmp_path / "data") as service:
        async with browser_with_cameras(2) as browser:
            clerk = await clerk_page(browser, service)
            await clerk.click("#devices")
            await clerk.select_option("#videoinput", label="fake_device_1")
            remembered = await clerk.evaluate("localStorage.getItem('vw-devices')")
        async with browser_with_cameras(2) as browser:  # another profile: other ids
            clerk = await clerk_page(browser, service, remembered)
            await clerk.click("#devices")
            await clerk.wait_for_function(
                f"() => {OWN}?.getVideoTracks()[0]?.label === 'fake_device_1'"
            )
            await expect(clerk.locator(".told")).to_be_hidden()
        async with browser_with_cameras(1) as browser:
            clerk = await clerk_page(browser, service, remembered)
            await clerk.click("#devices")
            await expect(clerk.locator(".told")).to_contain_text("fake_device_1")
            assert await own_label(clerk, "video") == "fake_device_0"
            await expect(clerk.locator(".device-dialog [role=status]")).to_contain_text("不见了")
            await clerk.select_option("#videoinput", label="fake_device_0")
            await expect(clerk.locator(".device-dialog [role=status]")).to_be_hidden()


async def test_a_muted_clerk_stays_muted_when_the_microphone_goes_and_comes_back(
    tmp_path: Path,
) -> None:
    async with ServiceProcess(tmp_path / "data") as service, browser_with_cameras(1) as browser:
        clerk = await clerk_page(browser, service)
        await be_ready(clerk)
        await clerk.click("#devices")
        await clerk.select_option("#audioinput", label="Fake Audio Input 2")
        await clerk.wait_for_function(
            f"() => {OWN}?.getAudioTracks()[0]?.label === 'Fake Audio Input 2'"
        )
        await clerk.click("#devices-close")
        await clerk.click("#mute")
        audio = f"{OWN}.getAudioTracks()[0]"
        assert await clerk.evaluate(f"{audio}.enabled") is False
        # The browser's own list without that microphone, as when it is unplugged.
        await clerk.evaluate(
            """() => {
                const devices = navigator.mediaDevices;
                const all = devices.enumerateDevices.bind(devices);
                devices.enumerateDevices = async () =>
                    (await all()).filter((device) => device.label !== "Fake Audio Input 2");
                const track = document.querySelector("#own").srcObject.getAudioTracks()[0];
                track.stop();
                devices.dispatchEvent(new Event("devicechange"));
                window.plugIn = () => {
                    delete devices.enumerateDevices;
                    devices.dispatchEvent(new Event("devicechange"));
                };
            }"""
        )
        await expect(clerk.locator(".told")).to_contain_text("Fake Audio Input 2")
        assert await own_label(clerk, "audio") == "Fake Default Audio Input"
        assert await clerk.evaluate(f"{audio}.enabled") is False
        await expect(clerk.locator("#mute")).to_have_attribute("aria-pressed", "true")
        await clerk.evaluate("window.plugIn()")
        await expect(clerk.locator(".told")).to_be_hidden()
        await clerk.wait_for_function(
            f"() => {OWN}?.getAudioTracks()[0]?.label === 'Fake Audio Input 2'"
        )
        assert await clerk.evaluate(f"{audio}.enabled") is False
        await clerk.click("#mute")
        assert await clerk.evaluate(f"{audio}.enabled") is True


async def test_in_a_call_both_sides_see_levels_and_a_change_of_camera_keeps_the_call(
    tmp_path: Path,
) -> None:
    async with visit_in_call(tmp_path) as visit:
        await shows_level(visit.clerk, "#level")
        await shows_level(visit.clerk, "#far-level")
        await shows_level(visit.kiosk, ".own-level .meter")
        await visit.clerk.keyboard.press("d")
        await visit.clerk.uncheck("#cleaning")
        await visit.clerk.click("#devices-close")
        await sees_far(visit.kiosk)
        await shows_level(visit.clerk, "#level")
        await visit.clerk.click("#mute")
        await expect(visit.clerk.locator("#level")).to_have_attribute("aria-valuenow", "0")


@pytest.mark.parametrize("language", ["中文", "English"])
async def test_the_dialog_passes_axe(tmp_path: Path, language: str) -> None:
    async with ServiceProcess(tmp_path / "data") as service, browser_with_cameras(2) as browser:
        clerk = await clerk_page(browser, service)
        if language == "English":
            await clerk.get_by_role("button", name="English").click()
        await be_ready(clerk)
        await clerk.click("#mute")
        await clerk.click("#devices")
        await expect(clerk.locator("#videoinput option")).to_have_count(3)
        assert await violations(clerk) == []
