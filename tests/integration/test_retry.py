"""Retries: what can be retried, and what the new deployment has."""

from pathlib import Path
from typing import Any

import pytest

from app import bootstrap
from app.domain.access import INCLUDED, Actor, Permission
from app.domain.deployment import Origin, Status
from app.domain.events import StepState
from app.errors import Conflict, NotAllowed, NotFound
from app.queue import make_queue
from app.settings import Settings
from app.store import events, services
from app.store.store import Store
from app.usecases import deploy, record, retries
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
from testing.failed_deployments import fail, make_failed, numbers
from testing.web_client import ClientFor

COLORS = make_schema(color={"type": "string", "default": "green"})


def retry(store: Store, settings: Settings, number: int, actor: Actor = ROOT) -> int:
    return retries.retry(
        store,
        make_queue(settings),
        bootstrap.make_secret_box(settings),
        actor=actor,
        origin=Origin.CLI,
        deployment_id=number,
    )


def test_it_is_the_same_as_before(store: Store, settings: Settings) -> None:
    service = make_service(variables=COLORS)
    failed = fail(
        store, request_deployment(store, settings, service, given={"color": "red"})
    )
    actor = Actor("ada", INCLUDED[Permission.DEPLOY])

    number = retry(store, settings, failed, actor)

    again = deploy.view(store, number)
    assert (Status.QUEUED, failed) == (
        again.deployment.status, again.deployment.retry_of
    )  # fmt: skip
    assert (service, {"color": "red"}) == (
        again.deployment.service, again.deployment.variables
    )  # fmt: skip
    assert "ada" == again.deployment.actor
    assert [("prepare", StepState.PENDING), ("verify", StepState.PENDING)] == [
        (step.name, step.state) for step in again.steps
    ]
    with store.begin() as db:
        (queued,) = events.read(db, number)
    assert f"queued by ada (cli), again after {failed}" == queued.text
    assert Status.FAILED is deploy.find(store, failed).status


@pytest.mark.parametrize(
    ("change", "keys"),
    [
        ({"deploy_script": "b.py"}, "deploy_script"),
        ({"timeout": 7, "steps": []}, "steps, timeout"),
        ({"variables": make_schema(size={"type": "integer"})}, "variables"),
    ],
)
def test_a_service_that_does_something_else_now_is_not_retried(
    store: Store, settings: Settings, change: dict[str, Any], keys: str
) -> None:
    failed = make_failed(store, settings, make_service(variables=COLORS))
    add_service(store, make_service(**{"variables": COLORS} | change))

    with pytest.raises(Conflict, match=rf"has changed since .* \({keys}\); launch"):
        retry(store, settings, failed)

    assert [failed] == numbers(store)


def test_what_changes_nothing_of_a_run_does_not_prevent_a_retry(
    store: Store, settings: Settings
) -> None:
    failed = make_failed(store, settings)
    now = add_service(store, make_service(description="new", keep={"days": 1}))

    again = deploy.find(store, retry(store, settings, failed))

    assert now == again.service


def test_it_has_the_priority_of_then(store: Store, settings: Settings) -> None:
    add_service(store)
    failed = deploy.launch(
        store,
        make_queue(settings),
        bootstrap.make_secret_box(settings),
        actor=ROOT,
        origin=Origin.CLI,
        service_name="hello",
        given={},
        priority=7,
    )
    fail(store, failed)

    again = deploy.find(store, retry(store, settings, failed))

    assert 7 == again.priority


def test_a_retry_can_be_retried(store: Store, settings: Settings) -> None:
    first = make_failed(store, settings)
    second = fail(store, retry(store, settings, first))

    third = retry(store, settings, second)

    assert second == deploy.find(store, third).retry_of


@pytest.mark.parametrize("status", [Status.CANCELED, Status.TIMEOUT, Status.SUCCESSFUL])
def test_what_has_ended_in_any_way_can_be_retried(
    store: Store, settings: Settings, status: Status
) -> None:
    number = start_deployment(store, settings).id
    record.fail(store, number, "ended", status)

    assert number == deploy.find(store, retry(store, settings, number)).retry_of


@pytest.mark.parametrize("status", ["queued", "running"])
def test_what_has_not_ended_is_not_retried(
    store: Store, settings: Settings, status: str
) -> None:
    if status == "queued":
        number = request_deployment(store, settings)
    else:
        number = start_deployment(store, settings).id

    with pytest.raises(Conflict, match=f"deployment {number} is {status}"):
        retry(store, settings, number)

    assert [number] == numbers(store)


def test_what_had_secrets_is_not_retried(store: Store, settings: Settings) -> None:
    service = make_service(variables=make_schema("password"))
    number = fail(
        store, request_deployment(store, settings, service, given={"password": "x"})
    )

    with pytest.raises(Conflict, match="secret variables are not kept"):
        retry(store, settings, number)

    assert [number] == numbers(store)


def test_a_service_that_is_gone_is_not_retried(
    store: Store, settings: Settings
) -> None:
    number = make_failed(store, settings)
    with store.begin() as db:
        services.unregister_all_but(db, set(), node="here")
        services.settle(db)

    with pytest.raises(Conflict, match="service hello is archived"):
        retry(store, settings, number)

    assert [number] == numbers(store)


def test_a_service_that_is_broken_is_not_retried(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    number = make_failed(store, settings)
    write_service(tmp_path / "broken", "hello", {"nonsense": 1})
    sync_services(store, tmp_path / "broken", tmp_path, "here", ROOT)

    with pytest.raises(Conflict, match="service hello is invalid"):
        retry(store, settings, number)


def test_what_is_not_there_is_said(store: Store, settings: Settings) -> None:
    with pytest.raises(NotFound, match="there is no deployment 42"):
        retry(store, settings, 42)


def test_who_may_not_deploy_may_not_retry(store: Store, settings: Settings) -> None:
    number = make_failed(store, settings)
    viewer = Actor("viewer", frozenset({Permission.VIEW}))

    with pytest.raises(NotAllowed):
        retry(store, settings, number, viewer)

    assert [number] == numbers(store)


# By browser and API


def test_the_api_answers_with_the_new_deployment(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    number = make_failed(store, settings)
    client = client_for((Permission.DEPLOY, Permission.VIEW))

    answer = client.post(f"/api/v1/deployments/{number}/retry")
    refused = client.post(f"/api/v1/deployments/{answer.json()['id']}/retry")
    add_service(store, make_service(timeout=7))
    changed = client.post(f"/api/v1/deployments/{number}/retry")

    body = answer.json()
    assert (201, f"/api/v1/deployments/{body['id']}") == (
        answer.status_code, answer.headers["Location"]
    )  # fmt: skip
    assert ("queued", number, "api") == (
        body["status"], body["retry_of"], body["origin"]
    )  # fmt: skip
    assert [409, 409] == [refused.status_code, changed.status_code]
    assert "config.json has changed" in changed.json()["error"]
    viewer = client_for((Permission.VIEW,))
    assert 403 == viewer.post(f"/api/v1/deployments/{number}/retry").status_code
