"""Each test gets a database that is as new, also if another test has used it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from app import bootstrap
from app.settings import Settings
from app.store.store import Store
from testing.database_dump import dump
from testing.factories import make_user, start_deployment
from testing.postgres import Postgres


@contextmanager
def opened(url: str, settings: Settings) -> Iterator[Store]:
    """The store on another database."""
    store = bootstrap.make_store(
        settings.model_copy(update={"database_url": SecretStr(url)})
    )
    yield store
    store.close()


def test_a_used_database_is_emptied_and_its_numbers_start_again(
    postgres: Postgres, settings: Settings
) -> None:
    url = postgres.create_database()
    with opened(url, settings) as used:
        new = dump(used)
        make_user(used, "ada")
        first = start_deployment(used, settings).id
        assert new != dump(used)

    postgres.drop_database(url)
    again = postgres.create_database()

    assert url != again
    with opened(again, settings) as reused:
        assert new == dump(reused)
        assert first == start_deployment(reused, settings).id
    postgres.drop_database(again)


@pytest.mark.parametrize(
    "change",
    ["CREATE TABLE more (id int)", "ALTER TABLE users ALTER name DROP NOT NULL",
     "ANALYZE users", "ALTER TABLE users DISABLE TRIGGER ALL"],
)  # fmt: skip
def test_a_database_with_a_changed_schema_is_dropped(
    postgres: Postgres, settings: Settings, change: str
) -> None:
    url = postgres.create_database()
    with opened(url, settings) as store:
        make_user(store, "ada")
        with store.begin() as db:
            db.execute(text(change))
            number = db.scalar(text("SELECT oid FROM pg_database "
                                    "WHERE datname = current_database()"))  # fmt: skip

    postgres.drop_database(url)

    again = postgres.create_database()
    with opened(again, settings) as store, store.begin() as db:
        assert not db.scalar(
            text("SELECT 1 FROM pg_database WHERE oid = :oid"), {"oid": number}
        )
    postgres.drop_database(again)
