"""What does a party without a browser send and see? An aiortc peer with a picture and a tone.

For the demo and tests only: it encodes and decodes, so it never runs in the server's process.
"""

import asyncio
from dataclasses import dataclass

from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.contrib.media import MediaPlayer
from aiortc.mediastreams import MediaStreamError

from signaling import protocol
from signaling.client import LineClient, S

FRAME_DEADLINE_S = 30.0


@dataclass(frozen=True, slots=True)
class Likeness:
    """What a simulated party looks and sounds like: ffmpeg sources."""

    picture: str
    tone: str


RESIDENT = Likeness(
    "smptehdbars=size=640x360:rate=15", "sine=frequency=440:sample_rate=48000:beep_factor=2"
)
CLERK = Likeness("testsrc2=size=640x360:rate=15", "sine=frequency=660:sample_rate=48000")


class HeadlessPeer:
    """One party's peer connection: answers the node's offers, counts what it receives.

    Without a likeness it only receives.
    """

    def __init__(self, likeness: Likeness | None) -> None:
        self._likeness = likeness
        self._peer = RTCPeerConnection(RTCConfiguration(bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self._peer.on("track", self._read)
        self._readers: set[asyncio.Task[None]] = set()
        self.first_picture = asyncio.Event()
        self.frames = {"audio": 0, "video": 0}

    async def answer(self, offer: str) -> str:
        """The SDP answer to the node's first offer, or to a later one."""
        first = self._peer.remoteDescription is None
        await self._peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        if first and self._likeness is not None:
            picture = MediaPlayer(self._likeness.picture, format="lavfi")
            sound = MediaPlayer(self._likeness.tone, format="lavfi")
            assert picture.video is not None
            assert sound.audio is not None
            self._peer.addTrack(picture.video)
            self._peer.addTrack(sound.audio)
        await self._peer.setLocalDescription(await self._peer.createAnswer())
        return _announcing_what_is_sent(str(self._peer.localDescription.sdp))

    async def connected(self) -> None:
        """Wait until the path is sealed. Raises TimeoutError."""
        async with asyncio.timeout(FRAME_DEADLINE_S):
            while self._peer.connectionState != "connected":
                changed = asyncio.Event()
                self._peer.once("connectionstatechange", changed.set)
                await changed.wait()

    async def close(self) -> None:
        """Hang up."""
        await self._peer.close()
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)

    def _read(self, track: MediaStreamTrack) -> None:
        self._readers.add(asyncio.create_task(self._count(track)))

    async def _count(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                await track.recv()
                self.frames[track.kind] += 1
                if track.kind == "video":
                    self.first_picture.set()
        except MediaStreamError:
            return


async def join_call(line: LineClient[S], likeness: Likeness) -> HeadlessPeer:
    """Take the offer that the state holds, and tell when the far picture is there."""
    peer = await take_offer(line, likeness)
    try:
        await tell_first_picture(line, peer)
    except BaseException:
        await peer.close()
        raise
    return peer


async def take_offer(line: LineClient[S], likeness: Likeness) -> HeadlessPeer:
    """Answer the offer that the state holds in a call, after asking for one if it holds none.

    Raises TimeoutError, CommandRefused.
    """
    state = await line.until(lambda s: s.call is not None)
    assert state.call is not None
    if state.connection is None or not state.connection.offer:
        await line.command(protocol.Connect, call=state.call.id)
    state = await line.until(lambda s: s.connection is not None and bool(s.connection.offer))
    assert state.connection is not None
    peer = HeadlessPeer(likeness)
    try:
        sdp = await peer.answer(state.connection.offer or "")
        await line.command(protocol.Answer, connection=state.connection.id, sdp=sdp)
    except BaseException:
        await peer.close()
        raise
    return peer


async def tell_first_picture(line: LineClient[S], peer: HeadlessPeer) -> None:
    """Wait for the far picture and tell that it is there. Raises TimeoutError, CommandRefused."""
    async with asyncio.timeout(FRAME_DEADLINE_S):
        await peer.first_picture.wait()
    if line.state.call is not None:
        await line.command(protocol.Playing, call=line.state.call.id)


def _announcing_what_is_sent(sdp: str) -> str:
    """The answer without the SSRCs that aiortc also gives to tracks it only receives."""
    session, *sections = sdp.split("\r\nm=")
    kept = [
        "\r\n".join(line for line in section.split("\r\n") if not line.startswith("a=ssrc"))
        if "a=recvonly" in section
        else section
        for section in sections
    ]
    return "\r\nm=".join([session, *kept])
