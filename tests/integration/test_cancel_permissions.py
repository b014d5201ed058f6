"""Who may cancel a deployment: by API, form and button."""

import pytest

from app.domain.access import Actor, Permission, Role
from app.domain.deployment import Status, canceled_by
from app.errors import NotAllowed
from app.settings import Settings
from app.store.store import Store
from app.usecases import deploy, record
from testing.cancellations import cancel, outcome_of
from testing.factories import make_service, request_deployment, start_deployment
from testing.web_client import ClientFor, csrf_of


def test_who_may_not_deploy_may_not_cancel(store: Store, settings: Settings) -> None:
    number = request_deployment(store, settings)
    viewer = Actor("viewer", frozenset({Permission.VIEW}))

    with pytest.raises(NotAllowed):
        cancel(store, settings, number, viewer)

    assert Status.QUEUED is deploy.find(store, number).status


@pytest.mark.parametrize(
    "path", ["/deployments/1/cancel", "/api/v1/deployments/1/cancel"]
)
def test_a_token_needs_the_scope(
    client_for: ClientFor, store: Store, settings: Settings, path: str
) -> None:
    number = request_deployment(store, settings)
    assert 1 == number

    refused = client_for((Permission.VIEW, Permission.SYNC)).post(path)
    assert 403 == refused.status_code
    assert Status.QUEUED is deploy.find(store, number).status

    done = client_for((Permission.DEPLOY,)).post(path)
    assert done.status_code in {202, 303}
    assert Status.CANCELED is deploy.find(store, number).status


@pytest.mark.parametrize("verb", ["cancel", "retry"])
def test_a_form_needs_the_token_of_its_session(
    client_for: ClientFor, store: Store, settings: Settings, verb: str
) -> None:
    number = request_deployment(store, settings)
    if verb == "retry":
        cancel(store, settings, number)
    was = deploy.find(store, number)
    client = client_for(Role.DEPLOYER)

    for sent in ({}, {"csrf_token": "wrong"}):
        answer = client.post(f"/deployments/{number}/{verb}", data=sent)
        assert 403 == answer.status_code

    assert was == deploy.find(store, number)
    assert 1 == len(client.get("/api/v1/deployments").json())


def test_the_button_cancels_and_leads_back(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    number = request_deployment(store, settings)
    client = client_for(Role.DEPLOYER)

    answer = client.post(
        f"/deployments/{number}/cancel", data={"csrf_token": csrf_of(client, store)}
    )

    assert (303, f"/deployments/{number}") == (
        answer.status_code, answer.headers["Location"]
    )  # fmt: skip
    assert canceled_by("deployer") == outcome_of(deploy.find(store, number))


def test_the_button_is_there_while_there_is_something_to_cancel(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    waiting = request_deployment(store, settings)
    running = start_deployment(store, settings, make_service(name="other")).id
    ended = start_deployment(store, settings, make_service(name="third")).id
    record.finish(store, ended, 0)
    client = client_for(Role.DEPLOYER)

    assert [True, True, False] == [
        f'action="/deployments/{number}/cancel"'
        in client.get(f"/deployments/{number}").text
        for number in (waiting, running, ended)
    ]
    page = client_for(Role.VIEWER).get(f"/deployments/{waiting}").text
    assert "/cancel" not in page
