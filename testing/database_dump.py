"""The whole content of a database."""

from sqlalchemy import text

from app.store.store import Store


def dump(store: Store) -> list[str]:
    """Return every row of the database as text."""
    tables = (
        "SELECT table_name FROM information_schema.tables "
        "WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
    )
    found: list[str] = []
    with store.begin() as db:
        for (name,) in db.execute(text(tables)).all():
            rows = db.execute(text(f'SELECT t::text FROM "{name}" AS t'))  # noqa: S608
            found += [str(row[0]) for row in rows]
    return found
