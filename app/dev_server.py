"""The parts of `fastdeploy up`, on one machine, with a PostgreSQL of its own if needed.

postgres ── started here unless FASTDEPLOY_DATABASE_URL names a server
web      ┐
worker   ┴─ processes of their own

Each of them is started again should it die.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote

from pydantic import SecretStr

from app import embedded_postgresql, log
from app.settings import PREFIX, Settings
from app.supervise import keep

#: Seconds that web and worker get to stop before they are killed.
GRACE = 10
#: Seconds before what died is started again.
RESTART_AFTER = 1.0

#: Says how many seconds to wait before something that died is started again.
Pause = Callable[[], float]


def usual_pause() -> float:
    """The pause before a part that died is started again."""
    return RESTART_AFTER


@contextmanager
def running(
    settings: Settings, stopping: threading.Event | None = None
) -> Iterator[Settings]:
    """The settings with a database that answers: the one they name, or our own.

    Raises Unavailable, also if `stopping` is set before our own has recovered.
    """
    if "database_url" in settings.model_fields_set:
        yield settings
        return
    with embedded(settings, stopping=stopping) as server:
        yield server.settings


def find_embedded(settings: Settings) -> Settings:
    """The settings, with the embedded database of this folder if it is running.

    So that `fastdeploy deploy` finds what `fastdeploy up` has started.
    """
    data = embedded_postgresql.data_of(settings.var)
    if (
        "database_url" in settings.model_fields_set
        or not (data / "postmaster.pid").exists()
    ):
        return settings
    socket_folder = (data / "postmaster.pid").read_text().splitlines()[4]
    url = f"postgresql://postgres@/postgres?host={quote(socket_folder, safe='')}"
    return settings.model_copy(update={"database_url": SecretStr(url)})


@contextmanager
def embedded(
    settings: Settings,
    pause: Pause = usual_pause,
    stopping: threading.Event | None = None,
) -> Iterator["EmbeddedPostgres"]:
    """Run a PostgreSQL of our own in this folder, and stop it at the end."""
    server = EmbeddedPostgres(settings, pause, stopping or threading.Event())
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def processes(
    settings: Settings, *commands: str, pause: Pause = usual_pause
) -> Iterator[dict[str, "ChildProcess"]]:
    """Run FastDeploy's commands in processes of their own, and stop them at the end."""
    started = {command: ChildProcess(settings, command, pause) for command in commands}
    try:
        yield started
    finally:
        for process in started.values():
            process.stop()


class ChildProcess:
    """One of FastDeploy's processes, started again whenever it dies."""

    def __init__(self, settings: Settings, command: str, pause: Pause) -> None:
        self._command = command
        self._pause = pause
        self._environment = os.environ | _as_environment(settings)
        self._stopping = threading.Event()
        # Its standard input; the process stops when our end closes: app/up_child.py.
        self._stdin, self._open_while_we_live = os.pipe()
        self._process = self._start()
        self._keeper = threading.Thread(
            target=keep, args=(command, self._keep, self._stopping), daemon=True
        )
        self._keeper.start()

    @property
    def pid(self) -> int:
        """The process that runs at this moment."""
        return self._process.pid

    def send(self, number: signal.Signals) -> bool:
        """Send it a signal; False if it isn't there at this moment."""
        process = self._process
        process.send_signal(number)
        return process.returncode is None

    def stop(self) -> None:
        """Tell it to stop, and kill it if it doesn't."""
        self._stopping.set()
        self._process.terminate()
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._keeper.join()
        os.close(self._stdin)
        os.close(self._open_while_we_live)

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "app.up_child", self._command],
            env=self._environment,
            stdin=self._stdin,
            # Ctrl-C is for us alone: we stop them in an orderly way.
            start_new_session=True,
        )

    def _keep(self) -> None:
        code = self._process.wait()
        if self._stopping.is_set():
            return
        log.get("up").warning("process.died", command=self._command, code=code)
        if self._stopping.wait(self._pause()):
            return
        self._process = self._start()
        if self._stopping.is_set():
            # `stop` may have looked at the one before.
            self._process.terminate()


class EmbeddedPostgres:
    """A PostgreSQL of our own, started again whenever it dies."""

    def __init__(
        self, settings: Settings, pause: Pause, stopping: threading.Event
    ) -> None:
        """Start it. Raises Unavailable, also if `stopping` is set before it serves."""
        self._pause = pause
        self._stopping = threading.Event()
        self._data = embedded_postgresql.data_of(settings.var)
        self._server = embedded_postgresql.start(self._data, stopping)
        url = SecretStr(self._server.get_uri())
        #: The settings with its address, which stays the same.
        self.settings = settings.model_copy(update={"database_url": url})
        self._keeper = threading.Thread(
            target=keep, args=("postgresql", self._keep, self._stopping), daemon=True
        )
        self._keeper.start()

    @property
    def pid(self) -> int | None:
        """The server's process; None while there is none that answers."""
        known = self._server.get_postmaster_info()
        return known.pid if known.is_running() else None

    def stop(self) -> None:
        """Stop it in an orderly way."""
        self._stopping.set()
        self._keeper.join()
        # cleanup() alone would leave it running after an `up` that was killed: such a
        # process stays in pgserver's list of users (seen with 0.6).
        self._server.stop()
        self._server.cleanup()

    def _keep(self) -> None:
        if self._stopping.wait(embedded_postgresql.LOOK_EVERY) or self.pid is not None:
            return
        log.get("up").warning("postgresql.died", data=str(self._data))
        if self._stopping.wait(self._pause()):
            return
        start = self._server.ensure_postgres_running
        try:
            embedded_postgresql.start_patiently(start, self._data, self._stopping)
        except embedded_postgresql.NOT_READY as error:
            # Say, what is left of the old one still holds its memory.
            log.get("up").warning("postgresql.failed", error=str(error))


def _as_environment(settings: Settings) -> dict[str, str]:
    """The settings as the variables that a process of ours reads them from."""
    values = settings.model_dump(exclude_unset=True)
    return {
        f"{PREFIX}{name}".upper(): value.get_secret_value()
        if isinstance(value, SecretStr)
        else str(value)
        for name, value in values.items()
        if value is not None
    }
