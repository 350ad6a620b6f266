"""To whom a visit can be passed: what a clerk is told, and that nobody else is told anything."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from signaling import protocol
from signaling.client import Api, HttpRefused
from tests.signaling.parties import Clerk, Resident, accepted, clerk, finish, person, resident
from tests.support.service import ServiceProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")
JIAXING = "330400"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServiceProcess]:
    async with ServiceProcess(tmp_path_factory.mktemp("targets")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def served(
    service: ServiceProcess,
) -> AsyncIterator[tuple[str, Resident, Clerk]]:
    """A visit in its call at jiaxing1."""
    async with resident(service) as at_kiosk, clerk(service, "jiaxing1") as at_desk:
        visit = await accepted(at_kiosk, at_desk, JIAXING)
        yield visit.id, at_kiosk, at_desk
        await finish(at_kiosk, at_desk, visit.id)


async def targets(api: Api, visit: str) -> Any:
    return await api.call("GET", f"/api/transfer-targets?visit={visit}")


async def test_a_clerk_is_told_the_queues_of_the_city_and_of_its_partners_with_their_clerks(
    service: ServiceProcess, served: tuple[str, Resident, Clerk]
) -> None:
    visit, _, at_desk = served
    async with clerk(service, "jiaxing2") as colleague:
        await colleague.step("be_ready")
        found = await targets(at_desk.api, visit)
    own = [t for t in found if t["queue"]["city"]["code"] == JIAXING]
    assert found[: len(own)] == own
    queues = [t["queue"]["id"] for t in found]
    assert "330400-medical-insurance" in queues
    assert "330400-escalation" in queues
    assert "330100-medical-insurance" in queues  # by agreement, for this matter alone
    assert "330100-real-estate" not in queues
    medical = next(t for t in found if t["queue"]["id"] == "330400-medical-insurance")
    assert (medical["waiting"], medical["ready"], medical["on_duty"]) == (0, 1, 2)
    (only,) = medical["clerks"]  # not the one who asks
    assert (only["id"], only["name_zh"], only["state"]) == ("jiaxing2", "刘芳", "ready")
    escalation = next(t for t in found if t["queue"]["id"] == "330400-escalation")
    assert [c["id"] for c in escalation["clerks"]] == ["jiaxing-supervisor"]
    assert escalation["queue"]["kind"] == "escalation"


async def test_what_is_told_can_be_done(
    service: ServiceProcess, served: tuple[str, Resident, Clerk]
) -> None:
    visit, _, at_desk = served
    for target in await targets(at_desk.api, visit):
        for one in [None, *(c["id"] for c in target["clerks"])]:
            await allowed(
                at_desk, protocol.AskConsult, visit=visit, queue=target["queue"]["id"], clerk=one
            )
            await allowed(at_desk, protocol.EndConsult, visit=visit)


async def allowed(at_desk: Clerk, make: type[protocol.Command], **values: Any) -> None:
    """Command slower than a line may: there are more targets than a burst has commands."""
    await asyncio.sleep(0.06)
    await at_desk.line.command(make, **values)


@pytest.mark.parametrize("login", ["jiaxing2", "jiaxing-supervisor", "songjiang-supervisor"])
async def test_to_whom_the_visit_is_not_on_the_desk_it_is_unknown(
    service: ServiceProcess, served: tuple[str, Resident, Clerk], login: str
) -> None:
    visit, _, _ = served
    async with person(service, login) as api:
        for asked in (visit, "nothing", ""):
            with pytest.raises(HttpRefused) as refused:
                await targets(api, asked)
            assert refused.value.status == 404


async def test_others_may_not_ask(
    service: ServiceProcess, served: tuple[str, Resident, Clerk]
) -> None:
    visit, at_kiosk, _ = served
    async with person(service, "jiaxing-admin") as admin:
        for api in (admin, at_kiosk.api):
            with pytest.raises(HttpRefused) as refused:
                await targets(api, visit)
            assert refused.value.status == 403


async def test_after_its_call_a_visit_is_passed_to_nobody(service: ServiceProcess) -> None:
    async with resident(service) as at_kiosk, clerk(service, "hangzhou1") as at_desk:
        visit = await accepted(at_kiosk, at_desk, "330100")
        assert await targets(at_desk.api, visit.id)
        await finish(at_kiosk, at_desk, visit.id)
        with pytest.raises(HttpRefused) as refused:
            await targets(at_desk.api, visit.id)
        assert refused.value.status == 404
