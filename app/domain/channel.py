"""A channel, to which notifications are sent: its validation, and what is shown."""

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

from app.domain.notify_rules import CHANNEL
from app.domain.outgoing_url import parse_url
from app.errors import InvalidFields

_MAX_URL = 2000
_MAX_DESCRIPTION = 500
#: The shortest secret of a webhook, in characters.
MIN_SECRET = 16
_MAX_SECRET = 500
_SCHEME = re.compile(r"([a-z][a-z0-9]{0,30})://(.+)", re.DOTALL)
#: The URLs of the signed webhook; Apprise sends to all others.
WEBHOOK = frozenset({"http", "https"})
#: Services of Apprise that notify on the desktop or the log of the worker's host.
_LOCAL = frozenset(
    {"dbus", "file", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows"}
)
#: Parts of a URL of fewer characters occur in any error by chance.
_MIN_PART = 4


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel without its URL, of which only the scheme is shown."""

    name: str
    scheme: str
    description: str
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str
    paused_at: datetime | None
    paused_by: str

    @property
    def is_webhook(self) -> bool:
        """Whether it is the signed webhook; otherwise Apprise sends."""
        return self.scheme in WEBHOOK


def require_name(name: str) -> None:
    """Raise InvalidFields unless this is the name of a channel."""
    if not re.fullmatch(CHANNEL, name):
        raise InvalidFields(
            {
                "name": "must have 1 to 64 lower-case letters, digits, - and _, and "
                "begin and end with a letter or digit"
            }
        )


def check(url: str, secret: str, description: str) -> str:
    """Validate a channel; return the scheme of its URL.

    Raises InvalidFields, whose sentences contain neither the URL nor the secret.
    """
    problems = {}
    scheme, problem = _scheme(url)
    if problem:
        problems["url"] = problem
    if scheme in WEBHOOK and not MIN_SECRET <= len(secret) <= _MAX_SECRET:
        problems["secret"] = (
            f"must have {MIN_SECRET} to {_MAX_SECRET} characters: it signs the requests"
        )
    elif secret and scheme not in WEBHOOK and not problem:
        problems["secret"] = "goes with a URL of a webhook (https://…): leave it out"  # noqa: S105 - a sentence
    if problem := _description_problem(description):
        problems["description"] = problem
    if problems:
        raise InvalidFields(problems)
    return scheme


def require_description(description: str) -> str:
    """Return a valid description. Raises InvalidFields."""
    description = description.strip()
    if problem := _description_problem(description):
        raise InvalidFields({"description": problem})
    return description


def parts(url: str) -> list[str]:
    """Return what of a URL is masked in errors: the whole, and each of its parts."""
    found = {url, *re.split(r"[/?&=:@#;,+]+", url.partition("://")[2])}
    found |= {unquote(part) for part in found}
    return sorted(part for part in found if len(part) >= _MIN_PART)


def _scheme(url: str) -> tuple[str, str]:
    """Return the scheme of a URL, and the problem with it; either may be empty."""
    match = _SCHEME.fullmatch(url)
    if match is None:
        return "", "must be a URL, such as mailto://… , slack://… or https://…"
    scheme = match[1]
    if len(url) > _MAX_URL:
        return scheme, f"is longer than {_MAX_URL} characters"
    if not url.isprintable() or " " in url:
        return scheme, "must not contain blanks or control characters"
    if scheme in _LOCAL:
        return scheme, f"{scheme}:// notifies on the worker's own host: choose another"
    if scheme in WEBHOOK:
        try:
            parse_url(url)
        except ValueError as error:
            return scheme, str(error)
    return scheme, ""


def _description_problem(description: str) -> str:
    if len(description) > _MAX_DESCRIPTION:
        return f"is longer than {_MAX_DESCRIPTION} characters"
    return "must not contain the character NUL" if "\0" in description else ""
