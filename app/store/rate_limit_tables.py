"""The table of rate limits."""

from sqlalchemy import Column, Table, Text

from app.store.metadata import Moment, metadata

# It isn't logged: a count is worth no write to the disk.
rate_limits = Table(
    "rate_limits",
    metadata,
    Column("subject", Text, primary_key=True),
    #: Until when the requests so far have used up the window.
    Column("used_until", Moment, nullable=False),
    prefixes=["UNLOGGED"],
)
