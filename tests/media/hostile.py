"""Does the compiled module survive whatever comes? Also `python -m tests.media.hostile MODULE`.

Imports nothing but the standard library and the module, so that it runs where a sanitizer is.
"""

import importlib.util
import random
import select
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from types import ModuleType
from typing import Any

DATAGRAMS = 20_000
SSRC = 1002
TYPE = 96
_GCM, _SHA1 = 7, 1  # libsrtp's numbers
_KEY_BYTES = {_GCM: 28, _SHA1: 30}
_END = b"\x00the end"
_AT_ONCE = 50


def packet(sequence: int, payload: bytes, *, ssrc: int = SSRC, first: int = 0x80) -> bytes:
    """A plain RTP packet."""
    head = bytes((first, TYPE)) + (sequence & 0xFFFF).to_bytes(2, "big")
    return head + bytes(4) + ssrc.to_bytes(4, "big") + payload


class Wires:
    """A drained socket with a route from one party to another; of different profiles."""

    def __init__(self, hot: Any, inbox: list[object] | None = None, inward: int = _GCM) -> None:
        outward = _SHA1 if inward == _GCM else _GCM
        self.node, self.party, self.far = (_udp() for _ in range(3))
        self.party.connect(self.node.getsockname())
        keys = bytes(_KEY_BYTES[inward]), b"\x01" * _KEY_BYTES[outward]
        self.seals = hot.Session(keys[0], inward, False, 1024)
        self.opens = hot.Session(keys[1], outward, True, 1024)
        into, out = (
            hot.Session(keys[0], inward, True, 1024),
            hot.Session(keys[1], outward, False, 1024),
        )
        self.drain = hot.Drain(self.node.fileno(), socket.AF_INET)
        here, there = self.party.getsockname(), self.far.getsockname()
        self.route = self.drain.route(*here, into, *there, out, inbox)
        self.route.add(SSRC, (TYPE,), "camera", 7, 65_000, 4_000_000_000, -1)
        self.route.budget = 1 << 40

    def passes(self, datagrams: list[bytes]) -> tuple[list[bytes], list[bytes]]:
        """What reached the far party, and what was handed back."""
        for datagram in datagrams:
            self.party.send(datagram)
        self.party.send(_END)
        handed: list[bytes] = []
        while _END not in handed:
            select.select([self.node], [], [], 10)
            handed += [datagram for datagram, _ in self.drain.read()]
        self.node.sendto(_END, self.far.getsockname())
        passed: list[bytes] = []
        while _END not in passed:
            select.select([self.far], [], [], 10)
            passed.append(self.far.recv(4096))
        return passed[:-1], handed[:-1]

    def close(self) -> None:
        for wire in (self.node, self.party, self.far):
            wire.close()


def _udp() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)
    made.bind(("127.0.0.1", 0))
    return made


def hostile(wires: Wires, draw: random.Random) -> Iterator[bytes]:
    """Good packets, odd headers under a good seal, broken seals, and noise of any size."""
    # Away from zero: a step back across it, whose packet is then broken, would leave the receiver
    # a roll-over behind the sender for ever (RFC 3711, 3.3.1).
    sequence = 1000
    while True:
        kind = draw.randrange(8)
        size = draw.choice([0, 1, 11, 12, 13, draw.randrange(300), draw.randrange(2100)])
        body = draw.randbytes(size)
        if kind < 2:
            yield body
            continue
        sequence += draw.choice([1, 1, 1, 2, 40, -3])
        first = draw.choice([0x80, 0x80, draw.randrange(128, 192)])
        plain = packet(sequence, body[:1900], first=first)
        try:
            sealed = bytearray(wires.seals.protect(plain))
        except ValueError:  # an extension that is longer than the packet
            sealed = bytearray(plain)
        if kind == 2:
            sealed[draw.randrange(len(sealed))] ^= 1 << draw.randrange(8)
        elif kind == 3:
            del sealed[draw.randrange(len(sealed)) :]
        elif kind == 4:
            sealed += draw.randbytes(draw.randrange(400))
        yield bytes(sealed)


def throw(hot: Any, count: int, seed: int) -> Counter[str]:
    """Throw so many at a route; says what became of them."""
    inbox: list[object] = []
    wires, found = Wires(hot, inbox), Counter[str]()
    datagrams = hostile(wires, random.Random(seed))
    try:
        for _ in range(0, count, _AT_ONCE):
            passed, handed = wires.passes([next(datagrams) for _ in range(_AT_ONCE)])
            for datagram in passed:
                wires.opens.unprotect(datagram)
            found.update(passed=len(passed), handed=len(handed))
            found["kept"] += len(inbox)
            inbox.clear()
        found["refused"] = wires.route.refused
        found["unsent"] = wires.route.unsent
    finally:
        wires.close()
    return found


def load(path: str) -> ModuleType:
    """The compiled module in this file."""
    spec = importlib.util.spec_from_file_location("_hot", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    print(dict(throw(load(sys.argv[1]), DATAGRAMS, 7)))
