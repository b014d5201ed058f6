"""The button that retries a deployment, and the form with its variables."""

from starlette.testclient import TestClient

from app.domain.access import Role
from app.settings import Settings
from app.store.store import Store
from app.usecases import deploy, record
from testing.factories import (
    add_service,
    make_schema,
    make_service,
    request_deployment,
    start_deployment,
)
from testing.failed_deployments import make_failed, numbers
from testing.web_client import ClientFor, csrf_of

#: The phases in which the page shows the button.
ENDED = "successful failed canceled timeout"


def test_the_button_leads_to_the_new_deployment(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    number = make_failed(store, settings)
    client = client_for(Role.DEPLOYER)

    answer = client.post(
        f"/deployments/{number}/retry", data={"csrf_token": csrf_of(client, store)}
    )

    again = max(numbers(store))
    assert number == deploy.find(store, again).retry_of
    assert (303, f"/deployments/{again}") == (
        answer.status_code, answer.headers["Location"]
    )  # fmt: skip


def test_the_button_is_there_where_it_can_be_pressed(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    failed = make_failed(store, settings)
    well = start_deployment(store, settings, make_service(name="third")).id
    record.finish(store, well, 0)
    secret = make_failed(
        store, settings, make_service(name="fourth", variables=make_schema("password"))
    )

    def shown(client: TestClient, number: int) -> bool:
        page = client.get(f"/deployments/{number}").text
        return f'action="/deployments/{number}/retry"' in page

    deployer, viewer = client_for(Role.DEPLOYER), client_for(Role.VIEWER)
    assert [True, True, False] == [
        shown(deployer, number) for number in (failed, well, secret)
    ]
    assert not shown(viewer, failed)


def test_the_button_waits_hidden_while_the_deployment_goes_on(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    running = start_deployment(store, settings).id
    client = client_for(Role.DEPLOYER)

    before = client.get(f"/deployments/{running}").text
    record.finish(store, running, 1)
    after = client.get(f"/deployments/{running}").text

    button = f'action="/deployments/{running}/retry" data-when="{ENDED}"'
    assert f"{button} hidden>" in before
    assert f"{button}>" in after


def test_the_form_shows_the_variables_of_an_earlier_deployment_but_for_secrets(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    schema = make_schema(
        "password",
        color={"type": "string", "default": "green"},
        hosts={"type": "array", "items": {"type": "string"}},
    )
    given = {"color": "mauve", "hosts": ["a1", "b2"], "password": "hunter2-canary"}
    service = make_service(variables=schema)
    number = request_deployment(store, settings, service, given=given)
    client = client_for(Role.DEPLOYER)

    page = client.get(f"/deployments/{number}").text
    form = client.get(f"/services/hello?again={number}").text

    assert f'href="/services/hello?again={number}#launch"' in page
    assert 'value="mauve"' in form
    assert "a1\nb2</textarea>" in form
    assert "Secrets are not stored" in form
    assert "canary" not in form


def test_the_form_shows_no_variables_of_another_service(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    number = request_deployment(store, settings, make_service(name="other"))
    add_service(store)

    answer = client_for(Role.DEPLOYER).get(f"/services/hello?again={number}")

    assert 404 == answer.status_code
