"""The figures of the store: offers a second and the time to an offer, on both engines.

`offers_*_vs_raw` must reach half of a bare loop through the same driver.
`ready_to_offer_p99_ms_10k_*` may grow by a third with ten times as many waiting (`offers.py`).
"""

import asyncio
import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import sqlalchemy as sa
import uvloop

from deploy import database
from deploy.bench.offers import measure_offers, measure_ready_to_offer
from deploy.bench.postgres import postgres_server
from deploy.bench.report import Figure, at_most, figure, ratio_at_least
from deploy.settings import Settings

ROUNDS = 5
WAITING, MORE = 10_000, 100_000
VS_RAW, P99_MS, P99_MORE = 0.5, 10.0, 1.3
Fresh = Callable[[], Path | sa.URL]


def store_figures() -> list[Figure]:
    """Measured on SQLite in a folder and on a PostgreSQL of its own, one after the other."""
    found: list[Figure] = []
    with _engines() as engines:
        for name, fresh in engines.items():
            measured = uvloop.run(measure_offers(fresh(), WAITING, ROUNDS))
            found.append(
                ratio_at_least(
                    f"offers_{name}_vs_raw",
                    measured.offers_per_s,
                    "offers/s",
                    baseline=measured.bare_per_s,
                    target=VS_RAW,
                )
            )
        for name, fresh in engines.items():
            few, many = uvloop.run(
                measure_ready_to_offer([fresh(), fresh()], [WAITING, MORE], ROUNDS)
            )
            found += [
                at_most(f"ready_to_offer_p99_ms_10k_{name}", few, "ms", P99_MS),
                figure(
                    f"ready_to_offer_p99_100k_vs_10k_{name}",
                    many,
                    "ms",
                    baseline=few,
                    target=P99_MORE,
                ),
            ]
    return found


@contextlib.contextmanager
def _engines() -> Iterator[dict[str, Fresh]]:
    with tempfile.TemporaryDirectory(prefix="vw-bench-") as folder, postgres_server() as server:
        made = 0

        def sqlite() -> Path | sa.URL:
            nonlocal made
            made += 1
            place = Path(folder) / f"office-{made}.sqlite"
            database.migrate(place)
            return place

        def postgresql() -> Path | sa.URL:
            nonlocal made
            made += 1
            asyncio.run(server.execute(f"CREATE DATABASE office_{made}"))
            place = Settings(database_url=server.url(f"office_{made}")).database
            database.migrate(place)
            return place

        yield {"sqlite": sqlite, "postgresql": postgresql}
