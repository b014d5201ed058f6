"""An installation of FastDeploy: a database, folders, and real processes."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil
from pydantic import SecretStr

from app import bootstrap, dev_server
from app.domain.access import Actor, Permission, on_host
from app.domain.deployment import Deployment, Origin, Status
from app.queue import make_queue
from app.settings import Settings, read_settings
from app.store import events
from app.store.events import Event
from app.usecases import deploy, output, services, tokens
from app.usecases.deploy import View
from app.usecases.services import SyncResult
from testing.ports import free_port
from testing.postgres import Postgres
from testing.preloaded import COMMAND
from testing.processes import Process, living
from testing.waiting import PATIENCE, eventually

#: The actor of every launch and cancellation that names no other.
ACTOR = on_host("testing")


def make_settings(folder: Path, **overrides: object) -> Settings:
    """Return settings with a free port and with all folders in `folder`."""
    values: dict[str, object] = {
        "var": folder / "var",
        "services": folder / "services",
        "config_folder": folder / "config",
        "port": free_port(),
        # Each check takes a second of CPU time.
        "syntax_check": False,
    }
    for name in ("services", "config"):
        (folder / name).mkdir(parents=True)
    return read_settings(**values | overrides)


def is_ready(client: httpx.Client) -> bool:
    """Return whether the web process is ready."""
    with suppress(httpx.TransportError):
        return client.get("/readyz").is_success
    return False


class Installation:
    """A database, folders, and the processes that were started on them."""

    #: Seconds to wait for a deployment or a response.
    patience: float = PATIENCE

    def __init__(self, settings: Settings, logs: Path) -> None:
        """Use the database of the settings; `logs` receives the logs of processes."""
        self.settings = settings
        self.store = bootstrap.make_store(settings, connections=4)
        self.services = settings.services
        self.config_folder = settings.config_folder
        #: The settings as environment variables.
        self.variables = dev_server.as_environment(settings)
        #: What the environment of a command has: by default, the settings.
        self.command_variables = self.variables
        self._logs = logs
        self._started: list[Process] = []

    # What a user does

    def write_service(self, name: str, script: str, **config: object) -> Path:
        """Write a script service and sync it; return its folder."""
        return self.write_files(
            name, {"deploy.py": script}, deploy_script="deploy.py", **config
        )

    def write_files(
        self, name: str, files: Mapping[str, str], **config: object
    ) -> Path:
        """Write a service and sync it; return its folder.

        The deploy script and files that begin with #! are executable.
        """
        folder = self.services / name
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(json.dumps({"name": name, **config}))
        for file, content in files.items():
            (folder / file).write_text(content)
            is_program = content.startswith("#!") or file == config.get("deploy_script")
            (folder / file).chmod(0o755 if is_program else 0o644)
        synced = self.sync()
        assert name in synced.valid, synced.invalid
        return folder

    def sync(self) -> SyncResult:
        """Sync the services of this node."""
        return services.sync_services(
            self.store,
            self.services,
            self.settings.var,
            self.settings.node,
            ACTOR,
            box=lambda: bootstrap.make_secret_box(self.settings),
        )

    def launch(self, service: str, /, **variables: object) -> int:
        """Launch a deployment; return its id."""
        return self.request(service, variables)

    def request(
        self,
        service: str,
        variables: Mapping[str, object] | None = None,
        *,
        actor: Actor = ACTOR,
        origin: Origin = Origin.CLI,
        priority: int = 0,
    ) -> int:
        """Launch a deployment with these attributes; return its id."""
        return deploy.launch(
            self.store,
            make_queue(self.settings),
            bootstrap.make_secret_box(self.settings),
            actor=actor,
            origin=origin,
            service_name=service,
            given=variables or {},
            priority=priority,
        )

    def token(self, *scopes: Permission) -> str:
        """Return a new token for the API; without scopes, one with every permission."""
        name = f"token {time.monotonic_ns()}"
        return tokens.create_token(self.store, ACTOR, name, scopes or list(Permission))

    # What a user sees

    def view(self, number: int) -> View:
        """Return a deployment with its steps."""
        return deploy.view(self.store, number)

    def status(self, number: int) -> Status:
        """Return the status of a deployment."""
        return deploy.find(self.store, number).status

    def ended(self, number: int, patience: float | None = None) -> Deployment:
        """Wait until a deployment has ended, and return it."""
        # A deployment stays ended, so the database is asked less often than by default.
        eventually(
            lambda: deploy.find(self.store, number).ended,
            patience or self.patience,
            every=0.05,
        )
        return deploy.find(self.store, number)

    def run(self, service: str, /, **variables: object) -> Deployment:
        """Launch a deployment, wait until it has ended, and return it."""
        return self.ended(self.launch(service, **variables))

    def states(self, number: int) -> dict[str, str]:
        """Return the state of each step."""
        return {step.name: step.state for step in self.view(number).steps}

    def output(self, number: int) -> bytes:
        """Return the output of a deployment, as it is downloaded."""
        return b"".join(output.whole(self.store, number))

    def lines(self, number: int) -> list[str]:
        """Return the lines of the output."""
        return self.output(number).decode().splitlines()

    def events(self, number: int) -> list[Event]:
        """Return every recorded event."""
        with self.store.begin() as db:
            return events.read(db, number, limit=10_000_000)

    def run_folder(self, number: int) -> Path:
        """Return the folder with the files of a run."""
        return self.settings.runs / str(number)

    # Processes

    def start(self, *arguments: str, prefix: Sequence[str] = (), **env: str) -> Process:
        """Start one of FastDeploy's commands."""
        command = [*prefix, *COMMAND, *arguments]
        log = self._logs / f"{arguments[0]}-{len(self._started)}.log"
        started = Process(command, dict(os.environ) | self.variables | env, log)
        self._started.append(started)
        return started

    def worker(self, prefix: Sequence[str] = (), **env: str) -> Process:
        """Start a worker, wait until it is ready, and return it."""
        started = self.start("worker", prefix=prefix, **env)
        eventually(lambda: _runs(started, lambda: "worker.ready" in started.log))
        return started

    def web(self, **env: str) -> Process:
        """Start the web process, wait until it is ready, and return it."""
        started = self.start("web", **env)
        with httpx.Client(base_url=self.url) as client:
            eventually(lambda: _runs(started, lambda: is_ready(client)))
        return started

    @property
    def url(self) -> str:
        """The address of the web process."""
        return f"http://{self.settings.host}:{self.settings.port}"

    def client(self) -> httpx.Client:
        """Return a client of the web process with every permission."""
        client = self.visitor()
        client.headers["Authorization"] = f"Bearer {self.token()}"
        return client

    def visitor(self) -> httpx.Client:
        """Return a client of the web process that isn't logged in."""
        return httpx.Client(
            base_url=self.url,
            timeout=self.patience,
            limits=httpx.Limits(max_connections=None),
        )

    def run_processes(self, number: int) -> list[psutil.Process]:
        """Return the running processes in the session of a run's wrapper."""
        with suppress(FileNotFoundError):
            session = int((self.run_folder(number) / "pid").read_text())
            return _of_run(session, self.run_folder(number))
        return []

    def kill_run(self, number: int) -> None:
        """Kill the processes of a run, including the wrapper."""
        for process in self.run_processes(number):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        eventually(lambda: not self.run_processes(number))

    def close(self) -> None:
        """Kill every process that was started here, and close the connections."""
        for process in self._started:
            if "COVERAGE_PROCESS_CONFIG" in os.environ:
                # A process that is killed leaves no data.
                process.stop()
            process.kill()
        for folder in self.settings.runs.glob("[0-9]*"):
            self.kill_run(int(folder.name))
        self.store.close()


def _runs(process: Process, check: Callable[[], bool]) -> bool:
    assert process.exit_code is None, process.log
    return check()


def _of_run(session: int, folder: Path) -> list[psutil.Process]:
    # The variable too: another process may have been given the id of the session.
    return living(
        lambda process: (
            os.getsid(process.pid) == session
            and process.environ().get("FASTDEPLOY_RUN") == str(folder)
        )
    )


def install(url: str, folder: Path, /, **overrides: object) -> Installation:
    """Return an installation on a database, with node `here` and JSON logs."""
    defaults: dict[str, object] = {"node": "here", "log_format": "json"}
    values = {"database_url": SecretStr(url), **defaults, **overrides}
    return Installation(make_settings(folder, **values), folder)


@contextmanager
def installed(
    postgres: Postgres, folder: Path, **overrides: object
) -> Iterator[Installation]:
    """Yield an installation on a new database; remove both afterwards."""
    url = postgres.create_database()
    made = install(url, folder, **overrides)
    try:
        yield made
    finally:
        made.close()
        postgres.drop_database(url)
