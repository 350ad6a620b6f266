"""How does the router know what is so, and how do its offers become true? The router's shell.

One process at a time has a dispatcher. It reads the rules, the line and the windows once, then
only the rows it is told have changed, feeds the router, and commits what the router offers. What
turns out to have changed meanwhile is read again. Everything can be read anew at any time, so a
message that was lost costs a moment, never a ticket.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from scheduling import visit, window
from scheduling.catalogue import Catalogue
from scheduling.desk import Desk
from scheduling.offers import Offers
from scheduling.record import Consult, Visit, Window
from scheduling.routing import Offer, Router, Waiting
from scheduling.rows import Conflict
from scheduling.rulebook import read_rules, read_skills
from scheduling.service_level import read_shares
from scheduling.standing import read_residents, read_service_times
from scheduling.tables import consults, visits, windows
from scheduling.transfers import Transfers
from scheduling.visit import KioskId, VisitId

BATCH = 50  # offers of one transaction
SHARES_FRESH_S = 10.0
_CONSULT = "consult:"  # leads the router's name for a consult about a visit


class Dispatcher:
    """Keeps the router and commits its offers. `present` says whose kiosk has a line now."""

    def __init__(
        self,
        engine: AsyncEngine,
        catalogue: Catalogue,
        *,
        desk: Desk,
        offers: Offers,
        transfers: Transfers,
        present: Callable[[KioskId], bool],
    ) -> None:
        self._engine, self._catalogue = engine, catalogue
        self._desk, self._offers, self._transfers = desk, offers, transfers
        self._present = present
        self._router: Router | None = None
        self._turn = asyncio.Lock()
        self._visits: set[str] = set()  # changed, and not looked at yet
        self._clerks: set[str] = set()
        self._shares_s = 0.0

    async def load(self, now: datetime) -> list[Visit]:
        """Read everything anew, also the rules; returns the visits that are now offered."""
        async with self._turn:
            self._router = None
        return await self.tick(now)

    async def refresh(
        self, visit_ids: Iterable[str], clerks: Iterable[str], now: datetime
    ) -> list[Visit]:
        """These rows have changed: look again. Returns the visits that are now offered.

        What changes while another turn runs is looked at together in the next one, so a burst
        shares its transactions; the visits are then returned to whoever's turn it was.
        """
        self._visits.update(visit_ids)
        self._clerks.update(clerks)
        async with self._router_turn(now) as (router, offered):
            made = await self._commit(router, offered, now)
            visits_changed, clerks_changed = self._visits, self._clerks
            self._visits, self._clerks = set(), set()
            if visits_changed or clerks_changed:
                made += await self._refresh(router, visits_changed, clerks_changed, now)
            return made

    async def tick(self, now: datetime) -> list[Visit]:
        """What time brings: fallbacks, overflow. Returns the visits that have changed by it."""
        async with self._router_turn(now) as (router, offered):
            now_s = now.timestamp()
            if now_s - self._shares_s > SHARES_FRESH_S:
                async with self._engine.connect() as connection:
                    rules = await read_rules(connection)
                    router.shares = await read_shares(connection, rules, now)
                    router.service = await read_service_times(connection, rules, self._catalogue)
                    router.residents = await read_residents(connection)
                self._shares_s = now_s
            made = await self._commit(router, [*offered, *router.tick(now_s)], now)
            for listed in router.take_listed():
                try:
                    made.append(
                        await self._desk.note_overflow(listed.visit, listed.rule.partner, now)
                    )
                except Conflict:
                    made += await self._refresh(router, {listed.visit}, set(), now)
            return made

    @contextlib.asynccontextmanager
    async def _router_turn(self, now: datetime) -> AsyncIterator[tuple[Router, list[Offer]]]:
        """The router, alone, and what it offers if it was read anew.

        If the turn fails, the router may not know what was committed: it is read anew at the next.
        """
        async with self._turn:
            offered: list[Offer] = []
            router = self._router
            if router is None:
                router, offered = await self._load(now)
            self._router = None
            yield router, offered
            self._router = router

    async def _load(self, now: datetime) -> tuple[Router, list[Offer]]:
        async with self._engine.connect() as connection:
            rules = await read_rules(connection)
            router = Router(rules)
            router.service = await read_service_times(connection, rules, self._catalogue)
            router.residents = await read_residents(connection)
            router.shares = await read_shares(connection, rules, now)
            for skills in (await read_skills(connection)).values():
                router.set_skills(skills)
            waiting = await _visits(connection, visits.c.state.in_(visit.IN_LINE))
            asked = await _consults(connection, consults.c.state == "asked")
            desks = await _windows(connection, sa.true())
        now_s = self._shares_s = now.timestamp()
        for held in waiting:
            router.arrive(self._waiting(held, router), now_s)
        for about, subject in asked:
            router.arrive(_consulting(about, subject), now_s)
        offered = [
            offer
            for desk in sorted(desks, key=lambda d: d.since)
            if (offer := self._feed(router, desk, now_s)) is not None
        ]
        return router, offered

    async def _refresh(
        self, router: Router, visit_ids: set[str], clerks: set[str], now: datetime
    ) -> list[Visit]:
        async with self._engine.connect() as connection:
            held = await _visits(connection, visits.c.id.in_(visit_ids)) if visit_ids else []
            asked = (
                await _consults(connection, consults.c.visit.in_(visit_ids)) if visit_ids else []
            )
            desks = await _windows(connection, windows.c.clerk.in_(clerks)) if clerks else []
            new = [desk.clerk for desk in desks if not router.knows(desk.clerk)]
            skills = await read_skills(connection, new) if new else {}
        now_s = now.timestamp()
        offered: list[Offer | None] = [*router.tick(now_s)]
        consulted = {about.visit: (about, of) for about, of in asked if about.state == "asked"}
        for each in held:
            if each.state in visit.IN_LINE:
                offered.append(router.arrive(self._waiting(each, router), now_s))
            else:
                router.remove(each.id)
            if each.id in consulted:
                offered.append(router.arrive(_consulting(*consulted[each.id]), now_s))
            else:
                router.remove(VisitId(_CONSULT + each.id))
        for learnt in skills.values():
            router.set_skills(learnt)
        for desk in desks:
            offered.append(self._feed(router, desk, now_s))
        return await self._commit(router, [offer for offer in offered if offer], now)

    async def _commit(self, router: Router, offered: list[Offer], now: datetime) -> list[Visit]:
        """Make offers true; those that cannot be are looked at again."""
        made: list[Visit] = []
        consulted = [offer for offer in offered if offer.visit.startswith(_CONSULT)]
        rung = [offer for offer in offered if not offer.visit.startswith(_CONSULT)]
        failed: list[Offer] = []
        for begin in range(0, len(rung), BATCH):
            batch = rung[begin : begin + BATCH]
            ringing = await self._offers.make(batch, now)
            made += ringing
            there = {each.id for each in ringing}
            failed += [offer for offer in batch if offer.visit not in there]
        for offer in consulted:
            about = VisitId(offer.visit.removeprefix(_CONSULT))
            try:
                await self._transfers.offer(about, offer.clerk, now)
            except Conflict:
                failed.append(offer._replace(visit=about))
                continue
            async with self._engine.connect() as connection:
                made += await _visits(connection, visits.c.id == about)
        if failed:
            visit_ids: set[str] = {offer.visit for offer in failed}
            made += await self._refresh(router, visit_ids, {o.clerk for o in failed}, now)
        return made

    def _feed(self, router: Router, desk: Window, now_s: float) -> Offer | None:
        if desk.state is window.State.READY:
            return router.ready(desk.clerk, now_s, desk.since.timestamp())
        if desk.state in window.ON_DUTY:
            router.busy(desk.clerk)
        else:
            router.away(desk.clerk)
        return None

    def _waiting(self, held: Visit, router: Router) -> Waiting:
        """A partner's queue may have gone since the ticket was taken: it is in no line then."""
        return Waiting(
            held.id,
            held.queue,
            held.virtual_at.timestamp(),
            held.waits_since.timestamp(),
            language=held.wish,
            also=[queue for queue in held.also if queue in router.lines],
            allowed=held.allowed,
            overflowed=tuple(queue for queue in held.overflowed if queue in router.lines),
            stays=held.stays,
            only=held.only_clerk,
            not_by=held.not_by,
            present=held.state is visit.State.WAITING and self._present(held.kiosk),
        )


def _consulting(about: Consult, subject: Visit) -> Waiting:
    """A consult waits like its visit, at the visit's old place; for a named clerk for ever."""
    return Waiting(
        VisitId(_CONSULT + about.visit),
        about.queue,
        subject.virtual_at.timestamp(),
        about.asked_at.timestamp() if about.only_clerk is None else float("inf"),
        only=about.only_clerk,
        not_by=about.not_by,
    )


async def _visits(connection: AsyncConnection, where: sa.ColumnElement[bool]) -> list[Visit]:
    rows = await connection.execute(
        sa.select(visits).where(where).order_by(visits.c.virtual_at, visits.c.id)
    )
    return [Visit.of(row) for row in rows]


async def _consults(
    connection: AsyncConnection, where: sa.ColumnElement[bool]
) -> list[tuple[Consult, Visit]]:
    found = [Consult.of(row) for row in await connection.execute(sa.select(consults).where(where))]
    of = {v.id: v for v in await _visits(connection, visits.c.id.in_([c.visit for c in found]))}
    return [(about, of[about.visit]) for about in found]


async def _windows(connection: AsyncConnection, where: sa.ColumnElement[bool]) -> list[Window]:
    rows = await connection.execute(sa.select(windows).where(where))
    return [Window.of(row) for row in rows]
