"""Workers fetch calendars, and launch nothing during their freezes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text

from app.store.deployment_tables import deployments
from app.usecases import schedules
from app.usecases.schedules import ScheduleView
from testing.calendars import CalendarServer, calendar, serving
from testing.installation import Installation
from testing.scripts import HELLO
from testing.waiting import eventually

SCHEDULES = {"name": "nightly", "cron": "0 3 * * *", "missed": "run-once"}
FROZEN = calendar("DTSTART:20200101T000000Z\nDTEND:20990101T000000Z\nSUMMARY:Easter")
FREE = calendar("DTSTART:20200101T000000Z\nDTEND:20200102T000000Z\nSUMMARY:Past")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[CalendarServer, Path]]:
    with serving(tmp_path) as found:
        yield found


def view(made: Installation) -> ScheduleView:
    return schedules.find_named(made.store, "hello", "nightly")


def let_an_instant_come(made: Installation) -> None:
    """Move the next instant into the past."""
    with made.store.begin() as db:
        db.execute(text("UPDATE schedules SET next_at = now() - interval '1 hour'"))


def test_workers_skip_instants_in_a_freeze_of_a_fetched_calendar(
    installation: Installation, served: tuple[CalendarServer, Path]
) -> None:
    server, certificate = served
    server.content = FROZEN
    schedule = SCHEDULES | {"not_during": [server.url]}
    installation.write_service("hello", HELLO, schedules=[schedule])
    environment = {
        "SSL_CERT_FILE": str(certificate),
        "FASTDEPLOY_OUTGOING_PRIVATE": "127.0.0.0/8",
    }

    installation.worker(**environment)
    eventually(lambda: bool(view(installation).calendars[0].freezes))
    let_an_instant_come(installation)
    eventually(lambda: view(installation).stored.last_at is not None)

    assert view(installation).stored.problem.startswith("frozen: Easter, until 2099")
    with installation.store.begin() as db:
        assert [] == list(db.scalars(select(deployments.c.id)))

    # The calendar is another one now, and due.
    server.content = FREE
    with installation.store.begin() as db:
        db.execute(text("UPDATE freeze_calendars SET next_at = now()"))
    eventually(lambda: not view(installation).calendars[0].freezes)
    let_an_instant_come(installation)
    eventually(lambda: view(installation).stored.last_deployment is not None)
    number = view(installation).stored.last_deployment
    assert number is not None
    installation.ended(number)
    assert "" == view(installation).stored.problem
