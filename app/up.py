"""`fastdeploy up`: run all processes of FastDeploy on this machine."""

import fcntl
import getpass
import os
import pwd
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app import bootstrap, dev_server, embedded_postgresql, log
from app.domain.access import on_host
from app.errors import BadSetting, Conflict
from app.settings import Settings
from app.sockets import listen
from app.store.migrate import migrate
from app.usecases import services, users
from app.usecases.git_access import GitAccess
from app.version import version

#: Seconds until the processes of a killed `up` have ended.
LEFTOVERS_END = dev_server.GRACE
#: Seconds between two attempts to bind the port until then.
RETRY_EVERY = 0.1


def up(settings: Settings) -> None:
    """Run all processes until SIGINT, SIGTERM or SIGHUP.

    Raises:
        BadSetting: A setting is invalid, or the port is in use.
        Unavailable: The embedded PostgreSQL can't be started.
        Conflict: Another `up` uses the same folder.
    """
    log.configure(settings.log_format)
    stop = _stop_signals()
    with _only_one(settings.var) as killed:
        if killed:
            print(f"process {killed}, which ran FastDeploy here, was killed; "
                  "this one continues with what it left", flush=True)  # fmt: skip
        # Check the port before anything is started, so that this error comes first.
        _check_port(settings, LEFTOVERS_END if killed else 0)
        _announce(settings)
        with dev_server.running(settings, stop) as found:
            _prepare(found)
            with (
                dev_server.noted_address(found),
                dev_server.processes(found, "web", "worker"),
            ):
                print(f"FastDeploy is at http://{settings.host}:{settings.port}/  "
                      "(Ctrl-C stops it)", flush=True)  # fmt: skip
                stop.wait()
                # The terminal may be closed.
                with suppress(OSError):
                    print("stopping; the next start continues the runs that go on",
                          flush=True)  # fmt: skip


def _announce(settings: Settings) -> None:
    """Print where the data is, and what else will change on this machine."""
    print(f"FastDeploy {version()}; its data is in {settings.var.absolute()}",
          flush=True)  # fmt: skip
    if "services" not in settings.model_fields_set:
        # Without it, a first start in an empty folder would fail.
        settings.services.mkdir(exist_ok=True)
    if "database_url" not in settings.model_fields_set:
        users_here = [each.pw_name for each in pwd.getpwall()]
        print(embedded_postgresql.announcement(os.geteuid(), users_here), end="",
              flush=True)  # fmt: skip


def _stop_signals() -> threading.Event:
    """Return an event that the signals to stop a process set.

    A shell starts its background processes with SIGINT ignored; this process and its
    children handle it again. nohup ignores SIGHUP on purpose: SIGHUP stays ignored.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: stop.set())
    return stop


@contextmanager
def _only_one(var: Path) -> Iterator[str]:
    """Hold the lock of this folder; yield the id of a process killed with it, or "".

    The lock's file contains the id of the process that holds it; a process that isn't
    killed empties it.
    """
    var.mkdir(parents=True, exist_ok=True)
    with (var / "up.lock").open("a+") as file:
        file.seek(0)
        named = file.read().strip()
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                f"process {named} runs FastDeploy in {var.absolute()}; stop it by "
                f"`kill {named}`, or set FASTDEPLOY_VAR to a folder of its own"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield named
        finally:
            file.truncate(0)


def _check_port(settings: Settings, patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            listen(settings.host, settings.port).close()
        except BadSetting:
            if time.monotonic() >= deadline:
                raise
            time.sleep(RETRY_EVERY)
        else:
            return


def _prepare(settings: Settings) -> None:
    """Migrate the schema, create the first admin and sync the services."""
    store = bootstrap.make_store(settings)
    try:
        migrate(store)
        created = users.create_first_admin(store)
        if created is not None:
            print(f"Log in as {created[0]} with the password {created[1]}\n"
                  "Shown only once; `fastdeploy user set-password admin` changes it.",
                  flush=True)  # fmt: skip
        found = services.sync_services(
            store,
            settings.services,
            settings.var,
            settings.node,
            on_host(getpass.getuser()),
            reach=GitAccess(
                store,
                lambda: bootstrap.make_secret_box(settings),
                settings.repository_mebibytes,
            ).of,
            box=lambda: bootstrap.make_secret_box(settings),
        )
        for name, error in found.invalid.items():
            print(f"service {name} is invalid: {error}", flush=True)
    finally:
        store.close()
