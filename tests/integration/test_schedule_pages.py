"""The pages and the API of schedules."""

from html import unescape

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from app.domain.access import Role
from app.store import services
from app.store.services import FoundService
from app.store.store import Store
from app.usecases import schedules
from testing.factories import make_schema, make_service
from testing.web_client import ClientFor, csrf_of

PAGE = "/schedules/1"


@pytest.fixture(autouse=True)
def nightly(store: Store) -> None:
    """A schedule of `hello` with the id 1."""
    service = make_service(
        variables=make_schema(version={"type": "string"}),
        schedules=[
            {
                "name": "nightly",
                "cron": "0 3 1 * MON",
                "timezone": "Europe/Berlin",
                "variables": {"version": "<b>2"},
            }
        ],
    )
    with store.begin() as db:
        services.put(db, [FoundService("hello", service)], node="here")
        schedules.sync(db, {"hello": service})


@pytest.fixture
def deployer(client_for: ClientFor, store: Store) -> TestClient:
    """A deployer, whose requests have the CSRF token."""
    client = client_for(Role.DEPLOYER)
    client.headers["X-CSRF-Token"] = csrf_of(client, store)
    return client


def test_a_page_shows_when_a_schedule_launches_and_a_doubtful_rule(
    client_for: ClientFor,
) -> None:
    viewer = client_for(Role.VIEWER)

    listed = viewer.get("/schedules").text
    shown = viewer.get(PAGE).text

    assert '<a href="/schedules/1">nightly</a>' in listed
    assert "never launched" in listed
    for page in (listed, shown):
        assert "At 03:00 on the first day of month and on Monday" in page
        assert " 03:00 CE" in page
    assert 5 == shown.count("<li><time datetime=")
    assert "match either of them, not both" in shown
    assert "version=&lt;b&gt;2" in shown
    assert "Run now" not in shown


def test_a_schedule_is_paused_until_a_time_and_resumed(deployer: TestClient) -> None:
    paused = deployer.post(f"{PAGE}/pause", data={"until": "2126-05-04T03:00"})
    page = deployer.get(paused.headers["location"]).text
    resumed = deployer.post(f"{PAGE}/resume")

    assert [303, 303] == [paused.status_code, resumed.status_code]
    assert "The schedule is paused." in page
    assert "until <time" in page
    assert "2126-05-04 03:00 CEST" in page
    after = deployer.get(resumed.headers["location"]).text
    assert "The schedule is resumed." in after
    assert "2126" not in after


@pytest.mark.parametrize(
    ("until", "problem"),
    [
        ("2020-01-01T00:00", "the pause must end in the future"),
        ("soon", "the end of the pause must be a time such as"),
        ("2126-13-01T00:00", "the end of the pause must be a time such as"),
    ],
)
def test_a_pause_that_cannot_end_is_refused(
    deployer: TestClient, until: str, problem: str
) -> None:
    answer = deployer.post(f"{PAGE}/pause", data={"until": until})

    assert 422 == answer.status_code
    assert problem in unescape(answer.text)
    assert not deployer.get("/api/v1/schedules").json()[0]["paused"]


def test_a_schedule_is_run_now_once_for_each_form(deployer: TestClient) -> None:
    form = {"idempotency_key": "form-1"}

    answers = [deployer.post(f"{PAGE}/run", data=form) for _ in range(2)]

    (deployment,) = deployer.get("/api/v1/deployments").json()
    assert {f"/deployments/{deployment['id']}"} == {
        answer.headers["location"] for answer in answers
    }
    assert ({"version": "<b>2"}, "browser") == (
        deployment["variables"],
        deployment["origin"],
    )
    assert "queued" in deployer.get("/schedules").text


def test_a_service_that_cannot_be_launched_says_so_on_the_page(
    deployer: TestClient, store: Store
) -> None:
    with store.begin() as db:
        services.put(db, [FoundService("hello", None, "it is broken")], node="here")
        services.settle(db)

    answer = deployer.post(f"{PAGE}/run")

    assert 422 == answer.status_code
    assert "not launched: service hello is invalid: it is broken" in answer.text


FORM = {
    "service": "hello",
    "name": "weekly",
    "cron": "0 4 * * SUN",
    "timezone": "Europe/Berlin",
    "missed": "run-once",
    "overlap": "queue",
    "var.version": "3",
}


def test_a_form_shows_the_next_instants_and_creates_a_schedule(
    deployer: TestClient, store: Store
) -> None:
    empty = deployer.get("/new-schedule?service=hello").text
    preview = deployer.post("/new-schedule", data=FORM | {"action": "preview"})
    created = deployer.post("/new-schedule", data=FORM)
    again = deployer.post("/new-schedule", data=FORM)

    assert 'name="var.version"' in empty
    assert 200 == preview.status_code
    assert "At 04:00 on Sunday" in preview.text
    assert 5 == preview.text.count("<li><time datetime=")
    assert 'value="3"' in preview.text
    assert (303, 422) == (created.status_code, again.status_code)
    assert "hello has a schedule weekly already" in again.text
    page = deployer.get(created.headers["location"]).text
    assert "The schedule is created." in page
    weekly = deployer.get("/api/v1/schedules?text=weekly").json()[0]
    assert ({"version": "3"}, "run-once", "queue") == (
        weekly["variables"],
        weekly["missed"],
        weekly["overlap"],
    )
    assert weekly["created_by"]
    assert weekly["next_at"]
    # A sync keeps it, until the file defines a schedule with its name.
    service = make_service(schedules=[{"name": "nightly", "cron": "0 3 * * *"}])
    with store.begin() as db:
        schedules.sync(db, {"hello": service})
    assert 2 == len(deployer.get("/api/v1/schedules").json())
    refused = deployer.post("/schedules/1/remove")
    removed = deployer.post(f"/schedules/{weekly['id']}/remove")
    assert (409, 303) == (refused.status_code, removed.status_code)
    assert "the file of the service defines this schedule" in refused.text
    assert "The schedule is removed." in deployer.get(removed.headers["location"]).text
    assert 1 == len(deployer.get("/api/v1/schedules").json())


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"name": "A b"}, 'id="name-problem"'),
        ({"name": "nightly"}, "hello has a schedule nightly already"),
        ({"cron": "* * * * * *"}, "must have five fields"),
        ({"cron": ""}, 'needs exactly one of "cron" and "at"'),
        ({"timezone": "Berlin"}, 'id="timezone-problem"'),
        ({"until": "2020-01-01T00:00"}, "it has no instant in the future"),
        ({"missed": "all"}, 'id="missed-problem"'),
        ({"var.other": "1"}, "other is not a variable of hello"),
        ({"option.check": "true"}, "does not allow the option check"),
    ],
)
def test_a_schedule_that_cannot_be_launched_is_not_created(
    deployer: TestClient, changed: dict[str, str], problem: str
) -> None:
    answer = deployer.post("/new-schedule", data=FORM | changed)

    assert 422 == answer.status_code
    assert problem in unescape(answer.text)
    assert 1 == len(deployer.get("/api/v1/schedules").json())


def test_a_secret_has_no_field_and_is_refused(
    deployer: TestClient, store: Store
) -> None:
    service = make_service(variables=make_schema("password"))
    with store.begin() as db:
        services.put(db, [FoundService("hello", service)], node="here")
    form = {key: text for key, text in FORM.items() if key != "var.version"}

    page = deployer.get("/new-schedule?service=hello").text
    sent = deployer.post("/new-schedule", data=form | {"var.password": "canary-1"})

    assert "var.password" not in page
    assert 422 == sent.status_code
    assert "password is secret: a schedule can't set it." in unescape(sent.text)
    assert "canary-1" not in sent.text
    assert 303 == deployer.post("/new-schedule", data=form).status_code


@pytest.mark.parametrize("action", ["pause", "resume", "run", "remove"])
def test_a_viewer_or_a_form_without_its_token_changes_nothing(
    client_for: ClientFor, store: Store, action: str
) -> None:
    viewer, deployer = client_for(Role.VIEWER), client_for(Role.DEPLOYER)
    viewer.headers["X-CSRF-Token"] = csrf_of(viewer, store)

    answers = [viewer.post(f"{PAGE}/{action}"), deployer.post(f"{PAGE}/{action}")]

    assert [403, 403] == [answer.status_code for answer in answers]
    (schedule,) = viewer.get("/api/v1/schedules").json()
    assert (False, None) == (schedule["paused"], schedule["last_deployment"])


def test_the_list_is_filtered_and_has_pages(
    client_for: ClientFor, store: Store
) -> None:
    with store.begin() as db:
        db.execute(
            text(
                "INSERT INTO schedules (service_id, name, config) "
                "SELECT service_id, 's' || n, config FROM schedules, "
                "generate_series(1, 150) n"
            )
        )
    viewer = client_for(Role.VIEWER)

    first = viewer.get("/api/v1/schedules")
    second = viewer.get(first.headers["link"].removeprefix("<").partition(">")[0])

    assert (100, 51) == (len(first.json()), len(second.json()))
    assert "link" not in second.headers
    assert 'rel="next"' in viewer.get("/schedules").text
    assert 'rel="prev"' in viewer.get("/schedules?page=2").text
    found = viewer.get("/api/v1/schedules?text=nightly").json()
    assert [("hello", "nightly")] == [(each["service"], each["name"]) for each in found]
    for wrong in ("page=x", "page=99999999999", "sort=name"):
        assert 422 == viewer.get(f"/api/v1/schedules?{wrong}").status_code
    assert [] == viewer.get("/api/v1/schedules?text=%00").json()
    assert "No matching schedules" in viewer.get("/schedules?text=nothing").text
