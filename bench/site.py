"""Run a separate FastDeploy for a measurement: database, worker, web, services.

The demo and the chaos test in `tools` use it too.
"""

import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from app import bootstrap, dev_server, log
from app.domain.access import Actor, Permission, on_host
from app.domain.deployment import Deployment, Origin
from app.serve import listen
from app.settings import Settings, read_settings
from app.store.migrate import migrate
from app.store.store import Store
from app.usecases import auth, deploy, services

ME: Actor = on_host("bench")
#: The timeout of a measurement in seconds.
PATIENCE = 600


@dataclass(frozen=True)
class Site:
    """A running FastDeploy."""

    settings: Settings
    store: Store
    client: httpx.Client
    processes: Mapping[str, dev_server.ChildProcess]

    def add_service(self, name: str, files: dict[str, str], **config: Any) -> None:
        """Add a service; a file that begins with #! is executable."""
        folder = self.settings.services / name
        folder.mkdir(parents=True)
        for path, content in files.items():
            (folder / path).write_text(content)
            (folder / path).chmod(0o755 if content.startswith("#!") else 0o644)
        about = {"name": name, "description": "", **config}
        (folder / "config.json").write_text(json.dumps(about))
        services.sync_services(
            self.store, self.settings.services, self.settings.node, ME
        )

    def launch(self, service: str, **variables: Any) -> int:
        """Launch a deployment; return its id."""
        return deploy.launch(
            self.store,
            bootstrap.make_queue(self.settings),
            bootstrap.make_secret_box(self.settings),
            actor=ME,
            origin=Origin.CLI,
            service_name=service,
            given=variables,
        )

    def wait(self, number: int) -> Deployment:
        """Wait until a deployment has ended.

        Raises:
            RuntimeError: It was not successful.
            TimeoutError: It has not ended within PATIENCE.
        """
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = deploy.find(self.store, number)
            if found.ended:
                if found.exit_code != 0:
                    raise RuntimeError(f"{found.service_name}: {found.reason}")
                return found
            time.sleep(0.25)
        raise TimeoutError(f"deployment {number} has not ended")


@contextmanager
def fresh(name: str, **more: object) -> Iterator[Settings]:
    """Yield settings with a free port and temporary folders."""
    with tempfile.TemporaryDirectory(prefix=f"fastdeploy-{name}-") as made:
        # The embedded PostgreSQL may run as another user, who needs search permission.
        folder = Path(made)
        folder.chmod(0o755)
        for part in ("services", "config"):
            (folder / part).mkdir()
        values: dict[str, object] = {
            "var": folder / "var",
            "services": folder / "services",
            "config_folder": folder / "config",
            "port": _free_port(),
        }
        yield read_settings(**values | more)


@contextmanager
def installed(
    settings: Settings, *commands: str, pause: dev_server.Pause = dev_server.usual_pause
) -> Iterator[Site]:
    """Run FastDeploy's `commands` with an empty database that is ready."""
    store = bootstrap.make_store(settings, connections=4)
    try:
        migrate(store)
        token = auth.create_token(
            store, ME, "bench", [Permission.VIEW, Permission.DEPLOY]
        )
        client = httpx.Client(
            base_url=f"http://{settings.host}:{settings.port}",
            headers={"Authorization": f"Bearer {token}"},
            timeout=PATIENCE,
            limits=httpx.Limits(max_connections=None),
        )
        started = dev_server.processes(settings, *commands, pause=pause)
        with started as processes, client:
            if "web" in commands:
                _wait_until_ready(client)
            yield Site(settings, store, client, processes)
    finally:
        store.close()


@contextmanager
def site(*commands: str, **more: object) -> Iterator[Site]:
    """Run FastDeploy's `commands` with a new database in a temporary folder.

    `more` overrides settings.
    """
    log.configure("console", quiet=["httpx"])
    with (
        fresh("bench", **more) as settings,
        dev_server.running(settings) as found,
        installed(found, *commands) as here,
    ):
        yield here


def _wait_until_ready(client: httpx.Client) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if client.get("/readyz").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise TimeoutError("the web process did not become ready")


def _free_port() -> int:
    with listen("127.0.0.1", 0) as listener:
        port: int = listener.getsockname()[1]
        return port


def row(name: str, measured: float, target: str, *, holds: bool, **details: Any) -> Any:
    """Return one row of the table."""
    return {
        "name": name,
        "measured": round(measured, 3),
        "target": target,
        "holds": holds,
        **details,
    }
