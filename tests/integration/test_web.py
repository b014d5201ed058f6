"""What every answer has, and what each error becomes."""

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from starlette.testclient import TestClient

from app.bootstrap.web import make_web
from app.domain.access import Permission, Role
from app.settings import Settings
from app.store.store import Store
from app.web.middleware import MAX_BODY
from testing.web_client import ClientFor

EVERYTHING = tuple(Permission)


CANARY = "hunter2-canary"


PATHS = {
    "page": "/",
    "json": "/api/v1/services",
    "health": "/healthz",
    "no-page": "/nothing",
    "no-json": "/api/v1/nothing",
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


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [("text/html", "text/html"), ("application/json", "application/problem+json")],
)
def test_an_exception_is_a_500_with_headers_and_without_details(
    client_for: ClientFor, store: Store, accept: str, media_type: str
) -> None:
    client = client_for(EVERYTHING)
    with store.begin() as db:
        db.execute(text("ALTER TABLE services RENAME error TO canary"))

    answer = client.get("/services/hello", headers={"Accept": accept})

    assert 500 == answer.status_code
    assert "canary" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["content-type"].startswith(media_type)
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


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1/deployments/42"])
def test_the_api_never_answers_with_a_page(client_for: ClientFor, path: str) -> None:
    answer = client_for(EVERYTHING).get(path, headers={"Accept": "text/html"})

    assert 404 == answer.status_code
    assert answer.json()["error"]


@pytest.mark.parametrize(
    "address",
    [
        "/api/v1/deployments?service=a%00b",
        "/api/v1/deployments?service=",
        "/deployments?service=a%00b",
        "/deployments?before=",
    ],
)
def test_a_query_that_nothing_fits_or_that_is_empty_is_answered(
    client_for: ClientFor, address: str
) -> None:
    assert 200 == client_for(EVERYTHING).get(address).status_code


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/login", "application/x-www-form-urlencoded"),
        ("/api/v1/deployments", "application/json"),
    ],
)
def test_a_body_has_a_limit(
    client_for: ClientFor, path: str, content_type: str
) -> None:
    answer = client_for(EVERYTHING).post(
        path,
        content=b"x" * (MAX_BODY + 1),
        headers={"Content-Type": content_type},
    )

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
        ("", b"name=a", 415),
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


@pytest.fixture
def unreachable(settings: Settings) -> TestClient:
    """A client of a web process whose database is away."""
    url = SecretStr(f"postgresql://u:{CANARY}@127.0.0.1:1/nothing")
    app = make_web(settings.model_copy(update={"database_url": url}))
    return TestClient(app, follow_redirects=False, cookies={"fastdeploy": "x"})


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
@pytest.mark.parametrize("path", ["/", "/api/v1/services", "/readyz", "/deployments/1"])
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
