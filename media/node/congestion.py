"""How much does a path carry? Transport-wide feedback, given to a sender and taken from a receiver.

Needed only where the node stands between several parties: it numbers what each leg gets, so it
must tell every sender how its packets arrived (`Arrivals`) and learn from every receiver how ours
did (`Path`). With two parties the browsers' own feedback passes and nothing here is used.
Pure: time is an argument. draft-holmer-rmcat-transport-wide-cc-extensions-01.
"""

import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from media.node.rtcp import NODE_SSRC, TRANSPORT_CC, TRANSPORT_FEEDBACK, Malformed

MOST_PACKETS = 1000  # that one feedback message tells of; more come in the next
_TICK_S = 0.00025  # of a receive delta
_EPOCH_S = 0.064  # of the reference time

WINDOW_S = 1.0
START_BPS = 1_000_000
LEAST_BPS, MOST_BPS = 30_000, 8_000_000
HIGH_LOSS = 0.10
HIGH_DELAY_S = 0.15
_REMEMBERED = 4096  # packets on the way


def sign16(difference: int) -> int:
    """The nearer of two ways round a 16-bit counter."""
    return (difference + 0x8000 & 0xFFFF) - 0x8000


@dataclass(slots=True)
class Arrivals:
    """When each of one sender's packets came; makes the feedback about them."""

    _came: dict[int, float] = field(default_factory=dict)  # by unwrapped number
    _next: int | None = None
    _highest: int = 0
    _count: int = 0

    def add(self, sequence: int, now: float) -> None:
        """A packet with this transport-wide number arrived."""
        if self._next is None:
            self._next = self._highest = sequence
        number = self._highest + sign16(sequence - self._highest)
        if len(self._came) >= 4 * MOST_PACKETS:
            return  # a flood between two feedbacks
        if abs(number - self._next) > 0x4000:  # the sender's numbers jumped: begin anew there
            self._came.clear()
            self._next = self._highest = number
        if number < self._next:
            return  # told of already as lost
        self._highest = max(self._highest, number)
        self._came.setdefault(number, now)

    def feedback(self, media_ssrc: int) -> bytes | None:
        """The next feedback message; None if nothing came since the last."""
        if self._next is None or not self._came:
            return None
        base = max(self._next, min(self._came) - MOST_PACKETS + 1)
        end = min(max(self._came) + 1, base + MOST_PACKETS)
        times = [self._came.pop(number, None) for number in range(base, end)]
        self._next = end
        present = [time for time in times if time is not None]
        if not present:
            return None
        reference = int(present[0] / _EPOCH_S)
        symbols, deltas = [], bytearray()
        before = reference * round(_EPOCH_S / _TICK_S)
        for time in times:
            if time is None:
                symbols.append(0)
                continue
            ticks = int(time / _TICK_S)
            delta = max(-0x8000, min(0x7FFF, ticks - before))
            before += delta
            if 0 <= delta <= 0xFF:
                symbols.append(1)
                deltas.append(delta)
            else:
                symbols.append(2)
                deltas += struct.pack("!h", delta)
        body = struct.pack(
            "!HHI", base & 0xFFFF, len(times), (reference & 0xFFFFFF) << 8 | self._count & 0xFF
        )
        body += _chunks(symbols) + deltas
        self._count += 1
        body += bytes(-len(body) % 4)
        return (
            struct.pack("!BBH", 0x80 | TRANSPORT_CC, TRANSPORT_FEEDBACK, 2 + len(body) // 4)
            + struct.pack("!II", NODE_SSRC, media_ssrc)
            + body
        )


def _chunks(symbols: list[int]) -> bytes:
    """Status vectors of seven two-bit symbols."""
    found = bytearray()
    for at in range(0, len(symbols), 7):
        chunk = 0xC000
        for place, symbol in enumerate(symbols[at : at + 7]):
            chunk |= symbol << 12 - 2 * place
        found += chunk.to_bytes(2, "big")
    return bytes(found)


def read_feedback(packet: bytes | bytearray) -> list[tuple[int, float | None]]:
    """Each packet of a feedback message: its number, and when it came by the receiver's clock.

    Seconds, None for a packet that did not come. Raises Malformed.
    """
    if len(packet) < 20:
        raise Malformed("transport feedback")
    base, count, reference = struct.unpack_from("!HHI", packet, 12)
    symbols: list[int] = []
    at = 20
    while len(symbols) < count:
        if at + 2 > len(packet):
            raise Malformed("transport feedback chunks")
        symbols += _symbols(int.from_bytes(packet[at : at + 2], "big"), count - len(symbols))
        at += 2
    now_s = (reference >> 8) * _EPOCH_S
    found: list[tuple[int, float | None]] = []
    for place, symbol in enumerate(symbols):
        came: float | None = None
        if symbol:
            width = 1 if symbol == 1 else 2
            if at + width > len(packet):
                raise Malformed("transport feedback deltas")
            delta = packet[at] if width == 1 else struct.unpack_from("!h", packet, at)[0]
            at += width
            now_s += delta * _TICK_S
            came = now_s
        found.append(((base + place) & 0xFFFF, came))
    return found


def _symbols(chunk: int, most: int) -> Iterator[int]:
    if not chunk & 0x8000:
        symbol = chunk >> 13 & 3
        return iter([symbol] * min(chunk & 0x1FFF, most) or [0])
    if chunk & 0x4000:
        return iter([chunk >> 12 - 2 * place & 3 for place in range(min(7, most))])
    return iter([chunk >> 13 - place & 1 for place in range(min(14, most))])


@dataclass(slots=True)
class _Sent:
    size: int
    sent_s: float


@dataclass(slots=True)
class Path:
    """What one receiver's path carries, from its own feedback.

    Additive increase while it carries all, multiplicative decrease on loss or a growing queue;
    never more than half again of what really arrived. Good for one decision, picture or not, and
    for telling a sender the most that any receiver can use; not a pacer.
    """

    estimate_bps: float = START_BPS
    loss: float = 0.0
    queue_s: float = 0.0
    heard_s: float | None = None
    _sent: dict[int, _Sent] = field(default_factory=dict)
    _window: deque[tuple[float, int, bool, float]] = field(default_factory=deque)
    _least_delay_s: float | None = None
    _changed_s: float = 0.0

    def sent(self, sequence: int, size: int, now: float) -> None:
        """A packet with this transport-wide number left."""
        self._sent[sequence] = _Sent(size, now)
        if len(self._sent) > _REMEMBERED:
            self._sent.pop(next(iter(self._sent)))

    def told(self, results: list[tuple[int, float | None]], now: float) -> None:
        """Take one feedback message (`read_feedback`)."""
        for sequence, came_s in results:
            sent = self._sent.pop(sequence, None)
            if sent is None:
                continue
            delay_s = 0.0
            if came_s is not None:
                delay_s = came_s - sent.sent_s  # two clocks: only its changes mean something
                if self._least_delay_s is None or delay_s < self._least_delay_s:
                    self._least_delay_s = delay_s
                delay_s -= self._least_delay_s
            self._window.append((now, sent.size, came_s is not None, delay_s))
        while self._window and now - self._window[0][0] > WINDOW_S:
            self._window.popleft()
        if self._window:
            self._judge(now)

    def limited(self, bitrate_bps: int, now: float) -> None:
        """The receiver itself said what it can take (REMB)."""
        self.heard_s = now
        self.estimate_bps = min(max(bitrate_bps, LEAST_BPS), MOST_BPS)

    def _judge(self, now: float) -> None:
        self.heard_s = now
        came = [entry for entry in self._window if entry[2]]
        self.loss = 1 - len(came) / len(self._window)
        self.queue_s = sum(entry[3] for entry in came[-10:]) / max(1, len(came[-10:]))
        arrived_bps = 8 * sum(entry[1] for entry in came) / WINDOW_S
        if now - self._changed_s < 0.2:
            return
        elapsed_s, self._changed_s = min(now - self._changed_s, 1.0), now
        if self.loss > HIGH_LOSS or self.queue_s > HIGH_DELAY_S:
            self.estimate_bps = min(self.estimate_bps, 0.85 * arrived_bps)
        else:
            grown = self.estimate_bps * (1 + 0.08 * elapsed_s) + 20_000 * elapsed_s
            self.estimate_bps = max(self.estimate_bps, min(grown, 1.5 * arrived_bps + 100_000))
        self.estimate_bps = min(max(self.estimate_bps, LEAST_BPS), MOST_BPS)
