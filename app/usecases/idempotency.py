"""Idempotency keys: a repeated request returns the deployment that it launched.

A key belongs to one actor and to one request; with another request it is rejected.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from app.domain.access import Actor
from app.encryption import SecretBox
from app.errors import Invalid, KeyReused
from app.store import idempotency_keys
from app.store.idempotency_keys import IdempotencyKey
from app.store.store import Store

_KEY = re.compile(r"[ -~]{1,200}")


@dataclass(frozen=True, slots=True)
class RequestKey:
    """The idempotency key that a request came with, and what the request is.

    A schedule and a webhook make keys that only one request has; they leave out what
    it is.
    """

    value: str
    method: str = ""
    path: str = ""
    #: Its body, from JSON or a form. It may contain secrets.
    body: Any = None


def make_key(
    secret_box: SecretBox, actor: Actor, key: RequestKey | None
) -> IdempotencyKey | None:
    """Return what is stored of a key; None without a key.

    The request may contain secrets, so its fingerprint is a keyed hash. It is the same
    for every order of the keys of an object. Raises Invalid for a malformed value.
    """
    if key is None:
        return None
    if not _KEY.fullmatch(key.value):
        raise Invalid("an idempotency key has 1 to 200 printable ASCII characters")
    content = json.dumps([key.method, key.path, key.body], sort_keys=True).encode()
    return IdempotencyKey(
        actor.name, actor.key_owner, key.value, secret_box.fingerprint(content)
    )


def find_repeated(
    store: Store, secret_box: SecretBox, actor: Actor, key: RequestKey | None
) -> int | None:
    """Return the deployment that a request has launched before, if any.

    What the request names may have changed since then: the service may be archived, the
    branch may be gone. Raises Invalid, and KeyReused if the key belongs to another
    request.
    """
    if key is None:
        return None
    return find_launched(store, make_key(secret_box, actor, key))


def find_launched(store: Store, key: IdempotencyKey | None) -> int | None:
    """Return the same as `find_repeated`, for a stored key.

    The key is the actor's own, so the deployment is found even if they don't see it any
    more.
    """
    if key is None:
        return None
    with store.unlimited.begin() as db:
        return find_earlier(db, key)


def find_earlier(db: Connection, key: IdempotencyKey | None) -> int | None:
    """Return the same as `find_repeated`, in the caller's transaction.

    The key stays locked until the transaction ends.
    """
    if key is None:
        return None
    idempotency_keys.lock(db, key)
    earlier = idempotency_keys.find_deployment(db, key)
    if earlier is None:
        return None
    number, fingerprint = earlier
    if fingerprint not in (None, key.fingerprint):
        raise KeyReused(number)
    return number
