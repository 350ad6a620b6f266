"""How well does a party come across? Sound and picture measured on one clock, in a file or a page.

What was played is in `chirps.py` and `counter.py`, how a page is listened to in `tap.py`.
"""

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from tests.support import chirps, counter
from tests.support.chirps import Band, Samples, Sounds
from tests.support.counter import Pictures


@dataclass(frozen=True)
class Measured:
    """One party as received or recorded."""

    sounds: Sounds
    pictures: Pictures

    def picture_late_ms(self, since_s: float = 0.0, until_s: float = float("inf")) -> float:
        """By how much the picture comes after the sound; negative if before. -250 to 250 ms.

        Each picture's and each chirp's time tells when the source's half seconds began; the two
        medians are compared. Raises ValueError if there is nothing to compare.
        """
        seen = [t - n / counter.RATE_HZ for t, n in self.pictures.seen if since_s <= t < until_s]
        heard = [t for t in self.sounds.chirps if since_s <= t < until_s]
        if not seen or not heard:
            raise ValueError("no picture or no chirp was found")
        return 1000 * _wrapped(_phase(seen) - _phase(heard))


def _phase(times: list[float]) -> float:
    """The median of times within the chirps' period, whatever their common offset."""
    turns = np.exp(2j * np.pi * np.array(times) / chirps.PERIOD_S)
    middle = float(np.angle(turns.mean()) / (2 * np.pi) * chirps.PERIOD_S)
    return middle + float(np.median([_wrapped(t - middle) for t in times]))


def _wrapped(seconds: float) -> float:
    half = chirps.PERIOD_S / 2
    return (seconds + half) % chirps.PERIOD_S - half


def measure_file(path: Path, band: Band) -> Measured:
    """Decode a recording and find the party with this band in it."""
    samples: list[tuple[float, list[float]]] = []
    pieces: list[tuple[float, Samples]] = []
    to_mono = av.AudioResampler(format="fltp", layout="mono", rate=chirps.SAMPLE_RATE_HZ)
    with av.open(str(path)) as container:
        for frame in container.decode():
            at_s = float(frame.time or 0.0)
            if isinstance(frame, av.VideoFrame):
                samples.append((at_s, counter.squares(frame)))
            elif isinstance(frame, av.AudioFrame):
                pieces += [(at_s, piece.to_ndarray()[0]) for piece in to_mono.resample(frame)]
    sound = chirps.find(_on_one_clock(pieces), chirps.SAMPLE_RATE_HZ, band)
    return Measured(sound, counter.find(samples))


def _on_one_clock(pieces: list[tuple[float, Samples]]) -> Samples:
    """Pieces of sound at their time; silence where there is none."""
    if not pieces:
        return np.zeros(0)
    whole = np.zeros(
        max(round(at_s * chirps.SAMPLE_RATE_HZ) + len(piece) for at_s, piece in pieces)
    )
    for at_s, piece in pieces:
        start = round(at_s * chirps.SAMPLE_RATE_HZ)
        whole[start : start + len(piece)] = piece
    return whole
