"""Output, artifacts and event streams over HTTP."""

import pytest

from app.domain.access import Permission, Role
from app.settings import Settings
from app.store.store import Store
from app.usecases import record
from testing.factories import (
    make_schema,
    make_service,
    print_lines,
    start_deployment,
    write_service,
)
from testing.web_client import ClientFor

EVERYTHING = tuple(Permission)


HOSTILE = "<script>alert(1)</script>\x1b]0;x\x07\x1b[31m\"'"


def test_every_page_shows_hostile_output_as_text(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    schema = make_schema(v={"default": HOSTILE, "title": HOSTILE})
    service = make_service(description=HOSTILE, variables=schema)
    running = start_deployment(store, settings, service)
    print_lines(store, running.id, HOSTILE, "visible-canary")
    record.finish(store, running.id, 1)
    client = client_for(Role.ADMIN)

    for path in ("/", "/services/hello", "/deployments", f"/deployments/{running.id}",
                 f"/deployments/{running.id}/artifacts",
                 f"/deployments/{running.id}/artifacts/stdout"):  # fmt: skip
        answer = client.get(path)
        assert 200 == answer.status_code, path
        assert "<script>alert" not in answer.text, path
        assert "\x1b" not in answer.text, path
    assert "visible-canary" in client.get(f"/deployments/{running.id}").text


def test_output_is_downloaded_as_it_was(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    running = start_deployment(store, settings)
    print_lines(store, running.id, "a\tb", "größe")

    answer = client_for(EVERYTHING).get(f"/deployments/{running.id}/output")

    assert "a\tb\ngröße\n" == answer.text
    assert 'attachment; filename="hello-1.log"' == answer.headers["content-disposition"]
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    "name",
    ["..%2f..%2fjournal", "%2e%2e/journal", "%2fetc%2fpasswd", "job_events", "x"],
)
def test_artifacts_lead_nowhere_else(
    client_for: ClientFor, store: Store, settings: Settings, name: str
) -> None:
    running = start_deployment(store, settings)
    record.finish(store, running.id, 0)
    client = client_for(EVERYTHING)

    folder = f"/deployments/{running.id}/artifacts/{name}"
    for path in (folder, f"{folder}?download=1", f"/api/v1{folder}"):
        assert 404 == client.get(path).status_code
    going_on = start_deployment(store, settings)
    assert 404 == client.get(f"/deployments/{going_on.id}/artifacts.tar.gz").status_code


def test_artifacts_are_listed_shown_and_downloaded(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    running = start_deployment(store, settings)
    print_lines(store, running.id, "text-canary")
    record.finish(store, running.id, 0)
    client = client_for(EVERYTHING)
    path = f"/deployments/{running.id}/artifacts"

    listed = client.get(f"/api/v1{path}").json()
    download = client.get(f"{path}/stdout?download=1")

    assert ["rc", "status", "stderr", "stdout"] == [item["path"] for item in listed]
    assert "Download all" in client.get(path).text
    packed = client.get(f"{path}.tar.gz")
    assert b"\x1f\x8b" == packed.content[:2]
    assert "hello-1-artifacts.tar.gz" in packed.headers["content-disposition"]
    assert "text-canary" in client.get(f"{path}/stdout").text
    assert b"text-canary\n" == download.content
    assert "attachment" in download.headers["content-disposition"]


def test_the_api_gives_an_artifact_as_it_is_and_no_page(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    running = start_deployment(store, settings)
    print_lines(store, running.id, HOSTILE)
    record.finish(store, running.id, 0)

    answer = client_for(EVERYTHING).get(
        f"/api/v1/deployments/{running.id}/artifacts/stdout",
        headers={"Accept": "text/html"},
    )

    assert f"{HOSTILE}\n" == answer.text
    assert "application/octet-stream" == answer.headers["content-type"]
    assert 'attachment; filename="stdout"' == answer.headers["content-disposition"]
    assert "nosniff" == answer.headers["x-content-type-options"]


def test_the_doctor_is_asked_beside_the_service(
    client_for: ClientFor, settings: Settings
) -> None:
    write_service(settings.services, "hello")
    client = client_for(EVERYTHING)
    client.post("/api/v1/services/sync")

    unasked = client.get("/services/hello").text
    page = client.get("/services/hello/doctor").text
    answer = client.get("/api/v1/services/hello/doctor").json()

    assert 'href="/services/hello/doctor#doctor"' in unasked
    assert "hello: stored version" not in unasked
    assert "<strong>test</strong>" in page
    assert "FastDeploy knows what config.json says." in page
    # There is no worker in this process, so nobody would deploy it.
    assert ("test", False) == (answer["host"], answer["healthy"])
    problems = {f["subject"]: f for f in answer["findings"] if f["level"] == "problem"}
    assert ["hello: node"] == list(problems)
    assert problems["hello: node"]["fix"] in page


@pytest.mark.parametrize("name", ["nothing", "%2e%2e", ".hidden", "a%2fb"])
def test_the_doctor_knows_no_other_folders(client_for: ClientFor, name: str) -> None:
    client = client_for(EVERYTHING)

    for path in (f"/services/{name}/doctor", f"/api/v1/services/{name}/doctor"):
        assert 404 == client.get(path).status_code


@pytest.mark.parametrize("kind", ["", "/api/v1"], ids=["page", "api"])
@pytest.mark.parametrize(
    ("header", "first"),
    [(None, 1), ("", 1), ("3", 4), ("x", 1), ("-1", 1), ("1.5", 1), ("9" * 5000, 1),
     ("\u0663".encode(), 1), ("3, 4", 1)],
    ids=["none", "empty", "number", "word", "negative", "float", "endless", "arabic",
         "two"],
)  # fmt: skip
def test_a_stream_begins_behind_the_last_event_that_was_seen(
    client_for: ClientFor, store: Store, settings: Settings, kind: str,
    header: str | None, first: int,
) -> None:  # fmt: skip
    running = start_deployment(store, settings)
    print_lines(store, running.id, "text-3", "text-4")
    record.finish(store, running.id, 0)
    headers = {} if header is None else {"Last-Event-ID": header}

    answer = client_for(EVERYTHING).get(
        f"{kind}/deployments/{running.id}/events", headers=headers
    )

    assert 200 == answer.status_code
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert (first <= 3) == ("text-3" in answer.text)
    assert "text-4" in answer.text
    assert "id: 5" in answer.text
    assert answer.text.rstrip().endswith("event: end\r\ndata:")


def test_a_stream_begins_where_the_page_ended(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    running = start_deployment(store, settings)
    print_lines(store, running.id, "text-3", "text-4")
    record.finish(store, running.id, 0)

    answer = client_for(EVERYTHING).get(f"/deployments/{running.id}/events?after=3")

    assert "text-3" not in answer.text
    assert "text-4" in answer.text
