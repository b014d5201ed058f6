"""Migrations: they create the schema of the tables, and run once, by one process."""

import threading
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from pydantic import SecretStr
from sqlalchemy import text

from app import bootstrap
from app.settings import read_settings
from app.store.metadata import metadata
from app.store.migrate import is_current, migrate
from app.store.store import Store
from testing.postgres import Postgres


@pytest.fixture
def empty(postgres: Postgres) -> Iterator[Store]:
    """A store on a database with nothing in it."""
    url = postgres.create_database(empty=True)
    store = bootstrap.make_store(read_settings(database_url=SecretStr(url)), 4)
    yield store
    store.close()
    postgres.drop_database(url)


def test_migrations_lead_to_the_tables(store: Store) -> None:
    with store.begin() as db:
        context = MigrationContext.configure(
            db,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "include_name": lambda name, kind, _: (
                    not (kind == "table" and str(name).startswith("procrastinate_"))
                ),
            },
        )

        assert [] == compare_metadata(context, metadata)


def test_checks_and_partial_indexes_are_as_the_tables_say(store: Store) -> None:
    """Alembic compares neither conditions of indexes nor check constraints."""
    with store.begin() as db:
        query = "SELECT indexname, indexdef FROM pg_indexes WHERE indexdef ~ 'WHERE'"
        indexes = {row.indexname: row.indexdef for row in db.execute(text(query))}
        checks = set(db.scalars(text("SELECT conname FROM pg_constraint")))

    for table in metadata.tables.values():
        for index in table.indexes:
            if index.dialect_options["postgresql"]["where"] is not None:
                assert str(index.name) in indexes
    assert "revoked_at IS NULL" in indexes["uq_tokens_name"]
    assert "finished_at IS NULL" in indexes["ix_deployments_active"]
    assert "ck_deployments_offset_not_negative" in checks


def test_migrating_says_what_was_applied_and_the_second_time_nothing(
    empty: Store,
) -> None:
    with empty.begin() as db:
        assert not is_current(db)

    applied = migrate(empty)

    assert 2 == len(applied)
    assert applied[1].startswith("procrastinate")
    with empty.begin() as db:
        assert is_current(db)
    assert [] == migrate(empty)


def test_the_schema_of_a_later_release_will_do_and_an_older_one_will_not(
    empty: Store,
) -> None:
    """While an update migrates and switches, the release before it serves on."""
    migrate(empty)
    fitting = {}
    for revision in ("0001", "later"):
        with empty.begin() as db:
            change = text("UPDATE alembic_version SET version_num = :revision")
            db.execute(change, {"revision": revision})
            fitting[revision] = is_current(db)

    assert {"0001": False, "later": True} == fitting


def test_two_that_migrate_at_once_take_turns(empty: Store) -> None:
    begin = threading.Barrier(3)
    found: list[list[str]] = []

    def run() -> None:
        begin.wait()
        found.append(migrate(empty))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [0, 0, 2] == sorted(map(len, found))


def test_a_migration_that_fails_leaves_nothing_behind(empty: Store) -> None:
    with empty.begin() as db:
        # In the way of Procrastinate, which comes last.
        db.execute(text("CREATE TABLE procrastinate_jobs (id int)"))

    with pytest.raises(Exception, match="procrastinate_jobs"):
        migrate(empty)

    with empty.begin() as db:
        assert ["procrastinate_jobs"] == list(
            db.scalars(
                text("SELECT tablename FROM pg_tables WHERE schemaname='public'")
            )
        )


def test_the_queue_has_its_schema(store: Store) -> None:
    with store.begin() as db:
        functions = set(
            db.scalars(
                text("SELECT proname FROM pg_proc WHERE proname LIKE 'procrastinate%'")
            )
        )

    assert "procrastinate_fetch_job_v2" in functions
