"""Locks of PostgreSQL that aren't those of a row."""

from sqlalchemy import Connection, func, select


def lock_resource(db: Connection, path: str) -> None:
    """Wait until no other transaction has locked the path of a resource; lock it."""
    key = func.hashtextextended(f"resource {path}", 0)
    db.execute(select(func.pg_advisory_xact_lock(key)))
