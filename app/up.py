"""`fastdeploy up`: starts everything on this machine, and stops it at the end."""

import fcntl
import getpass
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app import bootstrap, dev_server, log
from app.domain.access import on_host
from app.errors import BadSetting, Conflict
from app.serve import listen
from app.settings import Settings
from app.store.migrate import migrate
from app.usecases import services, users

#: Seconds in which the processes of an `up` that was killed have ended.
LEFTOVERS_END = dev_server.GRACE
#: Seconds between two attempts to get the port meanwhile.
RETRY_EVERY = 0.1


def up(settings: Settings) -> None:
    """Run everything until SIGINT, SIGTERM or SIGHUP.

    Raises BadSetting, Unavailable, and Conflict if another `up` uses the same folder.
    """
    log.configure(settings.log_format)
    stop = _stop_signals()
    with _only_one(settings.var) as killed:
        if killed:
            print(f"process {killed}, which ran FastDeploy here, was killed; "
                  "this one continues with what it left", flush=True)  # fmt: skip
        # Before anything is started: what can't listen says so at once.
        _check_port(settings, LEFTOVERS_END if killed else 0)
        with dev_server.running(settings, stop) as found:
            _prepare(found)
            with dev_server.processes(found, "web", "worker"):
                print(f"FastDeploy is at http://{settings.host}:{settings.port}/  "
                      "(Ctrl-C stops it)", flush=True)  # fmt: skip
                stop.wait()
                # The terminal may have gone.
                with suppress(OSError):
                    print("stopping; the next start continues the runs that go on",
                          flush=True)  # fmt: skip


def _stop_signals() -> threading.Event:
    """An event that is set by each of the signals that ask a process to stop.

    A shell starts its background processes with SIGINT ignored: it is heard again here,
    and in what is started from here. nohup ignores SIGHUP on purpose: that stays.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: stop.set())
    return stop


@contextmanager
def _only_one(var: Path) -> Iterator[str]:
    """Hold the lock of this folder; yields the process that was killed with it, or "".

    The lock's file names the process that holds it, and is empty after an orderly end.
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
    """Schema, an admin, the catalogue: what the first start needs."""
    store = bootstrap.make_store(settings)
    try:
        migrate(store)
        created = users.create_first_admin(store)
        if created is not None:
            print(f"Log in as {created[0]} with the password {created[1]}\n"
                  "Shown only once; `fastdeploy user set-password admin` changes it.",
                  flush=True)  # fmt: skip
        found = services.sync_services(
            store, settings.services, settings.node, on_host(getpass.getuser())
        )
        for name, error in found.broken.items():
            print(f"service {name} is broken: {error}", flush=True)
    finally:
        store.close()
