"""FastDeploy with its own processes, a database, and a folder of services."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from testing import tls_proxy
from testing.browser import chromium
from testing.bundled import Play, Run, run_playbook
from testing.installation import Installation, installed
from testing.node import node
from testing.paths import SOPS
from testing.postgres import Postgres
from testing.private_ca import PrivateCa
from testing.runner import Service, short_folder


@pytest.fixture
def installation(postgres: Postgres, tmp_path: Path) -> Iterator[Installation]:
    """An installation for one test, without processes."""
    with installed(postgres, tmp_path) as made:
        yield made


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service of the runner alone; no run of it leaves its private folder behind."""
    with short_folder() as temp:
        made = Service(tmp_path, temp)
        yield made
        made.end()
        # A module that is killed leaves the folder into which Ansible has unpacked it.
        assert [] == [path for path in temp.iterdir() if "_payload_" not in path.name]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Run a playbook service below the folder of the test."""

    def run(service: str, *options: str, **variables: object) -> Run:
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        return run_playbook(home, service, *options, **variables)

    return run


@pytest.fixture(scope="session")
def sops(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH with sops, or with a decoder of the same name."""
    path = "/usr/local/bin:/usr/bin:/bin"
    if shutil.which("sops", path=path):
        return path
    assert (SOPS / "node_modules").is_dir(), "run tools/prepare-tests"
    program = tmp_path_factory.mktemp("bin") / "sops"
    program.write_text(f'#!/bin/sh\nexec "{node()}" "{SOPS}/sops.mjs" "$@"\n')
    program.chmod(0o755)
    return f"{program.parent}:{path}"


@pytest.fixture(scope="module")
def fastdeploy(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An installation with a worker and a web process, shared by a module's tests."""
    with installed(postgres, tmp_path_factory.mktemp("fastdeploy")) as made:
        made.worker()
        made.web()
        yield made


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> PrivateCa:
    """A certificate authority of the tests."""
    return PrivateCa(tmp_path_factory.mktemp("ca"))


@pytest.fixture(params=["host", "nginx"])
def either_way(
    request: pytest.FixtureRequest,
    fastdeploy: Installation,
    tmp_path: Path,
    ca: PrivateCa,
) -> Iterator[str]:
    """Run the commands of a test on the host, and over HTTPS as a client."""
    if request.param == "host":
        yield request.param
        return
    with tls_proxy.https(
        request.param, fastdeploy.url, tmp_path / request.param, ca
    ) as url:
        fastdeploy.command_variables = {
            "FASTDEPLOY_SERVER": url,
            "FASTDEPLOY_TOKEN": fastdeploy.token(),
            "SSL_CERT_FILE": str(ca.certificate),
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
            # No database: a client has none.
            "FASTDEPLOY_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        }
        yield request.param
    fastdeploy.command_variables = fastdeploy.variables


@pytest.fixture
def name(either_way: str) -> str:
    """A name that the commands of the other ways don't use."""
    return f"by-{either_way}"


@pytest.fixture
def elsewhere(tmp_path: Path) -> dict[str, str]:
    """The environment of a computer without FastDeploy's settings and logins."""
    return {
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "FASTDEPLOY_DATABASE_URL": "",
        "FASTDEPLOY_VAR": str(tmp_path),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }


@pytest.fixture(scope="module")
def client(fastdeploy: Installation) -> Iterator[httpx.Client]:
    """A client of the shared web process, with every permission."""
    with fastdeploy.client() as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The Chromium of this machine, shared by a module's tests.

    While Playwright runs, its event loop is the only one that the thread can have.
    """
    with chromium() as launched:
        yield launched
