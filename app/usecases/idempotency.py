"""Idempotency keys: a repeated request returns the deployment that it launched.

A key belongs to one actor and to one request; with another request it is rejected.
"""

import re
from typing import Any

import orjson
from sqlalchemy import Connection

from app.domain.access import Actor
from app.encryption import SecretBox
from app.errors import Invalid, KeyReused
from app.store import idempotency_keys
from app.store.idempotency_keys import IdempotencyKey

_KEY = re.compile(r"[ -~]{1,200}")


def make_key(
    secret_box: SecretBox, actor: Actor, value: str | None, request: dict[str, Any]
) -> IdempotencyKey | None:
    """Return the key of a request, None without a value.

    `request` contains everything that distinguishes it from other requests. It may
    contain secrets, so its fingerprint is a keyed hash. Raises Invalid for a malformed
    value, and for a request that isn't valid JSON.
    """
    if value is None:
        return None
    if not _KEY.fullmatch(value):
        raise Invalid("an idempotency key has 1 to 200 printable ASCII characters")
    try:
        content = orjson.dumps(request, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise Invalid("the request has values that JSON can't hold") from error
    return IdempotencyKey(actor.name, value, secret_box.fingerprint(content))


def find_earlier(db: Connection, key: IdempotencyKey | None) -> int | None:
    """Return the deployment that this request has launched before, if any.

    The key stays locked until the transaction ends. Raises KeyReused if it belongs to
    another request.
    """
    if key is None:
        return None
    idempotency_keys.lock(db, key)
    earlier = idempotency_keys.find_deployment(db, key)
    if earlier is None:
        return None
    number, fingerprint = earlier
    # Keys that an earlier release stored have no fingerprint.
    if fingerprint not in (None, key.fingerprint):
        raise KeyReused(number)
    return number
