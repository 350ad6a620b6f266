"""The bus between processes: the same promises in one process and over a real Redis."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from signaling.bus import Bus, LocalBus, Wire
from signaling.redis_bus import RedisBus
from tests.support.redis import RedisServer

DEADLINE_S = 15.0


@dataclass
class Ear:
    """A process on the bus: what it heard, and when the bus was up."""

    bus: Bus
    heard: list[bytes] = field(default_factory=list)
    links: list[bool] = field(default_factory=list)

    async def until_heard(self, count: int) -> list[bytes]:
        async with asyncio.timeout(DEADLINE_S):
            while len(self.heard) < count:
                await asyncio.sleep(0.005)
        return self.heard

    async def until(self, up: bool) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while self.bus.up is not up:
                await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def listening(*buses: Bus) -> AsyncIterator[list[Ear]]:
    """Processes that hear each other."""
    ears = [Ear(bus) for bus in buses]
    for ear in ears:
        await ear.bus.start(ear.heard.append, ear.links.append)
    try:
        for ear in ears:
            await ear.until(True)
        yield ears
    finally:
        for ear in ears:
            await ear.bus.stop()


def redis_bus(redis: RedisServer, name: str) -> RedisBus:
    """One that notices within a second."""
    return RedisBus(redis.url, name, ping_s=0.1, lost_s=0.8)


@pytest_asyncio.fixture(params=["local", "redis"])
async def three(request: pytest.FixtureRequest) -> AsyncIterator[list[Ear]]:
    """Three processes on one bus."""
    if request.param == "local":
        wire = Wire()
        buses: list[Bus] = [LocalBus(name, wire) for name in ("a", "b", "c")]
    else:
        server: RedisServer = request.getfixturevalue("redis")
        buses = [redis_bus(server, name) for name in ("a", "b", "c")]
    async with listening(*buses) as ears:
        yield ears


async def test_what_one_tells_all_others_hear_in_order_and_it_does_not_hear_itself(
    three: list[Ear],
) -> None:
    a, b, c = three
    told = [str(number).encode() for number in range(1000)]
    for message in told:
        a.bus.tell(message)
    assert await b.until_heard(1000) == told
    assert await c.until_heard(1000) == told
    b.bus.tell(b"from b")
    assert await a.until_heard(1) == [b"from b"]


async def test_what_is_told_to_one_only_that_one_hears(three: list[Ear]) -> None:
    a, b, c = three
    a.bus.tell(b"for b", to="b")
    a.bus.tell(b"for nobody", to="d")
    a.bus.tell(b"for all")
    assert await b.until_heard(2) == [b"for b", b"for all"]
    assert await c.until_heard(1) == [b"for all"]


async def test_messages_may_be_large_and_hold_any_byte(three: list[Ear]) -> None:
    a, b, _ = three
    message = bytes(range(256)) * 1000
    a.bus.tell(message)
    assert await b.until_heard(1) == [message]


async def test_whoever_has_left_hears_nothing_and_disturbs_nobody(three: list[Ear]) -> None:
    a, b, c = three
    await b.bus.stop()
    b.bus.tell(b"too late")
    a.bus.tell(b"to those who are here")
    assert await c.until_heard(1) == [b"to those who are here"]
    assert b.heard == []
    assert not b.bus.up


async def test_what_is_told_last_is_still_sent(three: list[Ear]) -> None:
    a, b, _ = three
    a.bus.tell(b"farewell")
    await a.bus.stop()
    assert await b.until_heard(1) == [b"farewell"]


async def test_a_cut_wire_is_told_and_what_was_told_meanwhile_is_not_kept() -> None:
    wire = Wire()
    a, b = LocalBus("a", wire), LocalBus("b", wire)
    async with listening(a, b) as (at_a, at_b):
        b.cut(True)
        a.tell(b"lost")
        b.tell(b"lost too")
        b.cut(False)
        a.tell(b"again")
        assert await at_b.until_heard(1) == [b"again"]
        assert at_a.heard == []
        assert at_b.links == [True, False, True]


async def test_a_paused_redis_is_told_as_lost_and_as_back(redis: RedisServer) -> None:
    async with listening(redis_bus(redis, "a"), redis_bus(redis, "b")) as (a, b):
        redis.pause()
        await a.until(False)
        await b.until(False)
        a.bus.tell(b"while it is lost")
        redis.resume()
        await a.until(True)
        await b.until(True)
        b.heard.clear()
        a.bus.tell(b"again")
        assert (await b.until_heard(1))[-1] == b"again"
        assert a.links == [True, False, True]


async def test_a_killed_redis_that_comes_back_is_found_again(redis: RedisServer) -> None:
    async with listening(redis_bus(redis, "a"), redis_bus(redis, "b")) as (a, b):
        redis.kill()
        await a.until(False)
        await b.until(False)
        redis.start()
        await a.until(True)
        await b.until(True)
        a.bus.tell(b"again")
        assert await b.until_heard(1) == [b"again"]


async def test_a_subscriber_that_redis_has_forgotten_finds_out_by_itself(
    redis: RedisServer,
) -> None:
    async with listening(redis_bus(redis, "a"), redis_bus(redis, "b")) as (a, b):
        await redis.execute("CLIENT", "KILL", "TYPE", "pubsub")
        async with asyncio.timeout(DEADLINE_S):
            while b.links.count(True) < 2 or a.links.count(True) < 2:
                await asyncio.sleep(0.01)
        a.bus.tell(b"again")
        assert await b.until_heard(1) == [b"again"]


async def test_a_bus_begins_before_there_is_a_redis(redis: RedisServer) -> None:
    redis.kill()
    ear = Ear(redis_bus(redis, "a"))
    await ear.bus.start(ear.heard.append, ear.links.append)
    try:
        assert not ear.bus.up
        redis.start()
        await ear.until(True)
        assert ear.links == [True]
    finally:
        await ear.bus.stop()
