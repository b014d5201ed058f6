"""OpenID providers: their settings, and the role that their claims give."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from app.domain.group_rules import GroupRules
from app.domain.identity import Identity, account_name

#: Claims that may name a user, the best first.
_NAME_CLAIMS = ("preferred_username", "email", "name", "sub")


def _issuer(value: str) -> str:
    local = re.fullmatch(r"http://(localhost|127\.0\.0\.1)(:[0-9]+)?(/\S*)?", value)
    if not local and not re.fullmatch(r"https://[^\s@/?#]+(/[^\s?#]*)?", value):
        raise ValueError("must be the https:// URL of the provider")
    return value


class Provider(GroupRules):
    """A section of the file of OpenID providers."""

    issuer: Annotated[str, AfterValidator(_issuer)]
    """Its issuer, exactly as the provider states it."""
    client_id: Annotated[str, Field(min_length=1)]
    client_secret: SecretStr
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    groups_claim: str = "groups"
    """The claim that lists the groups of a user, in the ID token or from `userinfo`."""


class Providers(BaseModel):
    """The file of OpenID providers: `[providers.ID]` for each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    providers: dict[
        Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$")], Provider
    ]


def identity_of(provider: Provider, claims: Mapping[str, Any]) -> Identity:
    """Return the identity that verified claims describe."""
    groups = claims.get(provider.groups_claim, [])
    if isinstance(groups, str):
        groups = [groups]
    listed = groups if isinstance(groups, list) else []
    return Identity(
        provider.issuer,
        claims["sub"],
        account_name(*(claims.get(each) for each in _NAME_CLAIMS)),
        frozenset(group for group in listed if isinstance(group, str)),
        claims["sid"] if isinstance(claims.get("sid"), str) else "",
    )
