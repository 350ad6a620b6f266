"""When does a packet leave an impaired path, if at all? One direction of it; time is an argument.

Knows neither sockets nor clocks, so that the same seed gives the same fate to the same packets.
Who asks it and sends accordingly is `impairment_relay.py`.
"""

import random
from collections import defaultdict
from dataclasses import dataclass

RETRANSMIT_S = 0.2  # what a lost segment costs a stream: the least time-out of Linux' TCP
METER_S = 0.1
_BUCKET_BYTES = 3_000  # two full packets may pass at once before the rate holds


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a path does to packets.

    Jitter is drawn per packet and added to the delay; packets do not overtake each other by it.
    `reorder` is the share of packets that are held `reorder_ms` longer and overtaken. Losses come
    in runs of `burst` packets on average. `queue_bytes` wait for the rate; what comes on top is
    dropped.
    """

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    loss: float = 0.0
    burst: float = 1.0
    reorder: float = 0.0
    reorder_ms: float = 30.0
    duplicate: float = 0.0
    rate_bps: float | None = None
    queue_bytes: int = 30_000
    udp_blocked: bool = False


@dataclass(slots=True)
class Counts:
    """What became of the packets that came."""

    came: int = 0
    lost: int = 0
    dropped: int = 0
    cut: int = 0
    duplicated: int = 0
    sent: int = 0
    own_losses: int = 0


class Link:
    """The fate of packets in one direction."""

    def __init__(self, seed: int) -> None:
        self.conditions = Conditions()
        self.counts = Counts()
        self.closed_until_s = 0.0
        self._random = random.Random(seed)
        self._free_at_s = 0.0
        self._last_exit_s = 0.0
        self._in_burst = False
        self._meter: defaultdict[int, int] = defaultdict(int)

    def closed(self, now: float) -> bool:
        """Whether nothing passes because of an outage."""
        return now < self.closed_until_s

    def exits(self, size: int, now: float) -> tuple[float, ...]:
        """When the copies of a datagram leave: none if it is lost, two if it is doubled."""
        self.counts.came += 1
        self._meter[int(now / METER_S)] += size
        conditions = self.conditions
        if conditions.udp_blocked:
            self.counts.cut += 1
            return ()
        if self._loses(conditions):
            self.counts.lost += 1
            return ()
        if self.backlog_bytes(now) + size > conditions.queue_bytes:
            self.counts.dropped += 1
            return ()
        first = self._exit(size, now)
        if conditions.reorder and self._random.random() < conditions.reorder:
            first += conditions.reorder_ms / 1000
        else:
            self._last_exit_s = first
        if conditions.duplicate and self._random.random() < conditions.duplicate:
            self.counts.duplicated += 1
            return (first, first)
        return (first,)

    def stream_exit(self, size: int, now: float) -> float:
        """When these bytes of a stream leave: what is lost comes later, and all that follows."""
        self.counts.came += 1
        self._meter[int(now / METER_S)] += size
        exit_s = self._exit(size, now)
        if self._loses(self.conditions):
            self.counts.lost += 1
            exit_s += RETRANSMIT_S
        self._last_exit_s = exit_s
        return exit_s

    def backlog_bytes(self, now: float) -> float:
        """What waits for the rate."""
        rate = self.conditions.rate_bps
        return 0.0 if rate is None else max(0.0, self._free_at_s - now) * rate / 8

    def offered_bps(self, since_s: float, until_s: float) -> float:
        """The rate at which bytes came between two moments of the clock that `now` is of."""
        first, after = int(since_s / METER_S), int(until_s / METER_S)
        total = sum(self._meter.get(slot, 0) for slot in range(first, after))
        return total * 8 / max(METER_S, (after - first) * METER_S)

    def _exit(self, size: int, now: float) -> float:
        conditions = self.conditions
        exit_s = now
        if conditions.rate_bps is not None:
            spare_s = _BUCKET_BYTES * 8 / conditions.rate_bps
            self._free_at_s = max(self._free_at_s, now - spare_s) + size * 8 / conditions.rate_bps
            exit_s = max(now, self._free_at_s)
        exit_s += conditions.delay_ms / 1000
        if conditions.jitter_ms:
            exit_s += self._random.uniform(0, conditions.jitter_ms / 1000)
        return max(exit_s, self._last_exit_s)

    def _loses(self, conditions: Conditions) -> bool:
        """A two-state chain (Gilbert). Runs cannot be shorter than those of independent losses."""
        share = min(conditions.loss, 0.999)
        leave = min(1 / conditions.burst, 1 - share)
        chance = 1 - leave if self._in_burst else share / (1 - share) * leave
        self._in_burst = self._random.random() < chance
        return self._in_burst
