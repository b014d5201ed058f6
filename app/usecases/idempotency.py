"""Idempotency keys: a request that is repeated leads to the deployment it launched.

A key belongs to the actor who sent it, and to one request: with any other request it
is refused.
"""

import re
from typing import Any

import orjson
from sqlalchemy import Connection

from app.domain.access import Actor
from app.encryption import Sealer
from app.errors import Invalid, KeyReused
from app.store import deployments
from app.store.deployments import Key

_KEY = re.compile(r"[ -~]{1,200}")


def make_key(
    sealer: Sealer, actor: Actor, value: str | None, request: dict[str, Any]
) -> Key | None:
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
    return Key(actor.name, value, sealer.fingerprint(content))


def find_earlier(db: Connection, key: Key | None) -> int | None:
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
