"""Idempotency keys: a request that is repeated leads to the deployment it launched.

A key belongs to the actor who sent it, and to one request: with any other request it
is refused.
"""

import re
from typing import Any

import orjson
from sqlalchemy import Connection

from app.domain.access import Actor
from app.encryption import SecretBox
from app.errors import Invalid, KeyReused
from app.store import deployments
from app.store.deployments import IdempotencyKey

_KEY = re.compile(r"[ -~]{1,200}")


def make_key(
    secret_box: SecretBox, actor: Actor, value: str | None, request: dict[str, Any]
) -> IdempotencyKey | None:
    """Make the key of a request, None without a value.

    `request` is all that distinguishes it from others. It may have secrets, so its
    digest is made with a key. Raises Invalid for a malformed value, and for a request
    that JSON can't hold.
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
    """The deployment that the same request has launched before; raises KeyReused.

    Others with the same key wait until the transaction ends.
    """
    if key is None:
        return None
    deployments.lock_key(db, key)
    earlier = deployments.find_by_key(db, key)
    if earlier is None:
        return None
    number, fingerprint = earlier
    # Without one, an earlier release has stored it.
    if fingerprint not in (None, key.fingerprint):
        raise KeyReused(number)
    return number
