"""The idempotency key of a request: in a header of the API, in a field of a form."""

import json

from starlette.datastructures import FormData
from starlette.requests import Request

from app.errors import Invalid
from app.usecases import idempotency
from app.usecases.idempotency import RequestKey
from app.web.dependencies import actor_of, deps

_HEADER = "idempotency-key"
_FIELD = "idempotency_key"


def of_header(request: Request, content: bytes = b"") -> RequestKey | None:
    """Return the key of a request of the API; None if it has none.

    `content` is its body, as JSON. Raises Invalid if it isn't JSON.
    """
    value = request.headers.get(_HEADER)
    if value is None:
        return None
    try:
        body = json.loads(content) if content else None
    except ValueError as error:
        raise Invalid(f"the body isn't valid JSON: {error}") from error
    return RequestKey(value, request.method, request.url.path, body)


def of_form(request: Request, form: FormData) -> RequestKey | None:
    """Return the key of a submitted form; None if it has none."""
    value = str(form.get(_FIELD, ""))
    if not value:
        return None
    # The session may be another one: somebody logged in again and sends the form again.
    left_out = {_FIELD, "csrf_token"}
    fields = [[n, str(v)] for n, v in form.multi_items() if n not in left_out]
    return RequestKey(value, request.method, request.url.path, fields)


def find_earlier(request: Request, key: RequestKey | None) -> int | None:
    """Return the deployment that this request has launched before, if any.

    Raises Invalid, and KeyReused if the key belongs to another request.
    """
    return idempotency.find_repeated(
        deps(request).store, deps(request).secret_box, actor_of(request), key
    )
