"""Who talks in the measured call? A light peer that replays a clip and counts what comes back.

It speaks ICE, DTLS and SRTP as a browser does, on 127.0.0.1, but encodes and decodes nothing, sends
no RTCP and heeds none: a server that loses a packet gets no repair, and its next key frame when
the clip begins again. Its SDP says ICE-lite: towards the media node, which is lite itself, it sends
the checks (RFC 8445 section 6.1.1); a full agent, as aiortc is, does so itself and is answered.
"""

import asyncio
import itertools
import secrets
import time
from dataclasses import dataclass

from aioice import stun

from deploy.bench.clip import Clip
from media.node.sdp import CLOCK_RATE_HZ, OPUS, VP8, Kind, LegSsrcs, write_offer
from media.node.secure import Certificate, HandshakeError, SecureTransport, SrtpError
from media.node.socket import Address, UdpSocket
from media.node.stun import binding_response, parse_binding_request

CONNECT_DEADLINE_S = 15.0
_STEP_S = 0.05
_CHECK_S = 2.5  # as often as browsers check a path
_PEER_REFLEXIVE_PRIORITY = 110 << 24 | 65535 << 8 | 255  # RFC 8445 section 5.1.2.1
_KINDS: tuple[tuple[Kind, int], ...] = (("audio", OPUS), ("video", VP8))


class NoConnection(Exception):  # noqa: N818
    """The peer and the server did not get together."""


@dataclass(slots=True)
class _Outgoing:
    """One sent stream and where its numbers stand."""

    ssrc: int
    payload_type: int
    clock_hz: int
    sequence: int
    timestamp: int


@dataclass(slots=True)
class _Incoming:
    """One received stream: first and highest sequence number, unwrapped (RFC 3550 A.1)."""

    first: int
    highest: int


@dataclass(slots=True)
class PeerCounts:
    """RTP packets of one peer; `refused` did not open, `sent_frames` are pictures."""

    sent: int = 0
    sent_frames: int = 0
    received: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class _Remote:
    """What the server's SDP says of its end."""

    ufrag: str
    password: str
    address: Address
    lite: bool


class Peer:
    """One party of a call. Opens its socket at once; `close` when done."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._certificate = Certificate()
        self._ufrag, self._password = secrets.token_hex(4), secrets.token_hex(16)
        self._ssrcs = LegSsrcs(*(secrets.randbits(31) + 1 for _ in range(3)))
        self._outgoing = {
            kind: _Outgoing(
                self._ssrcs.of(kind),
                payload_type,
                CLOCK_RATE_HZ[kind],
                secrets.randbits(15),
                secrets.randbits(31),
            )
            for kind, payload_type in _KINDS
        }
        self._incoming: dict[int, _Incoming] = {}
        self._tie_breaker = secrets.randbits(63)
        self._remote: _Remote | None = None
        self._path: Address | None = None
        self._failure: HandshakeError | None = None
        self._transport = SecureTransport(self._certificate.context(), self._send, server=False)
        self._socket = UdpSocket("127.0.0.1", 0, self._receive)
        self.counts = PeerCounts()

    @property
    def expected(self) -> int:
        """RTP packets that the sequence numbers received so far account for (RFC 3550 A.3)."""
        return sum(one.highest - one.first + 1 for one in self._incoming.values())

    def description(self) -> str:
        """Our SDP, good as an offer and as an answer: the node's own form, DTLS client."""
        lite = write_offer(
            session_id=secrets.randbits(62),
            ufrag=self._ufrag,
            password=self._password,
            fingerprint=self._certificate.fingerprint,
            address=("127.0.0.1", self._socket.port),
            leg=self._ssrcs,
        )
        return lite.replace("a=setup:actpass", "a=setup:active")

    async def connect(self, sdp: str) -> None:
        """Reach the server described by `sdp`. Raises NoConnection."""
        lines = sdp.splitlines()
        candidate = _value(lines, "a=candidate:").split()
        self._remote = _Remote(
            _value(lines, "a=ice-ufrag:"),
            _value(lines, "a=ice-pwd:"),
            (candidate[4], int(candidate[5])),
            "a=ice-lite" in lines,
        )
        self._transport.expect(_value(lines, "a=fingerprint:sha-256 "))
        try:
            async with asyncio.timeout(CONNECT_DEADLINE_S):
                while self._path is None:
                    self._check()
                    await asyncio.sleep(_STEP_S)
                self._transport.start()
                while not self._transport.ready and self._failure is None:
                    await asyncio.sleep(_STEP_S)
                    self._transport.retransmit()
        except TimeoutError as error:
            step = "DTLS" if self._path else "ICE"
            raise NoConnection(f"no {step} within {CONNECT_DEADLINE_S} s") from error
        if self._failure is not None:
            raise NoConnection(str(self._failure)) from self._failure

    async def play(self, ended: asyncio.Event) -> None:
        """Send the clip over and over, each packet at its time, until `ended`."""
        began = check_at = time.monotonic()
        for repetition in itertools.count():
            for packet in self._clip.packets:
                since = repetition * self._clip.seconds
                await asyncio.sleep(max(0.0, began + since + packet.at_s - time.monotonic()))
                if ended.is_set():
                    return
                if time.monotonic() >= check_at:
                    self._check()
                    check_at += _CHECK_S
                stream = self._outgoing[packet.kind]
                timestamp = stream.timestamp + since * stream.clock_hz + packet.timestamp
                self._send_rtp(stream, packet.marker, timestamp, packet.payload)
                self.counts.sent_frames += packet.kind == "video" and packet.marker

    def close(self) -> None:
        """Say good-bye and free the port."""
        self._transport.close()
        self._socket.close()

    def _send_rtp(self, stream: _Outgoing, marker: bool, timestamp: int, payload: bytes) -> None:
        """RFC 3550 section 5.1; no header extension."""
        header = (
            bytes((0x80, marker << 7 | stream.payload_type))
            + stream.sequence.to_bytes(2, "big")
            + (timestamp & 0xFFFFFFFF).to_bytes(4, "big")
            + stream.ssrc.to_bytes(4, "big")
        )
        stream.sequence = (stream.sequence + 1) & 0xFFFF
        self._send(self._transport.protect(header + payload))
        self.counts.sent += 1

    def _send(self, datagram: bytes) -> None:
        if self._path is not None:
            self._socket.send(datagram, self._path)

    def _check(self) -> None:
        """Check and nominate the path (RFC 8445 section 7.2.2), unless the server does that."""
        remote = self._remote
        if remote is None or not remote.lite:
            return
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{remote.ufrag}:{self._ufrag}"
        request.attributes["PRIORITY"] = _PEER_REFLEXIVE_PRIORITY
        request.attributes["ICE-CONTROLLING"] = self._tie_breaker
        request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity(remote.password.encode())
        self._socket.send(bytes(request), remote.address)

    def _receive(self, datagram: bytes, address: Address) -> None:
        """Sort a datagram by its first byte (RFC 7983)."""
        first = datagram[0] if datagram else 255
        if first < 4:
            self._receive_stun(datagram, address)
        elif 19 < first < 64:
            try:
                self._transport.receive(datagram)
            except HandshakeError as error:
                self._failure = error
        elif 127 < first < 192 and not 192 <= datagram[1] <= 223:
            self._receive_rtp(datagram)

    def _receive_stun(self, datagram: bytes, address: Address) -> None:
        request = parse_binding_request(datagram)
        if request is not None:
            if request.local_ufrag == self._ufrag and request.is_signed_with(self._password):
                self._socket.send(binding_response(request, address, self._password), address)
                self._path = address if request.nominated else self._path
        elif self._remote is not None and address == self._remote.address:
            self._path = address

    def _receive_rtp(self, datagram: bytes) -> None:
        try:
            packet = self._transport.unprotect(datagram)
        except (SrtpError, ValueError):
            self.counts.refused += 1
            return
        self.counts.received += 1
        sequence, ssrc = int.from_bytes(packet[2:4], "big"), int.from_bytes(packet[8:12], "big")
        stream = self._incoming.setdefault(ssrc, _Incoming(sequence, sequence))
        ahead = (sequence - stream.highest + 0x8000 & 0xFFFF) - 0x8000
        stream.highest += max(ahead, 0)


def _value(lines: list[str], prefix: str) -> str:
    """What follows `prefix` on the first line that begins with it. Raises NoConnection."""
    for line in lines:
        if line.startswith(prefix):
            return line.removeprefix(prefix).strip()
    raise NoConnection(f"the server's SDP has no {prefix}")
