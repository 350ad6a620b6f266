"""The supervisor finds a recorded call and sees both parties in step; the admin lets kiosks in."""

from pathlib import Path

from playwright.async_api import Page, expect

from deploy import demo_world
from tests.journeys.test_kiosk_screens import violations
from tests.support.browser import CLERK_SIZE, context_of, open_kiosk
from tests.support.visit import visit_in_call

IN_STEP_MS = 80  # of 40 aimed at: what two reads of a running clock and a 15 Hz picture allow

_PLACES = """() => [...document.querySelectorAll(
    "video[data-party=resident], video[data-party=clerk]")].map((video) => ({
    party: video.dataset.party, at: video.currentTime, width: video.videoWidth,
    paused: video.paused, seeking: video.seeking, shown: !video.hidden,
}))"""


async def sign_in(page: Page, url: str, role: str, login: str) -> None:
    await page.goto(f"{url}/{role}")
    await page.fill("#login", login)
    await page.fill("#password", demo_world.PASSWORD)
    await page.click("button[type=submit]")


async def spread_ms(page: Page, starts: dict[str, int]) -> float:
    """How far the two parties are apart on the time line."""
    places = await page.evaluate(_PLACES)
    at = [place["at"] * 1000 + starts[place["party"]] for place in places]
    return abs(at[0] - at[1])


async def settled(page: Page) -> None:
    await page.wait_for_function(
        f"() => ({_PLACES})().filter((v) => v.shown && v.width > 0 && !v.seeking).length === 2"
    )


async def test_a_recorded_call_is_found_and_played_in_step(tmp_path: Path) -> None:
    async with visit_in_call(tmp_path) as visit:
        await visit.clerk.fill("#notes", "转诊材料齐全")
        await visit.clerk.wait_for_timeout(7000)  # the call itself
        await visit.clerk.click("#end")
        await visit.clerk.click("#end-yes")
        await visit.clerk.select_option("#outcome", "completed")
        await visit.clerk.click("#close-ready")
        record = await visit.service.sealed_record(visit.folder.name)
        starts = {s["party"]: s["start_ms"] for s in record["segments"]}
        browser = visit.clerk.context.browser
        assert browser is not None
        page = await (await context_of(browser, CLERK_SIZE)).new_page()
        await sign_in(page, visit.service.url, "supervisor", "jiaxing-supervisor")

        await expect(page.locator("[data-visit]")).to_have_count(1)
        await page.fill("#search", "没有这样的办事")
        await expect(page.locator(".visits .empty")).to_be_visible()
        assert await violations(page) == []
        await page.fill("#search", "转诊")
        await expect(page.locator("[data-visit]")).to_have_count(1)
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await settled(page)
        assert await violations(page) == []

        await page.keyboard.press("Home")
        await page.locator(".record h1").click()
        await page.keyboard.press("k")
        await page.wait_for_function(
            f"() => ({_PLACES})().filter((v) => !v.paused && v.at > 2.5).length === 2"
        )
        spreads = []
        for _ in range(10):
            await page.wait_for_timeout(100)
            spreads.append(await spread_ms(page, starts))
        assert sorted(spreads)[5] < IN_STEP_MS, spreads
        await page.keyboard.press("k")
        for wanted_ms in (5000, 1000, 3000):
            await page.evaluate(
                """(at) => {
                    const seek = document.querySelector("#seek");
                    seek.value = at;
                    seek.dispatchEvent(new Event("input"));
                }""",
                wanted_ms,
            )
            await page.wait_for_function(
                f"""([at, starts]) => ({_PLACES})().every((v) =>
                    v.paused && !v.seeking && Math.abs(v.at * 1000 + starts[v.party] - at) < 40)""",
                arg=[wanted_ms, starts],
            )
            assert await spread_ms(page, starts) < 40
        await page.locator(".marks button").first.click()

        await page.click("#verify")
        await expect(page.locator(".note.good")).to_contain_text("核验通过")
        path = visit.folder / "clerk-001.webm"
        altered = bytearray(path.read_bytes())
        altered[len(altered) // 2] ^= 1
        path.write_bytes(altered)
        await page.click("#verify")
        await expect(page.locator(".note.bad")).to_contain_text("clerk-001.webm")
        assert await violations(page) == []

        await page.reload()
        await expect(page.locator(".record h1")).to_contain_text(visit.ticket)
        other = await (await context_of(browser, CLERK_SIZE)).new_page()
        await sign_in(other, visit.service.url, "supervisor", "hefei-supervisor")
        await expect(other.locator(".visits .empty")).to_be_visible()


async def test_an_admin_makes_a_code_and_suspends_a_kiosk(tmp_path: Path) -> None:
    async with visit_in_call(tmp_path) as visit:
        browser = visit.clerk.context.browser
        assert browser is not None
        context = await context_of(browser, CLERK_SIZE)
        page = await context.new_page()
        await sign_in(page, visit.service.url, "admin", "songjiang-admin")
        await expect(page.locator("tbody tr")).to_have_count(1)
        assert await violations(page) == []
        await page.click("#new-code")
        await page.select_option("#site", "hefei-hall")
        await page.click("#make-code")
        code = await page.locator("#code").text_content()
        assert code
        assert await violations(page) == []
        await page.keyboard.press("Escape")
        kiosk = await open_kiosk(context, visit.service.url, code)
        await expect(kiosk.locator("#bar")).to_contain_text("合肥")
        await expect(page.locator("tbody tr")).to_have_count(2, timeout=10_000)
        await page.locator("tbody tr").nth(1).get_by_role("button").click()
        await page.click("#confirm")
        await expect(page.locator("tbody tr").nth(1)).to_contain_text("已停用")
        await kiosk.reload()
        await expect(kiosk.locator("h1")).to_have_text("本终端已停用")
        answer = await page.evaluate(
            "fetch('/api/sessions/token', {method: 'POST'}).then((r) => r.json())"
        )
        assert answer["account"]["role"] == "admin"
