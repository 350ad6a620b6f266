"""Calls over media hosts: warm lines, hosts that fail and drain, and who hears whom."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.verify import verify
from media.host.api import Refused, Unknown
from scheduling import visit
from signaling.call import CLERK, PARTIES, RESIDENT, Party
from signaling.exchange import NoHost
from signaling.headless import HeadlessPeer
from tests.signaling.wired import (
    AT_DESK,
    AT_KIOSK,
    SMALL,
    DistantHost,
    Wired,
    gets_more,
    local_host,
    wired,
)

SUPERVISOR = Party("supervisor")


async def ended(running: Wired, visit_id: str) -> list[tuple[str, int, str]]:
    """End the call; its files as the manifest has them then."""
    await running.switchboard.end_call(AT_DESK, visit_id)
    segments = (await running.sealed(visit_id)).segments
    return sorted((s.party, s.number, s.state) for s in segments)


def open_at(running: Wired, host: int) -> list[str]:
    """The parties that have a connection at this host; "" is a warm line."""
    return sorted(str(c["party"]) for c in running.locals[host].node.status()["connections"])  # type: ignore[attr-defined]


# Warm lines


async def test_warm_lines_carry_the_call_from_the_accept_without_a_new_offer(
    world_file: Path, tmp_path: Path
) -> None:
    async with wired(world_file, tmp_path) as running:
        visit_id = await running.ringing()
        lines = [await running.kiosk.warm_up(), await running.desk.warm_up()]
        assert running.exchange.calls() == []
        await running.switchboard.accept(AT_DESK, visit_id)
        call = running.call(visit_id)
        assert [call.paths[party].playing for party in PARTIES] == lines
        assert [call.paths[party].offer for party in PARTIES] == [None, None]
        assert call.talking_since is not None
        assert [running.exchange.line_of(who.id) for who in (AT_KIOSK, AT_DESK)] == [None, None]
        await gets_more(*running.kiosk.peers.values(), *running.desk.peers.values())
        await running.until(lambda: running.call(visit_id).recording == "recording")
        assert open_at(running, 0) == ["clerk", "resident"]
        assert await ended(running, visit_id) == [
            ("clerk", 1, "complete"),
            ("resident", 1, "complete"),
        ]


async def test_while_the_call_is_prepared_the_state_names_the_line_that_will_carry_it(
    world_file: Path, tmp_path: Path
) -> None:
    host = DistantHost("one", tmp_path)
    async with wired(world_file, tmp_path, host) as running:
        await host.begin()
        await running.until(lambda: host.remote.ready)
        views = await running.views()
        visit_id = await running.ringing()
        await running.kiosk.warm_up()
        line = await running.desk.warm_up()
        served = replace(await running.visit(visit_id), state=visit.State.SERVING)
        accepting = asyncio.create_task(running.switchboard.accept(AT_DESK, visit_id))
        seen = set()
        while not accepting.done():
            if running.exchange.calls() and running.switchboard.call_of(visit_id) is None:
                shown = views._connection(AT_DESK.id, served, CLERK)
                seen.add(shown.id if shown is not None else None)
            await asyncio.sleep(0)
        assert line in seen
        assert None not in seen
        await accepting


async def test_nothing_of_a_warm_line_is_recorded(world_file: Path, tmp_path: Path) -> None:
    async with wired(world_file, tmp_path) as running:
        await running.ringing()
        await running.kiosk.warm_up()  # this peer sends picture and sound at once
        host = running.locals[0]
        await running.until(
            lambda: any(c["received"] > 20 for c in host.node.status()["connections"])  # type: ignore[attr-defined]
        )
        assert host.recorder.running == 0
        assert list(tmp_path.rglob("*.webm")) == []


async def test_a_line_that_died_is_replaced_by_a_new_connection_at_the_accept(
    world_file: Path, tmp_path: Path
) -> None:
    host = DistantHost("one", tmp_path)
    async with wired(world_file, tmp_path, host) as running:
        await host.begin()
        await running.until(lambda: host.remote.ready)
        visit_id = await running.ringing()
        line = await running.kiosk.warm_up()
        await running.desk.warm_up()
        await host.local.leave(line)  # nobody has heard of it by the accept
        await running.switchboard.accept(AT_DESK, visit_id)
        path = running.call(visit_id).paths[RESIDENT]
        assert path.connection != line
        assert path.offer
        peer = await running.kiosk.join(visit_id)
        await gets_more(peer)


async def test_a_line_that_is_not_connected_yet_is_replaced_at_the_accept(
    world_file: Path, tmp_path: Path
) -> None:
    async with wired(world_file, tmp_path) as running:
        visit_id = await running.ringing()
        await running.switchboard.connect(AT_KIOSK, None)
        line = running.exchange.line_of(AT_KIOSK.id)
        assert line is not None
        await running.switchboard.accept(AT_DESK, visit_id)
        assert running.exchange.line_of(AT_KIOSK.id) is None
        assert running.call(visit_id).paths[RESIDENT].connection != line.connection
        assert open_at(running, 0) == ["clerk", "resident"]


async def test_lines_at_two_hosts_are_brought_together_at_the_accept(
    world_file: Path, tmp_path: Path
) -> None:
    first, second = DistantHost("first", tmp_path), DistantHost("second", tmp_path)
    async with wired(world_file, tmp_path, first, second) as running:
        await second.begin()
        await running.until(lambda: second.remote.ready)
        visit_id = await running.ringing()
        await running.desk.warm_up()
        await first.begin()
        await running.until(lambda: first.remote.ready)
        line = await running.kiosk.warm_up()
        await running.switchboard.accept(AT_DESK, visit_id)
        call = running.call(visit_id)
        assert call.host == "first"
        assert (call.paths[RESIDENT].connection, call.paths[RESIDENT].offer) == (line, None)
        await running.desk.join(visit_id)
        await running.until(lambda: open_at(running, 1) == [])
        await gets_more(*running.kiosk.peers.values())


async def test_a_line_belongs_to_its_client_alone(world_file: Path, tmp_path: Path) -> None:
    async with wired(world_file, tmp_path) as running:
        await running.ringing()
        await running.switchboard.connect(AT_KIOSK, None)
        line = running.exchange.line_of(AT_KIOSK.id)
        assert line is not None
        with pytest.raises(Unknown):
            await running.exchange.answer(AT_DESK.id, line.connection, "v=0")
        with pytest.raises(Refused):
            await running.exchange.answer(AT_KIOSK.id, line.connection, "v=0")
        await running.switchboard.leave_line(AT_KIOSK, (await running.ticket()).id)
        assert open_at(running, 0) == []


async def test_a_line_on_a_lost_host_is_forgotten_and_its_answer_not_taken(
    world_file: Path, tmp_path: Path
) -> None:
    host = DistantHost("one", tmp_path)
    async with wired(world_file, tmp_path, host) as running:
        await host.begin()
        await running.until(lambda: host.remote.ready)
        await running.ringing()
        connection = await running.kiosk.warm_up()
        await host.cut()
        await running.until(lambda: running.exchange.line_of(AT_KIOSK.id) is None)
        with pytest.raises(Unknown):
            await running.exchange.answer(AT_KIOSK.id, connection, "v=0")
        with pytest.raises(NoHost):
            await running.switchboard.connect(AT_KIOSK, None)


# Hosts


async def test_a_call_whose_host_is_lost_goes_on_at_another_in_one_manifest(
    world_file: Path, tmp_path: Path
) -> None:
    first, second = DistantHost("first", tmp_path), DistantHost("second", tmp_path)
    async with wired(world_file, tmp_path, first, second) as running:
        await asyncio.gather(first.begin(), second.begin())
        await running.until(lambda: first.remote.ready and second.remote.ready)
        visit_id = await running.talking()
        began = running.call(visit_id)
        assert began.host == "first"
        await gets_more(*running.kiosk.peers.values(), *running.desk.peers.values())

        await first.end()
        await running.until(lambda: all(p.offer for p in running.call(visit_id).paths.values()))
        call = running.call(visit_id)
        assert (call.id, call.host, call.talking_since) == (began.id, "second", began.talking_since)
        assert {path.state for path in call.paths.values()} == {"connecting"}
        peers = await asyncio.gather(running.kiosk.join(visit_id), running.desk.join(visit_id))
        await gets_more(*peers)
        await running.until(lambda: running.call(visit_id).lost_since is None)

        files = await ended(running, visit_id)
        assert files == [(p, n, "complete") for p in ("clerk", "resident") for n in (1, 2)]
        manifest = await running.sealed(visit_id)
        assert [i.reason for i in manifest.interruptions] == ["media host lost"]
        assert manifest.interruptions[0].to is not None
        assert manifest.call_started_at == began.talking_since
        folder = running.recordings.folder(await running.visit(visit_id))
        assert verify(folder).findings == []


async def test_a_lost_host_that_answers_again_lets_go_of_what_went_on_elsewhere(
    world_file: Path, tmp_path: Path
) -> None:
    first, second = DistantHost("first", tmp_path), DistantHost("second", tmp_path)
    async with wired(world_file, tmp_path, first, second) as running:
        await asyncio.gather(first.begin(), second.begin())
        await running.until(lambda: first.remote.ready and second.remote.ready)
        visit_id = await running.talking()
        await first.cut()  # media goes on there, and nobody can say so
        await running.until(lambda: running.call(visit_id).host == "second")
        await running.switchboard.end_call(AT_DESK, visit_id)
        assert open_at(running, 0) == ["clerk", "resident"]
        await first.answer()
        await running.until(lambda: open_at(running, 0) == [])
        assert open_at(running, 1) == []


async def test_a_draining_host_plays_on_until_the_parties_are_connected_at_another(
    world_file: Path, tmp_path: Path
) -> None:
    first, second = local_host("first", tmp_path), local_host("second", tmp_path)
    async with wired(world_file, tmp_path, first, second) as running:
        visit_id = await running.talking()
        olds = [*running.kiosk.peers.values(), *running.desk.peers.values()]
        first.drain()
        await running.until(lambda: all(p.offer for p in running.call(visit_id).paths.values()))
        assert running.call(visit_id).host == "second"
        await gets_more(*olds)
        assert {p.state for p in running.call(visit_id).paths.values()} == {"connected"}
        peer = await running.kiosk.join(visit_id)
        assert open_at(running, 0) == ["clerk", "resident"]  # the clerk still plays there
        await gets_more(peer, await running.desk.join(visit_id))
        await running.until(lambda: not first.busy)
        assert open_at(running, 1) == ["clerk", "resident"]
        assert running.call(visit_id).lost_since is None
        files = await ended(running, visit_id)
        assert files == [(p, n, "complete") for p in ("clerk", "resident") for n in (1, 2)]
        assert (await running.sealed(visit_id)).interruptions == ()


async def test_a_draining_host_gets_no_new_call_and_no_new_line(
    world_file: Path, tmp_path: Path
) -> None:
    first, second = local_host("first", tmp_path), local_host("second", tmp_path)
    async with wired(world_file, tmp_path, first, second) as running:
        visit_id = await running.ringing()
        await running.kiosk.warm_up()
        first.drain()
        await running.until(lambda: running.exchange.line_of(AT_KIOSK.id) is None)
        await running.desk.warm_up()
        await running.switchboard.accept(AT_DESK, visit_id)
        assert running.call(visit_id).host == "second"
        assert open_at(running, 1) == ["clerk", "resident"]


async def test_a_call_begins_as_soon_as_there_is_a_host(world_file: Path, tmp_path: Path) -> None:
    host = DistantHost("one", tmp_path)
    async with wired(world_file, tmp_path, host) as running:
        visit_id = await running.accepted()
        call = running.call(visit_id)
        assert (call.host, [p.connection for p in call.paths.values()]) == ("", [None, None])
        with pytest.raises(NoHost):
            await running.switchboard.connect(AT_KIOSK, call.id)
        await host.begin()
        await running.until(lambda: all(p.offer for p in running.call(visit_id).paths.values()))
        assert running.call(visit_id).id == call.id
        await asyncio.gather(running.kiosk.join(visit_id), running.desk.join(visit_id))
        await gets_more(*running.kiosk.peers.values(), *running.desk.peers.values())


async def test_a_call_that_ends_while_it_moves_leaves_nothing(
    world_file: Path, tmp_path: Path
) -> None:
    first, second = DistantHost("first", tmp_path), DistantHost("second", tmp_path)
    async with wired(world_file, tmp_path, first, second) as running:
        await asyncio.gather(first.begin(), second.begin())
        await running.until(lambda: first.remote.ready and second.remote.ready)
        visit_id = await running.talking()
        first.local.drain()
        await running.until(lambda: running.call(visit_id).host == "second")
        await running.switchboard.end_call(AT_KIOSK, visit_id)
        assert running.exchange.calls() == []
        await running.until(lambda: open_at(running, 0) == open_at(running, 1) == [])
        assert [s.state for s in (await running.sealed(visit_id)).segments] == ["complete"] * 2
        assert first.local.recorder.running == second.local.recorder.running == 0


async def test_a_paused_recording_stays_paused_at_the_next_host(
    world_file: Path, tmp_path: Path
) -> None:
    first, second = local_host("first", tmp_path), local_host("second", tmp_path)
    async with wired(world_file, tmp_path, first, second) as running:
        visit_id = await running.talking()
        await running.until(lambda: first.recorder.running == 2)
        await running.switchboard.set_recording(AT_DESK, visit_id, running=False)
        first.drain()
        await running.until(lambda: running.call(visit_id).host == "second")
        peers = await asyncio.gather(running.kiosk.join(visit_id), running.desk.join(visit_id))
        await gets_more(*peers, frames=15)
        assert second.recorder.running == 0
        assert running.call(visit_id).recording == "paused"
        await running.switchboard.set_recording(AT_DESK, visit_id, running=True)
        await running.until(lambda: second.recorder.running == 2)
        files = await ended(running, visit_id)
        assert files == [(p, n, "complete") for p in ("clerk", "resident") for n in (1, 2)]


# Who is there beside the two


async def listening(running: Wired, visit_id: str, mode: str) -> HeadlessPeer:
    """A supervisor's peer in the call; one who only listens sends nothing."""
    await running.exchange.take_part(visit_id, SUPERVISOR, "su", mode)  # type: ignore[arg-type]
    path = running.call(visit_id).paths[SUPERVISOR]
    assert path.offer
    assert path.connection
    peer = HeadlessPeer(None if mode == "listen" else SMALL)
    await running.exchange.answer("su", path.connection, await peer.answer(path.offer))
    await running.until(lambda: running.call(visit_id).paths[SUPERVISOR].state == "connected")
    return peer


def sources(running: Wired, party: str) -> list[str]:
    """Whose sound this party is sent at the node, slot by slot."""
    (record,) = running.locals[0].node._calls.values()
    leg = record.playing[party].leg
    speaking = {c.source.of("audio"): name for name, c in record.playing.items() if c.source}
    fed = [stream.source for stream in leg.streams() if stream.track == "audio"]
    return [speaking[source] for source in fed if source is not None]


async def test_a_whisper_is_heard_by_the_clerk_alone_and_not_recorded(
    world_file: Path, tmp_path: Path
) -> None:
    async with wired(world_file, tmp_path) as running:
        visit_id = await running.talking()
        peer = await listening(running, visit_id, "whisper")
        await running.until(lambda: bool(running.call(visit_id).paths[CLERK].offer))
        path = running.call(visit_id).paths[CLERK]
        assert path.connection in running.desk.peers  # offered again on the same connection
        await running.desk.take(path.connection, path.offer)
        await running.until(lambda: sources(running, "clerk") == ["resident", "supervisor"])
        assert sources(running, "resident") == ["clerk"]
        assert running.call(visit_id).paths[RESIDENT].offer is None
        await gets_more(peer, *running.kiosk.peers.values(), *running.desk.peers.values())
        assert {p for p, _, _ in await ended(running, visit_id)} == {"clerk", "resident"}
        await peer.close()


async def test_a_listener_hears_both_and_nobody_hears_or_loses_anything_by_it(
    world_file: Path, tmp_path: Path
) -> None:
    async with wired(world_file, tmp_path) as running:
        visit_id = await running.talking()
        peer = await listening(running, visit_id, "listen")
        await gets_more(peer, *running.kiosk.peers.values(), *running.desk.peers.values())
        assert sources(running, "supervisor") == ["resident", "clerk"]
        assert (sources(running, "resident"), sources(running, "clerk")) == (
            ["clerk"],
            ["resident"],
        )
        await running.exchange.leave_part(visit_id, SUPERVISOR)
        assert set(running.call(visit_id).paths) == set(PARTIES)
        assert open_at(running, 0) == ["clerk", "resident"]
        await peer.close()


async def test_a_guest_whose_connection_ends_is_out_of_the_call(
    world_file: Path, tmp_path: Path
) -> None:
    async with wired(world_file, tmp_path) as running:
        visit_id = await running.talking()
        peer = await listening(running, visit_id, "listen")
        connection = running.call(visit_id).paths[SUPERVISOR].playing
        assert connection is not None
        await running.locals[0].leave(connection)
        await peer.close()
        await running.until(lambda: SUPERVISOR not in running.call(visit_id).paths)
        assert running.exchange.guests(visit_id) == {}


async def test_a_guest_too_many_is_refused_and_changes_nothing(
    world_file: Path, tmp_path: Path
) -> None:
    async with wired(world_file, tmp_path) as running:
        visit_id = await running.accepted()
        for number in range(4):
            await running.exchange.take_part(visit_id, Party(f"s{number}"), f"c{number}", "party")
        before = running.call(visit_id)
        with pytest.raises(Refused):
            await running.exchange.take_part(visit_id, Party("s4"), "c4", "party")
        assert running.call(visit_id) == before


async def test_nobody_joins_a_call_that_is_over(world_file: Path, tmp_path: Path) -> None:
    async with wired(world_file, tmp_path) as running:
        visit_id = await running.accepted()
        await running.switchboard.end_call(AT_DESK, visit_id)
        with pytest.raises(Unknown):
            await running.exchange.take_part(visit_id, SUPERVISOR, "su", "listen")
        assert running.exchange.guests(visit_id) == {}
