"""The shared desk: what lies on it for both sides, whoever changes what in whatever order."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.shared_desk import (
    EMPTY,
    MAX_MARKS,
    MAX_PLACES,
    MAX_PLACES_OF_MARK,
    MAX_SHEETS,
    MIN_ZOOM,
    WHOLE,
    AddMark,
    AnyChange,
    ClearMarks,
    ClosePage,
    DeskRefused,
    OpenPage,
    Page,
    RemoveMark,
    SharedDesk,
    TurnPage,
    Zoom,
    ZoomPage,
    changed,
)

RESIDENT, CLERK, COLLEAGUE = "resident", "clerk", "invited_clerk"


def page(name: str = "p1") -> Page:
    return Page(name, 2480, 3508)


def mark(name: str, on: str = "p1", places: list[float] | None = None) -> AddMark:
    return AddMark(on, name, "pen", places or [0.1, 0.2, 0.3, 0.4])


def after(*changes: AnyChange | tuple[str, AnyChange], desk: SharedDesk = EMPTY) -> SharedDesk:
    """The desk after these, by the clerk or by whom is named."""
    for change in changes:
        by, what = change if isinstance(change, tuple) else (CLERK, change)
        desk = changed(desk, by, what, leads=by == CLERK)
    return desk


def marks(desk: SharedDesk) -> list[str]:
    return [each.id for each in desk.view.marks]


OPEN = after(OpenPage(page()))


# Pages


def test_an_empty_desk_shows_nothing() -> None:
    view = EMPTY.view
    assert (view.version, view.page, view.marks) == (0, None, ())


def test_a_page_is_opened_whole_and_upright() -> None:
    view = OPEN.view
    assert (view.version, view.page, view.rotation, view.zoom) == (1, page(), 0, WHOLE)


def test_a_page_that_lies_open_is_not_opened_again() -> None:
    zoomed = after(ZoomPage("p1", Zoom(0.5, 0.5, 0.25, 0.25)), desk=OPEN)
    assert after(OpenPage(page()), desk=zoomed) is zoomed


def test_a_page_that_comes_back_is_turned_as_it_was_and_has_its_marks_but_is_whole() -> None:
    zoom = ZoomPage("p1", Zoom(0.5, 0.5, 0.25, 0.25))
    desk = after(TurnPage("p1", 90), zoom, mark("m1"), OpenPage(page("p2")), desk=OPEN)
    assert marks(desk) == []
    view = after(OpenPage(page()), desk=desk).view
    assert (view.rotation, view.zoom) == (90, WHOLE)
    assert [each.id for each in view.marks] == ["m1"]


def test_a_closed_desk_shows_nothing_and_forgets_nothing() -> None:
    desk = after(mark("m1"), ClosePage(), desk=OPEN)
    assert desk.view.page is None
    assert marks(after(OpenPage(page()), desk=desk)) == ["m1"]


def test_the_page_unmarked_for_longest_makes_room() -> None:
    names = [f"p{number}" for number in range(MAX_SHEETS + 1)]
    desk = after(OpenPage(page(names[0])), mark("m", names[0]), *(OpenPage(page(n)) for n in names))
    kept = [sheet.page.id for sheet in desk.sheets]
    assert len(kept) == MAX_SHEETS
    assert names[0] in kept, "it has a mark"
    assert names[1] not in kept


def test_marked_pages_are_not_forgotten_to_make_room() -> None:
    desk = EMPTY
    for number in range(MAX_SHEETS + 1):
        if number < MAX_SHEETS:
            desk = after(OpenPage(page(f"p{number}")), desk=desk)
            desk = after(mark(f"m{number}", f"p{number}"), desk=desk)
    with pytest.raises(DeskRefused, match="clear one"):
        after(OpenPage(page("one more")), desk=desk)


@pytest.mark.parametrize(
    "change",
    [TurnPage("p2", 90), ZoomPage("p2", WHOLE), mark("m1", "p2"), ClearMarks("p2")],
    ids=lambda change: type(change).__name__,
)
def test_what_does_not_lie_on_the_desk_is_not_changed(change: AnyChange) -> None:
    with pytest.raises(DeskRefused, match="not lie"):
        after(change, desk=OPEN)


# Zoom


def test_a_window_beyond_the_edge_is_moved_onto_the_page() -> None:
    desk = after(ZoomPage("p1", Zoom(0.9, 0.95, 0.5, 0.25)), desk=OPEN)
    assert desk.view.zoom == Zoom(0.5, 0.75, 0.5, 0.25)


def test_a_zoom_of_the_page_before_comes_too_late() -> None:
    desk = after(OpenPage(page("p2")), desk=OPEN)
    assert after(ZoomPage("p1", Zoom(0.5, 0.5, 0.25, 0.25)), desk=desk) is desk


# Marks


def test_marks_have_their_author_and_stay_in_order() -> None:
    desk = after(mark("m1"), (RESIDENT, mark("m2")), (COLLEAGUE, mark("m3")), desk=OPEN)
    told = [(each.id, each.author) for each in desk.view.marks]
    assert told == [("m1", CLERK), ("m2", RESIDENT), ("m3", COLLEAGUE)]


def test_a_mark_lands_on_its_page_though_another_was_opened_meanwhile() -> None:
    desk = after(OpenPage(page("p2")), (RESIDENT, mark("m1", "p1")), desk=OPEN)
    assert marks(desk) == []
    assert marks(after(OpenPage(page()), desk=desk)) == ["m1"]


def test_a_mark_that_comes_twice_is_there_once() -> None:
    desk = after(mark("m1"), desk=OPEN)
    assert after(mark("m1"), desk=desk) is desk


def test_a_mark_without_a_last_y_is_refused() -> None:
    with pytest.raises(DeskRefused, match="places"):
        after(mark("m1", places=[0.1, 0.2, 0.3]), desk=OPEN)


def test_everybody_takes_their_own_marks_away_and_the_serving_clerk_any() -> None:
    desk = after((RESIDENT, mark("m1")), mark("m2"), (COLLEAGUE, mark("m3")), desk=OPEN)
    for stranger in (RESIDENT, COLLEAGUE):
        with pytest.raises(DeskRefused, match="somebody else"):
            after((stranger, RemoveMark("m2")), desk=desk)
    assert marks(after((RESIDENT, RemoveMark("m1")), desk=desk)) == ["m2", "m3"]
    assert marks(after(RemoveMark("m1"), RemoveMark("m3"), desk=desk)) == ["m2"]
    assert after(RemoveMark("gone"), desk=desk) is desk


def test_clearing_takes_ones_own_and_for_the_serving_clerk_all() -> None:
    desk = after((RESIDENT, mark("m1")), mark("m2"), (RESIDENT, mark("m3")), desk=OPEN)
    assert marks(after((RESIDENT, ClearMarks("p1")), desk=desk)) == ["m2"]
    assert marks(after(ClearMarks("p1"), desk=desk)) == []


def test_so_many_marks_and_no_more_and_cleared_ones_make_room() -> None:
    desk = after(*(mark(f"m{number}") for number in range(MAX_MARKS)), desk=OPEN)
    with pytest.raises(DeskRefused, match="clear some"):
        after(mark("one more"), desk=desk)
    assert marks(after(ClearMarks("p1"), mark("one more"), desk=desk)) == ["one more"]


def test_so_many_places_on_all_pages_and_no_more() -> None:
    full = [0.5] * (2 * MAX_PLACES_OF_MARK)
    desk = OPEN
    for number in range(MAX_PLACES // MAX_PLACES_OF_MARK):
        name = f"p{number % 3}"
        desk = after(OpenPage(page(name)), mark(f"m{number}", name, full), desk=desk)
    with pytest.raises(DeskRefused, match="too many"):
        after(mark("one more", "p1", full), desk=desk)


# Whatever comes

names = st.sampled_from(["p1", "p2", "p3"])
shares = st.floats(0, 1)
zooms = st.builds(Zoom, shares, shares, st.floats(MIN_ZOOM, 1), st.floats(MIN_ZOOM, 1))
places = st.lists(shares, min_size=2, max_size=12)
changes = st.one_of(
    st.builds(OpenPage, names.map(page)),
    st.just(ClosePage()),
    st.builds(TurnPage, names, st.sampled_from([0, 90, 180, 270])),
    st.builds(ZoomPage, names, zooms),
    st.builds(
        AddMark, names, st.sampled_from("abcdef"), st.sampled_from(["pen", "highlight"]), places
    ),
    st.builds(RemoveMark, st.sampled_from("abcdef")),
    st.builds(ClearMarks, names),
)


@given(st.lists(st.tuples(st.sampled_from([RESIDENT, CLERK, COLLEAGUE]), changes), max_size=30))
def test_whatever_comes_the_desk_is_whole_and_a_change_that_comes_twice_is_one(
    said: list[tuple[str, AnyChange]],
) -> None:
    desk = EMPTY
    for by, change in said:
        before = desk
        try:
            desk = changed(desk, by, change, leads=by == CLERK)
        except DeskRefused:
            assert desk is before
            continue
        assert changed(desk, by, change, leads=by == CLERK) is desk
        assert desk.version == before.version + (desk is not before)
        view = desk.view
        assert (view.page is None) == (not desk.open)
        assert view.zoom.x + view.zoom.width <= 1 + 1e-9
        assert view.zoom.y + view.zoom.height <= 1 + 1e-9
        ids = [each.id for sheet in desk.sheets for each in sheet.marks]
        assert len(ids) == len(set(ids))
        if by != CLERK:
            lost = {m.id: m.author for s in before.sheets for m in s.marks if m.id not in ids}
            assert set(lost.values()) <= {by}
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(desk), type=SharedDesk) == desk
