"""Which picture of a party was seen when? A frame counter in squares, written and read again.

The number's eight bits are squares along the top, white for 1; below each is its opposite, so that
a picture that is too blurred, or mixed of two, is known as unreadable. The rest is a texture that
moves, so that an encoder needs what the line allows. Picture 0 shows when the first chirp begins.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

RATE_HZ = 20
PICTURES = 120
WIDTH, HEIGHT = 640, 360
BITS = 8
FREEZE_S = 0.25  # five pictures: a shorter pause is not seen as a freeze

_CONTRAST = 40


@dataclass(frozen=True)
class Pictures:
    """Each new picture that was seen, its second and its number; how many could not be read."""

    seen: tuple[tuple[float, int], ...]
    unreadable: int

    def frozen_share(self, since_s: float, until_s: float) -> float:
        """The share of a span in which the same picture stood for longer than `FREEZE_S`."""
        before = [t for t, _ in self.seen if t <= since_s]
        times = [since_s, *(t for t, _ in self.seen if since_s < t < until_s), until_s]
        frozen = 0.0
        for earlier, later in pairwise(times):
            shown_at = before[-1] if before and earlier == since_s else earlier
            if later - shown_at > FREEZE_S:
                frozen += later - earlier
        return frozen / (until_s - since_s)

    def back_after_s(self, moment_s: float) -> float:
        """How long after a moment the first new picture is seen; infinite if none is."""
        return min((t - moment_s for t, _ in self.seen if t >= moment_s), default=float("inf"))

    def rate_hz(self, since_s: float, until_s: float) -> float:
        """New pictures a second within a span."""
        return sum(since_s <= t < until_s for t, _ in self.seen) / (until_s - since_s)


def draw(number: int) -> NDArray[np.uint8]:
    """The luminance of one picture."""
    block = WIDTH // BITS
    rows = HEIGHT // 4
    y = np.empty((HEIGHT, WIDTH), np.uint8)
    for bit in range(BITS):
        on = number >> bit & 1
        across = slice(bit * block, (bit + 1) * block)
        y[:rows, across] = 235 if on else 16
        y[rows : 2 * rows, across] = 16 if on else 235
    texture = np.random.default_rng(7).integers(60, 190, (HEIGHT // 8, WIDTH // 4), np.uint8)
    large = texture.repeat(4, axis=0).repeat(4, axis=1)
    y[2 * rows :] = np.roll(large, number * (WIDTH // PICTURES), axis=1)[: HEIGHT - 2 * rows]
    return y


def write_y4m(path: Path, u: int, v: int) -> Path:
    """All pictures, on a background of this colour, as a file that can be played in a loop."""
    colour = b"".join(
        np.full((HEIGHT // 2, WIDTH // 2), level, np.uint8).tobytes() for level in (u, v)
    )
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{RATE_HZ}:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(PICTURES):
            file.write(b"FRAME\n" + draw(number).tobytes() + colour)
    return path


def squares(frame: av.VideoFrame) -> list[float]:
    """The mean luminance in the middle of each square of a decoded frame, row by row."""
    y = frame.reformat(format="gray").to_ndarray()
    block, rows = frame.width / BITS, frame.height / 4
    return [
        float(
            y[
                round((row + 0.35) * rows) : round((row + 0.65) * rows) + 1,
                round((bit + 0.35) * block) : round((bit + 0.65) * block) + 1,
            ].mean()
        )
        for row in range(2)
        for bit in range(BITS)
    ]


def read(levels: Sequence[float]) -> int | None:
    """The number in the levels of 16 squares; None if a square is no clear opposite of its own."""
    differences = [levels[bit] - levels[BITS + bit] for bit in range(BITS)]
    if len(levels) != 2 * BITS or min(abs(d) for d in differences) < _CONTRAST:
        return None
    number = sum((1 << bit) * (d > 0) for bit, d in enumerate(differences))
    return number if number < PICTURES else None


def find(samples: Sequence[tuple[float, Sequence[float]]]) -> Pictures:
    """What was seen in pictures sampled at these seconds; repetitions are left out."""
    seen: list[tuple[float, int]] = []
    unreadable = 0
    for at_s, levels in samples:
        number = read(levels)
        if number is None:
            unreadable += 1
        elif not seen or seen[-1][1] != number:
            seen.append((at_s, number))
    return Pictures(tuple(seen), unreadable)
