"""Which connection does a datagram belong to, and may its sender speak for it?

Only an address that has answered an authenticated binding request reaches DTLS or SRTP; everything
else costs a look-up, is counted and dropped. Sorts by the first byte (RFC 7983). A new address of
a party (another NAT mapping, cable to Wi-Fi) is followed when the browser nominates it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from media.node import stun
from media.node.connection import Connection
from media.node.socket import Address
from media.node.tcp import TcpPath

MAX_ADDRESSES = 16  # paths a browser tries; more is not a browser

Remote = Address | TcpPath
"""Where a datagram came from: a UDP address, or a TCP connection."""


@dataclass(slots=True)
class Refused:
    """Datagrams that reached no connection, by reason; `answered` are binding requests."""

    stun_malformed: int = 0
    stun_unknown: int = 0
    stun_forged: int = 0
    stranger: int = 0
    answered: int = 0
    not_media: int = 0


class Admission:
    """Who has proved to be whom.

    `dtls` takes handshakes, `heard` any sign of life; `moved` is told before a path changes.
    """

    def __init__(
        self,
        send: Callable[[bytes, Address], bool],
        dtls: Callable[[Connection, bytes], None],
        heard: Callable[[Connection], None],
        moved: Callable[[Connection], None],
    ) -> None:
        self._send, self._dtls, self._heard, self._moved = send, dtls, heard, moved
        self._by_ufrag: dict[str, Connection] = {}
        self._by_remote: dict[Remote, Connection] = {}
        self._remotes: dict[Connection, set[Remote]] = {}
        self._chosen: dict[Connection, Remote] = {}
        self.counts = Refused()

    def expect(self, connection: Connection) -> None:
        """From now on requests for this connection are answered."""
        self._by_ufrag[connection.ufrag] = connection
        self._remotes[connection] = set()

    def forget(self, connection: Connection) -> None:
        """Nothing that comes is this connection's any more."""
        self._by_ufrag.pop(connection.ufrag, None)
        for remote in self._remotes.pop(connection, ()):
            self._by_remote.pop(remote, None)
            if isinstance(remote, TcpPath):
                remote.close()
        self._chosen.pop(connection, None)

    def gone(self, path: TcpPath) -> None:
        """A TCP path was closed by its other end."""
        connection = self._by_remote.pop(path, None)
        if connection is None:
            return
        self._remotes[connection].discard(path)
        if self._chosen.get(connection) is path:
            del self._chosen[connection]
            self._moved(connection)
            connection.send = connection.remote = None

    def receive(self, datagram: bytes, remote: Remote) -> None:
        """Take one datagram from the wire."""
        if not datagram:
            return
        first = datagram[0]
        if first < 4:
            self._receive_stun(datagram, remote)
            return
        connection = self._by_remote.get(remote)
        if connection is None:
            self.counts.stranger += 1
        elif 127 < first < 192:
            now = time.monotonic()
            if len(datagram) >= 2 and 192 <= datagram[1] <= 223:
                authentic = connection.take_rtcp(datagram, now)
            else:
                authentic = connection.take_rtp(datagram, now)
            if authentic and connection.silent:
                self._heard(connection)
        elif 19 < first < 64:
            self._dtls(connection, datagram)
        else:
            self.counts.not_media += 1

    def _receive_stun(self, datagram: bytes, remote: Remote) -> None:
        request = stun.parse_binding_request(datagram)
        if request is None:
            self.counts.stun_malformed += 1
            return
        connection = self._by_ufrag.get(request.local_ufrag)
        if connection is None:
            self.counts.stun_unknown += 1
            return
        if not request.is_signed_with(connection.password):
            self.counts.stun_forged += 1
            return
        self.counts.answered += 1
        self._admit(connection, remote, nominated=request.nominated)
        connection.heard_monotonic_s = time.monotonic()
        self._heard(connection)
        if isinstance(remote, TcpPath):
            response = stun.binding_response(request, remote.address, connection.password)
            if response is not None:
                remote.send(response)
            return
        response = stun.binding_response(request, remote, connection.password)
        if response is not None:
            self._send(response, remote)

    def _admit(self, connection: Connection, remote: Remote, *, nominated: bool) -> None:
        """From now on this address may speak for the party; a nominated one is also spoken to."""
        previous = self._by_remote.get(remote)
        remotes = self._remotes[connection]
        chosen = self._chosen.get(connection)
        if previous is not connection:
            if previous is not None:
                self._remotes[previous].discard(remote)
            if len(remotes) >= MAX_ADDRESSES:  # an old path makes room for the new one
                spare = next(r for r in remotes if r is not chosen and r != chosen)
                remotes.discard(spare)
                self._by_remote.pop(spare, None)
            remotes.add(remote)
            self._by_remote[remote] = connection
        if isinstance(remote, TcpPath):
            remote.proved = True
        if (nominated or chosen is None) and remote != chosen:
            self._chosen[connection] = remote
            self._moved(connection)
            connection.send = self._sender(remote)
            connection.remote = None if isinstance(remote, TcpPath) else remote

    def _sender(self, remote: Remote) -> Callable[[bytes], object]:
        if isinstance(remote, TcpPath):
            return remote.send
        send = self._send
        return lambda datagram: send(datagram, remote)
