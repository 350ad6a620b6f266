"""Spreadsheets that people hand in: how they are written, and how every fault is told."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.imports import (
    MAX_BYTES,
    MAX_CELL,
    MAX_ROWS,
    BadImport,
    Column,
    Fault,
    read,
)

COLUMNS = (Column("clerk", ("窗口人员",)), Column("level"), Column("note", required=False))


def cells(content: bytes) -> list[tuple[int, list[str]]]:
    """The rows of a file by line."""
    sheet = read(content, COLUMNS)
    sheet.settle()
    return [(row.line, list(row.cells.values())) for row in sheet.rows]


def faults(content: bytes, columns: Sequence[Column] = COLUMNS) -> list[tuple[int, str, str]]:
    """Everything that is wrong with a file."""
    with pytest.raises(BadImport) as refused:
        read(content, columns).settle()
    return [(fault.line, fault.column, fault.reason) for fault in refused.value.faults]


# How files are written


@pytest.mark.parametrize(
    ("encoding", "told"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("gb18030", "gb18030"), ("gbk", "gb18030")],
)
def test_utf8_with_and_without_its_mark_and_gb18030_are_recognised(
    encoding: str, told: str
) -> None:
    sheet = read("窗口人员,level\n张伟民,2\n".encode(encoding), COLUMNS)
    assert sheet.encoding == told
    assert sheet.rows[0].cells["clerk"] == "张伟民"


def test_a_file_of_another_encoding_is_refused() -> None:
    text = "clerk,level\n张伟民,2\n"
    assert "UTF-16" in faults(text.encode("utf-16"))[0][2]
    assert faults(b"clerk,level\n\xff\xff,2\n") == [
        (1, "", "the text is neither UTF-8 nor GB18030")
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_ending_and_empty_lines_do(end: str) -> None:
    text = end.join(["clerk,level", "", "a,1", ",,", "b,2", ""])
    assert cells(text.encode()) == [(3, ["a", "1", ""]), (5, ["b", "2", ""])]


def test_what_is_pasted_from_a_spreadsheet_is_divided_by_tabs() -> None:
    assert cells(b"clerk\tlevel\na, b\t1\n") == [(2, ["a, b", "1", ""])]


def test_columns_go_by_their_heading_in_any_order_and_language() -> None:
    assert cells("Level,窗口人员\n1,a\n".encode()) == [(2, ["a", "1", ""])]


def test_cells_are_trimmed_and_empty_cells_to_the_right_do_not_matter() -> None:
    assert cells(b"clerk,level,,\n  a , 1 ,,,\n") == [(2, ["a", "1", ""])]


def test_a_quoted_line_break_does_not_shift_the_lines_that_are_told() -> None:
    content = b'clerk,level\n"a\nb",1\n,2\n'
    assert [(line, column) for line, column, _ in faults(content)] == [(2, "clerk"), (4, "clerk")]


@pytest.mark.parametrize("cell", ["=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "-2", "=HYPERLINK(1)"])
def test_what_looks_like_a_formula_is_text(cell: str) -> None:
    assert cells(f"clerk,level\n{cell},1\n".encode()) == [(2, [cell, "1", ""])]


# What is wrong


def test_every_fault_is_told_with_its_line_and_column() -> None:
    content = f"clerk,level,note\n,1\na,\nb,2,{'x' * (MAX_CELL + 1)}\nc,3,\x07\nd,4,n,more\n"
    assert faults(content.encode()) == [
        (2, "clerk", "is empty"),
        (3, "level", "is empty"),
        (4, "note", f"longer than {MAX_CELL} characters"),
        (5, "note", "holds a line break or another control character"),
        (6, "", "4 cells under 3 headings"),
    ]


def test_what_the_importer_finds_is_told_with_the_rest_and_once_a_cell() -> None:
    sheet = read(b"clerk,level\n,x\na,y\nb,1\n", COLUMNS)

    def level(cell: str) -> int:
        if not cell.isdigit():
            raise ValueError(f"{cell!r} is no level")
        return int(cell)

    def known(cell: str) -> str:
        raise ValueError("there is no such clerk")

    found = [(row.read("clerk", known), row.read("level", level)) for row in sheet.rows]
    assert found == [(None, None), (None, None), (None, 1)]
    with pytest.raises(BadImport) as refused:
        sheet.settle()
    assert refused.value.faults == (
        Fault(2, "clerk", "is empty"),
        Fault(2, "level", "'x' is no level"),
        Fault(3, "clerk", "there is no such clerk"),
        Fault(3, "level", "'y' is no level"),
        Fault(4, "clerk", "there is no such clerk"),
    )
    assert str(refused.value) == "line 2, clerk: is empty, and 4 more"


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"", [(1, "clerk", "this column is missing"), (1, "level", "this column is missing")]),
        (b"clerk,level\n", [(1, "", "there are no rows under the heading")]),
        (b"\nclerk\na\n", [(2, "level", "this column is missing")]),
        (b"clerk,level,clerk\na,1,b\n", [(1, "clerk", "this column is there twice")]),
        (
            b"clerk,level,age\na,1,2\n",
            [(1, "age", "no such column; there are clerk, level, note")],
        ),
    ],
)
def test_a_heading_that_is_not_as_wanted_is_refused(
    content: bytes, wanted: list[tuple[int, str, str]]
) -> None:
    assert faults(content) == wanted


def test_quotes_that_do_not_end_are_told_where_they_begin() -> None:
    ((line, _, reason),) = faults(b'clerk,level\na,1\n"b,2\n')
    assert line == 3
    assert reason.startswith("this is not CSV")


def test_a_file_has_limits() -> None:
    head = b"clerk,level\n"
    assert len(read(head + b"a,1\n" * MAX_ROWS, COLUMNS).rows) == MAX_ROWS
    assert faults(head + b"a,1\n" * (MAX_ROWS + 1)) == [
        (MAX_ROWS + 2, "", f"more than {MAX_ROWS} rows")
    ]
    assert "larger" in faults(head + b"\n" * MAX_BYTES)[0][2]


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode()))
def test_any_bytes_are_rows_or_named_faults(content: bytes) -> None:
    for prefix in (b"", b"clerk,level\n"):
        told: tuple[Fault, ...] = ()
        try:
            read(prefix + content, COLUMNS).settle()
        except BadImport as error:
            told = error.faults or (Fault(0, "", ""),)
        assert all(fault.line >= 1 and fault.reason for fault in told)
