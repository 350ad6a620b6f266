"""What did a benchmark find, how is it written down, and does it meet its target?

Every benchmark returns `Figure`s; here they become the table that a person reads and the JSON that
is kept (docs/benchmarks.md). Knows no benchmark and measures nothing.
"""

import os
import platform
from collections.abc import Sequence
from pathlib import Path

import msgspec


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One measured value beside what it is held against.

    `ratio` is `value / baseline`, `target` the ratio it must not exceed, `ok` whether it does
    not; without a baseline `target` is for the value itself (`at_most`, `at_least`), and a figure
    without a target only explains another. `machine` says where it was measured.
    """

    name: str
    value: float
    unit: str
    baseline: float | None
    ratio: float | None
    target: float | None
    ok: bool | None
    machine: str


def figure(
    name: str,
    value: float,
    unit: str,
    *,
    baseline: float | None = None,
    target: float | None = None,
) -> Figure:
    """A figure of this machine; without a baseline, or with one of 0, there is no ratio.

    A figure with a target but no ratio is not ok.
    """
    ratio = value / baseline if baseline else None
    return Figure(
        name=name,
        value=value,
        unit=unit,
        baseline=baseline,
        ratio=ratio,
        target=target,
        ok=None if target is None else ratio is not None and ratio <= target,
        machine=machine(),
    )


def at_most(name: str, value: float, unit: str, target: float) -> Figure:
    """A figure that is held against its target itself, and must not exceed it."""
    return _limit(name, value, unit, target, ok=value <= target)


def at_least(name: str, value: float, unit: str, target: float) -> Figure:
    """A figure that is held against its target itself, and must reach it."""
    return _limit(name, value, unit, target, ok=value >= target)


def ratio_at_least(name: str, value: float, unit: str, *, baseline: float, target: float) -> Figure:
    """A figure whose ratio to its baseline must reach the target."""
    found = figure(name, value, unit, baseline=baseline, target=target)
    return msgspec.structs.replace(found, ok=found.ratio is not None and found.ratio >= target)


def _limit(name: str, value: float, unit: str, target: float, *, ok: bool) -> Figure:
    return Figure(
        name=name,
        value=value,
        unit=unit,
        baseline=None,
        ratio=None,
        target=target,
        ok=ok,
        machine=machine(),
    )


def machine() -> str:
    """This machine in one line: processor, cores we may use, Python, kernel."""
    cores = len(os.sched_getaffinity(0))
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{_processor()}, {cores} cores, {python}, {platform.system()} {platform.release()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


_HEADINGS = ("figure", "value", "baseline", "unit", "ratio", "target", "")


def table(figures: Sequence[Figure]) -> str:
    """The figures as aligned plain text, under the machines they come from."""
    rows = [_HEADINGS, *(_row(one) for one in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    lines = [
        "  ".join(
            cell.ljust(width) if column in (0, 3, 6) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join([*dict.fromkeys(one.machine for one in figures), "", *lines])


def _row(one: Figure) -> tuple[str, ...]:
    verdict = "" if one.ok is None else "ok" if one.ok else "MISSED"
    numbers = (one.value, one.baseline)
    ratios = (one.ratio, one.target)
    return (
        one.name,
        *(_number(number) for number in numbers),
        one.unit,
        *(_number(ratio) for ratio in ratios),
        verdict,
    )


def _number(number: float | None) -> str:
    """Four significant digits, no exponent; whole numbers whole."""
    if number is None:
        return ""
    if number == int(number):
        return str(int(number))
    digits = 3
    while digits < 8 and abs(number) < 10 ** (2 - digits):
        digits += 1
    return f"{number:.{digits}f}"


def as_json(figures: Sequence[Figure]) -> str:
    """The figures as a JSON list of `{name, value, unit, baseline, ratio, target, ok, machine}`."""
    return msgspec.json.format(msgspec.json.encode(list(figures)), indent=2).decode()
