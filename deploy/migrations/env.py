"""Alembic's entry: runs the migrations on the connection that `database.migrate` hands over."""

from alembic import context

from scheduling import calendar_tables  # noqa: F401 - its tables join the metadata
from scheduling import tables as scheduling_tables
from signaling import tables as signaling_tables

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=[scheduling_tables.metadata, signaling_tables.metadata],
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
