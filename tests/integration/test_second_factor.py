"""TOTP and recovery codes: how they are set up, asked for, limited and removed."""

import re
from datetime import timedelta

import pyotp
import pytest
from httpx import Response
from sqlalchemy import text
from starlette.testclient import TestClient

from app import bootstrap
from app.domain.access import Actor, Permission, Role
from app.domain.totp import RECOVERY_CODES
from app.encryption import SecretBox
from app.errors import (
    InvalidFields,
    NotAllowed,
    NotLoggedIn,
    SecondFactorNeeded,
    TooManyAttempts,
)
from app.settings import Settings
from app.store.sessions import Origin
from app.store.store import Store
from app.usecases import auth, second_factor, second_step, tokens, users
from app.usecases.auth import MAX_FAILURES
from app.usecases.secret_rotation import rotate
from testing.factories import PASSWORD, ROOT, make_user
from testing.web_client import ClientFor, csrf_of

HOURS = timedelta(hours=1)
HERE = Origin("192.0.2.1")
#: The moment of the tests that choose their own; a code of it begins here.
NOW = 1_800_000_000.0


@pytest.fixture
def box(settings: Settings) -> SecretBox:
    return bootstrap.make_secret_box(settings)


def set_up(store: Store, box: SecretBox) -> tuple[Actor, str, list[str]]:
    """Set up the second factor of ada; return her, the secret and recovery codes."""
    make_user(store, role=Role.DEPLOYER)
    session = auth.log_in(store, "ada", PASSWORD, HERE.address, HOURS)
    actor = auth.by_session(store, session)
    assert actor is not None
    secret = second_factor.start(store, box, actor, PASSWORD)
    first = code_at(secret, -10)
    codes = second_factor.confirm(store, box, actor, first, session, NOW - 300)
    return actor, secret, codes


def code_at(secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(int(NOW) + 30 * steps)


def first_step(store: Store) -> str:
    with pytest.raises(SecondFactorNeeded) as needed:
        auth.log_in(store, "ada", PASSWORD, HERE.address, HOURS)
    return needed.value.secret


def give(store: Store, box: SecretBox, step: str, code: str) -> str:
    return second_step.finish(store, box, step, code, HERE, HOURS, NOW)


def audited(store: Store) -> list[str]:
    with store.begin() as db:
        rows = db.execute(text("SELECT action, subject FROM audit ORDER BY id"))
        return [f"{row.action}: {row.subject}" for row in rows]


def test_a_code_is_accepted_once_and_one_step_early_or_late(
    store: Store, box: SecretBox
) -> None:
    _, secret, _ = set_up(store, box)

    for steps in (-2, 2):
        with pytest.raises(InvalidFields):
            give(store, box, first_step(store), code_at(secret, steps))
    assert give(store, box, first_step(store), code_at(secret, -1))
    assert give(store, box, first_step(store), code_at(secret, 1))
    # The present step is before the last accepted one.
    for steps in (-1, 0, 1):
        with pytest.raises(InvalidFields):
            give(store, box, first_step(store), code_at(secret, steps))


def test_a_recovery_code_works_once(store: Store, box: SecretBox) -> None:
    actor, _, codes = set_up(store, box)

    assert RECOVERY_CODES == len(set(codes))
    assert give(store, box, first_step(store), codes[3].upper().replace("-", " "))

    with pytest.raises(InvalidFields):
        give(store, box, first_step(store), codes[3])
    assert RECOVERY_CODES - 1 == second_factor.find(store, actor).recovery_codes
    assert "log in: recovery code" in audited(store)


def test_guessing_codes_is_paused_and_audited(store: Store, box: SecretBox) -> None:
    """From any address, and with the right password each time."""
    _, secret, _ = set_up(store, box)
    wrong = "no code at all"
    for number in range(MAX_FAILURES):
        with pytest.raises(SecondFactorNeeded) as needed:
            auth.log_in(store, "ada", PASSWORD, f"192.0.2.{number}", HOURS)
        step = needed.value.secret
        with pytest.raises(InvalidFields):
            give(store, box, step, wrong)

    with pytest.raises(TooManyAttempts):
        give(store, box, step, code_at(secret))
    assert MAX_FAILURES == audited(store).count("fail second factor: ")


def test_another_password_or_a_reset_ends_a_login_that_has_started(
    store: Store, box: SecretBox
) -> None:
    _, secret, codes = set_up(store, box)
    step = first_step(store)
    assert second_step.find(store, None, step)
    users.set_password(store, ROOT, "ada", PASSWORD)

    with pytest.raises(NotLoggedIn):
        give(store, box, step, code_at(secret))

    step = first_step(store)
    session = give(store, box, first_step(store), codes[0])
    second_factor.reset(store, ROOT, "ada")
    assert second_step.find(store, None, step) is None
    assert auth.by_session(store, session) is None
    assert auth.log_in(store, "ada", PASSWORD, HERE.address, HOURS)
    assert "reset second factor: ada" in audited(store)
    with pytest.raises(NotAllowed):
        second_factor.reset(store, Actor("eve", frozenset()), "ada")


def test_the_database_has_neither_secret_nor_codes_and_a_rotation_keeps_them(
    store: Store, settings: Settings
) -> None:
    settings = settings.model_copy(update={"secret_key": type(settings.secret_key)("")})
    box = bootstrap.make_secret_box(settings)
    _, secret, codes = set_up(store, box)

    done = rotate(store, settings, box, ROOT)

    assert 1 == done.second_factors
    with store.begin() as db:
        rows = str(
            db.execute(text("SELECT totp_secrets::text FROM totp_secrets")).all()
        )
        rows += str(db.execute(text("SELECT digest::text FROM recovery_codes")).all())
    for hidden in (secret, secret.encode().hex(), codes[0].encode().hex()):
        assert hidden not in rows
    assert give(store, box, first_step(store), code_at(secret))


def test_the_first_step_grants_nothing_and_the_second_starts_a_new_session(
    client_for: ClientFor, store: Store
) -> None:
    """On the pages, from the set-up to the removal."""
    client = client_for(Role.DEPLOYER)
    client.headers["X-CSRF-Token"] = csrf_of(client, store)
    personal = tokens.create_own_token(
        store, _actor(client, store), "laptop", [Permission.VIEW], 7
    )
    path = "/account/second-factor"
    assert 422 == client.post(path, data={"current": "wrong"}).status_code
    page = client.post(path, data={"current": PASSWORD}).text
    secret = re.search(r'value="([A-Z2-7]{32})"', page)
    assert secret
    assert "<svg" in page
    totp = pyotp.TOTP(secret[1])
    assert 422 == _send(client, f"{path}/confirm", code="12").status_code
    used = totp.now()
    shown = _send(client, f"{path}/confirm", code=used)
    codes = re.findall(r"\b(?:[a-z2-7]{4}-){3}[a-z2-7]{4}\b", shown.text)
    assert RECOVERY_CODES == len(codes)
    assert secret[1] not in client.get(path).text

    other = client_for(None)
    form = {"name": "deployer", "password": PASSWORD, "next": "/nodes"}
    answer = other.post("/login", data=form)

    assert "/login/code?next=/nodes" == answer.headers["location"]
    assert ["fastdeploy-login"] == list(other.cookies)
    first = other.cookies["fastdeploy-login"]
    for name in ("fastdeploy", "fastdeploy-login"):
        thief = client_for(None)
        thief.cookies[name] = first
        assert 401 == thief.get("/nodes", headers={"Accept": "*/*"}).status_code
    assert 401 == _send(other, "/login/code", code=used).status_code
    answer = _send(other, "/login/code", code=codes[0], next="/nodes")
    assert "/nodes" == answer.headers["location"]
    assert first != other.cookies["fastdeploy"]
    assert 200 == other.get("/nodes").status_code
    again = _send(thief, "/login/code", code=codes[1])
    assert again.headers["location"].startswith("/login?")

    removal = {"current": PASSWORD, "code": "000"}
    assert 422 == client.post(f"{path}/remove", data=removal).status_code
    right = removal | {"code": codes[2]}
    assert 303 == client.post(f"{path}/remove", data=right).status_code
    assert 303 == client_for(None).post("/login", data=form).status_code
    bearer = {"Authorization": f"Bearer {personal}"}
    assert 200 == client_for(None).get("/api/v1/services", headers=bearer).status_code


def _actor(client: TestClient, store: Store) -> Actor:
    found = auth.by_session(store, client.cookies["fastdeploy"])
    assert found is not None
    return found


def _send(client: TestClient, path: str, **form: str) -> Response:
    response: Response = client.post(path, data=form)
    return response
