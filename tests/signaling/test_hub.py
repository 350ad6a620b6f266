"""Several hubs are one: who is there, who is woken, and which of two lines of a client stays."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from signaling import hub as hubs
from signaling.access import Identity, Role
from signaling.between import Post
from signaling.bus import LocalBus, Wire
from signaling.hub import Hub, Socket
from signaling.presence import GRACE_S, SILENT_S
from signaling.protocol import Gestured
from signaling.shared_desk import Pointer

CLERK = Identity("jiaxing1", Role.CLERK, "330400")
OTHER = Identity("jiaxing2", Role.CLERK, "330400")
KIOSK = Identity("kiosk-1", Role.KIOSK, "310117")
DEADLINE_S = 10.0


@dataclass
class Process:
    """A hub on the wire, and who it was told came or went elsewhere."""

    bus: LocalBus
    hub: Hub
    post: Post
    moved: list[str] = field(default_factory=list)


@contextlib.asynccontextmanager
async def processes(*names: str) -> AsyncIterator[list[Process]]:
    """Hubs of processes that hear each other."""
    wire, made = Wire(), []
    for name in names:
        bus = LocalBus(name, wire)
        post = Post(bus)
        process = Process(bus, Hub(post), post)
        await post.start()
        await process.hub.start(lambda who, p=process: p.moved.append(who.id))  # type: ignore[misc]
        made.append(process)
    try:
        yield made
    finally:
        for process in made:
            await process.hub.stop()
            await process.post.stop()


async def until(wanted: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not wanted():
            await asyncio.sleep(0.005)


async def test_a_client_of_one_process_is_present_at_all() -> None:
    async with processes("a", "b") as (a, b):
        socket = Socket(KIOSK)
        a.hub.enter(socket)
        await until(lambda: b.hub.is_open(KIOSK.id))
        assert b.hub.present(Role.KIOSK) == a.hub.present(Role.KIOSK) == {KIOSK.id}
        assert b.hub.away_s(KIOSK.id, 0) == 0
        assert list(b.hub.sockets()) == []
        assert b.moved == [KIOSK.id]
        assert a.hub.leave(socket)
        await until(lambda: not b.hub.is_open(KIOSK.id))
        assert b.moved == [KIOSK.id, KIOSK.id]
        assert 0 <= b.hub.away_s(KIOSK.id, 0) < DEADLINE_S


async def test_a_gesture_finds_its_clients_at_whatever_process_they_are() -> None:
    async with processes("a", "b", "c") as (a, b, c):
        kiosk, clerk, bystander = Socket(KIOSK), Socket(CLERK), Socket(OTHER)
        for process, socket in ((a, kiosk), (b, clerk), (c, bystander)):
            socket.is_welcomed = True
            process.hub.enter(socket)
        await until(lambda: all(a.hub.is_open(who.id) for who in (CLERK, OTHER)))
        said = Gestured("invited_clerk", Pointer("page-1", 0.25, 0.75))
        a.hub.pass_on([KIOSK.id, CLERK.id, "nobody"], said)
        await until(clerk.passed.is_set)
        assert clerk.gestures() == [said]
        assert kiosk.gestures() == [said]
        a.hub.pass_on([OTHER.id], said)  # behind what the others were told
        await until(bystander.passed.is_set)
        assert bystander.gestures() == [said]
        assert clerk.gestures() == []
        b.bus.cut(True)
        a.hub.pass_on([CLERK.id], said)  # lost, and nobody waits for it
        b.bus.cut(False)


async def test_a_process_that_comes_later_learns_who_is_there() -> None:
    wire = Wire()
    first = Post(LocalBus("a", wire))
    hub = Hub(first)
    await first.start()
    await hub.start(lambda who: None)
    hub.enter(Socket(CLERK))
    late = Post(LocalBus("b", wire))
    other = Hub(late)
    await late.start()
    await other.start(lambda who: None)
    try:
        await until(lambda: other.is_open(CLERK.id))
    finally:
        for running in (hub, other):
            await running.stop()


async def test_whoever_is_woken_is_woken_wherever_the_line_is() -> None:
    async with processes("a", "b") as (a, b):
        clerk, kiosk = Socket(CLERK), Socket(KIOSK)
        a.hub.enter(clerk)
        b.hub.enter(kiosk)
        b.hub.wake([CLERK.id, None])
        await until(clerk.changed.is_set)
        assert not kiosk.changed.is_set()
        clerk.changed.clear()
        b.hub.wake_city("330400")
        await until(clerk.changed.is_set)
        assert kiosk.changed.is_set()


async def test_the_newest_line_of_a_client_wins_over_one_at_another_process() -> None:
    async with processes("a", "b") as (a, b):
        old, new = Socket(CLERK, 1.0), Socket(CLERK, 2.0)
        a.hub.enter(old)
        await until(lambda: b.hub.is_open(CLERK.id))
        b.hub.enter(new)
        await until(lambda: old.closing is not None)
        assert old.closing == (4001, hubs.TAKEN_OVER)
        assert new.closing is None
        assert not a.hub.leave(old), "the client has a newer line"
        assert b.hub.is_open(CLERK.id)


async def test_of_two_lines_at_once_exactly_one_stays() -> None:
    async with processes("a", "b") as (a, b):
        one, two = Socket(CLERK, 1.0), Socket(CLERK, 1.5)
        b.hub.enter(two)
        a.hub.enter(one)
        await until(lambda: one.closing is not None)
        await until(lambda: a.hub.present(Role.CLERK) == {CLERK.id})
        assert two.closing is None


async def test_an_older_line_that_comes_late_is_the_one_that_closes() -> None:
    async with processes("a", "b") as (a, b):
        a.hub.enter(Socket(CLERK, 2.0))
        await until(lambda: b.hub.is_open(CLERK.id))
        late = Socket(CLERK, 1.0)
        b.hub.enter(late)
        assert late.closing == (4001, hubs.TAKEN_OVER)


async def test_a_process_that_ends_takes_its_clients_with_it() -> None:
    async with processes("a", "b") as (a, b):
        a.hub.enter(Socket(CLERK))
        await until(lambda: b.hub.is_open(CLERK.id))
        await a.hub.stop()
        await until(lambda: not b.hub.is_open(CLERK.id))


async def test_while_the_bus_is_down_everybody_stays_and_everybody_here_looks() -> None:
    assert SILENT_S > hubs.BEAT_S * 2
    assert GRACE_S > SILENT_S
    async with processes("a", "b") as (a, b):
        here = Socket(KIOSK)
        a.hub.enter(Socket(CLERK))
        b.hub.enter(here)
        await until(lambda: b.hub.is_open(CLERK.id))
        b.bus.cut(True)
        a.hub.wake([KIOSK.id])
        here.changed.clear()
        await until(here.changed.is_set)
        assert b.hub.is_open(CLERK.id)
        b.bus.cut(False)
        await until(lambda: a.hub.is_open(KIOSK.id))
        assert b.hub.is_open(CLERK.id)


async def test_what_was_missed_while_the_bus_was_down_is_asked_for() -> None:
    async with processes("a", "b") as (a, b):
        leaving = Socket(CLERK)
        a.hub.enter(leaving)
        await until(lambda: b.hub.is_open(CLERK.id))
        b.bus.cut(True)
        a.hub.leave(leaving)
        a.hub.enter(Socket(KIOSK))
        b.bus.cut(False)
        await until(lambda: b.hub.is_open(KIOSK.id) and not b.hub.is_open(CLERK.id))
