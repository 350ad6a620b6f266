"""Which RTP packets crossed the cable, and when? The kernel's ring buffer of a packet socket.

The kernel writes headers and time stamps of both directions into shared memory (TPACKET_V3) while
the load sends; they are read afterwards. So receiving costs the load next to nothing, and a
delay is what lies between two stamps of the kernel, however late this process wakes up.
Linux, Documentation/networking/packet_mmap.rst.
"""

import mmap
import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

from deploy.bench.media.lab import INTERFACE, LOAD_HOST
from deploy.bench.media.sieve import MEDIA, RTP_HEADERS, attach
from deploy.bench.media.wire import HEADERS

_LOAD = int.from_bytes(socket.inet_aton(LOAD_HOST), "big")
_SOL_PACKET = 263
_PACKET_RX_RING, _PACKET_STATISTICS, _PACKET_VERSION = 5, 6, 10
_TPACKET_V3 = 2
_ETH_P_ALL = 0x0003
_BLOCK_BYTES, _BLOCKS, _FRAME_BYTES = 1 << 20, 32, 2048
_RETIRE_MS = 50  # a block that is not full is handed over after this
_KERNEL, _USER = struct.pack("=I", 0), 1
_BLOCK = struct.Struct("=IIII")  # at 8: status, packets, offset of the first, length
_PACKET = struct.Struct("=IIIIIIHH")  # next, s, ns, captured, length, status, link, network
_HEADERS = struct.Struct("!26xI4xHHHxxBBH")  # source address, ports, length, RTP to sequence


class Crossed(NamedTuple):
    """One RTP packet on the cable; `port` is the load's, `whole` the SRTP packet if it was kept."""

    at_ns: int
    sent: bool
    port: int
    payload_type: int
    sequence: int
    whole: bytes | None


class Capture:
    """Takes from its opening to `close`. `gather` must be called some times a second."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.setsockopt(_SOL_PACKET, _PACKET_VERSION, _TPACKET_V3)
        frames = _BLOCK_BYTES * _BLOCKS // _FRAME_BYTES
        ring = struct.pack("7I", _BLOCK_BYTES, _BLOCKS, _FRAME_BYTES, frames, _RETIRE_MS, 0, 0)
        self._socket.setsockopt(_SOL_PACKET, _PACKET_RX_RING, ring)
        self._ring = mmap.mmap(self._socket.fileno(), _BLOCK_BYTES * _BLOCKS)
        attach(self._socket, MEDIA)
        self._socket.bind((INTERFACE, _ETH_P_ALL))
        self._next = 0
        self._taken: list[bytes] = []

    def gather(self) -> None:
        """Take what the kernel has handed over, so that it can go on."""
        while True:
            at = self._next * _BLOCK_BYTES
            status, _, _, length = _BLOCK.unpack_from(self._ring, at + 8)
            if not status & _USER:
                return
            self._taken.append(self._ring[at : at + length])
            self._ring[at + 8 : at + 12] = _KERNEL
            self._next = (self._next + 1) % _BLOCKS

    def overflowed(self) -> int:
        """Packets that the ring had no room for since it was last asked."""
        counts = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 12)
        return int(struct.unpack("=III", counts)[1])

    def crossed(self) -> Iterator[Crossed]:
        """Everything gathered, in the order it crossed."""
        for block in self._taken:
            _, packets, offset, _ = _BLOCK.unpack_from(block, 8)
            for _ in range(packets):
                step, seconds, ns, captured, _, _, link, _ = _PACKET.unpack_from(block, offset)
                begin = offset + link
                source, from_port, to_port, length, _, second, sequence = _HEADERS.unpack_from(
                    block, begin
                )
                sent = source == _LOAD
                whole = None
                if captured > RTP_HEADERS:
                    whole = block[begin + HEADERS : begin + HEADERS - 8 + length]
                yield Crossed(
                    seconds * 1_000_000_000 + ns,
                    sent,
                    from_port if sent else to_port,
                    second & 0x7F,
                    sequence,
                    whole,
                )
                offset += step

    def close(self) -> None:
        """Stop taking and free the ring."""
        self._ring.close()
        self._socket.close()
