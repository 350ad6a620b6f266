"""How do opening hours, shifts and appointments lie in the database? SQLAlchemy Core tables.

Part of the metadata in `tables.py`. Written by `hours.py`, `roster.py` and `bookings.py`, each its
own. Times of the day are minutes in China, as in `duty.py`.
"""

import sqlalchemy as sa

from scheduling.tables import UtcDateTime, metadata

opening_hours = sa.Table(
    "opening_hours",
    metadata,
    sa.Column("city", sa.ForeignKey("cities.code"), primary_key=True),
    sa.Column("week", sa.JSON, nullable=False),
    sa.Column("holidays", sa.JSON, nullable=False),
)

special_days = sa.Table(
    "special_days",
    metadata,
    sa.Column("city", sa.ForeignKey("cities.code"), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("hours", sa.JSON, nullable=False),
    sa.Column("reason_zh", sa.String, nullable=False),
    sa.Column("reason_en", sa.String, nullable=False),
)

shifts = sa.Table(
    "shifts",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("clerk", sa.ForeignKey("windows.clerk"), nullable=False),
    sa.Column("city", sa.ForeignKey("cities.code"), nullable=False),
    sa.Column("starts_at", UtcDateTime, nullable=False),
    sa.Column("ends_at", UtcDateTime, nullable=False),
    sa.Column("queues", sa.JSON(none_as_null=True)),
    sa.Index("shifts_of_a_city", "city", "starts_at"),
)

bookings = sa.Table(
    "bookings",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("code_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("city", sa.ForeignKey("cities.code"), nullable=False),
    sa.Column("queue", sa.ForeignKey("queues.id"), nullable=False),
    sa.Column("matter", sa.ForeignKey("matters.code"), nullable=False),
    sa.Column("starts_at", UtcDateTime, nullable=False),
    sa.Column("seat", sa.Integer, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("phone", sa.String, nullable=False),
    sa.Column("language", sa.String, nullable=False),
    sa.Column("booked_at", UtcDateTime, nullable=False),
    sa.Column("visit", sa.ForeignKey("visits.id")),
    sa.Index(
        "one_booking_in_a_seat",
        "queue",
        "starts_at",
        "seat",
        unique=True,
        sqlite_where=sa.text("state <> 'cancelled'"),
        postgresql_where=sa.text("state <> 'cancelled'"),
    ),
    sa.Index("bookings_of_a_city", "city", "starts_at"),
)
