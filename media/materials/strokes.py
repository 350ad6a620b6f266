"""What did the resident's hand write? Strokes of points with pressure and time, checked and drawn.

A pen or a finger on the kiosk's screen makes them. They are kept as they came: the ink that is
drawn from them is a picture for people, the strokes are the evidence. Pure; who wrote, when and
under which document is in `signing.py`.
"""

from collections.abc import Iterator
from itertools import pairwise
from math import dist, isfinite
from typing import Literal

import msgspec

MAX_STROKES = 200
MAX_POINTS = 10_000
MAX_LASTS_MS = 10 * 60 * 1000
MAX_PAD = 10_000.0
LEAST_LENGTH = 0.25  # of the pad's height, all strokes together: less is a slip of the finger
LEAST_POINTS = 6

THINNEST, THICKEST = 0.7, 2.4  # points of a PDF, by pressure

Problem = Literal["empty", "too_short", "too_many", "too_long", "outside", "not_in_order"]


class Point(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where the pen was: x to the right and y down in units of the pad, pressure from 0 to 1
    (0.5 where the device measures none), t in milliseconds since the first touch."""

    x: float
    y: float
    pressure: float
    t: int


class Handwriting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All strokes on a pad of this size, in the order in which they were written."""

    width: float
    height: float
    strokes: tuple[tuple[Point, ...], ...]


class NotASignature(ValueError):  # noqa: N818
    """These strokes cannot be taken for a signature; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"strokes: {problem.replace('_', ' ')}")
        self.problem: Problem = problem


def check(handwriting: Handwriting) -> None:
    """Raises NotASignature for what no hand has written on this pad, or too little of it."""
    problem = next(_problems(handwriting), None)
    if problem is not None:
        raise NotASignature(problem)


def _problems(handwriting: Handwriting) -> Iterator[Problem]:
    width, height = handwriting.width, handwriting.height
    points = [point for stroke in handwriting.strokes for point in stroke]
    if len(handwriting.strokes) > MAX_STROKES or len(points) > MAX_POINTS:
        yield "too_many"
    if not (0 < width <= MAX_PAD and 0 < height <= MAX_PAD):
        yield "outside"
    if not points or not all(handwriting.strokes):
        yield "empty"
    for point in points:
        if not all(map(isfinite, (point.x, point.y, point.pressure))) or not (
            0 <= point.x <= width and 0 <= point.y <= height and 0 <= point.pressure <= 1
        ):
            yield "outside"
    if any(point.t < 0 for point in points[:1]) or any(a.t > b.t for a, b in pairwise(points)):
        yield "not_in_order"
    if points and points[-1].t - points[0].t > MAX_LASTS_MS:
        yield "too_long"
    if len(points) < LEAST_POINTS or _length(handwriting) < LEAST_LENGTH * height:
        yield "too_short"


def _length(handwriting: Handwriting) -> float:
    return sum(
        dist((a.x, a.y), (b.x, b.y)) for stroke in handwriting.strokes for a, b in pairwise(stroke)
    )


def ink(handwriting: Handwriting, width: float, height: float) -> bytes:
    """The strokes as operators of a PDF content stream (ISO 32000-2, 8.5), `width` x `height` pt.

    The pad is fitted in whole and kept in proportion; lines are round and as thick as the hand
    pressed. The same strokes give the same bytes in every version of this module: signed papers
    are checked against it, so another way to draw needs another name.
    """
    scale = min(width / handwriting.width, height / handwriting.height)
    left = (width - scale * handwriting.width) / 2
    bottom = (height - scale * handwriting.height) / 2

    def place(point: Point) -> str:
        y = bottom + scale * (handwriting.height - point.y)
        return f"{left + scale * point.x:.2f} {y:.2f}"

    lines = ["0 G 1 J 1 j"]
    for stroke in handwriting.strokes:
        for a, b in pairwise(stroke if len(stroke) > 1 else stroke * 2):
            thick = THINNEST + (THICKEST - THINNEST) * (a.pressure + b.pressure) / 2
            lines.append(f"{thick:.2f} w {place(a)} m {place(b)} l S")
    return "\n".join(lines).encode()
