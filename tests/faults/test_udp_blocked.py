"""A hall whose firewall lets no datagram pass has its calls all the same, by ICE over TCP (F9)."""

import asyncio
import time
from pathlib import Path

from media.records import manifest as manifests
from tests.support.impaired_visit import impaired_visit
from tests.support.likeness import MEASURED_CLERK, MEASURED_RESIDENT
from tests.support.measured import measure_file

SEEN_S = 8.0
TALK_S = 6.0
MOST_LOST = 0.1  # of chirps; a busy machine swallows one now and then


async def test_a_call_comes_about_by_tcp_where_udp_is_blocked(tmp_path: Path) -> None:
    async with impaired_visit(tmp_path, tmp_path, seed=21, udp_blocked=True) as visit:
        assert visit.seen_after_s < SEEN_S
        since_s = time.time()
        await asyncio.sleep(TALK_S)  # the call itself
        until_s = time.time() - 1

        line = visit.resident.line
        assert line.up.counts.cut > 0  # it tried
        assert line.down.counts.cut == 0  # and none reached the node: it never answered
        for party in visit.parties.values():
            far = await party.far.taken()
            assert far.sounds.lost_share(since_s, until_s) <= MOST_LOST
            assert far.pictures.seen[-1][0] > until_s

        await visit.clerk.page.click("#end")
        await visit.clerk.page.click("#end-yes")
        await visit.service.sealed_record(visit.folder.name)
        assert manifests.verify(visit.folder) == []
        recorded = manifests.read(visit.folder)
        assert {(s.party, s.number, s.state) for s in recorded.segments} == {
            ("resident", 1, "complete"),
            ("clerk", 1, "complete"),
        }
        for segment, likeness in zip(
            sorted(recorded.segments, key=lambda s: s.party),
            (MEASURED_CLERK, MEASURED_RESIDENT),
            strict=True,
        ):
            assert likeness.band is not None
            measured = measure_file(visit.folder / segment.file, likeness.band)
            began_s = segment.started_at.timestamp()
            lost = measured.sounds.lost_share(since_s - began_s, until_s - began_s)
            assert lost <= MOST_LOST
