"""Two clerks of one city: who is offered, who misses, who declines, who comes too late."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from signaling import protocol
from signaling.client import CommandRefused
from tests.signaling.parties import Clerk, Resident, clerk, person, resident
from tests.support.service import ServiceProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServiceProcess]:
    """A service where an offer rings for one second."""
    async with ServiceProcess(tmp_path_factory.mktemp("offers"), ring_s=1) as running:
        yield running


async def leave(at_kiosk: Resident) -> None:
    """Give the ticket back, whoever is offered it just now."""
    assert at_kiosk.line.state.visit is not None
    await at_kiosk.line.command(protocol.LeaveLine, visit=at_kiosk.line.state.visit.id)


async def ready_in_order(*clerks: Clerk) -> None:
    for at_desk in clerks:
        await at_desk.step("be_ready")


async def test_an_offer_that_rings_out_goes_to_the_next_clerk(service: ServiceProcess) -> None:
    async with (
        resident(service) as at_kiosk,
        clerk(service, "jiaxing1") as first,
        clerk(service, "jiaxing2") as second,
    ):
        await ready_in_order(first, second)
        taken = await at_kiosk.take("330400")
        assert (await first.rung()).id == taken.id
        assert second.line.state.visit is None
        again = await second.rung()
        await first.window("missed")
        assert (again.id, again.ticket, again.taken_at) == (taken.id, taken.ticket, taken.taken_at)
        await second.window("missed")  # both missed it: the resident waits on
        waiting = await at_kiosk.state_of_visit("waiting")
        assert waiting.ticket == taken.ticket
        await first.step("be_ready")
        assert (await first.rung()).id == taken.id
        await leave(at_kiosk)


async def test_a_declined_offer_goes_to_the_next_clerk(service: ServiceProcess) -> None:
    async with (
        resident(service) as at_kiosk,
        clerk(service, "hangzhou1") as first,
        clerk(service, "hangzhou2") as second,
    ):
        await ready_in_order(first, second)
        taken = await at_kiosk.take("330100")
        await first.rung()
        await first.line.command(protocol.Decline, visit=taken.id)
        await first.window("break")
        assert (await second.rung()).id == taken.id
        await leave(at_kiosk)
        await second.window("ready")


async def test_of_two_clerks_who_accept_at_once_the_one_who_was_offered_has_it(
    service: ServiceProcess,
) -> None:
    async with (
        resident(service) as at_kiosk,
        clerk(service, "suzhou1") as first,
        clerk(service, "suzhou2") as second,
    ):
        await ready_in_order(first, second)
        taken = await at_kiosk.take("320500")
        await first.rung()
        answers = await asyncio.gather(
            *(c.line.command(protocol.Accept, visit=taken.id) for c in (second, first)),
            return_exceptions=True,
        )
        assert answers[1] is None
        assert isinstance(answers[0], CommandRefused)
        assert answers[0].code == "conflict"
        await first.window("in_call")
        assert second.line.state.window.state == "ready"
        await at_kiosk.line.command(protocol.EndCall, visit=taken.id)
        await first.line.command(
            protocol.CloseVisit, visit=taken.id, outcome="completed", ready=False
        )


async def test_accepting_after_it_rang_out_is_a_conflict(service: ServiceProcess) -> None:
    async with resident(service) as at_kiosk, clerk(service, "jinhua1") as only:
        await only.step("be_ready")
        taken = await at_kiosk.take("330700")
        await only.rung()
        await only.window("missed")
        with pytest.raises(CommandRefused) as refused:
            await only.line.command(protocol.Accept, visit=taken.id)
        assert refused.value.code == "conflict"


async def test_residents_are_served_in_the_order_of_their_tickets(
    service: ServiceProcess,
) -> None:
    async with (
        resident(service) as first,
        resident(service) as second,
        resident(service) as third,
        clerk(service, "huzhou1") as at_desk,
    ):
        kiosks = (first, second, third)
        taken = [await at_kiosk.take("330500") for at_kiosk in kiosks]
        for ahead, at_kiosk in enumerate(kiosks):
            place = (await at_kiosk.line.until(lambda s: s.place is not None)).place
            assert place is not None
            assert (place.ahead, place.expected_wait_s) == (ahead, None)
        await at_desk.step("be_ready")
        served = []
        for _ in kiosks:
            ringing = await at_desk.rung()
            await at_desk.line.command(protocol.Accept, visit=ringing.id)
            await at_desk.line.command(protocol.EndCall, visit=ringing.id)
            await at_desk.line.command(
                protocol.CloseVisit, visit=ringing.id, outcome="completed", ready=True
            )
            served.append(ringing.ticket)
            await at_desk.line.until(
                lambda s, done=ringing.id: s.visit is None or s.visit.id != done
            )
        assert served == [visit.ticket for visit in taken]


async def test_three_misses_in_a_row_alert_the_citys_supervisor(service: ServiceProcess) -> None:
    async with resident(service) as at_kiosk, clerk(service, "suzhou1") as at_desk:
        await at_kiosk.take("320500")
        for _ in range(3):
            await at_desk.step("be_ready")
            await at_desk.rung()
            await at_desk.window("missed")
        for login, told in (("suzhou-supervisor", ["suzhou1"]), ("hefei-supervisor", [])):
            async with person(service, login) as supervisor:
                clerks = (await supervisor.call("GET", "/api/service-level"))["clerks"]
                assert [(one["clerk"], one["misses"]) for one in clerks] == [(c, 3) for c in told]
        await leave(at_kiosk)
