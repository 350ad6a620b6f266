"""What does our own way of carrying and recording a call cost? The media node as a process.

`python -m deploy.bench.node_server FOLDER`: one Node, one Recorder and a segment per party, as the
server is assembled, and nothing else. Takes its orders from `server.py`; offers first.
"""

import asyncio
import sys
from functools import partial
from pathlib import Path

from deploy.bench.server import PARTIES, Outcome, Recorded, serve
from media.node.node import CallId, ConnectionId, Node
from media.records import webm
from media.records.recorder import Recorder, SegmentRecorder

_CALL = CallId("bench")


class NodeCall:
    """A recorded call of both parties on our media node. A `server.ServedCall`."""

    def __init__(self, node: Node, recorder: Recorder, folder: Path) -> None:
        self._node, self._recorder, self._folder = node, recorder, folder
        self._connections: dict[str, ConnectionId] = {}
        self._segments: dict[str, SegmentRecorder] = {}

    async def describe(self, sdp: dict[str, str]) -> dict[str, str]:
        """Without SDP: our offers. With the parties' answers: nothing more to say."""
        if not sdp:
            return {party: self._invite(party) for party in PARTIES}
        for party, answer in sdp.items():
            self._node.answer(self._connections[party], answer)
        return {}

    async def finish(self) -> Outcome:
        """Count what arrived, finish the segments and scan their files."""
        received, connected = self._received()
        recorded = []
        for party, segment in self._segments.items():
            await self._recorder.finish(segment)
            found = webm.scan(segment.path.read_bytes())
            recorded.append(Recorded(party, found.size, found.audio_frames, found.video_frames))
        return Outcome(received, connected, tuple(recorded))

    def _invite(self, party: str) -> str:
        ask_key_frame = partial(self._node.request_key_frame, _CALL, party)
        segment = SegmentRecorder(self._folder / f"{party}-001.webm", party, 1, ask_key_frame)
        self._recorder.add(segment)
        self._segments[party] = segment
        invitation = self._node.invite(_CALL, party, segment)
        self._connections[party] = invitation.connection
        return invitation.offer

    def _received(self) -> tuple[int, int]:
        connections = self._node.status()["connections"]
        assert isinstance(connections, list)
        received = sum(int(one["received"]) for one in connections)
        connected = sum(bool(one["connected"]) for one in connections)
        return received, connected


async def main(folder: Path) -> None:
    """Serve one call until stdin closes."""
    node = Node(host="127.0.0.1", port=0, announce="127.0.0.1", listener=lambda _news: None)
    recorder = Recorder()
    await node.start()
    await recorder.start()
    try:
        await serve(NodeCall(node, recorder, folder))
    finally:
        await node.stop()
        await recorder.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
