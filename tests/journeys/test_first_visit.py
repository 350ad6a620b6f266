"""From the kiosk's welcome screen to the rating, in two real browsers, and what was recorded."""

import asyncio
import re
from pathlib import Path

from playwright.async_api import expect

from deploy.verify import verify
from media.records import manifest as manifests
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
from tests.support.cluster import Arranged
from tests.support.likeness import CLERK, RESIDENT, recognise

TALK_S = 6.0
CODECS = re.compile(r"libav(codec|format|filter)|libvpx|libopus|libx264|libaom|libdav1d")


async def test_a_resident_is_served_by_a_clerk_in_another_city_and_the_call_is_recorded(
    tmp_path: Path, arranged: Arranged
) -> None:
    service = arranged.at_desk
    async with browsing(tmp_path, RESIDENT, CLERK) as (at_kiosk, at_desk):
        kiosk = await open_kiosk(
            await context_of(at_kiosk, KIOSK_SIZE),
            arranged.at_kiosk.url,
            await arranged.at_kiosk.enrolment_code(),
        )
        clerk = await open_clerk(await context_of(at_desk, CLERK_SIZE), service.url, "jiaxing1")
        await be_ready(clerk)

        ticket = await take_ticket(kiosk, "ydjy", "YB-01", "330400")
        await expect(clerk.locator(".offer")).to_contain_text("跨省异地就医备案")
        await expect(clerk.locator(".offer")).to_contain_text("嘉兴市")
        await expect(clerk.locator(".offer")).to_contain_text("松江社区事务受理服务中心")
        await clerk.click("#accept")
        await asyncio.gather(sees_far(kiosk), sees_far(clerk))
        await expect(kiosk.locator(".call .who")).to_contain_text("嘉兴市")
        await expect(kiosk.locator(".call .recording")).to_be_visible()

        await clerk.locator(".checklist input").first.check()
        await clerk.fill("#notes", "材料已核对")
        await expect(clerk.get_by_text("已保存")).to_be_visible()
        await asyncio.sleep(TALK_S)  # the call itself
        await kiosk.click("#end")
        await kiosk.click("#confirm")

        await kiosk.click("[data-rating='5']")
        await kiosk.click("#rate")
        await kiosk.click("#finish")
        await expect(kiosk.locator("#search")).to_be_visible()
        assert await kiosk.evaluate("document.body.innerText.includes('YB-01')") is False

        await expect(clerk.locator("#window-state")).to_have_attribute("data-state", "wrap_up")
        await clerk.select_option("#outcome", "completed")
        await clerk.click("#close-ready")
        await expect(clerk.locator("#window-state")).to_have_attribute("data-state", "ready")

        folder = next((service.settings.recordings / "330400").glob("*/*"))
        record = await service.sealed_record(folder.name)
        assert record["visit"]["ticket"] == ticket
        assert record["visit"]["outcome"] == "completed"
        assert record["visit"]["rating"] == 5
        assert record["notes"] == "材料已核对"
        assert len(record["checked"]) == 1
        happened = [event["event"] for event in record["events"]]
        assert happened[:3] == ["ticket_taken", "offer", "accept"]
        assert {"resident_sees_clerk", "clerk_sees_resident", "end", "rated", "close"} <= set(
            happened
        )
        maps = Path(f"/proc/{service.pid}/maps").read_text()
        assert not CODECS.search(maps), "a codec library is loaded in the server"

    report = verify(folder)
    assert report.verified, report.findings
    manifest = manifests.read(folder)
    assert manifest.call_started_at is not None
    assert manifest.call_ended_at is not None
    call_s = (manifest.call_ended_at - manifest.call_started_at).total_seconds()
    assert call_s >= TALK_S
    for likeness in (RESIDENT, CLERK):
        (segment,) = [s for s in manifest.segments if s.party == likeness.name]
        seen = recognise(folder / segment.file)
        assert seen.picture_of == {likeness.name}
        assert seen.tones == {likeness.name}
        assert abs(segment.duration_ms / 1000 - call_s) < 1.0
        assert abs(seen.video_s - call_s) < 1.0
        assert abs(seen.audio_s - call_s) < 1.0
        steps = [(b - a) % 150 for a, b in zip(seen.counters, seen.counters[1:], strict=False)]
        assert all(0 <= step <= 15 for step in steps), "the moving clock runs forward"
        assert len(set(seen.counters)) > call_s * 5
