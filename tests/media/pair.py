"""Two connections of a call on a real socket, already keyed: what goes in at one end, and what
comes out at the other, still sealed. The same packets may go the compiled way or the plain one.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pylibsrtp import Policy

from media.node import srtp
from media.node.call import Call, CallId
from media.node.codecs import Track
from media.node.connection import Connection
from media.node.fast import FastPath
from media.node.relay import Leg, Source
from media.node.rtcp import SenderReport
from media.node.sdp import Announced, SlotSsrcs
from media.node.secure import SRTP_WINDOW, Certificate
from media.node.socket import Address, UdpSocket
from tests.media.peers import DEADLINE_S
from tests.media.rtp import AUDIO_SSRC, RTX_SSRC, VIDEO_SSRC

SLOT = SlotSsrcs(audio=11, camera=12, camera_repair=13, screen=14, screen_repair=15)
NEXT_AUDIO, NEXT_VIDEO, NEXT_RTX = 5001, 5002, 5003
GCM, SHA1 = Policy.SRTP_PROFILE_AEAD_AES_128_GCM, Policy.SRTP_PROFILE_AES128_CM_SHA1_80
_KEY_BYTES = {GCM: 28, SHA1: 30}
_END = b"\x00the end"  # as STUN it is nobody's, and handed back
_AT_ONCE = 40  # what the buffer of a socket surely takes
_CONTEXT = Certificate().context()

Entry = tuple[Track, bytes, float]


class Inbox:
    """A tap whose inbox the compiled way may use, and the plain way fills as the recorder's."""

    def __init__(self) -> None:
        self.inbox: list[Entry] = []
        self.lost = 0

    def missed(self, packets: int) -> None:
        self.lost += packets

    def packet(self, track: Track, packet: bytes, arrived_monotonic_s: float) -> None:
        self.inbox.append((track, packet, arrived_monotonic_s))

    def report(self, track: Track, report: SenderReport, arrived_monotonic_s: float) -> None:
        raise AssertionError("no report is sent in these tests")


def key(number: int, profile: int) -> bytes:
    """The master key and salt of one direction."""
    return bytes((number + at) & 0xFF for at in range(_KEY_BYTES[profile]))


def announced(audio: int, video: int, repair: int) -> dict[int, Announced]:
    """A party with sound and a camera."""
    return {
        audio: Announced("audio", repair=False),
        video: Announced("camera", repair=False),
        repair: Announced("camera", repair=True),
    }


@dataclass
class End:
    """A party: its socket, its keys, and its connection at the node."""

    wire: socket.socket
    outbound: srtp.Session
    inbound: srtp.Session
    connection: Connection
    tap: Inbox

    def seal(self, *packets: bytes) -> list[bytes]:
        return [self.outbound.protect(packet) for packet in packets]

    def open(self, sealed: Sequence[bytes]) -> list[bytes]:
        return [self.inbound.unprotect(datagram) for datagram in sealed]


class Pair:
    """The node's part, for two parties. `handed` is what came to Python, and from where."""

    def __init__(self, host: str, family: int, profile: int, *, hot: bool) -> None:
        self.handed: list[tuple[bytes, Address]] = []
        self._ended = asyncio.Event()
        self.socket = UdpSocket(host, 0, self._receive, hot=hot)
        self.fast = FastPath(self.socket) if hot else None
        self.call = Call(CallId("call-7"))
        self.now: float | None = None  # the clock of the plain way; the real one unless set
        self.node = ("::1" if family == socket.AF_INET6 else "127.0.0.1", self.socket.port)
        self.resident = self._end("resident", 1, family, host, profile, hot)
        self.clerk = self._end("clerk", 101, family, host, profile, hot)
        self.source = self.announce(announced(AUDIO_SSRC, VIDEO_SSRC, RTX_SSRC))

    def announce(self, ssrcs: dict[int, Announced]) -> Source:
        """The resident sends these from now on, as after a reload; the call is wired anew."""
        self.retire()
        made = Source(ssrcs, self.resident.tap)
        self.resident.connection.source = made
        self.call.wire(time.monotonic())
        self.source = made
        return made

    def refresh(self) -> None:
        """A tick of the node: what may go the compiled way, goes it from now on."""
        if self.fast is not None:
            self.fast.refresh(self.resident.connection)

    def retire(self) -> None:
        """Back to the plain way."""
        if self.fast is not None:
            self.fast.retire(self.resident.connection)

    async def passes(self, *datagrams: bytes, sender: socket.socket | None = None) -> list[bytes]:
        """Send these to the node, from the resident unless told; what reaches the clerk."""
        found: list[bytes] = []
        for at in range(0, len(datagrams), _AT_ONCE):
            found += await self._pass(datagrams[at : at + _AT_ONCE], sender or self.resident.wire)
        return found

    async def establish(self, *packets: bytes) -> list[bytes]:
        """The first packets of each track go the plain way; then what may, goes the other."""
        found = await self.passes(*self.resident.seal(*packets))
        self.handed.clear()
        self.refresh()
        return found

    def close(self) -> None:
        self.retire()
        self.socket.close()
        self.resident.wire.close()
        self.clerk.wire.close()

    def _end(self, party: str, number: int, family: int, host: str, profile: int, hot: bool) -> End:
        wire = socket.socket(family, socket.SOCK_DGRAM)
        wire.setblocking(False)
        wire.connect(self.node)
        connection, tap = Connection(_CONTEXT, 1, hot=hot), Inbox()
        connection.slots = [SLOT]
        connection.leg = Leg([SLOT], connection.send_media)
        connection.call, connection.party, connection.tap = self.call, party, tap
        connection.source = Source({}, tap)
        address, port = wire.getsockname()[:2]
        remote = f"::ffff:{address}" if host == "::" and ":" not in address else address, port
        connection.remote = remote
        connection.send = lambda datagram: self.socket.send(datagram, remote)
        transport = connection.transport
        keys = {True: key(number, profile), False: key(number + 1, profile)}
        transport.inbound, transport.outbound = (
            srtp.session(keys[inbound], profile, inbound=inbound, window=SRTP_WINDOW, hot=hot)
            for inbound in (True, False)
        )
        outbound, inbound = (
            srtp.session(keys[not into], profile, inbound=into, window=SRTP_WINDOW, hot=False)
            for into in (False, True)
        )
        transport.ready = connection.connected = True
        self.call.admit(connection, party)
        self.call.playing[party] = connection
        return End(wire, outbound, inbound, connection, tap)

    async def _pass(self, datagrams: Sequence[bytes], wire: socket.socket) -> list[bytes]:
        for datagram in datagrams:
            wire.send(datagram)
        self._ended.clear()
        wire.send(_END)
        async with asyncio.timeout(DEADLINE_S):
            await self._ended.wait()
            assert self.clerk.connection.remote is not None
            assert self.socket.send(_END, self.clerk.connection.remote)
            found, loop = [], asyncio.get_running_loop()
            while (datagram := await loop.sock_recv(self.clerk.wire, 4096)) != _END:
                found.append(datagram)
        return found

    def _receive(self, datagram: bytes, address: Address) -> None:
        if datagram == _END:
            self._ended.set()
            return
        self.handed.append((datagram, address))
        if address == self.resident.connection.remote and len(datagram) > 1:
            now = time.monotonic() if self.now is None else self.now
            if 192 <= datagram[1] <= 223 or datagram[0] >> 6 != 2:
                return
            self.resident.connection.take_rtp(datagram, now)


@asynccontextmanager
async def pair(
    *, hot: bool, host: str = "127.0.0.1", family: int = socket.AF_INET, profile: int = GCM
) -> AsyncIterator[Pair]:
    """Both ends, on free ports of the loopback interface."""
    made = Pair(host, family, profile, hot=hot)
    try:
        yield made
    finally:
        made.close()
