"""Which cities, sites, matters and windows are there? Takes them in and reads the catalogue.

Loading is idempotent: known rows are brought up to date, none is removed.
"""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from scheduling import window
from scheduling.catalogue import Catalogue, Material, Matter
from scheduling.record import City, Site
from scheduling.tables import cities, matters, sites, windows


class Registry:
    """The organisation and the catalogue."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def load(
        self, all_cities: Iterable[City], all_sites: Iterable[Site], catalogue: Catalogue
    ) -> None:
        """Take in cities, sites and matters in one transaction."""
        async with self._engine.begin() as connection:
            for city in all_cities:
                await _put(connection, cities, "code", asdict(city))
            for site in all_sites:
                await _put(connection, sites, "id", asdict(site))
            for position, matter in enumerate(catalogue.all()):
                await _put(connection, matters, "code", {"position": position, **asdict(matter)})

    async def add_window(
        self, *, clerk: str, city: str, name_zh: str, name_en: str, now: datetime
    ) -> None:
        """A desk for this clerk, off duty; a known one stays as it is."""
        async with self._engine.begin() as connection:
            query = sa.select(windows.c.clerk).where(windows.c.clerk == clerk)
            if await connection.scalar(query) is None:
                await connection.execute(
                    sa.insert(windows).values(
                        clerk=clerk,
                        city=city,
                        name_zh=name_zh,
                        name_en=name_en,
                        state=window.State.OFF,
                        since=now,
                        languages=["cmn"],
                        capacity=1,
                        misses=0,
                    )
                )

    async def catalogue(self) -> Catalogue:
        """The catalogue as it is in the database."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(sa.select(matters).order_by(matters.c.position))
            return Catalogue(
                Matter(
                    code=row.code,
                    group=row.group,
                    name_zh=row.name_zh,
                    name_en=row.name_en,
                    department_zh=row.department_zh,
                    minutes=row.minutes,
                    cities=tuple(row.cities),
                    materials=tuple(Material(**m) for m in row.materials),
                    words=tuple(row.words),
                )
                for row in rows
            )


async def _put(
    connection: AsyncConnection, table: sa.Table, key: str, values: dict[str, Any]
) -> None:
    changed = await connection.execute(
        sa.update(table).where(table.c[key] == values[key]).values(**values)
    )
    if changed.rowcount == 0:
        await connection.execute(sa.insert(table).values(**values))
