"""The tracks of a party lie in step in its recording, whatever the way does to them."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.node.rtcp import SenderReport
from media.records.timeline import LEAP_MS, PartyClock, Timeline, seconds_of_ntp, sign32

BEGAN_S = 1_000.0
IN_STEP_MS = 40
LONGEST_WAY_S = 1.0
NTP_1970 = 2_208_988_800


@dataclass
class Camera:
    """One track of a party: its RTP clock, and how often it reports."""

    hz: int
    report_every_s: float
    first_stamp: int
    begins_s: float = 0.0
    drift: float = 0.0  # of its RTP clock against the party's
    line: Timeline | None = None
    positions: dict[float, int] = field(default_factory=dict)
    in_step_from_s: float | None = None

    def stamp(self, captured_s: float) -> int:
        return self.first_stamp + round((captured_s - BEGAN_S) * self.hz * (1 + self.drift))


def ntp(seconds: float) -> int:
    return int(seconds * (1 << 32))


@dataclass
class Party:
    """Captures every 20 ms on all tracks; the way takes `delay_s(now)`."""

    tracks: list[Camera]
    delay_s: Callable[[float], float]
    wall_s: Callable[[float], float] = lambda now: now + NTP_1970
    clock: PartyClock = field(default_factory=PartyClock)

    def play(self, seconds: float, step_s: float = 0.02) -> None:
        for track in self.tracks:
            track.line = Timeline(track.hz, self.clock, BEGAN_S)
        for number in range(round(seconds / step_s)):
            captured_s = round(BEGAN_S + number * step_s, 6)
            for track in self.tracks:
                self._send(track, captured_s, number * step_s, step_s)

    def _send(self, track: Camera, captured_s: float, elapsed_s: float, step_s: float) -> None:
        line = track.line
        assert line is not None
        since_s = elapsed_s - track.begins_s
        if since_s < -1e-9:
            return
        arrived_s = captured_s + self.delay_s(captured_s)
        if since_s > 0 and since_s % track.report_every_s < step_s - 1e-9:
            report = SenderReport(
                1, ntp(self.wall_s(captured_s)), track.stamp(captured_s) & 0xFFFFFFFF
            )
            line.report(report, arrived_s)
        track.positions[captured_s] = line.at_ms(track.stamp(captured_s), arrived_s)
        if track.in_step_from_s is None and line.by_reports:
            track.in_step_from_s = captured_s

    def out_of_step_ms(self) -> float:
        """The most that two tracks lie apart for one moment, once both have reported.

        Time never runs back: what lay too late by its arrival waits there until time comes.
        """
        first, second = self.tracks
        assert first.in_step_from_s is not None
        assert second.in_step_from_s is not None
        since = max(first.in_step_from_s, second.in_step_from_s) + LONGEST_WAY_S
        common = [at for at in first.positions if at >= since and at in second.positions]
        assert common
        return max(abs(first.positions[at] - second.positions[at]) for at in common)


def sound(**how: float) -> Camera:
    return Camera(48_000, 5.0, 0xFFFF_0000, **how)


def picture(**how: float) -> Camera:
    return Camera(90_000, 1.0, 77, **how)


# In step


@settings(max_examples=25)
@given(
    seed=st.integers(0, 1 << 30),
    jitter_s=st.floats(0, 0.3),
    late_s=st.floats(0, 8),
    ahead_s=st.floats(-1e6, 1e6),
)
def test_two_tracks_lie_in_step_whatever_their_first_arrival(
    seed: int, jitter_s: float, late_s: float, ahead_s: float
) -> None:
    rng = random.Random(seed)
    party = Party(
        [sound(), picture(begins_s=late_s)],
        lambda _now: 0.05 + rng.random() * jitter_s,
        lambda now: now + NTP_1970 + ahead_s,
    )
    party.play(25)
    assert party.out_of_step_ms() <= IN_STEP_MS


def test_a_track_that_reports_long_after_a_bad_beginning_lies_in_step() -> None:
    """The first picture waits in a full queue; the first report of the sound comes much later."""
    party = Party(
        [Camera(48_000, 20.0, 5), picture()],
        lambda now: 0.8 if now < BEGAN_S + 2 else 0.05,
    )
    party.play(60)
    assert party.out_of_step_ms() <= IN_STEP_MS


def test_before_any_report_a_track_lies_where_it_arrived() -> None:
    line = Timeline(90_000, PartyClock(), BEGAN_S)
    assert line.at_ms(5, BEGAN_S + 1.5) == 1_500
    assert line.at_ms(5 + 9_000, BEGAN_S + 1.9) == 1_600
    assert not line.by_reports


def test_an_arrival_before_the_beginning_is_the_beginning() -> None:
    assert Timeline(90_000, PartyClock(), BEGAN_S).at_ms(5, BEGAN_S - 0.5) == 0


# Over time


@pytest.mark.parametrize("drift", [-100e-6, 100e-6])
def test_an_hour_of_a_drifting_party_stays_in_step_with_the_server(drift: float) -> None:
    """100 ppm is 360 ms in an hour."""
    rng = random.Random(7)
    party = Party(
        [sound(drift=drift), picture()],
        lambda _now: 0.05 + rng.random() * 0.03,
        lambda now: NTP_1970 + BEGAN_S + (now - BEGAN_S) * (1 + drift),
    )
    party.play(3_600, step_s=0.5)
    assert party.out_of_step_ms() <= IN_STEP_MS
    for track in party.tracks:
        last_s, position_ms = list(track.positions.items())[-1]
        assert abs(position_ms - 1000 * (last_s - BEGAN_S)) < 100


@pytest.mark.parametrize("by_s", [-3_600.0, -2.0, 2.0, 86_400.0])
def test_a_party_whose_clock_is_set_goes_on_in_step(by_s: float) -> None:
    party = Party(
        [sound(), picture()],
        lambda _now: 0.05,
        lambda now: NTP_1970 + now + (by_s if now > BEGAN_S + 12 else 0),
    )
    party.play(30)
    assert party.out_of_step_ms() <= IN_STEP_MS
    for track in party.tracks:
        positions = list(track.positions.values())
        steps = [b - a for a, b in pairwise(positions)]
        assert max(steps) <= 20 + IN_STEP_MS


def test_a_time_stamp_far_from_its_arrival_is_taken_as_a_reset_clock() -> None:
    line = Timeline(90_000, PartyClock(), BEGAN_S)
    line.at_ms(5, BEGAN_S)
    assert line.at_ms(5 + 90 * (LEAP_MS + 1_000), BEGAN_S + 0.1) == 100
    assert line.at_ms(5 + 90 * (LEAP_MS + 1_100), BEGAN_S + 0.2) == 200


@given(
    st.lists(
        st.tuples(
            st.integers(0, 1 << 33), st.floats(0, 1e5), st.booleans(), st.integers(0, (1 << 64) - 1)
        ),
        max_size=30,
    )
)
def test_whatever_a_party_says_time_never_runs_back(
    steps: list[tuple[int, float, bool, int]],
) -> None:
    line = Timeline(90_000, PartyClock(), BEGAN_S)
    before = 0
    for timestamp, elapsed_s, reports, said in steps:
        arrived_s = BEGAN_S + elapsed_s
        if reports:
            line.report(SenderReport(1, said, timestamp & 0xFFFFFFFF), arrived_s)
        at_ms = line.at_ms(timestamp, arrived_s)
        assert at_ms >= before
        before = at_ms
        assert at_ms <= 1e8 + LEAP_MS


def test_a_64_bit_time_is_seconds_and_their_fraction() -> None:
    assert seconds_of_ntp(3 << 31) == 1.5


@given(st.integers(-(1 << 31), (1 << 31) - 1), st.integers(0, 1 << 40))
def test_the_nearer_way_round_a_counter_is_taken(difference: int, base: int) -> None:
    assert sign32(base + difference - base) == difference
    assert sign32((base + difference & 0xFFFFFFFF) - (base & 0xFFFFFFFF)) == difference
