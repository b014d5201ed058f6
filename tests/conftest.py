"""One PostgreSQL server per run, one database per test, a clean environment."""

import atexit
import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pydantic import SecretStr

from app import bootstrap, dev_server
from app.settings import PREFIX, Settings, read_settings
from app.store.store import Store
from testing.installation import make_settings
from testing.postgres import Postgres

# So that their assertions show what differs.
pytest.register_assert_rewrite(
    "testing.equal_events", "testing.equal_runs", "testing.page_checks"
)
#: In CI, a test that is skipped is a claim that nobody has checked.
pytest_plugins = ["testing.no_skips"] if os.environ.get("CI") == "true" else []


# How long an example takes depends on what else the machine does.
hypothesis_settings.register_profile(
    "no-deadlines", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("no-deadlines")


# The tests of a run are objects that stay until its end. With Python's default, the
# garbage collector takes almost half of the time in which pytest collects the tests.
gc.set_threshold(10_000)


def pytest_collection_finish() -> None:
    """Let the garbage collector only examine what the tests create."""
    gc.freeze()


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
    with (
        dev_server.running(read_settings(var=runtime_folder / "var")) as found,
        closing(Postgres(found.database)) as server,
    ):
        yield server


@pytest.fixture
def database_url(postgres: Postgres) -> Iterator[str]:
    """A database of this test's own, with our schema and nothing in it."""
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings for that database, with every folder inside of tmp_path."""
    return make_settings(
        tmp_path, database_url=SecretStr(database_url), node="test", port=0
    )


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """The store on that database, for a few threads."""
    store = bootstrap.make_store(settings, connections=4)
    yield store
    store.close()
