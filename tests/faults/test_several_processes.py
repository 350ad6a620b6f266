"""Several processes are one service: parties meet across them, and one may fall away (F3, F14)."""

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import expect

from deploy.demo_world import PASSWORD
from media.records import manifest as manifests
from signaling import protocol
from signaling.client import Api, KioskKey, LineClient
from signaling.protocol import ClerkState, KioskState
from tests.faults.test_media_nodes import Seat
from tests.signaling.parties import (
    Clerk,
    Resident,
    accepted,
    clerk,
    finish,
    hello,
    person,
    resident,
)
from tests.signaling.wired import gets_more
from tests.support.balancer import balancer
from tests.support.browser import sees_far
from tests.support.cluster import cluster
from tests.support.redis import RedisServer
from tests.support.service import ServiceProcess, free_port
from tests.support.visit import visit_between
from tests.support.worlds import PostgresWorld

JIAXING = "330400"


@dataclass
class Talk:
    """A call in which both get picture and sound."""

    visit: str
    at_kiosk: Resident
    at_desk: Clerk
    seats: list[Seat]


@contextlib.asynccontextmanager
async def talking(at_kiosk: Resident, at_desk: Clerk) -> AsyncIterator[Talk]:
    """Begin a call; both do what pages do until the block ends."""
    visit = await accepted(at_kiosk, at_desk, JIAXING)
    seats = [Seat(at_kiosk.line), Seat(at_desk.line)]
    following = [asyncio.create_task(seat.follow()) for seat in seats]
    try:
        await at_desk.line.until(lambda s: s.call is not None and s.call.far == "connected")
        await at_desk.line.until(lambda s: s.call.recording == "recording")  # type: ignore[union-attr]
        await gets_more(*(seat.newest for seat in seats))
        yield Talk(visit.id, at_kiosk, at_desk, seats)
    finally:
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
        await asyncio.gather(*(p.close() for seat in seats for p in seat.peers.values()))


async def come_to(service: ServiceProcess, key: KioskKey) -> Resident:
    """The kiosk's page finds another process behind the balancer."""
    api = Api(service.url)
    await key.authenticate(api)
    return Resident(api, key, await LineClient.open(api, KioskState))


async def test_a_kiosk_at_one_process_meets_a_clerk_at_another(
    tmp_path: Path, postgres_world: PostgresWorld, redis: RedisServer
) -> None:
    async with cluster(tmp_path, postgres_world, redis) as running:
        first, second = running.services
        async with (
            resident(first) as at_kiosk,
            clerk(second, "jiaxing1") as at_desk,
            talking(at_kiosk, at_desk) as talk,
        ):
            async with person(second, "songjiang-supervisor") as supervisor:
                (call,) = await supervisor.call("GET", "/api/calls")
                assert call["visit"] == talk.visit
                part = f"/api/calls/{talk.visit}/part"
                taken = await supervisor.call("PUT", part, {"mode": "listen"})
                assert taken["offer"].startswith("v=0")
                await at_desk.line.until(lambda s: bool(s.call and s.call.others))
                await supervisor.call("DELETE", part)
            await at_desk.line.command(protocol.SetRecording, visit=talk.visit, running=False)
            await at_kiosk.line.until(lambda s: s.call is not None and s.call.recording == "paused")
            await finish(at_kiosk, at_desk, talk.visit)
        record = await second.sealed_record(talk.visit)
        assert record["visit"]["outcome"] == "completed"
        assert "Traceback" not in running.logs()


async def test_a_rule_that_is_changed_beside_the_office_acts_at_once(
    tmp_path: Path, postgres_world: PostgresWorld, redis: RedisServer
) -> None:
    queue, partner = f"{JIAXING}-medical-insurance", "330100-medical-insurance"
    rule = {"queue": queue, "partner": partner, "when": "nobody_on_duty", "threshold": 0}
    path = f"/api/cities/{JIAXING}/overflows"
    async with cluster(tmp_path, postgres_world, redis) as running:
        (beside,) = await running.others()
        async with (
            resident(beside) as at_kiosk,
            clerk(beside, "hangzhou1") as helper,
            person(beside, "jiaxing-admin") as admin,
        ):
            await helper.step("be_ready")
            await helper.window("ready")
            waiting = await at_kiosk.take(JIAXING)
            version = (await admin.call("GET", path))["version"]
            await admin.call("PUT", path, {"version": version, "rules": [rule]})
            assert (await helper.rung()).id == waiting.id


async def test_one_command_given_five_times_at_two_processes_has_one_effect_and_equal_answers(
    tmp_path: Path, postgres_world: PostgresWorld, redis: RedisServer
) -> None:
    async with cluster(tmp_path, postgres_world, redis) as running:
        first, second = running.services
        async with Api(first.url) as at_first, Api(second.url) as at_second:
            key = await first.enrolled_kiosk(at_first)
            at_second.token = at_first.token
            command = {
                "type": "take_ticket",
                "id": str(uuid.uuid4()),
                "matter": "YB-01",
                "city": JIAXING,
                "language": "zh_CN",
                "notice_version": "2026-11",
            }
            text = json.dumps(command)
            one, _ = await hello(at_first)
            await one.socket.send_str(text)  # and whether it was answered or not, elsewhere
            two, _ = await hello(at_second)
            answers = [await two.say(text), await two.say(text)]
            assert await one.closed_with() == 4001
            three, _ = await hello(at_first)
            answers += [await three.say(text)]
            assert await two.closed_with() == 4001
            await second.kill()
            await second.start()
            four, _ = await hello(at_second)
            answers += [await four.say(text), await four.say(text)]
            assert answers == [{"type": "done", "id": command["id"]}] * 5
            visits = await running.fetch(f"SELECT id FROM visits WHERE kiosk = '{key.kiosk}'")
            assert len(visits) == 1
            lines = await running.fetch(
                f"SELECT action FROM audit_log WHERE actor = '{key.kiosk}'"
                " AND action = 'take_ticket'"
            )
            assert len(lines) == 1


async def test_a_call_goes_on_without_a_break_when_another_process_than_the_office_is_killed(
    tmp_path: Path, postgres_world: PostgresWorld, redis: RedisServer
) -> None:
    async with cluster(tmp_path, postgres_world, redis) as running:
        office, (other,) = await running.office(), await running.others()
        async with (
            resident(other) as at_kiosk,
            clerk(office, "jiaxing1") as at_desk,
            talking(at_kiosk, at_desk) as talk,
        ):
            before = [seat.newest for seat in talk.seats]
            call = at_desk.line.state.call
            await other.kill()
            back = await come_to(office, at_kiosk.key)
            assert back.line.epoch == at_kiosk.line.epoch, "the page keeps its connection"
            assert back.line.state.call is not None
            assert call is not None
            assert back.line.state.call.id == call.id
            await gets_more(*before)
            assert [seat.newest for seat in talk.seats] == before
            await finish(back, at_desk, talk.visit)
            await back.line.close()
            await back.api.__aexit__()
        record = await office.sealed_record(talk.visit)
        assert [s["state"] for s in record["segments"]] == ["complete", "complete"]


async def test_when_the_office_is_killed_another_takes_over_and_the_call_goes_on(
    tmp_path: Path, postgres_world: PostgresWorld, redis: RedisServer
) -> None:
    async with cluster(tmp_path, postgres_world, redis) as running:
        office, (other,) = await running.office(), await running.others()
        async with (
            resident(other) as at_kiosk,
            clerk(other, "jiaxing1") as at_desk,
            talking(at_kiosk, at_desk) as talk,
        ):
            before = [seat.newest for seat in talk.seats]
            await office.kill()
            await gets_more(*before)  # the media process does not know of it
            assert await running.office() is other
            async with asyncio.timeout(30):
                while any(seat.newest in before for seat in talk.seats):
                    # Each plays until its own new connection is there; then it is let go.
                    old = [p for p, s in zip(before, talk.seats, strict=True) if s.newest is p]
                    await gets_more(*old, frames=1)
            await gets_more(*(seat.newest for seat in talk.seats))
            await finish(at_kiosk, at_desk, talk.visit)
            again = await accepted(at_kiosk, at_desk, JIAXING)
            await finish(at_kiosk, at_desk, again.id)
        await other.sealed_record(talk.visit)
        assert manifests.verify(other.folder(talk.visit)) == []
        rows = await running.fetch(
            f"SELECT event FROM visit_events WHERE visit = '{talk.visit}' ORDER BY id"
        )
        events = [row["event"] for row in rows]
        assert [e for e in events if e in ("ticket_taken", "offer", "accept", "end", "close")] == [
            "ticket_taken", "offer", "accept", "end", "close",
        ]  # fmt: skip
        assert "Traceback" not in other.log()


async def test_an_office_that_ends_in_good_order_is_followed_at_once(
    tmp_path: Path, postgres_world: PostgresWorld, redis: RedisServer
) -> None:
    async with cluster(tmp_path, postgres_world, redis) as running:
        office, (other,) = await running.office(), await running.others()
        async with Api(other.url) as api:
            await api.sign_in("jiaxing1", PASSWORD)
            line = await LineClient.open(api, ClerkState)
            at_desk = Clerk("jiaxing1", api, line)
            await at_desk.step("be_ready")
            await office.stop()
            async with resident(other) as at_kiosk:
                await at_kiosk.take(JIAXING)
                await at_desk.rung()
            await line.close()
        assert await running.office() is other


async def test_behind_a_plain_balancer_two_browsers_keep_their_call_when_a_process_is_killed(
    tmp_path: Path, postgres_world: PostgresWorld, redis: RedisServer
) -> None:
    port = free_port()
    url = f"http://localhost:{port}"
    async with (
        cluster(tmp_path / "data", postgres_world, redis, origins=url) as running,
        balancer(port, [service.settings.port for service in running.services]),
    ):
        office, (other,) = await running.office(), await running.others()
        async with visit_between(tmp_path, office, office, url) as visit:
            pages = (visit.kiosk, visit.clerk)
            for page in pages:
                await page.evaluate("window.before = document.querySelector('#far').srcObject")
            await other.kill()
            await visit.clerk.fill("#notes", "进程更换后")
            await expect(visit.clerk.get_by_text("已保存")).to_be_visible()
            for page in pages:
                await sees_far(page)
                same = "window.before === document.querySelector('#far').srcObject"
                assert await page.evaluate(same), "the picture never went away"
            await visit.kiosk.click("#end")
            await visit.kiosk.click("#confirm")
            await expect(visit.kiosk.locator(".faces")).to_be_visible()
            await expect(visit.clerk.locator("#window-state")).to_have_attribute(
                "data-state", "wrap_up"
            )
