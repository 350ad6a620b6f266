"""When was this captured, on the clock of the recording? One party's tracks on one time line.

At first a track lies where its first packet arrived. As soon as its sender reports say which of
its time stamps was when (RFC 3550 section 6.4.1), it lies where it was captured: all tracks of a
party by the party's one clock, and that clock held against the server's, slowly, because the way
takes now longer and now shorter; what the clock is moved by, all tracks are moved by together.
Pure: time is an argument.
"""

from dataclasses import dataclass

from media.node.rtcp import SenderReport

LEAP_MS = 10_000  # a time stamp this far from its arrival is not about this moment
FOLLOW_MS = 2.0  # how far a report may move a track that lies by reports already
_CLOCK_RISE_S, _CLOCK_FALL_S = 0.001, 0.02  # a report


def seconds_of_ntp(ntp: int) -> float:
    """A 64-bit NTP time in seconds."""
    return ntp / (1 << 32)


@dataclass(slots=True)
class PartyClock:
    """How far the server's clock is ahead of the party's, the shortest way taken.

    `slewed_s` is the sum of its small corrections, without those of a clock that was set.
    """

    ahead_s: float | None = None
    slewed_s: float = 0.0

    def report(self, ntp_s: float, arrived_s: float) -> None:
        """A report of this time arrived now: fall soon, rise slowly, follow a set clock."""
        sample = arrived_s - ntp_s
        if self.ahead_s is None or abs(sample - self.ahead_s) > 1:
            self.ahead_s = sample
        else:
            step_s = min(max(sample - self.ahead_s, -_CLOCK_FALL_S), _CLOCK_RISE_S)
            self.ahead_s += step_s
            self.slewed_s += step_s


@dataclass(slots=True)
class Timeline:
    """Where one track's unwrapped RTP time stamps lie, in milliseconds of the file."""

    clock_hz: int
    clock: PartyClock
    began_s: float
    last_ms: int = 0
    by_reports: bool = False
    _anchor: tuple[int, float] | None = None  # a time stamp and its milliseconds
    _anchor_slewed_s: float = 0.0  # what the clock had been moved by then
    _report: SenderReport | None = None

    def report(self, report: SenderReport, arrived_s: float) -> None:
        """The party said which of this track's time stamps was when."""
        self.clock.report(seconds_of_ntp(report.ntp), arrived_s)
        self._report = report

    def at_ms(self, timestamp: int, arrived_s: float) -> int:
        """Milliseconds for this time stamp; never before the one asked for last."""
        arrived_ms = (arrived_s - self.began_s) * 1000
        if self._anchor is None:
            self._anchor = timestamp, max(arrived_ms, 0.0)
        at_ms = self._anchor[1] + self._elapsed_ms(timestamp, self._anchor[0])
        if self.by_reports:
            at_ms += (self.clock.slewed_s - self._anchor_slewed_s) * 1000
        if abs(at_ms - arrived_ms) > LEAP_MS:  # the source's clock was reset
            self._anchor, at_ms = (timestamp, max(arrived_ms, 0.0)), max(arrived_ms, 0.0)
            self.by_reports, self._report = False, None
        if self._report is not None and self.clock.ahead_s is not None:
            report, self._report = self._report, None
            said_s = seconds_of_ntp(report.ntp) + self.clock.ahead_s - self.began_s
            near = timestamp + sign32(report.timestamp - timestamp)
            move_ms = said_s * 1000 + self._elapsed_ms(timestamp, near) - at_ms
            if self.by_reports:
                move_ms = min(max(move_ms, -FOLLOW_MS), FOLLOW_MS)
            if abs(move_ms) < LEAP_MS:
                at_ms += move_ms
                self.by_reports = True
                self._anchor, self._anchor_slewed_s = (timestamp, at_ms), self.clock.slewed_s
        self.last_ms = max(self.last_ms, round(at_ms))
        return self.last_ms

    def _elapsed_ms(self, timestamp: int, since: int) -> float:
        return (timestamp - since) * 1000 / self.clock_hz


def sign32(difference: int) -> int:
    """The nearer of two ways round a 32-bit counter."""
    return (difference + 0x80000000 & 0xFFFFFFFF) - 0x80000000
