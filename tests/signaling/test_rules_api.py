"""Queues, skills and rules at the real service: who may, whose it is, and that they act at once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from deploy import database
from signaling import protocol
from signaling.access import Role
from signaling.audit import Audit
from signaling.client import Api
from tests.signaling.parties import clerk, person, resident, sample_body
from tests.signaling.test_http import OPERATIONS, address, bearer, problem
from tests.signaling.test_planning_api import refusal
from tests.support.service import ServiceProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")
JIAXING, HANGZHOU, SONGJIANG = "330400", "330100", "310117"
MEDICAL, HOUSING = f"{JIAXING}-medical-insurance", f"{JIAXING}-housing-fund"
OF_RULES = ("queues", "skills", "overflows", "head-starts", "agreements")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServiceProcess]:
    async with ServiceProcess(tmp_path_factory.mktemp("rules")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def admin(service: ServiceProcess) -> AsyncIterator[Api]:
    """Jiaxing's admin."""
    async with person(service, "jiaxing-admin") as api:
        yield api


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lead(service: ServiceProcess) -> AsyncIterator[Api]:
    """The lead city's admin."""
    async with person(service, "songjiang-admin") as api:
        yield api


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(service: ServiceProcess) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(service.url) as session:
        yield session


def body_of(queue: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A queue as it is shown, to be put with these changes."""
    return {k: v for k, v in queue.items() if k not in ("id", "city")} | changes


async def queue_of(api: Api, name: str = MEDICAL) -> dict[str, Any]:
    listed = await api.call("GET", f"/api/cities/{name[:6]}/queues")
    return next(dict(queue) for queue in listed if queue["id"] == name)


def path_of(name: str = MEDICAL) -> str:
    return f"/api/cities/{name[:6]}/queues/{name}"


async def skills_of(api: Api, login: str = "jiaxing1", city: str = JIAXING) -> dict[str, Any]:
    listed = await api.call("GET", f"/api/cities/{city}/skills")
    return next(dict(one) for one in listed if one["clerk"] == login)


def skills_body(*shown: dict[str, Any]) -> dict[str, Any]:
    return {
        "clerks": [
            {k: v for k, v in one.items() if k not in ("name_zh", "name_en")} for one in shown
        ]
    }


# Whose it is


async def test_the_rules_of_another_city_are_as_unknown_as_those_of_none(
    service: ServiceProcess, http: aiohttp.ClientSession
) -> None:
    about = [
        op
        for op in OPERATIONS
        if any(f"/api/cities/{{city}}/{part}" in op.path for part in OF_RULES)
    ]
    assert len(about) == 11
    async with person(service, "hangzhou-admin") as foreign:
        for operation in about:
            told = []
            for city in (JIAXING, "999999"):
                path = address(operation, city=city, queue=f"{city}-medical-insurance")
                given: dict[str, Any] = {}
                if operation.body is bytes:
                    given["data"] = b"clerk,queue,level\n"
                elif operation.body is not None:
                    given["json"] = sample_body(operation.body)
                async with http.request(
                    operation.method, path, headers=bearer(foreign.token), **given
                ) as response:
                    told.append(await problem(response, 404))
            assert told[0] == told[1], operation.path


async def test_a_queue_of_another_city_cannot_be_reached_through_ones_own(admin: Api) -> None:
    foreign = f"{HANGZHOU}-medical-insurance"
    for name in (foreign, f"{HANGZHOU}-none", "none"):
        path = f"/api/cities/{JIAXING}/queues/{name}"
        body = body_of(await queue_of(admin), version="")
        assert await refusal(admin, 404, "PUT", path, body) == "no such queue"
        assert await refusal(admin, 404, "DELETE", path) == "no such queue"


async def test_a_city_gives_its_clerks_no_queue_of_another_and_none_of_anothers_clerks(
    admin: Api, lead: Api
) -> None:
    own = await skills_of(admin)
    path, foreign = f"/api/cities/{JIAXING}/skills", f"{HANGZHOU}-medical-insurance"
    for queue in (foreign, f"{HANGZHOU}-none"):
        body = skills_body({**own, "levels": {queue: "primary"}})
        assert await refusal(admin, 422, "PUT", path, body) == f"levels: there is no queue {queue}"
    for name in ("hangzhou1", "nobody"):
        body = skills_body({**own, "clerk": name})
        assert (await refusal(admin, 422, "PUT", path, body)).startswith("clerk: there is no clerk")
    given = {**own, "levels": {**own["levels"], foreign: "backup"}}
    await lead.call("PUT", path, skills_body(given))
    now = await skills_of(admin)
    assert now["levels"][foreign] == "backup"
    await admin.call("PUT", path, skills_body({**now, "capacity": 3}))
    kept = await skills_of(admin)
    assert (kept["levels"][foreign], kept["capacity"]) == ("backup", 3)
    await lead.call("PUT", path, skills_body({**own, "version": kept["version"]}))


async def test_agreements_are_the_lead_citys_to_make(admin: Api, lead: Api) -> None:
    body = {
        "version": "",
        "city": JIAXING,
        "partner": HANGZHOU,
        "matters": ["YB-01"],
        "kind": "always",
        "valid_from": "2026-11-01",
        "valid_to": "2026-11-02",
    }
    assert "lead city" in await refusal(admin, 403, "PUT", "/api/agreements/new", body)
    made = await lead.call("PUT", "/api/agreements/new", body)
    assert (made["city"]["code"], made["valid_to"]) == (JIAXING, "2026-11-02")
    for city in (JIAXING, HANGZHOU):
        listed = await lead.call("GET", f"/api/cities/{city}/agreements")
        assert made in listed
    assert made not in await lead.call("GET", f"/api/cities/{SONGJIANG}/agreements")
    assert await refusal(lead, 422, "PUT", f"/api/agreements/{'x' * 81}", body)
    wrong = {**body, "version": made["version"], "valid_to": "2026-10-01"}
    assert (await refusal(lead, 422, "PUT", "/api/agreements/new", wrong)).startswith("valid_to: ")


async def test_the_service_level_is_shown_city_by_city(service: ServiceProcess) -> None:
    for login, cities in (
        ("jiaxing-supervisor", {JIAXING}),
        ("jiaxing-admin", {JIAXING}),
        ("songjiang-supervisor", None),
    ):
        async with person(service, login) as api:
            told = await api.call("GET", "/api/service-level")
            seen = {queue["city"]["code"] for queue in told["queues"]}
            assert seen == cities or (cities is None and len(seen) == 9)
            assert told["at"].endswith("+08:00")
    about = next(op for op in OPERATIONS if op.path == "/api/service-level")
    assert about.may == {Role.SUPERVISOR, Role.ADMIN}


# What cannot be


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"ring_s": 0}, 422, "ring_s: "),
        ({"ring_s": "20"}, 400, "Expected `float`"),
        ({"ring_s": 1e999}, 400, ""),
        ({"letter": "a"}, 422, "letter: "),
        ({"letter": "B"}, 422, "letter: "),
        ({"matters": []}, 422, "matters: "),
        ({"matters": ["XX-99"]}, 422, "matters: "),
        ({"matters": ["GJ-01"]}, 422, "matters: "),
        ({"name_zh": " "}, 422, "name: "),
        ({"target_share": 1.5}, 422, "target_share: "),
        ({"capacity": 101}, 422, "capacity: "),
        ({"kind": "other"}, 400, "Invalid enum value"),
        ({"more": 1}, 400, "Object contains unknown field `more`"),
    ],
)
async def test_a_bad_queue_is_refused_by_its_field(
    admin: Api, change: dict[str, Any], status: int, field: str
) -> None:
    before = await queue_of(admin)
    told = await refusal(admin, status, "PUT", path_of(), body_of(before, **change))
    assert told.startswith(field)
    assert await queue_of(admin) == before


async def test_a_new_queue_has_a_plain_name_after_its_citys_code(admin: Api) -> None:
    body = body_of(await queue_of(admin), version="", letter="Z", matters=["YB-03"])
    for name in ("", "Ä", "a b", "x" * 41, "-x", "a%0a"):
        path = f"/api/cities/{JIAXING}/queues/{JIAXING}-{name}"
        assert (await refusal(admin, 422, "PUT", path, body)).startswith("id: ")


async def test_bad_rules_are_refused_by_their_field(admin: Api, lead: Api) -> None:
    path = f"/api/cities/{JIAXING}/overflows"
    version = (await admin.call("GET", path))["version"]
    good = {"queue": HOUSING, "partner": f"{HANGZHOU}-housing-fund", "when": "waited"}
    back = {"queue": HOUSING, "partner": f"{SONGJIANG}-housing-fund", "when": "waited"}
    for rule, field in (
        ({**good, "threshold": -1}, "overflows[1].threshold: "),
        ({**good, "when": "service_level", "threshold": 2}, "overflows[1].threshold: "),
        ({**good, "partner": MEDICAL}, "overflows[1].partner: "),
        (good, "overflows[1].when: "),
        (back, "overflows[1].partner: the rules form a circle"),
    ):
        body = {"version": version, "rules": [good, rule]}
        assert (await refusal(admin, 422, "PUT", path, body)).startswith(field)
    starts = await admin.call("GET", f"/api/cities/{JIAXING}/head-starts")
    body = {**starts, "elderly": 20_000}
    told = await refusal(admin, 422, "PUT", f"/api/cities/{JIAXING}/head-starts", body)
    assert told.startswith("head_starts_s.elderly: ")
    assert (await admin.call("GET", path))["rules"] == []


# Two admins at once


async def test_of_two_admins_who_change_the_same_the_second_is_told_so(
    admin: Api, lead: Api
) -> None:
    seen = await queue_of(admin)
    await lead.call("PUT", path_of(), body_of(seen, ring_s=30))
    told = await refusal(admin, 412, "PUT", path_of(), body_of(seen, ring_s=40))
    assert "somebody else" in told
    assert "nothing was saved" in told
    now = await queue_of(admin)
    assert now["ring_s"] == 30
    await admin.call("PUT", path_of(), body_of(now, ring_s=seen["ring_s"]))
    own = await skills_of(admin)
    await lead.call("PUT", f"/api/cities/{JIAXING}/skills", skills_body({**own, "capacity": 4}))
    path = f"/api/cities/{JIAXING}/skills"
    assert await refusal(admin, 412, "PUT", path, skills_body({**own, "capacity": 5}))
    assert (await skills_of(admin))["capacity"] == 4
    again = {**own, "version": (await skills_of(admin))["version"]}
    await admin.call("PUT", path, skills_body(again))


async def test_two_changes_at_the_same_instant_are_one_change_and_one_refusal(
    admin: Api, lead: Api
) -> None:
    seen = await queue_of(admin)
    done = await asyncio.gather(
        *(
            api.call("PUT", path_of(), body_of(seen, ring_s=ring_s))
            for api, ring_s in ((admin, 31), (lead, 32), (admin, 33), (lead, 34))
        ),
        return_exceptions=True,
    )
    kept = [one for one in done if isinstance(one, dict)]
    assert len(kept) == 1
    assert await queue_of(admin) == kept[0]
    await admin.call("PUT", path_of(), body_of(kept[0], ring_s=seen["ring_s"]))


# The audit log


async def test_every_change_is_in_the_audit_log_with_what_it_was_before(
    service: ServiceProcess, admin: Api
) -> None:
    seen = await queue_of(admin, HOUSING)
    changed = await admin.call("PUT", path_of(HOUSING), body_of(seen, ring_s=17))
    await admin.call("PUT", path_of(HOUSING), body_of(changed, ring_s=seen["ring_s"]))
    skills = await skills_of(admin, "jiaxing2")
    path = f"/api/cities/{JIAXING}/skills"
    (now,) = [
        one
        for one in await admin.call("PUT", path, skills_body({**skills, "capacity": 5}))
        if one["clerk"] == "jiaxing2"
    ]
    await admin.call("PUT", path, skills_body({**now, "capacity": skills["capacity"]}))
    engine = database.open_engine(service.settings.database)
    try:
        first, second = (await Audit(engine).about(HOUSING))[-2:]
        of_skills = (await Audit(engine).about("jiaxing2"))[-2:]
    finally:
        await engine.dispose()
    assert (first.action, first.role, first.city) == ("put_queue", Role.ADMIN, JIAXING)
    assert first.detail is not None
    assert first.detail["before"]["ring_s"] == seen["ring_s"]
    assert first.detail["after"]["ring_s"] == 17
    assert second.detail is not None
    assert second.detail["before"] == first.detail["after"]
    assert [entry.detail["after"]["capacity"] for entry in of_skills if entry.detail] == [5, 2]


# From a spreadsheet


async def take_in(
    http: aiohttp.ClientSession, api: Api, content: bytes, dry_run: str = ""
) -> dict[str, Any]:
    path = f"/api/cities/{JIAXING}/skills/import?dry_run={dry_run}"
    async with http.post(path, data=content, headers=bearer(api.token)) as response:
        assert response.status == 200, await response.text()
        return dict(await response.json())


async def test_a_spreadsheet_is_tried_first_and_then_kept(
    http: aiohttp.ClientSession, admin: Api
) -> None:
    before = await skills_of(admin)
    content = f"窗口人员,队列,等级,容量\njiaxing1,{MEDICAL},后备,3\n".encode("gb18030")
    tried = await take_in(http, admin, content, "yes")
    assert (tried["kept"], tried["faults"], tried["encoding"]) == (False, [], "gb18030")
    told = [(c["what"], c["queue"], c["before"], c["after"]) for c in tried["changes"]]
    assert told == [
        ("level", MEDICAL, before["levels"][MEDICAL], "backup"),
        ("capacity", "", "2", "3"),
    ]
    assert await skills_of(admin) == before
    assert (await take_in(http, admin, content))["kept"]
    now = await skills_of(admin)
    assert (now["levels"][MEDICAL], now["capacity"]) == ("backup", 3)
    await admin.call(
        "PUT",
        f"/api/cities/{JIAXING}/skills",
        skills_body({**before, "version": now["version"]}),
    )


async def test_a_spreadsheet_with_a_bad_row_changes_nothing(
    http: aiohttp.ClientSession, admin: Api
) -> None:
    before = await admin.call("GET", f"/api/cities/{JIAXING}/skills")
    content = f"clerk,queue,level\njiaxing1,{MEDICAL},backup\nhangzhou1,{MEDICAL},best\n".encode()
    told = await take_in(http, admin, content)
    assert [(f["line"], f["column"]) for f in told["faults"]] == [(3, "clerk"), (3, "level")]
    assert (told["kept"], told["changes"]) == (False, [])
    assert await admin.call("GET", f"/api/cities/{JIAXING}/skills") == before


# It acts at once


async def test_a_waiting_visit_is_listed_elsewhere_as_soon_as_a_rule_says_so(
    service: ServiceProcess, admin: Api
) -> None:
    path = f"/api/cities/{JIAXING}/overflows"
    async with resident(service) as at_kiosk, clerk(service, "hangzhou1") as helper:
        await helper.step("be_ready")
        await helper.window("ready")
        waiting = await at_kiosk.take(JIAXING)
        version = (await admin.call("GET", path))["version"]
        rule = {
            "queue": MEDICAL,
            "partner": f"{HANGZHOU}-medical-insurance",
            "when": "nobody_on_duty",
            "threshold": 0,
        }
        kept = await admin.call("PUT", path, {"version": version, "rules": [rule]})
        (partner,) = [p for p in kept["partners"] if p["queue"] == rule["partner"]]
        assert MEDICAL in partner["agreed"]
        assert (await helper.rung()).id == waiting.id
        await admin.call("PUT", path, {"version": kept["version"], "rules": []})
        await helper.line.command(protocol.Decline, visit=waiting.id)
        await at_kiosk.line.command(protocol.LeaveLine, visit=waiting.id)


async def test_a_clerk_who_is_taught_a_queue_is_offered_who_waits_there(
    service: ServiceProcess, admin: Api
) -> None:
    path = f"/api/cities/{JIAXING}/skills"
    before = await skills_of(admin, "jiaxing2")
    untaught = {k: v for k, v in before["levels"].items() if k != MEDICAL}
    (now,) = [
        one
        for one in await admin.call("PUT", path, skills_body({**before, "levels": untaught}))
        if one["clerk"] == "jiaxing2"
    ]
    async with resident(service) as at_kiosk, clerk(service, "jiaxing2") as at_desk:
        await at_desk.step("be_ready")
        await at_desk.window("ready")
        waiting = await at_kiosk.take(JIAXING)
        assert waiting.state == "waiting"
        body = skills_body({**now, "levels": before["levels"]})
        await admin.call("PUT", path, body)
        assert (await at_desk.rung()).id == waiting.id
        await at_desk.line.command(protocol.Decline, visit=waiting.id)
        await at_kiosk.line.command(protocol.LeaveLine, visit=waiting.id)
