"""Where are the rules kept? Queues, skills, head starts, overflow and agreements in the database.

The only writer of these tables. What is refused is refused whole: an import changes nothing if
one row is bad. `rules.py` says what is bad. Changes queue up behind the cities' rows, so that each
is checked against all the others; whoever names the version they have `seen` is refused with
Stale if it is not so any more (`versions.py`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from scheduling import visit
from scheduling.calendar_tables import bookings
from scheduling.catalogue import Catalogue
from scheduling.imports import Sheet
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
from scheduling.skill_sheet import read_skills_sheet
from scheduling.tables import (
    agreements,
    cities,
    consults,
    head_starts,
    overflows,
    queues,
    skills,
    visits,
    windows,
)
from scheduling.versions import check_seen
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

    def in_force(self, day: date) -> bool:
        """Whether it holds on this day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


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

    async def put_queue(
        self, queue: Queue, position: int | None = None, *, seen: str | None = None
    ) -> Queue | None:
        """A new queue, or new rules of one; what it was before. Raises BadRule, Stale."""
        async with self._engine.begin() as connection:
            rules = await self._turn(connection)
            before = rules.queues.get(queue.id)
            check_seen("queue", seen, before)
            if before is not None and before.city != queue.city:
                raise BadRule("city: a queue stays with its city")
            known = [m.code for m in self._catalogue.all() if queue.city in m.cities]
            check_queue(queue, rules.queues.values(), known)
            _check_partners(queue, rules)
            values = asdict(queue) | {"matters": list(queue.matters)}
            if before is None:
                last = await connection.scalar(sa.select(sa.func.max(queues.c.position)))
                place = position if position is not None else (last or 0) + 1
                await connection.execute(sa.insert(queues).values(position=place, **values))
            else:
                await connection.execute(
                    sa.update(queues).where(queues.c.id == queue.id).values(**values)
                )
            return before

    async def delete_queue(self, queue: QueueId, *, seen: str | None = None) -> None:
        """Raises BadRule for a queue that visits or appointments name, for their record; Stale."""
        async with self._engine.begin() as connection:
            rules = await self._turn(connection)
            check_seen("queue", seen, rules.queues.get(queue))
            for table, made in ((visits, "visits were"), (bookings, "appointments were")):
                used = await connection.scalar(
                    sa.select(table.c.id).where(table.c.queue == queue).limit(1)
                )
                if used is not None:
                    raise BadRule(f"queue: {made} made in it; give its matters to another instead")
            if await _is_listed(connection, queue):
                raise BadRule(
                    "queue: visits of another city stand in its line, or a clerk asks it;"
                    " end the rule or agreement that leads to it, and wait until they are done"
                )
            await connection.execute(sa.delete(skills).where(skills.c.queue == queue))
            await connection.execute(
                sa.delete(overflows).where(
                    sa.or_(overflows.c.queue == queue, overflows.c.partner == queue)
                )
            )
            await connection.execute(sa.delete(queues).where(queues.c.id == queue))

    async def put_overflows(
        self, city: str, wanted: Sequence[Overflow], *, seen: str | None = None
    ) -> tuple[Overflow, ...]:
        """All overflow rules of a city's queues, in place of those before, which are returned.

        Raises BadRule, Stale.
        """
        async with self._engine.begin() as connection:
            rules = await self._turn(connection)
            before = overflows_of(rules, city)
            check_seen("overflows", seen, before)
            for number, rule in enumerate(wanted):
                queue = rules.queues.get(rule.queue)
                if queue is None or queue.city != city:
                    raise BadRule(f"overflows[{number}].queue: not a queue of this city")
            others = [r for r in rules.overflows if rules.queues[r.queue].city != city]
            check_overflows(wanted, rules.queues, beside=others)
            own = [queue.id for queue in rules.queues.values() if queue.city == city]
            await connection.execute(sa.delete(overflows).where(overflows.c.queue.in_(own)))
            if wanted:
                await connection.execute(sa.insert(overflows), [asdict(rule) for rule in wanted])
            return before

    async def put_head_starts(
        self, city: str, starts_s: Mapping[Priority, float], *, seen: str | None = None
    ) -> dict[Priority, float]:
        """The city's head starts; tickets taken from now on follow them. Raises BadRule, Stale.

        Returns those before.
        """
        check_head_starts(starts_s)
        async with self._engine.begin() as connection:
            before = head_starts_of(await self._turn(connection), city)
            check_seen("head_starts", seen, before)
            await connection.execute(sa.delete(head_starts).where(head_starts.c.city == city))
            rows = [{"city": city, "priority": p, "seconds": s} for p, s in starts_s.items()]
            if rows:
                await connection.execute(sa.insert(head_starts), rows)
            return before

    async def put_skills(
        self, wanted: Iterable[Skills], *, seen: Mapping[ClerkId, str] | None = None
    ) -> dict[ClerkId, Skills]:
        """The skills of these clerks, in place of those before, all or nothing.

        Returns those before. Raises BadRule, Stale.
        """
        async with self._engine.begin() as connection:
            rules = await self._turn(connection)
            return await _replace_skills(connection, rules, list(wanted), seen or {})

    async def take_in_skills(
        self, city: str, content: bytes, *, dry_run: bool
    ) -> tuple[Sheet, dict[ClerkId, Skills], list[Skills]]:
        """The skills a CSV file names for a city's clerks, or only what they would be; and before.

        All or nothing. Raises BadImport with every fault.
        """
        async with self._engine.begin() as connection:
            rules = await self._turn(connection)
            own = sa.select(windows.c.clerk).where(windows.c.city == city)
            clerks = [row.clerk for row in await connection.execute(own)]
            before = await read_skills(connection, clerks)
            known = [queue.id for queue in rules.queues.values() if queue.city == city]
            sheet, after = read_skills_sheet(content, before=before, queues=known)
            if not dry_run:
                await _replace_skills(connection, rules, after, {})
            return sheet, before, after

    async def put_agreement(
        self, agreement: Agreement, *, seen: str | None = None
    ) -> Agreement | None:
        """A new agreement, or new terms of one; what it was before. Raises BadRule, Stale."""
        if agreement.city == agreement.partner:
            raise BadRule("partner: an agreement is between two cities")
        if agreement.valid_to is not None and agreement.valid_to < agreement.valid_from:
            raise BadRule("valid_to: before valid_from")
        known = {m.code for m in self._catalogue.all() if agreement.city in m.cities}
        if not known:
            raise BadRule(f"city: there is no city {agreement.city}")
        if not agreement.matters:
            raise BadRule("matters: an agreement names at least one matter")
        for matter in agreement.matters:
            if matter not in known:
                raise BadRule(f"matters: there is no matter {matter} in {agreement.city}")
        values = asdict(agreement) | {"matters": list(agreement.matters)}
        async with self._engine.begin() as connection:
            await self._turn(connection)
            there = sa.select(cities.c.code).where(cities.c.code == agreement.partner)
            if await connection.scalar(there) is None:
                raise BadRule(f"partner: there is no city {agreement.partner}")
            same = agreements.c.id == agreement.id
            row = (await connection.execute(sa.select(agreements).where(same))).one_or_none()
            before = _agreement(row) if row is not None else None
            check_seen("agreement", seen, before)
            if before is None:
                await connection.execute(sa.insert(agreements).values(**values))
            else:
                await connection.execute(sa.update(agreements).where(same).values(**values))
            return before

    async def _turn(self, connection: AsyncConnection) -> Rules:
        """Wait until nobody else changes rules; visits go on meanwhile. The rules as they are."""
        everyone = sa.select(cities.c.code).order_by(cities.c.code)
        await connection.execute(everyone.with_for_update(key_share=True))
        return await read_rules(connection)


def overflows_of(rules: Rules, city: str) -> tuple[Overflow, ...]:
    """The overflow rules of a city's queues."""
    return tuple(rule for rule in rules.overflows if rules.queues[rule.queue].city == city)


def head_starts_of(rules: Rules, city: str) -> dict[Priority, float]:
    """Every head start of a city, also the usual ones."""
    return {priority: rules.head_start_s(city, priority) for priority in Priority}


def _check_partners(queue: Queue, rules: Rules) -> None:
    """An overflow rule leads to a queue that serves some of the same matters; it stays so."""
    for rule in rules.overflows:
        if queue.id not in (rule.queue, rule.partner):
            continue
        other = rules.queues[rule.partner if rule.queue == queue.id else rule.queue]
        if not set(other.matters) & set(queue.matters):
            raise BadRule(
                f"matters: an overflow rule joins it with {other.id}, which would serve none of"
                " them; change that rule first"
            )


async def _is_listed(connection: AsyncConnection, queue: QueueId) -> bool:
    """Whether a visit of another queue that is not over is in this line, or a consult is."""
    asked = sa.select(consults.c.visit).where(consults.c.queue == queue).limit(1)
    if await connection.scalar(asked) is not None:
        return True
    over = (visit.State.CLOSED, visit.State.LEFT)
    rows = await connection.execute(
        sa.select(visits.c.also, visits.c.overflowed).where(
            sa.or_(visits.c.state.not_in(over), visits.c.at_kiosk)
        )
    )
    return any(queue in (*row.also, *row.overflowed) for row in rows)


async def _replace_skills(
    connection: AsyncConnection,
    rules: Rules,
    wanted: Sequence[Skills],
    seen: Mapping[ClerkId, str],
) -> dict[ClerkId, Skills]:
    clerks = [one.clerk for one in wanted]
    before = await read_skills(connection, clerks)
    for one in wanted:
        if clerks.count(one.clerk) > 1:
            raise BadRule(f"clerk: {one.clerk} is there twice")
        if one.clerk not in before:
            raise BadRule(f"clerk: there is no clerk {one.clerk}")
        check_seen(one.clerk, seen.get(one.clerk), before[one.clerk])
        check_skills(one, rules.queues)
        await connection.execute(
            sa.update(windows)
            .where(windows.c.clerk == one.clerk)
            .values(languages=sorted(one.languages), capacity=one.capacity)
        )
        await connection.execute(sa.delete(skills).where(skills.c.clerk == one.clerk))
        rows = [
            {"clerk": one.clerk, "queue": queue, "level": int(level)}
            for queue, level in one.levels.items()
        ]
        if rows:
            await connection.execute(sa.insert(skills), rows)
    return before


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
