"""The HTTP interface of the real service: who may, whose it is, and how errors are told."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from deploy.assembly import all_operations
from deploy.demo_world import PASSWORD
from signaling.access import Role
from signaling.api.rest import ANYONE, MAX_BODY_BYTES, Operation
from signaling.client import Api, KioskKey
from tests.signaling.parties import accepted, clerk, finish, person, resident, sample_body
from tests.support.service import MEDIA_TOKEN, ServiceProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")
OPERATIONS = all_operations()
BY_NAME = [pytest.param(op, id=f"{op.method} {op.path}") for op in OPERATIONS]
CITY, ELSEWHERE = "jiaxing", "hangzhou"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServiceProcess]:
    async with ServiceProcess(tmp_path_factory.mktemp("http")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tokens(service: ServiceProcess) -> dict[Role, str]:
    """An access token of each role; the people are of Jiaxing."""
    held = {}
    for role, login in (
        (Role.CLERK, f"{CITY}1"),
        (Role.SUPERVISOR, f"{CITY}-supervisor"),
        (Role.ADMIN, f"{CITY}-admin"),
    ):
        async with person(service, login) as api:
            held[role] = api.token
    async with Api(service.url) as api:
        await service.enrolled_kiosk(api)
        held[Role.KIOSK] = api.token
    return held


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(service: ServiceProcess) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that keeps no cookies."""
    async with aiohttp.ClientSession(service.url, cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def past_visit(service: ServiceProcess) -> str:
    """A visit of Jiaxing that had a call (without media)."""
    async with resident(service) as at_kiosk, clerk(service, f"{CITY}2") as at_desk:
        visit = await accepted(at_kiosk, at_desk, "330400")
        await finish(at_kiosk, at_desk, visit.id)
        return visit.id


def address(operation: Operation, **parts: str) -> str:
    return re.sub(r"{(\w+)}", lambda name: parts.get(name[1], "x"), operation.path)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def problem(response: aiohttp.ClientResponse, status: int) -> dict[str, Any]:
    """The problem details of an answer that must have this status."""
    text = await response.text()
    assert response.status == status, text
    assert response.content_type == "application/problem+json"
    told = json.loads(text)
    assert set(told) == {"type", "title", "status", "detail"}
    assert told["status"] == status
    assert told["title"]
    assert told["detail"]
    return dict(told)


# Who may


@pytest.mark.parametrize("operation", BY_NAME)
async def test_without_a_token_there_is_only_what_is_open_to_anyone(
    http: aiohttp.ClientSession, operation: Operation
) -> None:
    async with http.request(operation.method, address(operation)) as response:
        if operation.may == ANYONE:
            assert response.status in (200, 400, 401)
        else:
            await problem(response, 401)


@pytest.mark.parametrize("operation", [p for p in BY_NAME if p.values[0].may != ANYONE])
@pytest.mark.parametrize("token", ["x", "a.b.c", "Bearer", "null"])
async def test_an_invented_token_is_no_token(
    http: aiohttp.ClientSession, operation: Operation, token: str
) -> None:
    headers = bearer(token)
    async with http.request(operation.method, address(operation), headers=headers) as response:
        await problem(response, 401)


FORBIDDEN = [
    pytest.param(op, role, id=f"{op.method} {op.path} {role}")
    for op in OPERATIONS
    if op.may != ANYONE
    for role in Role
    if role not in op.may
]


@pytest.mark.parametrize(("operation", "role"), FORBIDDEN)
async def test_a_role_that_may_not_is_told_so(
    http: aiohttp.ClientSession, tokens: dict[Role, str], operation: Operation, role: Role
) -> None:
    async with http.request(
        operation.method, address(operation), headers=bearer(tokens[role])
    ) as response:
        assert role in (await problem(response, 403))["detail"]


async def test_a_line_ticket_is_no_access_token(
    service: ServiceProcess, http: aiohttp.ClientSession
) -> None:
    async with person(service, f"{CITY}1") as api:
        ticket = (await api.call("POST", "/api/line-tickets"))["ticket"]
    async with http.get("/api/cities", headers=bearer(ticket)) as response:
        await problem(response, 401)


async def test_a_cookie_opens_recordings_and_new_tokens_only(
    service: ServiceProcess, http: aiohttp.ClientSession
) -> None:
    body = {"login": f"{CITY}-supervisor", "password": PASSWORD}
    async with http.post("/api/sessions", json=body) as response:
        cookie = {"Cookie": f"vw_session={response.cookies['vw_session'].value}"}
    for operation in OPERATIONS:
        if operation.may == ANYONE:
            continue
        async with http.request(operation.method, address(operation), headers=cookie) as response:
            assert response.status == (404 if operation.cookie else 401), operation.path
    async with http.post("/api/sessions/token", headers=cookie) as response:
        assert response.status == 200
    async with http.delete("/api/sessions", headers=cookie) as response:
        assert response.status == 200
    async with http.post("/api/sessions/token", headers=cookie) as response:
        await problem(response, 401)


async def test_a_suspended_kiosk_gets_no_token_and_its_old_one_is_void(
    service: ServiceProcess, http: aiohttp.ClientSession
) -> None:
    async with Api(service.url) as api, person(service, "songjiang-admin") as admin:
        key = await service.enrolled_kiosk(api)
        await admin.call("PATCH", f"/api/kiosks/{key.kiosk}", {"active": False})
        body = {"assertion": key.assertion()}
        async with http.post("/api/kiosks/token", json=body) as response:
            await problem(response, 401)
        async with http.get("/api/cities", headers=bearer(api.token)) as response:
            await problem(response, 401)


async def test_an_assertion_is_good_once_and_a_code_too(
    service: ServiceProcess, http: aiohttp.ClientSession
) -> None:
    code = await service.enrolment_code()
    async with Api(service.url) as api:
        key = KioskKey()
        await key.enrol(api, code)
        body = {"assertion": key.assertion()}
        async with http.post("/api/kiosks/token", json=body) as response:
            assert response.status == 200
        async with http.post("/api/kiosks/token", json=body) as response:
            await problem(response, 401)
        again = {"code": code, "public_key": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}}
        async with http.post("/api/kiosks", json=again) as response:
            await problem(response, 400)


# Whose it is


async def test_the_visit_of_another_city_is_as_unknown_as_none(
    service: ServiceProcess, http: aiohttp.ClientSession, past_visit: str
) -> None:
    about_visits = [op for op in OPERATIONS if "{visit}" in op.path]
    assert len(about_visits) == 7
    async with (
        person(service, f"{ELSEWHERE}-supervisor") as foreign,
        person(service, f"{CITY}-supervisor") as own,
        person(service, "songjiang-supervisor") as lead,
    ):
        for operation in about_visits:
            told = []
            for visit in (past_visit, "none"):
                path = address(operation, visit=visit, file="resident-001.webm")
                body = sample_body(operation.body) if operation.body else None
                async with http.request(
                    operation.method, path, headers=bearer(foreign.token), json=body
                ) as response:
                    told.append(await problem(response, 404))
            assert told[0] == told[1]
        for api in (own, lead):
            record = await api.call("GET", f"/api/visits/{past_visit}")
            assert record["visit"]["id"] == past_visit
            assert past_visit in [v["id"] for v in await api.call("GET", "/api/visits")]
        assert await foreign.call("GET", "/api/visits") == []
        assert await foreign.call("GET", "/api/visits?q=C001") == []


async def test_the_kiosk_and_the_site_of_another_city_are_as_unknown_as_none(
    service: ServiceProcess, http: aiohttp.ClientSession
) -> None:
    async with (
        Api(service.url) as api,
        person(service, f"{ELSEWHERE}-admin") as foreign,
    ):
        key = await service.enrolled_kiosk(api)  # of Songjiang
        headers = bearer(foreign.token)
        for kiosk in (key.kiosk, "none"):
            async with http.patch(
                f"/api/kiosks/{kiosk}", headers=headers, json={"active": False}
            ) as response:
                assert (await problem(response, 404))["detail"] == "no such kiosk"
        for site in ("songjiang-hall", "none"):
            async with http.post(
                "/api/enrolment-codes", headers=headers, json={"site": site}
            ) as response:
                assert site in (await problem(response, 404))["detail"]
        assert await foreign.call("GET", "/api/kiosks") == []
        sites = await foreign.call("GET", "/api/sites")
        assert {site["id"].partition("-")[0] for site in sites} == {ELSEWHERE}
        await api.call("GET", "/api/cities")  # the kiosk is as active as before


@pytest.mark.parametrize(
    "name",
    [
        "..%2f..%2f..%2f..%2ftoken.key",
        "%2e%2e%2fmanifest.json",
        "manifest.json",
        "resident-001.webm%00",
        "resident-001.webm%0a",
        "..%5c..%5ctoken.key",
        "%2fetc%2fpasswd",
        "resident-001.webm.bak",
        "RESIDENT-001.WEBM",
        "resident-999.webm",
        "%ff%fe",
        "x" * 3000,
    ],
)
async def test_no_name_of_a_recording_leads_anywhere_else(
    service: ServiceProcess, http: aiohttp.ClientSession, past_visit: str, name: str
) -> None:
    from yarl import URL

    async with person(service, f"{CITY}-supervisor") as own:
        path = f"{service.url}/api/visits/{past_visit}/recordings/{name}"
        async with http.get(URL(path, encoded=True), headers=bearer(own.token)) as response:
            await problem(response, 404)


# How errors are told


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost"])
@pytest.mark.parametrize("operation", [p for p in BY_NAME if p.values[0].method != "GET"])
async def test_a_page_of_another_origin_changes_nothing(
    http: aiohttp.ClientSession, operation: Operation, origin: str
) -> None:
    async with http.request(
        operation.method, address(operation), headers={"Origin": origin}
    ) as response:
        assert "origin" in (await problem(response, 403))["detail"]


async def test_pages_of_ours_may_sign_in(
    service: ServiceProcess, http: aiohttp.ClientSession
) -> None:
    body = {"login": f"{CITY}1", "password": PASSWORD}
    headers = {"Origin": f"http://localhost:{service.settings.port}"}
    async with http.post("/api/sessions", json=body, headers=headers) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "truncated"),
        (b"{", "truncated"),
        (b"[]", "object"),
        (b'{"login":"a"}', "password"),
        (b'{"login":5,"password":"x"}', "login"),
        (b'{"login":"","password":"x"}', "login"),
        (b'{"login":"a","password":"' + b"x" * 201 + b'"}', "password"),
        (b'{"login":"a","password":"x","more":1}', "more"),
        (b'{"login":"\xff","password":"x"}', ""),
        (b'{"login":"\\ud800","password":"x"}', ""),
        (b"[" * 60_000, ""),
    ],
)
async def test_a_body_that_is_not_as_described_is_refused_by_its_field(
    http: aiohttp.ClientSession, body: bytes, named: str
) -> None:
    async with http.post("/api/sessions", data=body) as response:
        assert named in (await problem(response, 400))["detail"]


async def test_a_key_nested_deeply_is_refused(http: aiohttp.ClientSession) -> None:
    body = '{"code":"x","public_key":{"a":' + "[" * 20_000 + "]" * 20_000 + "}}"
    async with http.post("/api/kiosks", data=body) as response:
        await problem(response, 400)


async def test_a_body_that_is_too_large_is_refused(http: aiohttp.ClientSession) -> None:
    async with http.post("/api/sessions", data=b"x" * (MAX_BODY_BYTES + 1)) as response:
        await problem(response, 413)


async def test_an_unknown_address_and_a_wrong_method_are_told_as_problems(
    http: aiohttp.ClientSession,
) -> None:
    async with http.get("/api/nothing") as response:
        await problem(response, 404)
    async with http.delete("/api/cities") as response:
        await problem(response, 405)
        assert "GET" in response.headers["Allow"]


async def test_an_unknown_matter_is_told_as_a_problem(
    http: aiohttp.ClientSession, tokens: dict[Role, str]
) -> None:
    headers = bearer(tokens[Role.KIOSK])
    async with http.get("/api/matters/XX-99/cities", headers=headers) as response:
        assert "XX-99" in (await problem(response, 404))["detail"]


@pytest.mark.parametrize("query", ["%ff", "%ed%a0%80", "%00", "x" * 5000, "%25_%5c'%22;--", ""])
async def test_any_search_is_answered(
    http: aiohttp.ClientSession, tokens: dict[Role, str], query: str
) -> None:
    for path, role in (("/api/matters", Role.KIOSK), ("/api/visits", Role.SUPERVISOR)):
        async with http.get(f"{path}?q={query}", headers=bearer(tokens[role])) as response:
            assert response.status == 200


async def test_five_wrong_passwords_lock_a_login(http: aiohttp.ClientSession) -> None:
    body = {"login": "hefei2", "password": "wrong"}
    for _ in range(5):
        async with http.post("/api/sessions", json=body) as response:
            await problem(response, 401)
    async with http.post("/api/sessions", json={**body, "password": PASSWORD}) as response:
        await problem(response, 429)


# What is always so


async def test_the_cookie_is_for_our_pages_alone(http: aiohttp.ClientSession) -> None:
    body = {"login": f"{CITY}1", "password": PASSWORD}
    async with http.post("/api/sessions", json=body) as response:
        cookie = response.cookies["vw_session"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Strict"
        assert cookie["path"] == "/api/"
        assert response.headers["Cache-Control"] == "no-store"
        assert cookie.value not in await response.text()


async def test_the_service_says_that_it_lives_and_is_ready(http: aiohttp.ClientSession) -> None:
    alone = {"ok": True, "office": True, "bus": True}
    for path, told in (("/healthz", {"ok": True}), ("/readyz", alone)):
        async with http.get(path) as response:
            assert (response.status, await response.json()) == (200, told)


async def test_counts_are_for_whoever_shows_the_media_token(
    http: aiohttp.ClientSession, tokens: dict[Role, str]
) -> None:
    for headers in ({}, bearer("x"), bearer(tokens[Role.ADMIN]), {"Authorization": MEDIA_TOKEN}):
        async with http.get("/metrics", headers=headers) as response:
            assert response.status == 401
            assert "virtual_window" not in await response.text()
    async with http.get("/metrics", headers=bearer(MEDIA_TOKEN)) as response:
        assert response.status == 200
        lines = (await response.text()).splitlines()
    assert 'virtual_window_media_ready{host="local"} 1.0' in lines
    assert 'virtual_window_media_calls{host="local"} 0.0' in lines


async def test_without_a_media_token_counts_are_for_nobody(tmp_path: Path) -> None:
    async with (
        ServiceProcess(tmp_path / "data", media_token="") as service,
        aiohttp.ClientSession() as http,
    ):
        for headers in ({}, bearer("")):
            async with http.get(f"{service.url}/metrics", headers=headers) as response:
                assert response.status == 401


async def test_media_hosts_are_shown_to_the_lead_citys_admin_alone(
    service: ServiceProcess, http: aiohttp.ClientSession, tokens: dict[Role, str]
) -> None:
    async with person(service, "songjiang-admin") as lead:
        (host,) = await lead.call("GET", "/api/media")
        assert (host["name"], host["ready"]) == ("local", True)
    async with http.get("/api/media", headers=bearer(tokens[Role.ADMIN])) as response:
        await problem(response, 403)


PAGES = ["/kiosk", "/clerk", "/supervisor", "/admin"]


@pytest.mark.parametrize("path", [*PAGES, "/static/kit/line.js", "/nothing", "/api/nothing"])
async def test_every_answer_carries_the_security_headers(
    http: aiohttp.ClientSession, path: str
) -> None:
    async with http.get(path) as response:
        policy = response.headers["Content-Security-Policy"]
        for rule in ("default-src 'self'", "script-src 'self'", "frame-ancestors 'none'"):
            assert rule in policy
        assert "unsafe" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert "camera=(self)" in response.headers["Permissions-Policy"]
        assert response.status == (404 if "nothing" in path else 200)


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_has_no_inline_script_that_its_policy_would_stop(
    http: aiohttp.ClientSession, path: str
) -> None:
    async with http.get(path) as response:
        text = await response.text()
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"\son\w+=", text)
    assert "style=" not in text


@pytest.mark.parametrize(
    "path",
    ["/static/kit/..%2f..%2faccess.py", "/static/words/%2e%2e/__init__.py", "/static/kit/"],
)
async def test_static_files_lead_to_nothing_else(service: ServiceProcess, path: str) -> None:
    from yarl import URL

    async with (
        aiohttp.ClientSession() as http,
        http.get(URL(service.url + path, encoded=True)) as response,
    ):
        assert response.status in (403, 404)


# OpenAPI


async def test_the_document_lists_every_operation_and_its_references_resolve(
    http: aiohttp.ClientSession,
) -> None:
    async with http.get("/api/openapi.json") as response:
        document = await response.json()
    assert document["openapi"].startswith("3.1")
    listed = {
        (method.upper(), path) for path, entry in document["paths"].items() for method in entry
    }
    assert listed == {(op.method, op.path) for op in OPERATIONS}
    references = re.findall(r'"\$ref": "([^"]*)"', json.dumps(document))
    assert references
    for reference in references:
        place: Any = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
        assert place


async def test_every_described_operation_has_a_name_of_its_own_and_its_parameters(
    http: aiohttp.ClientSession,
) -> None:
    async with http.get("/api/openapi.json") as response:
        document = await response.json()
    names = []
    for path, entry in document["paths"].items():
        for operation in entry.values():
            names.append(operation["operationId"])
            assert operation["responses"]["200"]
            given = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
            assert given == set(re.findall(r"{(\w+)}", path))
    assert len(set(names)) == len(names), sorted(names)  # OpenAPI 3.1, 4.8.10: unique


async def test_no_route_of_the_interface_goes_without_a_description(
    service: ServiceProcess,
) -> None:
    """Whatever the source registers under /api is in the table or is the document itself."""
    import signaling

    known = {op.path for op in OPERATIONS} | {"/api/openapi.json"}
    root = Path(signaling.__file__).parents[1]
    for folder in ("signaling", "deploy", "clerk_console", "kiosk_client"):
        for source in (root / folder).rglob("*.py"):
            registered = re.findall(r'add_\w+\(\s*"(/api/[^"]*)"', source.read_text())
            assert set(registered) <= known, source
