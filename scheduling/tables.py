"""How does this folder's truth lie in the database? SQLAlchemy Core tables; `desk.py` writes them.

Partial unique indexes hold what must never happen whatever the code does: two visits at one
kiosk, two visits at one clerk.
"""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData()


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """Aware datetimes, kept in UTC also where the engine knows no time zones (SQLite)."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Refuses naive times: they are a defect."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Any) -> datetime | None:
        """SQLite gives back what was UTC when it was bound."""
        if value is None:
            return None
        kept: datetime = value
        return kept.replace(tzinfo=UTC) if kept.tzinfo is None else kept.astimezone(UTC)


cities = sa.Table(
    "cities",
    metadata,
    sa.Column("code", sa.String(6), primary_key=True),
    sa.Column("name_zh", sa.String, nullable=False),
    sa.Column("name_en", sa.String, nullable=False),
    sa.Column("province_zh", sa.String, nullable=False),
    sa.Column("lead", sa.Boolean, nullable=False),
)

sites = sa.Table(
    "sites",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("city", sa.ForeignKey("cities.code"), nullable=False),
    sa.Column("name_zh", sa.String, nullable=False),
    sa.Column("name_en", sa.String, nullable=False),
)

matters = sa.Table(
    "matters",
    metadata,
    sa.Column("code", sa.String, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("group", sa.String, nullable=False),
    sa.Column("name_zh", sa.String, nullable=False),
    sa.Column("name_en", sa.String, nullable=False),
    sa.Column("department_zh", sa.String, nullable=False),
    sa.Column("minutes", sa.Integer, nullable=False),
    sa.Column("cities", sa.JSON, nullable=False),
    sa.Column("materials", sa.JSON, nullable=False),
    sa.Column("words", sa.JSON, nullable=False),
)

windows = sa.Table(
    "windows",
    metadata,
    sa.Column("clerk", sa.String, primary_key=True),
    sa.Column("city", sa.ForeignKey("cities.code"), nullable=False),
    sa.Column("name_zh", sa.String, nullable=False),
    sa.Column("name_en", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
)

ticket_counters = sa.Table(
    "ticket_counters",
    metadata,
    sa.Column("city", sa.String, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("letter", sa.String(1), primary_key=True),
    sa.Column("last", sa.Integer, nullable=False),
)

visits = sa.Table(
    "visits",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("city", sa.ForeignKey("cities.code"), nullable=False),
    sa.Column("matter", sa.ForeignKey("matters.code"), nullable=False),
    sa.Column("group", sa.String, nullable=False),
    sa.Column("site", sa.ForeignKey("sites.id"), nullable=False),
    sa.Column("kiosk", sa.String, nullable=False),
    sa.Column("at_kiosk", sa.Boolean, nullable=False),
    sa.Column("ticket", sa.String, nullable=False),
    sa.Column("language", sa.String, nullable=False),
    sa.Column("notice_version", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("taken_at", UtcDateTime, nullable=False),
    sa.Column("clerk", sa.String),
    sa.Column("offered_at", UtcDateTime),
    sa.Column("accepted_at", UtcDateTime),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("closed_at", UtcDateTime),
    sa.Column("ended_by", sa.String),
    sa.Column("outcome", sa.String),
    sa.Column("notes", sa.Text, nullable=False, default=""),
    sa.Column("checked", sa.JSON, nullable=False, default=list),
    sa.Column("rating", sa.Integer),
    sa.Column("rating_reasons", sa.JSON, nullable=False, default=list),
    sa.Index(
        "one_visit_at_a_kiosk",
        "kiosk",
        unique=True,
        sqlite_where=sa.text("at_kiosk"),
        postgresql_where=sa.text("at_kiosk"),
    ),
    sa.Index(
        "one_visit_at_a_clerk",
        "clerk",
        unique=True,
        sqlite_where=sa.text("state IN ('offered', 'serving')"),
        postgresql_where=sa.text("state IN ('offered', 'serving')"),
    ),
    sa.Index("visits_in_line", "city", "state", "taken_at"),
)

visit_events = sa.Table(
    "visit_events",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("visit", sa.ForeignKey("visits.id"), nullable=False, index=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("event", sa.String, nullable=False),
    sa.Column("actor", sa.String, nullable=False),
)
