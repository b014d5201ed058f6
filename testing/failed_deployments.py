"""Deployments that failed, to be retried."""

from app.domain.service import Service
from app.settings import Settings
from app.store.store import Store
from app.usecases import history, record
from testing.factories import (
    request_deployment,
)


def fail(store: Store, number: int) -> int:
    """Let a deployment end badly; returns its number."""
    record.mark_starting(store, number, "test")
    record.fail(store, number, "out of luck")
    return number


def make_failed(
    store: Store, settings: Settings, service: Service | None = None
) -> int:
    """Launch a deployment that fails; return its id."""
    return fail(store, request_deployment(store, settings, service))


def numbers(store: Store) -> list[int]:
    """Return the ids of the deployments, newest first."""
    return [found.id for found in history.page(store, limit=10).items]
