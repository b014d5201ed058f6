"""The healthcheck URL of a schedule: pinged when its deployments start and end.

The convention is that of healthchecks.io: URL/start, URL for success, URL/fail. Anyone
with the URL can report a success, so only its host is shown and stored readably.
"""

from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit, urlunsplit

from pydantic import AfterValidator, Field, PlainSerializer, SecretStr, WithJsonSchema

from app.domain.outgoing_url import MAX_URL, parse_url

#: Seconds until each further attempt; a ping that failed after the last is given up.
RETRY_AFTER = (5, 30, 120, 600)

_HIDDEN = "/…"


class Kind(StrEnum):
    """What a ping reports."""

    #: A schedule has launched a deployment.
    START = "start"
    #: The deployment was successful.
    SUCCESS = "success"
    #: The deployment ended otherwise.
    FAIL = "fail"


def _check(value: SecretStr) -> SecretStr:
    url = value.get_secret_value()
    if url and not is_hidden(url):
        parse_url(url)
    return value


def is_hidden(url: str) -> bool:
    """Return whether this is what `shown` returns, and not a whole URL."""
    return url.endswith(_HIDDEN)


def shown(value: SecretStr) -> str:
    """Return what may be shown and stored readably of a URL: its scheme and host."""
    url = value.get_secret_value()
    return url if not url or is_hidden(url) else parse_url(url).shown


#: The key of a schedule. A dumped model has the host only.
HealthcheckUrl = Annotated[
    SecretStr,
    AfterValidator(_check),
    PlainSerializer(shown, return_type=str),
    WithJsonSchema({"type": "string", "maxLength": MAX_URL, "writeOnly": True}),
    Field(
        description="FastDeploy pings URL/start when it launches the service, URL when "
        "that was successful, and URL/fail when it failed. Shown as its host only.",
    ),
]


def url_of(url: str, kind: Kind) -> str:
    """Return the URL to ping; a query stays at its end."""
    suffix = {Kind.START: "/start", Kind.SUCCESS: "", Kind.FAIL: "/fail"}[kind]
    parts = urlsplit(url)
    path = parts.path.rstrip("/") + suffix if suffix else parts.path
    return urlunsplit(parts._replace(path=path))
