"""A resident who is away is called when it is nearly their turn, by a message or by a clerk."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from scheduling.visit import VisitId
from signaling.call_backs import AGAIN_AFTER_S, SHORT_S, CallBacks
from tests.scheduling.office import JIAXING, Office, office
from tests.signaling.wired import AT_DESK, AT_KIOSK, Wired
from tests.support.worlds import World


@dataclass
class Gateway:
    """What an operator has behind the address: keeps what it is told."""

    status: int = 204
    told: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        self.told.append(await request.json())
        return web.Response(status=self.status)


@contextlib.asynccontextmanager
async def gateway(status: int = 204) -> AsyncIterator[Gateway]:
    """A real HTTP server on loopback."""
    found = Gateway(status)
    app = web.Application()
    app.router.add_post("/call-back", found.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/call-back"
    try:
        yield found
    finally:
        await runner.cleanup()


async def away_at(at: Office, phone: str = "021-5555 0101") -> VisitId:
    taken = await at.take()
    return (await at.desk.come_back_later(taken.id, phone, at.later())).id


async def test_the_message_names_ticket_number_and_minutes(world: World) -> None:
    async with office(world) as at, gateway() as operator:
        away = await at.visit(await away_at(at))
        assert await CallBacks(operator.url).post(away, 170, 0.0)
    (told,) = operator.told
    assert (told["ticket"], told["contact"], told["visit"]) == ("C001", "021-5555 0101", away.id)
    assert "C001" in told["text"]
    assert "3分钟" in told["text"]


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_a_message_that_was_not_taken_is_tried_again_after_a_minute(
    world: World, status: int
) -> None:
    async with office(world) as at, gateway(status) as operator:
        away = await at.visit(await away_at(at))
        calls = CallBacks(operator.url)
        assert not await calls.post(away, 60, 100.0)
        assert not calls.is_due(away, 60, 100.0 + AGAIN_AFTER_S)
        assert calls.is_due(away, 60, 101.0 + AGAIN_AFTER_S)


async def test_nobody_at_the_address_is_a_message_not_taken(world: World) -> None:
    async with office(world) as at, gateway() as operator:
        away = await at.visit(await away_at(at))
    assert not await CallBacks(operator.url).post(away, 60, 0.0)


async def test_only_short_waits_are_told_and_only_once(world: World) -> None:
    async with office(world) as at:
        away = await at.visit(await away_at(at))
        calls = CallBacks("http://127.0.0.1:1/")
        assert calls.is_due(away, SHORT_S, 0.0)
        assert not calls.is_due(away, SHORT_S + 1, 0.0)
        assert not calls.is_due(away, None, 0.0)  # nobody on duty: no telling when
        called = await at.desk.call_back(away.id, "message", at.later())
        assert not calls.is_due(called, 0, 0.0)
        assert not CallBacks("").is_due(away, 0, 0.0)


async def test_who_is_away_when_a_clerk_gets_ready_is_told_and_the_visit_does_not_ring(
    world: World, tmp_path: Path
) -> None:
    async with gateway() as operator, office(world) as at:
        running = Wired(at, tmp_path, [], call_back_url=operator.url)
        await running.clock.start()
        try:
            await running.switchboard.take_ticket(
                AT_KIOSK, "songjiang-community", city=JIAXING, matter="YB-01",
                language="en", notice="2026-11",
            )  # fmt: skip
            visit = await running.ticket()
            await running.switchboard.come_back_later(AT_KIOSK, visit.id, "+86 21 5555 0101")
            await running.switchboard.set_window(AT_DESK, "be_ready")
            async with asyncio.timeout(10):
                while not operator.told:
                    await asyncio.sleep(0.01)
                while (await at.visit(visit.id)).called_at is None:
                    await asyncio.sleep(0.01)
            assert (await at.visit(visit.id)).state == "away"
            assert "nearly your turn" in operator.told[0]["text"]
        finally:
            await running.clock.stop()
