"""How does the node itself receive one medium? Losses to ask for again, and reports to its sender.

Used where the node stands between several parties and the browsers' own feedback cannot pass.
Pure: time is an argument. RFC 3550 sections 6.4.1, A.3 and A.8; RFC 4585 section 6.2.1.
"""

from dataclasses import dataclass, field

from media.node import rtcp
from media.node.congestion import sign16

MOST_MISSING = 256
ASK_EVERY_S, ASK_TIMES = 0.1, 8
_FORGET = 2048  # packets behind the newest: it will not be repaired any more


@dataclass(slots=True)
class _Missing:
    asked: int = 0
    asked_s: float = 0.0


@dataclass(slots=True)
class Reception:
    """One SSRC as it arrives. `repairable` media are asked for again."""

    ssrc: int
    clock_hz: int
    repairable: bool
    received: int = 0
    jitter: float = 0.0
    _first: int | None = None
    _highest: int = 0
    _missing: dict[int, _Missing] = field(default_factory=dict)
    _transit: float | None = None
    _before: tuple[int, int] = (0, 0)  # expected and received at the last report
    _report: tuple[int, float] = (0, 0.0)  # middle of the last NTP time, and when it came

    def take(self, sequence: int, timestamp: int, now: float) -> bool:
        """A packet came; False if it had come before (or is too old to matter)."""
        if self._first is None:
            self._first = self._highest = sequence
            self.received = 1
            return True
        ahead = sign16(sequence - self._highest)
        if ahead > 0:
            if ahead > MOST_MISSING:  # the source began anew
                self._missing.clear()
                self._first, self.received, self._before = self._highest + ahead, 0, (0, 0)
            else:
                for number in range(self._highest + 1, self._highest + ahead):
                    self._missing[number] = _Missing()
            self._highest += ahead
            self._measure(timestamp, now)
        elif self._missing.pop(self._highest + ahead, None) is None:
            return False
        self.received += 1
        return True

    def reported(self, report: rtcp.SenderReport, now: float) -> None:
        """The source sent a report about this medium."""
        self._report = (report.ntp >> 16 & 0xFFFFFFFF, now)

    def lost(self, now: float) -> list[int]:
        """The sequence numbers to ask for now, oldest first."""
        if not self.repairable:
            self._missing.clear()
            return []
        due = []
        for number in list(self._missing):
            missing = self._missing[number]
            if missing.asked >= ASK_TIMES or self._highest - number > _FORGET:
                del self._missing[number]
            elif now - missing.asked_s >= ASK_EVERY_S:
                missing.asked, missing.asked_s = missing.asked + 1, now
                due.append(number & 0xFFFF)
        return due[:MOST_MISSING]

    def report(self, now: float) -> rtcp.Reception | None:
        """A report block for the source; None before its first packet."""
        if self._first is None:
            return None
        expected = self._highest - self._first + 1
        expected_now, received_now = expected - self._before[0], self.received - self._before[1]
        self._before = (expected, self.received)
        lost_now = max(0, expected_now - received_now)
        middle, came_s = self._report
        return rtcp.Reception(
            ssrc=self.ssrc,
            fraction_lost=min(255, 256 * lost_now // expected_now) if expected_now > 0 else 0,
            lost=min(max(0, expected - self.received), 0x7FFFFF),
            highest=self._highest & 0xFFFFFFFF,
            jitter=int(self.jitter),
            last_report=middle,
            since_last=int((now - came_s) * 65_536) & 0xFFFFFFFF if middle else 0,
        )

    def _measure(self, timestamp: int, now: float) -> None:
        transit = now * self.clock_hz - timestamp
        if self._transit is not None:
            difference = abs(transit - self._transit)
            if difference < 10 * self.clock_hz:
                self.jitter += (difference - self.jitter) / 16
        self._transit = transit
