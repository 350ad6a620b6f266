"""How do many parties' datagrams leave one process at their time? UDP over a packet socket.

All parties live at one address and differ by port, none of them has a socket: frames are written
with their Ethernet, IPv4 and UDP headers, so that those of many parties leave in one system call
and a load of 30,000 packets a second leaves the processor to the measured server. RFC 791, 768.
"""

import ctypes
import errno
import os
import select
import socket
import struct
from array import array
from collections.abc import Iterator

from deploy.bench.media.lab import INTERFACE, LOAD_HOST, LOAD_MAC, SERVER_MAC
from deploy.bench.media.sieve import HANDSHAKES, attach

Address = tuple[str, int]

HEADERS = 42  # Ethernet 14, IPv4 20, UDP 8
_ETHERNET = bytes.fromhex((SERVER_MAC + LOAD_MAC).replace(":", "")) + b"\x08\x00"
_IPV4 = struct.Struct("!BBHHHBBH4s4s")
_UDP = struct.Struct("!HHHH")
_LOAD = socket.inet_aton(LOAD_HOST)
_ETH_P_IP = 0x0800
_BUFFER_BYTES = 8 << 20
_SO_RCVBUFFORCE, _SO_SNDBUFFORCE = 33, 32


def headers(port: int, to: Address, length: int) -> bytes:
    """What stands before a UDP payload of `length` bytes from `port` of the load."""
    host = socket.inet_aton(to[0])
    total = 28 + length
    words = _IPV4.pack(0x45, 0, total, 0, 0x4000, 64, socket.IPPROTO_UDP, 0, _LOAD, host)
    checksum = sum(struct.unpack("!10H", words))
    checksum = 0xFFFF - (checksum + (checksum >> 16) & 0xFFFF)
    ipv4 = _IPV4.pack(0x45, 0, total, 0, 0x4000, 64, socket.IPPROTO_UDP, checksum, _LOAD, host)
    return _ETHERNET + ipv4 + _UDP.pack(port, to[1], 8 + length, 0)


class Wire:
    """The load's end of the cable. Opens at once; `close` when done."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        for option in (_SO_RCVBUFFORCE, _SO_SNDBUFFORCE):
            self._socket.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
        attach(self._socket, HANDSHAKES)
        self._socket.bind((INTERFACE, _ETH_P_IP))
        self._socket.setblocking(False)
        self._sendmmsg = ctypes.CDLL(None, use_errno=True).sendmmsg

    def send(self, port: int, to: Address, payload: bytes) -> None:
        """Send one datagram from `port`."""
        self._socket.send(headers(port, to, len(payload)) + payload)

    def wait(self, wait_s: float) -> None:
        """Until something comes, at most so long."""
        select.select([self._socket], [], [], max(0.0, wait_s))

    def receive(self) -> Iterator[tuple[int, Address, bytes]]:
        """The STUN and DTLS datagrams that have come: our port, their address, the payload."""
        while True:
            try:
                frame = self._socket.recv(4096)
            except BlockingIOError:
                return
            sender, receiver, length, _ = _UDP.unpack_from(frame, 34)
            address = (socket.inet_ntoa(frame[26:30]), sender)
            yield receiver, address, frame[HEADERS : 34 + length]

    def send_batch(self, batch: "Batch", start: int, end: int) -> None:
        """Send the frames `start` to `end` (excluded) of a batch. Raises OSError."""
        while start < end:
            sent = self._sendmmsg(
                self._socket.fileno(), ctypes.c_void_p(batch.message(start)), end - start, 0
            )
            if sent < 0:
                code = ctypes.get_errno()
                if code not in (errno.EAGAIN, errno.ENOBUFS):
                    raise OSError(code, os.strerror(code))
                continue
            start += sent

    def close(self) -> None:
        """Free the socket."""
        self._socket.close()


class Batch:
    """Frames in memory as `sendmmsg` wants them: `struct mmsghdr` over `struct iovec`."""

    def __init__(self, frames: bytearray, spans: list[tuple[int, int]]) -> None:
        """`spans` are offset and length of each frame in `frames`, in the order they leave."""
        self._frames = frames  # keeps the memory that the addresses below point to
        base = ctypes.addressof(ctypes.c_char.from_buffer(frames))
        self._iovecs = array("Q")
        for offset, length in spans:
            self._iovecs.extend((base + offset, length))
        first = self._iovecs.buffer_info()[0]
        self._messages = array("Q")
        for number in range(len(spans)):
            self._messages.extend((0, 0, first + 16 * number, 1, 0, 0, 0, 0))
        self._first = self._messages.buffer_info()[0]

    def message(self, number: int) -> int:
        """The address of one frame's `struct mmsghdr`."""
        return self._first + 64 * number
