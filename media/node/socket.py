"""How do datagrams enter and leave? One UDP port for all calls, IPv4 and IPv6, drained in a loop.

One wake-up reads up to `BURST` datagrams, which costs 0.7 to 0.9 of one asyncio callback per
datagram at 20 calls. Where the compiled module is there, it reads them all at once, and passes on
itself what it has a route for (`fast.py`). ICE over TCP is `tcp.py`.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from media.node.srtp import Session, compiled

Address = tuple[str, int]
Receive = Callable[[bytes, Address], None]

BURST = 64
MAX_DATAGRAM_BYTES = 2048
BUFFER_BYTES = 4 << 20


class UdpSocket:
    """A bound, non-blocking UDP socket that calls `receive` for each datagram."""

    def __init__(self, host: str, port: int, receive: Receive, *, hot: bool = True) -> None:
        """Bind at once; "::" takes IPv4 as well. Raises OSError if the address is taken.

        With `hot` the compiled module is used where it is there.
        """
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            self._socket.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
        if family == socket.AF_INET6:
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host != "::"))
        try:
            self._socket.bind((host, port))
        except OSError:
            self._socket.close()
            raise
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._hot: compiled.Drain | None = None
        if hot and compiled is not None:
            self._hot = compiled.Drain(self._socket.fileno(), family)
        self._loop.add_reader(
            self._socket.fileno(), self._drain if self._hot is None else self._drain_hot
        )
        self.unsent = 0
        self._oversized = 0

    @property
    def oversized(self) -> int:
        """Datagrams of more than `MAX_DATAGRAM_BYTES`, which were dropped."""
        return self._oversized + (self._hot.oversized if self._hot is not None else 0)

    @property
    def port(self) -> int:
        """The UDP port in use."""
        return int(self._socket.getsockname()[1])

    def send(self, datagram: bytes, address: Address) -> bool:
        """Put one datagram on the wire; False (and counted) if the kernel will not take it."""
        try:
            self._socket.sendto(datagram, address)
        except OSError:  # full buffer, unreachable: media is never queued here
            self.unsent += 1
            return False
        return True

    @property
    def is_hot(self) -> bool:
        """Whether media can be routed by the compiled module."""
        return self._hot is not None

    def route(
        self,
        source: Address,
        inbound: Session,
        target: Address,
        outbound: Session,
        inbox: list[Any] | None,
    ) -> "compiled.Route":
        """A route without rows for what comes from `source`; both sessions are compiled ones."""
        assert self._hot is not None
        assert isinstance(inbound, compiled.Session)
        assert isinstance(outbound, compiled.Session)
        return self._hot.route(*source, inbound, *target, outbound, inbox)

    def unroute(self, route: "compiled.Route") -> None:
        """What comes from there goes the plain way again."""
        if self._hot is not None:
            self._hot.remove(route)

    def close(self) -> None:
        """Stop reading and free the port."""
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _drain_hot(self) -> None:
        assert self._hot is not None
        for datagram, address in self._hot.read():
            self._receive(datagram, address)

    def _drain(self) -> None:
        receive, take = self._receive, self._socket.recvmsg
        for _ in range(BURST):
            try:
                datagram, _, flags, address = take(MAX_DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except OSError:  # an ICMP error of an earlier send; the next datagram may be good
                continue
            if flags & socket.MSG_TRUNC:
                self._oversized += 1
            else:
                receive(datagram, address[:2])
