"""Strokes: what a hand can have written on this pad, and the ink that is drawn of it."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.materials import strokes
from media.materials.strokes import Handwriting, NotASignature, Point
from tests.materials.made import scrawl

GOOD = scrawl()


def with_points(*points: Point) -> Handwriting:
    return Handwriting(560, 220, (*GOOD.strokes, points))


def problem(handwriting: Handwriting) -> str:
    with pytest.raises(NotASignature) as refused:
        strokes.check(handwriting)
    return refused.value.problem


def test_a_signature_written_on_the_pad_is_taken() -> None:
    strokes.check(GOOD)


def test_nothing_written_is_no_signature() -> None:
    assert problem(Handwriting(560, 220, ())) == "empty"
    assert problem(Handwriting(560, 220, ((), *GOOD.strokes))) == "empty"


def test_a_slip_of_the_finger_is_no_signature() -> None:
    slip = tuple(Point(100 + x, 100, 0.5, x) for x in range(10))
    assert problem(Handwriting(560, 220, (slip,))) == "too_short"
    tap = tuple(Point(100, 100, 0.5, x) for x in range(500))
    assert problem(Handwriting(560, 220, (tap,))) == "too_short"


@pytest.mark.parametrize(
    "point",
    [
        Point(-0.1, 10, 0.5, 9999),
        Point(560.1, 10, 0.5, 9999),
        Point(10, 220.1, 0.5, 9999),
        Point(10, 10, 1.1, 9999),
        Point(10, 10, -0.1, 9999),
        Point(float("nan"), 10, 0.5, 9999),
        Point(10, float("inf"), 0.5, 9999),
        Point(10, 10, float("nan"), 9999),
    ],
)
def test_what_lies_outside_the_pad_was_written_by_no_hand(point: Point) -> None:
    assert problem(with_points(point)) == "outside"


@pytest.mark.parametrize("size", [(0, 220), (560, -1), (float("nan"), 220), (560, 1e9)])
def test_a_pad_has_a_size(size: tuple[float, float]) -> None:
    assert problem(Handwriting(*size, GOOD.strokes)) == "outside"


def test_time_does_not_run_backwards() -> None:
    assert problem(with_points(Point(10, 10, 0.5, 0))) == "not_in_order"
    assert problem(Handwriting(560, 220, ((Point(10, 10, 0.5, -1),),))) == "not_in_order"


def test_nobody_writes_a_signature_for_longer_than_ten_minutes() -> None:
    assert problem(with_points(Point(10, 10, 0.5, strokes.MAX_LASTS_MS + 1))) == "too_long"


def test_there_is_a_limit_to_strokes_and_points() -> None:
    last = Point(10, 10, 0.5, 9999)
    assert problem(with_points(*[last] * strokes.MAX_POINTS)) == "too_many"
    assert problem(Handwriting(560, 220, ((last,),) * (strokes.MAX_STROKES + 1))) == "too_many"


def test_strokes_travel_as_json_and_come_back_the_same() -> None:
    said = msgspec.json.encode(GOOD)
    assert said.startswith(b'{"width":560,"height":220,"strokes":[[[60.0,110.0,0.6,0],')
    assert msgspec.json.decode(said, type=Handwriting) == GOOD


pads = st.tuples(st.floats(1, 5000), st.floats(1, 5000))


@st.composite
def handwritings(draw: st.DrawFn) -> Handwriting:
    width, height = draw(pads)
    point = st.tuples(st.floats(0, width), st.floats(0, height), st.floats(0, 1))
    written = draw(st.lists(st.lists(point, min_size=1, max_size=8), min_size=1, max_size=4))
    return Handwriting(
        width, height, tuple(tuple(Point(*p, 0) for p in stroke) for stroke in written)
    )


@given(handwritings(), st.floats(50, 500), st.floats(20, 200))
def test_ink_stays_inside_its_box_and_keeps_the_proportions(
    handwriting: Handwriting, width: float, height: float
) -> None:
    drawn = strokes.ink(handwriting, width, height).decode()
    segments = re.findall(r"(\S+) w (\S+) (\S+) m (\S+) (\S+) l S", drawn)
    assert len(segments) == sum(max(1, len(stroke) - 1) for stroke in handwriting.strokes)
    scale = min(width / handwriting.width, height / handwriting.height)
    for thick, *places in segments:
        assert strokes.THINNEST <= float(thick) <= strokes.THICKEST
        x1, y1, x2, y2 = map(float, places)
        assert all(-0.01 <= x <= width + 0.01 for x in (x1, x2))
        assert all(-0.01 <= y <= height + 0.01 for y in (y1, y2))
    first = handwriting.strokes[0]
    if len(first) > 1:
        _, x1, y1, x2, y2 = map(float, segments[0])
        assert x2 - x1 == pytest.approx(scale * (first[1].x - first[0].x), abs=0.011)
        assert y1 - y2 == pytest.approx(scale * (first[1].y - first[0].y), abs=0.011)


def test_a_harder_hand_leaves_thicker_ink() -> None:
    light, hard = (
        float(strokes.ink(scrawl(pressure), 200, 40).split()[6]) for pressure in (0.1, 0.9)
    )
    assert light < hard


def test_the_same_strokes_are_drawn_in_the_same_bytes_for_ever() -> None:
    written = Handwriting(
        200,
        100,
        ((Point(0, 0, 0, 0), Point(100, 50, 1, 5)), (Point(200, 100, 0.5, 9),)),
    )
    assert strokes.ink(written, 100, 100) == (
        b"0 G 1 J 1 j\n1.55 w 0.00 75.00 m 50.00 50.00 l S\n1.55 w 100.00 25.00 m 100.00 25.00 l S"
    )
