"""The licence store's connector, against the reference server and against stores gone wrong."""

import asyncio
import contextlib
import hashlib
import logging
import os
import sys
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web

from deploy import invented_licences
from deploy.licence_store import ReferenceStore
from media.materials import message_signatures as signatures
from media.materials.licence_messages import (
    FETCH,
    JSON,
    PROBLEM,
    SEARCH,
    Consent,
    Copy,
    Fetch,
    Found,
    Holder,
    Licence,
    Purpose,
    Search,
    SignatureFacts,
)
from media.materials.licences import (
    LicenceStore,
    Limits,
    NotFound,
    Refused,
    TooSlow,
    Unavailable,
)
from tests.support.service import free_port

SECRET, OTHER = "a secret of more than 32 characters", "quite another secret of 32 characters"
NUMBER, NAME = "310117199003071235", "甘小棠"
HOLDER = Holder(NUMBER, NAME)
PURPOSE = Purpose("0198-visit", "BD-02", "310117")
PDF = b"%PDF-1.7\n"
IMPATIENT = Limits(search_s=0.3, fetch_s=0.3)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def consent(age: timedelta = timedelta()) -> Consent:
    return Consent("consent-7", datetime.now(UTC) - age, "2026-11")


@contextlib.asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    """The address of this application, on a loopback port of its own."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@dataclass
class Reference:
    """The reference server, with what came to it; `client` is the service's."""

    client: LicenceStore
    url: str
    store: ReferenceStore
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    cuts: int = 0  # so many answers are lost on the way


@contextlib.asynccontextmanager
async def reference(secret: str = SECRET, clock: Callable[[], float] = time.time) -> Any:
    made: list[Reference] = []

    @web.middleware
    async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
        at = made[0]
        at.asked.append((str(request.rel_url), dict(request.headers), await request.read()))
        answer = await handler(request)
        if at.cuts:
            at.cuts -= 1
            assert request.transport is not None
            request.transport.abort()
        return answer

    store = ReferenceStore(SECRET)
    app = store.application()
    app.middlewares.append(watch)
    async with serving(app) as url, LicenceStore(url, secret, clock=clock) as client:
        made.append(Reference(client, url, store))
        yield made[0]


@contextlib.asynccontextmanager
async def answering(handler: Handler, limits: Limits | None = None) -> AsyncIterator[LicenceStore]:
    """A store that answers everything by this one."""
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", handler)
    async with serving(app) as url, LicenceStore(url, SECRET, limits=limits) as client:
        yield client


def signed(
    request: web.Request,
    body: bytes,
    *,
    status: int = 200,
    content_type: str = JSON,
    secret: str = SECRET,
    created_s: float | None = None,
    of: str = "",
) -> web.Response:
    """An answer as the contract wants it."""
    components = signatures.answer_components(
        status, content_type, body, of or request.headers["Signature"]
    )
    headers = signatures.sign(
        components,
        secret.encode(),
        created_s=int(time.time() if created_s is None else created_s),
        nonce="0123456789abcdef",
    )
    return web.Response(status=status, body=body, content_type=content_type, headers=headers)


def a_licence(**changes: Any) -> Licence:
    licence = Licence(
        "l-1", "marriage_certificate", "结婚证", "J1", "民政局", date(2020, 5, 1), "valid"
    )
    return msgspec.structs.replace(licence, **changes)


def a_copy(**changes: Any) -> Copy:
    copy = Copy(
        a_licence(),
        "application/pdf",
        PDF,
        hashlib.sha256(PDF).hexdigest(),
        SignatureFacts("valid"),
    )
    return msgspec.structs.replace(copy, **changes)


FOUND = msgspec.json.encode(Found([a_licence()]))


async def search(client: LicenceStore, **changes: Any) -> tuple[Licence, ...]:
    return await client.search(HOLDER, "marriage_certificate", PURPOSE, consent(), **changes)


async def fetch(client: LicenceStore, licence: str = "l-1", **changes: Any) -> Copy:
    return await client.fetch(HOLDER, licence, PURPOSE, consent(), **changes)


# What a store is for


@pytest.mark.parametrize("kind", invented_licences.kinds())
async def test_a_licence_is_found_and_fetched_with_what_is_known_of_it(kind: str) -> None:
    async with reference() as at:
        (found,) = await at.client.search(HOLDER, kind, PURPOSE, consent())
        assert found.kind == kind
        assert found.number
        assert found.issuer
        copy = await fetch(at.client, found.id)
        assert copy.licence == found
        assert copy.media_type == "application/pdf"
        assert copy.content.startswith(b"%PDF-")
        assert NUMBER.encode("utf-16-be").hex().encode() in copy.content
        unsigned = kind == "household_register"
        assert copy.signature.state == ("unsigned" if unsigned else "valid")
        assert copy.signature.signer == found.issuer


async def test_a_kind_of_which_the_holder_has_none_is_no_error() -> None:
    async with reference() as at:
        assert await at.client.search(HOLDER, "pilot_licence", PURPOSE, consent()) == ()


def test_a_licence_holds_by_its_status_and_from_its_first_to_its_last_day() -> None:
    first, last = date(2026, 1, 1), date(2026, 12, 31)
    licence = a_licence(valid_from=first, valid_until=last)
    assert licence.is_valid_on(first)
    assert licence.is_valid_on(last)
    assert not licence.is_valid_on(first - timedelta(days=1))
    assert not licence.is_valid_on(last + timedelta(days=1))
    assert licence.has_run_out(last + timedelta(days=1))
    assert not a_licence(status="revoked").is_valid_on(first)
    assert a_licence().is_valid_on(date(2126, 1, 1))


async def test_the_same_request_is_worked_on_once_and_answered_the_same() -> None:
    async with reference() as at:
        agreed, request = consent(), "0198aaaa-0000-7000-8000-000000000001"
        answers = [
            await at.client.search(HOLDER, "id_card", PURPOSE, agreed, request=request)
            for _ in range(3)
        ]
        assert answers[0] == answers[1] == answers[2]
        assert (len(at.asked), at.store.worked) == (3, 1)


async def test_a_request_id_is_not_used_for_something_else() -> None:
    async with reference() as at:
        agreed, request = consent(), "0198aaaa-0000-7000-8000-000000000001"
        await at.client.search(HOLDER, "id_card", PURPOSE, agreed, request=request)
        with pytest.raises(Refused) as refused:
            await at.client.search(HOLDER, "residence_permit", PURPOSE, agreed, request=request)
        assert refused.value.why == "other"


async def test_an_answer_lost_on_the_way_is_asked_for_once_more() -> None:
    async with reference() as at:
        at.cuts = 1
        (found,) = await search(at.client)
        assert found.kind == "marriage_certificate"
        assert (len(at.asked), at.store.worked) == (2, 1)
        at.cuts = 2
        with pytest.raises(Unavailable):
            await search(at.client)


# Consent, owners, secrets


async def test_every_request_names_the_consent_with_its_time_and_notice() -> None:
    async with reference() as at:
        agreed = consent(timedelta(minutes=5))
        (found,) = await at.client.search(HOLDER, "id_card", PURPOSE, agreed)
        await at.client.fetch(HOLDER, found.id, PURPOSE, agreed)
        told = [msgspec.json.decode(body)["consent"] for _, _, body in at.asked]
        assert told == [msgspec.to_builtins(agreed)] * 2


@pytest.mark.parametrize("age", [timedelta(hours=25), timedelta(minutes=-5)])
async def test_a_consent_of_another_day_is_refused(age: timedelta) -> None:
    async with reference() as at:
        with pytest.raises(Refused) as refused:
            await at.client.search(HOLDER, "id_card", PURPOSE, consent(age))
        assert refused.value.why == "consent"
        assert at.store.worked == 0


async def test_nobody_gets_the_licence_of_somebody_else() -> None:
    async with reference() as at:
        (found,) = await search(at.client)
        other = Holder("110101199003077571", "他人")
        with pytest.raises(NotFound):
            await at.client.fetch(other, found.id, PURPOSE, consent())


async def test_a_format_that_the_store_does_not_have_is_refused() -> None:
    async with reference() as at:
        (found,) = await search(at.client)
        with pytest.raises(Refused) as refused:
            await fetch(at.client, found.id, formats=("image/png",))
        assert refused.value.why == "format"


async def test_number_name_and_secret_are_in_no_address_no_header_and_no_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with reference() as at:
        (found,) = await search(at.client)
        copy = await fetch(at.client, found.id)
        with pytest.raises(NotFound):
            await fetch(at.client, "none")
        for url, headers, body in at.asked:
            assert url in (SEARCH, FETCH)
            assert NUMBER not in str(headers)
            assert SECRET not in str(headers)
            assert NUMBER.encode() in body
    shown = caplog.text + repr(HOLDER) + repr(copy)
    for personal in (NUMBER, NAME, SECRET, found.number, copy.content.hex()[:40]):
        assert personal not in shown
    assert "visit 0198-visit, consent consent-7" in caplog.text


async def test_a_service_with_another_secret_or_another_time_is_not_served() -> None:
    async with reference(secret=OTHER) as at:
        with pytest.raises(Unavailable, match="does not trust"):
            await search(at.client)
    async with reference(clock=lambda: time.time() - 120) as at:
        with pytest.raises(Unavailable, match="does not trust"):
            await search(at.client)
        assert at.store.worked == 0


async def test_a_request_that_was_listened_to_cannot_be_sent_again_or_changed() -> None:
    async with reference() as at, aiohttp.ClientSession() as http:
        await search(at.client)
        _, headers, body = at.asked[0]
        for sent in (body, body.replace(NUMBER.encode(), b"110101199003077571")):
            async with http.post(at.url + SEARCH, data=sent, headers=headers) as again:
                assert again.status == 401
                assert again.content_type == PROBLEM
        assert at.store.worked == 1


async def test_a_request_whose_digest_is_not_that_of_its_body_is_not_served() -> None:
    async with reference() as at, aiohttp.ClientSession() as http:
        body = msgspec.json.encode(Search("x" * 16, HOLDER, "id_card", PURPOSE, consent()))
        for said, status in ((b"another body", 401), (body, 200)):
            headers = {"Content-Type": JSON, signatures.DIGEST: signatures.digest(said)}
            headers |= signatures.sign(
                signatures.request_components("POST", SEARCH, JSON, body),
                SECRET.encode(),
                created_s=int(time.time()),
                nonce=f"0123456789abcdef{status}",
            )
            async with http.post(at.url + SEARCH, data=body, headers=headers) as answer:
                assert answer.status == status


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"[" * 15_000,
        msgspec.json.encode({"request": "x" * 16}),
        msgspec.json.encode(Fetch("x" * 16, HOLDER, "../x", [], PURPOSE, consent())),
        msgspec.json.encode(Search("x", HOLDER, "id_card", PURPOSE, consent())),
        msgspec.json.encode(Search("x" * 16, HOLDER, "ID CARD", PURPOSE, consent())),
        msgspec.json.encode(Search("x" * 16, Holder("12", "n"), "id_card", PURPOSE, consent())),
    ],
)
async def test_a_body_that_breaks_the_contract_is_told_so(body: bytes) -> None:
    async with reference() as at, aiohttp.ClientSession() as http:
        for path in (SEARCH, FETCH):
            components = signatures.request_components("POST", path, JSON, body)
            headers = signatures.sign(
                components,
                SECRET.encode(),
                created_s=int(time.time()),
                nonce=f"0123456789abcdef{len(path)}",
            )
            headers |= {"Content-Type": JSON, signatures.DIGEST: signatures.digest(body)}
            async with http.post(at.url + path, data=body, headers=headers) as answer:
                assert answer.status == 400
                assert (await answer.json(content_type=PROBLEM))["type"].endswith(":malformed")


@pytest.mark.parametrize(
    ("holder", "kind"),
    [
        (Holder("12345", NAME), "id_card"),
        (Holder(NUMBER, ""), "id_card"),
        (HOLDER, "../id_card"),
    ],
)
async def test_what_no_request_can_hold_is_not_sent(holder: Holder, kind: str) -> None:
    async with reference() as at:
        with pytest.raises(ValueError, match=r"\$"):
            await at.client.search(holder, kind, PURPOSE, consent())
        assert at.asked == []


# Stores gone wrong


async def test_a_store_that_is_down_is_unavailable() -> None:
    async with LicenceStore(f"http://127.0.0.1:{free_port()}", SECRET) as client:
        with pytest.raises(Unavailable, match="reached"):
            await search(client)
        with pytest.raises(Unavailable, match="reached"):
            await fetch(client)


async def test_a_store_that_does_not_answer_is_too_slow() -> None:
    async def never(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async with answering(never, IMPATIENT) as client:
        with pytest.raises(TooSlow):
            await search(client)
        with pytest.raises(TooSlow):
            await fetch(client)


async def test_a_store_that_stops_in_the_middle_of_its_answer_is_too_slow() -> None:
    async def stop(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": JSON})
        await answer.prepare(request)
        await answer.write(FOUND[:20])
        await asyncio.Event().wait()
        raise AssertionError

    async with answering(stop, IMPATIENT) as client:
        with pytest.raises(TooSlow):
            await search(client)


async def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    sent, cut = 0, asyncio.Event()

    async def pour(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        answer = web.StreamResponse(headers={"Content-Type": JSON})
        await answer.prepare(request)
        try:
            while True:
                await answer.write(b" " * 65_536)
                sent += 65_536
        except ConnectionError:
            cut.set()
            raise

    limits = Limits(search_bytes=100_000)
    async with answering(pour, limits) as client:
        with pytest.raises(Unavailable, match="more than"):
            await search(client)
        async with asyncio.timeout(10):
            await cut.wait()
        assert sent < 100_000 + 50 * 1024 * 1024


async def test_a_file_that_is_too_large_is_not_taken() -> None:
    content = PDF + bytes(1000)
    body = msgspec.json.encode(a_copy(content=content, sha256=hashlib.sha256(content).hexdigest()))

    async def large(request: web.Request) -> web.Response:
        return signed(request, body)

    async with answering(large, Limits(copy_bytes=len(content))) as client:
        assert (await fetch(client)).content == content
    async with answering(large, Limits(copy_bytes=len(content) - 1)) as client:
        with pytest.raises(Unavailable, match="too large"):
            await fetch(client)


async def test_a_packed_answer_is_not_unpacked() -> None:
    async def packed(request: web.Request) -> web.Response:
        answer = signed(request, FOUND)
        answer.body = zlib.compress(FOUND)
        answer.headers["Content-Encoding"] = "deflate"
        return answer

    async with answering(packed) as client:
        with pytest.raises(Unavailable):
            await search(client)


WRONG: dict[str, Callable[[web.Request], web.Response]] = {
    "unsigned": lambda r: web.Response(body=FOUND, content_type=JSON),
    "another secret": lambda r: signed(r, FOUND, secret=OTHER),
    "of an hour ago": lambda r: signed(r, FOUND, created_s=time.time() - 3600),
    "of another request": lambda r: signed(r, FOUND, of="vw=:AAAA:"),
    "a page": lambda r: signed(r, b"<html>", content_type="text/html"),
    "a page called JSON": lambda r: signed(r, b"<html>"),
    "JSON called a page": lambda r: signed(r, FOUND, content_type="text/html"),
    "another shape": lambda r: signed(r, b'{"licences": 5}'),
    "deep": lambda r: signed(r, b"[" * 100_000),
    "no text": lambda r: signed(r, b'{"licences": "\xff"}'),
    "another kind": lambda r: signed(r, msgspec.json.encode(Found([a_licence(kind="id_card")]))),
    "too many": lambda r: signed(r, msgspec.json.encode(Found([a_licence()] * 101))),
    "elsewhere": lambda r: web.Response(status=307, headers={"Location": str(r.url)}),
    "nothing": lambda r: web.Response(status=204),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_an_answer_that_breaks_the_contract_is_not_believed(wrong: str) -> None:
    asked = 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return WRONG[wrong](request)

    async with answering(answer) as client:
        with pytest.raises(Unavailable):
            await search(client)
        assert asked == 1


async def test_an_answer_changed_on_the_way_is_not_believed() -> None:
    async def changed(request: web.Request) -> web.Response:
        answer = signed(request, FOUND)
        answer.body = FOUND.replace(b"valid", b"revoked")
        return answer

    async with answering(changed) as client:
        with pytest.raises(Unavailable, match="signed"):
            await search(client)


async def test_half_an_answer_is_none() -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": JSON, "Content-Length": "500"})
        await answer.prepare(request)
        await answer.write(FOUND[:20])
        assert request.transport is not None
        request.transport.close()
        return answer

    async with answering(half) as client:
        with pytest.raises(Unavailable):
            await search(client)


@pytest.mark.parametrize(
    ("copy", "said"),
    [
        (a_copy(licence=a_licence(id="l-2")), "another licence"),
        (a_copy(media_type="image/png"), "no image/png"),
        (a_copy(content=PDF + b"more"), "sha256"),
        (a_copy(content=b"MZ", sha256=hashlib.sha256(b"MZ").hexdigest()), "no application/pdf"),
    ],
)
async def test_a_file_that_is_not_what_is_said_is_not_taken(copy: Copy, said: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        return signed(request, msgspec.json.encode(copy))

    async with answering(answer) as client:
        with pytest.raises(Unavailable, match=said):
            await fetch(client)


async def test_a_file_in_a_format_that_was_not_asked_for_is_not_taken() -> None:
    async def answer(request: web.Request) -> web.Response:
        return signed(request, msgspec.json.encode(a_copy()))

    async with answering(answer) as client:
        assert (await fetch(client)).content == PDF
        with pytest.raises(Unavailable, match="not asked for"):
            await fetch(client, formats=("image/jpeg",))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500, 502, 503])
async def test_an_error_that_the_store_has_not_signed_says_only_that_it_is_unavailable(
    status: int,
) -> None:
    async def answer(request: web.Request) -> web.Response:
        body = msgspec.json.encode({"type": "about:blank", "title": "no", "status": status})
        return web.Response(status=status, body=body, content_type=PROBLEM)

    async with answering(answer) as client:
        with pytest.raises(Unavailable):
            await fetch(client)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_store_that_is_busy_is_unavailable(status: int) -> None:
    async def answer(request: web.Request) -> web.Response:
        body = msgspec.json.encode({"title": "busy", "status": status})
        return signed(request, body, status=status, content_type=PROBLEM)

    async with answering(answer) as client:
        with pytest.raises(Unavailable, match="busy"):
            await search(client)


# Addresses and the command


@pytest.mark.parametrize(
    "url",
    [
        "http://licences.example",
        "http://10.0.0.7:7090",
        "ftp://licences.example",
        "licences.example",
        "https://",
        "https://user:secret@licences.example",
        "https://licences.example/?key=1",
        "",
    ],
)
def test_an_address_to_which_no_id_number_may_go_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"https|address"):
        LicenceStore(url, SECRET)


def test_a_secret_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(ValueError, match="32 characters"):
        LicenceStore("https://licences.example", "short")


async def test_the_command_serves_licences() -> None:
    port = free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("VW_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy.cli", "licence-store", "--port", str(port),
        env=environment | {"VW_LICENCE_STORE_SECRET": SECRET},
    )  # fmt: skip
    try:
        async with LicenceStore(f"http://127.0.0.1:{port}", SECRET) as client:
            async with asyncio.timeout(20):
                while True:
                    try:
                        (found,) = await search(client)
                        break
                    except Unavailable:
                        assert process.returncode is None
            assert (await fetch(client, found.id)).licence == found
    finally:
        process.terminate()
    assert await asyncio.wait_for(process.wait(), 10) == 0
