"""Require that the body of an API request is JSON, and is declared as such."""

from email.message import Message

from starlette.exceptions import HTTPException
from starlette.requests import Request

from app.domain.json_keys import repeated_key
from app.errors import Invalid

#: Characters of a key that an error shows.
_SHOWN = 100
JSON = "application/json"
_UTF_8 = frozenset({"utf-8", "utf8"})


def require_json(request: Request) -> None:
    """Raise HTTPException (415) if a request has a body of another type than JSON.

    The same for a body that is compressed.

    A page of another site can't send this type without asking FastDeploy first, which
    it refuses.
    """
    if not _has_body(request):
        return
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(
            415,
            "send the body without compression, and no header Content-Encoding",
            {"Accept-Encoding": "identity"},
        )
    header = Message()
    header["content-type"] = request.headers.get("content-type", "")
    charset = str(header.get_param("charset", "utf-8")).lower()
    if header.get_content_type() != JSON or charset not in _UTF_8:
        raise HTTPException(
            415,
            f"send the body as JSON in UTF-8, with the header Content-Type: {JSON}",
            {"Accept": JSON},
        )


def require_unique_keys(body: bytes) -> None:
    """Raise Invalid if an object in a body has a key twice.

    The last one would win, and a proxy or a log may show the first one.
    """
    key = repeated_key(body)
    if key is not None:
        shown = key if len(key) <= _SHOWN else f"{key[:_SHOWN]}…"
        raise Invalid(
            f"the body has the key {shown!r} twice in an object; send it once"
        )


def _has_body(request: Request) -> bool:
    length = request.headers.get("content-length", "0")
    return length != "0" or "transfer-encoding" in request.headers
