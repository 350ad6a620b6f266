"""quality samples of calls"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "quality",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("visit", sa.String(), nullable=False),
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received", sa.JSON(), nullable=False),
        sa.Column("sent", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("quality", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_quality_visit"), ["visit"], unique=False)
