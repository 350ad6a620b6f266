"""The line of the real service: what is not allowed is refused, and what follows still works."""

import asyncio
import itertools
import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from signaling import protocol
from signaling.access import Identity, Role, Tokens
from signaling.client import Api, CommandRefused, HttpRefused, LineClient
from signaling.commands import MAY
from signaling.protocol import ClerkState, KioskState
from tests.signaling.parties import (
    RawLine,
    accepted,
    clerk,
    finish,
    hello,
    person,
    raw_line,
    resident,
    sample,
    ticket,
)
from tests.support.service import ServiceProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")
SUZHOU, HUZHOU, WUHU, HEFEI, JINHUA = "320500", "330500", "340200", "340100", "330700"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServiceProcess]:
    async with ServiceProcess(tmp_path_factory.mktemp("protocol")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def kiosk_api(service: ServiceProcess) -> AsyncIterator[Api]:
    """A kiosk without a visit."""
    async with Api(service.url) as api:
        await service.enrolled_kiosk(api)
        yield api


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clerk_api(service: ServiceProcess) -> AsyncIterator[Api]:
    """A clerk who is off duty."""
    async with person(service, "hefei1") as api:
        yield api


async def usable(line: RawLine) -> bool:
    """Whether the line still carries out a command of this client and answers it by its id."""
    wanted = str(uuid.uuid4())
    answer = await line.say(json.dumps(sample(protocol.Connect, id=wanted)))
    return answer["id"] == wanted and answer["code"] in ("not_found", "too_fast")


# Hello


async def test_hello_with_a_ticket_is_welcomed_with_the_whole_state(kiosk_api: Api) -> None:
    line, welcome = await hello(kiosk_api)
    assert welcome["type"] == "welcome"
    assert welcome["state"]["role"] == "kiosk"
    assert welcome["version"] == protocol.VERSION
    await line.socket.close()


@pytest.mark.parametrize(
    "first",
    [
        "hello",
        "",
        "{}",
        "[]",
        "null",
        '{"type":"hello"}',
        '{"type":"hello","ticket":5,"versions":[1]}',
        '{"type":"hello","ticket":"x","versions":"1"}',
        '{"type":"hello","ticket":"x","versions":[1],"more":1}',
        '{"type":"set_window","id":"a","step":"be_ready"}',
        "[" * 60_000,
    ],
)
async def test_what_is_not_hello_is_refused_and_the_socket_closed(
    kiosk_api: Api, first: str
) -> None:
    line = RawLine(await kiosk_api.socket())
    answer = await line.say(first)
    assert (answer["type"], answer["id"], answer["code"]) == ("refused", None, "malformed")
    assert await line.closed_with() == 4002


async def test_bytes_are_no_hello(kiosk_api: Api) -> None:
    line = RawLine(await kiosk_api.socket())
    await line.socket.send_bytes(b"hello")
    assert (await line.answer())["code"] == "malformed"
    assert await line.closed_with() == 4002


async def test_a_hello_that_is_too_large_closes_the_socket(kiosk_api: Api) -> None:
    line = RawLine(await kiosk_api.socket())
    await line.socket.send_str("x" * (protocol.MAX_MESSAGE_BYTES + 1))
    assert await line.closed_with() == 1009


@pytest.mark.parametrize("bad", ["", "x", "a.b.c", "x" * 4096])
async def test_a_bad_ticket_is_refused(kiosk_api: Api, bad: str) -> None:
    line, answer = await hello(kiosk_api, ticket=bad)
    assert (answer["type"], answer["code"]) == ("refused", "bad_ticket")
    assert await line.closed_with() == 4002


async def test_an_access_token_is_no_ticket(kiosk_api: Api) -> None:
    _, answer = await hello(kiosk_api, ticket=kiosk_api.token)
    assert answer["code"] == "bad_ticket"


async def test_a_ticket_is_good_once(kiosk_api: Api) -> None:
    one = await ticket(kiosk_api)
    first, welcome = await hello(kiosk_api, ticket=one)
    assert welcome["type"] == "welcome"
    _, again = await hello(kiosk_api, ticket=one)
    assert again["code"] == "bad_ticket"
    assert await usable(first)
    await first.socket.close()


async def test_a_ticket_used_at_once_by_many_opens_one_line(kiosk_api: Api) -> None:
    one = await ticket(kiosk_api)
    answers = await asyncio.gather(*(hello(kiosk_api, ticket=one) for _ in range(6)))
    kinds = sorted(answer["type"] for _, answer in answers)
    assert kinds == ["refused"] * 5 + ["welcome"]
    await asyncio.gather(*(line.socket.close() for line, _ in answers))


async def test_an_old_ticket_is_refused(service: ServiceProcess, kiosk_api: Api) -> None:
    tokens = Tokens(service.settings.secret())
    who, _, _ = tokens.read("access", kiosk_api.token)
    old = tokens.issue("line", who, datetime.now(UTC) - timedelta(seconds=31))
    _, answer = await hello(kiosk_api, ticket=old)
    assert answer["code"] == "bad_ticket"


async def test_admins_have_no_line(service: ServiceProcess, kiosk_api: Api) -> None:
    role = Role.ADMIN
    async with person(service, f"hefei-{role}") as api:
        with pytest.raises(HttpRefused) as refused:
            await ticket(api)
        assert refused.value.status == 403
    forged = Tokens(service.settings.secret()).issue("line", Identity(f"hefei-{role}", role, HEFEI))
    _, answer = await hello(kiosk_api, ticket=forged)
    assert answer["code"] == "bad_ticket"


async def test_somebody_unknown_has_no_line(service: ServiceProcess, kiosk_api: Api) -> None:
    tokens = Tokens(service.settings.secret())
    for role in (Role.KIOSK, Role.CLERK):
        forged = tokens.issue("line", Identity("nobody", role, HEFEI))
        _, answer = await hello(kiosk_api, ticket=forged)
        assert answer["code"] == "bad_ticket"


@pytest.mark.parametrize("versions", [[], [0], [2], [99, 100]])
async def test_a_foreign_version_is_refused(kiosk_api: Api, versions: list[int]) -> None:
    line, answer = await hello(kiosk_api, versions=versions)
    assert answer["code"] == "bad_version"
    assert str(protocol.VERSION) in answer["message"]
    assert await line.closed_with() == 4002


async def test_one_version_in_common_is_enough(kiosk_api: Api) -> None:
    line, answer = await hello(kiosk_api, versions=[99, protocol.VERSION])
    assert answer["type"] == "welcome"
    await line.socket.close()


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost", "https://localhost:{port}", ""]
)
async def test_a_page_of_another_origin_opens_no_line(service: ServiceProcess, origin: str) -> None:
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(
                service.url + "/line",
                headers={"Origin": origin.format(port=service.settings.port)},
            )
    assert refused.value.status == 403


async def test_a_page_of_ours_opens_a_line(service: ServiceProcess) -> None:
    async with aiohttp.ClientSession() as http:
        for host in ("localhost", "127.0.0.1"):
            origin = f"http://{host}:{service.settings.port}"
            socket = await http.ws_connect(service.url + "/line", headers={"Origin": origin})
            await socket.close()


# Messages


async def test_an_unknown_message_type_is_refused_and_the_line_stays_usable(
    kiosk_api: Api,
) -> None:
    async with raw_line(kiosk_api) as line:
        answer = await line.command("dance")
        assert answer["code"] == "unknown_type"
        assert await usable(line)


async def test_a_refused_message_is_answered_by_its_id_where_one_can_be_read(
    kiosk_api: Api,
) -> None:
    async with raw_line(kiosk_api) as line:
        for message, code in (
            ({"type": "dance", "id": "a"}, "unknown_type"),
            ({"type": "rate", "id": "b"}, "bad_value"),
            ({"type": "rate", "id": "c", "visit": "v", "rating": 9}, "bad_value"),
        ):
            answer = await line.say(json.dumps(message))
            assert (answer["id"], answer["code"]) == (message["id"], code)
        assert await usable(line)


@pytest.mark.parametrize(
    "text", ["{", "nothing", '{"type":', '"text"', "[1,2]", "{}", '{"id":5,"type":"rate"}', "\x00"]
)
async def test_a_message_that_cannot_be_read_is_refused_and_the_line_stays_usable(
    kiosk_api: Api, text: str
) -> None:
    async with raw_line(kiosk_api) as line:
        answer = await line.say(text)
        assert answer["id"] is None
        assert answer["code"] in ("malformed", "unknown_type")
        assert await usable(line)


@pytest.mark.parametrize(
    "text",
    ["[" * 60_000, '{"a":' * 10_000 + "1" + "}" * 10_000, '{"type":"rate","id":' + "[" * 9_000],
)
async def test_deep_nesting_is_refused_and_the_line_stays_usable(kiosk_api: Api, text: str) -> None:
    async with raw_line(kiosk_api) as line:
        assert (await line.say(text))["type"] == "refused"
        assert await usable(line)


async def test_bytes_are_refused(kiosk_api: Api) -> None:
    async with raw_line(kiosk_api) as line:
        await line.socket.send_bytes(b"\x00\xff")
        assert (await line.answer())["code"] == "malformed"
        assert await usable(line)


async def test_a_second_hello_is_refused(kiosk_api: Api) -> None:
    async with raw_line(kiosk_api) as line:
        said = {"type": "hello", "ticket": await ticket(kiosk_api), "versions": [1]}
        assert (await line.say(json.dumps(said)))["code"] == "malformed"
        assert await usable(line)


async def test_the_third_message_that_cannot_be_read_closes_the_line(kiosk_api: Api) -> None:
    async with raw_line(kiosk_api) as line:
        for _ in range(3):
            assert (await line.say("{"))["code"] == "malformed"
        assert await line.closed_with() == 4003
    async with raw_line(kiosk_api) as line:
        assert await usable(line)


@pytest.mark.parametrize(
    "change",
    [
        {"id": ""},
        {"id": "x" * 65},
        {"id": "a b"},
        {"id": "../../etc"},
        {"visit": ""},
        {"visit": "x" * 65},
        {"visit": None},
        {"rating": 0},
        {"rating": 6},
        {"rating": 4.5},
        {"rating": "5"},
        {"rating": True},
        {"reasons": ["x" * 201]},
        {"reasons": ["x"] * 11},
        {"reasons": "slow"},
        {"more": 1},
    ],
)
async def test_a_value_out_of_its_bounds_is_refused(kiosk_api: Api, change: dict[str, Any]) -> None:
    async with raw_line(kiosk_api) as line:
        answer = await line.say(json.dumps({**sample(protocol.Rate), **change}))
        assert (answer["type"], answer["code"]) == ("refused", "bad_value")
        assert await usable(line)


async def test_a_message_over_64_kib_closes_the_line_and_a_new_one_finds_the_state(
    service: ServiceProcess,
) -> None:
    async with resident(service) as at_kiosk:
        taken = await at_kiosk.take(WUHU)
        line, _ = await hello(at_kiosk.api)
        await line.socket.send_str("x" * (protocol.MAX_MESSAGE_BYTES + 1))
        assert await line.closed_with() == 1009
        again, welcome = await hello(at_kiosk.api)
        assert welcome["state"]["visit"]["ticket"] == taken.ticket
        assert welcome["state"]["visit"]["state"] == "waiting"
        assert await usable(again)
        await again.socket.close()


async def test_too_many_commands_are_refused_as_too_fast_and_the_line_stays_usable(
    clerk_api: Api,
) -> None:
    count = 300
    async with raw_line(clerk_api) as line:
        messages = [sample(protocol.Connect) for _ in range(count)]
        for message in messages:
            await line.socket.send_str(json.dumps(message))
        answers = [await line.answer() for _ in range(count)]
        assert [a["id"] for a in answers] == [m["id"] for m in messages]
        codes = [a["code"] for a in answers]
        assert codes[:60] == ["not_found"] * 60
        assert "too_fast" in codes
        async with asyncio.timeout(10):
            while (await line.say(json.dumps(sample(protocol.Connect))))["code"] == "too_fast":
                pass
        assert await usable(line)


# Roles and owners

FORBIDDEN = [
    pytest.param(command, role, id=f"{command.__name__}-{role}")
    for command, role in itertools.product(protocol.COMMAND_TYPES, (Role.KIOSK, Role.CLERK))
    if role not in MAY[command]
]


@pytest.mark.parametrize(("command", "role"), FORBIDDEN)
async def test_a_command_of_another_role_is_forbidden(
    kiosk_api: Api, clerk_api: Api, command: type[protocol.Command], role: Role
) -> None:
    async with raw_line(kiosk_api if role is Role.KIOSK else clerk_api) as line:
        answer = await line.say(json.dumps(sample(command)))
        assert (answer["type"], answer["code"]) == ("refused", "forbidden")


OWNED = {"visit", "call", "connection"}
ABOUT = [c for c in protocol.COMMAND_TYPES if OWNED & set(c.__struct_fields__)]


async def test_nobody_changes_the_visit_or_the_call_of_others(
    service: ServiceProcess, kiosk_api: Api
) -> None:
    async with (
        resident(service) as at_kiosk,
        clerk(service, "suzhou1") as at_desk,
        person(service, "suzhou2") as colleague,
        person(service, "hefei1") as foreigner,
    ):
        strangers = ((kiosk_api, Role.KIOSK), (colleague, Role.CLERK), (foreigner, Role.CLERK))

        async def strangers_are_refused(state: str, **names: str) -> None:
            before = await at_kiosk.state_of_visit(state)
            for api, role in strangers:
                await refused(api, role, {"visit": before.id, **names})
            assert at_kiosk.line.state.visit == before

        await at_kiosk.take(SUZHOU)
        await strangers_are_refused("waiting")
        await at_desk.step("be_ready")
        ringing = await at_desk.rung()
        await strangers_are_refused("offered")
        await at_desk.line.command(protocol.Accept, visit=ringing.id)
        for line in (at_kiosk.line, at_desk.line):
            state = await line.until(lambda s: s.call is not None)  # type: ignore[attr-defined]
            names = {"call": state.call.id, "connection": state.connection.id}
            await strangers_are_refused("serving", **names)
        await at_kiosk.line.command(protocol.EndCall, visit=ringing.id)
        await strangers_are_refused("finished", **names)
        await at_desk.line.command(
            protocol.CloseVisit, visit=ringing.id, outcome="completed", ready=False
        )
        await at_kiosk.line.command(protocol.Wipe, visit=ringing.id)


async def refused(api: Api, role: Role, names: dict[str, str]) -> None:
    """Every command about these names is refused to this client."""
    async with raw_line(api) as line:
        for command in ABOUT:
            if role in MAY[command] and names.keys() & set(command.__struct_fields__):
                answer = await line.say(json.dumps(sample(command, **names)))
                assert answer["type"] == "refused", command
                assert answer["code"] in ("not_found", "conflict"), (command, answer)


async def test_what_does_not_exist_is_refused_like_what_is_anothers(kiosk_api: Api) -> None:
    async with raw_line(kiosk_api) as line:
        for command in ABOUT:
            if Role.KIOSK in MAY[command]:
                assert (await line.say(json.dumps(sample(command))))["code"] == "not_found"


# Once


async def test_a_command_sent_five_times_has_one_effect_and_five_equal_answers(
    service: ServiceProcess,
) -> None:
    async with resident(service) as at_kiosk:
        text = json.dumps(
            sample(
                protocol.TakeTicket,
                matter="YB-01",
                city=HUZHOU,
                earlier_ticket="",
                earlier_code="",
                priority="ordinary",
            )
        )
        line, _ = await hello(at_kiosk.api)
        for _ in range(5):
            await line.socket.send_str(text)
        answers = [await line.answer() for _ in range(5)]
        assert answers == [{"type": "done", "id": json.loads(text)["id"]}] * 5
        again, welcome = await hello(at_kiosk.api)  # also on a new socket
        assert await again.say(text) == answers[0]
        visit = welcome["state"]["visit"]
        assert visit["ticket"] == "C001"
        await again.command("leave_line", visit=visit["id"])
        assert await again.say(text) == answers[0]
        _, welcome = await hello(at_kiosk.api)
        assert welcome["state"]["visit"] is None


async def test_a_refused_command_sent_again_is_refused_the_same(service: ServiceProcess) -> None:
    async with resident(service) as at_kiosk, raw_line(at_kiosk.api) as line:
        text = json.dumps(sample(protocol.LeaveLine, visit="none"))
        assert [await line.say(text) for _ in range(5)] == [await line.say(text)] * 5


async def test_two_tickets_at_one_kiosk_are_a_conflict(service: ServiceProcess) -> None:
    async with resident(service) as at_kiosk:
        await at_kiosk.take(HUZHOU)
        with pytest.raises(CommandRefused) as refused:
            await at_kiosk.take(HUZHOU)
        assert refused.value.code == "conflict"


@pytest.mark.parametrize(
    ("matter", "city"), [("XX-99", HUZHOU), ("YB-01", "999999"), ("LS-01", HUZHOU)]
)
async def test_a_ticket_for_what_is_not_done_there_is_a_bad_value(
    kiosk_api: Api, matter: str, city: str
) -> None:
    async with raw_line(kiosk_api) as line:
        answer = await line.say(json.dumps(sample(protocol.TakeTicket, matter=matter, city=city)))
        assert answer["code"] == "bad_value"
        assert "matter" in answer["message"]


# The newest line


async def test_the_newest_line_of_a_client_closes_the_older_one(kiosk_api: Api) -> None:
    older, _ = await hello(kiosk_api)
    async with raw_line(kiosk_api) as newer:
        assert await older.closed_with() == 4001
        assert await usable(newer)


async def test_whoever_comes_back_gets_the_state_as_it_is_by_then(
    service: ServiceProcess,
) -> None:
    async with resident(service) as at_kiosk, clerk(service, "jinhua1") as at_desk:
        taken = await at_kiosk.take(JINHUA)
        await at_kiosk.line.close()
        await at_desk.line.until(lambda s: len(s.line) == 1)
        at_kiosk.line = await LineClient.open(at_kiosk.api, KioskState)
        assert at_kiosk.line.state.visit is not None
        assert at_kiosk.line.state.visit.ticket == taken.ticket
        assert at_kiosk.line.state.place is not None
        await at_desk.step("be_ready")
        ringing = await at_desk.rung()
        await at_desk.line.close()
        at_desk.line = await LineClient.open(at_desk.api, ClerkState)
        assert at_desk.line.state.visit is not None
        assert at_desk.line.state.visit.id == ringing.id
        await at_desk.line.command(protocol.Accept, visit=ringing.id)
        await finish(at_kiosk, at_desk, ringing.id)


async def test_a_kiosk_that_is_not_here_does_not_ring(service: ServiceProcess) -> None:
    async with (
        resident(service) as absent,
        resident(service) as present,
        clerk(service, "jinhua2") as at_desk,
    ):
        await absent.take(JINHUA)
        await absent.line.close()
        taken = await present.take(JINHUA)
        await at_desk.step("be_ready")
        assert (await at_desk.rung()).id == taken.id
        await present.line.command(protocol.LeaveLine, visit=taken.id)
        await at_desk.window("ready")


async def test_a_whole_visit_without_media_passes_through_its_states(
    service: ServiceProcess,
) -> None:
    async with resident(service) as at_kiosk, clerk(service, "wuhu1") as at_desk:
        visit = await accepted(at_kiosk, at_desk, WUHU)
        await at_desk.line.command(
            protocol.KeepCase, visit=visit.id, notes="ok", checked=["居民身份证"]
        )
        state = await at_desk.line.until(lambda s: s.case is not None and s.case.notes == "ok")
        assert state.case is not None
        assert state.case.checked == ["居民身份证"]
        await at_desk.line.command(protocol.EndCall, visit=visit.id)
        ended = await at_kiosk.state_of_visit("finished")
        assert ended.ended_by == "clerk"
        await at_kiosk.line.command(protocol.Rate, visit=visit.id, rating=4)
        await at_desk.line.command(
            protocol.CloseVisit, visit=visit.id, outcome="accepted", ready=True
        )
        await at_desk.window("ready")
        await at_kiosk.line.command(protocol.Wipe, visit=visit.id)
        await at_kiosk.line.until(lambda s: s.visit is None)
    record = await service.record(visit.id)
    assert (record["visit"]["outcome"], record["visit"]["rating"]) == ("accepted", 4)
    assert record["notes"] == "ok"
