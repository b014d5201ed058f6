"""The bodies of the API about tokens and the account of a request."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.domain.access import Grant, Permission, Role
from app.web.request_fields import Days, ServicePattern, TokenName
from app.web.schemas import Body

if TYPE_CHECKING:
    # A client of a server does without them.
    from app.usecases.own_account import Account
    from app.usecases.tokens import TokenDetails


class GrantLimitBody(Body):
    """A permission on the services that match a pattern, such as `shop/*@staging`."""

    permission: Permission
    services: str


class OwnTokenRequest(BaseModel):
    """A personal token to create."""

    model_config = ConfigDict(extra="forbid")

    name: TokenName
    scopes: Annotated[list[Permission], Field(min_length=1, max_length=20)]
    days: Days = None


class TokenRequest(OwnTokenRequest):
    """A token to create that belongs to nobody."""

    services: Annotated[
        list[ServicePattern],
        Field(
            max_length=100,
            description="The services that it is for, such as `shop/*@staging`; empty: "
            "all services.",
        ),
    ] = []

    @property
    def grants(self) -> list[Grant]:
        """The grants that the token gets; none for a token for all services."""
        return [Grant(s, pattern) for s in self.scopes for pattern in self.services]


class TokenBody(Body):
    """A token, without its secret."""

    id: int
    name: str
    owner: str | None
    """The user of a personal token; null if it belongs to nobody."""
    scopes: list[str]
    """What it may do at most."""
    limited: bool
    """Whether it may do only what its grants give."""
    grants: list[GrantLimitBody]
    """What it may do on which services; empty if its scopes are for all services that
    its owner may see."""
    created_at: datetime
    expires_at: datetime | None
    """Null if it doesn't expire."""
    last_used_at: datetime | None
    """Accurate to a minute; null if it wasn't used."""


class TokenSecretBody(Body):
    """A new token with its secret, which can't be read again."""

    token: TokenBody
    secret: str


class AccountBody(Body):
    """Who made the request, and what they may do."""

    name: str
    """What the audit log and deployments call them."""
    user: str | None
    """The user who has logged in, or to whom the token belongs; null without one."""
    role: Role | None
    """The role of the user."""
    token: int | None
    """The id of the token that authenticated the request; null for a session."""
    permissions: list[Permission]
    """What they may do on some service at least, or for the administration."""
    limits: list[list[GrantLimitBody]]
    """Limits the permissions to services: each list must give a permission. Empty if
    the permissions are for all services."""
    expires_at: datetime | None
    """When the session or the token expires; null for never."""


def token_body(found: "TokenDetails") -> TokenBody:
    """Return the body of a token."""
    token = found.token
    return TokenBody(
        id=token.id,
        name=token.name,
        owner=token.owner.name if token.owner else None,
        scopes=list(token.scopes),
        limited=token.limited,
        grants=[_limit(stored.grant) for stored in found.grants],
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
    )


def account_body(account: "Account") -> AccountBody:
    """Return the body of the account of a request."""
    return AccountBody(
        name=account.actor.name,
        user=account.user.name if account.user else None,
        role=account.role,
        token=account.token_id,
        permissions=account.permissions,
        limits=[[_limit(grant) for grant in layer] for layer in account.limits],
        expires_at=account.actor.expires_at,
    )


def _limit(grant: Grant) -> GrantLimitBody:
    return GrantLimitBody(permission=grant.permission, services=grant.services)
