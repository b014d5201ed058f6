"""A PostgreSQL server with a template from which databases are cloned."""

from itertools import count
from typing import LiteralString
from urllib.parse import urlsplit

import psycopg
from psycopg import sql
from pydantic import SecretStr

from app import bootstrap
from app.settings import read_settings
from app.store.migrate import migrate
from testing.database_reset import Baseline
from testing.waiting import eventually

#: Settings that make a server fast and that may lose its data in a crash.
_FAST = ("fsync = off", "full_page_writes = off", "autovacuum = off")
#: How many tests may use a database: without VACUUM, deleted rows keep their space.
_USES = 50


class Postgres:
    """A PostgreSQL server whose template has the current schema.

    A clone consists of hundreds of files, and creating them takes longer than most
    tests. So a database that a test has dropped is emptied for the next test, under
    another name.
    """

    def __init__(self, url: str) -> None:
        """Use the server at this address, and create the template."""
        self._url = url
        self._numbers = count(1)
        self._server = psycopg.connect(url, autocommit=True)
        for setting in _FAST:
            self._execute(f"ALTER SYSTEM SET {setting}")
        self._execute("SELECT pg_reload_conf()")
        self._template = self.create_database(empty=True)
        store = bootstrap.make_store(
            read_settings(database_url=SecretStr(self._template))
        )
        migrate(store)
        store.close()
        with psycopg.connect(self._template) as template:
            self._baseline = Baseline.read(template)
        #: How many tests have used each clone, by name.
        self._uses: dict[str, int] = {}
        #: The clones that are empty again.
        self._unused: list[str] = []

    def close(self) -> None:
        """Close the connection to the server."""
        self._server.close()

    def create_database(self, *, empty: bool = False) -> str:
        """Return the address of a new database with the schema, or of an empty one."""
        name = f"test_{next(self._numbers)}"
        if empty:
            self._execute("CREATE DATABASE {} TEMPLATE template0", name)
        elif self._unused:
            unused = self._unused.pop()
            self._execute("ALTER DATABASE {} RENAME TO {}", unused, name)
            self._uses[name] = self._uses.pop(unused) + 1
        else:
            template = _name(self._template)
            self._execute("CREATE DATABASE {} TEMPLATE {}", name, template)
            self._uses[name] = 1
        return self._address(name)

    def drop_database(self, url: str) -> None:
        """Close the connections to a database, and drop it or empty it for reuse."""
        name = _name(url)
        uses = self._uses.pop(name, _USES)
        if uses < _USES:
            name = self._withdraw(name)
            if self._empty(name):
                self._uses[name] = uses
                self._unused.append(name)
                return
        self._execute("DROP DATABASE {} WITH (FORCE)", name)

    def _withdraw(self, name: str) -> str:
        """Give a database a name that no process of its test has; return the name."""
        unused = f"unused_{next(self._numbers)}"
        # PostgreSQL itself would look every 100 ms whether they have ended.
        eventually(lambda: not self._terminate(name), every=0.002)
        self._execute("ALTER DATABASE {} RENAME TO {}", name, unused)
        return unused

    def _empty(self, name: str) -> bool:
        with psycopg.connect(self._address(name)) as db:
            return self._baseline.restore(db)

    def _address(self, name: str) -> str:
        return urlsplit(self._url)._replace(path=f"/{name}").geturl()

    def _terminate(self, name: str) -> bool:
        """Terminate the connections to a database; return whether there were any."""
        terminate = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        )
        return bool(self._server.execute(terminate, [name]).fetchall())

    def _execute(self, statement: LiteralString, *names: str) -> None:
        query = sql.SQL(statement).format(*map(sql.Identifier, names))
        self._server.execute(query)


def _name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")
