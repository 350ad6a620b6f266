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

queues = sa.Table(
    "queues",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("city", sa.ForeignKey("cities.code"), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("name_zh", sa.String, nullable=False),
    sa.Column("name_en", sa.String, nullable=False),
    sa.Column("letter", sa.String(1), nullable=False),
    sa.Column("matters", sa.JSON, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("ring_s", sa.Float, nullable=False),
    sa.Column("language_after_s", sa.Float, nullable=False),
    sa.Column("backup_after_s", sa.Float, nullable=False),
    sa.Column("named_after_s", sa.Float, nullable=False),
    sa.Column("may_pull", sa.Boolean, nullable=False),
    sa.Column("target_s", sa.Float, nullable=False),
    sa.Column("target_share", sa.Float, nullable=False),
    sa.Column("capacity", sa.Integer, nullable=False),
    sa.UniqueConstraint("city", "letter", name="one_letter_a_queue"),
)

overflows = sa.Table(
    "overflows",
    metadata,
    sa.Column("queue", sa.ForeignKey("queues.id"), primary_key=True),
    sa.Column("partner", sa.ForeignKey("queues.id"), primary_key=True),
    sa.Column("when", sa.String, primary_key=True),
    sa.Column("threshold", sa.Float, nullable=False),
)

head_starts = sa.Table(
    "head_starts",
    metadata,
    sa.Column("city", sa.ForeignKey("cities.code"), primary_key=True),
    sa.Column("priority", sa.String, primary_key=True),
    sa.Column("seconds", sa.Float, nullable=False),
)

agreements = sa.Table(
    "agreements",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("city", sa.ForeignKey("cities.code"), nullable=False),
    sa.Column("partner", sa.ForeignKey("cities.code"), nullable=False),
    sa.Column("matters", sa.JSON, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("valid_to", sa.Date),
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
    sa.Column("languages", sa.JSON, nullable=False),
    sa.Column("capacity", sa.Integer, nullable=False),
    sa.Column("misses", sa.Integer, nullable=False),
)

skills = sa.Table(
    "skills",
    metadata,
    sa.Column("clerk", sa.ForeignKey("windows.clerk"), primary_key=True),
    sa.Column("queue", sa.ForeignKey("queues.id"), primary_key=True),
    sa.Column("level", sa.Integer, nullable=False),
)

ticket_counters = sa.Table(
    "ticket_counters",
    metadata,
    sa.Column("city", sa.String, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("series", sa.String(8), primary_key=True),
    sa.Column("last", sa.Integer, nullable=False),
    sa.Column("last_virtual_at", UtcDateTime, nullable=False),
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
    sa.Column("queue", sa.ForeignKey("queues.id"), nullable=False),
    sa.Column("priority", sa.String, nullable=False),
    sa.Column("wish", sa.String, nullable=False),
    sa.Column("virtual_at", UtcDateTime, nullable=False),
    sa.Column("waits_since", UtcDateTime, nullable=False),
    sa.Column("response_s", sa.Float),
    sa.Column("also", sa.JSON, nullable=False),
    sa.Column("allowed", sa.JSON, nullable=False),
    sa.Column("overflowed", sa.JSON, nullable=False),
    sa.Column("stays", sa.Boolean, nullable=False),
    sa.Column("only_clerk", sa.String),
    sa.Column("not_by", sa.JSON, nullable=False),
    sa.Column("contact", sa.String, nullable=False),
    sa.Column("called_at", UtcDateTime),
    sa.Column("served_queue", sa.String),
    sa.Column("aside", sa.Boolean, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
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
    sa.Index("visits_by_state", "state", "clerk"),
    sa.Index("visits_of_a_queue", "queue", "taken_at"),
    sa.Index("served_visits", "served_queue", "ended_at"),
)

consults = sa.Table(
    "consults",
    metadata,
    sa.Column("visit", sa.ForeignKey("visits.id"), primary_key=True),
    sa.Column("asked_by", sa.String, nullable=False),
    sa.Column("asked_at", UtcDateTime, nullable=False),
    sa.Column("queue", sa.ForeignKey("queues.id"), nullable=False),
    sa.Column("only_clerk", sa.String),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("clerk", sa.String),
    sa.Column("offered_at", UtcDateTime),
    sa.Column("with_resident", sa.Boolean, nullable=False),
    sa.Column("not_by", sa.JSON, nullable=False),
    sa.Index(
        "one_consult_at_a_clerk",
        "clerk",
        unique=True,
        sqlite_where=sa.text("state IN ('offered', 'joined')"),
        postgresql_where=sa.text("state IN ('offered', 'joined')"),
    ),
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
