"""What does the demo world hold? Nine G60 cities, their sites, people and matters, from CSV.

The files beside this one are made-up people and real kinds of matters; passwords are public.
"""

import asyncio
import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from argon2 import PasswordHasher
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy import database, demo_plans
from deploy.settings import Settings
from scheduling.catalogue import Catalogue, Material, Matter
from scheduling.record import City, Site
from scheduling.registry import Registry
from scheduling.rulebook import Agreement, Rulebook
from scheduling.rules import Level, Overflow, Queue, QueueId, Skills, When
from scheduling.visit import CityCode, ClerkId, MatterCode, SiteId
from signaling.access import Role
from signaling.accounts import Accounts

WORLD = Path(__file__).parent / "world"
SONGJIANG, JIAXING, SUZHOU = CityCode("310117"), CityCode("330400"), CityCode("320500")
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
HELP: tuple[tuple[When, float], ...] = (("waited", 180.0), ("nobody_on_duty", 0.0))
GROUPS = {
    "residence": ("户籍居住", "Residence"),
    "social-insurance": ("社会保险", "Social insurance"),
    "medical-insurance": ("医疗保障", "Medical insurance"),
    "housing-fund": ("住房公积金", "Housing fund"),
    "real-estate": ("不动产", "Real estate"),
    "archives": ("档案查询", "Archives"),
    "notary": ("公证", "Notary"),
    "lawyers": ("律师执业", "Lawyers"),
    "enterprise": ("企业开办", "Enterprises"),
    "foreigners": ("外国人服务", "Foreigners"),
    "employment": ("就业", "Employment"),
    "civil-affairs": ("民政婚姻", "Civil affairs"),
    "escalation": ("办不成事", "Can't get it done"),
}
PASSWORD = "g60-demo-window"  # noqa: S105 - the demo's public password
KIOSK_SITE = "songjiang-community"
# Public passwords need no costly hash: 36 people load in a second.
_CHEAP = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (WORLD / name).open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]


def cities() -> list[City]:
    """The cities of the corridor, the lead city first."""
    return [
        City(CityCode(r["code"]), r["name_zh"], r["name_en"], r["province_zh"], r["lead"] == "yes")
        for r in _rows("cities.csv")
    ]


def sites() -> list[Site]:
    """Two sites in each city."""
    return [
        Site(SiteId(r["id"]), CityCode(r["city"]), r["name_zh"], r["name_en"])
        for r in _rows("sites.csv")
    ]


def catalogue() -> Catalogue:
    """The matters; `*` stands for every city."""
    everywhere = tuple(city.code for city in cities())
    return Catalogue(
        Matter(
            code=MatterCode(r["code"]),
            group=r["group"],
            name_zh=r["name_zh"],
            name_en=r["name_en"],
            department_zh=r["competent_department_zh"],
            minutes=int(r["minutes"]),
            cities=everywhere
            if r["cities"] == "*"
            else tuple(CityCode(code) for code in _split(r["cities"])),
            materials=(
                *(Material(name, True) for name in _split(r["materials_required"])),
                *(
                    Material(name, False)
                    for name in _split(r["materials_deferrable"])
                    if name not in _split(r["materials_required"])
                ),
            ),
            words=tuple(r["keywords"].split()),
        )
        for r in _rows("catalogue.csv")
    )


def queues() -> list[Queue]:
    """A queue for each group of matters that a city is competent for."""
    found = catalogue()
    return [
        Queue(
            id=QueueId(f"{city.code}-{group}"),
            city=city.code,
            name_zh=GROUPS[group][0],
            name_en=GROUPS[group][1],
            letter=LETTERS[number],
            matters=served,
            kind="escalation" if group == "escalation" else "ordinary",
            may_pull=group == "escalation",
        )
        for city in cities()
        for number, group in enumerate(found.groups)
        if (
            served := tuple(
                m.code for m in found.all() if m.group == group and city.code in m.cities
            )
        )
    ]


def agreements() -> list[Agreement]:
    """Every city may help every other by rule; Songjiang and Suzhou share lawyers' matters."""
    found, codes = catalogue().all(), [city.code for city in cities()]
    since = date(2026, 1, 1)
    shared = tuple(m.code for m in found if m.group == "lawyers")
    return [
        *(
            Agreement(
                f"{city}-{partner}",
                city,
                partner,
                tuple(m.code for m in found if {city, partner} <= set(m.cities)),
                "overflow",
                since,
            )
            for city in codes
            for partner in codes
            if city != partner
        ),
        *(
            Agreement(f"{city}-{partner}-lawyers", city, partner, shared, "always", since)
            for city, partner in ((SONGJIANG, SUZHOU), (SUZHOU, SONGJIANG))
        ),
    ]


def overflows() -> list[Overflow]:
    """Songjiang's residents may be served by Jiaxing after three minutes, or if nobody is there."""
    by_id = {queue.id: queue for queue in queues()}
    return [
        Overflow(queue.id, partner, when, threshold)
        for queue in by_id.values()
        if queue.city == SONGJIANG and queue.kind == "ordinary"
        if (partner := QueueId(queue.id.replace(SONGJIANG, JIAXING))) in by_id
        for when, threshold in HELP
    ]


def skills(clerk: ClerkId, city: str, role: Role, number: int) -> Skills:
    """Clerks serve their city's queues, every second one some of them as a second choice."""
    own = [queue for queue in queues() if queue.city == city]
    if role is Role.SUPERVISOR:
        return Skills(clerk, {q.id: Level.PRIMARY for q in own if q.kind == "escalation"})
    return Skills(
        clerk,
        {
            queue.id: Level.SECONDARY if (place + number) % 3 == 2 else Level.PRIMARY
            for place, queue in enumerate(own)
            if queue.kind == "ordinary"
        },
        frozenset(("cmn", "en") if number % 2 else ("cmn", "wuu")),
        capacity=2,
    )


async def load(settings: Settings) -> str:
    """Fill the database (idempotent); returns a fresh enrolment code for the demo's kiosk.

    Raises database.DatabaseInUse while a service runs on its SQLite file.
    """
    with database.lock(settings.database):
        return await _load_unlocked(settings)


async def _load_unlocked(settings: Settings) -> str:
    await asyncio.to_thread(database.migrate, settings.database)
    engine = database.open_engine(settings.database)
    try:
        return await _load(engine)
    finally:
        await engine.dispose()


async def _load(engine: AsyncEngine) -> str:
    now = datetime.now(UTC)
    registry, accounts = Registry(engine), Accounts(engine)
    await registry.load(cities(), sites(), catalogue())
    rulebook = Rulebook(engine, catalogue())
    for position, queue in enumerate(queues()):
        await rulebook.put_queue(queue, position)
    for agreement in agreements():
        await rulebook.put_agreement(agreement)
    await rulebook.put_overflows(SONGJIANG, overflows())
    taught = []
    clerks: dict[str, list[str]] = {}
    lead = next(city.code for city in cities() if city.lead)
    for number, person in enumerate(_rows("people.csv")):
        role = Role(person["role"])
        account = await accounts.add_account(
            login=person["login"],
            password=PASSWORD,
            name_zh=person["name_zh"],
            name_en=person["name_en"],
            role=role,
            city=person["city"],
            lead=person["city"] == lead and role is not Role.CLERK,
            cost=_CHEAP,
        )
        if role in (Role.CLERK, Role.SUPERVISOR):
            await registry.add_window(
                clerk=account,
                city=person["city"],
                name_zh=person["name_zh"],
                name_en=person["name_en"],
                now=now,
            )
            taught.append(skills(ClerkId(account), person["city"], role, number))
            if role is Role.CLERK:
                clerks.setdefault(person["city"], []).append(account)
    await rulebook.put_skills(taught)
    await demo_plans.load(engine, clerks, now)
    site = next(site for site in sites() if site.id == KIOSK_SITE)
    return await accounts.new_code(site.id, site.city, now)
