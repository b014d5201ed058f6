"""Schedules that ping a healthcheck URL."""

from datetime import timedelta
from typing import Any

from app import bootstrap
from app.domain.service import Service
from app.queue import make_queue
from app.settings import Settings
from app.store import services
from app.store.services import FoundService
from app.store.store import Store
from app.usecases import due_schedules, schedules
from testing.factories import make_service


def sync(store: Store, settings: Settings, service: Service) -> None:
    """Store a service and its schedules, as a sync does."""
    with store.begin() as db:
        services.put(db, [FoundService(service.name, service)], node="here")
        schedules.sync(
            db,
            {service.name: service},
            lambda: bootstrap.make_secret_box(settings),
        )


def scheduled(url: str, **fields: Any) -> Service:
    """Make a service with a nightly schedule that pings a URL."""
    schedule = {"name": "nightly", "cron": "0 3 * * *", "healthcheck_url": url}
    return make_service(schedules=[schedule | fields])


def launch(store: Store, settings: Settings) -> int:
    """Launch what is planned next; return the id of the deployment."""
    planned = schedules.find_named(store, "hello", "nightly").stored.next_at
    assert planned is not None
    done = due_schedules.launch_due(
        store,
        make_queue(settings),
        bootstrap.make_secret_box(settings),
        moment=planned + timedelta(seconds=1),
    )
    return done.launched[0]
