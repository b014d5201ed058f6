"""A PostgreSQL server with a template from which databases are cloned."""

from itertools import count
from urllib.parse import urlsplit

import psycopg
from psycopg import sql
from pydantic import SecretStr

from app import bootstrap
from app.settings import read_settings
from app.store.migrate import migrate

#: Settings that make a server fast and that may lose its data in a crash.
_FAST = ("fsync = off", "full_page_writes = off", "autovacuum = off")


class Postgres:
    """A PostgreSQL server whose template has the current schema."""

    def __init__(self, url: str) -> None:
        """Use the server at this address, and create the template."""
        self._url = url
        self._numbers = count(1)
        with psycopg.connect(url, autocommit=True) as server:
            for setting in _FAST:
                server.execute(sql.SQL("ALTER SYSTEM SET {}").format(sql.SQL(setting)))
            server.execute("SELECT pg_reload_conf()")
        self._template = self.create_database(empty=True)
        store = bootstrap.make_store(
            read_settings(database_url=SecretStr(self._template))
        )
        migrate(store)
        store.close()

    def create_database(self, *, empty: bool = False) -> str:
        """Create a database with the schema, or an empty one; return its address."""
        name = f"test_{next(self._numbers)}"
        template = "template0" if empty else _name(self._template)
        self._execute("CREATE DATABASE {} TEMPLATE {}", name, template)
        return urlsplit(self._url)._replace(path=f"/{name}").geturl()

    def drop_database(self, url: str) -> None:
        """Drop a database, and close the connections to it."""
        self._execute("DROP DATABASE {} WITH (FORCE)", _name(url))

    def _execute(self, statement: str, *names: str) -> None:
        query = sql.SQL(statement).format(*map(sql.Identifier, names))
        with psycopg.connect(self._url, autocommit=True) as server:
            server.execute(query)


def _name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")
