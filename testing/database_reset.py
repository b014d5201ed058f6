"""Empty a database that a test has used, so that it is again as it was created."""

from dataclasses import dataclass
from typing import LiteralString

import psycopg
from psycopg import sql

#: The catalogs that a change of the schema changes, with the number of an object.
_CATALOGS: tuple[tuple[LiteralString, LiteralString], ...] = (
    ("pg_class", "oid"), ("pg_attribute", "attrelid"), ("pg_constraint", "oid"),
    ("pg_trigger", "oid"), ("pg_proc", "oid"), ("pg_type", "oid"),
    ("pg_namespace", "oid"), ("pg_extension", "oid"), ("pg_db_role_setting", "setrole"),
)  # fmt: skip
#: The numbers of PostgreSQL's own objects are smaller.
_OURS = 16384
#: With more, their space makes the database slower for the next test.
_MAXIMUM_ROWS = 1000

Connection = psycopg.Connection[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a new database has: its schema, and the rows that migrations inserted."""

    #: The number of rows of each catalog, and the latest transaction that wrote one.
    schema: list[tuple[object, ...]]
    #: The content of the tables that aren't empty, in the format of COPY.
    rows: dict[str, bytes]
    #: The last value of each sequence; None if it wasn't used.
    sequences: dict[str, object]

    @classmethod
    def read(cls, db: Connection) -> "Baseline":
        """Read it from the template."""
        content = {name: _copy_out(db, name) for name in _tables(db)}
        rows = {name: copied for name, copied in content.items() if copied}
        return cls(_schema(db), rows, _sequences(db))

    def restore(self, db: Connection) -> bool:
        """Empty a clone; return False if it is better to create another one.

        The connections that have written have to be closed: PostgreSQL then knows the
        tables that they wrote.
        """
        if self.schema != _schema(db):
            return False
        # Neither triggers nor foreign keys: in the end, all tables are as they were.
        db.execute("SET LOCAL session_replication_role = replica")
        deleted = 0
        for name in _tables(db, written=True):
            delete = sql.SQL("DELETE FROM {}").format(sql.Identifier(name))
            deleted += db.execute(delete).rowcount
            if name in self.rows:
                _copy_in(db, name, self.rows[name])
        for name, value in _sequences(db).items():
            if value != self.sequences[name]:
                _set_sequence(db, name, self.sequences[name])
        db.execute("SELECT pg_stat_reset()")
        return deleted <= _MAXIMUM_ROWS


def _schema(db: Connection) -> list[tuple[object, ...]]:
    one = sql.SQL("SELECT count(*), max(xmin::text::bigint) FROM {} WHERE {} >= {}")
    each = [
        one.format(sql.Identifier(catalog), sql.Identifier(number), _OURS)
        for catalog, number in _CATALOGS
    ]
    # ANALYZE and VACUUM write this in place.
    statistics = sql.SQL("SELECT sum(relpages), sum(reltuples)::bigint FROM pg_class")
    return db.execute(sql.SQL(" UNION ALL ").join([*each, statistics])).fetchall()


def _tables(db: Connection, *, written: bool = False) -> list[str]:
    """Return the names of all tables, or of those that were written."""
    found = db.execute(
        "SELECT relname FROM pg_class "
        "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace "
        "AND (NOT %s OR pg_stat_get_tuples_inserted(oid) "
        "+ pg_stat_get_tuples_updated(oid) + pg_stat_get_tuples_deleted(oid) > 0)",
        [written],
    )
    return [str(name) for (name,) in found]


def _sequences(db: Connection) -> dict[str, object]:
    """Return the last value of each sequence; None if it wasn't used."""
    found = db.execute("SELECT sequencename, last_value FROM pg_sequences")
    return {str(name): value for name, value in found}


def _set_sequence(db: Connection, name: str, value: object) -> None:
    db.execute(
        "SELECT setval(seqrelid, coalesce(%(value)s, seqstart), %(value)s IS NOT NULL) "
        "FROM pg_sequence WHERE seqrelid = %(name)s::regclass",
        {"name": f'public."{name}"', "value": value},
    )


def _copy_out(db: Connection, table: str) -> bytes:
    query = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))
    with db.cursor().copy(query) as copy:
        return b"".join(copy)


def _copy_in(db: Connection, table: str, content: bytes) -> None:
    query = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))
    with db.cursor().copy(query) as copy:
        copy.write(content)
