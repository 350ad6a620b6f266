"""What do the rules, shifts and visits in the database make as a scenario?

Rules, skills and agreements are those of the day; shifts are those planned for it; who comes, for
how long, and how long residents wait before they leave are what the four weeks before were like.
Reads only, also beside a running service.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deploy import database
from deploy.settings import Settings
from scheduling.catalogue import Catalogue
from scheduling.duty import LOCAL
from scheduling.registry import Registry
from scheduling.roster import Roster
from scheduling.rulebook import listings, read_rules, read_skills
from scheduling.rules import Priority, Queue, Rules, Skills
from scheduling.scenario import SLOTS, BadScenario, Demand, Lengths, Plan, Scenario
from scheduling.shifts import Shift
from scheduling.standing import usual_s
from scheduling.tables import visits
from scheduling.visit import ClerkId, State

WEEKS = 4
FEW = 10  # with fewer recorded lengths a queue's are the catalogue's
T = TypeVar("T")


async def read(settings: Settings, on: date, *, past: bool) -> Scenario:
    """The scenario of this day, with `past` after the visits of late. Raises BadScenario."""
    place = settings.database
    if isinstance(place, Path) and not place.exists():
        raise BadScenario(f"scenario: there is no database {place}; give --scenario or --demo")
    engine = database.open_engine(place)
    try:
        return await _read(engine, on, past=past)
    finally:
        await engine.dispose()


async def _read(engine: AsyncEngine, on: date, *, past: bool) -> Scenario:
    catalogue = await Registry(engine).catalogue()
    async with engine.connect() as connection:
        rules = await read_rules(connection)
        skills = await read_skills(connection)
        came = await _came(connection, on)
        partners = {
            queue.id: await listings(connection, rules, queue.city, queue.matters[0], on)
            for queue in rules.queues.values()
        }
    if past and not came:
        raise BadScenario(
            f"arrivals: no visits in the {WEEKS} weeks before {on}; give --arrivals or --demo"
        )
    days = len({row.taken_at.astimezone(LOCAL).date() for row in came}) or 1
    patience = _patience(came)
    demand = {}
    for queue in rules.queues.values():
        own = [row for row in came if row.queue == queue.id]
        also, allowed = partners[queue.id]
        demand[queue.id] = Demand(
            _lengths(own, queue, catalogue),
            _per_half_hour(own, days),
            patience=patience,
            priorities=_shares(Priority(row.priority) for row in own),
            languages=_wishes(own),
            also=tuple(also),
            allowed=tuple(allowed),
            stay=sum(row.stays for row in own) / len(own) if own else 0.0,
        )
    return Scenario(rules, demand, await _plans(engine, rules, skills, on))


async def _came(connection: AsyncConnection, on: date) -> Sequence[Any]:
    until = datetime.combine(on, time(0), LOCAL)
    rows = await connection.execute(
        sa.select(
            visits.c.queue, visits.c.taken_at, visits.c.priority, visits.c.wish, visits.c.stays,
            visits.c.state, visits.c.response_s, visits.c.waits_since, visits.c.accepted_at,
            visits.c.ended_at, visits.c.closed_at,
        ).where(visits.c.taken_at < until, visits.c.taken_at >= until - timedelta(weeks=WEEKS))
    )  # fmt: skip
    return rows.all()


async def _plans(
    engine: AsyncEngine, rules: Rules, skills: Mapping[ClerkId, Skills], on: date
) -> tuple[Plan, ...]:
    """Every clerk with a shift that day, for the queues that the shift names."""
    midnight = datetime.combine(on, time(0), LOCAL)
    planned: dict[ClerkId, list[Shift]] = {}
    for city in dict.fromkeys(queue.city for queue in rules.queues.values()):
        for shift in await Roster(engine).week(city, on):
            if shift.starts_at.astimezone(LOCAL).date() == on and shift.clerk in skills:
                planned.setdefault(shift.clerk, []).append(shift)
    if not planned:
        raise BadScenario(f"date: nobody has a shift on {on}; plan some or choose another --date")
    return tuple(
        Plan(
            _for_queues(skills[clerk], shifts),
            tuple(
                (
                    (shift.starts_at - midnight).total_seconds(),
                    (shift.ends_at - midnight).total_seconds(),
                )
                for shift in shifts
            ),
        )
        for clerk, shifts in planned.items()
    )


def _for_queues(skills: Skills, shifts: Sequence[Shift]) -> Skills:
    """The skills that the shifts of the day leave; a shift for some queues limits the whole day."""
    named = [set(shift.queues) for shift in shifts if shift.queues is not None]
    if not named:
        return skills
    served = set().union(*named)
    levels = {queue: level for queue, level in skills.levels.items() if queue in served}
    return Skills(skills.clerk, levels, skills.languages, skills.capacity)


def _lengths(came: Sequence[Any], queue: Queue, catalogue: Catalogue) -> Lengths:
    """From accept to the closed record."""
    known = [
        (free_at - row.accepted_at).total_seconds()
        for row in came
        if row.accepted_at is not None
        and (free_at := row.closed_at or row.ended_at) is not None
        and free_at >= row.accepted_at
    ]
    return Lengths(usual_s(queue, catalogue)) if len(known) < FEW else Lengths.of(known)


def _per_half_hour(came: Sequence[Any], days: int) -> tuple[float, ...]:
    counted = [0] * SLOTS
    for row in came:
        local = row.taken_at.astimezone(LOCAL)
        counted[local.hour * 2 + local.minute // 30] += 1
    return tuple(number / days for number in counted)


def _patience(came: Sequence[Any]) -> Lengths | None:
    """All time waited over those who left: what exponential patience would be."""
    left = [row for row in came if row.state == State.LEFT and row.response_s is None]
    if not left:
        return None
    waited_s = sum((row.closed_at - row.waits_since).total_seconds() for row in left)
    waited_s += sum(row.response_s for row in came if row.response_s is not None)
    return Lengths(min(max(waited_s / len(left), 60.0), 86_400.0), "exponential")


def _wishes(came: Sequence[Any]) -> dict[str, float]:
    """Shares of all visits; those without a wish are the rest."""
    shares = _shares(row.wish for row in came)
    shares.pop("", None)
    return shares


def _shares(drawn: Iterable[T]) -> dict[T, float]:
    counted = Counter(drawn)
    return {each: number / counted.total() for each, number in counted.items()}
