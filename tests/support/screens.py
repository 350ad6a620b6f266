"""Pictures of the main pages for docs/screens/: `make screens`, in both languages."""

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import BrowserContext, Page, expect

from deploy import demo_world
from tests.support import desk_screens
from tests.support.browser import (
    CLERK_SIZE,
    KIOSK_SIZE,
    browsing,
    context_of,
    open_clerk,
    open_kiosk,
    sees_far,
)
from tests.support.camera import Camera
from tests.support.likeness import CLERK, RESIDENT
from tests.support.service import ServiceProcess

CHECK_MS = 20_000
MEASURED_MS = 11_000  # two looks of both browsers, five seconds apart
# A microphone that is switched off, until `window.switchOn()`.
_SWITCH_OFF = """() => {
    const devices = navigator.mediaDevices;
    const open = devices.getUserMedia.bind(devices);
    devices.getUserMedia = async (wanted) => {
        const stream = await open(wanted);
        for (const track of stream.getAudioTracks()) {
            stream.removeTrack(track);
            track.stop();
            const silent = new MediaStreamAudioDestinationNode(new AudioContext());
            stream.addTrack(silent.stream.getAudioTracks()[0]);
        }
        return stream;
    };
    window.switchOn = () => delete devices.getUserMedia;
}"""


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
            desk = await context_of(at_desk, CLERK_SIZE)
            clerk = await open_clerk(desk, service.url, "jiaxing1")
            await to_the_ticket(camera, kiosk)
            await camera.both(clerk, "clerk-line")
            await camera.both(clerk, "clerk-devices", dialog="#devices")
            await clerk.click("#ready")
            await expect(clerk.locator("#accept")).to_be_visible()
            await camera.both(clerk, "clerk-offer")
            await clerk.click("#accept")
            await asyncio.gather(sees_far(kiosk), sees_far(clerk))
            office = await context_of(at_desk, CLERK_SIZE)
            supervisor = await signed_in(office, service, "supervisor")
            await in_the_call(camera, kiosk, clerk, supervisor)
            await camera.both(kiosk, "kiosk-rating")
            await camera.both(clerk, "clerk-wrap-up")
            await kiosk.click("[data-rating='5']")
            await kiosk.click("#rate")
            await clerk.select_option("#outcome", "completed")
            await clerk.click("#close-ready")
            await service.sealed_record(
                next(service.settings.recordings.glob("*/*/*/manifest.json")).parent.name
            )
            await supervisor.click("#view-recorded")
            await expect(supervisor.locator("[data-visit]")).to_have_count(1)
            await camera.both(supervisor, "supervisor")
            await supervisor.locator("[data-visit]").first.click()
            await supervisor.wait_for_timeout(2500)
            await camera.both(supervisor, "supervisor-record")
            admin = await signed_in(await context_of(at_desk, CLERK_SIZE), service, "admin")
            await admin.wait_for_timeout(1500)
            await camera.both(admin, "admin")
        await desk_screens.take(camera, tmp)


async def to_the_ticket(camera: Camera, kiosk: Page) -> None:
    """From the welcome screen to the ticket, with a microphone that is off at first."""
    await expect(kiosk.locator(".tiles")).to_be_visible()
    await camera.both(kiosk, "kiosk-welcome")
    await kiosk.fill("#search", "fzgh")
    await kiosk.click("[data-matter='BD-02']")
    await kiosk.click("[data-city='330400']")
    await camera.both(kiosk, "kiosk-matter")
    await kiosk.click("[data-city='330400']")
    await kiosk.locator(".matter .actions .primary").click()
    await camera.both(kiosk, "kiosk-notice")
    await kiosk.evaluate(_SWITCH_OFF)
    await kiosk.click("#agree")
    microphone = kiosk.locator("[data-device='microphone']")
    await expect(microphone).to_have_attribute("data-verdict", "silent", timeout=CHECK_MS)
    await camera.both(kiosk, "kiosk-check")
    await kiosk.evaluate("() => window.switchOn()")
    await microphone.locator("[data-act='again']").click()
    await expect(kiosk.locator(".ticket .number")).not_to_be_empty(timeout=CHECK_MS)
    await camera.both(kiosk, "kiosk-ticket")


async def in_the_call(camera: Camera, kiosk: Page, clerk: Page, supervisor: Page) -> None:
    """Both talk, a supervisor listens, a screen is shared, the recording pauses; then the end."""
    await clerk.wait_for_timeout(MEASURED_MS)
    await camera.both(kiosk, "kiosk-call")
    await camera.both(clerk, "clerk-call")
    await supervisor.click("#view-live")
    await supervisor.locator("[data-call]").click()
    await supervisor.click("#part-whisper")
    await supervisor.wait_for_timeout(3000)
    await camera.both(supervisor, "supervisor-live")
    await supervisor.click("#part-leave")
    await clerk.click("#share")
    await kiosk.wait_for_timeout(3000)
    await camera.both(clerk, "clerk-sharing")
    await camera.both(kiosk, "kiosk-sharing")
    await clerk.click("#share")
    await clerk.click("#record")
    await clerk.wait_for_timeout(3000)
    await camera.both(clerk, "clerk-paused")
    await clerk.click("#record")
    await clerk.wait_for_timeout(3000)
    await clerk.click("#end")
    await clerk.click("#end-yes")


async def signed_in(context: BrowserContext, service: ServiceProcess, role: str) -> Page:
    """The page of this role of the lead city."""
    page = await context.new_page()
    await page.goto(f"{service.url}/{role}")
    await page.fill("#login", f"songjiang-{role}")
    await page.fill("#password", demo_world.PASSWORD)
    await page.click("button[type=submit]")
    await expect(page.locator("#who")).to_be_visible()
    return page


if __name__ == "__main__":
    asyncio.run(take(Path(sys.argv[1])))
