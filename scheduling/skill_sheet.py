"""What does a spreadsheet of skills say? Rows of clerk, queue, level, languages, capacity. Pure.

A row changes one clerk's level in one queue; `none` takes it away, and queues that are not named
stay as they are. Languages and capacity are the clerk's; where they are empty they stay too, and
two rows of a clerk do not differ in them. What CSV may look like is `imports.py`.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

from scheduling.imports import Column, Row, Sheet, read
from scheduling.rules import LANGUAGES, MAX_OPEN_RECORDS, Level, QueueId, Skills
from scheduling.visit import ClerkId

COLUMNS = (
    Column("clerk", ("窗口人员", "工号", "登录名")),
    Column("queue", ("队列",)),
    Column("level", ("等级", "级别", "技能等级")),
    Column("languages", ("语言",), required=False),
    Column("capacity", ("容量", "并办数"), required=False),
)
_LEVELS: Mapping[str, Level | None] = {
    "primary": Level.PRIMARY, "1": Level.PRIMARY, "主办": Level.PRIMARY,
    "secondary": Level.SECONDARY, "2": Level.SECONDARY, "协办": Level.SECONDARY,
    "backup": Level.BACKUP, "3": Level.BACKUP, "后备": Level.BACKUP,
    "none": None, "0": None, "无": None,
}  # fmt: skip


def read_skills_sheet(
    content: bytes, *, before: Mapping[ClerkId, Skills], queues: Collection[QueueId]
) -> tuple[Sheet, list[Skills]]:
    """The skills of every clerk that the file names, as they will be.

    `before` are the clerks it may name, `queues` the queues. Raises BadImport with every fault.
    """
    sheet = read(content, COLUMNS)
    after: dict[ClerkId, Skills] = {}
    named: dict[tuple[ClerkId, str], tuple[object, int]] = {}
    for row in sheet.rows:
        clerk = row.read("clerk", lambda text: _known(text, before, "clerk"))
        queue = row.read("queue", lambda text: _known(text, queues, "queue"))
        level = row.read("level", _level)
        languages = row.read("languages", _languages)
        capacity = row.read("capacity", _capacity)
        if row.faults or clerk is None or queue is None:
            continue
        skills = after.get(ClerkId(clerk), before[ClerkId(clerk)])
        _once(row, named, skills.clerk, f"queue {queue}", level)
        levels = {k: v for k, v in skills.levels.items() if k != queue}
        if level is not None:
            levels[QueueId(queue)] = level
        skills = replace(skills, levels=levels)
        if languages:
            _agrees(row, named, skills.clerk, "languages", languages)
            skills = replace(skills, languages=languages)
        if row.cells["capacity"] and capacity is not None:
            _agrees(row, named, skills.clerk, "capacity", capacity)
            skills = replace(skills, capacity=capacity)
        after[skills.clerk] = skills
    sheet.settle()
    return sheet, list(after.values())


def _known(text: str, there: Collection[str], what: str) -> str:
    if text not in there:
        raise ValueError(f"there is no {what} {text} in this city")
    return text


def _level(text: str) -> Level | None:
    if text.casefold() not in _LEVELS:
        raise ValueError("primary, secondary, backup or none")
    return _LEVELS[text.casefold()]


def _languages(text: str) -> frozenset[str]:
    found = [part.strip() for part in text.replace(",", ";").split(";") if part.strip()]
    for language in found:
        if language not in LANGUAGES:
            raise ValueError(f"{language} is none of {', '.join(LANGUAGES)}; divided by ;")
    return frozenset(found)


def _capacity(text: str) -> int:
    if not text:
        return 0  # stays as it is
    if not (text.isascii() and text.isdigit() and int(text) <= MAX_OPEN_RECORDS):
        raise ValueError(f"0 to {MAX_OPEN_RECORDS} open records")
    return int(text)


def _once(
    row: Row,
    named: dict[tuple[ClerkId, str], tuple[object, int]],
    clerk: ClerkId,
    what: str,
    value: object,
) -> None:
    before = named.setdefault((clerk, what), (value, row.line))
    if before[1] != row.line:
        row.refuse("queue", f"{clerk} has this queue in line {before[1]} already")


def _agrees(
    row: Row,
    named: dict[tuple[ClerkId, str], tuple[object, int]],
    clerk: ClerkId,
    what: str,
    value: object,
) -> None:
    before = named.setdefault((clerk, what), (value, row.line))
    if before[0] != value:
        row.refuse(what, f"{clerk} has others in line {before[1]}")
