"""The limits of requests, which processes share."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.bootstrap.web import make_web
from app.domain.access import Permission
from app.domain.rate_limit import network_of
from app.errors import TooManyRequests
from app.settings import Settings
from app.store import rate_limits as stored
from app.store.store import Store
from app.usecases import rate_limits, tokens
from testing.factories import ROOT

ClientWith = Callable[..., TestClient]


@pytest.fixture
def client_with(settings: Settings) -> Iterator[ClientWith]:
    """Return a client of a new web application with other limits."""
    opened: list[Starlette] = []

    def make(authorization: str = "", **limits: int) -> TestClient:
        web = make_web(settings.model_copy(update=limits))
        opened.append(web)
        headers = {"Authorization": authorization} if authorization else {}
        return TestClient(web, headers=headers)

    yield make
    for web in opened:
        web.state.deps.store.close()


def test_processes_count_the_requests_of_a_token_together(
    store: Store, client_with: ClientWith
) -> None:
    names = ("ci", "other")
    secrets = [tokens.create_token(store, ROOT, n, [Permission.VIEW]) for n in names]
    first, second, other = (
        client_with(f"Bearer {secret}", api_requests_per_minute=2)
        for secret in (secrets[0], *secrets)
    )

    answers = [client.get("/api/v1/account") for client in (first, second, first)]
    page = first.get("/deployments")

    assert [200, 200, 429] == [answer.status_code for answer in answers]
    assert [1, 0, 0] == [
        int(answer.headers["ratelimit"].partition(";r=")[2].partition(";")[0])
        for answer in answers
    ]
    assert '"minute";q=2;w=60' == answers[0].headers["ratelimit-policy"]
    assert "30" == answers[2].headers["retry-after"]
    assert "application/problem+json" == answers[2].headers["content-type"]
    assert "2 per minute" in answers[2].json()["detail"]
    assert 200 == page.status_code
    assert 200 == other.get("/api/v1/account").status_code


def test_invalid_tokens_are_limited_and_valid_ones_from_the_same_address_are_not(
    store: Store, client_with: ClientWith
) -> None:
    secret = tokens.create_token(store, ROOT, "ci", [Permission.VIEW])
    limit = {"invalid_tokens_per_minute": 2}
    guessing = client_with("Bearer fd_guess", **limit)

    statuses = [guessing.get("/api/v1/account").status_code for _ in range(4)]
    valid = client_with(f"Bearer {secret}", **limit).get("/api/v1/account")

    assert [401, 401, 429, 429] == statuses
    assert 200 == valid.status_code


def test_deliveries_of_webhooks_are_limited_before_their_signature_is_checked(
    client_with: ClientWith,
) -> None:
    client = client_with(webhooks_per_minute=1)

    answers = [client.post("/hooks/nothing", content=b"{}") for _ in range(2)]

    assert answers[0].status_code != 429
    assert 429 == answers[1].status_code
    assert "60" == answers[1].headers["retry-after"]


def test_a_limit_of_0_counts_nothing(store: Store, client_with: ClientWith) -> None:
    secret = tokens.create_token(store, ROOT, "ci", [Permission.VIEW])
    client = client_with(f"Bearer {secret}", api_requests_per_minute=0)

    answer = client.get("/api/v1/account")

    assert "ratelimit" not in answer.headers
    with store.begin() as db:
        assert 0 == db.scalar(text("SELECT count(*) FROM rate_limits"))


def test_concurrent_requests_get_no_more_than_the_limit(store: Store) -> None:
    def take(_: int) -> bool:
        try:
            rate_limits.take(store, "api token:1", 10)
        except TooManyRequests:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        taken = sum(pool.map(take, range(40)))

    assert 10 == taken


def test_a_request_is_allowed_again_when_its_part_of_the_window_has_passed(
    store: Store,
) -> None:
    window, one = timedelta(seconds=60), timedelta(seconds=60)
    with store.begin() as db:
        first = stored.take(db, "ada", one, window)
        second = stored.take(db, "ada", one, window)
        db.execute(text("UPDATE rate_limits SET used_until = now() - interval '1 s'"))
        third = stored.take(db, "ada", one, window)

    assert second is None
    assert first is not None
    assert third is not None


def test_what_is_used_up_no_more_is_deleted(store: Store) -> None:
    rate_limits.take(store, "gone", 60)
    rate_limits.take(store, "kept", 60)
    with store.begin() as db:
        db.execute(
            text("UPDATE rate_limits SET used_until = now() WHERE subject = 'gone'")
        )

    rate_limits.prune(store)

    with store.begin() as db:
        assert ["kept"] == list(db.scalars(text("SELECT subject FROM rate_limits")))
        logged = "SELECT relpersistence FROM pg_class WHERE relname = 'rate_limits'"
        assert "u" == db.scalar(text(logged))


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "testclient"),
    ],
)
def test_an_ipv6_client_is_its_network(address: str, network: str) -> None:
    assert network == network_of(address)
