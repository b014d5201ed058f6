"""Run the migrations of FastDeploy (Alembic) and of Procrastinate."""

import re
from pathlib import Path

import procrastinate
from procrastinate.schema import SchemaManager, migrations_path
from sqlalchemy import Connection, inspect, text

from app.store import visibility
from app.store.store import Store

_MIGRATIONS = Path(__file__).parent / "migrations"
#: The name of a migration's file begins with its revision.
_REVISION = re.compile(r"(\d{4})_\w+\.py")
#: Serializes concurrent migrations (an arbitrary number that only FastDeploy uses).
_ADVISORY_LOCK = 0x0FA57DE9


def migrate(store: Store) -> list[str]:
    """Upgrade the database to the newest schema; return the applied versions.

    Everything is one transaction, so a failed migration is rolled back. Raises
    Unavailable.
    """
    with store.begin() as db:
        db.execute(text("SET LOCAL lock_timeout = '10s'"))
        db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        before = _revision(db)
        if dropped := before != _newest() or visibility.prepare(db):
            # A view would prevent that its table is altered.
            visibility.drop(db)
        _upgrade(db)
        if dropped:
            visibility.create(db)
        after = _revision(db)
        applied = _upgrade_queue(db)
    return ([str(after)] if before != after else []) + applied


def is_current(db: Connection) -> bool:
    """Return whether the database has the schema of this release or a newer one.

    The schema of the next release is compatible with this one.
    """
    *older, _ = _revisions()
    revision = _revision(db)
    return revision is not None and revision not in older


def _revisions() -> list[str]:
    names = (_REVISION.fullmatch(file.name) for file in _MIGRATIONS.rglob("*.py"))
    return sorted(name[1] for name in names if name)


def _newest() -> str:
    return _revisions()[-1]


def _revision(db: Connection) -> str | None:
    """Return the revision of the database; None if it has never been migrated."""
    if not inspect(db).has_table("alembic_version"):
        return None
    found: str | None = db.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def _upgrade(db: Connection) -> None:
    # Importing Alembic takes a tenth of a command's start, and few commands need it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = db
    command.upgrade(config, "head")


def _upgrade_queue(db: Connection) -> list[str]:
    """Apply Procrastinate's schema, or its newer migrations.

    The names of its files sort in the order of their versions.
    """
    db.execute(
        text(
            "CREATE TABLE IF NOT EXISTS procrastinate_schema ("
            " migration text PRIMARY KEY,"
            " applied_at timestamptz NOT NULL DEFAULT now())"
        )
    )
    known = set(db.scalars(text("SELECT migration FROM procrastinate_schema")))
    files = sorted(migrations_path.glob("*.sql"))
    missing = [file for file in files if file.name not in known]
    if not missing:
        return []
    if known:
        scripts = [file.read_text(encoding="utf-8") for file in missing]
    else:
        scripts = [SchemaManager.get_schema()]
    driver = db.connection.driver_connection
    assert driver is not None
    for script in scripts:
        driver.execute(script)
    db.execute(
        text("INSERT INTO procrastinate_schema (migration) VALUES (:name)"),
        [{"name": file.name} for file in missing],
    )
    return [f"procrastinate {procrastinate.__version__}"]
