"""How long from the clerk's accept to the first picture on both sides?

Two real browsers on our pages, against the same two browsers connected directly to each other by
the simplest page there is. Cameras are open beforehand in both; rounds are interleaved. What is
timed begins with the press of a button in one page and ends with the later of the two first
decoded remote frames; both pages are on one machine, so their clocks are one.
"""

import asyncio
import contextlib
import logging
import socket
import statistics
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from aiohttp import WSMsgType, web
from playwright.async_api import Browser, Page, async_playwright

from deploy import demo_world
from deploy.bench import chromium
from deploy.bench.report import Figure, figure
from deploy.demo import running
from deploy.settings import Settings

log = logging.getLogger(__name__)

TARGET = 0.5
WARM_S = 2.0  # residents wait longer than their line takes to be warm
_WATCH = """() => {
    window.firstFrame = new Promise((seen) => {
        document.querySelector("#far").requestVideoFrameCallback(() => seen(Date.now()));
    });
}"""
_DIRECT_PAGE = """<!doctype html><video id="far" autoplay playsinline></video><script type="module">
const stream = await navigator.mediaDevices.getUserMedia({
  audio: true, video: { width: { ideal: 1280 }, height: { ideal: 720 } },
});
const socket = new WebSocket(`ws://${location.host}/relay`);
const peer = new RTCPeerConnection();
const tell = (message) => socket.send(JSON.stringify(message));
peer.ontrack = ({ streams }) => { document.querySelector("#far").srcObject = streams[0]; };
peer.onicecandidate = ({ candidate }) => {
  if (candidate?.address === "127.0.0.1") tell({ candidate });
};
for (const track of stream.getTracks()) peer.addTrack(track, stream);
const describe = async () => {
  await peer.setLocalDescription();
  tell({ description: peer.localDescription });
};
socket.onmessage = async ({ data }) => {
  const { candidate, description } = JSON.parse(data);
  if (candidate) await peer.addIceCandidate(candidate);
  if (description) {
    await peer.setRemoteDescription(description);
    if (description.type === "offer") await describe();
  }
};
socket.onopen = () => { window.call = describe; };
</script>"""


async def accept_to_picture_vs_direct(rounds: int = 20) -> list[Figure]:
    """The median ratio; `rounds` of each, interleaved, after one of each that is not counted."""
    ours: list[float] = []
    direct: list[float] = []
    with tempfile.TemporaryDirectory(prefix="virtual-window-bench-") as folder:
        settings = replace(
            Settings(), port=_free(), media_port=_free(), data=Path(folder), ring_s=60.0
        )
        async with (
            running(settings) as code,
            _relay() as relay_url,
            _two_browsers() as (first, second),
        ):
            kiosk, clerk = await _our_pages(settings, code, first, second)
            for number in range(rounds + 1):
                ours_ms = await _one_visit(kiosk, clerk)
                direct_ms = await _one_direct(relay_url, first, second)
                log.info("round %d: ours %.0f ms, direct %.0f ms", number, ours_ms, direct_ms)
                if number:
                    ours.append(ours_ms)
                    direct.append(direct_ms)
    median, bound = statistics.median(ours), statistics.median(direct)
    return [
        figure("accept_to_picture_vs_direct", median, "ms", baseline=bound, target=TARGET),
        figure("accept_to_picture_slowest", max(ours), "ms", baseline=max(direct)),
    ]


async def _our_pages(
    settings: Settings, code: str, first: Browser, second: Browser
) -> tuple[Page, Page]:
    base = f"http://localhost:{settings.port}"
    kiosk = await (await first.new_context()).new_page()
    await kiosk.goto(f"{base}/kiosk")
    await kiosk.fill("#code", code)
    await kiosk.click("button[type=submit]")
    clerk = await (await second.new_context()).new_page()
    await clerk.goto(f"{base}/clerk")
    await clerk.fill("#login", "jiaxing1")
    await clerk.fill("#password", demo_world.PASSWORD)
    await clerk.click("button[type=submit]")
    await clerk.click("#ready")
    return kiosk, clerk


async def _one_visit(kiosk: Page, clerk: Page) -> float:
    await kiosk.fill("#search", "失业登记")
    await kiosk.click("[data-matter='JY-01']")
    await kiosk.click("[data-city='330400']")
    await kiosk.locator(".matter .actions .primary").click()
    await kiosk.click("#agree")
    await kiosk.click("#skip")
    await clerk.wait_for_selector("#accept")
    for page in (kiosk, clerk):
        await page.wait_for_function("() => document.querySelector('#own').videoWidth > 0")
        await page.evaluate(_WATCH)
    await asyncio.sleep(WARM_S)
    pressed = await clerk.evaluate(
        "() => { const at = Date.now(); document.querySelector('#accept').click(); return at; }"
    )
    seen = await _both_see(kiosk, clerk)
    await clerk.click("#end")
    await clerk.click("#end-yes")
    await clerk.select_option("#outcome", "completed")
    await clerk.click("#close-ready")
    await kiosk.click("#skip")
    await kiosk.wait_for_selector(".tiles")
    return seen - float(pressed)


async def _one_direct(url: str, first: Browser, second: Browser) -> float:
    contexts = [await browser.new_context() for browser in (first, second)]
    try:
        pages = [await context.new_page() for context in contexts]
        for page in pages:
            await page.goto(url)
            await page.wait_for_function("() => window.call")
            await page.evaluate(_WATCH)
        pressed = await pages[0].evaluate("() => { const at = Date.now(); call(); return at; }")
        return await _both_see(*pages) - float(pressed)
    finally:
        for context in contexts:
            await context.close()


async def _both_see(*pages: Page) -> float:
    async with asyncio.timeout(30):
        frames = (page.evaluate("() => window.firstFrame") for page in pages)
        return float(max(await asyncio.gather(*frames)))


@contextlib.asynccontextmanager
async def _two_browsers() -> AsyncIterator[tuple[Browser, Browser]]:
    async with async_playwright() as playwright:
        browsers = [
            await playwright.chromium.launch(executable_path=chromium.PATH, args=chromium.ARGUMENTS)
            for _ in range(2)
        ]
        try:
            yield browsers[0], browsers[1]
        finally:
            for browser in browsers:
                await browser.close()


@contextlib.asynccontextmanager
async def _relay() -> AsyncIterator[str]:
    """A page and a WebSocket that hands every message to the other page; nothing else."""
    sockets: set[web.WebSocketResponse] = set()

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=_DIRECT_PAGE, content_type="text/html")

    async def relay(request: web.Request) -> web.WebSocketResponse:
        own = web.WebSocketResponse()
        await own.prepare(request)
        sockets.add(own)
        async for message in own:
            if message.type is WSMsgType.TEXT:
                for other in sockets - {own}:
                    await other.send_str(message.data)
        sockets.discard(own)
        return own

    app = web.Application()
    app.add_routes([web.get("/", page), web.get("/relay", relay)])
    runner = web.AppRunner(app, shutdown_timeout=1.0, access_log=None)
    await runner.setup()
    port = _free()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://localhost:{port}/"
    finally:
        await runner.cleanup()


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
