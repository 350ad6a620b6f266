"""A supervisor in a running call of two real browsers: listens, whispers, joins, leaves."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

from playwright.async_api import Page, expect

from tests.journeys.test_kiosk_screens import violations
from tests.journeys.test_supervisor import sign_in
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
from tests.support.likeness import CLERK, RESIDENT
from tests.support.service import ServiceProcess

SUPERVISOR = replace(CLERK, name="supervisor", tone_hz=1300)
WAIT_MS = 20_000
SOUND_PACKETS = 40  # of 50 a second
SILENCE_S = 3.0

_KEEP_PEERS = """
window.peers = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...given) { super(...given); window.peers.push(this); }
};
"""
# What has arrived on the connection that is open: by kind and slot, counted over its streams.
_ARRIVED = """async () => {
    const found = {};
    for (const peer of window.peers.filter((p) => p.connectionState === "connected"))
        for (const s of (await peer.getStats()).values())
            if (s.type === "inbound-rtp") {
                const key = `${s.kind} ${Math.floor(s.mid / 3)}`;
                found[key] ??= {packets: 0, frames: 0, energy: 0};
                found[key].packets += s.packetsReceived;
                found[key].frames += s.framesDecoded ?? 0;
                found[key].energy += s.totalAudioEnergy ?? 0;
            }
    return found;
}"""
# The colour of a party's picture, as blue minus red of the middle.
_BLUENESS = """(party) => {
    const video = document.querySelector(`video[data-live=${party}]`);
    const canvas = new OffscreenCanvas(1, 1).getContext("2d");
    canvas.drawImage(video, video.videoWidth / 2, video.videoHeight * 0.4, 1, 1, 0, 0, 1, 1);
    const [red, , blue] = canvas.getImageData(0, 0, 1, 1).data;
    return blue - red;
}"""


@dataclass(frozen=True)
class LiveCall:
    """Resident and clerk talk; the supervisor's page shows the list of live calls."""

    service: ServiceProcess
    kiosk: Page
    clerk: Page
    supervisor: Page
    ticket: str

    async def both_go_on(self) -> None:
        """Both parties see and hear each other, on the connection that they had from the start."""
        for page in (self.kiosk, self.clerk):
            await grows(page, "video 0", "frames", 5)
            await grows(page, "audio 0", "energy", 0)
            open_peers = "window.peers.filter((p) => p.connectionState !== 'closed').length"
            assert await page.evaluate(open_peers) == 1
            assert await page.evaluate("window.before === window.peers.at(-1)")


@contextlib.asynccontextmanager
async def live_call(tmp_path: Path) -> AsyncIterator[LiveCall]:
    async with (
        ServiceProcess(tmp_path / "data") as service,
        browsing(tmp_path, RESIDENT, CLERK, SUPERVISOR) as browsers,
    ):
        sizes = (KIOSK_SIZE, CLERK_SIZE, CLERK_SIZE)
        contexts = [await context_of(b, s) for b, s in zip(browsers, sizes, strict=True)]
        for context in contexts:
            await context.add_init_script(_KEEP_PEERS)
        kiosk = await open_kiosk(contexts[0], service.url, await service.enrolment_code())
        clerk = await open_clerk(contexts[1], service.url, "jiaxing1")
        supervisor = await contexts[2].new_page()
        await sign_in(supervisor, service.url, "supervisor", "jiaxing-supervisor")
        await supervisor.click("#view-live")
        await expect(supervisor.locator(".list [role=status]")).to_contain_text("没有")
        assert await violations(supervisor) == []
        await be_ready(clerk)
        ticket = await take_ticket(kiosk, "异地就医", "YB-01", "330400")
        await clerk.click("#accept")
        await asyncio.gather(sees_far(kiosk), sees_far(clerk))
        for page in (kiosk, clerk):
            await page.evaluate("window.before = window.peers.at(-1)")
        yield LiveCall(service, kiosk, clerk, supervisor, ticket)


async def arrived(page: Page, what: str, measure: str) -> float:
    found = await page.evaluate(_ARRIVED)
    return float(found.get(what, {}).get(measure, 0))


async def grows(page: Page, what: str, measure: str, by: float) -> None:
    """Wait until more than this has arrived from now on."""
    before = await arrived(page, what, measure)
    async with asyncio.timeout(WAIT_MS / 1000):
        while await arrived(page, what, measure) <= before + by:
            await asyncio.sleep(0.1)


async def hears_and_sees_both(page: Page) -> None:
    """Sound and picture of resident and clerk, each under its own name."""
    for slot, party in enumerate(("resident", "clerk")):
        await grows(page, f"video {slot}", "frames", 5)
        await grows(page, f"audio {slot}", "energy", 0)
        await page.wait_for_function(
            f"() => document.querySelector('video[data-live={party}]').videoWidth > 0"
        )
    assert await page.evaluate(_BLUENESS, "resident") < 0
    assert await page.evaluate(_BLUENESS, "clerk") > 0


async def microphone_is_open(page: Page) -> bool:
    sends = "window.peers.some((p) => p.getSenders().some((s) => s.track?.readyState === 'live'))"
    return bool(await page.evaluate(sends))


async def test_a_supervisor_listens_whispers_and_leaves_while_the_call_goes_on(
    tmp_path: Path,
) -> None:
    async with live_call(tmp_path) as call:
        page = call.supervisor
        row = page.locator("[data-call]")
        await expect(row).to_contain_text(call.ticket)
        await expect(row).to_contain_text("嘉兴市")
        await expect(row).to_contain_text("正在录像")
        await expect(row).to_contain_text("办事人:已接通")
        await row.press("Enter")
        await expect(page.locator(".heard")).to_contain_text("没有人听到您")

        await page.click("#part-listen")
        await hears_and_sees_both(page)
        await expect(page.locator(".heard")).to_contain_text("您听到双方。没有人听到您")
        assert not await microphone_is_open(page)
        assert await violations(page) == []
        await call.both_go_on()

        await page.keyboard.press("w")
        await grows(call.clerk, "audio 1", "packets", SOUND_PACKETS)
        await grows(call.clerk, "audio 1", "energy", 0)
        await expect(page.locator(".heard")).to_contain_text("只有窗口人员听到您")
        await hears_and_sees_both(page)
        await grows(call.clerk, "audio 1", "packets", SILENCE_S * SOUND_PACKETS)
        assert await arrived(call.kiosk, "audio 1", "packets") == 0
        await call.both_go_on()

        await page.get_by_role("button", name="English").click()
        await expect(page.locator(".heard")).to_contain_text("Only the clerk hears you.")
        await grows(call.clerk, "audio 1", "packets", SOUND_PACKETS)
        assert await violations(page) == []
        await page.get_by_role("button", name="中文").click()

        await page.click("#part-listen")
        await expect(page.locator(".heard")).to_contain_text("没有人听到您")
        assert not await microphone_is_open(page)
        heard = await arrived(call.clerk, "audio 1", "packets")
        await hears_and_sees_both(page)
        await page.keyboard.press("e")
        await expect(page.locator(".heard")).to_contain_text("您不在这通通话中")
        await page.wait_for_function(
            "() => window.peers.every((p) => p.connectionState === 'closed')"
        )
        await call.both_go_on()
        assert await arrived(call.clerk, "audio 1", "packets") - heard < SOUND_PACKETS

        await call.clerk.click("#end")
        await call.clerk.click("#end-yes")
        await expect(page.locator(".list [role=status]")).to_contain_text("没有")
        await expect(page.locator("#part-listen")).to_be_disabled()
        visit = next((call.service.settings.recordings / "330400").glob("*/*")).name
        record = await call.service.sealed_record(visit)
        assert {s["party"] for s in record["segments"]} == {"resident", "clerk"}
        assert len(record["segments"]) == 2


async def test_without_a_microphone_nobody_is_whispered_to_and_words_say_so(
    tmp_path: Path,
) -> None:
    async with live_call(tmp_path) as call:
        page = call.supervisor
        await page.locator("[data-call]").click()
        await page.evaluate(
            """() => {
                navigator.mediaDevices.getUserMedia = () =>
                    Promise.reject(new DOMException("", "NotAllowedError"));
            }"""
        )
        await page.click("#part-whisper")
        await expect(page.locator(".live .note.bad")).to_contain_text("您的麦克风打不开")
        await expect(page.locator(".heard")).to_contain_text("您不在这通通话中")
        assert await violations(page) == []
        await page.click("#part-listen")
        await hears_and_sees_both(page)
        await expect(page.locator(".live .note.bad")).to_be_hidden()
        await page.click("#part-whisper")
        await expect(page.locator(".live .note.bad")).to_be_visible()
        await expect(page.locator(".heard")).to_contain_text("没有人听到您")
        await call.both_go_on()


async def test_a_supervisor_who_joins_is_heard_by_both_and_recorded_from_then_on(
    tmp_path: Path,
) -> None:
    async with live_call(tmp_path) as call:
        page = call.supervisor
        await page.locator("[data-call]").click()
        await page.keyboard.press("l")
        await hears_and_sees_both(page)
        await page.keyboard.press("j")
        await expect(page.locator(".heard")).to_contain_text("办事人和窗口人员都听到您")
        for party in (call.kiosk, call.clerk):
            await grows(party, "audio 1", "packets", SILENCE_S * SOUND_PACKETS)
            await grows(party, "audio 1", "energy", 0)
        await hears_and_sees_both(page)
        await call.both_go_on()
        await page.reload()  # a page that is gone is no longer in the call; it may come back
        await expect(page.locator("#part-listen")).to_be_enabled()
        await page.keyboard.press("l")
        await hears_and_sees_both(page)
        await call.both_go_on()
        await call.clerk.click("#end")
        await call.clerk.click("#end-yes")
        await expect(page.locator(".live .row").first).to_contain_text("已经结束")
        visit = next((call.service.settings.recordings / "330400").glob("*/*")).name
        record = await call.service.sealed_record(visit)
        lengths = {s["party"]: s["duration_ms"] for s in record["segments"]}
        assert set(lengths) == {"resident", "clerk", "supervisor"}
        assert lengths["supervisor"] > SILENCE_S * 1000
