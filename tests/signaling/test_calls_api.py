"""A supervisor in a running call: listens, whispers, joins and leaves, and who may not."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from signaling.client import Api, HttpRefused
from signaling.headless import HeadlessPeer, take_offer
from tests.signaling.parties import Clerk, Resident, accepted, clerk, finish, person, resident
from tests.signaling.wired import SMALL
from tests.support.service import ServiceProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")
JIAXING = "330400"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServiceProcess]:
    async with ServiceProcess(tmp_path_factory.mktemp("calls")) as running:
        yield running


@dataclass
class Running:
    """A call with media, and the supervisors in it."""

    visit: str
    at_kiosk: Resident
    at_desk: Clerk


@pytest_asyncio.fixture(loop_scope="module")
async def call(service: ServiceProcess) -> AsyncIterator[Running]:
    async with resident(service) as at_kiosk, clerk(service, "jiaxing1") as at_desk:
        visit = await accepted(at_kiosk, at_desk, JIAXING)
        peers = await asyncio.gather(
            take_offer(at_kiosk.line, SMALL), take_offer(at_desk.line, SMALL)
        )
        await at_desk.line.until(lambda s: s.call is not None and s.call.started_at is not None)
        yield Running(visit.id, at_kiosk, at_desk)
        await asyncio.gather(*(peer.close() for peer in peers))
        await finish(at_kiosk, at_desk, visit.id)


class Guest:
    """A supervisor's page, without a browser."""

    def __init__(self, api: Api, visit: str) -> None:
        self.api, self.path = api, f"/api/calls/{visit}/part"
        self.peer = HeadlessPeer(SMALL)

    async def take_part(self, mode: str) -> dict[str, Any]:
        return dict(await self.api.call("PUT", self.path, {"mode": mode}))

    async def answer(self, part: dict[str, Any], sdp: str) -> None:
        body = {"connection": part["connection"], "sdp": sdp}
        await self.api.call("PUT", f"{self.path}/answer", body)

    async def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Ask for the part until this holds."""
        async with asyncio.timeout(15):
            while True:
                part = dict(await self.api.call("GET", self.path))
                if wanted(part):
                    return part
                await asyncio.sleep(0.05)

    async def connected(self, mode: str) -> None:
        """Be in the call."""
        part = await self.take_part(mode)
        await self.answer(part, await self.peer.answer(part["offer"]))
        await self.until(lambda p: p["state"] == "connected")


@contextlib.asynccontextmanager
async def guest(service: ServiceProcess, login: str, visit: str) -> AsyncIterator[Guest]:
    """A supervisor who leaves at the end, if that was not done."""
    async with person(service, login) as api:
        here = Guest(api, visit)
        try:
            yield here
        finally:
            with contextlib.suppress(HttpRefused):
                await api.call("DELETE", here.path)
            await here.peer.close()


def others(state: Any) -> list[tuple[str, str]]:
    assert state.call is not None
    return [(other.party, other.mode) for other in state.call.others]


async def refused(status: int, api: Api, method: str, path: str, body: Any = None) -> None:
    with pytest.raises(HttpRefused) as told:
        await api.call(method, path, body)
    assert told.value.status == status, (method, path)


async def test_a_supervisor_listens_whispers_joins_and_leaves(
    service: ServiceProcess, call: Running
) -> None:
    kiosk, desk = call.at_kiosk.line, call.at_desk.line
    async with guest(service, "jiaxing-supervisor", call.visit) as here:
        part = await here.take_part("listen")
        assert (part["mode"], part["state"]) == ("listen", "connecting")
        assert part["hears"] == ["resident", "clerk"]
        await here.answer(part, await here.peer.answer(part["offer"]))
        part = await here.until(lambda p: p["state"] == "connected")
        assert part["offer"] is None
        async with asyncio.timeout(15):
            await here.peer.first_picture.wait()
        await desk.until(lambda s: others(s) == [("supervisor", "listen")])
        assert others(kiosk.state) == []

        assert (await here.take_part("whisper"))["connection"] == part["connection"]
        await desk.until(lambda s: others(s) == [("supervisor", "whisper")])
        assert others(kiosk.state) == []  # nor is it told that somebody whispers

        await here.take_part("party")
        for line in (kiosk, desk):
            await line.until(lambda s: others(s) == [("supervisor", "party")])  # type: ignore[attr-defined]

        await here.api.call("DELETE", here.path)
        for line in (kiosk, desk):
            await line.until(lambda s: others(s) == [])  # type: ignore[attr-defined]
        await refused(404, here.api, "GET", here.path)
        await refused(404, here.api, "DELETE", here.path)
    assert kiosk.state.call is not None
    assert kiosk.state.call.far == "connected"


async def test_whoever_joins_makes_the_others_answer_again_on_their_connection(
    service: ServiceProcess, call: Running
) -> None:
    async with (
        guest(service, "jiaxing-supervisor", call.visit) as first,
        guest(service, "songjiang-supervisor", call.visit) as lead,
    ):
        await first.connected("listen")
        await lead.connected("party")
        part = await first.until(lambda p: bool(p["offer"]))
        assert part["hears"] == ["resident", "clerk", "supervisor-2"]
        await first.answer(part, await first.peer.answer(part["offer"]))
        assert (await first.until(lambda p: not p["offer"]))["state"] == "connected"


async def test_an_answer_that_is_none_is_refused_and_a_good_one_is_taken_once(
    service: ServiceProcess, call: Running
) -> None:
    async with guest(service, "jiaxing-supervisor", call.visit) as here:
        part = await here.take_part("listen")
        path = f"{here.path}/answer"
        for bad in ("", "v=0", part["offer"]):
            body = {"connection": part["connection"], "sdp": bad}
            await refused(422, here.api, "PUT", path, body)
        good = {
            "connection": part["connection"],
            "sdp": await here.peer.answer(part["offer"]),
        }
        await refused(404, here.api, "PUT", path, {**good, "connection": "none"})
        long = {**good, "sdp": "x" * (48 * 1024 + 1)}
        await refused(413, here.api, "PUT", path, long)
        foreign = call.at_desk.line.state.connection
        assert foreign is not None
        await refused(404, here.api, "PUT", path, {**good, "connection": foreign.id})
        await here.api.call("PUT", path, good)
        await refused(409, here.api, "PUT", path, good)
        await refused(400, here.api, "PUT", here.path, {"mode": "shout"})


async def test_a_call_is_listed_and_open_to_supervisors_of_its_city_and_of_the_lead_city_alone(
    service: ServiceProcess, call: Running
) -> None:
    path = f"/api/calls/{call.visit}/part"
    about = (("GET", path, None), ("PUT", path, {"mode": "listen"}), ("DELETE", path, None))
    answer = ("PUT", f"{path}/answer", {"connection": "x", "sdp": "x"})
    for login in ("jiaxing-supervisor", "songjiang-supervisor"):
        async with person(service, login) as api:
            (row,) = await api.call("GET", "/api/calls")
            assert row["visit"] == call.visit
            assert row["paths"] == {"resident": "connected", "clerk": "connected"}
            assert row["started_at"]
    async with person(service, "hangzhou-supervisor") as foreign:
        assert await foreign.call("GET", "/api/calls") == []
        for method, address, body in (*about, answer):
            await refused(404, foreign, method, address, body)
    for api in (call.at_desk.api, call.at_kiosk.api):
        await refused(403, api, "GET", "/api/calls")
        for method, address, body in (*about, answer):
            await refused(403, api, method, address, body)
    assert others(call.at_desk.line.state) == []
