"""How do datagrams travel where a firewall passes no UDP? ICE over TCP on the same port number.

Passive candidates only (RFC 6544): the browser connects, each datagram is led by its length in two
bytes (RFC 4571). What has not proved itself within `PROOF_S` is closed, and the number of unproved
paths is bounded, so that strangers cost a little memory and nothing else.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable

MAX_FRAME_BYTES = 2048
MAX_PATHS, MAX_UNPROVED = 2000, 200
PROOF_S = 10.0
MOST_UNSENT_BYTES = 256 * 1024
_LENGTH = struct.Struct("!H")


class TcpPath:
    """One accepted connection; what it brings is handed to `receive` datagram by datagram."""

    def __init__(
        self,
        address: tuple[str, int],
        writer: asyncio.StreamWriter,
        receive: Callable[[bytes, "TcpPath"], None],
    ) -> None:
        self.address = address
        self.proved = False
        self._writer, self._receive = writer, receive

    def send(self, datagram: bytes) -> bool:
        """Send one datagram; False if the path is closed or does not keep up."""
        transport = self._writer.transport
        if transport.is_closing() or transport.get_write_buffer_size() > MOST_UNSENT_BYTES:
            return False  # media is never queued for long: old pictures help nobody
        self._writer.write(_LENGTH.pack(len(datagram)) + datagram)
        return True

    def close(self) -> None:
        """Hang up."""
        self._writer.close()

    async def read(self, reader: asyncio.StreamReader) -> None:
        """Hand on datagrams until the other side closes or breaks the framing."""
        loop = asyncio.get_running_loop()
        proof = loop.call_later(PROOF_S, self._expire)
        try:
            while True:
                (length,) = _LENGTH.unpack(await reader.readexactly(2))
                if not 0 < length <= MAX_FRAME_BYTES:
                    return
                self._receive(await reader.readexactly(length), self)
        finally:
            proof.cancel()

    def _expire(self) -> None:
        if not self.proved:
            self.close()


class TcpListener:
    """Accepts paths on one TCP port; `receive` gets each datagram, `gone` each path that ended."""

    def __init__(
        self,
        receive: Callable[[bytes, TcpPath], None],
        gone: Callable[[TcpPath], None],
    ) -> None:
        self._receive, self._gone = receive, gone
        self._server: asyncio.Server | None = None
        self._paths: dict[TcpPath, asyncio.Task[None]] = {}
        self.refused = 0

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises OSError if the port is taken."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host != "::"))
        try:
            listening.bind((host, port))
        except OSError:
            listening.close()
            raise
        self._server = await asyncio.start_server(self._accept, sock=listening, limit=4096)

    async def stop(self) -> None:
        """Close every path and the port."""
        if self._server is not None:
            self._server.close()
        for path, task in list(self._paths.items()):
            path.close()
            task.cancel()
        await asyncio.gather(*self._paths.values(), return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        unproved = sum(not path.proved for path in self._paths)
        if len(self._paths) >= MAX_PATHS or unproved >= MAX_UNPROVED:
            self.refused += 1
            writer.close()
            return
        made = writer.get_extra_info("socket")
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        path = TcpPath(writer.get_extra_info("peername")[:2], writer, self._receive)
        task = asyncio.current_task()
        assert task is not None
        self._paths[path] = task
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await path.read(reader)
        finally:
            self._paths.pop(path, None)
            self._gone(path)
            path.close()
