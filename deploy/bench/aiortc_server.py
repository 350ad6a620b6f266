"""What does the usual way of carrying and recording a call in Python cost? aiortc as a process.

`python -m deploy.bench.aiortc_server FOLDER`: one RTCPeerConnection per party, a MediaRelay that
hands each party's tracks to the other party and to a MediaRecorder of their own, as aiortc's
examples do it. The recorder writes MP4 (H.264, AAC) as in MediaRecorder's documentation.
Takes its orders from `server.py`; answers offers.
"""

import asyncio
import sys
from pathlib import Path

import aioice.ice
import av
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRecorder, MediaRelay
from aiortc.mediastreams import MediaStreamTrack

from deploy.bench.server import PARTIES, Outcome, Recorded, serve


class AiortcCall:
    """A recorded call of both parties through aiortc. A `server.ServedCall`."""

    def __init__(self, folder: Path) -> None:
        self._relay = MediaRelay()
        self._files = {party: folder / f"{party}.mp4" for party in PARTIES}
        self._recorders = {party: MediaRecorder(str(self._files[party])) for party in PARTIES}
        without_stun = RTCConfiguration(iceServers=[])
        self._connections = {party: RTCPeerConnection(without_stun) for party in PARTIES}
        for party, far in zip(PARTIES, reversed(PARTIES), strict=True):
            self._join(party, far)

    async def describe(self, sdp: dict[str, str]) -> dict[str, str]:
        """Take both offers, so that all tracks are there, then answer both; none yet: nothing."""
        for party, offer in sdp.items():
            description = RTCSessionDescription(sdp=offer, type="offer")
            await self._connections[party].setRemoteDescription(description)
        answers = {}
        for party in sdp:
            connection = self._connections[party]
            await connection.setLocalDescription(await connection.createAnswer())
            answers[party] = str(connection.localDescription.sdp)
            await self._recorders[party].start()
        return answers

    async def finish(self) -> Outcome:
        """Count what arrived, stop the recorders and count the frames in their files."""
        received = 0
        for connection in self._connections.values():
            for stats in (await connection.getStats()).values():
                if stats.type == "inbound-rtp":
                    received += stats.packetsReceived
        connected = sum(c.connectionState == "connected" for c in self._connections.values())
        recorded = []
        for party, file in self._files.items():
            await self._recorders[party].stop()
            audio, video = _frames(file)
            recorded.append(Recorded(party, file.stat().st_size, audio, video))
        return Outcome(received, connected, tuple(recorded))

    async def close(self) -> None:
        """Close both connections."""
        await asyncio.gather(*(connection.close() for connection in self._connections.values()))

    def _join(self, party: str, far: str) -> None:
        def hand_on(track: MediaStreamTrack) -> None:
            self._recorders[party].addTrack(self._relay.subscribe(track))
            self._connections[far].addTrack(self._relay.subscribe(track))

        self._connections[party].on("track", hand_on)


def _frames(file: Path) -> tuple[int, int]:
    """Audio and video frames in a file, counted without decoding."""
    with av.open(str(file)) as container:
        kinds = [packet.stream.type for packet in container.demux() if packet.size]
    return kinds.count("audio"), kinds.count("video")


def _loopback(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    """In place of `aioice.ice.get_host_addresses`, which leaves out 127.0.0.1 (aioice 0.13)."""
    return ["127.0.0.1"]


async def main(folder: Path) -> None:
    """Serve one call until stdin closes."""
    aioice.ice.get_host_addresses = _loopback
    call = AiortcCall(folder)
    try:
        await serve(call)
    finally:
        await call.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
