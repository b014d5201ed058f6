"""The table of open streams and downloads."""

from sqlalchemy import Column, Index, Table, Text

from app.store.metadata import Moment, metadata

# It isn't logged: after a crash of PostgreSQL, web processes insert their rows again.
open_streams = Table(
    "open_streams",
    metadata,
    #: A random id of the response.
    Column("id", Text, primary_key=True),
    #: The user or token whose response it is.
    Column("owner", Text, nullable=False),
    #: Until when it counts; its web process extends it while the response is open.
    Column("held_until", Moment, nullable=False),
    Index("ix_open_streams_owner", "owner"),
    prefixes=["UNLOGGED"],
)
