"""OpenID providers: their settings, and the role that their claims give."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from app.domain.access import Role

#: The characters that the name of a user doesn't have.
_FOREIGN = re.compile(r"[^\w.@+-]+")
_MAX_USER_NAME = 64
#: Claims that may name a user, the best first.
_NAME_CLAIMS = ("preferred_username", "email", "name", "sub")


def _issuer(value: str) -> str:
    local = re.fullmatch(r"http://(localhost|127\.0\.0\.1)(:[0-9]+)?(/\S*)?", value)
    if not local and not re.fullmatch(r"https://[^\s@/?#]+(/[^\s?#]*)?", value):
        raise ValueError("must be the https:// URL of the provider")
    return value


class Provider(BaseModel):
    """A section of the file of OpenID providers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=50)]
    """What the login page calls it."""
    issuer: Annotated[str, AfterValidator(_issuer)]
    """Its issuer, exactly as the provider states it."""
    client_id: Annotated[str, Field(min_length=1)]
    client_secret: SecretStr
    scopes: list[str] = ["openid", "profile", "email"]
    groups_claim: str = "groups"
    """The claim that lists the groups of a user, in the ID token or from `userinfo`."""
    roles: dict[str, Role] = {}
    """The role of the members of a group; of several, the highest counts."""
    teams: dict[str, str] = {}
    """The team of the members of a group; other teams keep their members."""
    default_role: Role | None = None
    """The role of everybody else; without it, they can't log in."""

    def role_of(self, groups: frozenset[str]) -> Role | None:
        """Return the highest role that the groups give, None if they give none."""
        order = list(Role)
        given = [role for group, role in self.roles.items() if group in groups]
        if self.default_role is not None:
            given.append(self.default_role)
        return max(given, key=order.index, default=None)

    def teams_of(self, groups: frozenset[str]) -> dict[str, bool]:
        """Return whether the groups give membership in each team that a group gives."""
        return {
            team: any(
                group in groups for group, given in self.teams.items() if given == team
            )
            for team in self.teams.values()
        }


class Providers(BaseModel):
    """The file of OpenID providers: `[providers.ID]` for each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    providers: dict[
        Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$")], Provider
    ]


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


def identity_of(provider: Provider, claims: Mapping[str, Any]) -> Identity:
    """Return the identity that verified claims describe."""
    groups = claims.get(provider.groups_claim, [])
    if isinstance(groups, str):
        groups = [groups]
    listed = groups if isinstance(groups, list) else []
    return Identity(
        provider.issuer,
        claims["sub"],
        _name(claims),
        frozenset(group for group in listed if isinstance(group, str)),
        claims["sid"] if isinstance(claims.get("sid"), str) else "",
    )


def _name(claims: Mapping[str, Any]) -> str:
    for claim in _NAME_CLAIMS:
        value = claims.get(claim)
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
