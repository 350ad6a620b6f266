"""What does the demo world hold? Nine G60 cities, their sites, people and matters, from CSV.

The files beside this one are made-up people and real kinds of matters; passwords are public.
"""

import asyncio
import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from argon2 import PasswordHasher
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy import database
from deploy.settings import Settings
from scheduling.catalogue import Catalogue, Material, Matter
from scheduling.record import City, Site
from scheduling.registry import Registry
from scheduling.visit import CityCode, MatterCode, SiteId
from signaling.access import Role
from signaling.accounts import Accounts

WORLD = Path(__file__).parent / "world"
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
    lead = next(city.code for city in cities() if city.lead)
    for person in _rows("people.csv"):
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
        if role is Role.CLERK:
            await registry.add_window(
                clerk=account,
                city=person["city"],
                name_zh=person["name_zh"],
                name_en=person["name_en"],
                now=now,
            )
    site = next(site for site in sites() if site.id == KIOSK_SITE)
    return await accounts.new_code(site.id, site.city, now)
