"""What do the runs say, and are the targets met? Medians over the rounds, held against each other.

A figure appears if what it compares was run. Losses are those of the worst round: a median would
forgive them. Measures nothing.
"""

import statistics
from collections.abc import Callable, Sequence

import msgspec

from deploy.bench.media.measurement import Measured
from deploy.bench.media.servers import Name
from deploy.bench.report import Figure, at_most, figure, machine, table

LATE_MS = 5.0  # a load that is later than this measures itself
OTHERS_CORES = 0.1  # above this, other work on the machine makes delays and CPU time longer

_CPU = "CPU s/call-minute"
_HEADINGS = (
    "server",
    "calls",
    "CPU s/call-min",
    "user",
    "system",
    "packets/s/core",
    "MB/call",
    "lost",
    "p50 ms",
    "p99 ms",
    "pictures",
)


def figures(runs: Sequence[Measured]) -> list[Figure]:
    """The figures with a target, as far as they were measured."""

    def cpu(name: Name, calls: int) -> float | None:
        return _median(runs, name, calls, lambda run: run.cpu_s_per_minute)

    def late(name: Name, calls: int) -> float | None:
        return _median(runs, name, calls, lambda run: run.delay_p99_ms)

    compared = (
        ("cpu_vs_janus", _CPU, cpu("ours", 20), cpu("janus", 20), 0.5),
        ("cpu_vs_janus_1", _CPU, cpu("ours", 1), cpu("janus", 1), 1.0),
        ("cpu_vs_aiortc", _CPU, cpu("ours", 1), cpu("aiortc", 1), 0.04),
        ("delay_p99_vs_janus", "ms", late("ours", 20), late("janus", 20), 1.0),
    )
    found = [
        figure(name, ours, unit, baseline=theirs, target=target)
        for name, unit, ours, theirs, target in compared
        if ours is not None and theirs is not None
    ]
    memory = _median(runs, "ours", 20, lambda run: run.memory_per_call_mb)
    if memory is not None:
        found.append(at_most("memory_per_call_mb", memory, "MB", 1.5))
    if at_50 := [run for run in runs if run.server == "ours" and run.calls == 50]:
        lost = max(run.lost for run in at_50)
        missing = max(run.pictures_missing for run in at_50)
        found.append(at_most("lost_at_50_calls", lost, "packets", 0))
        found.append(at_most("pictures_missing_at_50_calls", missing, "pictures", 0))
    return found


def most_calls(name: Name, calls: int) -> Figure:
    """The largest number of calls without loss; explains, has no target."""
    return figure(f"most calls without loss, {name}", calls, "calls")


def faults(runs: Sequence[Measured]) -> list[str]:
    """What makes a run say less than it seems to, for a person to read."""
    told = []
    for run in runs:
        where = f"{run.server} with {run.calls} calls"
        if run.load_late_p99_ms > LATE_MS:
            told.append(f"{where}: the load was {run.load_late_p99_ms:.1f} ms behind its timetable")
        if run.others_cores > OTHERS_CORES:
            told.append(f"{where}: other work kept {run.others_cores:.2f} cores busy")
        if run.load_missed:
            told.append(f"{where}: the capture missed {run.load_missed} packets")
        if run.spoilt:
            told.append(f"{where}: {run.spoilt} packets came back spoilt")
    return told


def text(runs: Sequence[Measured], found: Sequence[Figure]) -> str:
    """Everything as plain text: the runs' medians, the figures, what speaks against them."""
    rows: list[tuple[str, ...]] = [_HEADINGS]
    for name, calls in dict.fromkeys((run.server, run.calls) for run in runs):
        rows.append(_row([run for run in runs if (run.server, run.calls) == (name, calls)]))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    lines = []
    for row in rows:
        cells = zip(row[1:], widths[1:], strict=True)
        aligned = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in cells)]
        lines.append("  ".join(aligned).rstrip())
    lines.insert(1, "-" * max(map(len, lines)))
    parts = ["\n".join(lines), table(found) if found else machine()]
    return "\n\n".join([*parts, *(["\n".join(told)] if (told := faults(runs)) else [])])


def as_json(runs: Sequence[Measured], found: Sequence[Figure]) -> str:
    """The machine, every run, and each figure with its verdict `met` or `missed`."""
    verdicts = {True: "met", False: "missed", None: None}
    content = {
        "machine": machine(),
        "figures": [msgspec.structs.asdict(one) | {"verdict": verdicts[one.ok]} for one in found],
        "faults": faults(runs),
        "runs": [
            msgspec.structs.asdict(run)
            | {
                "cpu_s_per_call_minute": run.cpu_s_per_minute,
                "packets_per_core": run.packets_per_core,
                "memory_per_call_mb": run.memory_per_call_mb,
            }
            for run in runs
        ],
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode()


def _median(
    runs: Sequence[Measured], name: Name, calls: int, of: Callable[[Measured], float | None]
) -> float | None:
    values = [of(run) for run in runs if run.server == name and run.calls == calls]
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _row(runs: Sequence[Measured]) -> tuple[str, ...]:
    """One line of the table: the medians of one server with one number of calls."""

    def median(of: Callable[[Measured], float | None]) -> float | None:
        return _median(runs, runs[0].server, runs[0].calls, of)

    def minutes(run: Measured) -> float:
        return run.seconds * run.calls / 60

    pictures = f"{sum(r.pictures_recorded for r in runs)}/{sum(r.pictures_sent for r in runs)}"
    return (
        runs[0].server,
        str(runs[0].calls),
        _number(median(lambda run: run.cpu_s_per_minute), 3),
        _number(median(lambda run: run.user_s / minutes(run)), 2),
        _number(median(lambda run: run.system_s / minutes(run)), 2),
        _number(median(lambda run: run.packets_per_core), 0),
        _number(median(lambda run: run.memory_per_call_mb), 2),
        str(max(run.lost for run in runs)),
        _number(median(lambda run: run.delay_p50_ms), 3),
        _number(median(lambda run: run.delay_p99_ms), 3),
        pictures,
    )


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
