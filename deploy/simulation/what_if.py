"""What if there were more clerks, or fewer? `+2@queue` and `-1@queue`, applied to a scenario."""

import re
from collections.abc import Iterable
from dataclasses import replace

from scheduling.rules import Level, QueueId, Skills
from scheduling.scenario import BadScenario, Plan, Scenario
from scheduling.visit import ClerkId


def with_clerks(scenario: Scenario, wishes: Iterable[str]) -> Scenario:
    """New clerks serve the queue alone, with the shifts of those it has; others go from the end.

    Raises BadScenario.
    """
    for number, wish in enumerate(wishes, start=1):
        scenario = _changed(scenario, wish, number)
    return scenario


def _changed(scenario: Scenario, wish: str, number: int) -> Scenario:
    found = re.fullmatch(r"([+-][1-9][0-9]{0,3})@(.+)", wish)
    if found is None:
        raise BadScenario(f"clerks: {wish!r} is not written like +2@QUEUE")
    by, queue = int(found[1]), QueueId(found[2])
    if queue not in scenario.rules.queues:
        raise BadScenario(f"clerks: there is no queue {queue}")
    its = [plan for plan in scenario.clerks if queue in plan.skills.levels]
    if by > 0:
        spans = [plan.spans for plan in its] or [plan.spans for plan in scenario.clerks]
        if not spans:
            raise BadScenario(f"clerks: nobody's shifts could be those of new clerks of {queue}")
        new = tuple(
            Plan(
                Skills(ClerkId(f"new-{number}-{n + 1}"), {queue: Level.PRIMARY}),
                spans[n % len(spans)],
            )
            for n in range(by)
        )
        return replace(scenario, clerks=(*scenario.clerks, *new))
    if len(its) < -by:
        raise BadScenario(f"clerks: {queue} has {len(its)} clerks, not {-by}")
    gone = {plan.skills.clerk for plan in its[by:]}
    kept = tuple(plan for plan in scenario.clerks if plan.skills.clerk not in gone)
    return replace(scenario, clerks=kept)
