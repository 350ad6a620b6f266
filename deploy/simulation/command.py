"""What happens at `virtual-window simulate`? Scenarios are read, run, and shown."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import msgspec
from tqdm import tqdm

from deploy.settings import Settings
from deploy.simulation import chart, from_database, recorded, scenario_file, table, what_if
from deploy.simulation.demo_day import demo_day
from scheduling.duty import LOCAL
from scheduling.scenario import BadScenario, Scenario
from scheduling.simulate import simulate
from scheduling.tally import Result


def run(chosen: argparse.Namespace, settings: Settings) -> int:
    """The exit code. Raises BadScenario, which says what is wrong."""
    if not 1 <= chosen.days <= 3660:
        raise BadScenario("days: 1 to 3660")
    scenarios = [("", _scenario(chosen, settings))]
    days = chosen.days
    if chosen.compare is not None:
        scenarios.append((chosen.compare.name, scenario_file.read(chosen.compare)))
    if chosen.arrivals is not None:
        named = [(name, recorded.with_arrivals(s, chosen.arrivals)) for name, s in scenarios]
        days = max(of for _, (_, of) in named)
        scenarios = [(name, scenario) for name, (scenario, _) in named]
    if chosen.clerks:
        last = scenarios[-1][1]
        scenarios.append((" ".join(chosen.clerks), what_if.with_clerks(last, chosen.clerks)))
        scenarios = [scenarios[0], scenarios[-1]]
    if chosen.save is not None:
        scenario_file.write(chosen.save, scenarios[0][1])
    results = [_run(scenario, days, chosen.seed) for _, scenario in scenarios]
    if chosen.plot is not None:
        names = ["before", scenarios[1][0]] if len(scenarios) > 1 else [""]
        chosen.plot.write_text(
            chart.drawn(list(zip(names, results, strict=True))), encoding="utf-8"
        )
    print(_as_json(results) if chosen.json else _as_text(results))
    return 0


def _scenario(chosen: argparse.Namespace, settings: Settings) -> Scenario:
    if chosen.demo:
        return demo_day()
    if chosen.scenario is not None:
        return scenario_file.read(chosen.scenario)
    try:
        on = date.fromisoformat(chosen.date) if chosen.date else datetime.now(LOCAL).date()
    except ValueError:
        raise BadScenario(f"date: {chosen.date!r} is not written like 2026-11-30") from None
    return asyncio.run(from_database.read(settings, on, past=chosen.arrivals is None))


def _run(scenario: Scenario, days: int, seed: int) -> Result:
    with _bar() as progress:
        return simulate(scenario, days=days, seed=seed, progress=progress)


@contextmanager
def _bar() -> Iterator[Callable[[float], None] | None]:
    """A progress bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    with tqdm(total=100, unit="%", bar_format="{l_bar}{bar}| {remaining} left", leave=False) as bar:
        yield lambda share: bar.update(100.0 * share - bar.n)


def _as_text(results: list[Result]) -> str:
    if len(results) == 1:
        return table.one(results[0])
    return table.two(*results)


def _as_json(results: list[Result]) -> str:
    """One result, or a list of the two that are compared."""
    written: Any = results[0] if len(results) == 1 else results
    return msgspec.json.format(msgspec.json.encode(written), indent=2).decode()
