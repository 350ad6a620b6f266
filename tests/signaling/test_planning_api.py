"""Opening hours, shifts and appointments at the real service: who may, whose it is."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from scheduling.duty import LOCAL
from signaling.api.rest import EVERYONE, MAX_FILE_BYTES
from signaling.client import Api, HttpRefused
from signaling.guesses import LIMIT
from tests.signaling.parties import person, sample_body
from tests.signaling.test_http import OPERATIONS, address, bearer, problem
from tests.support.service import ServiceProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")
JIAXING, HANGZHOU, SONGJIANG = "330400", "330100", "310117"
QUEUE, MATTER = f"{HANGZHOU}-medical-insurance", "YB-01"
OFFICE = [{"opens": "09:00", "closes": "11:30"}, {"opens": "13:30", "closes": "17:00"}]
# A Monday that is no public holiday and far enough ahead for nothing else to be planned.
MONDAY = date.today() + timedelta(days=(7 - date.today().weekday()) + 28)  # noqa: DTZ011


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServiceProcess]:
    async with ServiceProcess(tmp_path_factory.mktemp("planning")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def kiosk(service: ServiceProcess) -> AsyncIterator[Api]:
    """A kiosk of Songjiang; residents book with any city."""
    async with Api(service.url) as api:
        await service.enrolled_kiosk(api)
        yield api


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def admin(service: ServiceProcess) -> AsyncIterator[Api]:
    """Jiaxing's admin."""
    async with person(service, "jiaxing-admin") as api:
        yield api


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(service: ServiceProcess) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(service.url) as session:
        yield session


async def refusal(api: Api, status: int, method: str, path: str, body: Any = None) -> str:
    """What is told of a request that must be refused with this status."""
    with pytest.raises(HttpRefused) as refused:
        await api.call(method, path, body)
    assert refused.value.status == status, refused.value
    return str(refused.value).partition(" ")[2]


async def free_slots(kiosk: Api) -> list[str]:
    """Half hours of the queue in which nobody has booked yet, the furthest first."""
    found = await kiosk.call("GET", f"/api/queues/{QUEUE}/slots")
    return [slot["starts_at"] for slot in reversed(found) if slot["free"] == 2]


async def book(kiosk: Api, slot: str, **more: str) -> dict[str, Any]:
    body = {"queue": QUEUE, "matter": MATTER, "slot": slot, "language": "zh_CN", **more}
    return dict(await kiosk.call("POST", "/api/appointments", body))


# Whose it is


async def test_the_plans_of_another_city_are_as_unknown_as_those_of_none(
    service: ServiceProcess, http: aiohttp.ClientSession
) -> None:
    of_cities = [op for op in OPERATIONS if "{city}" in op.path and op.may != EVERYONE]
    assert len(of_cities) >= 9
    async with person(service, "hangzhou-admin") as foreign:
        for operation in of_cities:
            told = []
            for city in (JIAXING, "999999"):
                path = address(operation, city=city, day="2026-11-30")
                given: dict[str, Any] = {}
                if operation.body is bytes:
                    given["data"] = b"clerk,date,start,end\n"
                elif operation.body is not None:
                    given["json"] = sample_body(operation.body)
                async with http.request(
                    operation.method, path, headers=bearer(foreign.token), **given
                ) as response:
                    told.append(await problem(response, 404))
            assert told[0] == told[1], operation.path


async def test_the_lead_city_plans_for_every_city(service: ServiceProcess) -> None:
    async with person(service, "songjiang-admin") as lead:
        for city in (SONGJIANG, JIAXING, HANGZHOU):
            assert len((await lead.call("GET", f"/api/cities/{city}/hours"))["week"]) == 7
            assert await lead.call("GET", f"/api/cities/{city}/appointments") == []


# Opening hours


async def test_everybody_is_told_whether_any_city_is_open(
    kiosk: Api, service: ServiceProcess
) -> None:
    async with person(service, "jiaxing1") as clerk:
        for api in (kiosk, clerk):
            told = await api.call("GET", f"/api/cities/{SONGJIANG}/opening")
            assert told == {
                "is_open": True,
                "since": None,
                "until": None,
                "why": None,
                "reason_zh": "",
                "reason_en": "",
                "today": [{"opens": "00:00", "closes": "24:00"}],
                "certain": told["certain"],
            }
        assert await refusal(clerk, 404, "GET", "/api/cities/999999/opening") == "no such city"


async def test_a_closure_is_told_to_residents_until_it_is_dropped(kiosk: Api, admin: Api) -> None:
    today = datetime.now(LOCAL).date()
    path = f"/api/cities/{JIAXING}/special-days/{today}"
    reason = {"reason_zh": "系统维护", "reason_en": "Maintenance"}
    hours = await admin.call("PUT", path, {"hours": [], **reason})
    assert hours["special_days"] == [{"day": str(today), "hours": [], **reason}]
    told = await kiosk.call("GET", f"/api/cities/{JIAXING}/opening")
    assert (told["is_open"], told["why"], told["reason_zh"]) == (False, "closure", "系统维护")
    tomorrow = datetime.combine(today + timedelta(days=1), datetime.min.time(), LOCAL)
    assert told["until"] == tomorrow.isoformat()
    assert (await admin.call("DELETE", path))["special_days"] == []
    assert (await kiosk.call("GET", f"/api/cities/{JIAXING}/opening"))["is_open"]
    assert await refusal(admin, 404, "DELETE", path) == "no such special day"


async def test_hours_are_changed_as_a_whole_and_bad_ones_by_no_part(admin: Api) -> None:
    path = f"/api/cities/{JIAXING}/hours"
    before = await admin.call("GET", path)
    assert before["calendar_until"] >= "2026-12-31"
    week = [OFFICE] * 5 + [[], []]
    after = await admin.call("PUT", path, {"week": week, "holidays": []})
    assert (after["week"], after["holidays"]) == (week, [])
    for body, field in (
        ({"week": week[:6], "holidays": []}, "week: "),
        ({"week": [*week, []], "holidays": []}, "week: "),
        (
            {"week": [[{"opens": "22:00", "closes": "06:00"}], *week[1:]], "holidays": []},
            "week.monday[0].closes: ",
        ),
        ({"week": [[*OFFICE, OFFICE[0]], *week[1:]], "holidays": []}, "week.monday[2].opens: "),
        (
            {"week": week, "holidays": [{"opens": "9 Uhr", "closes": "10:00"}]},
            "holidays[0].opens: ",
        ),
    ):
        assert (await refusal(admin, 422, "PUT", path, body)).startswith(field)
    assert (await admin.call("GET", path))["week"] == week
    await admin.call("PUT", path, {"week": before["week"], "holidays": before["holidays"]})


async def test_a_special_day_is_a_date_to_come_with_a_reason(admin: Api) -> None:
    reason = {"reason_zh": "培训", "reason_en": "Training"}
    for day, body, field in (
        ("2026-02-30", {"hours": [], **reason}, "day: "),
        ("x", {"hours": [], **reason}, "day: "),
        ("2025-01-01", {"hours": [], **reason}, "day: is over"),
        ("9999-12-31", {"hours": [], **reason}, "day: "),
        (str(MONDAY), {"hours": [], **reason, "reason_en": " "}, "reason_en: "),
        (
            str(MONDAY),
            {"hours": [{"opens": "10:00", "closes": "24:01"}], **reason},
            "hours[0].closes",
        ),
    ):
        path = f"/api/cities/{JIAXING}/special-days/{day}"
        assert (await refusal(admin, 422, "PUT", path, body)).startswith(field)


# Shifts


async def import_plan(
    http: aiohttp.ClientSession, admin: Api, content: bytes, *, dry_run: bool = False
) -> dict[str, Any]:
    path = f"/api/cities/{JIAXING}/shifts/import" + ("?dry_run=yes" if dry_run else "")
    async with http.post(path, data=content, headers=bearer(admin.token)) as response:
        assert response.status == 200, await response.text()
        return dict(await response.json())


async def week(api: Api, day: date) -> list[dict[str, Any]]:
    return list(await api.call("GET", f"/api/cities/{JIAXING}/shifts?day={day}"))


async def test_shifts_are_planned_listed_by_week_and_taken_out(
    admin: Api, service: ServiceProcess
) -> None:
    path = f"/api/cities/{JIAXING}/shifts"
    body = {"clerk": "jiaxing1", "day": str(MONDAY), "start": "09:00", "end": "11:30"}
    shift = await admin.call("POST", path, body)
    assert (shift["clerk_zh"], shift["queues"]) == ("张伟民", None)
    assert shift["starts_at"] == f"{MONDAY}T09:00:00+08:00"
    overlapping = {**body, "start": "11:00", "end": "12:00"}
    assert (await refusal(admin, 422, "POST", path, overlapping)).startswith("start: ")
    for bad, field in (
        ({"clerk": "hangzhou1"}, "clerk: "),
        ({"queues": ["nowhere"]}, "queues: "),
        ({"end": "08:00"}, "end: "),
        ({"day": "2062-01-01"}, "date: "),
    ):
        assert (await refusal(admin, 422, "POST", path, {**body, **bad})).startswith(field)
    async with person(service, "jiaxing-supervisor") as supervisor:
        assert await week(supervisor, MONDAY + timedelta(days=6)) == [shift]
        assert await week(supervisor, MONDAY - timedelta(days=1)) == []
    async with person(service, "hangzhou-admin") as foreign:
        other = f"/api/cities/{HANGZHOU}/shifts/{shift['id']}"
        assert await refusal(foreign, 404, "DELETE", other) == "no such shift"
    await admin.call("DELETE", f"{path}/{shift['id']}")
    assert await week(admin, MONDAY) == []


async def test_a_plan_is_shown_by_a_dry_run_then_taken_in_whole(
    http: aiohttp.ClientSession, admin: Api
) -> None:
    day = MONDAY + timedelta(days=7)
    text = f"窗口人员,日期,开始,结束\njiaxing1,{day},9:00,11:30\njiaxing2,{day},13:30,17:00\n"
    tried = await import_plan(http, admin, text.encode("gb18030"), dry_run=True)
    assert (tried["kept"], tried["encoding"], tried["faults"]) == (False, "gb18030", [])
    assert [shift["id"] for shift in tried["shifts"]] == [None, None]
    assert await week(admin, day) == []
    done = await import_plan(http, admin, text.encode("utf-8-sig"))
    assert done["kept"]
    assert await week(admin, day) == done["shifts"]


async def test_a_plan_with_bad_rows_is_refused_whole_with_each_bad_line(
    http: aiohttp.ClientSession, admin: Api
) -> None:
    day = MONDAY + timedelta(days=14)
    text = f"""clerk,date,start,end,queues
jiaxing1,{day},09:00,11:30,
jiaxing1,{day},11:00,12:00,
=HYPERLINK(1),{day},09:00,11:30,nowhere
"""
    report = await import_plan(http, admin, text.encode())
    assert (report["kept"], report["shifts"]) == (False, [])
    assert [(fault["line"], fault["column"]) for fault in report["faults"]] == [
        (3, "start"),
        (4, "clerk"),
        (4, "queues"),
    ]
    assert await week(admin, day) == []


async def test_a_file_that_is_too_large_is_not_read(
    http: aiohttp.ClientSession, admin: Api
) -> None:
    path = f"/api/cities/{JIAXING}/shifts/import"
    content = b"x" * (MAX_FILE_BYTES + 1)
    async with http.post(path, data=content, headers=bearer(admin.token)) as response:
        await problem(response, 413)
    assert (await import_plan(http, admin, b"\xff\xff"))["faults"][0]["line"] == 1


# Appointments


async def test_the_queue_to_book_in_is_told_with_each_city_of_a_matter(kiosk: Api) -> None:
    cities = await kiosk.call("GET", f"/api/matters/{MATTER}/cities")
    assert QUEUE in [one["queue"] for one in cities if one["city"]["code"] == HANGZHOU]


async def test_an_appointment_is_booked_found_moved_and_cancelled_by_its_code(
    kiosk: Api,
) -> None:
    slot, other, *_ = await free_slots(kiosk)
    made = await book(kiosk, slot, name="张伟民", phone="138 1234 5678")
    code, shown = made["code"], made["appointment"]
    assert (shown["city"]["code"], shown["matter"]["code"]) == (HANGZHOU, MATTER)
    assert (shown["starts_at"], shown["state"], shown["arrival"]) == (slot, "booked", "other_day")
    assert shown["contact"] == "张** ****5678"
    assert await kiosk.call("POST", "/api/appointments/find", {"code": code.lower()}) == shown
    moved = await kiosk.call("POST", "/api/appointments/move", {"code": code, "slot": other})
    assert moved["starts_at"] == other
    assert {slot, other} & set(await free_slots(kiosk)) == {slot}
    cancelled = await kiosk.call("POST", "/api/appointments/cancel", {"code": code})
    assert (cancelled["state"], cancelled["contact"]) == ("cancelled", "")
    assert {slot, other} <= set(await free_slots(kiosk))
    told = await refusal(kiosk, 409, "POST", "/api/appointments/cancel", {"code": code})
    assert "cancelled" in told


async def test_a_half_hour_booked_by_many_at_once_goes_to_as_many_as_it_takes(
    kiosk: Api,
) -> None:
    slot = (await free_slots(kiosk))[0]
    done = await asyncio.gather(*(book(kiosk, slot) for _ in range(6)), return_exceptions=True)
    refused = [one for one in done if isinstance(one, HttpRefused)]
    assert [one.status for one in refused] == [409] * 4
    assert all("slot: " in str(one) for one in refused)


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"queue": "nowhere"}, 404, "no such queue"),
        ({"matter": "XX-99"}, 422, "matter: "),
        ({"slot": "2020-01-01T09:00:00+08:00"}, 422, "slot: "),
        ({"slot": "9999-12-31T23:59:59Z"}, 422, "slot: "),
        ({"slot": "0001-01-01T00:00:00Z"}, 422, "slot: "),
        ({"slot": "2026-11-30T09:00:00"}, 400, "Expected `datetime` with a timezone"),
        ({"phone": "abc"}, 422, "phone: "),
        ({"name": "x" * 41}, 422, "name: "),
        ({"language": "fr"}, 400, "Invalid enum value"),
    ],
)
async def test_a_bad_booking_is_refused_by_its_field(
    kiosk: Api, change: dict[str, str], status: int, field: str
) -> None:
    body = {
        "queue": QUEUE,
        "matter": MATTER,
        "language": "en",
        "slot": (await free_slots(kiosk))[0],
    }
    told = await refusal(kiosk, status, "POST", "/api/appointments", {**body, **change})
    assert told.startswith(field)


async def test_a_city_sees_its_day_with_masked_contacts(
    kiosk: Api, service: ServiceProcess
) -> None:
    slot = (await free_slots(kiosk))[0]
    await book(kiosk, slot, name="李静", phone="13900001111")
    path = f"/api/cities/{HANGZHOU}/appointments?day={slot[:10]}"
    async with person(service, "hangzhou-supervisor") as own:
        listed = await own.call("GET", path)
    (line,) = [one for one in listed if one["contact"]]
    assert (line["starts_at"], line["contact"]) == (slot, "李** ****1111")
    assert (line["state"], line["displaced"], line["visit"]) == ("booked", False, None)


async def test_a_closure_counts_and_shows_whom_it_displaces(
    kiosk: Api, service: ServiceProcess
) -> None:
    slot = (await free_slots(kiosk))[0]
    await book(kiosk, slot)
    path = f"/api/cities/{HANGZHOU}/special-days/{slot[:10]}"
    async with person(service, "hangzhou-admin") as own:
        body = {"hours": [], "reason_zh": "培训", "reason_en": "Training"}
        assert (await own.call("PUT", path, body))["displaced"] >= 1
        listed = await own.call("GET", f"/api/cities/{HANGZHOU}/appointments?day={slot[:10]}")
        assert all(line["displaced"] for line in listed)
        assert (await own.call("DELETE", path))["displaced"] == 0


async def test_codes_cannot_be_guessed_one_after_the_other(service: ServiceProcess) -> None:
    async with Api(service.url) as guesser, Api(service.url) as other:
        for api in (guesser, other):
            await service.enrolled_kiosk(api)
        code = (await book(other, (await free_slots(other))[0]))["code"]
        tries = [f"2345678{letter}" for letter in "ABCDEFGH"]
        done = await asyncio.gather(
            *(guesser.call("POST", "/api/appointments/find", {"code": one}) for one in tries),
            return_exceptions=True,
        )
        statuses = sorted(one.status for one in done if isinstance(one, HttpRefused))
        assert statuses == [404] * LIMIT + [429] * (len(tries) - LIMIT)
        for way, body in (("find", {}), ("cancel", {}), ("move", {"slot": "2026-12-01T09:00:00Z"})):
            path = f"/api/appointments/{way}"
            assert "wait" in await refusal(guesser, 429, "POST", path, {"code": code, **body})
            assert await refusal(other, 404, "POST", path, {"code": "22222222", **body})
        assert await other.call("POST", "/api/appointments/find", {"code": code})
