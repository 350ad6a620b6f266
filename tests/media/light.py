"""Parties at the level of packets: they seal and open, and encode and decode nothing.

A light party does ICE, DTLS and SRTP as a browser does, over UDP or TCP, IPv4 or IPv6; the test
says which packets it sends and looks at those that come.
"""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal, Protocol

from aioice import stun

from media.node import relay
from media.node.codecs import CODECS, OPUS, RED, REPAIR, TRACKS, VIDEO, Codec, Track
from media.node.node import CallId, ConnectionId, Invitation, Node
from media.node.rtcp import split
from media.node.secure import Certificate, SecureTransport
from tests.media.peers import CALL, DEADLINE_S, Newspaper, binding_request, credentials, exchange
from tests.media.rtp import rtp

Medium = Literal["udp", "tcp"]
_STEP_S = 0.01


class Wire(Protocol):
    """How datagrams reach the node."""

    def send(self, datagram: bytes) -> None: ...

    def close(self) -> None: ...


class Listening(Protocol):
    """A node, or what stands for one elsewhere."""

    @property
    def port(self) -> int: ...


@dataclass(frozen=True)
class At:
    """Where a node in another process listens."""

    port: int


class UdpWire:
    """A UDP socket of its own."""

    def __init__(self, host: str, port: int, receive: Callable[[bytes], None]) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.connect((host, port))
        self._receive = receive
        asyncio.get_running_loop().add_reader(self._socket, self._drain)
        self.address = self._socket.getsockname()[:2]

    def send(self, datagram: bytes) -> None:
        self._socket.send(datagram)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _drain(self) -> None:
        while True:
            try:
                datagram = self._socket.recv(2048)
            except (BlockingIOError, ConnectionError):
                return
            self._receive(datagram)


class TcpWire:
    """A TCP connection; each datagram is led by its length (RFC 4571)."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer
        self._task: asyncio.Task[None] | None = None
        self.closed = asyncio.Event()

    @classmethod
    async def open(cls, host: str, port: int, receive: Callable[[bytes], None]) -> "TcpWire":
        wire = cls(*await asyncio.open_connection(host, port))
        wire._task = asyncio.create_task(wire._read(receive))
        return wire

    def send(self, datagram: bytes) -> None:
        self.writer.write(len(datagram).to_bytes(2, "big") + datagram)

    def close(self) -> None:
        self.writer.close()
        if self._task is not None:
            self._task.cancel()

    async def _read(self, receive: Callable[[bytes], None]) -> None:
        try:
            while True:
                length = int.from_bytes(await self._reader.readexactly(2), "big")
                receive(await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            self.closed.set()


@dataclass(eq=False)
class LightParty:
    """A party of a call. What comes is in `packets` (RTP) and `compounds` (RTCP), opened."""

    invitation: Invitation
    number: int
    certificate: Certificate = field(default_factory=Certificate)
    wire: Wire | None = None
    packets: list[bytes] = field(default_factory=list)
    compounds: list[bytes] = field(default_factory=list)
    reached: bool = False
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        context = self.certificate.context()
        self.transport = SecureTransport(context, self._send, server=False)
        self.offer = self.invitation.offer
        found = re.search(r"a=fingerprint:sha-256 (\S+)", self.offer)
        assert found is not None
        self.transport.expect(found[1])

    @property
    def connection(self) -> ConnectionId:
        return self.invitation.connection

    def ssrc(self, track: Track, *, repair: bool = False) -> int:
        """Under which SSRC this party sends a track."""
        return 1_000 * self.number + 10 * TRACKS.index(track) + repair + 1

    def hears(self, slot: int, track: Track) -> int:
        """Under which SSRC the offer lets this party hear a track."""
        section = self.offer.split("\r\nm=")[1 + len(TRACKS) * slot + TRACKS.index(track)]
        found = re.search(r"a=ssrc:(\d+) ", section)
        assert found is not None
        return int(found[1])

    def answer(
        self, *, codecs: Sequence[Codec] = CODECS, red: bool = True, sends: bool = True
    ) -> str:
        """An answer to the newest offer, in those of its codecs that this party has."""
        text = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0"]
        offered = re.findall(r"\r\nm=(\w+) \d+ \S+ ([\d ]+)", self.offer)
        for index, (medium, numbers) in enumerate(offered):
            track = TRACKS[index % len(TRACKS)]
            wanted = {RED, OPUS} if red else {OPUS}
            if medium == "video":
                wanted = {n for codec in codecs for n in (VIDEO[codec], REPAIR[VIDEO[codec]])}
            kept = [number for number in numbers.split() if int(number) in wanted]
            here = sends and index < len(TRACKS)
            text += [
                f"m={medium} 9 UDP/TLS/RTP/SAVPF {' '.join(kept)}",
                "a=ice-ufrag:theirs",
                "a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa",
                f"a=fingerprint:sha-256 {self.certificate.fingerprint}",
                "a=setup:active",
                f"a=mid:{index}",
                "a=sendrecv" if here else "a=recvonly",
                "a=rtcp-mux",
            ]
            if here:
                media, repair = self.ssrc(track), self.ssrc(track, repair=True)
                text.append(f"a=ssrc:{media} cname:near")
                if track != "audio":
                    text += [f"a=ssrc-group:FID {media} {repair}", f"a=ssrc:{repair} cname:near"]
        return "\r\n".join([*text, ""])

    async def connect(
        self, node: Listening, medium: Medium = "udp", host: str = "127.0.0.1"
    ) -> None:
        """Reach the node and seal the path."""
        if medium == "udp":
            self.wire = UdpWire(host, node.port, self.receive)
        else:
            self.wire = await TcpWire.open(host, node.port, self.receive)
        async with asyncio.timeout(DEADLINE_S):
            while not self.reached:
                self.check()
                await asyncio.sleep(_STEP_S)
            self.transport.start()
            while not self.transport.ready:
                await asyncio.sleep(_STEP_S)
                self.transport.retransmit()

    async def move(self, node: Node) -> None:
        """Go on from another address, on the same association."""
        assert self.wire is not None
        self.wire.close()
        self.wire = UdpWire("127.0.0.1", node.port, self.receive)
        await self.echo()

    def check(self) -> None:
        """Check and nominate the path, as a browser does every 2.5 s."""
        assert self.wire is not None
        self.wire.send(bytes(binding_request(*credentials(self.invitation.offer))))

    def send(self, *packets: bytes) -> None:
        """Seal and send RTP packets."""
        for packet in packets:
            self._send(self.transport.protect(packet))

    def tell(self, *compounds: bytes) -> None:
        """Seal and send RTCP compounds."""
        for compound in compounds:
            self._send(self.transport.protect_rtcp(compound))

    def speak(self, sequence: int, sound: bytes = b"sound", *, number: int | None = None) -> None:
        """Send a packet of sound; `number` is its transport-wide one."""
        self._media("audio", OPUS, sequence, sound, number)

    def show(
        self,
        sequence: int,
        picture: bytes = b"picture",
        *,
        track: Track = "camera",
        codec: Codec = "VP8",
        number: int | None = None,
    ) -> None:
        """Send a packet of a picture."""
        self._media(track, VIDEO[codec], sequence, picture, number)

    def _media(
        self, track: Track, payload_type: int, sequence: int, body: bytes, number: int | None
    ) -> None:
        extension = None if number is None else b"\x31" + number.to_bytes(2, "big") + b"\x00"
        packet = rtp(
            sequence,
            body,
            ssrc=self.ssrc(track),
            payload_type=payload_type,
            timestamp=960 * sequence,
            extension=extension,
        )
        self.send(packet)

    def received(self, slot: int, track: Track) -> list[bytes]:
        """The packets that came so far in this place."""
        ssrc = self.hears(slot, track).to_bytes(4, "big")
        return [packet for packet in self.packets if packet[8:12] == ssrc]

    def bodies(self) -> set[bytes]:
        """The payloads that came so far (of packets without a header extension)."""
        return {packet[12:] for packet in self.packets}

    def told(self, kind: int, form: int | None = None) -> list[bytearray]:
        """The RTCP packets of this kind that came so far."""
        found = [packet for compound in self.compounds for packet in split(compound)]
        return [p for p in found if p[1] == kind and (form is None or p[0] & 0x1F == form)]

    async def echo(self) -> None:
        """Wait for the answer to a check: what passed between node and party before has come."""
        self.reached = False
        self.check()
        await self.until(lambda: self.reached)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something that came makes this true."""
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                self.arrived.clear()
                await self.arrived.wait()

    def receive(self, datagram: bytes) -> None:
        """Take one datagram from the wire."""
        first = datagram[0]
        if first < 4:
            self.reached = True
            assert stun.parse_message(datagram).message_class == stun.Class.RESPONSE
        elif 19 < first < 64:
            self.transport.receive(datagram)
        elif 192 <= datagram[1] <= 223:
            self.compounds.append(self.transport.unprotect_rtcp(datagram))
        else:
            self.packets.append(self.transport.unprotect(datagram))
        self.arrived.set()

    async def hang_up(self) -> None:
        if self.wire is not None:
            self.transport.close()
            self.wire.close()

    def _send(self, datagram: bytes) -> None:
        assert self.wire is not None
        self.wire.send(datagram)


@dataclass
class LightExchange:
    """A running node and the light parties that talk to it."""

    node: Node
    news: Newspaper
    parties: list[LightParty] = field(default_factory=list)

    def warm(self, *, slots: int = 1) -> LightParty:
        """A party whose connection is made, and in no call."""
        party = LightParty(self.node.invite(slots), len(self.parties) + 1)
        self.parties.append(party)
        return party

    async def connect(
        self,
        party: LightParty,
        medium: Medium = "udp",
        host: str = "127.0.0.1",
        **answer: object,
    ) -> None:
        """Answer for a party and wait until it is connected."""
        self.node.answer(party.connection, party.answer(**answer))  # type: ignore[arg-type]
        await party.connect(self.node, medium, host)
        await self.news.wait_for(party.connection, "connected")

    async def join(
        self,
        name: str,
        tap: relay.Tap | None = None,
        *,
        slots: int = 1,
        call: CallId = CALL,
        medium: Medium = "udp",
        host: str = "127.0.0.1",
        **answer: object,
    ) -> LightParty:
        """A connected party of a call."""
        party = self.warm(slots=slots)
        self.node.join(party.connection, call, name, tap)
        await self.connect(party, medium, host, **answer)
        return party

    def offers(self, party: LightParty) -> list[str]:
        """The further offers this party was made."""
        told = self.news.told
        return [n.offer for n in told if n.connection == party.connection and n.change == "offer"]

    def answer_again(self, party: LightParty, **answer: object) -> None:
        """Answer the newest offer on the same connection."""
        party.offer = self.offers(party)[-1]
        self.node.answer(party.connection, party.answer(**answer))  # type: ignore[arg-type]


@asynccontextmanager
async def light_exchange(host: str = "127.0.0.1", **how: object) -> AsyncIterator[LightExchange]:
    """A node on a free port of the loopback interface, for light parties."""
    async with exchange(host, **how) as running:
        light = LightExchange(running.node, running.news)
        try:
            yield light
        finally:
            await asyncio.gather(*(party.hang_up() for party in light.parties))
