"""When was a party heard? Sweeps in a band of the party's own, written and found again.

Each half second a rising sweep, the chirp, by which losses and sync are measured; between the
chirps, each tenth of a second, a falling one, the tick, by which one sees sooner that the sound is
back. Found by a matched filter over the analytic signal, so that neither loudness nor phase count.
"""

import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]
Sweep = NDArray[np.complex128]

PERIOD_S = 0.5
TICK_S = 0.1
SWEEP_S = 0.06
SAMPLE_RATE_HZ = 48_000
LOOP_S = 6.0

_LIKENESS = 0.4  # of 1.0; noise and the other sweeps stay below 0.3
_SILENCE = 1e-3  # of full scale: what is fainter is not heard


@dataclass(frozen=True)
class Band:
    """Where a party's sweeps lie. The bands of two parties must not touch."""

    low_hz: int
    high_hz: int


LOW, HIGH = Band(500, 1_300), Band(1_600, 2_700)


@dataclass(frozen=True)
class Sounds:
    """The seconds at which chirps and ticks begin in a sound, and the span that was listened to."""

    chirps: tuple[float, ...]
    ticks: tuple[float, ...]
    began_s: float
    ended_s: float

    @property
    def gaps(self) -> tuple[float, ...]:
        """The seconds from each chirp to the next."""
        return tuple(later - earlier for earlier, later in pairwise(self.chirps))

    def lost_share(self, since_s: float, until_s: float) -> float:
        """The share of a span's chirps that were not heard. Raises ValueError for too short ones.

        Counted in the gaps between chirps, so that a later playout is no loss.
        """
        inside = sum(since_s <= t < until_s for t in self.chirps)
        missing = sum(bool(since_s <= t < until_s) for t in self._missing())
        if inside + missing == 0:
            raise ValueError(f"no chirp is expected from {since_s} to {until_s} s")
        return missing / (inside + missing)

    def longest_silence_s(self, since_s: float, until_s: float) -> float:
        """The longest time without a sweep's beginning within a span, its edges included."""
        inside = [t for t in self._all if since_s <= t < until_s]
        return max(b - a for a, b in pairwise([since_s, *inside, until_s]))

    def back_after_s(self, moment_s: float) -> float:
        """How long after a moment the first sweep is heard; infinite if none is."""
        return min((t - moment_s for t in self._all if t >= moment_s), default=float("inf"))

    def _missing(self) -> Iterator[float]:
        """Where chirps should be: between the others, and in their beat before and after them."""
        if not self.chirps:
            yield from np.arange(self.began_s, self.ended_s, PERIOD_S)
            return
        yield from np.arange(self.chirps[0] - PERIOD_S, self.began_s, -PERIOD_S)
        for earlier, later in pairwise(self.chirps):
            periods = round((later - earlier) / PERIOD_S)
            yield from np.linspace(earlier, later, periods + 1)[1:-1]
        yield from np.arange(self.chirps[-1] + PERIOD_S, self.ended_s - SWEEP_S, PERIOD_S)

    @property
    def _all(self) -> list[float]:
        return sorted((*self.chirps, *self.ticks))


def sound(band: Band, lasts_s: float = LOOP_S, *, rate_hz: int = SAMPLE_RATE_HZ) -> Samples:
    """Chirps and ticks, -1 to 1; the first chirp begins at 0."""
    samples = np.zeros(round(lasts_s * rate_hz))
    chirp, tick = (np.real(s) for s in (_sweep(band, rate_hz), _sweep(band, rate_hz, falling=True)))
    for number in range(round(lasts_s / TICK_S)):
        at = round(number * TICK_S * rate_hz)
        sweep = tick if number % round(PERIOD_S / TICK_S) else chirp
        samples[at : at + len(sweep)] = 0.6 * sweep
    return samples


def write_wav(path: Path, band: Band) -> Path:
    """The sound as a file that can be played in a loop."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes((sound(band) * 32767).astype("<i2").tobytes())
    return path


def find(samples: Samples, rate_hz: int, band: Band, *, began_s: float = 0.0) -> Sounds:
    """Every sweep of this band; `began_s` is the time of the first sample."""
    ended_s = began_s + len(samples) / rate_hz
    if len(samples) < rate_hz * SWEEP_S:
        return Sounds((), (), began_s, ended_s)
    rising = _likeness(samples, _sweep(band, rate_hz))
    falling = _likeness(samples, _sweep(band, rate_hz, falling=True))
    apart = round(rate_hz * TICK_S * 0.6)
    peaks = _peaks(np.maximum(rising, falling), apart)
    chirps = tuple(began_s + p / rate_hz for p in peaks if rising[p] > falling[p])
    ticks = tuple(began_s + p / rate_hz for p in peaks if rising[p] <= falling[p])
    return Sounds(chirps, ticks, began_s, ended_s)


def _sweep(band: Band, rate_hz: int, *, falling: bool = False) -> Sweep:
    """One sweep as an analytic signal under a Hann window."""
    times = np.arange(round(SWEEP_S * rate_hz)) / rate_hz
    first, last = (band.high_hz, band.low_hz) if falling else (band.low_hz, band.high_hz)
    phase = 2 * np.pi * (first * times + (last - first) / (2 * SWEEP_S) * times**2)
    return np.exp(1j * phase) * np.hanning(len(times))


def _likeness(samples: Samples, sweep: Sweep) -> Samples:
    """How much the sound that begins at each sample is like the sweep: 0 to 1."""
    length = 1 << (len(samples) + len(sweep)).bit_length()
    spectrum = np.fft.fft(samples, length) * np.conj(np.fft.fft(sweep, length))
    matched = np.abs(np.fft.ifft(spectrum))[: len(samples)]
    squares = np.concatenate([[0.0], samples.astype(float) ** 2, np.zeros(len(sweep))])
    energy = np.cumsum(squares)
    power = energy[len(sweep) :][: len(samples)] - energy[: len(samples)]
    floor = np.maximum(_loudest_near(power, len(sweep)) / 4, len(sweep) * _SILENCE**2)
    whole = np.sum(np.abs(sweep) ** 2)
    return matched * np.sqrt(2) / np.sqrt(np.maximum(power, floor) * whole)


def _loudest_near(power: Samples, length: int) -> Samples:
    """The highest power within about half a second: the end of a sweep alone is none."""
    blocks = np.pad(power, (0, -len(power) % length)).reshape(-1, length).max(axis=1)
    reach = 8
    padded = np.pad(blocks, reach)
    near = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).max(axis=1)
    return near.repeat(length)[: len(power)]


def _peaks(likeness: Samples, apart: int) -> Sequence[int]:
    """The highest points above the threshold, none closer to a higher one than `apart`."""
    found: list[int] = []
    candidates = np.flatnonzero(likeness > _LIKENESS)
    for run in np.split(candidates, np.flatnonzero(np.diff(candidates) > 1) + 1):
        if not len(run):
            continue
        peak = int(run[np.argmax(likeness[run])])
        if found and peak - found[-1] < apart:
            if likeness[peak] > likeness[found[-1]]:
                found[-1] = peak
        else:
            found.append(peak)
    return found
