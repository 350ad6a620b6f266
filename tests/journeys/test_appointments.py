"""A half hour booked at a real kiosk, moved, cancelled, checked in, served; and closed cities."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from playwright.async_api import Page, expect

from deploy import database
from scheduling.calendar_tables import bookings
from scheduling.duty import LOCAL
from tests.journeys.test_kiosk_screens import violations
from tests.journeys.test_waiting import (
    JIAXING,
    NARROW,
    TICKET_MS,
    fits,
    hall,
    kiosk_in,
    press_keys,
    ticket_on,
    too_small,
)
from tests.signaling.parties import clerk, person
from tests.support.browser import KIOSK_SIZE
from tests.support.service import ServiceProcess


async def to_the_calendar(kiosk: Page) -> None:
    """From "Book" to the calendar of Jiaxing's employment office."""
    await kiosk.click("#books")
    await kiosk.fill("#search", "失业登记")
    await kiosk.click("[data-matter='JY-01']")
    await kiosk.click(f"[data-city='{JIAXING}']")
    await kiosk.click("#book")


async def choose(kiosk: Page, *, day: int, at: str) -> str:
    """Touch the half hour of so many days ahead; the date in words."""
    date = (datetime.now(LOCAL) + timedelta(days=day)).date()
    await kiosk.click(f"[data-day='{date}']")
    await kiosk.click(f"[data-slot='{date}T{at}:00+08:00']")
    return f"{date.month}月{date.day}日"


async def book(kiosk: Page, *, day: int = 1, at: str = "09:30") -> str:
    """Book from the welcome screen on, and clear it; the code."""
    await to_the_calendar(kiosk)
    said = await choose(kiosk, day=day, at=at)
    await kiosk.click("#choose")
    await press_keys(kiosk, "13812345678")
    await kiosk.click("#book-it")
    booked = kiosk.locator(".booked")
    await expect(booked).to_contain_text(said)
    code = str(await kiosk.locator(".appointment-code").text_content()).replace(" ", "")
    await kiosk.click("#written")
    await expect(kiosk.locator(".wiped")).to_be_visible()
    await expect(kiosk.locator(".tiles")).to_be_visible()
    assert code not in await kiosk.evaluate("document.body.innerText")
    return code


async def find(kiosk: Page, code: str) -> None:
    await kiosk.click("#have-appointment")
    await press_keys(kiosk, code)
    await kiosk.click("#find")


async def let_the_hour_come(service: ServiceProcess) -> str:
    """The only appointment is for the half hour that runs; its time as tickets write it."""
    now = datetime.now(UTC)
    begins = now.replace(minute=now.minute // 30 * 30, second=0, microsecond=0)
    engine = database.open_engine(service.settings.database)
    async with engine.begin() as connection:
        await connection.execute(sa.update(bookings).values(starts_at=begins))
    await engine.dispose()
    return f"{begins.astimezone(LOCAL):%H%M}"


async def close_today(service: ServiceProcess) -> None:
    async with person(service, "jiaxing-admin") as admin:
        await admin.call(
            "PUT",
            f"/api/cities/{JIAXING}/special-days/{datetime.now(LOCAL).date()}",
            {"hours": [], "reason_zh": "系统升级", "reason_en": "An upgrade"},
        )


async def test_an_appointment_is_booked_checked_in_on_time_and_served_before_others(
    tmp_path: Path,
) -> None:
    async with hall(tmp_path) as (service, browser):
        kiosk = await kiosk_in(service, browser, KIOSK_SIZE)
        code = await book(kiosk)
        time = await let_the_hour_come(service)
        await find(kiosk, code)
        await expect(kiosk.locator("#arrival")).to_contain_text("您来得正好")
        assert await violations(kiosk) == []
        await kiosk.click("#check-in")
        await kiosk.click("#agree")
        await kiosk.click("[data-wish='any']")
        ticket, _ = await ticket_on(kiosk)
        assert ticket == f"L{time}-1"
        await expect(kiosk.locator(".ticket .about")).to_contain_text("已预约")
        async with clerk(service, "jiaxing1") as at_desk:
            await at_desk.step("be_ready")
            rung = await at_desk.rung()
            assert (rung.ticket, rung.priority) == (ticket, "booked")


async def test_an_appointment_is_moved_and_cancelled_by_its_code_alone(tmp_path: Path) -> None:
    async with hall(tmp_path) as (service, browser):
        kiosk = await kiosk_in(service, browser, KIOSK_SIZE)
        code = await book(kiosk)
        await find(kiosk, code)
        await expect(kiosk.locator("#arrival")).to_contain_text("预约不是今天")
        await expect(kiosk.locator("#check-in")).to_have_count(0)
        await kiosk.click("#move")
        said = await choose(kiosk, day=2, at="14:00")
        assert await too_small(kiosk) == []
        await kiosk.click("#choose")
        await expect(kiosk.locator(".appointment .chosen")).to_contain_text(said)
        await expect(kiosk.locator(".appointment .chosen")).to_contain_text("14:00–14:30")
        await kiosk.click("#cancel")
        await kiosk.click("#confirm")
        await expect(kiosk.locator("#arrival")).to_contain_text("已经取消")
        await expect(kiosk.locator("#move")).to_have_count(0)
        await kiosk.click("#done")
        await expect(kiosk.locator(".wiped")).to_be_visible()


async def test_a_full_half_hour_is_shown_as_full_and_a_wrong_code_says_so(tmp_path: Path) -> None:
    async with hall(tmp_path) as (service, browser):
        kiosk = await kiosk_in(service, browser, NARROW)
        for _ in range(2):
            await book(kiosk)
        await to_the_calendar(kiosk)
        assert await fits(kiosk)
        date = (datetime.now(LOCAL) + timedelta(days=1)).date()
        await kiosk.click(f"[data-day='{date}']")
        full = kiosk.locator(f"[data-slot='{date}T09:30:00+08:00']")
        await expect(full).to_be_disabled()
        await expect(full).to_contain_text("已约满")
        assert await fits(kiosk)
        assert await violations(kiosk) == []
        for _ in range(3):
            await kiosk.click("#back")
        await find(kiosk, "K7M2QX4P")
        await expect(kiosk.locator("[role=alert]")).to_contain_text("没有这个预约码")
        assert await fits(kiosk)


async def test_a_closed_city_says_why_and_until_when_and_books_instead(tmp_path: Path) -> None:
    async with hall(tmp_path) as (service, browser):
        kiosk = await kiosk_in(service, browser, NARROW)
        await close_today(service)
        await kiosk.fill("#search", "失业登记")
        await kiosk.click("[data-matter='JY-01']")
        await expect(kiosk.locator(f"[data-city='{JIAXING}']")).to_contain_text("现在不办公")
        await kiosk.click(f"[data-city='{JIAXING}']")
        opening = kiosk.locator(".opening")
        await expect(opening).to_contain_text("今天暂停办公:系统升级")
        await expect(opening).to_contain_text("明天 00:00")
        await expect(kiosk.locator(".matter .actions button")).to_have_count(1)
        assert await fits(kiosk)
        assert await violations(kiosk) == []
        await kiosk.click("#book")
        await expect(kiosk.locator(".days li").first.locator("button")).to_be_disabled()
        await choose(kiosk, day=1, at="09:30")


async def test_a_city_that_closes_meanwhile_gives_no_ticket_and_says_so(tmp_path: Path) -> None:
    async with hall(tmp_path) as (service, browser):
        kiosk = await kiosk_in(service, browser, KIOSK_SIZE)
        await kiosk.fill("#search", "失业登记")
        await kiosk.click("[data-matter='JY-01']")
        await kiosk.click(f"[data-city='{JIAXING}']")
        await kiosk.locator(".matter .actions .primary").click()
        await kiosk.click("#agree")
        await close_today(service)
        await kiosk.click("#skip")
        await expect(kiosk.locator(".check .note.bad")).to_contain_text(
            "现在不办公", timeout=TICKET_MS
        )
