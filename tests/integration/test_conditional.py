"""Conditional requests of the API: ETag, If-None-Match and If-Match."""

import pytest

from app import bootstrap
from app.domain.access import Permission
from app.project_folder import without_credentials
from app.settings import Settings
from app.store.store import Store
from app.usecases import credentials, schedule_changes
from app.usecases.credentials import Change
from app.usecases.schedule_sources import ScheduleSources
from testing.api_catalogue import SCHEDULE
from testing.factories import ROOT, add_service
from testing.web_client import ClientFor

EVERY = tuple(Permission)
#: Resources that may be replaced, with the body of a change.
REPLACEABLE = {
    "/api/v1/schedules/1": SCHEDULE | {"cron": "0 4 * * *"},
    "/api/v1/credentials/become:prod": {
        "value": {"password": "efgh"},
        "description": "new",
        "replace": True,
    },
}


@pytest.fixture(autouse=True)
def resources(store: Store, settings: Settings) -> None:
    """A schedule and a credential."""
    add_service(store)
    box = bootstrap.make_secret_box(settings)
    sources = ScheduleSources(settings, without_credentials)
    schedule_changes.create(store, ROOT, "hello", SCHEDULE, box, sources)
    change = Change(values={"password": "abcd"})
    credentials.put(store, box, ROOT, "become:prod", change, replace=False)


@pytest.mark.parametrize("url", ["/api/v1/schedules", *REPLACEABLE])
def test_an_unchanged_resource_is_not_sent_again(
    client_for: ClientFor, url: str
) -> None:
    client = client_for(EVERY)

    first = client.get(url)
    etag = first.headers["etag"]
    again = client.get(url, headers={"If-None-Match": f'"other", W/{etag}'})
    other = client.get(url, headers={"If-None-Match": '"other"'})

    assert "private, no-cache" == first.headers["cache-control"]
    assert (304, "", etag) == (again.status_code, again.text, again.headers["etag"])
    assert (200, first.text) == (other.status_code, other.text)


@pytest.mark.parametrize(("url", "body"), REPLACEABLE.items(), ids=REPLACEABLE)
def test_a_change_is_made_only_to_what_the_client_has_seen(
    client_for: ClientFor, url: str, body: dict[str, object]
) -> None:
    client = client_for(EVERY)
    seen = client.get(url).headers["etag"]

    changed = client.put(url, json=body, headers={"If-Match": seen})
    late = client.put(url, json=body, headers={"If-Match": seen})
    weak = f"W/{client.get(url).headers['etag']}"
    never = client.put(url, json=body, headers={"If-Match": weak})
    unconditional = client.put(url, json=body)

    assert 200 == changed.status_code, changed.text
    assert 412 == late.status_code
    assert "read it again" in late.json()["detail"]
    assert 412 == never.status_code
    assert 200 == unconditional.status_code


def test_a_removed_resource_matches_nothing(client_for: ClientFor) -> None:
    client = client_for(EVERY)
    url = "/api/v1/credentials/become:nothing"

    answer = client.delete(url, headers={"If-Match": "*"})

    assert 412 == answer.status_code


@pytest.mark.parametrize(
    ("method", "url", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1", 404),
        ("PATCH", "/api/v1/services", 405),
        ("POST", "/api/v1/openapi.json", 405),
    ],
)
def test_every_error_of_the_api_is_a_problem(
    client_for: ClientFor, method: str, url: str, status: int
) -> None:
    answer = client_for(EVERY).request(method, url, headers={"Accept": "text/html"})

    assert status == answer.status_code
    assert "application/problem+json" == answer.headers["content-type"]
    assert status == answer.json()["status"]
    if status == 405:
        assert "GET" in answer.headers["allow"]
