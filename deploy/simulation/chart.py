"""How does a simulation look? Waits and answers by hour and queue, as an SVG picture.

Drawn from a template with jinja2, which we have anyway: a picture of coloured cells needs no
library, no display and no fonts of its own, and its words can be read, searched and checked.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from scheduling.tally import Hour, QueueResult, Result

_CELL_W, _CELL_H, _NAME_W, _GAP, _HEAD = 38, 18, 210, 40, 92
_LONGEST_S = 1800.0  # as dark as it gets
# From good to bad, readable for the colour-blind: light yellow to dark purple.
_COLOURS = ("#fdf6d8", "#fbd48a", "#f29e67", "#d9636c", "#9c3a78", "#51246b")


@dataclass(frozen=True, slots=True)
class _Cell:
    x: int
    y: int
    text: str
    fill: str
    ink: str


@dataclass(frozen=True, slots=True)
class _Panel:
    title: str
    x: int
    hours: tuple[tuple[int, str], ...]
    cells: tuple[_Cell, ...]


def drawn(results: Sequence[tuple[str, Result]]) -> str:
    """The picture of one result, or of two beside each other, each with its name."""
    names = [
        queue
        for queue in dict.fromkeys(queue for _, result in results for queue in result.queues)
        if any(q.visits for _, r in results if (q := r.queues.get(queue)) is not None)
    ]
    hours = sorted({hour.hour for _, result in results for hour in result.total.by_hour})
    panels = []
    x = _NAME_W
    for name, result in results:
        rows = [result.total, *(result.queues.get(queue) for queue in names)]
        for title, of in (("mean wait, minutes", _wait), ("answered in time, %", _in_time)):
            panels.append(_panel(f"{name}: {title}" if name else title, x, rows, hours, of))
            x += _CELL_W * len(hours) + _GAP
    environment = Environment(
        loader=PackageLoader("deploy.simulation"), autoescape=True, undefined=StrictUndefined
    )
    days = results[0][1].days
    return environment.get_template("chart.svg").render(
        width=x,
        height=_HEAD + _CELL_H * (len(names) + 1) + 24,
        head=_HEAD,
        title=f"{results[0][1].visits} visits of {days} simulated {'day' if days == 1 else 'days'}",
        names=[
            (_HEAD + _CELL_H * place + 13, name)
            for place, name in enumerate(["all queues", *names])
        ],
        note="by the hour in which a visit came; darker is worse",
        panels=panels,
        cell_w=_CELL_W,
        cell_h=_CELL_H,
    )


def _panel(
    title: str,
    x: int,
    rows: Sequence[QueueResult | None],
    hours: Sequence[int],
    of: Callable[[Hour], tuple[str, float]],
) -> _Panel:
    cells = []
    for place, row in enumerate(rows):
        for found in row.by_hour if row is not None else ():
            text, badness = of(found)
            step = min(len(_COLOURS) - 1, int(badness * len(_COLOURS)))
            cells.append(
                _Cell(
                    x + _CELL_W * hours.index(found.hour),
                    _HEAD + _CELL_H * place,
                    text,
                    _COLOURS[step],
                    "#ffffff" if step > 2 else "#222222",
                )
            )
    marks = tuple((x + _CELL_W * column, f"{hour}:00") for column, hour in enumerate(hours))
    return _Panel(title, x, marks, tuple(cells))


def _wait(hour: Hour) -> tuple[str, float]:
    return f"{hour.mean_wait_s / 60.0:.1f}", hour.mean_wait_s / _LONGEST_S


def _in_time(hour: Hour) -> tuple[str, float]:
    return f"{100.0 * hour.in_time:.0f}", 1.0 - hour.in_time
