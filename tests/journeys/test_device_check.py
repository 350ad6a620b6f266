"""Before the ticket: what the kiosk says when camera, microphone or loudspeaker fail, in a real
Chromium whose devices are missing, forbidden, covered or silent.
"""

import contextlib
import time
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from deploy.bench import chromium
from tests.journeys.test_kiosk_screens import violations
from tests.support.browser import KIOSK_SIZE, browsing, context_of, open_kiosk
from tests.support.likeness import HEIGHT, RATE_HZ, RESIDENT, WIDTH, Likeness, write_wav, write_y4m
from tests.support.service import ServiceProcess

FAKE_DEVICES = "--use-fake-device-for-media-stream"
FAKE_CONSENT = "--use-fake-ui-for-media-stream"
VERDICT_MS = 15_000
PASSES_WITHIN_S = 5.0  # 3 s on a free machine: 1 s of it shows that everything works


def camera_file(path: Path) -> str:
    return f"--use-file-for-fake-video-capture={path}"


def microphone_file(path: Path) -> str:
    return f"--use-file-for-fake-audio-capture={path}"


def black_picture(path: Path) -> Path:
    """Two seconds of what a camera sees under its cap: black with a little noise."""
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{RATE_HZ}:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(2 * RATE_HZ):
            luma = bytes(16 + (point * 7 + number) % 3 for point in range(WIDTH * HEIGHT))
            file.write(b"FRAME\n" + luma + b"\x80" * (WIDTH * HEIGHT // 2))
    return path


def still_picture(path: Path) -> Path:
    """The first picture of the resident's camera, over and over."""
    moving = path.with_suffix(".moving")
    write_y4m(moving, RESIDENT)
    header, _, rest = moving.read_bytes().partition(b"\n")
    frame = rest[: len(b"FRAME\n") + WIDTH * HEIGHT * 3 // 2]
    path.write_bytes(header + b"\n" + frame * RATE_HZ)
    return path


def silence(path: Path) -> Path:
    """Two seconds in which every sample is nothing."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(b"\x00\x00" * 96_000)
    return path


@contextlib.asynccontextmanager
async def kiosk_with(
    tmp_path: Path, *arguments: str, without: tuple[str, ...] = ()
) -> AsyncIterator[Page]:
    """A kiosk on its welcome screen, in a Chromium with these arguments and without those."""
    uncaught: list[str] = []
    async with ServiceProcess(tmp_path / "data") as service, async_playwright() as playwright:
        chosen = [a for a in chromium.ARGUMENTS if a not in without] + list(arguments)
        browser = await playwright.chromium.launch(executable_path=chromium.PATH, args=chosen)
        try:
            context = await context_of(browser, KIOSK_SIZE)
            context.on("weberror", lambda error: uncaught.append(str(error.error)))
            yield await open_kiosk(context, service.url, await service.enrolment_code())
        finally:
            await browser.close()
    assert uncaught == []


async def to_the_check(kiosk: Page) -> None:
    """From the welcome screen to the check."""
    await kiosk.fill("#search", "失业登记")
    await kiosk.click("[data-matter='JY-01']")
    await kiosk.click("[data-city='330400']")
    await kiosk.locator(".matter .actions .primary").click()
    await kiosk.click("#agree")
    await kiosk.click("#skip")
    await expect(kiosk.locator("body")).to_have_attribute("data-screen", "check")


async def has(kiosk: Page, device: str, verdict: str) -> None:
    await expect(kiosk.locator(f"[data-device='{device}']")).to_have_attribute(
        "data-verdict", verdict, timeout=VERDICT_MS
    )


async def press(kiosk: Page, device: str, act: str) -> None:
    await kiosk.click(f"[data-device='{device}'] [data-act='{act}']")


async def has_ticket(kiosk: Page) -> None:
    await expect(kiosk.locator(".ticket .number")).not_to_be_empty(timeout=VERDICT_MS)


async def test_working_devices_pass_by_themselves_and_open_once(tmp_path: Path) -> None:
    async with (
        ServiceProcess(tmp_path / "data") as service,
        browsing(tmp_path, RESIDENT) as (browser,),
    ):
        context = await context_of(browser, KIOSK_SIZE)
        await context.add_init_script(
            """
            window.cameras = 0;
            const devices = navigator.mediaDevices;
            const open = devices?.getUserMedia.bind(devices); // an empty page has no devices
            if (open) devices.getUserMedia = (wanted) => {
                if (wanted.video) window.cameras += 1;
                return open(wanted);
            };
            """
        )
        kiosk = await open_kiosk(context, service.url, await service.enrolment_code())
        await to_the_check(kiosk)
        began = time.monotonic()
        await expect(kiosk.locator("#all-works")).to_be_visible(timeout=VERDICT_MS)
        for device in ("camera", "microphone", "loudspeaker"):
            await has(kiosk, device, "works")
        await has_ticket(kiosk)
        assert time.monotonic() - began < PASSES_WITHIN_S
        await kiosk.wait_for_function("() => document.querySelector('#own').videoWidth > 0")
        assert await kiosk.evaluate("window.cameras") == 1
        own = "document.querySelector('#own').srcObject.getTracks().map((t) => t.readyState)"
        assert await kiosk.evaluate(own) == ["live", "live"]


async def test_a_covered_camera_is_named_and_the_resident_goes_on_with_it(tmp_path: Path) -> None:
    write_wav(tmp_path / "resident.wav", RESIDENT)
    async with kiosk_with(
        tmp_path,
        camera_file(black_picture(tmp_path / "black.y4m")),
        microphone_file(tmp_path / "resident.wav"),
    ) as kiosk:
        await to_the_check(kiosk)
        await has(kiosk, "camera", "covered")
        await has(kiosk, "microphone", "works")
        await has(kiosk, "loudspeaker", "works")
        await expect(kiosk.locator("[data-device='camera'] .words")).to_contain_text("挡住")
        await press(kiosk, "camera", "again")
        await has(kiosk, "camera", "checking")
        await has(kiosk, "camera", "covered")
        await press(kiosk, "camera", "help")
        await expect(kiosk.locator("#dialog")).to_be_visible()
        await kiosk.keyboard.press("Escape")
        await press(kiosk, "camera", "without")
        await has_ticket(kiosk)
        kinds = "document.querySelector('#own').srcObject.getTracks().map((t) => t.kind).sort()"
        assert await kiosk.evaluate(kinds) == ["audio", "video"]


async def test_a_frozen_camera_is_named(tmp_path: Path) -> None:
    still = still_picture(tmp_path / "still.y4m")
    async with kiosk_with(tmp_path, camera_file(still)) as kiosk:
        await to_the_check(kiosk)
        await has(kiosk, "camera", "frozen")


async def test_a_silent_microphone_is_named_and_the_resident_answers_for_the_loudspeaker(
    tmp_path: Path,
) -> None:
    async with kiosk_with(tmp_path, microphone_file(silence(tmp_path / "silence.wav"))) as kiosk:
        await to_the_check(kiosk)
        await has(kiosk, "loudspeaker", "asking")
        await has(kiosk, "microphone", "silent")
        await press(kiosk, "loudspeaker", "unheard")
        await has(kiosk, "loudspeaker", "unheard")
        await press(kiosk, "loudspeaker", "again")
        await has(kiosk, "loudspeaker", "asking")
        await kiosk.focus("[data-device='loudspeaker'] [data-act='heard']")
        await kiosk.keyboard.press("Enter")
        await has(kiosk, "loudspeaker", "works")
        assert await kiosk.evaluate("document.activeElement.tagName") == "H2"
        await has(kiosk, "camera", "works")
        await press(kiosk, "microphone", "without")
        await has_ticket(kiosk)


async def test_a_microphone_that_hears_people_but_not_the_tone_leaves_the_loudspeaker_unproved(
    tmp_path: Path,
) -> None:
    write_wav(tmp_path / "voice.wav", Likeness("voice", 0, 0, 1100))
    async with kiosk_with(tmp_path, microphone_file(tmp_path / "voice.wav")) as kiosk:
        await to_the_check(kiosk)
        await has(kiosk, "microphone", "works")
        await has(kiosk, "loudspeaker", "asking")
        await has_ticket(kiosk)  # unanswered it goes on by itself


async def test_a_kiosk_without_any_device_says_so_and_still_gives_a_ticket(tmp_path: Path) -> None:
    async with kiosk_with(tmp_path, without=(FAKE_DEVICES,)) as kiosk:
        await to_the_check(kiosk)
        await has(kiosk, "camera", "absent")
        await has(kiosk, "microphone", "absent")
        await expect(kiosk.locator("[data-device='camera'] .words")).to_contain_text("没有找到")
        await press(kiosk, "camera", "without")
        await press(kiosk, "microphone", "without")
        await press(kiosk, "loudspeaker", "unheard")
        await press(kiosk, "loudspeaker", "without")
        await has_ticket(kiosk)


async def test_forbidden_devices_are_told_from_missing_ones(tmp_path: Path) -> None:
    async with kiosk_with(tmp_path, without=(FAKE_CONSENT,)) as kiosk:
        await to_the_check(kiosk)
        await has(kiosk, "camera", "denied")
        await has(kiosk, "microphone", "denied")
        await kiosk.context.grant_permissions(["camera", "microphone"])
        await press(kiosk, "camera", "again")
        await has(kiosk, "camera", "works")
        await press(kiosk, "microphone", "again")
        await has(kiosk, "microphone", "works")


async def test_going_back_closes_the_camera_and_another_check_begins_anew(tmp_path: Path) -> None:
    async with kiosk_with(tmp_path, microphone_file(silence(tmp_path / "silence.wav"))) as kiosk:
        await to_the_check(kiosk)
        await has(kiosk, "camera", "works")
        video = await kiosk.query_selector("[data-device='camera'] video")
        assert video
        await kiosk.evaluate("(video) => { window.before = video.srcObject; }", video)
        await kiosk.locator("#bar button").first.click()
        await expect(kiosk.locator("#skip")).to_be_visible()
        states = await kiosk.evaluate("window.before.getTracks().map((track) => track.readyState)")
        assert states == ["ended", "ended"]
        await kiosk.click("#skip")
        await has(kiosk, "camera", "works")


async def test_a_kiosk_left_at_the_check_closes_the_camera_and_wipes_the_visit(
    tmp_path: Path,
) -> None:
    async with kiosk_with(tmp_path, microphone_file(silence(tmp_path / "silence.wav"))) as first:
        kiosk = await first.context.new_page()
        await kiosk.clock.install()
        await kiosk.goto(first.url)
        await to_the_check(kiosk)
        await has(kiosk, "camera", "works")
        await kiosk.evaluate("() => { window.before = document.querySelector('video').srcObject; }")
        await kiosk.clock.fast_forward(65_000)
        await expect(kiosk.locator("#stay")).to_be_visible()
        await kiosk.clock.fast_forward(30_000)
        await expect(kiosk.locator(".wiped")).to_be_visible()
        states = await kiosk.evaluate("window.before.getTracks().map((track) => track.readyState)")
        assert states == ["ended", "ended"]


@pytest.mark.parametrize("language", ["zh_CN", "English"])
async def test_the_check_in_trouble_passes_axe_and_keeps_its_verdicts_in_the_other_language(
    tmp_path: Path, language: str
) -> None:
    async with kiosk_with(
        tmp_path,
        camera_file(black_picture(tmp_path / "black.y4m")),
        microphone_file(silence(tmp_path / "silence.wav")),
    ) as kiosk:
        await to_the_check(kiosk)
        await has(kiosk, "camera", "covered")
        await has(kiosk, "microphone", "silent")
        await press(kiosk, "loudspeaker", "unheard")
        if language == "English":
            await kiosk.get_by_role("button", name="English").click()
            await expect(kiosk.locator("h1")).to_have_text("A quick check of the devices")
        await has(kiosk, "camera", "covered")
        await has(kiosk, "loudspeaker", "unheard")
        assert await violations(kiosk) == []
        small = await kiosk.evaluate(
            """() => [...document.querySelectorAll(".check button")]
                .map((b) => b.getBoundingClientRect()).filter((r) => r.height < 64).length"""
        )
        assert small == 0
        size = await kiosk.evaluate(
            "parseFloat(getComputedStyle(document.querySelector('.check .words')).fontSize)"
        )
        assert size >= 24
