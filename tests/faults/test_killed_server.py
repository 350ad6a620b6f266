"""The server is killed in mid-call: what was recorded plays, and the visit goes on."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path

from playwright.async_api import expect

from deploy.verify import verify
from media.records import manifest as manifests
from tests.support.browser import sees_far
from tests.support.likeness import CLERK, RESIDENT, recognise
from tests.support.visit import visit_in_call

TALK_S = 6.0
MOST_LOST_S = 2.0


async def test_a_killed_server_loses_neither_the_recording_nor_the_ticket(tmp_path: Path) -> None:
    async with visit_in_call(tmp_path) as visit:
        await asyncio.sleep(TALK_S)  # the call itself
        killed_at = datetime.now(UTC)
        await visit.service.kill()

        torn = manifests.read(visit.folder)
        for segment in torn.segments:
            assert segment.state == "recording"
            seen = recognise(visit.folder / segment.file)  # as it lies there, before any repair
            assert seen.picture_of == {segment.party}
            lasted_s = (killed_at - segment.started_at).total_seconds()
            assert lasted_s - seen.video_s < MOST_LOST_S
            assert lasted_s - seen.audio_s < MOST_LOST_S

        await visit.service.start()
        await expect(visit.kiosk.locator("body")).to_have_attribute("data-screen", "call")
        await asyncio.gather(
            sees_far(visit.kiosk, timeout_ms=30_000), sees_far(visit.clerk, timeout_ms=30_000)
        )
        await visit.clerk.click("#end")
        await visit.clerk.click("#end-yes")
        await expect(visit.kiosk.locator(".faces")).to_be_visible()

        record = await visit.service.sealed_record(visit.folder.name)
        assert record["visit"]["ticket"] == visit.ticket
        assert [e["event"] for e in record["events"]].count("ticket_taken") == 1
        states = {(s["party"], s["number"]): s["state"] for s in record["segments"]}
        for likeness in (RESIDENT, CLERK):
            assert states[likeness.name, 1] == "recovered"
            assert states[likeness.name, 2] == "complete"
    report = verify(visit.folder)
    assert report.verified, report.findings


async def test_a_ticket_in_line_survives_a_killed_server(tmp_path: Path) -> None:
    from tests.support.browser import (
        KIOSK_SIZE,
        browsing,
        context_of,
        open_kiosk,
        take_ticket,
    )
    from tests.support.service import ServiceProcess

    async with (
        ServiceProcess(tmp_path / "data") as service,
        browsing(tmp_path, RESIDENT) as (browser,),
    ):
        context = await context_of(browser, KIOSK_SIZE)
        kiosk = await open_kiosk(context, service.url, await service.enrolment_code())
        ticket = await take_ticket(kiosk, "失业登记", "JY-01", "330400")
        await service.kill()
        await expect(kiosk.locator("#foot")).to_contain_text("号票仍然保留")
        await service.start()
        await expect(kiosk.locator("#foot")).to_be_empty(timeout=30_000)
        await expect(kiosk.locator(".ticket .number")).to_have_text(ticket)
        started = time.monotonic()
        await kiosk.reload()
        await expect(kiosk.locator(".ticket .number")).to_have_text(ticket)
        assert time.monotonic() - started < 30
