"""The shared desk on the line of the real service: who sees what, what is dropped or refused."""

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from scheduling.rows import Conflict, NotFound
from signaling import protocol
from signaling.access import Identity, Role
from signaling.call import CLERK, INVITED, RESIDENT
from signaling.desk_parties import DeskParties
from signaling.hub import Socket
from signaling.line import GESTURES_PER_S
from signaling.protocol import Gesture
from signaling.shared_desk import OpenPage, Page, Pointer
from tests.signaling.parties import (
    ANSWER_DEADLINE_S,
    Clerk,
    RawLine,
    Resident,
    accepted,
    clerk,
    hello,
    person,
    raw_line,
    resident,
)
from tests.signaling.wired import AT_DESK, AT_KIOSK, Wired, wired
from tests.support.service import ServiceProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")
SUZHOU, HUZHOU = "320500", "330500"
PAGE = {"id": "page-1", "width": 2480, "height": 3508}
MARK = {"change": "add_mark", "page": "page-1", "tool": "pen", "places": [0.25, 0.5, 0.3, 0.6]}


class DeskLine(RawLine):
    """A party's line; what comes in between is kept."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, call: dict[str, Any]) -> None:
        super().__init__(socket)
        self.call = call
        self.gestures: list[dict[str, Any]] = []

    async def change(self, change: str, **fields: Any) -> dict[str, Any]:
        """Give the command; its answer."""
        message = {"type": "change_desk", "id": str(uuid.uuid4()), "call": self.call["id"]}
        await self.socket.send_str(json.dumps({**message, "change": {"change": change, **fields}}))
        return await self.until(lambda said: said["type"] in ("done", "refused"))

    async def gesture(self, **fields: Any) -> None:
        made = {"gesture": "pointer", "page": "page-1", "x": 0.5, "y": 0.5, **fields}
        await self.say_nothing({"type": "gesture", "call": self.call["id"], "made": made})

    async def say_nothing(self, message: dict[str, Any]) -> None:
        """Send what has no answer."""
        await self.socket.send_str(json.dumps(message))

    async def desk(self, version: int) -> dict[str, Any]:
        """The shared desk once it has this version."""
        if self.call["desk"]["version"] < version:
            await self.until(
                lambda said: (
                    said["type"] == "state" and said["state"]["call"]["desk"]["version"] >= version
                )
            )
        return dict(self.call["desk"])

    async def shown(self, count: int) -> list[dict[str, Any]]:
        """What others did, once so much of it has come."""
        while len(self.gestures) < count:
            await self.until(lambda said: said["type"] == "gesture")
        return self.gestures

    async def until(self, wanted: Any) -> dict[str, Any]:
        while True:
            message = await self.socket.receive(ANSWER_DEADLINE_S)
            assert message.type is aiohttp.WSMsgType.TEXT, (message, self.socket.close_code)
            said = json.loads(message.data)
            if said["type"] == "gesture":
                self.gestures.append({"party": said["party"], **said["made"]})
            if said["type"] == "state":
                self.call = said["state"]["call"]
            if wanted(said):
                return dict(said)


@dataclass
class Talk:
    """A visit in its call, with a raw line of each party."""

    resident: DeskLine
    clerk: DeskLine
    at_kiosk: Resident
    at_desk: Clerk
    visit: str

    async def again(self, of: Resident | Clerk) -> DeskLine:
        """This party's page, loaded anew."""
        line, welcome = await hello(of.api)
        return DeskLine(line.socket, welcome["state"]["call"])


@contextlib.asynccontextmanager
async def talking(
    service: ServiceProcess, login: str = "suzhou1", city: str = SUZHOU
) -> AsyncIterator[Talk]:
    async with resident(service) as at_kiosk, clerk(service, login) as at_desk:
        visit = await accepted(at_kiosk, at_desk, city)
        talk = Talk(None, None, at_kiosk, at_desk, visit.id)  # type: ignore[arg-type]
        talk.resident, talk.clerk = await talk.again(at_kiosk), await talk.again(at_desk)
        try:
            yield talk
        finally:
            line, _ = await hello(at_desk.api)
            await line.command("end_call", visit=visit.id)
            await line.command(
                "close_visit", visit=visit.id, outcome="completed", ready=False, answer=""
            )
            await line.command("set_window", step="go_off")
            for each in (talk.resident, talk.clerk, line):
                await each.socket.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServiceProcess]:
    async with ServiceProcess(tmp_path_factory.mktemp("desk")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def talk(service: ServiceProcess) -> AsyncIterator[Talk]:
    """A call on whose desk a page lies open."""
    async with talking(service, "huzhou1", HUZHOU) as made:
        assert (await made.clerk.change("open_page", page=PAGE))["type"] == "done"
        yield made


# What both see


async def test_both_see_the_page_that_either_opens_turns_zooms_and_marks(
    service: ServiceProcess,
) -> None:
    async with talking(service) as at:
        assert at.resident.call["desk"]["page"] is None
        assert (at.resident.call["party"], at.clerk.call["party"]) == ("resident", "clerk")
        zoom = {"x": 0.25, "y": 0.5, "width": 0.5, "height": 0.25}
        await at.clerk.change("open_page", page=PAGE)
        await at.clerk.change("turn_page", page="page-1", rotation=90)
        await at.resident.change("zoom_page", page="page-1", zoom=zoom)
        await at.resident.change(**MARK, mark="m1")
        desks = [await line.desk(4) for line in (at.resident, at.clerk)]
        mark = {"id": "m1", "author": "resident", "tool": "pen", "places": MARK["places"]}
        assert desks[0] == desks[1]
        assert desks[0] == {
            "version": 4, "page": PAGE, "rotation": 90, "zoom": zoom, "marks": [mark]
        }  # fmt: skip

        for party in (at.at_kiosk, at.at_desk):
            assert (await at.again(party)).call["desk"] == desks[0]


async def test_a_pointer_and_a_growing_stroke_are_seen_by_the_other_party_alone(
    talk: Talk,
) -> None:
    for line, far, party in (
        (talk.resident, talk.clerk, "resident"),
        (talk.clerk, talk.resident, "clerk"),
    ):
        version = (await far.desk(1))["version"]
        far.gestures.clear()
        line.gestures.clear()
        await line.gesture(x=0.25, y=0.75)
        pointer, *_ = await far.shown(1)
        assert pointer == {
            "party": party, "gesture": "pointer",
            "page": "page-1", "x": 0.25, "y": 0.75, "here": True,
        }  # fmt: skip
        stroke = {"mark": "s1", "tool": "highlight", "start": 3, "places": [0.1, 0.2, 0.3, 0.4]}
        made = {"gesture": "stroke", "page": "page-1", **stroke}
        await line.say_nothing({"type": "gesture", "call": line.call["id"], "made": made})
        assert (await far.shown(2))[1] == {"party": party, **made}
        assert (await line.change("clear_marks", page="page-1"))["type"] == "done"
        assert line.gestures == []
        assert (await far.desk(1))["version"] == version, "nothing of it stays"


async def test_nobody_takes_away_the_clerks_mark_but_the_clerk(talk: Talk) -> None:
    assert (await talk.clerk.change(**MARK, mark="c1"))["type"] == "done"
    refused = await talk.resident.change("remove_mark", mark="c1")
    assert (refused["type"], refused["code"]) == ("refused", "conflict")
    assert (await talk.clerk.change("remove_mark", mark="c1"))["type"] == "done"


# Who is not in the call


async def test_who_is_not_in_the_call_changes_nothing_and_shows_nothing(
    service: ServiceProcess, talk: Talk
) -> None:
    before = await talk.clerk.desk(1)
    async with (
        resident(service) as other,
        person(service, "huzhou2") as colleague,
        person(service, "hefei1") as foreigner,
    ):
        for api in (other.api, colleague, foreigner):
            line, _ = await hello(api)
            stranger = DeskLine(line.socket, talk.clerk.call)
            await stranger.gesture(x=0.111)
            answer = await stranger.change("open_page", page={**PAGE, "id": "foreign"})
            assert (answer["type"], answer["code"]) == ("refused", "not_found")
            await stranger.socket.close()
    for line, far in ((talk.clerk, talk.resident), (talk.resident, talk.clerk)):
        far.gestures.clear()
        await line.gesture(x=0.9)
        assert [seen["x"] for seen in await far.shown(1)] == [0.9]
    assert await talk.clerk.desk(1) == before


@pytest.mark.parametrize(
    "wrong", [{"call": "no-such-call"}, {"page": "page-2"}], ids=["no call", "not open"]
)
async def test_a_gesture_that_nobody_may_see_is_dropped_without_a_word(
    talk: Talk, wrong: dict[str, str]
) -> None:
    talk.clerk.gestures.clear()
    made = {"gesture": "pointer", "page": "page-1", "x": 0.1, "y": 0.1} | wrong
    call = made.pop("call", talk.resident.call["id"])
    for _ in range(5):
        await talk.resident.say_nothing({"type": "gesture", "call": call, "made": made})
    await talk.resident.gesture(x=0.7)
    assert [seen["x"] for seen in await talk.clerk.shown(1)] == [0.7]


async def test_a_call_that_is_over_has_no_desk(service: ServiceProcess) -> None:
    async with talking(service) as at:
        await at.clerk.change("open_page", page=PAGE)
        line, _ = await hello(at.at_desk.api)
        await line.command("end_call", visit=at.visit)
        late = DeskLine(line.socket, at.clerk.call)
        await late.gesture()
        answer = await late.change("close_page")
        assert (answer["type"], answer["code"]) == ("refused", "not_found")


# What cannot be read

BAD = {
    "no gesture": {"gesture": "wave"},
    "another kind": {"gesture": 5},
    "beyond the page": {"x": 1.01},
    "before the page": {"y": -0.01},
    "no number": {"x": "0.5"},
    "nothing": {"x": None},
    "no page": {"page": ""},
    "a path": {"page": "../etc"},
    "more": {"more": 1},
    "a stroke of a pointer": {"gesture": "stroke"},
    "too many places": {
        "gesture": "stroke", "mark": "m", "tool": "pen", "start": 0, "places": [0.5] * 65
    },
}  # fmt: skip


@pytest.mark.parametrize("change", BAD.values(), ids=BAD)
async def test_a_gesture_that_cannot_be_read_is_refused_and_the_line_stays_usable(
    service: ServiceProcess, change: dict[str, Any]
) -> None:
    async with person(service, "hefei1") as api, raw_line(api) as line:
        made = {"gesture": "pointer", "page": "page-1", "x": 0.5, "y": 0.5, **change}
        answer = await line.say(json.dumps({"type": "gesture", "call": "c", "made": made}))
        assert (answer["id"], answer["code"]) == (None, "bad_value")
        assert (await line.command("connect", call="none"))["code"] == "not_found"


async def test_the_third_gesture_that_cannot_be_read_closes_the_line(
    service: ServiceProcess,
) -> None:
    async with person(service, "hefei1") as api, raw_line(api) as line:
        for _ in range(3):
            await line.say('{"type": "gesture", "call": "c", "made": {}}')
        assert await line.closed_with() == 4003


async def test_a_gesture_over_64_kib_closes_the_line(service: ServiceProcess) -> None:
    async with person(service, "hefei1") as api, raw_line(api) as line:
        made = {"gesture": "stroke", "places": [0.5] * protocol.MAX_MESSAGE_BYTES}
        await line.socket.send_str(json.dumps({"type": "gesture", "call": "c", "made": made}))
        assert await line.closed_with() == 1009


CHANGES = {
    "no change": {"change": "burn"},
    "another kind": {"change": None},
    "no page": {"change": "open_page"},
    "a page without an edge": {"change": "open_page", "page": {**PAGE, "width": 0}},
    "a page of half a pixel": {"change": "open_page", "page": {**PAGE, "width": 0.5}},
    "a page beyond all screens": {"change": "open_page", "page": {**PAGE, "height": 20_001}},
    "more of a page": {"change": "open_page", "page": {**PAGE, "url": "https://x"}},
    "a slant": {"change": "turn_page", "page": "page-1", "rotation": 45},
    "a zoom to nothing": {
        "change": "zoom_page", "page": "page-1",
        "zoom": {"x": 0, "y": 0, "width": 0, "height": 0.5},
    },
    "half a zoom": {"change": "zoom_page", "page": "page-1", "zoom": {"x": 0, "y": 0}},
    "a mark without places": {**MARK, "mark": "m", "places": []},
    "a mark with too many": {**MARK, "mark": "m", "places": [0.5] * 130},
    "a mark beyond the page": {**MARK, "mark": "m", "places": [0.5, 1.5]},
    "a mark of paint": {**MARK, "mark": "m", "tool": "paint"},
    "a mark with an author": {**MARK, "mark": "m", "author": "clerk"},
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_a_change_out_of_its_bounds_is_refused_and_changes_nothing(
    talk: Talk, change: dict[str, Any]
) -> None:
    before = await talk.clerk.desk(1)
    answer = await talk.clerk.change(**change)
    assert (answer["type"], answer["code"]) == ("refused", "bad_value")
    assert (await talk.again(talk.at_kiosk)).call["desk"] == before
    talk.resident = await talk.again(talk.at_kiosk)


# Floods


async def test_a_flood_of_gestures_is_thinned_and_commands_still_pass(talk: Talk) -> None:
    count, began_s = 300, time.monotonic()
    talk.resident, talk.clerk = await talk.again(talk.at_kiosk), await talk.again(talk.at_desk)
    for number in range(count):
        await talk.resident.gesture(x=number / count)
        await talk.resident.change("zoom_page", page="page-1", zoom=zoom(0.5))  # it was read
    most = GESTURES_PER_S * (1 + time.monotonic() - began_s) + 1
    async with asyncio.timeout(ANSWER_DEADLINE_S):
        while not any(seen["x"] == 1 for seen in talk.clerk.gestures):
            await talk.resident.gesture(x=1)
            await talk.clerk.change("clear_marks", page="page-1")
    flood = [seen["x"] for seen in talk.clerk.gestures if seen["x"] < 1]
    assert 0 < len(flood) <= most
    assert flood == sorted(flood)
    assert (await talk.again(talk.at_desk)).call["desk"]["zoom"] == zoom(0.5)


def zoom(size: float) -> dict[str, float]:
    return {"x": 0, "y": 0, "width": size, "height": size}


# Who hears whom


async def test_on_hold_the_resident_sees_no_gesture_and_changes_nothing(
    world_file: Path, tmp_path: Path
) -> None:
    async with wired(world_file, tmp_path) as running:
        visit_id = await running.accepted()
        await running.exchange.change_desk(visit_id, CLERK, OpenPage(Page("page-1", 100, 100)))
        await running.exchange.take_part(visit_id, INVITED, "jiaxing2", "party")
        await running.exchange.hold(visit_id, on_hold=True)
        sockets = open_sockets(running, "jiaxing2")
        desks = DeskParties(running.exchange, running.hub)
        point = Gesture(running.call(visit_id).id, Pointer("page-1", 0.5, 0.5))

        desks.gesture(AT_DESK, point)
        desks.gesture(AT_KIOSK, point)
        seen = {who.id: len(socket.gestures()) for who, socket in sockets.items()}
        assert seen == {AT_KIOSK.id: 0, AT_DESK.id: 0, "jiaxing2": 1}
        command = protocol.ChangeDesk(
            id="1", call=running.call(visit_id).id, change=OpenPage(Page("page-2", 1, 1))
        )
        with pytest.raises(Conflict, match="alone"):
            await desks.change(AT_KIOSK, command)

        await running.exchange.hold(visit_id, on_hold=False)
        desks.gesture(AT_KIOSK, point)
        seen = {who.id: len(socket.gestures()) for who, socket in sockets.items()}
        assert seen == {AT_KIOSK.id: 0, AT_DESK.id: 1, "jiaxing2": 1}
        await desks.change(AT_KIOSK, command)
        assert running.call(visit_id).desk.open == "page-2"


async def test_a_listener_sees_the_desk_and_cannot_touch_it(
    world_file: Path, tmp_path: Path
) -> None:
    async with wired(world_file, tmp_path) as running:
        visit_id = await running.accepted()
        await running.exchange.change_desk(visit_id, RESIDENT, OpenPage(Page("page-1", 100, 100)))
        await running.exchange.take_part(visit_id, "supervisor", "jiaxing2", "listen")
        sockets = open_sockets(running, "jiaxing2")
        listener = next(who for who in sockets if who.id == "jiaxing2")
        desks = DeskParties(running.exchange, running.hub)
        point = Gesture(running.call(visit_id).id, Pointer("page-1", 0.5, 0.5))
        desks.gesture(listener, point)
        assert not any(socket.gestures() for socket in sockets.values())
        desks.gesture(AT_KIOSK, point)
        assert [seen.party for seen in sockets[listener].gestures()] == [RESIDENT]
        with pytest.raises(NotFound, match="over"):
            await desks.change(
                listener,
                protocol.ChangeDesk(
                    id="1", call=running.call(visit_id).id, change=OpenPage(Page("p", 1, 1))
                ),
            )


def open_sockets(running: Wired, other: str) -> dict[Identity, Socket]:
    """Lines on which all three were welcomed."""
    sockets = {}
    for who in (AT_KIOSK, AT_DESK, Identity(other, Role.CLERK, AT_DESK.city)):
        sockets[who] = Socket(who)
        sockets[who].is_welcomed = True
        running.hub.enter(sockets[who])
    return sockets
