"""Calls that were made and ended leave nothing behind (F21)."""

import asyncio
import contextlib
import gc
import os
import threading
from datetime import UTC, datetime
from pathlib import Path

from deploy.bench.media.usage import resident_mb
from media.host.api import MediaHost, Plan
from media.host.host import LocalHost
from media.host.remote import RemoteHost
from media.node.call import Call
from media.node.connection import Connection
from media.node.node import Invitation, Node
from media.node.relay import Leg, Source, Stream
from media.node.tcp import TcpPath
from media.records.recorder import PartyTap
from media.records.segment import SegmentRecorder
from media.records.store import Store
from tests.media.light import At, LightParty, Listening, Medium
from tests.media.peers import DEADLINE_S, until
from tests.support.service import MEDIA_TOKEN, MediaProcess

CALLS, AT_ONCE = 500, 20
MOST_MB = 30.0
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


def held_by(pid: int) -> tuple[int, int]:
    """Threads and open descriptors of another process."""
    return len(os.listdir(f"/proc/{pid}/task")), len(os.listdir(f"/proc/{pid}/fd"))


def records(pid: int) -> bool:
    """Whether another process still writes a recording."""
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            if os.readlink(link).endswith(".webm"):
                return True
    return False


async def invited(host: MediaHost, call: str, party: str, number: int) -> LightParty:
    made = await host.invite()
    await host.join(made.connection, plan(call, party))
    return LightParty(Invitation(made.connection, made.offer), number)  # type: ignore[arg-type]


async def with_media(host: MediaHost, at: Listening, call: str, medium: Medium) -> None:
    """Two parties speak to each other and are recorded."""
    parties = [await invited(host, call, name, n) for n, name in enumerate(("resident", "clerk"))]
    for party in parties:
        await host.answer(party.connection, party.answer())
        await party.connect(at, medium)
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


async def without_media(host: MediaHost, call: str) -> None:
    """Two parties are invited and never come."""
    for name in ("resident", "clerk"):
        await invited(host, call, name, 1)
    await host.hear(call, {"resident": ["clerk"]})
    await host.close(call)


async def calls(host: MediaHost, at: Listening, name: str) -> None:
    """As many calls as run at once, made and ended; every fifth over TCP."""
    mediums: list[Medium] = ["tcp" if number % 5 == 0 else "udp" for number in range(AT_ONCE)]
    await asyncio.gather(*(with_media(host, at, f"{name}-{n}", m) for n, m in enumerate(mediums)))
    await without_media(host, f"{name}-nobody")


async def test_five_hundred_calls_leave_no_task_no_thread_and_no_descriptor(
    tmp_path: Path,
) -> None:
    host = LocalHost(
        "media-1",
        Store(tmp_path),
        lambda listener: Node(host="127.0.0.1", port=0, announce=["127.0.0.1"], listener=listener),
    )
    await host.start(lambda news: None)
    try:
        await calls(host, host.node, "warm-up")  # the recorder's thread begins with its first file
        await settled(host)
        before, objects_before = held(), objects()
        for number in range(CALLS // AT_ONCE):
            await calls(host, host.node, f"call-{number}")
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


async def test_five_hundred_calls_leave_a_media_process_as_it_was(tmp_path: Path) -> None:
    async with MediaProcess("a", tmp_path / "data") as process:
        at = At(process.settings.media_port)
        begun_mb = resident_mb(process.pid)

        async def served(batches: int, name: str) -> tuple[int, int]:
            """A server comes, has calls made and ended, and goes; what the process holds then."""
            url = f"http://127.0.0.1:{process.settings.control_port}"
            host = RemoteHost("a", url, MEDIA_TOKEN)
            before = held_by(process.pid)
            await host.start(lambda news: None)
            try:
                for number in range(batches):
                    await calls(host, at, f"{name}-{number}")
                    await until(lambda: not records(process.pid))
            finally:
                await host.stop()
            await until(lambda: held_by(process.pid)[1] <= before[1])
            return held_by(process.pid)

        before = await served(1, "warm-up")  # the recorder's thread begins with its first file
        assert await served(CALLS // AT_ONCE, "call") == before
        assert resident_mb(process.pid) < begun_mb + MOST_MB
        status = await process.status()
        assert (status["calls"], status["connections"], status["recordings"]) == (0, [], 0)


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
    await with_media(host, host.node, "call-1", "tcp")
    await host.stop()
    await asyncio.sleep(0)
    tasks, threads, descriptors = held()
    assert (tasks, descriptors) == (before[0], before[2])
    assert threads <= before[1] + 1  # asyncio's own, for `to_thread`
