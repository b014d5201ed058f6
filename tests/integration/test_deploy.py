"""Asking for a deployment: row and job together, once, and only what may be."""

from typing import Any

import pytest
from sqlalchemy import text

from app import bootstrap
from app.domain.access import Actor, Permission
from app.domain.deployment import Origin, Status
from app.domain.events import EventKind, StepState
from app.errors import Conflict, InvalidVariables, NotAllowed, NotFound
from app.queue import Queue, make_procrastinate_app
from app.settings import Settings
from app.store import events, services
from app.store.services import FoundService
from app.store.store import Store
from app.usecases import deploy, record
from app.usecases.services import sync_services
from testing.factories import (
    ROOT,
    add_service,
    make_schema,
    make_service,
    request_deployment,
    start_deployment,
    write_service,
)

CANARY = "hunter2-canary"


def count(store: Store, table: str) -> int:
    with store.begin() as db:
        found: int = db.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608 - ours
    return found


def fetch_job(store: Store) -> dict[str, Any] | None:
    """What the next worker with nothing to do would get."""
    with store.begin() as db:
        row = (
            db.execute(
                text(
                    "SELECT * FROM procrastinate_fetch_job_v2(NULL::varchar[], "
                    "(SELECT worker_id FROM procrastinate_register_worker_v1()))"
                )
            )
            .mappings()
            .one()
        )
    return None if row["id"] is None else dict(row)


def finish_job(store: Store, job: dict[str, Any]) -> None:
    with store.begin() as db:
        db.execute(
            text("SELECT procrastinate_finish_job_v1(:id, 'succeeded', true)"),
            {"id": job["id"]},
        )


def test_a_deployment_is_queued_with_its_steps_event_and_job(
    store: Store, settings: Settings
) -> None:
    service = make_service(variables=make_schema(a={"type": "integer", "default": 1}))

    deployment_id = request_deployment(store, settings, service, given={"a": 2})

    view = deploy.view(store, deployment_id)
    assert Status.QUEUED == view.deployment.status
    assert (service, {"a": 2}) == (view.deployment.service, view.deployment.variables)
    assert ("tester (host)", "cli") == (view.deployment.actor, view.deployment.origin)
    assert [("prepare", StepState.PENDING), ("verify", StepState.PENDING)] == [
        (step.name, step.state) for step in view.steps
    ]
    with store.begin() as db:
        (queued,) = events.read(db, deployment_id)
    assert (1, EventKind.QUEUED) == (queued.number, queued.kind)
    job = fetch_job(store)
    assert job is not None
    assert {"deployment_id": deployment_id} == job["args"]


def test_a_job_that_cannot_be_written_leaves_no_deployment(
    store: Store, settings: Settings
) -> None:
    add_service(store)
    with store.begin() as db:
        db.execute(text("ALTER TABLE procrastinate_jobs ADD CHECK (lock IS NULL)"))

    with pytest.raises(Exception, match="Database error"):
        request_deployment(store, settings)

    assert 0 == count(store, "deployments")
    assert 0 == count(store, "steps")
    assert 0 == count(store, "events")


def test_a_deployment_that_cannot_be_written_leaves_no_job(
    store: Store, settings: Settings
) -> None:
    with store.begin() as db:
        # The last thing that the transaction does is to note the job.
        db.execute(text("ALTER TABLE deployments ADD CHECK (job_id IS NULL)"))

    with pytest.raises(Exception, match="deployments"):
        request_deployment(store, settings)

    assert 0 == count(store, "procrastinate_jobs")
    assert 0 == count(store, "deployments")


def test_who_may_not_deploy_launches_nothing(store: Store, settings: Settings) -> None:
    viewer = Actor("eve", frozenset({Permission.VIEW}))

    with pytest.raises(NotAllowed):
        request_deployment(store, settings, actor=viewer)

    assert 0 == count(store, "deployments")


def request_by_name(store: Store, settings: Settings, name: str) -> int:
    return deploy.launch(
        store,
        Queue(make_procrastinate_app(settings)),
        bootstrap.make_secret_box(settings),
        actor=ROOT,
        origin=Origin.CLI,
        service_name=name,
        given={},
    )


@pytest.mark.parametrize("name", ["nothing", "", "a\0b", "../x", "x" * 10_000])
def test_an_unknown_service_is_said_with_those_that_are_known(
    store: Store, settings: Settings, name: str
) -> None:
    add_service(store)

    with pytest.raises(NotFound, match="known: hello"):
        request_by_name(store, settings, name)


def test_a_broken_service_is_refused_with_its_error(
    store: Store, settings: Settings
) -> None:
    add_service(store)
    with store.begin() as db:
        services.put(db, [FoundService("hello", None, "it is not JSON")], node="here")
        services.settle(db)

    with pytest.raises(Conflict, match="is invalid: it is not JSON"):
        request_by_name(store, settings, "hello")


def test_an_archived_service_is_refused(store: Store, settings: Settings) -> None:
    write_service(settings.services, "hello").rename(settings.var.parent / "gone")
    add_service(store)
    sync_services(store, settings.services, settings.var, "here", ROOT)

    with pytest.raises(Conflict, match="archived"):
        request_by_name(store, settings, "hello")


def test_bad_variables_launch_nothing(store: Store, settings: Settings) -> None:
    with pytest.raises(InvalidVariables):
        request_deployment(store, settings, given={"ansible_connection": "local"})

    assert 0 == count(store, "deployments") + count(store, "procrastinate_jobs")


def everything_in(store: Store) -> str:
    """Every column of every table, as a dump would have it."""
    with store.begin() as db:
        tables = db.scalars(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        ).all()
        return "\n".join(
            row
            for table in tables
            for row in db.scalars(text(f'SELECT t::text FROM "{table}" t'))  # noqa: S608 - ours
        )


@pytest.mark.parametrize("ended", [False, True], ids=["waiting", "ended"])
def test_a_secret_is_nowhere_in_the_database(
    store: Store, settings: Settings, *, ended: bool
) -> None:
    service = make_service(variables=make_schema(secret="token", colour={}))
    given = {"token": CANARY, "colour": "visible-canary"}
    deployment_id = request_deployment(store, settings, service, given=given)
    if ended:
        record.mark_starting(store, deployment_id, "one")
        record.fail(store, deployment_id, "gone")

    dump = everything_in(store)

    assert "visible-canary" in dump
    assert CANARY not in dump
    assert CANARY.encode().hex() not in dump
    assert "token" not in deploy.find(store, deployment_id).variables


def test_deployments_of_a_service_are_performed_one_by_one_in_order(
    store: Store, settings: Settings
) -> None:
    first = request_deployment(store, settings)
    second = request_deployment(store, settings)
    third = request_deployment(store, settings)
    order = []

    while (job := fetch_job(store)) is not None:
        assert fetch_job(store) is None
        order.append(job["args"]["deployment_id"])
        finish_job(store, job)

    assert [first, second, third] == order


def test_deployments_of_different_services_are_performed_at_once(
    store: Store, settings: Settings
) -> None:
    one = request_deployment(store, settings, make_service(name="one"))
    two = request_deployment(store, settings, make_service(name="two"))

    jobs = [fetch_job(store), fetch_job(store)]

    assert [one, two] == [job["args"]["deployment_id"] for job in jobs if job]


def test_a_queued_deployment_knows_how_many_come_first(
    store: Store, settings: Settings
) -> None:
    first = start_deployment(store, settings)
    request_deployment(store, settings, make_service(name="other"))
    second = request_deployment(store, settings)
    third = request_deployment(store, settings)

    assert [0, 1, 2] == [deploy.view(store, n).ahead for n in (first.id, second, third)]

    record.finish(store, first.id, 0)
    assert [0, 1] == [deploy.view(store, n).ahead for n in (second, third)]


@pytest.mark.parametrize("number", [0, 42, 2**63 - 1, 2**63, 10**30])
def test_a_deployment_that_is_not_there_is_said(store: Store, number: int) -> None:
    with pytest.raises(NotFound, match=f"there is no deployment {number}"):
        deploy.find(store, number)


def test_a_deployment_keeps_the_service_as_it_was(
    store: Store, settings: Settings
) -> None:
    before = make_service(description="before")
    deployment_id = request_deployment(store, settings, before)

    add_service(store, make_service(description="after", steps=[]))

    assert before == deploy.find(store, deployment_id).service
    assert 2 == len(deploy.view(store, deployment_id).steps)
