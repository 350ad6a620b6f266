"""The admin sets queues, skills, rules, hours and shifts, sees first what changes, and it acts."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

from playwright.async_api import Page, Route, expect

from scheduling.duty import LOCAL
from signaling import protocol
from tests.journeys.test_kiosk_screens import violations
from tests.journeys.test_supervisor import sign_in
from tests.signaling.parties import clerk, person, resident
from tests.support.browser import CLERK_SIZE, browsing, context_of
from tests.support.service import ServiceProcess

JIAXING, HANGZHOU, SONGJIANG = "330400", "330100", "310117"
MEDICAL, HOUSING = f"{JIAXING}-medical-insurance", f"{JIAXING}-housing-fund"
LIVE = "[data-act='live']"


@contextlib.asynccontextmanager
async def admin_page(
    tmp_path: Path, section: str, login: str = "jiaxing-admin"
) -> AsyncIterator[tuple[ServiceProcess, Page]]:
    """A service, and its admin's page with this section open."""
    async with ServiceProcess(tmp_path / "data") as service, browsing(tmp_path, None) as (browser,):
        page = await (await context_of(browser, CLERK_SIZE)).new_page()
        await sign_in(page, service.url, "admin", login)
        await page.click(f"#view-{section}")
        await expect(page.locator(f"#view-{section}")).to_have_attribute("aria-current", "page")
        yield service, page


async def say(page: Page, language: str) -> None:
    await page.get_by_role("button", name=language).click()


# Queues


async def test_a_queue_is_changed_after_a_look_at_what_changes(tmp_path: Path) -> None:
    async with admin_page(tmp_path, "queues") as (service, page):
        await expect(page.locator("tbody tr")).to_have_count(12)
        assert await violations(page) == []
        first = page.locator("tbody tr").first
        await page.locator("th .sort").first.click()  # by letter already: now downwards
        await expect(first).to_contain_text("办不成事")
        await expect(page.locator("th").first).to_have_attribute("aria-sort", "descending")
        await page.fill(".search", "没有这样的队列")
        await expect(page.locator("tbody tr")).to_have_count(0)
        await expect(page.locator(".empty")).to_contain_text("换个词")
        await page.fill(".search", "异地就医")
        await expect(page.locator("tbody tr")).to_have_count(1)
        await page.click(f"[data-queue='{MEDICAL}']")
        assert await violations(page) == []
        await page.fill("[data-field='ring_s']", "15")
        await page.fill("#queue-en", "Health insurance")
        await page.get_by_role("button", name="查看变化").click()
        changes = page.locator("dialog .changes li")
        await expect(changes).to_have_count(2)
        await expect(changes.filter(has_text="呼叫秒数")).to_contain_text("20")
        await expect(changes.filter(has_text="呼叫秒数")).to_contain_text("15")
        assert await violations(page) == []
        await page.click(LIVE)
        await expect(page.locator(".note[role=status]")).to_contain_text("已生效")
        async with person(service, "jiaxing-admin") as api:
            (queue,) = [
                q
                for q in await api.call("GET", f"/api/cities/{JIAXING}/queues")
                if q["id"] == MEDICAL
            ]
        assert (queue["ring_s"], queue["name_en"]) == (15, "Health insurance")


async def test_a_refused_queue_says_so_at_the_field_and_keeps_what_was_typed(
    tmp_path: Path,
) -> None:
    async with admin_page(tmp_path, "queues") as (_, page):
        await page.click("#new-queue")
        await page.fill("#queue-id", "birth")
        await page.fill("#queue-letter", "A")
        await page.fill("#queue-zh", "生育")
        await page.fill("#queue-en", "Births")
        await page.check("#queue-matters [value='YB-03']")
        await page.get_by_role("button", name="查看变化").click()
        await page.click(LIVE)
        letter = page.locator("#queue-letter")
        await expect(letter).to_have_attribute("aria-invalid", "true")
        await expect(letter).to_be_focused()
        wrong = page.locator(".field", has=letter).locator(".wrong")
        await expect(wrong).to_contain_text("大写字母")
        await expect(page.locator("#queue-zh")).to_have_value("生育")
        assert await violations(page) == []
        await page.fill("#queue-letter", "X")
        await page.get_by_role("button", name="查看变化").click()
        await page.click(LIVE)  # the matter is still in another queue
        await expect(page.locator(".field", has=page.locator("#queue-matters"))).to_contain_text(
            "每个事项在本市只属于一个队列"
        )
        await page.keyboard.press("Escape")
        await page.click(f"[data-queue='{MEDICAL}']")
        await page.fill("[data-field='ring_s']", "-3")
        await page.get_by_role("button", name="查看变化").click()
        await expect(page.locator("[data-field='ring_s']")).to_be_focused()


async def test_of_two_admins_the_second_is_told_and_nothing_is_overwritten(
    tmp_path: Path,
) -> None:
    async with admin_page(tmp_path, "queues") as (service, page):
        await page.click(f"[data-queue='{HOUSING}']")
        async with person(service, "songjiang-admin") as lead:
            path = f"/api/cities/{JIAXING}/queues"
            (seen,) = [q for q in await lead.call("GET", path) if q["id"] == HOUSING]
            body = {k: v for k, v in seen.items() if k not in ("id", "city")}
            await lead.call("PUT", f"{path}/{HOUSING}", {**body, "ring_s": 44})
            await page.fill("[data-field='ring_s']", "33")
            await page.get_by_role("button", name="查看变化").click()
            await page.click(LIVE)
            await expect(page.locator("dialog .note.bad")).to_contain_text("另一位管理员")
            await expect(page.locator("[data-field='ring_s']")).to_have_value("33")
            (now,) = [q for q in await lead.call("GET", path) if q["id"] == HOUSING]
            assert now["ring_s"] == 44


async def test_what_cannot_be_read_is_told_with_a_way_to_try_again(tmp_path: Path) -> None:
    async with admin_page(tmp_path, "kiosks") as (_, page):

        async def fail(route: Route) -> None:
            await route.abort()

        await page.route("**/queues", fail)
        await page.click("#view-queues")
        await expect(page.locator(".note.bad")).to_contain_text("连接不上服务器")
        assert await violations(page) == []
        await page.unroute("**/queues")
        await page.get_by_role("button", name="再试一次").click()
        await expect(page.locator("tbody tr")).to_have_count(12)


async def test_a_section_chosen_before_the_cities_are_here_opens_with_them(
    tmp_path: Path,
) -> None:
    async with ServiceProcess(tmp_path / "data") as service, browsing(tmp_path, None) as (browser,):
        page = await (await context_of(browser, CLERK_SIZE)).new_page()
        here = asyncio.Event()

        async def late(route: Route) -> None:
            await here.wait()
            await route.continue_()

        await page.route("**/api/cities", late)
        await sign_in(page, service.url, "admin", "jiaxing-admin")
        await page.click("#view-queues")
        await expect(page.locator("#view-queues")).to_have_attribute("aria-current", "page")
        here.set()
        await expect(page.locator("tbody tr")).to_have_count(12)


# Skills


def cell(page: Page, login: str, queue: str = MEDICAL) -> str:
    return f"[data-cell='{login} {queue}']"


async def test_skills_are_set_by_click_and_keyboard_undone_and_put_live_together(
    tmp_path: Path,
) -> None:
    async with (
        admin_page(tmp_path, "skills") as (service, page),
        resident(service) as at_kiosk,
        clerk(service, "jiaxing-supervisor") as at_desk,
    ):
        await at_desk.step("be_ready")
        waiting = await at_kiosk.take(JIAXING)
        theirs = page.locator(cell(page, "jiaxing-supervisor"))
        await expect(theirs).to_have_attribute("data-level", "none")
        assert await violations(page) == []
        await theirs.click()
        await expect(theirs).to_have_attribute("data-level", "primary")
        await page.keyboard.press("3")
        await expect(theirs).to_have_attribute("data-level", "backup")
        await page.keyboard.press("ArrowRight")
        await expect(page.locator(cell(page, "jiaxing-supervisor", HOUSING))).to_be_focused()
        await page.keyboard.press("1")
        await expect(page.locator(".unsaved")).to_contain_text("2 处更改未保存")
        await page.keyboard.press("Control+z")
        await page.keyboard.press("Control+z")
        await expect(theirs).to_have_attribute("data-level", "primary")
        await expect(page.locator(".unsaved")).to_contain_text("1 处更改未保存")
        await page.click("[data-languages='jiaxing-supervisor']")
        await page.check("dialog [value='csl']")
        await page.get_by_role("button", name="采用").click()
        await page.fill("[data-capacity='jiaxing-supervisor']", "3")
        await page.keyboard.press("Tab")
        assert await violations(page) == []
        await say(page, "English")  # what is not saved stays
        await expect(page.locator(".unsaved")).to_contain_text("3 changes not saved")
        await page.click("#save-skills")
        await expect(page.locator("dialog .changes li")).to_have_count(3)
        assert await violations(page) == []
        await page.click(LIVE)
        await expect(page.locator(".note[role=status]")).to_contain_text("3 changes are live")
        await expect(page.locator(".unsaved")).to_be_hidden()
        assert (await at_desk.rung()).id == waiting.id
        await at_desk.line.command(protocol.Decline, visit=waiting.id)


async def test_leaving_with_unsaved_skills_is_asked_about(tmp_path: Path) -> None:
    async with admin_page(tmp_path, "skills") as (_, page):
        await page.locator(cell(page, "jiaxing1")).click()
        await page.click("#view-queues")
        await expect(page.locator("#leave-yes")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.locator(cell(page, "jiaxing1"))).to_have_class("level changed")
        await page.click("#view-queues")
        await page.click("#leave-yes")
        await expect(page.locator("#new-queue")).to_be_visible()


async def test_two_admins_change_the_same_clerk_and_the_second_sees_both(tmp_path: Path) -> None:
    async with admin_page(tmp_path, "skills") as (service, page):
        await page.locator(cell(page, "jiaxing1")).click()
        async with person(service, "songjiang-admin") as lead:
            path = f"/api/cities/{JIAXING}/skills"
            (seen,) = [s for s in await lead.call("GET", path) if s["clerk"] == "jiaxing1"]
            body = {k: v for k, v in seen.items() if not k.startswith("name")}
            await lead.call("PUT", path, {"clerks": [{**body, "capacity": 5}]})
        await page.click("#save-skills")
        await page.click(LIVE)
        await expect(page.locator("dialog .note.bad")).to_contain_text("另一位管理员")
        await page.keyboard.press("Escape")
        await expect(page.locator("[data-capacity='jiaxing1']")).to_have_value("5")
        await page.click("#save-skills")
        await expect(page.locator("dialog .changes li")).to_have_count(1)
        await page.click(LIVE)
        await expect(page.locator(".note[role=status]")).to_contain_text("已生效")


async def test_skills_are_pasted_from_a_spreadsheet_checked_and_taken_in(tmp_path: Path) -> None:
    async with admin_page(tmp_path, "skills") as (_, page):
        await page.click("#import-skills")
        assert await violations(page) == []
        await page.fill(
            "#paste", f"clerk\tqueue\tlevel\njiaxing1\t{MEDICAL}\t好\nx\t{MEDICAL}\t后备"
        )
        await page.click("#try-import")
        await expect(page.locator("dialog .faults tbody tr")).to_have_count(2)
        await expect(page.locator("dialog .faults")).to_contain_text("主办、协办、后备")
        await expect(page.locator("[data-act='take-in']")).to_be_disabled()
        assert await violations(page) == []
        await page.fill("#paste", f"clerk\tqueue\tlevel\njiaxing1\t{MEDICAL}\t后备")
        await page.click("#try-import")
        await expect(page.locator("dialog .changes li")).to_contain_text("后备")
        await expect(page.locator(cell(page, "jiaxing1"))).not_to_have_attribute(
            "data-level", "backup"
        )
        await page.click("[data-act='take-in']")
        await expect(page.locator(cell(page, "jiaxing1"))).to_have_attribute("data-level", "backup")


# Rules


async def test_a_new_overflow_rule_lists_a_waiting_visit_in_the_other_city(
    tmp_path: Path,
) -> None:
    async with (
        admin_page(tmp_path, "rules") as (service, page),
        resident(service) as at_kiosk,
        clerk(service, "hangzhou1") as helper,
    ):
        await helper.step("be_ready")
        await helper.window("ready")
        waiting = await at_kiosk.take(JIAXING)
        await expect(page.locator("#overflows .empty")).to_be_visible()
        assert await violations(page) == []
        await page.click("#add-overflow")
        await page.select_option("[data-field='queue']", MEDICAL)
        await page.select_option("[data-field='when']", "nobody_on_duty")
        await page.select_option("[data-field='partner']", f"{HANGZHOU}-medical-insurance")
        await expect(page.locator("#overflows dialog .note")).to_have_text(
            "“医疗保障”无人在岗时,办事人也可由杭州市“医疗保障”服务。"
        )
        assert await violations(page) == []
        await page.get_by_role("button", name="采用").click()
        await expect(page.locator(".sentences li")).to_contain_text("未保存")
        await page.click("#save-overflows")
        await expect(page.locator("#overflows dialog .changes li")).to_have_count(1)
        await page.click(LIVE)
        await expect(page.locator("#overflows .note[role=status]")).to_contain_text("已生效")
        assert (await helper.rung()).id == waiting.id
        await helper.line.command(protocol.Decline, visit=waiting.id)


async def test_rules_that_would_form_a_circle_are_refused_in_words(tmp_path: Path) -> None:
    async with admin_page(tmp_path, "rules") as (_, page):
        await page.click("#add-overflow")
        await page.select_option("[data-field='queue']", HOUSING)
        await page.fill("[data-field='threshold']", "240")
        await page.select_option("[data-field='partner']", f"{SONGJIANG}-housing-fund")
        await page.get_by_role("button", name="采用").click()
        await page.click("#save-overflows")
        await page.click(LIVE)
        await expect(page.locator("#overflows dialog .note.bad")).to_contain_text("回环")
        await page.keyboard.press("Escape")
        await expect(page.locator(".sentences li")).to_contain_text("240")


async def test_head_starts_are_minutes_and_not_so_many_that_others_starve(
    tmp_path: Path,
) -> None:
    async with admin_page(tmp_path, "rules") as (service, page):
        elderly = page.locator("[data-field='head_starts_s.elderly']")
        await elderly.fill("900")
        await page.locator("#head-starts button[type=submit]").click()
        await expect(page.locator(".field", has=elderly).locator(".wrong")).to_contain_text("240")
        await elderly.fill("15")
        await page.locator("#head-starts button[type=submit]").click()
        await expect(page.locator("#head-starts .changes li")).to_contain_text("15 分钟")
        await page.click(LIVE)
        await expect(page.locator("#head-starts .note[role=status]")).to_contain_text("已生效")
        async with person(service, "jiaxing-admin") as api:
            starts = await api.call("GET", f"/api/cities/{JIAXING}/head-starts")
        assert starts["elderly"] == 900


async def test_the_lead_city_makes_an_agreement_for_any_city(tmp_path: Path) -> None:
    async with admin_page(tmp_path, "rules", "songjiang-admin") as (service, page):
        await page.select_option("#city", HANGZHOU)
        await expect(page.locator("h1")).to_contain_text("杭州")
        await page.click("#new-agreement")
        await page.select_option("[data-field='partner']", JIAXING)
        await page.select_option("[data-field='kind']", "always")
        await page.fill("[data-field='valid_from']", "2026-12-01")
        await page.fill("[data-field='valid_to']", "2026-11-01")
        await page.check("#agreements dialog [value='YB-01']")
        await page.locator("#agreements dialog button[type=submit]").click()
        await page.click(LIVE)
        wrong = page.locator(".field", has=page.locator("[data-field='valid_to']"))
        await expect(wrong).to_contain_text("不能早于")
        assert await violations(page) == []
        await page.fill("[data-field='valid_to']", "")
        await page.locator("#agreements dialog button[type=submit]").click()
        await page.click(LIVE)
        await expect(page.locator("#agreements .note[role=status]")).to_contain_text("已保存")
        async with person(service, "hangzhou-admin") as api:
            listed = await api.call("GET", f"/api/cities/{HANGZHOU}/agreements")
        assert f"{HANGZHOU}-{JIAXING}-always-2026-12-01" in [one["id"] for one in listed]
        await page.reload()  # section and city stay
        await expect(page.locator("h1")).to_contain_text("杭州")


async def test_an_admin_of_one_city_makes_no_agreement(tmp_path: Path) -> None:
    async with admin_page(tmp_path, "rules") as (_, page):
        await expect(page.locator("#agreements tbody tr")).not_to_have_count(0)
        await expect(page.locator("#new-agreement")).to_have_count(0)
        await expect(page.locator("#city")).to_be_hidden()


# Hours and shifts


async def test_a_city_changes_its_week_and_closes_on_one_day(tmp_path: Path) -> None:
    async with admin_page(tmp_path, "hours") as (service, page):
        monday = page.locator("[data-field='week.monday']")
        await expect(monday).to_have_value("00:00-24:00")
        assert await violations(page) == []
        await monday.fill("nine to five")
        await page.click("#save-hours")
        await expect(page.locator(".field", has=monday).locator(".wrong")).to_contain_text("09:00")
        await monday.fill("9:00-11:30,13:30-13:00")
        await page.click("#save-hours")
        await page.click(LIVE)
        await expect(monday).to_have_attribute("aria-invalid", "true")
        await expect(monday).to_have_value("9:00-11:30,13:30-13:00")
        await monday.fill("9:00-11:30,13:30-17:00")
        await page.click("#save-hours")
        await expect(page.locator("dialog .changes li")).to_contain_text("09:00-11:30, 13:30-17:00")
        await page.click(LIVE)
        await expect(page.locator(".note[role=status]")).to_contain_text("已生效")
        today = datetime.now(LOCAL).date()
        await page.click("#new-special-day")
        assert await violations(page) == []
        await page.fill("[data-field='day']", str(today))
        await page.fill("[data-field='reason_zh']", "系统维护")
        await page.fill("[data-field='reason_en']", "Maintenance")
        await page.get_by_role("dialog").locator("button[type=submit]").click()
        await page.click(LIVE)
        await expect(page.locator("tbody tr")).to_contain_text("系统维护")
        async with person(service, "jiaxing1") as api:
            told = await api.call("GET", f"/api/cities/{JIAXING}/opening")
        assert (told["is_open"], told["reason_zh"]) == (False, "系统维护")
        await page.get_by_role("button", name="移除").click()
        await page.click(LIVE)
        await expect(page.locator("tbody tr")).to_have_count(0)


async def test_a_shift_is_planned_refused_where_it_overlaps_and_taken_out(
    tmp_path: Path,
) -> None:
    async with admin_page(tmp_path, "shifts") as (_, page):
        before = page.locator(".shift")
        await expect(before).not_to_have_count(0)
        count = await before.count()
        assert await violations(page) == []
        today = datetime.now(LOCAL).date()
        monday = today - timedelta(days=today.weekday())
        await page.click("#new-shift")
        assert await violations(page) == []
        await page.select_option("#shift-clerk", "jiaxing1")
        await page.fill("#shift-day", str(monday))
        await page.fill("#shift-start", "10:00")
        await page.fill("#shift-end", "12:00")
        await page.click("#add-shift")
        await expect(page.locator("#shift-start")).to_have_attribute("aria-invalid", "true")
        await expect(page.locator("#shift-start")).to_have_value("10:00")
        await page.fill("#shift-start", "18:00")
        await page.fill("#shift-end", "20:00")
        await page.click("#add-shift")
        await expect(page.locator(".shift")).to_have_count(count + 1)
        await page.locator(".shift", has_text="18:00–20:00").get_by_role("button").click()
        await page.click("[data-act='remove']")
        await expect(page.locator(".shift")).to_have_count(count)


async def test_a_plan_is_pasted_checked_and_taken_in(tmp_path: Path) -> None:
    async with admin_page(tmp_path, "shifts") as (_, page):
        day = datetime.now(LOCAL).date() + timedelta(days=60)
        await page.click("#import-shifts")
        await page.fill(
            "#paste", f"clerk,date,start,end\njiaxing1,{day},08:00,12:00\nnobody,{day},08:00,07:00"
        )
        await page.click("#try-import")
        await expect(page.locator("dialog .faults tbody tr")).to_have_count(2)
        await page.fill("#paste", f"clerk,date,start,end\njiaxing1,{day},08:00,12:00")
        await page.click("#try-import")
        await page.click("[data-act='take-in']")
        await expect(page.locator(".shift")).to_have_count(1)
        await expect(page.locator(".shift")).to_contain_text("08:00–12:00")


# Service level


async def test_admin_and_supervisor_see_where_the_minute_is_missed(tmp_path: Path) -> None:
    async with (
        admin_page(tmp_path, "queues") as (service, page),
        resident(service) as at_kiosk,
        clerk(service, "jiaxing1") as at_desk,
    ):
        async with person(service, "jiaxing-admin") as api:
            path = f"/api/cities/{JIAXING}/queues"
            (queue,) = [q for q in await api.call("GET", path) if q["id"] == MEDICAL]
            body = {k: v for k, v in queue.items() if k not in ("id", "city")}
            await api.call("PUT", f"{path}/{MEDICAL}", {**body, "target_s": 1})
        waiting = await at_kiosk.take(JIAXING)
        await page.click("#view-level")
        row = page.locator("#service-level tbody tr", has_text="医疗保障")
        await expect(row.locator("td").nth(1)).to_have_text("0 %", timeout=15_000)
        await expect(page.locator(".alerts")).to_contain_text("有 1 人等候,但无人在岗")
        await expect(page.locator(".hours figcaption")).to_contain_text("1 人中有 1 人超时")
        await expect(page.locator(".hours svg rect.late").first).to_be_attached()
        assert await violations(page) == []
        await at_desk.step("be_ready")
        await at_desk.rung()
        await expect(page.locator(".alerts")).to_contain_text("低于目标", timeout=15_000)
        await at_desk.line.command(protocol.Decline, visit=waiting.id)
        supervisor = await page.context.browser.new_page()  # type: ignore[union-attr]
        await sign_in(supervisor, service.url, "supervisor", "jiaxing-supervisor")
        await supervisor.click("#view-live")
        row = supervisor.locator("#service-level tbody tr", has_text="医疗保障")
        await expect(row.locator("td").nth(1)).to_have_text("0 %")
        assert await violations(supervisor) == []
