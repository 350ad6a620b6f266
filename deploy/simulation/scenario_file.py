"""How is a scenario written down? JSON, typed; what cannot be right is refused with its field.

Times of day are written like `09:00`, everything else as in `scheduling/scenario.py` and
`scheduling/rules.py`. `virtual-window simulate --save` writes one to begin with.
"""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Literal

import msgspec

from scheduling.duty import BadHours, clock, minute
from scheduling.rules import (
    BadRule,
    Language,
    Level,
    Overflow,
    Priority,
    Queue,
    QueueId,
    Rules,
    Skills,
    When,
    check_head_starts,
    check_overflows,
    check_queue,
    check_skills,
)
from scheduling.scenario import BadScenario, Demand, Habits, Lengths, Plan, Scenario
from scheduling.visit import CityCode, ClerkId, MatterCode

_MINUTE_S = 60.0


class LengthsInFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`mean_s` and a kind, or the `recorded` ones alone."""

    mean_s: float | None = None
    kind: Literal["lognormal", "exponential", "fixed"] = "lognormal"
    cv: float = 0.6
    recorded: tuple[float, ...] = ()

    def lengths(self, where: str) -> Lengths:
        if self.recorded:
            return Lengths.of(self.recorded)
        if self.mean_s is None:
            raise BadScenario(f"{where}.mean_s: missing, and there are no recorded ones")
        return Lengths(self.mean_s, self.kind, self.cv)

    @staticmethod
    def of(lengths: Lengths) -> "LengthsInFile":
        if lengths.kind == "recorded":
            return LengthsInFile(recorded=lengths.recorded)
        return LengthsInFile(lengths.mean_s, lengths.kind, lengths.cv)


class DemandInFile(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Who comes to a queue: visits each half hour by its beginning, `{"09:00": 4.5}`."""

    per_half_hour: dict[str, float] = {}
    service: LengthsInFile
    wrap_up: LengthsInFile = LengthsInFile(0.0, "fixed")
    patience: LengthsInFile | None = None
    priorities: dict[Priority, float] = {}
    languages: dict[Language, float] = {}
    also: tuple[QueueId, ...] = ()
    allowed: tuple[QueueId, ...] = ()
    stay: float = 0.0


class QueueInFile(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A queue with who comes to it; without `demand` nobody does."""

    id: QueueId
    city: CityCode
    name_zh: str
    name_en: str
    letter: str
    matters: tuple[MatterCode, ...]
    kind: Literal["ordinary", "escalation"] = "ordinary"
    ring_s: float = 20.0
    language_after_s: float = 120.0
    backup_after_s: float = 60.0
    named_after_s: float = 120.0
    may_pull: bool = False
    target_s: float = 60.0
    target_share: float = 0.9
    capacity: int = 2
    demand: DemandInFile | None = None


class OverflowInFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule of overflow."""

    queue: QueueId
    partner: QueueId
    when: When
    threshold: float = 0.0


class ClerksInFile(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A clerk, or `count` like them, and their shifts of a day: `[["09:00", "12:00"], …]`."""

    id: str
    count: int = 1
    levels: dict[QueueId, Level]
    languages: tuple[Language, ...] = ("cmn",)
    capacity: int = 1
    shifts: tuple[tuple[str, str], ...]


class HabitsInFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How clerks answer."""

    accept_s: float = 0.0
    missed: float = 0.0
    declined: float = 0.0
    back_s: float = 120.0


class ScenarioInFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole scenario."""

    queues: tuple[QueueInFile, ...]
    clerks: tuple[ClerksInFile, ...]
    overflows: tuple[OverflowInFile, ...] = ()
    head_starts_s: dict[CityCode, dict[Priority, float]] = {}
    habits: HabitsInFile = HabitsInFile()
    look_s: float = 10.0


def read(path: Path) -> Scenario:
    """Raises BadScenario, which names the file and the field."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=ScenarioInFile)
        scenario = _scenario(found)
        scenario.check()
    except (msgspec.DecodeError, BadScenario, BadRule, BadHours) as error:
        raise BadScenario(f"{path}: {error}") from error
    return scenario


def write(path: Path, scenario: Scenario) -> None:
    """The scenario as a file that `read` reads; recorded arrivals are not in it."""
    written = msgspec.json.encode(_in_file(scenario))
    path.write_bytes(msgspec.json.format(written, indent=1) + b"\n")


def _scenario(found: ScenarioInFile) -> Scenario:
    queues: dict[QueueId, Queue] = {}
    demand: dict[QueueId, Demand] = {}
    matters = {matter for queue in found.queues for matter in queue.matters}
    for number, each in enumerate(found.queues):
        where = f"queues[{number}]"
        if each.id in queues:
            raise BadScenario(f"{where}.id: there are two queues {each.id}")
        values = msgspec.structs.asdict(each)
        values.pop("demand")
        queue = Queue(**values)
        _at(where, lambda queue=queue: check_queue(queue, queues.values(), matters))  # type: ignore[misc]
        queues[each.id] = queue
        if each.demand is not None:
            demand[each.id] = _demand(f"{where}.demand", each.demand)
    overflows = tuple(Overflow(**msgspec.structs.asdict(rule)) for rule in found.overflows)
    check_overflows(overflows, queues)
    for city, starts_s in found.head_starts_s.items():
        _at(f"head_starts_s.{city}", lambda starts_s=starts_s: check_head_starts(starts_s))  # type: ignore[misc]
    return Scenario(
        Rules(queues, overflows, found.head_starts_s or None),
        demand,
        tuple(
            plan
            for number, clerks in enumerate(found.clerks)
            for plan in _plans(f"clerks[{number}]", clerks, queues)
        ),
        Habits(**msgspec.structs.asdict(found.habits)),
        found.look_s,
    )


def _demand(where: str, found: DemandInFile) -> Demand:
    rates = [0.0] * 48
    for begin, visits in found.per_half_hour.items():
        at = minute(begin, f"{where}.per_half_hour")
        if at % 30 or at >= 24 * 60:
            raise BadScenario(f"{where}.per_half_hour: {begin} is not where a half hour begins")
        rates[at // 30] = visits
    return Demand(
        found.service.lengths(f"{where}.service"),
        tuple(rates),
        wrap_up=found.wrap_up.lengths(f"{where}.wrap_up"),
        patience=found.patience.lengths(f"{where}.patience") if found.patience else None,
        priorities=found.priorities,
        languages={str(wish): share for wish, share in found.languages.items()},
        also=found.also,
        allowed=found.allowed,
        stay=found.stay,
    )


def _plans(where: str, found: ClerksInFile, queues: dict[QueueId, Queue]) -> list[Plan]:
    if not 1 <= found.count <= 10_000:
        raise BadScenario(f"{where}.count: 1 to 10,000 clerks")
    skills = Skills(ClerkId(found.id), found.levels, frozenset(found.languages), found.capacity)
    _at(where, lambda: check_skills(skills, queues))
    spans = tuple(
        (
            _MINUTE_S * minute(begin, f"{where}.shifts"),
            _MINUTE_S * minute(end, f"{where}.shifts"),
        )
        for begin, end in found.shifts
    )
    names = [found.id] if found.count == 1 else [f"{found.id}-{n + 1}" for n in range(found.count)]
    return [Plan(replace(skills, clerk=ClerkId(name)), spans) for name in names]


def _at(where: str, check: Callable[[], None]) -> None:
    """Check a rule; what is wrong with it is said with where it stands."""
    try:
        check()
    except BadRule as error:
        raise BadScenario(f"{where}.{error}") from error


def _in_file(scenario: Scenario) -> ScenarioInFile:
    return ScenarioInFile(
        queues=tuple(
            QueueInFile(
                **asdict(queue),
                demand=_demand_in_file(scenario.demand[queue.id])
                if queue.id in scenario.demand
                else None,
            )
            for queue in scenario.rules.queues.values()
        ),
        clerks=tuple(
            ClerksInFile(
                id=plan.skills.clerk,
                levels=dict(plan.skills.levels),
                languages=tuple(sorted(plan.skills.languages)),  # type: ignore[arg-type]
                capacity=plan.skills.capacity,
                shifts=tuple(
                    (clock(int(begin_s // 60)), clock(int(end_s // 60)))
                    for begin_s, end_s in plan.spans
                ),
            )
            for plan in scenario.clerks
        ),
        overflows=tuple(OverflowInFile(**asdict(rule)) for rule in scenario.rules.overflows),
        head_starts_s={
            city: dict(starts_s) for city, starts_s in (scenario.rules.head_starts_s or {}).items()
        },
        habits=HabitsInFile(**asdict(scenario.habits)),
        look_s=scenario.look_s,
    )


def _demand_in_file(demand: Demand) -> DemandInFile:
    return DemandInFile(
        per_half_hour={
            clock(slot * 30): rate for slot, rate in enumerate(demand.per_half_hour) if rate
        },
        service=LengthsInFile.of(demand.service),
        wrap_up=LengthsInFile.of(demand.wrap_up),
        patience=LengthsInFile.of(demand.patience) if demand.patience else None,
        priorities=dict(demand.priorities),
        languages=dict(demand.languages),  # type: ignore[arg-type]
        also=demand.also,
        allowed=demand.allowed,
        stay=demand.stay,
    )
