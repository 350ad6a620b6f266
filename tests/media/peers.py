"""Parties of a call: real WebRTC peers on the loopback interface, and strangers."""

import asyncio
import re
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aioice.ice
from aioice import stun
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from media.node import relay
from media.node.node import CallId, Change, ConnectionId, Invitation, News, Node

CALL = CallId("call-7")
DEADLINE_S = 15.0

# aioice leaves the loopback interface out; these peers use nothing else.
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]


@dataclass
class Newspaper:
    """What a node told, and a way to wait for it."""

    told: list[News] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, news: News) -> None:
        self.told.append(news)
        self.arrived.set()

    def has(self, connection: ConnectionId, change: Change) -> bool:
        return any(n.connection == connection and n.change == change for n in self.told)

    async def wait_for(self, connection: ConnectionId, change: Change) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not self.has(connection, change):
                self.arrived.clear()
                await self.arrived.wait()


@dataclass
class Party:
    """A peer that plays a test picture and a tone and counts what it gets."""

    invitation: Invitation
    peer: RTCPeerConnection
    sends: list[MediaStreamTrack]
    got: Counter[str] = field(default_factory=Counter)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    readers: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def connection(self) -> ConnectionId:
        return self.invitation.connection

    @property
    def answer(self) -> str:
        """The SDP this party answers with.

        aiortc announces an SSRC also where it only receives; browsers do not.
        """
        session, *sections = re.split(r"(?m)^(?=m=)", str(self.peer.localDescription.sdp))
        further = [re.sub(r"a=ssrc.*\r\n", "", section) for section in sections[3:]]
        return "".join([session, *sections[:3], *further])

    async def read(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                await track.recv()
                async with self.arrived:
                    self.got[track.kind] += 1
                    self.arrived.notify_all()
        except MediaStreamError:
            return

    async def receives(self, frames: int = 5) -> None:
        """Wait until so many more frames of picture and of sound were decoded."""
        wanted = {kind: self.got[kind] + frames for kind in ("audio", "video")}
        async with asyncio.timeout(DEADLINE_S), self.arrived:
            await self.arrived.wait_for(
                lambda: all(self.got[kind] >= number for kind, number in wanted.items())
            )

    async def received_ssrcs(self) -> dict[str, int]:
        """Under which SSRC each kind comes."""
        stats = await self.peer.getStats()
        return {s.kind: s.ssrc for s in stats.values() if s.type == "inbound-rtp"}

    async def hang_up(self) -> None:
        for track in self.sends:
            track.stop()
        await self.peer.close()
        for reader in self.readers:
            reader.cancel()
        await asyncio.gather(*self.readers, return_exceptions=True)


@dataclass
class Exchange:
    """A running node and everybody who talks to it; closes them all at the end."""

    node: Node
    news: Newspaper
    parties: list[Party] = field(default_factory=list)

    async def invite(
        self,
        name: str,
        tap: relay.Tap | None = None,
        *,
        slots: int = 1,
        call: CallId = CALL,
        sends: bool = True,
    ) -> Party:
        """Invite a party and let it make its answer; the node has not heard the answer yet."""
        invitation = self.node.invite(slots)
        if call:
            self.node.join(invitation.connection, call, name, tap)
        picture = MediaPlayer("testsrc2=size=320x240:rate=10", format="lavfi").video
        tone = MediaPlayer("sine=frequency=440:sample_rate=48000", format="lavfi").audio
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        party = Party(invitation, peer, [picture, tone])
        self.parties.append(party)
        peer.on("track", lambda track: party.readers.append(asyncio.create_task(party.read(track))))
        await peer.setRemoteDescription(RTCSessionDescription(invitation.offer, "offer"))
        if sends:
            peer.addTrack(picture)
            peer.addTrack(tone)
        await peer.setLocalDescription(await peer.createAnswer())
        return party

    async def join(
        self,
        name: str,
        tap: relay.Tap | None = None,
        *,
        slots: int = 1,
        call: CallId = CALL,
        sends: bool = True,
    ) -> Party:
        """Invite a party, answer for it and wait until it is connected."""
        party = await self.invite(name, tap, slots=slots, call=call, sends=sends)
        self.node.answer(party.connection, party.answer)
        await self.news.wait_for(party.connection, "connected")
        return party


@asynccontextmanager
async def exchange(host: str = "127.0.0.1", **how: Any) -> AsyncIterator[Exchange]:
    """A node on a free port of the loopback interface; `how` is more of what a Node is told.

    Whatever a callback of the event loop did not catch fails the test.
    """
    uncaught: list[dict[str, object]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: uncaught.append(context))
    news = Newspaper()
    node = Node(host=host, port=0, announce=["127.0.0.1"], listener=news, **how)
    await node.start()
    running = Exchange(node, news)
    try:
        yield running
        assert uncaught == []
    finally:
        await asyncio.gather(*(party.hang_up() for party in running.parties))
        await node.stop()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that nobody announces."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.005)


def credentials(offer: str) -> tuple[str, str]:
    """The user fragment and password of an offer."""
    found = re.search(r"a=ice-ufrag:(\S+)\s+a=ice-pwd:(\S+)", offer)
    assert found is not None
    return found[1], found[2]


def binding_request(username: str, password: str) -> stun.Message:
    """An authenticated request as a controlling agent sends it."""
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{username}:theirs"
    message.attributes["PRIORITY"] = 1_853_817_087
    message.attributes["ICE-CONTROLLING"] = 7
    message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity(password.encode())
    return message


class Stranger:
    """A socket of its own that talks to a node."""

    def __init__(self, node: Node) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.connect(("127.0.0.1", node.port))
        self.address = self._socket.getsockname()

    def send(self, datagram: bytes) -> None:
        self._socket.send(datagram)

    async def reply(self) -> bytes:
        """The next datagram from the node."""
        async with asyncio.timeout(DEADLINE_S):
            return await asyncio.get_running_loop().sock_recv(self._socket, 2048)

    def close(self) -> None:
        self._socket.close()
