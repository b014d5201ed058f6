"""Logging in, sessions and tokens: what ends them, and what keeps guessing slow."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from app import bootstrap
from app.domain.access import (
    PERMISSIONS,
    Actor,
    Permission,
    Role,
)
from app.errors import (
    Conflict,
    Invalid,
    NotAllowed,
    NotFound,
    NotLoggedIn,
    TooManyAttempts,
)
from app.settings import Settings
from app.store.store import Store
from app.usecases import auth, passwords, tokens, users
from app.usecases.auth import MAX_FAILURES
from testing.factories import PASSWORD, ROOT, make_user
from testing.fast_web import HASHER

HOURS = timedelta(hours=1)
HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"


def log_in(store: Store, password: str = PASSWORD, address: str = HERE) -> str:
    return auth.log_in(store, "ada", password, address, HOURS)


def fail_to_log_in(store: Store, times: int, name: str = "ada") -> None:
    for _ in range(times):
        with pytest.raises(NotLoggedIn):
            auth.log_in(store, name, "wrong", HERE, HOURS)


def execute(store: Store, statement: str) -> None:
    with store.begin() as db:
        db.execute(text(statement))


def test_a_session_is_its_users(store: Store) -> None:
    make_user(store, role=Role.DEPLOYER)

    actor = auth.by_session(store, log_in(store))

    assert actor is not None
    assert ("ada", PERMISSIONS[Role.DEPLOYER]) == (
        actor.name,
        actor.permissions,
    )
    assert len(actor.csrf_token) >= 32


def test_a_password_is_kept_as_an_argon2_hash_and_a_session_as_a_digest(
    store: Store,
) -> None:
    users.create_user(store, ROOT, "ada", PASSWORD, Role.ADMIN)
    secret = log_in(store)

    with store.begin() as db:
        hashed = db.scalar(text("SELECT password_hash FROM users"))
        digest = db.scalar(text("SELECT digest FROM sessions"))

    assert hashed.startswith("$argon2id$")
    assert secret.encode() not in digest


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(
            "$argon2id$v=19$m=65536,t=3,p=4$BVfCIanaJDdaJOKp96pdsg"
            "$DFFDiWan5MjzYLsjltMhUGw/6/c2qsrUar5BPiy1Uro",
            id="more-memory",
        ),
        pytest.param(
            "$argon2id$v=19$m=8,t=1,p=1$busRmGkgk4zusCKABVPWaA"
            "$T2GsuMh1FsZkM7CY3Acd3fXcYF1626imnyzCvnWzTz8",
            id="less-memory",
        ),
    ],
)
def test_a_hash_with_other_parameters_fits_and_is_replaced(
    store: Store, stored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "HASHER", HASHER)
    make_user(store)
    with store.begin() as db:
        db.execute(text("UPDATE users SET password_hash = :hash"), {"hash": stored})
    fail_to_log_in(store, 1)

    log_in(store)

    with store.begin() as db:
        now = db.scalar(text("SELECT password_hash FROM users"))
    assert now.startswith("$argon2id$v=19$m=12288,t=6,p=1$")
    assert log_in(store)


@pytest.mark.parametrize("name", ["ada", "bob", "", "a\0b", "ada ", "x" * 5000])
def test_a_wrong_login_never_says_what_was_wrong(store: Store, name: str) -> None:
    make_user(store)

    with pytest.raises(NotLoggedIn, match=r"^name and password don't fit together$"):
        auth.log_in(store, name, "wrong", HERE, HOURS)


def test_a_disabled_user_can_neither_log_in_nor_go_on(store: Store) -> None:
    make_user(store)
    secret = log_in(store)
    execute(store, "UPDATE users SET disabled_at = now()")

    with pytest.raises(NotLoggedIn):
        log_in(store)
    assert auth.by_session(store, secret) is None


def test_after_several_failures_the_right_password_does_not_help(store: Store) -> None:
    make_user(store)
    fail_to_log_in(store, MAX_FAILURES)

    with pytest.raises(TooManyAttempts) as caught:
        log_in(store)

    assert caught.value.retry_after > 0
    assert log_in(store, address=ELSEWHERE)


def test_one_failure_fewer_still_lets_in_and_is_then_forgotten(store: Store) -> None:
    make_user(store)

    for _ in range(2):
        fail_to_log_in(store, MAX_FAILURES - 1)
        assert log_in(store)


def test_failures_are_forgotten_in_time(store: Store) -> None:
    make_user(store)
    fail_to_log_in(store, MAX_FAILURES)
    execute(store, "UPDATE login_failures SET at = at - interval '16 minutes'")

    assert log_in(store)


def test_an_address_that_tries_many_names_is_stopped(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "MAX_FAILURES_OF_ADDRESS", 3)
    make_user(store)
    for name in ("eve", "bob", "tom"):
        fail_to_log_in(store, 1, name)

    with pytest.raises(TooManyAttempts):
        log_in(store)


def test_logging_out_ends_the_session_on_the_server(store: Store) -> None:
    make_user(store)
    here, there = log_in(store), log_in(store)

    auth.log_out(store, here, "192.0.2.1")

    assert auth.by_session(store, here) is None
    assert auth.by_session(store, there) is not None


def test_a_session_ends_in_time(store: Store) -> None:
    make_user(store)
    secret = log_in(store)
    execute(store, "UPDATE sessions SET expires_at = now()")

    assert auth.by_session(store, secret) is None


def test_a_new_password_ends_every_session(store: Store) -> None:
    make_user(store)
    secret = log_in(store)

    users.set_password(store, ROOT, "ada", "another password")

    assert auth.by_session(store, secret) is None
    assert log_in(store, "another password")
    with pytest.raises(NotLoggedIn):
        log_in(store)


def test_sessions_of_one_user_can_be_ended_by_an_admin(store: Store) -> None:
    make_user(store)
    make_user(store, "bob")
    secrets = [log_in(store), log_in(store)]
    other = auth.log_in(store, "bob", PASSWORD, HERE, HOURS)

    assert 2 == users.end_sessions(store, ROOT, "ada")

    assert [None, None] == [auth.by_session(store, secret) for secret in secrets]
    assert auth.by_session(store, other) is not None


@pytest.mark.parametrize(
    "secret", ["", "x", "\udcff".encode("utf-8", "replace").decode()]
)
def test_a_secret_that_was_never_given_out_is_nobody(store: Store, secret: str) -> None:
    assert auth.by_session(store, secret) is None
    with pytest.raises(NotLoggedIn):
        auth.by_token(store, secret)


@pytest.mark.parametrize(
    ("name", "password"),
    [("", PASSWORD), ("a b", PASSWORD), ("x" * 65, PASSWORD), ("a\0", PASSWORD),
     ("ada", "too short"), ("ada", "x" * 1025)],
)  # fmt: skip
def test_a_user_needs_a_name_and_a_good_password(
    store: Store, name: str, password: str
) -> None:
    with pytest.raises(Invalid):
        users.create_user(store, ROOT, name, password, Role.ADMIN)


def test_a_name_is_given_once(store: Store) -> None:
    make_user(store)

    with pytest.raises(Conflict, match="there is a user ada"):
        users.create_user(store, ROOT, "ada", PASSWORD, Role.ADMIN)


def test_the_first_admin_is_made_once(store: Store) -> None:
    created = users.create_first_admin(store)

    assert created is not None
    assert auth.log_in(store, *created, HERE, HOURS)
    assert users.create_first_admin(store) is None


def test_sessions_of_an_unknown_user_are_not_ended(store: Store) -> None:
    with pytest.raises(NotFound, match="there is no user 'nobody'"):
        users.end_sessions(store, ROOT, "nobody")


def test_users_and_tokens_are_for_admins(store: Store) -> None:
    deployer = Actor("ada", frozenset({Permission.VIEW, Permission.DEPLOY}))

    for forbidden in (
        lambda: users.create_user(store, deployer, "x", PASSWORD, Role.ADMIN),
        lambda: users.set_password(store, deployer, "x", PASSWORD),
        lambda: users.end_sessions(store, deployer, "x"),
        lambda: tokens.create_token(store, deployer, "x", [Permission.ADMIN]),
        lambda: tokens.list_tokens(store, deployer),
        lambda: tokens.revoke_token(store, deployer, "x"),
    ):
        with pytest.raises(NotAllowed):
            forbidden()


def test_logins_at_once_check_no_more_passwords_than_one_after_the_other(
    settings: Settings,
) -> None:
    store = bootstrap.make_store(settings, connections=20)
    make_user(store)
    outcomes = Counter[type[Exception]]()

    def attempt(_: int) -> None:
        try:
            log_in(store, password="wrong")
        except (NotLoggedIn, TooManyAttempts) as error:
            outcomes[type(error)] += 1

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(attempt, range(20)))
    store.close()

    assert {NotLoggedIn: MAX_FAILURES, TooManyAttempts: 20 - MAX_FAILURES} == outcomes


def test_a_new_login_ends_the_former_session_of_the_browser(store: Store) -> None:
    make_user(store)
    former = log_in(store)

    secret = auth.log_in(store, "ada", PASSWORD, HERE, HOURS, former=former)

    assert auth.by_session(store, former) is None
    assert auth.by_session(store, secret) is not None
