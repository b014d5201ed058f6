"""Lock a table of PostgreSQL, and count who waits for it."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from sqlalchemy import text

from testing.installation import Installation


@contextmanager
def locked(made: Installation, table: str) -> Iterator[None]:
    """Lock a table, so that a launch waits in its transaction."""
    with psycopg.connect(made.settings.database) as connection:
        lock = sql.SQL("LOCK TABLE {} IN SHARE MODE")
        connection.execute(lock.format(sql.Identifier(table)))
        yield


def count_waiting(made: Installation) -> int:
    """Return the number of FastDeploy's connections that wait for a lock."""
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
        "AND datname = current_database() AND application_name = 'fastdeploy'"
    )
    with made.store.begin() as db:
        return int(db.execute(text(query)).scalar_one())
