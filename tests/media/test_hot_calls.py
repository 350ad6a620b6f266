"""Real peers in a call, recorded, who hear and see the same whichever way their media take."""

import asyncio
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from media.node.node import Node
from media.records import manifest as manifests
from media.records.recorder import Recorder, Visit
from media.records.store import Store
from tests.media.encoded import decoded
from tests.media.peers import CALL, exchange, until

FRAMES = 15
VISIT = Visit("visit-7", CALL, "lanzhou", datetime(2026, 11, 23, 8, 30, tzinfo=UTC))


def counts(node: Node, party: str) -> dict[str, int]:
    """What was counted of the connection that carries a party."""
    found = node.status()["connections"]
    assert isinstance(found, list)
    return next(c for c in found if c["party"] == party)


@pytest.mark.parametrize("hot", [True, False], ids=["compiled", "plain"])
async def test_a_call_with_a_reload_is_seen_heard_and_recorded(hot: bool, tmp_path: Path) -> None:
    recorder = Recorder(Store(tmp_path))
    await recorder.start()
    try:
        async with exchange(hot=hot) as running:
            node = running.node
            taps = [
                recorder.open(VISIT, "resident", partial(node.request_key_frame, CALL, "resident"))
                for _ in range(2)
            ]
            resident = await running.join("resident", taps[0])
            clerk = await running.join("clerk")
            await asyncio.gather(resident.receives(FRAMES), clerk.receives(FRAMES))
            fast = node._fast
            assert (fast is not None) is hot
            if fast is not None:
                await until(lambda: len(fast._routed) == 2)
            heard = await clerk.received_ssrcs()

            again = await running.join("resident", taps[1])  # the page was loaded anew
            recorder.close(taps[0])
            await asyncio.gather(again.receives(FRAMES), clerk.receives(FRAMES))
            assert await clerk.received_ssrcs() == heard
            if fast is not None:
                await until(lambda: len(fast._routed) == 2)
                await clerk.receives(FRAMES)
            found = counts(node, "resident")
            assert found["forwarded"] > 2 * FRAMES
            assert {found[name] for name in ("refused", "unsent", "flooded", "malformed")} == {0}
            assert counts(node, "clerk")["unsent"] == 0  # SRTP refused no number
            recorder.close(taps[1])
            await recorder.settled()
    finally:
        await recorder.stop()
    folder = Store(tmp_path).folder(VISIT.city, VISIT.id, VISIT.taken_at)
    assert manifests.verify(folder) == []
    segments = sorted(manifests.read(folder).segments, key=lambda s: s.number)
    assert [(s.state, s.lost_packets) for s in segments] == [("complete", 0)] * 2
    for segment in segments:
        pictures, sounds = decoded((folder / segment.file).read_bytes())
        assert len(pictures) >= FRAMES - 1
        assert len(sounds) >= FRAMES
