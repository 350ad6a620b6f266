"""How does a simulation read on a terminal? One line for each queue, one or two results."""

from collections.abc import Sequence

from scheduling.tally import QueueResult, Result

_HEADINGS = (
    "queue", "visits", "mean", "p50", "p90", "p99", "in time", "left", "home", "elsewhere",
    "clerks busy", "shown off by",
)  # fmt: skip
_COMPARED = ("queue", "visits", "mean wait", "p90", "in time", "left", "clerks busy")


def one(result: Result) -> str:
    """Everything about one result."""
    rows = [_HEADINGS, *(_row(each) for each in _queues(result)), _row(result.total)]
    days = "1 day" if result.days == 1 else f"{result.days} days"
    head = f"{result.visits} visits of {days}, seed {result.seed}; waits in minutes:seconds"
    return "\n".join([head, "", *_aligned(rows)])


def two(before: Result, after: Result) -> str:
    """Two results side by side, the second behind the arrow."""
    names = dict.fromkeys([*before.queues, *after.queues])
    rows: list[tuple[str, ...]] = [_COMPARED]
    for name in names:
        left, right = before.queues.get(name), after.queues.get(name)
        if (left and left.visits) or (right and right.visits):
            rows.append(_pair(name, left, right))
    rows.append(_pair("all", before.total, after.total))
    days = "1 day" if before.days == 1 else f"{before.days} days"
    head = f"{before.visits} → {after.visits} visits of {days}, seed {before.seed}"
    return "\n".join([head, "", *_aligned(rows)])


def _queues(result: Result) -> list[QueueResult]:
    return [each for each in result.queues.values() if each.visits]


def _row(found: QueueResult) -> tuple[str, ...]:
    error = found.expected_wait_error
    return (
        found.queue or "all",
        str(found.visits),
        _clock(found.mean_wait_s),
        _clock(found.p50_wait_s),
        _clock(found.p90_wait_s),
        _clock(found.p99_wait_s),
        _share(found.in_time),
        _share(found.left_share),
        str(found.sent_home),
        str(found.elsewhere),
        _share(found.clerk_use),
        "" if error is None else _share(error),
    )


def _pair(name: str, before: QueueResult | None, after: QueueResult | None) -> tuple[str, ...]:
    cells = [
        [
            str(each.visits),
            _clock(each.mean_wait_s),
            _clock(each.p90_wait_s),
            _share(each.in_time),
            _share(each.left_share),
            _share(each.clerk_use),
        ]
        if each
        else ["-"] * 6
        for each in (before, after)
    ]
    return (name, *(f"{a} → {b}" for a, b in zip(*cells, strict=True)))


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    rule = "-" * max(map(len, lines))
    return [lines[0], rule, *lines[1:-1], rule, lines[-1]]


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def _share(share: float) -> str:
    return f"{100.0 * share:.0f} %"
