"""What most commands need: the settings, the store and the actor."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager

from app import bootstrap, dev_server, log
from app.domain.access import Actor, on_host
from app.errors import Unavailable
from app.settings import Settings, read_settings
from app.store.store import Store
from app.usecases.git_access import GitAccess


def load_settings() -> Settings:
    """Read the settings, find a running embedded PostgreSQL, configure the log."""
    settings = dev_server.find_embedded(read_settings())
    log.configure(settings.log_format)
    return settings


@contextmanager
def open_store(settings: Settings | None = None) -> Iterator[Store]:
    """Open the store and close it afterwards.

    Raises:
        Unavailable: PostgreSQL doesn't answer.
    """
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


def git_access(store: Store, settings: Settings) -> GitAccess:
    """Return with what the repositories of projects are fetched."""
    return GitAccess(
        store,
        lambda: bootstrap.make_secret_box(settings),
        settings.repository_mebibytes,
    )


def current_actor() -> Actor:
    """Return the actor for the audit log: the user of this host."""
    return on_host(getpass.getuser())
