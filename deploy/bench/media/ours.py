"""What carries and records the calls in our own case? The media host as it is assembled.

`python -m deploy.bench.media.ours FOLDER`: one local host, that is a node with its recorder, and
nothing else. The only file of this benchmark that touches our own interfaces.
"""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import uvloop

from deploy.bench.media.hosted import PARTIES, Ended, folder_argument, serve
from deploy.bench.media.lab import SERVER_HOST
from media.host.api import Plan
from media.host.host import LocalHost
from media.node.node import Node
from media.records import manifest as manifests
from media.records.store import Store


class HostCall:
    """A recorded call on our media host. A `hosted.HostedCall`."""

    def __init__(self, host: LocalHost, number: int) -> None:
        self._host = host
        self._plan = partial(
            Plan,
            call=f"bench-{number}",
            visit=f"bench-{number}",
            city="000000",
            taken_at=datetime.now(UTC),
        )
        self._connections: dict[str, str] = {}

    async def describe(self, sdp: dict[str, str]) -> dict[str, str]:
        """Without SDP: our offers. With the parties' answers: nothing more to say."""
        for party, answer in sdp.items():
            await self._host.answer(self._connections[party], answer)
        return {} if sdp else {party: await self._invite(party) for party in PARTIES}

    async def finish(self) -> Ended:
        """Count what arrived, end the call and read its manifest."""
        plan = self._plan(party="")
        connections = (await self._host.status())["connections"]
        taken = sum(int(one["received"]) for one in connections if one["call"] == plan.call)
        await self._host.close(plan.call)
        await self._host.recorder.settled()
        folder = self._host.store.folder(plan.city, plan.visit, plan.taken_at)
        segments = manifests.read(folder).segments
        return Ended(taken, sum(segment.video_frames for segment in segments))

    async def _invite(self, party: str) -> str:
        invitation = await self._host.invite()
        self._connections[party] = invitation.connection
        await self._host.join(invitation.connection, self._plan(party=party))
        return invitation.offer


async def main(folder: Path) -> None:
    """Serve until stdin closes."""
    host = LocalHost(
        "bench",
        Store(folder),
        lambda listener: Node(host=SERVER_HOST, port=0, announce=[SERVER_HOST], listener=listener),
    )
    await host.start(lambda _news: None)
    try:
        await serve(partial(HostCall, host))
    finally:
        await host.stop()


if __name__ == "__main__":
    uvloop.run(main(folder_argument()))
