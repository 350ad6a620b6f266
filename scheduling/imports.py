"""What does a spreadsheet that somebody hands in say, and where is it wrong? CSV; pure.

An import is all or nothing: `read`, then whatever the importer finds wrong with the rows, then
`settle`, which raises every fault with its line and column together. Cells are text and never
formulas. UTF-8 (with or without its mark) and GB18030, comma or tab, as spreadsheet programs
write them. What rows mean is said by who imports, e.g. `shifts.py`.
"""

import codecs
import csv
import io
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")

MAX_BYTES = 1024 * 1024
MAX_ROWS = 5000
MAX_CELL = 200
WHOLE_LINE = ""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What is wrong at a place. Lines count from 1, the heading's; column "" is the whole line."""

    line: int
    column: str
    reason: str


class BadImport(ValueError):  # noqa: N818
    """Nothing was taken in; `faults` says all that is wrong, in the order of the lines."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        first = self.faults[0]
        more = f", and {len(self.faults) - 1} more" if len(self.faults) > 1 else ""
        super().__init__(f"line {first.line}, {first.column or 'all of it'}: {first.reason}{more}")


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its name, other headings it may have, and whether it must be there."""

    name: str
    titles: tuple[str, ...] = ()
    required: bool = True


@dataclass(slots=True)
class Row:
    """The cells of one row by column, "" where there is none; what is wrong gathers in `faults`."""

    line: int
    cells: Mapping[str, str]
    faults: list[Fault] = field(default_factory=list)

    def read(self, column: str, meaning: Callable[[str], T]) -> T | None:
        """What the cell means; None if it is at fault, also because `meaning` raises ValueError."""
        if any(fault.column == column for fault in self.faults):
            return None
        try:
            return meaning(self.cells[column])
        except ValueError as error:
            self.refuse(column, str(error))
            return None

    def refuse(self, column: str, reason: str) -> None:
        """Say what is wrong with a cell; "" for the whole row."""
        self.faults.append(Fault(self.line, column, reason))


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file as it was read; whoever takes it in adds what is wrong to its rows, then settles."""

    encoding: str
    rows: tuple[Row, ...]

    def settle(self) -> None:
        """Raises BadImport if anything was found wrong with any row."""
        if faults := [fault for row in self.rows for fault in row.faults]:
            raise BadImport(faults)


def read(content: bytes, columns: Sequence[Column]) -> Sheet:
    """The rows of a CSV file by its heading; empty lines are passed over.

    Raises BadImport for a file that cannot be read; cells that are empty and must not be, too
    long or not text are faults of their rows.
    """
    if len(content) > MAX_BYTES:
        raise _whole(f"the file is larger than {MAX_BYTES // 1024} KiB")
    encoding, text = _decoded(content)
    lines = _lines(text)
    line, titles = next(lines, (1, []))
    names = _heading(line, titles, columns)
    rows: list[Row] = []
    for line, cells in lines:
        if len(rows) == MAX_ROWS:
            raise BadImport([Fault(line, WHOLE_LINE, f"more than {MAX_ROWS} rows")])
        rows.append(_row(line, cells, names, columns))
    if not rows:
        raise BadImport([Fault(line, WHOLE_LINE, "there are no rows under the heading")])
    return Sheet(encoding, tuple(rows))


def _decoded(content: bytes) -> tuple[str, str]:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise _whole("the file is UTF-16; save it as CSV UTF-8")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return encoding.removesuffix("-sig"), content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _whole("the text is neither UTF-8 nor GB18030")


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each row that holds anything, with the number of the line on which it begins."""
    heading, _, _ = text.partition("\n")
    delimiter = "\t" if "\t" in heading and "," not in heading else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for cells in reader:
            trimmed = [cell.strip() for cell in cells]
            while trimmed and not trimmed[-1]:  # spreadsheets write empty cells to the right
                trimmed.pop()
            if trimmed:
                yield begins, trimmed
            begins = reader.line_num + 1
    except csv.Error as error:
        raise BadImport([Fault(begins, WHOLE_LINE, f"this is not CSV: {error}")]) from error


def _heading(line: int, titles: Sequence[str], columns: Sequence[Column]) -> list[str]:
    """The column that each place of the heading names. Raises BadImport."""
    by_title = {t.casefold(): c.name for c in columns for t in (c.name, *c.titles)}
    names: list[str] = []
    faults = []
    for title in titles:
        name = by_title.get(title.casefold())
        if name is None:
            known = ", ".join(column.name for column in columns)
            faults.append(Fault(line, title[:40], f"no such column; there are {known}"))
        elif name in names:
            faults.append(Fault(line, name, "this column is there twice"))
        names.append(name or "")
    faults += [
        Fault(line, column.name, "this column is missing")
        for column in columns
        if column.required and column.name not in names
    ]
    if faults:
        raise BadImport(faults)
    return names


def _row(line: int, cells: Sequence[str], names: Sequence[str], columns: Sequence[Column]) -> Row:
    given = dict(zip(names, cells, strict=False))
    row = Row(line, {column.name: given.get(column.name, "") for column in columns})
    if len(cells) > len(names):
        row.refuse(WHOLE_LINE, f"{len(cells)} cells under {len(names)} headings")
    for column in columns:
        cell = row.cells[column.name]
        if column.required and not cell:
            row.refuse(column.name, "is empty")
        elif len(cell) > MAX_CELL:
            row.refuse(column.name, f"longer than {MAX_CELL} characters")
        elif any(unicodedata.category(character) == "Cc" for character in cell):
            row.refuse(column.name, "holds a line break or another control character")
    return row


def _whole(reason: str) -> BadImport:
    return BadImport([Fault(1, WHOLE_LINE, reason)])
