"""What most commands need: the settings, the store and the actor."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.cli import server
from app.cli.api import Api
from app.domain.access import Actor, on_host
from app.errors import Unavailable

if TYPE_CHECKING:
    # A client of a server does without them.
    from app.settings import Settings
    from app.store.store import Store
    from app.usecases.git_access import GitAccess


def load_settings() -> "Settings":
    """Read the settings, find a running embedded PostgreSQL, configure the log."""
    from app import dev_server, log  # noqa: PLC0415
    from app.settings import read_settings  # noqa: PLC0415

    settings = dev_server.find_embedded(read_settings())
    log.configure(settings.log_format)
    return settings


@contextmanager
def open_store(settings: "Settings | None" = None) -> "Iterator[Store]":
    """Open the store and close it afterwards.

    Raises:
        Invalid: A server is chosen.
        Unavailable: PostgreSQL doesn't answer.
    """
    from app import bootstrap  # noqa: PLC0415

    server.require_local()
    settings = settings or load_settings()
    store = bootstrap.make_store(settings)
    try:
        yield store
    except Unavailable as error:
        if "database_url" in settings.model_fields_set:
            raise
        # No server is configured, and the embedded one isn't running.
        raise Unavailable(
            "FastDeploy isn't started in this folder; `fastdeploy up` does that, or "
            f"set FASTDEPLOY_DATABASE_URL: {error}"
        ) from None
    finally:
        store.close()


@contextmanager
def connect() -> Iterator[Api]:
    """Yield the API of the chosen server, or of this host.

    Raises:
        Invalid: The address of the server is invalid.
        NotLoggedIn: There is no token for the server.
        Unavailable: The server or PostgreSQL doesn't answer.
    """
    if chosen := server.find():
        from app.cli.remote_api import RemoteApi  # noqa: PLC0415 - it loads httpx

        with RemoteApi(chosen) as api:
            yield api
        return
    # Imported here: a client of a server needs neither the store nor the handlers.
    from app import dev_server  # noqa: PLC0415
    from app.cli.local_api import LocalApi  # noqa: PLC0415

    settings = dev_server.find_address(load_settings())
    with (
        open_store(settings) as store,
        LocalApi(settings, store, current_actor()) as local,
    ):
        yield local


def git_access(store: "Store", settings: "Settings") -> "GitAccess":
    """Return with what the repositories of projects are fetched."""
    from app import bootstrap  # noqa: PLC0415
    from app.usecases.git_access import GitAccess  # noqa: PLC0415

    return GitAccess(
        store,
        lambda: bootstrap.make_secret_box(settings),
        settings.repository_mebibytes,
    )


def current_actor() -> Actor:
    """Return the actor for the audit log: the user of this host."""
    return on_host(getpass.getuser())
