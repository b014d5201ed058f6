"""An installation whose processes are restarted when they die."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from app import bootstrap, dev_server, log
from app.domain.deployment import Deployment
from app.settings import Settings
from app.store.migrate import migrate
from app.usecases import deploy
from testing.installation import Installation, is_ready, make_settings
from testing.waiting import eventually


class SupervisedInstallation(Installation):
    """An installation with supervised processes, and a client of its web process."""

    patience = 600.0

    def __init__(
        self, settings: Settings, processes: Mapping[str, dev_server.ChildProcess]
    ) -> None:
        """Use the database and the processes that run already."""
        super().__init__(settings, settings.var.parent)
        self.processes = processes
        self.api: httpx.Client = self.client()

    def wait(self, number: int) -> Deployment:
        """Wait until a deployment has ended, and return it.

        Raises:
            RuntimeError: It was not successful.
            TimeoutError: It has not ended in time.
        """
        eventually(
            lambda: deploy.find(self.store, number).ended, self.patience, every=0.25
        )
        found = deploy.find(self.store, number)
        if found.exit_code != 0:
            raise RuntimeError(f"{found.service_name}: {found.reason}")
        return found

    def close(self) -> None:
        """Kill the runs that have not ended, and close the connections."""
        self.api.close()
        super().close()


@contextmanager
def temporary_settings(name: str, **overrides: object) -> Iterator[Settings]:
    """Yield settings with a free port and temporary folders."""
    with tempfile.TemporaryDirectory(prefix=f"fastdeploy-{name}-") as made:
        # The embedded PostgreSQL may run as another user, who needs search permission.
        folder = Path(made)
        folder.chmod(0o755)
        yield make_settings(folder, **overrides)


@contextmanager
def supervised(
    settings: Settings, *commands: str, pause: dev_server.Pause = dev_server.usual_pause
) -> Iterator[SupervisedInstallation]:
    """Run FastDeploy's `commands` on a database, which is migrated first."""
    store = bootstrap.make_store(settings)
    migrate(store)
    store.close()
    with dev_server.processes(settings, *commands, pause=pause) as processes:
        made = SupervisedInstallation(settings, processes)
        try:
            if "web" in commands:
                eventually(lambda: is_ready(made.api), made.patience, every=0.05)
            yield made
        finally:
            made.close()


@contextmanager
def temporary_installation(
    *commands: str, **overrides: object
) -> Iterator[SupervisedInstallation]:
    """Run FastDeploy's `commands` with a new database in a temporary folder."""
    log.configure("console", quiet=["httpx"])
    with (
        temporary_settings("bench", **overrides) as settings,
        dev_server.running(settings) as running,
        supervised(running, *commands) as here,
    ):
        yield here
