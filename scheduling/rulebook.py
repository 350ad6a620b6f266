"""Where are the rules kept? Queues, skills, head starts, overflow and agreements in the database.

The only writer of these tables. What is refused is refused whole: an import changes nothing if
one row is bad. `rules.py` says what is bad.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from scheduling.calendar_tables import bookings
from scheduling.catalogue import Catalogue
from scheduling.rules import (
    BadRule,
    Level,
    Overflow,
    Priority,
    Queue,
    QueueId,
    Rules,
    Skills,
    check_head_starts,
    check_overflows,
    check_queue,
    check_skills,
)
from scheduling.tables import agreements, head_starts, overflows, queues, skills, visits, windows
from scheduling.visit import CityCode, ClerkId, MatterCode


@dataclass(frozen=True, slots=True)
class Agreement:
    """Clerks of `partner` may handle these matters of `city`, from day to day (inclusive).

    `always`: visits are listed in both cities at once. `overflow`: only where a rule says so.
    """

    id: str
    city: CityCode
    partner: CityCode
    matters: tuple[MatterCode, ...]
    kind: Literal["always", "overflow"]
    valid_from: date
    valid_to: date | None = None


class Rulebook:
    """Reads and changes the rules."""

    def __init__(self, engine: AsyncEngine, catalogue: Catalogue) -> None:
        self._engine, self._catalogue = engine, catalogue

    async def rules(self) -> Rules:
        """All rules as they are now."""
        async with self._engine.connect() as connection:
            return await read_rules(connection)

    async def skills(self) -> dict[ClerkId, Skills]:
        """The skills of every clerk."""
        async with self._engine.connect() as connection:
            return await read_skills(connection)

    async def agreements(self) -> list[Agreement]:
        """All agreements, also those not in force."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(sa.select(agreements).order_by(agreements.c.id))
            return [_agreement(row) for row in rows]

    async def put_queue(self, queue: Queue, position: int | None = None) -> None:
        """A new queue, or new rules of one. Raises BadRule."""
        async with self._engine.begin() as connection:
            rules = await read_rules(connection)
            known = [m.code for m in self._catalogue.all() if queue.city in m.cities]
            check_queue(queue, rules.queues.values(), known)
            before = rules.queues.get(queue.id)
            if before is not None and before.city != queue.city:
                raise BadRule("city: a queue stays with its city")
            values = asdict(queue) | {"matters": list(queue.matters)}
            if before is None:
                last = await connection.scalar(sa.select(sa.func.max(queues.c.position)))
                place = position if position is not None else (last or 0) + 1
                await connection.execute(sa.insert(queues).values(position=place, **values))
            else:
                await connection.execute(
                    sa.update(queues).where(queues.c.id == queue.id).values(**values)
                )

    async def delete_queue(self, queue: QueueId) -> None:
        """Raises BadRule for a queue that visits or appointments name, for their record."""
        async with self._engine.begin() as connection:
            for table, made in ((visits, "visits were"), (bookings, "appointments were")):
                used = await connection.scalar(
                    sa.select(table.c.id).where(table.c.queue == queue).limit(1)
                )
                if used is not None:
                    raise BadRule(f"queue: {made} made in it; give its matters to another instead")
            await connection.execute(sa.delete(skills).where(skills.c.queue == queue))
            await connection.execute(
                sa.delete(overflows).where(
                    sa.or_(overflows.c.queue == queue, overflows.c.partner == queue)
                )
            )
            await connection.execute(sa.delete(queues).where(queues.c.id == queue))

    async def put_overflows(self, city: str, wanted: Sequence[Overflow]) -> None:
        """All overflow rules of a city's queues, in place of those before. Raises BadRule."""
        async with self._engine.begin() as connection:
            rules = await read_rules(connection)
            for number, rule in enumerate(wanted):
                queue = rules.queues.get(rule.queue)
                if queue is None or queue.city != city:
                    raise BadRule(f"overflows[{number}].queue: not a queue of this city")
            others = [r for r in rules.overflows if rules.queues[r.queue].city != city]
            check_overflows([*wanted, *others], rules.queues)
            own = [queue.id for queue in rules.queues.values() if queue.city == city]
            await connection.execute(sa.delete(overflows).where(overflows.c.queue.in_(own)))
            if wanted:
                await connection.execute(sa.insert(overflows), [asdict(rule) for rule in wanted])

    async def put_head_starts(self, city: str, starts_s: Mapping[Priority, float]) -> None:
        """The city's head starts; tickets taken from now on follow them. Raises BadRule."""
        check_head_starts(starts_s)
        async with self._engine.begin() as connection:
            await connection.execute(sa.delete(head_starts).where(head_starts.c.city == city))
            rows = [{"city": city, "priority": p, "seconds": s} for p, s in starts_s.items()]
            if rows:
                await connection.execute(sa.insert(head_starts), rows)

    async def put_skills(self, wanted: Iterable[Skills]) -> None:
        """The skills of these clerks, in place of those before, all or nothing. Raises BadRule."""
        async with self._engine.begin() as connection:
            rules = await read_rules(connection)
            for one in wanted:
                check_skills(one, rules.queues)
                changed = await connection.execute(
                    sa.update(windows)
                    .where(windows.c.clerk == one.clerk)
                    .values(languages=sorted(one.languages), capacity=one.capacity)
                )
                if changed.rowcount == 0:
                    raise BadRule(f"clerk: there is no clerk {one.clerk}")
                await connection.execute(sa.delete(skills).where(skills.c.clerk == one.clerk))
                rows = [
                    {"clerk": one.clerk, "queue": queue, "level": int(level)}
                    for queue, level in one.levels.items()
                ]
                if rows:
                    await connection.execute(sa.insert(skills), rows)

    async def put_agreement(self, agreement: Agreement) -> None:
        """A new agreement, or new terms of one. Raises BadRule."""
        if agreement.city == agreement.partner:
            raise BadRule("partner: an agreement is between two cities")
        if agreement.valid_to is not None and agreement.valid_to < agreement.valid_from:
            raise BadRule("valid_to: before valid_from")
        known = {m.code for m in self._catalogue.all() if agreement.city in m.cities}
        for matter in agreement.matters:
            if matter not in known:
                raise BadRule(f"matters: there is no matter {matter} in {agreement.city}")
        values = asdict(agreement) | {"matters": list(agreement.matters)}
        async with self._engine.begin() as connection:
            changed = await connection.execute(
                sa.update(agreements).where(agreements.c.id == agreement.id).values(**values)
            )
            if changed.rowcount == 0:
                await connection.execute(sa.insert(agreements).values(**values))


async def read_rules(connection: AsyncConnection) -> Rules:
    """All rules, inside a transaction."""
    found = await connection.execute(sa.select(queues).order_by(queues.c.city, queues.c.position))
    starts: dict[CityCode, dict[Priority, float]] = {}
    for row in await connection.execute(sa.select(head_starts)):
        starts.setdefault(row.city, {})[Priority(row.priority)] = row.seconds
    rules = await connection.execute(
        sa.select(overflows).order_by(overflows.c.queue, overflows.c.partner, overflows.c.when)
    )
    return Rules(
        {row.id: _queue(row) for row in found},
        tuple(Overflow(**row._mapping) for row in rules),
        starts,
    )


async def read_skills(
    connection: AsyncConnection, clerks: Sequence[ClerkId] | None = None
) -> dict[ClerkId, Skills]:
    """The skills of these clerks, or of all, inside a transaction."""
    levels: dict[ClerkId, dict[QueueId, Level]] = {}
    found = sa.select(skills)
    people = sa.select(windows.c.clerk, windows.c.languages, windows.c.capacity)
    if clerks is not None:
        found = found.where(skills.c.clerk.in_(clerks))
        people = people.where(windows.c.clerk.in_(clerks))
    for row in await connection.execute(found):
        levels.setdefault(row.clerk, {})[row.queue] = Level(row.level)
    return {
        row.clerk: Skills(
            row.clerk, levels.get(row.clerk, {}), frozenset(row.languages), row.capacity
        )
        for row in await connection.execute(people)
    }


async def listings(
    connection: AsyncConnection, rules: Rules, city: str, matter: str, day: date
) -> tuple[list[QueueId], list[QueueId]]:
    """Partner queues that a visit of this matter is listed in at once, and may overflow into."""
    rows = await connection.execute(
        sa.select(agreements).where(
            agreements.c.city == city,
            agreements.c.valid_from <= day,
            sa.or_(agreements.c.valid_to.is_(None), agreements.c.valid_to >= day),
        )
    )
    at_once: list[QueueId] = []
    allowed: list[QueueId] = []
    for agreement in map(_agreement, rows):
        queue = rules.queue_of(agreement.partner, matter)
        if matter in agreement.matters and queue is not None:
            (at_once if agreement.kind == "always" else allowed).append(queue.id)
    return sorted(set(at_once)), sorted(set(allowed) - set(at_once))


def _queue(row: Any) -> Queue:
    values = {name: value for name, value in row._mapping.items() if name != "position"}
    return Queue(**values | {"matters": tuple(row.matters)})


def _agreement(row: Any) -> Agreement:
    return Agreement(**dict(row._mapping) | {"matters": tuple(row.matters)})
