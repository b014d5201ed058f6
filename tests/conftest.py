"""One PostgreSQL a run, a fresh database a test, and an environment without us."""

import atexit
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from app import bootstrap, dev_server
from app.settings import PREFIX, Settings, read_settings
from app.store.migrate import migrate
from app.store.store import Store

#: What makes a server fast whose data nobody will miss.
_CARELESS = ("fsync = off", "full_page_writes = off", "autovacuum = off")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our own options."""
    parser.addoption(
        "--pictures", type=Path, help="folder for a picture of every page in each look"
    )


@pytest.fixture(scope="session")
def pictures(request: pytest.FixtureRequest) -> Path | None:
    """Where pictures of pages are wanted, if anywhere."""
    found: Path | None = request.config.getoption("--pictures")
    return found


class Postgres:
    """A PostgreSQL server with a migrated template; databases are cloned from it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._numbers = count(1)
        with psycopg.connect(url, autocommit=True) as server:
            for setting in _CARELESS:
                server.execute(sql.SQL("ALTER SYSTEM SET {}").format(sql.SQL(setting)))
            server.execute("SELECT pg_reload_conf()")
        self._template = self.create_database(empty=True)
        store = bootstrap.make_store(
            read_settings(database_url=SecretStr(self._template))
        )
        migrate(store)
        store.close()

    def create_database(self, *, empty: bool = False) -> str:
        """Create a database with our schema, or with none; returns its address."""
        name = f"test_{next(self._numbers)}"
        template = "template0" if empty else _name(self._template)
        self._execute("CREATE DATABASE {} TEMPLATE {}", name, template)
        return urlsplit(self._url)._replace(path=f"/{name}").geturl()

    def drop_database(self, url: str) -> None:
        """Drop a database, whoever is still connected to it."""
        self._execute("DROP DATABASE {} WITH (FORCE)", _name(url))

    def _execute(self, statement: str, *names: str) -> None:
        query = sql.SQL(statement).format(*map(sql.Identifier, names))
        with psycopg.connect(self._url, autocommit=True) as server:
            server.execute(query)


def _name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


@pytest.fixture(scope="session", autouse=True)
def runtime_folder() -> Iterator[Path]:
    """A short path that every user may traverse, as a PostgreSQL started by root needs.

    The environment is scrubbed of our variables, for the tests and what they start.
    """
    # A shell starts what it puts into the background with SIGINT ignored, and that is
    # inherited: what the tests start must hear it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="fastdeploy-test-"))
    folder.chmod(0o755)
    # At the exit, since the embedded server takes its lock once more there.
    atexit.register(shutil.rmtree, folder)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            patch.delenv(name)
        runtime = folder / "run"
        runtime.mkdir(mode=0o700)
        # The embedded server keeps its lock here, if there is this folder.
        (runtime / "python_PostgresServer").mkdir(mode=0o700)
        patch.setenv("XDG_RUNTIME_DIR", str(runtime))
        yield folder


@pytest.fixture(scope="session")
def postgres(runtime_folder: Path) -> Iterator[Postgres]:
    """The server of this test run."""
    with dev_server.running(read_settings(var=runtime_folder / "var")) as found:
        yield Postgres(found.database)


@pytest.fixture
def database_url(postgres: Postgres) -> Iterator[str]:
    """A database of this test's own, with our schema and nothing in it."""
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings for that database, with every folder inside of tmp_path."""
    services, config_folder = tmp_path / "services", tmp_path / "config"
    services.mkdir()
    config_folder.mkdir()
    return read_settings(
        database_url=SecretStr(database_url),
        var=tmp_path / "var",
        services=services,
        config_folder=config_folder,
        node="test",
        port=0,
    )


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """The store on that database, for a few threads."""
    store = bootstrap.make_store(settings, connections=4)
    yield store
    store.close()
