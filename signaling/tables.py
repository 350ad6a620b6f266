"""How do people, devices, what they did and how calls went lie in the database?

Written by accounts, audit and quality.
"""

import sqlalchemy as sa

from scheduling.tables import UtcDateTime

metadata = sa.MetaData()

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("login", sa.String, nullable=False, unique=True),
    sa.Column("name_zh", sa.String, nullable=False),
    sa.Column("name_en", sa.String, nullable=False),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("city", sa.String, nullable=False),
    sa.Column("lead", sa.Boolean, nullable=False),
    sa.Column("password_hash", sa.String, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("token_hash", sa.String, primary_key=True),
    sa.Column("account", sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
)

kiosks = sa.Table(
    "kiosks",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("site", sa.String, nullable=False),
    sa.Column("city", sa.String, nullable=False),
    sa.Column("public_key", sa.Text, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("enrolled_at", UtcDateTime, nullable=False),
)

enrolment_codes = sa.Table(
    "enrolment_codes",
    metadata,
    sa.Column("code_hash", sa.String, primary_key=True),
    sa.Column("site", sa.String, nullable=False),
    sa.Column("city", sa.String, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("used_by", sa.String),
)

used_tokens = sa.Table(
    "used_tokens",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("expires_at", UtcDateTime, nullable=False),
)

audit_log = sa.Table(
    "audit_log",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.String, nullable=False),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("city", sa.String, nullable=False),
    sa.Column("action", sa.String, nullable=False),
    sa.Column("object", sa.String, nullable=False),
    sa.Column("detail", sa.JSON(none_as_null=True)),
)

quality = sa.Table(
    "quality",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("visit", sa.String, nullable=False, index=True),
    sa.Column("party", sa.String, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("received", sa.JSON, nullable=False),
    sa.Column("sent", sa.JSON, nullable=False),
)
