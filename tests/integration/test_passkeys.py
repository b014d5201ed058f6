"""Passkeys: how they are added, used, refused and removed."""

import html
import re
from datetime import timedelta

import pytest

from app import bootstrap
from app.domain.access import Actor, Role
from app.domain.passkeys import Passkey, PasskeySite
from app.domain.totp import RECOVERY_CODES
from app.encryption import SecretBox
from app.errors import (
    Conflict,
    InvalidFields,
    NotFound,
    NotLoggedIn,
    SecondFactorNeeded,
)
from app.settings import Settings
from app.store.sessions import Origin
from app.store.store import Store
from app.usecases import audit, auth, passkeys, second_factor, second_step
from testing.authenticator import Authenticator
from testing.factories import PASSWORD, ROOT, make_user
from testing.web_client import csrf_of, make_client, started_web

HOURS = timedelta(hours=1)
HERE = Origin("192.0.2.1")
URL = "https://deploy.example.org"
SITE = PasskeySite("deploy.example.org", URL)


@pytest.fixture
def box(settings: Settings) -> SecretBox:
    return bootstrap.make_secret_box(settings)


@pytest.fixture
def key() -> Authenticator:
    return Authenticator(URL)


def log_in(store: Store, name: str = "ada") -> tuple[Actor, str]:
    make_user(store, name, role=Role.DEPLOYER)
    session = auth.log_in(store, name, PASSWORD, HERE.address, HOURS)
    actor = auth.by_session(store, session)
    assert actor is not None
    return actor, session


def add(
    store: Store, who: tuple[Actor, str], key: Authenticator, name: str = "laptop"
) -> list[str]:
    options = passkeys.start(store, SITE, who[0], PASSWORD, who[1])
    return passkeys.add(store, SITE, who[0], name, key.create(options), who[1])


def first_step(store: Store, name: str = "ada") -> str:
    with pytest.raises(SecondFactorNeeded) as needed:
        auth.log_in(store, name, PASSWORD, HERE.address, HOURS)
    return needed.value.secret


def asked(store: Store, step: str) -> str:
    awaited = second_step.find(store, SITE, step)
    assert awaited is not None
    return awaited.passkey


def finish(store: Store, step: str, response: str) -> str:
    return second_step.finish_with_passkey(store, SITE, step, response, HERE, HOURS)


def audited(store: Store) -> list[tuple[str, str]]:
    return [(e.action.value, e.subject) for e in audit.latest(store, ROOT)]


def test_a_login_continues_with_a_passkey_or_a_recovery_code(
    store: Store, box: SecretBox, key: Authenticator
) -> None:
    who = log_in(store)
    other = auth.log_in(store, "ada", PASSWORD, HERE.address, HOURS)

    codes = add(store, who, key)

    assert RECOVERY_CODES == len(codes)
    assert auth.by_session(store, other) is None
    step = first_step(store)
    assert auth.by_session(store, finish(store, step, key.sign(asked(store, step))))
    step = first_step(store)
    assert second_step.finish(store, box, step, codes[0], HERE, HOURS, 0)
    assert [] == add(store, who, Authenticator(URL), "key")
    actions = audited(store)
    assert ("add passkey", "laptop") in actions
    assert ("log in", "passkey") in actions
    used = {each.name for each in listed(store, who[0]) if each.last_used_at}
    assert {"laptop"} == used


def listed(store: Store, actor: Actor) -> list[Passkey]:
    return list(second_factor.find(store, actor).passkeys)


def test_a_challenge_is_of_one_login_and_works_once(
    store: Store, key: Authenticator
) -> None:
    add(store, log_in(store), key)
    first, second = first_step(store), first_step(store)
    response = key.sign(asked(store, first))

    with pytest.raises(InvalidFields):
        finish(store, second, response)
    assert finish(store, first, response)
    with pytest.raises(NotLoggedIn):
        finish(store, first, response)
    # A response that isn't valid uses the challenge up too.
    step = first_step(store)
    response = key.sign(asked(store, step))
    with pytest.raises(InvalidFields):
        finish(store, step, Authenticator(URL).sign(asked(store, step)))
    with pytest.raises(InvalidFields):
        finish(store, step, response)
    assert ("fail second factor", "passkey") in audited(store)


def test_a_challenge_of_a_new_passkey_is_of_one_session_and_works_once(
    store: Store, key: Authenticator
) -> None:
    actor, session = log_in(store)
    other = auth.log_in(store, "ada", PASSWORD, HERE.address, HOURS)
    made = key.create(passkeys.start(store, SITE, actor, PASSWORD, session))

    with pytest.raises(NotFound):
        passkeys.add(store, SITE, actor, "laptop", made, other)
    with pytest.raises(InvalidFields):
        passkeys.add(store, SITE, actor, "laptop", "{}", session)
    with pytest.raises(NotFound):
        passkeys.add(store, SITE, actor, "laptop", made, session)
    assert [] == listed(store, actor)


@pytest.mark.parametrize("wrong", ["http://deploy.example.org", "https://evil.example"])
def test_a_passkey_of_another_origin_is_refused(
    store: Store, key: Authenticator, wrong: str
) -> None:
    who = log_in(store)
    add(store, who, key)
    step = first_step(store)
    key.origin = wrong

    with pytest.raises(InvalidFields, match="passkeys work at https"):
        finish(store, step, key.sign(asked(store, step)))
    with pytest.raises(InvalidFields):
        add(store, who, Authenticator(wrong), "other")


def test_a_counter_that_goes_back_is_refused(store: Store, key: Authenticator) -> None:
    add(store, log_in(store), key)
    for _ in range(2):
        step = first_step(store)
        finish(store, step, key.sign(asked(store, step)))
    key.counter -= 1
    step = first_step(store)

    with pytest.raises(InvalidFields, match="has gone back"):
        finish(store, step, key.sign(asked(store, step)))


def test_only_a_passkey_of_the_user_with_its_own_key_is_accepted(
    store: Store, key: Authenticator
) -> None:
    add(store, log_in(store), key)
    of_eve = Authenticator(URL)
    add(store, log_in(store, "eve"), of_eve)
    forged = Authenticator(URL, credential_id=key.credential_id, counter=9)

    for wrong in (of_eve, forged):
        step = first_step(store)
        with pytest.raises(InvalidFields):
            finish(store, step, wrong.sign(asked(store, step)))


def test_a_removed_passkey_is_refused_and_the_last_one_needs_a_code(
    store: Store, box: SecretBox, key: Authenticator
) -> None:
    actor, session = log_in(store)
    codes = add(store, (actor, session), key)
    other = Authenticator(URL)
    add(store, (actor, session), other, "key")
    ids = {each.name: each.id for each in listed(store, actor)}
    step = first_step(store)
    response = key.sign(asked(store, step))

    with pytest.raises(InvalidFields, match="present password"):
        passkeys.remove(store, box, actor, ids["laptop"], "no", "", session, 0)
    passkeys.remove(store, box, actor, ids["laptop"], PASSWORD, "", session, 0)

    with pytest.raises(NotLoggedIn):
        finish(store, step, response)
    step = first_step(store)
    with pytest.raises(InvalidFields, match="one of your account"):
        finish(store, step, key.sign(asked(store, step)))
    last = (store, box, actor, ids["key"], PASSWORD)
    with pytest.raises(InvalidFields, match="recovery code"):
        passkeys.remove(*last, "", session, 0)
    passkeys.remove(*last, codes[0], session, 0)
    assert auth.log_in(store, "ada", PASSWORD, HERE.address, HOURS)
    assert 0 == second_factor.find(store, actor).recovery_codes
    assert ("remove passkey", "laptop") in audited(store)


def test_a_reset_removes_passkeys_too(store: Store, key: Authenticator) -> None:
    add(store, log_in(store), key)

    second_factor.reset(store, ROOT, "ada")

    assert auth.log_in(store, "ada", PASSWORD, HERE.address, HOURS)


@pytest.mark.parametrize("key_type", ["", "null", "[]", '{"id": 5}', '{"a":' * 5000])
def test_what_is_not_a_passkey_is_refused(store: Store, key_type: str) -> None:
    who = log_in(store)
    key = Authenticator(URL)
    add(store, who, key)
    step = first_step(store)

    with pytest.raises(InvalidFields):
        finish(store, step, key_type)
    passkeys.start(store, SITE, who[0], PASSWORD, who[1])
    with pytest.raises(InvalidFields):
        passkeys.add(store, SITE, who[0], "x", key_type, who[1])


def test_without_such_an_address_the_page_says_what_to_set(
    settings: Settings, store: Store
) -> None:
    actor, session = log_in(store, "eve")
    with pytest.raises(Conflict, match="FASTDEPLOY_URL"):
        passkeys.start(store, None, actor, PASSWORD, session)

    with started_web(settings) as web:
        client = make_client(web, store, Role.VIEWER)
        assert "FASTDEPLOY_URL" in client.get("/account/second-factor").text


def test_the_pages_add_use_and_remove_a_passkey(
    settings: Settings, store: Store, key: Authenticator
) -> None:
    """The browser's part is the authenticator."""
    path = "/account/second-factor/passkeys"
    with started_web(settings.model_copy(update={"url": URL})) as web:
        client = make_client(web, store, Role.DEPLOYER)
        client.headers["X-CSRF-Token"] = csrf_of(client, store)
        assert 422 == client.post(path, data={"current": "wrong"}).status_code
        page = client.post(path, data={"current": PASSWORD})
        made = key.create(options_on(page.text))
        shown = client.post(f"{path}/add", data={"name": "phone", "passkey": made})
        assert 201 == shown.status_code
        code = re.search(r"\b(?:[a-z2-7]{4}-){3}[a-z2-7]{4}\b", shown.text)
        assert code
        assert 404 == client.post(f"{path}/add", data={"passkey": made}).status_code

        other = make_client(web, store, None)
        form = {"name": "deployer", "password": PASSWORD, "next": "/nodes"}
        other.post("/login", data=form)
        asked = options_on(other.get("/login/code").text)
        refused = other.post("/login/passkey", data={"passkey": "{}"})
        assert 401 == refused.status_code
        assert asked != options_on(refused.text)
        signed = {"passkey": key.sign(options_on(refused.text)), "next": "/nodes"}
        answer = other.post("/login/passkey", data=signed)
        assert (303, "/nodes") == (answer.status_code, answer.headers["location"])
        assert 200 == other.get("/nodes").status_code
        again = other.post("/login/passkey", data=signed)
        assert again.headers["location"].startswith("/login?")

        actor = auth.by_session(store, other.cookies["fastdeploy"])
        assert actor is not None
        other.headers["X-CSRF-Token"] = actor.csrf_token
        removal = {"current": PASSWORD, "passkey": str(listed(store, actor)[0].id)}
        assert 422 == other.post(f"{path}/remove", data=removal).status_code
        done = other.post(f"{path}/remove", data=removal | {"code": code[0]})
        assert 303 == done.status_code
        assert [] == listed(store, actor)


def options_on(page: str) -> str:
    found = re.search(r'options="([^"]+)"', page)
    assert found
    return html.unescape(found[1])
