"""Rotation of the secret key while FastDeploy serves, killed at any point."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pydantic import SecretStr
from sqlalchemy import Connection

from app import bootstrap
from app.encryption import Keys, SecretBox, key_file
from app.errors import BadSetting, Conflict
from app.settings import Settings
from app.store import credentials as stored
from app.store import deployments
from app.store.store import Store
from app.usecases import credentials
from app.usecases.credentials import Change
from app.usecases.secret_rotation import finish, rotate
from testing.factories import ROOT, make_schema, make_service, request_deployment

NAMES = [f"become:{number}" for number in range(3)]


class Killed(BaseException):
    """The process was killed."""


class MortalStore(Store):
    """A store whose process is killed before a transaction, or before its commit."""

    def __init__(self, store: Store, transactions: int, *, commits: bool) -> None:
        super().__init__(store.engine)
        self._left = transactions
        self._commits = commits

    @contextmanager
    def begin(self, statement_seconds: float | None = None) -> Iterator[Connection]:
        self._left -= 1
        if self._left < 0 and self._commits:
            raise Killed
        with super().begin(statement_seconds) as db:
            yield db
            if self._left < 0:
                raise Killed


@pytest.fixture
def pending(store: Store, settings: Settings) -> int:
    """A queued deployment with a secret variable, beside three credentials."""
    secret_box = bootstrap.make_secret_box(settings)
    for name in NAMES:
        change = Change(values={"password": f"secret of {name}"})
        credentials.put(store, secret_box, ROOT, name, change, replace=False)
    service = make_service(variables=make_schema("token"))
    return request_deployment(store, settings, service, given={"token": "hunter2"})


def opened(store: Store, secret_box: SecretBox, pending: int) -> list[object]:
    """Decrypt everything."""
    with store.begin() as db:
        found = stored.find_some(db, NAMES)
        locked = deployments.lock(db, pending)
    assert locked is not None
    return [
        *(secret_box.open(found[name].sealed)["password"] for name in NAMES),
        secret_box.open(locked.secrets)["token"],
    ]


SECRETS = [*(f"secret of {name}" for name in NAMES), "hunter2"]


def test_a_rotation_encrypts_everything_again_while_others_serve(
    store: Store, settings: Settings, pending: int
) -> None:
    serving = bootstrap.make_secret_box(settings)
    path = key_file(settings.var)
    (earlier,) = path.read_text().split()
    fingerprint = serving.fingerprint(b"a request")

    done = rotate(store, settings, bootstrap.make_secret_box(settings), ROOT)

    assert (True, 3, 1, 1) == (
        done.new_key, done.credentials, done.deployments, done.older_keys
    )  # fmt: skip
    assert SECRETS == opened(store, serving, pending)
    # What a process encrypts that has served all along needs the new key, too.
    with pytest.raises(BadSetting):
        SecretBox(earlier).open(serving.seal({"a": 1}))
    with pytest.raises(Conflict, match="finish a little later"):
        finish(store, settings, serving, ROOT)
    os.utime(path, (0, 0))
    left = finish(store, settings, bootstrap.make_secret_box(settings), ROOT)

    assert (0, 0, 0) == (left.credentials, left.deployments, left.older_keys)
    assert earlier not in path.read_text()
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    for box in (serving, bootstrap.make_secret_box(settings)):
        assert SECRETS == opened(store, box, pending)
        assert fingerprint == box.fingerprint(b"a request")
    with pytest.raises(Conflict, match="nothing is left to finish"):
        finish(store, settings, serving, ROOT)


@pytest.mark.parametrize("commits", [True, False])
@pytest.mark.parametrize("transactions", range(6))
def test_a_rotation_that_is_killed_is_continued(
    store: Store, settings: Settings, pending: int, transactions: int, *, commits: bool
) -> None:
    serving = bootstrap.make_secret_box(settings)
    mortal = MortalStore(store, transactions, commits=commits)

    with pytest.raises(Killed):
        rotate(mortal, settings, bootstrap.make_secret_box(settings), ROOT)
    keys = key_file(settings.var).read_text()

    assert SECRETS == opened(store, serving, pending)
    assert SECRETS == opened(store, bootstrap.make_secret_box(settings), pending)
    done = rotate(store, settings, bootstrap.make_secret_box(settings), ROOT)
    assert not done.new_key
    assert keys == key_file(settings.var).read_text()
    assert SECRETS == opened(store, serving, pending)
    current = Keys.parse(keys, key_file(settings.var)).secret_keys[0]
    assert SECRETS == opened(store, SecretBox(current), pending)


def test_a_key_of_the_settings_is_changed_there(
    store: Store, settings: Settings
) -> None:
    first, second = SecretStr("1" * 32), SecretStr("2" * 32)
    before = settings.model_copy(update={"secret_key": first})
    secret_box = bootstrap.make_secret_box(before)
    change = Change(values={"password": "hunter2"})
    credentials.put(store, secret_box, ROOT, NAMES[0], change, replace=False)
    fingerprint = secret_box.fingerprint(b"a request")

    with pytest.raises(Conflict, match="FASTDEPLOY_SECRET_KEY_PREVIOUS"):
        rotate(store, before, secret_box, ROOT)
    after = before.model_copy(
        update={"secret_key": second, "secret_key_previous": first}
    )
    done = rotate(store, after, bootstrap.make_secret_box(after), ROOT)

    assert (False, 1, 1) == (done.new_key, done.credentials, done.older_keys)
    assert fingerprint == bootstrap.make_secret_box(after).fingerprint(b"a request")
    with store.begin() as db:
        sealed = stored.find_some(db, NAMES[:1])[NAMES[0]].sealed
    assert {"password": "hunter2"} == SecretBox("2" * 32).open(sealed)
    with pytest.raises(Conflict, match="the keys are in the settings"):
        finish(store, after, bootstrap.make_secret_box(after), ROOT)
