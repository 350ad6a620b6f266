"""Redis and PostgreSQL fall away beneath several processes, in the middle of a call (F15, F16)."""

import asyncio
import uuid
from pathlib import Path
from typing import Any

from deploy.bench.postgres import PostgresServer
from signaling import protocol
from signaling.client import CommandRefused, LineClient
from tests.faults.test_several_processes import JIAXING, talking
from tests.signaling.parties import clerk, finish, resident
from tests.signaling.wired import gets_more
from tests.support.cluster import Cluster, cluster, ready
from tests.support.redis import RedisServer
from tests.support.worlds import PostgresWorld


async def until_bus(running: Cluster, *, up: bool) -> None:
    """Wait until every process knows."""
    async with asyncio.timeout(30):
        while any([(await ready(service))["bus"] is not up for service in running.services]):
            await asyncio.sleep(0.05)


async def accepts(running: Cluster) -> dict[str, int]:
    """How often each visit was accepted."""
    rows = await running.fetch("SELECT visit FROM visit_events WHERE event = 'accept'")
    counted: dict[str, int] = {}
    for row in rows:
        counted[row["visit"]] = counted.get(row["visit"], 0) + 1
    return counted


async def test_without_redis_calls_go_on_and_what_is_asked_for_comes_late_and_once(
    tmp_path: Path, postgres_world: PostgresWorld, redis: RedisServer
) -> None:
    async with cluster(tmp_path, postgres_world, redis) as running:
        office, (other,) = await running.office(), await running.others()
        async with (
            resident(other) as at_kiosk,
            clerk(office, "jiaxing1") as at_desk,
            resident(other) as at_next_kiosk,
            clerk(other, "jiaxing2") as at_next_desk,
            talking(at_kiosk, at_desk) as talk,
        ):
            before = [seat.newest for seat in talk.seats]
            redis.pause()
            await until_bus(running, up=False)
            await gets_more(*before)
            await at_next_desk.step("be_ready")
            taken = await at_next_kiosk.take(JIAXING)
            rung = await at_next_desk.rung()  # by the database alone
            assert rung.id == taken.id
            await at_next_desk.line.command(protocol.Accept, visit=taken.id)
            await gets_more(*before)
            redis.resume()
            for line in (at_next_kiosk.line, at_next_desk.line):
                await line.until(lambda s: s.call is not None and s.connection is not None)
            await gets_more(*before)

            redis.kill()
            await until_bus(running, up=False)
            await gets_more(*before)
            await at_next_kiosk.line.command(protocol.EndCall, visit=taken.id)
            await at_next_desk.window("wrap_up")
            redis.start()
            await until_bus(running, up=True)
            await finish(at_kiosk, at_desk, talk.visit)
            assert [seat.newest for seat in talk.seats] == before, "nobody had to connect anew"
            await at_next_desk.line.command(
                protocol.CloseVisit, visit=taken.id, outcome="completed", ready=False
            )
            async with asyncio.timeout(10):
                while (await running.media.status())["calls"]:
                    await asyncio.sleep(0.05)
        assert await accepts(running) == {talk.visit: 1, taken.id: 1}
        assert "Traceback" not in running.logs()


async def insist(line: LineClient[Any], command: protocol.Command) -> None:
    """Give this command until it was done, as a page does that was told "failed"."""
    async with asyncio.timeout(30):
        while True:
            try:
                await line.send(command)
                return
            except CommandRefused as refused:
                if refused.code != "failed":
                    raise
            await asyncio.sleep(0.1)


async def test_a_restart_of_postgresql_ends_no_call_and_leaves_no_hole(
    tmp_path: Path,
    postgres_world: PostgresWorld,
    postgres: PostgresServer,
    redis: RedisServer,
) -> None:
    async with cluster(tmp_path, postgres_world, redis) as running:
        office, (other,) = await running.office(), await running.others()
        async with (
            resident(other) as at_kiosk,
            clerk(office, "jiaxing1") as at_desk,
            resident(other) as restless,
            talking(at_kiosk, at_desk) as talk,
        ):
            before = [seat.newest for seat in talk.seats]
            given: list[str] = []
            stop = asyncio.Event()

            async def come_and_go() -> None:
                """Tickets are taken and given back all the while."""
                while not stop.is_set():
                    take = protocol.TakeTicket(
                        id=str(uuid.uuid4()),
                        matter="JZ-01",
                        city="330100",
                        language="zh_CN",
                        notice_version="2026-11",
                    )
                    await insist(restless.line, take)
                    state = await restless.line.until(lambda s: s.visit is not None)
                    assert state.visit is not None
                    leave = protocol.LeaveLine(id=str(uuid.uuid4()), visit=state.visit.id)
                    await insist(restless.line, leave)
                    await restless.line.until(lambda s: s.visit is None)
                    given.extend((take.id, leave.id))

            busy = asyncio.create_task(come_and_go())
            while len(given) < 10:
                await asyncio.sleep(0.01)
            await asyncio.to_thread(postgres.stop)
            await gets_more(*before)
            keep = protocol.KeepCase(
                id=str(uuid.uuid4()), visit=talk.visit, notes="written meanwhile", checked=[]
            )
            keeping = asyncio.create_task(insist(at_desk.line, keep))
            await asyncio.to_thread(postgres.start)
            await keeping
            count = len(given)
            while len(given) < count + 10:
                assert not busy.done()
                await asyncio.sleep(0.01)
            stop.set()
            await busy
            await gets_more(*before)
            assert [seat.newest for seat in talk.seats] == before
            assert at_desk.line.state.case is not None
            await at_desk.line.until(lambda s: bool(s.case and s.case.notes == keep.notes))
            await finish(at_kiosk, at_desk, talk.visit)
            await at_desk.step("be_ready")
            await at_kiosk.take(JIAXING)
            await at_desk.rung()
        assert await running.office() is office, "the office stayed where it was"
        rows = await running.fetch(
            "SELECT a.command, count(*) AS lines FROM answers a"
            f" WHERE a.client = '{restless.key.kiosk}' GROUP BY a.command"
        )
        assert {row["command"] for row in rows} == set(given)
        (row,) = await running.fetch(
            f"SELECT count(*) AS lines FROM audit_log WHERE actor = '{restless.key.kiosk}'"
            " AND action IN ('take_ticket', 'leave_line')"
        )
        assert row["lines"] == len(given)
