"""How do people, devices, what they did, how calls went and who leads lie in the database?

Written by accounts, ledger (with audit), quality and lease.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from scheduling.tables import UtcDateTime

metadata = sa.MetaData()


class database_s(sa.sql.functions.FunctionElement[float]):  # noqa: N801 - reads as a function
    """Seconds since 1970 by the database's clock: the one that all processes share."""

    type = sa.Float()
    inherit_cache = True


@compiles(database_s, "sqlite")
def _sqlite_s(_element: Any, _compiler: Any, **_options: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(database_s, "postgresql")
def _postgresql_s(_element: Any, _compiler: Any, **_options: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION)"


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

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("holder", sa.String, nullable=False),
    sa.Column("until_s", sa.Float, nullable=False),
    sa.Column("term", sa.Integer, nullable=False),
)

answers = sa.Table(
    "answers",
    metadata,
    sa.Column("client", sa.String, primary_key=True),
    sa.Column("command", sa.String, primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False, index=True),
    sa.Column("answer", sa.Text, nullable=False),
)
