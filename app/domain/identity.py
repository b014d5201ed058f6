"""Users whom somebody else has authenticated: an OpenID provider or a proxy."""

import re
from dataclasses import dataclass

#: The characters that the name of a user doesn't have.
_FOREIGN = re.compile(r"[^\w.@+-]+")
_MAX_USER_NAME = 64


@dataclass(frozen=True, slots=True)
class Identity:
    """Who logged in at a provider; `subject` never changes, unlike the name."""

    issuer: str
    subject: str
    #: What the account is called if it is new.
    name: str
    groups: frozenset[str]
    #: The provider's session, empty if it doesn't say.
    session: str


def account_name(*candidates: object) -> str:
    """Return the name of a new account: the first candidate that can be one."""
    for value in candidates:
        if isinstance(value, str):
            name = _FOREIGN.sub("-", value).strip("-")[:_MAX_USER_NAME]
            if name:
                return name
    return "user"


def other_names(name: str, provider_id: str) -> list[str]:
    """Return the names to try for a new account, the best first."""
    base = name[: _MAX_USER_NAME - len(provider_id) - 4]
    numbered = (f"{base}-{provider_id}-{number}" for number in range(2, 10))
    return [name, f"{base}-{provider_id}", *numbered]
