"""The files that runs have changed on hosts, and their versions."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from app.store.metadata import Moment, id_column, metadata

# The files, identified by host and path.

files = Table(
    "files",
    metadata,
    id_column(),
    Column("host_id", ForeignKey("hosts.id", ondelete="CASCADE"), nullable=False),
    Column("path", Text, nullable=False),
    UniqueConstraint("host_id", "path"),
)

# The versions of a file, in the order of their ids; see VersionKind in
# app/domain/file_history.py. `deployment` and `number` are those of the result that
# wrote or found it; no foreign key, since versions outlive deployments. `since` is the
# time of the version before one that was edited outside. `content` makes the text with
# that of the next version that has one, NULL if the content isn't known or kept.
# `digest` is keyed, and that of the text before masking; empty if it isn't known.

file_versions = Table(
    "file_versions",
    metadata,
    id_column(),
    Column("file_id", ForeignKey("files.id", ondelete="CASCADE"), nullable=False),
    Column("service_id", ForeignKey("services.id", ondelete="CASCADE"),
           nullable=False),
    Column("deployment", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("since", Moment),
    Column("task", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("digest", Text, nullable=False, server_default=""),
    Column("content", LargeBinary),
    Index(None, "file_id", "id"),
    Index(None, "deployment", "number"),
    Index(None, "service_id"),
    Index("ix_file_versions_outside", "file_id", "id",
          postgresql_where=text("kind = 'outside'")),
)  # fmt: skip
