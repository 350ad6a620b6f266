"""Calls over media hosts: warm lines, hosts that fail and drain, and who hears whom."""

import asyncio
from pathlib import Path

import pytest

from signaling.call import CLERK, PARTIES, RESIDENT
from tests.signaling.wired import DistantHost, gets_more, local_host, wired


async def test_warm_lines_carry_the_call_from_the_accept_without_a_new_offer(
    world_file: Path, tmp_path: Path
) -> None:
    async with wired(world_file, tmp_path) as running:
        visit_id = await running.ringing()
        lines = [await running.kiosk.warm_up(), await running.desk.warm_up()]
        assert running.exchange.calls() == []
        await running.switchboard.accept(running.desk.who, visit_id)
        call = running.call(visit_id)
        assert [call.paths[party].playing for party in PARTIES] == lines
        assert [call.paths[party].offer for party in PARTIES] == [None, None]
        assert call.talking_since is not None
        assert [running.exchange.line_of(p.who.id) for p in (running.kiosk, running.desk)] == [
            None,
            None,
        ]
        await gets_more(*running.kiosk.peers.values(), *running.desk.peers.values())
        await running.until(lambda: running.call(visit_id).recording == "recording")
        assert [c["connected"] for c in running.locals[0].node.status()["connections"]] == [
            True,
            True,
        ]
        await running.switchboard.end_call(running.desk.who, visit_id)
        segments = (await running.sealed(visit_id)).segments
        assert sorted((s.party, s.number, s.state) for s in segments) == [
            ("clerk", 1, "complete"),
            ("resident", 1, "complete"),
        ]
