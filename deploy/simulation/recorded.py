"""Which visits were recorded? Arrivals from a CSV file, all or nothing, each bad row with its line.

Columns: `queue`, `arrived_at` (like `2026-11-24 09:12:05`, in China unless it says otherwise, or
seconds from the first midnight) and, where known, `service_s`.
"""

import csv
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from math import ceil, isfinite
from pathlib import Path

from scheduling.duty import LOCAL
from scheduling.rules import QueueId
from scheduling.scenario import DAY_S, BadScenario, Demand, Lengths, Scenario

_MOST_TOLD = 20
_USUAL = Lengths(600.0)
_EVER = datetime.fromtimestamp(0.0, LOCAL)


def with_arrivals(scenario: Scenario, path: Path) -> tuple[Scenario, int]:
    """The scenario with these visits in place of its own, and how many days they are of.

    Raises BadScenario.
    """
    rows = _read(path, scenario.rules.queues)
    dated = [at for _, at, _ in rows if isinstance(at, datetime)]
    if dated and len(dated) < len(rows):
        raise BadScenario(f"{path}: arrived_at: dates in some rows, seconds in others")
    first = min(dated).replace(hour=0, minute=0, second=0, microsecond=0) if dated else _EVER
    arrivals: dict[QueueId, list[tuple[float, float | None]]] = {q: [] for q in scenario.demand}
    last_s = 0.0
    for queue, at, service_s in rows:
        at_s = (at - first).total_seconds() if isinstance(at, datetime) else at
        last_s = max(last_s, at_s)
        arrivals.setdefault(queue, []).append((at_s, service_s))
    demand = {
        queue: replace(
            scenario.demand.get(queue) or Demand(_known(found) or _USUAL), recorded=tuple(found)
        )
        for queue, found in arrivals.items()
    }
    return replace(scenario, demand=demand), max(1, ceil((last_s + 1.0) / DAY_S))


def _known(arrivals: list[tuple[float, float | None]]) -> Lengths | None:
    known = [service_s for _, service_s in arrivals if service_s is not None]
    return Lengths.of(known) if known else None


def _read(
    path: Path, queues: Mapping[QueueId, object]
) -> list[tuple[QueueId, datetime | float, float | None]]:
    wrong: list[str] = []
    found: list[tuple[QueueId, datetime | float, float | None]] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            for name in ("queue", "arrived_at"):
                if name not in (reader.fieldnames or ()):
                    raise BadScenario(f"{path}: {name}: this column is missing")
            for row in reader:
                try:
                    found.append(_row(row, queues))
                except BadScenario as error:
                    wrong.append(f"line {reader.line_num}: {error}")
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadScenario(f"{path}: not a CSV file in UTF-8: {error}") from error
    if wrong:
        more = [f"and {len(wrong) - _MOST_TOLD} more"] if len(wrong) > _MOST_TOLD else []
        raise BadScenario("\n  ".join([f"{path}:", *wrong[:_MOST_TOLD], *more]))
    if not found:
        raise BadScenario(f"{path}: no visits in it")
    return found


def _row(
    row: Mapping[str, str | None], queues: Mapping[QueueId, object]
) -> tuple[QueueId, datetime | float, float | None]:
    queue = QueueId((row["queue"] or "").strip())
    if queue not in queues:
        raise BadScenario(f"queue: there is no queue {queue!r}")
    at = _moment((row["arrived_at"] or "").strip())
    service = (row.get("service_s") or "").strip()
    service_s = _number(service)
    if service and (service_s is None or not 0 <= service_s <= DAY_S):
        raise BadScenario(f"service_s: {service!r} is no number of seconds up to a day")
    return queue, at, service_s


def _moment(text: str) -> datetime | float:
    seconds = _number(text)
    if seconds is not None:
        if seconds < 0:
            raise BadScenario("arrived_at: seconds from 0")
        return seconds
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadScenario(
            f"arrived_at: {text!r} is neither a date and time nor a number of seconds"
        ) from None
    return at.astimezone(LOCAL) if at.tzinfo else at.replace(tzinfo=LOCAL)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None
