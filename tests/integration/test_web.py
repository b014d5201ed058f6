"""What every answer has, and what each error becomes."""

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from starlette.testclient import TestClient

from app.bootstrap.web import make_web
from app.domain.access import Permission, Role
from app.settings import Settings
from app.store.store import Store
from app.usecases import record
from app.usecases.auth import MAX_FAILURES
from app.web.middleware import MAX_BODY
from testing.factories import (
    add_service,
    make_schema,
    make_service,
    make_user,
    print_lines,
    request_deployment,
    start_deployment,
    write_service,
)
from testing.web_client import ClientFor, csrf_of

EVERYTHING = tuple(Permission)
CANARY = "hunter2-canary"
HOSTILE = "<script>alert(1)</script>\x1b]0;x\x07\x1b[31m\"'"

PATHS = {
    "page": "/",
    "json": "/api/services",
    "health": "/healthz",
    "no-page": "/nothing",
    "no-json": "/api/nothing",
    "no-static": "/static/nothing.js",
    "login": "/login",
    "no-method": "/logout",
}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
@pytest.mark.parametrize("who", [None, Role.VIEWER], ids=["nobody", "somebody"])
def test_every_answer_has_the_security_headers(
    client_for: ClientFor, who: Role | None, path: str
) -> None:
    answer = client_for(who).get(path, headers={"Accept": "text/html"})

    require_headers(answer.headers)


def require_headers(headers: object) -> None:
    assert hasattr(headers, "get")
    policy = headers.get("content-security-policy", "")
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "nosniff" == headers.get("x-content-type-options")
    assert "DENY" == headers.get("x-frame-options")
    assert "same-origin" == headers.get("referrer-policy")
    assert "no-store" == headers.get("cache-control")
    assert headers.get("x-request-id")


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_an_exception_is_a_500_with_headers_and_without_details(
    client_for: ClientFor, store: Store, accept: str
) -> None:
    client = client_for(EVERYTHING)
    with store.begin() as db:
        db.execute(text("ALTER TABLE services RENAME error TO canary"))

    answer = client.get("/services/hello", headers={"Accept": accept})

    assert 500 == answer.status_code
    assert "canary" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["content-type"].startswith(accept)
    require_headers(answer.headers)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/services/nothing", 404),
        ("GET", "/services/a%00b", 404),
        ("GET", "/deployments/42", 404),
        ("GET", f"/deployments/{2**63}", 404),
        ("GET", f"/deployments/{'9' * 5000}", 404),
        ("GET", "/deployments/-1", 404),
        ("GET", "/deployments/42/output", 404),
        ("GET", "/deployments/42/events", 404),
        ("GET", "/deployments/42/artifacts/stdout", 404),
        ("POST", "/deployments/42", 405),
        ("DELETE", "/services/hello", 405),
        ("POST", "/services/nothing/deploy", 404),
    ],
)
def test_an_error_is_a_page_or_json_as_it_was_asked_for(
    client_for: ClientFor, method: str, path: str, status: int
) -> None:
    client = client_for(EVERYTHING)

    page = client.request(method, path, headers={"Accept": "text/html,*/*"})
    json = client.request(method, path)

    assert [status, status] == [page.status_code, json.status_code]
    assert page.headers["content-type"].startswith("text/html")
    assert "Traceback" not in page.text
    assert json.json()["error"]


@pytest.mark.parametrize("path", ["/api/nothing", "/api/deployments/42"])
def test_the_api_never_answers_with_a_page(client_for: ClientFor, path: str) -> None:
    answer = client_for(EVERYTHING).get(path, headers={"Accept": "text/html"})

    assert 404 == answer.status_code
    assert answer.json()["error"]


@pytest.mark.parametrize("query", ["service=a%00b", "before="])
def test_a_query_that_nothing_fits_or_that_is_empty_is_answered(
    client_for: ClientFor, query: str
) -> None:
    client = client_for(EVERYTHING)

    assert 200 == client.get(f"/api/deployments?{query}").status_code
    assert 200 == client.get(f"/deployments?{query}").status_code


@pytest.mark.parametrize("path", ["/login", "/api/deployments"])
def test_a_body_has_a_limit(client_for: ClientFor, path: str) -> None:
    answer = client_for(EVERYTHING).post(path, content=b"x" * (MAX_BODY + 1), headers={
        "Content-Type": "application/x-www-form-urlencoded"})  # fmt: skip

    assert 413 == answer.status_code
    assert str(MAX_BODY) in answer.json()["error"]


PART = b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\n%b'


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/x-www-form-urlencoded", b"name=%C3%BC", 401),
        ("application/x-www-form-urlencoded; charset=UTF-8", b"name=a", 401),
        ("application/x-www-form-urlencoded; charset=utf-7", b"name=a", 415),
        ("application/x-www-form-urlencoded; charset=idna", b"name=a", 415),
        ("multipart/form-data; boundary=b", b"--b--\r\n", 401),
        ("multipart/form-data; boundary=b", PART % b"x\r\n--b--", 401),
        ("multipart/form-data", b"--b--", 415),
        ("multipart/form-data; boundary=b; charset=utf-7", b"--b--", 415),
        ("multipart/form-data; boundary=b", PART % b"x", 422),
        ("multipart/form-data; boundary=b", PART % b"\xff\r\n--b--", 422),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\nx\r\n--b--", 422),
        ("multipart/form-data; boundary=b", PART % b"x\r\n" * 501 + b"--b--", 422),
        ("text/plain", b"name=a", 415),
        ("application/x-www-form-urlencoded", b"name=%FF", 422),
        ("application/x-www-form-urlencoded", b"name=\xc3\xbc", 422),
        ("application/x-www-form-urlencoded", b"a&" * 501, 422),
    ],
)
def test_a_form_is_utf_8_and_nothing_else(
    client_for: ClientFor, content_type: str, body: bytes, status: int
) -> None:
    headers = {"Content-Type": content_type}

    answer = client_for(None).post("/login", content=body, headers=headers)

    assert status == answer.status_code


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "null", "x"])
def test_a_malformed_origin_is_another_site(client_for: ClientFor, origin: str) -> None:
    answer = client_for(None).post("/login", data={}, headers={"Origin": origin})

    assert 403 == answer.status_code


# Logging in


def test_scripts_cannot_read_the_session_cookie(
    client_for: ClientFor, store: Store
) -> None:
    make_user(store)
    client = client_for(None)

    answer = client.post("/login", data={"name": "ada", "password": "wrong"})
    assert 401 == answer.status_code
    assert "set-cookie" not in answer.headers

    client = client_for(Role.VIEWER)
    (cookie,) = client.cookies.jar
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert "lax" == cookie.get_nonstandard_attr("SameSite")
    assert not cookie.secure


def test_behind_https_the_cookie_is_bound_to_host_and_scheme(
    settings: Settings, store: Store
) -> None:
    make_user(store, "viewer")
    app = make_web(settings.model_copy(update={"secure_cookies": True}))
    with TestClient(app, "https://testserver", follow_redirects=False) as client:
        form = {"name": "viewer", "password": "correct horse battery staple"}
        answer = client.post("/login", data=form)

        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-fastdeploy=")
        assert "Secure" in cookie
        assert "Path=/" in cookie
        assert "max-age=31536000" == answer.headers["strict-transport-security"]
        assert 200 == client.get("/api/services").status_code


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/deployments/1?before=3", "/deployments/1?before=3"),
        ("", "/"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/a\r\nSet-Cookie: a=b", "/"),
        ("javascript:alert(1)", "/"),
        ("\\\\evil.example", "/"),
        (" //evil.example", "/"),
    ],
)
def test_logging_in_leads_to_a_page_of_ours(
    client_for: ClientFor, store: Store, wanted: str, reached: str
) -> None:
    form = {"name": make_user(store), "password": "correct horse battery staple"}

    answer = client_for(None).post("/login", data=form | {"next": wanted})

    assert (303, reached) == (answer.status_code, answer.headers["location"])
    shown = client_for(None).get("/login", params={"next": wanted})
    assert "evil.example" not in shown.text


def test_who_has_to_log_in_comes_back_to_what_was_asked_for(
    client_for: ClientFor,
) -> None:
    client = client_for(None)
    page = {"Accept": "text/html"}

    asked = client.get("/deployments?before=3", headers=page)

    assert "/login?next=/deployments%3Fbefore%3D3" == asked.headers["location"]


@pytest.mark.parametrize(
    ("referer", "leads"),
    [
        ("http://testserver/services/a", "/services/a"),
        ("http://testserver/nodes/forget?name=b", "/nodes/forget%3Fname%3Db"),
        ("http://[", "/"),
    ],
)
def test_who_sends_a_form_too_late_comes_back_to_its_page(
    client_for: ClientFor, referer: str, leads: str
) -> None:
    headers = {"Accept": "text/html", "Referer": referer}

    sent = client_for(None).post("/services/a/deploy", headers=headers)

    assert f"/login?next={leads}" == sent.headers["location"]


@pytest.mark.parametrize(
    ("path", "above"),
    [
        ("/services/a/deploy", "/services/a"),
        ("/deployments/7/cancel", "/deployments/7"),
        ("/admin/users/7/role", "/admin/users/7"),
        ("/logout", "/"),
    ],
)
def test_an_address_that_a_form_is_sent_to_leads_to_the_page_of_the_form(
    client_for: ClientFor, path: str, above: str
) -> None:
    """A browser shows it where the form came back with what is wrong with it."""
    answer = client_for(None).get(path, headers={"Accept": "text/html"})

    assert (303, above) == (answer.status_code, answer.headers["location"])


def test_only_a_logged_in_user_gets_links_on_a_page_that_does_not_exist(
    client_for: ClientFor,
) -> None:
    page = {"Accept": "text/html"}

    known = client_for(Role.VIEWER).get("/nothing", headers=page)
    stranger = client_for(None).get("/nothing", headers=page)

    assert 404 == known.status_code == stranger.status_code
    assert 'href="/deployments"' in known.text
    assert 'href="/deployments"' not in stranger.text


def test_a_user_sees_that_the_session_has_ended(
    client_for: ClientFor,
) -> None:
    client = client_for(None)
    client.cookies["fastdeploy"] = "of a session that has ended"

    asked = client.get("/deployments", headers={"Accept": "text/html"})
    login = client.get(asked.headers["location"])
    api = client.get("/api/deployments")

    assert "Your session has expired; log in again." in login.text
    assert "Your session has expired; log in again." == api.json()["error"]
    assert "has ended" not in client_for(None).get("/login").text


def test_too_many_failures_are_a_429_that_says_when(
    client_for: ClientFor, store: Store
) -> None:
    form = {"name": make_user(store), "password": "wrong"}
    client = client_for(None)
    for _ in range(MAX_FAILURES):
        assert 401 == client.post("/login", data=form).status_code

    answer = client.post("/login", data=form)

    assert 429 == answer.status_code
    assert int(answer.headers["retry-after"]) > 0
    assert "try again in" in answer.text


# Without a database


@pytest.fixture
def unreachable(settings: Settings) -> TestClient:
    """A client of a web process whose database is away."""
    url = SecretStr(f"postgresql://u:{CANARY}@127.0.0.1:1/nothing")
    app = make_web(settings.model_copy(update={"database_url": url}))
    return TestClient(app, follow_redirects=False, cookies={"fastdeploy": "x"})


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
@pytest.mark.parametrize("path", ["/", "/api/services", "/readyz", "/deployments/1"])
def test_without_a_database_the_answer_is_503(
    unreachable: TestClient, path: str, accept: str
) -> None:
    answer = unreachable.get(path, headers={"Accept": accept})

    assert 503 == answer.status_code
    assert "FASTDEPLOY_DATABASE_URL" in answer.text
    assert CANARY not in answer.text
    assert "Traceback" not in answer.text


def test_without_a_database_the_process_is_alive_but_not_ready(
    unreachable: TestClient, client_for: ClientFor
) -> None:
    assert [200, 503] == [
        unreachable.get(path).status_code for path in ("/healthz", "/readyz")
    ]
    # Everybody may ask: PostgreSQL's address is in the log alone.
    assert "127.0.0.1" not in unreachable.get("/readyz").text
    assert [200, 200] == [
        client_for(None).get(path).status_code for path in ("/healthz", "/readyz")
    ]


def test_with_an_older_schema_it_is_not_ready(
    client_for: ClientFor, store: Store
) -> None:
    with store.begin() as db:
        db.execute(text("UPDATE alembic_version SET version_num = '0001'"))

    answer = client_for(None).get("/readyz")

    assert 503 == answer.status_code
    assert "fastdeploy db migrate" in answer.json()["error"]


# Pages


def test_launching_by_form_leads_to_the_deployment(
    client_for: ClientFor, store: Store
) -> None:
    schema = make_schema(count={"type": "integer"}, loud={"type": "boolean"})
    add_service(store, make_service(variables=schema))
    client = client_for(Role.DEPLOYER)
    form = {
        "csrf_token": csrf_of(client, store),
        "idempotency_key": "k",
        "var.count": "3",
        "var.loud": "true",
    }

    first, second = (client.post("/services/hello/deploy", data=form) for _ in range(2))

    assert [303, 303] == [first.status_code, second.status_code]
    assert first.headers["location"] == second.headers["location"]
    shown = client.get("/api" + first.headers["location"]).json()
    assert {"count": 3, "loud": True} == shown["variables"]
    assert ("deployer", "browser") == (shown["actor"], shown["origin"])


def test_a_file_that_is_sent_with_the_form_is_the_value_of_its_variable(
    client_for: ClientFor, store: Store
) -> None:
    schema = make_schema(config={"contentMediaType": "text/plain"}, other={})
    add_service(store, make_service(variables=schema))
    client = client_for(Role.DEPLOYER)
    form = {"csrf_token": csrf_of(client, store), "var.config": "", "var.other": "ü"}
    content = 'a: "ü"\r\n\r\n--b\r\n'.encode()

    page = client.get("/services/hello")
    sent = client.post(
        "/services/hello/deploy", data=form, files={"file.config": ("a.yml", content)}
    )
    refused = client.post(
        "/services/hello/deploy", data=form, files={"file.config": ("a", b"\xff")}
    )

    assert 'enctype="multipart/form-data"' in page.text
    shown = client.get("/api" + sent.headers["location"]).json()
    assert {"config": content.decode(), "other": "ü"} == shown["variables"]
    assert 422 == refused.status_code
    assert "is not text in UTF-8" in refused.text


def test_a_bad_variable_is_said_beside_its_field_and_nothing_is_lost(
    client_for: ClientFor, store: Store
) -> None:
    schema = make_schema(secret="token", count={"type": "integer"}, note={})
    add_service(store, make_service(variables=schema))
    client = client_for(Role.DEPLOYER)
    form = {
        "csrf_token": csrf_of(client, store),
        "var.count": HOSTILE,
        "var.note": "kept-note",
        "var.token": CANARY,
        "var.ansible_connection": "local",
    }

    unknown = client.post("/services/hello/deploy", data=form)
    del form["var.ansible_connection"]
    bad = client.post("/services/hello/deploy", data=form)

    assert [422, 422] == [unknown.status_code, bad.status_code]
    assert "ansible_connection" in unknown.text
    assert "is not of type" in bad.text
    assert "kept-note" in bad.text
    assert CANARY not in bad.text
    assert "<script>alert" not in bad.text
    assert [] == client.get("/api/deployments").json()


def test_a_broken_service_is_a_409(client_for: ClientFor, store: Store) -> None:
    add_service(store)
    with store.begin() as db:
        db.execute(text("UPDATE services SET error = 'no JSON'"))
    client = client_for(EVERYTHING)

    answer = client.post("/api/deployments", json={"service": "hello"})

    assert 409 == answer.status_code
    assert "no JSON" in answer.json()["error"]


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
    for path in (folder, f"{folder}?download=1", f"/api{folder}"):
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

    listed = client.get(f"/api{path}").json()
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
        f"/api/deployments/{running.id}/artifacts/stdout",
        headers={"Accept": "text/html"},
    )

    assert f"{HOSTILE}\n" == answer.text
    assert "application/octet-stream" == answer.headers["content-type"]
    assert 'attachment; filename="stdout"' == answer.headers["content-disposition"]
    assert "nosniff" == answer.headers["x-content-type-options"]


# The doctor


def test_the_doctor_is_asked_beside_the_service(
    client_for: ClientFor, settings: Settings
) -> None:
    write_service(settings.services, "hello")
    client = client_for(EVERYTHING)
    client.post("/api/services/sync")

    unasked = client.get("/services/hello").text
    page = client.get("/services/hello/doctor").text
    answer = client.get("/api/services/hello/doctor").json()

    assert 'href="/services/hello/doctor#doctor"' in unasked
    assert "hello: stored version" not in unasked
    assert "<strong>test</strong>" in page
    assert "FastDeploy knows what config.json says." in page
    # There is no worker in this process, so nobody would deploy it.
    assert ("test", False) == (answer["host"], answer["healthy"])
    problems = {f["subject"]: f for f in answer["findings"] if f["level"] == "problem"}
    assert ["hello: node"] == list(problems)
    assert problems["hello: node"]["fix"] in page


@pytest.mark.parametrize("name", ["nothing", "..", ".hidden", "a%2fb"])
def test_the_doctor_knows_no_other_folders(client_for: ClientFor, name: str) -> None:
    client = client_for(EVERYTHING)

    for path in (f"/services/{name}/doctor", f"/api/services/{name}/doctor"):
        assert 404 == client.get(path).status_code


# The stream


@pytest.mark.parametrize("kind", ["", "/api"], ids=["page", "api"])
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


# The API


def test_the_api_launches_with_a_201(client_for: ClientFor, store: Store) -> None:
    add_service(store)
    client = client_for(EVERYTHING)

    answer = client.post("/api/deployments", json={"service": "hello"})

    body = answer.json()
    assert 201 == answer.status_code
    assert f"/api/deployments/{body['id']}" == answer.headers["location"]
    assert ("queued", "hello", "api", 0) == (
        body["status"], body["service"], body["origin"], body["queue_position"],
    )  # fmt: skip
    assert ["prepare", "verify"] == [step["name"] for step in body["steps"]]
    assert body == client.get(answer.headers["location"]).json()


def test_a_repeated_launch_with_the_same_key_is_the_same(
    client_for: ClientFor, store: Store
) -> None:
    add_service(store)
    client = client_for(EVERYTHING)

    ids = [
        client.post("/api/deployments", json={"service": "hello"},
                    headers={"Idempotency-Key": key}).json()["id"]
        for key in ("a", "a", "b")
    ]  # fmt: skip

    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize(
    ("content", "about"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"[]", "object"),
        (b'{"service": 5}', "service"),
        (b"{}", "service"),
        (b'{"service": "hello", "extra": 1}', "extra"),
        (b'{"service": "hello", "variables": []}', "variables"),
        (b'{"service": "hello", "variables": {"a": "x"}}', "a"),
        (b'{"service": "hello", "variables": {"n": NaN}}', "JSON"),
        (b'{"service": "hello", "variables": {"n": 1e999}}', "JSON"),
        (b'{"service": "hello", "variables": {"n": 1%b}}' % (b"0" * 400), "JSON"),
        (b'{"service": "hello", "variables": {"n": "\\ud800"}}', "JSON"),
        (b'{"service": "hello", "variables": ' + b'{"n":' * 5000, "JSON"),
        (b'{"service": "\xff"}', "JSON"),
    ],
    ids=["empty", "cut", "array", "service-number", "no-service", "extra-key",
         "variables-list", "bad-variable", "nan", "infinity", "huge-number",
         "lone-surrogate", "deep", "latin-1"],
)  # fmt: skip
def test_a_launch_that_makes_no_sense_is_a_422_that_says_why(
    client_for: ClientFor, store: Store, content: bytes, about: str
) -> None:
    add_service(store, make_service(variables=make_schema(a={"type": "integer"}, n={})))

    answer = client_for(EVERYTHING).post("/api/deployments", content=content)

    assert 422 == answer.status_code
    assert about in answer.text


def test_bad_variables_are_named_one_by_one(
    client_for: ClientFor, store: Store
) -> None:
    schema = make_schema(secret="token", a={"type": "integer"})
    add_service(store, make_service(variables=schema))

    answer = client_for(EVERYTHING).post(
        "/api/deployments",
        json={"service": "hello", "variables": {"a": "x", "token": [CANARY]}},
    )

    assert 422 == answer.status_code
    assert {"a", "token"} == set(answer.json()["problems"])
    assert CANARY not in answer.text


@pytest.mark.parametrize("name", ["nothing", "a\0b"])
def test_an_unknown_service_is_a_404(client_for: ClientFor, name: str) -> None:
    answer = client_for(EVERYTHING).post("/api/deployments", json={"service": name})

    assert 404 == answer.status_code


def test_secrets_are_in_no_answer(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    service = make_service(variables=make_schema(secret="token"))
    number = request_deployment(store, settings, service, given={"token": CANARY})
    client = client_for(Role.ADMIN)

    for path in ("/", "/services/hello", f"/deployments/{number}", "/api/services",
                 f"/api/deployments/{number}", "/api/deployments"):  # fmt: skip
        answer = client.get(path)
        assert 200 == answer.status_code
        assert CANARY not in answer.text


def test_sync_by_api_says_what_was_found(
    client_for: ClientFor, settings: Settings
) -> None:
    (settings.services / "bad").mkdir()

    found = client_for(EVERYTHING).post("/api/services/sync").json()

    assert (["bad"], [], []) == (
        list(found["invalid"]),
        found["valid"],
        found["archived"],
    )


def test_sync_by_button_leads_back_with_what_was_found(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    (settings.services / "bad").mkdir()
    client = client_for(Role.ADMIN)

    answer = client.post("/services/sync", data={"csrf_token": csrf_of(client, store)})

    assert 303 == answer.status_code
    assert "1 invalid" in client.get(answer.headers["location"]).text
