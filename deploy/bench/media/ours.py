"""What carries and records the calls in our own case? The media node as it is assembled.

`python -m deploy.bench.media.ours FOLDER`: one Node, one Recorder, a segment per party, and
nothing else. The only file of this benchmark that touches our own interfaces.
"""

import asyncio
from functools import partial
from pathlib import Path

from deploy.bench.media.hosted import PARTIES, Ended, folder_argument, serve
from deploy.bench.media.lab import SERVER_HOST
from media.node.node import CallId, ConnectionId, Node
from media.records import webm
from media.records.recorder import Recorder, SegmentRecorder


class NodeCall:
    """A recorded call on our media node. A `hosted.HostedCall`."""

    def __init__(self, node: Node, recorder: Recorder, folder: Path, number: int) -> None:
        self._node, self._recorder = node, recorder
        self._folder = folder / str(number)
        self._call = CallId(f"bench-{number}")
        self._connections: dict[str, ConnectionId] = {}
        self._segments: dict[str, SegmentRecorder] = {}

    async def describe(self, sdp: dict[str, str]) -> dict[str, str]:
        """Without SDP: our offers. With the parties' answers: nothing more to say."""
        if not sdp:
            return {party: self._invite(party) for party in PARTIES}
        for party, answer in sdp.items():
            self._node.answer(self._connections[party], answer)
        return {}

    async def finish(self) -> Ended:
        """Count what arrived, finish the segments and scan their files."""
        connections = self._node.status()["connections"]
        assert isinstance(connections, list)
        taken = sum(int(one["received"]) for one in connections if one["call"] == self._call)
        pictures = 0
        for segment in self._segments.values():
            await self._recorder.finish(segment)
            pictures += webm.scan(segment.path.read_bytes()).video_frames
        return Ended(taken, pictures)

    def _invite(self, party: str) -> str:
        ask_key_frame = partial(self._node.request_key_frame, self._call, party)
        segment = SegmentRecorder(self._folder / f"{party}-001.webm", party, 1, ask_key_frame)
        self._recorder.add(segment)
        self._segments[party] = segment
        invitation = self._node.invite(self._call, party, segment)
        self._connections[party] = invitation.connection
        return invitation.offer


async def main(folder: Path) -> None:
    """Serve until stdin closes."""
    node = Node(host=SERVER_HOST, port=0, announce=SERVER_HOST, listener=lambda _news: None)
    recorder = Recorder()
    await node.start()
    await recorder.start()
    try:
        await serve(partial(NodeCall, node, recorder, folder))
    finally:
        await node.stop()
        await recorder.stop()


if __name__ == "__main__":
    asyncio.run(main(folder_argument()))
