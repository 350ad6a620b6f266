"""opening hours, shifts, appointments"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "opening_hours",
        sa.Column("city", sa.String(length=6), nullable=False),
        sa.Column("week", sa.JSON(), nullable=False),
        sa.Column("holidays", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["city"], ["cities.code"]),
        sa.PrimaryKeyConstraint("city"),
    )
    op.create_table(
        "special_days",
        sa.Column("city", sa.String(length=6), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("hours", sa.JSON(), nullable=False),
        sa.Column("reason_zh", sa.String(), nullable=False),
        sa.Column("reason_en", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["city"], ["cities.code"]),
        sa.PrimaryKeyConstraint("city", "day"),
    )
    op.create_table(
        "shifts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("clerk", sa.String(), nullable=False),
        sa.Column("city", sa.String(length=6), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queues", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["city"], ["cities.code"]),
        sa.ForeignKeyConstraint(["clerk"], ["windows.clerk"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("shifts_of_a_city", "shifts", ["city", "starts_at"])
    op.create_table(
        "bookings",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("city", sa.String(length=6), nullable=False),
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("matter", sa.String(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seat", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("visit", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["city"], ["cities.code"]),
        sa.ForeignKeyConstraint(["matter"], ["matters.code"]),
        sa.ForeignKeyConstraint(["queue"], ["queues.id"]),
        sa.ForeignKeyConstraint(["visit"], ["visits.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code_hash"),
    )
    op.create_index(
        "one_booking_in_a_seat",
        "bookings",
        ["queue", "starts_at", "seat"],
        unique=True,
        sqlite_where=sa.text("state <> 'cancelled'"),
        postgresql_where=sa.text("state <> 'cancelled'"),
    )
    op.create_index("bookings_of_a_city", "bookings", ["city", "starts_at"])
