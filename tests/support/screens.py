"""Pictures of the main pages for docs/screens/: `make screens`, in both languages."""

import asyncio
import sys
import tempfile
from datetime import datetime
from pathlib import Path

from playwright.async_api import BrowserContext, Page, expect

from deploy import demo_world
from scheduling.duty import LOCAL
from signaling.client import Api
from tests.support import desk_screens
from tests.support.browser import (
    CLERK_SIZE,
    KIOSK_SIZE,
    browsing,
    context_of,
    open_clerk,
    open_kiosk,
    sees_far,
    take_ticket,
)
from tests.support.camera import Camera
from tests.support.likeness import CLERK, RESIDENT
from tests.support.service import ServiceProcess

CHECK_MS = 20_000
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
            await out_of_hours(camera, kiosk, service)
            await with_an_appointment(camera, kiosk, service)
            await in_line(camera, kiosk)
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
            visit = next(service.settings.recordings.glob("*/*/*")).name
            await service.measured_record(visit, "resident", "clerk")
            await in_the_call(camera, kiosk, clerk, supervisor)
            await camera.both(kiosk, "kiosk-rating")
            await camera.both(clerk, "clerk-wrap-up")
            await kiosk.click("[data-rating='5']")
            await kiosk.click("#rate")
            await clerk.select_option("#outcome", "completed")
            await clerk.click("#close-ready")
            await service.sealed_record(visit)
            await supervisor.click("#view-recorded")
            await expect(supervisor.locator("[data-visit]")).to_have_count(1)
            await camera.both(supervisor, "supervisor")
            await supervisor.locator("[data-visit]").first.click()
            await supervisor.wait_for_timeout(2500)
            await camera.both(supervisor, "supervisor-record")
            admin = await signed_in(await context_of(at_desk, CLERK_SIZE), service, "admin")
            await admin.wait_for_timeout(1500)
            await camera.both(admin, "admin")
            await sections(camera, admin)
        await desk_screens.take(camera, tmp)


async def sections(camera: Camera, admin: Page) -> None:
    """What an admin sets, with something changed and not saved, and how the day goes."""
    await admin.click("#view-queues")
    await admin.select_option("#city", "330400")
    for name in ("queues", "rules", "hours", "shifts", "level"):
        await admin.click(f"#view-{name}")
        await admin.wait_for_timeout(1500)
        await camera.both(admin, f"admin-{name}")
    await admin.click("#view-skills")
    await admin.locator("[data-cell]").first.click()
    await admin.locator("[data-cell]").nth(2).click()
    await camera.both(admin, "admin-skills")
    await camera.both(admin, "admin-preview", dialog="#save-skills")


async def in_line(camera: Camera, kiosk: Page) -> None:
    """A visit of the own city, which another may take; then the resident comes back later."""
    await take_ticket(kiosk, "失业登记", "JY-01", "310117")
    await expect(kiosk.locator("#other-city")).to_be_visible()
    await camera.both(kiosk, "kiosk-elsewhere")
    ticket = str(await kiosk.locator(".ticket .number").text_content())
    code = str(await kiosk.locator(".ticket .ticket-code").text_content())
    await kiosk.click("#later")
    await kiosk.fill("#phone", "13812345678")
    await camera.both(kiosk, "kiosk-later")
    await kiosk.click("#go-away")
    await expect(kiosk.locator("#written")).to_be_visible()
    await camera.both(kiosk, "kiosk-kept")
    await kiosk.click("#written")
    await kiosk.click("#have-ticket")
    await kiosk.fill("#ticket-number", ticket)
    await kiosk.click("#next")
    await kiosk.fill("#ticket-code", "222222")
    await kiosk.click("#next")
    await expect(kiosk.locator("[role=alert]")).to_be_visible()
    await camera.both(kiosk, "kiosk-come-back")
    await kiosk.click("#next")
    await kiosk.fill("#ticket-code", code)
    await kiosk.click("#next")
    await kiosk.click("#leave")
    await kiosk.click("#confirm")
    await expect(kiosk.locator(".tiles")).to_be_visible()


async def with_an_appointment(camera: Camera, kiosk: Page, service: ServiceProcess) -> None:
    """A half hour booked in a city with office hours, found, and cancelled."""
    async with Api(service.url) as admin:
        await admin.sign_in("hangzhou-admin", demo_world.PASSWORD)
        morning, afternoon = ("09:00", "11:30"), ("13:30", "17:00")
        office = [{"opens": begin, "closes": end} for begin, end in (morning, afternoon)]
        week = [office] * 5 + [[], []]
        await admin.call("PUT", "/api/cities/330100/hours", {"week": week, "holidays": []})
    await kiosk.click("#books")
    await kiosk.fill("#search", "失业登记")
    await kiosk.click("[data-matter='JY-01']")
    await kiosk.click("[data-city='330100']")
    await kiosk.click("#book")
    await expect(kiosk.locator(".days")).not_to_be_empty()
    day, slot = kiosk.locator("[data-day]:enabled").nth(2), kiosk.locator("[data-slot]:enabled")
    await day.click()
    await slot.first.click()
    await camera.both(kiosk, "kiosk-slots")
    await expect(kiosk.locator(".days")).not_to_be_empty()
    await day.click()
    await slot.first.click()
    await kiosk.click("#choose")
    await camera.both(kiosk, "kiosk-contact")
    await kiosk.click("#book-it")
    await camera.both(kiosk, "kiosk-booked")
    code = str(await kiosk.locator(".appointment-code").text_content())
    await kiosk.click("#written")
    await kiosk.click("#have-appointment")
    await kiosk.fill("#appointment-code", code)
    await kiosk.click("#find")
    await expect(kiosk.locator("#cancel")).to_be_visible()
    await camera.both(kiosk, "kiosk-appointment")
    await kiosk.click("#cancel")
    await kiosk.click("#confirm")
    await kiosk.click("#done")
    await expect(kiosk.locator(".tiles")).to_be_visible()


async def out_of_hours(camera: Camera, kiosk: Page, service: ServiceProcess) -> None:
    """A city that is closed today."""
    async with Api(service.url) as admin:
        await admin.sign_in("jiaxing-admin", demo_world.PASSWORD)
        day = f"/api/cities/330400/special-days/{datetime.now(LOCAL).date()}"
        reason = {"reason_zh": "系统升级", "reason_en": "An upgrade of our system"}
        await admin.call("PUT", day, {"hours": [], **reason})
        await kiosk.fill("#search", "失业登记")
        await kiosk.click("[data-matter='JY-01']")
        await kiosk.click("[data-city='330400']")
        await camera.both(kiosk, "kiosk-closed")
        await admin.call("DELETE", day)
    await kiosk.click("#back")
    await kiosk.fill("#search", "")


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
    await camera.both(kiosk, "kiosk-claim")
    await kiosk.click("[data-claim='elderly']")
    await camera.both(kiosk, "kiosk-tongue")
    await kiosk.click("[data-wish='wuu']")
    microphone = kiosk.locator("[data-device='microphone']")
    await expect(microphone).to_have_attribute("data-verdict", "silent", timeout=CHECK_MS)
    await camera.both(kiosk, "kiosk-check")
    await kiosk.evaluate("() => window.switchOn()")
    await microphone.locator("[data-act='again']").click()
    await expect(kiosk.locator(".ticket .number")).not_to_be_empty(timeout=CHECK_MS)
    await camera.both(kiosk, "kiosk-ticket")


async def in_the_call(camera: Camera, kiosk: Page, clerk: Page, supervisor: Page) -> None:
    """Both talk, a supervisor listens, a screen is shared, the recording pauses; then the end."""
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
