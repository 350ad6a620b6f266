"""A database of before routing, with visits in it, has queues afterwards and loses nothing."""

import asyncio
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from deploy import database, demo_world
from deploy.bench.postgres import PostgresServer
from deploy.settings import Settings
from scheduling import visit
from scheduling.board import Board
from scheduling.codes import Codes
from scheduling.desk import Desk
from scheduling.dispatch import Dispatcher
from scheduling.offers import Offers
from scheduling.record import Visit
from scheduling.rulebook import read_rules, read_skills
from scheduling.rules import Level, Priority
from scheduling.transfers import Transfers
from scheduling.visit import ClerkId, KioskId, SiteId
from tests.deploy.test_database import looked_into

SONGJIANG, JIAXING = "310117", "330400"
TAKEN = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
TIMES = {"taken_at": TAKEN, "accepted_at": None, "ended_at": None, "closed_at": None}


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | sa.URL:
    """A database of revision 0002 with a world and visits in every state."""
    if request.param == "sqlite":
        made: Path | sa.URL = tmp_path / "before.sqlite"
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        name = f"before_{uuid.uuid4().hex[:12]}"
        asyncio.run(server.execute(f"CREATE DATABASE {name}"))
        made = Settings(database_url=server.url(name)).database
    changed(made, _upgrade_to_0002)
    changed(made, _fill)
    return made


def changed(place: Path | sa.URL, change: Callable[[sa.Connection], None]) -> None:
    async def run() -> None:
        engine = database.open_engine(place)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(change)
        finally:
            await engine.dispose()

    asyncio.run(run())


def _upgrade_to_0002(connection: sa.Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(database.MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "0002")


def _fill(connection: sa.Connection) -> None:
    tables = sa.MetaData()
    tables.reflect(connection)

    def add(table: str, **values: Any) -> None:
        connection.execute(sa.insert(tables.tables[table]).values(**values))

    for city in demo_world.cities():
        add("cities", code=city.code, name_zh=city.name_zh, name_en=city.name_en,
            province_zh=city.province_zh, lead=city.lead)  # fmt: skip
    for position, matter in enumerate(demo_world.catalogue().all()):
        add("matters", code=matter.code, position=position, group=matter.group,
            name_zh=matter.name_zh, name_en=matter.name_en, department_zh=matter.department_zh,
            minutes=matter.minutes, cities=list(matter.cities), words=list(matter.words),
            materials=[{"name": m.name, "required": m.required} for m in matter.materials],
            )  # fmt: skip
    add("sites", id="hall", city=SONGJIANG, name_zh="大厅", name_en="Hall")
    for clerk, city in (("li", JIAXING), ("zhang", JIAXING), ("wang", SONGJIANG)):
        state = "in_call" if clerk == "li" else "ready"
        add("windows", clerk=clerk, city=city, name_zh=clerk, name_en=clerk, state=state,
            since=TAKEN)  # fmt: skip
    add("ticket_counters", city=JIAXING, day=TAKEN.date(), letter="C", last=3)
    accepted, ended = TAKEN + timedelta(seconds=30), TAKEN + timedelta(seconds=600)
    of: list[dict[str, Any]] = [
        {"id": "waits", "state": "waiting", "ticket": "C003", "at_kiosk": True},
        {"id": "served", "state": "serving", "ticket": "C002", "at_kiosk": True, "clerk": "li",
         "accepted_at": accepted},
        {"id": "closed", "state": "closed", "ticket": "C001", "at_kiosk": False, "clerk": "li",
         "accepted_at": accepted, "ended_at": ended, "closed_at": ended, "outcome": "completed",
         "notes": "齐全", "rating": 5},
        # Lawyers' matters are no matters of Jiaxing, but a visit of once was one.
        {"id": "of_once", "state": "closed", "ticket": "H001", "at_kiosk": False, "clerk": "li",
         "matter": "LS-01", "group": "lawyers", "closed_at": ended, "outcome": "left"},
    ]  # fmt: skip
    for number, given in enumerate(of):
        add("visits", **TIMES | {
            "city": JIAXING, "matter": "YB-01", "group": "medical-insurance", "site": "hall",
            "kiosk": f"kiosk-{number}", "language": "zh_CN", "notice_version": "2026-11",
            "notes": "", "checked": [], "rating_reasons": [],
        } | given)  # fmt: skip
        add("visit_events", visit=given["id"], at=TAKEN, event="take", actor="kiosk")


def upgraded(place: Path | sa.URL) -> dict[str, Visit]:
    """The visits after the upgrade, by id."""
    database.migrate(place)

    async def read() -> dict[str, Visit]:
        engine = database.open_engine(place)
        try:
            board = Board(engine, demo_world.catalogue())
            names = ("waits", "served", "closed", "of_once")
            found = [await board.visit(name) for name in names]
            return {one.id: one for one in found if one is not None}
        finally:
            await engine.dispose()

    return asyncio.run(read())


def test_every_group_of_a_citys_matters_becomes_a_queue_with_a_letter(
    place: Path | sa.URL,
) -> None:
    upgraded(place)

    async def read() -> Any:
        engine = database.open_engine(place)
        try:
            async with engine.connect() as connection:
                return await read_rules(connection), await read_skills(connection)
        finally:
            await engine.dispose()

    rules, skills = asyncio.run(read())
    wanted = {queue.id: queue for queue in demo_world.queues()}
    assert wanted.keys() <= rules.queues.keys()
    for name, queue in wanted.items():
        kept = rules.queues[name]
        assert (kept.city, kept.letter, kept.matters, kept.kind) == (
            queue.city, queue.letter, queue.matters, queue.kind,
        )  # fmt: skip
    assert rules.overflows == ()
    # Everybody serves all queues of their city, as it was.
    own = {queue.id for queue in rules.queues.values() if queue.city == JIAXING and queue.matters}
    assert {q: lv for q, lv in skills["li"].levels.items() if q in own} == dict.fromkeys(
        own, Level.PRIMARY
    )
    assert (skills["li"].languages, skills["li"].capacity) == (frozenset(("cmn",)), 1)
    assert {q[:6] for q in skills["wang"].levels} == {SONGJIANG}


def test_visits_are_in_the_queue_of_their_group_and_keep_their_place(
    place: Path | sa.URL,
) -> None:
    visits = upgraded(place)
    assert visits.keys() == {"waits", "served", "closed", "of_once"}
    waits = visits[visit.VisitId("waits")]
    assert (waits.queue, waits.virtual_at, waits.waits_since) == (
        f"{JIAXING}-medical-insurance", TAKEN, TAKEN,
    )  # fmt: skip
    assert (waits.priority, waits.wish, waits.listed) == (Priority.ORDINARY, "", [waits.queue])
    assert waits.served_queue is None
    for name in ("served", "closed"):
        assert visits[visit.VisitId(name)].served_queue == f"{JIAXING}-medical-insurance"
    closed = visits[visit.VisitId("closed")]
    assert (closed.notes, closed.rating, closed.outcome) == ("齐全", 5, visit.Outcome.COMPLETED)
    assert visits[visit.VisitId("of_once")].queue == f"{JIAXING}-lawyers"


def test_the_timeline_is_kept_and_every_reference_leads_somewhere(place: Path | sa.URL) -> None:
    upgraded(place)

    def broken(connection: sa.Connection) -> tuple[int, int]:
        events = connection.exec_driver_sql("SELECT count(*) FROM visit_events").scalar()
        lost = connection.exec_driver_sql(
            "SELECT count(*) FROM visits WHERE queue NOT IN (SELECT id FROM queues)"
        ).scalar()
        return int(events or 0), int(lost or 0)

    assert looked_into(place, broken) == (4, 0)


def test_routing_goes_on_where_it_was(place: Path | sa.URL) -> None:
    upgraded(place)

    async def go_on() -> tuple[list[Visit], Visit]:
        engine = database.open_engine(place)
        catalogue = demo_world.catalogue()
        desk, offers = Desk(engine, catalogue, Codes(bytes(32))), Offers(engine)
        dispatcher = Dispatcher(
            engine, catalogue, desk=desk, offers=offers, transfers=Transfers(engine),
            present=lambda kiosk: True,
        )  # fmt: skip
        try:
            offered = await dispatcher.load(TAKEN + timedelta(minutes=20))
            taken = await desk.take_ticket(
                kiosk=KioskId("kiosk-9"), site=SiteId("hall"), city=JIAXING, matter="YB-01",
                language="zh_CN", notice_version="2026-11", now=TAKEN + timedelta(minutes=21),
            )  # fmt: skip
            return offered, taken
        finally:
            await engine.dispose()

    offered, taken = asyncio.run(go_on())
    assert [(one.id, one.clerk) for one in offered] == [("waits", ClerkId("zhang"))]
    assert taken.queue == f"{JIAXING}-medical-insurance"
