"""Two pages at one shared desk: what one side does, the other side has at the same place."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route, expect

from signaling.client import Api
from tests.signaling.parties import accepted, clerk, resident, ticket
from tests.support.browser import browsing, uncaught
from tests.support.service import ServiceProcess

JIAXING = "330400"
A4 = {"id": "page-1", "width": 2480, "height": 3508}
PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="2480" height="3508">'
    '<rect width="2480" height="3508" fill="white"/>'
    '<text x="300" y="500" font-size="150">不动产权证书</text>'
    '<rect x="300" y="700" width="1880" height="2400" fill="none" stroke="black"/></svg>'
)
# The desk alone, as a page puts it together.
BARE = """<!doctype html><html><head>
<link rel="stylesheet" href="/static/kit/tokens.css">
<link rel="stylesheet" href="/static/kit/shared_desk.css">
<style>html, body { margin: 0; height: 100%; font-family: sans-serif }</style></head><body>
<script type="module">
import { Line } from "/static/kit/line.js";
import { SharedDesk } from "/static/kit/shared_desk.js";
const line = new Line(() => window.ticket());
const call = () => line.state.call.id;
const desk = new SharedDesk({
  change: (change) => line.command("change_desk", { call: call(), change }),
  gesture: (made) => line.gesture(call(), made),
  picture: (page) => `/bare/${page.id}`,
  name: (party) => (party === "resident" ? "办事人" : "窗口人员"),
  title: (page) => page.id,
});
line.addEventListener("state", (event) => desk.show(event.detail.call));
line.addEventListener("gesture", (event) => desk.hear(event.detail));
document.body.append(desk.node);
line.open();
window.desk = desk;
</script></body></html>"""


@dataclass
class Side:
    """One party's page with the desk on it."""

    page: Page

    async def load(self) -> None:
        """The bare page, anew."""
        await self.page.reload()
        await self.page.set_content(BARE)
        await self.page.wait_for_function("window.desk?.desk")

    async def has(self, expression: str) -> None:
        """Wait until this is so of the desk."""
        await self.page.wait_for_function(f"desk => {expression}", arg=await self.desk())

    async def look(self, expression: str) -> Any:
        return await self.page.evaluate(f"desk => {expression}", await self.desk())

    async def desk(self) -> Any:
        return await self.page.evaluate_handle("window.desk")

    async def at(self, x: float, y: float) -> tuple[float, float]:
        """Where on this screen a place of the page is."""
        found = await self.page.evaluate(
            """async ([desk, x, y]) => {
                const { onScreen } = await import("/static/kit/desk_geometry.js");
                return onScreen(desk.matrix(desk.page), desk.page, { x, y });
            }""",
            [await self.desk(), x, y],
        )
        return found["x"], found["y"]

    async def draw(self, *places: tuple[float, float]) -> None:
        """With the mouse, through these places of the page."""
        await self.page.mouse.move(*await self.at(*places[0]))
        await self.page.mouse.down()
        for place in places[1:]:
            await self.page.mouse.move(*await self.at(*place), steps=4)
        await self.page.mouse.up()


async def side(browser: Browser, api: Api, url: str, width: int, height: int) -> Side:
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        bypass_csp=True,  # the script of the bare page stands in it
    )
    context.on("weberror", lambda error: uncaught.append(str(error.error)))

    async def picture(route: Route) -> None:
        await route.fulfill(body=PICTURE, content_type="image/svg+xml")

    await context.route("**/bare/*", picture)
    page = await context.new_page()
    await page.expose_function("ticket", lambda: ticket(api))
    await page.goto(f"{url}/healthz")
    made = Side(page)
    await made.load()
    return made


@contextlib.asynccontextmanager
async def two_sides(folder: Path) -> AsyncIterator[tuple[Side, Side]]:
    """The resident upright, the clerk lying, with a page that the clerk has opened."""
    async with (
        ServiceProcess(folder / "data") as service,
        resident(service) as at_kiosk,
        clerk(service, "jiaxing1") as at_desk,
        browsing(folder, None) as (browser,),
    ):
        await accepted(at_kiosk, at_desk, JIAXING)
        here = await side(browser, at_kiosk.api, service.url, 1080, 1920)
        there = await side(browser, at_desk.api, service.url, 1440, 900)
        await there.look(f"desk.change({{ change: 'open_page', page: {A4} }})")
        for each in (here, there):
            await each.has("desk.page?.id === 'page-1'")
            await expect(each.page.get_by_role("img", name="page-1")).to_be_visible()
        yield here, there


async def test_both_sides_point_draw_and_zoom_at_the_same_places(tmp_path: Path) -> None:
    async with two_sides(tmp_path) as (kiosk, desk):
        await desk.page.mouse.move(*await desk.at(0.25, 0.75))
        await kiosk.has("Math.abs(desk.pointers.get('clerk')?.x - 0.25) < 0.002")
        await kiosk.has("Math.abs(desk.pointers.get('clerk')?.y - 0.75) < 0.002")

        await kiosk.look("desk.tool = 'pen'")
        await kiosk.draw((0.2, 0.3), (0.6, 0.3), (0.6, 0.5))
        await desk.has("desk.desk.marks.length === 1 && !desk.growing.size")
        (mark,) = await desk.look("desk.desk.marks")
        assert mark["author"] == "resident"
        assert mark["places"] == pytest.approx([0.2, 0.3, 0.6, 0.3, 0.6, 0.5], abs=0.002)
        await kiosk.has("!desk.waiting.size")

        await desk.page.mouse.move(*await desk.at(0.5, 0.5))
        await desk.page.mouse.wheel(0, -120)
        await desk.page.mouse.wheel(0, -120)
        await kiosk.has("desk.desk.zoom.width === 0.64")
        assert await kiosk.look("desk.zoom") == await desk.look("desk.zoom")
        await desk.page.locator(".shared-desk").press("r")
        await kiosk.has("desk.desk.rotation === 90")
        x, y = await kiosk.at(0.4, 0.4)
        await kiosk.page.mouse.move(x, y)
        await kiosk.look("desk.tool = 'point'")
        await kiosk.page.mouse.move(x, y + 1)
        await desk.has("Math.abs(desk.pointers.get('resident')?.x - 0.4) < 0.003")

        await kiosk.load()
        assert await kiosk.look("desk.desk.marks.length") == 1
        assert await kiosk.look("desk.zoom") == await desk.look("desk.zoom")
        await kiosk.page.locator(".shared-desk").press("Control+z")
        await desk.has("desk.desk.marks.length === 0")


async def test_a_stroke_is_seen_while_it_grows_and_a_pointer_is_gone_with_the_mouse(
    tmp_path: Path,
) -> None:
    async with two_sides(tmp_path) as (kiosk, desk):
        await desk.look("desk.tool = 'highlight'")
        await desk.page.mouse.move(*await desk.at(0.2, 0.2))
        await kiosk.has("desk.pointers.size === 0")
        await desk.page.mouse.down()
        await desk.page.mouse.move(*await desk.at(0.7, 0.2), steps=5)
        await kiosk.has("desk.growing.get('clerk')?.places.length >= 4")
        assert await kiosk.look("desk.desk.marks.length") == 0
        await desk.page.keyboard.press("Escape")
        await desk.page.mouse.up()
        assert await desk.look("desk.desk.marks.length") == 0
        await desk.look("desk.tool = 'point'")
        await desk.page.mouse.move(*await desk.at(0.5, 0.5))
        await kiosk.has("desk.pointers.size === 1")
