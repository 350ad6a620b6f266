"""Calls that were made and ended leave nothing behind (F21)."""

import asyncio
import gc
import os
import threading
from datetime import UTC, datetime
from pathlib import Path

from media.host.api import Plan
from media.host.host import LocalHost
from media.node.call import Call
from media.node.connection import Connection
from media.node.node import Invitation, Node
from media.node.relay import Leg, Source, Stream
from media.node.tcp import TcpPath
from media.records.recorder import PartyTap
from media.records.segment import SegmentRecorder
from media.records.store import Store
from tests.media.light import LightParty, Medium
from tests.media.peers import DEADLINE_S

CALLS, CALLS_WITH_MEDIA = 200, 30
OF_TWO_CALLS = 60
TAKEN_AT = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)


def plan(call: str, party: str) -> Plan:
    return Plan(call=call, party=party, visit=call, city="lanzhou", taken_at=TAKEN_AT)


def held() -> tuple[int, int, int]:
    """Tasks, threads and open descriptors."""
    gc.collect()
    return len(asyncio.all_tasks()), threading.active_count(), len(os.listdir("/proc/self/fd"))


def objects() -> int:
    """How many objects of calls there are."""
    gc.collect()
    kinds = (Connection, Call, Source, Leg, Stream, PartyTap, SegmentRecorder, TcpPath)
    return sum(isinstance(found, kinds) for found in gc.get_objects())


async def invited(host: LocalHost, call: str, party: str, number: int) -> LightParty:
    made = await host.invite()
    await host.join(made.connection, plan(call, party))
    return LightParty(Invitation(made.connection, made.offer), number)  # type: ignore[arg-type]


async def with_media(host: LocalHost, call: str, medium: Medium) -> None:
    """Two parties speak to each other and are recorded."""
    parties = [await invited(host, call, name, n) for n, name in enumerate(("resident", "clerk"))]
    for party in parties:
        await host.answer(party.connection, party.answer())
        await party.connect(host.node, medium)
    one, other = parties
    for number in range(50):
        one.speak(number, b"%s %d" % (call.encode(), number))
        if other.packets:
            break
        await asyncio.sleep(0.01)
    await other.until(lambda: other.packets)
    await host.close(call)
    for party in parties:
        await party.hang_up()


async def test_two_hundred_calls_leave_no_task_no_thread_and_no_descriptor(tmp_path: Path) -> None:
    host = LocalHost(
        "media-1",
        Store(tmp_path),
        lambda listener: Node(host="127.0.0.1", port=0, announce=["127.0.0.1"], listener=listener),
    )
    await host.start(lambda news: None)
    try:
        await with_media(host, "warm-up", "udp")  # the recorder's thread begins with its first file
        await with_media(host, "warm-up-tcp", "tcp")
        await settled(host)
        before, objects_before = held(), objects()
        for number in range(CALLS):
            if number % (CALLS // CALLS_WITH_MEDIA) == 0:
                await with_media(host, f"call-{number}", "tcp" if number % 4 else "udp")
                continue
            for name in ("resident", "clerk"):
                await invited(host, f"call-{number}", name, 1)
            await host.hear(f"call-{number}", {"resident": ["clerk"]})
            await host.close(f"call-{number}")
        await settled(host)
        assert held() == before
        assert objects() < objects_before + OF_TWO_CALLS  # futures still hold the last ones
        status = await host.status()
        assert (status["calls"], status["connections"], status["recordings"]) == (0, [], 0)
        admission = host.node._admission
        for index in (admission._by_ufrag, admission._by_remote, admission._remotes):
            assert len(index) == 0
        assert not host._taps
    finally:
        await host.stop()


async def settled(host: LocalHost) -> None:
    """Wait until the recordings are sealed and closed paths are gone."""
    await host.recorder.settled()
    paths = host.node._tcp._paths  # type: ignore[union-attr]
    async with asyncio.timeout(DEADLINE_S):
        while paths:
            await asyncio.sleep(0.01)


async def test_a_stopped_host_leaves_nothing(tmp_path: Path) -> None:
    before = held()
    host = LocalHost(
        "media-1",
        Store(tmp_path),
        lambda listener: Node(host="127.0.0.1", port=0, announce=["127.0.0.1"], listener=listener),
    )
    await host.start(lambda news: None)
    await with_media(host, "call-1", "tcp")
    await host.stop()
    await asyncio.sleep(0)
    tasks, threads, descriptors = held()
    assert (tasks, descriptors) == (before[0], before[2])
    assert threads <= before[1] + 1  # asyncio's own, for `to_thread`
