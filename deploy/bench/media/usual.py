"""What carries and records a call in the usual way of Python? aiortc, as its examples do it.

`python -m deploy.bench.media.usual FOLDER`, at the server's end of the cable: one
RTCPeerConnection per party, a MediaRelay that hands each party's tracks to the other party and to
a MediaRecorder of their own. The recorder writes MP4 (H.264, AAC) as in its documentation.
"""

import asyncio
from functools import partial
from pathlib import Path

import av
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRecorder, MediaRelay
from aiortc.mediastreams import MediaStreamTrack

from deploy.bench.media.hosted import PARTIES, Ended, folder_argument, serve


class UsualCall:
    """A recorded call of both parties through aiortc. A `hosted.HostedCall`."""

    def __init__(self, folder: Path, number: int) -> None:
        own = folder / str(number)
        own.mkdir()
        self._relay = MediaRelay()
        self._files = {party: own / f"{party}.mp4" for party in PARTIES}
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

    async def finish(self) -> Ended:
        """Count what arrived, stop the recorders, count the pictures in their files, hang up."""
        taken = 0
        for connection in self._connections.values():
            for stats in (await connection.getStats()).values():
                if stats.type == "inbound-rtp":
                    taken += stats.packetsReceived
        pictures = 0
        for party, file in self._files.items():
            await self._recorders[party].stop()
            pictures += _pictures(file)
        await asyncio.gather(*(connection.close() for connection in self._connections.values()))
        return Ended(taken, pictures)

    def _join(self, party: str, far: str) -> None:
        def hand_on(track: MediaStreamTrack) -> None:
            self._recorders[party].addTrack(self._relay.subscribe(track))
            self._connections[far].addTrack(self._relay.subscribe(track))

        self._connections[party].on("track", hand_on)


def _pictures(file: Path) -> int:
    """Video frames in a file, counted without decoding."""
    with av.open(str(file)) as container:
        return sum(p.size > 0 and p.stream.type == "video" for p in container.demux())


async def main(folder: Path) -> None:
    """Serve until stdin closes."""
    await serve(partial(UsualCall, folder))


if __name__ == "__main__":
    asyncio.run(main(folder_argument()))
