"""Warm lines as the clients see them, over a media process of its own."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from signaling import protocol
from signaling.client import CommandRefused, LineClient
from signaling.headless import HeadlessPeer
from tests.signaling.parties import clerk, finish, resident
from tests.signaling.wired import SMALL, gets_more
from tests.support.service import MediaProcess, ServiceProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")
HANGZHOU = "330100"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServiceProcess]:
    data = tmp_path_factory.mktemp("warm")
    async with (
        MediaProcess("a", data) as media,
        ServiceProcess(data, media_nodes=media.address) as running,
    ):
        yield running


async def warm_up(line: LineClient[Any]) -> HeadlessPeer:
    """Ask for a warm line and answer its offer."""
    await line.command(protocol.Connect, call=None)
    state = await line.until(lambda s: s.connection is not None)
    peer = HeadlessPeer(SMALL)
    sdp = await peer.answer(state.connection.offer)
    await line.command(protocol.Answer, connection=state.connection.id, sdp=sdp)
    await line.until(lambda s: s.connection is not None and s.connection.offer is None)
    await peer.connected()
    return peer


async def test_from_the_warm_line_to_the_call_every_state_names_the_same_connection(
    service: ServiceProcess,
) -> None:
    async with resident(service) as at_kiosk, clerk(service, "hangzhou1") as at_desk:
        await at_desk.step("be_ready")
        await at_kiosk.take(HANGZHOU)
        visit = await at_desk.rung()
        lines: tuple[LineClient[Any], ...] = (at_kiosk.line, at_desk.line)
        peers = await asyncio.gather(*(warm_up(line) for line in lines))
        before = [line.state.connection for line in lines]
        seen: list[list[Any]] = [[], []]

        async def watch(line: LineClient[Any], states: list[Any]) -> None:
            def talks(state: Any) -> bool:
                states.append(state.connection)
                return state.call is not None and state.call.started_at is not None

            await line.until(talks)

        watching = [
            asyncio.create_task(watch(line, states))
            for line, states in zip(lines, seen, strict=True)
        ]
        await at_desk.line.command(protocol.Accept, visit=visit.id)
        await asyncio.gather(*watching)
        for connection, states in zip(before, seen, strict=True):
            assert connection is not None
            assert set(states) == {connection}
        await gets_more(*peers)
        await asyncio.gather(*(peer.close() for peer in peers))
        await finish(at_kiosk, at_desk, visit.id)


async def test_a_line_is_for_those_who_wait_and_ends_with_the_waiting(
    service: ServiceProcess,
) -> None:
    async with resident(service) as at_kiosk, clerk(service, "hangzhou2") as at_desk:
        lines: tuple[LineClient[Any], ...] = (at_kiosk.line, at_desk.line)
        for line in lines:
            with pytest.raises(CommandRefused) as refused:
                await line.command(protocol.Connect, call=None)
            assert refused.value.code == "conflict"
        taken = await at_kiosk.take(HANGZHOU)
        await at_desk.step("be_ready")
        await at_desk.rung()
        for line in lines:
            await line.command(protocol.Connect, call=None)
            state = await line.until(lambda s: s.connection is not None)
            assert state.connection.offer.startswith("v=0")
            assert state.call is None
        await at_kiosk.line.command(protocol.LeaveLine, visit=taken.id)
        await at_kiosk.line.until(lambda s: s.connection is None)
        await at_desk.step("take_break")
        await at_desk.line.until(lambda s: s.connection is None)


async def test_a_line_that_is_asked_for_again_replaces_the_one_before(
    service: ServiceProcess,
) -> None:
    async with resident(service) as at_kiosk:
        await at_kiosk.take(HANGZHOU)
        line: LineClient[Any] = at_kiosk.line
        await line.command(protocol.Connect, call=None)
        first = (await line.until(lambda s: s.connection is not None)).connection
        await line.command(protocol.Connect, call=None)
        second = (await line.until(lambda s: s.connection != first)).connection
        assert second.offer
        with pytest.raises(CommandRefused) as refused:
            await line.command(protocol.Answer, connection=first.id, sdp="v=0")
        assert refused.value.code == "not_found"
