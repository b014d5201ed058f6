"""Rotate the secret key: encrypt the secrets in the database with a new key.

Web and worker keep running: the file has both keys until every row is encrypted with
the new one, and processes read the file again when it was replaced. Killed at any
point, the rotation is continued by the next call.
"""

import time
from dataclasses import dataclass

from app.domain.access import Actor, Permission
from app.domain.audit import Action
from app.encryption import Keys, SecretBox, key_file, new_key, read_keys, replace_keys
from app.errors import Conflict
from app.runner import file_lock
from app.settings import Settings
from app.store import audit, sealed_columns
from app.store.sealed_columns import SealedColumn
from app.store.store import Store

#: Seconds after which nothing is still being stored that the earlier key encrypted: a
#: transaction takes less.
SETTLED = 60


_Counts = tuple[int, int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation has done: the numbers of rows that it encrypted again."""

    new_key: bool
    credentials: int
    deployments: int
    channels: int
    webhooks: int
    schedules: int
    second_factors: int
    #: The number of keys that still decrypt.
    older_keys: int


def rotate(
    store: Store, settings: Settings, secret_box: SecretBox, actor: Actor
) -> Rotation:
    """Make a new key unless a rotation is unfinished, and encrypt every row with it.

    A key of the settings is never made here: this encrypts the rows with the present
    one. Raises NotAllowed, BadSetting, and Conflict if there is no earlier key.
    """
    actor.require(Permission.ADMIN)
    settings.var.mkdir(parents=True, exist_ok=True)
    with file_lock.exclusive(settings.var / "secret-key.lock"):
        keys = _keys(settings)
        made = False
        if len(keys.secret_keys) == 1:
            if settings.secret_key.get_secret_value():
                raise Conflict(
                    "the key is in FASTDEPLOY_SECRET_KEY: set it to a new value, move "
                    "the present one to FASTDEPLOY_SECRET_KEY_PREVIOUS, restart web "
                    "and worker, and call this again"
                )
            secret_keys = (new_key(), *keys.secret_keys)
            keys = Keys(secret_keys, keys.fingerprint_key)
            replace_keys(key_file(settings.var), keys)
            made = True
        again = encrypt_again(store, secret_box)
        with store.begin() as db:
            audit.note(db, actor, Action.ROTATE_SECRETS, secret_box.key_id)
    return Rotation(made, *again, len(keys.secret_keys) - 1)


def finish(
    store: Store, settings: Settings, secret_box: SecretBox, actor: Actor
) -> Rotation:
    """Encrypt the remaining rows with the present key, and remove the earlier ones.

    Raises NotAllowed, BadSetting, and Conflict if the key is too new: a process may
    still be storing what it has encrypted with the earlier one.
    """
    actor.require(Permission.ADMIN)
    if settings.secret_key.get_secret_value():
        raise Conflict(
            "the keys are in the settings: when `fastdeploy secret rotate` finds no "
            "row of an earlier key, remove all but the last one from "
            "FASTDEPLOY_SECRET_KEY_PREVIOUS, which still recognises repeated requests"
        )
    path = key_file(settings.var)
    with file_lock.exclusive(settings.var / "secret-key.lock"):
        keys = _keys(settings)
        if len(keys.secret_keys) == 1:
            raise Conflict("there is no earlier key: nothing is left to finish")
        if abs(time.time() - path.stat().st_mtime) < SETTLED:
            raise Conflict(
                f"the new key is younger than {SETTLED} seconds: finish a little later"
            )
        again = encrypt_again(store, secret_box)
        replace_keys(path, Keys(keys.secret_keys[:1], keys.fingerprint_key))
        with store.begin() as db:
            audit.note(db, actor, Action.ROTATE_SECRETS, secret_box.key_id)
    return Rotation(False, *again, 0)


def encrypt_again(store: Store, secret_box: SecretBox) -> _Counts:
    """Encrypt each row of an earlier key with the present one, in its own transaction.

    Return the numbers of credentials, deployments, channels, webhooks, healthcheck URLs
    of schedules, and secrets of TOTP. Raises BadSetting if a row has none of the keys.
    """
    return (
        _encrypt_rows(store, secret_box, sealed_columns.CREDENTIALS),
        _encrypt_rows(store, secret_box, sealed_columns.DEPLOYMENTS),
        _encrypt_rows(store, secret_box, sealed_columns.CHANNELS),
        _encrypt_rows(store, secret_box, sealed_columns.WEBHOOKS),
        _encrypt_rows(store, secret_box, sealed_columns.SCHEDULES),
        _encrypt_rows(store, secret_box, sealed_columns.TOTP_SECRETS),
    )


def _encrypt_rows(store: Store, secret_box: SecretBox, column: SealedColumn) -> int:
    """Encrypt the values of a column that another key encrypts; return their number."""
    with store.begin() as db:
        found = column.of_other_keys(db, secret_box.key_id)
    count = 0
    for number in found:
        with store.begin() as db:
            sealed = column.lock(db, number)
            if sealed is not None and (again := secret_box.seal_again(sealed)):
                column.put(db, number, *again)
                count += 1
    return count


def _keys(settings: Settings) -> Keys:
    given = settings.secret_key.get_secret_value()
    return read_keys(given, settings.previous_secret_keys, settings.var)
