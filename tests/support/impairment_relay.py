"""How do packets get through an impaired path? UDP and TCP from one loopback port to a target.

Like a NAT, each client's packets leave from a port of their own, and `remap` gives it another.
What a path does to a packet is `impairment_link.py`; who steers it is `impairment.py`.
"""

import asyncio
import contextlib
import heapq
import itertools
import socket
import struct
import time
from collections.abc import Callable
from functools import partial

from tests.support.impairment_link import Link

Address = tuple[str, int]

DRAIN = 64  # datagrams read before others get their turn
BUFFER_BYTES = 4 << 20
MOST_PATHS = 64
CHUNK_BYTES = 1_200
STREAM_CHUNKS = 64


class Departures:
    """What leaves later, in the order of its time; one timer for all."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    def at(self, exit_s: float, leave: Callable[[], None]) -> None:
        """Call `leave` at this time of the monotonic clock; at once if it has come."""
        if exit_s <= time.monotonic() and not self._waiting:
            leave()
            return
        heapq.heappush(self._waiting, (exit_s, next(self._order), leave))
        if self._waiting[0][2] is leave:
            self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        wait_s = max(0.0, self._waiting[0][0] - time.monotonic())
        self._timer = self._loop.call_later(wait_s, self._leave)

    def _leave(self) -> None:
        self._timer = None
        now = time.monotonic()
        while self._waiting and self._waiting[0][0] <= now:
            heapq.heappop(self._waiting)[2]()
        if self._waiting:
            self._arm()


def udp_socket(bind: Address) -> socket.socket:
    """A non-blocking socket with room for bursts."""
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        opened.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
    opened.setblocking(False)
    opened.bind(bind)
    return opened


class _Path:
    """One client's way through: its address, and the port from which its packets leave."""

    def __init__(self, relay: "UdpRelay", client: Address) -> None:
        self._relay, self.client = relay, client
        self.socket = self._open()

    def remap(self) -> None:
        """Leave from another port from now on; what comes to the old one is lost."""
        old, self.socket = self.socket, self._open()
        self._relay.loop.remove_reader(old)
        old.close()

    def close(self) -> None:
        self._relay.loop.remove_reader(self.socket)
        self.socket.close()

    def _open(self) -> socket.socket:
        opened = udp_socket(("127.0.0.1", 0))
        opened.connect(self._relay.target)
        self._relay.loop.add_reader(opened, self._relay.from_target, self)
        return opened


class UdpRelay:
    """Datagrams from `front` to `target` and back."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        front: socket.socket,
        target: Address,
        up: Link,
        down: Link,
    ) -> None:
        self.loop, self.target = loop, target
        self._front, self._up, self._down = front, up, down
        self._departures = Departures(loop)
        self._paths: dict[Address, _Path] = {}
        loop.add_reader(front, self._from_clients)

    def remap(self) -> None:
        for path in self._paths.values():
            path.remap()

    def ports(self) -> list[int]:
        """From where packets leave towards the target."""
        return [path.socket.getsockname()[1] for path in self._paths.values()]

    def close(self) -> None:
        self.loop.remove_reader(self._front)
        self._front.close()
        for path in self._paths.values():
            path.close()

    def _from_clients(self) -> None:
        for _ in range(DRAIN):
            try:
                datagram, client = self._front.recvfrom(65_535)
            except OSError:
                return
            path = self._paths.get(client)
            if path is None:
                if len(self._paths) >= MOST_PATHS:
                    self._up.counts.own_losses += 1
                    continue
                path = self._paths[client] = _Path(self, client)
            self._pass(self._up, datagram, partial(self._to_target, path, datagram))

    def from_target(self, path: _Path) -> None:
        for _ in range(DRAIN):
            try:
                datagram = path.socket.recv(65_535)
            except OSError:
                return  # nothing more, or the target's port is closed at the moment
            self._pass(self._down, datagram, partial(self._to_client, path, datagram))

    def _pass(self, link: Link, datagram: bytes, leave: Callable[[], None]) -> None:
        for exit_s in link.exits(len(datagram), time.monotonic()):
            self._departures.at(exit_s, leave)

    def _to_target(self, path: _Path, datagram: bytes) -> None:
        self._send(self._up, partial(path.socket.send, datagram))

    def _to_client(self, path: _Path, datagram: bytes) -> None:
        self._send(self._down, partial(self._front.sendto, datagram, path.client))

    @staticmethod
    def _send(link: Link, send: Callable[[], int]) -> None:
        if link.closed(time.monotonic()):
            link.counts.cut += 1
            return
        try:
            send()
            link.counts.sent += 1
        except ConnectionRefusedError:
            link.counts.cut += 1  # the target is down
        except OSError:
            link.counts.own_losses += 1


class TcpRelay:
    """Connections to the front's port, continued to `target`; bytes wait, none are lost."""

    def __init__(self, target: Address, up: Link, down: Link) -> None:
        self._target, self._up, self._down = target, up, down
        self._writers: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until both sides have ended."""
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, far_writer}
        self._writers |= pair
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._carry(reader, far_writer, self._up))
                tasks.create_task(self._carry(far_reader, writer, self._down))
        except* OSError:
            pass  # one side was reset, so is the other
        finally:
            self._writers -= pair
            for end in pair:
                end.transport.abort()

    def remap(self) -> None:
        """A NAT that forgets its mappings resets its connections."""
        for writer in list(self._writers):
            linger_0 = struct.pack("ii", 1, 0)  # closes with RST instead of FIN
            end = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):  # closed already
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_0)
            writer.transport.abort()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: Link
    ) -> None:
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(STREAM_CHUNKS)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._leave(queue, writer, link))
            while chunk := await reader.read(CHUNK_BYTES):
                await queue.put((link.stream_exit(len(chunk), time.monotonic()), chunk))
            await queue.put((0.0, b""))

    @staticmethod
    async def _leave(
        queue: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter, link: Link
    ) -> None:
        while True:
            exit_s, chunk = await queue.get()
            while (wait_s := max(exit_s, link.closed_until_s) - time.monotonic()) > 0:
                await asyncio.sleep(wait_s)
            if not chunk:
                with contextlib.suppress(OSError):
                    writer.write_eof()
                return
            writer.write(chunk)
            link.counts.sent += 1
            await writer.drain()
