"""What lies on the shared desk of a call, and how does it look to both sides? Pure.

One page is open, turned and zoomed alike for everybody, with the marks of all parties on it. A
change comes with the party that makes it; each says how the desk is to be, not how it differs, so
one that comes twice does nothing more. Places are shares of the page's width and height, from the
top left of the page as it was scanned: turning, zooming and screens of any size leave them alone.

What is only shown while it happens (a pointer, a stroke that grows, fingers that zoom) is a
gesture and never part of the desk. Who may do what in which call is `desk_parties.py`.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

MAX_SIDE = 20_000  # pixels
MAX_SHEETS = 60
MAX_MARKS = 200  # on all sheets together, as the next two
MAX_PLACES = 4_000
MAX_PLACES_OF_MARK = 64
MAX_PLACES_OF_STROKE = 32
MIN_ZOOM = 0.05
DIGITS = 4  # of a share: a quarter of a pixel of an A4 page at 300 dpi

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Extent = Annotated[float, msgspec.Meta(ge=MIN_ZOOM, le=1)]
Side = Annotated[int, msgspec.Meta(ge=1, le=MAX_SIDE)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
Rotation = Literal[0, 90, 180, 270]
Tool = Literal["pen", "highlight"]


class DeskRefused(Exception):  # noqa: N818
    """The desk cannot be changed in this way; the text is for people."""


class Page(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A page of a document: its id, and its size in pixels as it was scanned."""

    id: Name
    width: Side
    height: Side


class Zoom(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The part of the page that everybody is to see, at least: shares from its top left."""

    x: Share
    y: Share
    width: Extent
    height: Extent


WHOLE = Zoom(0.0, 0.0, 1.0, 1.0)


class Mark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line that a party has drawn on a page: `places` is x, y, x, y, … ."""

    id: Name
    author: str
    tool: Tool
    places: tuple[Share, ...]


class DeskView(msgspec.Struct, frozen=True):
    """The shared desk as everybody sees it. `page` null: nothing lies on it.

    `version` rises with each change. `rotation` is clockwise, in degrees.
    """

    version: int
    page: Page | None
    rotation: Rotation
    zoom: Zoom
    marks: tuple[Mark, ...]


# Changes


class DeskChange(
    msgspec.Struct, frozen=True, tag_field="change", tag=True, forbid_unknown_fields=True
):
    """What a party wants done on the desk."""


class OpenPage(DeskChange, frozen=True, tag="open_page"):
    """This page is to lie open, whole; the one before goes aside with its marks."""

    page: Page


class ClosePage(DeskChange, frozen=True, tag="close_page"):
    """Nothing is to lie open."""


class TurnPage(DeskChange, frozen=True, tag="turn_page"):
    """This page is to be turned so far from how it was scanned."""

    page: Name
    rotation: Rotation


class ZoomPage(DeskChange, frozen=True, tag="zoom_page"):
    """Everybody is to see this part of the page."""

    page: Name
    zoom: Zoom


class AddMark(DeskChange, frozen=True, tag="add_mark"):
    """A line that is finished; its stroke had the same name while it grew."""

    page: Name
    mark: Name
    tool: Tool
    places: Annotated[list[Share], msgspec.Meta(min_length=2, max_length=2 * MAX_PLACES_OF_MARK)]


class RemoveMark(DeskChange, frozen=True, tag="remove_mark"):
    """Take a mark away: one's own, or as the serving clerk any."""

    mark: Name


class ClearMarks(DeskChange, frozen=True, tag="clear_marks"):
    """Take one's own marks of this page away, or as the serving clerk all of them."""

    page: Name


AnyChange = OpenPage | ClosePage | TurnPage | ZoomPage | AddMark | RemoveMark | ClearMarks


# Gestures


class DeskGesture(
    msgspec.Struct, frozen=True, tag_field="gesture", tag=True, forbid_unknown_fields=True
):
    """What others see while it happens, and what is forgotten at once."""


class Pointer(DeskGesture, frozen=True, tag="pointer"):
    """The party points here; without `here` it has stopped."""

    page: Name
    x: Share
    y: Share
    here: bool = True


class Stroke(DeskGesture, frozen=True, tag="stroke"):
    """A line grows: `places` are its newest, from number `start` on, of which some were told."""

    page: Name
    mark: Name
    tool: Tool
    start: Annotated[int, msgspec.Meta(ge=0, le=10_000)]
    places: Annotated[list[Share], msgspec.Meta(min_length=2, max_length=2 * MAX_PLACES_OF_STROKE)]


class Zooming(DeskGesture, frozen=True, tag="zooming"):
    """Fingers or a wheel are at it; where they stop comes as a change."""

    page: Name
    zoom: Zoom


AnyGesture = Pointer | Stroke | Zooming


# The desk


class Sheet(msgspec.Struct, frozen=True):
    """A page that was opened, how it was turned, and its marks."""

    page: Page
    rotation: Rotation = 0
    marks: tuple[Mark, ...] = ()


class SharedDesk(msgspec.Struct, frozen=True):
    """All sheets of one visit, the one that was opened last at the end; `open` names a page."""

    version: int = 0
    sheets: tuple[Sheet, ...] = ()
    open: str = ""
    zoom: Zoom = WHOLE

    @property
    def view(self) -> DeskView:
        """What everybody sees."""
        sheet = next((sheet for sheet in self.sheets if sheet.page.id == self.open), None)
        if sheet is None:
            return DeskView(self.version, None, 0, WHOLE, ())
        return DeskView(self.version, sheet.page, sheet.rotation, self.zoom, sheet.marks)


EMPTY = SharedDesk()


def changed(desk: SharedDesk, by: str, change: AnyChange, *, leads: bool) -> SharedDesk:
    """The desk after a change by this party; the very same if nothing is different.

    `leads`: it is the party that serves. Raises DeskRefused.
    """
    match change:
        case OpenPage():
            after = _opened(desk, change.page)
        case ClosePage():
            after = msgspec.structs.replace(desk, open="", zoom=WHOLE)
        case TurnPage():
            turned = msgspec.structs.replace(_sheet(desk, change.page), rotation=change.rotation)
            after = _with(desk, turned)
        case ZoomPage():
            _sheet(desk, change.page)
            shown = change.page == desk.open
            after = msgspec.structs.replace(desk, zoom=_within(change.zoom)) if shown else desk
        case AddMark():
            after = _marked(desk, by, change)
        case RemoveMark():
            after = _unmarked(desk, by, change.mark, leads)
        case ClearMarks():
            sheet = _sheet(desk, change.page)
            left = tuple(m for m in sheet.marks if not leads and m.author != by)
            after = _with(desk, msgspec.structs.replace(sheet, marks=left))
    return desk if after == desk else msgspec.structs.replace(after, version=desk.version + 1)


def _opened(desk: SharedDesk, page: Page) -> SharedDesk:
    if desk.open == page.id:
        return desk
    known = next((sheet for sheet in desk.sheets if sheet.page.id == page.id), Sheet(page))
    others = [sheet for sheet in desk.sheets if sheet.page.id != page.id]
    if len(others) >= MAX_SHEETS:
        bare = next((sheet for sheet in others if not sheet.marks), None)
        if bare is None:
            raise DeskRefused(f"marks are on {MAX_SHEETS} pages; clear one of them first")
        others.remove(bare)
    sheets = (*others, known)
    return msgspec.structs.replace(desk, sheets=sheets, open=page.id, zoom=WHOLE)


def _marked(desk: SharedDesk, by: str, change: AddMark) -> SharedDesk:
    sheet = _sheet(desk, change.page)
    if len(change.places) % 2:
        raise DeskRefused("places: the last one has no y")
    marks = [mark for each in desk.sheets for mark in each.marks]
    if any(mark.id == change.mark for mark in marks):
        return desk
    if len(marks) >= MAX_MARKS or _places(marks) + len(change.places) // 2 > MAX_PLACES:
        raise DeskRefused("there are too many marks; clear some first")
    places = tuple(round(place, DIGITS) for place in change.places)
    mark = Mark(change.mark, by, change.tool, places)
    return _with(desk, msgspec.structs.replace(sheet, marks=(*sheet.marks, mark)))


def _unmarked(desk: SharedDesk, by: str, name: str, leads: bool) -> SharedDesk:
    for sheet in desk.sheets:
        for mark in sheet.marks:
            if mark.id == name:
                if mark.author != by and not leads:
                    raise DeskRefused("this mark is somebody else's")
                left = tuple(each for each in sheet.marks if each is not mark)
                return _with(desk, msgspec.structs.replace(sheet, marks=left))
    return desk


def _with(desk: SharedDesk, sheet: Sheet) -> SharedDesk:
    sheets = tuple(sheet if each.page.id == sheet.page.id else each for each in desk.sheets)
    return msgspec.structs.replace(desk, sheets=sheets)


def _sheet(desk: SharedDesk, page: str) -> Sheet:
    sheet = next((sheet for sheet in desk.sheets if sheet.page.id == page), None)
    if sheet is None:
        raise DeskRefused("this page does not lie on the desk any more")
    return sheet


def _within(zoom: Zoom) -> Zoom:
    """The same window, moved so that it is on the page."""
    width, height = round(zoom.width, DIGITS), round(zoom.height, DIGITS)
    x, y = min(zoom.x, 1 - width), min(zoom.y, 1 - height)
    return Zoom(round(x, DIGITS), round(y, DIGITS), width, height)


def _places(marks: Sequence[Mark]) -> int:
    return sum(len(mark.places) // 2 for mark in marks)
