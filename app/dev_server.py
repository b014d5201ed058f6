"""The processes of `fastdeploy up` on one machine, with an embedded PostgreSQL.

postgres ── started here unless FASTDEPLOY_DATABASE_URL names a server
web      ┐
worker   ┴─ child processes

Each of them is restarted if it dies.
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

#: Seconds to wait for web and worker to stop before they are killed.
GRACE = 10
#: Seconds before a process that died is restarted.
RESTART_AFTER = 1.0

#: The file in `var` with the address of the pages.
_ADDRESS = "up.url"

#: Returns the seconds to wait before a process that died is restarted.
Pause = Callable[[], float]


def usual_pause() -> float:
    """Return the usual pause before a process that died is restarted."""
    return RESTART_AFTER


@contextmanager
def running(
    settings: Settings, stopping: threading.Event | None = None
) -> Iterator[Settings]:
    """Yield the settings with a database: the one that they name, or an embedded one.

    Raises:
        Unavailable: The embedded one can't be started, or `stopping` was set before it
            had recovered.
    """
    if "database_url" in settings.model_fields_set:
        yield settings
        return
    with embedded(settings, stopping=stopping) as server:
        yield server.settings


def find_embedded(settings: Settings) -> Settings:
    """Return the settings with the embedded database of this folder if it is running.

    So `fastdeploy deploy` finds the database that `fastdeploy up` has started.
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
def noted_address(settings: Settings) -> Iterator[None]:
    """Keep the address of the pages in a file, where other commands find it."""
    file = settings.var / _ADDRESS
    file.write_text(settings.base_url)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def find_address(settings: Settings) -> Settings:
    """Return the settings with the address of the pages that `up` noted in this folder.

    So the addresses that `fastdeploy deploy` prints are right if `up` alone has a port.
    """
    if settings.model_fields_set & {"url", "host", "port", "socket", "secure_cookies"}:
        return settings
    try:
        url = (settings.var / _ADDRESS).read_text()
    except OSError:
        return settings
    return settings.model_copy(update={"url": url})


@contextmanager
def embedded(
    settings: Settings,
    pause: Pause = usual_pause,
    stopping: threading.Event | None = None,
) -> Iterator["EmbeddedPostgres"]:
    """Run an embedded PostgreSQL in the folder `var`, and stop it at the end."""
    server = EmbeddedPostgres(settings, pause, stopping or threading.Event())
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def processes(
    settings: Settings, *commands: str, pause: Pause = usual_pause
) -> Iterator[dict[str, "ChildProcess"]]:
    """Run FastDeploy's commands in child processes, and stop them at the end."""
    started = {command: ChildProcess(settings, command, pause) for command in commands}
    try:
        yield started
    finally:
        for process in started.values():
            process.stop()


class ChildProcess:
    """A process of FastDeploy that is restarted whenever it dies."""

    def __init__(self, settings: Settings, command: str, pause: Pause) -> None:
        self._command = command
        self._pause = pause
        self._environment = os.environ | as_environment(settings)
        self._stopping = threading.Event()
        # Its standard input. The process stops when our end closes: app/up_child.py.
        self._stdin, self._open_while_we_live = os.pipe()
        self._process = self._start()
        self._keeper = threading.Thread(
            target=keep, args=(command, self._keep, self._stopping), daemon=True
        )
        self._keeper.start()

    @property
    def pid(self) -> int:
        """The id of the present process."""
        return self._process.pid

    def send(self, number: signal.Signals) -> bool:
        """Send it a signal; return False if it isn't running at this moment."""
        process = self._process
        process.send_signal(number)
        return process.returncode is None

    def stop(self) -> None:
        """Terminate it, and kill it if it doesn't stop."""
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
            # -P: the folder of a user may have an `app` of its own.
            [sys.executable, "-P", "-m", "app.up_child", self._command],
            env=self._environment,
            stdin=self._stdin,
            # Ctrl-C signals only this process, which then stops its children in order.
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
            # `stop` may have terminated the previous process.
            self._process.terminate()


class EmbeddedPostgres:
    """An embedded PostgreSQL that is restarted whenever it dies."""

    def __init__(
        self, settings: Settings, pause: Pause, stopping: threading.Event
    ) -> None:
        """Start it.

        Raises:
            Unavailable: It can't be started, or `stopping` was set before it was ready.
        """
        self._pause = pause
        self._stopping = threading.Event()
        self._data = embedded_postgresql.data_of(settings.var)
        self._server = embedded_postgresql.start(self._data, stopping)
        url = SecretStr(self._server.get_uri())
        #: The settings with its address, which a restart doesn't change.
        self.settings = settings.model_copy(update={"database_url": url})
        self._keeper = threading.Thread(
            target=keep, args=("postgresql", self._keep, self._stopping), daemon=True
        )
        self._keeper.start()

    @property
    def pid(self) -> int | None:
        """The id of the server's process; None while it isn't running."""
        known = self._server.get_postmaster_info()
        return known.pid if known.is_running() else None

    def stop(self) -> None:
        """Stop the server."""
        self._stopping.set()
        self._keeper.join()
        # cleanup() alone would leave it running after an `up` that was killed: such a
        # process stays in pgserver's list of users (seen with 0.6).
        self._server.stop()
        # cleanup() would stop it again, and log an error with the output of pg_ctl if
        # nobody has reaped the process yet.
        self._server.cleanup_mode = None
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
            # For example, processes of the old server still use its shared memory.
            log.get("up").warning("postgresql.failed", error=str(error))


def as_environment(settings: Settings) -> dict[str, str]:
    """Return the settings as environment variables for a child process."""
    values = settings.model_dump(exclude_unset=True)
    return {
        f"{PREFIX}{name}".upper(): value.get_secret_value()
        if isinstance(value, SecretStr)
        else str(value)
        for name, value in values.items()
        if value is not None
    }
