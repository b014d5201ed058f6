"""Query parameters that a route doesn't take, or can't read, are refused."""

import pytest

from app.domain.access import Permission, Role
from app.settings import Settings
from app.store.store import Store
from testing.factories import start_deployment
from testing.web_client import ClientFor

PAGE = {"Accept": "text/html"}


@pytest.mark.parametrize(
    ("address", "name", "problem"),
    [
        ("/api/v1/deployments?stauts=failed", "stauts", "unknown parameter"),
        ("/api/v1/deployments?status=broken", "status", "must be one of waiting"),
        ("/api/v1/deployments?since=soon", "since", "must be a time such as"),
        ("/api/v1/deployments?before=last", "before", "must be a whole number"),
        ("/api/v1/deployments?before=-1", "before", "must be a whole number"),
        ("/api/v1/deployments?before=", "before", "is empty: give a whole number"),
        ("/api/v1/deployments?status=failed&status=queued", "status", "more than once"),
        ("/api/v1/deployments/1?x=1", "x", "this URL takes no parameters"),
        ("/api/v1/deployments/1/events?after=x", "after", "must be a whole number"),
        ("/api/v1/openapi.json?x=1", "x", "this URL takes no parameters"),
        ("/api/v1/nodes?x", "x", "this URL takes no parameters"),
    ],
)  # fmt: skip
def test_the_api_names_the_parameter_that_it_refuses(
    store: Store, settings: Settings, client_for: ClientFor, address: str, name: str,
    problem: str,
) -> None:  # fmt: skip
    start_deployment(store, settings)
    client = client_for((Permission.VIEW,))

    answer = client.get(address)

    assert 422 == answer.status_code
    assert [name] == list(answer.json()["problems"])
    assert problem in answer.json()["problems"][name]


def test_a_request_that_changes_something_takes_no_parameters_beside_its_body(
    client_for: ClientFor,
) -> None:
    client = client_for((Permission.DEPLOY,))

    answer = client.post("/api/v1/deployments?priority=5", json={"service": "hello"})

    assert 422 == answer.status_code
    assert ["priority"] == list(answer.json()["problems"])


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/deployments?stauts=failed", "stauts: unknown parameter"),
        ("/deployments?since=soon", "must be a time such as"),
        ("/deployments?before=last", "before: must be a whole number"),
        ("/services/hello?service=other", "service: unknown parameter"),
        ("/services/hello/compare?a=x", "a: must be a whole number"),
        ("/deployments/1/search?step=first", "step: must be a whole number"),
        ("/admin/audit?user=ada", "user: unknown parameter"),
    ],
)
def test_a_page_says_which_parameter_it_refuses(
    store: Store, settings: Settings, client_for: ClientFor, address: str, said: str
) -> None:
    start_deployment(store, settings)
    client = client_for(Role.ADMIN)

    answer = client.get(address, headers=PAGE)

    assert 422 == answer.status_code
    assert said in answer.text
