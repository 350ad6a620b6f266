"""queues, skills, overflow, agreements, consults, and what routing knows of a visit

A database of before this has every matter group of a city as a queue of its own, each clerk
serving all queues of their city, and visits that keep their place by the time of their ticket.
"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    _new_tables()
    with op.batch_alter_table("windows") as batch_op:
        batch_op.add_column(
            sa.Column("languages", sa.JSON(), nullable=False, server_default='["cmn"]')
        )
        batch_op.add_column(sa.Column("capacity", sa.Integer(), nullable=False, server_default="1"))
        batch_op.add_column(sa.Column("misses", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("windows") as batch_op:
        for name in ("languages", "capacity", "misses"):
            batch_op.alter_column(name, server_default=None)
    op.drop_table("ticket_counters")  # numbers begin anew each day
    op.create_table(
        "ticket_counters",
        sa.Column("city", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("series", sa.String(length=8), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("last_virtual_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("city", "day", "series"),
    )
    _queues_of_before()
    _visits()


def _new_tables() -> None:
    op.create_table(
        "queues",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("city", sa.String(length=6), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("letter", sa.String(length=1), nullable=False),
        sa.Column("matters", sa.JSON(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("ring_s", sa.Float(), nullable=False),
        sa.Column("language_after_s", sa.Float(), nullable=False),
        sa.Column("backup_after_s", sa.Float(), nullable=False),
        sa.Column("named_after_s", sa.Float(), nullable=False),
        sa.Column("may_pull", sa.Boolean(), nullable=False),
        sa.Column("target_s", sa.Float(), nullable=False),
        sa.Column("target_share", sa.Float(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["city"], ["cities.code"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("city", "letter", name="one_letter_a_queue"),
    )
    op.create_table(
        "overflows",
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("partner", sa.String(), nullable=False),
        sa.Column("when", sa.String(), nullable=False),
        sa.Column("threshold", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["queue"], ["queues.id"]),
        sa.ForeignKeyConstraint(["partner"], ["queues.id"]),
        sa.PrimaryKeyConstraint("queue", "partner", "when"),
    )
    op.create_table(
        "head_starts",
        sa.Column("city", sa.String(length=6), nullable=False),
        sa.Column("priority", sa.String(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["city"], ["cities.code"]),
        sa.PrimaryKeyConstraint("city", "priority"),
    )
    op.create_table(
        "agreements",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("city", sa.String(length=6), nullable=False),
        sa.Column("partner", sa.String(length=6), nullable=False),
        sa.Column("matters", sa.JSON(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["city"], ["cities.code"]),
        sa.ForeignKeyConstraint(["partner"], ["cities.code"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "skills",
        sa.Column("clerk", sa.String(), nullable=False),
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["clerk"], ["windows.clerk"]),
        sa.ForeignKeyConstraint(["queue"], ["queues.id"]),
        sa.PrimaryKeyConstraint("clerk", "queue"),
    )
    op.create_table(
        "consults",
        sa.Column("visit", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("only_clerk", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("clerk", sa.String(), nullable=True),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("with_resident", sa.Boolean(), nullable=False),
        sa.Column("not_by", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["visit"], ["visits.id"]),
        sa.ForeignKeyConstraint(["queue"], ["queues.id"]),
        sa.PrimaryKeyConstraint("visit"),
    )
    with op.batch_alter_table("consults") as batch_op:
        batch_op.create_index(
            "one_consult_at_a_clerk",
            ["clerk"],
            unique=True,
            sqlite_where=sa.text("state IN ('offered', 'joined')"),
            postgresql_where=sa.text("state IN ('offered', 'joined')"),
        )


def _queues_of_before() -> None:
    """A queue for each group of matters of each city, served by all clerks of the city."""
    connection = op.get_bind()
    matters = connection.execute(
        sa.text('SELECT code, "group", cities FROM matters ORDER BY position')
    ).all()
    of_visits = {
        (row.city, row.group)
        for row in connection.execute(sa.text('SELECT DISTINCT city, "group" FROM visits')).all()
    }
    groups = list(
        dict.fromkeys([*(row.group for row in matters), *sorted(group for _, group in of_visits)])
    )
    queues = sa.table("queues", *(sa.column(name, kind) for name, kind in _QUEUE.items()))
    skills = sa.table("skills", sa.column("clerk"), sa.column("queue"), sa.column("level"))
    for row in connection.execute(sa.text("SELECT code FROM cities")).all():
        windows = connection.execute(
            sa.text("SELECT clerk FROM windows WHERE city = :city"), {"city": row.code}
        ).all()
        for position, group in enumerate(groups):
            served = [
                m.code
                for m in matters
                if m.group == group
                and row.code in (json.loads(m.cities) if isinstance(m.cities, str) else m.cities)
            ]
            if not served and (row.code, group) not in of_visits:
                continue  # a queue without matters is for the record of its visits
            queue = f"{row.code}-{group}"
            connection.execute(
                sa.insert(queues).values(
                    id=queue, city=row.code, position=position, name_zh=group, name_en=group,
                    letter="ABCDEFGHJKLMNPQRSTUVWXYZ"[position], matters=served,
                    kind="escalation" if group == "escalation" else "ordinary",
                    ring_s=20.0, language_after_s=120.0, backup_after_s=60.0, named_after_s=120.0,
                    may_pull=False, target_s=60.0, target_share=0.9, capacity=2,
                )
            )  # fmt: skip
            for window in windows:
                connection.execute(
                    sa.insert(skills).values(clerk=window.clerk, queue=queue, level=1)
                )


_QUEUE: dict[str, Any] = {
    "id": sa.String(), "city": sa.String(), "position": sa.Integer(), "name_zh": sa.String(),
    "name_en": sa.String(), "letter": sa.String(), "matters": sa.JSON(), "kind": sa.String(),
    "ring_s": sa.Float(), "language_after_s": sa.Float(), "backup_after_s": sa.Float(),
    "named_after_s": sa.Float(), "may_pull": sa.Boolean(), "target_s": sa.Float(),
    "target_share": sa.Float(), "capacity": sa.Integer(),
}  # fmt: skip


def _visits() -> None:
    at = sa.DateTime(timezone=True)
    with op.batch_alter_table("visits") as batch_op:
        for column in (
            sa.Column("queue", sa.String(), nullable=True),
            sa.Column("priority", sa.String(), nullable=False, server_default="ordinary"),
            sa.Column("wish", sa.String(), nullable=False, server_default=""),
            sa.Column("virtual_at", at, nullable=True),
            sa.Column("waits_since", at, nullable=True),
            sa.Column("response_s", sa.Float(), nullable=True),
            sa.Column("also", sa.JSON(), nullable=False, server_default="[]"),
            sa.Column("allowed", sa.JSON(), nullable=False, server_default="[]"),
            sa.Column("overflowed", sa.JSON(), nullable=False, server_default="[]"),
            sa.Column("stays", sa.Boolean(), nullable=False, server_default=sa.false()),
            sa.Column("only_clerk", sa.String(), nullable=True),
            sa.Column("not_by", sa.JSON(), nullable=False, server_default="{}"),
            sa.Column("contact", sa.String(), nullable=False, server_default=""),
            sa.Column("called_at", at, nullable=True),
            sa.Column("served_queue", sa.String(), nullable=True),
            sa.Column("aside", sa.Boolean(), nullable=False, server_default=sa.false()),
            sa.Column("answer", sa.Text(), nullable=False, server_default=""),
        ):
            batch_op.add_column(column)
    op.execute(
        """UPDATE visits SET queue = city || '-' || "group", virtual_at = taken_at,"""
        " waits_since = taken_at"
    )
    op.execute("""UPDATE visits SET served_queue = queue WHERE accepted_at IS NOT NULL""")
    with op.batch_alter_table("visits") as batch_op:
        for name in ("queue", "virtual_at", "waits_since"):
            batch_op.alter_column(name, nullable=False)
        for name in (
            "priority", "wish", "also", "allowed", "overflowed", "stays", "not_by", "contact",
            "aside", "answer",
        ):  # fmt: skip
            batch_op.alter_column(name, server_default=None)
        batch_op.create_foreign_key("visit_queue", "queues", ["queue"], ["id"])
        batch_op.create_index("visits_by_state", ["state", "clerk"])
        batch_op.create_index("visits_of_a_queue", ["queue", "taken_at"])
        batch_op.create_index("served_visits", ["served_queue", "ended_at"])
