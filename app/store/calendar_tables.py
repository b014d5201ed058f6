"""The calendars of freezes."""

from sqlalchemy import JSON, Column, Table, Text, UniqueConstraint, func

from app.store.metadata import Moment, id_column, metadata

# The calendars that schedules name. `scope` is the name of the folder in the services
# folder whose file it is, empty for a URL. `content` and `freezes` are of the last
# success, at `read_at`; the freezes are complete until `covers_until`. All are empty
# before the first success. A worker reads it again at `next_at`. `problem` says why
# that failed the last time, and `failing_since` when it failed first.

freeze_calendars = Table(
    "freeze_calendars",
    metadata,
    id_column(),
    Column("scope", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("content", Text, nullable=False, server_default=""),
    Column("freezes", JSON),
    Column("covers_until", Moment),
    Column("read_at", Moment),
    Column("next_at", Moment, nullable=False, server_default=func.now(), index=True),
    Column("problem", Text, nullable=False, server_default=""),
    Column("failing_since", Moment),
    UniqueConstraint("scope", "source"),
)
