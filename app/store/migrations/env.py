"""Run migrations on the connection and in the transaction of app.store.migrate."""

from alembic import context

from app.store import (
    access_tables,
    calendar_tables,
    deployment_tables,
    file_tables,
    grant_tables,
    host_tables,
    notification_tables,
    open_stream_tables,
    rate_limit_tables,
    second_factor_tables,
    service_tables,
    trace_tables,
    webhook_tables,
)
from app.store.metadata import metadata

# Importing these modules adds their tables to the metadata.
assert access_tables
assert calendar_tables
assert deployment_tables
assert grant_tables
assert file_tables
assert host_tables
assert notification_tables
assert open_stream_tables
assert rate_limit_tables
assert second_factor_tables
assert service_tables
assert trace_tables
assert webhook_tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_server_default=True,
)
context.run_migrations()
